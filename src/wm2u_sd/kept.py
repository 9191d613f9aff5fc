"""What was worked out, kept on disk for processes to come: whole or not at all, and only where nobody else can write.

A file is named by the digest of all that its content depends on, and begins with the digest of the content. Files are
written beside their place and moved there at once, so that processes may share the folder.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import tempfile
from functools import cache
from pathlib import Path

FOLDER = "WM2U_SD_CACHE"
"""Environment variable: where to keep things; '' keeps none."""
MOST_BYTES = 200_000_000


def kept(key: str) -> bytes | None:
    """Return what is kept under a key, None where there is none that is whole."""
    folder = cache_folder()
    if folder is None:
        return None
    try:
        found = (folder / key).read_bytes()
    except OSError:
        return None
    content = found[32:]
    return content if found[:32] == hashlib.sha256(content).digest() else None


def keep(key: str, content: bytes) -> None:
    """Keep something under a key; a folder that cannot be written to keeps none."""
    folder = cache_folder()
    if folder is None:
        return
    with contextlib.suppress(OSError):
        handle, name = tempfile.mkstemp(dir=folder, prefix=".new-")
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(content).digest() + content)
            Path(name).replace(folder / key)
        except OSError:
            Path(name).unlink(missing_ok=True)
            raise
        _make_room(folder)


@cache
def cache_folder() -> Path | None:
    """Return the folder for what is kept, made if need be; None where only its owner should write and others can."""
    named = os.environ.get(FOLDER)
    if named == "":
        return None
    folder = Path(named) if named else _usual_folder()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder if _is_private(folder) else None
    except OSError:
        return None


def _usual_folder() -> Path:
    base = os.environ.get("LOCALAPPDATA") if os.name == "nt" else os.environ.get("XDG_CACHE_HOME")
    return Path(base or Path.home() / ".cache") / "wm2u_sd"


def _is_private(folder: Path) -> bool:
    """Whether nobody but this user could have put a file there; on Windows the folder is the user's own by default."""
    if os.name == "nt":
        return True
    found = folder.stat()
    return found.st_uid == os.getuid() and not found.st_mode & (stat.S_IWGRP | stat.S_IWOTH)


def _make_room(folder: Path) -> None:
    """Remove the files that have lain longest while all together are too many bytes."""
    files = sorted(((f.stat().st_mtime, f.stat().st_size, f) for f in folder.iterdir() if f.is_file()), reverse=True)
    total = 0
    for _, size, file in files:
        total += size
        if total > MOST_BYTES:
            file.unlink(missing_ok=True)
