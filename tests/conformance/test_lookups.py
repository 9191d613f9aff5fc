"""Lookups of few and many points, on and beyond their points, with other points in their place."""

from collections.abc import Callable, Sequence

import numpy as np
import pytest

from wm2u_sd.backends.base import AbstractBackend
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Extrapolation, Flow, Lookup, Stock

SIZES = (2, 3, 16, 17, 200)
Points = Sequence[tuple[float, float]]


def points(n: int, seed: int = 0) -> Points:
    """Return points at uneven distances from each other, from -10 to 10."""
    random = np.random.default_rng(100 * n + seed)
    x = np.sort(np.concatenate([[-10.0, 10.0], random.uniform(-9.9, 9.9, n - 2)]))
    return [(float(a), float(b)) for a, b in zip(x, random.normal(0, 5, n), strict=True)]


def asked(curve: Points) -> list[float]:
    """Return what a curve is read at: its points, beside them, between them, beyond them, and what is no number."""
    x = np.array(curve)[:: 1 + len(curve) // 40, 0]
    beside = [np.nextafter(x, -np.inf), np.nextafter(x, np.inf)]
    beyond = [-np.inf, -1e300, -11.0, -10.0001, 10.0001, 12.5, 1e9, np.inf, np.nan, 0.0, -0.0]
    return [float(v) for v in np.concatenate([x, *beside, (x[1:] + x[:-1]) / 2, beyond])]


def model_of(curve: Points, extrapolation: str, n: int) -> Model:
    return Model("lookups", time=Time(0, 1)).define(
        Dimension("place", tuple(f"p{i}" for i in range(n))),
        Constant("x", 0.0),
        Constant("along", [0.0] * n, over=("place",)),
        Lookup("curve", curve, extrapolation=extrapolation),
        Auxiliary("once_a_run", "curve(x)"),
        Auxiliary("at_every_stage", "curve(x + 0 * time)"),
        Auxiliary("folded", "curve(2.5)"),
        Auxiliary("over_places", "curve(along)", over=("place",)),
        Auxiliary("over_places_at_every_stage", "curve(along + 0 * time)", over=("place",)),
        Auxiliary("of_itself", "curve(curve(x) / 4)"),
        Stock("level", "curve(x)", inflows=["change"]),
        Flow("change", "curve(level)"),
    )


@pytest.mark.parametrize("extrapolation", list(Extrapolation))
@pytest.mark.parametrize("n_points", SIZES)
def test_curves_agree_on_beside_between_and_beyond_their_points(
    agree: Callable, batch: Callable, n_points: int, extrapolation: str
) -> None:
    curve = points(n_points)
    x = asked(curve)
    model = model_of(curve, extrapolation, len(x))
    along = np.array(x)[:, np.newaxis]

    agree(batch(model, draws=len(x), values={"x": x, "along": along}))
    agree(batch(model, draws=9, values={"x": x[:9], "along": np.stack([np.roll(x, k) for k in range(9)], axis=-1)}))
    alone = batch(model, draws=6, values={"x": [-11.0, x[0], x[1], 0.1, 11.0, np.nan], "along": along})
    for draw in range(6):
        agree(alone.of([draw]))


@pytest.mark.parametrize("extrapolation", list(Extrapolation))
@pytest.mark.parametrize("of_model", [3, 17])
@pytest.mark.parametrize("in_its_place", SIZES)
def test_points_that_replace_those_of_the_model_may_be_fewer_or_more(
    agree: Callable, batch: Callable, of_model: int, in_its_place: int, extrapolation: str
) -> None:
    model = model_of(points(of_model), extrapolation, 3)
    new = points(in_its_place, seed=1)
    x = asked(new)

    for draws in (1, len(x)):
        values = {"x": x[:draws] if draws > 1 else [0.3], "along": [[-12.0], [0.2], [10.5]]}
        agree(batch(model, draws=draws, values=values, tables={"curve": new}))


@pytest.mark.parametrize("draws", [1, 9])
def test_one_of_several_lookups_is_replaced_and_a_kernel_goes_on_with_its_own_after_that(
    backend: AbstractBackend, equal: Callable, agree: Callable, batch: Callable, draws: int
) -> None:
    model = Model("several", time=Time(0, 3)).define(
        Lookup("few", points(3)), Lookup("many", points(40)), Lookup("linear", points(5), extrapolation="linear"),
        Constant("x", 0.0),
        Auxiliary("all_of_them", "few(x) + many(x + time) + linear(time * 6)"),
    )  # fmt: skip
    values = {"x": np.linspace(-9, 9, draws)}
    own = batch(model, draws=draws, values=values)
    replaced = [
        batch(model, draws=draws, values=values, tables={name: points(n, 2)})
        for name, n in (("few", 3), ("many", 41), ("few", 30), ("linear", 2))
    ]

    for one in (own, *replaced, own):
        agree(one)
    kernel = backend.compile(own.program)
    results = [kernel.run(one.inputs, own.save, own.saved_steps)[0] for one in (own, *replaced, own)]
    assert equal(results[0], results[-1])
    assert not any(equal(results[0], other) for other in results[1:-1])
