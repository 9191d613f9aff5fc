"""The reference page names everything the library offers."""

from pathlib import Path

import wm2u_sd

PAGE = (Path(__file__).parents[2] / "docs" / "reference.md").read_text(encoding="utf-8")


def test_every_public_name_is_in_the_reference() -> None:
    errors = [name for name in wm2u_sd.__all__ if issubclass(type(getattr(wm2u_sd, name)), type) and "Error" in name]

    assert [] == [name for name in wm2u_sd.__all__ if name not in errors and f".{name}\n" not in PAGE]
