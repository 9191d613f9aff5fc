"""A fit as a thing to draw from, read and keep."""

import json

import numpy as np
import pytest
from scipy.stats import norm

from wm2u_sd.calibration.fit import Fit, Free, Residual
from wm2u_sd.errors import CalibrationError

A = Free("a", 0.01, 100.0, "log", 1.0, 0.5)
B = Free("b", -5.0, 5.0, "linear", 0.0, 1.0)


def fit(correlation: float = 0.6, **changes: object) -> Fit:
    facts: dict[str, object] = {
        "free": (A, B),
        "centre": np.array([np.log(2.0), 0.5]),
        "covariance": np.array([[0.04, correlation * 0.06], [correlation * 0.06, 0.09]]),
        "residuals": (
            Residual("s", 0.0, 10.0, 9.0, 1.0),
            Residual("s", 12.0, 10.0, 13.0, -3.0),
            Residual("t", 0.0, 1.0, 1.0, 0.0),
        ),
        "misfit": 10.0,
        "starts": 4,
        "agreeing": 4,
        "provenance": {"counts": "3"},
    } | changes
    return Fit(**facts)  # type: ignore[arg-type]


def test_values_are_on_the_scale_of_the_model() -> None:
    assert {"a": pytest.approx(2.0), "b": 0.5} == fit().values


def test_intervals_hold_nine_tenths() -> None:
    z = norm.ppf(0.95)

    assert {
        "a": pytest.approx((2 * np.exp(-0.2 * z), 2 * np.exp(0.2 * z))),
        "b": pytest.approx((0.5 - 0.3 * z, 0.5 + 0.3 * z)),
    } == fit().intervals()


def test_learning_is_spread_after_over_spread_before() -> None:
    assert {"a": pytest.approx(0.4), "b": pytest.approx(0.3)} == fit().learning()


def test_draws_keep_the_correlation() -> None:
    drawn = fit().draws(4000, seed=1)
    scales = np.array([np.log(drawn["a"]), drawn["b"]])

    # Stratified margins are nearly exact; the correlation of 4,000 has a standard deviation of 0.01.
    np.testing.assert_allclose([np.log(2.0), 0.5], scales.mean(axis=1), atol=0.005)
    np.testing.assert_allclose([0.2, 0.3], scales.std(axis=1), rtol=0.02)
    assert 0.6 == pytest.approx(np.corrcoef(scales)[0, 1], abs=0.04)


def test_draws_stay_within_the_bounds() -> None:
    narrow = Free("b", 0.4, 0.6, "linear", 0.5, 1.0)
    drawn = fit(free=(A, narrow)).draws(200, seed=1)["b"]

    assert (drawn.min(), drawn.max()) == (0.4, 0.6)


def test_the_same_seed_draws_the_same() -> None:
    assert fit().draws(5, "x")["a"].tolist() == fit().draws(5, "x")["a"].tolist() != fit().draws(5, "y")["a"].tolist()


def test_each_series_has_its_mean_squared_gap() -> None:
    assert {"s": 5.0, "t": 0.0} == fit().by_series()


@pytest.mark.parametrize(("correlation", "way"), [(0.95, "together"), (-0.95, "in opposite directions")])
def test_a_ridge_says_which_way_it_runs(correlation: float, way: str) -> None:
    assert (f"The data cannot tell a from b: moving both {way} fits almost equally well.") in fit(
        correlation
    ).cannot_tell()


def test_a_series_that_is_not_fitted_is_said() -> None:
    assert ["s is not fitted within its stated error: the typical gap is 2.2 times that error."] == fit().cannot_tell()


def test_a_fit_survives_being_made_plain() -> None:
    again = Fit.from_dict(json.loads(json.dumps(fit().to_dict())))

    assert fit().to_dict() == again.to_dict()
    assert fit().free == again.free


@pytest.mark.parametrize(
    "key", ["free", "centre", "covariance", "residuals", "misfit", "starts", "agreeing", "provenance"]
)
def test_a_fit_that_lacks_something_is_refused(key: str) -> None:
    facts = fit().to_dict()
    del facts[key]
    with pytest.raises(CalibrationError) as caught:
        Fit.from_dict(facts)

    assert f"this is not a fit: '{key}'. Fit again." == str(caught.value)
