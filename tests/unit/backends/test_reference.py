"""What the NumPy backend may do to be quick, and must not change by it: not one bit."""

import os
from functools import partial

import numpy as np
import pytest

from wm2u_sd.backends import reference
from wm2u_sd.backends.base import Inputs, Move
from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.compile.lower import lower
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Prior, Stock
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate as simulate_anyhow

DRAWS = 30

simulate = partial(simulate_anyhow, backend_name="numpy")


def clinic(method: str) -> Model:
    """Every kind of memory a program has, over a dimension, with a stock that runs short in some draws."""
    return Model("clinic", time=Time(0, 10, "1/4", method=method)).define(
        Dimension("side", ("left", "right")),
        Constant("asking_rate", 9.0, prior=Prior("uniform", 5, 14, 9)),
        Constant("shortest_wait", 0.4, prior=Prior("uniform", 0.1, 0.9, 0.4)),
        Constant("slope", 1.5, prior=Prior("uniform", 0.5, 2.5, 1.5)),
        Constant("share", (0.3, 0.7), over=("side",)),
        Constant("rooms", 12.0),
        Lookup("crowding", ((0, 1), (20, 0.8), (60, 0.3))),
        Stock("waiting", "20 * share", over=("side",), inflows=["asking"], outflows=["starting", "leaving"],
              non_negative=True),
        Stock("helped", "30", inflows=["all_starting"], outflows=["done"], non_negative=True),
        Flow("asking", "asking_rate * share * (1 + step(0.5, 3))", over=("side",)),
        Flow("starting", "min(waiting / shortest_wait, rooms * share * crowding(helped))", over=("side",)),
        Flow("all_starting", "sum(starting[*])"),
        Flow("leaving", "(waiting / initial(waiting)) ^ slope + 0 * time", over=("side",)),
        Flow("done", "delay_fixed(all_starting, 1.5, 3) + smooth3(helped, 2) / 20"),
        Auxiliary("seen", "sample_if_true(modulo(time, 2) < 0.3, sum(waiting[*]), 0)"),
        Auxiliary("busy", "if_then_else(helped > 40, 1, 0) + exp(-waiting[left] / 9)"),
    )  # fmt: skip


SCENARIOS = [
    Scenario("as_now"),
    Scenario("rooms", levers=[Lever("rooms", times=1.5, start=4, ramp=2), Lever("shortest_wait", to=0.2, start=6)]),
    Scenario("for_a_while", levers=[Lever("asking_rate", add=3, start=5.25, end=8)]),
    Scenario("along", levers=[Lever("share", series=((2, 0.5), (9, 0.4)), start=3)]),
    Scenario("at_once", set={"slope": 2.0}),
    Scenario("crowded", levers=[Lever("crowding", points=((0, 1), (20, 0.5), (60, 0.1)))]),
]


def equal(one: Run, other: Run) -> bool:
    """Whether two runs hold the same bits."""
    names = set(one.data.data_vars)
    return names == set(other.data.data_vars) and all(
        np.array_equal(one.data[name].values, other.data[name].values) for name in names
    )


@pytest.fixture(params=METHODS)
def model(request: pytest.FixtureRequest) -> Model:
    return clinic(request.param)


def test_a_shared_past_changes_no_bit(model: Model) -> None:
    together = simulate(model, SCENARIOS, draws=DRAWS)

    for number, scenario in enumerate(SCENARIOS):
        alone = simulate(model, scenario, draws=DRAWS)  # one scenario has nobody to share a past with
        for name in together.data.data_vars:
            assert np.array_equal(together.data[name].values[number], alone.data[name].values[0])


@pytest.mark.parametrize("parting", [1, 17, 40, 41])
def test_scenarios_run_as_one_until_they_part_equal_scenarios_run_apart(model: Model, parting: int) -> None:
    kernel = NumpyKernel(lower(model, moving=["rooms"]))
    number = [constant.name for constant in model.constants()].index("rooms")
    values = [np.asarray(constant.value)[..., None] for constant in model.constants()]
    values[0] = np.array([6.0, 9.0, 13.0])
    still, moved = np.ones(41), np.where(np.arange(41) >= parting, 1.5, 1.0)
    names, steps = ["waiting", "helped", "seen", "busy"], list(range(0, 41, 4))

    def run(*times: np.ndarray) -> tuple[dict[str, np.ndarray], np.ndarray]:
        by = np.stack(times, axis=1)
        return kernel.run(Inputs(values, 3, len(times), {number: Move(by, np.zeros(by.shape))}), names, steps)

    together, bad = run(still, moved)
    apart = [run(still), run(moved)]
    assert bad.tolist() == [step for _, alone in apart for step in alone]
    for name in names:
        assert np.array_equal(together[name], np.concatenate([alone[name] for alone, _ in apart], axis=-1))
    # The scenarios do part, at the first kept moment after the lever.
    assert [step > parting for step in steps] == [
        not np.array_equal(row[:3], row[3:]) for row in together["helped"]
    ] or parting > 36


