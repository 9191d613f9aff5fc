"""A run on disk is the run: round trips, and files that were damaged, cut off or changed."""

import json
import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from wm2u_sd.errors import FileError
from wm2u_sd.io.model_record import model_from_dict, model_to_dict
from wm2u_sd.io.results import FORMAT, load_run, save_run
from wm2u_sd.io.text import load
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Prior, Stock
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate

SCENARIOS = [
    Scenario("as_now", label="Do nothing different"),
    Scenario(
        "all_verbs",
        set={"rate": 0.2},
        levers=(
            Lever("inflow", add=1.0, start=2.0, end=4.0, ramp=0.5),
            Lever("rate", times=2.0),
            Lever("inflow", series=((0.0, 1.0), (5.0, 2.0))),
            Lever("curve", points=((0.0, 0.0), (10.0, 1.0))),
        ),
        actors=("somebody",),
    ),
]


@pytest.fixture(scope="module")
def model() -> Model:
    """Every kind of record, dimensions, a balance, a loop, units that xarray takes for lengths of time."""
    return Model(
        "mixed",
        time=Time(0, 6, "1/4", "day", 1, "rk4", "2025-03-31"),
        balance=Balance(("start",), zero=("away",)),
        loops=(Loop("draining", ("stock", "out"), "balancing"),),
        title="Mixed",
        doc="é £",
    ).define(
        Dimension("age", ("young", "old")),
        Dimension("part", ("young",), of="age"),
        Stock("stock", "start * shares", "person", ("into",), ("out",), ("age",), population="people"),
        Flow("into", "inflow * shares", "person/day", ("age",), "outside"),
        Flow("out", "rate * stock * (1 + curve(time))", "person/day", ("age",), "outside"),
        Auxiliary("wait", "1 / rate", "day"),
        Auxiliary("away", "start - 10", "person"),
        Constant("start", 8.0, "person"),
        Constant("shares", (0.25, 0.75), "dmnl", ("age",)),
        Constant("inflow", 2.0, "person/day"),
        Constant("rate", 0.1, "1/day", prior=Prior("lognormal", 0.05, 0.2, 0.1, 0.25, 0.0), grade="D"),
        Lookup("curve", ((0.0, 0.0), (10.0, 0.0)), "dmnl", "day"),
    )


@pytest.fixture(scope="module")
def run(model: Model) -> Run:
    return simulate(model, SCENARIOS, draws=8, seed=3)


