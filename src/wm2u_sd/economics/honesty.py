"""The honesty block (OUT-4): eight things said with every cost result, always all of them and in this order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wm2u_sd.economics.assumptions import Assumption, assumptions, strongest
from wm2u_sd.economics.cost_benefit import CostBenefit, View
from wm2u_sd.economics.counting import RunLike
from wm2u_sd.economics.measures import (
    BREAK_EVEN_DEFINITION,
    CASH,
    GROSS,
    Amount,
    Scope,
    break_even_summary,
    chance_it_pays,
    net_cost,
    npv,
    spread,
    terminal_slope,
    who_pays_who_gains,
)
from wm2u_sd.economics.outcomes import Pairing, outcome_table
from wm2u_sd.economics.wording import change, difference, in_hundred, least_step, pounds, step_for
from wm2u_sd.errors import MoneyError

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr

Progress = Callable[[int, int], None]

CLOSING = "An early change can be right for the people it is meant for without releasing money."

STANDS_STILL = 1e-9  # below this a difference moves by rounding only

_TITLES = (
    "The chance that it pays",
    "When it breaks even",
    "Two break-evens: a year, and all years so far",
    "Where it is heading at the end",
    "Who pays and who gains",
    "The assumptions that move the answer most",
    "What happened to people, regardless of money",
    "In plain words",
)


@dataclass(frozen=True)
class HonestyItem:
    """One of the eight.

    Attributes:
        number: 1 to 8.
        title: What it is about.
        sentences: In plain words.
        table: The figures behind the sentences; empty when there are none.
    """

    number: int
    title: str
    sentences: tuple[str, ...]
    table: pd.DataFrame


@dataclass(frozen=True)
class HonestyBlock:
    """The eight items for one scenario."""

    scenario: str
    items: tuple[HonestyItem, ...]

    def __str__(self) -> str:
        parts = [
            f"{item.number}. {item.title}\n" + "\n".join(f"   {said}" for said in item.sentences) for item in self.items
        ]
        return "\n".join(parts)


def honesty_block(
    run: RunLike,
    benefit: CostBenefit,
    scenario: str,
    *,
    agency: str,
    outcomes: Sequence[str],
    pairings: Sequence[Pairing] = (),
    moving: Sequence[str] = (),
    answer: Scope | None = None,
    start: float = 0.0,
    closing: str = CLOSING,
) -> HonestyBlock:
    """Say the eight things that go with every cost result.

    Args:
        run: The run that was priced.
        benefit: The analysis.
        scenario: The scenario it is about.
        agency: The one whose cash is asked about.
        outcomes: What happened to people: names of variables of the run.
        pairings: Headline outcomes and their companions (OUT-1).
        moving: Outcomes of which item 4 says whether they still change at the end; none takes the first outcome.
        answer: What item 6 asks the sign of; None takes the agency's cash.
        start: Model time at which year 1 begins, as given to `cost_benefit`.
        closing: The plain sentence of item 8.

    Raises:
        MoneyError: No outcomes are named, or the scenario is the baseline or not there.
        ModelError: A headline outcome without its companions.
    """
    if scenario not in benefit.scenarios:
        raise MoneyError(
            f"{scenario!r} is not compared with {benefit.against!r}; there are {', '.join(benefit.scenarios)}"
        )
    return honesty_blocks(
        run,
        replace(benefit, data=benefit.data.sel(scenario=[benefit.against, scenario])),
        agency=agency,
        outcomes=outcomes,
        pairings=pairings,
        moving=moving,
        answer=answer,
        start=start,
        closing=closing,
    )[0]


def honesty_blocks(
    run: RunLike,
    benefit: CostBenefit,
    *,
    agency: str,
    outcomes: Sequence[str],
    pairings: Sequence[Pairing] = (),
    moving: Sequence[str] = (),
    answer: Scope | None = None,
    start: float = 0.0,
    closing: str = CLOSING,
    progress: Progress | None = None,
) -> tuple[HonestyBlock, ...]:
    """Say the eight things about every scenario of an analysis, in its order.

    Args and errors are those of `honesty_block`; `progress` is called with (scenarios done, scenarios in all).
    """
    if not outcomes:
        raise MoneyError("An honesty block needs the outcomes for people; name at least one in 'outcomes'")
    unseen = [name for name in moving if name not in outcomes]
    if unseen:
        raise MoneyError(f"'moving' names {', '.join(unseen)}, which is not among the outcomes; add it to them")
    people = outcome_table(
        run,
        outcomes,
        against=benefit.against,
        scenarios=benefit.scenarios,
        pairings=pairings,
        years=sorted({year for year in (1, 3, benefit.years - 1, benefit.years) if 1 <= year <= benefit.years}),
        start=start,
    )
    scope = answer or Scope(Amount.CASHABLE, agency=agency)
    findings = _Findings(
        benefit=benefit,
        people=people,
        chances=chance_it_pays(benefit, agency),
        so_far=_break_evens(benefit, agency, cumulative=True),
        annual=_break_evens(benefit, agency, cumulative=False),
        headings=_headings(benefit, agency) if benefit.years > 1 else {},
        drawn=assumptions(run, benefit),
        scope=scope,
        answer=npv(benefit, scope),
    )
    blocks = []
    for number, scenario in enumerate(benefit.scenarios, start=1):
        blocks.append(findings.block(scenario, list(moving) or [outcomes[0]], closing))
        if progress is not None:
            progress(number, len(benefit.scenarios))
    return tuple(blocks)


@dataclass(frozen=True)
class _Findings:
    """What the blocks say, by scenario."""

    benefit: CostBenefit
    people: pd.DataFrame
    chances: pd.DataFrame
    so_far: Mapping[str, pd.DataFrame]
    annual: Mapping[str, pd.DataFrame]
    headings: Mapping[str, pd.DataFrame]
    drawn: Sequence[Assumption]
    scope: Scope
    answer: xr.DataArray

    def block(self, scenario: str, moving: Sequence[str], closing: str) -> HonestyBlock:
        import pandas as pd

        years = self.benefit.years
        people, so_far = self.people.loc[scenario], self.so_far[scenario]
        said: list[tuple[Sequence[str], pd.DataFrame]] = [
            _chances(self.chances.loc[scenario], self.benefit.view),
            _when(so_far, years),
            _both(so_far, self.annual[scenario], years),
            _heading(self.headings.get(scenario), people.loc[moving], years),
            _agencies(self.benefit, scenario),
            _assumptions(self.drawn, self.answer.sel(scenario=scenario), self.scope, years),
            _people(people, years),
            ([closing], pd.DataFrame()),
        ]
        items = zip(_TITLES, said, strict=True)
        return HonestyBlock(
            scenario,
            tuple(HonestyItem(at, title, tuple(text), table) for at, (title, (text, table)) in enumerate(items, 1)),
        )


def _chances(table: pd.DataFrame, view: View) -> tuple[list[str], pd.DataFrame]:
    runs = "" if view is View.POSTERIOR else " (one run only, so each chance is none or all)"
    sentences = [
        f"Modelled contribution, {measure}: runs in which it has paid: "
        + ", ".join(f"{in_hundred(share)} by year {year}" for year, share in row.items())
        + f"{runs}."
        for measure, row in table.iterrows()
    ]
    return sentences, table


def _when(so_far: pd.DataFrame, years: int) -> tuple[list[str], pd.DataFrame]:
    sentences = [
        f"{measure}: cumulative break-even, 10% of runs by then: {_at(row['p10'])}; 50%: {_at(row['p50'])}; 90%: "
        f"{_at(row['p90'])}. Runs that never break even within {years} years: {in_hundred(row['share_never'])}."
        for measure, row in so_far.iterrows()
    ]
    return sentences, so_far


def _both(so_far: pd.DataFrame, annual: pd.DataFrame, years: int) -> tuple[list[str], pd.DataFrame]:
    import pandas as pd

    sentences = [
        f"{measure}: annual break-even, middle run: {_at(row['p50'])}; cumulative, middle run: "
        f"{_at(so_far.loc[measure, 'p50'])}. Below zero at some point and no longer at year {years}: annual "
        f"{in_hundred(row['share_lost'])}, cumulative {in_hundred(so_far.loc[measure, 'share_lost'])}."
        for measure, row in annual.iterrows()
    ]
    return [BREAK_EVEN_DEFINITION, *sentences], pd.concat({"annual": annual, "cumulative": so_far}, names=["kind"])


def _headings(benefit: CostBenefit, agency: str) -> pd.DataFrame:
    """Return the agency's net cost in the last year and its slope there; rows (scenario, measure)."""
    scopes = {f"Gross, {agency}": Scope(agency=agency), f"Cash, {agency}": Scope(Amount.CASHABLE, agency=agency)}
    tables = {}
    for measure, scope in scopes.items():
        level = net_cost(benefit, scope).sel(year=benefit.years).median("draw")
        table = spread(terminal_slope(benefit, scope))[["p10", "p50", "p90", "share_below_zero"]]
        table.insert(0, "net cost in the year", level.values)
        tables[measure] = table
    return _by_scenario(tables, benefit)


