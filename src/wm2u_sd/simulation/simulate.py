"""Run a model: scenarios side by side, over as many draws as wanted."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import NEVER, AbstractKernel, Array, Inputs, Move, Steps
from wm2u_sd.backends.registry import backend
from wm2u_sd.compile.lower import INTEGRAL, lower
from wm2u_sd.compile.program import Program
from wm2u_sd.errors import ModelError, NameUnknownError, SimulationError, did_you_mean
from wm2u_sd.model.check import check
from wm2u_sd.model.diagnostics import shortened
from wm2u_sd.model.model import Model
from wm2u_sd.model.record_check import is_names, must_be_model
from wm2u_sd.model.scenario_check import form_faults, listed
from wm2u_sd.model.shape import Axis
from wm2u_sd.model.variables import Auxiliary, Flow, Stock
from wm2u_sd.simulation.balance import refuse_unbalanced, rest
from wm2u_sd.simulation.conservation import Population, check_ledger, needed, populations
from wm2u_sd.simulation.ensemble import Ensemble, draw, is_count
from wm2u_sd.simulation.levers import all_levers, check_targets, moves, moving_names
from wm2u_sd.simulation.run import CUMULATIVE, Failure, Run
from wm2u_sd.simulation.scenario import Scenario, scenario_to_dict

if TYPE_CHECKING:
    import xarray as xr

MOST_VALUES = 400_000_000
BELOW_ZERO = -1e-6  # of the largest value the stock takes: rounding, not a deficit

Progress = Callable[[int, int], None]
Scenarios = Scenario | Sequence[Scenario] | Mapping[str, Scenario]


def simulate(
    model: Model,
    scenarios: Scenarios = (),
    *,
    draws: int | Ensemble | None = None,
    seed: str | int = "wm2u",
    save: str | Iterable[str] | None = None,
    accumulate: str | Iterable[str] = (),
    backend_name: str | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run scenarios of a model.

    Args:
        model: The model. One with a `balance` starts at rest: its free constants are solved for every draw first.
        scenarios: What to compare: one, several, or by name as in `folder.scenarios`; none given runs 'as_now', nothing
            changed.
        draws: None for one run with the stated values; a number for that many draws from the priors; or an Ensemble.
        seed: For the draws.
        save: Names to keep, or one; None keeps every stock, flow and auxiliary, and `cumulative_<name>` of every flow.
        accumulate: Further names whose running integral is wanted as `cumulative_<name>`.
        backend_name: How to run it; None takes the quickest backend there is ('native', else 'numpy').
        progress: Called with (columns done, columns in all).

    Returns:
        The run. Draws that fail in any scenario are left out of all and listed.

    Raises:
        CheckFailed: The model has errors; the exception lists each with its place.
        SimulationError: Every draw failed, or people were not conserved.
    """
    simulator = Simulator(model, scenarios, save=save, accumulate=accumulate, backend_name=backend_name)
    return simulator.run(_ensemble(model, draws, seed), progress)


class Simulator:
    """A model and scenarios checked and compiled once, to be run on one ensemble after another.

    Args and errors are those of `simulate`.
    """

    def __init__(
        self,
        model: Model,
        scenarios: Scenarios = (),
        *,
        save: str | Iterable[str] | None = None,
        accumulate: str | Iterable[str] = (),
        backend_name: str | None = None,
    ) -> None:
        must_be_model(model)
        self.model, self.scenarios = model, _scenarios(scenarios)
        check_targets(model, self.scenarios)
        check(model, scenarios=self.scenarios).raise_if_errors()
        self.wanted = _Wanted.of(model, save, accumulate)
        program = lower(model, moving=moving_names(self.scenarios), integrals=self.wanted.integrals)
        chosen = backend(backend_name)
        self.kernel, self.backend_name = chosen.compile(program), chosen.name

    def run(self, ensemble: Ensemble, progress: Progress | None = None) -> Run:
        """Run every scenario for every draw of an ensemble.

        Raises:
            NameUnknownError: The ensemble draws something that is not a constant of the model.
            ModelError: It does not give one number for each draw.
            SimulationError: Every draw failed, or people were not conserved.
        """
        for name, values in ensemble.values.items():
            self.model.constant(name)
            shape, n = _shape(name, values), ensemble.n
            if shape != (n,):
                raise ModelError(f"draws: '{name}' is given in shape {shape}; give one number for each of {n} draws")
        constants, balanced = _constants(self.model, self.kernel, ensemble)
        job = _Job(self.model, self.scenarios, self.kernel, constants, ensemble.n, self.wanted)
        arrays, failed = job.run(progress)
        provenance = {**self.provenance, "draws": str(ensemble.n), "seed": ensemble.seed}
        return _Assembly(job, ensemble, balanced, arrays, failed).run(provenance)

    @cached_property
    def provenance(self) -> dict[str, str]:
        """Where results come from, whatever the ensemble."""
        return _provenance(self.model, self.scenarios, self.backend_name)


