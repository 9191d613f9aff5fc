"""Results of an ensemble: checked, without the draws that failed, and labelled when they are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import Array
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.conservation import Amounts, amounts, check_amounts, ledger_of
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.failures import named, refuse_all_failed
from wm2u_sd.simulation.job import Columns, Job
from wm2u_sd.simulation.labels import constant_attributes, coordinates, facts, outward
from wm2u_sd.simulation.run import AbstractTables, Failure, Run

if TYPE_CHECKING:
    import xarray as xr


@dataclass(frozen=True)
class Frames:
    """Results of a job with their labels and without their values; the last one is kept for the next run."""

    job: Job
    known: dict[int, xr.Dataset] = field(default_factory=dict)

    def of(self, draws: NDArray[np.int_]) -> xr.Dataset:
        """Return the frame for some draws."""
        found = self.known.get(len(draws))
        if found is None or not np.array_equal(found["draw"].values, draws):
            found = self.empty(draws)
            self.known.clear()
            self.known[len(draws)] = found
        return found

    def empty(self, draws: NDArray[np.int_]) -> xr.Dataset:
        """Return results that are not there yet: one NaN stands for all of them."""
        import xarray as xr

        job, labels = self.job, [self.job.labels[name] for name in self.job.kept]
        names = [scenario.name for scenario in job.scenarios]
        first = (len(names), len(draws), len(job.saved_times))
        variables = {
            label.name: (label.dimensions, np.broadcast_to(np.nan, (*first, *label.shape)), label.attributes)
            for label in labels
        }
        return xr.Dataset(variables, coordinates(job.model, job.saved_times, names, draws, labels))


def results_of(
    frames: Frames,
    ensemble: Ensemble,
    constants: Mapping[str, Array],
    columns: Columns,
    provenance: Mapping[str, str],
) -> Run:
    """Return the run of an ensemble.

    Raises:
        SimulationError: Every draw failed, or people were not conserved.
    """
    job = frames.job
    failures = named(columns.faults, [scenario.name for scenario in job.scenarios])
    draws = np.setdiff1d(np.arange(ensemble.n), [failure.draw for failure in failures])
    if not len(draws):
        refuse_all_failed(job.model.name, failures[0])
    tables = _Assembly(frames, ensemble, constants, columns, failures, draws, provenance)
    check_amounts(job.populations, tables.sides)
    return Run(tables, job.model, {scenario.name: scenario for scenario in job.scenarios}, failures, provenance)


@dataclass(frozen=True)
class _Assembly(AbstractTables):
    """Labels the results of the draws that did not fail."""

    frames: Frames
    ensemble: Ensemble
    constants: Mapping[str, Array]
    columns: Columns
    failures: Sequence[Failure]
    draws: NDArray[np.int_]
    provenance: Mapping[str, str]

    def data(self) -> xr.Dataset:
        job, kept = self.frames.job, self.columns.kept
        values = {job.labels[name].name: outward(self.whole(kept[name])) for name in job.kept}
        found = self.frames.of(self.draws).copy(data=values)
        found.attrs = facts(job.model, self.provenance)
        return found

    def parameters(self) -> xr.Dataset:
        import xarray as xr

        model, n = self.frames.job.model, self.ensemble.n
        varying = {
            name: ("draw", self.whole(np.broadcast_to(self.constants[name], n)), constant_attributes(model, name))
            for name in varying_names(model, self.ensemble.values)
        }
        return xr.Dataset(varying, {"draw": self.draws})

    def ledger(self) -> xr.Dataset:
        job = self.frames.job
        where = {"scenario": [scenario.name for scenario in job.scenarios], "draw": self.draws}
        return ledger_of([population.name for population in job.populations], self.sides, where)

    @cached_property
    def sides(self) -> Amounts:
        """Both sides of the ledger."""
        return amounts(self.frames.job.populations, lambda name, end: self.whole(self.columns.at(name, end)))

    def whole(self, values: Array) -> Array:
        """Return values, draws last, of the draws that did not fail."""
        return values[..., self.draws] if self.failures else values


def varying_names(model: Model, drawn: Iterable[str]) -> list[str]:
    """Return the names of the constants that vary between draws: those drawn, and those a balance finds."""
    return list(dict.fromkeys([*drawn, *(model.balance.solve if model.balance else ())]))
