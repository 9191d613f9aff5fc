"""What scenarios do to constants and lookups, and when (SEM-50, SEM-51)."""

import numpy as np
import pytest
from scipy.stats import gamma

from wm2u_sd.errors import ModelError, NameUnknownError
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Prior, Stock
from wm2u_sd.simulation.levers import starts
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate

TIMES = np.arange(0, 11)
MIDDLES = TIMES + 0.5  # of the steps that begin then


@pytest.fixture
def model() -> Model:
    """Ten steps of length one in which a constant, a curve and a stock can be seen."""
    return Model("lever", time=Time(0, 10, 1)).define(
        Auxiliary("seen", "rate * 1"),
        Auxiliary("looked_up", "curve(rate)"),
        Constant("rate", 2.0),
        Constant("rates", 5.0),
        Constant("ratio", 7.0),
        Lookup("curve", [(0.0, 0.0), (4.0, 8.0)]),
        Lookup("curves", [(0.0, 0.0), (4.0, 8.0)]),
        Stock("pool", "1", inflows=["into"]),
        Flow("into", "rates + ratio + curves(0)"),
    )


def seen(model: Model, *levers: Lever, name: str = "seen", **facts: object) -> np.ndarray:
    run: Run = simulate(model, Scenario("changed", levers=levers, **facts))  # type: ignore[arg-type]
    values: np.ndarray = run.data[name].values[0, 0]
    return values


# Verbs, worked out by hand --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lever", "expected"),
    [
        (Lever("rate", to=5.0), 5.0),
        (Lever("rate", add=-0.5), 1.5),
        (Lever("rate", times=1.25), 2.5),
        (Lever("rate", to=0.0), 0.0),
    ],
)
def test_each_verb_moves_the_constant_for_the_whole_run(lever: Lever, expected: float, model: Model) -> None:
    assert [expected] * 11 == seen(model, lever).tolist()


def test_a_set_value_holds_for_the_whole_run(model: Model) -> None:
    assert [3.5] * 11 == seen(model, set={"rate": 3.5}).tolist()


def test_a_series_runs_in_straight_lines_and_is_held_at_its_ends(model: Model) -> None:
    lever = Lever("rate", series=[(2, 10), (4, 20), (8, 0)])

    assert [10, 10, 10, 15, 20, 15, 10, 5, 0, 0, 0] == seen(model, lever).tolist()


def test_a_series_begins_at_its_start_when_one_is_given(model: Model) -> None:
    lever = Lever("rate", series=[(2, 10), (4, 20)], start=3, end=6)

    assert [2, 2, 2, 15, 20, 20, 2, 2, 2, 2, 2] == seen(model, lever).tolist()


def test_points_replace_a_lookup_for_the_whole_run(model: Model) -> None:
    assert [4.0] * 11 == seen(model, name="looked_up").tolist()
    assert [1.0] * 11 == seen(model, Lever("curve", points=[(0, 0), (4, 2)]), name="looked_up").tolist()


def test_levers_on_one_constant_apply_in_order(model: Model) -> None:
    add, times = Lever("rate", add=1.0), Lever("rate", times=3.0)

    assert 9.0 == seen(model, add, times)[0]
    assert 7.0 == seen(model, times, add)[0]


def test_set_comes_before_the_levers(model: Model) -> None:
    assert 15.0 == seen(model, Lever("rate", times=3.0), set={"rate": 5.0})[0]


# When -----------------------------------------------------------------------------------------------------------------


def test_a_lever_is_a_step_up_at_its_start_and_down_at_its_end(model: Model) -> None:
    assert [2, 2, 2, 6, 6, 6, 6, 2, 2, 2, 2] == seen(model, Lever("rate", to=6.0, start=3, end=7)).tolist()


@pytest.mark.parametrize(("start", "first"), [(2.4, 2), (2.6, 3), (3.0, 3), (3.4, 3), (0.0, 0), (-4.0, 0)])
def test_an_edge_falls_on_the_step_that_begins_nearest_to_it(start: float, first: int, model: Model) -> None:
    values = seen(model, Lever("rate", to=6.0, start=start))

    assert first == np.flatnonzero(values == 6.0)[0]


def test_a_lever_that_starts_after_the_end_changes_nothing(model: Model) -> None:
    assert [2.0] * 11 == seen(model, Lever("rate", to=6.0, start=11, ramp=2)).tolist()


def erlang(time: np.ndarray, since: float, ramp: float) -> np.ndarray:
    """Return the distribution function of an Erlang-3 with mean `ramp`, from SciPy."""
    found: np.ndarray = gamma(3, scale=ramp / 3).cdf(time - since)
    return found


@pytest.mark.parametrize("ramp", [0.5, 2.0, 6.0])
def test_a_ramp_is_a_third_order_delay_of_the_step(ramp: float, model: Model) -> None:
    values = seen(model, Lever("rate", to=6.0, start=3.0, ramp=ramp))

    np.testing.assert_allclose(2 + 4 * erlang(MIDDLES, 3.0, ramp), values, rtol=1e-12)


def test_what_a_ramp_adds_up_to_is_right_to_second_order(model: Model) -> None:
    # The area under an Erlang-3 distribution function of mean m, long after it began, is the time since less m.
    lever = Lever("rates", add=4.0, start=2.0, ramp=1.0)
    gaps = []
    for step in ("1/4", "1/8"):
        run = simulate(model.with_time(step=step), [Scenario("as_now"), Scenario("more", levers=[lever])])
        pool = run.data["pool"].sel(time=10.0).values[:, 0]
        gaps.append(abs(pool[1] - pool[0] - 4.0 * (10 - 2 - 1)))

    assert gaps[0] < 0.01 * 28
    assert np.log2(gaps[0] / gaps[1]) > 1.9


