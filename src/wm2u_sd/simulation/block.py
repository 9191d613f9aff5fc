"""One block of a stored run: worked out anywhere that sees the store, and written there with its marker last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import Array
from wm2u_sd.errors import FileError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Variable
from wm2u_sd.simulation.conservation import KEYS, amounts, check_amounts
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.job import Columns, Job, held
from wm2u_sd.simulation.plan import Marker, Plan, read_marker, write_marker
from wm2u_sd.simulation.run import CUMULATIVE
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.store import DRAWN, RESULTS, SOLVED, Store

if TYPE_CHECKING:
    from wm2u_sd.simulation.simulate import Simulator


@dataclass(frozen=True)
class Task:
    """What it takes to run a block of a plan anywhere that sees the store: plain records, compiled where they run."""

    plan: Plan
    path: Path
    model: Mapping[str, Any]
    records: Sequence[Variable | Dimension]
    scenarios: Sequence[Scenario]
    save: Sequence[str]
    accumulate: Sequence[str]
    backend_name: str
    threads: int


_simulators: dict[str, Simulator] = {}
"""What this process has compiled, by the digest of its plan; the last one only."""

_compiling = Lock()


def task_of(simulator: Simulator, path: Path, plan: Plan, threads: int) -> Task:
    """Return what the blocks of a plan take; in this process they are run by the simulator given."""
    model, wanted = simulator.model, simulator.wanted
    facts = ("name", "time", "balance", "loops", "title", "doc")
    task = Task(
        plan=plan,
        path=path.absolute(),
        model={fact: getattr(model, fact) for fact in facts},
        records=[*model.dimensions.values(), *model.variables.values()],
        scenarios=simulator.scenarios,
        save=[*wanted.save, *(CUMULATIVE + name for name in wanted.cumulative)],
        accumulate=wanted.integrals,
        backend_name=simulator.backend_name,
        threads=threads,
    )
    held(simulator.kernel, threads)
    with _compiling:
        _simulators.clear()
        _simulators[plan.digest] = simulator
    return task


def carry(task: Task, number: int) -> None:
    """Run a block of a plan and write it to the store, with its marker last.

    Raises:
        FileError: It cannot be written.
        SimulationError: People were not conserved.
    """
    store, plan, draws = Store(task.path), task.plan, task.plan.draws(number)
    simulator = _simulator(task)
    with saying(task.path, f"block {number + 1} of {plan.n_blocks}"):
        ensemble = _ensemble(store, plan, draws)
        constants, balanced = simulator.constants(ensemble)
        columns = simulator.job.run(constants, balanced, threads=task.threads)
        kept = np.setdiff1d(np.arange(ensemble.n), [fault.draw for fault in columns.faults])
        ledger = _ledger(simulator.job, columns, kept)
        for values in columns.kept.values():
            values[..., np.setdiff1d(np.arange(ensemble.n), kept)] = np.nan
        digest = _write(store, plan, simulator.job, constants, columns, draws)
        faults = [fault.moved(range(len(task.scenarios)), draws.start) for fault in columns.faults]
        write_marker(task.path, Marker(plan.digest, number, digest, faults, ledger))


def _simulator(task: Task) -> Simulator:
    """Return what runs the blocks of a task, compiled once in a process."""
    with _compiling:
        if task.plan.digest not in _simulators:
            _simulators.clear()
            _simulators[task.plan.digest] = _compiled(task)
        return _simulators[task.plan.digest]


def _compiled(task: Task) -> Simulator:
    from wm2u_sd.simulation.simulate import Simulator

    model = Model(**task.model).define(*task.records)
    kept = {"save": list(task.save), "accumulate": list(task.accumulate)}
    found = Simulator(model, list(task.scenarios), backend_name=task.backend_name, **kept)
    held(found.kernel, task.threads)
    return found


def _ensemble(store: Store, plan: Plan, draws: slice) -> Ensemble:
    values = {name: store.read_constant(DRAWN, name, draws) for name in plan.drawn}
    return Ensemble(values, draws.stop - draws.start, plan.facts["seed"])


def _ledger(job: Job, columns: Columns, kept: NDArray[np.int_]) -> dict[str, Any]:
    """Check the ledger of a block and return its means and largest differences; nothing when every draw failed."""
    if not len(kept):
        return {}
    sides = amounts(job.populations, lambda name, end: columns.at(name, end)[..., kept])
    check_amounts(job.populations, sides)
    means = {key: sides[key].mean(axis=-1) for key in KEYS if sides[key].size}
    if means:
        means["difference"] = np.abs(sides["difference"]).max(axis=-1)
    told = {key: means[key].tolist() if means else [] for key in KEYS}
    return {"population": [population.name for population in job.populations], **told}


def _write(store: Store, plan: Plan, job: Job, constants: Mapping[str, Array], columns: Columns, draws: slice) -> str:
    """Write the numbers of a block, put them on the disk, and return their digest."""
    digests = [store.write_constant(SOLVED, name, constants[name], draws) for name in plan.solved]
    digests += [store.write_result(label.name, columns.kept[name], draws) for name, label in job.results.items()]
    store.settle(SOLVED, plan.solved, draws)
    store.settle(RESULTS, plan.results, draws)
    return _together(digests)


def is_finished(path: Path, plan: Plan, number: int) -> bool:
    """Whether a block has its marker, and its numbers are those it was marked with."""
    marker = read_marker(path, plan, number)
    return marker is not None and marker.values == _digest(Store(path), plan, plan.draws(number))


def _digest(store: Store, plan: Plan, draws: slice) -> str:
    """Return the digest of a block as it stands in the store, '' when it cannot be read."""
    try:
        digests = [store.constant_digest(SOLVED, name, draws) for name in plan.solved]
        return _together([*digests, *(store.result_digest(name, draws) for name in plan.results)])
    except (OSError, ValueError, KeyError):  # a damaged chunk: its block is run again
        return ""


def _together(digests: Sequence[str]) -> str:
    return hashlib.sha256("".join(digests).encode()).hexdigest()


@contextmanager
def saying(path: Path, what: str) -> Iterator[None]:
    """Say of a failed write what it was, and that nothing else is lost."""
    try:
        yield
    except OSError as error:
        raise FileError(
            f"{path}: {what} could not be written ({error.strerror or error}). Finished blocks are good: "
            "make room, then call again with the same arguments to go on"
        ) from None
