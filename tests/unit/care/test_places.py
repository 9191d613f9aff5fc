"""Shipped places by name: each is what its builder gives, and each loads."""

from pathlib import Path

import pytest

from wm2u_sd.care.build_localities import build
from wm2u_sd.care.places import find, fit_place, fitting_model, models_root, open_place, place_names
from wm2u_sd.care.published import PLACES
from wm2u_sd.errors import FileError
from wm2u_sd.io.text import load

NAMES = sorted(place.lower() for place in PLACES)


@pytest.fixture(scope="module")
def built() -> dict[Path, str]:
    return build()


def test_the_ten_places_are_shipped() -> None:
    assert NAMES == place_names()


@pytest.mark.parametrize("name", NAMES)
def test_the_files_of_a_place_are_what_its_builder_gives(name: str, built: dict[Path, str]) -> None:
    folder = models_root() / "localities" / name
    wanted = {path.name: text for path, text in built.items() if path.parent == folder}
    there = {path.name: path.read_bytes().decode("utf-8") for path in folder.iterdir() if path.name != "fit.json"}

    assert 8 == len(wanted)
    assert wanted == there, "run python -m wm2u_sd.care.build_localities"


@pytest.mark.parametrize("name", NAMES)
def test_a_place_opens_with_its_counts_scenarios_and_ledger(name: str) -> None:
    place = open_place(name, fitted=False)

    assert name == place.model.name
    assert (120.0, "2015-03-31") == (place.decision_time, place.model.time.origin)
    assert place.observations is not None
    counted = {count.series for count in place.observations.counts}
    assert {"children_in_care", "care_starts", "care_ceases", "returns_home"} <= counted
    assert all(0 <= count.time <= place.decision_time and count.value > 0 for count in place.observations.counts)
    assert "as_now" in place.scenarios
    assert place.lines
    assert place.free
    assert place.fit is None


def test_a_place_is_found_by_name_by_path_or_not_at_all(tmp_path: Path) -> None:
    assert models_root() / "localities" / "wigan" == find("wigan")
    assert models_root() / "core" == find("core")
    assert models_root() / "core" == find(models_root() / "core")

    with pytest.raises(FileError) as caught:
        find("stokport")
    assert (
        f"There is no place or model folder 'stokport'. Did you mean: stockport? Shipped: {', '.join(NAMES)}, core"
    ) == str(caught.value)


@pytest.mark.parametrize("name", ["", "\0", "x" * 5000, "schema", "data", "../models"])
def test_what_is_no_model_folder_is_refused(name: str) -> None:
    with pytest.raises(FileError):
        find(name)


def test_a_fit_runs_to_the_decision_in_years() -> None:
    time = fitting_model(open_place("bury", fitted=False).model).time

    assert (0.0, 120.0, 11) == (time.start, time.end, len(time.saved_times()))


def test_core_has_no_counts_to_be_fitted_to() -> None:
    core = open_place("core")
    with pytest.raises(FileError) as caught:
        fit_place(core)

    assert (
        f"{models_root() / 'core'}: there are no counts or nothing to fit; give observations.yaml and fit.yaml"
    ) == str(caught.value)


@pytest.mark.parametrize("path", sorted((models_root() / "localities").glob("*/fit.json")), ids=lambda p: p.parent.name)
def test_a_fit_that_is_shipped_belongs_to_its_place(path: Path) -> None:
    place = open_place(path.parent)

    assert place.fit is not None
    for name, value in place.fit.values.items():
        assert value == place.model.constant(name).value
    assert [free.name for free in place.free] == list(place.fit.values)


def test_a_place_only_says_what_differs_from_core() -> None:
    core = load(models_root() / "core").model
    place = load(models_root() / "localities" / "salford").model

    assert list(core.variables) == list(place.variables)
    constants = {constant.name for constant in core.constants()}
    assert {n: v for n, v in core.variables.items() if n not in constants} == {
        n: v for n, v in place.variables.items() if n not in constants
    }


def test_a_folder_without_a_model_is_not_taken_for_a_name(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"the folder has no file model\.yaml"):
        open_place(tmp_path)
