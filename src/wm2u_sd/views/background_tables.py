"""Tables of what an answer stands on: the fit, assumptions, what was kept apart, the options, provenance."""

from __future__ import annotations

from collections.abc import Sequence

from wm2u_sd.economics.wording import in_hundred, plain, quantity, span
from wm2u_sd.views.figures import Figures
from wm2u_sd.views.inputs import FitShown, ReportInputs
from wm2u_sd.views.table import NINE_RUNS, Record, Table, capital, framed, level_in_words, of, records, whole

GAPS = "standard errors of a count"


def fit_beside_counts(known: Figures) -> Table:
    """Return the counts beside the runs of the baseline."""
    inputs = known.inputs
    frame = known.fit
    rows = [
        [row["outcome_label"], row["moment"], whole(row["observed"]), level_in_words(row)] for row in records(frame)
    ]
    caption = f"Published counts beside the runs of '{inputs.label(inputs.baseline)}', middle run. {NINE_RUNS}"
    return Table("fit", caption, ["Series", "When", "Counted", "Runs"], rows, frame, is_grouped=True)


def fit_series(fit: FitShown) -> Table:
    """Return how near the fit comes to each series."""
    rows = [
        [row["label"], str(row["counts"]), plain(row["typical_gap"], 0.1), plain(row["furthest_gap"], 0.1)]
        for row in records(fit.series)
    ]
    caption = f"How far the fit is from each series, in {GAPS}: up to about 1 is near; above zero the fit is higher."
    heads = ["Series", "Counts", "Typical gap", "Furthest gap"]
    return Table("fit_by_series", caption, heads, rows, fit.series.assign(units=GAPS))


def fit_residuals(inputs: ReportInputs, fit: FitShown) -> Table:
    """Return every count beside the fit."""
    moments = [inputs.moment(time) for time in fit.residuals["time"]]
    frame = fit.residuals.assign(moment=moments, units=f"count; gap in {GAPS}")
    rows = [
        [row["label"], row["moment"], whole(row["observed"]), whole(row["fitted"]), plain(row["gap"], 0.1)]
        for row in records(frame)
    ]
    heads = ["Series", "When", "Counted", "Fitted", "Gap"]
    return Table(
        "fit_residuals",
        f"Every count beside the fit; gaps in {GAPS}, above zero where the fit is higher.",
        heads,
        rows,
        frame,
    )


def fit_constants(fit: FitShown) -> Table:
    """Return what was fitted, and how much the counts said about it."""
    rows = [
        [
            row["label"],
            quantity(row["value"], row["units"]),
            span(row["low"], row["high"], row["units"]),
            f"{100 * row['learning']:.0f}%",
        ]
        for row in records(fit.constants)
    ]
    heads = ["Constant", "Most likely", "9 in 10", "Doubt left"]
    caption = "What was fitted. Doubt left: how wide the range still is, against what was believed before the counts."
    return Table("fit_constants", caption, heads, rows, fit.constants)


def judgement(known: Figures, scenarios: Sequence[str]) -> Table:
    """Return how much of the answers rests on grade D."""
    frame = of(known.judgement, scenarios)
    rows = [
        [row["scenario_label"], row["answer"], in_hundred(row["share"]), f"{row['judged']} of {row['assumptions']}"]
        for row in records(frame)
    ]
    caption = (
        f"Share of the answer at year {known.inputs.benefit.years} that rests on grade D: of what single assumptions "
        "explain of its variation between runs (squared rank correlations), the part that goes to judgements."
    )
    heads = ["Option", "Answer", "Rests on grade D", "Drawn assumptions of grade D"]
    return Table("resting_on_judgement", caption, heads, rows, frame, is_grouped=True)


def assumptions(inputs: ReportInputs) -> Table:
    """Return every assumption with its range, grade and source; those with a range first."""
    frame = inputs.assumptions.sort_values("low", key=lambda low: low.isna(), kind="stable", ignore_index=True)
    rows = [
        [row["label"], quantity(row["value"], row["units"]), _range(row), row["grade"], row["how"], row["source"]]
        for row in records(frame)
    ]
    caption = (
        "Every assumption. Grades: A measured, B published, C derived, D elicited or judged. A range holds what is "
        "believed, 9 in 10 or from end to end."
    )
    return Table("assumptions", caption, ["What", "Value", "Range", "Grade", "How it is set", "Source"], rows, frame)


def _range(row: Record) -> str:
    return span(row["low"], row["high"], row["units"]) if row["low"] == row["low"] else ""


def kept_apart(inputs: ReportInputs) -> Table:
    """Return what was taken out of the counts."""
    frame = inputs.kept_apart.assign(units="count")
    rows = [[capital(row["measure"]), row["date"], whole(row["value"]), row["note"]] for row in records(frame)]
    caption = "Counted, and taken out before anything was compared with the model."
    return Table("kept_apart", caption, ["What", "When", "Number", "Note"], rows, frame, is_grouped=True)


def accounts(inputs: ReportInputs) -> Table:
    """Return what the published accounts leave over."""
    frame = inputs.accounts.assign(units="count")
    numbers = ("opening", "entered", "left", "closing", "residual")
    rows = [[str(row["year"]), *(whole(row[name]) for name in numbers)] for row in records(frame)]
    caption = (
        "Left over: the published closing figure, less the opening one and those who came in, plus those who left."
    )
    heads = ["Year that ends in", "At its start", "Came in", "Left", "At its end", "Left over"]
    return Table("accounts_residual", caption, heads, rows, frame)


def scenarios(inputs: ReportInputs) -> Table:
    """Return what each scenario is and assumes."""
    rows = [
        [
            inputs.label(one.name),
            one.target,
            ", ".join(one.actors),
            one.cost_line,
            one.assumption,
            one.disagrees,
            one.source,
        ]
        for one in inputs.run.scenarios.values()
    ]
    heads = ["Option", "What changes", "Who acts", "What it costs", "Assumes", "Who would disagree", "Source"]
    columns = ["scenario_label", "target", "actors", "cost", "assumption", "disagrees", "source"]
    return Table("scenarios", "What each option is and assumes.", heads, rows, framed(rows, columns))


def provenance(inputs: ReportInputs) -> Table:
    """Return where everything comes from."""
    rows = [[capital(name.replace("_", " ")), value] for name, value in inputs.provenance.items()]
    caption = "The same model, data, seed and version give the same figures."
    return Table("provenance", caption, ["What", "Which"], rows, framed(rows, ["what", "which"]))
