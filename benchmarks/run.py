"""Run benchmarks and print how they compare.

`python benchmarks/run.py [--only NAME ...] [--rounds N] [--backend NAME] [--json]`

Quote ratios, with the machine and their spread; seconds move with whatever else is running.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from bench import BENCHMARKS, Benchmark, Outcome, Result, Spread, run
from ours import ASKED, KEPT_CODE, backend_name
from rich.console import Console
from rich.table import Table

WIDTH = 132


def main() -> int:
    """Run what was asked for; return 1 when answers disagree."""
    asked = _arguments()
    os.environ[KEPT_CODE] = ""  # code of an earlier run would hide what compiling takes
    if asked.backend:
        os.environ[ASKED] = asked.backend
    for path in sorted(Path(__file__).parent.glob("bench_*.py")):
        importlib.import_module(path.stem)
    console = Console(stderr=asked.json, width=WIDTH)
    console.print(_machine())
    results = [_shown(run(benchmark, asked.rounds), console) for benchmark in _chosen(asked.only)]
    if asked.json:
        json.dump({**_machine(), "benchmarks": [_facts(result) for result in results]}, sys.stdout, indent=2)
    return int(any(result.disagreements for result in results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run benchmarks and print how they compare.")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON; the tables go to stderr")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="benchmarks to run; a name's beginning will do")
    parser.add_argument("--rounds", type=int, metavar="N", help="how often every entry has its turn, even slow ones")
    parser.add_argument("--backend", help="the backend of ours to measure; the fastest there is unless given")
    return parser.parse_args()


def _chosen(only: Sequence[str] | None) -> list[Benchmark]:
    chosen = [one for name, one in BENCHMARKS.items() if only is None or any(_meant(name, asked) for asked in only)]
    if not chosen:
        sys.exit(f"There is no benchmark {' or '.join(only or ())}; there are: {', '.join(BENCHMARKS)}")
    return chosen


def _meant(name: str, asked: str) -> bool:
    return name == asked if asked in BENCHMARKS else name.startswith(asked)


def _machine() -> dict[str, Any]:
    """Return what a figure depends on."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "backend": backend_name(),
    }


def _processor() -> str:
    """Return the name of the processor's class."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text(encoding="utf-8").splitlines() if facts.is_file() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _shown(result: Result, console: Console) -> Result:
    benchmark = result.benchmark
    table = Table(title=f"{benchmark.name}: {benchmark.doc}", title_justify="left")
    table.add_column("entry")
    for heading in ("rounds", "median", "least", "most", "ratio", "its spread"):
        table.add_column(heading, justify="right")
    table.add_column("note")
    for outcome in result.outcomes:
        table.add_row(outcome.entry.name, *_cells(outcome, result))
    console.print(table)
    for disagreement in result.disagreements:
        console.print(f"[bold red]DIFFERENT ANSWERS: {disagreement}; its figures are no result[/]")
    return result


def _cells(outcome: Outcome, result: Result) -> list[str]:
    if outcome.skipped:
        return ["", "", "", "", "", "", f"skipped: {outcome.skipped}"]
    spread, unit = outcome.spread, result.benchmark.unit
    figures = [_figure(value, unit) for value in (spread.median, spread.least, spread.most)]
    ratio = outcome.ratio(result.reference)
    ratios = [f"{ratio.median:.3g}", f"{ratio.least:.3g} to {ratio.most:.3g}"] if ratio else ["", ""]
    return [str(len(outcome.figures)), *figures, *ratios, outcome.note]


def _figure(value: float, unit: str) -> str:
    """Return a figure with three digits, seconds in the unit that suits them."""
    if unit != "s":
        return f"{value:.3g} {unit}"
    for scale, name in ((1.0, "s"), (1e-3, "ms")):
        if value >= scale:
            return f"{value / scale:.3g} {name}"
    return f"{value / 1e-6:.3g} µs"


def _facts(result: Result) -> dict[str, Any]:
    return {
        "name": result.benchmark.name,
        "doc": result.benchmark.doc,
        "unit": result.benchmark.unit,
        "reference": result.benchmark.reference,
        "disagreements": list(result.disagreements),
        "entries": [_entry_facts(outcome, result.reference) for outcome in result.outcomes],
    }


def _entry_facts(outcome: Outcome, reference: Outcome) -> dict[str, Any]:
    if outcome.skipped:
        return {"name": outcome.entry.name, "skipped": outcome.skipped}
    ratio = outcome.ratio(reference)
    return {
        "name": outcome.entry.name,
        "share": outcome.entry.share,
        "figures": list(outcome.figures.values()),
        **asdict(outcome.spread),
        "ratio": asdict(ratio) if isinstance(ratio, Spread) else None,
    }


if __name__ == "__main__":
    sys.exit(main())
