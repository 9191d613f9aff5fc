"""From an answer to what a report shows: the words, counts and assumptions of a place beside its results."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wm2u_sd.calibration.fit import Fit
from wm2u_sd.calibration.least_squares import digest
from wm2u_sd.care import outcomes
from wm2u_sd.care.answer import BASELINE, COUNCIL, Answer
from wm2u_sd.care.places import Place, models_root
from wm2u_sd.economics.ledger import CostLine, Uncertain
from wm2u_sd.economics.tables import read_table
from wm2u_sd.economics.wording import called
from wm2u_sd.errors import NameUnknownError, did_you_mean
from wm2u_sd.model.variables import Constant, Grade
from wm2u_sd.views.inputs import FitShown, ReportInputs

if TYPE_CHECKING:
    import pandas as pd

    from wm2u_sd.simulation.run import Run

ID = re.compile(r"\b[a-z]+(?:_[a-z0-9]+)+\b")
APART = "unaccompanied"
FIT_IN_WORDS = {
    "drawn": "drawn from its range",
    "fitted": "fitted to the counts",
    "solved": "worked out by the balance",
}
HELD = "held"
TAIL = 0.05


def report_inputs(answer: Answer, *, featured: Sequence[str] = ()) -> ReportInputs:
    """Gather what a report shows.

    Args:
        answer: The ten-year answer of a place.
        featured: Scenarios with pictures of their own; none takes the usual ones, or the first that were run.

    Raises:
        NameUnknownError: A featured scenario was not run.
    """
    place, run, options = answer.place, answer.run, answer.benefit.scenarios
    unknown = [name for name in featured if name not in options]
    if unknown:
        raise NameUnknownError(f"{unknown[0]!r} was not run.{did_you_mean(unknown[0], options)}")
    also = [name for name in outcomes.ALSO_AS_NOW if name in run.scenarios]
    return ReportInputs(
        title=place.model.title or place.model.name,
        place=(place.model.title or place.model.name).partition(":")[0],
        run=run,
        benefit=answer.benefit,
        honesty=answer.honesty,
        baseline=BASELINE,
        also_as_now=also,
        featured=_featured(featured, options, also),
        cautions=[] if featured else [name for name in outcomes.CAUTIONS if name in options],
        headline=outcomes.HEADLINE,
        companions=outcomes.COMPANIONS,
        agency=COUNCIL,
        decision_time=place.decision_time,
        observed=_observed(place, run),
        fit=fit_shown(place),
        assumptions=_assumptions(place, run),
        kept_apart=_kept_apart(place.folder),
        accounts=_accounts(place),
        questions=outcomes.QUESTIONS,
        about=outcomes.ABOUT,
        leaves_out=outcomes.LEAVES_OUT,
        provenance=_provenance(answer),
        pairings=outcomes.PAIRINGS,
    )


def _featured(asked: Sequence[str], scenarios: Sequence[str], also: Sequence[str]) -> list[str]:
    usual = [name for name in outcomes.FEATURED if name in scenarios]
    others = [name for name in scenarios if name not in (*also, *outcomes.CAUTIONS)]
    return list(asked or usual or others or scenarios)[: outcomes.MOST_FEATURED]


def _observed(place: Place, run: Run) -> pd.DataFrame:
    import pandas as pd

    rows = []
    if place.observations:
        spreads = place.observations.spreads()
        for count, spread in zip(place.observations.counts, spreads, strict=True):
            series = place.observations.of(count.series)
            outcome = series.observes + (outcomes.IN_YEAR if series.kind == "flow" else "")
            if outcome in run.data:
                label = run.data[outcome].attrs["long_name"]
                rows.append((label, outcome, count.time, count.value, float(spread)))
    return pd.DataFrame(rows, columns=["label", "outcome", "time", "observed", "spread"])


def fit_shown(place: Place) -> FitShown | None:
    """Put the fit of a place in words and tables; None when it has none."""
    import pandas as pd

    fit = place.fit
    if fit is None:
        return None
    labels = _labels(place)
    gaps = pd.DataFrame([(r.series, r.time, r.observed, r.fitted, r.standardised) for r in fit.residuals])
    gaps.columns = pd.Index(["series", "time", "observed", "fitted", "gap"])
    gaps.insert(1, "label", [labels.get(name, name) for name in gaps["series"]])
    return FitShown(
        constants=_fitted(fit, place, labels),
        residuals=gaps,
        series=_by_series(fit, gaps, labels),
        facts=(
            f"{len(fit.residuals)} published counts from {fit.starts} starting "
            f"{'point' if fit.starts == 1 else 'points'}, of which {fit.agreeing} led to an answer that fits as well.",
            f"{len(fit.free)} constants were fitted. A gap of 1 is one standard error of the count, as stated with it.",
        ),
        cannot_tell=[_in_words(said, labels) for said in fit.cannot_tell()],
    )


def _fitted(fit: Fit, place: Place, labels: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    learning, intervals = fit.learning(), fit.intervals()
    rows = [
        (labels[name], str(place.model.variables[name].units), value, *intervals[name], learning[name])
        for name, value in fit.values.items()
    ]
    return pd.DataFrame(rows, columns=["label", "units", "value", "low", "high", "learning"])


def _by_series(fit: Fit, gaps: pd.DataFrame, labels: Mapping[str, str]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (labels.get(name, name), int((gaps["series"] == name).sum()), size**0.5, _furthest(gaps, name))
        for name, size in fit.by_series().items()
    ]
    return pd.DataFrame(rows, columns=["label", "counts", "typical_gap", "furthest_gap"])


def _furthest(gaps: pd.DataFrame, series: str) -> float:
    own = gaps.loc[gaps["series"] == series, "gap"]
    return float(own.loc[own.abs().idxmax()])


def _labels(place: Place) -> dict[str, str]:
    """Return what every variable and series is called."""
    named = {name: _label(variable) for name, variable in place.model.variables.items()}
    series = place.observations.series if place.observations else ()
    return {**named, **{one.name: named.get(one.observes, one.name.replace("_", " ")) for one in series}}


def _label(variable: Any) -> str:
    return called(variable.label, variable.doc, variable.name)


def _in_words(sentence: str, labels: Mapping[str, str]) -> str:
    """Replace names by what they are called."""
    return ID.sub(lambda found: f"'{labels.get(found[0], found[0].replace('_', ' '))}'", sentence)


def _assumptions(place: Place, run: Run) -> pd.DataFrame:
    import pandas as pd

    constants = [one for one in place.model.variables.values() if isinstance(one, Constant)]
    rows = [_constant(one, place, run) for one in constants if isinstance(one.value, float | int)]
    rows += [row for line in place.lines for row in _ledger(line)]
    table = pd.DataFrame(rows, columns=["label", "units", "value", "low", "high", "grade", "how", "source"])
    return table.drop_duplicates(ignore_index=True)


def _constant(one: Constant, place: Place, run: Run) -> tuple[object, ...]:
    low = high = float("nan")
    how = _how(one, place)
    if how in ("solved", "fitted") and one.name in run.parameters:
        low, high = (float(run.parameters[one.name].quantile(at)) for at in (TAIL, 1 - TAIL))
    elif how == "drawn" and one.prior:
        low, high = one.prior.low, one.prior.high
    value = float(run.parameters[one.name].median()) if how == "solved" and one.name in run.parameters else one.value
    return _label(one), one.units, value, low, high, str(one.grade), FIT_IN_WORDS.get(how, HELD), one.source


def _how(one: Constant, place: Place) -> str:
    if place.model.balance and one.name in place.model.balance.solve:
        return "solved"
    if place.fit and one.name in place.fit.values:
        return "fitted"
    return "drawn" if one.prior else HELD


def _ledger(line: CostLine) -> list[tuple[object, ...]]:
    """Return the numbers of a cost line; its grade and source are those of its unit cost, the rest is judgement."""
    name = line.label or line.name.replace("_", " ")
    stated = [(f"{name}: unit cost", line.units, line.unit_cost, line.grade, line.source)]
    fields = (
        ("share felt as cash", "dmnl", line.cashable_share),
        ("delay until it is cash", "month", line.cashable_delay),
        ("growth above general prices", "1/year", line.real_growth),
    )
    judged = [(f"{name}: {what}", units, belief) for what, units, belief in fields if belief and belief.prior]
    stated += [(*one, str(Grade.ELICITED), "Judgement, stated with the ledger") for one in judged]
    return [
        (label, units, belief.value, *_ends(belief), grade, FIT_IN_WORDS["drawn"] if belief.prior else HELD, source)
        for label, units, belief, grade, source in stated
    ]


def _ends(belief: Uncertain) -> tuple[float, float]:
    return (belief.prior.low, belief.prior.high) if belief.prior else (float("nan"), float("nan"))


def _kept_apart(folder: Path) -> pd.DataFrame:
    import pandas as pd

    path = folder / "observations.csv"
    columns = ["date", "measure", "value", "flag"]
    rows = [row for row in read_table(path, columns) if APART in row["measure"]] if path.is_file() else []
    shown = [(row["date"], row["measure"].replace("_", " "), float(row["value"]), row["flag"]) for row in rows]
    return pd.DataFrame(shown, columns=["date", "measure", "value", "note"])


def _accounts(place: Place) -> pd.DataFrame:
    """Return the published accounts of the place: stock, starts, ceases, and what they leave over."""
    import pandas as pd

    columns = ("stock_open", "started", "ceased", "stock_close", "residual")
    rows = read_table(models_root() / "data" / "stock_flow_residuals.csv", ("area", "year", *columns))
    own = [
        row for row in rows if row["area"].lower() == place.model.name.lower() and all(row[name] for name in columns)
    ]
    shown = [(int(row["year"]), *(float(row[name]) for name in columns)) for row in own]
    return pd.DataFrame(shown, columns=["year", "opening", "entered", "left", "closing", "residual"])


def _provenance(answer: Answer) -> dict[str, str]:
    place, failed = answer.place, len({failure.draw for failure in answer.run.failures})
    facts = {**answer.benefit.provenance, "draws left out because they stopped": str(failed)}
    facts["against"] = answer.run.scenarios[BASELINE].label
    if place.observations:
        facts["data_digest"] = digest(place.observations)
    if place.fit:
        facts |= {f"fit: {name}": value for name, value in place.fit.provenance.items()}
    return facts
