"""Large ensembles: stored in blocks, the same however they are cut, stopped and gone on with (SEM-52)."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wm2u_sd.errors import FileError, ModelError, NameUnknownError, SimulationError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Prior, Stock
from wm2u_sd.simulation import store, streaming
from wm2u_sd.simulation.block import Task
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate
from wm2u_sd.simulation.stored import open_run

zarr = pytest.importorskip("zarr")

SCENARIOS = (Scenario("as_now"), Scenario("more", levers=(Lever("speed", times=2.0, start=1.0, ramp=1.0),)))
ARGUMENTS: dict[str, Any] = {"draws": 50, "seed": 7, "save": ["level", "risky", "by_age"], "accumulate": ["risky"]}


def a_model() -> Model:
    """A balanced tank with something over a dimension; some draws cannot rest, and some divide by zero later on."""
    return Model("tank", time=Time(0, 4, "1/2"), balance=Balance(("leak",), steady=("level",))).define(
        Dimension("age", ["young", "old"]),
        Stock("level", "begin", "litre", inflows=["filling"], outflows=["leaking"]),
        Flow("filling", "speed", "litre/month"),
        Flow("leaking", "leak * level", "litre/month"),
        Auxiliary("risky", "if_then_else(share < 0.1 and time >= 2, 1 / (share - share), share)"),
        Auxiliary("by_age", "level * part", "litre", over=["age"]),
        Constant("part", [0.25, 0.75], over=["age"]),
        Constant("speed", 3.0, "litre/month", prior=Prior("uniform", -0.5, 4, 3), grade="D"),
        Constant("share", 0.5, prior=Prior("uniform", 0, 1, 0.5)),
        Constant("begin", 10.0, "litre", prior=Prior("lognormal", 5, 20, 10)),
        Constant("leak", 0.5, "1/month", prior=Prior("uniform", 0.1, 0.9, 0.5)),
    )


@pytest.fixture(scope="module")
def model() -> Model:
    return a_model()


@pytest.fixture(scope="module")
def whole(model: Model) -> Run:
    """The same ensemble, run at once and kept in memory."""
    return simulate(model, SCENARIOS, **ARGUMENTS)


def stored(model: Model, path: Path, **changes: Any) -> Run:
    return simulate(model, SCENARIOS, **{**ARGUMENTS, "block": 8, **changes}, store=path)


def assert_same(expected: Run, found: Run) -> None:
    for one, other in ((expected.data, found.data), (expected.parameters, found.parameters)):
        assert list(one.data_vars) == list(other.data_vars)
        for name in one.variables:
            assert one[name].dims == other[name].dims
            assert one[name].values.tolist() == other[name].values.tolist()
            assert one[name].attrs == other[name].attrs
    assert expected.failures == found.failures
    assert expected.scenarios == found.scenarios


def markers(path: Path) -> list[str]:
    return sorted(file.name for file in (path / "blocks").glob("0*.json"))


# The same as in memory ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", [1, 8, 49, 50, 10_000, None])
def test_a_stored_run_is_the_run_however_it_is_cut(block: int | None, model: Model, whole: Run, tmp_path: Path) -> None:
    found = stored(model, tmp_path / "run.zarr", block=block)

    assert_same(whole, found)
    assert 4 < len({failure.draw for failure in found.failures}) < 25
    assert {"", "as_now", "more"} == {failure.scenario for failure in found.failures}
    assert dict(whole.provenance).items() <= dict(found.provenance).items()


def test_given_draws_are_stored_as_well(model: Model, tmp_path: Path) -> None:
    given = Ensemble({"speed": np.linspace(1.0, 3.0, 9)}, 9, "by hand")
    expected = simulate(model, SCENARIOS, **{**ARGUMENTS, "draws": given})

    assert_same(expected, stored(model, tmp_path / "run.zarr", draws=given, block=4))
    with pytest.raises(FileError, match="given is"):
        stored(model, tmp_path / "run.zarr", draws=given.with_values({"speed": np.linspace(1.0, 4.0, 9)}), block=4)
    with pytest.raises(NameUnknownError):
        stored(model, tmp_path / "other.zarr", draws=Ensemble({"sped": np.ones(9)}, 9))


def test_without_draws_the_stated_values_are_run(tmp_path: Path) -> None:
    plain = Model("plain", time=Time(0, 2, 1)).define(Auxiliary("double", "2 * x"), Constant("x", 3.0))
    found = simulate(plain, store=tmp_path / "run.zarr")

    assert [6.0, 6.0, 6.0] == found.data["double"].values[0, 0].tolist()
    assert 0 == len(found.parameters)


def test_parts_of_a_stored_run_are_read_alone(model: Model, whole: Run, tmp_path: Path) -> None:
    found = stored(model, tmp_path / "run.zarr")

    for part in ({"draw": 3}, {"draw": [5, 1, 1, -1]}, {"draw": slice(None, None, -2)}, {"draw": slice(0, 0)}):
        expected = whole.data["by_age"].isel(time=-1, scenario=[1, 0], **part)
        assert expected.values.tolist() == found.data["by_age"].isel(time=-1, scenario=[1, 0], **part).values.tolist()
    far = whole.data["level"].isel(draw=[0, -1])
    assert far.values.tolist() == found.data["level"].isel(draw=[0, -1]).values.tolist()


def test_in_the_store_itself_failed_draws_are_no_numbers(model: Model, whole: Run, tmp_path: Path) -> None:
    import xarray as xr

    stored(model, tmp_path / "run.zarr")
    raw = xr.open_zarr(tmp_path / "run.zarr", group="data", consolidated=False, chunks=None, decode_times=False)

    failed = {failure.draw for failure in whole.failures}
    assert failed == set(np.flatnonzero(np.isnan(raw["level"].values).any(axis=(0, 2))).tolist())
    assert ["as_now", "more"] == raw["scenario"].values.tolist()
    assert list(range(50)) == raw["draw"].values.tolist()


def test_the_ledger_of_a_stored_run_tells_of_blocks(model: Model, whole: Run, tmp_path: Path) -> None:
    found = stored(model, tmp_path / "run.zarr", block=50)

    assert ("population", "scenario", "block") == found.ledger["at_start"].dims
    np.testing.assert_allclose(whole.ledger["entered"].mean("draw"), found.ledger["entered"].sel(block=0), rtol=1e-12)
    largest = abs(whole.ledger["difference"]).max("draw")
    assert largest.values.tolist() == found.ledger["difference"].sel(block=0).values.tolist()
    assert 3 == len(found.print_ledger().splitlines())


def test_progress_is_told_up_to_the_end_and_from_where_it_goes_on(model: Model, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    stored(model, tmp_path / "run.zarr", progress=lambda *now: told.append(now))

    assert [(0, 100), (16, 100), (32, 100), (48, 100), (64, 100), (80, 100), (96, 100), (100, 100)] == told
    told.clear()
    stored(model, tmp_path / "run.zarr", progress=lambda *now: told.append(now))
    assert [(100, 100)] == told


# Stopped and gone on with ---------------------------------------------------------------------------------------------

CHILD = """
import os, resource, signal, sys
from importlib.util import module_from_spec, spec_from_file_location
spec = spec_from_file_location("streams", {file!r})
test = module_from_spec(spec)
spec.loader.exec_module(test)

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def full(*_):
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, resource.RLIM_INFINITY))

