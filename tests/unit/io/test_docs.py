"""The folder shown in docs/model-folder.md is one that loads, and has nothing wrong with it."""

import re
from pathlib import Path

from wm2u_sd.io.text import load
from wm2u_sd.model.check import check
from wm2u_sd.simulation.simulate import simulate

PAGE = Path(__file__).parents[3] / "docs" / "model-folder.md"


def test_the_folder_on_the_page_is_sound(tmp_path: Path) -> None:
    folder = tmp_path / "models" / "mine" / "queue"
    folder.mkdir(parents=True)
    for name, text in re.findall(r"```yaml\n# ([a-z]+\.yaml)\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL):
        (folder / name).write_text(text, encoding="utf-8")
    opened = load(folder)

    assert {"model.yaml", "parameters.yaml"} == {path.name for path in folder.iterdir()}
    assert [] == list(check(opened.model, files=opened.files).findings)
    assert "waiting" in simulate(opened.model).data
