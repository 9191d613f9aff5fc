"""Price years and the deflator."""

from __future__ import annotations

from pathlib import Path

import pytest

from wm2u_sd.economics.prices import Deflator, load_deflator, money_unit, price_year, read_year, real_growth
from wm2u_sd.errors import FileError, MoneyError

HEADER = "period,index_2024_100,vintage,source,grade,note\n"


@pytest.fixture
def deflator() -> Deflator:
    return Deflator({"2020": 80.0, "2024": 100.0, "2019-20": 75.0}, "2025-12", "a release", {"2019-20": "made up"})


def test_amount_of_an_earlier_year_grows(deflator: Deflator) -> None:
    assert 125.0 == pytest.approx(deflator.convert(100, 2020, 2024))


def test_there_and_back_is_the_same_amount(deflator: Deflator) -> None:
    assert 7.0 == pytest.approx(deflator.convert(deflator.convert(7, "2019-20", 2024), 2024, "2019-20"))


def test_unknown_year_names_the_years_held(deflator: Deflator) -> None:
    with pytest.raises(MoneyError) as caught:
        deflator.convert(1, 2031, 2024)

    assert (
        "There is no price level for 2031 in the deflator of 2025-12; it holds 2020 to 2024 and 2019-20 to 2019-20"
        == str(caught.value)
    )


def test_conversion_says_what_is_particular(deflator: Deflator) -> None:
    assert "prices of 2019-20 brought to 2024 by the GDP deflator of 2025-12, x 1.3333 (made up)" == deflator.describe(
        "2019-20", 2024
    )


def test_financial_year_2024_25_is_declared_not_assumed() -> None:
    shipped = load_deflator()

    assert 1.0 == shipped.factor("2024-25", 2024)
    assert "come out a little high" in shipped.describe("2024-25", 2024)


@pytest.mark.parametrize(
    ("written", "read"), [(2024, "2024"), ("2019-20", "2019-20"), ("2019/20", "2019-20"), ("1999-00", "1999-00")]
)
def test_years_are_read(written: int | str, read: str) -> None:
    assert read == read_year(written)


@pytest.mark.parametrize("written", ["2019-21", "24", "2019-2020", "next year", 20.5])
def test_other_years_are_refused(written: str) -> None:
    with pytest.raises(MoneyError, match="is not a year of prices"):
        read_year(written)


@pytest.mark.parametrize(("unit", "year"), [("GBP_2024", "2024"), ("kGBP_2024", "2024"), ("GBP_2019_20", "2019-20")])
def test_unit_states_its_price_year(unit: str, year: str) -> None:
    assert year == price_year(unit)
    assert unit.removeprefix("k") == money_unit(year)


def test_money_without_a_year_is_refused() -> None:
    with pytest.raises(MoneyError, match="Unit 'GBP' does not state money and its price year"):
        price_year("GBP")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (HEADER + "2024,100,v,s,A,\n2024,100,v,s,A,\n", "year 2024 is there twice"),
        (HEADER + "2024,lots,v,s,A,\n", "holds 'lots' where a number belongs"),
        (HEADER + "2024,nan,v,s,A,\n", "holds 'nan' where a number belongs"),
        (HEADER + "2024,0,v,s,A,\n", "must be above zero"),
        (HEADER + "2023,99,v1,s,A,\n2024,100,v2,s,A,\n", "holds v1, v2; a table has one vintage"),
        (HEADER, "has a header but no rows"),
        ("period,vintage\n2024,v\n", "has no column index_2024_100, source, grade, note"),
    ],
)
def test_damaged_table_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "deflator.csv"
    path.write_text(text, encoding="utf-8")

    with pytest.raises(FileError, match=reason):
        load_deflator(path)


def test_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError, match="cannot be read as a table"):
        load_deflator(tmp_path / "none.csv")


@pytest.mark.parametrize(
    ("first", "last", "reason"),
    [(2024, 2020, "the earlier first"), ("2019-20", 2024, "two years of one kind"), (2020, 2020, "the earlier first")],
)
def test_growth_needs_two_years_in_order(deflator: Deflator, first: int | str, last: int | str, reason: str) -> None:
    with pytest.raises(MoneyError, match=reason):
        real_growth(deflator, 1, first, 2, last)


def test_growth_at_the_pace_of_prices_is_none(deflator: Deflator) -> None:
    assert 0.0 == pytest.approx(real_growth(deflator, 80, 2020, 100, 2024), abs=1e-15)


def test_growth_from_nothing_is_refused(deflator: Deflator) -> None:
    with pytest.raises(MoneyError, match="both amounts must be above zero"):
        real_growth(deflator, 0, 2020, 2, 2024)
