"""Yardsticks run by simlin (the package pysimlin)."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from bench import needs_module
from peers.files import vensim_file
from yardsticks import OUTPUTS, parameter_sets, varied, yardstick

from wm2u_sd.backends.base import Array


def simlin_runs(name: str, n: int, *, first: int | None = None, threads: int = 1) -> Callable[[], Array]:
    """Return a call that makes the `first` of `n` runs, each thread with a simulation that it puts back to its start.

    Raises:
        Skipped: It is not installed.
    """
    needs_module("simlin")
    import simlin

    with vensim_file(name) as path:
        simulations = [simlin.load(path).simulate() for _ in range(threads)]
    names, sets = varied(yardstick(name)), parameter_sets(name, n).T[:first].tolist()

    def once(simulation: simlin.Sim, values: list[float]) -> list[Array]:
        simulation.reset()
        for constant, value in zip(names, values, strict=True):
            simulation.set_value(constant, value)
        simulation.run_to_end()
        return [simulation.get_series(output) for output in OUTPUTS]

    def part(thread: int) -> list[list[Array]]:
        return [once(simulations[thread], values) for values in sets[thread::threads]]

    def call() -> Array:
        with ThreadPoolExecutor(threads) as pool:
            parts = list(pool.map(part, range(threads)))
        found = np.empty((len(sets), *np.shape(parts[0][0])))
        for thread, kept in enumerate(parts):
            found[thread::threads] = kept
        return np.moveaxis(found, 0, -1)

    return call