@pytest.fixture(scope="module")
def saved_once(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_run(run, tmp_path_factory.mktemp("saved") / "results.nc")


@pytest.fixture
def saved(saved_once: Path, tmp_path: Path) -> Path:
    """A saved run that a test may spoil."""
    return Path(shutil.copy(saved_once, tmp_path))


def test_a_model_survives_being_made_plain(model: Model) -> None:
    assert model == model_from_dict(json.loads(json.dumps(model_to_dict(model))))


def test_a_model_of_a_folder_survives_too(queue: Path) -> None:
    model = load(queue).model

    assert model == model_from_dict(json.loads(json.dumps(model_to_dict(model))))


def test_a_run_survives_the_disk(run: Run, saved: Path) -> None:
    again = load_run(saved)

    for group in ("data", "parameters", "ledger"):
        before, after = getattr(run, group), getattr(again, group)
        xr.testing.assert_identical(before, after)
        assert {name: array.dtype for name, array in before.variables.items()} == {
            name: array.dtype for name, array in after.variables.items()
        }
        assert {name: array.dims for name, array in before.variables.items()} == {
            name: array.dims for name, array in after.variables.items()
        }
    assert run.model == again.model
    assert dict(run.scenarios) == dict(again.scenarios)
    assert list(run.scenarios) == list(again.scenarios)
    assert tuple(run.failures) == tuple(again.failures)
    assert dict(run.provenance) == dict(again.provenance)
    assert repr(run) == repr(again)


def test_a_run_made_of_lists_and_arrays_survives(tmp_path: Path) -> None:
    mixed = Model(
        "lists",
        time=Time(0, 2, Fraction(1, 8), saveper=Fraction(1, 2)),
        loops=[Loop("draining", ["stock", "out"])],
        balance=Balance(["start"], zero=["away"]),
    ).define(
        Dimension("age", ["young", "old"]),
        Stock("stock", "start * shares", outflows=["out"], over=["age"]),
        Flow("out", "rate * stock * curve(time)", over=["age"]),
        Auxiliary("away", "start - 10"),
        Constant("start", np.int64(8)),  # type: ignore[arg-type]
        Constant("shares", np.array([0.25, 0.75]), over=["age"]),  # type: ignore[arg-type]
        Constant("rate", 0.1),
        Lookup("curve", [[0, 1], [10, 2]]),  # type: ignore[list-item]
    )
    levers = [
        Lever("rate", series=np.array([[0.0, 0.1], [1.0, 0.2]])),  # type: ignore[arg-type]
        Lever("curve", points=[(0, 1), (10, 3)]),
    ]
    run = simulate(mixed, [Scenario("changed", {"rate": np.float32(0.5)}, levers, actors=["somebody"])])  # type: ignore[dict-item]
    again = load_run(save_run(run, tmp_path / "a.nc"))

    assert run.model == again.model
    assert dict(run.scenarios) == dict(again.scenarios)
    assert run.model.digest == again.model.digest
    assert Fraction(1, 8) == again.model.time.exact_step


def test_a_run_with_failed_draws_survives(tmp_path: Path) -> None:
    failing = Model("failing", time=Time(0, 2, 1)).define(
        Stock("stock", "1", outflows=["out"]),
        Flow("out", "if_then_else(share < half, 1 / (share - share), 0)"),
        Constant("share", 0.6, prior=Prior("uniform", 0, 1, 0.5)),
        Constant("half", 0.5),
    )
    run = simulate(failing, draws=6, seed=1)
    again = load_run(save_run(run, tmp_path / "a.nc"))

    assert 3 == len(run.failures)
    assert tuple(run.failures) == tuple(again.failures)
    xr.testing.assert_identical(run.data, again.data)


def test_a_run_without_stocks_survives(tmp_path: Path) -> None:
    run = simulate(Model("still", time=Time(0, 2, 1)).define(Auxiliary("x", "time", "month")))
    again = load_run(save_run(run, tmp_path / "a.nc"))

    xr.testing.assert_identical(run.data, again.data)
    assert 0 == again.ledger.sizes["population"] == run.ledger.sizes["population"]


def test_numbers_of_numpy_in_a_model_or_scenario_are_numbers(tmp_path: Path) -> None:
    model = Model("small", time=Time(0, 1, 1)).define(
        Auxiliary("y", "x + sum(z[*])"),
        Constant("x", np.float32(2)),
        Constant("z", np.array([1.0, 2.0]), over=["age"]),
        Dimension("age", ("a", "b")),
    )
    run = simulate(model, Scenario("s", set={"x": np.int64(3)}))

    again = load_run(save_run(run, tmp_path / "a.nc"))
    assert (1.0, 2.0) == again.model.constant("z").value
    assert {"x": 3} == again.scenarios["s"].set


def test_places_do_not_travel(queue: Path, tmp_path: Path) -> None:
    opened = load(queue)
    run = simulate(opened.model, list(opened.scenarios.values()))
    again = load_run(save_run(run, tmp_path / "a.nc"))

    assert opened.scenarios["fewer"].place.line == 2
    assert 0 == again.scenarios["fewer"].place.line == again.model.get("waiting").place.line
    assert b"scenarios.yaml" not in (tmp_path / "a.nc").read_bytes()


def test_where_a_record_was_written_changes_no_digest(queue: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "models" / "localities" / "elsewhere"
    shutil.copytree(queue, elsewhere)
    for file in ("model.yaml", "scenarios.yaml"):
        (elsewhere / file).write_text("# moved down\n" + (queue / file).read_text(encoding="utf-8"), encoding="utf-8")
    first, second = load(queue), load(elsewhere)

    assert first.scenarios["fewer"].place != second.scenarios["fewer"].place
    digests = [
        [run.provenance[f"{what}_digest"] for what in ("model", "scenarios")]
        for run in (simulate(one.model, list(one.scenarios.values())) for one in (first, second))
    ]
    assert digests[0] == digests[1]


def test_writing_that_is_interrupted_leaves_the_old_run(run: Run, saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = saved.read_bytes()
    whole = xr.Dataset.to_netcdf

    def stop_at_the_ledger(self: xr.Dataset, *args: object, **kwargs: object) -> object:
        if kwargs["group"] == "ledger":
            raise OSError("No space left on device")
        return whole(self, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(xr.Dataset, "to_netcdf", stop_at_the_ledger)
    with pytest.raises(OSError, match=r"^No space left on device$"):
        save_run(run, saved)

    assert before == saved.read_bytes()
    assert [saved] == list(saved.parent.iterdir())


# Damaged files --------------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(FileError) as caught:
        load_run(path)
    return str(caught.value)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert f"{tmp_path}/a.nc: there is no such file" == refused(tmp_path / "a.nc")
    assert f"{tmp_path}: there is no such file" == refused(tmp_path)


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89HDF\r\n\x1a\n", b"CDF\x01" + b"\0" * 40, b"\0" * 4096])
def test_what_is_no_netcdf_is_refused(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_bytes(content)

    assert refused(tmp_path / "a.nc").startswith(f"{tmp_path}/a.nc: cannot be read as a run (")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_off_is_refused(share: float, saved: Path) -> None:
    content = saved.read_bytes()
    saved.write_bytes(content[: int(len(content) * share)])

    assert refused(saved).startswith(f"{saved}: ")


# h5netcdf complains once more when a file it could not open is thrown away.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_bytes_changed_anywhere_are_refused_or_do_no_harm(run: Run, saved: Path) -> None:
    content = saved.read_bytes()
    generator = np.random.default_rng(1)
    refusals = 0
    for _ in range(30):
        damaged = bytearray(content)
        for place in generator.integers(0, len(content), 5):
            damaged[place] ^= int(generator.integers(1, 256))
        saved.write_bytes(bytes(damaged))
        try:
            again = load_run(saved)
        except FileError:
            refusals += 1
        else:  # unused bytes of the file
            xr.testing.assert_identical(run.data, again.data)
    assert refusals > 0


Change = Callable[[h5py.File], None]


def number_changed(file: h5py.File) -> None:
    file["data/stock"][0, 0, 0, 0] += 1


def draw_changed(file: h5py.File) -> None:
    file["data/draw"][0] = 7


def unit_changed(file: h5py.File) -> None:
    file["data/stock"].attrs["units"] = "month"


def seed_changed(file: h5py.File) -> None:
    facts = json.loads(file["data"].attrs["provenance"])
    file["data"].attrs["provenance"] = json.dumps(facts | {"seed": "another"})


def failures_hidden(file: h5py.File) -> None:
    file["data"].attrs["failures"] = "[]  "


def nested_deeply(file: h5py.File) -> None:
    file["data"].attrs["scenarios"] = "[" * 20_000


def of_another_type(file: h5py.File) -> None:
    file["data"].attrs["model"] = 3


def without_digest(file: h5py.File) -> None:
    del file["data"].attrs["digest"]


@pytest.mark.parametrize(
    "change",
    [number_changed, draw_changed, unit_changed, seed_changed, failures_hidden, nested_deeply, of_another_type,
     without_digest],
)  # fmt: skip
def test_a_run_that_was_changed_is_refused(change: Change, saved: Path) -> None:
    with h5py.File(saved, "r+") as file:
        change(file)

    assert f"{saved}: the file is not as it was written; it is damaged or has been changed. Run again." == refused(
        saved
    )


def test_a_run_of_another_version_is_refused(saved: Path) -> None:
    with h5py.File(saved, "r+") as file:
        file["data"].attrs["format"] = "wm2u_sd run 99"

    assert (
        f"{saved}: this is not a run saved by wm2u_sd (expected '{FORMAT}', found 'wm2u_sd run 99'). Run again."
    ) == refused(saved)


def test_a_netcdf_of_something_else_is_refused(tmp_path: Path) -> None:
    xr.Dataset({"x": ("y", [1.0])}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")

    assert refused(tmp_path / "a.nc").startswith(f"{tmp_path}/a.nc: cannot be read as a run (")


HOSTILE_FACTS = {
    "model": ["{}", "[]", "3", "null", '{"name": 1}', '{"name": "m", "time": {"end": 1e308}}'],
    "scenarios": ["{}", "[]", "[1]", '[{"name": "a"}]', '[{"levers": 3}]', "null"],
    "failures": ["[1]", '[{"scenario": 1}]', "{}{}", "3"],
    "provenance": ["[]", "{}", "3", '"text"', "[" * 20_000, "9" * 10_000],
}


@pytest.mark.parametrize(("fact", "text"), [(fact, text) for fact, texts in HOSTILE_FACTS.items() for text in texts])
def test_facts_made_up_with_a_fitting_digest_are_refused_as_well(
    fact: str, text: str, saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wm2u_sd.io.results._digest", lambda datasets, facts: "made up")
    with h5py.File(saved, "r+") as file:
        file["data"].attrs["digest"] = "made up"
        file["data"].attrs[fact] = text

    assert refused(saved).startswith(f"{saved}: ")
