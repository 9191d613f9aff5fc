"""The printed Python beside the oracle, on one and the same program and inputs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from wm2u_sd.backends.base import Array, Inputs, Steps
from wm2u_sd.backends.python.kernel import PythonKernel
from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.compile.lower import lower
from wm2u_sd.compile.program import Program
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.ensemble import draw
from wm2u_sd.simulation.levers import moves, moving_names
from wm2u_sd.simulation.scenario import Scenario


@dataclass(frozen=True)
class Case:
    """A program, what it is given, and what is kept of it."""

    program: Program
    inputs: Inputs
    save: tuple[str, ...]
    saved_steps: tuple[int, ...]

    def run(self, kernel: Any) -> tuple[dict[str, Array], Steps]:
        return kernel.run(self.inputs, self.save, self.saved_steps)


def make_case(
    model: Model,
    *,
    draws: int = 1,
    scenarios: Sequence[Scenario] = (),
    values: Mapping[str, Any] | None = None,
    tables: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    save: Sequence[str] = (),
    every: int = 1,
) -> Case:
    """Return a model with what it is given: constants as drawn or as in `values`, new points of lookups.

    Nothing named in `save` keeps every state and every value.
    """
    program = lower(model, moving=moving_names(scenarios))
    given = {**(draw(model, draws).values if draws > 1 else {}), **(values or {})}
    stated = {c.name: np.asarray(c.value, float)[..., np.newaxis] for c in model.constants()}
    numbers = {name: number for number, name in enumerate(stated)}
    curves = {lookup.name: number for number, lookup in enumerate(model.lookups())}
    moved = {numbers[name]: move for name, move in moves(model.time, scenarios).items()} if scenarios else {}
    points = {curves[name]: tuple(np.array(new, float).T) for name, new in (tables or {}).items()}
    constants = [np.asarray(given.get(name, value), float) for name, value in stated.items()]
    everything = dict.fromkeys([*(slot.name for slot in program.states), *program.step.values])
    steps = range(model.time.n_steps + 1)
    return Case(
        program,
        Inputs(constants, draws, max(1, len(scenarios)), moved, points),  # type: ignore[arg-type]
        tuple(save or everything),
        tuple(dict.fromkeys([*steps[::every], steps[-1]])),
    )


def assert_as_the_oracle(case: Case) -> dict[str, Array]:
    """Hold a run against the oracle's, within 1e-12: elementary functions differ in their last places."""
    expected, expected_failed = case.run(NumpyKernel(case.program))
    found, failed = case.run(PythonKernel(case.program))

    assert [(name, value.shape) for name, value in expected.items()] == [(n, v.shape) for n, v in found.items()]
    for name, value in expected.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-12, atol=1e-300, err_msg=name)
    assert expected_failed.tolist() == failed.tolist()
    return found


@pytest.fixture(scope="session")
def case() -> Callable[..., Case]:
    return make_case


@pytest.fixture(scope="session")
def agree() -> Callable[[Case], dict[str, Array]]:
    return assert_as_the_oracle
