"""Labels: the names, dimensions, units and coordinates that results carry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.compile.lower import INTEGRAL
from wm2u_sd.compile.program import Program
from wm2u_sd.model.model import Model
from wm2u_sd.model.shape import Axis
from wm2u_sd.simulation.run import CUMULATIVE

FIRST_DIMENSIONS = ("scenario", "draw", "time")


@dataclass(frozen=True)
class Label:
    """How a kept value is called in results, the axes of the model it has, its unit and its name in words."""

    name: str
    axes: tuple[Axis, ...]
    attributes: Mapping[str, str]

    @property
    def dimensions(self) -> tuple[str, ...]:
        """Names of the dimensions of a result."""
        return (*FIRST_DIMENSIONS, *(axis.name for axis in self.axes))

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of elements along each axis of the model."""
        return tuple(len(axis.elements) for axis in self.axes)

    @property
    def size(self) -> int:
        """Number of single values at one moment."""
        return prod(self.shape)


def label_of(model: Model, program: Program, name: str) -> Label:
    """Return the label of a value, by its name in the kernel."""
    plain = name.removeprefix(INTEGRAL)
    record = model.get(plain)
    units, words, shown = record.units, record.label or plain.replace("_", " "), name
    if name.startswith(INTEGRAL):
        units, words, shown = _times_time(units, model.time.units), f"{words}, since the start", CUMULATIVE + plain
    return Label(shown, program.axes[name], {"units": units, "long_name": words})


def _times_time(units: str, time_units: str) -> str:
    """Return the unit of an integral over time: 'person/month' gives 'person'."""
    suffix = f"/{time_units}"
    if units == f"1{suffix}":
        return "dmnl"
    return units.removesuffix(suffix) if units.endswith(suffix) else f"{units}*{time_units}"


def constant_attributes(model: Model, name: str) -> dict[str, str]:
    """Return the unit, the name in words and the grade of a constant."""
    constant = model.constant(name)
    return {"units": constant.units, "long_name": constant.label or name.replace("_", " "), "grade": constant.grade}


def coordinates(
    model: Model, times: Sequence[float], scenarios: Sequence[str], draws: Any, labels: Sequence[Label]
) -> dict[str, Any]:
    """Return the coordinates of results."""
    return {
        "scenario": list(scenarios),
        "draw": draws,
        "time": ("time", list(times), {"units": model.time.units, "origin": model.time.origin}),
        **{axis.name: list(axis.elements) for label in labels for axis in label.axes},
    }


def facts(model: Model, provenance: Mapping[str, str]) -> dict[str, str]:
    """Return what results say of themselves."""
    return {"title": model.title or model.name} | {k: v for k, v in provenance.items() if k != "model"}


def outward(values: Array) -> Array:
    """Turn (*axes, moment, scenario, draw) into (scenario, draw, moment, *axes), without a copy."""
    n = values.ndim
    return np.transpose(values, (n - 2, n - 1, n - 3, *range(n - 3)))
