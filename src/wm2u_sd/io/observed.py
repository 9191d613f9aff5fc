"""Observations and fits of a model folder: the counts from its CSV files, and what a fit may move."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from wm2u_sd.calibrate.fit import Fit, Free
from wm2u_sd.calibrate.observations import Count, Observations, Series
from wm2u_sd.errors import CalibrationError, FileError
from wm2u_sd.io.atomic import write_text
from wm2u_sd.model.timing import Time

COLUMNS = ("date", "measure", "value")
LARGEST_FILE = 20_000_000
MONTHS_IN_YEAR = 12
FIT_FILE = "fit.json"


def read_observations(folder: Path, series: Mapping[str, Any], time: Time) -> Observations:
    """Read the counts of a model folder.

    Args:
        folder: Where the CSV files are.
        series: The records of observations.yaml by name of measure.
        time: The model's time; its `origin` turns dates into model time, and its unit must be month.

    Returns:
        The counts at or after the start, of the measures that `series` names; a flow whose period begins before the start is left out.

    Raises:
        FileError: A file is missing, lacks a column, or holds a value that is neither a number nor empty.
    """
    known = [_series(name, record) for name, record in series.items()]
    files = dict.fromkeys(str(record.file) for record in series.values())
    counts = [count for file in files for count in _counts(folder / file, {s.name: s for s in known}, time)]
    return Observations(known, counts)


def _series(name: str, record: Any) -> Series:
    return Series(name, record.observes, record.kind, record.period, record.error.relative, record.error.absolute)


def _counts(path: Path, series: Mapping[str, Series], time: Time) -> Iterator[Count]:
    for number, row in _rows(path):
        kind = series.get(row["measure"])
        if kind is None or not row["value"].strip():
            continue
        moment = months_since(time.origin, row["date"], f"{path}:{number}")
        if moment - (kind.period if kind.kind == "flow" else 0.0) < time.start or moment > time.end:
            continue
        yield Count(
            kind.name, moment, _number(row["value"], f"{path}:{number}"), row.get("source", ""), row.get("grade", "")
        )


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    if not path.is_file():
        raise FileError(f"{path}: there is no such file; observations.yaml names it")
    if path.stat().st_size > LARGEST_FILE:
        raise FileError(f"{path}: {path.stat().st_size:,} bytes; the limit is {LARGEST_FILE:,}")
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        missing = [column for column in COLUMNS if column not in (reader.fieldnames or ())]
        if missing:
            raise FileError(
                f"{path}: there is no column {', '.join(missing)}; columns are {', '.join(reader.fieldnames or ())}"
            )
        for number, row in enumerate(reader, start=2):
            yield number, {key: value or "" for key, value in row.items() if key is not None}


def _number(text: str, where: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise FileError(
            f"{where}: expected a number of children or an empty cell, found {text!r}. A suppressed figure is left empty."
        ) from None


def months_since(origin: str, day: str, where: str) -> float:
    """Return whole months from one date to another, both at the end of their months.

    Raises:
        FileError: A date cannot be read, or the days of the month differ.
    """
    try:
        first, last = date.fromisoformat(origin), date.fromisoformat(day)
    except ValueError:
        raise FileError(f"{where}: '{day}' or the model's origin '{origin}' is not a date like 2025-03-31") from None
    if first.day != last.day:
        raise FileError(f"{where}: {day} is not a whole number of months from {origin}; use the same day of the month")
    return float(MONTHS_IN_YEAR * (last.year - first.year) + last.month - first.month)


def free_constants(records: Mapping[str, Any]) -> list[Free]:
    """Return what a fit may move, from the records of fit.yaml."""
    return [Free(name, r.low, r.high, r.scale, r.central, r.spread) for name, r in records.items()]


def save_fit(fit: Fit, folder: Path) -> Path:
    """Write a fit beside its model, whole or not at all."""
    path = folder / FIT_FILE
    write_text(path, json.dumps(fit.to_dict(), indent=1) + "\n")
    return path


def load_fit(folder: Path, model_digest: str, data_digest: str) -> Fit | None:
    """Read the fit of a model folder; None when it has none.

    Raises:
        FileError: It is damaged, or was made from another model or other data.
    """
    path = folder / FIT_FILE
    if not path.is_file():
        return None
    try:
        fit = Fit.from_dict(json.loads(path.read_text(encoding="utf-8")))
    except (json.JSONDecodeError, UnicodeDecodeError, CalibrationError) as error:
        raise FileError(f"{path}: {error}") from None
    for what, here in (("model", model_digest), ("data", data_digest)):
        there = fit.provenance.get(f"{what}_digest", "nothing")
        if there != here:
            raise FileError(f"{path} was made from {what} {there}; this {what} is {here}. Fit again: wm2u fit {folder}")
    return fit
