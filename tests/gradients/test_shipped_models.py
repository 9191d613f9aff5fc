"""Derivatives of the models that are shipped, over a few steps around the decision, at values away from rest."""

from collections.abc import Callable
from functools import cache

import pytest

from wm2u_sd.care.places import find, place_names
from wm2u_sd.io.text import load
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.scenario import Scenario

STEPS = 6
NATIVELY = ("core", "bolton")  # machine code for tangents takes about a second a model


@cache
def shipped(name: str) -> tuple[Model, list[Scenario]]:
    opened = load(find(name))
    model = opened.model
    decision = float(getattr(model.variables.get("decision_time"), "value", model.time.start))
    start = max(model.time.start, decision - 2 * model.time.dt)
    return model.with_time(start=start, end=start + STEPS * model.time.dt, saveper=None), list(
        opened.scenarios.values()
    )


@pytest.mark.parametrize("name", ["core", *place_names()])
def test_going_back_agrees_with_going_along(
    case: Callable, back: Callable, gap: Callable, tangents: Callable, worst: Callable, name: str
) -> None:
    from wm2u_sd.backends.native.kernel import NativeKernel
    from wm2u_sd.compile.adjoint import Wanted

    model, scenarios = shipped(name)
    several = case(model, draws=3, spread=0.05, scenarios=scenarios[1:3])
    wanted = Wanted(several.by())
    for one in (several, several.of([1])) if name in NATIVELY else (several,):
        apart, directions, dots = gap(one, back(one, wanted)[1], wanted)
        worst("there and back, shipped", apart)
        assert apart < 1e-9
    if name in NATIVELY:
        quick = tangents(several.of([1]), directions, NativeKernel)
        for result, dot in dots.items():
            error = float(abs(quick[result] - dot).max() / (abs(dot).max() + 1e-300))
            worst("between backends, shipped", error)
            assert error < 1e-12, result
