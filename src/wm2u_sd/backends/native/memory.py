"""Where everything stands in the memory of a kernel: a block of columns has one context, cut into regions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wm2u_sd.backends.loops import Shape, lengths, lengths_of
from wm2u_sd.backends.schedule import Schedule
from wm2u_sd.compile.program import SEED, Code, Instruction

if TYPE_CHECKING:
    from wm2u_sd.backends.reversal import Reversal

ALIGNMENT = 8  # numbers; 64 bytes, a line of the processor's cache


@dataclass(frozen=True)
class Frame:
    """How values stand side by side.

    Attributes:
        width: Numbers in a vector.
        lanes: Whether a vector holds one value of several columns; else it holds neighbours along the last axis of one
            value of one column.
        varying: Numbers of the constants that differ between columns; with one column none does.
    """

    width: int
    lanes: bool
    varying: frozenset[int] = frozenset()

    def padded(self, shape: Shape) -> Shape:
        """Return the lengths as they stand in memory: whole vectors along the last axis, where those are neighbours."""
        if self.lanes or not shape:
            return shape
        return (*shape[:-1], -(-shape[-1] // self.width) * self.width)

    def strides(self, shape: Shape) -> tuple[int, ...]:
        """Return how far apart elements stand along each axis, in elements."""
        padded = self.padded(shape)
        return tuple(math.prod(padded[axis + 1 :]) for axis in range(len(padded)))

    def room(self, shape: Shape, varies: bool) -> int:
        """Return how many numbers a value takes."""
        return math.prod(self.padded(shape)) * (self.width if self.lanes and varies else 1)


@dataclass
class Allocator:
    """Hands out memory, and knows how much was taken: single numbers one after the other, others in whole lines."""

    taken: int = 0

    @property
    def size(self) -> int:
        """How much was taken, in whole lines."""
        return in_lines(self.taken)

    def take(self, numbers: int) -> int:
        """Return where some numbers may stand."""
        place = self.taken if numbers == 1 else self.size
        self.taken = place + (numbers if numbers == 1 else in_lines(numbers))
        return place


def in_lines(numbers: int) -> int:
    """Return how many numbers whole lines have that hold some numbers."""
    return -(-numbers // ALIGNMENT) * ALIGNMENT


@dataclass(frozen=True)
class Memory:
    """Places of what a block of columns has of its own, in numbers from the beginning of its context.

    Attributes:
        constants: Of the varying constants that something reads.
        moving: Of what scenarios have made of the constants they move.
        states: Of states within a region for them, by number.
        region_size: How much a region for states takes.
        regions: Of the three such regions: where the step began, and two for stages.
        total: Of the region for the weighted sum of rates.
        start, step: Of values of the two codes that have to stay.
        frozen, memory, next_memory, line, delay: Of history, by number.
        flags: Of numbers that are added up for each column.
        size: How much it is, without the rings of lines.
    """

    constants: Mapping[int, int]
    moving: Mapping[int, int]
    states: Mapping[int, int]
    region_size: int
    regions: tuple[int, int, int]
    total: int
    start: Mapping[int, int]
    step: Mapping[int, int]
    frozen: Mapping[int, int]
    memory: Mapping[int, int]
    next_memory: Mapping[int, int]
    line: Mapping[int, int]
    delay: Mapping[int, int]
    flags: int
    size: int
    varies_at_start: frozenset[int] = field(default=frozenset())
    varies: frozenset[int] = field(default=frozenset())


def lay_out(schedule: Schedule, frame: Frame, stays: Iterable[int]) -> Memory:
    """Give everything its place; `stays` are the instructions of the step code whose values do."""
    program, allocator = schedule.program, Allocator()
    at_start = varying(program.start, frame)
    in_steps = varying(schedule.step, frame)

    def constant(k: int) -> int:
        return allocator.take(frame.room(shapes[k], k in frame.varying))

    def values(code: Code, numbers: Iterable[int], varies: frozenset[int]) -> dict[int, int]:
        return {n: allocator.take(frame.room(lengths(code.instructions[n]), n in varies)) for n in sorted(numbers)}

    def history(shaped: Mapping[int, Shape]) -> dict[int, int]:
        return {k: allocator.take(frame.room(shape, True)) for k, shape in shaped.items()}

    region = Allocator()
    states = {k: region.take(frame.room(program.states[k].shape, True)) for k in schedule.states}
    shapes = {k: slot.shape for k, slot in enumerate(program.constants)}
    memories = {k: lengths_of(program.memories[k].axes) for k in schedule.memories}
    lines = {k: lengths_of(program.lines[k].axes) for k in schedule.lines}
    return Memory(
        constants={k: constant(k) for k in schedule.constants if k in frame.varying},
        moving={k: constant(k) for k in schedule.moving},
        states=states,
        region_size=region.size,
        regions=(allocator.take(region.size), allocator.take(region.size), allocator.take(region.size)),
        total=allocator.take(region.size),
        start=values(program.start, schedule.stored_at_start, at_start),
        step=values(schedule.step, stays, in_steps),
        frozen=history({k: program.frozen[k].shape for k in schedule.frozen}),
        memory=history(memories),
        next_memory=history(memories),
        line=history(lines),
        delay=history(lines),
        flags=allocator.take(frame.width),
        size=allocator.size,
        varies_at_start=at_start,
        varies=in_steps,
    )


@dataclass(frozen=True)
class Record:
    """What is kept of each step on the way, to go back by: places in numbers from the beginning of a record.

    Attributes:
        region_size: Of a region for states; the stages of a step have one each, the first at the beginning.
        flags: Of the columns in which Euler's method took the step.
        line, memory: Of what came out of history, by number.
        size: How much a record takes.
    """

    region_size: int
    flags: int
    line: Mapping[int, int]
    memory: Mapping[int, int]
    size: int


def lay_out_record(schedule: Schedule, frame: Frame, region_size: int, n_stages: int) -> Record:
    """Give everything of a record its place."""
    program, allocator = schedule.program, Allocator(region_size * n_stages)
    return Record(
        region_size,
        flags=allocator.take(frame.width),
        line={k: allocator.take(frame.room(lengths_of(program.lines[k].axes), True)) for k in schedule.lines},
        memory={k: allocator.take(frame.room(lengths_of(program.memories[k].axes), True)) for k in schedule.memories},
        size=allocator.size,
    )


@dataclass(frozen=True)
class Bars:
    """Places of bars in a context, in numbers from its beginning.

    Attributes:
        ahead: Region for the bars of states at the end of a step, later at its beginning.
        total: Region in which those of the stages are added up.
        onward: Region for those of the states of the stage that was undone last.
        rates: Region for those of rates.
        summed: Of instructions whose bars are added up, by number.
        saved: Of kept values, row after row.
        fed, remembered: Of what went into lines and memories at the start of the step, by number.
        line, memory: Of what lines begin with, and of what memories held at the start of the step.
        frozen, constant: By number.
        points: Of the coordinates of points, in order.
        start: Of values of the start code that have to stay.
        varies_at_start: Instructions of the start code that differ between columns.
        size: Where all of it ends.
    """

    ahead: int
    total: int
    onward: int
    rates: int
    summed: Mapping[int, int]
    saved: int
    fed: Mapping[int, int]
    remembered: Mapping[int, int]
    line: Mapping[int, int]
    memory: Mapping[int, int]
    frozen: Mapping[int, int]
    constant: Mapping[int, int]
    points: Sequence[int]
    start: Mapping[int, int]
    varies_at_start: frozenset[int]
    size: int


def lay_out_bars(reversal: Reversal, frame: Frame, memory: Memory, n_saved_rows: int) -> Bars:
    """Give every bar its place, after the rest of a context."""
    schedule, allocator = reversal.forward, Allocator(memory.size)
    program = schedule.program
    at_start = varying(reversal.start, frame)
    unit = frame.width if frame.lanes else 1

    def room(shapes: Mapping[int, Shape]) -> dict[int, int]:
        return {k: allocator.take(frame.room(shape, True)) for k, shape in shapes.items()}

    def region() -> int:
        return allocator.take(memory.region_size)

    memories = {k: lengths_of(program.memories[k].axes) for k in schedule.memories}
    lines = {k: lengths_of(program.lines[k].axes) for k in schedule.lines}
    code, start = schedule.step.instructions, reversal.start.instructions
    return Bars(
        ahead=region(),
        total=region(),
        onward=region(),
        rates=region(),
        summed=room({n: lengths(code[n]) for n in reversal.summed}),
        saved=allocator.take(n_saved_rows * unit),
        fed=room(lines),
        remembered=room(memories),
        line=room(lines),
        memory=room(memories),
        frozen=room({k: program.frozen[k].shape for k in schedule.frozen}),
        constant=room({k: program.constants[k].shape for k in sorted(reversal.wanted.constants)}),
        points=[allocator.take(unit) for _ in reversal.points],
        start={
            n: allocator.take(frame.room(lengths(start[n]), n in at_start)) for n in sorted(reversal.stored_at_start)
        },
        varies_at_start=at_start,
        size=allocator.size,
    )


def varying(code: Code, frame: Frame) -> frozenset[int]:
    """Return the instructions whose values differ between the columns of a block."""
    found: set[int] = set()
    for number, instruction in enumerate(code.instructions):
        if _differs(instruction, frame) or any(a in found for a in instruction.arguments):
            found.add(number)
    return frozenset(found) if frame.lanes else frozenset()


def _differs(instruction: Instruction, frame: Frame) -> bool:
    if instruction.operation == "constant":
        return instruction.payload in frame.varying
    return instruction.operation in ("state", "frozen", "memory", "line", SEED)
