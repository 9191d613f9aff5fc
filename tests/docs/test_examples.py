"""What the readme and the guides show can be typed in as it stands."""

import re
import runpy
from pathlib import Path

import pytest

from wm2u_sd.io.text import load
from wm2u_sd.model.check import check

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


def test_the_model_folder_that_is_shown_can_be_read(tmp_path: Path) -> None:
    for text in blocks(ROOT / "docs" / "model-folder.md", "yaml"):
        name = re.match(r"# (\w+\.yaml)", text)
        if name:
            (tmp_path / name[1]).write_text(text, encoding="utf-8")

    assert {"model.yaml", "parameters.yaml"} == {path.name for path in tmp_path.iterdir()}
    assert [] == check(load(tmp_path).model).errors
