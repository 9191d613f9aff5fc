"""From a unit cost and what a run counted to money: the algebra of units behind a cost line.

A run accumulates `household*month` of a stock or `household` of a flow; a cost is quoted in `GBP_2024/head/week`.
Their product, with a scale in `head/household`, has to come out as money of one price year and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from wm2u_sd.economics.prices import is_money, price_year
from wm2u_sd.errors import MoneyError

DAYS = {"day": 1.0, "week": 7.0, "month": 365.25 / 12, "year": 365.25}
"""Days in each unit of time; a year is 365.25 days, so that a month is 365.25/7/12 weeks."""

_NO_UNIT = ("", "1", "dmnl")
_FACTOR = re.compile(r"\s*([*/])?\s*([A-Za-z_]\w*|1)(?:\^(-?\d+))?\s*")


@dataclass(frozen=True, slots=True)
class ToMoney:
    """How a counted amount becomes money.

    Attributes:
        factor: Pounds are counted amount x unit cost x scales x this.
        year: Price year of those pounds.
    """

    factor: float
    year: str


def powers(unit: str) -> dict[str, int]:
    """Read a unit written as a product: {'GBP_2024': 1, 'head': -1, 'week': -1} of 'GBP_2024/head/week'.

    Raises:
        MoneyError: The text is not a product or quotient of names.
    """
    found: dict[str, int] = {}
    text = unit.replace("**", "^").replace("·", "*").strip()
    position = 0
    while position < len(text):
        factor = _FACTOR.match(text, position)
        if factor is None:
            raise MoneyError(
                f"Unit {unit!r} cannot be read from {text[position:]!r} on; write it as GBP_2024/head/week"
            )
        sign = -1 if factor[1] == "/" else 1
        found[factor[2]] = found.get(factor[2], 0) + sign * int(factor[3] or 1)
        position = factor.end()
    return {name: power for name, power in found.items() if power and name not in _NO_UNIT}


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
    total: dict[str, int] = {}
    for unit in (cost, counted, *scales):
        for name, power in powers(unit).items():
            total[name] = total.get(name, 0) + power
    times = {name: total.pop(name) for name in DAYS if name in total}
    money = [name for name, power in total.items() if power == 1 and is_money(name)]
    rest = {name: power for name, power in total.items() if power and name not in money}
    if len(money) != 1 or rest or sum(times.values()):
        raise MoneyError(_not_money(line, cost, counted, scales, {**total, **times}))
    factor = 1000.0 if money[0].startswith("k") else 1.0
    for name, power in times.items():
        factor *= DAYS[name] ** power
    return ToMoney(factor, price_year(money[0]))


def _not_money(line: str, cost: str, counted: str, scales: Sequence[str], left: dict[str, int]) -> str:
    scaled = f" times a scale in {' and '.join(scales)}" if scales else ""
    shown = " ".join(name if power == 1 else f"{name}^{power}" for name, power in left.items() if power)
    return (
        f"Cost line {line!r}: a unit cost in {cost or 'dmnl'} times a count in {counted or 'dmnl'}{scaled} gives "
        f"[{shown or 'dmnl'}], which is not money of one price year; correct 'units' or 'driver', or name a 'scale'"
    )
