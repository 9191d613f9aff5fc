"""Summaries over draws: mean, standard deviation and quantiles, reading a few moments of one variable at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.errors import ModelError
from wm2u_sd.simulation.run import Run

if TYPE_CHECKING:
    import xarray as xr

AT_ONCE = 64_000_000  # bytes of values that are read at a time, where a moment is not larger than that
STATISTICS = ("mean", "sd")
DEFAULT_QUANTILES = (0.05, 0.5, 0.95)


def summary_over_draws(run: Run, quantiles: Sequence[float] = DEFAULT_QUANTILES) -> xr.Dataset:
    """Summarise every variable of a run over its draws, exactly, in little memory.

    Args:
        run: Any run, kept in memory or stored.
        quantiles: Between 0 and 1; straight lines between neighbouring draws, as NumPy does.

    Returns:
        Each variable with dims statistic, scenario, time and then those of the model. `statistic` is 'mean', 'sd' (the
        root of the mean square deviation) and each quantile as text, such as '0.05'.

    Raises:
        ModelError: A quantile is not between 0 and 1.
    """
    import xarray as xr

    wanted = _checked(quantiles)
    names = [*STATISTICS, *(f"{quantile:g}" for quantile in wanted)]
    found = {str(name): _summarised(values, wanted) for name, values in run.data.data_vars.items()}
    where = {name: values for name, values in run.data.coords.items() if name != "draw"}
    return xr.Dataset(found, {**where, "statistic": names}, run.data.attrs)


def _checked(quantiles: Sequence[float]) -> list[float]:
    wanted = [float(quantile) for quantile in quantiles]
    for quantile in wanted:
        if not 0 <= quantile <= 1:
            raise ModelError(f"quantiles: {quantile:g} is not between 0 and 1; 0.05 stands for the 5% point")
    return wanted


def _summarised(values: xr.DataArray, quantiles: Sequence[float]) -> Any:
    """Return one variable summarised: its dimensions, numbers and attributes."""
    n_scenarios, n_draws, n_moments, *shape = values.shape
    moments = max(1, AT_ONCE // (8 * n_draws * int(np.prod(shape, dtype=int)) or 1))
    whole = np.empty((len(STATISTICS) + len(quantiles), n_scenarios, n_moments, *shape))
    for scenario in range(n_scenarios):
        for first in range(0, n_moments, moments):
            own = slice(first, first + moments)
            draws = values.isel(scenario=scenario, time=own).values
            whole[:, scenario, own] = _statistics(draws, quantiles)
    return ("statistic", "scenario", *values.dims[2:]), whole, values.attrs


def _statistics(draws: Array, quantiles: Sequence[float]) -> Array:
    """Return mean, standard deviation and quantiles over the first axis, each moment by itself."""
    apart = np.ascontiguousarray(np.moveaxis(draws, 0, -1))
    points = np.quantile(apart, quantiles, axis=-1) if quantiles else np.empty((0, *apart.shape[:-1]))
    return np.stack([apart.mean(axis=-1), apart.std(axis=-1), *points])
