"""Every registered function at values, against arithmetic or the vendor's rule."""

import math

import pytest

from wm2u_sd.expr.functions import FUNCTIONS
from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.visit import calls
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Lookup
from wm2u_sd.simulation.simulate import simulate

THREE = Dimension("size", ("small", "middle", "large"))
CONSTANTS = (
    Constant("x", value=(1.0, -2.0, 4.0), over=("size",)),
    Constant("half", value=0.5),
    Constant("nothing", value=0.0),
    Constant("minus_seven", value=-7.0),
)


def at_once(equations: list[str]) -> list[float]:
    """Evaluate equations without dimensions at time 0."""
    model = Model("values", time=Time(0, 1)).define(
        THREE, *CONSTANTS, *(Auxiliary(f"y{i}", text) for i, text in enumerate(equations))
    )
    data = simulate(model).data
    return [float(data[f"y{i}"][0, 0, 0]) for i in range(len(equations))]


VALUES = {
    # Arithmetic and precedence (SEM-10).
    "2 ^ 3 ^ 2": 512.0,
    "-2 ^ 2": -4.0,
    "2 ^ -1": 0.5,
    "8 / 4 / 2": 1.0,
    "7 - 4 - 2": 1.0,
    "1 + 2 * 3": 7.0,
    "power(2, 10)": 1024.0,
    # Functions of one number, from the definition of each.
    "exp(1)": math.e,
    "ln(10)": math.log(10),
    "log10(1000)": 3.0,
    "sqrt(2)": math.sqrt(2),
    "abs(minus_seven)": 7.0,
    "sin(half)": math.sin(0.5),
    "cos(half)": math.cos(0.5),
    "tan(half)": math.tan(0.5),
    "arctan(1)": math.pi / 4,
    # SEM-11: the sign of the divisor; cut towards 0 (Vensim reference manual, MODULO and INTEGER).
    "modulo(7, 3)": 1.0,
    "modulo(minus_seven, 3)": 2.0,
    "modulo(7, -3)": -2.0,
    "modulo(7.5, 2)": 1.5,
    "integer(2.9)": 2.0,
    "integer(-2.9)": -2.0,
    "min(2, minus_seven)": -7.0,
    "max(2, minus_seven)": 2.0,
    # Conditions (SEM-12, SEM-13).
    "if_then_else(half < 1, 10, 20)": 10.0,
    "if_then_else(half > 1, 10, 20)": 20.0,
    "if_then_else(nothing, 10, 20)": 20.0,
    "if_then_else(minus_seven, 10, 20)": 10.0,
    "if_then_else(nothing = 0, 3, 1 / nothing)": 3.0,
    "(half < 1) + (half < 2)": 2.0,
    "-(half < 1)": -1.0,
    "(half <= 0.5) * 4": 4.0,
    "(half >= 0.6) + 0": 0.0,
    "(half = 0.5) + 0": 1.0,
    "(half <> 0.5) + 0": 0.0,
    "half < 1 and not nothing": 1.0,
    "nothing or nothing": 0.0,
    "not minus_seven": 0.0,
    "max(half < 1, 0)": 1.0,
    "sqrt(half < 1)": 1.0,
    # Reductions over (1, -2, 4).
    "sum(x[*])": 3.0,
    "mean(x[*])": 1.0,
    "prod(x[*])": -8.0,
    "min(x[*])": -2.0,
    "max(x[*])": 4.0,
    "sum(x[*] ^ 2)": 21.0,
    "sum(x[*] > 0)": 2.0,
    "max(x[*] * x[*]) - 1": 15.0,
    "safe_divide(1, 4)": 0.25,
    "safe_divide(1, nothing)": 0.0,
    "safe_divide(1, nothing, 9)": 9.0,
    "initial(half * 4)": 2.0,
    "held_time + start_time + end_time + time_step": 2.0,
}


def test_values_at_one_moment() -> None:
    assert list(VALUES.values()) == pytest.approx(at_once(list(VALUES)), rel=1e-15, abs=1e-15)


OF_TIME = {"step", "ramp", "pulse", "pulse_train"}
DELAYS = {"delay1", "delay3", "delay_n", "smooth1", "smooth3", "smooth_n", "trend", "forecast"}
HISTORY = {"delay_fixed", "sample_if_true"}


def test_every_registered_function_has_a_value_tested_here_or_in_reference_tests() -> None:
    here = {call.function for text in VALUES for call in calls(parse(text))}

    # The others are tested over time: below, in tests/reference/test_delays.py and test_known_functions.py.
    assert set(FUNCTIONS) == here | OF_TIME | DELAYS | HISTORY


POINTS = ((0.0, 1.0), (1.0, 3.0), (3.0, 2.0))
ON_THE_CURVE = {-2.0: (1.0, -3.0), 0.0: (1.0, 1.0), 0.5: (2.0, 2.0), 1.0: (3.0, 3.0), 2.0: (2.5, 2.5)}
ON_THE_CURVE |= {3.0: (2.0, 2.0), 5.0: (2.0, 1.0)}


@pytest.mark.parametrize("x", ON_THE_CURVE)
def test_a_lookup_joins_its_points_and_holds_or_goes_on_as_declared(x: float) -> None:
    model = Model("curves", time=Time(0, 1)).define(
        Constant("here", value=x),
        Lookup("held", POINTS),
        Lookup("going_on", POINTS, extrapolation="linear"),
        Auxiliary("a", "held(here)"),
        Auxiliary("b", "going_on(here)"),
    )
    data = simulate(model).data

    assert ON_THE_CURVE[x] == (float(data["a"][0, 0, 0]), float(data["b"][0, 0, 0]))
