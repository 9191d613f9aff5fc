"""When what of a program is worked out: nests for the first moment, once a run, once a step, at every stage."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from wm2u_sd.backends.loops import Nest, Shape, Store, lengths, lengths_of, nests, stored, tasks_for
from wm2u_sd.compile.integrators import TABLEAUX, Tableau
from wm2u_sd.compile.program import Code, Instruction, Level, Program, with_arguments

RATE = "rate of "


@dataclass(frozen=True, slots=True)
class Saved:
    """A value that is kept: its name, lengths, and the row its first element has among all kept ones."""

    name: str
    shape: Shape
    row: int


@dataclass(frozen=True)
class Schedule:
    """A program laid out for what is to be kept of it.

    Attributes:
        program: The program.
        step: Its step code, with an instruction for each state that is kept.
        states: Numbers of the states that are carried, in order.
        frozen, memories, lines: Numbers of those that something reads.
        constants: Numbers of the constants that something reads.
        saved: What is kept.
        begin: Nests of the start code.
        run, held, stage, saving: Nests of the step code.
    """

    program: Program
    step: Code
    states: tuple[int, ...]
    frozen: tuple[int, ...]
    memories: tuple[int, ...]
    lines: tuple[int, ...]
    constants: tuple[int, ...]
    saved: tuple[Saved, ...]
    begin: tuple[Nest, ...]
    run: tuple[Nest, ...]
    held: tuple[Nest, ...]
    stage: tuple[Nest, ...]
    saving: tuple[Nest, ...]

    @property
    def n_rows(self) -> int:
        """Number of single values that are kept of a moment."""
        return sum(math.prod(one.shape) for one in self.saved)

    @cached_property
    def tableau(self) -> Tableau:
        """The integration method."""
        return TABLEAUX[self.program.time.method]

    @property
    def n_stages(self) -> int:
        """Stages of a step."""
        return len(self.tableau.b)

    @property
    def needs_total(self) -> bool:
        """Whether more than the rates of the last stage are weighed in the step."""
        return sum(weight != 0 for weight in self.tableau.b) > 1

    @cached_property
    def held_states(self) -> tuple[int, ...]:
        """Numbers of the states that a step of several stages must not overdraw."""
        rationed = set(self.program.non_negative) if self.n_stages > 1 else set()
        return tuple(k for k in self.states if self.program.states[k].name in rationed)

    @cached_property
    def moving(self) -> tuple[int, ...]:
        """Numbers of the constants that scenarios may move and that something reads."""
        codes = (self.program.start, self.program.step)
        found = {one.payload for code in codes for one in code.instructions if is_moving(one)}
        return tuple(k for k in self.constants if k in found)

    @cached_property
    def stored_at_start(self) -> frozenset[int]:
        """Instructions of the start code that have to stay in memory."""
        return stored(self.program.start, [(), self.begin])

    @cached_property
    def stored(self) -> frozenset[int]:
        """Instructions of the step code that have to stay in memory."""
        return stored(self.step, [self.run, self.held, self.stage, self.saving])


def is_moving(instruction: Instruction) -> bool:
    """Whether an instruction reads a constant that scenarios move."""
    return instruction.operation == "constant" and instruction.level is Level.HELD


def schedule(program: Program, save: Sequence[str]) -> Schedule:
    """Lay a program out for a run that keeps some names of states and values."""
    code = _with_states(program, save)
    sources = {**code.values, **_states_read(program, code)}
    kept = [(name, sources[name]) for name in save]
    return _Scheduling(program, code, kept, carried(program, save), advances=True).schedule()


def schedule_start(program: Program, names: Sequence[str]) -> Schedule:
    """Lay a program out for its first moment: the rates of the states among some names, and the values of the others.

    A rate is kept as 'rate of <state>'.
    """
    numbers = {slot.name: number for number, slot in enumerate(program.states)}
    kept = [(RATE + name, program.rates[numbers[name]]) for name in names if name in numbers]
    kept += [(name, program.step.values[name]) for name in names if name in program.step.values]
    wanted = with_arguments(program.step, [source for _, source in kept])
    read = {program.step.instructions[n].payload for n in wanted if program.step.instructions[n].operation == "state"}
    states = sorted(read | {numbers[name] for name in names if name in numbers})
    return _Scheduling(program, program.step, kept, tuple(states), advances=False).schedule()


def renested(schedule: Schedule, given: frozenset[int]) -> Schedule:
    """Return a schedule in which some values of the step code are given, and not worked out."""
    tasks = [task for nest in (*schedule.stage, *schedule.saving) for task in nest.tasks]
    stores = [task for task in tasks if isinstance(task, Store)]
    now = [store for store in stores if store.kind != "save"]
    later = [store for store in stores if store.kind == "save"]
    _, held, stage, saving = _levels(schedule.step, now, later, given)
    return replace(schedule, held=held, stage=stage, saving=saving)


def carried(program: Program, save: Iterable[str]) -> tuple[int, ...]:
    """Return the numbers of the states that something reads or that are kept."""
    read = {one.payload for one in program.step.instructions if one.operation == "state"}
    wanted = set(save)
    return tuple(k for k, slot in enumerate(program.states) if k in read or slot.name in wanted)


@dataclass
class _Scheduling:
    """Works a schedule out.

    Attributes:
        code: The step code.
        kept: Name and instruction of what is kept.
        states: Numbers of the states that are carried.
        advances: Whether steps are taken.
    """

    program: Program
    code: Code
    kept: list[tuple[str, int]]
    states: tuple[int, ...]
    advances: bool

    def schedule(self) -> Schedule:
        program, code = self.program, self.code
        here = [code.instructions[number] for number in sorted(self.needed())]
        frozen, memories, lines = (_read(kind, here) for kind in ("frozen", "memory", "line"))
        begin = self.begin(frozen, memories, lines)
        roots = [task.source for nest in begin for task in nest.tasks if isinstance(task, Store)]
        roots += [program.lines[k].delay for k in lines]
        at_start = [program.start.instructions[number] for number in with_arguments(program.start, roots)]
        saved = self.saved()
        now = self.onward(memories, lines) if self.advances else []
        later = [Store("save", at, source, saved[at].shape) for at, (_, source) in enumerate(self.kept)]
        run, held, stage, saving = _levels(self.code, now, later)
        constants = _read("constant", [*here, *at_start])
        return Schedule(
            program, code, self.states, frozen, memories, lines, constants, saved, begin, run, held, stage, saving
        )

    def needed(self) -> set[int]:
        """Return the instructions of the step code that anything is worked out from, now or later."""
        found: set[int] = set()
        waiting = [source for _, source in self.kept]
        waiting += [self.program.rates[k] for k in self.states] if self.advances else []
        while waiting:
            number = waiting.pop()
            if number not in found:
                found.add(number)
                waiting += [*self.code.instructions[number].arguments, *self.fed(self.code.instructions[number])]
        return found

    def fed(self, instruction: Instruction) -> list[int]:
        """Return what history is fed with, where an instruction reads history and steps are taken."""
        if instruction.operation == "line" and self.advances:
            return [self.program.lines[instruction.payload].source]
        if instruction.operation == "memory" and self.advances:
            return [self.program.memories[instruction.payload].source]
        return []

    def begin(self, frozen: Iterable[int], memories: Iterable[int], lines: Iterable[int]) -> tuple[Nest, ...]:
        """Lay out the first moment: states, frozen values and what there is of history."""
        program = self.program
        stores = [
            *(Store("initial", k, program.initials[k], program.states[k].shape) for k in self.states),
            *(Store("frozen", k, program.frozen_values[k], program.frozen[k].shape) for k in frozen),
            *(Store("memory", k, program.memories[k].initial, lengths_of(program.memories[k].axes)) for k in memories),
            *(Store("line", k, program.lines[k].initial, lengths_of(program.lines[k].axes)) for k in lines),
        ]
        return nests(program.start, [*tasks_for(program.start, [store.source for store in stores]), *stores])

    def onward(self, memories: Iterable[int], lines: Iterable[int]) -> list[Store]:
        """Return what a stage leaves for those after it."""
        program = self.program
        return [
            *(Store("advance", k, program.rates[k], program.states[k].shape) for k in self.states),
            *(Store("remember", k, program.memories[k].source, lengths_of(program.memories[k].axes)) for k in memories),
            *(Store("record", k, program.lines[k].source, lengths_of(program.lines[k].axes)) for k in lines),
        ]

    def saved(self) -> tuple[Saved, ...]:
        found, row = [], 0
        for name, source in self.kept:
            shape = lengths(self.code.instructions[source])
            found.append(Saved(name, shape, row))
            row += math.prod(shape)
        return tuple(found)


def _levels(
    code: Code, now: Sequence[Store], later: Sequence[Store], given: frozenset[int] = frozenset()
) -> tuple[tuple[Nest, ...], ...]:
    """Return nests for once a run, once a step, every stage, and for what is worked out only to be kept."""
    always = tasks_for(code, [store.source for store in now], given)
    more = tasks_for(code, [store.source for store in later], {*always, *given})

    def of(level: Level, tasks: Iterable[int]) -> list[int]:
        return sorted(number for number in tasks if code.instructions[number].level is level)

    run, held = (of(level, [*always, *more]) for level in (Level.RUN, Level.HELD))
    stage, saving = of(Level.STAGE, always), of(Level.STAGE, more)
    return (
        nests(code, run),
        nests(code, held, [*run, *given]),
        nests(code, [*stage, *now], [*run, *held, *given]),
        nests(code, [*saving, *later], [*run, *held, *stage, *given]),
    )


def _read(operation: str, instructions: Iterable[Instruction]) -> tuple[int, ...]:
    return tuple(sorted({one.payload for one in instructions if one.operation == operation}))


def _with_states(program: Program, save: Sequence[str]) -> Code:
    """Return the step code with an instruction that reads each state that is kept as it is."""
    code, wanted = program.step, set(save)
    known = {one.payload for one in code.instructions if one.operation == "state"}
    more = [
        Instruction("state", (), slot.axes, Level.STAGE, k)
        for k, slot in enumerate(program.states)
        if slot.name in wanted and k not in known
    ]
    return replace(code, instructions=(*code.instructions, *more))


def _states_read(program: Program, code: Code) -> dict[str, int]:
    """Return by name the instructions that read states."""
    return {program.states[one.payload].name: n for n, one in enumerate(code.instructions) if one.operation == "state"}
