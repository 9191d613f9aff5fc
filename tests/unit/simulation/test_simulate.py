"""A run: what is kept, what fails and how that is said, and where it came from."""

from typing import Any

import numpy as np
import pytest

import wm2u_sd as sd
from wm2u_sd.backends.registry import backend
from wm2u_sd.errors import ModelError, NameUnknownError, SimulationError
from wm2u_sd.model.diagnostics import CheckFailed
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Prior, Stock
from wm2u_sd.simulation import job
from wm2u_sd.simulation.run import Failure
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import Simulator, simulate


@pytest.fixture
def tank() -> Model:
    """A stock that a constant fills: 3 a month, so 1 + 3 t."""
    return Model("tank", time=Time(0, 4, "1/2", "month", origin="2025-03-31"), title="A tank").define(
        Stock("level", "1", "litre", inflows=["filling"], label="Water"),
        Flow("filling", "speed", "litre/month", outside="spring"),
        Auxiliary("half", "level / 2", "litre"),
        Constant("speed", 3.0, "litre/month", prior=Prior("uniform", 2, 4, 3), grade="D"),
    )


# What is kept ---------------------------------------------------------------------------------------------------------


def test_a_single_name_is_kept_whole(tank: Model) -> None:
    assert ["level"] == list(simulate(tank, save="level").data.data_vars)
    assert ["level", "cumulative_half"] == list(simulate(tank, save="level", accumulate="half").data.data_vars)


@pytest.mark.parametrize("names", [5, [5]])
def test_what_is_kept_is_named(names: Any, tank: Model) -> None:
    with pytest.raises(ModelError) as kept:
        simulate(tank, save=names)
    with pytest.raises(ModelError) as added:
        simulate(tank, accumulate=names)

    assert f"save is {names}; give names, e.g. save=['waiting']" == str(kept.value)
    assert f"accumulate is {names}; give names, e.g. accumulate=['waiting']" == str(added.value)


def test_a_run_is_labelled_by_scenario_draw_and_time(tank: Model) -> None:
    run = simulate(tank, [Scenario("as_now"), Scenario("faster", set={"speed": 5.0})])

    assert ("scenario", "draw", "time") == run.data["level"].dims
    assert ["as_now", "faster"] == run.data["scenario"].values.tolist()
    assert [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0] == run.data["time"].values.tolist()
    assert [1 + 3 * t for t in run.data["time"].values] == run.data["level"].sel(scenario="as_now").values[0].tolist()
    assert [1 + 5 * t for t in run.data["time"].values] == run.data["level"].sel(scenario="faster").values[0].tolist()


def test_everything_has_its_unit_and_name(tank: Model) -> None:
    run = simulate(tank)
    data = run.data

    assert {"units": "litre", "long_name": "Water"} == data["level"].attrs
    assert {"units": "litre/month", "long_name": "filling"} == data["filling"].attrs
    assert {"units": "litre", "long_name": "filling, since the start"} == data["cumulative_filling"].attrs
    assert {"units": "month", "origin": "2025-03-31"} == data["time"].attrs
    assert "A tank" == data.attrs["title"]
    assert {k: v for k, v in run.provenance.items() if k != "model"} == {
        k: v for k, v in data.attrs.items() if k != "title"
    }


def test_saveper_keeps_fewer_moments_of_the_same_run(tank: Model) -> None:
    kept = simulate(tank.with_time(saveper=2)).data

    assert [0.0, 2.0, 4.0] == kept["time"].values.tolist()
    assert [1.0, 7.0, 13.0] == kept["level"].values[0, 0].tolist()


def test_the_end_is_kept_even_when_saveper_does_not_fall_on_it(tank: Model) -> None:
    assert [0.0, 1.5, 3.0, 4.0] == simulate(tank.with_time(saveper=1.5)).data["time"].values.tolist()


def test_everything_is_kept_unless_names_are_given(tank: Model) -> None:
    assert {"level", "filling", "half", "cumulative_filling"} == set(simulate(tank).data)
    assert ["half"] == list(simulate(tank, save=["half"]).data)
    assert ["cumulative_filling"] == list(simulate(tank, save=["cumulative_filling"]).data)
    assert ["half", "cumulative_level"] == list(simulate(tank, save=["half"], accumulate=["level"]).data)


def test_an_accumulated_value_is_its_integral(tank: Model) -> None:
    total = simulate(tank.with_time(method="rk4"), save=["level"], accumulate=["level"]).data["cumulative_level"]

    assert [t + 3 * t**2 / 2 for t in total["time"].values] == pytest.approx(total.values[0, 0].tolist(), rel=1e-14)
    assert "litre*month" == total.attrs["units"]


