"""Counts and fits of a folder: what is read, what is left out, and a fit that no longer belongs to its folder."""

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wm2u_sd.calibration.fit import Fit, Free, Residual
from wm2u_sd.calibration.observations import Count, Series
from wm2u_sd.errors import FileError
from wm2u_sd.io.observed import free_constants, load_fit, months_since, read_observations, save_fit
from wm2u_sd.io.text import load

WriteFolder = Callable[..., Path]


def counts_of(folder: Path) -> list[Count]:
    opened = load(folder)
    return list(read_observations(folder, opened.observations, opened.model.time).counts)


def test_counts_are_dated_in_months_since_the_origin(queue: Path) -> None:
    opened = load(queue)
    found = read_observations(queue, opened.observations, opened.model.time)

    assert [Count("waiting", 0.0, 150.0), Count("waiting", 12.0, 175.0), Count("asked", 12.0, 360.0)] == found.counts
    assert [
        Series("waiting", "waiting", "stock", 0.0, 0.05, 2.0),
        Series("asked", "asking", "flow", 12.0, 0.1, 5.0),
    ] == found.series


def test_an_empty_cell_is_absent_and_never_nothing(write_folder: WriteFolder) -> None:
    folder = write_folder({"counts.csv": "date,measure,value\n2026-03-31,waiting, \n2026-03-31,asked,0\n"})

    assert [Count("asked", 12.0, 0.0)] == counts_of(folder)


def test_counts_outside_the_run_are_left_out(write_folder: WriteFolder) -> None:
    # The run goes from March 2025 to March 2027; a flow ending in September 2025 began before it.
    folder = write_folder(
        {
            "counts.csv": "date,measure,value\n2025-02-28,waiting,1\n2025-09-30,asked,2\n2027-04-30,waiting,3\n"
            "2027-03-31,waiting,4\n2026-03-31,asked,5\n"
        }
    )

    assert [Count("waiting", 24.0, 4.0), Count("asked", 12.0, 5.0)] == counts_of(folder)


def test_a_table_as_spreadsheets_write_it_is_read(write_folder: WriteFolder) -> None:
    text = (
        '\ufeffmeasure,date,value,source,grade\r\n\r\nwaiting , 2026-03-31, 175,"a, b",A\r\nasked,2026-03-31,1e2,,\r\n'
    )
    folder = write_folder({"counts.csv": text})

    assert [Count("waiting", 12.0, 175.0, "a, b", "A"), Count("asked", 12.0, 100.0)] == counts_of(folder)


def test_a_line_is_counted_over_cells_of_several_lines(write_folder: WriteFolder) -> None:
    folder = write_folder(
        {"counts.csv": 'date,measure,value,note\n2026-03-31,asked,1,"two\nlines"\n2026-03-31,waiting,x,\n'}
    )
    with pytest.raises(FileError) as caught:
        counts_of(folder)

    assert str(caught.value).startswith(f"{folder}/counts.csv:4: expected a number of children")


def test_a_series_is_read_from_its_own_file_only(write_folder: WriteFolder) -> None:
    folder = write_folder(
        {
            "observations.yaml": "series:\n"
            "  waiting: {observes: waiting, kind: stock, file: counts.csv, error: {absolute: 2}}\n"
            "  asked: {observes: asking, kind: flow, period: 12, file: other.csv, error: {absolute: 5}}\n",
            "other.csv": "date,measure,value\n2026-03-31,asked,9\n2026-03-31,waiting,9\n",
        }
    )

    assert [("waiting", 150.0), ("waiting", 175.0), ("asked", 9.0)] == [(c.series, c.value) for c in counts_of(folder)]


@pytest.mark.parametrize(
    ("origin", "day", "months"),
    [
        (date(2025, 3, 31), "2025-03-31", 0),
        (date(2025, 3, 31), "2026-03-31", 12),
        (date(2025, 3, 31), "2024-12-31", -3),
        (date(2025, 3, 31), "2025-06-30", 3),  # both end their months
        (date(2025, 3, 31), "2024-02-29", -13),
        (date(2025, 2, 28), "2025-03-28", 1),
        (date(2025, 2, 28), "2025-03-31", 1),
        (date(2025, 4, 1), "2026-04-01", 12),
    ],
)
def test_dates_are_whole_months_apart(origin: date, day: str, months: int) -> None:
    assert months == months_since(origin, day, "here")


@pytest.mark.parametrize(
    "day", ["2025-02-30", "20250331", "2025-W13-1", "31/03/2025", "", "2025-3-31", "２０２５-03-31"]
)
def test_what_is_no_date_is_refused(day: str) -> None:
    with pytest.raises(FileError) as caught:
        months_since(date(2025, 3, 31), day, "f.csv:2")

    assert f"f.csv:2: '{day}' is not a date like 2025-03-31; write all dates so" == str(caught.value)


