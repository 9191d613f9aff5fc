"""Observations and fits of a model folder: the counts from its CSV files, and what a fit may move."""

from __future__ import annotations

import calendar
import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from wm2u_sd.calibration.fit import Fit, Free
from wm2u_sd.calibration.observations import Count, Observations, Series
from wm2u_sd.errors import CalibrationError, FileError, did_you_mean
from wm2u_sd.io.atomic import write_text
from wm2u_sd.io.paths import is_file, read_utf8, within
from wm2u_sd.model.timing import Time

COLUMNS = ("date", "measure", "value")
LARGEST_FILE = 20_000_000
MONTHS_IN_YEAR = 12
FIT_FILE = "fit.json"
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]{1,2})?", re.ASCII)


def read_observations(folder: Path, series: Mapping[str, Any], time: Time) -> Observations:
    """Read the counts of a model folder.

    Args:
        folder: Where the CSV files are.
        series: The records of observations.yaml by name of measure.
        time: The model's time; its `origin` turns dates into model time, and its unit must be month.

    Returns:
        The counts from the start to the end of the model's time. Left out are flows whose period begins before the
        start, and empty cells, which are figures that were suppressed or not published.

    Raises:
        FileError: A file is missing, lacks a column or a measure, gives a count twice, or holds a value that is neither
            a number nor empty, or a date that is none; says file and line.
    """
    origin = _origin(folder, time)
    known = [_series(name, record) for name, record in series.items()]
    files = dict.fromkeys(str(record.file) for record in series.values())
    counts = [
        count
        for file in files
        for count in _counts(_path(folder, file), [s for s in known if series[s.name].file == file], time, origin)
    ]
    return Observations(known, counts)


def _origin(folder: Path, time: Time) -> date:
    if time.units != "month":
        raise FileError(
            f"{folder / 'model.yaml'}: dates of counts need a model in months; its time is in '{time.units}'"
        )
    found = _date(time.origin)
    if found is None:
        raise FileError(
            f"{folder / 'model.yaml'}: dates of counts need 'origin' in time, the date of time 0 such as 2025-03-31; "
            f"found '{time.origin}'"
        )
    return found


def _path(folder: Path, file: str) -> Path:
    return within(folder, folder, file, f"{folder / 'observations.yaml'}: file")


def _series(name: str, record: Any) -> Series:
    return Series(name, record.observes, record.kind, record.period, record.error.relative, record.error.absolute)


def _counts(path: Path, series: Sequence[Series], time: Time, origin: date) -> Iterator[Count]:
    wanted = {one.name: one for one in series}
    seen: dict[tuple[str, float], int] = {}
    measures: set[str] = set()
    for line, row in _rows(path):
        measures.add(row["measure"])
        if row["measure"] not in wanted:
            continue
        kind, where = wanted[row["measure"]], f"{path}:{line}"
        moment = months_since(origin, row["date"], where)
        first = seen.setdefault((kind.name, moment), line)
        if first != line:
            raise FileError(f"{where}: {kind.name} on {row['date']} is also at line {first}; keep one")
        if row["value"] and time.start <= moment - kind.period and moment <= time.end:
            yield _count(kind, moment, row, where)
    for name in wanted:
        if name not in measures:
            raise FileError(
                f"{path}: no row has the measure '{name}', which observations.yaml names.{did_you_mean(name, measures)}"
            )


