"""The dated tables of prices, rates and corrections: where they are and how they are read.

A table is a CSV file with a header, one `vintage` column (when its figures were published) and one `source`
column. Figures that go out of date live in such files and never in code.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from wm2u_sd.errors import FileError

_PACKAGE = Path(__file__).resolve().parents[1]
_FOLDERS = (
    _PACKAGE / "models" / "data" / "economics",  # inside an installed wheel
    _PACKAGE.parents[1] / "models" / "data" / "economics",  # in a working copy
)

Row = dict[str, str]


def table_path(name: str) -> Path:
    """Return the shipped table called `name`, e.g. 'gdp_deflator.csv'.

    Raises:
        FileError: It is in none of the places where shipped tables are kept.
    """
    for folder in _FOLDERS:
        if (folder / name).is_file():
            return folder / name
    places = " or ".join(str(folder) for folder in _FOLDERS)
    raise FileError(f"There is no table {name!r} in {places}; reinstall the package or pass the path of a table")


def read_table(path: str | Path, columns: Sequence[str]) -> list[Row]:
    """Read a CSV table whole, as text.

    Args:
        path: A file in UTF-8.
        columns: Columns it must have; it may have more.

    Raises:
        FileError: The file cannot be read, is empty, or lacks a column.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            missing = [column for column in columns if column not in (reader.fieldnames or ())]
            rows = [dict(row) for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as reason:
        raise FileError(f"{path}: cannot be read as a table: {reason}") from reason
    if missing:
        raise FileError(f"{path}: has no column {', '.join(missing)}; it needs {', '.join(columns)}")
    if not rows:
        raise FileError(f"{path}: has a header but no rows")
    return rows


def number(row: Row, column: str, path: str | Path) -> float:
    """Return the number in one cell.

    Raises:
        FileError: The cell does not hold a finite number.
    """
    try:
        value = float(row[column])
    except (TypeError, ValueError):
        value = math.nan
    if not math.isfinite(value):
        raise FileError(f"{path}: column {column!r} holds {row[column]!r} where a number belongs, in row {row}")
    return value


def only(rows: Sequence[Row], column: str, path: str | Path) -> str:
    """Return the one value that `column` has in every row.

    Raises:
        FileError: The rows disagree.
    """
    values = sorted({row[column] for row in rows})
    if len(values) != 1:
        raise FileError(f"{path}: column {column!r} holds {', '.join(values)}; a table has one {column}")
    return values[0]
