"""The pictures of a report: each with its finding as title, words for those who do not see it, and its table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

from wm2u_sd.economics.ledger import ValueKind
from wm2u_sd.economics.wording import in_hundred, is_counted, plain, pounds, units_in_words
from wm2u_sd.views import background_tables, money_tables, people_tables, style
from wm2u_sd.views.figures import Figures, gap_of, horizon, level_of, measures
from wm2u_sd.views.inputs import ReportInputs
from wm2u_sd.views.panels import (
    draw_balance,
    draw_bars,
    draw_chances,
    draw_counts,
    draw_fan,
    draw_fit,
    head_columns,
    heights,
    level_words,
    name_rows_and_columns,
)
from wm2u_sd.views.style import Words
from wm2u_sd.views.table import (
    Record,
    Table,
    against,
    capital,
    change_in_words,
    level_in_words,
    of,
    one,
    only,
    records,
    whole,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

HOW_TO_READ = (
    "Dark band: half of the runs. Pale band with an edge: 9 runs in 10. Thick line: middle run. Thin lines: single "
    "runs."
)
BEYOND = "Grey: beyond the years that are judged."
CAUTIONS = "_cautions"
RESOLUTION = 120


@dataclass(frozen=True)
class Picture:
    """A picture.

    Attributes:
        name: Of its file, without the ending.
        heading: What it is about.
        words: What is written on it; the title is the finding.
        alt: What it shows, for those who do not see it.
        table: The figures it was drawn from.
        figure: The drawing.
    """

    name: str
    heading: str
    words: Words
    alt: str
    table: Table
    figure: Figure

    def png(self) -> bytes:
        """Return the picture as a PNG file."""
        buffer = BytesIO()
        self.figure.savefig(buffer, format="png", dpi=RESOLUTION, metadata={"Software": None})
        return buffer.getvalue()


def all_pictures(known: Figures) -> list[Picture]:
    """Return the pictures of a report, in order: those of cautions and of the fit only where there are any."""
    featured, cautions = list(known.inputs.featured), list(known.inputs.cautions)
    made = [outlook(known), difference(known, featured), overview(known), cumulative_cost(known, featured)]
    made += [chance_it_pays(known, featured), who_pays_who_gains(known, featured)]
    if cautions:
        made += [difference(known, cautions, CAUTIONS), cumulative_cost(known, cautions, CAUTIONS)]
    return [*made, fit(known)] if len(known.fit) else made


def outlook(known: Figures) -> Picture:
    """Draw what may happen when nothing is decided, the headline above its companions."""
    inputs = known.inputs
    shown = [inputs.baseline, *inputs.also_as_now][: style.MOST_LINES]
    at_end = only(known.outlook, outcome=inputs.headline, time=horizon(inputs))
    said = {name: level_in_words(one(at_end, scenario=name)) for name in shown}
    headline, at = inputs.outcome_label(inputs.headline), inputs.end_of_year(inputs.benefit.years)
    also = "".join(f", or {said[name]} with '{inputs.label(name)}'" for name in shown[1:])
    words = Words(
        f"{headline} if nothing is decided: {said[inputs.baseline]} in {at}{also}",
        f"{_units(inputs)} {HOW_TO_READ} Dots: published counts. Dashed line: {inputs.moment(inputs.decision_time)}. "
        f"{BEYOND}",
        _source(inputs),
    )
    size = (4.4 * len(shown) + 1.6, 1.8 * (len(inputs.paired) + 0.5))
    drawn, panels = style.figure(words, (len(inputs.paired), len(shown)), size, heights(inputs), share="row")
    for row, outcome in enumerate(inputs.paired):
        for column, name in enumerate(shown):
            values = level_of(inputs, outcome, name)
            draw_fan(inputs, panels[row, column], only(known.outlook, scenario=name, outcome=outcome), column, values)
            draw_counts(inputs, panels[row, column], outcome)
        style.counted_axis(panels[row, 0])
    name_rows_and_columns(inputs, panels, shown)
    ends = "; ".join(f"{inputs.label(name)}: {level}" for name, level in said.items())
    alt = f"{headline}, ranges by year. {_counted_in_words(inputs)}In {at}: {ends}. {_beside(known, shown)}"
    return Picture("outlook", "If nothing is decided", words, alt, people_tables.outlook(known), drawn)


def difference(known: Figures, shown: Sequence[str], suffix: str = "") -> Picture:
    """Draw changes of some scenarios against the baseline, the headline above its companions."""
    inputs, table = known.inputs, people_tables.difference(known, shown, suffix)
    words = Words(
        _most_and_least(known, shown),
        f"Difference from '{inputs.label(inputs.baseline)}', run by run. {_units(inputs)} {HOW_TO_READ} {BEYOND}",
        _source(inputs),
    )
    size = (2.6 * len(shown) + 2.2, 1.7 * (len(inputs.paired) + 0.5))
    drawn, panels = style.figure(words, (len(inputs.paired), len(shown)), size, heights(inputs), share="row")
    for row, outcome in enumerate(inputs.paired):
        for column, name in enumerate(shown):
            values = gap_of(inputs, outcome, name)
            draw_fan(
                inputs, panels[row, column], only(known.differences, scenario=name, outcome=outcome), column, values
            )
            style.zero_line(panels[row, column])
        style.words_axis(panels[row, 0], "more", "fewer" if is_counted(inputs.outcome_units(outcome)) else "less")
    name_rows_and_columns(inputs, panels, shown)
    at = inputs.end_of_year(inputs.benefit.years)
    alt = f"Differences from '{inputs.label(inputs.baseline)}' in {at}. {_changes_in_words(known, shown)}"
    heading = "What looks good and has a price" if suffix else "What the options change for people"
    return Picture(table.name, heading, words, alt, table, drawn)


def overview(known: Figures) -> Picture:
    """Draw every option's range at the horizon, the headline beside its companions."""
    inputs, names = known.inputs, people_tables.options(known.inputs)
    at_end = only(known.differences, year=inputs.benefit.years)
    changes = {name: one(at_end, scenario=name, outcome=inputs.headline) for name in names}
    lower = sum(row["high"] < 0 for row in changes.values())
    higher = sum(row["low"] > 0 for row in changes.values())
    words = Words(
        f"{_headline_at_end(inputs)}: fewer in 19 runs of 20 with {lower} of {len(names)} options, more with {higher}, "
        f"either way with {len(names) - lower - higher}",
        f"Difference from '{inputs.label(inputs.baseline)}'. {_units(inputs)} Thin bar: 9 runs in 10. Thick bar: half "
        "of the runs. Dot: middle run. Options stand in the order of the model, not of merit.",
        _source(inputs),
    )
    drawn, panels = style.figure(words, (1, len(inputs.paired)), (12.5, 0.31 * len(names) + 1.3))
    for panel, outcome in zip(panels.flat, inputs.paired, strict=True):
        draw_bars(panel, only(at_end, outcome=outcome), names)
        style.heading(panel, inputs.outcome_label(outcome), 20)
        level_words(panel, is_counted(inputs.outcome_units(outcome)))
        panel.set_yticks(range(len(names)), [""] * len(names))
    panels[0, 0].set_yticks(
        range(len(names)), [style.in_lines(inputs.label(name), 44) for name in names], size=style.SMALL
    )
    alt = f"{words.title}. {'; '.join(f'{inputs.label(name)}: {change_in_words(changes[name])}' for name in names)}."
    return Picture("overview", "All options beside one another", words, alt, people_tables.overview(known), drawn)


