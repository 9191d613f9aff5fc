"""Large ensembles: draws in blocks, one after the other or spread by an executor, written to a store as they are done.

A block counts once its marker is there, and its marker is written once all of its numbers are on the disk. So a call
that was stopped, by whatever, is gone on with by calling again; and what a store holds does not depend on how often
that happened, on the executor, or on the size of blocks (SEM-52).
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.errors import ModelError, Wm2uError
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.block import Task, carry, is_finished, saying, task_of
from wm2u_sd.simulation.ensemble import Ensemble, drawn, is_count, priors
from wm2u_sd.simulation.job import Job, Progress
from wm2u_sd.simulation.labels import constant_attributes, coordinates
from wm2u_sd.simulation.plan import Plan, is_drawn, read_plan, refuse_other, write_drawn, write_plan
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import scenario_to_dict
from wm2u_sd.simulation.store import DRAWN, SOLVED, Store, need_zarr
from wm2u_sd.simulation.stored import open_run

if TYPE_CHECKING:
    from wm2u_sd.simulation.simulate import Simulator

RESULT_BYTES = 128_000_000  # of the results of a block
FEWEST_DRAWS, MOST_DRAWS = 64, 16_384
MOST_AT_ONCE = 4  # blocks, when there is no executor: while one is prepared, checked or written, others are run


@dataclass(frozen=True)
class Source:
    """Where draws come from.

    Attributes:
        n: How many.
        seed: What they are drawn with.
        given: Values that are there already; None draws from the priors.
    """

    n: int
    seed: str
    given: Ensemble | None = None

    def names(self, model: Model) -> list[str]:
        """Return the constants that are drawn."""
        return list(priors(model) if self.given is None else self.given.values)

    def values(self, model: Model, name: str) -> Array:
        """Return all draws of a constant."""
        if self.given is not None:
            return np.asarray(self.given.values[name], dtype=np.float64)
        return drawn(priors(model)[name], self.n, self.seed, name)

    @property
    def digest(self) -> str:
        """Fingerprint of given values; of what is drawn the model and the seed are one."""
        found = hashlib.sha256()
        for name, values in sorted((self.given.values if self.given else {}).items()):
            found.update(name.encode() + np.ascontiguousarray(values, dtype=np.float64).tobytes())
        return found.hexdigest()[:16]


def stream(
    simulator: Simulator,
    source: Source,
    path: Path,
    *,
    executor: Any = None,
    block: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Run an ensemble in blocks, into a store; go on where an earlier call with the same arguments was stopped.

    Args:
        simulator: What to run.
        source: Its draws.
        path: Folder of the store.
        executor: None runs the blocks here; else a `concurrent.futures.Executor`, or a `dask.distributed.Client` whose
            workers see the same folder.
        block: Draws in a block; None takes as many as are handled well.
        progress: Called with (columns done, columns in all).

    Raises:
        FileError: The store holds something else, or cannot be written.
        SimulationError: Every draw failed, people were not conserved, or Zarr is not installed.
    """
    need_zarr()
    plan = _plan(simulator, source, block)
    there = read_plan(path)
    if there is not None:
        refuse_other(path, there, plan)
    with saying(path, "the draws"):
        if there is None or not is_drawn(path, plan):
            _begin(simulator, source, path, plan)
    with ThreadPoolExecutor(_at_once()) as pool:
        finished = list(pool.map(lambda number: is_finished(path, plan, number), range(plan.n_blocks)))
    todo = [number for number, is_finished in enumerate(finished) if not is_finished]
    _tell(progress, plan, plan.n_blocks - len(todo))
    lost = _run(task_of(simulator, path, plan, _threads(executor)), todo, executor, progress) if todo else ""
    run = open_run(path, simulator.model)
    return replace(run, provenance={**run.provenance, "executor": lost}) if lost else run


def _at_once() -> int:
    """Return how many blocks are run here at a time."""
    return min(MOST_AT_ONCE, os.cpu_count() or 1)