def _count(kind: Series, moment: float, row: Mapping[str, str], where: str) -> Count:
    value = _number(row["value"], where)
    if kind.absolute == 0 == value:
        raise FileError(f"{where}: {kind.name} is 0 and its error is relative, so it has none; give 'absolute' as well")
    return Count(kind.name, moment, value, row.get("source", ""), row.get("grade", ""))


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield the line on which each row ends, and the row, its cells stripped."""
    if not is_file(path):
        raise FileError(f"{path}: there is no such file; observations.yaml names it")
    reader = csv.reader(StringIO(read_utf8(path, LARGEST_FILE), newline=""), strict=True)
    try:
        header = _header(path, next(reader, []))
        for row in reader:
            if row:
                yield reader.line_num, dict(zip(header, _as_wide(row, header, path, reader.line_num), strict=True))
    except csv.Error as error:
        raise FileError(f"{path}:{reader.line_num}: cannot be read as a table ({error})") from None


def _header(path: Path, row: list[str]) -> list[str]:
    header = [cell.strip() for cell in row]
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        raise FileError(f"{path}:1: there is no column {', '.join(missing)}; columns are {', '.join(header) or 'none'}")
    twice = [column for column in dict.fromkeys(header) if header.count(column) > 1]
    if twice:
        raise FileError(f"{path}:1: the column {twice[0]} is there twice; keep one")
    return header


def _as_wide(row: list[str], header: list[str], path: Path, line: int) -> list[str]:
    if len(row) != len(header):
        raise FileError(
            f"{path}:{line}: {len(row)} cells under {len(header)} columns. A comma inside a cell, as in 1,234, needs "
            "quotes round the cell, and numbers are written without it: 1234"
        )
    return [cell.strip() for cell in row]


def _number(text: str, where: str) -> float:
    if not NUMBER.fullmatch(text):
        raise FileError(
            f"{where}: expected a number of children, found {json.dumps(text[:40])}. Leave the cell of a figure "
            "that was suppressed or not published empty; it is not 0"
        )
    return float(text)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if DATE.fullmatch(text) else None
    except ValueError:
        return None


def months_since(origin: date, day: str, where: str) -> float:
    """Return whole months from one date to another: the same day of the month, or the last day of both months.

    Raises:
        FileError: A date cannot be read, or lies between.
    """
    found = _date(day)
    if found is None:
        raise FileError(f"{where}: '{day[:40]}' is not a date like 2025-03-31; write all dates so")
    if found.day != origin.day and not (_ends_month(found) and _ends_month(origin)):
        raise FileError(f"{where}: {day} is not a whole number of months from {origin}; use the same day of the month")
    return float(MONTHS_IN_YEAR * (found.year - origin.year) + found.month - origin.month)


def _ends_month(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def free_constants(records: Mapping[str, Any]) -> list[Free]:
    """Return what a fit may move, from the records of fit.yaml."""
    return [Free(name, r.low, r.high, r.scale, r.central, r.spread) for name, r in records.items()]


def save_fit(fit: Fit, folder: Path) -> Path:
    """Write a fit beside its model, whole or not at all."""
    path = folder / FIT_FILE
    write_text(path, json.dumps(fit.to_dict(), indent=1) + "\n")
    return path


def load_fit(folder: Path, model_digest: str, data_digest: str, free: Sequence[Free]) -> Fit | None:
    """Read the fit of a model folder; None when it has none.

    Args:
        folder: Where fit.json is.
        model_digest: Of the model it must have been made from.
        data_digest: Of the counts.
        free: What fit.yaml lets it move.

    Raises:
        FileError: It is damaged, or was made from another model, other data or another fit.yaml.
    """
    path = folder / FIT_FILE
    if not is_file(path):
        return None
    text = read_utf8(path, LARGEST_FILE)
    try:
        fit = Fit.from_dict(json.loads(text))
        _refuse_unsound(fit)
    except (ValueError, ArithmeticError, RecursionError, AttributeError, CalibrationError) as error:
        raise FileError(f"{path}: {_said(error)}") from None
    again = f"Fit again: wm2u fit {folder}"
    for what, here in (("model", model_digest), ("data", data_digest)):
        there = fit.provenance.get(f"{what}_digest", "nothing")
        if there != here:
            raise FileError(f"{path} was made from {what} {there}; this {what} is {here}. {again}")
    if list(fit.free) != list(free):
        raise FileError(f"{path} was made with other constants, bounds or priors than fit.yaml gives. {again}")
    return fit


def _said(error: Exception) -> str:
    if isinstance(error, CalibrationError):
        return str(error)
    return f"this is not a fit ({type(error).__name__}); fit again"


def _refuse_unsound(fit: Fit) -> None:
    """Refuse a fit whose numbers cannot be: of the wrong shape, not finite, or no covariance.

    Raises:
        CalibrationError: Which.
    """
    n = len(fit.free)
    parts = [(r.time, r.observed, r.fitted, r.standardised) for r in fit.residuals]
    numbers = [fit.misfit, *fit.centre.flat, *fit.covariance.flat, *(number for part in parts for number in part)]
    if fit.centre.shape != (n,) or fit.covariance.shape != (n, n) or not np.isfinite(np.array(numbers, float)).all():
        raise CalibrationError(f"this is not a fit of {n} constants. Fit again.")
    if not np.allclose(fit.covariance, fit.covariance.T) or (np.linalg.eigvalsh(fit.covariance) <= 0).any():
        raise CalibrationError("the covariance is none: it is not symmetric and positive. Fit again.")
