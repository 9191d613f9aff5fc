"""Write the table of docs/benchmarks.md from figures: `python benchmarks/page.py figures.json`.

The text of the page stays; what stands between its two marks is replaced.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BEGIN, END = "<!-- figures begin -->", "<!-- figures end -->"


def main() -> None:
    """Replace the figures of the page."""
    measured = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    PAGE.write_text(f"{before}{BEGIN}\n\n{figures(measured)}\n{END}{after}", encoding="utf-8")


def figures(measured: dict[str, Any]) -> str:
    """Return all figures, with the machine they were taken on."""
    machine = f"{measured['processor']}, {measured['cores']} cores, {measured['system']}"
    said = f"Measured on {measured['date'][:10]}: {machine}, Python {measured['python']}, NumPy {measured['numpy']}.\n"
    return "\n".join([said, *map(table, measured["benchmarks"])])


def table(benchmark: dict[str, Any]) -> str:
    """Return one benchmark as a table."""
    lines = [f"**{benchmark['name']}**: {benchmark['doc']}\n"]
    lines += ["| entry | median | ratio | its spread |", "|---|---|---|---|"]
    lines += [row(entry, benchmark["unit"]) for entry in benchmark["entries"]]
    return "\n".join([*lines, ""])


def row(entry: dict[str, Any], unit: str) -> str:
    """Return one entry as a line of a table."""
    if "skipped" in entry:
        return f"| {entry['name']} | skipped: {entry['skipped']} | | |"
    ratio = entry["ratio"] or {}
    spread = f"{ratio['least']:.3g} to {ratio['most']:.3g}" if ratio else ""
    part = "" if entry["share"] == 1 else f" (from {entry['share']:g} of the work)"
    middle = f"{ratio['median']:.3g}" if ratio else ""
    return f"| {entry['name']}{part} | {shown(entry['median'], unit)} | {middle} | {spread} |"


def shown(value: float, unit: str) -> str:
    """Return a figure with three digits, seconds in the unit that suits them."""
    if unit != "s":
        return f"{value:.3g} {unit}"
    scale, name = next((s, n) for s, n in ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (0.0, "µs")) if value >= s)
    return f"{value / (scale or 1e-6):.3g} {name}"


if __name__ == "__main__":
    main()
