"""Observations: what was counted, when, and which value of the model it is a count of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from wm2u_sd.errors import CalibrationError
from wm2u_sd.model.timing import Time
from wm2u_sd.simulation.run import CUMULATIVE

if TYPE_CHECKING:
    import xarray as xr

    from wm2u_sd.backends.base import Array


@dataclass(frozen=True, slots=True)
class Series:
    """How one measure observes the model.

    Attributes:
        name: Name of the measure in the data.
        observes: Name in the model: a stock or auxiliary for a count at a date, anything with a rate for a count over
            time.
        kind: 'stock' (a count on a day) or 'flow' (a count over a period: the integral, never the rate at its end).
        period: Length of the period of a flow, in the model's unit of time.
        relative, absolute: Error of one count: standard deviation = sqrt(absolute^2 + (relative * value)^2).
    """

    name: str
    observes: str
    kind: str
    period: float = 0.0
    relative: float = 0.0
    absolute: float = 1.0


@dataclass(frozen=True, slots=True)
class Count:
    """One published figure.

    Attributes:
        series: Which measure.
        time: When: the date of a stock, the end of the period of a flow, in the model's time.
        value: The figure. A figure that was suppressed or not published is absent, never 0.
    """

    series: str
    time: float
    value: float
    source: str = ""
    grade: str = ""


@dataclass(frozen=True)
class Observations:
    """Series and counts, in one order.

    Raises:
        CalibrationError: A count of an unknown series, a kind that is neither stock nor flow, or a figure that is no
            number.
    """

    series: Sequence[Series]
    counts: Sequence[Count]

    def __post_init__(self) -> None:
        known = {series.name for series in self.series}
        for series in self.series:
            if series.kind not in ("stock", "flow"):
                raise CalibrationError(f"series '{series.name}': kind is '{series.kind}'; it must be stock or flow")
            if series.kind == "flow" and series.period <= 0:
                raise CalibrationError(f"series '{series.name}': a flow needs the length of its period")
        for count in self.counts:
            if count.series not in known:
                raise CalibrationError(f"count at {count.time:g}: there is no series '{count.series}'")
            if not np.isfinite(count.value):
                raise CalibrationError(
                    f"{count.series} at {count.time:g}: {count.value} is not a count; leave out what was not published"
                )

    def of(self, name: str) -> Series:
        """Return a series by name."""
        return next(series for series in self.series if series.name == name)

    def values(self) -> Array:
        """Return the figures, shape (count,)."""
        return np.array([count.value for count in self.counts], float)

    def spreads(self) -> Array:
        """Return the standard deviation of each figure, shape (count,)."""
        pairs = [(self.of(count.series), count.value) for count in self.counts]
        return np.array([np.hypot(series.absolute, series.relative * value) for series, value in pairs])

    def accumulated(self) -> list[str]:
        """Return the model names whose running integral is needed."""
        return list(dict.fromkeys(series.observes for series in self.series if series.kind == "flow"))

    def observed(self) -> list[str]:
        """Return the model names whose value is needed."""
        return list(dict.fromkeys(series.observes for series in self.series if series.kind == "stock"))

    def check_times(self, time: Time) -> None:
        """Refuse counts that fall between the moments a run keeps.

        Raises:
            CalibrationError: A date, or the start of a period, is not a kept moment of the run.
        """
        kept = set(time.saved_times())
        for count in self.counts:
            series = self.of(count.series)
            wanted = [count.time] + ([count.time - series.period] if series.kind == "flow" else [])
            for moment in wanted:
                if moment not in kept:
                    raise CalibrationError(
                        f"{count.series}: {moment:g} {time.units} is not a moment the run keeps "
                        f"(from {time.start:g} to {time.end:g}, every {float(time.saveper or time.dt):g}); "
                        "leave the count out or keep more moments"
                    )

    def predicted(self, data: xr.Dataset) -> Array:
        """Return what a run says each count should have been, shape (draw, count)."""
        at = {float(time): position for position, time in enumerate(data["time"].values)}
        values = {s.name: _over_time(data, s) for s in self.series}
        return np.array([_one(values[count.series], self.of(count.series), count.time, at) for count in self.counts]).T


def _over_time(data: xr.Dataset, series: Series) -> Array:
    """Return what a series observes in a run of one scenario, shape (time, draw)."""
    name = series.observes if series.kind == "stock" else CUMULATIVE + series.observes
    values: Array = data[name].isel(scenario=0).transpose("time", "draw").values
    return values


def _one(values: Array, series: Series, time: float, at: Mapping[float, int]) -> Array:
    """Return what a run says a count at a time should have been, shape (draw,)."""
    found: Array = values[at[time]]
    return found if series.kind == "stock" else found - values[at[time - series.period]]
