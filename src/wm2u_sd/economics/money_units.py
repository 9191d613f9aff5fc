"""From a unit cost and what a run counted to money: the algebra of units behind a cost line.

A run accumulates `household*month` of a stock or `household` of a flow; a cost is quoted in `GBP_2024/head/week`.
Their product, with a scale in `head/household`, has to come out as money of one price year and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wm2u_sd.economics.prices import is_money, price_year
from wm2u_sd.errors import MoneyError, UnitsError
from wm2u_sd.units import DIMENSIONLESS, Unit, ratio_of, read_unit

DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}
"""Days in each unit of time; a year is 365.25 days, so that a month is 365.25/7/12 weeks."""


@dataclass(frozen=True, slots=True)
class ToMoney:
    """How a counted amount becomes money.

    Attributes:
        factor: Pounds are counted amount x unit cost x scales x this.
        year: Price year of those pounds.
    """

    factor: float
    year: str


def to_money(cost: str, counted: str, scales: Sequence[str], *, line: str) -> ToMoney:
    """Work out how a counted amount becomes money.

    Args:
        cost: Unit of the unit cost, e.g. 'GBP_2024/head/week'; 'dmnl' when what is counted is money already.
        counted: Unit of what the run accumulated, e.g. 'household*month'.
        scales: Units of the multipliers, e.g. 'head/household'.
        line: Name of the cost line, for messages.

    Raises:
        MoneyError: The product is not money of one price year.
    """
    total = DIMENSIONLESS
    for unit in (cost, counted, *scales):
        total = total * _read(unit, line)
    years = [name for name, power in total.powers if power == 1 and is_money(name)]
    if len(years) == 1:
        pounds = years[0].lstrip("kM")
        factor = ratio_of(total, read_unit(pounds))
        if factor is not None:
            return ToMoney(factor, price_year(pounds))
    scaled = f" times a scale in {' and '.join(scales)}" if scales else ""
    raise MoneyError(
        f"Cost line {line!r}: a unit cost in {cost or 'dmnl'} times a count in {counted or 'dmnl'}{scaled} gives "
        f"{total}, which is not money of one price year; correct 'units' or 'driver', or name a 'scale'"
    )


def _read(unit: str, line: str) -> Unit:
    try:
        return read_unit(unit or "dmnl")
    except UnitsError as error:
        raise MoneyError(f"Cost line {line!r}: {error}") from None
