"""Batches of every size, what is kept of them and when, and models that lack what most have."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from wm2u_sd.backends.base import AbstractBackend
from wm2u_sd.compile.lower import INTEGRAL
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

SIZES = (1, 2, 7, 8, 9, 16, 33)
every_method = pytest.mark.parametrize("method", METHODS)


@every_method
def test_batches_of_every_size(agree: Callable, batch: Callable, clinic: Callable, method: str) -> None:
    whole = batch(clinic(method), draws=max(SIZES))
    for size in SIZES:
        agree(whole.of(range(size)))


def test_draws_that_differ_in_nothing(agree: Callable, batch: Callable, clinic: Callable) -> None:
    model = clinic("rk2")
    whole = batch(model, draws=max(SIZES), values={c.name: [c.value] for c in model.constants() if c.prior})
    for size in SIZES:
        agree(whole.of(range(size)))


@pytest.mark.parametrize("draws", [1, 9])
@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_few_moments_that_are_kept(agree: Callable, batch: Callable, clinic: Callable, draws: int, method: str) -> None:
    whole = batch(clinic(method), draws=draws)
    for saved_steps in ((16,), (0, 16), (15, 16), (0, 1, 2, 16), (3, 7, 11, 16)):
        agree(replace(whole, saved_steps=saved_steps))


SAVED = {
    "nothing": [],
    "one_stock": ["helped"],
    "one_auxiliary": ["busy"],
    "a_constant_and_a_flow": ["share", "looking"],
    "integrals_only": [INTEGRAL + "leaving", INTEGRAL + "done"],
    "what_stands_inside_a_delay": ["done.smooth3_1.level_2", "done.delay_fixed_1"],
    "what_was_asked": ["waiting.demand", "waiting.ration", "starting.asked"],
    "in_another_order": ["met", "waiting", "busy", "seen", "asking", INTEGRAL + "asking", "helped"],
}


@pytest.mark.parametrize("draws", [1, 9])
@pytest.mark.parametrize("save", SAVED.values(), ids=SAVED.keys())
def test_little_that_is_kept(agree: Callable, batch: Callable, clinic: Callable, draws: int, save: list[str]) -> None:
    agree(batch(clinic("rk4"), draws=draws, save=save))


@pytest.mark.parametrize("draws", [1, 9])
@every_method
def test_a_stock_that_nothing_reads(agree: Callable, batch: Callable, draws: int, method: str) -> None:
    model = Model("unread", time=Time(0, 3, "1/2", method=method)).define(
        Constant("x", 1.0),
        Stock("read", "x", outflows=["leaving"]),
        Stock("unread", "x + 1", inflows=["coming"]),
        Stock("held", "x + 2", outflows=["asked"], non_negative=True),
        Stock("without_flows", "x + 3"),
        Flow("leaving", "read / 2"),
        Flow("coming", "1 / (2 - time * x)"),
        Flow("asked", "x * 2"),
    )
    values = {"x": np.resize([1.0, 2.0, 3.0], draws)}

    for save in (None, ["unread"], ["without_flows"], ["read"], [INTEGRAL + "coming"], ["held"]):
        agree(batch(model, draws=draws, values=values, save=save))


@pytest.mark.parametrize("draws", [1, 9])
@every_method
def test_a_model_without_stocks(agree: Callable, batch: Callable, draws: int, method: str) -> None:
    model = Model("no_stocks", time=Time(0, 3, "1/2", method=method)).define(
        Dimension("place", ("here", "there")),
        Constant("x", (1.0, 2.0), over=("place",)),
        Auxiliary("seen", "x * time", over=("place",)),
        Auxiliary("late", "delay_fixed(sum(seen[*]), 1, 0)"),
        Auxiliary("remembered", "sample_if_true(time < 1, seen[there], -1)"),
        Flow("drawn_from_nowhere", "late * 2"),
    )
    values = {"x": np.random.default_rng(1).uniform(0, 1, (2, draws))}

    agree(batch(model, draws=draws, values=values))
    plain = Model("less", time=model.time).define(Constant("y", 1.0), Auxiliary("twice", "y * 2 + time"))
    agree(batch(plain, draws=draws, values={"y": np.arange(draws)}))
    agree(batch(plain.define(Auxiliary("alone", "3")), draws=draws, save=["alone"]))


@pytest.mark.parametrize("draws", [1, 9])
@every_method
def test_a_run_of_no_steps_and_of_one(
    agree: Callable, batch: Callable, clinic: Callable, draws: int, method: str
) -> None:
    for end in (0, 0.25):
        agree(batch(clinic(method).with_time(end=end), draws=draws))


@pytest.mark.parametrize("start", [-7.3, 2015.25, 1e6])
def test_a_clock_that_does_not_begin_at_zero(agree: Callable, batch: Callable, clinic: Callable, start: float) -> None:
    for method in METHODS:
        model = clinic(method).with_time(start=start, end=start + 3, step="1/10")
        agree(batch(model, draws=3))


def test_results_are_numbers_by_name_in_the_order_asked_for(
    backend: AbstractBackend, batch: Callable, clinic: Callable
) -> None:
    save = ["busy", "waiting", "met", "helped"]
    one = batch(clinic("euler"), draws=5, save=save, saved_steps=[0, 8, 16])
    arrays, failed = backend.compile(one.program).run(one.inputs, one.save, one.saved_steps)

    assert save == list(arrays)
    assert [(3, 5), (9, 3, 3, 5), (3, 3, 5), (3, 5)] == [value.shape for value in arrays.values()]
    assert {np.dtype(float)} == {value.dtype for value in arrays.values()}
    assert (np.dtype(np.int64), [-1] * 5) == (failed.dtype, failed.tolist())


LAYOUTS: Sequence[Callable[[np.ndarray], np.ndarray]] = (
    np.asfortranarray,  # elements beside each other, not columns
    lambda value: np.ascontiguousarray(value[..., ::-1])[..., ::-1],  # backwards
    lambda value: np.repeat(value, 2, axis=-1)[..., ::2],  # with gaps
    lambda value: np.broadcast_to(value, value.shape),  # not to be written to
)


@pytest.mark.parametrize("draws", [1, 2, 8, 11])
@pytest.mark.parametrize("over", [(), ("row",), ("row", "column")], ids=lambda over: "_".join(over) or "single")
def test_inputs_may_lie_in_memory_in_any_way(
    agree: Callable, agree_at_start: Callable, batch: Callable, draws: int, over: Sequence[str]
) -> None:
    shape = [3, 5][: len(over)]
    model = Model("laid_out", time=Time(0, 3, "1/2")).define(
        Dimension("row", ("r0", "r1", "r2")),
        Dimension("column", tuple(f"c{i}" for i in range(5))),
        Constant("x", np.ones(shape), over=over),
        Constant("y", 1.0),
        Stock("level", "x", inflows=["coming"], over=over),
        Flow("coming", "y * delay_fixed(level, x, 1)", over=over),
    )
    random = np.random.default_rng(draws)
    one = batch(model, draws=draws, values={"x": random.uniform(0, 3, (*shape, draws))})
    state = random.uniform(0, 3, (int(np.prod(shape)), draws))

    for laid_out in LAYOUTS:
        agree(one.laid_out(laid_out))
        agree_at_start(one.laid_out(laid_out))
        agree_at_start(one, laid_out(state))


# The first moment -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "names",
    [None, ["helped", "met"], ["busy"], ["waiting", "done.smooth3_1.level_1", "leaving"]],
    ids=["everything", "stock_and_auxiliary", "auxiliary", "states_and_flow"],
)
def test_the_first_moment(agree_at_start: Callable, batch: Callable, clinic: Callable, names: list[str] | None) -> None:
    whole = batch(clinic("rk2"), draws=max(SIZES))
    for size in SIZES:
        agree_at_start(whole.of(range(size)), None, names)


@pytest.mark.parametrize("draws", [1, 9])
def test_the_first_moment_from_another_state(
    agree_at_start: Callable, batch: Callable, clinic: Callable, draws: int
) -> None:
    one = batch(clinic("rk4"), draws=draws)
    rows = {slot.name: slot.rows for slot in one.program.states}
    state = np.random.default_rng(2).uniform(1, 30, (max(rows["waiting"].stop, rows["helped"].stop), draws))

    agree_at_start(one, state)
    agree_at_start(one, state, ["helped", "busy"])
    agree_at_start(one, state, ["seen", "looking"])


@every_method
def test_the_first_moment_of_a_model_without_stocks(agree_at_start: Callable, batch: Callable, method: str) -> None:
    model = Model("no_stocks", time=Time(3, 4, method=method)).define(
        Constant("x", 1.0), Auxiliary("seen", "x * time + step(2, 3)"), Auxiliary("first", "initial(seen) / (x - 1)")
    )

    for draws in (1, 9):
        agree_at_start(batch(model, draws=draws, values={"x": np.arange(draws)}))
