"""Measures of value, on amounts that algebra can follow."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from wm2u_sd.economics import measures
from wm2u_sd.economics.cost_benefit import CostBenefit, cost_benefit
from wm2u_sd.economics.ledger import CostLine, ValueKind
from wm2u_sd.economics.measures import CASH, GROSS, PUBLIC, Amount, Scope
from wm2u_sd.errors import MoneyError
from wm2u_sd.simulation.run import Run

Ledger = Callable[..., tuple[CostLine, ...]]
ANNUITY = (1 - 1.035**-10) / 0.035
"""Value now of 1 at the end of each of ten years at 3.5%."""
PLACES = 10 * 100 * 365.25 / 7
"""Yearly gain of the usual offer: ten people fewer at 100 pounds a week."""
MEETINGS = 2 * 12 * 50.0
"""Its yearly cost."""


@pytest.fixture
def ends(run: Run, ledger: Ledger) -> CostBenefit:
    """The usual ledger with money at each year's end."""
    return cost_benefit(run, ledger(), against="as_now", timing="end-year")


def with_path(benefit: CostBenefit, *paths: Sequence[float]) -> CostBenefit:
    """Return the analysis with one draw of 'offer' for each path of yearly net cost, borne by the first line."""
    amounts = benefit.data.isel(draw=[0] * len(paths)).assign_coords(draw=range(len(paths)))
    for name in ("gross", "cashable"):
        values = np.zeros(amounts[name].shape)
        values[1, :, :, 0] = 0.0
        for draw, path in enumerate(paths):
            values[1, draw, : len(path), 0] = path
        amounts = amounts.assign({name: amounts[name].copy(data=values)})
    return replace(benefit, data=amounts)


def offer(values: object) -> float:
    """The one number of 'offer'."""
    return float(values.sel(scenario="offer").squeeze())  # type: ignore[attr-defined]


def test_npv_of_a_constant_flow_is_the_annuity(ends: CostBenefit) -> None:
    assert (PLACES - MEETINGS) * ANNUITY == pytest.approx(offer(measures.npv(ends)), rel=1e-12)


def test_equivalent_annual_value_is_the_constant_flow(ends: CostBenefit) -> None:
    value = measures.equivalent_annual_value(ends)

    assert PLACES - MEETINGS == pytest.approx(offer(value), rel=1e-12)
    assert "GBP_2024/year" == value.attrs["units"]


def test_budget_impact_is_cost_less_benefit(ends: CostBenefit) -> None:
    assert (MEETINGS - PLACES) * ANNUITY == pytest.approx(offer(measures.budget_impact(ends)), rel=1e-12)


def test_budget_impact_counts_only_fiscal_amounts(ends: CostBenefit) -> None:
    with pytest.raises(MoneyError, match="Budget impact counts fiscal amounts only"):
        measures.budget_impact(ends, PUBLIC)


def test_nothing_changed_has_exactly_no_value(ends: CostBenefit) -> None:
    assert 0.0 == float(measures.npv(ends).sel(scenario="same").squeeze())


def test_ratio_is_of_sums(ends: CostBenefit) -> None:
    table = measures.benefit_cost_ratio(ends)

    assert PLACES / MEETINGS == pytest.approx(table.loc["offer", "ratio_of_means"])
    assert PLACES / MEETINGS == pytest.approx(table.loc["offer", "p50"])
    assert 0.0 == table.loc["offer", "chance_npv_below_zero"]


def test_ratio_without_cost_does_not_exist(ends: CostBenefit) -> None:
    row = measures.benefit_cost_ratio(ends).loc["same"]

    assert row["ratio_of_means"] is None
    assert row["p50"] is None
    assert 1.0 == row["share_without_ratio"]


def test_ratio_of_means_is_not_mean_of_ratios(drawn: Run, ledger: Ledger) -> None:
    prior = {"distribution": "uniform", "low": 1, "high": 99}
    lines = ledger(places={}, programme={"driver": "meetings", "units": "GBP_2024/meeting", "category": "programme",
                   "cashable_share": None, "unit_cost": {"value": 50, "prior": prior}})  # fmt: skip
    benefit = cost_benefit(drawn, lines, against="as_now", timing="end-year")

    row = measures.benefit_cost_ratio(benefit).loc["offer"]

    assert 0.5 * PLACES / MEETINGS == pytest.approx(
        row["ratio_of_means"], rel=0.01
    )  # on average 5 fewer at 50 a meeting
    assert row["p10"] < row["p50"] < row["p90"]


