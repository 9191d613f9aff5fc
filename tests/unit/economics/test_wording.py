"""Numbers and units in words; expected words by hand from the rules of plain writing."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wm2u_sd.economics.wording import (
    change_range,
    difference,
    in_hundred,
    level,
    plain,
    pounds,
    quantity,
    span,
    step_for,
    units_in_words,
)

NUMBERS = st.floats(-1e9, 1e9, allow_nan=False)


@pytest.mark.parametrize(
    ("amount", "words"),
    [(1_654_321, "£1.65 million"), (-42_123, "-£42,100"), (999_600, "£1 million"), (0.2, "£0"), (-0.2, "£0"),
     (-312.4, "-£312"), (2.5e9, "£2.5 billion"), (999_600_000, "£1 billion"), (123_456, "£123,000")],
)  # fmt: skip
def test_pounds(amount: float, words: str) -> None:
    assert words == pounds(amount)


@pytest.mark.parametrize(
    ("share", "words"),
    [(0, "none"), (1, "all"), (0.124, "12 in 100"), (0.001, "fewer than 1 in 100"), (0.999, "more than 99 in 100")],
)
def test_in_hundred(share: float, words: str) -> None:
    assert words == in_hundred(share)


@pytest.mark.parametrize(
    ("ends", "step"),
    [
        ((-71, 3), 1),
        ((240, 2750), 100),
        ((0, 330), 10),
        ((0.3, 0.9), 0.01),
        ((5, 5), 0.01),
        ((0, 0), 1),
        ((194_150, 195_930), 1000),
    ],
)
def test_the_step_follows_the_width_of_the_range(ends: tuple[float, float], step: float) -> None:
    assert step == pytest.approx(step_for(*ends))


@pytest.mark.parametrize(
    ("ends", "words"),
    [((-16.8, -2.57, 3.01), "3 fewer (17 fewer to 3 more)"), ((-152, -67.2, -10.2), "67 fewer (152 to 10 fewer)"),
     ((239, 753, 2748), "800 more (200 to 2,700 more)"), ((0, 5.8, 37.4), "6 more (no change to 37 more)"),
     ((-0.3, 0, 0.2), "no change"), ((12, 12, 12), "12 more")],
)  # fmt: skip
def test_a_difference_is_in_whole_people_with_its_range(ends: tuple[float, float, float], words: str) -> None:
    assert words == difference(*ends, "person")


def test_what_is_not_counted_is_less_not_fewer() -> None:
    assert "0.25 less (0.40 to 0.10 less)" == difference(-0.4, -0.25, -0.1, "dmnl")


def test_money_of_one_price_year_is_in_pounds() -> None:
    assert "£3.7 million less (£12.0 million less to £1.2 million more)" == difference(
        -12e6, -3.67e6, 1.2e6, "GBP_2024"
    )
    assert "-£3.7 million (-£12.0 million to £1.2 million)" == level(-12e6, -3.67e6, 1.2e6, "GBP_2024")


@pytest.mark.parametrize(
    ("units", "words"),
    [("person/month", "people a month"), ("dmnl", ""), ("FTE", "FTE"), ("month", "months"), ("1/month", "a month"),
     ("kGBP_2024/adult/month", "thousand pounds (2024 prices) for each adult a month"),
     ("person*month", "person-months")],
)  # fmt: skip
def test_units_are_words(units: str, words: str) -> None:
    assert words == units_in_words(units)


def test_quantities_carry_their_unit_once() -> None:
    assert "1.35% a month" == quantity(0.0135, "1/month")
    assert "1.0 to 3.4% a month" == span(0.01, 0.034, "1/month")
    assert "£20 to £200 for each adult a month" == span(20, 200, "GBP_2024/adult/month")
    assert "6 to 30 months" == span(6, 30, "month")
    assert "0.30 to 0.90" == span(0.3, 0.9, "dmnl")


def test_a_number_too_small_to_be_one_is_nought() -> None:
    assert ["0", "0"] == [plain(-5e-324), plain(1e-13)]


def test_a_number_that_is_none_is_said_to_be_unknown() -> None:
    assert "not known" == plain(float("nan"))


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.sampled_from(["person", "dmnl", "GBP_2024", "person/year"]))
def test_no_number_is_ever_in_scientific_notation(values: tuple[float, float, float], units: str) -> None:
    low, middle, high = sorted(values)

    for words in (difference(low, middle, high, units), level(low, middle, high, units), quantity(middle, units)):
        assert not re.search(r"\de|nan|-£?0(\.0+)?( |$|\))", words), words


@given(NUMBERS, NUMBERS)
def test_a_rounded_number_is_within_half_a_step(one: float, other: float) -> None:
    low, high = sorted((one, other))
    step = step_for(low, high, 1.0)

    assert float(plain(high, step).replace(",", "")) == pytest.approx(high, abs=step * 0.5001)
    assert change_range(low, high, "person", step)
