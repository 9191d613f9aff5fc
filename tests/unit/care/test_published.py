"""Figures in models/data against the published table, and what happens where a figure was not published.

Department for Education, "Children looked after in England including adoptions, 2025" and "Children in need, 2025";
Office for National Statistics, mid-2024 population. Typed in for the ten Greater Manchester authorities and England.
"""

import csv
from collections.abc import Mapping
from pathlib import Path

import pytest

from wm2u_sd.care.places import models_root
from wm2u_sd.care.published import FIRST_YEAR, FLOWS, LAST_YEAR, PLACES, Figure, Published, observed, yearly
from wm2u_sd.errors import FileError

COLUMNS = (
    "population_0_17", "cla_31_march", "cla_started", "cla_ceased", "stock_foster", "stock_childrens_homes_secure",
    "stock_supported_semi_independent", "stock_placed_with_parents", "cin_episodes_on_31_march",
)  # fmt: skip

# Year ending 31 March 2025: children 0-17, in care, started, ceased; fostered, homes or secure, supported, with their
# parents; children in need.
IN_2025 = {
    "Bolton": (75_599, 590, 220, 202, 365, 102, 43, 58, 2_184),
    "Bury": (44_768, 368, 127, 105, 250, 42, 26, 27, 1_540),
    "Manchester": (131_831, 1_280, 497, 523, 804, 123, 171, 139, 5_820),
    "Oldham": (64_069, 582, 197, 208, 387, 64, 52, 53, 2_653),
    "Rochdale": (58_087, 594, 176, 188, 430, 54, 26, 66, 2_672),
    "Salford": (63_622, 563, 157, 157, 360, 59, 43, 61, 2_399),
    "Stockport": (64_910, 485, 184, 190, 334, 66, 43, 37, 2_587),
    "Tameside": (52_901, 652, 236, 229, 364, 99, 46, 71, 2_926),
    "Trafford": (56_737, 353, 119, 144, 239, 37, 36, 24, 1_517),
    "Wigan": (71_697, 652, 183, 263, 470, 81, 43, 42, 2_561),
    "England": (12_183_016, 81_770, 32_270, 34_450, 54_820, 9_480, 7_520, 4_970, 402_400),
}

# England: in care on 31 March, started, ceased, returned home (planned and unplanned), adopted, special guardianship.
ENGLAND = {
    2015: (69_540, 31_070, 31_100, 9_810, 5_330, 3_520),
    2017: (72_610, 32_940, 31_400, 8_500, 4_370, 3_690),
    2019: (78_140, 31_780, 29_570, 7_070, 3_590, 3_870),
    2021: (80_780, 28_470, 28_120, 5_610, 2_890, 3_820),
    2023: (83_750, 33_090, 31_850, 6_650, 3_000, 3_870),
    2025: (81_770, 32_270, 34_450, 6_610, 3_040, 4_110),
}

# The same for one authority over time, from the releases of 2015 and 2025: children in care on 31 March.
TEN_YEARS = {"Stockport": (291, 485), "Wigan": (506, 652), "Salford": (587, 563)}


@pytest.fixture(scope="module")
def published() -> Published:
    return Published(models_root() / "data")


@pytest.mark.parametrize("place", IN_2025)
def test_the_figures_of_2025_are_the_published_ones(place: str, published: Published) -> None:
    assert IN_2025[place] == tuple(published.panel_figure(place, 2025, column) for column in COLUMNS)


@pytest.mark.parametrize("year", ENGLAND)
def test_the_figures_of_england_are_the_published_ones(year: int, published: Published) -> None:
    in_care, started, ceased, home, adopted, guardians = ENGLAND[year]
    columns = ("cla_31_march", "cla_started", "cla_ceased", "ceased_adopted", "ceased_sgo")

    assert (in_care, started, ceased, adopted, guardians) == tuple(
        published.panel_figure("England", year, column) for column in columns
    )
    both = published.returns_home("England", year)
    assert both is not None
    assert (home, "", "A") == (both.value, both.flag, both.grade)


@pytest.mark.parametrize("place", TEN_YEARS)
def test_ten_years_of_an_authority_are_the_published_ones(place: str, published: Published) -> None:
    assert TEN_YEARS[place] == tuple(published.panel_figure(place, year, "cla_31_march") for year in (2015, 2025))


