"""The command line: what it writes, prints and answers to the shell."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wm2u_sd.care.answer import answer
from wm2u_sd.care.places import open_place
from wm2u_sd.cli import IMPOSSIBLE, app, main
from wm2u_sd.errors import MoneyError, NameUnknownError


def test_report_writes_page_pictures_tables_and_results(tmp_path: Path) -> None:
    done = CliRunner().invoke(
        app, ["report", "stockport", "--draws", "2", "--scenario", "project", "--out", str(tmp_path / "build")]
    )

    assert 0 == done.exit_code, done.output
    assert {"report.html", "results.nc", "pictures", "tables"} == {path.name for path in (tmp_path / "build").iterdir()}
    assert "Open" in done.output.splitlines()[-1]
    assert "Eight things said with every result" in done.output


TANK = """name: tank
title: A tank that leaks
time: {start: 0, end: 12, step: 1, units: month}
variables:
  water: {kind: stock, units: litre, initial: "10", outflows: [leak]}
  leak: {kind: flow, units: litre/month, equation: water / emptying_time}
  emptying_time: {kind: constant, units: month, value: 5, source: Invented, grade: D}
"""


def test_run_prints_json_for_another_program(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(TANK, encoding="utf-8")
    (tmp_path / "scenarios.yaml").write_text("as_now: {label: Nothing}\n", encoding="utf-8")

    done = CliRunner().invoke(app, ["run", str(tmp_path), "--json", "--out", str(tmp_path / "build")])

    facts = json.loads(done.output)
    assert (0, "tank", str(tmp_path / "build" / "results.nc")) == (facts["failed"], facts["model"], facts["results"])


def test_report_shows_the_stocks_of_a_model_without_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(TANK, encoding="utf-8")

    done = CliRunner().invoke(app, ["report", str(tmp_path), "--draws", "3", "--out", str(tmp_path / "build")])

    assert 0 == done.exit_code, done.output
    assert {"report.html", "results.nc", "pictures", "tables"} == {path.name for path in (tmp_path / "build").iterdir()}


def test_what_is_not_there_is_said_in_one_message(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["wm2u", "demo", "--place", "stokport"])

    with pytest.raises(SystemExit) as stopped:
        main()

    assert IMPOSSIBLE == stopped.value.code
    assert capsys.readouterr().err.startswith(
        "There is no place or model folder 'stokport'. Did you mean: stockport? Shipped: bolton, bury,"
    )


def test_an_unknown_scenario_is_refused_before_anything_runs(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["report", "stockport", "--scenario", "projekt", "--out", str(tmp_path / "build")])

    assert "There is no scenario 'projekt'" in str(done.exception)
    assert not (tmp_path / "build").exists()


COSTS = """lines:
  tank: {driver: water, unit_cost: 3, units: GBP_2024/litre/month, payer: town, kind: fiscal, category: upkeep}
"""
SCENARIOS = """as_now: {label: Nothing}
slower: {label: Slower, set: {emptying_time: 10}}
"""


def reported(folder: Path, **files: str) -> str:
    """Write a folder that leaks and costs, report it, and return what was printed."""
    for name, text in {"model": TANK, "costs": COSTS, "scenarios": SCENARIOS, **files}.items():
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    done = CliRunner().invoke(app, ["report", str(folder), "--draws", "1", "--out", str(folder / "build")])
    assert 0 == done.exit_code, done.output
    return done.output


def test_report_prices_any_model_that_has_a_ledger(tmp_path: Path) -> None:
    printed = reported(tmp_path)

    def litre_months(emptying_time: float) -> float:
        return 10 * emptying_time * (1 - (1 - 1 / emptying_time) ** 12)  # Euler, 12 steps of a month

    expected = 3 * (litre_months(10) - litre_months(5)) / 1.035**0.5
    with (tmp_path / "build" / "tables" / "money.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert ["gross, all agencies", "cash, all agencies", "cash, town"] == [row["counted"] for row in rows]
    assert [pytest.approx(expected)] * 3 == [float(row["middle"]) for row in rows]
    assert "£74 more" in printed
    unit_costs = (tmp_path / "build" / "tables" / "unit_costs.csv").read_text(encoding="utf-8")
    assert "tank,water,3,,,GBP_2024/litre/month,town,town,fiscal,," in unit_costs
    assert "£74 more" in (tmp_path / "build" / "report.html").read_text(encoding="utf-8")


BY_THE_HOUR = {
    "model": TANK.replace("units: month", "units: hour").replace("litre/month", "litre/hour"),
    "costs": COSTS.replace("/month", "/hour"),
}


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({"scenarios": "as_now: {label: Nothing}"}, "are differences from 'as_now', and no other scenario is run"),
        ({"scenarios": SCENARIOS.replace("as_now", "base")}, "from a scenario named 'as_now', and there is none"),
        ({"model": TANK.replace("end: 12", "end: 6")}, "the model ends at 6 month, less than a year after 0"),
        (BY_THE_HOUR, "money by year needs time in one of"),
    ],
)
def test_report_says_why_costs_are_left_out(files: dict[str, str], reason: str, tmp_path: Path) -> None:
    printed = reported(tmp_path, **files)

    assert "Costs are left out: " in printed
    assert reason in printed
    assert reason.split("'")[0] in (tmp_path / "build" / "report.html").read_text(encoding="utf-8")
    assert not (tmp_path / "build" / "tables" / "money.csv").exists()


def test_a_scenario_is_refused_where_the_folder_has_none(tmp_path: Path) -> None:
    (tmp_path / "model.yaml").write_text(TANK, encoding="utf-8")

    with pytest.raises(NameUnknownError, match="There is no scenario 'nope'"):
        CliRunner().invoke(app, ["run", str(tmp_path), "--scenario", "nope"], catch_exceptions=False)


def test_the_baseline_alone_is_no_answer() -> None:
    with pytest.raises(
        MoneyError, match="There is no answer to give: costs are differences from 'as_now', and no other"
    ):
        answer(open_place("wigan"), draws=2, seed="x", scenarios=["as_now"])


def test_help_names_every_command() -> None:
    done = CliRunner().invoke(app, ["--help"])

    assert all(name in done.output for name in ("demo", "report", "check", "run", "fit"))


def test_the_command_starts_without_loading_anything_heavy() -> None:
    script = "import sys, wm2u_sd.cli; print(sorted({'numpy', 'xarray', 'pandas', 'matplotlib'} & set(sys.modules)))"

    assert (
        "[]"
        == subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    )
