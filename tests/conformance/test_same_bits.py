"""What must not change a bit: other columns, the number of threads, constants folded or not, code fresh or kept."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wm2u_sd.backends.base import AbstractBackend
from wm2u_sd.model.timing import METHODS
from wm2u_sd.simulation.scenario import Lever, Scenario

every_method = pytest.mark.parametrize("method", METHODS)
SCENARIOS = [
    Scenario("as_now"),
    Scenario("rooms", levers=[Lever("rooms", times=1.5, start=1.5, ramp=1), Lever("slope", to=1, start=3)]),
    Scenario("a_while", levers=[Lever("asking_rate", add=3, start=2.25, end=3), Lever("share", times=1.1, start=2)]),
]


@every_method
def test_a_batch_of_any_size_equals_its_draws_one_by_one(
    exact: AbstractBackend, run: Callable, equal: Callable, batch: Callable, clinic: Callable, method: str
) -> None:
    whole = batch(clinic(method), draws=33)
    alone = [run(exact, whole.of([one])) for one in range(33)]

    for size in (2, 7, 8, 9, 16, 33):
        together = run(exact, whole.of(range(size)))
        for one in range(size):
            assert equal(alone[one], {name: value[..., [one]] for name, value in together.items()})


@pytest.mark.parametrize("chosen", [[5, 4, 3, 2, 1, 0], [3, 3, 3], [0, 10, 2, 7, 7, 1, 8, 9, 10], range(10)], ids=str)
def test_a_draw_does_not_notice_its_neighbours(
    exact: AbstractBackend, run: Callable, equal: Callable, batch: Callable, clinic: Callable, chosen: Sequence[int]
) -> None:
    for method in ("euler", "rk4"):
        whole = batch(clinic(method), draws=11)

        assert equal(whole.columns_of(run(exact, whole), chosen), run(exact, whole.of(chosen)))


@pytest.mark.parametrize("method", ["euler", "rk4"])
@pytest.mark.parametrize("draws", [1, 9])
def test_scenarios_together_equal_scenarios_alone(
    exact: AbstractBackend, run: Callable, equal: Callable, batch: Callable, clinic: Callable, method: str, draws: int
) -> None:
    whole = batch(clinic(method), draws=draws, scenarios=SCENARIOS)
    together, columns = run(exact, whole), range(draws)

    for number in range(len(SCENARIOS)):
        moved = {k: move.of([number]) for k, move in whole.inputs.moves.items()}
        alone = replace(whole, inputs=replace(whole.inputs, n_scenarios=1, moves=moved))
        own = {name: value[..., number * draws : (number + 1) * draws] for name, value in together.items()}
        assert equal(own, alone.columns_of(run(exact, alone), columns))


@every_method
def test_how_many_threads_there_are(
    exact: AbstractBackend, equal: Callable, batch: Callable, clinic: Callable, method: str
) -> None:
    whole = batch(clinic(method).with_time(end=1), draws=1200, scenarios=SCENARIOS[:2], save=["busy", "waiting"])
    kernel = exact.compile(whole.program)
    if not hasattr(kernel, "threads"):
        pytest.skip(f"the backend '{exact.name}' has one thread")
    results = []
    for threads in (1, 2, 5, None):
        kernel.threads = threads
        results.append(kernel.run(whole.inputs, whole.save, whole.saved_steps))

    for arrays, failed in results[1:]:
        assert equal(results[0][0], arrays)
        assert np.array_equal(results[0][1], failed)


@pytest.mark.parametrize("draws", [1, 9])
def test_a_second_run_repeats_the_first_and_leaves_it_alone(
    exact: AbstractBackend, equal: Callable, batch: Callable, clinic: Callable, draws: int
) -> None:
    one, other = (batch(clinic("rk4"), draws=draws, values={"rooms": [rooms]}) for rooms in (12.0, 3.0))
    kernel = exact.compile(one.program)
    first, _ = kernel.run(one.inputs, one.save, one.saved_steps)
    kept = {name: value.copy() for name, value in first.items()}
    between, _ = kernel.run(other.inputs, other.save, other.saved_steps)
    again, _ = kernel.run(one.inputs, one.save, one.saved_steps)

    assert equal(kept, first)
    assert equal(kept, again)
    assert not equal(kept, between)


@pytest.mark.parametrize("method", ["euler", "rk4"])
def test_a_constant_given_once_is_one_repeated_for_every_draw(
    exact: AbstractBackend, run: Callable, equal: Callable, batch: Callable, clinic: Callable, method: str
) -> None:
    for scenarios in ([], SCENARIOS):
        whole = batch(clinic(method), draws=9, scenarios=scenarios)
        for folded in (whole, whole.of([0, 1])):
            assert equal(run(exact, folded), run(exact, folded.written_out()))


@pytest.mark.parametrize("draws", [1, 9])
def test_what_else_is_kept(
    exact: AbstractBackend, run: Callable, equal: Callable, batch: Callable, clinic: Callable, draws: int
) -> None:
    whole = batch(clinic("rk4"), draws=draws)
    everything = run(exact, whole)

    for save in (["busy"], ["helped", "met"], ["integral of looking"], ["waiting", "starting.asked"]):
        few = run(exact, replace(whole, save=tuple(save), saved_steps=(0, 3, 16)))
        assert equal({name: everything[name][..., [0, 3, 16], :] for name in save}, {name: few[name] for name in save})


@every_method
@pytest.mark.parametrize("draws", [1, 9])
def test_the_first_moment_is_the_one_a_run_begins_with(
    exact: AbstractBackend, run: Callable, batch: Callable, clinic: Callable, method: str, draws: int
) -> None:
    whole = batch(clinic(method), draws=draws, saved_steps=(0, 16))
    moment, values = exact.compile(whole.program).at_start(whole.inputs), run(exact, whole)

    for slot in whole.program.states:
        assert np.array_equal(moment.state[slot.rows], values[slot.name][..., 0, :].reshape(-1, draws))
    for name, value in moment.values.items():
        if name in whole.save and name not in {slot.name for slot in whole.program.states}:
            assert np.array_equal(np.broadcast_to(value, values[name][..., 0, :].shape), values[name][..., 0, :])


PRINT_DIGEST = """
import hashlib, sys
import numpy as np
from wm2u_sd.backends.base import Inputs
from wm2u_sd.backends.registry import backend
from wm2u_sd.compile.lower import lower
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Stock