def test_a_ramp_fades_as_it_came(model: Model) -> None:
    values = seen(model, Lever("rate", add=4.0, start=1.0, end=4.0, ramp=1.5))

    np.testing.assert_allclose(2 + 4 * (erlang(MIDDLES, 1.0, 1.5) - erlang(MIDDLES, 4.0, 1.5)), values, rtol=1e-12)


def test_half_of_a_ramp_is_felt_at_its_median(model: Model) -> None:
    # The median of an Erlang-3 is 0.89135 of its mean: the root of exp(-u) (1 + u + u^2/2) = 1/2 is u = 2.67406.
    median = 2.674060313723 / 3
    one_step = model.with_time(end=2 * median, step=2 * median)

    assert 4.0 == pytest.approx(seen(one_step, Lever("rate", to=6.0, start=0.0, ramp=1.0))[0], rel=1e-9)


def test_a_ramped_lever_acts_on_every_draw(model: Model) -> None:
    drawn = model.define(Constant("rate", 2.0, prior=Prior("uniform", 1, 3, 2)))
    run = simulate(
        drawn, [Scenario("as_now"), Scenario("more", levers=[Lever("rate", times=3.0, start=2, ramp=2)])], draws=5
    )
    before, after = run.data["seen"].values

    np.testing.assert_allclose(before * (1 + 2 * erlang(MIDDLES, 2.0, 2.0)), after, rtol=1e-12)


def test_a_lever_reaches_every_element_of_a_constant_over_dimensions() -> None:
    from wm2u_sd.model.dimensions import Dimension

    model = Model("ages", time=Time(0, 1, 1)).define(
        Dimension("age", ["young", "old"]),
        Constant("size", [1.0, 2.0], over=["age"]),
        Auxiliary("seen", "size * 1", over=["age"]),
    )
    run = simulate(model, Scenario("double", levers=[Lever("size", times=2.0)]))

    assert [2.0, 4.0] == run.data["seen"].values[0, 0, 0].tolist()


# Refusals -------------------------------------------------------------------------------------------------------------


def refused(model: Model, *levers: Lever) -> str:
    with pytest.raises(ModelError) as caught:
        simulate(model, Scenario("changed", levers=levers))
    return str(caught.value)


def test_an_unknown_constant_gives_the_nearest(model: Model) -> None:
    assert "There is no constant 'ratee' in lever. Did you mean: rate, rates, ratio?" == refused(
        model, Lever("ratee", to=1)
    )
    with pytest.raises(NameUnknownError):
        simulate(model, Scenario("changed", set={"ratee": 1}))


def test_an_unknown_lookup_gives_the_nearest(model: Model) -> None:
    assert ("There is no lookup 'curv' in lever. Did you mean: curve, curves?") == refused(
        model, Lever("curv", points=[(0, 0), (1, 1)])
    )


def test_what_is_worked_out_cannot_be_set(model: Model) -> None:
    assert (
        "'seen' in lever is an auxiliary, worked out from other things; only constants can be set. "
        "Change one of the constants it depends on."
    ) == refused(model, Lever("seen", to=1))


@pytest.mark.parametrize(
    ("lever", "said"),
    [
        (Lever("rate"), "none"),
        (Lever("rate", to=1, add=1), "to and add"),
        (Lever("rate", times=1, series=[(0, 1)]), "times and series"),
    ],
)
def test_a_lever_gives_exactly_one_verb(lever: Lever, said: str, model: Model) -> None:
    assert f"lever on 'rate': give exactly one of to, add, times, series, points; got {said}" == refused(model, lever)


@pytest.mark.parametrize(
    ("lever", "said"),
    [
        (Lever("rate", series=[(4, 1), (2, 3)]), "rise"),
        (Lever("curve", points=[(1, 1), (1, 2)]), "rise"),
        (Lever("rate", to=float("nan")), "nan"),
        (Lever("rate", to=1.0, start=5, end=5), "ends at 5"),
        (Lever("rate", to=1.0, ramp=-1), "ramp of -1"),
    ],
)
def test_a_lever_that_cannot_be_is_refused_and_never_guessed(lever: Lever, said: str, model: Model) -> None:
    assert said in refused(model, lever)


# Moments --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "time",
    [
        Time(0, 10, "1/3"), Time(-2.5, 7.5, 0.1), Time(2015.25, 2025.25, "1/64"), Time(1e6, 1e6 + 3, 1), Time(3, 3, 1),
        Time(0.123457, 5.123457, "1/999983"),
    ],
)  # fmt: skip
def test_steps_start_at_the_exact_moments(time: Time) -> None:
    found = starts(time)

    assert time.n_steps + 1 == len(found)
    for step in {0, 1, time.n_steps // 3, time.n_steps}:
        if step <= time.n_steps:
            assert time.at(step) == found[step]


def test_moments_too_fine_for_floats_are_exact_as_well() -> None:
    time = Time("0.123456789012", "1.123456789012", "1/7")  # type: ignore[arg-type]

    assert [time.at(step) for step in range(8)] == starts(time).tolist()