def test_an_unknown_name_to_save_gives_the_nearest(tank: Model) -> None:
    with pytest.raises(NameUnknownError) as caught:
        simulate(tank, save=["cumulative_fillin"])

    assert ("There is no result 'cumulative_fillin' to save. Did you mean: cumulative_filling, filling?") == str(
        caught.value
    )


def test_constants_that_vary_are_kept_with_their_grade(tank: Model) -> None:
    parameters = simulate(tank, draws=6).parameters

    assert (["speed"], ("draw",)) == (list(parameters), parameters["speed"].dims)
    assert {"units": "litre/month", "long_name": "speed", "grade": "D"} == parameters["speed"].attrs
    assert 0 == len(simulate(tank).parameters)


def test_elements_of_a_dimension_label_their_axis() -> None:
    model = Model("ages", time=Time(0, 1, 1)).define(
        Dimension("age", ["young", "old"]),
        Constant("size", [1.0, 2.0], over=["age"]),
        Auxiliary("seen", "size * 2", over=["age"]),
    )
    seen = simulate(model).data["seen"]

    assert ("scenario", "draw", "time", "age") == seen.dims
    assert [4.0, 4.0] == seen.sel(age="old").values[0, 0].tolist()


def test_progress_is_told_up_to_the_end(tank: Model) -> None:
    told: list[tuple[int, int]] = []
    simulate(tank, [Scenario("a"), Scenario("b")], draws=5, progress=lambda done, total: told.append((done, total)))

    assert (10, 10) == told[-1]
    assert sorted(told) == told


def test_a_compiled_model_runs_one_ensemble_after_another(tank: Model) -> None:
    simulator = Simulator(tank, Scenario("as_now"), save=["level"])
    for n in (2, 3):
        drawn = sd.draw(tank, n)

        assert (
            simulate(tank, draws=drawn).data["level"].values.tolist()
            == simulator.run(drawn).data["level"].values.tolist()
        )