def _heading(table: pd.DataFrame | None, moving: pd.DataFrame, year: int) -> tuple[list[str], pd.DataFrame]:
    import pandas as pd

    if table is None:
        return ["One year has no slope."], pd.DataFrame()
    return [_slope(measure, row, year) for measure, row in table.iterrows()] + _still(moving, year), table


def _slope(measure: object, row: pd.Series, year: int) -> str:
    level, slope = row["net cost in the year"], row["p50"]
    what = "cost" if level > 0 else "reduction"
    growing = slope * level > 0
    way = "standing still" if slope == 0 else "growing" if growing else "shrinking"
    return (
        f"{measure}: in year {year} the middle run has a modelled {what} of {pounds(abs(level))} a year, {way} by "
        f"{pounds(abs(slope))} a year; it moves towards lower cost in {in_hundred(row['share_below_zero'])} runs."
    )


def _still(moving: pd.DataFrame, year: int) -> list[str]:
    """Say of each outcome whether its difference from the baseline still moves in the last year."""
    return [
        f"{row['', 'label']}: the difference from the baseline {_state(row, year)}." for _, row in moving.iterrows()
    ]


def _state(row: pd.Series, year: int) -> str:
    step, units = row[year, "middle"] - row[year - 1, "middle"], row["", "units"]
    if abs(step) < STANDS_STILL:
        return "has stopped moving"
    fineness = step_for(row[year, "low"], row[year, "high"], least_step(units))
    shown = change(step, units, fineness) if abs(step) >= fineness / 2 else f"less than {fineness:,g}"
    return f"still moves in the last year ({shown})"


