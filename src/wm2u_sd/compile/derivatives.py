"""How the value of an operation changes with each of its arguments: one table for `adjoint` and `tangent`.

Conditions carry no derivative. Where two branches meet (min, max, if_then_else, the points of a lookup) the branch that
was taken counts; of equal numbers the second is taken. Rounding to whole numbers has none either.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from wm2u_sd.compile.builder import Builder
from wm2u_sd.compile.program import SEED, Instruction
from wm2u_sd.model.shape import Axes

WITHOUT = frozenset(
    {
        "less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or", "not", "truth", "number",
        "integer", "literal", "time", "held_time", "lookup.slope", "lookup.weight", SEED,
    }
)  # fmt: skip
"""Operations whose value does not change with their arguments, but where it jumps."""


class Emitter:
    """Emits instructions, with what derivatives are made of."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def axes(self, number: int) -> Axes:
        """Return the axes of a value."""
        return self.builder.axes(number)

    def literal(self, value: float) -> int:
        """Return a number written out."""
        return self.builder.literal(value)

    def emit(self, operation: str, *arguments: int, payload: Any = None) -> int:
        """Emit an elementwise operation; of the axes of its arguments one list ends like every other."""
        axes = max((self.axes(argument) for argument in arguments), key=len)
        return self.builder.emit(operation, arguments, axes, payload=payload)

    def choose(self, condition: int, then: int, otherwise: int) -> int:
        """Return one value where a condition holds, else another."""
        return self.emit("if_then_else", condition, then, otherwise)

    def total(self, value: int, positions: tuple[int, ...], axes: Axes) -> int:
        """Add up along some axes; `axes` are those that are left."""
        return self.builder.emit("sum", (value,), axes, payload=positions) if positions else value

    def spread(self, value: int, axes: Axes) -> int:
        """Spread a value over axes of which it has the last ones."""
        if self.axes(value) == axes:
            return value
        return self.builder.emit("spread", (value,), axes, payload=tuple(len(axis.elements) for axis in axes))

    def repeated(self, value: int, axes: Axes, positions: tuple[int, ...]) -> int:
        """Lay a value that was reduced along some positions out over the axes that it was reduced from."""
        kept = [at for at in range(len(axes)) if at not in positions]
        if not kept:
            return value
        places = tuple(kept.index(at) if at in kept else None for at in range(len(axes)))
        return self.builder.emit("view", (value,), axes, payload=places)


@dataclass(frozen=True, slots=True)
class Same:
    """The value changes as the argument does."""

    def of(self, emitter: Emitter, change: int) -> int:
        """Return what a change of the argument makes of it, or the bar of the value of it."""
        return change


@dataclass(frozen=True, slots=True)
class Opposite:
    """The value changes against the argument."""

    def of(self, emitter: Emitter, change: int) -> int:
        """Return what a change of the argument makes of it, or the bar of the value of it."""
        return emitter.emit("negative", change)


@dataclass(frozen=True, slots=True)
class Scaled:
    """The value changes by so much of what the argument does."""

    by: int

    def of(self, emitter: Emitter, change: int) -> int:
        """Return what a change of the argument makes of it, or the bar of the value of it."""
        return emitter.emit("multiply", change, self.by)


@dataclass(frozen=True, slots=True)
class Where:
    """The value changes as `then` says where a condition holds, else as `otherwise` says; None is not at all."""

    condition: int
    then: Partial | None
    otherwise: Partial | None

    def of(self, emitter: Emitter, change: int) -> int:
        """Return what a change of the argument makes of it, or the bar of the value of it."""
        zero = emitter.literal(0.0)
        then, otherwise = (one.of(emitter, change) if one else zero for one in (self.then, self.otherwise))
        return emitter.choose(self.condition, then, otherwise)


Partial = Same | Opposite | Scaled | Where
"""How a value changes with one argument."""

Rule = Callable[[Emitter, int, Instruction], tuple[Partial, ...]]
"""From an instruction and its number, how it changes with each argument."""


def _multiply(_: Emitter, number: int, one: Instruction) -> tuple[Partial, ...]:
    x, y = one.arguments
    return Scaled(y), Scaled(x)


def _divide(e: Emitter, number: int, one: Instruction) -> tuple[Partial, ...]:
    over = e.emit("divide", e.literal(1.0), one.arguments[1])  # worked out once where it stays the same
    return Scaled(over), Scaled(e.emit("negative", e.emit("multiply", number, over)))


def _power(e: Emitter, number: int, one: Instruction) -> tuple[Partial, ...]:
    """Give y x^y / x and x^y ln x; at x = 0 what y x^(y - 1) and x^y ln x tend to."""
    x, y = one.arguments
    nought, unit = e.literal(0.0), e.literal(1.0)
    at_nought = e.emit("equal", x, nought)
    limit = e.choose(e.emit("greater", y, unit), nought, e.choose(e.emit("less", y, unit), e.literal(math.inf), unit))
    inside = e.emit("multiply", y, e.emit("divide", number, e.choose(at_nought, unit, x)))
    logarithm = e.emit("ln", e.choose(e.emit("greater", x, nought), x, unit))
    return Scaled(e.choose(at_nought, limit, inside)), Scaled(e.emit("multiply", number, logarithm))


def _chain(derivative: Callable[[Emitter, int, int], int]) -> Rule:
    """Return the rule of a function of one number, from its derivative given the argument and the value."""
    return lambda e, number, one: (Scaled(derivative(e, one.arguments[0], number)),)


