"""Reverse a code: from the sensitivity of a result to its values, the sensitivity to what they were worked out from.

The sensitivity of a value is called its bar: by how much the result grows when the value grows by one. Bars are
worked out by instructions like any others, so that whatever runs a code can run its adjoint.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wm2u_sd.compile.builder import Builder
from wm2u_sd.compile.derivatives import ELEMENTWISE, REDUCTIONS, STEEP, WITHOUT, Emitter, Where
from wm2u_sd.compile.program import SEED, Code, Instruction, Level
from wm2u_sd.model.shape import Axes


@dataclass(frozen=True, slots=True)
class Seed:
    """A bar that is given.

    Attributes:
        number: Instruction it is the bar of.
        axes: Its axes.
        payload: What it is, for whoever gives it.
    """

    number: int
    axes: Axes
    payload: Any


@dataclass(frozen=True)
class Adjoint:
    """What reversing gives.

    Attributes:
        bars: For each instruction at which reversing stopped, the one that is its bar.
        points: (lookup, 0 for x or 1 for y, number of the point) -> the bar of that coordinate.
    """

    bars: Mapping[int, int]
    points: Mapping[tuple[int, int, int], int]


@dataclass(frozen=True)
class Wanted:
    """What derivatives are wanted by.

    Attributes:
        constants: Numbers of constants.
        tables: Lookups by whose points they are wanted, with the number of these.
    """

    constants: frozenset[int]
    tables: Mapping[int, int] = field(default_factory=dict)


def active(instructions: Sequence[Instruction], wanted: Wanted) -> frozenset[int]:
    """Return the instructions whose value changes with a state, with history, or with something wanted."""
    found: set[int] = set()
    for number, one in enumerate(instructions):
        source = one.operation in ("state", "frozen", "memory", "line")
        source = source or (one.operation == "constant" and one.payload in wanted.constants)
        source = source or (one.operation == "lookup" and one.payload in wanted.tables)
        if source or (one.operation not in WITHOUT and any(a in found for a in one.arguments)):
            found.add(number)
    return frozenset(found)


def reverse(
    builder: Builder,
    code: Code,
    seeds: Sequence[Seed],
    stops: Callable[[Instruction], bool],
    wanted: Wanted,
    level: Level,
) -> Adjoint:
    """Reverse a code.

    Args:
        builder: Takes the instructions; it holds those of the code under their own numbers.
        code: The code.
        seeds: Bars that are given.
        stops: Whether reversing stops at an instruction: what it was worked out from is somebody else's.
        wanted: What derivatives are wanted by in the end.
        level: How often the seeds change.
    """
    reversal = _Reversal(Emitter(builder), active(code.instructions, wanted), wanted.tables)
    for seed in seeds:
        if seed.number in reversal.active:
            reversal.send(seed.number, builder.emit(SEED, (), seed.axes, level, seed.payload))
    stopped: dict[int, int] = {}
    for number in reversed(range(len(code.instructions))):
        if number in reversal.bars:
            instruction = code.instructions[number]
            if stops(instruction):
                stopped[number] = reversal.bars[number]
            else:
                reversal.pass_on(number, instruction, reversal.bars[number])
    return Adjoint(stopped, reversal.points)


@dataclass
class _Reversal:
    """One code on its way back.

    Attributes:
        behind_branches: Instructions whose bar may be 0 because the branch that they are in was not taken.
    """

    emitter: Emitter
    active: frozenset[int]
    tables: Mapping[int, int]
    bars: dict[int, int] = field(default_factory=dict)
    behind_branches: set[int] = field(default_factory=set)
    points: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def send(self, number: int, bar: int) -> None:
        """Add to the bar of a value; along axes that the value does not have it is added up, or repeated."""
        e = self.emitter
        own, given = e.axes(number), e.axes(bar)
        if len(given) > len(own):
            bar = e.total(bar, tuple(range(len(given) - len(own))), own)
        bar = e.spread(bar, own) if len(given) < len(own) else bar
        known = self.bars.get(number)
        self.bars[number] = bar if known is None else e.builder.emit("add", (known, bar), own)

    def pass_on(self, number: int, one: Instruction, bar: int) -> None:
        """Send the bar of an instruction on to its arguments."""
        if one.operation in ELEMENTWISE:
            self.elementwise(number, one, bar)
        elif one.operation in BACK and one.arguments[0] in self.active:
            if number in self.behind_branches:
                self.behind_branches.add(one.arguments[0])
            self.send(one.arguments[0], BACK[one.operation](self.emitter, number, one, bar))
        if one.operation == "lookup" and one.payload in self.tables:
            self.to_points(one, bar)

    def elementwise(self, number: int, one: Instruction, bar: int) -> None:
        e, partials = self.emitter, ELEMENTWISE[one.operation](self.emitter, number, one)
        behind = number in self.behind_branches
        for argument, partial in zip(one.arguments, partials, strict=True):
            if argument in self.active:
                sent = partial.of(e, bar)
                if behind and self.may_be_infinite(one):
                    sent = e.choose(e.emit("not_equal", bar, e.literal(0.0)), sent, e.literal(0.0))
                self.send(argument, sent)
                if behind or isinstance(partial, Where):
                    self.behind_branches.add(argument)

    def may_be_infinite(self, one: Instruction) -> bool:
        """Whether a value may have a slope without end, so that a bar of 0, of a branch not taken, would not stay 0."""
        factors = [self.emitter.builder.instructions[argument].operation for argument in one.arguments]
        return one.operation in STEEP or (one.operation == "multiply" and not STEEP.isdisjoint(factors))

    def to_points(self, one: Instruction, bar: int) -> None:
        """Send the bar of a value that was looked up on to the points."""
        e, (x,), table = self.emitter, one.arguments, one.payload
        slope = e.emit("lookup.slope", x, payload=table)
        for point in range(self.tables[table]):
            share = e.emit("multiply", bar, e.emit("lookup.weight", x, payload=(table, point)))
            for coordinate, part in ((1, share), (0, e.emit("negative", e.emit("multiply", share, slope)))):
                whole = e.total(part, tuple(range(len(e.axes(part)))), ())
                key = (table, coordinate, point)
                self.points[key] = e.emit("add", self.points[key], whole) if key in self.points else whole


Back = Callable[[Emitter, int, Instruction, int], int]
"""From an instruction, its number and its bar, the bar of its argument."""


def _view(e: Emitter, _: int, one: Instruction, bar: int) -> int:
    new = tuple(at for at, axis in enumerate(one.payload) if axis is None)
    left = tuple(axis for at, axis in enumerate(e.axes(bar)) if at not in new)
    order = [axis for axis in one.payload if axis is not None]
    positions = tuple(order.index(axis) for axis in range(len(order)))
    return e.builder.emit("view", (e.total(bar, new, left),), e.axes(one.arguments[0]), payload=positions)


def _spread(e: Emitter, _: int, one: Instruction, bar: int) -> int:
    return bar


def _placed(e: Emitter, _: int, one: Instruction, bar: int) -> int:
    """Put the bar of what was taken back where it was taken from."""
    position, elements = one.payload
    taken = None if one.operation == "pick" else tuple(elements)
    payload = (position, taken, elements if taken is None else 0)
    return e.builder.emit("put", (bar,), e.axes(one.arguments[0]), payload=payload)


def _reduced(e: Emitter, number: int, one: Instruction, bar: int) -> int:
    axes, share = e.axes(one.arguments[0]), REDUCTIONS[one.operation]
    whole = e.repeated(bar, axes, one.payload)
    return whole if share is None else e.emit("multiply", whole, share(e, number, one))


BACK: Mapping[str, Back] = {
    "view": _view,
    "spread": _spread,
    "take": _placed,
    "pick": _placed,
    **dict.fromkeys(REDUCTIONS, _reduced),
}
"""How a bar goes back through operations that lay values out or reduce them."""
