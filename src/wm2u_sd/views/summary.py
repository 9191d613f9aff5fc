"""The summary in a terminal: the same figures as the page, in eighty columns, also when piped into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wm2u_sd.economics.honesty import HonestyBlock
from wm2u_sd.views import background_tables, money_tables, people_tables
from wm2u_sd.views.figures import Figures
from wm2u_sd.views.inputs import FitShown
from wm2u_sd.views.report import PAGE, PICTURES, TABLES, judgement_in_words
from wm2u_sd.views.table import Table

if TYPE_CHECKING:
    from rich.console import Console

PAIRED_YEARS = (1, 3, 10)
FIRST_COLUMN, BETWEEN, WIDEST = 25, 2, 120  # letters
MANY_COLUMNS = 5
SHORT: dict[int, tuple[int, ...]] = {1: (0, 2), 2: (2,), 3: (3,), 4: (0, 2), 6: (1,)}
"""Which sentences of an item are its short form: cash of the agency and of all; of the others everything is said."""
PEOPLE = 7


def print_summary(known: Figures, out: str | Path, console: Console | None = None) -> None:
    """Print a readable summary.

    Args:
        known: The figures, as in the report.
        out: Where the report was written.
        console: Where to print; None is the terminal, or eighty columns of plain text when output goes elsewhere.
    """
    from rich.console import Console

    console = console or Console(highlight=False, markup=False)
    inputs = known.inputs
    _head(console, inputs.title)
    for said in (*inputs.about[:2], *inputs.questions):
        console.print(f"- {said}")
    _table(console, "If nothing is decided", people_tables.outlook_at_horizon(known))
    changes = people_tables.difference(known, inputs.featured, years=PAIRED_YEARS)
    _table(console, "What the options change for people", changes)
    if inputs.cautions:
        _table(console, "What looks good and has a price", people_tables.overview(known, inputs.cautions))
        _table(console, "And what it costs", money_tables.net_cost(known, inputs.cautions))
    _honesty(console, known)
    if len(known.judgement):
        console.print(f"\n{judgement_in_words(known)}")
    _table(console, "In short", money_tables.in_short(known, inputs.featured))
    _files(console, Path(out))


def print_money(table: Table, console: Console | None = None) -> None:
    """Print what the scenarios of a run cost and save."""
    from rich.console import Console

    _table(console or Console(highlight=False, markup=False), "What it costs and saves", table)


def print_fit(fit: FitShown, console: Console | None = None) -> None:
    """Print what a fit says, how near it comes to each series and what the counts cannot tell."""
    from rich.console import Console

    console = console or Console(highlight=False, markup=False)
    _table(console, "What was fitted", background_tables.fit_constants(fit))
    _table(console, "How near it comes", background_tables.fit_series(fit))
    for said in fit.facts:
        console.print(said)
    _head(console, "What the counts cannot tell")
    for said in fit.cannot_tell or ["No constant that was fitted is left open by the counts."]:
        console.print(f"- {said}")


def _head(console: Console, text: str) -> None:
    console.print(f"\n{text}\n{'=' * min(len(text), console.width)}", style="bold")


def _table(console: Console, title: str, table: Table) -> None:
    """Print a table below its title and caption, each of its groups under its name."""
    from rich import box
    from rich.table import Column
    from rich.table import Table as Drawn

    _head(console, title)
    console.print(table.caption)
    widths = column_widths(len(table.shown_heads), console.width)
    for name, rows in table.grouped_rows():
        if name:
            console.print(f"\n{name}", style="bold")
        columns = [Column(head, width=width) for head, width in zip(table.shown_heads, widths, strict=True)]
        drawn = Drawn(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
        for row in rows:
            drawn.add_row(*row)
        console.print(drawn)


def column_widths(count: int, width: int) -> list[int]:
    """Return widths of columns, the first the widest, that fit a terminal with room between them."""
    room = min(width, WIDEST) - BETWEEN * count
    first = min(FIRST_COLUMN, room // 3) if count < MANY_COLUMNS else room // count + 1
    return [first, *[(room - first) // (count - 1)] * (count - 1)]


def _honesty(console: Console, known: Figures) -> None:
    """Print the eight items in short for each featured scenario; the eighth, the same for all, once."""
    inputs = known.inputs
    blocks = [block for block in inputs.honesty if block.scenario in inputs.featured]
    _head(console, "Eight things said with every result")
    console.print(f"In short; the whole of it is in {PAGE}.")
    for block in blocks:
        console.print(f"\n{inputs.label(block.scenario)}", style="bold")
        for line in short_form(block, len(inputs.paired))[:-1]:
            console.print(line)
    for line in dict.fromkeys(short_form(block, 0)[-1] for block in blocks):
        console.print(f"\n{line}")


def short_form(block: HonestyBlock, people: int) -> list[str]:
    """Return one line for each of the eight items; that on people names as many outcomes as `people`, paired.

    The sentences are those of the block, so that no figure can differ from the page.
    """
    lines = []
    for item in block.items:
        wanted = range(people + 1) if item.number == PEOPLE else SHORT.get(item.number, range(len(item.sentences)))
        chosen = [item.sentences[at] for at in wanted if at < len(item.sentences)]
        lines.append(f"{item.number}. {' '.join(chosen or item.sentences[:1])}")
    return lines


def _files(console: Console, out: Path) -> None:
    _head(console, "Where it is")
    for what, where in (
        ("The whole report", out / PAGE),
        ("Pictures", out / PICTURES),
        ("Tables", out / TABLES),
        ("Every run", out / "results.nc"),
    ):
        console.print(f"{what}: {where}", soft_wrap=True)
