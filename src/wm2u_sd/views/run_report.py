"""The report of any run: what is in every stock, what it costs, the conservation ledger, the constants, provenance.

A run with a headline outcome has a report of its own kind, see `views.report`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.wording import quantity, span, units_in_words
from wm2u_sd.io.atomic import write_bytes, write_text
from wm2u_sd.model.variables import Constant
from wm2u_sd.simulation.run import Run
from wm2u_sd.views import page, style
from wm2u_sd.views.figures import single_runs, spread
from wm2u_sd.views.page import Section
from wm2u_sd.views.pictures import HOW_TO_READ, Picture
from wm2u_sd.views.report import PAGE, PICTURES, TABLES
from wm2u_sd.views.run_money import money_table, unit_costs_table
from wm2u_sd.views.style import LINES, MOST_LINES, Words
from wm2u_sd.views.table import NINE_RUNS, Table, capital, framed, level_in_words

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

MOST_ROWS = 6
MOMENTS = 5
NOT_DIMENSIONS = ("scenario", "draw", "time")


@dataclass(frozen=True)
class Line:
    """One stock, or one element of it: what it is called, its unit, and its values (scenario, draw, time)."""

    label: str
    units: str
    values: xr.DataArray


def write_run_report(run: Run, out: str | Path, benefit: CostBenefit | None = None, unpriced: str = "") -> Path:
    """Write the report of a run.

    Args:
        run: Any run that kept its stocks.
        out: Folder for `report.html`, `pictures/*.png` and `tables/*.csv`.
        benefit: What the run costs and saves, where it is priced.
        unpriced: Why it is not, where a reader would look for it.

    Returns:
        The page. It is written last and whole or not at all.
    """
    folder, lines = Path(out), list(lines_of(run))
    pictures = [
        _picture(run, lines[at : at + MOST_ROWS], f"stocks_{at // MOST_ROWS + 1}")
        for at in range(0, len(lines), MOST_ROWS)
    ]
    tables = [ledger_table(run), constants_table(run), scenarios_table(run), provenance_table(run)]
    money = [money_table(run, benefit), unit_costs_table(benefit)] if benefit else []
    drawn = {picture.name: picture.png() for picture in pictures}
    priced = Section("money", "What it costs and saves", _priced(money, benefit, unpriced))
    text = _page(run, pictures, drawn, tables, priced)
    for name, png in drawn.items():
        write_bytes(folder / PICTURES / f"{name}.png", png)
    for table in (*(picture.table for picture in pictures), *tables, *money):
        write_text(folder / TABLES / f"{table.name}.csv", table.csv())
    write_text(folder / PAGE, text)
    return folder / PAGE


def lines_of(run: Run) -> Iterator[Line]:
    """Yield every stock that was kept, each element on its own."""
    for stock in run.model.stocks():
        if stock.name not in run.data:
            continue
        values = run.data[stock.name]
        extra = [str(dim) for dim in values.dims if dim not in NOT_DIMENSIONS]
        for place in product(*(values[dim].values for dim in extra)):
            of = f" ({', '.join(map(str, place))})" if place else ""
            one = values.sel(dict(zip(extra, place, strict=True)))
            yield Line(f"{capital(values.attrs['long_name'])}{of}", str(values.attrs["units"]), one)


def _shown(run: Run) -> list[str]:
    return list(run.scenarios)[:MOST_LINES]


def _picture(run: Run, lines: Sequence[Line], name: str) -> Picture:
    shown, table = _shown(run), _levels(run, lines, name)
    words = Words(
        f"{run.model.title or run.model.name}: {', '.join(line.label for line in lines)}",
        f"Time in {run.model.time.units}s. {HOW_TO_READ}",
        f"model {run.provenance['model_digest']}. {run.data.sizes['draw']:,} runs. wm2u_sd {run.provenance['wm2u_sd']}",
    )
    size = (3.0 * len(shown) + 2.4, 1.7 * len(lines) + 0.4)
    drawn, panels = style.figure(words, (len(lines), len(shown)), size, share="row")
    for row, line in enumerate(lines):
        for column, scenario in enumerate(shown):
            values = line.values.sel(scenario=scenario)
            at = list(values["time"].values)
            style.fan(panels[row, column], at, spread(values, "time"), LINES[column], single_runs(values, "time"))
        unit = units_in_words(line.units)
        style.row_label(panels[row, 0], f"{line.label}{f', {unit}' if unit else ''}")
    for panel, scenario in zip(panels[0], shown, strict=True):
        style.heading(panel, run.scenarios[scenario].called, 26)
    said = [f"{first}, {second}: {' then '.join(levels)}" for first, second, *levels in table.rows]
    return Picture(name, "What is in the stocks", words, f"{words.title}. {'; '.join(said)}.", table, drawn)


def _levels(run: Run, lines: Sequence[Line], name: str) -> Table:
    """Return the ranges of some stocks in every scenario at a few moments."""
    times = run.data["time"].values
    picked = sorted({round(at * (len(times) - 1) / (MOMENTS - 1)) for at in range(MOMENTS)})
    rows, frames = [], []
    for line, scenario in product(lines, run.scenarios):
        fan = spread(line.values.sel(scenario=scenario), "time").assign(units=line.units)
        keys: dict[str, Any] = {"stock": line.label, "scenario": scenario}
        frames.append(fan.assign(**keys))
        shown = [level_in_words(record) for record in fan.iloc[picked].to_dict("records")]
        rows.append([line.label, run.scenarios[scenario].called, *shown])
    heads = ["Stock", "Scenario", *(f"{capital(run.model.time.units)} {times[at]:g}" for at in picked)]
    return Table(name, f"Middle run. {NINE_RUNS}", heads, rows, _stacked(frames), is_grouped=True)


def _stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    return pd.concat(frames, ignore_index=True)


def ledger_table(run: Run) -> Table:
    """Return the conservation ledger: the middle run, and the largest gap of all runs."""
    columns = ("at_start", "entered", "left", "at_end")
    rows, found = [], []
    for population, scenario in product(run.ledger["population"].values, run.scenarios):
        own = run.ledger.sel(population=population, scenario=scenario)
        middle = [float(own[column].median()) for column in columns]
        gap = float(abs(own["difference"]).max())
        rows.append(
            [capital(str(population).replace("_", " ")), run.scenarios[scenario].called, *(f"{v:,.1f}" for v in middle)]
        )
        rows[-1].append(f"{gap:.1e}")
        found.append((str(population), scenario, *middle, gap))
    heads = ["Population", "Scenario", "At start", "+ in", "- out", "= at end", "Largest gap"]
    caption = (
        "Nobody is made or lost: at start + in = at end + out, in every run. Middle run; gap: largest of all runs."
    )
    frame = framed(found, ["population", "scenario", *columns, "largest_gap"])
    return Table("ledger", caption, heads, rows, frame, is_grouped=True)


def constants_table(run: Run) -> Table:
    """Return every constant that is one number, with what is believed about it."""
    rows, found = [], []
    for one in run.model.variables.values():
        if not isinstance(one, Constant) or not isinstance(one.value, int | float):
            continue
        ends = (one.prior.low, one.prior.high) if one.prior else (float("nan"), float("nan"))
        believed = span(*ends, one.units) if one.prior else ""
        label = one.label or one.doc or one.name.replace("_", " ")
        rows.append([label, quantity(float(one.value), one.units), believed, one.grade, one.source])
        found.append((one.name, float(one.value), *ends, one.units, one.grade, one.source))
    caption = "Every constant. Grades: A measured, B published, C derived, D elicited or judged."
    heads = ["What", "Value", "Range", "Grade", "Source"]
    frame = framed(found, ["name", "value", "low", "high", "units", "grade", "source"])
    return Table("constants", caption, heads, rows, frame)


def scenarios_table(run: Run) -> Table:
    """Return what each scenario is and assumes."""
    rows = [[one.called, one.target, one.assumption, one.disagrees] for one in run.scenarios.values()]
    heads = ["Scenario", "What changes", "Assumes", "Who would disagree"]
    columns = ["scenario", "target", "assumption", "disagrees"]
    return Table("scenarios", "What each scenario is and assumes.", heads, rows, framed(rows, columns))


def provenance_table(run: Run) -> Table:
    """Return where everything comes from."""
    left_out = len({failure.draw for failure in run.failures})
    facts = {**run.provenance, "runs left out because they stopped": str(left_out)}
    rows = [[capital(name.replace("_", " ")), value] for name, value in facts.items()]
    caption = "The same model, data, seed and version give the same figures."
    return Table("provenance", caption, ["What", "Which"], rows, framed(rows, ["what", "which"]))


def _page(
    run: Run, pictures: Sequence[Picture], drawn: dict[str, bytes], tables: Sequence[Table], priced: Section
) -> str:
    ledger, constants, scenarios, provenance = tables
    seen = [part for picture in pictures for part in _seen(picture, drawn[picture.name])]
    left_out = len(run.scenarios) - len(_shown(run))
    if left_out:
        seen.insert(0, page.paragraph(f"Pictures show the first {MOST_LINES} scenarios; tables show all."))
    sections = [
        Section("stocks", "What is in the stocks", seen or [page.paragraph("The run kept no stock.")]),
        *([priced] if priced.parts else []),
        Section("ledger", "Nobody is made or lost", [page.table(ledger)]),
        Section("scenarios", "What each scenario is and assumes", [page.table(scenarios)]),
        Section("constants", "Constants and their grades", [page.table(constants)]),
        Section("provenance", "Where the figures come from", [page.table(provenance)]),
    ]
    runs = run.data.sizes["draw"]
    opening = (
        f"{runs:,} runs that differ in what is not known. Every figure stands with the range of its runs; a range "
        "knows nothing about what the model leaves out. It compares what was put in; it is no forecast."
    )
    said = [page.paragraph(text) for text in (run.model.doc, opening) if text]
    return page.page(run.model.title or run.model.name, said, sections)


def _priced(money: Sequence[Table], benefit: CostBenefit | None, unpriced: str) -> list[str]:
    """Return the tables of money with what was done to its figures, or why there is none."""
    if not benefit:
        return [page.paragraph(unpriced)] if unpriced else []
    return [*map(page.table, money), page.folded("What was done to the figures", [page.bullets(benefit.notes)])]


def _seen(picture: Picture, png: bytes) -> list[str]:
    files = f"Picture: {PICTURES}/{picture.name}.png. Figures: {TABLES}/{picture.table.name}.csv."
    return [
        page.picture(png, picture.alt, f"{files} {picture.words.source}"),
        page.folded(f"Table: {picture.heading}", [page.table(picture.table)], is_open=True),
    ]
