"""What a run remembers: fixed delays, samples, first values, and the levels inside small models."""

from collections.abc import Callable

import numpy as np
import pytest

from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario

every_method = pytest.mark.parametrize("method", METHODS)
many_draws_or_one = pytest.mark.parametrize("draws", [1, 11])
DELAYS = (0.0, 0.1, 0.25, 0.375, 0.3749999999999, 0.49, 1.0, 1.1, 2.0, 4.0, 4.25, 100.0)
"""No delay at all, less than a step, on and beside half a step, as long as the run and longer."""


@every_method
@many_draws_or_one
@pytest.mark.parametrize("n", [3, 8])
def test_fixed_delays_that_differ_between_draws_and_elements(
    agree: Callable, batch: Callable, method: str, draws: int, n: int
) -> None:
    random = np.random.default_rng(10 * n + draws)
    model = Model("delays", time=Time(0, 4, "1/4", method=method)).define(
        Dimension("place", tuple(f"p{i}" for i in range(n))),
        Constant("delay", 1.0),
        Constant("delays", [1.0] * n, over=("place",)),
        Constant("first", 7.0),
        Stock("level", "1", inflows=["coming"]),
        Stock("levels", "delays", inflows=["comings"], over=("place",)),
        Auxiliary("late", "delay_fixed(level + time, delay, first)"),
        Auxiliary("lates", "delay_fixed(levels * 2, delays, first)", over=("place",)),
        Auxiliary("alike_for_all", "delay_fixed(levels, 1, delays)", over=("place",)),
        Auxiliary("of_late", "delay_fixed(late, delay, late)"),
        Auxiliary("of_fixed", "delay_fixed(first, delay, 0)"),
        Auxiliary("spread", "delay_fixed(level, delays, 1)", over=("place",)),
        Flow("coming", "1 + late / 10"),
        Flow("comings", "1 + lates / 10 + spread", over=("place",)),
    )
    values = {"delay": random.choice(DELAYS, draws), "delays": random.choice(DELAYS, (n, draws))}

    agree(batch(model, draws=draws, values=values))
    if draws > 1:
        agree(batch(model, draws=draws, values={"delays": values["delays"][:, :1], "first": np.arange(draws)}))


@pytest.mark.parametrize("delay", DELAYS)
def test_a_fixed_delay_alike_in_all_draws(agree: Callable, batch: Callable, delay: float) -> None:
    model = Model("delay", time=Time(0, 4, "1/4", method="rk2")).define(
        Constant("delay", delay),
        Constant("x", 1.0),
        Auxiliary("late", "delay_fixed(x + time, delay, 5)"),
        Auxiliary("written_out", f"delay_fixed(x + time, {delay}, 5)"),
    )

    for draws in (1, 2, 9):
        agree(batch(model, draws=draws, values={"x": np.arange(draws)}))


@many_draws_or_one
def test_a_fixed_delay_in_a_run_that_leaves_the_numbers(agree: Callable, batch: Callable, draws: int) -> None:
    model = Model("odd", time=Time(0, 4, "1/2")).define(
        Constant("x", 1.0), Constant("delay", 1.0),
        Auxiliary("late", "delay_fixed(1 / (x - time), delay, 0 / x)"),
    )  # fmt: skip
    x = np.resize([1.0, 0.0, 2.5, np.inf], draws)

    agree(batch(model, draws=draws, values={"x": x, "delay": np.resize([1.0, np.nan, 2.0, 0.0, -3.0], draws)}))


