"""Stocks that cannot give more than they hold, and steps that would overdraw them in some draws and not in others."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from wm2u_sd.backends.base import AbstractBackend
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario

every_method = pytest.mark.parametrize("method", METHODS)
NUMBERS = pytest.mark.parametrize("draws", [1, 8, 17])


def ring(method: str, over: Sequence[str] = ()) -> Model:
    """Return four stocks in a ring, two with a fixed demand: a Runge-Kutta step overdraws where little is left."""
    stocks = [
        Stock(f"s{i}", "first * (1 + weight)" if i == 2 else "0 * weight", inflows=[f"on_{(i - 1) % 4}"],
              outflows=[f"on_{i}"], non_negative=True, over=over)
        for i in range(4)
    ]  # fmt: skip
    stocks = [replace(s, outflows=[*s.outflows, f"out_{i}"]) if i in (0, 3) else s for i, s in enumerate(stocks)]
    flows = {"on_0": "s0", "on_1": "0 * s1", "on_2": "s2 * pace", "on_3": "s3", "out_0": "asked", "out_3": "asked"}
    return Model("ring", time=Time(0, 3, "1/4", method=method)).define(
        Dimension("place", tuple(f"p{i}" for i in range(5))),
        Dimension("kind", ("one", "other")),
        Constant("first", 1.0),
        Constant("pace", 1.0),
        Constant("asked", 1.0),
        Constant("weight", np.linspace(0, 2, 5) if over else 0.0, over=("place",) if over else ()),
        *stocks,
        *(Flow(name, text, over=over) for name, text in flows.items()),
        Stock("beside", "1", inflows=["growing"]),
        Flow("growing", "beside / 3"),
    )


def columns(draws: int) -> dict[str, np.ndarray]:
    """Return constants that differ between draws: some rings run dry, some stay far from it, one is no number."""
    random = np.random.default_rng(draws)
    first = np.resize([1.0, 100.0, 0.3, 0.0, 2.0, 1e-12, 50.0, 1e9, np.nan], draws)
    return {"first": first, "pace": random.uniform(0.2, 3, draws), "asked": random.choice([0.0, 0.3, 1, 4], draws)}


@every_method
@NUMBERS
@pytest.mark.parametrize("over", [(), ("place",), ("kind", "place")], ids=lambda over: "_".join(over) or "single")
def test_steps_that_overdraw_in_some_draws_only(
    agree: Callable, batch: Callable, method: str, draws: int, over: Sequence[str]
) -> None:
    model = ring(method, over)
    agree(batch(model, draws=draws, values=columns(draws)))


@pytest.mark.parametrize("method", ["rk2", "rk4"])
def test_the_rings_do_overdraw_in_some_draws_and_not_in_others(
    batch: Callable, run: Callable, backend: AbstractBackend, method: str
) -> None:
    """Without rationing some fall below zero, and some stay above: the tests around this one look at both."""
    model = ring(method)
    free = model.define(*(replace(stock, non_negative=False) for stock in model.stocks()))
    lowest = run(backend, batch(free, draws=8, values=columns(8)))["s0"].min(axis=0)

    assert (lowest < -1e-3).any()
    assert (lowest >= 0).any()


@every_method
@NUMBERS
def test_a_demand_that_is_never_or_backwards_or_no_number(
    agree: Callable, batch: Callable, method: str, draws: int
) -> None:
    model = Model("odd_demands", time=Time(0, 2, "1/4", method=method)).define(
        Constant("x", 1.0),
        Stock("held", "4", inflows=["coming"], outflows=["plain", "backwards", "odd"], non_negative=True),
        Stock("far", "x", inflows=["plain"], non_negative=True),
        Stock("empty", "0", outflows=["nothing"], non_negative=True),
        Stock("given_nothing", "x / 2", non_negative=True),
        Flow("coming", "1"),
        Flow("plain", "held * x + 3"),
        Flow("backwards", "-x"),
        Flow("odd", "1 / (1 - x)"),
        Flow("nothing", "x - 1"),
        Auxiliary("reads_what_was_granted", "plain + odd * 2"),
    )

    agree(batch(model, draws=draws, values={"x": np.resize([0.5, 1.0, 2.0, -1.0, 9.0, np.nan, 0.0], draws)}))


@every_method
def test_demands_that_follow_from_what_others_were_granted(agree: Callable, batch: Callable, method: str) -> None:
    model = Model("chained", time=Time(0, 3, "1/4", method=method)).define(
        Dimension("place", tuple(f"p{i}" for i in range(3))),
        Constant("pace", 2.0),
        Constant("share", (0.2, 0.3, 0.5), over=("place",)),
        Stock("waiting", "10 * share", outflows=["starting", "leaving"], inflows=["coming"], over=("place",),
              non_negative=True),
        Stock("helped", "1", inflows=["all_starting"], outflows=["done"], non_negative=True),
        Flow("coming", "share * done", over=("place",)),
        Flow("starting", "pace * waiting + share * busy", over=("place",)),
        Flow("leaving", "starting / 2", over=("place",)),
        Flow("all_starting", "sum(starting[*])"),
        Flow("done", "all_starting * pace + helped"),
        Auxiliary("busy", "sum(waiting[*]) / (1 + helped)"),
    )  # fmt: skip

    for draws in (1, 9):
        agree(batch(model, draws=draws, values={"pace": np.linspace(0.5, 9, draws)}))


@pytest.mark.parametrize("method", ["rk2", "rk4"])
@pytest.mark.parametrize("draws", [1, 9])
def test_scenarios_of_which_some_overdraw(agree: Callable, batch: Callable, method: str, draws: int) -> None:
    scenarios = [
        Scenario("as_now"),
        Scenario("faster", levers=[Lever("pace", times=3, start=1)]),
        Scenario("more_asked", levers=[Lever("asked", add=2, start=0.5, end=2)]),
    ]

    agree(batch(ring(method, ("place",)), draws=draws, values=columns(draws), scenarios=scenarios))
