"""The gradient of a draw is the same to the last bit, whichever draws it is worked out beside."""

import os
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from wm2u_sd.backends.base import Gradient
from wm2u_sd.backends.native import gradient
from wm2u_sd.backends.native.kernel import NativeKernel
from wm2u_sd.compile.adjoint import Wanted
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Constant, Flow, Lookup, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario

SCENARIOS = [
    Scenario("as_now"),
    Scenario("rooms", levers=[Lever("rooms", times=1.5, start=1, ramp=2), Lever("share", times=0.9, start=2)]),
]
every_method = pytest.mark.parametrize("method", METHODS)
DRAWS = 33


def arrays(bars: Gradient) -> Iterator[np.ndarray]:
    """Return every array of a gradient."""
    for kind in (bars.constants, bars.initial, bars.moved):
        yield from kind.values()
    for x, y in bars.points.values():
        yield from (x, y)


def equal(one: tuple[np.ndarray, Gradient], other: tuple[np.ndarray, Gradient], columns: object = slice(None)) -> bool:
    """Whether gradients hold the same bits, the one at some of its columns."""
    pairs = zip(arrays(one[1]), arrays(other[1]), strict=True)
    return all(np.array_equal(whole[..., columns], part) for whole, part in pairs)


@pytest.fixture(params=METHODS)
def several(request: pytest.FixtureRequest, case: Callable, clinic: Callable) -> object:
    return case(clinic(request.param), draws=DRAWS, spread=0.4, scenarios=SCENARIOS)


@pytest.fixture
def wanted(several: object) -> Wanted:
    return Wanted(several.by(), {0: 3, 1: 21})  # type: ignore[attr-defined]


def test_a_draw_alone_and_in_a_batch(several, wanted: Wanted, back: Callable) -> None:
    kernel = NativeKernel(several.program)
    whole = back(several, wanted, kernel)

    for draw in (0, 8, 32):
        assert equal(whole, back(several.of([draw]), wanted, kernel), [draw, DRAWS + draw])
    for draws in ([7, 3], [32, 0, 1, 1, 4, 9, 2, 30, 31]):
        both = [*draws, *(DRAWS + d for d in draws)]
        assert equal(whole, back(several.of(draws), wanted, kernel), both)


def test_threads_and_chunks(several, wanted: Wanted, back: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = NativeKernel(several.program)
    whole = back(several, wanted, kernel)
    for size in (1, 200_000):
        monkeypatch.setattr(gradient, "RECORD_BYTES", size)
        for threads in (1, 2, 5):
            kernel.threads = threads
            assert equal(whole, back(several, wanted, kernel))
    kernel.threads = None
    monkeypatch.setattr(os, "cpu_count", lambda: 3)
    assert equal(whole, back(several, wanted, kernel))


def test_small_records_do_cut_the_draws(case: Callable, clinic: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("llvmlite")
    one = case(clinic("euler"), draws=DRAWS, spread=0.4)
    gradients = gradient.Gradients(NativeKernel(one.program), one.inputs, one.save, list(one.steps), one.loss,
                                   Wanted(one.by()))  # fmt: skip

    assert [slice(0, DRAWS)] == list(gradients.chunks())
    monkeypatch.setattr(gradient, "RECORD_BYTES", 1)
    assert 5 == len(list(gradients.chunks()))


@every_method
@pytest.mark.parametrize("draws", [1, 9])
def test_stretches_that_are_run_again(
    method: str, draws: int, case: Callable, back: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("llvmlite")
    model = Model("well", time=Time(0, 5, "1/4", method=method)).define(
        Dimension("place", ("p", "q", "r")),
        Constant("pace", 1.3),
        Constant("first", (1.0, 3.0, 20.0), over=("place",)),
        Lookup("curve", ((0, 0.2), (4, 1.0), (9, 0.4))),
        Stock("held", "first", inflows=["entering"], outflows=["leaving"], non_negative=True, over=("place",)),
        Stock("gone", "0", inflows=["all_leaving"]),
        Flow("entering", "sin(time) + 0.2", over=("place",)),
        Flow("leaving", "held * pace * curve(held) / (1 + gone / 9)", over=("place",)),
        Flow("all_leaving", "sum(leaving[*])"),
    )
    scenarios = [Scenario("as_now"), Scenario("faster", levers=[Lever("pace", times=1.4, start=1, ramp=2)])]
    one = case(model, draws=draws, spread=0.4, scenarios=scenarios)
    wanted = Wanted(one.by(), {0: 3})
    whole = back(one, wanted, NativeKernel(one.program))
    monkeypatch.setattr(gradient, "RECORD_BYTES", 1)
    ready = gradient.Gradients(NativeKernel(one.program), one.inputs, one.save, list(one.steps), one.loss, wanted)

    assert [(0, 5), (5, 10), (10, 15), (15, 20), (20, 21)] == ready.stretches
    assert equal(whole, ready.run())
    assert equal(whole, ready.run())


def test_scenarios_alone_and_together(case: Callable, back: Callable, clinic: Callable) -> None:
    model = clinic("rk4")
    together = case(model, draws=9, spread=0.4, scenarios=SCENARIOS)
    whole = back(together)

    for number in (0, 1):
        inputs = together.inputs
        moved = {k: move.of([number]) for k, move in inputs.moves.items()}
        alone = type(together)(
            together.program,
            type(inputs)(inputs.constants, 9, 1, moved, inputs.tables),
            together.save, together.steps, together.weights,
        )  # fmt: skip
        assert equal(whole, back(alone), slice(9 * number, 9 * (number + 1)))


@every_method
def test_twice_is_the_same(case: Callable, back: Callable, clinic: Callable, method: str) -> None:
    one = case(clinic(method), draws=2, spread=0.4)
    kernel = NativeKernel(one.program)

    assert equal(back(one, None, kernel), back(one, None, kernel))
