"""The figures behind pictures and tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from wm2u_sd.economics.measures import who_pays_who_gains
from wm2u_sd.economics.outcomes import outcome_table
from wm2u_sd.errors import ModelError
from wm2u_sd.views.figures import Figures, single_runs, work_out
from wm2u_sd.views.inputs import ReportInputs
from wm2u_sd.views.table import one, only


def test_a_difference_has_the_range_of_its_draws(known: Figures) -> None:
    """Fewer people: uniform from 0 to 10, so quantiles are ten times their share; 20 are unseen in every draw."""
    held = one(known.differences, scenario="offer", outcome="held", year=10)
    unseen = one(known.differences, scenario="offer", outcome="unseen", year=10)

    assert [-9.5, -7.5, -5, -2.5, -0.5] == pytest.approx(
        [held[name] for name in ("low", "lower", "middle", "upper", "high")], abs=0.3
    )
    assert [20, 20, 20] == [unseen[name] for name in ("low", "middle", "high")]
    assert ("People held", "person", "March 2035") == (held["outcome_label"], held["units"], held["moment"])


def test_figures_are_those_of_the_honesty_block(known: Figures, inputs: ReportInputs) -> None:
    table = outcome_table(inputs.run, ["held", "unseen"], against="as_now", start=120.0, years=(10,))

    for (scenario, outcome), row in table.iterrows():
        mine = one(known.differences, scenario=scenario, outcome=outcome, year=10)
        assert [row[10, name] for name in ("low", "middle", "high")] == pytest.approx(
            [mine[name] for name in ("low", "middle", "high")], abs=1e-9
        )


def test_a_headline_without_its_companions_is_refused(inputs: ReportInputs) -> None:
    with pytest.raises(ModelError, match=r"'held' is not shown on its own: unseen must stand beside it \(OUT-1\)"):
        work_out(replace(inputs, companions=()))


def test_gross_net_cost_is_fewer_people_and_meetings(known: Figures) -> None:
    """In year 1 each of 5 fewer spares 100 a week; two meetings a month cost 500 each; half a year is discounted."""
    row = one(known.costs, scenario="offer", measure="gross, all agencies", year=1)

    expected = (2 * 12 * 500 - 5 * 100 * 365.25 / 7) / 1.035**0.5
    assert expected == pytest.approx(row["middle"], rel=0.05)
    assert "GBP_2024" == row["units"]


def test_the_balances_of_agencies_add_up_to_the_whole(known: Figures, inputs: ReportInputs) -> None:
    rows = only(known.payers, scenario="offer", kind="fiscal")
    agencies = rows[rows["agency"] != "total"]

    assert agencies["net"].sum() == pytest.approx(one(rows, agency="total")["net"])
    assert who_pays_who_gains(inputs.benefit, "offer").loc["town", "gains"] == one(rows, agency="town")["gains"]


def test_everything_that_was_drawn_is_judgement(known: Figures) -> None:
    """Only `fewer`, of grade D, differs between runs."""
    row = one(known.judgement, scenario="offer", answer="People held")

    assert (1.0, 1, 1) == (row["share"], row["assumptions"], row["judged"])


def test_counts_stand_beside_the_runs(known: Figures) -> None:
    rows = known.fit

    assert [98.0, 103.0] == rows["observed"].tolist()
    assert [100.0, 100.0] == rows["middle"].tolist()
    assert ["March 2015", "March 2020"] == rows["moment"].tolist()


def test_no_counts_make_no_rows(inputs: ReportInputs) -> None:
    assert 0 == len(work_out(replace(inputs, observed=inputs.observed.iloc[:0])).fit)


def test_single_runs_are_whole_runs(inputs: ReportInputs) -> None:
    values = inputs.run.data["held"].sel(scenario="offer")

    found = single_runs(values, "time")

    assert all(any(np.array_equal(run, own) for own in values.values) for run in found)


@pytest.mark.parametrize(("time", "words"), [(0.0, "March 2015"), (120.0, "March 2025"), (129.0, "December 2025")])
def test_moments_are_said_as_months(inputs: ReportInputs, time: float, words: str) -> None:
    assert words == inputs.moment(time)


def test_moments_without_an_origin_are_years(inputs: ReportInputs) -> None:
    model = inputs.run.model
    undated = replace(inputs, run=replace(inputs.run, model=replace(model, time=replace(model.time, origin=""))))

    assert ("year 3", 3.0) == (undated.moment(36.0), undated.decimal_year(36.0))
