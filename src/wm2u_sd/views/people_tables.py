"""Tables of what happens to people: the headline outcome never without its companions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from wm2u_sd.views.figures import Figures, horizon
from wm2u_sd.views.inputs import ReportInputs
from wm2u_sd.views.table import (
    NINE_RUNS,
    YEARS_SHOWN,
    Record,
    Table,
    against,
    change_in_words,
    groups,
    level_in_words,
    of,
    one,
    only,
    records,
    whole,
    year_heads,
    years_shown,
)

if TYPE_CHECKING:
    import pandas as pd


def outlook(known: Figures) -> Table:
    """Return what happens when nothing is decided: the years that were counted, and some after the decision."""
    inputs = known.inputs
    counted = inputs.observed[["outcome", "time", "observed"]]
    frame = known.outlook.merge(counted, how="left", on=["outcome", "time"])
    shown = {inputs.decision_time + year * inputs.year for year in years_shown(inputs)}
    rows = [
        [str(own["scenario_label"].iloc[0]), str(own["moment"].iloc[0]), *_outlook_cells(inputs, own)]
        for own in groups(frame, "scenario", "time")
        if own["time"].iloc[0] <= inputs.decision_time or own["time"].iloc[0] in shown
    ]
    heads = ["Scenario", "At the end of", *map(inputs.outcome_label, inputs.paired), "Counted"]
    caption = (
        f"How many there are, or were in the year that ends then; middle run. {NINE_RUNS} 'Counted' is the published "
        f"count behind '{inputs.outcome_label(inputs.headline)}'. Every year is in the CSV file."
    )
    return Table("outlook", caption, heads, rows, frame, is_grouped=True)


def outlook_at_horizon(known: Figures) -> Table:
    """Return what happens when nothing is decided, at the horizon only: a row for each scenario."""
    inputs, years = known.inputs, known.inputs.benefit.years
    frame = only(known.outlook, time=horizon(inputs))
    rows = [
        [str(own["scenario_label"].iloc[0]), *(level_in_words(row) for row in records(own))]
        for own in groups(frame, "scenario")
    ]
    caption = f"How many at year {years}, {inputs.end_of_year(years)}, middle run. {NINE_RUNS}"
    return Table("outlook", caption, ["Scenario", *map(inputs.outcome_label, inputs.paired)], rows, frame)


def _outlook_cells(inputs: ReportInputs, own: pd.DataFrame) -> list[str]:
    by_outcome: dict[str, Record] = {row["outcome"]: row for row in records(own)}
    levels = [level_in_words(by_outcome[name]) if name in by_outcome else "" for name in inputs.paired]
    return [*levels, whole(by_outcome[inputs.headline]["observed"])]


def difference(known: Figures, scenarios: Sequence[str], suffix: str = "", years: Sequence[int] = YEARS_SHOWN) -> Table:
    """Return changes in the headline and its companions by scenario and year; `suffix` is put to its file's name."""
    inputs, frame = known.inputs, of(known.differences, scenarios)
    shown = [year for year in years if year <= inputs.benefit.beyond]
    rows = [
        [
            str(own["scenario_label"].iloc[0]),
            str(own["outcome_label"].iloc[0]),
            *(change_in_words(one(own, year=year)) for year in shown),
        ]
        for own in groups(frame, "scenario", "outcome")
    ]
    caption = (
        f"Change {against(inputs)}, middle run. {NINE_RUNS} 'In the year' is the number in the year that ends then."
    )
    heads = ["Option", "Outcome", *year_heads(inputs, shown)]
    return Table(f"difference{suffix}", caption, heads, rows, frame, is_grouped=True)


def overview(known: Figures, scenarios: Sequence[str] = ()) -> Table:
    """Return some or all options at the horizon, the headline beside its companions."""
    inputs = known.inputs
    names, years = scenarios or options(inputs), inputs.benefit.years
    frame = of(only(known.differences, year=years), names)
    rows = [
        [inputs.label(name), *(change_in_words(row) for row in records(only(frame, scenario=name)))] for name in names
    ]
    caption = f"Change {against(inputs)} at year {years}, {inputs.end_of_year(years)}, middle run. {NINE_RUNS}"
    return Table("overview", caption, ["Option", *map(inputs.outcome_label, inputs.paired)], rows, frame)


def options(inputs: ReportInputs) -> list[str]:
    """Return the scenarios in which something is decided or happens, beside the ways of doing nothing."""
    return [name for name in inputs.benefit.scenarios if name not in inputs.also_as_now] or list(
        inputs.benefit.scenarios
    )
