"""Single numbers as NumPy has them, where Python's own arithmetic raises too."""

import math
import warnings
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from wm2u_sd.backends.operations import ELEMENTWISE, Curve, look_up
from wm2u_sd.backends.python import arithmetic

AWKWARD = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, -1.5, 2.0, -2.0, 3.0, -3.0, 1e-300, -1e-300, 5e-324, 1e300, -1e300),
    *(400.0, 401.0, -400.0, -401.0, 710.5, 2.0**53 + 2, math.inf, -math.inf, math.nan),
)
NUMBER_OF_ARGUMENTS = {
    "divide": 2, "modulo": 2, "power": 2, "exp": 1, "ln": 1, "log10": 1, "sqrt": 1, "sin": 1, "cos": 1, "tan": 1,
    "integer": 1,
}  # fmt: skip


@pytest.mark.parametrize("name", NUMBER_OF_ARGUMENTS)
def test_guarded_functions_give_what_numpy_gives(name: str) -> None:
    guarded: Callable[..., float] = getattr(arithmetic, f"safe_{name}")

    for arguments in product(AWKWARD, repeat=NUMBER_OF_ARGUMENTS[name]):
        with np.errstate(all="ignore"):
            expected = float(np.asarray(ELEMENTWISE[name](*(np.array([x]) for x in arguments)))[0])
        found = guarded(*arguments)
        assert expected == pytest.approx(found, rel=1e-14, abs=0, nan_ok=True), arguments
        assert math.copysign(1, expected) == math.copysign(1, found) or math.isnan(expected), arguments


PLAIN = {
    "divide": lambda x, y: x / y,
    "modulo": lambda x, y: x % y,
    "integer": lambda x: math.copysign(math.floor(abs(x)), x),
    **{
        name: arithmetic.namespace()[name]
        for name in NUMBER_OF_ARGUMENTS
        if name not in ("divide", "modulo", "integer")
    },
}
"""As printed where nothing is guarded (`operations.py`)."""


@pytest.mark.parametrize("name", NUMBER_OF_ARGUMENTS)
def test_plain_functions_raise_or_give_the_same_bits_as_guarded_ones(name: str) -> None:
    guarded: Callable[..., float] = getattr(arithmetic, f"safe_{name}")

    for arguments in product(AWKWARD, repeat=NUMBER_OF_ARGUMENTS[name]):
        try:
            plain = PLAIN[name](*arguments)
        except arithmetic.RAISED:
            continue
        assert np.float64(plain).tobytes() == np.float64(guarded(*arguments)).tobytes() or math.isnan(plain), arguments


@pytest.mark.parametrize("extrapolate", [False, True])
@pytest.mark.parametrize("n", [2, 3, 40])
def test_curves_are_read_as_numpy_reads_them(n: int, extrapolate: bool) -> None:
    random = np.random.default_rng(n)
    xs, ys = np.cumsum(random.uniform(0.1, 1, n)), random.normal(size=n)
    asked = [*xs, *np.nextafter(xs, -9), *np.nextafter(xs, 99), -5.0, 99.0, 1e300, math.inf, -math.inf, math.nan]
    read = arithmetic.look_beyond if extrapolate else arithmetic.look_up

    with warnings.catch_warnings(), np.errstate(all="ignore"):
        expected = look_up(np.array(asked), Curve.through(xs, ys, extrapolate)).tolist()
    curve = arithmetic.curve_through(xs, ys)
    assert np.array_equal(expected, [read(float(x), curve) for x in asked], equal_nan=True)


def test_lists_in_lists_are_finite_when_all_in_them_is() -> None:
    assert arithmetic.all_finite([[0.0, 1e308], [-5.0, 2.0]])
    assert not arithmetic.all_finite([[0.0, 1.0], [-5.0, math.nan]])
    assert not arithmetic.all_finite((0.0, -math.inf))
