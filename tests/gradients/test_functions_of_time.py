"""Derivatives of every small model, history function and initial(), from the registry, over dimensions and alone."""

import re
from collections.abc import Callable, Iterable

import numpy as np
import pytest

from wm2u_sd.expr.functions import FUNCTIONS, Function, Role
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

OF_TIME = {n: f for n, f in FUNCTIONS.items() if f.role in (Role.SMALL_MODEL, Role.HISTORY, Role.INITIAL)}
ORDERS = (1, 2, 7)


def calls_of(function: Function) -> list[str]:
    """Return calls of a function with all its arguments and with the fewest, and with orders written out."""
    units = function.units.partition("->")[0].replace(" ", "").split(",")
    names = [f"argument_{k}" for k, _ in enumerate(function.arguments)]
    names = ["argument_0 * (1 + time / 4) + level / 50" if k == 0 else name for k, name in enumerate(names)]
    orders: Iterable[int] = ORDERS if "#" in units else (0,)
    found = []
    for order in orders:
        given = [str(order) if unit == "#" else name for unit, name in zip(units, names, strict=True)]
        found += [f"{function.name}({', '.join(given[:n])})" for n in sorted({function.least, len(given)})]
    return found


def timely(function: Function, method: str, seed: int) -> Model:
    random = np.random.default_rng(seed)
    calls = calls_of(function)
    values = random.uniform(0.55, 2.9, (len(function.arguments), 3)) + 0.01
    single = [re.sub(r"(argument_\d|level)", r"\1[two]", call) for call in calls]
    return Model("timely", time=Time(0, 4, "1/4", method=method)).define(
        Dimension("row", ("one", "two", "three")),
        *(Constant(f"argument_{k}", row.tolist(), over=("row",)) for k, row in enumerate(values)),
        Constant("start", 1.3),
        Constant("rate", (0.3, -0.2, 0.1), over=("row",)),
        *(Auxiliary(f"value_{k}", call, over=("row",)) for k, call in enumerate(calls)),
        *(Auxiliary(f"single_{k}", call) for k, call in enumerate(single)),
        Stock("level", "start + rate", inflows=["change"], over=("row",)),
        Flow("change", "rate * level + value_0[row] / 100" if "initial" not in function.name else "rate * level",
             over=("row",)),
    )  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("function", OF_TIME.values(), ids=OF_TIME.keys())
def test_functions_of_time(case: Callable, hold: Callable, function: Function, method: str) -> None:
    seed = len(function.name)
    draws = {"euler": 1, "rk2": 9, "rk4": 2}[method]

    hold(
        case(timely(function, method, seed), draws=draws, spread=0.002),
        step=1e-5,
        natively=method == "rk2" and (function.role is not Role.SMALL_MODEL or function.name == "forecast"),
    )


def test_memories_of_several_lengths(case: Callable, hold: Callable) -> None:
    # Fixed delays of 0, of one step, of more than the run, and of each element and draw its own.
    model = Model("lines", time=Time(0, 3, "1/4", method="rk4")).define(
        Dimension("row", ("a", "b", "c", "d", "e")),
        Constant("wait", (0.0, 0.26, 1.1, 2.0, 9.0), over=("row",)),
        Constant("begin", (1.0, 2.0, 3.0, 4.0, 5.0), over=("row",)),
        Constant("rate", 0.2),
        Stock("level", "begin ^ 2 / 3", inflows=["change"], over=("row",)),
        Flow("change", "rate * delay_fixed(level, wait, begin * rate) - 0.1 * level", over=("row",)),
        Auxiliary("twice", "delay_fixed(delay_fixed(level, 0.5, begin), wait[c], 7)", over=("row",)),
        Auxiliary("held", "sample_if_true(modulo(time, 1) < 0.2, level * rate, begin)", over=("row",)),
        Auxiliary("at_first", "initial(level * rate) + initial(sum(level[*]))", over=("row",)),
    )
    waits = np.array([[0.0, 0.6, 3.1], [0.26, 0.0, 0.26], [1.1, 1.6, 0.1], [2.1, 0.1, 0.9], [9.0, 9.0, 1.1]])

    hold(case(model), but=["wait"], natively=True)
    bars = hold(case(model, draws=3, values={"wait": waits, "rate": [0.2, 0.3, -0.1]}), but=["wait"], natively=True)
    assert not bars.constants[0].any()  # a whole number of steps does not change with it