def cumulative_cost(known: Figures, shown: Sequence[str], suffix: str = "") -> Picture:
    """Draw net cost so far of some scenarios, gross above cash."""
    inputs, table = known.inputs, money_tables.cumulative_cost(known, shown, suffix)
    words = Words(
        _cheaper(known, shown),
        f"Net cost so far {against(inputs)}, {money_tables.in_pounds(inputs)}. Below the line it costs less. "
        f"{HOW_TO_READ} {BEYOND} Gross and cash are never added.",
        _source(inputs),
    )
    drawn, panels = style.figure(words, (len(known.cost_runs), len(shown)), (2.6 * len(shown) + 2.2, 6.2), share="row")
    for row, (measure, cost) in enumerate(known.cost_runs.items()):
        for column, name in enumerate(shown):
            values = cost.sel(scenario=name).rename(year="time")
            values = values.assign_coords(time=inputs.decision_time + values["time"] * inputs.year)
            draw_fan(inputs, panels[row, column], only(known.costs, scenario=name, measure=measure), column, values)
            style.zero_line(panels[row, column])
        style.words_axis(panels[row, 0], "more", "less", pounds=True)
        style.row_label(panels[row, 0], capital(measure))
    head_columns(inputs, panels, shown)
    at_end = of(only(known.costs, year=inputs.benefit.years), shown)
    said = [f"{row['scenario_label']}, {row['measure']}: {change_in_words(row)}" for row in records(at_end)]
    heading = "What it costs" if suffix else "Net cost so far, gross and cash apart"
    return Picture(
        table.name,
        heading,
        words,
        f"{words.title}. Over {inputs.benefit.years} years. {'; '.join(said)}.",
        table,
        drawn,
    )