model = Model("kept", time=Time(0, 4, "1/4", method="rk4")).define(
    Constant("x"), Lookup("curve", [(k, k % 7) for k in range(30)]),
    Stock("level", "x", inflows=["coming"], outflows=["leaving"], non_negative=True),
    Flow("coming", "exp(-x) + curve(time * 5) ^ 0.3"), Flow("leaving", "delay_fixed(level, x, 1) * sin(level)"),
    Auxiliary("late", "delay3(level, 2)"),
)
for draws in (1, 9):
    inputs = Inputs([np.linspace(0.3, 2, draws)], draws)
    kept, _ = backend(sys.argv[1]).compile(lower(model)).run(inputs, ["level", "late"], range(17))
    print(hashlib.sha256(kept["level"].tobytes() + kept["late"].tobytes()).hexdigest())
"""


def test_code_kept_on_disk_for_later_processes(exact: AbstractBackend, tmp_path: Path) -> None:
    def printed(folder: str) -> str:
        environment = {**os.environ, "WM2U_SD_CACHE": folder}
        done = subprocess.run(
            [sys.executable, "-c", PRINT_DIGEST, exact.name], env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    fresh = printed("")
    assert not list(tmp_path.iterdir())
    written = printed(str(tmp_path))
    if not list(tmp_path.iterdir()):
        pytest.skip(f"the backend '{exact.name}' keeps no code")
    before = {file: file.read_bytes() for file in tmp_path.iterdir()}

    assert fresh == written == printed(str(tmp_path))
    assert before == {file: file.read_bytes() for file in tmp_path.iterdir()}
