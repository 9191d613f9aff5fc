"""Our side of every comparison: which backend, what its kernels are given, and how they are called."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise

import numpy as np
from yardsticks import OUTPUTS, parameter_sets, varied, yardstick

from wm2u_sd.backends.base import AbstractKernel, Array, Inputs
from wm2u_sd.backends.native.kernel import NativeKernel
from wm2u_sd.backends.registry import backend, backends
from wm2u_sd.compile.lower import lower
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.simulate import Simulator

ASKED = "WM2U_BENCHMARK_BACKEND"  # an environment variable, so that started processes see it too
KEPT_CODE = "WM2U_SD_CACHE"  # the environment variable with the folder for machine code; '' keeps none


def backend_name() -> str:
    """Return the backend that is measured: the one asked for, else the fastest there is."""
    return os.environ.get(ASKED) or ("native" if "native" in backends() else "numpy")


def inputs(model: Model, values: Mapping[str, Array], n_columns: int) -> Inputs:
    """Return what a kernel is given: every constant of the model, some of them with a value for each column."""
    constants = [
        np.asarray(values.get(constant.name, np.asarray(constant.value, float)[..., np.newaxis]))
        for constant in model.constants()
    ]
    return Inputs(constants, n_columns)


@cache
def kernel(name: str, threads: int) -> AbstractKernel:
    """Return the kernel of a yardstick, held to a number of threads where it spreads columns by itself."""
    compiled = backend(backend_name()).compile(lower(yardstick(name)))
    if compiled.spreads:
        compiled.threads = threads
    return compiled


def bare(name: str, n: int, *, first: int | None = None, threads: int = 1) -> Callable[[], Array]:
    """Return a call that runs a kernel over the `first` of `n` parameter sets and gives (output, moment, set)."""
    sets = parameter_sets(name, n)[:, :first]
    if threads == 1 or kernel(name, threads).spreads:
        return part(name, sets, threads)
    edges = [at * sets.shape[1] // threads for at in range(threads + 1)]
    parts = [part(name, sets[:, start:stop], threads) for start, stop in pairwise(edges)]
    pool = ThreadPoolExecutor(threads)
    return lambda: np.concatenate(list(pool.map(lambda call: call(), parts)), axis=-1)


def part(name: str, sets: Array, threads: int) -> Callable[[], Array]:
    """Return a call that gives some parameter sets to a kernel at once."""
    model = yardstick(name)
    moments = model.time.saved_steps()
    given = inputs(model, dict(zip(varied(model), sets, strict=True)), sets.shape[1])

    compiled = kernel(name, threads)
    prepared = compiled.job(given, OUTPUTS, moments) if isinstance(compiled, NativeKernel) else None

    def call() -> Array:
        """Run what stands in memory ready to be run, as the other kernels do; NumPy has no such thing."""
        kept, _ = prepared.run() if prepared else compiled.run(given, OUTPUTS, moments)
        return np.array([kept[output] for output in OUTPUTS])

    return call


def labelled(name: str, n: int) -> Callable[[], Array]:
    """Return a call that runs a `Simulator` over `n` parameter sets: checked, balanced, labelled, with its ledger."""
    model = yardstick(name)
    simulator = Simulator(model, save=OUTPUTS, backend_name=backend_name())
    ensemble = Ensemble(dict(zip(varied(model), parameter_sets(name, n), strict=True)), n)
    return lambda: answer(simulator.run(ensemble).data, OUTPUTS)


def answer(data: Mapping[str, object], names: Sequence[str]) -> Array:
    """Return labelled results as (output, moment, set)."""
    return np.array([np.asarray(data[name])[0].T for name in names])
