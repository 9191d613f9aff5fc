"""The numbers of a report, worked out once: pictures, tables, terminal and CSV all read these."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from wm2u_sd.economics.measures import (
    CASH,
    GROSS,
    Amount,
    Scope,
    benefit_cost_ratio,
    break_even_summary,
    chance_it_pays,
    net_cost,
    npv,
    who_pays_who_gains,
)
from wm2u_sd.economics.outcomes import check_pairings, outcome_table
from wm2u_sd.views.inputs import ReportInputs

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

QUANTILES = {"low": 0.05, "middle": 0.5, "high": 0.95}
SHOWN_YEARS = (1, 3, 10)
MONTHS = 12


def spread(values: xr.DataArray, over: str) -> pd.DataFrame:
    """Return the 5%, 50% and 95% points over draws: columns low, middle, high; rows `over`."""
    import pandas as pd

    columns = {name: values.quantile(at, dim="draw").values for name, at in QUANTILES.items()}
    return pd.DataFrame(columns, index=pd.Index(values[over].values, name=over))


def calendar(inputs: ReportInputs, times: pd.Index) -> list[float]:
    """Return times as years, e.g. 2025.25 for 31 March 2025; plain model time when the model has no origin."""
    origin = inputs.run.model.time.origin
    if not origin:
        return [float(time) for time in times]
    first = date.fromisoformat(origin)
    begin = first.year + (first.timetuple().tm_yday / 365.25)
    return [begin + float(time) / MONTHS for time in times]


def levels(inputs: ReportInputs, outcome: str, scenario: str) -> pd.DataFrame:
    """Return an outcome's range in one scenario, a row for each kept moment."""
    return spread(inputs.run.data[outcome].sel(scenario=scenario), "time")


def differences(inputs: ReportInputs, outcome: str, scenario: str) -> pd.DataFrame:
    """Return the range of an outcome's difference from the baseline, draw by draw, from the decision on."""
    values = inputs.run.data[outcome]
    gap = values.sel(scenario=scenario) - values.sel(scenario=inputs.baseline)
    table = spread(gap, "time")
    return table[table.index >= inputs.decision_time]


def paired_outcomes(inputs: ReportInputs) -> pd.DataFrame:
    """Return changes in the headline outcome and its companions by scenario at years 1, 3 and 10.

    Raises:
        ModelError: A headline without its companions (OUT-1).
    """
    outcomes = [inputs.headline, *inputs.companions]
    check_pairings(outcomes, inputs.pairings)
    return outcome_table(
        inputs.run,
        outcomes,
        against=inputs.baseline,
        pairings=inputs.pairings,
        years=[year for year in SHOWN_YEARS if year <= inputs.benefit.years],
        start=inputs.decision_time,
    )


def cumulative_cash(inputs: ReportInputs, scenario: str, scope: Scope) -> pd.DataFrame:
    """Return the range of discounted net cost so far by year."""
    return spread(net_cost(inputs.benefit, scope, discounted=True, cumulative=True).sel(scenario=scenario), "year")


def chances(inputs: ReportInputs, scenario: str) -> pd.DataFrame:
    """Return the share of draws that have paid by the end of each year: rows year, a column for each measure."""
    years = list(range(1, inputs.benefit.beyond + 1))
    return chance_it_pays(inputs.benefit, inputs.agency, years).loc[scenario].T.rename_axis("year")


def payers(inputs: ReportInputs, scenario: str) -> pd.DataFrame:
    """Return what each agency pays more and gains over the horizon, fiscal, discounted, mean over draws."""
    return who_pays_who_gains(inputs.benefit, scenario)


def money_table(inputs: ReportInputs) -> pd.DataFrame:
    """Return one row for each scenario: net cost over the horizon (low, middle, high), ratio, break-even and chances."""
    import pandas as pd

    benefit = inputs.benefit
    council = Scope(Amount.CASHABLE, agency=inputs.agency)
    ratio = benefit_cost_ratio(benefit)
    chance = chance_it_pays(benefit, inputs.agency, [benefit.years])
    never = break_even_summary(benefit, CASH)
    rows = {}
    for scenario in benefit.scenarios:
        gross, cash, own = (
            (0.0 - npv(benefit, scope).sel(scenario=scenario)).quantile(list(QUANTILES.values()), dim="draw").values
            for scope in (GROSS, CASH, council)
        )
        rows[scenario] = {
            "scenario_label": inputs.label(scenario),
            **{f"net_cost_gross_{name}": value for name, value in zip(QUANTILES, gross, strict=True)},
            **{f"net_cost_cash_{name}": value for name, value in zip(QUANTILES, cash, strict=True)},
            **{f"net_cost_cash_{inputs.agency}_{name}": value for name, value in zip(QUANTILES, own, strict=True)},
            "ratio": ratio.loc[scenario, "ratio"],
            "chance_pays_gross": chance.loc[(scenario, "gross, all agencies"), benefit.years],
            "chance_pays_cash": chance.loc[(scenario, "cash, all agencies"), benefit.years],
            "cash_break_even_middle": never.loc[scenario, "p50"],
            "share_never_breaks_even_cash": never.loc[scenario, "share_never"],
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("scenario")


def observed_values(inputs: ReportInputs, outcome: str) -> pd.DataFrame:
    """Return the counts of one outcome, a flow as its monthly mean over the period so that it lies on the curve."""
    table = inputs.observed
    return table[table["outcome"] == outcome] if len(table) else table
