"""Run every notebook from top to bottom in a kernel of its own, and refuse one that was committed with output.

python3 dev.py notebooks
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import nbformat
from nbclient import NotebookClient

FOLDER = Path(__file__).parent


def main() -> int:
    """Execute the notebooks; return 1 when one failed or holds output, else 0."""
    failed = 0
    for path in sorted(FOLDER.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        begun = time.monotonic()
        try:
            clean(notebook)
            NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(FOLDER)}}).execute()
        except Exception as error:  # noqa: BLE001 - whatever a notebook raises is its failure
            failed = 1
            print(f"{path.name}: {error}")
        else:
            print(f"{path.name}: {len(notebook.cells)} cells, {time.monotonic() - begun:.0f} s")
    return failed


def clean(notebook: nbformat.NotebookNode) -> None:
    """Refuse output and counters, which would show up in every later change."""
    for number, cell in enumerate(notebook.cells, start=1):
        if cell.cell_type == "code" and (cell.outputs or cell.execution_count is not None):
            raise ValueError(f"cell {number} holds output; clear all outputs before committing")


if __name__ == "__main__":
    sys.exit(main())
