"""Numbers and units in words: rounded to what a range can bear, never in scientific notation."""

from __future__ import annotations

import math
import re
from collections.abc import Callable

from wm2u_sd.economics.money_units import DAYS
from wm2u_sd.units import PEOPLE

ONE_OF = {single: many for many, single in PEOPLE.items()}
"""A unit of people -> more than one of it."""

_MONEY = re.compile(r"(?P<many>[kM]?)GBP_(?P<year>\d{4})")
_MANY = {"": "pounds", "k": "thousand pounds", "M": "million pounds"}
_NO_UNIT = ("", "1", "dmnl")
STEPS_IN_RANGE = 20
NO_WIDTH = 1e-12  # rounding of differences of numbers near 1
NO_CHANGE = "no change"


def called(label: str, doc: str, name: str) -> str:
    """Return what a thing is called: its label, else the start of its documentation, else its name in words."""
    opening = re.split(r"; |\. ", doc.strip().rstrip("."), maxsplit=1)[0]
    return label or opening or name.replace("_", " ")


def step_for(low: float, high: float, least: float = 0.0) -> float:
    """Return the power of ten to round a range to, never finer than three figures of its larger end or `least`.

    It is a 20th of the width or the next finer. A range without width keeps three figures.
    """
    largest, width = max(abs(low), abs(high)), high - low
    if not math.isfinite(width) or largest < NO_WIDTH:
        return least or 1.0
    three_figures = 10.0 ** (math.floor(math.log10(largest)) - 2)
    if width < NO_WIDTH:
        return max(least, three_figures)
    return max(least, three_figures, 10.0 ** math.floor(math.log10(width / STEPS_IN_RANGE)))


def plain(value: float, step: float = 0.0) -> str:
    """Write a number to a step, or without one to three figures: '1,230', '0.0135', '-12'."""
    if not math.isfinite(value):
        return "not known"
    if not step:
        step = 10.0 ** (math.floor(math.log10(abs(value))) - 2) if abs(value) >= NO_WIDTH else 1.0
        text = _fixed(value, step)
        return text.rstrip("0").rstrip(".") if "." in text else text
    return _fixed(value, step)


def _fixed(value: float, step: float) -> str:
    rounded = round(value / step) * step
    text = f"{rounded:,.{max(0, -math.floor(math.log10(step)))}f}"
    return text.removeprefix("-") if not any(digit in text for digit in "123456789") else text


def pounds(amount: float, step: float = 0.0) -> str:
    """Write an amount to a step, or to the figures it can bear: '£1.65 million', '£42,000', '-£300'."""
    size = abs(amount)
    if step:
        size = round(size / step) * step
    elif size < 999_500:
        size = round(size, 0 if size < 1000 else -2 if size < 100_000 else -3)
    sign = "-" if amount < 0 and round(size) else ""
    if size < 999_500:
        return f"{sign}£{size:,.0f}"
    many, word = (1e9, "billion") if size >= 999_500_000 else (1e6, "million")
    return f"{sign}£{plain(size / many, step / many)} {word}"


def in_hundred(share: float) -> str:
    """Write a share of draws: '12 in 100', 'none', 'all'; a share that is neither is never rounded to none or all."""
    if share in (0, 1):
        return "all" if share else "none"
    if share < 0.005:
        return "fewer than 1 in 100"
    return "more than 99 in 100" if share > 0.995 else f"{100 * share:.0f} in 100"


def units_in_words(units: str) -> str:
    """Say a unit: 'person/month' is 'people a month', 'GBP_2024/week' is 'pounds (2024 prices) a week'."""
    if units.strip() in _NO_UNIT:
        return ""
    first, *rest = units.replace(" ", "").split("/")
    above = "" if first in _NO_UNIT else "-".join([*first.split("*")[:-1], _several(first.split("*")[-1])])
    return " ".join(filter(None, [above, *(_each(one) for one in rest)])).replace("_", " ")


def _several(name: str) -> str:
    money = _MONEY.fullmatch(name)
    if money:
        return f"{_MANY[money['many']]} ({money['year']} prices)"
    return ONE_OF.get(name) or (name if name.isupper() else f"{name}s")


def _each(name: str) -> str:
    return f"a {name}" if name in DAYS else f"for each {name}"


def is_counted(units: str) -> bool:
    """Whether a unit counts people, so that there are fewer of them rather than less."""
    return units.partition("/")[0] in ONE_OF


def is_pounds(units: str) -> bool:
    """Whether a unit is plain pounds of one price year."""
    money = _MONEY.fullmatch(units)
    return money is not None and not money["many"]


def quantity(value: float, units: str, step: float = 0.0) -> str:
    """Write an amount with its unit: '14 months', '1.3% a month', '£1,800 for each person a week'."""
    write, after = _writer(units)
    return write(value, step) + after


def span(low: float, high: float, units: str) -> str:
    """Write a range of amounts with its unit once: '0.3 to 0.9', '1.2 to 3.4% a month', '6 to 30 months'."""
    write, after = _writer(units)
    step = step_for(low, high)
    return _to(write(low, step), write(high, step)) + after


def _writer(units: str) -> tuple[Callable[[float, float], str], str]:
    """Return how a number in a unit is written, and what follows it."""
    first, _, per = units.replace(" ", "").partition("/")
    rest = f" {units_in_words('1/' + per)}" if per else ""
    if first == "1" and per:
        return lambda value, step: plain(100 * value, 100 * step), f"%{rest}"
    if is_pounds(first):
        return pounds, rest
    words = units_in_words(units)
    return plain, f" {words}" if words else ""


def _to(low: str, high: str) -> str:
    return low if low == high else f"{low} to {high}"


def least_step(units: str) -> float:
    """Return the finest step numbers of a unit are shown to: whole people and pounds, else no limit."""
    return 1.0 if is_counted(units) or is_pounds(units) else 0.0


def change(value: float, units: str, step: float) -> str:
    """Write a difference: '12 fewer', '3 more', '£1.2 million less', 'no change'."""
    if round(value / step) == 0:
        return NO_CHANGE
    return f"{_size(value, units, step)} {_way(value, units)}"


def change_range(low: float, high: float, units: str, step: float) -> str:
    """Write a range of differences: '17 fewer to 3 more', '150 to 10 fewer', 'no change'."""
    ends = [change(low, units, step), change(high, units, step)]
    if ends[0] == ends[1]:
        return ends[0]
    if low * high > 0 and NO_CHANGE not in ends:
        return f"{_size(low, units, step)} to {ends[1]}"
    return f"{ends[0]} to {ends[1]}"


def _size(value: float, units: str, step: float) -> str:
    return pounds(abs(value), step) if is_pounds(units) else plain(abs(value), step)


def _way(value: float, units: str) -> str:
    return "more" if value > 0 else "fewer" if is_counted(units) else "less"


def difference(low: float, middle: float, high: float, units: str) -> str:
    """Write the middle and range of a difference: '12 fewer (17 fewer to 3 more)'; one step of rounding for all."""
    step = step_for(low, high, least_step(units))
    return _with_range(change(middle, units, step), change_range(low, high, units, step))


def level(low: float, middle: float, high: float, units: str) -> str:
    """Write the middle and range of a level: '560 (420 to 720)'."""
    step = step_for(low, high, least_step(units))
    one = pounds if is_pounds(units) else plain
    return _with_range(one(middle, step), _to(one(low, step), one(high, step)))


def _with_range(middle: str, ends: str) -> str:
    return middle if middle == ends else f"{middle} ({ends})"
