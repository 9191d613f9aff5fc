"""Which constants a result depends on in jumps, so that no derivative tells how it changes with them.

A time at which something begins moves a step of the run or it does not; a threshold lets one branch be taken or the
other. The derivative by such a constant is that of the branch that was taken, and says nothing about the jump.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from wm2u_sd.compile.derivatives import WITHOUT
from wm2u_sd.compile.program import Code, Instruction, Line, Memory, Program, with_arguments

ORDERED = frozenset({"less", "less_equal", "greater", "greater_equal"})
EQUAL = frozenset({"equal", "not_equal", "truth"})
CLOCK = frozenset({"time", "held_time"})
MOVING = frozenset({"state", "memory", "line"})
WHOLE = frozenset({"integer", "modulo"})


@dataclass(frozen=True)
class Jumps:
    """Constants by number, once each.

    Attributes:
        events: They set when something happens, whatever the stocks do, or how long a fixed delay is.
        thresholds: They set where one of two branches is taken.
    """

    events: tuple[int, ...]
    thresholds: tuple[int, ...]


def jumps(program: Program) -> Jumps:
    """Return the constants on which a program depends in jumps.

    Comparisons of equality with 0 count as guards against dividing by it, not as thresholds.
    """
    events, thresholds = _of_conditions(program.step)  # at the start all that moves stands still
    events |= _constants(program.start, [line.delay for line in program.lines])
    thresholds |= _without_derivative(program)
    return Jumps(tuple(sorted(events)), tuple(sorted(thresholds - events)))


def _without_derivative(program: Program) -> set[int]:
    """Return the constants that act on the course of a run through conditions only: every derivative by them is 0."""
    history: list[Line | Memory] = [*program.lines, *program.memories]
    at_start = [*program.initials, *program.frozen_values, *(one.initial for one in history)]
    in_steps = [*program.rates, *(one.source for one in history)]
    acting: set[int] = set()
    smooth: set[int] = set()
    for code, roots in ((program.start, at_start), (program.step, in_steps)):
        acting |= _constants(code, roots)
        jumping = [n for n, one in enumerate(code.instructions) if one.operation in WITHOUT]
        reached = with_arguments(code, [root for root in roots if root not in jumping], jumping)
        smooth |= {one.payload for one in map(code.instructions.__getitem__, reached) if one.operation == "constant"}
    return acting - smooth


def _of_conditions(code: Code) -> tuple[set[int], set[int]]:
    """Return the constants that set events, and those that something that moves is held against."""
    at_time: set[int] = set()
    between: set[int] = set()
    for one in code.instructions:
        if one.operation in ORDERED | WHOLE or (one.operation in EQUAL and not _is_guard(code.instructions, one)):
            within = set().union(*(_operations(code, side) for side in one.arguments))
            if within & CLOCK and not within & MOVING:
                at_time |= _constants(code, one.arguments)
            else:
                still = [side for side in one.arguments if not _operations(code, side) & (MOVING | CLOCK)]
                between |= _constants(code, still)
    return at_time, between


def _operations(code: Code, number: int) -> set[str]:
    return {inner.operation for inner in _within(code, [number])}


def _is_guard(instructions: Sequence[Instruction], one: Instruction) -> bool:
    others = [instructions[argument] for argument in one.arguments[1:]]
    return all(other.operation == "literal" and other.payload == 0.0 for other in others)


def _within(code: Code, roots: Iterable[int]) -> list[Instruction]:
    return [code.instructions[number] for number in with_arguments(code, roots)]


def _constants(code: Code, roots: Iterable[int]) -> set[int]:
    return {one.payload for one in _within(code, roots) if one.operation == "constant"}