{action}
try:
    test.stored(test.a_model(), test.Path({path!r}), progress=progress)
except test.FileError as error:
    print(error)
"""
COUNTING = """
told = []
def progress(done, total):
    told.append(done)
    if len(told) == {calls}:
        {action}()
"""
WHEN = {
    "while drawing": """
whole = test.store.Store.write_constant
def half(store, group, name, values, draws):
    die() if name == "begin" else whole(store, group, name, values, draws)
test.store.Store.write_constant, progress = half, None
""",
    "amid the results": """
test.store.Store.settle = lambda store, group, names, draws: die() if draws.start == 16 else None
progress = None
""",
    "after four blocks": COUNTING.format(calls=5, action="die"),
}


on_unix = pytest.mark.skipif(sys.platform == "win32", reason="needs the signals and limits of Unix")


def run_child(action: str, path: Path) -> "subprocess.CompletedProcess[str]":
    script = CHILD.format(file=__file__, path=str(path), action=action)
    return subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)


@on_unix
@pytest.mark.parametrize("when", list(WHEN))
def test_a_killed_run_is_gone_on_with_to_the_same_bits(when: str, model: Model, whole: Run, tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    killed = run_child(WHEN[when], path)

    assert -signal.SIGKILL == killed.returncode, killed.stderr
    there = len(markers(path))
    assert there < 7
    with pytest.raises(FileError) as caught:
        open_run(path, model)
    assert (
        f"{path}: {7 - there} of 7 blocks are not there yet; "
        "call simulate again with the same arguments and store= to go on"
    ) == str(caught.value)
    assert_same(whole, stored(model, path))


def count(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the numbers of the blocks that are run from here on."""
    numbers: list[int] = []
    real: Callable[..., None] = streaming.carry

    def counted(task: Task, number: int) -> None:
        numbers.append(number)
        real(task, number)

    monkeypatch.setattr(streaming, "carry", counted)
    return numbers