@pytest.mark.parametrize(
    ("path", "annual", "cumulative", "lasts"),
    [
        ([-1] * 10, 1, 1, True),
        ([3, -1, -1, -1, -1, 0], 2, 5, True),  # 3 now against 1 a year, discounted: four years bring it back
        ([-1, -1, 3, 3], 1, 1, False),  # better before worse
        ([1] * 10, 11, 11, False),
        ([0] * 10, 11, 11, False),
    ],
)
def test_break_even_year(priced: CostBenefit, path: list[float], annual: int, cumulative: int, lasts: bool) -> None:
    benefit = with_path(priced, path)

    by_year, so_far = (
        measures.break_even(benefit, cumulative=summed).sel(scenario="offer") for summed in (False, True)
    )

    assert annual == int(by_year["first_year"].squeeze())
    assert cumulative == int(so_far["first_year"].squeeze())
    assert (cumulative == 11) == bool(so_far["never"].squeeze())
    assert lasts == bool(so_far["lasts"].squeeze())


def test_discounting_delays_break_even(priced: CostBenefit) -> None:
    """3 in the first year, 3.05 over the next three: repaid undiscounted, and not once money later counts for less."""
    found = measures.break_even(with_path(priced, [3, -1, -1, -1.05]))

    assert 11 == int(found["first_year"].sel(scenario="offer").squeeze())


def test_break_even_summary_keeps_never_and_lost(priced: CostBenefit) -> None:
    benefit = with_path(priced, [-1] * 10, [1, -9], [-1, 9], [1] * 10)

    row = measures.break_even_summary(benefit).loc["offer"]

    assert (1, 1, "never") == (row["p10"], row["p50"], row["p90"])
    assert (0.25, 0.25) == (row["share_never"], row["share_lost"])


def test_chance_it_pays_by_year(priced: CostBenefit) -> None:
    benefit = with_path(priced, [1, 1, -9], [1, 1, 1, 1, 1, 1, 1, 1, 1, -99], [1] * 20, [-1] * 20)

    table = measures.chance_it_pays(benefit, "town")

    assert [0.5, 0.5, 0.5, 0.75, 0.75] == table.loc["offer", "cash, town"].tolist()
    assert [3, 5, 7, 10, 20] == table.columns.tolist()
    assert ["cash, town", "gross, town", "cash, all agencies", "gross, all agencies"] == table.loc[
        "offer"
    ].index.tolist()


def test_chance_is_not_shown_for_years_not_worked_out(run: Run, ledger: Ledger) -> None:
    benefit = cost_benefit(run, ledger(), against="as_now", beyond=10)

    assert [3, 5, 7, 10] == measures.chance_it_pays(benefit, "town").columns.tolist()
    with pytest.raises(MoneyError, match="Year 20 was not worked out; the analysis runs from year 1 to year 10"):
        measures.chance_it_pays(benefit, "town", [20])


def test_terminal_slope_is_the_last_step(priced: CostBenefit) -> None:
    benefit = with_path(priced, [0] * 8 + [-5, -3])

    assert 2.0 == offer(measures.terminal_slope(benefit))
    with pytest.raises(MoneyError, match="A slope needs a year before it"):
        measures.terminal_slope(benefit, year=1)


def test_who_pays_who_gains_adds_up_to_the_net(ends: CostBenefit) -> None:
    table = measures.who_pays_who_gains(ends, "offer")

    assert ["town", "fund", "total"] == table.index.tolist()
    assert [MEETINGS * ANNUITY, 0] == pytest.approx(table.loc["fund", ["pays", "gains"]].tolist())
    assert [0, PLACES * ANNUITY] == pytest.approx(table.loc["town", ["pays", "gains"]].tolist())
    assert -offer(measures.npv(ends, GROSS)) == pytest.approx(table.loc["total", "net"])


def test_agency_matrix_adds_up_both_ways(ends: CostBenefit) -> None:
    table = measures.agency_matrix(ends, "offer")

    net = -offer(measures.npv(ends, GROSS))
    assert net == pytest.approx(table.loc["total", "total"])
    assert net == pytest.approx(table.drop(index="total")["total"].sum())
    assert 0.0 == table.loc["places", "fund"]


def test_gain_goes_to_the_gainer_and_cost_to_the_payer(run: Run, ledger: Ledger) -> None:
    lines = ledger(places={"gainer": "region"})
    benefit = cost_benefit(run, lines, against="as_now")
    other_way = cost_benefit(run, lines, against="offer")

    assert 0.0 == float(measures.who_pays_who_gains(benefit, "offer").loc["town", "net"])
    assert measures.who_pays_who_gains(benefit, "offer").loc["region", "gains"] > 0
    assert measures.who_pays_who_gains(other_way, "as_now").loc["town", "pays"] > 0


