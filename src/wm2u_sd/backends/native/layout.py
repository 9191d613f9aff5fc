"""What a kernel is printed for: which values it works out, and how they stand side by side."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from wm2u_sd.backends.loops import Nest, Store, stored
from wm2u_sd.backends.native.memory import Bars, Frame, Memory, Record, lay_out, lay_out_bars, lay_out_record
from wm2u_sd.backends.schedule import Schedule

if TYPE_CHECKING:
    from wm2u_sd.backends.reversal import Reversal

MANY = 800  # instructions of a program


@dataclass(frozen=True)
class Layout:
    """What a kernel is printed for.

    Attributes:
        schedule: What is worked out when.
        frame: How values stand side by side.
        sizes: Number of points of each lookup.
        reversal: How to go back over a run, where that is wanted; its `forward` is the schedule.
        tick: What is worked out for all moments at once, where there is anything.
    """

    schedule: Schedule
    frame: Frame
    sizes: tuple[int, ...]
    reversal: Reversal | None = None
    tick: Nest | None = None

    @property
    def is_long(self) -> bool:
        """Whether the code is so long that compiling it whole would take too long; cut into blocks it is less quick."""
        return len(self.schedule.program.step.instructions) > MANY

    @cached_property
    def clocked(self) -> tuple[int, ...]:
        """Instructions whose values were worked out for all moments at once, in the order they stand in memory."""
        return tuple(task.source for task in (self.tick.tasks if self.tick else ()) if isinstance(task, Store))

    @cached_property
    def memory(self) -> Memory:
        """Where everything stands in a context."""
        stays = self.schedule.stored if self.reversal is None else self.reversal.stored
        if self.tick is not None:
            stays |= stored(self.schedule.step, [self.schedule.run, [self.tick]])
        return lay_out(self.schedule, self.frame, stays)

    @cached_property
    def record(self) -> Record:
        """Where everything stands in the record of a step, to go back by."""
        return lay_out_record(self.schedule, self.frame, self.memory.region_size, self.schedule.n_stages)

    @cached_property
    def bars(self) -> Bars:
        """Where bars stand in a context.

        Raises:
            ValueError: There is no going back in this layout.
        """
        if self.reversal is None:
            raise ValueError("a layout without a reversal has no bars")
        return lay_out_bars(self.reversal, self.frame, self.memory, self.saved_rows[-1])

    @property
    def context_size(self) -> int:
        """How many numbers a context takes, without the rings of lines."""
        return self.memory.size if self.reversal is None else self.bars.size

    @cached_property
    def shared(self) -> dict[int, int]:
        """Where constants that do not vary stand, in numbers; varying ones take no room."""
        places, at = {}, 0
        for k, slot in enumerate(self.schedule.program.constants):
            if k not in self.varying:
                places[k] = at
                at += self.frame.room(slot.shape, varies=False)
        return places

    @cached_property
    def varying(self) -> tuple[int, ...]:
        """Numbers of the varying constants that something reads, in order."""
        return tuple(k for k in self.schedule.constants if k in self.frame.varying)

    @cached_property
    def saved_rows(self) -> tuple[int, ...]:
        """Where each kept value begins among the rows of one moment."""
        rows, at = [], 0
        for one in self.schedule.saved:
            rows.append(at)
            at += self.frame.room(one.shape, varies=False)
        return (*rows, at)
