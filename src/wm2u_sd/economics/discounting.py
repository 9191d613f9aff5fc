"""Discounting: what money later counts for, by a dated schedule of rates that changes with distance in time."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from wm2u_sd.economics.tables import number, only, read_table, table_path
from wm2u_sd.errors import FileError, MoneyError, did_you_mean

if TYPE_CHECKING:
    import numpy as np


class Timing(StrEnum):
    """When in a year its money is taken to flow."""

    CONTINUOUS = "continuous"
    MID_YEAR = "mid-year"
    END_YEAR = "end-year"


@dataclass(frozen=True, slots=True)
class Band:
    """One rate for a stretch of years.

    Attributes:
        start, end: Years from now; the rate holds after `start` and up to `end`.
        rate: Real rate, 1/year.
    """

    start: float
    end: float
    rate: float


@dataclass(frozen=True)
class DiscountSchedule:
    """A named schedule of one edition of the guidance; rates compound band by band.

    Attributes:
        name: 'standard', 'health' or 'reduced' in the shipped table.
        bands: Without gaps, from year 0.
        edition: The guidance it is taken from.
        vintage: When that edition came out.
    """

    name: str
    bands: tuple[Band, ...]
    edition: str
    vintage: str

    def factor(self, years: float) -> float:
        """Return the value now of 1 paid `years` from now; 1 at year 0.

        Raises:
            MoneyError: `years` is negative, not finite, or beyond the last band.
        """
        if not 0 <= years <= self.bands[-1].end:
            raise MoneyError(
                f"No discount factor for year {years:g}: schedule {self.name!r} ({self.edition}) "
                f"runs from year 0 to year {self.bands[-1].end:g}"
            )
        logs = (math.log1p(band.rate) * max(0.0, min(years, band.end) - band.start) for band in self.bands)
        return math.exp(-sum(logs))

    def yearly(self, years: int, timing: Timing | str = Timing.MID_YEAR) -> np.ndarray:
        """Return the factor of each year 1 to `years`, shape (year,).

        Continuous timing gives the mean factor over the year: the value now of 1 that flows evenly through it.
        """
        import numpy as np

        one = {
            Timing.CONTINUOUS: self._mean,
            Timing.MID_YEAR: lambda year: self.factor(year - 0.5),
            Timing.END_YEAR: self.factor,
        }[read_timing(timing)]
        return np.array([one(year) for year in range(1, years + 1)], dtype=float)

    def describe(self) -> str:
        """Say in one sentence which schedule this is."""
        first = self.bands[0]
        return (
            f"discounted at {100 * first.rate:g}% a year real for the first {first.end:g} years "
            f"(schedule {self.name!r}, {self.edition}, table of {self.vintage})"
        )

    def _mean(self, year: int) -> float:
        """Mean factor over the year that ends at `year`; bands end on whole years, so one rate holds within it."""
        force = math.log1p(next(band.rate for band in self.bands if year <= band.end))
        if force == 0:
            return self.factor(year)
        return (self.factor(year - 1) - self.factor(year)) / force


def load_schedule(name: str = "standard", path: str | Path | None = None) -> DiscountSchedule:
    """Read one discount schedule from a dated table; None reads the shipped one.

    Raises:
        MoneyError: The table holds no schedule of that name.
        FileError: The table is damaged, or the bands of the schedule leave a gap.
    """
    path = table_path("discount_rates.csv") if path is None else path
    rows = read_table(path, ("schedule", "from_year", "to_year", "rate", "edition", "vintage", "source"))
    chosen = [row for row in rows if row["schedule"] == name]
    if not chosen:
        known = sorted({row["schedule"] for row in rows})
        raise MoneyError(
            f"There is no discount schedule {name!r}; {Path(path).name} holds {', '.join(known)}."
            f"{did_you_mean(name, known)}"
        )
    bands = tuple(
        Band(max(0.0, number(row, "from_year", path) - 1), number(row, "to_year", path), number(row, "rate", path))
        for row in chosen
    )
    _check_bands(bands, name, path)
    return DiscountSchedule(name, bands, only(chosen, "edition", path), only(chosen, "vintage", path))


def read_timing(timing: Timing | str) -> Timing:
    """Return the timing a text names.

    Raises:
        MoneyError: It names none.
    """
    try:
        return Timing(timing)
    except ValueError:
        known = ", ".join(repr(str(one)) for one in Timing)
        raise MoneyError(f"Timing {timing!r} is not one of {known}") from None


def _check_bands(bands: tuple[Band, ...], name: str, path: str | Path) -> None:
    ends = [0.0, *(band.end for band in bands)]
    for band, end in zip(bands, ends, strict=False):
        if band.start != end or band.end <= band.start or band.end % 1 or band.rate <= -1:
            raise FileError(
                f"{path}: schedule {name!r} has a band of {band.start:g} to {band.end:g} years at {band.rate:g} "
                f"after year {end:g}; bands are whole years and follow one another without gaps"
            )
