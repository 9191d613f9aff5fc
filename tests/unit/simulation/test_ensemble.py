"""Draws: the quantiles of every prior, strata, and streams that know nothing of each other (SEM-52, SEM-53)."""

import numpy as np
import pytest
from scipy import stats

from wm2u_sd.errors import ModelError, NameUnknownError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Prior, Stock
from wm2u_sd.simulation.ensemble import DISTRIBUTIONS, Ensemble, draw, quantile
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate
from wm2u_sd.simulation.streams import generator, uniforms

POINTS = np.array([0.05, 0.5, 0.95])

# What each prior promises at 5%, 50% and 95%: a straight line between its ends, the triangle of SciPy, or three points.
EXPECTED = {
    "fixed": (Prior("fixed", 1, 9, 4), [4, 4, 4]),
    "uniform": (Prior("uniform", 10, 30, 20), [11, 20, 29]),
    "triangular": (Prior("triangular", 3, 12, 6), stats.triang(c=(6 - 3) / 9, loc=3, scale=9).ppf(POINTS)),
    "normal": (Prior("normal", -2, 8, 1), [-2, 1, 8]),
    "lognormal": (Prior("lognormal", 0.5, 9, 2), [0.5, 2, 9]),
    "beta": (Prior("beta", 0.1, 0.9, 0.4), [0.1, 0.4, 0.9]),
}


@pytest.mark.parametrize("distribution", list(DISTRIBUTIONS))
def test_a_prior_has_the_quantiles_it_states(distribution: str) -> None:
    prior, expected = EXPECTED[distribution]

    np.testing.assert_allclose(expected, quantile(prior, POINTS), rtol=1e-12)


def test_even_priors_are_the_textbook_ones() -> None:
    u = np.linspace(0.001, 0.999, 101)
    tail = stats.norm.ppf(0.95)

    np.testing.assert_allclose(stats.norm(5, 2 / tail).ppf(u), quantile(Prior("normal", 3, 7, 5), u), rtol=1e-12)
    np.testing.assert_allclose(
        stats.lognorm(np.log(3) / tail, scale=6).ppf(u), quantile(Prior("lognormal", 2, 18, 6), u), rtol=1e-12
    )
    np.testing.assert_allclose(stats.uniform(2, 5).ppf(u), quantile(Prior("uniform", 2, 7, 4), u), rtol=1e-12)


@pytest.mark.parametrize("mode", [3.0, 12.0])
def test_the_mode_of_a_triangle_may_lie_on_an_end(mode: float) -> None:
    expected = stats.triang(c=(mode - 3) / 9, loc=3, scale=9).ppf(POINTS)

    np.testing.assert_allclose(expected, quantile(Prior("triangular", 3, 12, mode), POINTS), rtol=1e-12)


@pytest.mark.parametrize("distribution", [d for d in DISTRIBUTIONS if d != "fixed"])
def test_more_probability_is_more_value(distribution: str) -> None:
    prior, _ = EXPECTED[distribution]

    assert (np.diff(quantile(prior, np.linspace(1e-6, 1 - 1e-6, 501))) > 0).all()


def test_a_share_stays_a_share_and_a_positive_number_positive() -> None:
    u = np.array([1e-12, 1 - 1e-12])

    assert ((quantile(EXPECTED["beta"][0], u) > 0) & (quantile(EXPECTED["beta"][0], u) < 1)).all()
    assert (quantile(EXPECTED["lognormal"][0], u) > 0).all()


def test_with_a_chance_of_none_exactly_that_share_of_draws_is_none() -> None:
    model = Model("effect").define(Constant("effect", 0.5, prior=Prior("uniform", 0.2, 0.8, 0.5, 0.25, none_value=1.0)))
    drawn = draw(model, 40).values["effect"]

    assert 10 == (drawn == 1.0).sum()
    rest = np.sort(drawn[drawn != 1.0])
    assert 30 == len(rest)
    # The others are the whole distribution, one in each thirtieth of it.
    assert list(range(30)) == np.floor((rest - 0.2) / 0.6 * 30).astype(int).tolist()


def test_an_unknown_distribution_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        quantile(Prior("cauchy", 0, 1, 0.5), POINTS)

    assert ("prior: 'cauchy' is not one of fixed, uniform, triangular, normal, lognormal, beta") == str(caught.value)


def test_a_prior_is_for_one_number() -> None:
    model = Model("ages").define(
        Dimension("age", ["a", "b"]), Constant("x", [1.0, 2.0], over=["age"], prior=Prior("uniform", 0, 1, 0.5))
    )
    with pytest.raises(ModelError) as caught:
        draw(model, 3)

    assert "'x' has dimensions; a prior is for one number. Split it into constants." == str(caught.value)


# Streams --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_draws_are_stratified(n: int) -> None:
    assert list(range(n)) == sorted(np.floor(uniforms("seed", "name", n) * n).astype(int))


def test_strata_are_in_random_order_and_not_at_their_middles() -> None:
    u = uniforms("seed", "name", 100)

    assert list(range(100)) != np.floor(u * 100).astype(int).tolist()
    assert 0.2 < (u * 100 % 1).std() < 0.4  # 0.289 when even


def test_a_stream_is_its_seed_name_and_length() -> None:
    first = uniforms("seed", "name", 10)

    assert first.tolist() == uniforms("seed", "name", 10).tolist()
    for other in (uniforms("another", "name", 10), uniforms("seed", "another", 10), uniforms("seed", "name", 11)[:10]):
        assert first.tolist() != other.tolist()
    assert generator(1, "a").random() == generator("1", "a").random()


