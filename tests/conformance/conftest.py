"""A backend beside the oracle, on one and the same program and inputs.

A test that asks for `agree` or `backend` runs once for every registered backend but the oracle. Numbers agree within
1e-12 of the largest value a result takes over its moments; what is no number, or infinite, is so in the same places.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from unittest import mock

import numpy as np
import pytest

from wm2u_sd import kept
from wm2u_sd.backends import operations, registry
from wm2u_sd.backends.base import AbstractBackend, AbstractKernel, Array, Inputs, Moment
from wm2u_sd.backends.reference import NumpyBackend, NumpyKernel
from wm2u_sd.compile.lower import lower
from wm2u_sd.compile.program import Program
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Prior, Stock
from wm2u_sd.simulation.ensemble import draw
from wm2u_sd.simulation.levers import moves, moving_names
from wm2u_sd.simulation.scenario import Scenario

ORACLE = NumpyBackend()
RELATIVE, ABSOLUTE = 1e-12, 1e-300  # measured between printers of one program: 2e-14
FAILED = "step at which a column failed"
NOT_FIXED = ("exp", "ln", "log10", "power", "sin", "cos", "tan", "arctan")
"""Operations whose last place IEEE 754 leaves open."""
OF_OTHERS = ("plain",)
"""Backends that only hand columns on to others, which are run themselves."""
NAMES = [n for n in dict.fromkeys([*registry._OWN, *registry.backends()]) if n not in (ORACLE.name, *OF_OTHERS)]

Values = Mapping[str, Array]
"""Name -> (*axes, moments, columns)."""


# What is run ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Batch:
    """A program, and what a kernel is given to run it."""

    program: Program
    inputs: Inputs
    save: tuple[str, ...]
    saved_steps: tuple[int, ...]

    def of(self, draws: Sequence[int]) -> "Batch":
        """Return the batch with some of its draws, in that order; a constant that is the same for all stays so."""
        constants = [value if value.shape[-1] == 1 else value[..., draws] for value in self.inputs.constants]
        return replace(self, inputs=replace(self.inputs, constants=constants, n_draws=len(draws)))

    def laid_out(self, how: Callable[[Array], Array]) -> "Batch":
        """Return the batch with its constants in other arrays."""
        return replace(self, inputs=replace(self.inputs, constants=[how(value) for value in self.inputs.constants]))

    def written_out(self) -> "Batch":
        """Return the batch with every constant repeated for each draw."""
        return self.laid_out(lambda value: np.broadcast_to(value, (*value.shape[:-1], self.inputs.n_draws)).copy())

    def columns_of(self, values: Values, draws: Sequence[int]) -> Values:
        """Return the columns of some draws, in every scenario."""
        n = self.inputs.n_draws
        which = [scenario * n + draw for scenario in range(self.inputs.n_scenarios) for draw in draws]
        return {name: value[..., which] for name, value in values.items()}


def make_batch(
    model: Model,
    *,
    draws: int = 1,
    values: Mapping[str, Any] | None = None,
    scenarios: Sequence[Scenario] = (),
    tables: Mapping[str, Sequence[tuple[float, float]]] | None = None,
    save: Iterable[str] | None = None,
    saved_steps: Sequence[int] | None = None,
) -> Batch:
    """Return a model as a batch.

    Args:
        model: The model; of several draws, constants with a prior are drawn.
        draws: Number of draws.
        values: Of some constants, (*axes, draws) or (*axes, 1).
        scenarios: Those that move constants.
        tables: New points for some lookups.
        save: What is kept; None keeps every state and every named value.
        saved_steps: None keeps all.
    """
    program = lower(model, moving=moving_names(scenarios))
    given = {**(draw(model, draws).values if draws > 1 else {}), **(values or {})}
    stated = {c.name: np.asarray(c.value, float)[..., np.newaxis] for c in model.constants()}
    constants = [np.asarray(given.get(name, value), float) for name, value in stated.items()]
    numbers = {name: number for number, name in enumerate(stated)}
    moved = {numbers[name]: move for name, move in moves(model.time, scenarios).items()} if scenarios else {}
    curves = {lookup.name: number for number, lookup in enumerate(model.lookups())}
    points = {curves[name]: tuple(np.array(new, float).T) for name, new in (tables or {}).items()}
    everything = [*(slot.name for slot in program.states), *program.step.values]
    return Batch(
        program,
        Inputs(constants, draws, max(1, len(scenarios)), moved, points),  # type: ignore[arg-type]
        tuple(dict.fromkeys(everything if save is None else save)),
        tuple(range(model.time.n_steps + 1) if saved_steps is None else saved_steps),
    )


class Kernels:
    """The kernels that were compiled last: batches of one program share theirs, as users' do."""

    def __init__(self) -> None:
        self.known: list[tuple[AbstractBackend, Program, AbstractKernel]] = []

    def of(self, backend: AbstractBackend, program: Program) -> AbstractKernel:
        """Return the kernel of a program, compiled once."""
        for its_backend, its_program, kernel in self.known:
            if its_backend is backend and its_program is program:
                return kernel
        kernel = backend.compile(program)
        self.known = [*self.known[-3:], (backend, program, kernel)]
        return kernel


