"""Time: steps that divide exactly and moments that do not drift (SEM-01, SEM-02)."""

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from wm2u_sd.errors import ModelError
from wm2u_sd.model.timing import Time


@pytest.mark.parametrize(
    ("step", "n_steps"),
    [(1, 120), (0.125, 960), ("1/8", 960), (0.1, 1200), ("1/30", 3600), (1 / 3, 360), (0.3, 400), (12, 10)],
)
def test_a_step_divides_ten_years_of_months(step: float | str, n_steps: int) -> None:
    assert n_steps == Time(0, 120, step).n_steps


def test_years_from_a_calendar_year_divide_too() -> None:
    time = Time(2015, 2025, "1/12", units="year")

    assert 120 == time.n_steps
    assert 2015.5 == time.at(6)
    assert 2025.0 == time.at(120)


def test_a_tenth_does_not_drift_over_a_million_steps() -> None:
    time = Time(0, 100_000, 0.1)

    assert 1_000_000 == time.n_steps
    # k / 10 is the number nearest to the true time; adding 0.1 up gives 100000.00000133288.
    for k in (1, 3, 7, 999_999, 1_000_000, *range(0, 1_000_000, 9_973)):
        assert k / 10 == time.at(k)


def test_moments_are_kept_every_saveper_and_at_the_end() -> None:
    assert [0.0, 1.0, 2.0, 2.5] == Time(0, 2.5, "1/8", saveper=1).saved_times()
    assert [0, 8, 16, 20] == Time(0, 2.5, "1/8", saveper=1).saved_steps()


def test_without_saveper_every_step_is_kept() -> None:
    assert [0.0, 0.25, 0.5, 0.75, 1.0] == Time(0, 1, 0.25).saved_times()


def test_a_run_of_no_length_is_one_moment() -> None:
    assert [3.0] == Time(3, 3, 1).saved_times()


REFUSED = {
    "time: step 0.3 does not divide the span 1 exactly (3.33333 steps); choose a step that does, such as 1/4": (
        {"start": 0, "end": 1, "step": 0.3}
    ),
    "time: step 0.25 does not divide saveper 0.6 exactly (2.4 steps); choose a step that does, such as 1/5": (
        {"start": 0, "end": 1, "step": 0.25, "saveper": 0.6}
    ),
    "time: step is 0; it must be above 0": {"step": 0},
    "time: step is -1; it must be above 0": {"step": -1},
    "time: saveper is 0; it must be at least one step (0.5)": {"step": 0.5, "saveper": 0},
    "time: end 1 is before start 2": {"start": 2, "end": 1},
    "time: method is 'rk45'; it must be one of euler, rk2, rk4": {"method": "rk45"},
    "time: step is 'monthly'; it must be a number such as 0.125 or '1/8'": {"step": "monthly"},
    "time: step is '1/0'; it must be a number such as 0.125 or '1/8'": {"step": "1/0"},
    "time: step is nan; it must be a number such as 0.125 or '1/8'": {"step": float("nan")},
    "time: end is inf; it must be a number such as 0.125 or '1/8'": {"end": float("inf")},
    "time: step is None; it must be a number such as 0.125 or '1/8'": {"step": None},
    "time: end 1 is before start 3": {"start": "3", "end": "1"},
    "time: 1e+09 steps; the limit is 10,000,000": {"end": 1e6, "step": 0.001},
}


@pytest.mark.parametrize(("message", "time"), REFUSED.items())
def test_what_cannot_be_a_time_is_refused(message: str, time: dict[str, float]) -> None:
    with pytest.raises(ModelError) as caught:
        Time(**time)

    assert message == str(caught.value)


def test_the_step_suggested_divides() -> None:
    Time(0, 1, "1/4")
    Time(0, 1, "1/5", saveper=0.6)


@pytest.mark.parametrize("step", ["1e999999999", "1_000", "0x10", "nan", "1//2", "1/0", "", "9" * 40])
def test_text_that_is_no_plain_number_or_fraction_is_refused(step: str) -> None:
    with pytest.raises(ModelError) as raised:
        Time(0, 1, step)

    assert f"time: step is {step!r}; it must be a number such as 0.125 or '1/8'" == str(raised.value)


@pytest.mark.parametrize("end", [1e308, 1e10])
def test_a_time_beyond_all_bounds_is_refused(end: float) -> None:
    with pytest.raises(ModelError) as raised:
        Time(0, end)

    assert f"time: end is {end!r}; the limit is 1,000,000,000 either way" == str(raised.value)


@pytest.mark.parametrize("step", [Fraction(1, 8), Decimal("0.125"), np.float32(0.125) * np.float64(1), "1/8", 0.125])
def test_a_step_is_kept_as_a_number_or_text(step: Fraction) -> None:
    time = Time(0, 10, step, saveper=step)

    assert Fraction(1, 8) == time.exact_step
    assert isinstance(time.step, float | str)
    assert isinstance(time.saveper, float | str)


def test_ends_are_kept_as_numbers() -> None:
    time = Time("1/2", Fraction(3, 2), "1/4")  # type: ignore[arg-type]

    assert (0.5, 1.5, 4) == (time.start, time.end, time.n_steps)


@pytest.mark.parametrize("origin", ["x", "2025-13-01", "2025-02-29", "31/03/2025", "20250331", "2025-W01-1", 5, None])
def test_an_origin_that_is_no_date_is_refused(origin: str) -> None:
    with pytest.raises(ModelError) as raised:
        Time(origin=origin)

    said = f"time: origin is {origin!r}; it must be the date of time 0 as '2025-03-31', or '' for no date"
    assert said == str(raised.value)


@pytest.mark.parametrize("origin", ["", "2025-03-31", "2024-02-29"])
def test_an_origin_is_a_date_or_nothing(origin: str) -> None:
    assert origin == Time(origin=origin).origin
