"""What derivatives cost, beside the run they are derivatives of: going back over it, and differences.

The number that is differentiated is the sum of squares of every output at every moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
from bench import Benchmark, Call, Skipped
from ours import backend_name, inputs, kernel
from yardsticks import OUTPUTS, parameter_sets, varied, yardstick

from wm2u_sd.backends.base import Array, Inputs
from wm2u_sd.backends.native.kernel import NativeKernel
from wm2u_sd.compile.adjoint import Wanted

LANES = 64


def native(name: str) -> NativeKernel:
    """Return the native kernel of a yardstick on one thread.

    Raises:
        Skipped: Another backend is measured.
    """
    found = kernel(name, 1)
    if not isinstance(found, NativeKernel):
        raise Skipped(f"the backend '{backend_name()}' does not go back over a run")
    return found


def given(name: str, n: int) -> Inputs:
    """Return the inputs of some parameter sets."""
    model = yardstick(name)
    return inputs(model, dict(zip(varied(model), parameter_sets(name, n), strict=True)), n)


def loss(kept: Mapping[str, Array], _: object) -> tuple[Array, dict[str, Array]]:
    """Return the sum of squares of what was kept, and its derivatives."""
    total = sum((values * values).sum(axis=tuple(range(values.ndim - 1))) for values in kept.values())
    return np.asarray(total), {name: 2 * values for name, values in kept.items()}


def run(name: str, n: int) -> Call:
    """Return a call that only runs, from inputs made ready, and gives the number."""
    job = native(name).job(given(name, n), OUTPUTS, yardstick(name).time.saved_steps())
    return lambda: loss(job.run()[0], None)[0].reshape(1, 1, -1)


def gradient(name: str, n: int, choose: Callable[[str], list[int]]) -> Call:
    """Return a call that goes back over the run, too."""
    wanted = Wanted(frozenset(choose(name)))
    steps = yardstick(name).time.saved_steps()
    ready = native(name).gradients(given(name, n), OUTPUTS, steps, loss, wanted)
    return lambda: ready.run()[0].reshape(1, 1, -1)


def those_varied(name: str) -> list[int]:
    """Return the numbers of the twenty constants that vary."""
    names = [constant.name for constant in yardstick(name).constants()]
    return [names.index(one) for one in varied(yardstick(name))]


def every(name: str) -> list[int]:
    """Return the numbers of all constants."""
    return list(range(len(yardstick(name).constants())))


def differences(name: str) -> Call:
    """Return a call that runs once more for each of the twenty constants, side by side."""
    own, model = given(name, 1), yardstick(name)
    n = 1 + len(those_varied(name))
    constants = list(own.constants)
    for at, k in enumerate(those_varied(name), start=1):
        constants[k] = np.repeat(constants[k], n, axis=-1)
        constants[k][..., at] *= 1 + 1e-7
    job = native(name).job(Inputs(constants, n), OUTPUTS, model.time.saved_steps())
    return lambda: loss(job.run()[0], None)[0][:1].reshape(1, 1, -1)


for yard in ("care", "care_sub"):
    ONE = Benchmark(f"gradient_{yard}", f"derivatives of one run of {yard}, beside the run", reference="run", rounds=7)
    ONE.entry("run")(partial(run, yard, 1))
    ONE.entry("gradient by 20 constants")(partial(gradient, yard, 1, those_varied))
    ONE.entry("gradient by all 154")(partial(gradient, yard, 1, every))
    ONE.entry("20 differences, side by side")(partial(differences, yard))
    MANY = Benchmark(
        f"gradients_{yard}", f"derivatives of {LANES} runs of {yard} side by side", reference="run", rounds=5
    )
    MANY.entry("run")(partial(run, yard, LANES))
    MANY.entry("gradient by 20 constants")(partial(gradient, yard, LANES, those_varied))
    MANY.entry("gradient by all 154")(partial(gradient, yard, LANES, every))
