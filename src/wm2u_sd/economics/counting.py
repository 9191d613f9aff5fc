"""What a run counted: amounts accumulated since the start, years, and constants, by name and with units."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

from wm2u_sd.economics.money_units import DAYS
from wm2u_sd.errors import MoneyError, did_you_mean

if TYPE_CHECKING:
    import numpy as np
    import xarray as xr

_PICK = re.compile(r"(\w+)\s*(?:\[([\w\s,]+)\])?")
_TIME_TOLERANCE = 1e-6  # of a year; saved times are worked out in exact fractions, year lengths are not


class RunLike(Protocol):
    """What this package needs of a run: labelled results, drawn constants, the model and the provenance."""

    @property
    def data(self) -> xr.Dataset:
        """Results, dims (scenario, draw, time, ...)."""

    @property
    def parameters(self) -> xr.Dataset:
        """Constants that vary between draws, dims (draw, ...)."""

    @property
    def model(self) -> Any:
        """The model that was run."""

    @property
    def provenance(self) -> Mapping[str, str]:
        """Where the results come from; `draws` says how many were made."""


def base_and_elements(name: str) -> tuple[str, list[str]]:
    """Split 'waiting[north, young]' into 'waiting' and its elements."""
    match = _PICK.fullmatch(name.strip())
    if not match:
        return name, []
    return match[1], [element.strip() for element in (match[2] or "").split(",") if element.strip()]


def pick(data: xr.Dataset, name: str, *, prefix: str = "", total: bool) -> xr.DataArray:
    """Return one variable of a run, with dims (scenario, draw, time).

    Args:
        data: Results of a run.
        name: Name of a variable, with elements between brackets when it is over dimensions.
        prefix: Put before the name, e.g. 'cumulative_'.
        total: Sum the dimensions left over; only right for amounts. Otherwise they are refused.

    Raises:
        MoneyError: The run does not hold it, or a dimension is left over.
    """
    base, elements = base_and_elements(name)
    key = prefix + base
    if key not in data:
        known = [str(one).removeprefix(prefix) for one in data if str(one).startswith(prefix)]
        hint = " Name it in 'accumulate' when simulating." if prefix else ""
        raise MoneyError(f"The run does not hold {key!r}.{hint}{did_you_mean(key.removeprefix(prefix), known)}")
    chosen = data[key]
    for element in elements:
        chosen = _select(chosen, element, name)
    extra = [dim for dim in chosen.dims if dim not in ("scenario", "draw", "time")]
    if extra and not total:
        raise MoneyError(f"{name!r} is over {', '.join(map(str, extra))}; name an element, as in {key}[element]")
    return chosen.sum(extra, keep_attrs=True).transpose("scenario", "draw", "time")


def year_marks(data: xr.Dataset, start: float, years: int) -> list[int]:
    """Return the positions in time of the ends of years 0 to `years` after `start`.

    Raises:
        MoneyError: The run does not reach or did not save one of them, or its unit of time is not known.
    """
    import numpy as np

    time = data["time"]
    unit = str(time.attrs.get("units", ""))
    if unit not in DAYS:
        raise MoneyError(f"The run's time is in {unit!r}; money by year needs one of {', '.join(DAYS)}")
    values, length = np.asarray(time.values, dtype=float), DAYS["year"] / DAYS[unit]
    marks = [start + year * length for year in range(years + 1)]
    nearest = [int(np.abs(values - mark).argmin()) for mark in marks]
    for year, (mark, at) in enumerate(zip(marks, nearest, strict=True)):
        if abs(values[at] - mark) > _TIME_TOLERANCE * max(1.0, length):
            raise MoneyError(
                f"Year {year} ends at time {mark:g} {unit}, which the run does not hold (it runs from {values[0]:g} to "
                f"{values[-1]:g}; nearest {values[at]:g}); simulate longer, ask for fewer years, or choose a saveper "
                f"that divides {length:g}"
            )
    return nearest


def constant_draws(run: RunLike, name: str, where: str) -> tuple[np.ndarray, str]:
    """Return a constant's value in every draw, shape (draw,), and its unit.

    Raises:
        MoneyError: No such constant, or it is over dimensions.
    """
    import numpy as np

    if name in run.parameters:
        drawn = run.parameters[name].sel(draw=run.data["draw"])
        values, unit = np.asarray(drawn.values, dtype=float), str(drawn.attrs.get("units", ""))
    else:
        constants = {key: one for key, one in run.model.variables.items() if hasattr(one, "value")}
        if name not in constants:
            raise MoneyError(f"{where}: there is no constant {name!r} to scale by.{did_you_mean(name, constants)}")
        values, unit = np.asarray(constants[name].value, dtype=float), str(constants[name].units)
        values = np.full(run.data.sizes["draw"], values) if values.ndim == 0 else values[None]
    if values.ndim != 1:
        raise MoneyError(f"{where}: constant {name!r} is over dimensions; a scale is one number")
    return values, unit


def _select(chosen: xr.DataArray, element: str, name: str) -> xr.DataArray:
    for dim in chosen.dims:
        if dim not in ("scenario", "draw", "time") and element in chosen[dim].values:
            return chosen.sel({dim: element})
    raise MoneyError(f"{name!r}: no dimension of {chosen.name!r} has an element {element!r}")
