"""The main job on a shipped place: what is written agrees, is paired, and speaks in words."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from wm2u_sd.care.answer import Answer, answer
from wm2u_sd.care.outcomes import COMPANIONS, HEADLINE
from wm2u_sd.care.places import models_root, open_place
from wm2u_sd.care.shown import report_inputs
from wm2u_sd.economics.wording import difference
from wm2u_sd.errors import NameUnknownError
from wm2u_sd.views.figures import Figures, work_out
from wm2u_sd.views.report import write_report
from wm2u_sd.views.summary import print_summary
from wm2u_sd.views.table import one

SCENARIOS = ["drift", "project", "family_groups", "early_help_cut"]
FILE_NAMES = re.compile(r"\w+\.(csv|png|yaml|html|nc)|wm2u_sd(\.\w+)*")


class Text(HTMLParser):
    """The text a page shows."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        self.pieces.append(data)


@pytest.fixture(scope="module")
def found() -> Answer:
    return answer(open_place("stockport"), draws=8, seed="test", scenarios=SCENARIOS)


@pytest.fixture(scope="module")
def known(found: Answer) -> Figures:
    return work_out(report_inputs(found))


@pytest.fixture(scope="module")
def written(known: Figures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    write_report(known, folder)
    return folder


@pytest.fixture(scope="module")
def seen(written: Path) -> list[str]:
    text = Text()
    text.feed((written / "report.html").read_text(encoding="utf-8").partition("</style>")[2])
    return text.pieces


@pytest.fixture(scope="module")
def terminal(known: Figures, written: Path) -> str:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wm2u_sd.views.summary.WIDEST", 3000)
        printed = StringIO()
        print_summary(known, written, Console(file=printed, width=3000, highlight=False, markup=False))
    return printed.getvalue()


def test_people_figures_agree_in_file_page_and_terminal(written: Path, seen: list[str], terminal: str) -> None:
    table = pd.read_csv(written / "tables" / "difference.csv")
    rows = table[table["year"] == 10].to_dict("records")
    said = [difference(row["low"], row["middle"], row["high"], row["units"]) for row in rows]

    assert 2 * 5 == len(said)
    assert [] == [words for words in said if words not in seen or words not in terminal]


def test_money_figures_agree_in_file_page_and_terminal(written: Path, seen: list[str], terminal: str) -> None:
    table = pd.read_csv(written / "tables" / "money.csv")
    rows = table[table["units"] == "GBP_2024"].to_dict("records")
    shown = [row for row in rows if row["scenario"] != "drift"]
    said = [difference(row["low"], row["middle"], row["high"], row["units"]) for row in shown]

    assert 3 * 3 == len(said)
    assert [] == [words for words in said if words not in seen or words not in terminal]


def test_honesty_in_the_terminal_is_that_of_the_page(found: Answer, seen: list[str], terminal: str) -> None:
    block = next(block for block in found.honesty if block.scenario == "project")

    for item in block.items:
        assert all(sentence in seen for sentence in item.sentences)
        assert any(sentence in terminal for sentence in item.sentences), item.title


def test_care_never_stands_alone(written: Path) -> None:
    for name in ("difference", "overview", "outlook"):
        table = pd.read_csv(written / "tables" / f"{name}.csv")
        for _, rows in table.groupby("scenario"):
            assert {HEADLINE, *COMPANIONS} == set(rows["outcome"]), name


def test_people_are_shown_words_not_names_of_variables(seen: list[str], terminal: str) -> None:
    shown = "\n".join([*seen, terminal])

    assert [] == re.findall(r"\b[a-z]+_[a-z_]+\b", FILE_NAMES.sub("", shown))
    assert [] == re.findall(r"\d[eE][+-]\d\d|\byear \d+\.0", shown)
    assert [] == re.findall(r"\b(?:saves|league table)\b", shown)


def test_a_year_holds_what_happened_in_it(found: Answer) -> None:
    """Published starts of care are yearly totals: twelve months of the monthly rate, not one moment of it."""
    data = found.run.data
    months = data["cumulative_care_starts"].sel(scenario="as_now")

    total = float((months.sel(time=120) - months.sel(time=108)).mean())
    assert total == pytest.approx(float(data["care_starts_in_year"].sel(scenario="as_now", time=120).mean()))
    assert "child/year" == data["care_starts_in_year"].attrs["units"]


def test_counts_are_the_published_ones(known: Figures) -> None:
    """291 on 31 March 2015 and 456 on 31 March 2025, unaccompanied children left out: the README of the place."""
    first, last = (one(known.fit, outcome=HEADLINE, time=time) for time in (0.0, 120.0))

    assert (291, 456) == (first["observed"], last["observed"])
    assert ("March 2015", "March 2025") == (first["moment"], last["moment"])


def test_unaccompanied_children_and_the_accounts_are_kept_apart(known: Figures) -> None:
    """Accounts of Stockport in 2024: models/data/stock_flow_residuals.csv."""
    apart, accounts = known.inputs.kept_apart, known.inputs.accounts

    assert (
        29 == apart.loc[(apart["measure"] == "unaccompanied in care") & (apart["date"] == "2025-03-31"), "value"].item()
    )
    assert [479, 188, 175, 493, 1] == accounts.loc[accounts["year"] == 2024].iloc[0, 1:].tolist()


def test_assumptions_say_value_range_grade_and_source(known: Figures) -> None:
    table = known.inputs.assumptions

    assert set("ACD") == set(table["grade"])
    assert (table["source"].str.len() > 0).all()
    share = one(table, label="Placements of children in care: share felt as cash")
    assert (0.6, 0.3, 0.9, "D") == (share["value"], share["low"], share["high"], share["grade"])


def test_featured_are_the_usual_or_those_asked_for(found: Answer) -> None:
    usual, asked = report_inputs(found), report_inputs(found, featured=["early_help_cut"])

    assert (["project", "family_groups"], ["early_help_cut"]) == (list(usual.featured), list(usual.cautions))
    assert (["early_help_cut"], []) == (list(asked.featured), list(asked.cautions))
    with pytest.raises(NameUnknownError, match=r"'projekt' was not run. Did you mean: project\?"):
        report_inputs(found, featured=["projekt"])


def test_a_place_without_a_fit_is_still_reported(tmp_path: Path) -> None:
    place = open_place(models_root() / "localities" / "stockport", fitted=False)
    known = work_out(report_inputs(answer(place, draws=2, seed="test", scenarios=["project"])))

    page = write_report(known, tmp_path).read_text(encoding="utf-8")

    assert "Nothing was fitted: constants stand at published figures and judgements." in page
    assert "There are too few runs to tell how much of the answer rests on assumptions of grade D." in page
