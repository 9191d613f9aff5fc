"""core against the figures its specification prints for the prototype of the same invented place.

Every expected figure is given as printed, and is reproduced when ours rounds to it. Where one differs a comment says
why; what could not be reproduced is at the end.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from wm2u_sd.analysis.tipping import growth, tipping_point
from wm2u_sd.io.text import ModelFolder, load
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate

CORE = Path(__file__).resolve().parents[2] / "models" / "core"

MONTHS = (12, 36, 60, 120)
BOTH = ("crowding_out", "reinvestment")


def half_unit(printed: str) -> float:
    """Return the most a figure may differ from its printed form: half of the last digit."""
    return 0.5 * 10.0 ** -len(printed.partition(".")[2]) + 1e-9


def rounds_to(printed: str, value: float) -> bool:
    return abs(float(printed) - value) <= half_unit(printed)


DEEP = (Lever("training", add=0.010, start=0), Lever("programme_funding", to=14, start=0))
DEEP_36 = (Lever("training", add=0.010, start=0, end=36), Lever("programme_funding", to=14, start=0, end=36))
NEW_LEADERS = tuple(Lever("leadership", to=0.2, start=start, end=start + 12) for start in (0, 36, 72, 108))
FEWER_ASK, MORE_ASK = Lever("contact_rate", times=0.75, start=0), Lever("contact_rate", times=1.25, start=0)
OUT = Lever("early_help_grant", to=50, start=0)

# Scenarios the specification runs and core does not ship.
FURTHER: Mapping[str, tuple[Lever, ...]] = {
    "deep_36": DEEP_36,
    "blueprint": (*DEEP_36, Lever("leadership", to=0.9, start=0)),
    "family_help": (
        Lever("turnover_base", times=1.6, start=0, end=12),
        Lever("productivity_lost_to_fatigue", to=0.12, start=0, end=12),
        Lever("places_for_each_helped", times=0.92, start=0, end=12),
        Lever("stepping_down_rate", times=1.8, start=6),
        Lever("engagement_least", to=0.5, start=6),
        Lever("continuity_lost_to_fatigue", to=0.20, start=6),
    ),
    "tighter_early_help": (FEWER_ASK,),
    "looser_early_help": (MORE_ASK,),
    "looser_with_out": (MORE_ASK, OUT),
    "new_leaders": NEW_LEADERS,
    "fidelity_lost": (
        *DEEP,
        Lever("practice_effect_on_early_help", times=0.5, start=0),
        Lever("practice_effect_on_support", times=0.5, start=0),
    ),
}

# Change in families in care at months 12, 36, 60 and 120; '' where nothing is printed.
IN_CARE: Mapping[str, tuple[str, str, str, str]] = {
    "as_now": ("0", "0", "0", "0"),
    "project": ("0", "-0.4", "-0.5", "0.7"),  # SC-02
    "approach": ("-1.3", "-10", "-22", "-43"),  # SC-03
    "out": ("", "", "", "-7.1"),  # SC-04 and its factorial
    "out_twice": ("", "", "", "-8.4"),
    "up": ("", "", "", "-10.6"),
    "deep": ("", "", "", "-31.4"),
    "out_up": ("", "", "", "-18.2"),
    "out_deep": ("", "", "", "-35.5"),
    "up_deep": ("", "", "", "-50.4"),
    "all_three": ("", "", "", "-54.5"),
    "blueprint": ("-1.4", "-10.5", "-21", "-41"),  # SC-05
    "deep_36": ("-1.1", "-7.3", "-12", "-13"),
    "family_help": ("-0.3", "-4.4", "-7.2", "-12"),  # SC-07
    "family_groups": ("-8.5", "-20", "-29", "-39"),  # SC-08
    "support_after_return": ("-1.5", "-3.5", "-5", "-8"),  # SC-09
    "faster_return": ("-5.5", "-12", "-17", "-23"),  # SC-09b
    "parents_supporting_parents": ("0", "0.1", "0.7", "2.8"),  # SC-10
    "parents_and_places": ("-0.2", "-2.8", "-6.2", "-11.8"),
    "poverty_rise": ("0.9", "8", "16", "31"),  # SC-11
    "grant_that_ends": ("-0.2", "-2.2", "-3.9", "-4.2"),  # SC-13
    "early_help_cut": ("0.4", "7", "14", "25"),  # SC-14
    "tighter_threshold": ("", "", "", "27.5"),  # SC-15 at crisis_share 0.20
    "tighter_early_help": ("-0.2", "-1.7", "-2.6", "-3.8"),  # SC-15b
    "looser_early_help": ("0.5", "5", "9", "17"),
    "looser_with_out": ("0.1", "0", "-0.6", "-2.2"),
    "new_leaders": ("", "", "", "1.8"),  # SC-16
    "all_with_new_leaders": ("", "", "", "-42"),
    "fidelity_lost": ("-1.1", "-6.7", "-13", "-27"),  # SC-17
}

# The contested ratio: families in care at months 60 and 120, for each ratio of the two chances.
COLUMNS = ("parents_supporting_parents", "project", "tighter_early_help", "looser_early_help", "out", "deep",
           "tighter_threshold")  # fmt: skip
RATIOS: Mapping[str, Sequence[tuple[str, str]]] = {
    "0.00": [("-3.7", "-6.8"), ("-1.9", "-1.4"), ("5.1", "7.1"), ("-3.6", "-4.1"), ("0.6", "-0.2"), ("-14.8", "-27.8"),
             ("14.9", "17.7")],
    "0.48": [("-2.1", "-3.7"), ("-1.4", "-0.8"), ("1.9", "2.6"), ("0.4", "2.5"), ("-1.5", "-3.1"), ("-14.9", "-29.2"),
             ("16.2", "21.3")],
    "0.73": [("-1.2", "-2.0"), ("-1.1", "-0.4"), ("0.3", "0.4"), ("3.1", "7.0"), ("-2.4", "-4.3"), ("-15.0", "-29.9"),
             ("16.9", "23.1")],
    "0.99": [("-0.5", "-0.3"), ("-0.8", "0.0"), ("-1.3", "-1.8"), ("5.9", "11.5"), ("-3.2", "-5.6"), ("-15.0", "-30.6"),
             ("17.6", "25.0")],
    "1.32": [("0.8", "2.8"), ("-0.5", "0.7"), ("-2.7", "-3.8"), ("9.4", "17.2"), ("-4.3", "-7.1"), ("-15.1", "-31.4"),
             ("18.4", "27.5")],
}  # fmt: skip


@pytest.fixture(scope="module")
def core() -> ModelFolder:
    return load(CORE)


def scenarios(core: ModelFolder, *names: str) -> list[Scenario]:
    """Return scenarios of core, and of the specification, by name."""
    further = {**FURTHER, "all_with_new_leaders": (*core.scenarios["all_three"].levers, *NEW_LEADERS)}
    own = {name: Scenario(name, levers=levers) for name, levers in further.items()}
    return [{**core.scenarios, **own}[name] for name in names]


def coarse(model: Model, end: float = 120) -> Model:
    """Return the model with a step of half a month, whose error under rk4 is below 1e-6 of any stock."""
    return model.with_time(end=end, step="1/2")


def ran(
    core: ModelFolder,
    names: Sequence[str],
    save: Sequence[str] = ("in_care",),
    given: Mapping[str, Sequence[float]] | None = None,
) -> Run:
    """Run scenarios beside as_now, for each of the given values of some constants."""
    values = {name: np.array(some, float) for name, some in (given or {}).items()}
    n = len(next(iter(values.values()), [0]))
    return simulate(coarse(core.model), scenarios(core, "as_now", *names), draws=Ensemble(values, n), save=save)


def change(run: Run, scenario: str, outcome: str = "in_care") -> xr.DataArray:
    """Return how far a scenario takes an outcome from as_now, by draw and time."""
    return run.data[outcome].sel(scenario=scenario) - run.data[outcome].sel(scenario="as_now")


@pytest.fixture(scope="module")
def table(core: ModelFolder) -> Run:
    return ran(core, [name for name in IN_CARE if name != "as_now"], ("in_care", "waiting", "statutory_support"))


# The invented place ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("contact_rate", "0.0382"),
        ("escalation_while_hidden", "0.01137"),
        ("care_entry_rate", "0.01398"),
        ("onset_rate", "0.02164"),
        ("prevention_base", "243.6"),
        ("returned_home_at_start", "21"),
        ("parent_leaders_at_start", "7"),
        ("trust_at_start", "0.42"),
        ("practice_at_start", "0.07"),
        ("fatigue_at_start", "0.28"),
    ],
)
def test_what_the_library_solves_for_is_what_the_prototype_solved(table: Run, name: str, printed: str) -> None:
    assert rounds_to(printed, float(table.parameters[name][0]))


def test_families_for_each_worker_come_out_as_printed(core: ModelFolder, table: Run) -> None:
    places = float(table.parameters["places_for_each_helped"][0]) * 430 / 58

    assert rounds_to("7.71", places)


@pytest.mark.parametrize(
    ("stock", "printed"),
    [
        ("unmet_need", "3000"),
        ("waiting", "150"),
        ("early_help", "430"),
        ("statutory_support", "330"),
        ("in_care", "215"),
        ("staff", "58"),
    ],
)
def test_the_stated_stocks_are_where_it_starts(core: ModelFolder, stock: str, printed: str) -> None:
    run = simulate(core.model.with_time(end=1), save=[stock])

    assert float(printed) == pytest.approx(float(run.data[stock][0, 0, 0]), rel=1e-9)


def test_families_getting_by_come_out_as_printed_with_births_unrounded(core: ModelFolder) -> None:
    # The specification prints births as 69.44 and families getting by as 10,366. At rest all families number
    # (births - other endings of care) * 216; 15,000 / 216 births, printed 69.44, give 10,366, and 69.44 give 10,365.
    exact = core.model.with_values({"new_families": 15000 / 216}).with_time(end=1)
    rounded = core.model.with_time(end=1)

    assert rounds_to("69.44", 15000 / 216)
    assert rounds_to("10366", float(simulate(exact, save=["families_coping"]).data.families_coping[0, 0, 0]))
    assert rounds_to("10365", float(simulate(rounded, save=["families_coping"]).data.families_coping[0, 0, 0]))


# Scenarios ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("scenario", "month", "printed"),
    [(name, m, p) for name, row in IN_CARE.items() for m, p in zip(MONTHS, row, strict=True) if p],
)
def test_change_in_care_rounds_to_what_is_printed(table: Run, scenario: str, month: int, printed: str) -> None:
    assert rounds_to(printed, float(change(table, scenario).sel(time=month)[0]))


def test_every_scenario_core_ships_is_in_the_table_but_for_trends(core: ModelFolder) -> None:
    # 'drift' has no figures in the specification, which says only that it follows its trends.
    assert {"drift"} == set(core.scenarios) - set(IN_CARE)


def test_family_help_lengthens_the_queue_as_printed(table: Run) -> None:
    assert rounds_to("260", float(table.data["waiting"].sel(scenario="family_help", time=12)[0]))


def test_family_groups_keep_four_families_more_with_a_social_worker(table: Run) -> None:
    assert rounds_to("4", float(change(table, "family_groups", "statutory_support").sel(time=12)[0]))


def test_together_the_three_compare_with_their_sums_as_printed(table: Run) -> None:
    at_ten_years = {name: float(change(table, name).sel(time=120)[0]) for name in IN_CARE}

    assert rounds_to("-42.0", at_ten_years["up"] + at_ten_years["deep"])
    assert rounds_to("-38.5", at_ten_years["out"] + at_ten_years["deep"])


def test_the_threshold_changes_sign_as_printed(core: ModelFolder) -> None:
    run = ran(core, ["tighter_threshold"], given={"crisis_share": [0.05, 0.10, 0.12, 0.20]})
    found = change(run, "tighter_threshold").sel(time=120).values

    assert [True] * 4 == [rounds_to(p, v) for p, v in zip(["-17", "-5.5", "0.6", "27.5"], found, strict=True)]


# The contested ratio --------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def contested(core: ModelFolder) -> Run:
    """Every column at the ends of what each printed ratio can stand for, the start solved anew each time."""
    ends = [max(0.0, float(ratio) + aside) for ratio in RATIOS for aside in (-0.005, 0.005)]
    given = {"fixed_waiting_escalation": [0.0] * len(ends), "waiting_escalation_ratio": ends}
    return ran(core, COLUMNS, ("in_care", "waiting", "unmet_need", "statutory_support"), given)


def test_every_ratio_starts_from_the_same_place(contested: Run) -> None:
    for stock, amount in (("in_care", 215), ("waiting", 150), ("unmet_need", 3000), ("statutory_support", 330)):
        assert amount == pytest.approx(contested.data[stock].sel(scenario="as_now").values, rel=1e-8)


@pytest.mark.parametrize("ratio", RATIOS)
@pytest.mark.parametrize("column", COLUMNS)
def test_the_contested_ratio_gives_the_changes_printed(contested: Run, ratio: str, column: str) -> None:
    row = list(RATIOS).index(ratio)
    for month, printed in zip((60, 120), RATIOS[ratio][COLUMNS.index(column)], strict=True):
        low, high = np.sort(change(contested, column).sel(time=month).values[2 * row : 2 * row + 2])

        assert low - half_unit(printed) <= float(printed) <= high + half_unit(printed)


# Tipping points -------------------------------------------------------------------------------------------------------


def test_crowding_out_tips_where_the_prototype_found_it(core: ModelFolder) -> None:
    # By eigenvalue, with reinvestment as high as crowding out and both sides of every kink averaged.
    assert rounds_to("0.385", tipping_point(core.model, BOTH, 0.3, 0.5))


@pytest.fixture(scope="module")
def derivatives(core: ModelFolder) -> dict[int, float]:
    """Settled spending on care for each pound more (+1) or less (-1) spent on early help, nothing fed back."""
    model = core.model.with_values(dict.fromkeys(BOTH, 0.0)).with_time(end=1500, step=1, saveper=500)
    grants = [Scenario("as_now"), *(Scenario(f"{way:+d}", set={"early_help_grant": 0.1 * way}) for way in (1, -1))]
    run = simulate(model, grants, save=["care_spending", "prevention_spending"])
    moved = {way: run.data.sel(scenario=f"{way:+d}") - run.data.sel(scenario="as_now") for way in (1, -1)}
    return {way: float(m["care_spending"][0, -1] / m["prevention_spending"][0, -1]) for way, m in moved.items()}


@pytest.mark.parametrize(("way", "push"), [(-1, 1), (1, -1)], ids=["overspending", "underspending"])
def test_two_routes_to_one_tipping_point(core: ModelFolder, derivatives: dict[int, float], way: int, push: int) -> None:
    # A loop tips where its gain is 1: crowding out times what a pound less for early help adds to care, once settled.
    # That needs no eigenvalue. Early help is cut when care overspends, and raised when it underspends.
    predicted = -1 / derivatives[way]
    found = tipping_point(core.model, BOTH, predicted - 0.003, predicted + 0.003, {"in_care": push})

    assert predicted == pytest.approx(found, abs=5e-4)


def test_the_prototypes_tipping_point_lies_between_those_of_the_two_sides(
    core: ModelFolder, derivatives: dict[int, float]
) -> None:
    # No real disturbance tips at 0.385. Load is exactly 1 at the start, where acceptance and the overload effect have
    # their kinks: a pound less for early help costs 2.85 in care, a pound more saves 2.26. Overspends tip at 0.350,
    # which is the stated value of crowding out, underspends at 0.443.
    assert (rounds_to("-2.85", derivatives[-1]), rounds_to("-2.26", derivatives[1])) == (True, True)
    at_start = [growth(core.model.with_values(dict.fromkeys(BOTH, v)), {"in_care": 1}).rate for v in (0.345, 0.356)]
    assert (True, True) == (at_start[0] < 0, at_start[1] > 0)


@pytest.mark.parametrize("leadership", [0.5, 0.7, 0.75, 0.8, 0.85, 0.9])
def test_practice_after_training_ends_is_as_printed(practice: xr.DataArray, leadership: float) -> None:
    at_240 = {0.5: "0.08", 0.7: "0.19", 0.75: "0.27", 0.8: "0.37", 0.85: "0.47", 0.9: "0.56"}

    assert rounds_to(at_240[leadership], float(practice.sel(scenario=f"{leadership}", time=240)))


@pytest.fixture(scope="module")
def practice(core: ModelFolder) -> xr.DataArray:
    """Practice over 20 years for six strengths of leadership, with 36 months of training."""
    training = Lever("training", add=0.010, start=0, end=36)
    runs = [
        Scenario(f"{value}", levers=[training, Lever("leadership", to=value, start=0)])
        for value in (0.5, 0.7, 0.75, 0.8, 0.85, 0.9)
    ]
    return simulate(coarse(core.model, 240), runs, save=["practice"]).data["practice"][:, 0]


def test_practice_when_training_ends_is_as_printed_and_tips_near_0_78(practice: xr.DataArray) -> None:
    at_36, later = practice.sel(time=36), practice.sel(time=240)

    assert (True, True) == (rounds_to("0.27", float(at_36.min())), rounds_to("0.39", float(at_36.max())))
    # Decays at 0.75 and below, grows from 0.8.
    assert [False, False, False, True, True, True] == (later > at_36).values.tolist()


# Money ----------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cut(core: ModelFolder) -> xr.DataArray:
    """Spending under the cut less spending without, by month."""
    run = simulate(coarse(core.model, 330), scenarios(core, "as_now", "early_help_cut"), save=["total_spending"])
    return change(run, "early_help_cut", "total_spending")[0]


def test_the_cut_costs_more_than_it_saves_from_month_88(cut: xr.DataArray) -> None:
    assert 88 == float(cut["time"][cut > 0][0])


def test_the_cut_has_cost_more_in_all_from_month_318(cut: xr.DataArray) -> None:
    # 3.5 per cent a year, monthly and continuous.
    worth = cut.values * np.exp(-0.035 / 12 * cut["time"].values)
    in_all = np.concatenate([[0.0], np.cumsum((worth[1:] + worth[:-1]) / 2)])

    assert 318 == float(cut["time"].values[1:][in_all[1:] > 0][0])


def test_children_in_need_answer_to_family_support_as_printed_beside_webb(core: ModelFolder) -> None:
    # Five years after spending moves by 10 per cent and is kept there, so with nothing crowded out or reinvested.
    moves = [Scenario("as_now"), *(Scenario(n, set={"disinvestment": d}) for n, d in (("less", 0.1), ("more", -0.1)))]
    model = coarse(core.model.with_values(dict.fromkeys(BOTH, 0.0)), 60)
    found = simulate(model, moves, save=["statutory_support"]).data["statutory_support"][:, 0, -1] / 330 - 1

    assert rounds_to("0.18", 100 * float(found.sel(scenario="less")) / 10)
    assert rounds_to("-0.24", 100 * float(found.sel(scenario="more")) / 10)


# What is not reproduced -----------------------------------------------------------------------------------------------


def test_the_printed_slope_of_care_on_early_help_is_not_reproduced(derivatives: dict[int, float]) -> None:
    # Printed: -2.589, predicting 0.386. Settled, the sides give -2.85 and -2.26, their mean -2.556 (0.391); the
    # eigenvalue's own averaging of kinks implies 1 / 0.3852 = 2.596. How the prototype differentiated is not said.
    mean = (derivatives[1] + derivatives[-1]) / 2

    assert not rounds_to("-2.589", mean)
    assert -2.589 == pytest.approx(mean, rel=0.015)


def test_faster_return_lowers_care_at_ten_years_whatever_the_re_entry(core: ModelFolder) -> None:
    # The specification expects the sign at ten years to depend on re-entry. In these equations it does not: even when
    # nearly all come back, they are out of care for a while. The gain only shrinks.
    run = ran(core, ["faster_return"], given={"reentry_rate": [0.0185, 0.1, 1.0]})
    found = change(run, "faster_return").sel(time=120).values

    assert (found < 0).all()
    assert (np.diff(found) > 0).all()
