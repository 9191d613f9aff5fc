"""The report of any run: every stock, the ledger, and figures that agree with the run."""

import csv
import re
from pathlib import Path

import pytest

from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Constant, Flow, Prior, Stock
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import simulate
from wm2u_sd.views.run_report import lines_of, write_run_report

WORDS = "<b>places</b> & </script>"


@pytest.fixture(scope="module")
def run() -> Run:
    model = Model("ponds", title=WORDS, time=Time(0, 12, 0.5, saveper=1, units="month")).define(
        Dimension("pond", ("upper", "lower")),
        Stock("fish", initial="100", over=["pond"], outflows=["leaving"], units="fish"),
        Stock("caught", initial="0", over=["pond"], inflows=["leaving"], units="fish"),
        Flow("leaving", "fish * rate", over=["pond"], units="fish/month"),
        Constant("rate", 0.1, units="1/month", prior=Prior("uniform", 0.05, 0.15, 0.1), grade="D", source=WORDS),
    )
    return simulate(model, [Scenario("as_now"), Scenario("more", set={"rate": 0.2})], draws=40)


@pytest.fixture(scope="module")
def out(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    write_run_report(run, folder)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_element_of_every_stock_is_shown(run: Run) -> None:
    assert ["Fish (upper)", "Fish (lower)", "Caught (upper)", "Caught (lower)"] == [one.label for one in lines_of(run)]


def test_the_table_holds_the_quantiles_of_the_run(run: Run, out: Path) -> None:
    wanted = {"stock": "Fish (lower)", "scenario": "more"}
    table = [row for row in rows(out / "tables" / "stocks_1.csv") if wanted.items() <= row.items()]
    values = run.data["fish"].sel(scenario="more", pond="lower")

    assert len(run.data["time"]) == len(table)
    for column, share in (("low", 0.05), ("middle", 0.5), ("high", 0.95)):
        expected = values.quantile(share, "draw").values
        assert expected == pytest.approx([float(row[column]) for row in table], rel=1e-8)


def test_the_ledger_on_the_page_adds_up(out: Path) -> None:
    for row in rows(out / "tables" / "ledger.csv"):
        total = float(row["at_start"]) + float(row["entered"]) - float(row["left"])
        assert float(row["at_end"]) == pytest.approx(total, rel=1e-9)
        assert float(row["largest_gap"]) < 1e-9 * 200


def test_text_of_a_model_is_shown_and_never_run(out: Path) -> None:
    text = (out / "report.html").read_text(encoding="utf-8")

    assert "&lt;b&gt;places&lt;/b&gt; &amp; &lt;/script&gt;" in text
    assert WORDS not in text
    assert "<script" not in text
    assert [] == re.findall(r'(?:src|href)="https?:', text)


def test_every_picture_has_words_and_a_file(out: Path) -> None:
    text = (out / "report.html").read_text(encoding="utf-8")

    assert ["stocks_1.png"] == sorted(path.name for path in (out / "pictures").iterdir())
    assert 1 == len(re.findall(r"<img [^>]*alt=\"[^\"]{20,}\"", text))
