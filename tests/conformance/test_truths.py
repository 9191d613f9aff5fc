"""What is true of every backend, whatever another says: nobody is made or lost, and errors fall as the step does."""

from collections.abc import Callable

import numpy as np
import pytest

from wm2u_sd.backends.base import AbstractBackend
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Constant, Flow, Prior, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate

every_method = pytest.mark.parametrize("method", METHODS)


@every_method
def test_the_ledger_balances_in_every_draw_of_every_scenario(
    backend: AbstractBackend, clinic: Callable, method: str
) -> None:
    scenarios = [Scenario("as_now"), Scenario("rooms", levers=[Lever("rooms", times=3, start=2)])]
    run = simulate(clinic(method), scenarios, draws=20, backend_name=backend.name)

    assert () == run.failures
    largest = np.maximum(run.ledger["at_start"] + run.ledger["entered"], 1e-300)
    assert 0 == pytest.approx(np.abs(run.ledger["difference"] / largest).values.max(), abs=1e-9)


def chain(method: str) -> Model:
    """Return stocks in a row that are asked for far more than they hold, over places; nothing comes in."""
    over = ("place",)
    return Model("chain", time=Time(0, 3, "1/4", method=method)).define(
        Dimension("place", tuple(f"p{i}" for i in range(5))),
        Constant("pace", 5.0, prior=Prior("uniform", 0, 30, 5)),
        Constant("asked", 40.0, prior=Prior("uniform", 0, 200, 40)),
        Constant("first", (0.0, 1.0, 10.0, 100.0, 1000.0), over=over),
        *(
            Stock(f"s{i}", "first" if i == 0 else "0", inflows=[f"on_{i - 1}"] if i else ["back"],
                  outflows=[f"on_{i}" if i < 2 else "back", f"out_{i}"], non_negative=True, over=over)
            for i in range(3)
        ),
        Stock("gone", "0", inflows=["leaving"]),
        Flow("on_0", "s0 * pace", over=over), Flow("on_1", "s1 * pace + asked", over=over),
        Flow("back", "s2 * 3", over=over),
        *(Flow(f"out_{i}", f"asked / {i + 1}", over=over) for i in range(3)),
        Flow("leaving", "sum(out_0[*]) + sum(out_1[*]) + sum(out_2[*])"),
    )  # fmt: skip


@every_method
@pytest.mark.parametrize("draws", [1, 9])
def test_rationing_makes_nobody_and_leaves_no_stock_below_zero(
    backend: AbstractBackend, method: str, draws: int
) -> None:
    run = simulate(chain(method), draws=draws, backend_name=backend.name)
    held = sum(run.data[f"s{i}"].sum("place").values for i in range(3))

    assert np.full(held.shape, 1111.0) == pytest.approx(held + run.data["gone"].values, rel=1e-12)
    assert all(run.data[f"s{i}"].values.min() >= -1e-12 * 1111 for i in range(3))
    assert run.data["gone"].values.max() > 0


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4)])
@pytest.mark.parametrize("draws", [1, 9])
def test_errors_fall_by_the_order_of_the_method(backend: AbstractBackend, method: str, order: int, draws: int) -> None:
    # Two tanks in a row, and a clock: x' = -k x, y' = k x - k y + t, solved by hand for k = 1 from x = 1, y = 0:
    # x = exp(-t), y = (t + 1) exp(-t) + t - 1.
    model = Model("tanks").define(
        Dimension("place", ("here", "there", "elsewhere")),
        Constant("k", 1.0, prior=Prior("fixed", 1, 1, 1)),
        Stock("x", "k", outflows=["on"], over=("place",)),
        Stock("y", "0", inflows=["on", "filling"], outflows=["out"], over=("place",)),
        Flow("on", "k * x", over=("place",)),
        Flow("filling", "time", over=("place",)),
        Flow("out", "k * y", over=("place",)),
    )
    t = np.arange(5)[:, np.newaxis] / 2
    exact = {"x": np.exp(-t), "y": (t + 1) * np.exp(-t) + t - 1}
    errors = []
    for step in ("1/8", "1/16"):
        timed = model.with_time(end=2, step=step, saveper="1/2", method=method)
        run = simulate(timed, draws=draws, backend_name=backend.name)
        errors.append({name: np.abs(run.data[name].values - value).max() for name, value in exact.items()})

    for name in exact:
        assert order == pytest.approx(np.log2(errors[0][name] / errors[1][name]), abs=0.15)