def test_only_what_is_missing_is_run(model: Model, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "run.zarr"
    stored(model, path)
    (path / "blocks" / "000002.json").unlink()
    text = (path / "blocks" / "000004.json").read_text()
    (path / "blocks" / "000004.json").write_text(text[: len(text) // 2])
    numbers = count(monkeypatch)

    assert_same(whole, stored(model, path))
    assert [2, 4] == sorted(numbers)


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_block_that_is_damaged_is_run_again(
    damage: str, model: Model, whole: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.zarr"
    stored(model, path)
    chunk = path / "data" / "level" / "c" / "1" / "3" / "0"
    held = chunk.read_bytes()
    chunk.unlink()
    if damage != "gone":
        chunk.write_bytes(held[:-20] if damage == "cut" else bytes([held[0] ^ 1]) + held[1:])
    numbers = count(monkeypatch)

    assert_same(whole, stored(model, path))
    assert [3] == numbers


@on_unix
def test_a_write_that_fails_leaves_no_marker_and_says_what_to_do(model: Model, whole: Run, tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    failed = run_child(COUNTING.format(calls=2, action="full"), path)

    there = markers(path)
    assert 1 <= len(there) < 7
    lines = failed.stdout.splitlines()
    assert 1 == len(lines), failed.stdout + failed.stderr
    assert lines[0].startswith(f"{path}: block ")
    assert lines[0].endswith(
        " of 7 could not be written (File too large). Finished blocks are good: "
        "make room, then call again with the same arguments to go on"
    )
    assert_same(whole, stored(model, path))


# Executors ------------------------------------------------------------------------------------------------------------


def test_blocks_may_be_run_by_threads(model: Model, whole: Run, tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        assert_same(whole, stored(model, tmp_path / "run.zarr", executor=pool))


@on_unix
def test_a_killed_worker_costs_its_block_and_not_the_run(model: Model, whole: Run, tmp_path: Path) -> None:
    told: list[int] = []
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        worker = pool.submit(os.getpid).result()

        def kill_after_one_block(done: int, total: int) -> None:
            told.append(done)
            if len(told) == 2:
                os.kill(worker, signal.SIGKILL)

        found = stored(model, tmp_path / "run.zarr", executor=pool, block=2, progress=kill_after_one_block)

    assert_same(whole, found)
    assert sorted(told) == told
    assert 100 == told[-1]
    assert " of 25 blocks were run here, as the executor lost them (BrokenProcessPool: " in found.provenance["executor"]


def test_an_executor_that_is_shut_costs_nothing_but_itself(model: Model, whole: Run, tmp_path: Path) -> None:
    pool = ThreadPoolExecutor(1)
    pool.shutdown()
    found = stored(model, tmp_path / "run.zarr", executor=pool)

    assert_same(whole, found)
    assert found.provenance["executor"].startswith("7 of 7 blocks were run here, as the executor lost them (Runtime")


def test_blocks_may_be_run_by_dask(model: Model, whole: Run, tmp_path: Path) -> None:
    distributed = pytest.importorskip("distributed")
    settings = {"n_workers": 1, "threads_per_worker": 2, "processes": False, "dashboard_address": None}
    with distributed.LocalCluster(**settings) as cluster, distributed.Client(cluster) as client:
        assert_same(whole, stored(model, tmp_path / "run.zarr", executor=client))


def test_a_fault_of_the_model_stops_an_executor(tmp_path: Path) -> None:
    # Euler's method with a step of a month empties a stock of which three times its content leaves.
    leaky = Model("leaky", time=Time(0, 400, 1)).define(
        Stock("a", "1", outflows=["over"]), Stock("b", "1", inflows=["over"]), Flow("over", "a * rate"),
        Constant("rate", 3.0, prior=Prior("uniform", 2.9, 3.1, 3)),
    )  # fmt: skip
    with pytest.raises(SimulationError) as alone:
        simulate(leaky, draws=6)
    with ThreadPoolExecutor(1) as pool, pytest.raises(SimulationError) as caught:
        simulate(leaky, draws=6, store=tmp_path / "run.zarr", block=6, executor=pool)

    assert str(alone.value) == str(caught.value)


# Refusals -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"seed": 8}, "seed is 7 there and 8 here"),
        ({"block": 9}, "block is 8 there and 9 here"),
        ({"draws": 51}, "draws is 50 there and 51 here"),
        (
            {"save": ["level"]},
            "save is level, risky, by_age, cumulative_risky there and level, cumulative_risky here",
        ),
        ({"backend_name": "numpy", "seed": 9}, "seed is 7 there and 9 here"),
    ],
)
def test_a_store_of_another_run_is_refused(changes: Any, said: str, model: Model, tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    stored(model, path)
    with pytest.raises(FileError) as caught:
        stored(model, path, **changes)

    assert str(caught.value).startswith(f"{path}: holds another run: ")
    assert said in str(caught.value)
    assert str(caught.value).endswith(". Give the same arguments to go on with it, or store= another place.")


def test_a_store_of_another_model_or_scenario_is_refused(model: Model, tmp_path: Path) -> None:
    path = tmp_path / "run.zarr"
    stored(model, path)
    other = model.with_values({"part": [0.5, 0.5]})

    with pytest.raises(FileError, match=f"model_digest is {model.digest} there and {other.digest} here"):
        stored(other, path)
    with pytest.raises(FileError, match="scenarios_digest is"):
        simulate(model, SCENARIOS[0], **ARGUMENTS, block=8, store=path)
    with pytest.raises(FileError) as caught:
        open_run(path, other)
    assert (
        f"{path}: was made from model {model.digest}, but the one given is {other.digest}; "
        "give the model as it was run, with the same time"
    ) == str(caught.value)


def test_what_is_no_store_is_left_alone(model: Model, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("Dear all")
    for place in (tmp_path, tmp_path / "letter.txt"):
        with pytest.raises(FileError) as caught:
            stored(model, place)
        assert f"{place}: this is no stored run of wm2u_sd; give store= another place" == str(caught.value)
    with pytest.raises(FileError) as missing:
        open_run(tmp_path / "nowhere", model)
    assert f"{tmp_path / 'nowhere'}: there is no stored run" == str(missing.value)


def test_a_store_of_another_format_is_refused(model: Model, tmp_path: Path) -> None:
    (tmp_path / "plan.json").write_text(json.dumps({"format": "wm2u_sd stored run 0"}))
    with pytest.raises(FileError) as caught:
        stored(model, tmp_path)

    assert (
        f"{tmp_path}: this is not a stored run "
        "(expected 'wm2u_sd stored run 1', found 'wm2u_sd stored run 0'). Run again."
    ) == str(caught.value)


@pytest.mark.parametrize("block", [0, -1, 2.5, True])
def test_a_block_is_a_number_of_draws(block: Any, model: Model, tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        stored(model, tmp_path / "run.zarr", block=block)

    assert (f"block is {block!r}; give the number of draws in a block, a whole number of at least 1") == str(
        caught.value
    )


@pytest.mark.parametrize(("name", "value"), [("block", 5), ("executor", object())])
def test_what_is_for_stored_runs_is_refused_elsewhere(name: str, value: Any, model: Model) -> None:
    with pytest.raises(ModelError) as caught:
        simulate(model, **{name: value})

    assert f"{name}= is for a run that is stored; give store= a folder as well" == str(caught.value)


def test_a_missing_zarr_is_one_line(model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "find_spec", lambda name: None)
    with pytest.raises(SimulationError) as caught:
        stored(model, tmp_path / "run.zarr")

    assert "store= needs zarr, which is not installed: pip install 'wm2u_sd[large]'" == str(caught.value)


def test_when_every_stored_draw_fails_that_is_an_error(tmp_path: Path) -> None:
    hopeless = Model("hopeless", time=Time(0, 4, 1)).define(
        Auxiliary("risky", "if_then_else(time >= 2, 1 / (x - x), x)"),
        Constant("x", 0.5, prior=Prior("uniform", 0, 1, 0.5)),
    )
    with pytest.raises(SimulationError) as alone:
        simulate(hopeless, draws=5)
    for _ in range(2):
        with pytest.raises(SimulationError) as caught:
            simulate(hopeless, draws=5, store=tmp_path / "run.zarr", block=2)
        assert str(alone.value) == str(caught.value)
