"""A file appears whole or not at all."""

from pathlib import Path

import pytest

from wm2u_sd.errors import FileError
from wm2u_sd.io.atomic import replacing, write_bytes, write_text


def test_text_is_written_and_its_folder_made(tmp_path: Path) -> None:
    write_text(tmp_path / "new" / "folder" / "a.txt", "£ é")

    assert "£ é" == (tmp_path / "new" / "folder" / "a.txt").read_text(encoding="utf-8")


def test_a_block_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_text(file, "old")

    with pytest.raises(RuntimeError, match=r"^in the middle$"):
        fail_in_the_middle(file)

    assert "old" == file.read_text(encoding="utf-8")
    assert [file] == list(tmp_path.iterdir())


def fail_in_the_middle(file: Path) -> None:
    with replacing(file) as draft:
        draft.write_text("half of the n", encoding="utf-8")
        raise RuntimeError("in the middle")


def stop(file: Path) -> None:
    with replacing(file) as draft:
        draft.write_text("half", encoding="utf-8")
        raise KeyboardInterrupt


def test_an_interrupt_leaves_the_old_file_too(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_text(file, "old")

    with pytest.raises(KeyboardInterrupt):
        stop(file)

    assert [("a.txt", "old")] == [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()]


def test_the_old_file_stands_until_the_block_ends(tmp_path: Path) -> None:
    file = tmp_path / "a.txt"
    write_text(file, "old")
    with replacing(file) as draft:
        draft.write_text("new", encoding="utf-8")
        assert "old" == file.read_text(encoding="utf-8")

    assert "new" == file.read_text(encoding="utf-8")


def test_everybody_may_read_what_was_written(tmp_path: Path) -> None:
    write_bytes(tmp_path / "a", b"x")

    assert 0o644 == (tmp_path / "a").stat().st_mode & 0o777


def test_a_place_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("in the way", encoding="utf-8")

    for path in (tmp_path / "folder", tmp_path / "file" / "a.txt", tmp_path / ("x" * 300), tmp_path / "a\0b"):
        with pytest.raises(FileError) as caught:
            write_text(path, "text")
        assert str(caught.value).startswith(f"{path}: cannot be written (")  # then what the system says, in its words
    assert {"folder", "file"} == {path.name for path in tmp_path.iterdir()}
