"""Units on the tree: a small algebra of our own, with pint for what units are worth in one another.

Text of a unit is read by a parser of ours; pint never sees text from a model file, only single names that passed it. A word that
is no known unit is a unit of its own (rabbit, degree), so that any model can have units.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from wm2u_sd.errors import UnitsError

if TYPE_CHECKING:
    import pint

DIMENSIONLESS = ("dmnl", "1", "")
TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<one>1)|(?P<symbol>[*/^()])|(?P<power>-?\d+(?:/\d+)?))")
MONEY = re.compile(r"(?P<many>k|M)?(?P<base>[A-Z]{3}_\d{4}(?:_\d{2})?)")
LONGEST = 200
DEFINITIONS = """
month = [time]
year = 12 * month
quarter = 3 * month
day = year / 365.25
week = 7 * day
hour = day / 24
minute = hour / 60
second = minute / 60
"""


@dataclass(frozen=True)
class Unit:
    """A unit: a product of powers of base units, and how many of that product it is worth.

    Attributes:
        powers: (base, power) pairs, sorted, no power 0.
        factor: What one of it is worth in the product of bases.
        text: As written, for messages.
    """

    powers: tuple[tuple[str, Fraction], ...] = ()
    factor: float = 1.0
    text: str = field(default="dmnl", compare=False)

    def __mul__(self, other: Unit) -> Unit:
        return _unit({**dict(self.powers)}, dict(other.powers), 1, self.factor * other.factor)

    def __truediv__(self, other: Unit) -> Unit:
        return _unit({**dict(self.powers)}, dict(other.powers), -1, self.factor / other.factor)

    def __pow__(self, power: Fraction) -> Unit:
        powers = {base: p * power for base, p in self.powers}
        return _unit({}, powers, 1, self.factor ** float(power))

    @property
    def is_dimensionless(self) -> bool:
        """Whether it is a plain number."""
        return not self.powers

    def fits(self, other: Unit) -> bool:
        """Whether amounts in both can be added as they are."""
        return self.powers == other.powers and abs(self.factor / other.factor - 1) < 1e-9

    def __str__(self) -> str:
        return self.text


def _unit(left: dict[str, Fraction], right: dict[str, Fraction], sign: int, factor: float) -> Unit:
    for base, power in right.items():
        left[base] = left.get(base, Fraction(0)) + sign * power
    powers = tuple(sorted((base, power) for base, power in left.items() if power))
    return Unit(powers, factor, _text(powers, factor))


def _text(powers: tuple[tuple[str, Fraction], ...], factor: float) -> str:
    def part(base: str, power: Fraction) -> str:
        return base if power == 1 else f"{base}^{power}"

    above = "*".join(part(base, power) for base, power in powers if power > 0)
    below = "/".join(part(base, -power) for base, power in powers if power < 0)
    shown = (above or ("1" if below else "dmnl")) + (f"/{below}" if below else "")
    return shown if abs(factor - 1) < 1e-9 else f"{factor:.6g} {shown}"


@lru_cache(maxsize=4096)
def read_unit(text: str) -> Unit:
    """Read text such as 'family/month', '1/month', 'GBP_2024/child/week' or 'dmnl'.

    Raises:
        UnitsError: It is not a unit; says what is wrong.
    """
    if text.strip() in DIMENSIONLESS:
        return Unit()
    if len(text) > LONGEST:
        raise UnitsError(f"a unit of {len(text)} characters; the limit is {LONGEST}")
    unit, position, operator, expecting = Unit(), 0, "*", True
    text = text.rstrip()
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None or (match.group("symbol") in ("(", ")")):
            raise UnitsError(f"'{text}' is not a unit: write names joined by * and /, e.g. family/month")
        position = match.end()
        if expecting != bool(match.group("name") or match.group("one")):
            raise UnitsError(f"'{text}' is not a unit: '{match.group().strip()}' stands where it should not")
        if not expecting:
            operator, expecting = match.group().strip(), True
            if operator not in ("*", "/"):
                raise UnitsError(f"'{text}' is not a unit: expected * or / but found '{operator}'")
            continue
        factor, position = _powered(text, match.group("name"), position)
        unit = unit * factor if operator == "*" else unit / factor
        expecting = False
    if expecting:
        raise UnitsError(f"'{text}' is not a unit: it stops short")
    return Unit(unit.powers, unit.factor, text.strip())


def _powered(text: str, name: str | None, position: int) -> tuple[Unit, int]:
    """Read the power that may stand after a name."""
    base = _named(name) if name and name != "dmnl" else Unit()
    power = re.compile(r"\s*\^\s*(-?\d{1,3}(?:/\d{1,3})?)").match(text, position)
    if power is None or power.group(1).endswith("/0"):
        return base, position
    return base ** Fraction(power.group(1)), power.end()


@cache
def _registry() -> pint.UnitRegistry:
    import pint

    registry = pint.UnitRegistry(None)
    for line in DEFINITIONS.strip().splitlines():
        registry.define(line)
    return registry


@cache
def _known() -> frozenset[str]:
    return frozenset(line.partition(" ")[0] for line in DEFINITIONS.strip().splitlines())


@cache
def _named(name: str) -> Unit:
    """Return a single unit: a known one in terms of its base, money in thousands of its own year, else a base of its own."""
    if name in _known():
        return Unit((("month", Fraction(1)),), float(_registry().Quantity(1, name).to("month").magnitude), name)
    money = MONEY.fullmatch(name)
    if money and money.group("many"):
        return Unit(((money.group("base"), Fraction(1)),), {"k": 1e3, "M": 1e6}[money.group("many")], name)
    return Unit(((name, Fraction(1)),), 1.0, name)
