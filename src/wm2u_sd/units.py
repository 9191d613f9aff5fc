"""Units: a small algebra of our own, with pint for what known units are worth in one another.

Text of a unit is read by a parser of ours; pint never sees text from a model, only single names that passed it. A plain
word that is no known unit is a unit of its own (rabbit, degree), so that any model can have units.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from wm2u_sd.errors import UnitsError

if TYPE_CHECKING:
    import pint

LONGEST = 200
DEEPEST = 20
HIGHEST_POWER = 12
SAME = 1e-9  # relative: definitions are exact to rounding

TIME_UNITS = {
    "month": "[time]",
    "year": "12 * month",
    "quarter": "3 * month",
    "day": "year / 365.25",
    "week": "7 * day",
    "hour": "day / 24",
    "minute": "hour / 60",
    "second": "minute / 60",
}
PEOPLE = {"children": "child", "families": "family", "adults": "adult", "persons": "person", "people": "person"}
PLURALS = {f"{name}s": name for name in TIME_UNITS} | PEOPLE
MONEY = re.compile(r"(?P<many>[kM]?)(?P<base>[A-Z]{3}_\d{4}(?:_\d{2})?)", re.ASCII)
MANY = {"": 1.0, "k": 1e3, "M": 1e6}
WORD = re.compile(r"[a-z][a-z0-9_]*|FTE", re.ASCII)
TOKEN = re.compile(r"\s*(?:(?P<name>[A-Za-z_]\w*)|(?P<number>-?\d+(?:/\d+)?)|(?P<symbol>[*/^()])|(?P<end>$))", re.ASCII)
POWER = re.compile(r"-?\d{1,3}(?:/\d{1,3})?", re.ASCII)

Powers = tuple[tuple[str, Fraction], ...]


@dataclass(frozen=True, slots=True)
class Unit:
    """A product of powers of named units; without any it is dimensionless.

    Attributes:
        powers: (name, power) pairs, sorted, no name twice, no power 0.
    """

    powers: Powers = ()

    def __mul__(self, other: Unit) -> Unit:
        return _unit([*self.powers, *other.powers])

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1

    def __pow__(self, power: Fraction | int) -> Unit:
        return _unit((name, own * power) for name, own in self.powers)

    @property
    def is_dimensionless(self) -> bool:
        """Whether it is a plain number."""
        return not self.powers

    def fits(self, other: Unit) -> bool:
        """Whether amounts in both can be added as they are."""
        ratio = 1.0 if self == other else ratio_of(self, other)
        return ratio is not None and abs(ratio - 1) < SAME

    def __str__(self) -> str:
        above = "*".join(_power_text(name, power) for name, power in self.powers if power > 0)
        below = "".join(f"/{_power_text(name, -power)}" for name, power in self.powers if power < 0)
        return (above or ("1" if below else "dmnl")) + below


DIMENSIONLESS = Unit()


def _unit(powers: Iterable[tuple[str, Fraction]]) -> Unit:
    total: dict[str, Fraction] = {}
    for name, power in powers:
        total[name] = total.get(name, Fraction(0)) + power
    return Unit(tuple(sorted((name, power) for name, power in total.items() if power)))


def _power_text(name: str, power: Fraction) -> str:
    return name if power == 1 else f"{name}^{power}"


def ratio_of(given: Unit, wanted: Unit) -> float | None:
    """Return how many `wanted` one `given` is, None when they measure different things."""
    bases: dict[str, Fraction] = {}
    ratio = 1.0
    for name, power in (given / wanted).powers:
        base, worth = _worth(name)
        bases[base] = bases.get(base, Fraction(0)) + power
        ratio *= _raised(worth, power)
    return None if any(bases.values()) else ratio


def _raised(worth: float, power: Fraction) -> float:
    try:
        return math.pow(worth, float(power))
    except OverflowError:
        return math.inf


def conversion_factor(given: Unit, wanted: Unit) -> float:
    """Return the number to multiply amounts in `given` by, to have them in `wanted`.

    Raises:
        UnitsError: The two measure different things.
    """
    ratio = ratio_of(given, wanted)
    if ratio is None:
        why = gap(given, wanted) or "; they measure different things"
        raise UnitsError(f"{given} cannot be converted to {wanted}{why}")
    return ratio


def gap(given: Unit, wanted: Unit) -> str:
    """Say what parts two units that do not fit, '' when they simply measure different things."""
    ratio = ratio_of(given, wanted)
    if ratio is not None:
        return f"; 1 {given} is {ratio:.6g} {wanted}, so multiply by a constant that converts"
    years = [{_worth(name)[0] for name, _ in unit.powers if MONEY.fullmatch(name)} for unit in (given, wanted)]
    if years[0] and years[1] and years[0] != years[1]:
        return "; money of different years, so bring it to one price year first"
    return ""


@cache
def _worth(name: str) -> tuple[str, float]:
    """Return the unit that `name` is counted in, and how many of those it is."""
    if name in TIME_UNITS:
        quantity = _registry().Quantity(1, name).to_base_units()
        return str(quantity.units), float(quantity.magnitude)
    money = MONEY.fullmatch(name)
    return (money["base"], MANY[money["many"]]) if money else (name, 1.0)


@cache
def _registry() -> pint.UnitRegistry[float]:
    import pint

    registry: pint.UnitRegistry[float] = pint.UnitRegistry(None)
    for name, worth in TIME_UNITS.items():
        registry.define(f"{name} = {worth}")
    return registry


# Reading --------------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=4096)
def read_unit(text: str) -> Unit:
    """Read a unit such as 'person/month', '1/month', 'GBP_2024/place/week', 'metre^2' or 'dmnl'.

    Raises:
        UnitsError: It is not a unit; says what is wrong and what to write.
    """
    if len(text) > LONGEST:
        raise UnitsError(f"a unit of {len(text)} characters; the limit is {LONGEST}")
    return _Reader(text).read()


class _Reader:
    """Reads products, quotients, powers and brackets of one unit."""

    def __init__(self, text: str) -> None:
        self.text, self.position, self.depth = text, 0, 0
        self.kind, self.word = "", ""
        self.step()

    def step(self) -> None:
        """Move to the next token."""
        match = TOKEN.match(self.text, self.position)
        if match is None:
            self.position = len(self.text) - len(self.text[self.position :].lstrip())
            raise self.fail(f"{self.text[self.position]!r} does not belong in one")
        self.kind, self.word, self.position = str(match.lastgroup), match.group().strip(), match.end()

    def fail(self, reason: str) -> UnitsError:
        return UnitsError(f"'{self.text}' is not a unit: {reason}; write names joined by * and /, e.g. person/month")

    def read(self) -> Unit:
        unit = self.product()
        if self.kind != "end":
            raise self.fail(f"'{self.word}' stands where * or / should")
        return unit

    def product(self) -> Unit:
        unit = self.factor()
        while self.word in ("*", "/"):
            operator = self.word
            self.step()
            factor = self.factor()
            unit = unit * factor if operator == "*" else unit / factor
        return unit

    def factor(self) -> Unit:
        unit = self.atom()
        if self.word != "^":
            return unit
        self.step()
        if not POWER.fullmatch(self.word) or self.word.endswith("/0"):
            raise self.fail(f"'{self.word}' is no power" if self.word else "it stops short")
        power = Fraction(self.word)
        if abs(power) > HIGHEST_POWER:
            raise self.fail(f"the power {power} is above {HIGHEST_POWER}")
        self.step()
        return unit**power

    def atom(self) -> Unit:
        if self.kind == "name":
            unit = _named(self.word)
        elif self.word == "(":
            unit = self.bracket()
        elif self.number_is_one():
            unit = DIMENSIONLESS
        else:
            raise self.fail(f"'{self.word}' stands where a name should" if self.word else "it stops short")
        self.step()
        return unit

    def bracket(self) -> Unit:
        """Read up to the closing bracket and stop on it."""
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.fail(f"brackets are nested more than {DEEPEST} deep")
        self.step()
        unit = self.product()
        if self.word != ")":
            raise self.fail("a bracket is not closed")
        self.depth -= 1
        return unit

    def number_is_one(self) -> bool:
        """Whether the token is a 1; the '1/2' of '1/2*month' is none."""
        return self.kind == "number" and self.word == "1"


def _named(name: str) -> Unit:
    """Return a single unit.

    Raises:
        UnitsError: The word is refused, with what to write instead.
    """
    if name == "dmnl":
        return DIMENSIONLESS
    if name in PLURALS:
        raise UnitsError(f"'{name}' is not a unit; write {PLURALS[name]}")
    if name == "percent":
        raise UnitsError("'percent' is not a unit; write dmnl, and 0.35 for 35%")
    if MONEY.fullmatch(name) or WORD.fullmatch(name):
        return Unit(((name, Fraction(1)),))
    if re.fullmatch(r"[kM]?[A-Z]{3}", name):
        raise UnitsError(f"'{name}' has no price year; write e.g. {name}_2024")
    wanted = "lower-case words (person, month), FTE, or money with its price year"
    raise UnitsError(f"'{name}' is not a unit; write {wanted}")