KERNELS = Kernels()


def ran(backend: AbstractBackend, batch: Batch) -> Values:
    """Run a batch; the steps at which columns failed are one more result."""
    arrays, failed = KERNELS.of(backend, batch.program).run(batch.inputs, batch.save, batch.saved_steps)
    return {**arrays, FAILED: np.asarray(failed, float)[np.newaxis]}


def looked_at(
    backend: AbstractBackend, batch: Batch, state: Array | None = None, names: Sequence[str] | None = None
) -> Values:
    """Evaluate the first moment of a batch."""
    moment: Moment = KERNELS.of(backend, batch.program).at_start(batch.inputs, state, names)
    n = batch.inputs.n_columns
    values = {name: np.broadcast_to(v, (*np.shape(v)[:-1], n)) for name, v in moment.values.items()}
    found = {"the state": moment.state, "the rates": moment.rates, **values}
    return {name: value[..., np.newaxis, :] for name, value in found.items()}


# How results are compared ---------------------------------------------------------------------------------------------


def gaps(expected: Values, found: Values) -> dict[str, Array]:
    """Return how far results are from each other, in units of what is allowed; infinitely far where one is no number.

    What is allowed is a part of the largest value an element of a column has; of a rate, which may be all that rounding
    leaves of what comes in and what goes out, also of the largest state.

    Raises:
        AssertionError: There is not the same, in the same shape.
    """
    assert [(name, value.shape) for name, value in expected.items()] == [(n, v.shape) for n, v in found.items()]
    state = _size(expected.get("the state", np.zeros((1, 1, 1)))).max(axis=0, initial=0.0)
    return {name: _gap(expected[name], found[name], state if name == "the rates" else 0.0) for name in expected}


def _size(values: Array) -> Array:
    largest: Array = np.where(np.isfinite(values), np.abs(values), 0.0).max(axis=-2, keepdims=True, initial=0.0)
    return largest


def _gap(expected: Array, found: Array, least: Array | float) -> Array:
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    with np.errstate(all="ignore"):
        gap = np.abs(expected - found) / (RELATIVE * np.maximum(_size(expected), least) + ABSOLUTE)
    return np.where(same, 0.0, np.where(np.isfinite(gap), gap, np.inf))


def assert_close(expected: Values, found: Values) -> None:
    """Hold results against what is expected, and say where they are apart."""
    lines = []
    for name, gap in gaps(expected, found).items():
        if gap.max(initial=0.0) > 1:
            *element, moment, column = np.unravel_index(gap.argmax(), gap.shape)
            place = (*element, moment, column)
            lines.append(
                f"{name}, element {[int(i) for i in element]}, moment {moment}, column {column}: expected "
                f"{expected[name][place]!r}, found {found[name][place]!r}, {gap[place] * RELATIVE:.2g} of the largest"
            )
    if lines:
        raise AssertionError("\n".join(lines))


def same_bits(one: Values, other: Values) -> bool:
    """Whether results are the same to the last bit; one NaN is as good as another."""
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n], equal_nan=True) for n in one)


class Nudged(AbstractBackend):
    """The oracle with results moved as far as arithmetic leaves them open.

    Those are the last places of elementary functions, of products, and of sums that may be added up in another order,
    and the sign of a zero that min and max find. What moves with them by more than is allowed says nothing about a
    backend.
    """

    name = "nudged"

    def __init__(self, by: int) -> None:
        self.by = by

    def compile(self, program: Program) -> NumpyKernel:
        """Return a kernel."""
        return NudgedKernel(program, self.by)