def test_the_ten_add_up_to_what_was_published(published: Published) -> None:
    # The sums of the published table: 684,221 children, 6,119 in care, 2,096 started, 2,209 ceased, 26,859 in need.
    sums = [
        sum(published.needed(place, 2025, column) for place in PLACES)
        for column in ("population_0_17", "cla_31_march", "cla_started", "cla_ceased", "cin_episodes_on_31_march")
    ]

    assert [684_221, 6_119, 2_096, 2_209, 26_859] == sums


# What was not published -----------------------------------------------------------------------------------------------


def test_an_empty_cell_is_absent_and_never_nothing(published: Published) -> None:
    with (models_root() / "data" / "calibration_panel.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    counted = [column for column in rows[0] if column not in ("area", "year", "source", "grade")]
    empty = [(row["area"], int(row["year"]), column) for row in rows for column in counted if not row[column]]

    assert len(empty) > 1000
    assert {None} == {published.panel_figure(*cell) for cell in empty}
    assert published.panel_figure("Bolton", 2025, "ceased_home_unplanned") is None  # suppressed: 1 to 5


@pytest.mark.parametrize("place", PLACES)
def test_a_place_is_compared_only_with_what_was_published(place: str, published: Published) -> None:
    figures = observed(published, place)

    for figure in figures:
        columns = {flow.measure: flow.column for flow in FLOWS} | {
            "children_in_care": "cla_31_march",
            "children_in_need": "cin_episodes_on_31_march",
        }
        measure = figure.measure.removesuffix("_published")
        if measure in columns:
            assert published.panel_figure(place, figure.year, columns[measure]) is not None
    assert len(figures) == len({(figure.measure, figure.year) for figure in figures})


@pytest.mark.parametrize("place", PLACES)
def test_what_is_left_is_what_was_published_less_the_unaccompanied(place: str, published: Published) -> None:
    by_name = {(f.measure, f.year): f.value for f in observed(published, place)}
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        taken_off = by_name["unaccompanied_in_care", year]
        assert by_name["children_in_care", year] == pytest.approx(
            by_name["children_in_care_published", year] - taken_off, abs=0.051
        )


def write_tables(folder: Path, changed: Mapping[str, str]) -> Published:
    """Write small tables of one place, some of them changed."""
    tables = {
        "calibration_panel.csv": "area,year,cla_31_march,cla_started,stock_uasc,ceased_home_planned,"
        "ceased_home_unplanned,source\n"
        "Town,2014,100,50,4,,,old\nTown,2015,101,51,,20,6,old\nTown,2016,102,52,,20,,new\nTown,2017,103,53,10,,8,new\n",
        "age18_and_uasc.csv": "area,year,uasc_started,source\nTown,2016,7,apart\n",
        "stock_flow_residuals.csv": "area,year,stock_open,stock_close,residual\nTown,2016,100,110,1\n",
        "section251_costs.csv": "area,financial_year,measure,value_gbp\n"
        "Town,2024-25,s251_weekly,900\nTown,2023-24,s251_weekly,\n",
        "local_measures.csv": "area,year,measure,value,source\nTown,2017,pct_starting_who_are_uasc,9,tool\n",
    } | dict(changed)
    for name, text in tables.items():
        (folder / name).write_text(text, encoding="utf-8")
    return Published(folder)


def test_a_gap_in_the_unaccompanied_lies_on_the_line_between_its_neighbours(tmp_path: Path) -> None:
    town = write_tables(tmp_path, {})

    # 4 in 2014 and 10 in 2017: 6 and 8 between.
    line = "not published, on the line from 2014 to 2017"
    assert Figure(2015, "unaccompanied_in_care", 6.0, line, "old", "C") == town.unaccompanied_in_care("Town", 2015)
    assert Figure(2016, "unaccompanied_in_care", 8.0, line, "new", "C") == town.unaccompanied_in_care("Town", 2016)
    assert Figure(2017, "unaccompanied_in_care", 10.0, "", "new", "A") == town.unaccompanied_in_care("Town", 2017)


def test_where_there_is_no_neighbour_the_middle_of_what_is_suppressed_stands_in_and_says_so(tmp_path: Path) -> None:
    town = write_tables(
        tmp_path, {"calibration_panel.csv": "area,year,stock_uasc,source\nTown,2015,,x\nTown,2016,9,x\n"}
    )

    assert (3.0, "suppressed (1 to 5), taken as 3", "C") == (
        (found := town.unaccompanied_in_care("Town", 2015)).value, found.flag, found.grade,
    )  # fmt: skip


def test_the_unaccompanied_of_a_year_are_apart_from_a_percentage_or_not_known(tmp_path: Path) -> None:
    town = write_tables(tmp_path, {})

    assert Figure(2016, "uasc_started", 7.0, "", "apart", "A") == town.unaccompanied_in_year(
        "Town", 2016, "uasc_started"
    )
    # 9% of 53 starts is 4.77, given as a whole child.
    assert Figure(2017, "uasc_started", 5, "from a rounded percentage", "tool", "C") == town.unaccompanied_in_year(
        "Town", 2017, "uasc_started"
    )
    assert town.unaccompanied_in_year("Town", 2017, "uasc_ceased") is None
    assert town.unaccompanied_in_year("Town", 2015, "uasc_started") is None


def test_a_yearly_count_says_what_was_taken_off(tmp_path: Path) -> None:
    town = write_tables(tmp_path, {})
    starts = FLOWS[0]

    assert [
        Figure(2016, "care_starts_unaccompanied", 7.0, "", "apart", "A"),
        Figure(2016, "care_starts_published", 52.0, "", "new", "A"),
        Figure(2016, "care_starts", 45.0, "less unaccompanied children", "new", "A"),
    ] == yearly(town, "Town", 2016, starts)
    left_in = "unaccompanied children not published, so left in"
    assert [Figure(2015, "care_starts", 51.0, left_in, "old", "A")] == yearly(town, "Town", 2015, starts)
    assert [] == yearly(town, "Town", 2018, starts)


def test_returns_home_are_both_kinds_or_flagged_or_absent(tmp_path: Path) -> None:
    town = write_tables(tmp_path, {})

    assert town.returns_home("Town", 2014) is None
    assert Figure(2015, "returns_home", 26.0, "", "old", "A") == town.returns_home("Town", 2015)
    flag = "unplanned returns suppressed (1 to 5), taken as 3"
    assert Figure(2016, "returns_home", 23.0, flag, "new", "C") == town.returns_home("Town", 2016)
    assert town.returns_home("Town", 2017) is None  # only the smaller part


def refused(verb: object, *arguments: object) -> str:
    with pytest.raises(FileError) as caught:
        verb(*arguments)  # type: ignore[operator]
    return str(caught.value)


def test_a_figure_that_is_needed_and_not_there_is_an_error(tmp_path: Path) -> None:
    town = write_tables(tmp_path, {})

    assert 900.0 == town.cost("Town", "2024-25", "weekly")
    assert ("calibration_panel.csv: Town 2016 has no stock_uasc, which its model needs") == refused(
        town.needed, "Town", 2016, "stock_uasc"
    )
    assert ("calibration_panel.csv: Nowhere 2016 has no stock_uasc, which its model needs") == refused(
        town.needed, "Nowhere", 2016, "stock_uasc"
    )
    assert "section251_costs.csv: Town 2023-24 has no weekly" == refused(town.cost, "Town", "2023-24", "weekly")
    assert "section251_costs.csv: Town 2024-25 has no monthly" == refused(town.cost, "Town", "2024-25", "monthly")
    assert ("stock_flow_residuals.csv: Town 2017 is not there or lacks residual, stock_open or stock_close") == refused(
        town.yearly_residual, "Town"
    )
    assert refused(town.panel_figure, "Town", 2016, "cla_starte").startswith(
        "calibration_panel.csv: there is no column cla_starte. Did you mean: cla_started, "
    )


@pytest.mark.parametrize("text", ["<5", "x", "nan", "inf", "1_000", "-", "..", "1 000"])
def test_a_cell_that_is_neither_a_number_nor_empty_is_an_error(text: str, tmp_path: Path) -> None:
    town = write_tables(tmp_path, {"calibration_panel.csv": f"area,year,cla_31_march,source\nTown,2015,{text},x\n"})

    assert (
        f"calibration_panel.csv: cla_31_march of Town 2015 is {text!r}; expected a number, or nothing where it was "
        "suppressed or not published"
    ) == refused(town.panel_figure, "Town", 2015, "cla_31_march")


def test_one_figure_twice_is_an_error(tmp_path: Path) -> None:
    text = "area,year,cla_31_march,source\nTown,2015,1,x\nTown,2015,2,x\n"

    assert (f"{tmp_path}/calibration_panel.csv: area, year Town, 2015 are there twice; keep one row") == refused(
        write_tables, tmp_path, {"calibration_panel.csv": text}
    )


def test_the_accounts_fail_to_close_by_the_share_published(published: Published) -> None:
    ten = [published.yearly_residual(place) for place in PLACES]

    # 0.64% of the stock on average over the ten, SD 0.77 points over single years.
    assert 0.0064 == pytest.approx(sum(ten) / len(ten), abs=0.002)
