"""What each operation of a program is in plain NumPy: functions of the values of its arguments."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial, reduce
from typing import Any

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.compile.program import Instruction

Operation = Callable[..., Any]


def power(x: Array, y: Array, out: Array | None = None) -> Array:
    """Raise to a power such that a batch equals its draws bit for bit.

    NumPy takes short cuts (x * x, sqrt) when one exponent serves a whole loop, which round differently; an exponent
    written out for every element never meets them.
    """
    if np.shape(x) != np.shape(y) or not y.flags.owndata:
        y = np.broadcast_to(y, np.broadcast_shapes(np.shape(x), np.shape(y))).copy()
    return np.asarray(np.power(x, y, out=out))


def add_up(value: Array, axis: Sequence[int]) -> Array:
    """Add one element after the other such that a batch equals its draws; np.sum adds one column in another order."""
    for position in reversed(axis):
        value = reduce(np.add, np.moveaxis(value, position, 0))
    return value


@dataclass(frozen=True)
class Curve:
    """A lookup ready to be read: its points, and the slopes between them."""

    xs: Array
    ys: Array
    slopes: Array
    extrapolate: bool

    @classmethod
    def through(cls, xs: Array, ys: Array, extrapolate: bool) -> Curve:
        """Return the curve through some points, x rising."""
        return cls(xs, ys, np.diff(ys) / np.diff(xs), extrapolate)


@cache
def all_of_it(shape: tuple[int, ...]) -> Array:
    """Return the share 1 for every element and column, one and the same array each time."""
    return np.broadcast_to(1.0, shape)


def share_out(content: Array, demand: Array) -> Array:
    """Return the share of its demand that a stock can meet; `all_of_it` when it can meet all in every column."""
    short = demand > content
    return np.where(short, content / demand, 1.0) if np.count_nonzero(short) else all_of_it(short.shape)


def grant(asked: Array, share: Array) -> Array:
    """Return the share of what is asked, negative demands as they are; when nobody is short, `asked` itself."""
    nobody_short = share is all_of_it(share.shape)
    return asked if nobody_short and asked.shape == share.shape else np.where(asked > 0.0, asked * share, asked)


def look_up(x: Array, curve: Curve) -> Array:
    """Read a piecewise linear curve; outside its points hold the end values or go on along the end segments."""
    if not curve.extrapolate:
        x = np.clip(x, curve.xs[0], curve.xs[-1])
    segment = np.clip(np.searchsorted(curve.xs, x, side="right") - 1, 0, len(curve.xs) - 2)
    result: Array = curve.ys[segment] + curve.slopes[segment] * (x - curve.xs[segment])
    return result


def slope_at(x: Array, curve: Curve) -> Array:
    """Return the slope of a piecewise linear curve; where it is held at an end, 0."""
    segment = np.clip(np.searchsorted(curve.xs, x, side="right") - 1, 0, len(curve.xs) - 2)
    slope: Array = curve.slopes[segment]
    return slope if curve.extrapolate else np.where((x < curve.xs[0]) | (x > curve.xs[-1]), 0.0, slope)


def view(value: Array, positions: tuple[int | None, ...]) -> Array:
    """Lay axes out in another order, with room for those another value has; nothing is copied."""
    kept = [p for p in positions if p is not None]
    turned = np.transpose(value, (*kept, value.ndim - 1))
    return turned[(*(np.newaxis if p is None else slice(None) for p in positions), slice(None))]


def spread(value: Any, shape: tuple[int, ...]) -> Array:
    """Repeat a value over all elements of its axes."""
    columns = np.shape(value)[-1] if np.ndim(value) else 1
    return np.broadcast_to(value, (*shape, columns))


def take(value: Array, positions: tuple[int, Any]) -> Array:
    """Return some elements along an axis, or one of them without the axis."""
    taken: Array = np.take(value, positions[1], axis=positions[0])
    return taken


ELEMENTWISE: Mapping[str, Operation] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": power,
    "negative": np.negative,
    "exp": np.exp,
    "ln": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arctan": np.arctan,
    "modulo": np.mod,
    "integer": np.trunc,
    "min": np.minimum,
    "max": np.maximum,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "truth": lambda x, out=None: np.not_equal(x, 0.0, out=out),
    "number": lambda x: np.asarray(x, dtype=np.float64),
    "if_then_else": np.where,
    "ration.share": share_out,
    "ration.grant": grant,
    "lookup": look_up,
    "lookup.slope": slope_at,
}

CURVED = frozenset({"lookup", "lookup.slope"})
"""Operations that are given a curve after their argument."""

REDUCTIONS: Mapping[str, Operation] = {
    "sum": add_up,
    "product": np.prod,
    "smallest": np.min,
    "largest": np.max,
}

IN_PLACE = frozenset(ELEMENTWISE) - {"number", "if_then_else", "lookup", "lookup.slope", "ration.share", "ration.grant"}
"""Operations that write their result to `out`, when they are given one."""
HANDING_ON = frozenset({"number", "ration.grant", "view", "spread", *REDUCTIONS})
"""Operations whose result may be, or look into, the very array they are given."""


def bound(instruction: Instruction) -> Operation:
    """Return the function that works an instruction out from the values of its arguments (a lookup's curve last)."""
    operation, payload = instruction.operation, instruction.payload
    if operation in REDUCTIONS:
        return partial(REDUCTIONS[operation], axis=payload)
    if operation in ("view", "take", "pick", "spread"):
        return {
            "view": partial(view, positions=payload),
            "take": partial(take, positions=payload),
            "pick": partial(take, positions=payload),
            "spread": partial(spread, shape=payload),
        }[operation]
    return ELEMENTWISE[operation]
