"""The numbers of a report, worked out once: pictures, tables, terminal and CSV all read these.

Every frame is tidy: a figure with its range in each row, and its units. `low` to `high` holds 9 runs in 10, `lower` to
`upper` half of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from wm2u_sd.economics.assumptions import assumptions, can_tell, shares_of
from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.measures import (
    CASH,
    GROSS,
    PUBLIC_VALUE,
    RANGE,
    Amount,
    Scope,
    benefit_cost_ratio,
    break_even_summary,
    chance_it_pays,
    net_cost,
    npv,
    who_pays_who_gains,
)
from wm2u_sd.economics.outcomes import check_pairings
from wm2u_sd.economics.prices import money_unit
from wm2u_sd.model.variables import Grade
from wm2u_sd.views.inputs import ReportInputs
from wm2u_sd.views.table import framed

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from numpy.typing import NDArray

QUANTILES = {"low": 0.05, "lower": 0.25, "middle": 0.5, "upper": 0.75, "high": 0.95}
RANKS_SHOWN = (0.1, 0.3, 0.7, 0.9)
"""Where among all runs, by their last value, the single runs lie that are drawn through a fan."""

Keys = dict[str, object]


@dataclass(frozen=True)
class Figures:
    """Every figure of a report.

    Attributes:
        inputs: What they were made from.
        outlook: Headline and companions when nothing is decided; rows scenario, outcome, moment.
        differences: Changes against the baseline; rows scenario, outcome, year after the decision.
        costs: Discounted net cost so far, above zero when it costs more; rows scenario, measure, year.
        ratios: Financial ratio of benefits to spending over the horizon; rows scenario.
        break_evens: Year of break-even or 'never'; rows scenario, measure, kind (annual, cumulative).
        chances: Share of runs that have paid by the end of each year; rows scenario, measure, year.
        payers: What each agency pays more and gains over the horizon; rows scenario, kind of value, agency.
        fit: Counts beside the runs of the baseline; rows outcome, moment.
        judgement: How much of the answers rests on grade D; rows scenario, answer.
        cost_runs: Discounted net cost so far by measure, (scenario, draw, year), for single runs in pictures.
    """

    inputs: ReportInputs
    outlook: pd.DataFrame
    differences: pd.DataFrame
    costs: pd.DataFrame
    ratios: pd.DataFrame
    break_evens: pd.DataFrame
    chances: pd.DataFrame
    payers: pd.DataFrame
    fit: pd.DataFrame
    judgement: pd.DataFrame
    cost_runs: Mapping[str, xr.DataArray]


def work_out(inputs: ReportInputs) -> Figures:
    """Work out every figure of a report; payers and judgement for the scenarios that have pictures only.

    Raises:
        ModelError: A headline without its companions (OUT-1).
    """
    check_pairings(inputs.paired, inputs.pairings)
    cost_runs = costs_by_measure(inputs)
    return Figures(
        inputs=inputs,
        outlook=_outlook(inputs),
        differences=_differences(inputs, inputs.benefit.scenarios),
        costs=_costs(inputs, cost_runs),
        ratios=_ratios(inputs),
        break_evens=_break_evens(inputs),
        chances=_chances(inputs),
        payers=_payers(inputs, inputs.shown),
        fit=_fit_beside_counts(inputs),
        judgement=_resting_on_judgement(inputs, inputs.shown),
        cost_runs=cost_runs,
    )


def spread(values: xr.DataArray, over: str) -> pd.DataFrame:
    """Return the QUANTILES over draws of an array (draw, over): a row for each element of `over`."""
    import pandas as pd

    drawn = values.transpose("draw", over).values
    table = pd.DataFrame(np.quantile(drawn, list(QUANTILES.values()), axis=0).T, columns=list(QUANTILES))
    table.insert(0, over, values[over].values)
    return table


def single_runs(values: xr.DataArray, over: str) -> NDArray[np.float64]:
    """Return a few whole runs of an array (draw, over), shape (run, over): those at RANKS_SHOWN by their last value."""
    drawn: NDArray[np.float64] = values.transpose("draw", over).values
    order = np.argsort(drawn[:, -1], kind="stable")
    return drawn[order[[round(rank * (len(order) - 1)) for rank in RANKS_SHOWN]]]


def horizon(inputs: ReportInputs) -> float:
    """Return the model time at which the years that are judged end."""
    return inputs.decision_time + inputs.benefit.years * inputs.year


def level_of(inputs: ReportInputs, outcome: str, scenario: str) -> xr.DataArray:
    """Return an outcome of one scenario, (draw, time), up to the last year worked out, where it has a value."""
    values = inputs.run.data[outcome].sel(scenario=scenario)
    until = inputs.decision_time + inputs.benefit.beyond * inputs.year
    kept = values.sel(time=values["time"] <= until)
    return kept.sel(time=kept.notnull().all("draw"))


def gap_of(inputs: ReportInputs, outcome: str, scenario: str) -> xr.DataArray:
    """Return an outcome's difference from the baseline draw by draw, (draw, time), from the decision on."""
    gap = level_of(inputs, outcome, scenario) - level_of(inputs, outcome, inputs.baseline)
    return gap.sel(time=gap["time"] >= inputs.decision_time)