def _threads(executor: Any) -> int:
    """Return how many threads a block takes: an executor is left to keep the processors busy."""
    return 1 if executor is not None else max(1, (os.cpu_count() or 1) // _at_once())


# Beginning ------------------------------------------------------------------------------------------------------------


def _plan(simulator: Simulator, source: Source, block: int | None) -> Plan:
    if block is not None and not is_count(block):
        raise ModelError(f"block is {block!r}; give the number of draws in a block, a whole number of at least 1")
    model, job = simulator.model, simulator.job
    results = [label.name for label in job.results.values()]
    kept = {"draws": str(source.n), "seed": source.seed, "save": ", ".join(results)}
    given = {"given": source.digest} if source.given else {}
    return Plan(
        n=source.n,
        block=min(source.n, block or _good_block(job)),
        facts={**simulator.provenance, **kept, **given},
        results=results,
        drawn=source.names(model),
        solved=model.balance.solve if model.balance else (),
        scenarios=[scenario_to_dict(scenario) for scenario in simulator.scenarios],
    )


def _good_block(job: Job) -> int:
    """Return how many draws are handled well at once: a power of two, so that it does not hang on small things."""
    room = RESULT_BYTES // (8 * max(1, job.column_values) * len(job.scenarios))
    return int(min(MOST_DRAWS, max(FEWEST_DRAWS, 2 ** (room.bit_length() - 1 if room else 0))))


def _begin(simulator: Simulator, source: Source, path: Path, plan: Plan) -> None:
    """Write the plan, make room for everything, and write the draws, one name at a time."""
    path.mkdir(parents=True, exist_ok=True)
    write_plan(path, plan)
    model, job, store = simulator.model, simulator.job, Store(path)
    labels, names = list(job.results.values()), [scenario.name for scenario in simulator.scenarios]
    store.make_results(
        labels, plan.n, plan.block, coordinates(model, job.saved_times, names, np.arange(plan.n), labels)
    )
    for group, constants in ((DRAWN, plan.drawn), (SOLVED, plan.solved)):
        for name in constants:
            store.make_constant(group, name, plan.n, plan.block, constant_attributes(model, name))
    with ThreadPoolExecutor(_at_once()) as pool:
        list(pool.map(lambda name: _draw(store, source, model, name), plan.drawn))
    write_drawn(path, plan)


def _draw(store: Store, source: Source, model: Model, name: str) -> None:
    everything = slice(0, source.n)
    store.write_constant(DRAWN, name, source.values(model, name), everything)
    store.settle(DRAWN, [name], everything)


# Running --------------------------------------------------------------------------------------------------------------


def _run(task: Task, todo: Sequence[int], executor: Any, progress: Progress | None) -> str:
    """Run blocks, and return what to say of an executor that lost some: they are run here."""
    if executor is None:
        _run_here(task, todo, progress)
        return ""
    lost = _run_there(task, todo, executor, progress)
    if not lost:
        return ""
    reason = next(iter(lost.values()))
    said = f"{len(lost)} of {len(todo)} blocks were run here, as the executor lost them ({reason})"
    logging.getLogger("wm2u_sd").warning("wm2u_sd: %s", said)
    _run_here(task, list(lost), progress)
    return said


def _run_here(task: Task, todo: Sequence[int], progress: Progress | None) -> None:
    done = task.plan.n_blocks - len(todo)
    with ThreadPoolExecutor(_at_once()) as pool:
        try:
            for future in as_completed([pool.submit(carry, task, number) for number in todo]):
                future.result()
                done += 1
                _tell(progress, task.plan, done)
        finally:
            pool.shutdown(cancel_futures=True)


def _run_there(task: Task, todo: Sequence[int], executor: Any, progress: Progress | None) -> dict[int, str]:
    """Run blocks on an executor; return those that it could not bring back, with the reason."""
    pool: Executor = executor.get_executor() if hasattr(executor, "get_executor") else executor
    lost: dict[int, str] = {}
    futures: dict[Future[None], int] = {}
    for number in todo:
        try:
            futures[pool.submit(carry, task, number)] = number
        except Exception as error:  # noqa: BLE001 - an executor that is shut or broken says so in its own way
            lost[number] = _worded(error)
    done = task.plan.n_blocks - len(todo)
    try:
        for future in as_completed(futures):
            fault = RuntimeError("it was cancelled") if future.cancelled() else future.exception()
            if isinstance(fault, Wm2uError):
                raise fault
            if fault is not None:
                lost[futures[future]] = _worded(fault)
                continue
            done += 1
            _tell(progress, task.plan, done)
    finally:
        for future in futures:
            future.cancel()
    return lost


def _worded(error: BaseException) -> str:
    return f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no more is known'}"


def _tell(progress: Progress | None, plan: Plan, blocks: int) -> None:
    if progress is not None:
        columns = min(plan.n, blocks * plan.block) * len(plan.scenarios)
        progress(columns, plan.n * len(plan.scenarios))
