"""Outcomes, assumptions and the honesty block."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr

from wm2u_sd.economics.assumptions import assumptions, strongest_assumptions
from wm2u_sd.economics.cost_benefit import CostBenefit, cost_benefit
from wm2u_sd.economics.honesty import honesty_block, honesty_blocks
from wm2u_sd.economics.ledger import CostLine
from wm2u_sd.economics.outcomes import Pairing, outcome_table
from wm2u_sd.economics.wording import pounds
from wm2u_sd.errors import ModelError, MoneyError
from wm2u_sd.simulation.run import Run

SHARE = {"value": 0.6, "prior": {"distribution": "uniform", "low": 0.3, "high": 0.9}}


@pytest.fixture
def posterior(drawn: Run, ledger: Callable[..., tuple[CostLine, ...]]) -> CostBenefit:
    """The usual ledger at a price of 1,000 a meeting and an uncertain cashable share, on 200 draws."""
    programme = {"driver": "meetings", "unit_cost": 1000, "units": "GBP_2024/meeting", "payer": "fund",
                 "category": "programme", "cashable_share": None}  # fmt: skip
    return cost_benefit(drawn, ledger(places={"cashable_share": SHARE}, programme=programme), against="as_now")


def test_outcomes_are_differences_at_the_ends_of_years(run: Run) -> None:
    table = outcome_table(run, ["held", "met"], against="as_now", years=(1, 10))

    assert -10.0 == table.loc[("offer", "held"), (1, "middle")]
    assert 240.0 == table.loc[("offer", "met"), (10, "middle")]
    assert ("People held", "person") == tuple(table.loc[("offer", "held"), ""][["label", "units"]])
    assert [("offer", "held"), ("offer", "met"), ("same", "held"), ("same", "met")] == table.index.tolist()


def test_outcomes_range_over_nine_draws_in_ten(drawn: Run) -> None:
    """Fewer people: uniform from 0 to 10."""
    row = outcome_table(drawn, ["held"], against="as_now", years=(1,)).loc[("offer", "held"), 1]

    assert [-9.5, -5, -0.5] == pytest.approx(row.tolist(), abs=0.05)


def test_headline_without_companions_is_refused(run: Run) -> None:
    pairing = Pairing("held", ("met", "meetings"))

    with pytest.raises(ModelError) as caught:
        outcome_table(run, ["held", "met"], against="as_now", pairings=[pairing])

    assert "'held' is not shown on its own: meetings must stand beside it (OUT-1); add it to the outcomes" == str(
        caught.value
    )


def test_headline_with_companions_is_shown(run: Run) -> None:
    table = outcome_table(run, ["held", "met"], against="as_now", pairings=[Pairing("held", ("met",))])

    assert ("offer", "held") in table.index


def test_outcome_over_a_dimension_needs_an_element(run: Run) -> None:
    with pytest.raises(MoneyError, match=r"'sided' is over side; name an element, as in sided\[element\]"):
        outcome_table(run, ["sided"], against="as_now")

    assert -5.0 == outcome_table(run, ["sided[left]"], against="as_now").loc[("offer", "sided[left]"), (1, "middle")]


def test_outcomes_need_a_known_baseline(run: Run) -> None:
    with pytest.raises(ModelError, match="There is no scenario 'now'; there are as_now, offer, same"):
        outcome_table(run, ["held"], against="now")


def test_strongest_assumption_and_its_turning_point(drawn: Run, posterior: CostBenefit) -> None:
    """The answer is 3 fewer - 6, so the sign changes at 2; nothing else moves it."""
    answer = 3 * drawn.parameters["fewer"] - 6

    table = strongest_assumptions(drawn, posterior, answer, count=2)

    assert "fewer" == table.index[0]
    assert 1.0 == pytest.approx(table.loc["fewer", "share"])
    assert 2.0 == pytest.approx(table.loc["fewer", "sign_changes_at"])
    assert "Fewer people: the sign changes at about 2.0 (range 0.0 to 10.0 people)" == table.loc[
        "fewer", "finding"
    ].replace("2.0 people", "2.0")


def test_turning_point_outside_the_range_is_said(drawn: Run, posterior: CostBenefit) -> None:
    table = strongest_assumptions(drawn, posterior, drawn.parameters["fewer"] + 100, count=1)

    assert table.loc["fewer", "sign_changes_at"] is None
    assert "no value inside its range" in table.loc["fewer", "finding"]


def test_too_few_draws_tell_nothing(drawn: Run, posterior: CostBenefit) -> None:
    few = replace(posterior, data=posterior.data.isel(draw=slice(4)))

    assert strongest_assumptions(drawn, few, drawn.parameters["fewer"].isel(draw=slice(4))).empty


def test_money_and_model_are_ranked_together(drawn: Run, posterior: CostBenefit) -> None:
    said = {one.name: (one.label, one.units, one.grade) for one in assumptions(drawn, posterior)}

    assert {
        "people": ("People at the start", "person", ""),
        "fewer": ("Fewer people", "person", ""),
        "places.cashable_share": ("places: cashable share", "dmnl", "D"),
    } == said


def test_an_assumption_shared_by_lines_names_them(drawn: Run, ledger: Callable[..., tuple[CostLine, ...]]) -> None:
    together = {"cashable_share": {**SHARE, "shared": "cash"}}
    benefit = cost_benefit(
        drawn,
        ledger(
            places={**together, "label": "Places"},
            rooms={**together, "driver": "meetings", "units": "GBP_2024/meeting"},
        ),
        against="as_now",
    )

    assert "Places and rooms: cashable share" == assumptions(drawn, benefit)[-1].label


def test_block_says_all_eight_in_order(drawn: Run, posterior: CostBenefit) -> None:
    block = honesty_block(drawn, posterior, "offer", agency="town", outcomes=["held"])

    assert list(range(1, 9)) == [item.number for item in block.items]
    assert all(item.sentences for item in block.items)
    text = str(block)
    assert "The payer is not the gainer. Paying on balance: fund; gaining: town." in text
    assert "People held: the difference from the baseline has stopped moving." in text
    assert "An early change can be right for the people it is meant for without releasing money." in text
    assert not any(word in text.lower() for word in ("saves", "saving"))


def test_block_speaks_in_people_and_whole_years(drawn: Run, posterior: CostBenefit) -> None:
    """Fewer people: uniform from 0 to 10, in the middle 5; each of them pays in year 1."""
    block = honesty_block(drawn, posterior, "offer", agency="town", outcomes=["held"])

    assert "Against the baseline at year 10, middle run; in brackets 9 runs in 10." == block.items[6].sentences[0]
    assert block.items[6].sentences[1].startswith("People held: 5 fewer (")
    assert "Cash, town: cumulative break-even, 10% of runs by then: year 1; 50%: year 1; 90%: year 1." in str(block)
    assert not re.search(r"e[+-]\d\d|year \d+\.\d|_", str(block))


def test_block_reads_on_a_point_run(run: Run, priced: CostBenefit) -> None:
    block = honesty_block(run, priced, "offer", agency="fund", outcomes=["held"])

    assert "one run only, so each chance is none or all" in block.items[0].sentences[0]
    assert ("Too little varied, or too few draws were made, to tell which assumptions matter most.",) == block.items[
        5
    ].sentences


def test_block_of_nothing_changed(run: Run, priced: CostBenefit) -> None:
    block = honesty_block(run, priced, "same", agency="town", outcomes=["held"])

    assert ("No amounts differ from the baseline.",) == block.items[4].sentences
    assert "standing still" in str(block)


@pytest.mark.parametrize(("growth", "way"), [(0.05, "growing"), (-0.05, "shrinking")])
def test_block_says_where_it_is_heading(
    run: Run, ledger: Callable[..., tuple[CostLine, ...]], growth: float, way: str
) -> None:
    """52,179 pounds a year in twelve parts, each 5% more or less than the same part a year before."""
    benefit = cost_benefit(run, ledger(places={"real_growth": growth}), against="as_now")

    said = honesty_block(run, benefit, "offer", agency="town", outcomes=["held"]).items[3].sentences[0]

    level = 10 * 100 * 365.25 / 7 * np.mean((1 + growth) ** (9 + (np.arange(12) + 0.5) / 12))
    step = level * growth / (1 + growth)
    assert (
        f"in year 10 the middle run has a modelled reduction of {pounds(level)} a year, {way} by {pounds(abs(step))}"
        in said
    )


def test_blocks_made_together_say_what_each_says_alone(run: Run, priced: CostBenefit) -> None:
    asked = {"agency": "town", "outcomes": ["held", "met"]}
    told: list[tuple[int, int]] = []
    together = honesty_blocks(run, priced, **asked, progress=lambda done, total: told.append((done, total)))

    assert [str(honesty_block(run, priced, name, **asked)) for name in priced.scenarios] == [*map(str, together)]
    assert [(1, 2), (2, 2)] == told


def test_block_at_one_year(run: Run, ledger: Callable[..., tuple[CostLine, ...]]) -> None:
    benefit = cost_benefit(run, ledger(), against="as_now", years=1, beyond=1)

    block = honesty_block(run, benefit, "offer", agency="town", outcomes=["held"])

    assert ("One year has no slope.",) == block.items[3].sentences


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"outcomes": []}, "An honesty block needs the outcomes for people; name at least one in 'outcomes'"),
        ({"moving": ["met"]}, "'moving' names met, which is not among the outcomes; add it to them"),
        ({"scenario": "as_now"}, "'as_now' is not compared with 'as_now'; there are offer, same"),
        ({"agency": "twon"}, "No ledger line has agency 'twon'; there are town, fund. Did you mean: town?"),
    ],
)
def test_block_refuses(run: Run, priced: CostBenefit, arguments: dict[str, object], message: str) -> None:
    call = {"scenario": "offer", "agency": "town", "outcomes": ["held"], **arguments}

    with pytest.raises(MoneyError) as caught:
        honesty_block(run, priced, **call)  # type: ignore[arg-type]

    assert message == str(caught.value)


def test_block_refuses_a_headline_alone(run: Run, priced: CostBenefit) -> None:
    with pytest.raises(ModelError, match="must stand beside it"):
        honesty_block(run, priced, "offer", agency="town", outcomes=["held"], pairings=[Pairing("held", ("met",))])


def test_solved_constants_are_results_not_assumptions(drawn: Run, posterior: CostBenefit) -> None:
    from wm2u_sd.model.model import Balance

    solved = replace(drawn, model=replace(drawn.model, balance=Balance(("people",))))

    assert "people" not in {one.name for one in assumptions(solved, posterior)}


def test_constants_over_dimensions_are_ranked_by_element(drawn: Run, posterior: CostBenefit) -> None:
    values = np.arange(400.0).reshape(200, 2)
    wide = drawn.with_tables(parameters=xr.Dataset({"rate": (("draw", "side"), values)}, {"draw": np.arange(200)}))

    assert {"rate[0]", "rate[1]"} <= {one.name for one in assumptions(wide, posterior)}
