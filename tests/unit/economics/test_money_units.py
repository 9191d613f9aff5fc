"""From unit costs and counts to money."""

from __future__ import annotations

import pytest

from wm2u_sd.economics.money_units import DAYS, to_money
from wm2u_sd.errors import MoneyError
from wm2u_sd.units import conversion_factor, read_unit


@pytest.mark.parametrize("unit", list(DAYS))
def test_days_are_those_of_the_units(unit: str) -> None:
    assert DAYS[unit] == pytest.approx(conversion_factor(read_unit(unit), read_unit("day")), rel=1e-14)


@pytest.mark.parametrize(
    ("cost", "counted", "scales", "factor", "year"),
    [
        ("GBP_2024/person/week", "person*month", [], 365.25 / 12 / 7, "2024"),
        ("GBP_2024/head/week", "person*month", ["head/person"], 365.25 / 12 / 7, "2024"),
        ("GBP_2019_20/person/year", "person*month", [], 1 / 12, "2019-20"),
        ("GBP_2024/meeting", "meeting", [], 1, "2024"),
        ("dmnl", "kGBP_2024", [], 1000, "2024"),
        ("dmnl", "MGBP_2024_25", [], 1e6, "2024-25"),
        ("", "GBP_2024", [], 1, "2024"),
    ],
)
def test_factor_to_money(cost: str, counted: str, scales: list[str], factor: float, year: str) -> None:
    money = to_money(cost, counted, scales, line="x")

    assert factor == pytest.approx(money.factor, rel=1e-12)
    assert year == money.year


@pytest.mark.parametrize(
    ("cost", "counted", "left"),
    [
        ("GBP_2024/head/week", "person*month", "GBP_2024*month*person/head/week"),
        ("GBP_2024/person", "person*month", "GBP_2024*month"),
        ("dmnl", "person", "person"),
        ("GBP_2024/GBP_2023", "dmnl", "GBP_2024/GBP_2023"),
        ("GBP_2024*GBP_2023", "dmnl", "GBP_2023*GBP_2024"),
    ],
)
def test_what_does_not_come_out_as_money_is_refused(cost: str, counted: str, left: str) -> None:
    with pytest.raises(MoneyError) as caught:
        to_money(cost, counted, [], line="x")

    assert (
        f"Cost line 'x': a unit cost in {cost} times a count in {counted} gives {left}, which is not money of one "
        "price year; correct 'units' or 'driver', or name a 'scale'"
    ) == str(caught.value)


def test_a_unit_that_cannot_be_read_is_refused_with_its_line() -> None:
    with pytest.raises(MoneyError) as caught:
        to_money("GBP/person", "person", [], line="x")

    assert "Cost line 'x': 'GBP' has no price year; write e.g. GBP_2024" == str(caught.value)
