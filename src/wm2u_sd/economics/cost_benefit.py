"""Cost and benefit of scenarios against a baseline: what a run counted, priced line by line and year by year."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from wm2u_sd.economics.counting import RunLike
from wm2u_sd.economics.discounting import DiscountSchedule, Timing, load_schedule, read_timing
from wm2u_sd.economics.draws import draw_beliefs
from wm2u_sd.economics.ledger import CostLine, Uncertain, check_ledger
from wm2u_sd.economics.prices import Deflator, PriceYear, load_deflator, money_unit, read_year
from wm2u_sd.economics.pricing import Priced, Pricer, calendar_of
from wm2u_sd.errors import MoneyError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr


class View(StrEnum):
    """How doubt is carried; never two ways at once, which would count the same doubt twice."""

    POINT = "point"
    POSTERIOR = "posterior"
    OPTIMISM = "optimism"


@dataclass(frozen=True)
class CostBenefit:
    """Yearly amounts of every ledger line, as differences from a baseline.

    Attributes:
        data: `gross` and `cashable` (scenario, draw, year, line) in pounds of one price year, above zero when the
            scenario costs more than the baseline; `carried`, the cash still on its way at the end of the year;
            `discount_factor` (year) of the main schedule and `line_discount_factor` (year, line) of each line's own.
            Years 1 to `beyond`; line coordinates payer, gainer, kind, category, label, spending.
        parameters: Draws of the ledger's uncertain numbers, dims (draw,).
        lines: The ledger.
        against: The baseline scenario.
        years: Horizon of the analysis; later years are shown but not judged.
        beyond: Last year worked out.
        prices: Price year.
        timing: When in a year its money flows.
        view: point, posterior or optimism.
        notes: What was done to the figures: prices, discounting, growth, delays.
        provenance: Of the run, with the settings of the analysis.
        known: Measures that have been worked out, by what was asked; see `measures.net_cost`.
    """

    data: xr.Dataset
    parameters: xr.Dataset
    lines: tuple[CostLine, ...]
    against: str
    years: int
    beyond: int
    prices: str
    timing: Timing
    view: View
    notes: tuple[str, ...]
    provenance: Mapping[str, str] = field(default_factory=dict)
    known: dict[Hashable, xr.DataArray] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def scenarios(self) -> tuple[str, ...]:
        """Every scenario but the baseline."""
        return tuple(str(name) for name in self.data["scenario"].values if str(name) != self.against)

    def __repr__(self) -> str:
        opening = (
            f"Cost and benefit of {', '.join(self.scenarios)} against {self.against}: "
            f"{self.data.sizes['draw']:,} draws ({self.view}), years 1 to {self.beyond}, judged at {self.years}"
        )
        return "\n".join([opening, *(f"  {note}" for note in self.notes)])


def cost_benefit(
    run: RunLike,
    lines: Sequence[CostLine],
    *,
    against: str,
    start: float = 0.0,
    years: int = 10,
    beyond: int = 20,
    prices: PriceYear = 2024,
    schedule: str = "standard",
    timing: Timing | str = Timing.MID_YEAR,
    seed: str = "wm2u",
    deflator: Deflator | None = None,
) -> CostBenefit:
    """Price what a run counted, line by line and year by year, as differences from a baseline scenario.

    Draws are compared with the same draw of the baseline. With more than one draw the uncertain numbers of the
    ledger are drawn too, each from a stream of its own name; with one draw they stand at their values.

    Args:
        run: A run with `cumulative_<driver>` for every driver, saved at every year's end.
        lines: The ledger.
        against: Name of the baseline scenario.
        start: Model time at which year 1 begins; amounts are discounted to it and real growth counts from it.
        years: Horizon that is judged.
        beyond: Last year worked out, at least `years`.
        prices: Price year of the result.
        schedule: Discount schedule of lines that name none.
        timing: When in a year its money is taken to flow.
        seed: Names the set of random streams.
        deflator: Prices by year; None takes the shipped table.

    Raises:
        MoneyError: The baseline, a driver, a scale, a price year or a year's end is not there, or units do not give
            money.
    """
    check_ledger(lines)
    if not 1 <= years <= beyond:
        raise MoneyError(f"years is {years} and beyond is {beyond}; give 1 <= years <= beyond")
    scenarios = [str(name) for name in run.data["scenario"].values]
    if against not in scenarios:
        raise MoneyError(
            f"There is no scenario {against!r} to compare with; the run has {', '.join(scenarios)}."
            f"{did_you_mean(against, scenarios)}"
        )
    prices, when = read_year(prices), read_timing(timing)
    deflator = deflator or load_deflator()
    rates = {
        name: load_schedule(name) for name in dict.fromkeys([schedule, *(line.schedule for line in lines)]) if name
    }
    main = rates[schedule]
    beliefs = _beliefs(run, lines, seed)
    pricer = Pricer(run, against, calendar_of(run, start, beyond), beliefs, deflator, prices)
    priced = [pricer.price(line) for line in lines]
    return CostBenefit(
        data=_assemble(run, lines, priced, [rates[line.schedule or schedule] for line in lines], main, when, prices),
        parameters=_as_dataset(beliefs, lines, run.data["draw"]),
        lines=tuple(lines),
        against=against,
        years=years,
        beyond=beyond,
        prices=prices,
        timing=when,
        view=View.POSTERIOR if _n_draws(run) > 1 else View.POINT,
        notes=_notes(lines, priced, list(rates.values()), deflator, prices, when),
        provenance={
            **run.provenance,
            "prices": prices,
            "deflator": f"{deflator.source}, table of {deflator.vintage}",
            "discounting": main.describe(),
            "timing": str(when),
            "against": against,
            "money seed": seed,
        },
    )


def _beliefs(run: RunLike, lines: Sequence[CostLine], seed: str) -> dict[str, np.ndarray]:
    """Draw the ledger's uncertain numbers; a draw keeps its own whichever other draws failed."""
    from wm2u_sd.simulation.streams import uniforms

    n_draws = _n_draws(run)
    drawn = draw_beliefs(lines, n_draws, partial(uniforms, seed) if n_draws > 1 else None)
    labels = run.data["draw"].values.astype(int)
    return {name: values[labels] for name, values in drawn.items()}


