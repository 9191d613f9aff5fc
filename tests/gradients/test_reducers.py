"""Derivatives of every reduction, over every subset of axes."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from wm2u_sd.expr.functions import FUNCTIONS, REDUCIBLE, Role
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

REDUCTIONS = [name for name, f in FUNCTIONS.items() if f.role is Role.REDUCER or name in REDUCIBLE]
DIMENSIONS = ("a", "b", "c")
SUBSETS = [subset for n in (1, 2, 3) for subset in combinations(DIMENSIONS, n)]
SIZES = ((2, 3, 5), (1, 9, 2), (8, 1, 3), (3, 2, 17))


def reduced(name: str, sizes: tuple[int, ...], seed: int = 2) -> Model:
    """Return a model with a reduction over every subset of the axes of a constant and of a stock."""
    random = np.random.default_rng(seed)
    x = random.choice([-1, 1], sizes) * random.uniform(0.7, 1.4, sizes)
    records = []
    for subset in SUBSETS:
        inside, turned = (", ".join("*" if d in subset else d for d in order) for order in (DIMENSIONS, "bac"))
        left = tuple(d for d in DIMENSIONS if d not in subset)
        end = "_".join(subset)
        records += [
            Auxiliary(f"of_constant_{end}", f"{name}(x[{inside}])", over=left),
            Auxiliary(f"of_stock_{end}", f"{name}(level[{turned}] * (1 + 0.01 * time)) * scale", over=left[::-1]),
        ]
    return Model("reduced", time=Time(0, 1, "1/2", method="rk2")).define(
        *(Dimension(d, tuple(f"{d}{i}" for i in range(n))) for d, n in zip(DIMENSIONS, sizes, strict=True)),
        Constant("x", x.tolist(), over=DIMENSIONS),
        Constant("scale", 0.9),
        Stock("level", "1.1 * x", over=("b", "a", "c"), inflows=["change"]),
        Flow("change", f"{name}(x[a, b, *] * scale) / 10 - level / 5", over=("b", "a", "c")),
        *records,
    )


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("sizes", SIZES)
def test_reductions_over_every_subset_of_axes(
    case: Callable, hold: Callable, name: str, sizes: tuple[int, ...]
) -> None:
    draws = 1 if sizes[0] % 2 else 3

    hold(case(reduced(name, sizes), draws=draws, spread=0.001), step=1e-5, natively=sizes == SIZES[2])


@pytest.mark.parametrize(
    ("x", "slopes"),
    [
        ((2.0, 3.0, 5.0), (15.0, 10.0, 6.0)),
        ((2.0, 0.0, 5.0), (0.0, 10.0, 0.0)),
        ((0.0, 3.0, 0.0), (0.0, 0.0, 0.0)),
        ((0.0, 0.0, 0.0), (0.0, 0.0, 0.0)),
        ((-2.0, -0.0, 1.0), (0.0, -2.0, 0.0)),
    ],
)
@pytest.mark.parametrize("draws", [1, 2])
def test_the_slope_of_a_product_is_that_of_the_other_factors(
    case: Callable, back: Callable, x: tuple[float, ...], slopes: tuple[float, ...], draws: int
) -> None:
    model = Model("product", time=Time(0, 0)).define(
        Dimension("d", ("one", "two", "three")), Constant("x", x, over=("d",)), Auxiliary("y", "prod(x[*])")
    )
    one = case(model, draws=draws, values={"x": np.repeat(np.array(x)[:, None], draws, axis=1)}, save=["y"])

    _, bars = back(one)
    np.testing.assert_allclose(np.array(slopes)[:, None], (bars.constants[0] / one.weights["y"].squeeze())[:, :1])


@pytest.mark.parametrize("name", sorted(REDUCIBLE))
def test_equal_elements_share_the_slope_of_an_extreme(case: Callable, back: Callable, name: str) -> None:
    model = Model("extreme", time=Time(0, 0)).define(
        Dimension("d", ("one", "two", "three", "four")),
        Constant("x", (2.0, 2.0, 2.0, 2.0), over=("d",)),
        Auxiliary("y", f"{name}(x[*])"),
    )
    one = case(model, save=["y"])

    _, bars = back(one)
    np.testing.assert_array_equal(0.25 * one.weights["y"].squeeze(), bars.constants[0].squeeze())
