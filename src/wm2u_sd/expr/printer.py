"""Print an expression tree as equation text that reads back to the same tree."""

from __future__ import annotations

from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference, Subscript, Unary
from wm2u_sd.expr.parser import COMPARE, INFIX, NEGATIVE, NOT, POWER

ATOM = POWER + 1


def to_text(expression: Expression) -> str:
    """Return equation text with the fewest brackets; `parse(to_text(e)) == e` for every tree `parse` can return."""
    return _print(expression)[0]


def number_text(value: float) -> str:
    """Print a number without an exponent sign that a reader could take for arithmetic, exactly."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _print(node: Expression) -> tuple[str, int]:
    """Return the text and how tightly it binds."""
    match node:
        case Number(value):
            return number_text(value), ATOM
        case Reference(name, ()):
            return name, ATOM
        case Reference(name, subscripts):
            return f"{name}[{', '.join(map(_subscript, subscripts))}]", ATOM
        case Call(function, arguments):
            return f"{function}({', '.join(map(to_text, arguments))})", ATOM
        case Unary("-", operand):
            return f"-{_wrapped(operand, NEGATIVE)}", NEGATIVE
        case Unary(_, operand):
            return f"not {_wrapped(operand, NOT)}", NOT
        case Binary("^", base, exponent):
            # The base must be an atom; the exponent may carry a sign or another power.
            return f"{_wrapped(base, ATOM)} ^ {_wrapped(exponent, NEGATIVE)}", POWER
        case Binary(operator, left, right):
            level = INFIX[operator]
            left_level = level + 1 if level == COMPARE else level  # comparisons cannot be chained
            return f"{_wrapped(left, left_level)} {operator} {_wrapped(right, level + 1)}", level


def _wrapped(node: Expression, least: int) -> str:
    text, level = _print(node)
    return text if level >= least else f"({text})"


def _subscript(subscript: Subscript) -> str:
    return f"{subscript.name}*" if subscript.star else subscript.name
