"""A ledger against a model, before anything is run; the messages themselves are in tests/models/broken."""

from __future__ import annotations

import pytest

import wm2u_sd as sd
from wm2u_sd.economics.ledger_check import ledger_findings
from wm2u_sd.errors import MoneyError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

RECORD = {
    "driver": "held",
    "unit_cost": 100,
    "units": "GBP_2024/person/week",
    "payer": "town",
    "kind": "fiscal",
    "category": "places",
}


@pytest.fixture
def model() -> Model:
    return Model("rooms", time=Time(0, 12, 1, units="month")).define(
        Dimension("room", ("small", "large")),
        Stock("held", initial="start", over=["room"], inflows=["coming"], units="person"),
        Flow("coming", "start / stay", over=["room"], units="person/month"),
        Auxiliary("heads", "sum(held[*]) * heads_each", units="head"),
        Constant("start", value=(3.0, 5.0), over=["room"], units="person"),
        Constant("stay", value=5.0, units="month"),
        Constant("heads_each", value=2.0, units="head/person"),
    )


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"driver": "held[small]"},
        {"driver": "coming", "units": "GBP_2024/person"},
        {"driver": "heads", "units": "kGBP_2019_20/head/year"},
        {"units": "GBP_2024/head/day", "scale": "heads_each"},
        {"schedule": "health"},
    ],
)
def test_what_can_be_priced_has_no_finding_and_is_priced(model: Model, changes: dict[str, object]) -> None:
    records = {"line": {**RECORD, **changes}}

    assert [] == ledger_findings(records, model)
    run = sd.simulate(model, [sd.Scenario("as_now"), sd.Scenario("more")], accumulate=["held", "heads"])
    assert ("more",) == sd.cost_benefit(run, sd.cost_lines(records), against="as_now", years=1, beyond=1).scenarios


@pytest.mark.parametrize(
    "changes",
    [
        {"driver": "hold"},
        {"driver": "held[middle]"},
        {"driver": "coming"},
        {"units": "GBP_2024/head/week"},
        {"units": "GBP_1908/person/week"},
        {"scale": "heads"},
        {"schedule": "helth"},
    ],
)
def test_what_cannot_be_priced_is_found_before_it_is_run(model: Model, changes: dict[str, object]) -> None:
    records = {"line": {**RECORD, **changes}}

    (found,) = ledger_findings(records, model)
    assert "error" == found.severity
    run = sd.simulate(model, [sd.Scenario("as_now"), sd.Scenario("more")], accumulate=["held", "heads"])
    with pytest.raises(MoneyError):
        sd.cost_benefit(run, sd.cost_lines(records), against="as_now", years=1, beyond=1)


def test_every_line_is_looked_at(model: Model) -> None:
    records = {name: {**RECORD, "category": name, "driver": name} for name in ("one", "two", "held")}

    assert ["one", "two"] == [found.message.split("'")[1] for found in ledger_findings(records, model)]
