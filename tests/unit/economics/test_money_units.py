"""From unit costs and counts to money."""

from __future__ import annotations

import pytest

from wm2u_sd.economics.money_units import powers, to_money
from wm2u_sd.errors import MoneyError


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("GBP_2024/child/week", {"GBP_2024": 1, "child": -1, "week": -1}),
        ("family * month", {"family": 1, "month": 1}),
        ("a^2/a", {"a": 1}),
        ("a**2 b", {"a": 2, "b": 1}),
        ("1/month", {"month": -1}),
        ("a/a", {}),
        ("dmnl", {}),
        ("", {}),
    ],
)
def test_powers_of_a_product(unit: str, expected: dict[str, int]) -> None:
    assert expected == powers(unit)


@pytest.mark.parametrize("unit", ["a/(b*c)", "£/week", "a ^ b"])
def test_what_is_not_a_product_is_refused(unit: str) -> None:
    with pytest.raises(MoneyError, match="cannot be read from"):
        powers(unit)


@pytest.mark.parametrize(
    ("cost", "counted", "scales", "factor", "year"),
    [
        ("GBP_2024/person/week", "person*month", [], 365.25 / 12 / 7, "2024"),
        ("GBP_2024/head/week", "person*month", ["head/person"], 365.25 / 12 / 7, "2024"),
        ("GBP_2019_20/person/year", "person*month", [], 1 / 12, "2019-20"),
        ("GBP_2024/meeting", "meeting", [], 1, "2024"),
        ("dmnl", "kGBP_2024", [], 1000, "2024"),
    ],
)
def test_factor_to_money(cost: str, counted: str, scales: list[str], factor: float, year: str) -> None:
    money = to_money(cost, counted, scales, line="x")

    assert factor == pytest.approx(money.factor, rel=1e-12)
    assert year == money.year


@pytest.mark.parametrize(
    ("cost", "counted", "left"),
    [
        ("GBP_2024/head/week", "person*month", "GBP_2024 head^-1 person week^-1 month"),
        ("GBP_2024/person", "person*month", "GBP_2024 month"),
        ("GBP/person", "person", "GBP"),
        ("dmnl", "person", "person"),
        ("GBP_2024/GBP_2023", "dmnl", "GBP_2024 GBP_2023^-1"),
    ],
)
def test_what_does_not_come_out_as_money_is_refused(cost: str, counted: str, left: str) -> None:
    with pytest.raises(MoneyError) as caught:
        to_money(cost, counted, [], line="x")

    assert (
        f"Cost line 'x': a unit cost in {cost} times a count in {counted} gives [{left}], which is not money of one "
        "price year; correct 'units' or 'driver', or name a 'scale'"
    ) == str(caught.value)
