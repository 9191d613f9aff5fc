"""What the readme and the guides show can be typed in as it stands."""

import re
import runpy
from pathlib import Path
from typing import Any

import pytest

from wm2u_sd.care.places import fit_place, open_place
from wm2u_sd.checks.check_folder import check_folder
from wm2u_sd.checks.run_checks import run_checks
from wm2u_sd.io.observed import FIT_FILE
from wm2u_sd.io.records import FILES
from wm2u_sd.io.strict_yaml import plain, read_text
from wm2u_sd.io.text import load
from wm2u_sd.simulation.simulate import simulate

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("**/*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def blocks(page: Path, language: str) -> list[str]:
    return [text for found, text in BLOCK.findall(page.read_text(encoding="utf-8")) if found == language]


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda page: page.name)
def test_python_on_a_page_runs_from_top_to_bottom(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = tmp_path / "page.py"
    script.write_text("\n".join(blocks(page, "python")), encoding="utf-8")
    monkeypatch.chdir(ROOT)

    assert runpy.run_path(str(script))


FOLDER_PAGE = ROOT / "docs" / "model-folder.md"
FOLDER_FILES = {*FILES, "checks.yaml"}  # words.yaml and layout.yaml are kept as written; nothing in them can be wrong


@pytest.fixture
def shown(tmp_path: Path) -> Path:
    """The folder that the page's blocks make."""
    folder = tmp_path / "models" / "mine" / "queue"
    folder.mkdir(parents=True)
    for text in blocks(FOLDER_PAGE, "yaml"):
        name = re.match(r"# (\w+\.yaml)", text)
        if name:
            (folder / name[1]).write_text(text, encoding="utf-8")
    (counts,) = [text for text in blocks(FOLDER_PAGE, "text") if text.startswith("date,")]
    (folder / "counts.csv").write_text(counts, encoding="utf-8")
    return folder


def test_the_model_folder_that_is_shown_has_every_file_and_no_fault(shown: Path) -> None:
    opened = load(shown)

    assert FOLDER_FILES | {"counts.csv"} == {path.name for path in shown.iterdir()}
    assert [] == list(check_folder(opened).findings)
    assert all([opened.scenarios, opened.costs, opened.observations, opened.fit, opened.checks])


def test_the_behaviour_that_is_shown_is_kept(shown: Path) -> None:
    found = run_checks(shown, draws=50)

    assert found
    assert "" == "\n".join(str(result) for result in found.failed)


def test_the_counts_that_are_shown_can_be_fitted_and_then_run(shown: Path) -> None:
    fit_place(open_place(shown, fitted=False), starts=1)
    place = open_place(shown)
    run = simulate(place.model, list(place.scenarios.values()), draws=place.ensemble(3, "docs"))

    assert place.observations is not None
    assert 6 == len(place.observations.counts), "seven rows, one of them not published"
    assert place.fit is not None
    assert (3, 2) == (run.data.sizes["draw"], run.data.sizes["scenario"])


def test_every_file_of_a_model_folder_is_in_the_table() -> None:
    page = FOLDER_PAGE.read_text(encoding="utf-8")

    assert [] == [
        name for name in sorted({*FOLDER_FILES, "words.yaml", "layout.yaml", FIT_FILE}) if f"| `{name}` |" not in page
    ]


def fields(value: Any) -> set[str]:
    """Return the keys of a record and of the records in it; what stands under `given` are names of the model."""
    if isinstance(value, list):
        return {key for one in value for key in fields(one)}
    if not isinstance(value, dict):
        return set()
    return set(value) | {key for name, one in value.items() if name != "given" for key in fields(one)}


@pytest.mark.parametrize("name", ["scenarios", "costs", "observations", "fit", "checks"])
def test_every_field_that_is_shown_is_explained(shown: Path, name: str) -> None:
    whole = plain(read_text((shown / f"{name}.yaml").read_text(encoding="utf-8"), name))
    under = {"costs": "lines", "observations": "series", "fit": "free"}
    records = whole[under[name]] if name in under else whole
    used = {key for record in records.values() for key in fields(record)}
    prose = BLOCK.sub("", FOLDER_PAGE.read_text(encoding="utf-8"))

    assert used
    assert [] == sorted(key for key in used if f"`{key}`" not in prose)
