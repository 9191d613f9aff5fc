"""Where everything stands in the memory of a kernel: a block of columns has one context, cut into regions."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from wm2u_sd.backends.loops import Shape, lengths, lengths_of
from wm2u_sd.backends.schedule import Schedule
from wm2u_sd.compile.program import Code, Instruction, Level

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
    """Hands out memory, and knows how much was taken."""

    size: int = 0

    def take(self, numbers: int) -> int:
        """Return where some numbers may stand."""
        place = self.size
        self.size += -(-numbers // ALIGNMENT) * ALIGNMENT
        return place


@dataclass(frozen=True)
class Memory:
    """Places of what a block of columns has of its own, in numbers from the beginning of its context.

    Attributes:
        constants: Of the varying constants that something reads.
        moving: Of what scenarios have made of the constants they move.
        states: For each of the three states at hand (where the step began, and two for stages) the places by number.
        total: Of the weighted sum of rates, by state number; empty where the method needs none.
        start, step: Of values of the two codes that have to stay.
        frozen, memory, next_memory, line, delay: Of history, by number.
        flags: Of numbers that are added up for each column.
        size: How much it is, without the rings of lines.
    """

    constants: Mapping[int, int]
    moving: Mapping[int, int]
    states: tuple[Mapping[int, int], Mapping[int, int], Mapping[int, int]]
    total: Mapping[int, int]
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


def lay_out(schedule: Schedule, frame: Frame, moving: Iterable[int], *, needs_total: bool) -> Memory:
    """Give everything its place."""
    program, allocator = schedule.program, Allocator()
    at_start = varying(program.start, frame)
    in_steps = varying(schedule.step, frame)

    def constant(k: int) -> int:
        return allocator.take(frame.room(shapes[k], k in frame.varying))

    def states() -> dict[int, int]:
        return {k: allocator.take(frame.room(program.states[k].shape, True)) for k in schedule.states}

    def values(code: Code, numbers: Iterable[int], varies: frozenset[int]) -> dict[int, int]:
        return {n: allocator.take(frame.room(lengths(code.instructions[n]), n in varies)) for n in sorted(numbers)}

    def history(shaped: Mapping[int, Shape]) -> dict[int, int]:
        return {k: allocator.take(frame.room(shape, True)) for k, shape in shaped.items()}

    shapes = {k: slot.shape for k, slot in enumerate(program.constants)}
    memories = {k: lengths_of(program.memories[k].axes) for k in schedule.memories}
    lines = {k: lengths_of(program.lines[k].axes) for k in schedule.lines}
    return Memory(
        constants={k: constant(k) for k in schedule.constants if k in frame.varying},
        moving={k: constant(k) for k in moving if k in schedule.constants},
        states=(states(), states(), states()),
        total=states() if needs_total else {},
        start=values(program.start, schedule.stored_at_start, at_start),
        step=values(schedule.step, schedule.stored, in_steps),
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
    return instruction.operation in ("state", "frozen", "memory", "line")


def is_moving(instruction: Instruction) -> bool:
    """Whether an instruction reads a constant that scenarios move."""
    return instruction.operation == "constant" and instruction.level is Level.HELD
