"""Pricing a run."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from wm2u_sd.economics.cost_benefit import CostBenefit, View, cost_benefit
from wm2u_sd.economics.ledger import CostLine
from wm2u_sd.economics.pricing import release
from wm2u_sd.errors import MoneyError
from wm2u_sd.simulation.run import Run

Ledger = Callable[..., tuple[CostLine, ...]]
YEAR_OF_TEN_FEWER = -10 * 100 * 365.25 / 7
"""Ten people fewer at 100 pounds a week."""


def gross(benefit: CostBenefit, line: str = "places", scenario: str = "offer") -> np.ndarray:
    """Yearly gross amounts of the first draw."""
    return benefit.data["gross"].sel(scenario=scenario, line=line).isel(draw=0).values


def test_yearly_amounts_are_count_times_price(priced: CostBenefit) -> None:
    np.testing.assert_allclose(gross(priced), YEAR_OF_TEN_FEWER, rtol=1e-12)
    np.testing.assert_allclose(gross(priced, "programme"), 2 * 12 * 50, rtol=1e-12)


def test_shape_units_and_labels(priced: CostBenefit) -> None:
    data = priced.data

    assert {"scenario": 3, "draw": 1, "year": 20, "line": 2} == dict(data["gross"].sizes)
    assert "GBP_2024" == data["gross"].attrs["units"] == data["cashable"].attrs["units"]
    assert list(range(1, 21)) == data["year"].values.tolist()
    assert ["town", "fund"] == data["payer"].values.tolist() == data["gainer"].values.tolist()
    assert [False, True] == data["spending"].values.tolist()
    assert ("offer", "same") == priced.scenarios


def test_scenario_that_changes_nothing_is_exactly_zero(priced: CostBenefit) -> None:
    for name in ("gross", "cashable", "carried"):
        assert not priced.data[name].sel(scenario=["same", "as_now"]).values.any()


def test_doubling_the_unit_cost_doubles_the_amounts(run: Run, ledger: Ledger, priced: CostBenefit) -> None:
    doubled = cost_benefit(run, ledger(places={"unit_cost": 200}), against="as_now")

    np.testing.assert_array_equal(2 * gross(priced), gross(doubled))


def test_scale_multiplies(run: Run, ledger: Ledger) -> None:
    lines = ledger(places={"units": "GBP_2024/head/week", "scale": "heads"})

    np.testing.assert_allclose(gross(cost_benefit(run, lines, against="as_now")), 2.5 * YEAR_OF_TEN_FEWER, rtol=1e-12)


@pytest.mark.parametrize(("driver", "share"), [("sided", 1.0), ("sided[left]", 0.5)])
def test_dimensions_are_summed_or_picked(run: Run, ledger: Ledger, driver: str, share: float) -> None:
    benefit = cost_benefit(run, ledger(places={"driver": driver}), against="as_now")

    np.testing.assert_allclose(gross(benefit), share * YEAR_OF_TEN_FEWER, rtol=1e-12)


def test_older_prices_are_converted_and_said(run: Run, ledger: Ledger) -> None:
    benefit = cost_benefit(run, ledger(places={"units": "GBP_2019_20/person/week"}), against="as_now")

    np.testing.assert_allclose(gross(benefit), YEAR_OF_TEN_FEWER * 100 / 82.1348, rtol=1e-9)
    assert any("prices of 2019-20 brought to 2024 by the GDP deflator" in note for note in benefit.notes)


def test_real_growth_counts_from_the_start(run: Run, ledger: Ledger) -> None:
    """A monthly amount grows to the middle of its month; twelve of them a geometric sum."""
    growth = 1.05
    monthly = growth ** ((np.arange(240) + 0.5) / 12)

    benefit = cost_benefit(run, ledger(places={"real_growth": 0.05}), against="as_now")

    np.testing.assert_allclose(gross(benefit), YEAR_OF_TEN_FEWER / 12 * monthly.reshape(20, 12).sum(1), rtol=1e-12)
    assert any("grows above general prices from the start, by 5% a year" in note for note in benefit.notes)


def test_cash_is_the_share_of_the_change(run: Run, ledger: Ledger) -> None:
    benefit = cost_benefit(run, ledger(places={"cashable_share": 0.4}), against="as_now")

    np.testing.assert_allclose(benefit.data["cashable"], 0.4 * benefit.data["gross"], rtol=1e-12)


def test_delayed_cash_follows_the_first_order_delay(run: Run, ledger: Ledger) -> None:
    """Step of size a through a delay d: by time t, a (t - d (1 - exp(-t/d))) has come out."""
    months = 12 * np.arange(1, 21)
    expected = YEAR_OF_TEN_FEWER / 12 * (months - 18 * (1 - np.exp(-months / 18)))

    benefit = cost_benefit(run, ledger(places={"cashable_delay": 18}), against="as_now")

    cash = benefit.data["cashable"].sel(scenario="offer", line="places").isel(draw=0)
    np.testing.assert_allclose(cash.cumsum("year").values, expected, rtol=1e-9)


def test_cash_not_released_is_carried(run: Run, ledger: Ledger) -> None:
    benefit = cost_benefit(run, ledger(places={"cashable_share": 0.7, "cashable_delay": 18}), against="as_now")

    data = benefit.data
    np.testing.assert_allclose(data["cashable"].cumsum("year") + data["carried"], 0.7 * data["gross"].cumsum("year"))


def test_health_lines_take_their_own_schedule(run: Run, ledger: Ledger) -> None:
    benefit = cost_benefit(run, ledger(places={"schedule": "health"}), against="as_now", timing="end-year")

    assert 1.035**-10 == pytest.approx(float(benefit.data["discount_factor"].sel(year=10)))
    assert 1.015**-10 == pytest.approx(float(benefit.data["line_discount_factor"].sel(year=10, line="places")))


def test_money_is_drawn_only_with_several_draws(run: Run, drawn: Run, ledger: Ledger) -> None:
    prior = {"distribution": "uniform", "low": 0.3, "high": 0.9}
    lines = ledger(places={"cashable_share": {"value": 0.6, "prior": prior}})

    point, posterior = (cost_benefit(one, lines, against="as_now") for one in (run, drawn))

    assert View.POINT is point.view
    assert View.POSTERIOR is posterior.view
    assert [0.6] == point.parameters["places.cashable_share"].values.tolist()
    assert 0.6 == pytest.approx(
        float(posterior.parameters["places.cashable_share"].mean()), abs=0.001
    )  # one per stratum


def test_money_draws_keep_to_their_name_and_draw(drawn: Run, ledger: Ledger) -> None:
    prior = {"distribution": "uniform", "low": 0.3, "high": 0.9}
    share = {"value": 0.6, "prior": prior}
    some = drawn.with_tables(data=drawn.data.isel(draw=slice(5, 9)))

    alone = cost_benefit(drawn, ledger(places={"cashable_share": share}), against="as_now")
    beside = cost_benefit(
        some,
        ledger(other={"payer": "region", "cashable_share": share}, places={"cashable_share": share}),
        against="as_now",
    )

    name = "places.cashable_share"
    np.testing.assert_array_equal(alone.parameters[name].values[5:9], beside.parameters[name].values)
    assert not np.array_equal(beside.parameters["other.cashable_share"], beside.parameters[name])


def test_another_seed_draws_otherwise(drawn: Run, ledger: Ledger) -> None:
    lines = ledger(places={"real_growth": {"value": 0, "prior": {"distribution": "uniform", "low": 0, "high": 0.1}}})

    first, second = (cost_benefit(drawn, lines, against="as_now", seed=seed) for seed in ("one", "two"))

    assert not np.array_equal(first.parameters["places.real_growth"], second.parameters["places.real_growth"])


def test_draw_outside_its_bounds_is_refused(drawn: Run, ledger: Ledger) -> None:
    prior = {"distribution": "uniform", "low": 0.5, "high": 1.5}

    with pytest.raises(
        MoneyError, match=r"Cost line 'places': draws of cashable_share run from .* must lie from 0 to 1"
    ):
        cost_benefit(drawn, ledger(places={"cashable_share": {"value": 1, "prior": prior}}), against="as_now")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"against": "now"},
            "There is no scenario 'now' to compare with; the run has as_now, offer, same. Did you mean: as_now?",
        ),
        ({"years": 30}, "years is 30 and beyond is 20; give 1 <= years <= beyond"),
        (
            {"beyond": 25},
            "Year 21 ends at time 252 month, which the run does not hold (it runs from 0 to 240; nearest 240); "
            "simulate longer, ask for fewer years, or choose a saveper that divides 12",
        ),
        (
            {"start": 0.5},
            "Year 0 ends at time 0.5 month, which the run does not hold (it runs from 0 to 240; nearest 0); "
            "simulate longer, ask for fewer years, or choose a saveper that divides 12",
        ),
        (
            {"prices": 2031},
            "There is no price level for 2031 in the deflator of 2025-12; it holds 1990 to 2024 and 2009-10 to 2024-25",
        ),
    ],
)
def test_wrong_call_is_refused(run: Run, ledger: Ledger, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(MoneyError) as caught:
        cost_benefit(run, ledger(), **{"against": "as_now", **arguments})  # type: ignore[arg-type]

    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"driver": "meeting"},
            "The run does not hold 'cumulative_meeting'. Name it in 'accumulate' when simulating. "
            "Did you mean: meetings?",
        ),
        ({"driver": "sided[top]"}, "'sided[top]': no dimension of 'cumulative_sided' has an element 'top'"),
        ({"scale": "head"}, "Cost line 'places': there is no constant 'head' to scale by. Did you mean: heads?"),
        (
            {"units": "GBP_2024/head/week"},
            "Cost line 'places': a unit cost in GBP_2024/head/week times a count in person*month gives "
            "GBP_2024*month*person/head/week, which is not money of one price year; correct 'units' or 'driver', "
            "or name a 'scale'",
        ),
    ],
)
def test_wrong_line_is_refused(run: Run, ledger: Ledger, changes: dict[str, object], message: str) -> None:
    with pytest.raises(MoneyError) as caught:
        cost_benefit(run, ledger(places=changes), against="as_now")

    assert message == str(caught.value)


def test_later_start_counts_from_there(run: Run, ledger: Ledger) -> None:
    benefit = cost_benefit(run, ledger(places={"real_growth": 0.1}), against="as_now", start=120, beyond=10)

    first = cost_benefit(run, ledger(places={"real_growth": 0.1}), against="as_now", beyond=10)
    np.testing.assert_allclose(gross(benefit), gross(first), rtol=1e-9)


def test_release_without_delay_is_at_once() -> None:
    amounts = np.array([[1.0, 2.0, 3.0]])

    out, inside = release(amounts, np.ones(3), np.zeros(1))

    np.testing.assert_array_equal(amounts, out)
    assert not inside.any()


def test_repr_reads_well(priced: CostBenefit) -> None:
    first = repr(priced).splitlines()[0]

    assert "Cost and benefit of offer, same against as_now: 1 draws (point), years 1 to 20, judged at 10" == first