# Fits -----------------------------------------------------------------------------------------------------------------

FREE = (Free("a", 0.1, 10.0, "log", 1.0, 0.5), Free("b", -1.0, 1.0, "linear", 0.0, 0.2))


@pytest.fixture
def fit() -> Fit:
    return Fit(
        free=FREE,
        centre=np.array([0.25, -0.125]),
        covariance=np.array([[0.04, 0.01], [0.01, 0.09]]),
        residuals=(Residual("asked", 12.0, 360.0, 351.5, 0.25),),
        misfit=0.0625,
        starts=4,
        agreeing=3,
        provenance={"model_digest": "m1", "data_digest": "d1", "counts": "1"},
    )


def test_a_fit_survives_the_disk(fit: Fit, tmp_path: Path) -> None:
    assert tmp_path / "fit.json" == save_fit(fit, tmp_path)
    again = load_fit(tmp_path, "m1", "d1", FREE)

    assert again is not None
    assert fit.to_dict() == again.to_dict()
    assert fit.free == again.free


def test_a_folder_without_a_fit_has_none(tmp_path: Path) -> None:
    assert load_fit(tmp_path, "m1", "d1", FREE) is None


def test_a_fit_of_something_else_is_stale(fit: Fit, tmp_path: Path) -> None:
    file = save_fit(fit, tmp_path)
    again = f"Fit again: wm2u fit {tmp_path}"
    narrower = (FREE[0], Free("b", -0.5, 0.5, "linear", 0.0, 0.2))

    for model, data, free, said in [
        ("m2", "d1", FREE, f"{file} was made from model m1; this model is m2. {again}"),
        ("m1", "d2", FREE, f"{file} was made from data d1; this data is d2. {again}"),
        ("m1", "d1", narrower, f"{file} was made with other constants, bounds or priors than fit.yaml gives. {again}"),
        ("m1", "d1", FREE[:1], f"{file} was made with other constants, bounds or priors than fit.yaml gives. {again}"),
    ]:
        with pytest.raises(FileError) as caught:
            load_fit(tmp_path, model, data, free)
        assert said == str(caught.value)


def test_what_a_fit_may_move_comes_from_fit_yaml(queue: Path) -> None:
    assert [Free("patience", 1.0, 24.0, "log", 6.0, 0.5)] == free_constants(load(queue).fit)


def changed(fit: Fit, **changes: Any) -> str:
    return json.dumps(fit.to_dict() | changes)


HOSTILE: dict[str, Callable[[Fit], str]] = {
    "no JSON": lambda _: "{",
    "empty": lambda _: "",
    "a list": lambda _: "[]",
    "a number": lambda _: "3",
    "text": lambda _: '"fit"',
    "nested deeply": lambda _: "[" * 100_000,
    "a number of many digits": lambda _: "9" * 10_000,
    "nothing in it": lambda _: "{}",
    "no number": lambda fit: changed(fit, misfit=None),
    "not finite": lambda fit: changed(fit, centre=[float("nan"), 0.0]),
    "infinite": lambda fit: changed(fit, covariance=[[float("inf"), 0], [0, 1]]),
    "too large": lambda fit: changed(fit, misfit=10**400),
    "of another shape": lambda fit: changed(fit, centre=[0.25]),
    "ragged": lambda fit: changed(fit, covariance=[[1], [0, 1]]),
    "not symmetric": lambda fit: changed(fit, covariance=[[1, 0.5], [0, 1]]),
    "not positive": lambda fit: changed(fit, covariance=[[1, 2], [2, 1]]),
    "free is text": lambda fit: changed(fit, free=["a", "b"]),
    "free has more": lambda fit: changed(fit, free=[{"name": "a", "code": "import os"}]),
    "residuals are numbers": lambda fit: changed(fit, residuals=[1]),
    "a residual is text": lambda fit: changed(
        fit, residuals=[{"series": "a", "time": 0, "observed": "many", "fitted": 1, "standardised": 0}]
    ),
    "provenance is a number": lambda fit: changed(fit, provenance=3),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_spoilt_fit_is_refused_with_its_file(name: str, fit: Fit, tmp_path: Path) -> None:
    (tmp_path / "fit.json").write_text(HOSTILE[name](fit), encoding="utf-8")
    with pytest.raises(FileError) as caught:
        load_fit(tmp_path, "m1", "d1", FREE)

    assert str(caught.value).startswith(f"{tmp_path}/fit.json: ")
    assert "again" in str(caught.value)
