"""Derivatives through everything that lays values out: sub-ranges, picks, turned axes, values of fewer dimensions."""

from collections.abc import Callable

import numpy as np
import pytest

from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Extrapolation, Flow, Lookup, Stock

LENGTHS = (1, 2, 3, 5, 8, 9, 17)


def laid_out(n: int, m: int) -> Model:
    """Return a model in which values over `n` rows and `m` sides meet in every way they can."""
    random = np.random.default_rng(n * 100 + m)
    rows, sides = [f"r{i}" for i in range(n)], [f"s{i}" for i in range(m)]
    some = [rows[i] for i in random.permutation(n)[: max(1, n // 2)]]
    return Model("laid_out", time=Time(0, 1, "1/2", method="rk4")).define(
        Dimension("row", rows),
        Dimension("side", sides),
        Dimension("some", some, of="row"),
        Dimension("all_turned", rows[::-1], of="row"),
        Constant("x", random.uniform(0.5, 2, (n, m)).tolist(), over=("row", "side")),
        Constant("by_row", random.uniform(0.5, 2, n).tolist(), over=("row",)),
        Constant("by_side", random.uniform(0.5, 2, m).tolist(), over=("side",)),
        Constant("alone", 1.3),
        Lookup("curve", ((0, 1), (0.71, 2.3), (1.9, 0.4), (4, 3)), extrapolation=Extrapolation.LINEAR),
        Stock("level", "x * by_row + alone", inflows=["change"], over=("row", "side")),
        Stock("turned_level", "x + 1", inflows=["turned_change"], over=("side", "row")),
        Stock("single", "alone", inflows=["single_change"]),
        Flow("change", "(by_side - level * turned_level / 9) * single * time", over=("row", "side")),
        Flow("turned_change", "level / 7 - turned_level[s0, row] * by_row / 5", over=("side", "row")),
        Flow("single_change", "mean(level[*, *]) / 3 - single * level[r0, s0] / 10"),
        Auxiliary("part", f"x[some, s0] * level[some, {sides[-1]}] + by_row", over=("some",)),
        Auxiliary("reversed_part", "by_row[all_turned] ^ 2 * level[all_turned, side]", over=("side", "all_turned")),
        Auxiliary("sum_of_part", "sum(level[some*, side] * by_row[some*]) + by_side", over=("side",)),
        Auxiliary("largest_of_part", "max(x[some*, side] * single)", over=("side",)),
        Auxiliary("picked", f"level[{rows[-1]}, s0] * x[r0, {sides[-1]}] / single"),
        Auxiliary("wide", "single + alone * curve(alone)", over=("side", "row")),
        Auxiliary("wide_from_rows", "by_row / single", over=("side", "row")),
        Auxiliary("wide_from_sides", "exp(-by_side * alone)", over=("row", "side")),
        Auxiliary("curved", "curve(level * by_side)", over=("side", "row")),
        Auxiliary("smoothed", "smooth1(level, by_row) + delay_fixed(level, 0.5, by_side)", over=("row", "side")),
    )


@pytest.mark.parametrize(("n", "draws"), [*((n, 1) for n in LENGTHS), (3, 3), (8, 9), (1, 2)])
def test_every_way_values_meet(case: Callable, hold: Callable, n: int, draws: int) -> None:
    m = {1: 2, 2: 9, 3: 1, 5: 3, 8: 2, 9: 3, 17: 2}[n]

    hold(case(laid_out(n, m), draws=draws, spread=0.01), step=1e-5, natively=n == 3)


def test_three_axes_in_every_order(case: Callable, hold: Callable) -> None:
    orders = ["abc", "acb", "bac", "bca", "cab", "cba"]
    model = Model("orders", time=Time(0, 0)).define(
        *(Dimension(d, tuple(f"{d}{i}" for i in range(n))) for d, n in zip("abc", (2, 3, 4), strict=True)),
        Constant("x", np.random.default_rng(1).uniform(1, 2, (2, 3, 4)).tolist(), over=tuple("abc")),
        Constant("y", np.random.default_rng(2).uniform(1, 2, (4, 2)).tolist(), over=tuple("ca")),
        *(Auxiliary(f"turned_{o}", "x ^ 2 * y[c, a] / x[a0, b, c]", over=tuple(o)) for o in orders),
    )

    for draws in (1, 9):
        hold(case(model, draws=draws, spread=0.1))