@every_method
@many_draws_or_one
def test_delays_that_a_scenario_moves_and_scenarios_that_part_while_something_is_under_way(
    agree: Callable, batch: Callable, method: str, draws: int
) -> None:
    model = Model("moved", time=Time(0, 4, "1/4", method=method)).define(
        Constant("delay", 1.0),
        Constant("x", 1.0),
        Stock("level", "x", inflows=["coming"]),
        Flow("coming", "delay_fixed(level + time * x, delay, 3)"),
        Auxiliary("kept", "sample_if_true(time < 2 * x, coming, 9) + initial(x * level)"),
    )
    scenarios = [
        Scenario("as_now"),
        Scenario("longer", set={"delay": 2.3}),
        Scenario("while_under_way", levers=[Lever("x", add=2, start=1.5), Lever("delay", to=3, start=2)]),
        Scenario("for_a_moment", levers=[Lever("x", times=0, start=1.5, end=1.75)]),
    ]
    values = {"x": np.linspace(0.5, 2, draws), "delay": np.resize([1.0, 0.4, 2.2, 0.0, 9.0], draws)}

    agree(batch(model, draws=draws, values=values, scenarios=scenarios))
    agree(batch(model, draws=draws, values=values, scenarios=[scenarios[0], *scenarios[2:]]))


@every_method
@many_draws_or_one
@pytest.mark.parametrize("n", [1, 9])
def test_samples_and_first_values(agree: Callable, batch: Callable, method: str, draws: int, n: int) -> None:
    model = Model("remembered", time=Time(0, 4, "1/4", method=method)).define(
        Dimension("place", tuple(f"p{i}" for i in range(n))),
        Constant("x", 1.0),
        Constant("xs", [1.0] * n, over=("place",)),
        Stock("level", "1", inflows=["coming"]),
        Stock("levels", "xs", inflows=["comings"], over=("place",)),
        Auxiliary("now_and_then", "sample_if_true(modulo(time, x) < 0.3, level, -1)"),
        Auxiliary("at_places", "sample_if_true(levels > x, levels * time, xs)", over=("place",)),
        Auxiliary("spread", "sample_if_true(level > xs, level, 0)", over=("place",)),
        Auxiliary("never", "sample_if_true(time > 99, level, x)"),
        Auxiliary("always", "sample_if_true(1, level, 0)"),
        Auxiliary("at_first", "initial(level * x + sum(levels[*]))"),
        Auxiliary("at_first_here", "initial(levels / xs + time)", over=("place",)),
        Auxiliary("first_of_samples", "initial(now_and_then) + initial(x) + initial(3)"),
        Flow("coming", "1 + now_and_then / 10 - at_first / 20"),
        Flow("comings", "at_places / 10 - levels * at_first_here / 20", over=("place",)),
    )
    random = np.random.default_rng(n)
    values = {"x": random.uniform(0.5, 2, draws), "xs": random.uniform(0.5, 2, (n, draws))}

    agree(batch(model, draws=draws, values=values))
    if draws > 1:
        agree(batch(model, draws=draws, values={"xs": values["xs"]}))


@every_method
@many_draws_or_one
@pytest.mark.parametrize("order", [1, 3, 7])
def test_small_models_of_every_order(agree: Callable, batch: Callable, method: str, draws: int, order: int) -> None:
    model = Model("orders", time=Time(0, 3, "1/4", method=method)).define(
        Dimension("place", ("here", "there", "elsewhere")),
        Constant("time_taken", 3.0),
        Constant("times_taken", (2.0, 4.0, 8.0), over=("place",)),
        Stock("level", "5", inflows=["coming"], over=("place",)),
        Flow("coming", f"delay_n(level + step(3, 1), times_taken, {order}) - smooth_n(level, time_taken, {order}, 4)",
             over=("place",)),
        Auxiliary("single", f"smooth_n(time * level[here], time_taken, {order}) + delay_n(1, time_taken, {order}, 0)"),
        Auxiliary("growth", "trend(level, times_taken, 0.1)", over=("place",)),
        Auxiliary("ahead", "forecast(level[there] - 6, time_taken, 2, 0.05)"),
        Auxiliary("nothing_yet", "trend(time, time_taken) + forecast(0 * time, time_taken, 1)"),
    )  # fmt: skip
    values = {"time_taken": np.linspace(2, 6, draws), "times_taken": np.linspace([2, 3, 4], [8, 7, 5], draws, axis=-1)}

    agree(batch(model, draws=draws, values=values))
    if draws > 1:
        agree(batch(model, draws=draws, values={"times_taken": values["times_taken"][:, :1]}))