def chance_it_pays(known: Figures, shown: Sequence[str]) -> Picture:
    """Draw the share of runs that have paid by year, a panel for each measure and a line for each scenario."""
    inputs, years = known.inputs, known.inputs.benefit.years
    at_end = only(of(known.chances, shown), measure=list(measures(inputs))[1], year=years)
    low, high = at_end["share"].min(), at_end["share"].max()
    words = Words(
        f"By year {years} it has paid in cash, for all agencies together, in {_between(low, high)}",
        f"Of 100 runs, how many have cost less than '{inputs.label(inputs.baseline)}' up to that year, discounted. "
        f"{BEYOND}",
        _source(inputs),
    )
    drawn, panels = style.figure(words, (2, 2), (12.0, 6.6), share="x")
    for panel, kind in zip(panels.flat, dict.fromkeys(known.chances["measure"]), strict=True):
        draw_chances(inputs, panel, only(known.chances, measure=kind), shown)
        style.heading(panel, capital(kind), 60)
    said = [
        f"{row['scenario_label']}, {row['measure']}: {in_hundred(row['share'])}"
        for row in records(only(of(known.chances, shown), year=years))
    ]
    alt = f"{words.title}. Runs that have paid by year {years}. {'; '.join(said)}."
    return Picture("chance_it_pays", "The chance that it pays", words, alt, money_tables.chances(known, shown), drawn)


def who_pays_who_gains(known: Figures, shown: Sequence[str]) -> Picture:
    """Draw what each agency pays more and gains, a panel for each scenario."""
    inputs = known.inputs
    fiscal = known.payers[(known.payers["kind"] == str(ValueKind.FISCAL)) & (known.payers["agency"] != "total")]
    agencies = list(dict.fromkeys(fiscal["agency"]))
    balances = {name: only(fiscal, scenario=name) for name in shown}
    apart = sum(bool((rows["net"] > 0).any() and (rows["net"] < 0).any()) for rows in balances.values())
    words = Words(
        f"Who pays is not who gains in {apart} of {len(shown)} options, over {inputs.benefit.years} years",
        f"Gross, {money_tables.in_pounds(inputs)}, mean over runs. To the right, full: what is paid more. To the left, "
        "hatched: what is gained. Dot and bar: the balance, with 9 runs in 10.",
        _source(inputs),
    )
    rows = (len(shown) + 1) // 2
    size = (12.0, rows * (0.5 * len(agencies) + 1.0))
    drawn, panels = style.figure(words, (rows, min(2, len(shown))), size, share="x")
    for panel in panels.flat[len(shown) :]:
        panel.set_visible(False)
    for panel, name in zip(panels.flat, shown, strict=False):
        draw_balance(panel, balances[name], agencies)
        style.heading(panel, inputs.label(name), 60)
    said = [f"{inputs.label(name)}: {_balance(rows)}" for name, rows in balances.items()]
    alt = f"{words.title}. On balance, {'; '.join(said)}."
    return Picture("who_pays_who_gains", "Who pays, who gains", words, alt, money_tables.payers(known, shown), drawn)


