"""Inputs of time and functions with a memory, against the vendor's published rules and closed forms."""

import numpy as np
import pytest

from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.simulate import simulate


def path(time: Time, equation: str, *others: Auxiliary | Constant | Flow | Stock) -> np.ndarray:
    """Return the values an equation takes at the kept moments."""
    model = Model("path", time=time).define(*others, Auxiliary("y", equation))
    values: np.ndarray = simulate(model, save=["y"]).data["y"].values[0, 0]
    return values


def quarters(*ranges: tuple[float, float, float]) -> np.ndarray:
    """Return 25 quarters of a unit from 0 to 6: the value of each (from, until, value), 0 elsewhere."""
    times = np.arange(25) / 4
    return sum(np.where((times >= first) & (times < last), value, 0.0) for first, last, value in ranges)


# Vensim Reference Manual, STEP: `height` when Time + TIME STEP / 2 > step time. PULSE: 1 when start < Time + TIME STEP
# / 2 < start + width, a width of 0 being one step. PULSE TRAIN: the same, repeated; AnyLogic's pulseTrain, of the same
# arguments, states that it is 0 from `end` on. Worked out by hand for steps of 1/4, awkward times among them.
HELD = {
    "step(6, 3)": quarters((3, 7, 6)),
    "step(6, 1.1)": quarters((1, 7, 6)),
    "step(6, 1.2)": quarters((1.25, 7, 6)),
    "step(6, -1)": quarters((0, 7, 6)),
    "pulse(2, 1)": quarters((2, 3, 1)),
    "pulse(1.1, 0)": quarters((1, 1.25, 1)),
    "pulse(1.1)": quarters((1, 1.25, 1)),
    "pulse(1.1, 0.5)": quarters((1, 1.5, 1)),
    "pulse_train(1, 0.5, 2, 5)": quarters((1, 1.5, 1), (3, 3.5, 1)),
    "pulse_train(1, 0.5, 2, 5.2)": quarters((1, 1.5, 1), (3, 3.5, 1), (5, 5.01, 1)),
    "pulse_train(1, 0.5, 2, 9)": quarters((1, 1.5, 1), (3, 3.5, 1), (5, 5.5, 1)),
    "pulse_train(1, 3, 2, 4)": quarters((1, 4, 1)),
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("equation", HELD)
def test_steps_and_pulses_follow_the_vendors_rule(equation: str, method: str) -> None:
    assert HELD[equation].tolist() == path(Time(0, 6, 0.25, method=method), equation).tolist()


def test_a_ramp_rises_from_start_to_end_and_stays() -> None:
    times = np.arange(25) / 4

    assert np.clip(2 * (times - 2), 0, 4).tolist() == path(Time(0, 6, 0.25), "ramp(2, 2, 4)").tolist()
    assert np.clip(2 * (times - 2), 0, None).tolist() == path(Time(0, 6, 0.25), "ramp(2, 2)").tolist()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("equation", "amount"), [("step(6, 3)", 18.0), ("pulse(2, 1)", 1.0), ("pulse(1.1)", 0.25)])
def test_an_input_held_in_a_step_adds_up_the_same_under_every_method(equation: str, amount: float, method: str) -> None:
    taken_in = Stock("taken_in", initial="0", inflows=["coming"])

    amounts = path(Time(0, 6, 0.25, method=method), "taken_in", taken_in, Flow("coming", equation))
    # The weights of RK4, sixths and thirds, add up to 1 but for rounding.
    assert pytest.approx(amounts[-1], rel=1e-14) == amount


@pytest.mark.parametrize("method", METHODS)
def test_a_step_at_a_tenth_comes_at_the_same_moment_whatever_rounding_does(method: str) -> None:
    times = np.arange(101) / 10
    for tenth in (1, 3, 7, 33, 99):
        expected = np.where(np.arange(101) >= tenth, 1.0, 0.0)
        assert expected.tolist() == path(Time(0, 10, 0.1, method=method), f"step(1, {times[tenth]})").tolist()


# History --------------------------------------------------------------------------------------------------------------


# 0.5, 1.5, 2.5 and 3.5 steps; 1.025 - 0.4 falls short of 2.5 steps in its last place.
HALVES = [("0.125", 1), ("0.375", 2), ("0.625", 3), ("0.875", 4), ("(1.025 - 0.4)", 3)]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("delay", "steps"), [("1", 4), ("1.1", 4), ("0.1", 1), ("0", 1), ("20", 80)] + HALVES)
def test_delay_fixed_is_the_input_that_many_steps_ago(delay: str, steps: int, method: str) -> None:
    values = path(Time(0, 6, 0.25, method=method), f"delay_fixed(10 + time ^ 2, {delay}, -1)")

    times = np.arange(25) / 4
    expected = np.where(np.arange(25) < steps, -1.0, 10 + (times - steps / 4) ** 2)
    assert expected.tolist() == values.tolist()


