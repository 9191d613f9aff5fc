"""Arithmetic on single numbers that gives what NumPy gives where Python's own raises, and lookups."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

import numpy as np

from wm2u_sd.backends.base import Array

RAISED = (ZeroDivisionError, OverflowError, ValueError)
"""What Python's arithmetic raises where NumPy's gives what is no finite number."""

Curve = tuple[list[float], list[float], list[float], int]
"""A lookup ready to be read: x, y, the slopes between its points, and the number of the last point."""


def safe_divide(x: float, y: float) -> float:
    """Divide; by zero gives an infinity, and no number where there is nothing to divide."""
    if y != 0.0:
        return x / y
    if x == 0.0 or x != x:
        return math.nan
    return math.copysign(math.inf, x) * math.copysign(1.0, y)


def safe_modulo(x: float, y: float) -> float:
    """Return the remainder, of the sign of y; no number by zero."""
    return x % y if y != 0.0 else math.nan


def safe_power(x: float, y: float) -> float:
    """Raise to a power; too large gives an infinity, and so does zero to what is negative."""
    try:
        return math.pow(x, y)
    except OverflowError:
        return -math.inf if x < 0.0 and y % 2.0 == 1.0 else math.inf
    except ValueError:
        if x != 0.0:
            return math.nan
        return math.copysign(math.inf, x) if y % 2.0 == 1.0 else math.inf


def safe_exp(x: float) -> float:
    """Return e to a power; too large gives infinity."""
    try:
        return math.exp(x)
    except OverflowError:
        return math.inf


def safe_ln(x: float) -> float:
    """Return the natural logarithm; of zero minus infinity, of what is negative no number."""
    return math.log(x) if x > 0.0 else _beside_logarithms(x)


def safe_log10(x: float) -> float:
    """Return the logarithm to base 10; of zero minus infinity, of what is negative no number."""
    return math.log10(x) if x > 0.0 else _beside_logarithms(x)


def _beside_logarithms(x: float) -> float:
    return -math.inf if x == 0.0 else math.nan


def safe_sqrt(x: float) -> float:
    """Return the square root; of what is negative no number."""
    return math.sqrt(x) if x >= 0.0 else math.nan


def safe_sin(x: float) -> float:
    """Return the sine; of an infinity no number."""
    return math.sin(x) if math.isfinite(x) else math.nan


def safe_cos(x: float) -> float:
    """Return the cosine; of an infinity no number."""
    return math.cos(x) if math.isfinite(x) else math.nan


def safe_tan(x: float) -> float:
    """Return the tangent; of an infinity no number."""
    return math.tan(x) if math.isfinite(x) else math.nan


def safe_integer(x: float) -> float:
    """Cut towards zero; what is not finite stays as it is."""
    return math.copysign(math.floor(abs(x)), x) if math.isfinite(x) else x


def curve_through(xs: Array, ys: Array) -> Curve:
    """Return the curve through some points, x rising."""
    xs, ys = np.asarray(xs, np.float64), np.asarray(ys, np.float64)
    return xs.tolist(), ys.tolist(), (np.diff(ys) / np.diff(xs)).tolist(), len(xs) - 1


def look_up(x: float, curve: Curve) -> float:
    """Read a curve that holds its end values (SEM-14); what is no number stays none."""
    xs, ys, slopes, last = curve
    if x < xs[0]:
        x = xs[0]
    elif x > xs[last]:
        x = xs[last]
    segment = bisect_right(xs, x, 1, last) - 1
    return ys[segment] + slopes[segment] * (x - xs[segment])


def look_beyond(x: float, curve: Curve) -> float:
    """Read a curve that goes on along its end segments (SEM-14)."""
    xs, ys, slopes, last = curve
    segment = bisect_right(xs, x, 1, last) - 1
    return ys[segment] + slopes[segment] * (x - xs[segment])


def all_finite(values: Sequence[Any]) -> bool:
    """Whether all numbers of a list, or of the lists in it, are finite."""
    return all(map(all_finite if isinstance(values[0], list) else math.isfinite, values))


def namespace() -> dict[str, Any]:
    """Return the names that printed functions may use, and no others."""
    own = {
        one.__name__: one
        for one in (
            safe_divide, safe_modulo, safe_power, safe_exp, safe_ln, safe_log10, safe_sqrt, safe_sin, safe_cos,
            safe_tan, safe_integer, look_up, look_beyond, all_finite,
        )
    }  # fmt: skip
    of_python = {"abs": abs, "enumerate": enumerate, "len": len, "range": range}
    of_math = {
        "power": math.pow, "exp": math.exp, "ln": math.log, "log10": math.log10, "sqrt": math.sqrt, "sin": math.sin,
        "cos": math.cos, "tan": math.tan, "arctan": math.atan, "floor": math.floor, "copysign": math.copysign,
        "inf": math.inf, "nan": math.nan,
    }  # fmt: skip
    return {"__builtins__": {}, "RAISED": RAISED, **of_python, **of_math, **own}
