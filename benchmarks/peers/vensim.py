"""Print a model of ours as Vensim text, so that peers read the very same equations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference, Unary
from wm2u_sd.expr.parser import parse
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Stock

FUNCTIONS = {
    "min": "MIN", "max": "MAX", "exp": "EXP", "ln": "LN", "sin": "SIN", "if_then_else": "IF THEN ELSE", "sum": "SUM",
    "step": "STEP", "ramp": "RAMP", "smooth1": "SMOOTH", "smooth3": "SMOOTH3", "delay1": "DELAY1", "delay3": "DELAY3",
    "safe_divide": "XIDZ",
}  # fmt: skip
CONTROL = {"INITIAL TIME": "start", "FINAL TIME": "end", "TIME STEP": "dt"}


def vensim_text(model: Model) -> str:
    """Return a model as the text of an .mdl file.

    Raises:
        KeyError: An equation calls a function that no yardstick calls.
    """
    blocks = [*_dimensions(model), *_constants(model), *_lookups(model), *_equations(model), *_control(model)]
    sketch = "\\\\\\---/// Sketch information - do not modify anything except names\n"
    return "\n".join(["{UTF-8}", *blocks, sketch])


def _block(left: str, right: str, between: str = "=") -> str:
    return f"{left}{between}\n\t{right}\n\t~\t\n\t~\t\n\t|\n"


def _dimensions(model: Model) -> Iterator[str]:
    for dimension in model.dimensions.values():
        yield _block(dimension.name, ", ".join(dimension.elements), ":")


def _subscripted(name: str, over: Any) -> str:
    return f"{name}[{', '.join(over)}]" if over else name


def _constants(model: Model) -> Iterator[str]:
    for constant in model.constants():
        yield _block(_subscripted(constant.name, constant.over), _numbers(constant.value))


def _numbers(value: Any) -> str:
    """Write one number, a row of them, or rows."""
    if not isinstance(value, tuple):
        return repr(float(value))
    if not isinstance(value[0], tuple):
        return ", ".join(map(repr, value))
    return "; ".join(map(_numbers, value)) + ";"


def _lookups(model: Model) -> Iterator[str]:
    for lookup in model.lookups():
        points = ", ".join(f"({x!r}, {y!r})" for x, y in lookup.points)
        yield f"{lookup.name}(\n\t{points})\n\t~\t\n\t~\t\n\t|\n"


def _equations(model: Model) -> Iterator[str]:
    for variable in (*model.auxiliaries(), *model.flows()):
        yield _block(_subscripted(variable.name, variable.over), _text(model, parse(variable.equation)))
    for stock in model.stocks():
        yield _block(_subscripted(stock.name, stock.over), _integral(model, stock))


def _integral(model: Model, stock: Stock) -> str:
    rates = " + ".join(_reference(model, Reference(name)) for name in stock.inflows) or "0"
    rates += "".join(f" - {_reference(model, Reference(name))}" for name in stock.outflows)
    return f"INTEG({rates}, {_text(model, parse(stock.initial))})"


def _control(model: Model) -> Iterator[str]:
    bar = "*" * 56
    yield f"{bar}\n\t.Control\n{bar}~\n\t\tSimulation Control Parameters\n\t|\n"
    for name, attribute in CONTROL.items():
        yield _block(name, repr(float(getattr(model.time, attribute))))
    yield _block("SAVEPER", repr(model.time.steps_per_save * model.time.dt))


def _text(model: Model, node: Expression) -> str:
    """Return an expression with every bracket written, so that no rule of precedence is relied on."""
    match node:
        case Number(value):
            return repr(value)
        case Reference():
            return _reference(model, node)
        case Unary(_, operand):
            return f"(-{_text(model, operand)})"
        case Binary(operator, left, right):
            return f"({_text(model, left)} {operator} {_text(model, right)})"
        case Call(function, arguments):
            name = function if function in model.variables else FUNCTIONS[function]
            return f"{name}({', '.join(_text(model, argument) for argument in arguments)})"


def _reference(model: Model, node: Reference) -> str:
    if node.name == "time":
        return "Time"
    over = getattr(model.get(node.name), "over", ())
    if node.subscripts and not node.subscripts[0].name:
        over = [f"{dimension}!" for dimension in over]
    elif node.subscripts:
        over = [f"{one.name}!" if one.star else one.name for one in node.subscripts]
    return _subscripted(node.name, over)
