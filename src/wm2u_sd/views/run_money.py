"""What the scenarios of any priced run cost and save, and the unit costs behind it."""

from __future__ import annotations

from itertools import product

from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.measures import CASH, GROSS, Amount, Scope, agencies, net_cost
from wm2u_sd.economics.prices import money_unit
from wm2u_sd.economics.wording import difference, in_hundred, quantity, span
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
        rows.append([run.scenarios[scenario].called, counted, difference(low, middle, high, units), in_hundred(below)])
        found.append((scenario, counted, low, middle, high, below, benefit.years, units))
    years = "1 year" if benefit.years == 1 else f"{benefit.years} years"
    against, prices = run.scenarios[benefit.against].called, benefit.prices
    caption = (
        f"Discounted net cost over {years} against '{against}', pounds at {prices} prices; less is saved. Middle run. "
        f"{NINE_RUNS} Gross and cash are never added, nor is what is not fiscal."
    )
    return Table("money", caption, list(HEADS), rows, framed(found, list(COLUMNS)), is_grouped=True)


def unit_costs_table(benefit: CostBenefit) -> Table:
    """Return every line of the ledger: what is counted at which unit cost, who pays, and how well it is known."""
    rows, found = [], []
    for line in benefit.lines:
        cost, prior = line.unit_cost, line.unit_cost.prior
        ends = (prior.low, prior.high) if prior else (float("nan"), float("nan"))
        believed = span(*ends, line.units) if prior else ""
        who = line.payer if line.gains == line.payer else f"{line.payer}; {line.gains} gains"
        rows.append(
            [line.label, quantity(cost.value, line.units), believed, who, str(line.kind), line.grade, line.source]
        )
        found.append((line.name, line.driver, cost.value, *ends, line.units, line.payer, line.gains, str(line.kind),
                      line.grade, line.source))  # fmt: skip
    heads = ["What", "Unit cost", "Range", "Who pays", "Kind", "Grade", "Source"]
    columns = ["line", "driver", "value", "low", "high", "units", "payer", "gainer", "kind", "grade", "source"]
    caption = "Every line of the ledger. Grades: A measured, B published, C derived, D elicited or judged."
    return Table("unit_costs", caption, heads, rows, framed(found, columns))
