"""The command line: what it writes, prints and answers to the shell."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from wm2u_sd.cli import IMPOSSIBLE, app, main


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


def test_help_names_every_command() -> None:
    done = CliRunner().invoke(app, ["--help"])

    assert all(name in done.output for name in ("demo", "report", "check", "run", "fit"))


def test_the_command_starts_without_loading_anything_heavy() -> None:
    script = "import sys, wm2u_sd.cli; print(sorted({'numpy', 'xarray', 'pandas', 'matplotlib'} & set(sys.modules)))"

    assert (
        "[]"
        == subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.strip()
    )
