"""Published and closed-form figures of prices, discounting and costs."""

from __future__ import annotations

import math

import pytest

from wm2u_sd.economics.discounting import load_schedule
from wm2u_sd.economics.money_units import to_money
from wm2u_sd.economics.prices import load_deflator, real_growth

STANDARD = {0: 1.0, 1: 0.9662, 5: 0.8420, 10: 0.7089, 30: 0.3563, 31: 0.3459, 75: 0.0942}
"""Green Book discount factors, as printed to four figures."""

SPEND_2024_25 = [  # total gross spend GBP, places held on 31 March 2025, published weekly cost GBP
    ("Bolton", 67_626_454, 590, 2200),
    ("Bury", 34_327_733, 368, 1790),
    ("Manchester", 127_214_200, 1280, 1905),
    ("Oldham", 50_295_673, 582, 1655),
    ("Rochdale", 39_851_689, 594, 1285),
    ("Salford", 49_388_149, 563, 1680),
    ("Stockport", 45_553_319, 485, 1800),
    ("Tameside", 70_814_580, 652, 2085),
    ("Trafford", 31_681_552, 353, 1720),
    ("Wigan", 63_630_704, 652, 1870),
    ("England", 8_955_421_269, 81_770, 2100),
]
"""Section 251 outturn 2024-25 (Department for Education, Local Authority Interactive Tool); SSDA903, 31 March 2025."""


@pytest.mark.parametrize(("year", "expected"), STANDARD.items())
def test_standard_factor_is_the_printed_one(year: int, expected: float) -> None:
    factor = load_schedule("standard").factor(year)

    assert expected == pytest.approx(factor, abs=5e-5)


def test_ten_year_factor_to_six_figures() -> None:
    assert 0.708919 == pytest.approx(load_schedule().factor(10), abs=5e-7)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("standard", (0.035, 0.03, 0.025, 0.02, 0.015, 0.01)),
        ("health", (0.015, 0.0129, 0.0107, 0.0086, 0.0064, 0.0043)),
        ("reduced", (0.03, 0.0257, 0.0214, 0.0171, 0.0129, 0.0086)),
    ],
)
def test_rates_compound_band_by_band(schedule: str, rates: tuple[float, ...]) -> None:
    """Green Book: a factor is the one of the band before, divided by the rate of its own band."""
    discount = load_schedule(schedule)
    for last, before, after in zip((30, 75, 125, 200, 300), rates, rates[1:], strict=False):
        assert discount.factor(last - 1) / (1 + before) == pytest.approx(discount.factor(last), rel=1e-12)
        assert discount.factor(last) / (1 + after) == pytest.approx(discount.factor(last + 1), rel=1e-12)


def test_rates_are_sum_of_time_preference_risk_and_growth() -> None:
    """STPR = 0.5% + 1.0% + 1 x 2.0%, Green Book annex A6."""
    assert 0.005 + 0.01 + 1 * 0.02 == pytest.approx(load_schedule().bands[0].rate, abs=1e-15)


def test_continuous_and_mid_year_agree_within_a_hundredth_of_a_percent() -> None:
    """A constant flow at 3.5%: the exact gap is x/2 / sinh(x/2) with x = ln 1.035, 0.005%."""
    discount = load_schedule()
    half = math.log(1.035) / 2

    ratio = discount.yearly(10, "continuous").sum() / discount.yearly(10, "mid-year").sum()

    assert math.sinh(half) / half == pytest.approx(ratio, rel=1e-12)
    assert abs(ratio - 1) < 1e-4


def test_end_year_factors_add_up_to_the_annuity_formula() -> None:
    total = load_schedule().yearly(10, "end-year").sum()

    assert (1 - 1.035**-10) / 0.035 == pytest.approx(total, rel=1e-12)


@pytest.mark.parametrize(("at_once", "yearly", "expected"), [(-10.0, 2.5, -0.8173), (-5.0, 1.5, 0.5096)])
def test_green_book_2003_example(at_once: float, yearly: float, expected: float) -> None:
    """Two options over four years, published as -0.82 and 0.51."""
    value = at_once + yearly * load_schedule().yearly(4, "end-year").sum()

    assert expected == pytest.approx(value, abs=5e-5)


@pytest.mark.parametrize(("year", "expected", "figures"), [("2019-20", 1.2175, 4), (2009, 1.466, 3)])
def test_deflator_brings_prices_to_2024(year: int | str, expected: float, figures: int) -> None:
    factor = load_deflator().factor(year, 2024)

    assert expected == round(factor, figures)


@pytest.mark.parametrize(("first", "last", "expected"), [(3430, 6775, 0.0656), (575, 720, -0.0016)])
def test_real_growth_of_weekly_costs(first: float, last: float, expected: float) -> None:
    """England, residential and fostering, 2016-17 to 2023-24."""
    growth = real_growth(load_deflator(), first, "2016-17", last, "2023-24")

    assert expected == pytest.approx(growth, abs=5e-5)


@pytest.mark.parametrize(("place", "spend", "held", "published"), SPEND_2024_25)
def test_weekly_cost_rounds_to_the_published_one(place: str, spend: float, held: int, published: int) -> None:
    weekly = spend / held / 365 * 7

    assert published == 5 * round(weekly / 5), place


@pytest.mark.parametrize(("place", "spend", "held", "published"), SPEND_2024_25)
def test_ledger_at_the_published_cost_gives_back_the_spend(place: str, spend: float, held: int, published: int) -> None:
    """Priced for a year of 365 days, places held come to the published spend, as far as 5 pounds a week can tell."""
    money = to_money("GBP_2024_25/place/week", "place*year", [], line=place)

    priced = held * published * money.factor * 365 / 365.25

    assert "2024-25" == money.year
    assert spend == pytest.approx(priced, rel=2.5 / published)
