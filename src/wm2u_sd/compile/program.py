"""A program: what a model becomes once names, dimensions and delays have been worked out.

Values are numbered instructions, each used as often as needed and computed once (three-address code with shared
parts). Every value is an array over its axes and, last, over the columns of a batch (draws and scenarios).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property
from typing import Any

from wm2u_sd.model.shape import Axis
from wm2u_sd.model.timing import Time

SEED = "bar"
"""Source of a bar that is given to an adjoint; its payload says what of."""


class Level(IntEnum):
    """How often a value has to be worked out again."""

    RUN = 0  # once a run
    HELD = 1  # once a step
    STAGE = 2  # at every stage of a step


@dataclass(frozen=True, slots=True)
class Instruction:
    """One operation on earlier values.

    `operation` is an elementwise name ('add', 'min', 'exp', 'ration.share' ...), a reduction ('sum' ... with `payload`
    the positions reduced), 'view' (payload: for each axis of the result the argument's axis, None for a new one),
    'take' (payload: axis position and indices), 'pick' (axis position and index), 'lookup' (payload: table number) or
    a source: 'literal' (payload: number), 'constant', 'state', 'frozen', 'memory', 'line' (payload: which of them),
    'time', 'held_time'.
    """

    operation: str
    arguments: tuple[int, ...]
    axes: tuple[Axis, ...]
    level: Level
    payload: Any = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A named place for values over `axes`; for a state, the rows `first` to `last` (exclusive) of the state."""

    name: str
    axes: tuple[Axis, ...]
    first: int = 0
    last: int = 0

    @property
    def rows(self) -> slice:
        """Where it stands in the state."""
        return slice(self.first, self.last)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis."""
        return tuple(len(axis.elements) for axis in self.axes)


@dataclass(frozen=True, slots=True)
class Table:
    """A lookup: rising x, y, and whether the end segments go on beyond the points."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    extrapolate: bool


@dataclass(frozen=True, slots=True)
class Line:
    """A history line: the value `source` of each step start, read back `delay` later (both instruction numbers)."""

    name: str
    axes: tuple[Axis, ...]
    source: int
    delay: int
    initial: int


@dataclass(frozen=True, slots=True)
class Memory:
    """A value carried from one step start to the next: `source` in the step code, `initial` in the start code."""

    name: str
    axes: tuple[Axis, ...]
    source: int
    initial: int


@dataclass(frozen=True, slots=True)
class Code:
    """Instructions in an order that respects their arguments, and which of them carry which name."""

    instructions: tuple[Instruction, ...]
    values: dict[str, int]


def with_arguments(code: Code, roots: Iterable[int], done: Collection[int] = ()) -> frozenset[int]:
    """Return the instructions that these are worked out from, themselves included; those done are left out."""
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        number = waiting.pop()
        if number not in found and number not in done:
            found.add(number)
            waiting.extend(code.instructions[number].arguments)
    return frozenset(found)


@dataclass(frozen=True)
class Program:
    """Everything a backend needs to run a model, and nothing else: no text of the model reaches it.

    Attributes:
        time: Steps and integration method.
        constants: Inputs, in order; the column axis is added by the backend.
        tables: Lookups.
        states: Levels of small models and stocks, then running integrals.
        start: Code for the first moment: initial states, frozen values, first line and memory contents.
        step: Code for the rates at a moment.
        initials: For each state, an instruction of `start`.
        rates: For each state, an instruction of `step`.
        frozen: For each frozen slot (the value of `initial(x)`), an instruction of `start`.
        lines, memories: History; `delay` and `initial` point into `start`, `source` into `step`.
        non_negative: Names of states that rationing keeps at or above zero.
        digest: Fingerprint of the model it came from.
    """

    time: Time
    constants: tuple[Slot, ...]
    tables: tuple[Table, ...]
    states: tuple[Slot, ...]
    start: Code
    step: Code
    initials: tuple[int, ...]
    rates: tuple[int, ...]
    frozen: tuple[Slot, ...]
    frozen_values: tuple[int, ...]
    lines: tuple[Line, ...]
    memories: tuple[Memory, ...]
    non_negative: tuple[str, ...]
    digest: str

    @property
    def n_rows(self) -> int:
        """Number of single values in the state."""
        return self.states[-1].last if self.states else 0

    @cached_property
    def axes(self) -> dict[str, tuple[Axis, ...]]:
        """By name the axes of every state, named value of the step code and constant."""
        values = {name: self.step.instructions[number].axes for name, number in self.step.values.items()}
        return values | {slot.name: slot.axes for slot in (*self.constants, *self.states)}