class NudgedKernel(NumpyKernel):
    """A kernel looks operations up when it is first asked to run, and so finds other ones."""

    def __init__(self, program: Program, by: int) -> None:
        super().__init__(program)
        self.elementwise = {name: how(operations.ELEMENTWISE[name], by) for name, how in LEFT_OPEN.items()}
        self.reductions = {name: how(operations.REDUCTIONS[name], by) for name, how in LEFT_OPEN_IN_REDUCTIONS.items()}

    def run(self, *given: Any) -> Any:
        """Run with other operations."""
        with self.in_place():
            return super().run(*given)

    def at_start(self, *given: Any) -> Any:
        """Look at the first moment with other operations."""
        with self.in_place():
            return super().at_start(*given)

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Put other operations in the place of the oracle's."""
        tables = ((operations.ELEMENTWISE, self.elementwise), (operations.REDUCTIONS, self.reductions))
        with mock.patch.dict(*tables[0]), mock.patch.dict(*tables[1]):  # type: ignore[arg-type]
            yield


def _nudged(operation: Callable[..., Any], by: int) -> Callable[..., Array]:
    """Move results by so many in their last place, some up and some down."""

    def nudged(*arguments: Array, out: Array | None = None, **how: Any) -> Array:
        value = np.asarray(operation(*arguments, **how), float)
        bits = value.view(np.int64)
        moved = (bits + np.where(bits & 2, by, -by)).view(float)
        return _put(np.where(np.isfinite(value) & (value != 0.0), moved, value), out)

    return nudged


def _nudged_zero(operation: Callable[..., Any], by: int) -> Callable[..., Array]:
    """Give one sign to all zeros."""

    def nudged(*arguments: Array, out: Array | None = None, **how: Any) -> Array:
        value = np.asarray(operation(*arguments, **how), float)
        return _put(np.where(value == 0.0, np.copysign(0.0, by), value), out)

    return nudged


def _nudged_sum(operation: Callable[..., Any], by: int) -> Callable[..., Array]:
    """Move sums over several dimensions by what another order makes of a last place."""

    def nudged(value: Array, axis: Sequence[int]) -> Array:
        moved = by * 2.0**-53 * operation(np.abs(value), axis) if len(axis) > 1 else 0.0
        return np.asarray(operation(value, axis) + moved)

    return nudged


def _put(value: Array, out: Array | None) -> Array:
    if out is None:
        return value
    out[...] = value
    return out


LEFT_OPEN = {**dict.fromkeys(NOT_FIXED, _nudged), "min": _nudged_zero, "max": _nudged_zero}
LEFT_OPEN_IN_REDUCTIONS = {
    "sum": _nudged_sum,
    "product": _nudged,
    "smallest": _nudged_zero,
    "largest": _nudged_zero,
}

Look = Callable[[AbstractBackend], Values]
"""Has something worked out by a backend."""


@dataclass(frozen=True)
class Verdict:
    """How a backend compares with the oracle.

    Attributes:
        expected, found: What the two have.
        gaps: How far apart they are, see `gaps`.
        told: Where they are apart and should not be.
    """

    expected: Values
    found: Values
    gaps: Mapping[str, Array]
    told: Mapping[str, Array]

    @property
    def worst(self) -> float:
        """The greatest gap."""
        return max((float(gap.max(initial=0.0)) for gap in self.gaps.values()), default=0.0)

    def hold(self) -> None:
        """Raise an error that shows what should not be apart."""
        assert_close({n: self.expected[n] for n in self.told}, {n: self.found[n] for n in self.told})


def compared(backend: AbstractBackend, look: Look) -> Verdict:
    """Compare a backend with the oracle, and let pass what hangs on last places.

    A result that comes out elsewhere in the oracle itself when what arithmetic leaves open is moved may come out as
    far from it a hundred times over, in the columns in which it does.
    """
    expected, found = look(ORACLE), look(backend)
    far = gaps(expected, found)
    if all(gap.max(initial=0.0) <= 1 for gap in far.values()):
        return Verdict(expected, found, far, {})
    shaken = [gaps(expected, look(Nudged(by))) for by in (1, -1, 2, -2, 3, -3)]
    reach = {name: np.max([_of_columns(one[name]) for one in shaken], axis=0) for name in far}
    told = {name: gap > 1 + 100 * reach[name] for name, gap in far.items()}
    return Verdict(expected, found, far, {name: where for name, where in told.items() if where.any()})


def _of_columns(gap: Array) -> Array:
    """Return the greatest gap in each column."""
    greatest: Array = gap.max(axis=tuple(range(gap.ndim - 1)), initial=0.0)
    return greatest


# Fixtures -------------------------------------------------------------------------------------------------------------

Agree = Callable[[Batch], None]


