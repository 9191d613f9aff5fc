"""Discount schedules."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wm2u_sd.economics.discounting import Band, DiscountSchedule, Timing, load_schedule
from wm2u_sd.errors import FileError, MoneyError

HEADER = "schedule,from_year,to_year,rate,edition,vintage,source\n"


@pytest.fixture
def schedule() -> DiscountSchedule:
    return DiscountSchedule("two", (Band(0, 2, 0.10), Band(2, 4, 0.0)), "an edition", "2026-02")


def test_factor_between_whole_years(schedule: DiscountSchedule) -> None:
    assert 1.1**-0.5 == pytest.approx(schedule.factor(0.5))
    assert 1.1**-2 == pytest.approx(schedule.factor(3.7))


@pytest.mark.parametrize("timing", list(Timing))
def test_every_timing_is_one_without_discounting(timing: Timing) -> None:
    flat = DiscountSchedule("flat", (Band(0, 5, 0.0),), "an edition", "2026-02")

    np.testing.assert_allclose(flat.yearly(5, timing), 1.0, rtol=1e-15)


def test_timings_take_their_moment(schedule: DiscountSchedule) -> None:
    np.testing.assert_allclose(schedule.yearly(3, "mid-year"), [1.1**-0.5, 1.1**-1.5, 1.1**-2])
    np.testing.assert_allclose(schedule.yearly(3, "end-year"), [1 / 1.1, 1.1**-2, 1.1**-2])


def test_continuous_is_the_mean_over_the_year(schedule: DiscountSchedule) -> None:
    moments = (np.arange(20_000) + 0.5) / 20_000  # midpoint rule, error about 1e-12

    mean = np.mean([schedule.factor(1 + at) for at in moments])

    assert mean == pytest.approx(schedule.yearly(2, "continuous")[1], rel=1e-9)


@pytest.mark.parametrize("years", [-1, 4.001, float("nan"), float("inf")])
def test_outside_the_schedule_is_refused(schedule: DiscountSchedule, years: float) -> None:
    with pytest.raises(MoneyError, match=r"schedule 'two' \(an edition\) runs from year 0 to year 4"):
        schedule.factor(years)


def test_unknown_timing_names_the_known() -> None:
    with pytest.raises(MoneyError) as caught:
        load_schedule().yearly(1, "midyear")

    assert "Timing 'midyear' is not one of 'continuous', 'mid-year', 'end-year'" == str(caught.value)


def test_unknown_schedule_names_the_known() -> None:
    with pytest.raises(MoneyError, match=r"holds health, reduced, standard\. Did you mean: standard"):
        load_schedule("standrad")


def test_description_names_the_edition() -> None:
    assert (
        "discounted at 3.5% a year real for the first 30 years "
        "(schedule 'standard', Green Book, February 2026, table of 2026-02)"
    ) == load_schedule().describe()


@pytest.mark.parametrize("second", ["s,4,5,0.03,e,v,x\n", "s,3,5.5,0.03,e,v,x\n", "s,3,2,0.03,e,v,x\n"])
def test_gaps_between_bands_are_refused(tmp_path: Path, second: str) -> None:
    path = tmp_path / "rates.csv"
    path.write_text(HEADER + "s,0,2,0.035,e,v,x\n" + second, encoding="utf-8")

    with pytest.raises(FileError, match="bands are whole years and follow one another without gaps"):
        load_schedule("s", path)
