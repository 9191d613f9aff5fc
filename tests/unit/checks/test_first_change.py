"""The first derivative that is not 0, against powers of time whose derivatives are known."""

from math import factorial

import numpy as np
import pytest

from wm2u_sd.checks.first_change import Change, as_steps, first_change, stretches
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Constant, Flow, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate

TIMES = np.arange(129) / 1024


@pytest.mark.parametrize("order", [1, 2, 3, 4])
@pytest.mark.parametrize("scale", [-0.3, 20.0])
def test_a_power_of_time_has_its_order_and_derivative(order: int, scale: float) -> None:
    found = first_change(TIMES, scale * TIMES**order * np.exp(-2 * TIMES), 1.0)

    assert found is not None
    assert order == found.order
    assert scale * factorial(order) == pytest.approx(found.value, rel=1e-2)


def test_a_difference_that_is_there_at_once_is_a_jump() -> None:
    assert Change(0, 2.0) == first_change(TIMES, 2.0 - 7 * TIMES, 1.0)


@pytest.mark.parametrize(
    "effect",
    [np.zeros(129), 1e-13 * TIMES, 1e-3 * TIMES * np.cos(np.pi * np.log2(1024 * TIMES + 1e-9)), TIMES**0.5],
    ids=["none", "rounding", "to and fro", "no whole power"],
)
def test_what_cannot_be_told_is_not_guessed(effect: np.ndarray) -> None:
    assert first_change(TIMES, effect, 1.0) is None


def chain() -> Model:
    """Four stocks in a row, at rest: a change of what enters reaches each one power of time later."""
    flows = [Flow(f"f{i}", f"s{i - 1} / 2" if i else "entering") for i in range(5)]
    stocks = [Stock(f"s{i}", initial="8", inflows=[f"f{i}"], outflows=[f"f{i + 1}"]) for i in range(4)]
    return Model("chain", time=Time(3, 39, 0.3)).define(Constant("entering", value=4), *flows, *stocks)


def changes(model: Model, stock: str, scenario: Scenario) -> list[Change | None]:
    found = []
    for short in stretches(model):
        run = simulate(short, [Scenario("as_now"), scenario])
        paths = run.data[stock].values[:, 0]
        found.append(first_change(run.data["time"].values, paths[1] - paths[0], float(paths[0].max())))
    return found


@pytest.mark.parametrize("stock", range(4))
def test_each_stock_of_a_chain_changes_one_order_later(stock: int) -> None:
    # The k-th stock's (k+1)-th derivative is the change of the inflow, 1.5, over 2^k.
    scenario = as_steps(Scenario("more", levers=[Lever("entering", add=1.5, start=3, ramp=6)]))
    told = next(filter(None, changes(chain(), f"s{stock}", scenario)))

    assert (stock + 1, 1.5 / 2**stock) == (told.order, pytest.approx(told.value, rel=2e-2))


def test_the_lowest_power_decides_however_small_it_is() -> None:
    # Slow leaks at 0.001 a month; what comes in by way of `way` adds 5 t^2 and has taken over by month 0.0002.
    model = Model("leak", time=Time(0, 10, 0.125)).define(
        Constant("on", value=0), Stock("way", initial="0", inflows=["going"]), Flow("going", "on * 10"),
        Stock("slow", initial="1", inflows=["coming"], outflows=["leaking"]), Flow("coming", "way"),
        Flow("leaking", "on * 0.001"),
    )  # fmt: skip
    shortest, _, longest = changes(model, "slow", Scenario("on", set={"on": 1}))

    assert (1, -0.001) == (shortest.order, pytest.approx(shortest.value, rel=0.05))
    assert 2 == longest.order


def test_stretches_double_from_a_small_part_of_a_step_to_a_whole_one() -> None:
    times = [short.time for short in stretches(chain())]

    assert [32, 32, 32] == [time.n_steps for time in times]
    assert [0.5 * 2**-17, 0.5 * 2**-11, 0.5 * 2**-5] == [time.dt for time in times]
    assert [3 + 0.5 * 2**-12, 3 + 0.5 * 2**-6, 3.5] == [time.end for time in times]


@pytest.mark.parametrize(("step", "n"), [(0.001, 2), (2, 3), (64, 3)])
def test_stretches_suit_short_and_long_steps(step: float, n: int) -> None:
    model = Model("any", time=Time(0, 128 * step, step)).define(Stock("x", initial="1"))

    assert n == len(list(stretches(model)))
