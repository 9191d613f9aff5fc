"""When what of a program is worked out in a run: nests for the first moment, once a run, once a step, at every stage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from wm2u_sd.backends.loops import LEAVES, SHAPING, Nest, Shape, Store, lengths, nests, stored, tasks_for
from wm2u_sd.compile.program import Code, Instruction, Level, Program


@dataclass(frozen=True, slots=True)
class Saved:
    """A value that is kept: its name, lengths, and the row its first element has among all kept ones."""

    name: str
    shape: Shape
    row: int


@dataclass(frozen=True)
class Schedule:
    """A program laid out for a run that keeps some names.

    Attributes:
        program: The program.
        step: Its step code, with an instruction for each state that is kept.
        states: Numbers of the states that are carried, in order.
        frozen, memories, lines: Numbers of those that something reads.
        constants: Numbers of the constants that something reads.
        saved: What is kept.
        n_rows: Number of rows that are kept.
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
    n_rows: int
    begin: tuple[Nest, ...]
    run: tuple[Nest, ...]
    held: tuple[Nest, ...]
    stage: tuple[Nest, ...]
    saving: tuple[Nest, ...]

    @cached_property
    def stored_at_start(self) -> frozenset[int]:
        """Instructions of the start code that have to stay in memory."""
        return stored(self.program.start, [(), self.begin])

    @cached_property
    def stored(self) -> frozenset[int]:
        """Instructions of the step code that have to stay in memory."""
        return stored(self.step, [self.run, self.held, self.stage, self.saving])


def schedule(program: Program, save: Sequence[str]) -> Schedule:
    """Lay a program out for a run that keeps some names of states and values."""
    return _Scheduling(program, tuple(save)).schedule()


def carried(program: Program, save: Iterable[str]) -> tuple[int, ...]:
    """Return the numbers of the states that something reads or that are kept."""
    read = {one.payload for one in program.step.instructions if one.operation == "state"}
    wanted = set(save)
    return tuple(k for k, slot in enumerate(program.states) if k in read or slot.name in wanted)


class _Scheduling:
    def __init__(self, program: Program, save: tuple[str, ...]) -> None:
        self.program, self.save = program, save
        self.numbers = {slot.name: number for number, slot in enumerate(program.states)}
        self.code = _with_states(program.step, [(self.numbers[n], program) for n in save if n in self.numbers])
        self.states = carried(program, save)
        self.needed = self.closure()

    def closure(self) -> set[int]:
        """Return the instructions of the step code that anything is worked out from."""
        program, found = self.program, set[int]()
        waiting = [program.rates[k] for k in self.states] + [self.source(name) for name in self.save]
        while waiting:
            number = waiting.pop()
            if number in found:
                continue
            found.add(number)
            instruction = self.code.instructions[number]
            waiting.extend(instruction.arguments)
            if instruction.operation == "line":
                waiting.append(program.lines[instruction.payload].source)
            if instruction.operation == "memory":
                waiting.append(program.memories[instruction.payload].source)
        return found

    def source(self, name: str) -> int:
        if name not in self.numbers:
            return self.code.values[name]
        raw = ("state", self.numbers[name], ())
        return next(
            n for n, one in enumerate(self.code.instructions) if (one.operation, one.payload, one.arguments) == raw
        )

    def read(self, operation: str, *codes: Iterable[Instruction]) -> tuple[int, ...]:
        return tuple(sorted({one.payload for code in codes for one in code if one.operation == operation}))

    def schedule(self) -> Schedule:
        program = self.program
        here = [self.code.instructions[number] for number in sorted(self.needed)]
        frozen, memories, lines = (self.read(kind, here) for kind in ("frozen", "memory", "line"))
        begin = self.begin(frozen, memories, lines)
        at_start = program.start.instructions
        roots = [s.source for nest in begin for s in nest.tasks if isinstance(s, Store)]
        reached = _closure(program.start, roots + [program.lines[k].delay for k in lines])
        saved, n_rows = self.saved()
        now, later = self.stage_tasks(memories, lines), self.saving_tasks(saved)
        always = set(tasks_for(self.code, [s.source for s in now]))
        kept = set(tasks_for(self.code, [s.source for s in later]))
        level = {n: self.code.instructions[n].level for n in always | kept}
        run = nests(self.code, sorted(n for n in level if level[n] is Level.RUN))
        done = {n for n in level if level[n] is Level.RUN}
        held = nests(self.code, sorted(n for n in level if level[n] is Level.HELD), done)
        done |= {n for n in level if level[n] is Level.HELD}
        inside = sorted(n for n in always if level[n] is Level.STAGE)
        stage = nests(self.code, [*inside, *now], done)
        extra = sorted(n for n in kept - always if level[n] is Level.STAGE)
        saving = nests(self.code, [*extra, *later], done | set(inside))
        return Schedule(
            program,
            self.code,
            self.states,
            frozen,
            memories,
            lines,
            self.read("constant", here, (at_start[n] for n in reached)),
            saved,
            n_rows,
            begin,
            run,
            held,
            stage,
            saving,
        )

    def begin(self, frozen: Iterable[int], memories: Iterable[int], lines: Iterable[int]) -> tuple[Nest, ...]:
        """Lay out the first moment: states, frozen values and what there is of history."""
        program = self.program
        stores = [Store("initial", k, program.initials[k], program.states[k].shape) for k in self.states]
        stores += [Store("frozen", k, program.frozen_values[k], program.frozen[k].shape) for k in frozen]
        stores += [
            Store("memory", k, program.memories[k].initial, _lengths(program.memories[k].axes)) for k in memories
        ]
        stores += [Store("line", k, program.lines[k].initial, _lengths(program.lines[k].axes)) for k in lines]
        tasks = tasks_for(program.start, [store.source for store in stores])
        return nests(program.start, [*tasks, *stores])

    def stage_tasks(self, memories: Iterable[int], lines: Iterable[int]) -> list[Store]:
        program = self.program
        stores = [Store("advance", k, program.rates[k], program.states[k].shape) for k in self.states]
        stores += [
            Store("remember", k, program.memories[k].source, _lengths(program.memories[k].axes)) for k in memories
        ]
        stores += [Store("record", k, program.lines[k].source, _lengths(program.lines[k].axes)) for k in lines]
        return stores

    def saved(self) -> tuple[tuple[Saved, ...], int]:
        found, row = [], 0
        for name in self.save:
            shape = lengths(self.code.instructions[self.source(name)])
            found.append(Saved(name, shape, row))
            row += _size(shape)
        return tuple(found), row

    def saving_tasks(self, saved: Sequence[Saved]) -> list[Store]:
        return [Store("save", at, self.source(one.name), one.shape) for at, one in enumerate(saved)]


def _closure(code: Code, roots: Iterable[int]) -> set[int]:
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting.extend(code.instructions[number].arguments)
    return found


def _with_states(code: Code, wanted: Iterable[tuple[int, Program]]) -> Code:
    """Return the code with an instruction that reads each of some states as it is."""
    known = {one.payload for one in code.instructions if one.operation == "state"}
    more = [
        Instruction("state", (), program.states[k].axes, Level.STAGE, k) for k, program in wanted if k not in known
    ]
    return replace(code, instructions=(*code.instructions, *more))


def _lengths(axes: Iterable[object]) -> Shape:
    return tuple(len(axis.elements) for axis in axes)  # type: ignore[attr-defined]


def _size(shape: Shape) -> int:
    size = 1
    for length in shape:
        size *= length
    return size
