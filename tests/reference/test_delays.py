"""Delays against the Erlang distribution and algebra (SEM-30, SEM-31)."""

import numpy as np
import pytest
from scipy.special import gammainc
from scipy.stats import nbinom

from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Flow, Stock
from wm2u_sd.simulation.simulate import simulate

MEAN = 5.0


def path(time: Time, equation: str) -> np.ndarray:
    """Return the values an equation takes at the kept moments."""
    model = Model("path", time=time).define(Auxiliary("y", equation))
    values: np.ndarray = simulate(model, save=["y"]).data["y"].values[0, 0]
    return values


def erlang(order: int, times: np.ndarray) -> np.ndarray:
    """Return the step response of `order` equal first-order delays with mean time `MEAN` together."""
    response: np.ndarray = gammainc(order, order * times / MEAN)
    return response


@pytest.mark.parametrize("order", [1, 2, 3, 6, 10])
@pytest.mark.parametrize("kind", ["delay_n", "smooth_n"])
def test_the_step_response_of_an_nth_order_delay_is_erlang(kind: str, order: int) -> None:
    time = Time(0, 20, "1/32", saveper=0.5, method="rk4")
    values = path(time, f"{kind}(1, {MEAN}, {order}, 0)")

    # RK4 at step * order / MEAN = 1/16: error of the order of (1/16)^4 / 120 = 1e-7.
    assert erlang(order, np.array(time.saved_times())) == pytest.approx(values, abs=2e-7)


@pytest.mark.parametrize(
    ("named", "general"),
    [("delay1(1, 5, 0)", "delay_n(1, 5, 1, 0)"), ("delay3(1, 5, 0)", "delay_n(1, 5, 3, 0)")]
    + [("smooth1(1, 5, 0)", "smooth_n(1, 5, 1, 0)"), ("smooth3(1, 5, 0)", "smooth_n(1, 5, 3, 0)")],
)
def test_the_named_delays_are_those_of_first_and_third_order(named: str, general: str) -> None:
    time = Time(0, 20, 0.25, method="rk2")

    assert path(time, general).tolist() == path(time, named).tolist()


def test_a_published_point_of_the_third_order_response() -> None:
    # At twice the mean time: 1 - exp(-6) (1 + 6 + 18) = 0.938031195583341.
    time = Time(0, 10, "1/64", saveper=10, method="rk4")

    assert pytest.approx(path(time, "delay3(1, 5, 0)")[-1], abs=1e-9) == 0.938031195583341


def test_euler_turns_the_erlang_delay_into_a_negative_binomial_one() -> None:
    # In each step of Euler a share 3 dt / D of a level moves on: the wait for three moves is negative binomial.
    dt = 0.25
    time = Time(0, 20, dt)
    values = path(time, f"delay3(1, {MEAN}, 0)")

    steps = np.arange(time.n_steps + 1)
    assert nbinom.cdf(steps - 3, 3, 3 * dt / MEAN) == pytest.approx(values, abs=2e-15)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("delay", ["delay1(asking, 4)", "delay3(asking, 4)", "delay_n(asking, 4, 5)"])
def test_material_in_a_delay_is_neither_made_nor_lost(delay: str, method: str) -> None:
    model = Model("pipe", time=Time(0, 200, 0.25, saveper=200, method=method)).define(
        Flow("asking", "10 + 7 * pulse(3, 5)"),
        Flow("served", delay),
        Stock("beyond", initial="0", inflows=["asking"], outflows=["served"]),
    )
    data = simulate(model).data.isel(scenario=0, draw=0, time=-1)

    # Long after the pulse the delay holds what it held at the start, so all that went in has come out.
    assert pytest.approx(float(data["cumulative_asking"]), rel=1e-13) == 10 * 200 + 7 * 5
    assert pytest.approx(float(data["cumulative_served"]), rel=1e-13) == 10 * 200 + 7 * 5


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("order", [1, 3, 8])
def test_a_level_input_leaves_delay_time_times_input_inside(order: int, method: str) -> None:
    model = Model("pipe", time=Time(0, 200, 0.25, saveper=200, method=method)).define(
        Flow("asking", "10 + step(7, 3)"),
        Flow("served", f"delay_n(asking, 4, {order})"),
        Stock("inside", initial="4 * 10", inflows=["asking"], outflows=["served"]),
    )

    assert pytest.approx(float(simulate(model).data["inside"][0, 0, -1]), rel=1e-12) == 4 * 17


# When the delay time changes: a constant input of 10, the delay time 5 until time 20 and 10 after it.
CHANGED = "5 + step(5, 20)"


def test_a_smooth_does_not_jump_when_its_time_changes() -> None:
    assert {10.0} == set(path(Time(0, 60, "1/16", method="rk4"), f"smooth3(10, {CHANGED})"))


def test_a_material_delay_keeps_its_content_when_its_time_changes() -> None:
    time = Time(0, 60, "1/16", method="rk4")
    values = path(time, f"delay3(10, {CHANGED})")

    # Three levels of 50/3 each, let out at half the pace; the chain gives 10 + 10 (5/10 - 1) exp(-s) (1 + s + s^2 / 2).
    times = np.array(time.saved_times())
    s = 3 * (times - 20) / 10
    after = 10 + 10 * (5 / 10 - 1) * np.exp(-s) * (1 + s + s**2 / 2)
    assert np.where(times < 20, 10.0, after) == pytest.approx(values, abs=1e-8)


def test_what_is_held_back_by_a_longer_delay_is_the_input_times_the_longer_time() -> None:
    model = Model("pipe", time=Time(0, 220, "1/8", method="rk4")).define(
        Flow("served", f"delay3(10, {CHANGED})"), Stock("gone", initial="0", inflows=["served"])
    )
    served = float(simulate(model).data["cumulative_served"][0, 0, -1])

    assert pytest.approx(2200 - served, rel=1e-9) == 10 * (10 - 5)


def test_a_delay_starts_at_its_input_unless_told() -> None:
    for kind in ("delay1", "delay3", "smooth1", "smooth3"):
        assert {6.0} == set(path(Time(0, 5, 0.5), f"{kind}(6, 3)"))
        assert 2.0 == path(Time(0, 5, 0.5), f"{kind}(6, 3, 2)")[0]