def test_a_draw_that_leaves_the_numbers_before_scenarios_part_is_noted_in_each() -> None:
    model = Model("burst", time=Time(0, 6)).define(
        Constant("begin", 1.0), Stock("level", "begin", inflows=["growing"]), Flow("growing", "level ^ 2")
    )
    kernel = NumpyKernel(lower(model, moving=["begin"]))
    by = np.ones((7, 2))
    by[4:, 1] = 2.0

    inputs = Inputs([np.array([1.0, 1e200, 0.0])], 3, 2, {0: Move(by, np.zeros((7, 2)))})
    _, bad = kernel.run(inputs, ["level"], range(7))
    # 1e200 squared is beyond the largest number, about 1.8e308.
    assert [-1, 1, -1] * 2 == bad.tolist()


@pytest.mark.parametrize("columns", [1, 7, 50])
def test_how_draws_are_cut_into_blocks_changes_no_bit(
    model: Model, columns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = simulate(model, SCENARIOS, draws=DRAWS)
    monkeypatch.setattr(NumpyKernel, "columns_at_once", columns)

    assert equal(whole, simulate(model, SCENARIOS, draws=DRAWS))


def test_how_many_threads_there_are_changes_no_bit(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(NumpyKernel, "columns_at_once", 20)
    runs = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(os, "cpu_count", lambda threads=threads: threads)
        runs.append(simulate(model, SCENARIOS, draws=DRAWS))

    assert equal(runs[0], runs[1])
    assert equal(runs[0], runs[2])


def test_arrays_that_serve_again_change_no_bit(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    quick = simulate(model, SCENARIOS, draws=DRAWS)
    monkeypatch.setattr(reference._Machine, "set_aside", lambda machine: None)

    assert equal(quick, simulate(model, SCENARIOS, draws=DRAWS))


def test_leaving_out_what_nobody_wants_changes_no_bit(model: Model) -> None:
    everything = simulate(model, SCENARIOS, draws=DRAWS)

    for name in ("helped", "busy", "cumulative_leaving"):
        alone = simulate(model, SCENARIOS, draws=DRAWS, save=[name])
        assert [name] == list(alone.data.data_vars)
        assert np.array_equal(everything.data[name].values, alone.data[name].values)


def test_the_first_moment_is_the_same_when_little_of_it_is_wanted(model: Model) -> None:
    program = lower(model)
    kernel = NumpyKernel(program)
    inputs = Inputs([np.asarray(constant.value)[..., None] for constant in model.constants()], 2)
    rows = {slot.name: slot.rows for slot in program.states}

    all_of_it, little = kernel.at_start(inputs), kernel.at_start(inputs, names=["helped", "seen"])
    assert {"helped", "seen"} == set(little.values)
    assert np.array_equal(all_of_it.values["seen"], little.values["seen"])
    assert np.array_equal(all_of_it.rates[rows["helped"]], little.rates[rows["helped"]])
    assert np.isfinite(all_of_it.rates).all()
    assert np.isnan(little.rates[rows["waiting"]]).all()


def test_a_state_that_is_given_takes_the_place_of_the_programs_own(model: Model) -> None:
    program = lower(model)
    kernel = NumpyKernel(program)
    inputs = Inputs([np.asarray(constant.value)[..., None] for constant in model.constants()], 2)
    rows = {slot.name: slot.rows for slot in program.states}
    given = kernel.at_start(inputs).state[: max(rows["waiting"].stop, rows["helped"].stop)]
    given[rows["waiting"]] = [[7.0, 8.0], [3.0, 2.0]]
    given[rows["helped"]] = [40.0, 50.0]

    moment = kernel.at_start(inputs, given)
    assert given.tolist() == moment.state[: len(given)].tolist()
    # busy = (helped > 40) + exp(-left / 9)
    assert (np.array([0.0, 1.0]) + np.exp([-7 / 9, -8 / 9])).tolist() == moment.values["busy"].tolist()