def fit(known: Figures) -> Picture:
    """Draw the runs of the baseline beside every published series."""
    inputs, counted = known.inputs, known.fit
    outcomes = list(dict.fromkeys(counted["outcome"]))
    above, below = counted["observed"] - counted["high"], counted["low"] - counted["observed"]
    near = int(((above <= counted["spread"]) & (below <= counted["spread"])).sum())
    words = Words(
        f"{near} of {len(counted)} published counts lie within the pale band, give or take one standard error",
        f"Runs of '{inputs.label(inputs.baseline)}' up to {inputs.moment(inputs.decision_time)}. Dots: published "
        f"counts, with one standard error either way. {HOW_TO_READ}",
        _source(inputs),
    )
    columns = min(3, len(outcomes))
    rows = -(-len(outcomes) // columns)
    drawn, panels = style.figure(words, (rows, columns), (12.0, 2.4 * rows))
    for panel in panels.flat[len(outcomes) :]:
        panel.set_visible(False)
    for panel, outcome in zip(panels.flat, outcomes, strict=False):
        draw_fit(inputs, panel, outcome, only(counted, outcome=outcome))
    gaps = _gaps_in_words(inputs.fit.series) if inputs.fit else ""
    table = background_tables.fit_beside_counts(known)
    return Picture("fit", "How near it comes to published counts", words, f"{words.title}. {gaps}", table, drawn)


def _most_and_least(known: Figures, shown: Sequence[str]) -> str:
    """Say which of some scenarios changes the headline most at the horizon, and which least."""
    inputs = known.inputs
    changes = {name: _change(known, name, inputs.headline) for name in shown}
    order = sorted(shown, key=lambda name: abs(changes[name]["middle"]))
    said = [
        f"{change_in_words(changes[name])} with '{inputs.label(name)}'" for name in dict.fromkeys([order[-1], order[0]])
    ]
    return f"{_headline_at_end(inputs)}: {', '.join(said)}"


def _cheaper(known: Figures, shown: Sequence[str]) -> str:
    """Say how many of some scenarios cost less over the horizon, in cash of all agencies."""
    years, cash = known.inputs.benefit.years, list(measures(known.inputs))[1]
    at_end = of(only(known.costs, measure=cash, year=years), shown)
    mostly, surely = int((at_end["middle"] < 0).sum()), int((at_end["high"] < 0).sum())
    return (
        f"Felt as cash by all agencies, {mostly or 'none'} of {len(shown)} options cost less over {years} years in "
        f"most runs, {surely or 'none'} in 19 runs of 20"
    )


def _between(low: float, high: float) -> str:
    ends = [in_hundred(share) for share in (low, high)]
    if ends[0] == ends[1]:
        return f"{ends[0]} of the runs"
    if all(end.endswith(" in 100") for end in ends):
        ends[0] = ends[0].removesuffix(" in 100")
    return f"{ends[0]} to {ends[1]} runs, by option"


def _headline_at_end(inputs: ReportInputs) -> str:
    return f"{inputs.outcome_label(inputs.headline)} in {inputs.end_of_year(inputs.benefit.years)}"


def _source(inputs: ReportInputs) -> str:
    known = inputs.provenance
    parts = [inputs.title, f"model {known.get('model_digest', 'not known')}", f"seed {known.get('seed', 'not known')}"]
    return ". ".join([*parts, f"{inputs.run.data.sizes['draw']:,} runs", f"wm2u_sd {known.get('wm2u_sd', '')}"]) + "."


def _units(inputs: ReportInputs) -> str:
    units = dict.fromkeys(units_in_words(inputs.outcome_units(outcome)) for outcome in inputs.paired)
    return f"In {', or in '.join(units)}."


def _change(known: Figures, scenario: str, outcome: str) -> Record:
    return one(known.differences, scenario=scenario, outcome=outcome, year=known.inputs.benefit.years)


def _changes_in_words(known: Figures, scenarios: Sequence[str]) -> str:
    inputs = known.inputs
    said = [
        f"{inputs.label(name)}: "
        + ", ".join(
            f"{inputs.outcome_label(outcome)} {change_in_words(_change(known, name, outcome))}"
            for outcome in inputs.paired
        )
        for name in scenarios
    ]
    return ". ".join(said) + "."


def _beside(known: Figures, scenarios: Sequence[str]) -> str:
    """Say the companions at the horizon, for those who do not see them."""
    inputs = known.inputs
    at_end = only(known.outlook, time=horizon(inputs))
    said = [
        f"{inputs.label(name)}: "
        + ", ".join(
            f"{inputs.outcome_label(outcome)} {level_in_words(one(at_end, scenario=name, outcome=outcome))}"
            for outcome in inputs.companions
        )
        for name in scenarios
    ]
    return "Beside it, " + ". ".join(said) + "."


def _counted_in_words(inputs: ReportInputs) -> str:
    counted = only(inputs.observed, outcome=inputs.headline)
    if not len(counted):
        return ""
    ends = [
        f"{whole(row['observed'])} in {inputs.moment(row['time'])}"
        for row in records(counted)[:: len(counted) - 1 or 1]
    ]
    return f"Counted: {', '.join(ends)}. "


def _balance(rows: pd.DataFrame) -> str:
    sides = [
        f"{row['agency']} {'pays' if row['net'] > 0 else 'gains'} {pounds(abs(row['net']))}" for row in records(rows)
    ]
    return ", ".join(sides) or "nothing changes"


def _gaps_in_words(series: pd.DataFrame) -> str:
    said = [f"{row['label']}: typical gap {plain(row['typical_gap'], 0.1)}" for row in records(series)]
    return f"Typical gaps in standard errors of a count: {'; '.join(said)}."
