"""Files for peers that read Vensim text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from peers.vensim import vensim_text
from yardsticks import yardstick


@contextmanager
def vensim_file(name: str) -> Iterator[Path]:
    """Give a yardstick as an .mdl file that lasts as long as the block."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"{name}.mdl"
        path.write_text(vensim_text(yardstick(name)), encoding="utf-8")
        yield path
