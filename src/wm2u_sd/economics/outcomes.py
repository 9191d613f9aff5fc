"""Outcomes beside money: changes against the baseline, with headline outcomes never shown without their companions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wm2u_sd.economics.counting import RunLike, pick, year_marks
from wm2u_sd.errors import ModelError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr

NINE_IN_TEN = {"low": 0.05, "middle": 0.5, "high": 0.95}


@dataclass(frozen=True, slots=True)
class Pairing:
    """A headline outcome and what must stand beside it (OUT-1).

    Attributes:
        headline: Name of an outcome that misleads on its own.
        companions: Names of outcomes shown whenever it is.
    """

    headline: str
    companions: tuple[str, ...]


def outcome_table(
    run: RunLike,
    outcomes: Sequence[str],
    *,
    against: str,
    scenarios: Sequence[str] = (),
    pairings: Sequence[Pairing] = (),
    years: Sequence[int] = (1, 3, 10),
    start: float = 0.0,
) -> pd.DataFrame:
    """Return how outcomes differ from the baseline at the end of some years.

    Args:
        run: A run that holds the outcomes.
        outcomes: Names of variables, with an element between brackets when they are over dimensions.
        against: The baseline scenario.
        scenarios: Which to show; none takes all but the baseline.
        pairings: Headlines with their companions.
        years: Years from `start` whose ends are shown.
        start: Model time at which year 1 begins.

    Returns:
        Rows (scenario, outcome); columns (year, low | middle | high), 9 draws in 10 between
        low and high; and ("", "label"), ("", "units").

    Raises:
        ModelError: A headline without its companions, or no such scenario.
        MoneyError: An outcome or the end of a year is not in the run.
    """
    import pandas as pd

    check_pairings(outcomes, pairings)
    names = [str(name) for name in run.data["scenario"].values]
    shown = list(scenarios) or [name for name in names if name != against]
    for name in (against, *shown):
        if name not in names:
            raise ModelError(f"There is no scenario {name!r}; there are {', '.join(names)}.{did_you_mean(name, names)}")
    marks = year_marks(run.data, start, max(years))
    values = {outcome: pick(run.data, outcome, total=False) for outcome in outcomes}
    changes = {
        outcome: _changes(one.isel(time=[marks[year] for year in years]), against, shown)
        for outcome, one in values.items()
    }
    rows = {
        (name, outcome): _row(one, changes[outcome][:, at], years)
        for at, name in enumerate(shown)
        for outcome, one in values.items()
    }
    index = pd.MultiIndex.from_tuples(list(rows), names=["scenario", "outcome"])
    table = pd.DataFrame(list(rows.values()), index=index)
    table.columns = pd.MultiIndex.from_tuples(table.columns)
    return table


def check_pairings(outcomes: Sequence[str], pairings: Sequence[Pairing]) -> None:
    """Refuse a headline outcome whose companions are not shown with it (OUT-1).

    Raises:
        ModelError: With the companions that are missing.
    """
    for pairing in pairings:
        missing = [name for name in pairing.companions if name not in outcomes]
        if pairing.headline in outcomes and missing:
            raise ModelError(
                f"{pairing.headline!r} is not shown on its own: {', '.join(missing)} must stand beside it (OUT-1); "
                f"add {'it' if len(missing) == 1 else 'them'} to the outcomes"
            )


def _changes(values: xr.DataArray, against: str, shown: Sequence[str]) -> np.ndarray:
    """Return the ends and the middle of the differences over draws, shape (share, scenario, time)."""
    import numpy as np

    difference = values.sel(scenario=list(shown)) - values.sel(scenario=against)
    changes: np.ndarray = np.nanquantile(difference.values, list(NINE_IN_TEN.values()), axis=1)
    return changes


def _row(values: xr.DataArray, changes: np.ndarray, years: Sequence[int]) -> dict[tuple[object, str], object]:
    row: dict[tuple[object, str], object] = {
        ("", "label"): str(values.attrs.get("long_name") or values.name),
        ("", "units"): str(values.attrs.get("units", "")),
    }
    for position, year in enumerate(years):
        row |= {(year, name): float(change) for name, change in zip(NINE_IN_TEN, changes[:, position], strict=True)}
    return row
