"""Derivatives of a run three ways: going back over it, carried along beside it, and from differences of runs.

Differences are central ones of eighth order of runs of the NumPy backend, all of them columns of one batch; they know
nothing of derivatives, and are right to about 1e-11 of the number over the constant where no kink is near.
"""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from wm2u_sd import kept
from wm2u_sd.backends.base import AbstractKernel, Array, Gradient, Inputs, Move
from wm2u_sd.backends.native.kernel import NativeKernel
from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.compile.adjoint import Wanted
from wm2u_sd.compile.lower import lower
from wm2u_sd.compile.program import Program
from wm2u_sd.compile.tangent import TANGENT, tangent
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Extrapolation, Flow, Lookup, Stock
from wm2u_sd.simulation.levers import moves, moving_names
from wm2u_sd.simulation.scenario import Scenario

OFFSETS = np.array([-4, -3, -2, -1, 1, 2, 3, 4])
STENCIL = np.array([3, -32, 168, -672, 672, -168, 32, -3]) / 840  # central, of eighth order
STEP = 3e-4  # of a constant: rounding weighs about 1e-12, and what the stencil leaves out (STEP^8) far less
BY_DIFFERENCES = 1e-8  # asked for; measured 1e-9, where steps are smallest
FORWARD_AND_BACK = 1e-9  # asked for, of the sum of all contributions; measured 1e-13
BETWEEN_BACKENDS = 1e-12  # asked for, as everywhere; measured 2e-15


@dataclass(frozen=True)
class Case:
    """A program, what it is run with, and the weights that make one number of what is kept."""

    program: Program
    inputs: Inputs
    save: tuple[str, ...]
    steps: tuple[int, ...]
    weights: Mapping[str, Array]

    def loss(self, kept: Mapping[str, Array], _: object = None) -> tuple[Array, Mapping[str, Array]]:
        """Return the weighted sum of kept values for each column, and the weights."""
        return sum(total(w * kept[name]) for name, w in self.weights.items()), self.weights  # type: ignore[return-value]

    def of(self, draws: Sequence[int]) -> "Case":
        """Return the case with some of its draws."""
        constants = [value if value.shape[-1] == 1 else value[..., draws] for value in self.inputs.constants]
        return replace(self, inputs=replace(self.inputs, constants=constants, n_draws=len(draws)))

    def by(self, *names: str) -> frozenset[int]:
        """Return the numbers of constants, of all when none is named."""
        slots = [slot.name for slot in self.program.constants]
        return frozenset(map(slots.index, names or slots))

    def value(self, inputs: Inputs) -> Array:
        """Return the number for every column, by the backend that knows nothing of derivatives."""
        return self.loss(NumpyKernel(self.program).run(inputs, self.save, self.steps)[0])[0]


def total(values: Array) -> Array:
    """Add up over all but the columns."""
    return values.reshape(-1, values.shape[-1]).sum(axis=0)


def make_case(
    model: Model,
    *,
    draws: int = 1,
    values: Mapping[str, Any] | None = None,
    spread: float = 0.0,
    scenarios: Sequence[Scenario] = (),
    tables: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    save: Sequence[str] | None = None,
    saved_steps: Sequence[int] | None = None,
    seed: int = 1,
) -> Case:
    """Return a model as a case: constants differ between draws by `spread`, every other one as a whole."""
    random = np.random.default_rng(seed)
    program = lower(model, moving=moving_names(scenarios))
    stated = {c.name: np.asarray(c.value, float)[..., np.newaxis] for c in model.constants()}
    for at, name in enumerate(stated):
        if draws > 1 and spread and at % 2 == 0:
            stated[name] = stated[name] * random.uniform(1 - spread, 1 + spread, draws)
    stated |= {name: np.asarray(value, float) for name, value in (values or {}).items()}
    numbers = {name: number for number, name in enumerate(stated)}
    moved = {numbers[name]: move for name, move in moves(model.time, scenarios).items()} if scenarios else {}
    curves = {lookup.name: number for number, lookup in enumerate(model.lookups())}
    points = {curves[name]: tuple(np.array(new, float).T) for name, new in (tables or {}).items()}
    results = [v.name for v in model.variables.values() if isinstance(v, Stock | Flow | Auxiliary)]
    case = Case(
        program,
        Inputs(list(stated.values()), draws, max(1, len(scenarios)), moved, points),  # type: ignore[arg-type]
        tuple(results if save is None else save),
        tuple(range(model.time.n_steps + 1) if saved_steps is None else saved_steps),
        {},
    )
    base = NumpyKernel(program).run(case.inputs, case.save, case.steps)[0]
    assert all(np.isfinite(v).all() for v in base.values()), "the case is of no use: not everything is a number"
    weights = {n: random.normal(size=(*v.shape[:-1], 1)) / (np.abs(v).max() + 1e-3) for n, v in base.items()}
    return replace(case, weights=weights)


def go_back(case: Case, wanted: Wanted | None = None, kernel: AbstractKernel | None = None) -> tuple[Array, Gradient]:
    """Return the number for every column, and its gradient."""
    kernel = kernel or NativeKernel(case.program)
    return kernel.value_and_gradient(case.inputs, case.save, case.steps, case.loss, wanted or Wanted(case.by()))


