"""Stored runs: opened from their folder without reading their numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.errors import FileError
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.conservation import KEYS, ledger_of
from wm2u_sd.simulation.failures import named, refuse_all_failed
from wm2u_sd.simulation.labels import constant_attributes, facts
from wm2u_sd.simulation.plan import Marker, Plan, read_marker, read_plan
from wm2u_sd.simulation.run import AbstractTables, Run
from wm2u_sd.simulation.scenario import scenario_from_dict
from wm2u_sd.simulation.store import DRAWN, RESULTS, SOLVED, Store, need_zarr

if TYPE_CHECKING:
    import xarray as xr


def open_run(path: str | Path, model: Model) -> Run:
    """Open a run that `simulate(..., store=path)` has finished.

    Numbers are read when they are asked for, each time anew: choose a variable, scenario and moments first. Draws that
    failed are left out, as in any run. (In the store itself, opened with other tools, they are NaN.)

    Args:
        path: The store.
        model: The model that was run, with its time.

    Raises:
        FileError: There is no stored run, it is not finished, or it is of another model.
        SimulationError: Zarr is not installed.
    """
    need_zarr()
    place = Path(path)
    plan = read_plan(place)
    if plan is None:
        raise FileError(f"{place}: there is no stored run")
    if plan.facts["model_digest"] != model.digest:
        raise FileError(
            f"{place}: was made from model {plan.facts['model_digest']}, but the one given is {model.digest}; "
            "give the model as it was run, with the same time"
        )
    markers = [read_marker(place, plan, number) for number in range(plan.n_blocks)]
    finished = [marker for marker in markers if marker is not None]
    if len(finished) < len(markers):
        raise FileError(
            f"{place}: {len(markers) - len(finished)} of {len(markers)} blocks are not there yet; "
            "call simulate again with the same arguments and store= to go on"
        )
    return _run(Store(place), plan, finished, model)


def _run(store: Store, plan: Plan, markers: Sequence[Marker], model: Model) -> Run:
    scenarios = {facts["name"]: scenario_from_dict(facts) for facts in plan.scenarios}
    failures = named([fault for marker in markers for fault in marker.faults], list(scenarios))
    draws = np.setdiff1d(np.arange(plan.n), [failure.draw for failure in failures])
    if not len(draws):
        refuse_all_failed(model.name, failures[0])
    return Run(_StoredTables(store, plan, markers, draws, model), model, scenarios, failures, plan.facts)


@dataclass(frozen=True)
class _StoredTables(AbstractTables):
    """Labels the results of a store, which are read when they are asked for."""

    store: Store
    plan: Plan
    markers: Sequence[Marker]
    draws: NDArray[np.int_]
    model: Model

    def data(self) -> xr.Dataset:
        import xarray as xr

        from wm2u_sd.simulation.lazy import shown

        arrays = {name: self.store.array(RESULTS, name) for name in self.plan.results}
        variables = {
            name: (array.metadata.dimension_names, shown(array, 1, self.draws), dict(array.attrs))
            for name, array in arrays.items()
        }
        names = dict.fromkeys(name for array in arrays.values() for name in array.metadata.dimension_names)
        coordinates = {name: self.store.array(RESULTS, name) for name in names if name != "draw"}
        where = {name: (name, _labels(array[:]), dict(array.attrs)) for name, array in coordinates.items()}
        return xr.Dataset(variables, {**where, "draw": self.draws}, facts(self.model, self.plan.facts))

    def parameters(self) -> xr.Dataset:
        import xarray as xr

        from wm2u_sd.simulation.lazy import shown

        group = {**dict.fromkeys(self.plan.drawn, DRAWN), **dict.fromkeys(self.plan.solved, SOLVED)}
        varying = {
            name: ("draw", shown(self.store.array(where, name), 0, self.draws), constant_attributes(self.model, name))
            for name, where in group.items()
        }
        return xr.Dataset(varying, {"draw": self.draws})

    def ledger(self) -> xr.Dataset:
        """Return the ledger with blocks in the place of draws: the mean of each, and its largest difference."""
        told = [marker for marker in self.markers if marker.ledger]
        names = [facts["name"] for facts in self.plan.scenarios]
        parts, shape = told[0].ledger["population"], (len(told), -1, len(names))
        sides = {key: np.moveaxis(np.reshape([marker.ledger[key] for marker in told], shape), 0, 2) for key in KEYS}
        return ledger_of(parts, sides, {"scenario": names, "block": [marker.block for marker in told]})


def _labels(values: Any) -> Any:
    return values if values.dtype.kind in "if" else values.tolist()
