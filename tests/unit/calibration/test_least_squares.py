"""Constants found from counts: against closed forms of an exponential, S(t) = s exp(-k t)."""

import numpy as np
import pytest

from wm2u_sd.calibration.fit import Fit, Free
from wm2u_sd.calibration.least_squares import digest, fit_least_squares
from wm2u_sd.calibration.observations import Count, Observations, Series
from wm2u_sd.errors import CalibrationError
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

RATE, START = 0.08, 120.0
DATES = np.array([0.0, 6.0, 12.0, 18.0, 24.0, 30.0, 36.0])
LEVEL = Series("level", "level", "stock", relative=0.03, absolute=1.0)
OUT = Series("left", "leaving", "flow", period=12.0, absolute=2.0)


@pytest.fixture(scope="module")
def model() -> Model:
    """The exponential, begun far from the truth."""
    return Model("decay", time=Time(0, 36, 1, method="rk4", saveper=6)).define(
        Stock("level", "begin", outflows=["leaving"]),
        Flow("leaving", "level * rate * help"),
        Auxiliary("shown", "idle * 1"),
        Constant("begin", 80.0),
        Constant("rate", 0.2),
        Constant("help", 1.0),
        Constant("idle", 1.0),
    )


def level_at(time: np.ndarray | float) -> np.ndarray:
    found: np.ndarray = START * np.exp(-RATE * np.asarray(time))
    return found


def left_in(period_end: np.ndarray, period: float = 12.0) -> np.ndarray:
    return level_at(period_end - period) - level_at(period_end)


def exact_counts() -> Observations:
    stocks = [Count("level", t, float(level_at(t))) for t in DATES]
    flows = [Count("left", t, float(left_in(t))) for t in (12.0, 24.0, 36.0)]
    return Observations([LEVEL, OUT], stocks + flows)


def free(name: str, low: float = 0.01, high: float = 10.0, central: float = 1.0, spread: float = 2.0) -> Free:
    return Free(name, low, high, "log", central, spread)


BEGIN, K = free("begin", 10, 1000, 60, 5.0), free("rate", 0.005, 1.0, 0.2, 5.0)


@pytest.fixture(scope="module")
def exact_fit(model: Model) -> Fit:
    return fit_least_squares(model, exact_counts(), [BEGIN, K])


def test_known_constants_are_recovered(exact_fit: Fit) -> None:
    # Priors this wide pull by less than 1e-4; rk4 at this step errs by less than 1e-6.
    assert {"begin": pytest.approx(START, rel=1e-4), "rate": pytest.approx(RATE, rel=1e-4)} == exact_fit.values
    assert exact_fit.misfit < 1e-4
    assert 4 == exact_fit.starts == exact_fit.agreeing


def jacobian() -> np.ndarray:
    """Derivatives of the standardised counts with respect to log begin and log rate, by hand."""
    stock = level_at(DATES)
    stock_error = np.hypot(1.0, 0.03 * stock)
    ends = np.array([12.0, 24.0, 36.0])

    def slope(time: np.ndarray) -> np.ndarray:
        return -RATE * time * level_at(time)

    flow = left_in(ends)
    by_begin = np.concatenate([stock / stock_error, flow / 2.0])
    by_rate = np.concatenate([slope(DATES) / stock_error, (slope(ends - 12) - slope(ends)) / 2.0])
    return np.stack([by_begin, by_rate], axis=1)


def test_the_covariance_is_the_inverse_of_the_information(exact_fit: Fit) -> None:
    information = jacobian().T @ jacobian() + np.eye(2) / 5.0**2

    np.testing.assert_allclose(np.linalg.inv(information), exact_fit.covariance, rtol=2e-3)
    assert "1.000" == exact_fit.provenance["widened"]


def test_a_worse_fit_than_the_errors_say_widens_the_covariance(model: Model, exact_fit: Fit) -> None:
    exact = exact_counts()
    error = exact.spreads()
    off = [
        Count(c.series, c.time, c.value + 3 * e * s) for c, e, s in zip(exact.counts, error, [1, -1] * 5, strict=True)
    ]
    fit = fit_least_squares(model, Observations(exact.series, off), [BEGIN, K])

    widened = fit.misfit / (10 - 2)
    assert widened > 4
    assert f"{widened:.3f}" == fit.provenance["widened"]
    values = np.array([fit.values["begin"], fit.values["rate"]])
    assert np.abs(np.log(values / [START, RATE])).max() < 3 * fit.spreads.max()
    ratio = np.diag(fit.covariance) / np.diag(exact_fit.covariance)
    assert ratio == pytest.approx([widened, widened], rel=0.25)  # the point and so its slopes differ a little


def test_the_prior_holds_what_the_data_do_not_see(model: Model) -> None:
    idle = Free("idle", 0.0, 2.0, "linear", 0.75, 0.1)
    fit = fit_least_squares(model, exact_counts(), [BEGIN, K, idle])

    assert 0.75 == pytest.approx(fit.values["idle"], abs=1e-6)
    assert 1.0 == pytest.approx(fit.learning()["idle"], rel=1e-6)
    assert fit.learning()["rate"] < 0.02
    assert ("The data say little about idle: its range is still 100% of what was believed before.") in fit.cannot_tell()


