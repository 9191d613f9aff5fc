"""The page: self-contained, escaped, with words for every picture and a table behind it."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from html.parser import HTMLParser
from io import StringIO
from itertools import pairwise
from pathlib import Path

import pandas as pd
import pytest

from wm2u_sd.views import pictures
from wm2u_sd.views.figures import Figures
from wm2u_sd.views.inputs import ReportInputs
from wm2u_sd.views.pictures import Picture, all_pictures
from wm2u_sd.views.report import report, write_report
from wm2u_sd.views.summary import print_fit, print_summary
from wm2u_sd.views.table import change_in_words, records

HOSTILE = 'Offer </script><b>bold</b> & "more"'


@dataclass
class Read(HTMLParser):
    """What a page holds: tags with attributes in order, and its visible text."""

    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    text: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def all(self, name: str) -> list[dict[str, str]]:
        return [attributes for tag, attributes in self.tags if tag == name]


@pytest.fixture(scope="module")
def written(known: Figures, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("build")
    write_report(known, folder)
    return folder


@pytest.fixture(scope="module")
def text(written: Path) -> str:
    return (written / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(text: str) -> Read:
    read = Read()
    read.feed(text)
    return read


def test_nothing_in_the_page_asks_for_anything(page: Read) -> None:
    asked = [
        v
        for _, attributes in page.tags
        for name, v in attributes.items()
        if name in ("src", "href", "action", "srcset")
    ]

    assert [] == [value for value in asked if not value.startswith(("#", "data:"))]
    assert not page.all("script")
    assert not [attributes for _, attributes in page.tags if any(name.startswith("on") for name in attributes)]


def test_the_policy_allows_the_style_of_the_page_and_nothing_else(page: Read, text: str) -> None:
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    (policy,) = [one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]

    assert (
        f"default-src 'none'; img-src data:; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'" == policy
    )
    assert not [attributes for _, attributes in page.tags if "style" in attributes]


def test_labels_of_a_model_are_shown_as_text(page: Read, text: str) -> None:
    assert HOSTILE in " ".join(page.text)
    assert "Fewer people <i>held</i>" in " ".join(page.text)
    assert not page.all("b") + page.all("i") + page.all("em")
    assert "<b>bold" not in text


def test_every_picture_has_words_and_its_table_after_it(page: Read, known: Figures) -> None:
    images, tags = page.all("img"), [tag for tag, _ in page.tags]
    after = [tags[at : tags.index("table", at)] for at, tag in enumerate(tags) if tag == "img"]

    assert len(all_pictures(known)) == len(images)
    assert all(len(image["alt"]) > 40 for image in images)
    assert all("details" in between and "img" not in between[1:] for between in after)


def test_tables_say_what_their_cells_are(page: Read) -> None:
    assert len(page.all("table")) == len(page.all("caption"))
    assert {"col", "row", "rowgroup"} == {head["scope"] for head in page.all("th")}


def test_headings_leave_no_level_out_and_names_are_used_once(page: Read) -> None:
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    names = Counter(attributes["id"] for _, attributes in page.tags if "id" in attributes)

    assert 1 == levels.count(1)
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert 1 == max(names.values())
    assert {link["href"][1:] for link in page.all("a")} <= set(names)


def test_the_page_opens_with_questions_not_with_a_sum(page: Read) -> None:
    seen = " ".join(page.text)

    assert seen.index("What could the offer change?") < seen.index("£")


def test_all_eight_are_said_of_every_scenario(page: Read) -> None:
    said = Counter(text for text in page.text if re.match(r"[1-8]\. ", text))

    assert {2} == set(said.values())
    assert 8 == len(said)


def test_the_fit_and_what_it_cannot_tell_are_shown(page: Read) -> None:
    seen = " ".join(page.text)

    assert "The data say little about 'Fewer people <i>held</i>'." in seen
    assert "Every count beside the fit" in seen
    assert "Counted, and taken out before anything was compared with the model." in seen


def test_every_picture_is_a_file_with_its_figures(written: Path, known: Figures) -> None:
    names = {picture.name for picture in all_pictures(known)}

    assert names == {path.stem for path in (written / "pictures").glob("*.png")}
    assert names <= {path.stem for path in (written / "tables").glob("*.csv")}
    for path in (written / "pictures").glob("*.png"):
        assert b"\x89PNG" == path.read_bytes()[:4]


def test_figures_of_files_carry_units(written: Path) -> None:
    for path in sorted((written / "tables").glob("*.csv")):
        columns = pd.read_csv(path).columns
        assert "units" in columns or path.stem in ("provenance", "scenarios"), path.name


def test_terminal_page_and_files_hold_the_same_figures(
    written: Path, page: Read, known: Figures, monkeypatch: pytest.MonkeyPatch
) -> None:
    from rich.console import Console

    monkeypatch.setattr("wm2u_sd.views.summary.WIDEST", 2000)
    printed = StringIO()
    print_summary(known, written, Console(width=2000, file=printed))
    terminal, cells = printed.getvalue(), set(page.text)

    for name, years in (("difference", (1, 3, 10)), ("cumulative_cost", (10,))):
        table = pd.read_csv(written / "tables" / f"{name}.csv")
        for row in records(table[table["year"].isin(years)]):
            assert change_in_words(row) in cells
            assert change_in_words(row) in terminal


def test_the_summary_fits_eighty_columns_when_piped(known: Figures, tmp_path: Path) -> None:
    from rich.console import Console

    printed = StringIO()
    print_summary(known, tmp_path, Console(file=printed, width=80, highlight=False, markup=False))
    lines = printed.getvalue().splitlines()

    assert 80 >= max(len(line.rstrip()) for line in lines if str(tmp_path) not in line)
    assert HOSTILE in "\n".join(lines)
    assert "\x1b" not in "\n".join(lines)


def test_a_report_that_fails_leaves_the_good_one(
    inputs: ReportInputs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = report(inputs, tmp_path).read_bytes()
    before = sorted(path.name for path in tmp_path.rglob("*"))

    def fail(self: Picture) -> bytes:
        raise OSError("disk full")

    monkeypatch.setattr(pictures.Picture, "png", fail)
    with pytest.raises(OSError, match="disk full"):
        report(inputs, tmp_path)

    assert good == (tmp_path / "report.html").read_bytes()
    assert before == sorted(path.name for path in tmp_path.rglob("*"))


def test_a_fit_is_printed_with_what_it_cannot_tell(inputs: ReportInputs) -> None:
    from rich.console import Console

    printed = StringIO()
    assert inputs.fit
    print_fit(inputs.fit, Console(file=printed, width=80, highlight=False, markup=False))

    assert "100 people" in printed.getvalue()
    assert "- The data say little about 'Fewer people <i>held</i>'." in printed.getvalue()
