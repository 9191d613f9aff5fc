"""A folder of models with one defect each, and what is said of it, to the letter.

To add one: copy `broken/sound`, break one thing, write what should be said into `expected.txt`.
"""

from pathlib import Path

import pytest

from wm2u_sd.checks.check_folder import check_folder
from wm2u_sd.errors import FileError
from wm2u_sd.io.text import load
from wm2u_sd.simulation.simulate import simulate

BROKEN = Path(__file__).parent / "broken"
FOLDERS = sorted(path.name for path in BROKEN.iterdir() if path.is_dir())


def said_of(folder: str) -> str:
    """Return every finding, or why the folder cannot be read."""
    try:
        opened = load(folder)
    except FileError as error:
        return str(error)
    return str(check_folder(opened))


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_defect_is_named_where_it_stands(folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(BROKEN)
    expected = (BROKEN / folder / "expected.txt").read_text(encoding="utf-8").rstrip("\n")

    assert expected == said_of(folder)


def test_only_the_sound_one_has_no_finding() -> None:
    sound = [name for name in FOLDERS if "0 errors, 0 warnings" in (BROKEN / name / "expected.txt").read_text("utf-8")]

    assert ["sound"] == sound


def test_the_sound_one_runs() -> None:
    run = simulate(load(BROKEN / "sound").model)

    assert 61 == run.data.sizes["time"]
