"""A small service to price: people who are held, and meetings that happen, both set by constants."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import wm2u_sd.model.model as models
from wm2u_sd.economics.cost_benefit import CostBenefit, cost_benefit
from wm2u_sd.economics.ledger import CostLine, cost_lines
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Prior, Stock
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import simulate

Record = dict[str, object]
WEEKLY = {
    "driver": "held",
    "unit_cost": 100,
    "units": "GBP_2024/person/week",
    "payer": "town",
    "kind": "fiscal",
    "category": "places",
    "cashable_share": 1,
}
MEETING = {
    "driver": "meetings",
    "unit_cost": 50,
    "units": "GBP_2024/meeting",
    "payer": "fund",
    "kind": "fiscal",
    "category": "programme",
}


@pytest.fixture
def model() -> models.Model:
    """Twenty years by the month."""
    return models.Model("service", time=Time(0, 240, step=1, units="month")).define(
        Dimension("side", ("left", "right")),
        Constant(
            "people", value=100, units="person", prior=Prior("uniform", 80, 120, 100), label="People at the start"
        ),
        Constant("fewer", value=0, units="person", prior=Prior("uniform", 0, 10, 5), label="Fewer people"),
        Constant("offered", value=0, units="dmnl", lever=True),
        Constant("frequency", value=2, units="meeting/month"),
        Constant("heads", value=2.5, units="head/person"),
        Auxiliary("held", "people - fewer * offered", units="person", label="People held"),
        Auxiliary("sided", "held / 2", units="person", over=("side",)),
        Flow("meetings", "frequency * offered", units="meeting/month"),
        Stock("met", "0", units="meeting", inflows=("meetings",)),
    )


@pytest.fixture
def run(model: models.Model) -> Run:
    """One draw; 'offered' holds 10 fewer people and meets twice a month."""
    return simulate(
        model,
        [Scenario("as_now"), Scenario("offer", {"offered": 1, "fewer": 10}), Scenario("same", {"people": 100})],
        accumulate=("held", "sided"),
    )


@pytest.fixture
def drawn(model: models.Model) -> Run:
    """200 draws of how many fewer people are held."""
    return simulate(
        model, [Scenario("as_now"), Scenario("offer", {"offered": 1})], draws=200, seed="test", accumulate=("held",)
    )


@pytest.fixture
def ledger() -> Callable[..., tuple[CostLine, ...]]:
    """Make a ledger of the two usual lines, or of lines given as name=changes to the weekly one."""

    def make(**changes: Record) -> tuple[CostLine, ...]:
        if not changes:
            return cost_lines({"places": WEEKLY, "programme": MEETING})
        return cost_lines({name: {**WEEKLY, **change} for name, change in changes.items()})

    return make


@pytest.fixture
def priced(run: Run, ledger: Callable[..., tuple[CostLine, ...]]) -> CostBenefit:
    """The usual ledger on the run of one draw."""
    return cost_benefit(run, ledger(), against="as_now")
