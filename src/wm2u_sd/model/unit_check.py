"""Check units on the expression tree: one fault, one finding.

A number written out takes the unit of what it stands with: `waiting + 3` and `step(6, 3)` fit, `2 * waiting` is in the
unit of `waiting` (SEM-18). A record that states no unit is not checked, and its value fits anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction

from wm2u_sd.errors import UnitsError
from wm2u_sd.expr.functions import FUNCTIONS, RESERVED
from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference, Unary
from wm2u_sd.expr.printer import to_text
from wm2u_sd.expr.visit import calls
from wm2u_sd.model.diagnostics import Case, Code, Finding
from wm2u_sd.model.variables import Flow, Stock, Variable
from wm2u_sd.units import DIMENSIONLESS, Unit, gap, read_unit

ADDING = {"+": "be added", "-": "be subtracted"}
COMPARING = ("<", "<=", ">", ">=", "=", "<>")
LOGIC = ("and", "or")
FINEST_POWER = 1000
A_NUMBER = "a number"

Found = Unit | str | None
"""The unit of a part: known, `A_NUMBER` for one written out, None for one that is not known."""


def unit_findings(case: Case) -> Iterator[Finding]:
    """Yield units that cannot be read or do not fit."""
    reading = _Reading(case)
    units = {name: reading.unit(record, record.units) for name, record in case.model.variables.items()}
    x_units = {lookup.name: reading.unit(lookup, lookup.x_units) for lookup in case.model.lookups()}
    time = reading.unit(None, case.model.time.units)
    yield from reading.findings
    misfits = {
        name: finding
        for stock in case.model.stocks()
        for name in dict.fromkeys((*stock.inflows, *stock.outflows))
        for finding in _rate(case, stock, name, units, time)
    }
    yield from misfits.values()
    for name, tree in case.trees.items():
        if name not in misfits:
            yield from _equation(case, _Units(units, x_units, time), case.model.variables[name], tree)


@dataclass
class _Reading:
    """Reads units, each text once for each record."""

    case: Case
    findings: list[Finding] = field(default_factory=list)

    def unit(self, record: Variable | None, text: str) -> Unit | None:
        """Return a unit, None when there is none or it cannot be read."""
        try:
            return read_unit(text) if text else None
        except UnitsError as error:
            owner = record.name if record is not None else "time"
            self.findings.append(self.case.error(Code.UNITS, f"{owner}: {error}", record, word=text))
            return None


@dataclass(frozen=True, slots=True)
class _Units:
    """The units of a model: of its variables, of what its lookups look up, of time."""

    of_name: Mapping[str, Unit | None]
    of_x: Mapping[str, Unit | None]
    time: Unit | None


def _equation(case: Case, units: _Units, record: Variable, tree: Expression) -> Iterator[Finding]:
    declared = units.of_name[record.name]
    unknown_call = any(call.function not in FUNCTIONS and call.function not in units.of_x for call in calls(tree))
    if declared is None or unknown_call:
        return
    faults: list[tuple[str, Expression]] = []
    found = _Inference(units, lambda message, node: faults.append((message, node))).of(tree)
    for message, node in faults:
        yield case.error(Code.UNITS, f"{record.name}: {message}", record, node)
    if isinstance(found, Unit) and not found.fits(declared):
        what = "its starting value" if isinstance(record, Stock) else "its equation"
        message = f"{record.name} is declared in {declared}, but {what} is in {found}{gap(found, declared)}"
        yield case.error(Code.UNITS, message, record, tree)


def _rate(
    case: Case, stock: Stock, name: str, units: Mapping[str, Unit | None], time: Unit | None
) -> Iterator[Finding]:
    record, flow, level = case.model.variables.get(name), units.get(name), units[stock.name]
    if not isinstance(record, Flow) or flow is None or level is None or time is None or flow.fits(level / time):
        return
    message = f"{name} is in {flow}, but {stock.name} is in {level}"
    hint = f"A flow of it is in {level / time}{gap(flow, level / time)}."
    yield case.error(Code.UNITS, message, record, hint=hint, word=record.units)


class _Inference:
    """Works out the unit of an expression, and complains of the parts that do not fit."""

    def __init__(self, units: _Units, complain: Callable[[str, Expression], None]) -> None:
        self.units, self.complain = units, complain

    def of(self, node: Expression) -> Found:
        """Return the unit of a node."""
        match node:
            case Number():
                return A_NUMBER
            case Reference(name):
                return self.units.time if name in RESERVED else self.units.of_name.get(name)
            case Unary("not", operand):
                self.of(operand)
                return DIMENSIONLESS
            case Unary(_, operand):
                return self.of(operand)
            case Binary(operator, left, right):
                return self.binary(node, operator, left, right)
            case Call("power", (base, exponent)):
                return self.power(node, self.of(base), self.of(exponent), exponent)
            case Call(function, arguments) if function in self.units.of_x:
                return self.lookup(function, arguments)
            case Call(function, arguments):
                return self.call(node, FUNCTIONS[function].units, arguments)

    def binary(self, node: Binary, operator: str, left: Expression, right: Expression) -> Found:
        first, second = self.of(left), self.of(right)
        if operator in ADDING:
            return self.same(node, first, second, ADDING[operator])
        if operator in COMPARING:
            self.same(node, first, second, "be compared")
            return DIMENSIONLESS
        if operator in LOGIC:
            return DIMENSIONLESS
        if operator == "^":
            return self.power(node, first, second, right)
        return _product(operator, first, second)

    def same(self, node: Expression, first: Found, second: Found, verb: str) -> Found:
        """Return the unit two parts share, and complain when they do not."""
        if isinstance(first, Unit) and isinstance(second, Unit):
            if first.fits(second):
                return first
            self.complain(f"{first} and {second} cannot {verb}{gap(first, second)}", node)
            return None
        return first if isinstance(first, Unit) or second == A_NUMBER else second

    def power(self, node: Expression, base: Found, exponent: Found, right: Expression) -> Found:
        if isinstance(exponent, Unit) and not exponent.is_dimensionless:
            self.complain(f"an exponent must be a plain number, but {to_text(right)} is in {exponent}", node)
            return None
        if not isinstance(base, Unit) or base.is_dimensionless:
            return base
        number = _literal(right)
        if number is None:
            self.complain(f"{base} can only be raised to a power written out as a number", node)
            return None
        return base ** Fraction(number).limit_denominator(FINEST_POWER)

    def lookup(self, name: str, arguments: tuple[Expression, ...]) -> Found:
        wanted = self.units.of_x[name]
        for argument in arguments:
            given = self.of(argument)
            if isinstance(given, Unit) and wanted is not None and not given.fits(wanted):
                said = f"{name} looks up {wanted}, but {to_text(argument)} is in {given}"
                self.complain(f"{said}{gap(given, wanted)}", argument)
        return self.units.of_name[name]

    def call(self, node: Call, signature: str, arguments: tuple[Expression, ...]) -> Found:
        wanted, _, result = signature.partition(" -> ")
        bound: dict[str, Unit] = {"1": DIMENSIONLESS}
        if self.units.time is not None:
            bound["t"] = self.units.time
        fits = [
            self.argument(node, pattern, argument, bound)
            for pattern, argument in zip(wanted.split(", "), arguments, strict=False)
        ]
        return _pattern_unit(result, bound) if all(fits) else None

    def argument(self, node: Call, pattern: str, argument: Expression, bound: dict[str, Unit]) -> bool:
        """Whether one argument fits its pattern; the first to name a letter says what it stands for."""
        given = self.of(argument)
        if not isinstance(given, Unit) or pattern in ("?", "#"):
            return True
        if pattern in ("a", "b") and pattern not in bound:
            bound[pattern] = given
        elif pattern == "a^2":
            bound["a"] = given ** Fraction(1, 2)
        elif pattern == "a/t" and "a" not in bound:
            if "t" in bound:
                bound["a"] = given * bound["t"]
        else:
            expected = _pattern_unit(pattern, bound)
            if expected is not None and not given.fits(expected):
                said = f"{node.function} takes {expected} here, but {to_text(argument)} is in {given}"
                self.complain(f"{said}{gap(given, expected)}", argument)
                return False
        return True


def _product(operator: str, first: Found, second: Found) -> Found:
    """Return the unit of a product or quotient; a number written out changes none."""
    if first is None or second is None:
        return None
    if not isinstance(first, Unit) and not isinstance(second, Unit):
        return A_NUMBER
    one = first if isinstance(first, Unit) else DIMENSIONLESS
    other = second if isinstance(second, Unit) else DIMENSIONLESS
    return one * other if operator == "*" else one / other


def _pattern_unit(pattern: str, bound: Mapping[str, Unit]) -> Unit | None:
    """Return the unit a pattern such as 'a/t' stands for, None when a letter is not bound."""
    above, _, below = pattern.partition("/")
    unit, divisor = bound.get(above), bound.get(below or "1")
    return unit / divisor if unit is not None and divisor is not None else None


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