@pytest.mark.parametrize("block_bytes", [1, 500])
def test_results_do_not_depend_on_blocks(block_bytes: int, fragile: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios = [Scenario("as_now"), Scenario("later", levers=[Lever("threshold", to=0.25, start=3.0)])]
    whole = simulate(fragile, scenarios, draws=40, seed=1)
    monkeypatch.setattr(job, "BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(job, "FEWEST_COLUMNS", 1)
    pieces = simulate(fragile, scenarios, draws=40, seed=1)

    assert whole.data.identical(pieces.data)
    assert whole.ledger.identical(pieces.ledger)
    assert whole.failures == pieces.failures
    assert whole.failures


def test_the_ledger_needs_nothing_to_be_kept(tank: Model) -> None:
    ledger = simulate(tank, save="half").ledger

    assert [1.0, 12.0, 0.0, 13.0, 0.0] == [float(ledger[key].squeeze()) for key in ledger]


# Failed draws ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def fragile() -> Model:
    """Half of the draws divide by zero once time reaches 2; the others do not."""
    return Model("fragile", time=Time(0, 4, 1)).define(
        Auxiliary("risky", "if_then_else(share < threshold and time >= 2, 1 / (share - share), share)"),
        Constant("share", 0.75, prior=Prior("uniform", 0, 1, 0.5)),
        Constant("threshold", 0.5),
    )


def test_a_draw_that_divides_by_zero_is_a_status_and_never_a_nan(fragile: Model) -> None:
    run = simulate(fragile, draws=10, seed=1)

    failed = {failure.draw for failure in run.failed()}
    assert 5 == len(failed) == len(run.failures)  # one draw in each tenth of the prior
    assert {"risky stopped being a number by month 2"} == {failure.reason for failure in run.failed()}
    assert set(range(10)) - failed == set(run.data["draw"].values.tolist())
    assert run.data["draw"].values.tolist() == run.parameters["draw"].values.tolist()
    assert (run.parameters["share"].values >= 0.5).all()
    assert np.isfinite(run.data["risky"].values).all()


def test_a_stock_that_leaves_the_numbers_is_a_status() -> None:
    model = Model("explosion", time=Time(0, 6, 1)).define(
        Stock("heat", "2", inflows=["burning"]),
        Flow("burning", "if_then_else(share < threshold, heat ^ 99, 0)"),
        Constant("share", 0.75, prior=Prior("uniform", 0, 1, 0.5)),
        Constant("threshold", 0.5),
    )
    run = simulate(model, draws=4, seed=1)

    assert {"values stopped being numbers by month 2"} == {failure.reason for failure in run.failures}
    assert 2 == len(run.failures) == run.data.sizes["draw"]


def test_a_draw_that_fails_in_one_scenario_is_left_out_of_all(fragile: Model) -> None:
    run = simulate(fragile, [Scenario("safe", set={"threshold": -1.0}), Scenario("risky")], draws=10, seed=1)

    assert 5 == run.data.sizes["draw"]
    assert {"risky"} == {failure.scenario for failure in run.failures}


def test_a_stock_below_zero_that_may_not_go_there_is_a_status() -> None:
    model = Model("well", time=Time(0, 4, 1)).define(
        Stock("water", "5", inflows=["rain"], non_negative=True),
        Flow("rain", "supply"),
        Constant("supply", 0.0, prior=Prior("uniform", -3, 3, 0)),
    )
    run = simulate(model, draws=12, seed=1)

    # 5 + 4 supply is below zero when supply < -1.25: the draws in the first 3.5 of 12 strata of the prior.
    supply = run.parameters["supply"].values
    assert (supply >= -1.25).all()
    assert len(run.failures) in (3, 4)
    assert {"water fell below zero"} == {failure.reason for failure in run.failures}
    assert 12 - len(run.failures) == run.data.sizes["draw"]


def test_when_every_draw_fails_that_is_an_error(fragile: Model) -> None:
    with pytest.raises(SimulationError) as caught:
        simulate(fragile, Scenario("hopeless", set={"threshold": 2.0}), draws=4)

    assert (
        "fragile: every draw stopped; the first in scenario 'hopeless': risky stopped being a number by month 2"
    ) == str(caught.value)


def test_a_run_counts_what_it_left_out(fragile: Model) -> None:
    run = simulate(fragile, [Scenario("as_now"), Scenario("again")], draws=10, seed=1)

    assert (
        "Run of fragile: 2 scenarios, 5 draws, 5 moments from 0 to 4 month\n"
        "  scenarios: as_now, again\n"
        "  kept: risky\n"
        "  5 draws stopped; they are left out and counted; see failed()"
    ) == repr(run)
    assert 10 == len(run.failures)
    assert Failure("as_now", run.failures[0].draw, "risky stopped being a number by month 2") == run.failures[0]


def test_a_run_says_what_it_is_in_a_few_lines(tank: Model) -> None:
    assert (
        "Run of tank: 1 scenarios, 3 draws, 9 moments from 0 to 4 month\n"
        "  scenarios: as_now\n"
        "  kept: level, filling, half, cumulative_filling"
    ) == repr(simulate(tank, draws=3))


# Where it came from ---------------------------------------------------------------------------------------------------


def test_provenance_says_what_made_the_run(tank: Model) -> None:
    provenance = simulate(tank, draws=3, seed="abc").provenance

    assert {
        "model": "tank", "model_digest": tank.digest, "draws": "3", "seed": "abc", "method": "euler",
        "step": "1/2 month", "backend": backend().name,
    }.items() <= dict(provenance).items()  # fmt: skip
    assert {"wm2u_sd", "python", "numpy", "scenarios_digest"} <= set(provenance)
    assert all(isinstance(value, str) for value in provenance.values())


def test_the_digests_follow_the_model_and_the_scenarios(tank: Model) -> None:
    def digests(model: Model, *scenarios: Scenario) -> tuple[str, str]:
        provenance = simulate(model, scenarios).provenance
        return provenance["model_digest"], provenance["scenarios_digest"]

    model, scenarios = digests(tank)
    assert (model, scenarios) == digests(tank, Scenario("as_now"))
    assert model != digests(tank.with_values({"speed": 4.0}))[0]
    assert model != digests(tank.with_time(end=5))[0]
    assert model == digests(tank.define(Auxiliary("half", "level / 2", "litre", doc="Half of it.")))[0]
    assert scenarios != digests(tank, Scenario("as_now", levers=[Lever("speed", to=4.0)]))[1]


# Refusals -------------------------------------------------------------------------------------------------------------


def test_two_scenarios_of_one_name_are_refused(tank: Model) -> None:
    with pytest.raises(ModelError) as caught:
        simulate(tank, [Scenario("a"), Scenario("b"), Scenario("a")])

    assert "scenarios: a is given twice; give each a name of its own" == str(caught.value)


def test_a_broken_model_is_not_run(tank: Model) -> None:
    with pytest.raises(CheckFailed) as caught:
        simulate(tank.define(Auxiliary("half", "levl / 2", "litre")))

    assert 1 == len(caught.value.report.errors)
    assert "levl" in str(caught.value)


def test_more_values_than_memory_are_refused_before_the_run(tank: Model) -> None:
    with pytest.raises(SimulationError) as caught:
        simulate(tank.with_time(end=1_000_000), draws=1000)

    assert (
        "8,000,004,000 values would be kept, more than 400,000,000; name fewer in save= or use a longer saveper"
    ) == str(caught.value)