def _scenarios(scenarios: Scenarios) -> list[Scenario]:
    found = listed(scenarios) or [Scenario("as_now")]
    for message, hint in (fault for scenario in found for fault in form_faults(scenario)):
        raise ModelError(f"{message}. {hint}")
    names = [scenario.name for scenario in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ModelError(f"scenarios: {', '.join(twice)} is given twice; give each a name of its own")
    return found


def _names(given: Any, what: str) -> list[str]:
    """Return names given as one or several, each once."""
    names = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if not is_names(names):
        raise ModelError(f"{what} is {shortened(given)}; give names, e.g. {what}=['waiting']")
    return list(dict.fromkeys(names))


def _shape(name: str, values: Any) -> tuple[int, ...]:
    try:
        return np.asarray(values, float).shape
    except (TypeError, ValueError):
        raise ModelError(f"draws: '{name}' is {shortened(values)}; give one number for each draw") from None


def _ensemble(model: Model, draws: int | Ensemble | None, seed: str | int) -> Ensemble:
    if isinstance(draws, Ensemble):
        return draws
    if draws is None:
        return Ensemble({}, 1, "")
    if not is_count(draws):
        raise ModelError(f"draws is {draws!r}; it must be a whole number from 1, or None for the stated values")
    return draw(model, draws, seed)


@dataclass(frozen=True)
class _Wanted:
    """Which values to keep and which integrals to carry."""

    save: tuple[str, ...]
    integrals: tuple[str, ...]
    cumulative: tuple[str, ...]

    @classmethod
    def of(cls, model: Model, save: str | Iterable[str] | None, accumulate: str | Iterable[str]) -> _Wanted:
        extra = _names(accumulate, "accumulate")
        computed = [name for name, v in model.variables.items() if isinstance(v, Stock | Flow | Auxiliary)]
        flows = [flow.name for flow in model.flows()]
        integrals = dict.fromkeys([*flows, *extra])
        names = _names(save, "save") if save is not None else [*computed, *(CUMULATIVE + n for n in integrals)]
        for name in names:
            plain = name.removeprefix(CUMULATIVE)
            if name not in computed and plain not in integrals:
                known = [*computed, *(CUMULATIVE + n for n in integrals)]
                raise NameUnknownError(f"There is no result '{name}' to save.{did_you_mean(name, known)}")
        plain_names = [name for name in names if name in computed]
        cumulative = [name.removeprefix(CUMULATIVE) for name in names if name not in computed]
        cumulative += [name for name in plain_names if name in integrals and save is not None] + extra
        return cls(tuple(plain_names), tuple(extra), tuple(dict.fromkeys(cumulative)))

    def kernel_names(self) -> list[str]:
        return [*self.save, *(INTEGRAL + name for name in self.cumulative)]


def _constants(model: Model, kernel: AbstractKernel, ensemble: Ensemble) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """Return every constant as an array with a column axis, balanced where the model asks for it."""
    values: dict[str, Array] = {}
    for constant in model.constants():
        if constant.name in ensemble.values:
            values[constant.name] = np.asarray(ensemble.values[constant.name], float)
        else:
            values[constant.name] = np.asarray(constant.value, float)[..., np.newaxis]
    if model.balance is None:
        return values, np.ones(ensemble.n, dtype=bool)
    solved, balanced = rest(model, kernel, values, ensemble.n)
    refuse_unbalanced(model, balanced)
    return {**values, **solved}, balanced


@dataclass(frozen=True)
class _Job:
    """Everything needed to run blocks of columns."""

    model: Model
    scenarios: Sequence[Scenario]
    kernel: AbstractKernel
    constants: Mapping[str, Array]
    n_draws: int
    wanted: _Wanted

    @cached_property
    def moves(self) -> Mapping[str, Move]:
        return moves(self.model.time, self.scenarios)

    @cached_property
    def partings(self) -> list[int]:
        """First step at which each scenario moves something."""
        alone = [[move.of([number]) for move in self.moves.values()] for number in range(len(self.scenarios))]
        return [min((move.parting for move in own), default=NEVER) for own in alone]

    @cached_property
    def names(self) -> list[str]:
        ledger = [name for population in populations(self.model) for name in needed(population)]
        return list(dict.fromkeys([*self.wanted.kernel_names(), *ledger]))

    def run(self, progress: Progress | None) -> tuple[dict[str, Array], Steps]:
        """Return each name as (*axes, time, scenario, draw), and the first bad step of each scenario and draw."""
        saved = self.model.time.saved_steps()
        shapes = {name: self.shape(name) for name in self.names}
        total = sum(int(np.prod(shape)) for shape in shapes.values()) * len(saved) * len(self.scenarios) * self.n_draws
        if total > MOST_VALUES:
            raise SimulationError(
                f"{total:,} values would be kept, more than {MOST_VALUES:,}; "
                "name fewer in save= or use a longer saveper"
            )
        out = {n: np.empty((*s, len(saved), len(self.scenarios), self.n_draws)) for n, s in shapes.items()}
        failed: Steps = np.full((len(self.scenarios), self.n_draws), -1, dtype=np.int64)
        jobs = [(group, block) for group in self.groups() for block in self.blocks(len(group))]
        done = 0
        threads = 1 if self.kernel.spreads else min(len(jobs), os.cpu_count() or 1)
        with ThreadPoolExecutor(max_workers=threads) as pool:
            results = pool.map(lambda job: self.block(job[0], job[1], saved), jobs)
            for (group, block), (arrays, bad) in zip(jobs, results, strict=True):
                size = block.stop - block.start
                for name, array in arrays.items():
                    out[name][..., group, block] = array.reshape(*array.shape[:-1], len(group), size)
                failed[group, block] = bad.reshape(len(group), size)
                done += len(group) * size
                _tell(progress, done, len(self.scenarios) * self.n_draws)
        return out, failed

    def shape(self, name: str) -> tuple[int, ...]:
        return tuple(len(axis.elements) for axis in axes_of(self.kernel.program, name))

    def groups(self) -> list[list[int]]:
        """Return scenario numbers that may share columns: those with the same changes to lookups.

        Those that move something from the first step on stand apart from those that have a past to share.
        """
        groups: dict[str, list[int]] = {}
        for number, scenario in enumerate(self.scenarios):
            curves = [(lever.target, lever.points) for lever in all_levers(scenario) if lever.points is not None]
            groups.setdefault(json.dumps([curves, self.partings[number] > 0]), []).append(number)
        return list(groups.values())

    def blocks(self, n_scenarios: int) -> list[slice]:
        """Cut the draws into blocks of about equal size."""
        n_blocks = min(self.n_draws, max(1, round(self.n_draws * n_scenarios / self.kernel.columns_at_once)))
        edges = [at * self.n_draws // n_blocks for at in range(n_blocks + 1)]
        return [slice(first, last) for first, last in pairwise(edges)]

    def block(self, group: list[int], block: slice, saved: Sequence[int]) -> tuple[dict[str, Array], Steps]:
        """Run some scenarios for some draws."""
        own = [v if v.shape[-1] == 1 else v[..., block] for v in self.constants.values()]
        numbers = {name: number for number, name in enumerate(self.constants)}
        moved = {numbers[name]: move.of(group) for name, move in self.moves.items()}
        tables = self.tables(self.scenarios[group[0]])
        inputs = Inputs(own, block.stop - block.start, len(group), moved, tables)
        return self.kernel.run(inputs, self.names, saved)

    def tables(self, scenario: Scenario) -> dict[int, tuple[Array, Array]]:
        numbers = {lookup.name: number for number, lookup in enumerate(self.model.lookups())}
        curves = {v.target: v.points for v in all_levers(scenario) if v.points is not None}
        return {
            numbers[name]: (np.array([x for x, _ in points], float), np.array([y for _, y in points], float))
            for name, points in curves.items()
        }


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)


def axes_of(program: Program, name: str) -> tuple[Axis, ...]:
    """Return the axes of a state (a stock or an integral) or of a named value."""
    states = {slot.name: slot for slot in program.states}
    return states[name].axes if name in states else program.axes_of(name)


class _Assembly:
    """Labels results and leaves out the draws that failed."""

    def __init__(
        self,
        job: _Job,
        ensemble: Ensemble,
        balanced: NDArray[np.bool_],
        arrays: dict[str, Array],
        failed: Steps,
    ) -> None:
        self.job, self.ensemble, self.arrays = job, ensemble, arrays
        self.failures = [
            *self.unbalanced(balanced),
            *self.not_finite(failed),
            *self.no_numbers(balanced, failed),
            *self.negative(balanced, failed),
        ]
        bad = {failure.draw for failure in self.failures}
        self.kept = np.array([draw for draw in range(ensemble.n) if draw not in bad], dtype=int)

    def scenario_names(self) -> list[str]:
        return [scenario.name for scenario in self.job.scenarios]

    def unbalanced(self, balanced: NDArray[np.bool_]) -> list[Failure]:
        return [Failure("", int(d), "no values make it start at rest") for d in np.flatnonzero(~balanced)]

    def not_finite(self, failed: Steps) -> list[Failure]:
        at = self.job.model.time.at
        units = self.job.model.time.units
        return [
            Failure(self.scenario_names()[s], int(d), f"values stopped being numbers by {units} {at(failed[s, d]):g}")
            for s, d in np.argwhere(failed >= 0)
        ]

    def no_numbers(self, balanced: NDArray[np.bool_], failed: Steps) -> list[Failure]:
        """Find kept values that are no numbers though every stock is one: a division by zero that feeds nothing."""
        found = []
        for name, values in self.arrays.items():
            with np.errstate(invalid="ignore", over="ignore"):
                suspect = ~np.isfinite(values.sum(axis=tuple(range(values.ndim - 2)))) & balanced & (failed < 0)
            for s, d in np.argwhere(suspect):
                bad = ~np.isfinite(values[..., s, d]).all(axis=tuple(range(values.ndim - 3)))
                if bad.any():
                    when = self.job.model.time.saved_times()[int(bad.argmax())]
                    label = name.replace(INTEGRAL, CUMULATIVE)
                    reason = f"{label} stopped being a number by {self.job.model.time.units} {when:g}"
                    found.append(Failure(self.scenario_names()[s], int(d), reason))
        return found

    def negative(self, balanced: NDArray[np.bool_], failed: Steps) -> list[Failure]:
        found = []
        for name in self.job.kernel.program.non_negative:
            if name not in self.arrays:
                continue
            values = self.arrays[name]
            over = tuple(range(values.ndim - 2))
            with np.errstate(invalid="ignore"):
                below = values.min(axis=over) < BELOW_ZERO * np.maximum(1.0, np.abs(values).max(axis=over))
            for s, d in np.argwhere(below & balanced & (failed < 0)):
                found.append(Failure(self.scenario_names()[s], int(d), f"{name} fell below zero"))
        return found

    def run(self, provenance: Mapping[str, str]) -> Run:
        if not len(self.kept):
            first = self.failures[0]
            where = f" in scenario '{first.scenario}'" if first.scenario else ""
            raise SimulationError(f"{self.job.model.name}: every draw stopped; the first{where}: {first.reason}")
        ledger = self.ledger()
        check_ledger(ledger)
        return Run(
            data=self.data(provenance),
            parameters=self.parameters(),
            ledger=ledger,
            model=self.job.model,
            scenarios={scenario.name: scenario for scenario in self.job.scenarios},
            failures=tuple(self.failures),
            provenance=provenance,
        )

    def data(self, provenance: Mapping[str, str]) -> xr.Dataset:
        import xarray as xr

        model = self.job.model
        variables: dict[str, Any] = {}
        for name in self.job.wanted.kernel_names():
            label = CUMULATIVE + name.removeprefix(INTEGRAL) if name.startswith(INTEGRAL) else name
            variables[label] = self.labelled(name)
        axes = [a for name in self.job.wanted.kernel_names() for a in axes_of(self.job.kernel.program, name)]
        coordinates: dict[str, Any] = {
            "scenario": self.scenario_names(),
            "draw": self.kept,
            "time": ("time", model.time.saved_times(), {"units": model.time.units, "origin": model.time.origin}),
            **{axis.name: list(axis.elements) for axis in axes},
        }
        title = {"title": model.title or model.name}
        return xr.Dataset(variables, coordinates, title | {k: v for k, v in provenance.items() if k != "model"})

    def labelled(self, name: str) -> Any:
        plain = name.removeprefix(INTEGRAL)
        record = self.job.model.get(plain)
        units, label = record.units, record.label or plain.replace("_", " ")
        if name.startswith(INTEGRAL):
            units, label = _times_time(units, self.job.model.time.units), f"{label}, since the start"
        axes = [axis.name for axis in axes_of(self.job.kernel.program, name)]
        array = np.moveaxis(self.arrays[name][..., self.kept], (-2, -1), (0, 1))
        array = np.moveaxis(array, -1, 2)
        return (("scenario", "draw", "time", *axes), array, {"units": units, "long_name": label})

    def parameters(self) -> xr.Dataset:
        import xarray as xr

        model = self.job.model
        balance = model.balance.solve if model.balance else ()
        varying = {
            name: (
                "draw",
                np.broadcast_to(self.job.constants[name], self.ensemble.n)[self.kept],
                _attributes(model, name),
            )
            for name in dict.fromkeys([*self.ensemble.values, *balance])
        }
        return xr.Dataset(varying, {"draw": self.kept})

    def ledger(self) -> xr.Dataset:
        import xarray as xr

        rows = [self.ledger_row(population) for population in populations(self.job.model)]
        names = [population.name for population in populations(self.job.model)]
        keys = ("at_start", "entered", "left", "at_end", "difference")
        shape = (0, len(self.job.scenarios), len(self.kept))
        return xr.Dataset(
            {
                key: (
                    ("population", "scenario", "draw"),
                    np.array([row[key] for row in rows]) if rows else np.empty(shape),
                )
                for key in keys
            },
            {"population": names, "scenario": self.scenario_names(), "draw": self.kept},
        )

    def ledger_row(self, population: Population) -> dict[str, Array]:
        def total(names: Iterable[str], moment: int) -> Array:
            whole = np.zeros((len(self.job.scenarios), len(self.kept)))
            for name in names:
                values = self.arrays[name][..., moment, :, :][..., self.kept]
                whole = whole + values.sum(axis=tuple(range(values.ndim - 2)))
            return whole

        start, end = total(population.stocks, 0), total(population.stocks, -1)
        entered = total((INTEGRAL + flow for flow in population.entering), -1)
        left = total((INTEGRAL + flow for flow in population.leaving), -1)
        difference = start + entered - left - end
        return {"at_start": start, "entered": entered, "left": left, "at_end": end, "difference": difference}


def _attributes(model: Model, name: str) -> dict[str, str]:
    constant = model.constant(name)
    return {"units": constant.units, "long_name": constant.label or name.replace("_", " "), "grade": constant.grade}


def _times_time(units: str, time_units: str) -> str:
    """Return the unit of an integral over time: 'person/month' gives 'person'."""
    suffix = f"/{time_units}"
    if units == f"1{suffix}":
        return "dmnl"
    return units.removesuffix(suffix) if units.endswith(suffix) else f"{units}*{time_units}"


def _provenance(model: Model, scenarios: Sequence[Scenario], backend_name: str) -> dict[str, str]:
    said = json.dumps([scenario_to_dict(scenario) for scenario in scenarios], sort_keys=True, default=str)
    return {
        "model": model.name,
        "model_digest": model.digest,
        "scenarios_digest": hashlib.sha256(said.encode()).hexdigest()[:16],
        "method": model.time.method,
        "step": f"{model.time.step} {model.time.units}",
        "backend": backend_name,
        "wm2u_sd": version("wm2u_sd"),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
