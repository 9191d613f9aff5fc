"""Paths from strangers: what a model folder names must lie where models lie, links followed."""

from __future__ import annotations

from pathlib import Path

from wm2u_sd.errors import FileError


def within(tree: Path, folder: Path, name: str, where: str) -> Path:
    """Return the path a file names, relative to its folder.

    Args:
        tree: What it may not lead out of.
        folder: What `name` is relative to.
        name: As written.
        where: Begins the message: the file, and what in it holds the name.

    Raises:
        FileError: The name is absolute, holds a NUL character, goes round in links, or leads out of the tree.
    """
    if "\0" in name or Path(name).is_absolute():
        raise FileError(f"{where} is {name!r}; give a path relative to the folder")
    try:
        inside = (folder / name).resolve().is_relative_to(tree.resolve())
    except (OSError, RuntimeError, ValueError) as error:
        raise FileError(f"{where} is {name!r}, which cannot be followed ({reason(error)})") from None
    if not inside:
        raise FileError(f"{where} is {name!r}, which leads out of {tree}; keep what belongs together in one folder")
    return folder / name


def is_file(path: Path) -> bool:
    """Whether there is such a file; False for a path no file system can hold."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def is_folder(path: Path) -> bool:
    """Whether there is such a folder; False for a path no file system can hold."""
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def read_bytes(path: Path, largest: int) -> bytes:
    """Return the content of a file.

    Args:
        path: Where it is.
        largest: Limit on its size, bytes.

    Raises:
        FileError: It is missing, larger than the limit, or may not be read.
    """
    if not is_file(path):
        raise FileError(f"{path}: there is no such file")
    try:
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise FileError(f"{path}: cannot be read ({reason(error)})") from None
    if len(data) > largest:
        raise FileError(f"{path}: more than {largest:,} bytes, which is the limit")
    return data


def read_utf8(path: Path, largest: int) -> str:
    """Return the text of a file, its byte order mark left out.

    Raises:
        FileError: It cannot be read, or is not UTF-8.
    """
    data = read_bytes(path, largest)
    try:
        return data.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(f"{path}:{line}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def reason(error: BaseException) -> str:
    """Return what an exception of the system says, on one line."""
    said = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(said).strip().partition("\n")[0]
