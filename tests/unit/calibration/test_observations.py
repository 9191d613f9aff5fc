"""Counts: what a model should have counted, and what cannot be a count."""

import numpy as np
import pytest

from wm2u_sd.calibration.observations import Count, Observations, Series
from wm2u_sd.errors import CalibrationError
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Constant, Flow, Stock
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.simulate import simulate

STOCK = Series("inside", "level", "stock")
FLOW = Series("left", "leaving", "flow", period=12.0)


def test_a_flow_is_its_integral_over_the_period_and_a_stock_its_value_on_the_day() -> None:
    # S = 100 exp(-k t): those who left in the year before t are S(t - 12) - S(t), never 12 times the rate at t.
    model = Model("decay", time=Time(0, 24, "1/8", method="rk4", saveper=12)).define(
        Stock("level", "100", outflows=["leaving"]), Flow("leaving", "level * rate"), Constant("rate", 0.05)
    )
    observations = Observations(
        [STOCK, FLOW], [Count("inside", 12.0, 1.0), Count("left", 12.0, 1.0), Count("left", 24.0, 1.0)]
    )
    rates = np.array([0.02, 0.05, 0.2])
    run = simulate(model, draws=Ensemble({"rate": rates}, 3), save=["level"], accumulate=observations.accumulated())

    first, second = 100 * np.exp(-12 * rates), 100 * np.exp(-24 * rates)
    expected = np.stack([first, 100 - first, first - second], axis=1)
    np.testing.assert_allclose(expected, observations.predicted(run.data), rtol=1e-6)


def test_the_error_of_a_count_joins_its_two_parts() -> None:
    # sqrt(3^2 + (0.04 * 100)^2) = 5
    series = [Series("a", "x", "stock", relative=0.04, absolute=3.0), Series("b", "y", "stock", absolute=2.0)]
    observations = Observations(series, [Count("a", 0.0, 100.0), Count("b", 0.0, 100.0)])

    assert [5.0, 2.0] == observations.spreads().tolist()
    assert [100.0, 100.0] == observations.values().tolist()


def test_what_a_run_must_keep_is_named_once() -> None:
    series = [STOCK, FLOW, Series("again", "level", "stock"), Series("too", "leaving", "flow", period=3.0)]
    observations = Observations(series, [])

    assert (["level"], ["leaving"]) == (observations.observed(), observations.accumulated())


@pytest.mark.parametrize(
    ("series", "count", "message"),
    [
        (Series("a", "x", "level"), Count("a", 0, 1), "series 'a': kind is 'level'; it must be stock or flow"),
        (Series("a", "x", "flow"), Count("a", 0, 1), "series 'a': a flow needs the length of its period"),
        (STOCK, Count("b", 3.5, 1), "count at 3.5: there is no series 'b'"),
        (STOCK, Count("inside", 3.5, np.nan), "inside at 3.5: nan is not a count; leave out what was not published"),
        (STOCK, Count("inside", 3.5, np.inf), "inside at 3.5: inf is not a count; leave out what was not published"),
    ],
)
def test_what_cannot_be_a_count_is_refused(series: Series, count: Count, message: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        Observations([series], [count])

    assert message == str(caught.value)


def test_counts_fall_on_kept_moments() -> None:
    time = Time(0, 24, "1/2", saveper=12)
    Observations([STOCK, FLOW], [Count("inside", 0.0, 1.0), Count("left", 24.0, 1.0)]).check_times(time)

    with pytest.raises(CalibrationError) as caught:
        Observations([STOCK], [Count("inside", 36.0, 1.0)]).check_times(time)
    assert (
        "inside: 36 month is not a moment the run keeps (from 0 to 24, every 12); "
        "leave the count out or keep more moments"
    ) == str(caught.value)
