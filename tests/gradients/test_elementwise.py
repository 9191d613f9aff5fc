"""Derivatives of every registered elementwise function and every operator."""

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from wm2u_sd.compile.adjoint import Wanted
from wm2u_sd.compile.lower import BINARY, UNARY
from wm2u_sd.expr.functions import FUNCTIONS, Role
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

ARGUMENTS = ("first", "second", "third")
OF_NUMBERS = {name: f for name, f in FUNCTIONS.items() if f.role is Role.ELEMENTWISE}
CALLS = {
    **{name: f"{name}({', '.join(ARGUMENTS[: len(f.arguments)])})" for name, f in OF_NUMBERS.items()},
    **{f"_ {operator} _": f"first {operator} second" for operator in BINARY},
    **{f"{operator} _": f"{operator} first" for operator in UNARY},
}
every_call = pytest.mark.parametrize("name", CALLS)
LENGTHS = (1, 2, 3, 5, 8, 9, 17)

POSITIVE = frozenset({"ln", "log10", "sqrt", "power", "_ ^ _"})
"""Of these the first argument is above 0 here."""

ANALYTIC: Mapping[str, Callable[..., np.ndarray]] = {
    "exp": np.exp, "ln": np.log, "log10": lambda x: np.log(x) / np.log(10), "sqrt": np.sqrt,
    "sin": np.sin, "cos": np.cos, "tan": np.tan, "arctan": np.arctan, "power": np.power,
    "_ + _": np.add, "_ - _": np.subtract, "_ * _": np.multiply, "_ / _": np.divide, "_ ^ _": np.power,
    "- _": np.negative,
}  # fmt: skip
"""Functions that NumPy has for complex numbers, so that a step in the imaginary direction gives exact derivatives."""

CHOOSING: Mapping[str, Callable[..., tuple[np.ndarray, ...]]] = {
    "abs": lambda x: (np.sign(x),),
    "modulo": lambda x, y: (np.ones_like(x), -np.floor(x / y)),
    "integer": lambda x: (0 * x,),
    "min": lambda x, y: (1.0 * (x < y), 1.0 * (x >= y)),
    "max": lambda x, y: (1.0 * (x > y), 1.0 * (x <= y)),
    "if_then_else": lambda c, x, y: (0 * c, 1.0 * (c != 0), 1.0 * (c == 0)),
    **{f"_ {o} _": lambda x, y: (0 * x, 0 * y) for o in BINARY if f"_ {o} _" not in ANALYTIC},
    **{f"{o} _": lambda x: (0 * x,) for o in UNARY if f"{o} _" not in ANALYTIC},
}
"""The others, from what they mean (SEM-11 to SEM-13)."""


def arguments_of(name: str) -> list[str]:
    return [argument for argument in ARGUMENTS if argument in CALLS[name]]


def values_for(name: str, n: int, seed: int = 5) -> dict[str, np.ndarray]:
    """Return arguments away from 0 and from each other."""
    random = np.random.default_rng(seed)
    values = {a: random.choice([-1.0, 1.0], n) * random.uniform(0.3, 3.0, n) for a in arguments_of(name)}
    return {a: np.abs(v) if name in POSITIVE and a == "first" else v for a, v in values.items()}


def true_slopes(name: str, values: Mapping[str, np.ndarray]) -> list[np.ndarray]:
    given = list(values.values())
    if name in CHOOSING:
        return list(CHOOSING[name](*given))
    moved = [[v + 1e-30j * (at == k) for k, v in enumerate(given)] for at in range(len(given))]
    return [ANALYTIC[name](*one).imag / 1e-30 for one in moved]


def test_every_call_has_a_truth() -> None:
    assert set(CALLS) == {*ANALYTIC, *CHOOSING}


