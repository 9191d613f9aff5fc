"""Reverse a code: from the sensitivity of a result to its values, the sensitivity to what they were worked out from.

The sensitivity of a value is called its bar: by how much the result grows when the value grows by one. Bars are
worked out by instructions like any others, so that whatever runs a code can run its adjoint.

Conditions carry no derivative. Where two branches meet (min, max, if_then_else, the points of a lookup) the branch that
was taken counts. Among equal elements a largest or smallest shares its bar out evenly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wm2u_sd.compile.builder import Builder
from wm2u_sd.compile.program import Code, Instruction, Level
from wm2u_sd.model.shape import Axes

SEED = "bar"
"""Source of a bar that is given; its payload says what of."""

WITHOUT = frozenset(
    {
        "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or", "not", "truth", "number",
        "integer", "literal", "time", "held_time", "lookup.slope", "lookup.weight", SEED,
    }
)  # fmt: skip
"""Operations whose value does not change with their arguments, but where it jumps."""


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
    """What bars are wanted of in the end.

    Attributes:
        constants: Numbers of constants.
        tables: Lookups, with their number of points.
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
        wanted: What bars are wanted of in the end.
        level: How often the seeds change.
    """
    return _Reversal(builder, code, stops, active(code.instructions, wanted), wanted.tables, level).adjoint(seeds)


@dataclass
class _Reversal:
    builder: Builder
    code: Code
    stops: Callable[[Instruction], bool]
    active: frozenset[int]
    tables: Mapping[int, int]
    level: Level
    bars: dict[int, int] = field(default_factory=dict)
    points: dict[tuple[int, int, int], int] = field(default_factory=dict)

    def adjoint(self, seeds: Sequence[Seed]) -> Adjoint:
        for seed in seeds:
            if seed.number in self.active:
                self.send(seed.number, self.builder.emit(SEED, (), seed.axes, self.level, seed.payload))
        stopped: dict[int, int] = {}
        for number in reversed(range(len(self.code.instructions))):
            if number in self.bars:
                instruction = self.code.instructions[number]
                if self.stops(instruction):
                    stopped[number] = self.bars[number]
                elif instruction.operation in RULES:
                    RULES[instruction.operation](self, number, instruction, self.bars[number])
        return Adjoint(stopped, self.points)

    # Building --------------------------------------------------------------------------------------------------------

    def emit(self, operation: str, *arguments: int, payload: Any = None) -> int:
        """Emit an elementwise operation; of the axes of its arguments one list ends like every other."""
        axes = max((self.builder.axes(argument) for argument in arguments), key=len)
        return self.builder.emit(operation, arguments, axes, payload=payload)

    def literal(self, value: float) -> int:
        return self.builder.literal(value)

    def times(self, one: int, other: int) -> int:
        return self.emit("multiply", one, other)

    def only_where(self, condition: int, value: int) -> int:
        return self.emit("if_then_else", condition, value, self.literal(0.0))

    def total(self, value: int, positions: tuple[int, ...], axes: Axes) -> int:
        return self.builder.emit("sum", (value,), axes, payload=positions) if positions else value

    def send(self, number: int, bar: int) -> None:
        """Add to the bar of a value; along axes that it does not have it is added up, or repeated."""
        own, given = self.builder.axes(number), self.builder.axes(bar)
        if len(given) > len(own):
            bar = self.total(bar, tuple(range(len(given) - len(own))), own)
        elif len(given) < len(own):
            shape = tuple(len(axis.elements) for axis in own)
            bar = self.builder.emit("spread", (bar,), own, payload=shape)
        known = self.bars.get(number)
        self.bars[number] = bar if known is None else self.builder.emit("add", (known, bar), own)

    def pass_on(self, number: int, make: Callable[[], int]) -> None:
        """Send what `make` works out to a value that a bar is wanted of."""
        if number in self.active:
            self.send(number, make())


Rule = Callable[[_Reversal, int, Instruction, int], None]


def _add(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    for argument in one.arguments:
        r.pass_on(argument, lambda: bar)


def _subtract(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    x, y = one.arguments
    r.pass_on(x, lambda: bar)
    r.pass_on(y, lambda: r.emit("negative", bar))


def _multiply(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    x, y = one.arguments
    r.pass_on(x, lambda: r.times(bar, y))
    r.pass_on(y, lambda: r.times(bar, x))


def _divide(r: _Reversal, number: int, one: Instruction, bar: int) -> None:
    x, y = one.arguments
    share = r.times(bar, r.emit("divide", r.literal(1.0), y))  # one over what stays the same is worked out once
    r.pass_on(x, lambda: share)
    r.pass_on(y, lambda: r.emit("negative", r.times(share, number)))


def _power(r: _Reversal, number: int, one: Instruction, bar: int) -> None:
    """Send y x^y / x to x, and x^y ln x to y; at x = 0 what y x^(y - 1) and x^y ln x tend to."""
    x, y = one.arguments
    nought, unit = r.literal(0.0), r.literal(1.0)
    at_nought = r.emit("equal", x, nought)

    def of_base() -> int:
        below = r.emit("if_then_else", r.emit("less", y, unit), r.literal(math.inf), unit)
        limit = r.emit("if_then_else", r.emit("greater", y, unit), nought, below)
        inside = r.times(y, r.emit("divide", number, r.emit("if_then_else", at_nought, unit, x)))
        return r.times(bar, r.emit("if_then_else", at_nought, limit, inside))

    def of_exponent() -> int:
        logarithm = r.emit("ln", r.emit("if_then_else", r.emit("greater", x, nought), x, unit))
        return r.times(bar, r.times(number, logarithm))

    r.pass_on(x, of_base)
    r.pass_on(y, of_exponent)


def _chain(derivative: Callable[[_Reversal, int, int], int]) -> Rule:
    """Return the rule of a function of one number, from its derivative given the argument and the value."""

    def rule(r: _Reversal, number: int, one: Instruction, bar: int) -> None:
        x = one.arguments[0]
        r.pass_on(x, lambda: r.times(bar, derivative(r, x, number)))

    return rule


def _over(numerator: float, by: Callable[[_Reversal, int, int], int]) -> Callable[[_Reversal, int, int], int]:
    return lambda r, x, y: r.emit("divide", r.literal(numerator), by(r, x, y))


def _sign(r: _Reversal, x: int, _: int) -> int:
    zero = r.literal(0.0)
    below = r.emit("if_then_else", r.emit("less", x, zero), r.literal(-1.0), zero)
    return r.emit("if_then_else", r.emit("greater", x, zero), r.literal(1.0), below)


def _one_more_than_square(r: _Reversal, x: int) -> int:
    return r.emit("add", r.literal(1.0), r.times(x, x))


def _modulo(r: _Reversal, number: int, one: Instruction, bar: int) -> None:
    """Send 1 to x, and less the whole number of times that y goes into x to y."""
    x, y = one.arguments
    r.pass_on(x, lambda: bar)
    whole = r.emit("divide", r.emit("subtract", number, x), y)
    r.pass_on(y, lambda: r.times(bar, whole))


def _nearer(how: str) -> Rule:
    """Return the rule of min or max: all goes to the one that was taken, the second where they are equal."""

    def rule(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
        x, y = one.arguments
        first = r.emit(how, x, y)
        zero = r.literal(0.0)
        r.pass_on(x, lambda: r.emit("if_then_else", first, bar, zero))
        r.pass_on(y, lambda: r.emit("if_then_else", first, zero, bar))

    return rule


def _if_then_else(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    condition, then, otherwise = one.arguments
    zero = r.literal(0.0)
    r.pass_on(then, lambda: r.emit("if_then_else", condition, bar, zero))
    r.pass_on(otherwise, lambda: r.emit("if_then_else", condition, zero, bar))


def _share(r: _Reversal, number: int, one: Instruction, bar: int) -> None:
    """Send 1 / demand to the content and -share / demand to the demand, where the stock is short."""
    content, demand = one.arguments
    short = r.emit("greater", demand, content)
    by = r.only_where(short, r.emit("divide", bar, demand))
    r.pass_on(content, lambda: by)
    r.pass_on(demand, lambda: r.emit("negative", r.times(by, number)))


def _grant(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    asked, share = one.arguments
    wanted = r.emit("greater", asked, r.literal(0.0))
    r.pass_on(asked, lambda: r.emit("if_then_else", wanted, r.times(bar, share), bar))
    r.pass_on(share, lambda: r.only_where(wanted, r.times(bar, asked)))


def _lookup(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    (x,), table = one.arguments, one.payload
    slope = r.emit("lookup.slope", x, payload=table)
    r.pass_on(x, lambda: r.times(bar, slope))
    for point in range(r.tables.get(table, 0)):
        weight = r.emit("lookup.weight", x, payload=(table, point))
        share = r.times(bar, weight)
        for coordinate, part in ((1, share), (0, r.emit("negative", r.times(share, slope)))):
            whole = r.total(part, tuple(range(len(r.builder.axes(part)))), ())
            key = (table, coordinate, point)
            r.points[key] = r.emit("add", r.points[key], whole) if key in r.points else whole


def _view(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    argument = one.arguments[0]
    new = tuple(at for at, axis in enumerate(one.payload) if axis is None)
    left = tuple(axis for at, axis in enumerate(r.builder.axes(bar)) if at not in new)
    summed = r.total(bar, new, left)
    order = [axis for axis in one.payload if axis is not None]
    positions = tuple(order.index(axis) for axis in range(len(order)))
    own = r.builder.axes(argument)
    r.pass_on(argument, lambda: r.builder.emit("view", (summed,), own, payload=positions))


def _spread(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    r.pass_on(one.arguments[0], lambda: bar)


def _placed(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    """Put the bar of what was taken back where it was taken from."""
    argument = one.arguments[0]
    position, elements = one.payload
    taken = None if one.operation == "pick" else tuple(elements)
    payload = (position, taken, elements if taken is None else 0)
    own = r.builder.axes(argument)
    r.pass_on(argument, lambda: r.builder.emit("put", (bar,), own, payload=payload))


def _repeated(r: _Reversal, value: int, argument: int, positions: tuple[int, ...]) -> int:
    """Lay a reduced value out over the axes it was reduced from."""
    own = r.builder.axes(argument)
    kept = [at for at in range(len(own)) if at not in positions]
    if not kept:
        return value
    positions_of = tuple(kept.index(a) if a in kept else None for a in range(len(own)))
    return r.builder.emit("view", (value,), own, payload=positions_of)


def _sum(r: _Reversal, _: int, one: Instruction, bar: int) -> None:
    argument = one.arguments[0]
    r.pass_on(argument, lambda: _repeated(r, bar, argument, one.payload))


def _product(r: _Reversal, number: int, one: Instruction, bar: int) -> None:
    """Send the product of all others to each: with a zero among them that is 0 for all but it."""
    x, axes, positions = one.arguments[0], one.axes, one.payload
    is_zero = r.emit("equal", x, r.literal(0.0))
    zeros = r.total(r.emit("number", is_zero), positions, axes)
    filled = r.emit("if_then_else", is_zero, r.literal(1.0), x)
    others = _repeated(r, r.builder.emit("product", (filled,), axes, payload=positions), x, positions)
    none = r.emit("divide", _repeated(r, number, x, positions), filled)
    count = _repeated(r, zeros, x, positions)
    single = r.emit("if_then_else", is_zero, others, r.literal(0.0))
    at_one = r.emit("if_then_else", r.emit("equal", count, r.literal(1.0)), single, r.literal(0.0))
    by = r.emit("if_then_else", r.emit("equal", count, r.literal(0.0)), none, at_one)
    r.pass_on(x, lambda: r.times(_repeated(r, bar, x, positions), by))


def _extreme(r: _Reversal, number: int, one: Instruction, bar: int) -> None:
    x, positions = one.arguments[0], one.payload
    is_it = r.emit("equal", x, _repeated(r, number, x, positions))
    how_many = r.total(r.emit("number", is_it), positions, one.axes)
    share = r.builder.emit("divide", (bar, how_many), one.axes)
    r.pass_on(x, lambda: r.only_where(is_it, _repeated(r, share, x, positions)))


RULES: Mapping[str, Rule] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "negative": lambda r, _, one, bar: r.pass_on(one.arguments[0], lambda: r.emit("negative", bar)),
    "exp": _chain(lambda r, x, y: y),
    "ln": _chain(_over(1.0, lambda r, x, y: x)),
    "log10": _chain(_over(1 / math.log(10), lambda r, x, y: x)),
    "sqrt": _chain(_over(0.5, lambda r, x, y: y)),
    "abs": _chain(_sign),
    "sin": _chain(lambda r, x, y: r.emit("cos", x)),
    "cos": _chain(lambda r, x, y: r.emit("negative", r.emit("sin", x))),
    "tan": _chain(lambda r, x, y: _one_more_than_square(r, y)),
    "arctan": _chain(_over(1.0, lambda r, x, y: _one_more_than_square(r, x))),
    "modulo": _modulo,
    "min": _nearer("less"),
    "max": _nearer("greater"),
    "if_then_else": _if_then_else,
    "ration.share": _share,
    "ration.grant": _grant,
    "lookup": _lookup,
    "view": _view,
    "spread": _spread,
    "take": _placed,
    "pick": _placed,
    "sum": _sum,
    "product": _product,
    "smallest": _extreme,
    "largest": _extreme,
}
"""How the bar of an instruction reaches those of its arguments."""
