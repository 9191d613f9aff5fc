"""Tables of money: gross and cash apart, both break-evens, the chance that it pays, who pays and who gains."""

from __future__ import annotations

from collections.abc import Sequence

from wm2u_sd.economics.ledger import ValueKind
from wm2u_sd.economics.wording import in_hundred, plain, pounds, span, step_for
from wm2u_sd.views.figures import Figures, measures
from wm2u_sd.views.inputs import ReportInputs
from wm2u_sd.views.table import (
    NINE_RUNS,
    Record,
    Table,
    against,
    capital,
    change_in_words,
    groups,
    of,
    one,
    only,
    records,
    stacked,
    year_heads,
    years_shown,
)

NO_RATIO = "none: nothing is spent on it"
NEVER = "never"
TENTH = 0.1


def in_pounds(inputs: ReportInputs) -> str:
    """Say in what money amounts are given."""
    return f"in pounds at {inputs.benefit.prices} prices, discounted"


def in_short(known: Figures, scenarios: Sequence[str]) -> Table:
    """Return the answer in short at the horizon: people first and paired, then money, gross and cash apart."""
    inputs = known.inputs
    years = inputs.benefit.years
    people = only(of(known.differences, scenarios), year=years)
    cost = only(of(known.costs, scenarios), year=years)
    chance = only(known.chances, year=years)
    even = only(known.break_evens, kind="cumulative")
    rows = [
        [str(own["outcome_label"].iloc[0]), *(change_in_words(one(own, scenario=name)) for name in scenarios)]
        for own in groups(people, "outcome")
    ]
    for measure in measures(inputs):
        rows += [
            [
                f"Net cost, {measure}",
                *(change_in_words(one(cost, scenario=name, measure=measure)) for name in scenarios),
            ],
            [
                f"Runs that have paid, {measure}",
                *(in_hundred(one(chance, scenario=name, measure=measure)["share"]) for name in scenarios),
            ],
            [
                f"Break-even, {measure}",
                *(_years(one(even, scenario=name, measure=measure)) for name in scenarios),
            ],
        ]
    caption = (
        f"Change {against(inputs)} at year {years}, {inputs.end_of_year(years)}, middle run. {NINE_RUNS} Money is a "
        f"modelled contribution over {years} years, {in_pounds(inputs)}. Break-even is of all years so far: when 10%, "
        "half and 90% of runs are there."
    )
    heads = ["What changes", *map(inputs.label, scenarios)]
    return Table("in_short", caption, heads, rows, stacked([people, cost]))


def cumulative_cost(known: Figures, scenarios: Sequence[str], suffix: str = "") -> Table:
    """Return net cost so far by scenario, measure and year; `suffix` is put to its file's name."""
    inputs = known.inputs
    frame, shown = of(known.costs, scenarios), years_shown(inputs)
    rows = [
        [
            str(own["scenario_label"].iloc[0]),
            capital(str(own["measure"].iloc[0])),
            *(change_in_words(one(own, year=year)) for year in shown),
        ]
        for own in groups(frame, "scenario", "measure")
    ]
    caption = (
        f"Net cost so far, a modelled contribution {against(inputs)}, middle run, {in_pounds(inputs)}. {NINE_RUNS} "
        "'Less' is a lower cost. Gross and cash are two views of the same change and are never added."
    )
    return Table(
        f"cumulative_cost{suffix}",
        caption,
        ["Option", "Measure", *year_heads(inputs, shown)],
        rows,
        frame,
        is_grouped=True,
    )


def net_cost(known: Figures, scenarios: Sequence[str]) -> Table:
    """Return net cost over the horizon."""
    inputs, years = known.inputs, known.inputs.benefit.years
    cost = only(of(known.costs, scenarios), year=years)
    rows = [[inputs.label(name), *_net_costs(known, name)] for name in scenarios]
    heads = ["Option", *(f"Net cost, {measure}" for measure in measures(inputs))]
    caption = (
        f"Net cost over {years} years, a modelled contribution {against(inputs)}, middle run, {in_pounds(inputs)}. "
        f"{NINE_RUNS} Gross and cash are two views of the same change and are never added."
    )
    return Table("net_cost", caption, heads, rows, cost)