def test_streams_of_two_names_have_nothing_in_common() -> None:
    # With 2,000 draws the correlation of independent columns has a standard deviation of 0.022; this is 4 of them.
    names = [f"x{i}" for i in range(6)]
    correlation = np.corrcoef([uniforms("seed", name, 2000) for name in names])

    assert np.abs(correlation[np.triu_indices(6, 1)]).max() < 0.09


def test_adding_a_constant_moves_no_other() -> None:
    prior = Prior("lognormal", 1, 9, 3)
    one = Model("m").define(Constant("b", 3.0, prior=prior))
    three = Model("m").define(
        Constant("a", 3.0, prior=prior), Constant("b", 3.0, prior=prior), Constant("c", 3.0, prior=prior)
    )

    assert draw(one, 20).values["b"].tolist() == draw(three, 20).values["b"].tolist()
    assert draw(three, 20).values["a"].tolist() != draw(three, 20).values["b"].tolist()


def test_constants_without_a_prior_are_not_drawn() -> None:
    model = Model("m").define(Constant("a", 3.0), Constant("b", 3.0, prior=Prior("uniform", 0, 1, 0.5)))
    found = draw(model, 4, seed=7)

    assert (["b"], 4, "7") == (list(found.values), found.n, found.seed)


def test_an_ensemble_is_never_changed() -> None:
    first = Ensemble({"a": np.array([1.0, 2.0])}, 2, "s")
    second = first.with_values({"b": np.array([3.0, 4.0])})

    assert (["a"], ["a", "b"]) == (list(first.values), list(second.values))
    assert (2, "s") == (second.n, second.seed)


# In a run -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def model() -> Model:
    return Model("drawn", time=Time(0, 2, 1)).define(
        Auxiliary("untouched", "a * a"),
        Auxiliary("touched", "b * 1"),
        Constant("a", 2.0, prior=Prior("uniform", 1, 3, 2)),
        Constant("b", 2.0, prior=Prior("uniform", 1, 3, 2)),
    )


def test_scenarios_share_draws(model: Model) -> None:
    run = simulate(model, [Scenario("as_now"), Scenario("more", levers=[Lever("b", times=2.0)])], draws=16)

    before, after = (run.data.sel(scenario=name) for name in ("as_now", "more"))
    assert before["untouched"].values.tolist() == after["untouched"].values.tolist()
    assert (2 * before["touched"].values).tolist() == after["touched"].values.tolist()
    assert run.parameters["b"].values.tolist() == before["touched"].values[:, 0].tolist()


def test_a_scenario_has_the_same_draws_whatever_it_is_run_beside(model: Model) -> None:
    changed = Scenario("more", levers=[Lever("b", add=1.0, start=1.0)])
    alone = simulate(model, changed, draws=8).data.sel(scenario="more")
    beside = simulate(model, [Scenario("as_now"), Scenario("less", set={"a": 0.5}), changed], draws=8)

    assert alone["touched"].values.tolist() == beside.data.sel(scenario="more")["touched"].values.tolist()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("draws", [None, 1, 3])
def test_scenarios_that_part_at_different_times_each_go_their_own_way(method: str, draws: int | None) -> None:
    model = Model("parting", time=Time(0, 4, 1, method=method)).define(
        Stock("level", "begin", inflows=["into"]), Flow("into", "rate"), Constant("begin", 10.0), Constant("rate", 2.0)
    )
    run = simulate(
        model,
        [
            Scenario("as_now"),
            Scenario("at_once", set={"rate": 5.0}),
            Scenario("later", levers=[Lever("rate", to=5.0, start=2)]),
            Scenario("never", levers=[Lever("rate", to=5.0, start=9)]),
        ],
        draws=draws,
    )

    # 10 + 2 t, 10 + 5 t, and from 2 on 14 + 5 (t - 2).
    level = run.data["level"].values[:, -1]
    assert [10, 12, 14, 16, 18] == level[0].tolist() == level[3].tolist()
    assert [10, 15, 20, 25, 30] == level[1].tolist()
    assert [10, 12, 14, 19, 24] == level[2].tolist()


def test_the_seed_decides_the_draws(model: Model) -> None:
    runs = [simulate(model, draws=8, seed=seed).data["touched"].values.tolist() for seed in (1, 1, 2)]

    assert runs[0] == runs[1] != runs[2]


def test_draws_can_be_given(model: Model) -> None:
    run = simulate(model, draws=Ensemble({"b": np.array([5.0, 6.0, 7.0])}, 3, "by hand"))

    assert [5.0, 6.0, 7.0] == run.data["touched"].values[0, :, 0].tolist()
    assert [4.0] * 3 == run.data["untouched"].values[0, :, 0].tolist()
    assert "by hand" == run.provenance["seed"]


def test_draws_of_what_is_no_constant_are_refused(model: Model) -> None:
    with pytest.raises(NameUnknownError) as caught:
        simulate(model, draws=Ensemble({"c": np.array([1.0])}, 1))

    assert "There is no constant 'c' in drawn." == str(caught.value)


@pytest.mark.parametrize("values", [np.array([1.0, 2.0]), np.array([[1.0, 2.0, 3.0]]), np.array(1.0)])
def test_draws_give_one_number_each(values: np.ndarray, model: Model) -> None:
    with pytest.raises(ModelError) as caught:
        simulate(model, draws=Ensemble({"b": values}, 3))

    assert (f"draws: 'b' is given in shape {values.shape}; give one number for each of 3 draws") == str(caught.value)


@pytest.mark.parametrize("draws", [0, -1, 2.5, True, "3"])
def test_no_draws_at_all_or_part_of_one_are_refused(draws: int, model: Model) -> None:
    with pytest.raises(ModelError) as caught:
        simulate(model, draws=draws)

    assert f"draws is {draws!r}; it must be a whole number from 1, or None for the stated values" == str(caught.value)