def costs_by_measure(inputs: ReportInputs) -> dict[str, xr.DataArray]:
    """Return discounted net cost so far by measure, (scenario, draw, year)."""
    return {
        measure: net_cost(inputs.benefit, scope, discounted=True, cumulative=True)
        for measure, scope in measures(inputs).items()
    }


def measures(inputs: ReportInputs) -> dict[str, Scope]:
    """Return the three ways net cost is shown, in order."""
    return {
        "gross, all agencies": GROSS,
        "cash, all agencies": CASH,
        f"cash, {inputs.agency}": Scope(Amount.CASHABLE, agency=inputs.agency),
    }


def _outlook(inputs: ReportInputs) -> pd.DataFrame:
    parts = [
        (_outcome_keys(inputs, name, outcome), spread(level_of(inputs, outcome, name), "time"))
        for name in (inputs.baseline, *inputs.also_as_now)
        for outcome in inputs.paired
    ]
    table = _stack(parts)
    table.insert(4, "moment", [inputs.moment(time) for time in table["time"]])
    return table


def _differences(inputs: ReportInputs, scenarios: Sequence[str]) -> pd.DataFrame:
    parts = [
        (_outcome_keys(inputs, name, outcome), spread(gap_of(inputs, outcome, name), "time"))
        for name in scenarios
        for outcome in inputs.paired
    ]
    table = _stack(parts)
    years = ((table["time"] - inputs.decision_time) / inputs.year).round(6)
    table.insert(4, "year", years)
    table.insert(5, "moment", [inputs.moment(time) for time in table["time"]])
    return table


def _costs(inputs: ReportInputs, by_measure: Mapping[str, xr.DataArray]) -> pd.DataFrame:
    parts = [
        (_money_keys(inputs, name, measure), spread(cost.sel(scenario=name), "year"))
        for name in inputs.benefit.scenarios
        for measure, cost in by_measure.items()
    ]
    return _stack(parts)


def _ratios(inputs: ReportInputs) -> pd.DataFrame:
    """Return `ratio`, of sums over all runs, and p10, p50, p90 over runs that have one; none where nothing is spent."""
    table = benefit_cost_ratio(inputs.benefit).reset_index().rename(columns={"ratio_of_means": "ratio"})
    table.insert(1, "scenario_label", [inputs.label(name) for name in table["scenario"]])
    return table[["scenario", "scenario_label", "ratio", *RANGE]].assign(units="pounds for each pound spent")


def _break_evens(inputs: ReportInputs) -> pd.DataFrame:
    """Return the years, or 'never', by which 10, 50 and 90% of runs are there, and the share that never are."""
    parts = []
    for measure, scope in measures(inputs).items():
        for kind in ("annual", "cumulative"):
            table = break_even_summary(inputs.benefit, scope, cumulative=kind == "cumulative").reset_index()
            parts.append(table.assign(measure=measure, kind=kind))
    table = _concat(parts)
    table.insert(1, "scenario_label", [inputs.label(name) for name in table["scenario"]])
    columns = ["scenario", "scenario_label", "measure", "kind", *RANGE, "share_never"]
    return table[columns].assign(units="year after the decision")


def _chances(inputs: ReportInputs) -> pd.DataFrame:
    years = list(range(1, inputs.benefit.beyond + 1))
    wide = chance_it_pays(inputs.benefit, inputs.agency, years).rename_axis(columns="year")
    table = wide.stack().rename("share").reset_index()
    table.insert(1, "scenario_label", [inputs.label(name) for name in table["scenario"]])
    return table.assign(units="share of runs")


def _payers(inputs: ReportInputs, scenarios: Sequence[str]) -> pd.DataFrame:
    """Return what each agency pays more and gains, by kind of value; those with nothing in a kind are left out.

    Columns pays, gains and net are means over runs, so that they add up; low and high hold 9 runs in 10 of the net.
    """
    kinds = [kind for kind in PUBLIC_VALUE if any(line.kind is kind for line in inputs.benefit.lines)]
    parts = []
    for name in scenarios:
        benefit = narrowed(inputs.benefit, name)
        for kind in kinds:
            table = who_pays_who_gains(benefit, name, kinds=(kind,)).reset_index()
            table = table[(table["pays"] != 0) | (table["gains"] != 0)]
            ends = np.array([_net_range(benefit, name, kind, agency) for agency in table["agency"]]).reshape(-1, 2)
            keys: Keys = {"scenario": name, "scenario_label": inputs.label(name), "kind": str(kind)}
            parts.append(_keyed(keys, table.assign(low=ends[:, 0], high=ends[:, 1])))
    return _concat(parts).assign(units=money_unit(inputs.benefit.prices))