def money(known: Figures, scenarios: Sequence[str], name: str = "money") -> Table:
    """Return net cost over the horizon, the ratio and the chance that it has paid."""
    inputs, kinds = known.inputs, list(measures(known.inputs))
    cost = net_cost(known, scenarios)
    chance = only(of(known.chances, scenarios), year=inputs.benefit.years)
    ratio = of(known.ratios, scenarios)
    rows = [
        [
            *costs,
            _ratio(one(ratio, scenario=scenario)),
            *(in_hundred(one(chance, scenario=scenario, measure=measure)["share"]) for measure in kinds),
        ]
        for scenario, costs in zip(scenarios, cost.rows, strict=True)
    ]
    heads = [*cost.heads, "Benefit for each pound spent", *(f"Runs that have paid, {measure}" for measure in kinds)]
    caption = (
        f"{cost.caption} Benefit for each pound spent is the financial ratio, gross, of sums over all runs; in "
        "brackets 8 runs in 10. A run has paid when its net cost over these years is below zero."
    )
    frame = stacked([cost.frame, ratio.assign(measure="benefit for each pound spent, gross")])
    return Table(name, caption, heads, rows, frame)


def _net_costs(known: Figures, scenario: str) -> list[str]:
    at_end = only(known.costs, scenario=scenario, year=known.inputs.benefit.years)
    return [change_in_words(one(at_end, measure=measure)) for measure in measures(known.inputs)]


def break_even(known: Figures, scenarios: Sequence[str], name: str = "break_even") -> Table:
    """Return when scenarios break even in a year, and over all years so far."""
    inputs = known.inputs
    frame = of(known.break_evens, scenarios)
    rows = [
        [
            inputs.label(scenario),
            capital(measure),
            *(
                _with_never(one(frame, scenario=scenario, measure=measure, kind=kind))
                for kind in ("annual", "cumulative")
            ),
        ]
        for scenario in scenarios
        for measure in measures(inputs)
    ]
    caption = (
        f"By when 10, 50 and 90% of runs break even within {inputs.benefit.years} years of "
        f"{inputs.moment(inputs.decision_time)}. In a year: the net cost of that year is below zero. Over all years so "
        "far: their sum is. A cut can break even at once and cost more later."
    )
    return Table(
        name, caption, ["Option", "Measure", "In a year", "Over all years so far"], rows, frame, is_grouped=True
    )


def chances(known: Figures, scenarios: Sequence[str]) -> Table:
    """Return the share of runs that have paid by some years."""
    inputs = known.inputs
    frame, shown = of(known.chances, scenarios), years_shown(inputs)
    rows = [
        [
            str(own["scenario_label"].iloc[0]),
            capital(str(own["measure"].iloc[0])),
            *(in_hundred(one(own, year=year)["share"]) for year in shown),
        ]
        for own in groups(frame, "scenario", "measure")
    ]
    caption = f"Runs in which net cost so far is below zero, {in_pounds(inputs)}."
    return Table(
        "chance_it_pays", caption, ["Option", "Measure", *year_heads(inputs, shown)], rows, frame, is_grouped=True
    )


def payers(known: Figures, scenarios: Sequence[str]) -> Table:
    """Return who pays and who gains over the horizon."""
    inputs = known.inputs
    frame = of(known.payers, scenarios)
    rows = [
        [str(row["scenario_label"]), _who(row), pounds(row["pays"]), pounds(row["gains"]), _net(row)]
        for row in records(frame)
        if row["kind"] == ValueKind.FISCAL or row["agency"] != "total"
    ]
    caption = (
        f"Over {inputs.benefit.years} years, gross, {in_pounds(inputs)}, mean over runs so that it adds up; in "
        "brackets 9 runs in 10 of the net. Net is what is paid more less what is gained; below zero is a gain. Social "
        "value, such as time that is given, stands apart and is in no total."
    )
    return Table(
        "who_pays_who_gains", caption, ["Option", "Who", "Pays more", "Gains", "Net"], rows, frame, is_grouped=True
    )


def _who(row: Record) -> str:
    kind = "" if row["kind"] == ValueKind.FISCAL else f", {row['kind']} value"
    return capital(row["agency"]) + kind


def _net(row: Record) -> str:
    step = step_for(row["low"], row["high"], 1.0)
    ends = span(row["low"], row["high"], row["units"])
    middle = pounds(row["net"], step)
    return middle if middle == ends else f"{middle} ({ends})"


def _ratio(row: Record) -> str:
    if row["ratio"] is None or row["ratio"] != row["ratio"]:
        return NO_RATIO
    step = max(step_for(row["p10"], row["p90"]), TENTH)
    return f"£{plain(row['ratio'], step)} ({plain(row['p10'], step)} to {plain(row['p90'], step)})"


def _years(row: Record) -> str:
    """Write by when 10, 50 and 90% of runs are there; one year when it is the same for all three."""
    shares = {"10%": row["p10"], "half": row["p50"], "90%": row["p90"]}
    words = {share: NEVER if year == NEVER else f"year {year}" for share, year in shares.items()}
    if len(set(words.values())) == 1:
        return words["half"]
    return ", ".join(f"{share}: {year}" for share, year in words.items())


def _with_never(row: Record) -> str:
    return f"{_years(row)} (never: {in_hundred(row['share_never'])})"