def _over(by: Callable[[Emitter, int, int], int], numerator: float = 1.0) -> Rule:
    """Return the rule of a function whose derivative is a number over something."""
    return _chain(lambda e, x, y: e.emit("divide", e.literal(numerator), by(e, x, y)))


def _square_and_one(e: Emitter, x: int) -> int:
    return e.emit("add", e.literal(1.0), e.emit("multiply", x, x))


def _absolute(e: Emitter, _: int, one: Instruction) -> tuple[Partial, ...]:
    x, zero = one.arguments[0], e.literal(0.0)
    return (Where(e.emit("greater", x, zero), Same(), Where(e.emit("less", x, zero), Opposite(), None)),)


def _modulo(e: Emitter, number: int, one: Instruction) -> tuple[Partial, ...]:
    """Give 1, and less the whole number of times that y goes into x."""
    x, y = one.arguments
    return Same(), Scaled(e.emit("divide", e.emit("subtract", number, x), y))


def _nearer(how: str) -> Rule:
    """Return the rule of min or max."""

    def rule(e: Emitter, _: int, one: Instruction) -> tuple[Partial, ...]:
        first = e.emit(how, *one.arguments)
        return Where(first, Same(), None), Where(first, None, Same())

    return rule


def _if_then_else(_: Emitter, __: int, one: Instruction) -> tuple[Partial, ...]:
    condition = one.arguments[0]
    nothing = Where(condition, None, None)
    return nothing, Where(condition, Same(), None), Where(condition, None, Same())


def _share(e: Emitter, number: int, one: Instruction) -> tuple[Partial, ...]:
    """Give 1 / demand and -share / demand where the stock is short."""
    content, demand = one.arguments
    short, over = e.emit("greater", demand, content), e.emit("divide", e.literal(1.0), demand)
    by_demand = Scaled(e.emit("negative", e.emit("multiply", number, over)))
    return Where(short, Scaled(over), None), Where(short, by_demand, None)


def _grant(e: Emitter, _: int, one: Instruction) -> tuple[Partial, ...]:
    asked, share = one.arguments
    wanted = e.emit("greater", asked, e.literal(0.0))
    return Where(wanted, Scaled(share), Same()), Where(wanted, Scaled(asked), None)


def _lookup(e: Emitter, _: int, one: Instruction) -> tuple[Partial, ...]:
    return (Scaled(e.emit("lookup.slope", one.arguments[0], payload=one.payload)),)


ELEMENTWISE: Mapping[str, Rule] = {
    "add": lambda e, number, one: (Same(), Same()),
    "subtract": lambda e, number, one: (Same(), Opposite()),
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "negative": lambda e, number, one: (Opposite(),),
    "exp": _chain(lambda e, x, y: y),
    "ln": _over(lambda e, x, y: x),
    "log10": _over(lambda e, x, y: x, 1 / math.log(10)),
    "sqrt": _over(lambda e, x, y: y, 0.5),
    "abs": _absolute,
    "sin": _chain(lambda e, x, y: e.emit("cos", x)),
    "cos": _chain(lambda e, x, y: e.emit("negative", e.emit("sin", x))),
    "tan": _chain(lambda e, x, y: _square_and_one(e, y)),
    "arctan": _over(lambda e, x, y: _square_and_one(e, x)),
    "modulo": _modulo,
    "min": _nearer("less"),
    "max": _nearer("greater"),
    "if_then_else": _if_then_else,
    "ration.share": _share,
    "ration.grant": _grant,
    "lookup": _lookup,
}
"""How the value of an elementwise operation changes with each argument."""


STEEP = frozenset({"divide", "power", "ln", "log10", "sqrt", "tan", "exp", "ration.share"})
"""Operations whose value or slope may have no end."""


def _product(e: Emitter, number: int, one: Instruction) -> int:
    """Give the product of all other factors: with one of them 0 there is any only for that one."""
    x, positions = one.arguments[0], one.payload
    axes, unit, zero = e.axes(x), e.literal(1.0), e.literal(0.0)
    is_zero = e.emit("equal", x, zero)
    filled = e.choose(is_zero, unit, x)
    zeros = e.repeated(e.total(e.emit("number", is_zero), positions, one.axes), axes, positions)
    others = e.repeated(e.builder.emit("product", (filled,), one.axes, payload=positions), axes, positions)
    none = e.emit("divide", e.repeated(number, axes, positions), filled)
    at_one = e.choose(e.emit("equal", zeros, unit), e.choose(is_zero, others, zero), zero)
    return e.choose(e.emit("equal", zeros, zero), none, at_one)


def _extreme(e: Emitter, number: int, one: Instruction) -> int:
    """Give its share to each of the elements that are the smallest or largest."""
    x, positions = one.arguments[0], one.payload
    axes = e.axes(x)
    is_it = e.emit("equal", x, e.repeated(number, axes, positions))
    how_many = e.total(e.emit("number", is_it), positions, one.axes)
    share = e.builder.emit("divide", (e.literal(1.0), how_many), one.axes)
    return e.choose(is_it, e.repeated(share, axes, positions), e.literal(0.0))


REDUCTIONS: Mapping[str, Callable[[Emitter, int, Instruction], int] | None] = {
    "sum": None,
    "product": _product,
    "smallest": _extreme,
    "largest": _extreme,
}
"""How much a reduced value changes with each element, over the axes it was reduced from; None is by as much."""

SHAPING = frozenset({"view", "spread", "take", "pick"})
"""Operations that only lay values out."""