# Differences ----------------------------------------------------------------------------------------------------------


def widened(case: Case, k: int, elements: Sequence[tuple[int, ...]], steps: Array) -> Inputs:
    """Return inputs whose draws stand beside one another with each element of a constant moved by each step."""
    n, m = case.inputs.n_draws, len(elements) * len(OFFSETS)
    constants = [v if v.shape[-1] == 1 else np.tile(v, m) for v in case.inputs.constants]
    own = np.tile(np.broadcast_to(case.inputs.constants[k], (*case.inputs.constants[k].shape[:-1], n)), m)
    for at, element in enumerate(elements):
        for j, offset in enumerate(OFFSETS):
            first = (at * len(OFFSETS) + j) * n
            own[(*element, slice(first, first + n))] += offset * steps[at]
    return replace(case.inputs, constants=[own if j == k else v for j, v in enumerate(constants)], n_draws=n * m)


def by_differences(case: Case, k: int, step: float = STEP) -> tuple[Array, Array]:
    """Return the derivative by each element of a constant, (*axes, columns), and the steps that were made, (*axes)."""
    value, n = case.inputs.constants[k], case.inputs.n_draws
    elements = list(np.ndindex(*value.shape[:-1]))
    steps = np.array([step * (np.abs(value[e]).max() or 1.0) for e in elements])
    found = case.value(widened(case, k, elements, steps))
    runs = found.reshape(case.inputs.n_scenarios, len(elements), len(OFFSETS), n)
    slopes = np.einsum("sejn,j->esn", runs, STENCIL) / steps[:, np.newaxis, np.newaxis]
    return slopes.reshape(*value.shape[:-1], -1), steps.reshape(value.shape[:-1])


def along(run: Callable[[float], Array], step: float) -> Array:
    """Return the derivative of some runs by one number that is moved from where it is."""
    return sum(weight * run(offset * step) for weight, offset in zip(STENCIL, OFFSETS, strict=True)) / step  # type: ignore[return-value]


# Along one direction --------------------------------------------------------------------------------------------------


def forward(case: Case, directions: Mapping[int, Array], kind: type = NumpyKernel) -> dict[str, Array]:
    """Return the tangents of what is kept, in the direction of some constants, each (*axes, 1)."""
    order, first = sorted(directions), len(case.program.constants)
    still = {
        first + at: Move(case.inputs.moves[k].times, 0 * case.inputs.moves[k].plus)
        for at, k in enumerate(order)
        if k in case.inputs.moves
    }
    constants = [*case.inputs.constants, *(directions[k] for k in order)]
    inputs = replace(case.inputs, constants=constants, moves={**case.inputs.moves, **still})
    save = [TANGENT + name for name in case.save]
    found = kind(tangent(case.program, order)).run(inputs, save, case.steps)[0]
    return {name: found[TANGENT + name] for name in case.save}


def some_directions(case: Case, wanted: Wanted, seed: int = 3) -> dict[int, Array]:
    """Return a direction for every constant, of the size of its values."""
    random = np.random.default_rng(seed)
    return {
        k: random.normal(size=(*case.inputs.constants[k].shape[:-1], 1)) * (np.abs(case.inputs.constants[k]).max() or 1)
        for k in sorted(wanted.constants)
    }


def gap_between(case: Case, bars: Gradient, wanted: Wanted) -> tuple[float, dict[int, Array], dict[str, Array]]:
    """Return how far going back is from going along, in parts of all contributions; and the direction, and tangents."""
    directions = some_directions(case, wanted)
    dots = forward(case, directions)
    there = [w * dots[name] for name, w in case.weights.items()]
    back = [bars.constants[k] * d for k, d in directions.items()]
    size = sum(total(np.abs(part)) for part in [*there, *back]) + 1e-300
    apart = np.abs(sum(map(total, there)) - sum(map(total, back))) / size
    assert np.isfinite(apart).all()
    return float(apart.max()), directions, dots


# Fixtures -------------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def machine_code() -> None:
    """Skip where there is no machine code, for only that goes back."""
    pytest.importorskip("llvmlite")


