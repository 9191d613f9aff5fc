"""A model starts at rest: its free constants are found for every draw; where there are none, that is said."""

import numpy as np
import pytest

from wm2u_sd.backends.registry import backend
from wm2u_sd.compile.lower import lower
from wm2u_sd.errors import ModelError, SimulationError
from wm2u_sd.model.model import Balance, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Prior, Stock
from wm2u_sd.simulation import balance
from wm2u_sd.simulation.ensemble import draw
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate


def chain(sought: Balance) -> Model:
    """Two stocks in a row: in -> first -> second -> out, at rates that differ between draws."""
    return Model("chain", time=Time(0, 12, "1/4", method="rk4"), balance=sought).define(
        Stock("first", "first_at_start", inflows=["entering"], outflows=["moving"]),
        Stock("second", "second_at_start", inflows=["moving"], outflows=["leaving"]),
        Flow("entering", "arrivals"),
        Flow("moving", "first / stay"),
        Flow("leaving", "second * rate"),
        Auxiliary("gap", "second - 2 * first"),
        Constant("arrivals", 1.0),
        Constant("first_at_start", 100.0),
        Constant("second_at_start", 50.0),
        Constant("stay", 5.0, prior=Prior("lognormal", 2, 12.5, 5)),
        Constant("rate", 0.3),
    )


BOTH = Balance(("arrivals", "rate"), steady=("first", "second"))


def test_the_free_constants_are_solved_for_every_draw() -> None:
    # At rest arrivals = first / stay, and rate = arrivals / second.
    run = simulate(chain(BOTH), draws=50)
    stay = run.parameters["stay"].values

    np.testing.assert_allclose(100 / stay, run.parameters["arrivals"].values, rtol=1e-9)
    np.testing.assert_allclose(100 / stay / 50, run.parameters["rate"].values, rtol=1e-9)


def test_a_balanced_model_stays_where_it_is() -> None:
    data = simulate(chain(BOTH), draws=20).data

    np.testing.assert_allclose(100.0, data["first"].values, rtol=1e-9)
    np.testing.assert_allclose(50.0, data["second"].values, rtol=1e-9)


def test_a_condition_may_be_an_auxiliary_that_is_zero() -> None:
    # gap = 0 asks for second = 2 first, whatever flows.
    run = simulate(chain(Balance(("second_at_start", "arrivals"), steady=("first",), zero=("gap",))), draws=10)

    np.testing.assert_allclose(200.0, run.parameters["second_at_start"].values, rtol=1e-9)
    np.testing.assert_allclose(100 / run.parameters["stay"].values, run.parameters["arrivals"].values, rtol=1e-9)


def test_one_run_with_the_stated_values_is_balanced_too() -> None:
    run = simulate(chain(BOTH))

    assert 20.0 == pytest.approx(float(run.parameters["arrivals"][0]), rel=1e-9)


def test_scenarios_begin_from_the_same_rest() -> None:
    run: Run = simulate(
        chain(BOTH), [Scenario("as_now"), Scenario("more", levers=[Lever("arrivals", times=2.0, start=1.0)])], draws=5
    )

    now, more = (run.data["first"].sel(scenario=name).values for name in ("as_now", "more"))
    assert now[:, 0].tolist() == more[:, 0].tolist()
    assert (more[:, -1] > now[:, -1] + 1).all()


def test_a_number_that_may_be_negative_is_found_as_well() -> None:
    model = Model("signed", time=Time(0, 1, 1), balance=Balance(("shift",), zero=("gap",))).define(
        Auxiliary("gap", "shift * 2 + goal"), Constant("shift", 0.0), Constant("goal", 6.0)
    )

    assert -3.0 == pytest.approx(float(simulate(model).parameters["shift"][0]), abs=1e-9)


def parabola(prior: Prior | None, goal: float) -> Model:
    """x^2 = goal, which has no answer when the goal is below zero."""
    return Model("parabola", time=Time(0, 1, 1), balance=Balance(("x",), zero=("gap",))).define(
        Auxiliary("gap", "x * x - goal"), Constant("x", 1.0), Constant("goal", goal, prior=prior)
    )


def test_a_draw_that_cannot_be_balanced_is_left_out() -> None:
    run = simulate(parabola(Prior("uniform", -4, 4, 0), 1.0), draws=8)

    assert {"no values make it start at rest"} == {failure.reason for failure in run.failures}
    assert 4 == len(run.failures) == run.data.sizes["draw"]
    np.testing.assert_allclose(np.sqrt(run.parameters["goal"].values), run.parameters["x"].values, rtol=1e-6)


def test_a_model_that_cannot_be_balanced_is_an_error() -> None:
    with pytest.raises(SimulationError) as caught:
        simulate(parabola(None, -1.0))

    assert (
        "parabola: no values of x make it start at rest. "
        "Look at the starting stocks: some may be more than their inflows can feed."
    ) == str(caught.value)


@pytest.mark.parametrize(
    ("sought", "word"),
    [
        (Balance(("arrivals",), steady=("first", "second")), "1"),
        (Balance(("arrivls",), steady=("first",)), "arrivls"),
        (Balance(("arrivals",), steady=("moving",)), "moving"),
        (Balance(("arrivals",), zero=("gapp",)), "gapp"),
    ],
)
def test_a_balance_that_names_what_it_should_not_is_refused(sought: Balance, word: str) -> None:
    with pytest.raises(ModelError) as caught:
        simulate(chain(sought))

    assert word in str(caught.value)


# Pieces ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("at_once", [1, 7, 64])
def test_what_is_found_for_a_draw_does_not_depend_on_those_beside_it(
    at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = parabola(Prior("uniform", -4, 4, 0), 1.0)
    whole = simulate(model, draws=100)
    for name in ("DRAWS_AT_ONCE", "COLUMNS_AT_ONCE", "JACOBIANS_AT_ONCE"):
        monkeypatch.setattr(balance, name, at_once)
    pieces = simulate(model, draws=100)

    assert whole.parameters["x"].values.tolist() == pieces.parameters["x"].values.tolist()
    assert whole.failures == pieces.failures


@pytest.mark.parametrize("sought", [BOTH, Balance(("second_at_start", "arrivals"), steady=("first",), zero=("gap",))])
def test_a_program_of_the_conditions_alone_finds_the_same(sought: Balance) -> None:
    model = chain(sought)
    program = lower(model)
    constants = {c.name: np.asarray(c.value, float)[..., np.newaxis] for c in model.constants()}
    constants |= draw(model, 20).values
    found = [
        balance.rest(model, backend().compile(one), constants, 20) for one in (program, balance.resting(model, program))
    ]

    assert {n: v.tolist() for n, v in found[0][0].items()} == {n: v.tolist() for n, v in found[1][0].items()}
    assert found[0][1].all()
    assert found[1][1].all()