def narrowed(benefit: CostBenefit, scenario: str) -> CostBenefit:
    """Return an analysis of one scenario beside the baseline, which is quicker to look into."""
    return replace(benefit, data=benefit.data.sel(scenario=[benefit.against, scenario]))


def _net_range(benefit: CostBenefit, scenario: str, kind: str, agency: str) -> NDArray[np.float64]:
    """Return the 5 and 95% points of an agency's discounted net cost over the horizon."""
    scope = Scope(kinds=(kind,), agency="" if agency == "total" else agency)
    net = 0.0 - npv(benefit, scope).sel(scenario=scenario)
    ends: NDArray[np.float64] = np.quantile(net.values, [QUANTILES["low"], QUANTILES["high"]])
    return ends


def _fit_beside_counts(inputs: ReportInputs) -> pd.DataFrame:
    import pandas as pd

    parts = []
    for outcome in dict.fromkeys(inputs.observed["outcome"]):
        counts = inputs.observed.loc[inputs.observed["outcome"] == outcome, ["time", "observed", "spread"]]
        fan = spread(level_of(inputs, outcome, inputs.baseline), "time")
        parts.append((_outcome_keys(inputs, inputs.baseline, outcome), counts.merge(fan, on="time")))
    if not parts:
        return pd.DataFrame(
            columns=["scenario", "outcome", "outcome_label", "moment", "time", "observed", *QUANTILES, "units"]
        )
    table = _stack(parts)
    table.insert(4, "moment", [inputs.moment(time) for time in table["time"]])
    return table


def _resting_on_judgement(inputs: ReportInputs, scenarios: Sequence[str]) -> pd.DataFrame:
    """Return how much of the variation of an answer that single assumptions explain goes to those of grade D.

    The answers are the headline's change and gross net cost at the horizon. Columns `share` (of the summed squared rank
    correlations), `assumptions` (drawn) and `judged` (of grade D). No rows with too few runs to tell.
    """
    drawn = assumptions(inputs.run, inputs.benefit)
    judged = np.array([one.grade == Grade.ELICITED for one in drawn])
    rows = []
    for name in scenarios:
        for what, answer in _answers(inputs, name).items():
            if can_tell(drawn, answer):
                shares = shares_of(drawn, answer)
                part = float(shares[judged].sum() / shares.sum())
                rows.append((name, inputs.label(name), what, part, len(drawn), int(judged.sum())))
    columns = ["scenario", "scenario_label", "answer", "share", "assumptions", "judged"]
    return framed(rows, columns).assign(units="share of variation")


def _answers(inputs: ReportInputs, scenario: str) -> dict[str, NDArray[np.float64]]:
    """Return what is asked about a scenario at the horizon, a number for each draw."""
    headline = gap_of(inputs, inputs.headline, scenario).sel(time=horizon(inputs), method="nearest")
    net = 0.0 - npv(narrowed(inputs.benefit, scenario), GROSS).sel(scenario=scenario)
    return {inputs.outcome_label(inputs.headline): headline.values, "Net cost, gross, all agencies": net.values}


def _outcome_keys(inputs: ReportInputs, scenario: str, outcome: str) -> Keys:
    return {
        "scenario": scenario,
        "scenario_label": inputs.label(scenario),
        "outcome": outcome,
        "outcome_label": inputs.outcome_label(outcome),
        "units": inputs.outcome_units(outcome),
    }


def _money_keys(inputs: ReportInputs, scenario: str, measure: str) -> Keys:
    return {
        "scenario": scenario,
        "scenario_label": inputs.label(scenario),
        "measure": measure,
        "units": money_unit(inputs.benefit.prices),
    }


def _stack(parts: Sequence[tuple[Keys, pd.DataFrame]]) -> pd.DataFrame:
    """Put tables under one another, each with its keys in front and its units last."""
    table = _concat([_keyed(keys, part) for keys, part in parts])
    return table[[*(name for name in table.columns if name != "units"), "units"]]


def _keyed(keys: Keys, table: pd.DataFrame) -> pd.DataFrame:
    for at, (name, value) in enumerate(keys.items()):
        table.insert(at, name, value)
    return table


def _concat(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else parts[0].reset_index(drop=True)
