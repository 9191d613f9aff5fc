"""Measures of value: net present value, ratios, break-even years, the chance that it pays.

Amounts in a `CostBenefit` are costs: above zero when a scenario costs more than the baseline. Net present values
are the other way round, as in appraisal guidance: above zero when benefits exceed costs. Kinds of value are added
up only when a `Scope` names them, and transfers never count in a total because they cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.ledger import ValueKind
from wm2u_sd.economics.prices import money_unit
from wm2u_sd.errors import MoneyError, did_you_mean

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

FISCAL = (ValueKind.FISCAL,)
PUBLIC_VALUE = (ValueKind.FISCAL, ValueKind.ECONOMIC, ValueKind.SOCIAL)
USUAL_YEARS = (3, 5, 7, 10, 20)
RANGE = {"p10": 0.1, "p50": 0.5, "p90": 0.9}

BREAK_EVEN_DEFINITION = (
    "Annual: the first year whose net cost is below zero. Cumulative: the first year by whose end the discounted net "
    "cost so far is below zero. 'Lasts': it is still below zero in the last year looked at. A scenario that changes "
    "nothing never breaks even."
)


class Amount(StrEnum):
    """Which amounts are looked at."""

    GROSS = "gross"
    CASHABLE = "cashable"


@dataclass(frozen=True, slots=True)
class Scope:
    """What is counted.

    Attributes:
        amount: 'gross', or 'cashable' for the part felt as cash.
        kinds: Kinds of value that are added up.
        agency: '' for everybody together. For one agency: what it pays more of as payer, less what it gains as
            gainer, with transfers to and from it.
    """

    amount: Amount | str = Amount.GROSS
    kinds: tuple[str, ...] = FISCAL
    agency: str = ""


GROSS = Scope()
CASH = Scope(Amount.CASHABLE)
PUBLIC = Scope(kinds=PUBLIC_VALUE)


def agencies(benefit: CostBenefit) -> list[str]:
    """Return every payer and gainer, in the order of the ledger."""
    pairs = ((line.payer, line.gains) for line in benefit.lines)
    return list(dict.fromkeys(agency for pair in pairs for agency in pair))


def contributions(benefit: CostBenefit, scope: Scope = GROSS) -> xr.DataArray:
    """Return the yearly amounts in scope, (scenario, draw, year, line), above zero when they cost more.

    Raises:
        MoneyError: The agency is in no line.
    """
    import numpy as np

    if scope.agency:
        _check_agency(benefit, scope.agency)
    data, amounts = benefit.data, benefit.data[Amount(scope.amount)]
    moved = data["kind"].values == ValueKind.TRANSFER
    counted = np.isin(data["kind"].values, [str(kind) for kind in scope.kinds]) & ~moved
    values = np.zeros(amounts.shape)
    if not scope.agency:
        values[..., counted] = amounts.values[..., counted]
    else:
        pays, gains = data["payer"].values == scope.agency, data["gainer"].values == scope.agency
        for line in np.flatnonzero((counted | moved) & (pays | gains)):
            one = amounts.values[..., line]
            if moved[line]:
                values[..., line] = one * (float(pays[line]) - gains[line])
            else:
                values[..., line] = one.clip(min=0) * pays[line] + one.clip(max=0) * gains[line]
    return _labelled(amounts.copy(data=values).rename(None), benefit, "Modelled contribution to cost")


def net_cost(
    benefit: CostBenefit, scope: Scope = GROSS, *, discounted: bool = False, cumulative: bool = False
) -> xr.DataArray:
    """Return net cost by year, (scenario, draw, year), above zero when the scenario costs more.

    Args:
        benefit: The analysis.
        scope: What is counted.
        discounted: Bring each year back to the start.
        cumulative: Add up the years so far.

    Returns:
        Values that cannot be written to: they are worked out once and kept with the analysis.
    """
    key = ("net_cost", scope, discounted, cumulative)
    if key not in benefit.known:
        benefit.known[key] = _net_cost(benefit, scope, discounted, cumulative)
    return benefit.known[key].copy(deep=False)


def _net_cost(benefit: CostBenefit, scope: Scope, discounted: bool, cumulative: bool) -> xr.DataArray:
    if cumulative:
        found = net_cost(benefit, scope, discounted=discounted).cumsum("year")
    else:
        amounts = contributions(benefit, scope)
        found = (amounts * benefit.data["line_discount_factor"] if discounted else amounts).sum("line")
    found.values.flags.writeable = False
    return _labelled(found, benefit, "Modelled contribution to cost")


def npv(benefit: CostBenefit, scope: Scope = PUBLIC, *, years: int | None = None) -> xr.DataArray:
    """Return net present value (scenario, draw): above zero when benefits exceed costs. None takes the horizon."""
    cost = net_cost(benefit, scope, discounted=True, cumulative=True).sel(year=_year(benefit, years), drop=True)
    return _labelled(0.0 - cost, benefit, "Net present value, modelled contribution")


def budget_impact(benefit: CostBenefit, scope: Scope = GROSS, *, years: int | None = None) -> xr.DataArray:
    """Return net present budget impact (scenario, draw): discounted fiscal costs less fiscal benefits.

    Raises:
        MoneyError: The scope counts more than fiscal amounts.
    """
    if tuple(scope.kinds) != FISCAL:
        raise MoneyError(f"Budget impact counts fiscal amounts only; the scope counts {', '.join(scope.kinds)}")
    return _labelled(0.0 - npv(benefit, scope, years=years), benefit, "Net present budget impact")


def equivalent_annual_value(benefit: CostBenefit, scope: Scope = PUBLIC, *, years: int | None = None) -> xr.DataArray:
    """Return the even yearly amount with the same net present value under the main schedule, (scenario, draw)."""
    factors = benefit.data["discount_factor"].sel(year=slice(1, _year(benefit, years)))
    value = npv(benefit, scope, years=years) / factors.sum("year")
    return _labelled(value, benefit, "Equivalent annual value, modelled contribution", per="/year")


def benefit_cost_ratio(
    benefit: CostBenefit, kinds: Sequence[str] = FISCAL, *, years: int | None = None
) -> pd.DataFrame:
    """Return the ratio of benefits to costs, one row for each scenario.

    Costs are the lines of money really spent on the change (`CostLine.is_spending`); benefits are everything else
    in `kinds`, net. With fiscal kinds it is the financial ratio, with fiscal, economic and social the public-value
    ratio. The ratio is taken in each draw, of sums; draws that cost nothing have none and are counted.

    Returns:
        Columns `ratio_of_means` (sums over all draws), `p10`, `p50`, `p90` over draws that have a ratio,
        `share_without_ratio`, `chance_npv_below_zero`. A ratio that does not exist is None.
    """
    import pandas as pd

    scope = Scope(kinds=tuple(kinds))
    present = contributions(benefit, scope) * benefit.data["line_discount_factor"]
    lines = present.sel(year=slice(1, _year(benefit, years))).sum("year")
    costs = lines.where(benefit.data["spending"], 0.0).sum("line")
    gains = 0.0 - lines.where(~benefit.data["spending"], 0.0).sum("line")
    rows = {name: _ratios(gains.sel(scenario=name), costs.sel(scenario=name)) for name in benefit.scenarios}
    losing = (gains - costs < 0).mean("draw")
    for name, row in rows.items():
        row["chance_npv_below_zero"] = float(losing.sel(scenario=name))
    return pd.DataFrame(list(rows.values()), index=pd.Index(rows, name="scenario"), dtype=object)


def break_even(
    benefit: CostBenefit, scope: Scope = GROSS, *, cumulative: bool = True, years: int | None = None
) -> xr.Dataset:
    """Find when each draw breaks even; see BREAK_EVEN_DEFINITION.

    Returns:
        Dims (scenario, draw): `first_year`, a whole number, one more than the last year looked at when it never comes;
        `never`; `lasts`.
    """
    import xarray as xr

    horizon = _year(benefit, years)
    below = net_cost(benefit, scope, discounted=cumulative, cumulative=cumulative).sel(year=slice(1, horizon)) < 0
    ever = below.any("year")
    first = (below.argmax("year") + 1).where(ever, horizon + 1).astype(int)
    first.attrs = {"units": "year", "long_name": "First year of break-even"}
    lasts = below.isel(year=-1, drop=True)
    return xr.Dataset({"first_year": first, "never": ~ever, "lasts": lasts}, attrs={"horizon": horizon})


def break_even_summary(
    benefit: CostBenefit, scope: Scope = GROSS, *, cumulative: bool = True, years: int | None = None
) -> pd.DataFrame:
    """Summarise break-even over draws, one row for each scenario.

    Returns:
        `p10`, `p50`, `p90`: a year, or 'never'; `share_never`; `share_lost`, of draws that broke even and were
        no longer there in the last year looked at.
    """
    import pandas as pd

    found = break_even(benefit, scope, cumulative=cumulative, years=years).sel(scenario=list(benefit.scenarios))
    horizon = found.attrs["horizon"]
    quantiles = found["first_year"].quantile(list(RANGE.values()), dim="draw", method="inverted_cdf").astype(int)
    years_by_share = quantiles.transpose("scenario", "quantile").values
    never, lost = found["never"].mean("draw").values, (~found["never"] & ~found["lasts"]).mean("draw").values
    rows = {
        name: [*(int(year) if year <= horizon else "never" for year in years_by_share[at]), never[at], lost[at]]
        for at, name in enumerate(benefit.scenarios)
    }
    columns = [*RANGE, "share_never", "share_lost"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=object).rename_axis("scenario")


def chance_it_pays(benefit: CostBenefit, agency: str, years: Sequence[int] | None = None) -> pd.DataFrame:
    """Return the share of draws whose discounted net cost so far is below zero, by year.

    Args:
        benefit: The analysis.
        agency: The one whose cash is asked about.
        years: None takes those of 3, 5, 7, 10 and 20 that were worked out.

    Returns:
        Rows (scenario, measure): the agency's cash, the agency gross, all agencies' cash, all agencies gross;
        a column for each year.
    """
    import pandas as pd

    chosen = [year for year in USUAL_YEARS if year <= benefit.beyond] if years is None else list(years)
    chosen = [_year(benefit, year) for year in chosen]
    measures = {
        f"cash, {agency}": Scope(Amount.CASHABLE, agency=agency),
        f"gross, {agency}": Scope(agency=agency),
        "cash, all agencies": CASH,
        "gross, all agencies": GROSS,
    }
    below = {
        measure: (net_cost(benefit, scope, discounted=True, cumulative=True).sel(year=chosen) < 0).mean("draw")
        for measure, scope in measures.items()
    }
    rows = {
        (name, measure): shares.sel(scenario=name).values
        for name in benefit.scenarios
        for measure, shares in below.items()
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["scenario", "measure"])
    return pd.DataFrame(list(rows.values()), index=index, columns=chosen)


def terminal_slope(benefit: CostBenefit, scope: Scope = GROSS, *, year: int | None = None) -> xr.DataArray:
    """Return how net cost a year, undiscounted, moves from the year before to `year`, (scenario, draw).

    Above zero: a reduction is shrinking or a cost growing.

    Raises:
        MoneyError: `year` is the first.
    """
    at = _year(benefit, year)
    if at < 2:
        raise MoneyError("A slope needs a year before it; ask for year 2 or later")
    yearly = net_cost(benefit, scope)
    slope = yearly.sel(year=at, drop=True) - yearly.sel(year=at - 1, drop=True)
    return _labelled(slope, benefit, f"Change of net cost from year {at - 1} to year {at}", per="/year")


def who_pays_who_gains(
    benefit: CostBenefit,
    scenario: str,
    *,
    amount: Amount | str = Amount.GROSS,
    kinds: Sequence[str] = FISCAL,
    years: int | None = None,
) -> pd.DataFrame:
    """Return what each agency pays more and gains, discounted, mean over draws.

    Returns:
        A row for each agency and `total`; columns `pays`, `gains` and `net` = pays - gains, pounds. The nets add
        up to the total net cost; transfers stand in both `pays` and `gains` and cancel.
    """
    import pandas as pd

    rows = {}
    for agency in agencies(benefit):
        amounts = _present(benefit, scenario, Scope(amount, tuple(kinds), agency), years).values
        paid, gained = amounts.clip(min=0), 0.0 - amounts.clip(max=0)
        rows[agency] = [float(part.mean(axis=0).sum()) for part in (paid, gained)]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["pays", "gains"]).rename_axis("agency")
    table["net"] = table["pays"] - table["gains"]
    table.loc["total"] = table.sum()
    return table


def agency_matrix(
    benefit: CostBenefit,
    scenario: str,
    *,
    amount: Amount | str = Amount.GROSS,
    kinds: Sequence[str] = FISCAL,
    years: int | None = None,
) -> pd.DataFrame:
    """Return discounted net cost by line and agency, mean over draws, with totals both ways.

    Returns:
        A row for each line (its label) and `total`; a column for each agency and `total`, pounds.
    """
    import pandas as pd

    columns = {
        agency: _present(benefit, scenario, Scope(amount, tuple(kinds), agency), years).mean("draw").sum("year").values
        for agency in agencies(benefit)
    }
    table = pd.DataFrame(columns, index=pd.Index(benefit.data["label"].values, name="line"))
    table["total"] = table.sum(axis=1)
    table.loc["total"] = table.sum()
    return table


def spread(values: xr.DataArray) -> pd.DataFrame:
    """Summarise one number for each draw, one row for each scenario: mean, p10, p50, p90, share_below_zero."""
    import pandas as pd

    columns = {"mean": values.mean("draw")}
    quantiles = values.quantile(list(RANGE.values()), dim="draw")
    columns |= {name: quantiles.isel(quantile=at) for at, name in enumerate(RANGE)}
    columns["share_below_zero"] = (values < 0).mean("draw")
    return pd.DataFrame(
        {name: column.values for name, column in columns.items()},
        index=pd.Index(values["scenario"].values, name="scenario"),
    )


def yearly_table(benefit: CostBenefit, scenario: str) -> pd.DataFrame:
    """Return the figures behind the pictures of one scenario, a row for each (measure, year): p10, p50, p90, mean.

    Measures: gross and cash of all agencies, a year (undiscounted) and cumulative (discounted).
    """
    import pandas as pd

    _check_scenario(benefit, scenario)
    tables = {}
    for label, scope in (("gross", GROSS), ("cash", CASH)):
        for how, summed in (("annual", False), ("cumulative, discounted", True)):
            amounts = net_cost(benefit, scope, discounted=summed, cumulative=summed).sel(scenario=scenario)
            columns = {name: amounts.quantile(at, dim="draw").values for name, at in RANGE.items()}
            columns["mean"] = amounts.mean("draw").values
            tables[f"{label}, {how}"] = pd.DataFrame(columns, index=pd.Index(amounts["year"].values, name="year"))
    return pd.concat(tables, names=["measure", "year"])


def _present(benefit: CostBenefit, scenario: str, scope: Scope, years: int | None) -> xr.DataArray:
    """Discounted amounts (draw, year, line) of one scenario up to a year."""
    _check_scenario(benefit, scenario)
    chosen = {"scenario": [scenario], "year": slice(1, _year(benefit, years))}
    one = replace(benefit, data=benefit.data.sel(chosen))
    return (contributions(one, scope) * one.data["line_discount_factor"]).isel(scenario=0)


def _ratios(gains: xr.DataArray, costs: xr.DataArray) -> dict[str, float | None]:
    import numpy as np

    has = (costs > 0).values
    ratios = gains.values[has] / costs.values[has]
    whole = float(costs.mean())
    table: dict[str, float | None] = {"ratio_of_means": float(gains.mean()) / whole if whole > 0 else None}
    for name, at in RANGE.items():
        table[name] = float(np.quantile(ratios, at)) if has.any() else None
    table["share_without_ratio"] = float(1 - has.mean())
    return table


def _year(benefit: CostBenefit, year: int | None) -> int:
    if year is None:
        return benefit.years
    if not 1 <= year <= benefit.beyond:
        raise MoneyError(f"Year {year} was not worked out; the analysis runs from year 1 to year {benefit.beyond}")
    return year


def _check_agency(benefit: CostBenefit, agency: str) -> None:
    known = agencies(benefit)
    if agency not in known:
        raise MoneyError(
            f"No ledger line has agency {agency!r}; there are {', '.join(known)}.{did_you_mean(agency, known)}"
        )


def _check_scenario(benefit: CostBenefit, scenario: str) -> None:
    known = [str(name) for name in benefit.data["scenario"].values]
    if scenario not in known:
        raise MoneyError(
            f"There is no scenario {scenario!r}; there are {', '.join(known)}.{did_you_mean(scenario, known)}"
        )


def _labelled(values: xr.DataArray, benefit: CostBenefit, meaning: str, per: str = "") -> xr.DataArray:
    values.attrs = {"units": money_unit(benefit.prices) + per, "long_name": meaning}
    return values
