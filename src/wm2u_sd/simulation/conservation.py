"""The conservation ledger: at start + in = at end + out, for every population, scenario and draw."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.compile.lower import INTEGRAL
from wm2u_sd.errors import SimulationError
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Stock

if TYPE_CHECKING:
    import xarray as xr

TOLERANCE = 1e-9  # of the largest amount in the row
KEYS = ("at_start", "entered", "left", "at_end", "difference")

Amounts = Mapping[str, Array]
"""For each of `KEYS` an array (population, scenario, draw)."""


@dataclass(frozen=True, slots=True)
class Population:
    """Stocks whose contents are one population, and the flows that cross its edge."""

    name: str
    stocks: tuple[str, ...]
    entering: tuple[str, ...]
    leaving: tuple[str, ...]


def populations(model: Model) -> list[Population]:
    """Return the populations: as declared on the stocks, else the stocks that flows join together."""
    joined = _joined([stock for stock in model.stocks() if not stock.population])
    groups: dict[str, list[Stock]] = {}
    for stock in model.stocks():
        groups.setdefault(stock.population or joined[stock.name], []).append(stock)
    return [_population(name, stocks) for name, stocks in groups.items()]


def _joined(stocks: Sequence[Stock]) -> dict[str, str]:
    """Return for each stock the first one that flows join it to, in order of definition."""
    at: dict[str, list[Stock]] = {}
    for stock in stocks:
        for flow in (*stock.inflows, *stock.outflows):
            at.setdefault(flow, []).append(stock)
    first: dict[str, str] = {}
    for stock in stocks:
        waiting = [stock]
        while waiting:
            one = waiting.pop()
            if one.name not in first:
                first[one.name] = stock.name
                waiting += (other for flow in (*one.inflows, *one.outflows) for other in at[flow])
    return first


def _population(name: str, stocks: Sequence[Stock]) -> Population:
    inflows = dict.fromkeys(flow for stock in stocks for flow in stock.inflows)
    outflows = dict.fromkeys(flow for stock in stocks for flow in stock.outflows)
    return Population(
        name,
        tuple(stock.name for stock in stocks),
        tuple(flow for flow in inflows if flow not in outflows),
        tuple(flow for flow in outflows if flow not in inflows),
    )


def needed(population: Population) -> list[str]:
    """Return the names a run must keep for the ledger."""
    return [*population.stocks, *(INTEGRAL + flow for flow in (*population.entering, *population.leaving))]


def amounts(parts: Sequence[Population], at: Callable[[str, int], Array]) -> Amounts:
    """Return both sides of the ledger.

    Args:
        parts: The populations, one at least.
        at: Gives a name's total at the first (0) or the last moment (-1), (scenario, draw).
    """
    rows = [_row(population, at) for population in parts]
    return {key: np.array([row[key] for row in rows]) for key in KEYS}


def _row(population: Population, at: Callable[[str, int], Array]) -> Amounts:
    def total(names: Iterable[str], end: int) -> Array:
        whole = np.zeros_like(nothing)
        for name in names:
            whole += at(name, end)
        return whole

    nothing = at(population.stocks[0], 0)
    start, end = total(population.stocks, 0), total(population.stocks, -1)
    entered = total((INTEGRAL + flow for flow in population.entering), -1)
    left = total((INTEGRAL + flow for flow in population.leaving), -1)
    return dict(zip(KEYS, (start, entered, left, end, start + entered - left - end), strict=True))


def ledger_of(parts: Sequence[str], sides: Amounts, where: Mapping[str, Any]) -> xr.Dataset:
    """Label both sides of the ledger: populations by name, and coordinates of the dimensions after them."""
    import xarray as xr

    names = {"population": list(parts), **where}
    shape = tuple(len(labels) for labels in names.values())
    return xr.Dataset({key: (tuple(names), np.reshape(sides[key], shape)) for key in KEYS}, names)


def check_amounts(parts: Sequence[Population], sides: Amounts) -> None:
    """Refuse a run that made or lost anybody.

    Raises:
        SimulationError: In some draw the two sides differ by more than 1e-9 of the larger, or are no numbers.
    """
    if not sides["difference"].size:
        return
    largest = {key: np.abs(values).max(axis=(1, 2)) for key, values in sides.items()}
    worst = largest["difference"] / (largest["at_start"] + largest["entered"] + 1e-300)
    for population, gap in zip(parts, worst, strict=True):
        if not gap <= TOLERANCE:
            raise SimulationError(
                f"{population.name}: start + in and end + out differ by {gap:.2g} of the total; "
                "the step is too long for the fastest flow, or a flow runs backwards out of an empty stock"
            )


def ledger_text(ledger: xr.Dataset) -> str:
    """Print the ledger: the middle draw (or block) of every population and scenario, and the largest difference."""
    heads = "".join(f"{head:>14}" for head in ("at start", "+ in", "- out", "= at end"))
    lines = [f"{'population':<22}{'scenario':<20}{heads}{'largest gap':>13}"]
    for name in ledger["population"].values:
        for scenario in ledger["scenario"].values:
            row = ledger.sel(population=name, scenario=scenario)
            middle = row.median()
            figures = "".join(f"{float(middle[k]):>14,.1f}" for k in ("at_start", "entered", "left", "at_end"))
            gap = float(abs(row["difference"]).max())
            lines.append(f"{name!s:<22}{scenario!s:<20}{figures}{gap:>13.1e}")
    return "\n".join(lines)