@pytest.fixture(autouse=True, scope="module")
def folder_of_its_own_for_code(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Keep compiled code in a folder of the test run, not in the user's."""
    folder = tmp_path_factory.getbasetemp() / "code"
    with mock.patch.dict(os.environ, {kept.FOLDER: str(folder)}):
        kept.cache_folder.cache_clear()
        yield folder
    kept.cache_folder.cache_clear()


@pytest.fixture(scope="session")
def case() -> Callable[..., Case]:
    return make_case


@pytest.fixture(scope="session")
def back(machine_code: None) -> Callable[..., tuple[Array, Gradient]]:
    return go_back


@pytest.fixture(scope="session")
def differences() -> Callable[..., tuple[Array, Array]]:
    return by_differences


@pytest.fixture(scope="session")
def slope_along() -> Callable[[Callable[[float], Array], float], Array]:
    return along


@pytest.fixture(scope="session")
def tangents() -> Callable[..., dict[str, Array]]:
    return forward


Record = Callable[[str, float], None]


WORST: dict[str, tuple[float, str]] = {}


@pytest.fixture(scope="session")
def worst() -> Record:
    """Note errors; the worst of each kind is shown when tests run with --verbose."""

    def note(kind: str, error: float) -> None:
        WORST[kind] = max(WORST.get(kind, (0.0, "")), (error, os.environ.get("PYTEST_CURRENT_TEST", "")))

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.getoption("verbose") > 0:
        for kind, (error, where) in WORST.items():
            terminalreporter.write_line(f"worst error, {kind}: {error:.1e} in {where}")


@pytest.fixture(scope="session")
def hold(machine_code: None, worst: Record) -> Callable[..., Gradient]:
    """Hold the gradient of a case against differences of runs, against tangents, and tangents against each other."""

    def held(
        case: Case,
        *,
        wanted: Wanted | None = None,
        step: float = STEP,
        but: Sequence[str] = (),
        natively: bool = False,
    ) -> Gradient:
        wanted = wanted or Wanted(case.by())
        value, bars = go_back(case, wanted)
        np.testing.assert_allclose(case.value(case.inputs), value, rtol=1e-11, atol=1e-12)
        size = total_size(case)
        for k in sorted(wanted.constants - (case.by(*but) if but else frozenset())):
            slopes, steps = by_differences(case, k, step)
            found = bars.constants[k]
            scale = np.abs(found) + size / (steps[..., np.newaxis] / step)
            error = float((np.abs(slopes - found) / scale).max())
            worst("differences", error)
            assert error < BY_DIFFERENCES, (case.program.constants[k].name, slopes, found)
        apart, directions, dots = gap_between(case, bars, wanted)
        worst("there and back", apart)
        assert apart < FORWARD_AND_BACK
        if natively:
            quick = forward(case, directions, NativeKernel)
            for name, dot in dots.items():
                error = float(np.abs(quick[name] - dot).max() / (np.abs(dot).max() + 1e-300))
                worst("between backends", error)
                assert error < BETWEEN_BACKENDS, name
        return bars

    return held


@pytest.fixture(scope="session")
def gap(machine_code: None) -> Callable[..., tuple[float, dict[int, Array], dict[str, Array]]]:
    return gap_between


def total_size(case: Case) -> Array:
    """Return how large the parts of the number are together, for each column."""
    kept = NumpyKernel(case.program).run(case.inputs, case.save, case.steps)[0]
    return sum(total(np.abs(w * kept[name])) for name, w in case.weights.items())  # type: ignore[return-value]


@pytest.fixture(scope="session")
def clinic() -> Callable[[str], Model]:
    return make_clinic


def make_clinic(method: str) -> Model:
    """Return a model with every kind of memory, over dimensions, with stocks that run short in some draws."""
    return Model("clinic", time=Time(0, 4, "1/4", method=method)).define(
        Dimension("side", ("left", "right", "middle")),
        Dimension("age", tuple(f"age_{i}" for i in range(9))),
        Dimension("young", of="age", elements=("age_0", "age_1", "age_2")),
        Constant("asking_rate", 9.0),
        Constant("shortest_wait", 0.41),
        Constant("slope", 1.5),
        Constant("notice", 1.4),
        Constant("share", (0.3, 0.5, 0.2), over=("side",)),
        Constant("weight", tuple(0.05 + 0.01 * i for i in range(9)), over=("age",)),
        Constant("rooms", 12.0),
        Lookup("crowding", ((0, 1), (20, 0.8), (60, 0.3)), extrapolation=Extrapolation.LINEAR),
        Lookup("season", tuple((i / 2 - 0.013, 1 + 0.1 * (-1) ** i) for i in range(21))),
        Stock("waiting", "20 * share * weight / 0.09", over=("age", "side"), inflows=["asking"],
              outflows=["starting", "leaving"], non_negative=True),
        Stock("helped", "30", inflows=["all_starting"], outflows=["done"], non_negative=True),
        Stock("seen", "weight", over=("age",), inflows=["looking"]),
        Flow("asking", "asking_rate * share * weight * season(time) * (1 + step(0.5, 1.5))", over=("age", "side")),
        Flow("starting", "min(waiting / shortest_wait, rooms * share * weight * crowding(helped))",
             over=("age", "side")),
        Flow("all_starting", "sum(starting[*, *])"),
        Flow("leaving", "(waiting / initial(waiting)) ^ slope * weight", over=("age", "side")),
        Flow("done", "delay_fixed(all_starting, notice, 3) + smooth3(helped, 2) / 20"),
        Flow("looking", "sum(waiting[age, *]) * share[left] - seen / exp(sum(weight[young*]))", over=("age",)),
        Auxiliary("met", "sample_if_true(modulo(time, 2) < 0.3, sum(waiting[*, side]), weight[age_1])", over=("side",)),
        Auxiliary("busy", "if_then_else(helped > 40, 1, 0) + exp(-waiting[age_4, left] / 9)"),
    )  # fmt: skip
