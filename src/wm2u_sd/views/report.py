"""The report: one page that needs no network, and a PNG and a CSV of each picture beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path

from wm2u_sd.economics.honesty import HonestyBlock
from wm2u_sd.economics.wording import in_hundred
from wm2u_sd.io.atomic import write_bytes, write_text
from wm2u_sd.views import background_tables, money_tables, page
from wm2u_sd.views.figures import Figures, work_out
from wm2u_sd.views.inputs import FitShown, ReportInputs
from wm2u_sd.views.page import Section
from wm2u_sd.views.pictures import CAUTIONS, Picture, all_pictures
from wm2u_sd.views.table import Table

__all__ = ["ReportInputs", "report", "write_report"]

PAGE = "report.html"
PICTURES, TABLES = "pictures", "tables"


def report(inputs: ReportInputs, out: str | Path) -> Path:
    """Write a report.

    Args:
        inputs: What it shows.
        out: Folder for `report.html`, `pictures/*.png` and `tables/*.csv`.

    Returns:
        The page. It is written last and whole or not at all.

    Raises:
        ModelError: A headline outcome without its companions (OUT-1).
    """
    return write_report(work_out(inputs), out)


def write_report(known: Figures, out: str | Path) -> Path:
    """Write a report from figures that are worked out; see `report`. Nothing is written before all of it is made."""
    folder = Path(out)
    pictures = {picture.name: picture for picture in all_pictures(known)}
    drawn = {name: picture.png() for name, picture in pictures.items()}
    tables = [*(picture.table for picture in pictures.values()), *_further_tables(known)]
    text = _page(known, pictures, drawn)
    for name, png in drawn.items():
        write_bytes(folder / PICTURES / f"{name}.png", png)
    for table in tables:
        write_text(folder / TABLES / f"{table.name}.csv", table.csv())
    write_text(folder / PAGE, text)
    return folder / PAGE


def _further_tables(known: Figures) -> list[Table]:
    """Return the tables that stand behind no picture and are saved too."""
    inputs, everything = known.inputs, known.inputs.benefit.scenarios
    made = [
        money_tables.money(known, everything),
        money_tables.break_even(known, everything),
        background_tables.judgement(known, inputs.shown),
        background_tables.assumptions(inputs),
        background_tables.scenarios(inputs),
        background_tables.kept_apart(inputs),
        background_tables.accounts(inputs),
        background_tables.provenance(inputs),
    ]
    fit = inputs.fit
    return [*made, *_fit_tables(inputs, fit)] if fit else made


def _fit_tables(inputs: ReportInputs, fit: FitShown) -> list[Table]:
    return [
        background_tables.fit_series(fit),
        background_tables.fit_constants(fit),
        background_tables.fit_residuals(inputs, fit),
    ]


def _page(known: Figures, pictures: dict[str, Picture], drawn: dict[str, bytes]) -> str:
    inputs = known.inputs

    def show(name: str, headed: bool = True) -> list[str]:
        return _shown(pictures[name], drawn[name], headed) if name in pictures else []

    sections = [
        Section("short", "Questions, and answers as ranges", _short(known, pictures)),
        Section("about", "What this is, and what it is not", [page.bullets(inputs.about)]),
        Section("outlook", "If nothing is decided", show("outlook", False)),
        Section("people", "What the options change for people", [*show("difference", False), *show("overview")]),
        Section(
            "money",
            "Money: gross and cash, and when it pays",
            _money(known, show("cumulative_cost"), show("chance_it_pays")),
        ),
        Section("who", "Who pays, who gains", show("who_pays_who_gains", False)),
        Section(
            "cautions",
            "What looks good and has a price",
            [*show(f"difference{CAUTIONS}", False), *show(f"cumulative_cost{CAUTIONS}")],
        ),
        Section("honesty", "Eight things said with every result", _honesty(inputs)),
        Section("options", "What each option is and assumes", [page.table(background_tables.scenarios(inputs))]),
        Section("fit", "How near it comes to published counts", _fit(inputs, show("fit", False))),
        Section("assumptions", "Assumptions and their grades", _assumptions(known)),
        Section("apart", "Counted, and kept apart", _apart(inputs)),
        Section("leaves-out", "What the model leaves out", [page.bullets(inputs.leaves_out)]),
        Section("provenance", "Where the figures come from", _provenance(inputs)),
    ]
    return page.page(inputs.title, _opening(inputs), [section for section in sections if any(section.parts)])


def _opening(inputs: ReportInputs) -> list[str]:
    draws = inputs.run.data.sizes["draw"]
    years, begins = inputs.benefit.years, inputs.moment(inputs.decision_time)
    return [
        page.paragraph(
            f"Options compared over {years} years from {begins}, in {draws:,} runs that differ in what is not known. "
            "Every figure stands with the range of its runs; a range knows nothing about what the model leaves out. "
            f"Written on {date.today():%d %B %Y}."
        )
    ]


def _short(known: Figures, pictures: dict[str, Picture]) -> list[str]:
    inputs = known.inputs
    ranges = [f"{pictures['outlook'].words.title}.", f"{pictures['overview'].words.title}."]
    if len(known.judgement):
        ranges.append(judgement_in_words(known))
    return [
        page.bullets(inputs.questions, ordered=True),
        page.bullets(ranges),
        page.table(money_tables.in_short(known, inputs.featured)),
    ]


def judgement_in_words(known: Figures) -> str:
    """Say how much of the answers rests on what nobody has measured."""
    least, most = known.judgement["share"].min(), known.judgement["share"].max()
    return (
        f"Of what moves these answers between runs, {in_hundred(least)} to {in_hundred(most)} parts, by option, are "
        "judgements that nobody has measured."
    )


def _shown(picture: Picture, png: bytes, headed: bool) -> list[str]:
    """Return a picture, under its heading unless that of the section says the same, then its table."""
    caption = (
        f"Picture: {PICTURES}/{picture.name}.png. Figures: {TABLES}/{picture.table.name}.csv. {picture.words.source}"
    )
    return [
        *([page.heading(picture.heading)] if headed else []),
        page.picture(png, picture.alt, caption),
        page.folded(f"Table: {picture.heading}", [page.table(picture.table)], is_open=True),
    ]


def _money(known: Figures, cost: Sequence[str], chance: Sequence[str]) -> list[str]:
    inputs = known.inputs
    others = [name for name in inputs.benefit.scenarios if name not in inputs.featured]
    parts = [
        page.table(money_tables.money(known, inputs.featured, "money_featured")),
        *cost,
        page.heading("When it breaks even"),
        page.table(money_tables.break_even(known, inputs.featured, "break_even_featured")),
        *chance,
    ]
    if others:
        tables = [
            money_tables.money(known, others, "money_others"),
            money_tables.break_even(known, others, "break_even_others"),
        ]
        parts.append(page.folded("Money of the other options", [page.table(table) for table in tables]))
    return [*parts, page.heading("What was done to the amounts"), page.bullets(inputs.benefit.notes)]


def _honesty(inputs: ReportInputs) -> list[str]:
    blocks = {block.scenario: block for block in inputs.honesty}
    shown = [name for name in inputs.shown if name in blocks]
    parts = [part for name in shown for part in (page.heading(inputs.label(name)), *_block(blocks[name], 4))]
    others = [name for name in blocks if name not in shown]
    folded = [page.folded(inputs.label(name), _block(blocks[name], 4)) for name in others]
    return [*parts, page.heading("The other options"), *folded] if folded else parts


def _block(block: HonestyBlock, level: int) -> list[str]:
    return [
        part
        for item in block.items
        for part in (page.heading(f"{item.number}. {item.title}", level), page.bullets(item.sentences))
    ]


def _fit(inputs: ReportInputs, picture: Sequence[str]) -> list[str]:
    fit = inputs.fit
    if fit is None:
        return [*picture, page.paragraph("Nothing was fitted: constants stand at published figures and judgements.")]
    series, constants, residuals = _fit_tables(inputs, fit)
    return [
        page.bullets(fit.facts),
        *picture,
        page.table(series),
        page.heading("What the counts cannot tell"),
        page.bullets(fit.cannot_tell or ["No constant that was fitted is left open by the counts."]),
        page.table(constants),
        page.folded("Every count beside the fit", [page.table(residuals)]),
    ]


def _assumptions(known: Figures) -> list[str]:
    inputs = known.inputs
    judged = background_tables.judgement(known, inputs.shown)
    parts = (
        [page.table(judged)]
        if judged.rows
        else [page.paragraph("There are too few runs to tell how much of the answer rests on assumptions of grade D.")]
    )
    listed = background_tables.assumptions(inputs)
    return [*parts, page.folded(f"All {len(listed.rows)} assumptions", [page.table(listed)], is_open=True)]


def _apart(inputs: ReportInputs) -> list[str]:
    tables = [background_tables.kept_apart(inputs), background_tables.accounts(inputs)]
    return [page.table(table) for table in tables if table.rows]


def _provenance(inputs: ReportInputs) -> list[str]:
    return [page.table(background_tables.provenance(inputs))]