def test_transfer_moves_money_and_cancels(run: Run, ledger: Ledger) -> None:
    grant = {"driver": "meetings", "unit_cost": 50, "units": "GBP_2024/meeting", "payer": "fund", "gainer": "town",
             "kind": "transfer", "category": "grant", "cashable_share": None}  # fmt: skip
    benefit = cost_benefit(run, ledger(places={}, grant=grant), against="as_now", timing="end-year")

    table = measures.who_pays_who_gains(benefit, "offer")

    assert MEETINGS * ANNUITY == pytest.approx(table.loc["fund", "net"])
    assert -(PLACES + MEETINGS) * ANNUITY == pytest.approx(table.loc["town", "net"])
    assert PLACES * ANNUITY == pytest.approx(offer(measures.npv(benefit, GROSS)))


@pytest.mark.parametrize("kind", [ValueKind.ECONOMIC, ValueKind.SOCIAL])
def test_kinds_are_added_only_when_named(run: Run, ledger: Ledger, kind: ValueKind) -> None:
    lines = ledger(places={}, other={"kind": str(kind), "cashable_share": None, "category": "other"})
    benefit = cost_benefit(run, lines, against="as_now", timing="end-year")

    assert PLACES * ANNUITY == pytest.approx(offer(measures.npv(benefit, GROSS)))
    assert 2 * PLACES * ANNUITY == pytest.approx(offer(measures.npv(benefit, PUBLIC)))
    assert PLACES * ANNUITY == pytest.approx(offer(measures.npv(benefit, Scope(Amount.CASHABLE, tuple(ValueKind)))))


def test_public_value_ratio_counts_every_kind(run: Run, ledger: Ledger) -> None:
    lines = ledger(places={"kind": "social", "cashable_share": None, "schedule": ""},
                   programme={"driver": "meetings", "units": "GBP_2024/meeting", "category": "programme",
                              "cashable_share": None})  # fmt: skip
    benefit = cost_benefit(run, lines, against="as_now")

    assert 0.0 == measures.benefit_cost_ratio(benefit).loc["offer", "ratio_of_means"]
    public = measures.benefit_cost_ratio(benefit, measures.PUBLIC_VALUE).loc["offer", "ratio_of_means"]
    assert PLACES / (2 * MEETINGS) == pytest.approx(public)


@pytest.mark.parametrize("summed", [False, True])
def test_agencies_add_up_to_everybody(drawn: Run, ledger: Ledger, summed: bool) -> None:
    prior = {"distribution": "uniform", "low": -50, "high": 50}
    lines = ledger(places={"gainer": "region", "unit_cost": {"value": 0, "prior": prior}})
    benefit = cost_benefit(drawn, lines, against="as_now")

    parts = sum(
        measures.net_cost(benefit, Scope(agency=name), cumulative=summed) for name in measures.agencies(benefit)
    )

    np.testing.assert_allclose(parts, measures.net_cost(benefit, GROSS, cumulative=summed), atol=1e-6)


def test_what_is_kept_with_the_analysis_cannot_be_written_over(priced: CostBenefit) -> None:
    first = measures.net_cost(priced, GROSS, discounted=True, cumulative=True)

    with pytest.raises(ValueError, match="read-only"):
        first.values[:] = 0
    first.attrs["units"] = "other"
    again = measures.net_cost(priced, GROSS, discounted=True, cumulative=True)
    assert "GBP_2024" == again.attrs["units"]
    assert again.identical(measures.net_cost(replace(priced), GROSS, discounted=True, cumulative=True))


def test_unknown_names_are_refused(priced: CostBenefit) -> None:
    with pytest.raises(MoneyError) as agency:
        measures.net_cost(priced, Scope(agency="twon"))
    with pytest.raises(MoneyError) as scenario:
        measures.who_pays_who_gains(priced, "ofer")

    assert "No ledger line has agency 'twon'; there are town, fund. Did you mean: town?" == str(agency.value)
    assert "There is no scenario 'ofer'; there are as_now, offer, same. Did you mean: offer?" == str(scenario.value)


def test_yearly_table_holds_what_the_pictures_show(ends: CostBenefit) -> None:
    table = measures.yearly_table(ends, "offer")

    assert ["gross, annual", "gross, cumulative, discounted", "cash, annual", "cash, cumulative, discounted"] == list(
        table.index.get_level_values("measure").unique()
    )
    assert MEETINGS - PLACES == pytest.approx(table.loc[("gross, annual", 20), "mean"])
    assert (MEETINGS - PLACES) * ANNUITY == pytest.approx(table.loc[("cash, cumulative, discounted", 10), "p50"])


def test_spread_of_draws(priced: CostBenefit) -> None:
    row = measures.spread(measures.npv(with_path(priced, [1], [-1], [-3]), CASH, years=1)).loc["offer"]

    factor = 1.035**-0.5
    assert [factor, factor] == pytest.approx([row["mean"], row["p50"]])
    assert 1 / 3 == pytest.approx(row["share_below_zero"])
