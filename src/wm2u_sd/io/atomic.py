"""Write files whole or not at all: beside their place first, then moved there."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wm2u_sd.errors import FileError
from wm2u_sd.io.paths import reason

PERMISSIONS = 0o644  # temporary files are for their owner alone; results are for everybody here


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a draft path in the same folder; move it into place when the block ends well, remove it otherwise.

    Args:
        path: Where the file is to be. Its folder is made when it is not there.

    Raises:
        FileError: No file can be made or replaced there.
    """
    draft = _draft(path)
    try:
        yield draft
        _settle(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _draft(path: Path) -> Path:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".draft-", dir=path.parent)
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be written ({reason(error)})") from None
    os.close(handle)
    return Path(name)


def _settle(draft: Path, path: Path) -> None:
    """Put the draft on the disk and in its place."""
    try:
        with draft.open("rb+") as written:
            os.fsync(written.fileno())
        draft.chmod(PERMISSIONS)
        draft.replace(path)
    except (OSError, ValueError) as error:
        raise FileError(f"{path}: cannot be written ({reason(error)})") from None


def write_bytes(path: Path, data: bytes) -> None:
    """Write bytes, whole or not at all."""
    with replacing(path) as draft:
        draft.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))