def _agencies(benefit: CostBenefit, scenario: str) -> tuple[list[str], pd.DataFrame]:
    table = who_pays_who_gains(benefit, scenario)
    each = table.drop(index="total")
    payers, gainers = list(each.index[each["net"] > 0]), list(each.index[each["net"] < 0])
    sentences = [
        f"{name[:1].upper()}{name[1:]}: pays {pounds(row['pays'])} more, gains {pounds(row['gains'])}, "
        f"net {pounds(row['net'])}."
        for name, row in each.iterrows()
        if row["pays"] or row["gains"]
    ]
    if payers and gainers:
        sentences.append(
            f"The payer is not the gainer. Paying on balance: {', '.join(payers)}; gaining: {', '.join(gainers)}."
        )
    elif payers or gainers:
        sentences.append(f"No agency {'gains' if payers else 'pays'} on balance.")
    return sentences or ["No amounts differ from the baseline."], table


def _assumptions(
    drawn: Sequence[Assumption], answer: xr.DataArray, scope: Scope, years: int
) -> tuple[list[str], pd.DataFrame]:
    table = strongest(drawn, answer)
    if table.empty:
        return ["Too little varied, or too few draws were made, to tell which assumptions matter most."], table
    opening = (
        f"For the discounted net amount over {years} years ({scope.amount}, "
        f"{scope.agency or 'all agencies'}; mean {pounds(float(answer.mean()))}, above zero when it gains):"
    )
    return [opening, *(f"{row['finding']}." for _, row in table.iterrows())], table


def _people(table: pd.DataFrame, year: int) -> tuple[list[str], pd.DataFrame]:
    sentences = [f"Against the baseline at year {year}, middle run; in brackets 9 runs in 10."]
    for _, row in table.iterrows():
        changed = difference(row[year, "low"], row[year, "middle"], row[year, "high"], row["", "units"])
        sentences.append(f"{row['', 'label']}: {changed}.")
    return sentences, table


def _break_evens(benefit: CostBenefit, agency: str, *, cumulative: bool) -> dict[str, pd.DataFrame]:
    """Return when it breaks even, by scenario."""
    scopes = {
        f"Cash, {agency}": Scope(Amount.CASHABLE, agency=agency),
        f"Gross, {agency}": Scope(agency=agency),
        "Cash, all agencies": CASH,
        "Gross, all agencies": GROSS,
    }
    tables = {name: break_even_summary(benefit, scope, cumulative=cumulative) for name, scope in scopes.items()}
    return _by_scenario(tables, benefit)


def _by_scenario(tables: Mapping[str, pd.DataFrame], benefit: CostBenefit) -> dict[str, pd.DataFrame]:
    """Turn tables with a row for each scenario, one for each measure, into one for each scenario."""
    import pandas as pd

    rows = {name: {measure: table.loc[name] for measure, table in tables.items()} for name in benefit.scenarios}
    return {name: pd.DataFrame.from_dict(row, orient="index").rename_axis("measure") for name, row in rows.items()}


def _at(year: object) -> str:
    return "never" if year == "never" else f"year {year:.0f}"
