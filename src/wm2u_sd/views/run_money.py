"""What the scenarios of any priced run cost and save: one table."""

from __future__ import annotations

from itertools import product

from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.measures import CASH, GROSS, Amount, Scope, agencies, net_cost
from wm2u_sd.economics.prices import money_unit
from wm2u_sd.economics.wording import difference, in_hundred
from wm2u_sd.simulation.run import Run
from wm2u_sd.views.figures import spread
from wm2u_sd.views.table import NINE_RUNS, Table, framed

HEADS = ("Scenario", "Counted", "Net cost", "Share of runs that cost less")
COLUMNS = ("scenario", "counted", "low", "middle", "high", "share_below_zero", "years", "units")


def scopes(benefit: CostBenefit) -> dict[str, Scope]:
    """Return what is counted, by what it is called: fiscal amounts of everybody, and each agency's cash."""
    own = {f"cash, {agency}": Scope(Amount.CASHABLE, agency=agency) for agency in agencies(benefit)}
    return {"gross, all agencies": GROSS, "cash, all agencies": CASH, **own}


def money_table(run: Run, benefit: CostBenefit) -> Table:
    """Return the discounted net cost of every scenario over the horizon, gross and cash, with its range over runs."""
    units, rows, found = money_unit(benefit.prices), [], []
    counts = scopes(benefit)
    so_far = {
        counted: net_cost(benefit, scope, discounted=True, cumulative=True).sel(year=[benefit.years])
        for counted, scope in counts.items()
    }
    for scenario, counted in product(benefit.scenarios, counts):
        own = so_far[counted].sel(scenario=scenario)
        (fan,) = spread(own, "year").to_dict("records")
        low, middle, high = (float(fan[name]) for name in ("low", "middle", "high"))
        below = float((own < 0).mean())
        rows.append([_label(run, scenario), counted, difference(low, middle, high, units), in_hundred(below)])
        found.append((scenario, counted, low, middle, high, below, benefit.years, units))
    years = "1 year" if benefit.years == 1 else f"{benefit.years} years"
    against, prices = _label(run, benefit.against), benefit.prices
    caption = (
        f"Discounted net cost over {years} against '{against}', pounds at {prices} prices; less is saved. Middle run. "
        f"{NINE_RUNS} Gross and cash are never added, nor is what is not fiscal."
    )
    return Table("money", caption, list(HEADS), rows, framed(found, list(COLUMNS)), is_grouped=True)


def _label(run: Run, scenario: str) -> str:
    return run.scenarios[scenario].label or scenario.replace("_", " ")