def test_a_ridge_is_said_in_words(model: Model) -> None:
    # Only the product of rate and help is in the data.
    fit = fit_least_squares(model, exact_counts(), [BEGIN, K, free("help", 0.1, 10, 1.0, 1.0)])

    product = fit.values["rate"] * fit.values["help"]
    assert RATE == pytest.approx(product, rel=1e-3)
    assert (
        "The data cannot tell rate from help: moving both in opposite directions fits almost equally well."
    ) in fit.cannot_tell()


def test_an_end_of_the_range_is_said_in_words(model: Model) -> None:
    fit = fit_least_squares(model, exact_counts(), [BEGIN, free("rate", 0.15, 1.0, 0.2, 5.0)])

    said = fit.cannot_tell()
    assert "rate is at the end of its allowed range (0.15); the structure may be wrong there." in said
    assert any(line.startswith("level is not fitted within its stated error: the typical gap is ") for line in said)


def test_a_good_fit_leaves_nothing_to_say(exact_fit: Fit) -> None:
    assert [] == exact_fit.cannot_tell()


def test_every_count_is_kept_beside_what_the_model_says(exact_fit: Fit) -> None:
    counts = exact_counts()

    assert [(c.series, c.time, c.value) for c in counts.counts] == [
        (r.series, r.time, r.observed) for r in exact_fit.residuals
    ]
    assert counts.values() == pytest.approx([r.fitted for r in exact_fit.residuals], rel=1e-4)
    assert {"level", "left"} == set(exact_fit.by_series())


def test_the_same_seed_gives_the_same_fit(model: Model) -> None:
    first, second = (fit_least_squares(model, exact_counts(), [BEGIN, K], starts=2) for _ in range(2))

    assert first.to_dict() == second.to_dict()


def test_provenance_names_the_model_and_the_data(model: Model, exact_fit: Fit) -> None:
    assert (model.digest, digest(exact_counts()), "10") == tuple(
        exact_fit.provenance[key] for key in ("model_digest", "data_digest", "counts")
    )


def test_the_digest_of_data_follows_every_count() -> None:
    counts = exact_counts()
    other = Observations(counts.series, [*counts.counts[:-1], Count("left", 36.0, 1.0)])
    noisier = Observations([LEVEL, Series("left", "leaving", "flow", 12.0, absolute=3.0)], counts.counts)

    assert 3 == len({digest(counts), digest(other), digest(noisier)})
    assert digest(counts) == digest(exact_counts())


def test_fewer_counts_than_constants_are_refused(model: Model) -> None:
    two = Observations([LEVEL], exact_counts().counts[:2])
    with pytest.raises(CalibrationError) as caught:
        fit_least_squares(model, two, [BEGIN, K])

    assert "2 counts cannot settle 2 constants; free fewer or add data" == str(caught.value)


def test_a_count_between_kept_moments_is_refused(model: Model) -> None:
    counts = Observations([LEVEL], [*exact_counts().counts[:7], Count("level", 7.0, 60.0)])
    with pytest.raises(CalibrationError) as caught:
        fit_least_squares(model, counts, [BEGIN, K])

    assert (
        "level: 7 month is not a moment the run keeps (from 0 to 36, every 6); leave the count out or keep more moments"
    ) == str(caught.value)


def test_a_flow_that_begins_between_kept_moments_is_refused(model: Model) -> None:
    yearly = Observations([OUT], [Count("left", t, 1.0) for t in (6.0, 12.0, 24.0)])
    with pytest.raises(CalibrationError) as caught:
        fit_least_squares(model, yearly, [BEGIN, K])

    assert str(caught.value).startswith("left: -6 month is not a moment the run keeps")


def test_a_model_that_never_runs_is_an_error(model: Model) -> None:
    broken = model.define(Flow("leaving", "level * rate / (help - help)"))
    with pytest.raises(CalibrationError) as caught:
        fit_least_squares(broken, exact_counts(), [BEGIN, K], starts=2)

    assert "decay: no starting point could be run; look at the bounds of the free constants" == str(caught.value)


def test_a_fit_of_noisy_counts_covers_the_truth(model: Model) -> None:
    # 90% intervals of two constants in 12 sets of counts: with 24 tries, fewer than 17 covering has chance 0.002.
    generator = np.random.default_rng(5)
    exact = exact_counts()
    covered = 0
    for _ in range(12):
        noise = generator.normal(0, exact.spreads())
        counts = [Count(c.series, c.time, c.value + e) for c, e in zip(exact.counts, noise, strict=True)]
        fit: Fit = fit_least_squares(model, Observations(exact.series, counts), [BEGIN, K], starts=1)
        intervals = fit.intervals()
        covered += intervals["begin"][0] < START < intervals["begin"][1]
        covered += intervals["rate"][0] < RATE < intervals["rate"][1]
    assert covered >= 17
