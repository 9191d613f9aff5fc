"""Check units on the expression tree: one fault, one finding."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction

from wm2u_sd.errors import UnitsError
from wm2u_sd.expr.functions import FUNCTIONS, RESERVED
from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference, Unary
from wm2u_sd.expr.printer import to_text
from wm2u_sd.model.variables import Lookup
from wm2u_sd.units import Unit, ratio_of, read_unit

Complain = Callable[[str, Expression], None]

ADDING = ("+", "-")
COMPARING = ("<", "<=", ">", ">=", "=", "<>")


class UnitInference:
    """Works out the unit of an expression; None where it is unknown or fits anything (a bare 0)."""

    def __init__(
        self, units: Mapping[str, Unit | None], lookups: Mapping[str, Lookup], time: Unit, complain: Complain
    ) -> None:
        self.units, self.lookups, self.time, self.complain = units, lookups, time, complain

    def of(self, node: Expression) -> Unit | None:
        """Return the unit of a node, complaining on the way about parts that do not fit."""
        match node:
            case Number():
                return None
            case Reference(name):
                return self.time if name in RESERVED else self.units.get(name)
            case Unary("not", operand):
                self.of(operand)
                return Unit()
            case Unary(_, operand):
                return self.of(operand)
            case Binary(operator, left, right):
                return self.binary(node, operator, left, right)
            case Call(function, arguments) if function in self.lookups:
                return self.lookup(self.lookups[function], arguments)
            case Call(function, arguments) if function in FUNCTIONS:
                return self.call(node, FUNCTIONS[function].units, arguments)
            case _:
                return None

    def binary(self, node: Binary, operator: str, left: Expression, right: Expression) -> Unit | None:
        first, second = self.of(left), self.of(right)
        if operator in ADDING:
            return self.same(node, first, second, "be added" if operator == "+" else "be subtracted")
        if operator in COMPARING:
            self.same(node, first, second, "be compared")
            return Unit()
        if operator in ("and", "or"):
            return Unit()
        if operator == "^":
            return self.power(node, first, second, right)
        if first is None or second is None:
            return None
        return first * second if operator == "*" else first / second

    def same(self, node: Expression, first: Unit | None, second: Unit | None, verb: str) -> Unit | None:
        if first is not None and second is not None and not first.fits(second):
            self.complain(f"{first} and {second} cannot {verb}{_scale(first, second)}", node)
            return None
        return first if first is not None else second

    def power(self, node: Binary, base: Unit | None, exponent: Unit | None, right: Expression) -> Unit | None:
        if exponent is not None and not exponent.is_dimensionless:
            self.complain(f"an exponent must be a plain number, but this one is in {exponent}", node)
            return None
        if base is None or base.is_dimensionless:
            return base
        number = _literal(right)
        if number is None:
            self.complain(f"{base} can only be raised to a power written out as a number", node)
            return None
        return base ** Fraction(number).limit_denominator(1000)

    def lookup(self, lookup: Lookup, arguments: tuple[Expression, ...]) -> Unit | None:
        for argument in arguments:
            given, wanted = self.of(argument), _read(lookup.x_units)
            if given is not None and wanted is not None and not given.fits(wanted):
                self.complain(f"{lookup.name} looks up {wanted}, but this is in {given}{_scale(given, wanted)}", argument)
        return _read(lookup.units)

    def call(self, node: Call, signature: str, arguments: tuple[Expression, ...]) -> Unit | None:
        wanted, _, result = signature.partition(" -> ")
        bound: dict[str, Unit] = {"t": self.time, "1": Unit()}
        for pattern, argument in zip(wanted.split(", "), arguments, strict=False):
            self.argument(node, pattern, argument, bound)
        return _pattern_unit(result, bound)

    def argument(self, node: Call, pattern: str, argument: Expression, bound: dict[str, Unit]) -> None:
        given = self.of(argument)
        if given is None or pattern in ("?", "#"):
            return
        if pattern in ("a", "b") and pattern not in bound:
            bound[pattern] = given
        elif pattern == "a^2":
            bound["a"] = given ** Fraction(1, 2)
        elif pattern == "a/t" and "a" not in bound:
            bound["a"] = given * self.time
        else:
            expected = _pattern_unit(pattern, bound)
            if expected is not None and not given.fits(expected):
                self.complain(
                    f"{node.function} expects {expected} here, but {to_text(argument)} is in {given}"
                    f"{_scale(given, expected)}",
                    argument,
                )


def _pattern_unit(pattern: str, bound: Mapping[str, Unit]) -> Unit | None:
    """Return the unit a pattern such as 'a/t' stands for, None when a letter is not bound."""
    if "/" not in pattern:
        return bound.get(pattern)
    above, below = (bound.get(part) for part in pattern.split("/"))
    return above / below if above is not None and below is not None else None


def _literal(node: Expression) -> float | None:
    match node:
        case Number(value):
            return value
        case Unary("-", operand):
            inner = _literal(operand)
            return None if inner is None else -inner
        case Binary("/", left, right):
            above, below = _literal(left), _literal(right)
            return above / below if above is not None and below else None
        case _:
            return None


def _scale(first: Unit, second: Unit) -> str:
    """Say so when two units differ only by a factor."""
    ratio = ratio_of(first, second)
    return f"; one {first} is {ratio:.6g} {second}, so convert with a constant" if ratio else ""


def _read(text: str) -> Unit | None:
    try:
        return read_unit(text) if text else None
    except UnitsError:
        return None
