"""What a program is printed for: which values are worked out when, and by which method."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from wm2u_sd.backends.loops import Shape, lengths_of, reads_of
from wm2u_sd.backends.schedule import Schedule
from wm2u_sd.compile.program import Program


@dataclass(frozen=True)
class Layout:
    """What a program is printed for."""

    schedule: Schedule

    @property
    def program(self) -> Program:
        """The program."""
        return self.schedule.program

    @cached_property
    def settled(self) -> tuple[int, ...]:
        """Instructions worked out once a run that steps read."""
        schedule = self.schedule
        once = {task for nest in schedule.run for task in nest.tasks if isinstance(task, int)}
        later = [*schedule.held, *schedule.stage, *schedule.saving]
        reads = {read.source for nest in later for task in nest.tasks for read in reads_of(schedule.step, task)}
        return tuple(sorted(once & reads))

    @cached_property
    def constants(self) -> dict[int, Shape]:
        """Lengths of the constants that something reads, by number."""
        return {k: self.program.constants[k].shape for k in self.schedule.constants}

    @cached_property
    def states(self) -> dict[int, Shape]:
        """Lengths of the states that are carried, by number."""
        return {k: self.program.states[k].shape for k in self.schedule.states}

    @cached_property
    def frozen(self) -> dict[int, Shape]:
        """Lengths of the frozen values that something reads, by number."""
        return {k: self.program.frozen[k].shape for k in self.schedule.frozen}

    @cached_property
    def memories(self) -> dict[int, Shape]:
        """Lengths of the memories that something reads, by number."""
        return {k: lengths_of(self.program.memories[k].axes) for k in self.schedule.memories}

    @cached_property
    def lines(self) -> dict[int, Shape]:
        """Lengths of the lines that something reads, by number."""
        return {k: lengths_of(self.program.lines[k].axes) for k in self.schedule.lines}
