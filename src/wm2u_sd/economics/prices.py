"""Price years: amounts of different years brought to the prices of one year by a dated deflator."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wm2u_sd.economics.tables import number, only, read_table, table_path
from wm2u_sd.errors import FileError, MoneyError

PriceYear = int | str
_CALENDAR = re.compile(r"\d{4}")
_FINANCIAL = re.compile(r"(\d{4})[-_/](\d{2})")
_MONEY = re.compile(r"[kM]?GBP_(\d{4}(?:_\d{2})?)")


def read_year(year: PriceYear) -> str:
    """Return a year in the spelling of the tables: '2024' or, for a financial year, '2019-20'.

    Raises:
        MoneyError: `year` is neither, or a financial year does not run into the next year.
    """
    text = str(year).strip()
    if _CALENDAR.fullmatch(text):
        return text
    parts = _FINANCIAL.fullmatch(text)
    if parts and (int(parts[1]) + 1) % 100 == int(parts[2]):
        return f"{parts[1]}-{parts[2]}"
    raise MoneyError(f"{year!r} is not a year of prices; write a calendar year (2024) or a financial year ('2019-20')")


def money_unit(year: PriceYear) -> str:
    """Return the unit of money in the prices of `year`, e.g. 'GBP_2024' or 'GBP_2019_20'."""
    return f"GBP_{read_year(year).replace('-', '_')}"


def price_year(unit: str) -> str:
    """Return the price year a unit of money states: '2024' of 'GBP_2024'.

    Raises:
        MoneyError: `unit` is not money, or states no year.
    """
    found = _MONEY.fullmatch(unit.strip())
    if not found:
        raise MoneyError(f"Unit {unit!r} does not state money and its price year; write for instance GBP_2024")
    return read_year(found[1])


def is_money(unit: str) -> bool:
    """Say whether a unit is money with a price year."""
    return _MONEY.fullmatch(unit.strip()) is not None


@dataclass(frozen=True)
class Deflator:
    """An index of prices by year, of one release.

    Attributes:
        index: Year ('2024' or '2019-20') -> level of prices, all on one base.
        vintage: When the release came out, e.g. '2025-12'.
        source: The release.
        notes: Year -> what is particular about its figure, for years that have something to say.
    """

    index: Mapping[str, float]
    vintage: str
    source: str
    notes: Mapping[str, str] = field(default_factory=dict)

    def level(self, year: PriceYear) -> float:
        """Return the level of prices in `year`.

        Raises:
            MoneyError: The table does not hold that year.
        """
        known = read_year(year)
        if known not in self.index:
            raise MoneyError(
                f"There is no price level for {known} in the deflator of {self.vintage}; it holds {_spans(self.index)}"
            )
        return self.index[known]

    def factor(self, from_year: PriceYear, to_year: PriceYear) -> float:
        """Return what an amount in prices of `from_year` is multiplied by to be in prices of `to_year`."""
        return self.level(to_year) / self.level(from_year)

    def convert(self, amount: float, from_year: PriceYear, to_year: PriceYear) -> float:
        """Bring an amount from the prices of one year to those of another."""
        return amount * self.factor(from_year, to_year)

    def describe(self, from_year: PriceYear, to_year: PriceYear) -> str:
        """Say in one sentence how prices of one year become those of another."""
        said = [self.notes[year] for year in (read_year(from_year), read_year(to_year)) if year in self.notes]
        extra = f" ({'; '.join(said)})" if said else ""
        return (
            f"prices of {read_year(from_year)} brought to {read_year(to_year)} by the GDP deflator of "
            f"{self.vintage}, x {self.factor(from_year, to_year):.4f}{extra}"
        )


def load_deflator(path: str | Path | None = None) -> Deflator:
    """Read a deflator from a dated table; None reads the shipped one.

    Raises:
        FileError: The table is damaged, mixes vintages, or names a year twice.
    """
    path = table_path("gdp_deflator.csv") if path is None else path
    rows = read_table(path, ("period", "index_2024_100", "vintage", "source", "grade", "note"))
    index: dict[str, float] = {}
    for row in rows:
        if row["period"] in index:
            raise FileError(f"{path}: year {row['period']} is there twice")
        index[read_year(row["period"])] = _positive(number(row, "index_2024_100", path), row["period"], path)
    notes = {row["period"]: row["note"] for row in rows if row["note"]}
    return Deflator(index, only(rows, "vintage", path), rows[0]["source"], notes)


def real_growth(deflator: Deflator, first: float, first_year: PriceYear, last: float, last_year: PriceYear) -> float:
    """Return the yearly growth of an amount above general prices, 1/year.

    Args:
        deflator: General prices by year.
        first: Amount in the prices of `first_year`.
        first_year: A calendar or financial year.
        last: Amount in the prices of `last_year`.
        last_year: A later year of the same kind.

    Raises:
        MoneyError: The years are of different kinds or not in order, or an amount is not above zero.
    """
    start, end = read_year(first_year), read_year(last_year)
    span = int(end[:4]) - int(start[:4])
    if len(start) != len(end) or span < 1:
        raise MoneyError(f"Growth from {start} to {end}: give two years of one kind, the earlier first")
    if min(first, last) <= 0:
        raise MoneyError(f"Growth from {first:g} to {last:g}: both amounts must be above zero")
    ratio: float = (last / first / deflator.factor(start, end)) ** (1 / span)
    return ratio - 1


def _positive(level: float, period: str, path: str | Path) -> float:
    if level <= 0:
        raise FileError(f"{path}: the level of prices in {period} is {level:g}; it must be above zero")
    return level


def _spans(index: Mapping[str, float]) -> str:
    """Name the years of a table: '1990 to 2024 and 2009-10 to 2024-25'."""
    kinds = (sorted(year for year in index if len(year) == length) for length in (4, 7))
    return " and ".join(f"{years[0]} to {years[-1]}" for years in kinds if years)
