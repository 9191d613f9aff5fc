"""Run a model: scenarios side by side, over as many draws as wanted."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import AbstractKernel, Array
from wm2u_sd.backends.registry import backend
from wm2u_sd.compile.lower import lower
from wm2u_sd.errors import ModelError
from wm2u_sd.model.check import check
from wm2u_sd.model.diagnostics import shortened
from wm2u_sd.model.model import Model
from wm2u_sd.model.record_check import must_be_model
from wm2u_sd.model.scenario_check import form_faults, listed
from wm2u_sd.simulation.assembly import Frames, results_of
from wm2u_sd.simulation.balance import refuse_unbalanced, rest, resting
from wm2u_sd.simulation.ensemble import Ensemble, draw, is_count
from wm2u_sd.simulation.job import Job, held
from wm2u_sd.simulation.job import Progress as Progress
from wm2u_sd.simulation.levers import check_targets, moving_names
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Scenario, scenario_to_dict
from wm2u_sd.simulation.wanted import Wanted

if TYPE_CHECKING:
    from wm2u_sd.simulation.streaming import Source

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
    store: str | Path | None = None,
    executor: Any = None,
    block: int | None = None,
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
        store: Folder for an ensemble too large for memory: draws are run in blocks and written there. Calling again
            with the same arguments goes on where a call was stopped, or opens what is finished.
        executor: Where the blocks of a stored run are worked out: None for here, a `concurrent.futures.Executor`, or a
            `dask.distributed.Client` whose workers see the same folder.
        block: Draws in a block of a stored run; None takes as many as are handled well.

    Returns:
        The run. Draws that fail in any scenario are left out of all and listed.

    Raises:
        CheckFailed: The model has errors; the exception lists each with its place.
        FileError: The store holds another run, or cannot be written.
        SimulationError: Every draw failed, or people were not conserved.
    """
    simulator = Simulator(model, scenarios, save=save, accumulate=accumulate, backend_name=backend_name)
    if store is None:
        _refuse_without_store(executor, block)
        return simulator.run(_ensemble(model, draws, seed), progress)
    from wm2u_sd.simulation.streaming import stream

    source = _source(simulator, draws, seed)
    return stream(simulator, source, Path(store), executor=executor, block=block, progress=progress)


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
        self.wanted = Wanted.of(model, save, accumulate)
        program = lower(model, moving=moving_names(self.scenarios), integrals=self.wanted.integrals)
        self.backend = backend(backend_name)
        self.kernel, self.backend_name = self.backend.compile(program), self.backend.name
        self.job = Job(model, self.scenarios, self.kernel, self.wanted)
        self.frames = Frames(self.job)

    def run(self, ensemble: Ensemble, progress: Progress | None = None) -> Run:
        """Run every scenario for every draw of an ensemble.

        Raises:
            NameUnknownError: The ensemble draws something that is not a constant of the model.
            ModelError: It does not give one number for each draw.
            SimulationError: Every draw failed, or people were not conserved.
        """
        self.refuse_misfit(ensemble)
        constants, balanced = self.constants(ensemble)
        refuse_unbalanced(self.model, balanced)
        columns = self.job.run(constants, balanced, progress)
        provenance = {**self.provenance, "draws": str(ensemble.n), "seed": ensemble.seed}
        return results_of(self.frames, ensemble, constants, columns, provenance)

    def refuse_misfit(self, ensemble: Ensemble) -> None:
        """Refuse draws that do not fit the model.

        Raises:
            NameUnknownError: The ensemble draws something that is not a constant of the model.
            ModelError: It does not give one number for each draw.
        """
        for name, values in ensemble.values.items():
            self.model.constant(name)
            shape, n = _shape(name, values), ensemble.n
            if shape != (n,):
                raise ModelError(f"draws: '{name}' is given in shape {shape}; give one number for each of {n} draws")

    def constants(self, ensemble: Ensemble) -> tuple[dict[str, Array], NDArray[np.bool_]]:
        """Return every constant as an array with a column axis, and for each draw whether it starts at rest."""
        values = {
            constant.name: np.asarray(ensemble.values[constant.name], float)
            if constant.name in ensemble.values
            else np.asarray(constant.value, float)[..., np.newaxis]
            for constant in self.model.constants()
        }
        if self.model.balance is None:
            return values, np.ones(ensemble.n, dtype=bool)
        solved, balanced = rest(self.model, self.resting, values, ensemble.n)
        return {**values, **solved}, balanced

    @cached_property
    def resting(self) -> AbstractKernel:
        """The conditions of the model's balance, compiled; run by one thread, as pieces of the draws have one each."""
        return held(self.backend.compile(resting(self.model, self.kernel.program)), 1)

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
    _refuse_no_number(draws)
    return draw(model, draws, seed)


def _refuse_no_number(draws: Any) -> None:
    if not is_count(draws):
        raise ModelError(f"draws is {draws!r}; it must be a whole number from 1, or None for the stated values")


def _source(simulator: Simulator, draws: int | Ensemble | None, seed: str | int) -> Source:
    """Return where the draws of a stored run come from; those of priors are not all drawn at once."""
    from wm2u_sd.simulation.streaming import Source

    if draws is None or isinstance(draws, Ensemble):
        given = draws or Ensemble({}, 1, "")
        simulator.refuse_misfit(given)
        return Source(given.n, given.seed, given)
    _refuse_no_number(draws)
    return Source(int(draws), str(seed))


def _refuse_without_store(executor: Any, block: int | None) -> None:
    for name, value in (("executor", executor), ("block", block)):
        if value is not None:
            raise ModelError(f"{name}= is for a run that is stored; give store= a folder as well")


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
