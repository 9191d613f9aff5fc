"""What is kept on disk for processes to come."""

import os
import stat
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from wm2u_sd import kept as keeping
from wm2u_sd.kept import cache_folder, keep, kept

KEY = "a" * 64


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of its own for what is kept."""
    monkeypatch.setenv("WM2U_SD_CACHE", str(tmp_path / "kept"))
    cache_folder.cache_clear()
    yield tmp_path / "kept"
    cache_folder.cache_clear()


def test_what_is_kept_comes_back(folder: Path) -> None:
    keep(KEY, b"content")

    assert b"content" == kept(KEY)
    assert [KEY] == [file.name for file in folder.iterdir()]


def test_what_was_never_kept_is_not_there(folder: Path) -> None:
    assert kept(KEY) is None


@pytest.mark.parametrize("spoil", [lambda c: c[:-1], lambda c: c[:40], lambda c: b"", lambda c: c[:-1] + b"?"])
def test_what_is_not_whole_counts_as_not_kept(folder: Path, spoil: object) -> None:
    keep(KEY, b"content of some length")
    (folder / KEY).write_bytes(spoil((folder / KEY).read_bytes()))  # type: ignore[operator]

    assert kept(KEY) is None


@pytest.mark.skipif(os.name == "nt", reason="folders of a user are private on Windows")
def test_a_folder_that_others_can_write_to_is_not_used(folder: Path) -> None:
    folder.mkdir()
    folder.chmod(0o777)
    keep(KEY, b"content")

    assert [] == list(folder.iterdir())
    assert kept(KEY) is None


def test_the_folder_is_made_for_its_owner_alone(folder: Path) -> None:
    keep(KEY, b"content")

    assert os.name == "nt" or 0o700 == stat.S_IMODE(folder.stat().st_mode)


def test_an_empty_name_keeps_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WM2U_SD_CACHE", "")
    cache_folder.cache_clear()
    keep(KEY, b"content")
    assert kept(KEY) is None
    cache_folder.cache_clear()


def test_a_folder_that_cannot_be_made_keeps_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    monkeypatch.setenv("WM2U_SD_CACHE", str(tmp_path / "file"))
    cache_folder.cache_clear()
    keep(KEY, b"content")
    assert kept(KEY) is None
    cache_folder.cache_clear()


def test_many_may_keep_the_same_at_once(folder: Path) -> None:
    content = os.urandom(100_000)
    with ThreadPoolExecutor(8) as pool:
        seen = list(pool.map(lambda _: (keep(KEY, content), kept(KEY))[1], range(40)))

    assert {content} == set(seen)
    assert [KEY] == [file.name for file in folder.iterdir()]


def test_what_has_lain_longest_makes_room(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "MOST_BYTES", 250)
    for at, key in enumerate(["b" * 64, "c" * 64, "d" * 64]):
        keep(key, bytes(100))
        os.utime(folder / key, (at, at)) if (folder / key).exists() else None

    assert kept("b" * 64) is None
    assert bytes(100) == kept("d" * 64)