@pytest.fixture(scope="session", params=NAMES)
def backend(request: pytest.FixtureRequest) -> AbstractBackend:
    if request.param not in registry.backends():
        pytest.skip(f"the backend '{request.param}' cannot be used here")
    return registry.backend(request.param)


@pytest.fixture(scope="session")
def agree(backend: AbstractBackend) -> Agree:
    """Hold a run of a batch against the oracle's."""
    return lambda batch: assert_close(ran(ORACLE, batch), ran(backend, batch))


@pytest.fixture(scope="session")
def agree_at_start(backend: AbstractBackend) -> Callable[..., None]:
    """Hold the first moment of a batch against the oracle's."""
    return lambda batch, *how: assert_close(looked_at(ORACLE, batch, *how), looked_at(backend, batch, *how))


@pytest.fixture(scope="session")
def agree_but_for_last_places(backend: AbstractBackend) -> Agree:
    """Hold a run of a batch against the oracle's, but for what hangs on last places."""
    return lambda batch: compared(backend, lambda one: ran(one, batch)).hold()


@pytest.fixture(scope="session")
def agree_at_start_but_for_last_places(backend: AbstractBackend) -> Agree:
    """Hold the first moment of a batch against the oracle's, but for what hangs on last places.

    A rate is what is left of amounts that cancel out: it may be off by the last places of the largest amount.
    """

    def hold(batch: Batch) -> None:
        verdict = compared(backend, lambda one: looked_at(one, batch))
        finite = [np.abs(value[np.isfinite(value)]).max(initial=0.0) for value in verdict.expected.values()]
        least = 1e-15 * max(finite, default=0.0)
        with np.errstate(invalid="ignore"):
            told = {n: w for n, w in verdict.told.items() if not _within(verdict.expected[n], verdict.found[n], least)}
        replace(verdict, told=told).hold()

    return hold


def _within(expected: Array, found: Array, least: float) -> bool:
    same = (expected == found) | (np.isnan(expected) & np.isnan(found))
    return bool((same | (np.abs(expected - found) <= least)).all())


@pytest.fixture(scope="session")
def exact(backend: AbstractBackend) -> AbstractBackend:
    """A backend that claims the same bits however columns are put together."""
    if not backend.same_bits:
        pytest.skip(f"the backend '{backend.name}' does not claim the same bits")
    return backend


@pytest.fixture(scope="session")
def batch() -> Callable[..., Batch]:
    return make_batch


@pytest.fixture(scope="session")
def run() -> Callable[[AbstractBackend, Batch], Values]:
    return ran


@pytest.fixture(scope="session")
def equal() -> Callable[[Values, Values], bool]:
    return same_bits


@pytest.fixture(scope="module")
def folder_for_code() -> str:
    """Where compiled code is kept; nowhere, so that everything is compiled anew."""
    return ""


@pytest.fixture(autouse=True, scope="module")
def the_users_folder_is_left_alone(folder_for_code: str) -> Iterator[None]:
    with mock.patch.dict(os.environ, {kept.FOLDER: folder_for_code}):
        kept.cache_folder.cache_clear()
        yield
    kept.cache_folder.cache_clear()


@pytest.fixture(scope="session")
def clinic() -> Callable[[str], Model]:
    return make_clinic


def make_clinic(method: str) -> Model:
    """Return a model with every kind of memory, over dimensions, with stocks that run short in some draws."""
    return Model("clinic", time=Time(0, 4, "1/4", method=method)).define(
        Dimension("side", ("left", "right", "middle")),
        Dimension("age", tuple(f"age_{i}" for i in range(9))),
        Dimension("young", of="age", elements=("age_0", "age_1", "age_2")),
        Constant("asking_rate", 9.0, prior=Prior("uniform", 5, 14, 9)),
        Constant("shortest_wait", 0.4, prior=Prior("uniform", 0.1, 0.9, 0.4)),
        Constant("slope", 1.5, prior=Prior("uniform", 0.5, 2.5, 1.5)),
        Constant("notice", 1.5, prior=Prior("uniform", 0, 4, 1.5)),
        Constant("share", (0.3, 0.5, 0.2), over=("side",)),
        Constant("weight", tuple(0.05 + 0.01 * i for i in range(9)), over=("age",)),
        Constant("rooms", 12.0),
        Lookup("crowding", ((0, 1), (20, 0.8), (60, 0.3)), extrapolation="linear"),
        Lookup("season", tuple((i / 2, 1 + 0.1 * (-1) ** i) for i in range(21))),
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