@pytest.mark.parametrize("method", METHODS)
def test_what_goes_into_a_fixed_delay_comes_out(method: str) -> None:
    line = [
        Stock("inside", initial="0", inflows=["going_in"], outflows=["coming_out"]),
        Flow("going_in", "pulse(1, 1) * 8"),
        Flow("coming_out", "delay_fixed(going_in, 2, 0)"),
    ]
    inside = path(Time(0, 6, 0.25, method=method), "inside", *line)

    times = np.arange(25) / 4
    assert (8 * np.clip(times - 1, 0, 1) - 8 * np.clip(times - 3, 0, 1)) == pytest.approx(inside, abs=1e-14)


def test_the_delay_is_fixed_at_its_first_value() -> None:
    values = path(Time(0, 6, 0.25), "delay_fixed(time, 1 + step(2, 3), 0)")

    assert np.clip(np.arange(25) / 4 - 1, 0, None).tolist() == values.tolist()


@pytest.mark.parametrize("method", METHODS)
def test_a_sample_is_kept_while_the_condition_does_not_hold(method: str) -> None:
    # Sampling stops after time 2: the last sample at the start of a step is that of time 2.
    values = path(Time(0, 6, 0.25, method=method), "sample_if_true(time > 1 and time <= 2, time ^ 2, -5)")

    times = np.arange(25) / 4
    assert np.select([times <= 1, times <= 2], [-5.0, times**2], 4.0).tolist() == values.tolist()


def test_initial_is_the_first_value_for_the_whole_run() -> None:
    level = Stock("level", initial="7", inflows=["growing"])
    others = [level, Flow("growing", "level"), Auxiliary("three", "3 * level")]

    assert {21.0} == set(path(Time(5, 10), "initial(three)", *others))


# Trend and forecast ---------------------------------------------------------------------------------------------------

RATE, AVERAGE = 0.05, 4.0


def growth_seen(times: np.ndarray, initial_trend: float) -> np.ndarray:
    """Solve the averaging equation a' = (x - a) / T for x = exp(g t) and return (x - a) / (T a).

    Source of the equations: Vensim Reference Manual, TREND.
    """
    settled = 1 / (1 + RATE * AVERAGE)
    transient = 1 / (1 + initial_trend * AVERAGE) - settled
    average = settled * np.exp(RATE * times) + transient * np.exp(-times / AVERAGE)
    return (np.exp(RATE * times) - average) / (AVERAGE * average)


@pytest.mark.parametrize("initial_trend", [0.0, 0.05, 0.2])
def test_trend_finds_the_rate_of_exponential_growth(initial_trend: float) -> None:
    time = Time(0, 40, 0.125, method="rk4")
    values = path(time, f"trend(exp({RATE} * time), {AVERAGE}, {initial_trend})")

    # RK4 at dt / T = 1/32: error below (1/32)^4 = 1e-6.
    assert growth_seen(np.array(time.saved_times()), initial_trend) == pytest.approx(values, abs=1e-8)
    assert pytest.approx(values[-1], rel=1e-4 if initial_trend else 2e-4) == RATE


def test_forecast_carries_growth_forward() -> None:
    time = Time(0, 40, 0.125, method="rk4")
    values = path(time, f"forecast(exp({RATE} * time), {AVERAGE}, 6, 0.05)")

    times = np.array(time.saved_times())
    # Started at its own trend, it stays there: x (1 + g * horizon).
    assert np.exp(RATE * times) * (1 + RATE * 6) == pytest.approx(values, rel=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_the_trend_of_something_that_stands_still_is_nothing(method: str) -> None:
    assert {0.0} == set(path(Time(0, 10, 0.5, method=method), "trend(12, 4)"))
    assert {0.0} == set(path(Time(0, 10, 0.5, method=method), "trend(0, 4)"))
    assert {12.0} == set(path(Time(0, 10, 0.5, method=method), "forecast(12, 4, 10)"))


# Worked out by hand with Euler, a step of 1 and an average over 2. From -10 down by 1 a step: averages -10, -10, -10.5,
# -11.25. From -20 up by 1 a step: averages -20, -20, -19.5, -18.75. Definitions: Vensim Reference Manual.
BELOW_NOTHING = {
    "trend(-10 - time, 2)": [0, -1 / 20, -1.5 / 21, -1.75 / 22.5],
    "trend(time - 20, 2)": [0, 1 / 40, 1.5 / 39, 1.75 / 37.5],
    "forecast(-10 - time, 2, 5)": [-10, -13.75, -114 / 7, -325 / 18],
    "forecast(time - 20, 2, 5)": [-20, -16.625, -189 / 13, -391 / 30],
}


@pytest.mark.parametrize("equation", BELOW_NOTHING)
def test_the_trend_of_what_is_negative_has_the_direction_it_moves_in(equation: str) -> None:
    assert BELOW_NOTHING[equation] == pytest.approx(path(Time(0, 3), equation), rel=1e-14)


def test_where_the_average_is_nothing_no_growth_is_seen() -> None:
    # The average is still 0 at the moment the input has become 6, and 3 a step later: 6 (1 + 3 / (2 * 3) * 5) = 21.
    assert [0, 6, 21] == path(Time(0, 2), "forecast(step(6, 1), 2, 5)").tolist()
    assert [0, 0, 0.5] == path(Time(0, 2), "trend(step(6, 1), 2)").tolist()