def _n_draws(run: RunLike) -> int:
    """Return how many draws were made, with those that failed and were left out."""
    return int(run.provenance.get("draws", int(run.data["draw"].max()) + 1))


def _assemble(
    run: RunLike,
    lines: Sequence[CostLine],
    priced: Sequence[Priced],
    rates: Sequence[DiscountSchedule],
    main: DiscountSchedule,
    timing: Timing,
    prices: str,
) -> xr.Dataset:
    import numpy as np
    import xarray as xr

    dims, unit = ("scenario", "draw", "year", "line"), money_unit(prices)
    n_years = priced[0].gross.shape[-1]
    factors = np.stack([rate.yearly(n_years, timing) for rate in rates], -1)
    named = {
        "gross": "Modelled contribution to cost, against the baseline",
        "cashable": "Part of it that is felt as cash in the year",
        "carried": "Part of it that will be felt as cash later",
    }
    data = {
        name: (dims, np.stack([getattr(one, name) for one in priced], -1), {"units": unit, "long_name": meaning})
        for name, meaning in named.items()
    }
    return xr.Dataset(
        {
            **data,
            "discount_factor": ("year", main.yearly(n_years, timing), {"units": "dmnl", "long_name": main.describe()}),
            "line_discount_factor": (("year", "line"), factors, {"units": "dmnl", "long_name": "Discount factor"}),
        },
        coords={
            "scenario": [str(name) for name in run.data["scenario"].values],
            "draw": run.data["draw"].values,
            "year": np.arange(1, n_years + 1),
            "line": [line.name for line in lines],
            "payer": ("line", [line.payer for line in lines]),
            "gainer": ("line", [line.gains for line in lines]),
            "kind": ("line", [str(line.kind) for line in lines]),
            "category": ("line", [line.category for line in lines]),
            "label": ("line", [line.label or line.name for line in lines]),
            "spending": ("line", [line.is_spending for line in lines]),
        },
    )


def _as_dataset(beliefs: Mapping[str, np.ndarray], lines: Sequence[CostLine], draw: xr.DataArray) -> xr.Dataset:
    import xarray as xr

    meanings = {
        name: f"{belief.shared or line.label or line.name}: {field.replace('_', ' ')}"
        for line in lines
        for field, name, belief in line.beliefs
    }
    return xr.Dataset(
        {name: ("draw", values, {"long_name": meanings[name]}) for name, values in beliefs.items()},
        coords={"draw": draw.values},
    )


def _notes(
    lines: Sequence[CostLine],
    priced: Sequence[Priced],
    rates: Sequence[DiscountSchedule],
    deflator: Deflator,
    prices: str,
    timing: Timing,
) -> tuple[str, ...]:
    """Say everything that was done to the figures, one sentence each."""
    notes = [f"Amounts are in pounds at {prices} prices, {rate.describe()}, {timing} timing." for rate in rates]
    for line, one in zip(lines, priced, strict=True):
        if one.quoted != prices:
            notes.append(f"{line.label or line.name}: {deflator.describe(one.quoted, prices)}.")
        if line.real_growth.value or line.real_growth.prior:
            notes.append(
                f"{line.label or line.name}: the unit cost grows above general prices from the start, by "
                f"{100 * line.real_growth.value:.3g}% a year{_drawn(line.real_growth)}."
            )
        if line.cashable_share is not None:
            notes.append(
                f"{line.label or line.name}: {100 * line.cashable_share.value:.3g}%{_drawn(line.cashable_share)} of a "
                f"change, up or down, is felt as cash, after {line.cashable_delay.value:.3g} months on average"
                f"{_drawn(line.cashable_delay)}."
            )
    return tuple(notes)


def _drawn(belief: Uncertain) -> str:
    return f" (believed between {belief.prior.low:g} and {belief.prior.high:g})" if belief.prior else ""