@every_call
def test_the_slope_of_a_function_is_that_of_mathematics(case: Callable, back: Callable, name: str) -> None:
    values = values_for(name, 33)
    one = case(
        Model("one", time=Time(0, 0)).define(*(Constant(a, 1.0) for a in values), Auxiliary("y", CALLS[name])),
        draws=33,
        values=values,
        save=["y"],
    )

    weight = float(one.weights["y"].squeeze())
    _, bars = back(one)
    for k, slope in enumerate(true_slopes(name, values)):
        np.testing.assert_allclose(slope * weight, bars.constants[k], rtol=1e-13, atol=1e-13)


def mixed(name: str, n: int) -> Model:
    """Return a model that calls a function of constants and stocks, at every stage, over dimensions and less."""
    values, call = values_for(name, n, seed=n), CALLS[name]
    moving = call.replace("first", "(first * (1 + 0.01 * time))")
    of_stock = call.replace("first", "(level * (1 + 0.001 * first[e0]))")
    over = {"over": ("row",)}
    return Model("mixed", time=Time(0, 1, "1/2", method="rk4")).define(
        Dimension("row", tuple(f"e{i}" for i in range(n))),
        Dimension("side", ("left", "right")),
        *(Constant(a, v.tolist(), over=("row",)) for a, v in values.items()),
        Constant("single", float(np.abs(values["first"]).max()) + 0.1),
        Constant("wide", (1.1, 0.7), over=("side",)),
        Auxiliary("once_a_run", call, **over),
        Auxiliary("at_every_stage", moving, **over),
        Auxiliary("with_fewer", call.replace("first", "single"), **over),
        Auxiliary("with_more", call.replace("first", "(single * wide)"), over=("side", "row")),
        Auxiliary("turned", f"wide * ({call})", over=("row", "side")),
        Stock("level", "1.13 * single", inflows=["change"], **over),
        Flow("change", f"arctan({of_stock}) * 0.1 * wide[left]", **over),
    )  # fmt: skip


@every_call
@pytest.mark.parametrize("draws", [1, 3])
def test_functions_over_dimensions(case: Callable, hold: Callable, name: str, draws: int) -> None:
    n = LENGTHS[(sorted(CALLS).index(name) + 3 * draws) % len(LENGTHS)]

    hold(case(mixed(name, n), draws=draws, spread=0.01), step=1e-5)


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize("name", ["power", "_ / _"])
def test_every_length_of_a_dimension(case: Callable, hold: Callable, name: str, n: int) -> None:
    hold(case(mixed(name, n)), natively=n == 9)


@pytest.mark.parametrize(
    ("x", "y", "slope"),
    [
        (0.0, 2.0, (0.0, 0.0)),  # 2 x at 0
        (0.0, 1.0, (1.0, 0.0)),  # 1
        (0.0, 0.5, (np.inf, 0.0)),  # x^-0.5 / 2 grows without end
        (-2.0, 3.0, (12.0, 0.0)),  # 3 x^2; by y there is none of a negative number, and 0 stands for it
        (2.0, 0.0, (0.0, np.log(2.0))),
    ],
)
def test_powers_at_the_edge(case: Callable, back: Callable, x: float, y: float, slope: tuple[float, ...]) -> None:
    model = Model("power", time=Time(0, 0)).define(Constant("x", x), Constant("y", y), Auxiliary("z", "x ^ y"))
    one = case(model, save=["z"])

    _, bars = back(one)
    assert list(slope) == pytest.approx(
        [float(bars.constants[k].squeeze() / one.weights["z"].squeeze()) for k in (0, 1)]
    )


def test_only_what_is_asked_for_is_given(case: Callable, back: Callable) -> None:
    one = case(mixed("exp", 3))

    _, bars = back(one, Wanted(one.by("wide")))
    assert [one.program.constants[k].name for k in bars.constants] == ["wide"]
    np.testing.assert_allclose(
        back(one)[1].constants[min(bars.constants)], bars.constants[min(bars.constants)], rtol=1e-13
    )
