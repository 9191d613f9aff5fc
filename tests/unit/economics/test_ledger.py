"""The cost ledger."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from wm2u_sd.economics.ledger import CostLine, Uncertain, ValueKind, cost_lines
from wm2u_sd.errors import MoneyError
from wm2u_sd.model.variables import Prior

RECORD = {
    "driver": "held",
    "unit_cost": 100,
    "units": "GBP_2024/person/week",
    "payer": "town",
    "kind": "fiscal",
    "category": "places",
}


def one(**changes: object) -> CostLine:
    """Make a ledger of one line."""
    (line,) = cost_lines({"x": {**RECORD, **changes}})
    return line


def test_mapping_and_object_give_the_same_line() -> None:
    record = {**RECORD, "cashable_share": {"value": 0.5}, "scale": "heads", "optimism_grade": 3}

    (line,) = cost_lines({"x": SimpleNamespace(**record)})

    assert one(cashable_share=0.5, scale=["heads"], optimism_grade=3) == line


def test_belief_takes_value_and_prior() -> None:
    prior = {"distribution": "uniform", "low": 0.3, "high": 0.9}

    line = one(cashable_share={"value": 0.6, "prior": prior, "shared": "share"})

    assert Uncertain(0.6, Prior("uniform", 0.3, 0.9, pytest.approx(0.6)), "share") == line.cashable_share
    assert "share" == line.belief_name("cashable_share")
    assert "x.real_growth" == line.belief_name("real_growth")


def test_belief_without_value_stands_at_the_centre_of_its_prior() -> None:
    line = one(real_growth={"prior": Prior("triangular", 0, 0.065, 0.02)})

    assert 0.02 == line.real_growth.value


@pytest.mark.parametrize("share", [None, "n/a"])
def test_no_share_means_money_really_spent(share: object) -> None:
    line = one(cashable_share=share)

    assert line.cashable_share is None
    assert line.is_spending


def test_gainer_is_the_payer_unless_said() -> None:
    assert "town" == one().gains
    assert "region" == one(gainer="region").gains


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"payer": ""}, "Cost line 'x': 'payer' is empty; every line states it"),
        ({"payer": None}, "Cost line 'x' does not say payer"),
        ({"kind": "fiscl"}, "Cost line 'x': kind is 'fiscl'; it is one of fiscal, economic, social, transfer"),
        ({"pair": "town"}, "Cost line 'x' says 'pair', which is not known here. Did you mean: payer, gainer?"),
        ({"optimism_grade": 7}, "Cost line 'x': optimism_grade is 7; grades run from 1 to 6"),
        ({"cashable_share": 70}, "Cost line 'x': cashable_share is 70; it lies from 0 to 1"),
        ({"cashable_delay": -1}, "Cost line 'x': cashable_delay (months) is -1; it lies from 0 to 1200"),
        (
            {"unit_cost": "lots"},
            "Cost line 'x', unit_cost is 'lots'; it must be a number, or a record of value and prior",
        ),
        (
            {"unit_cost": {"valu": 1}},
            "Cost line 'x', unit_cost says 'valu', which is not known here. Did you mean: value?",
        ),
        (
            {"real_growth": {"value": 0, "prior": {"low": 1}}},
            "Cost line 'x', real_growth: a prior needs 'low' and 'high'; got 1, None",
        ),
        ({"scale": 3}, "Cost line 'x': scale is 3; name one constant or a list of constants"),
        (
            {"kind": "social", "cashable_share": 0.5},
            "Cost line 'x': a social line has no cashable share, because it is never cash in an agency's budget; leave "
            "'cashable_share' out",
        ),
    ],
)
def test_wrong_record_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(MoneyError) as caught:
        one(**changes)

    assert message == str(caught.value)


def test_event_counted_twice_is_refused() -> None:
    with pytest.raises(MoneyError) as caught:
        cost_lines({"first": RECORD, "second": {**RECORD, "unit_cost": 3}})

    assert (
        "Cost lines 'first' and 'second' count one event twice: driver 'held', payer 'town', category 'places'; "
        "keep one line for each agency"
    ) == str(caught.value)


def test_one_event_may_have_a_line_for_each_agency() -> None:
    assert 2 == len(cost_lines({"first": RECORD, "second": {**RECORD, "payer": "region"}}))


def test_empty_ledger_is_refused() -> None:
    with pytest.raises(MoneyError, match="The ledger has no lines"):
        cost_lines({})


def test_shared_belief_must_be_one_belief() -> None:
    share = {"value": 0.5, "shared": "share"}

    with pytest.raises(MoneyError, match="Cost line 'second': belief 'share' differs"):
        cost_lines(
            {
                "first": {**RECORD, "cashable_share": share},
                "second": {**RECORD, "payer": "region", "cashable_share": {**share, "value": 0.6}},
            }
        )


@pytest.mark.parametrize("kind", list(ValueKind))
def test_every_kind_is_read(kind: ValueKind) -> None:
    assert kind is one(kind=str(kind)).kind
