"""The models that are shipped, with their own steps and scenarios, by every method."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pytest

from wm2u_sd.backends.base import AbstractBackend
from wm2u_sd.care.places import find, place_names
from wm2u_sd.io.text import load
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import simulate

DRAWS = 2
STEPS_BEFORE, STEPS_AFTER = 2, 3


@pytest.fixture(scope="module")
def folder_for_code(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Localities share their structure, and so their code."""
    return str(tmp_path_factory.mktemp("code"))


@cache
def shipped(name: str) -> tuple[Model, list[Scenario]]:
    """Return a model and its scenarios.

    Runs begin where the stated constants leave it, and not at rest: there a net flow is what rounding leaves of a
    difference, and no two backends have to agree on it.
    """
    opened = load(find(name))
    return opened.model, list(opened.scenarios.values())


def around_the_decision(model: Model) -> Model:
    """Return the model over a few of its steps before scenarios begin and some after."""
    time, decision = model.time, float(getattr(model.variables.get("decision_time"), "value", model.time.start))
    start = max(time.start, decision - STEPS_BEFORE * time.dt)
    return model.with_time(start=start, end=decision + STEPS_AFTER * time.dt, saveper=None)


@pytest.mark.parametrize("name", ["core", *place_names()])
def test_every_shipped_model_by_every_method(agree: Callable, batch: Callable, name: str) -> None:
    model, scenarios = shipped(name)
    for method in METHODS:
        timed = around_the_decision(model).with_time(method=method)
        few = batch(timed, draws=DRAWS, scenarios=scenarios)

        agree(few)
        if method == model.time.method:
            agree(few.of([1]))


@pytest.mark.parametrize("name", ["core", "bolton"])
def test_a_shipped_model_over_all_its_years(agree: Callable, batch: Callable, name: str) -> None:
    model, scenarios = shipped(name)
    coarser = model.with_time(step=4, saveper=12)  # the oracle takes seconds at the steps of the models
    whole = batch(coarser, draws=DRAWS, scenarios=scenarios[::3], saved_steps=coarser.time.saved_steps())

    assert (model.time.start, model.time.end) == (coarser.time.start, coarser.time.end)
    agree(whole)
    agree(replace(whole, save=("waiting", "in_care", "staff")))


def test_a_shipped_model_comes_to_rest_at_the_same_constants(backend: AbstractBackend) -> None:
    model, scenarios = shipped("bolton")
    short = model.with_time(end=model.time.start + 2)
    expected, found = (simulate(short, scenarios[:2], draws=3, backend_name=b) for b in ("numpy", backend.name))

    assert () == found.failures
    for name, values in expected.parameters.items():
        # Newton's method stops within 1e-9; backends may stop an iteration apart.
        assert values.values == pytest.approx(found.parameters[name].values, rel=1e-6)
