"""The yardstick care run by BPTK-Py: its equations, with delays written out, in that library's own language."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from bench import needs_module
from yardsticks import OUTPUTS, yardstick

from wm2u_sd.backends.base import Array
from wm2u_sd.compile.expand import Expanded, expand
from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference, Unary
from wm2u_sd.model.model import Model

OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, ">": operator.gt,
    "=": operator.eq,
}  # fmt: skip
FUNCTIONS = {"min": "min", "max": "max", "exp": "exp", "ln": "ln", "sin": "sin", "if_then_else": "If"}


def bptk_run(engine: str) -> Callable[[], Array]:
    """Return a call that makes one run of care at its stated values.

    Args:
        engine: 'python' or 'rust'.

    Raises:
        Skipped: It is not installed.
    """
    needs_module("BPTK_Py")
    model = yardstick("care")
    times = model.time.saved_times()
    theirs = _model(model, expand(model))
    return _python_run(theirs, times) if engine == "python" else _rust_run(theirs, times)


def _python_run(theirs: Any, times: list[float]) -> Callable[[], Array]:
    def once() -> Array:
        theirs.reset_cache()
        return np.array([[[theirs.equations[output](time)] for time in times] for output in OUTPUTS])

    return once


def _rust_run(theirs: Any, times: list[float]) -> Callable[[], Array]:
    from BPTK_Py._rust_engine import RustSdEngine

    loaded, moments = RustSdEngine().load_model(theirs.to_json()), [str(float(time)) for time in times]

    def once() -> Array:
        found = loaded.simulate(list(OUTPUTS))
        return np.array([[[found[output][moment]] for moment in moments] for output in OUTPUTS])

    return once


def _model(model: Model, expanded: Expanded) -> Any:
    """Return the model in their language: stocks with a net rate of change, converters and constants."""
    from BPTK_Py import Model as Theirs

    theirs = Theirs(starttime=model.time.start, stoptime=model.time.end, dt=model.time.dt, name="care")
    known = {constant.name: theirs.constant(constant.name) for constant in model.constants()}
    known |= {name: theirs.converter(_plain(name)) for name in expanded.equations}
    known |= {name: theirs.stock(_plain(name)) for name in expanded.states}
    for constant in model.constants():
        known[constant.name].equation = constant.value
    for lookup in model.lookups():
        theirs.points[lookup.name] = [list(point) for point in lookup.points]
    writer = _Writer(model, known)
    for name, equation in expanded.equations.items():
        known[name].equation = writer.written(equation.expression)
    for name, state in expanded.states.items():
        known[name].initial_value = writer.written(state.initial)
        known[name].equation = writer.written(state.net)
    return theirs


def _plain(name: str) -> str:
    """Return a name without the dot of what a delay is made of."""
    return name.replace(".", "_")


class _Writer:
    """Writes expressions in their language."""

    def __init__(self, model: Model, known: Mapping[str, Any]) -> None:
        from BPTK_Py import sd_functions

        self.functions = sd_functions
        settled = {"time_step": model.time.dt, "start_time": model.time.start, "end_time": model.time.end}
        clock = {"time": sd_functions.time(), "held_time": sd_functions.time()}
        self.known = {**known, **settled, **clock}

    def written(self, node: Expression) -> Any:
        """Return an expression in their language; a power by way of exp and ln, since theirs loses its brackets."""
        match node:
            case Number(value):
                return value
            case Reference(name):
                return self.known[name]
            case Unary(_, operand):
                return 0.0 - self.written(operand)
            case Binary("^", base, exponent):
                return self.functions.exp(self.written(exponent) * self.functions.ln(self.written(base)))
            case Binary(sign, left, right):
                return OPERATORS[sign](self.written(left), self.written(right))
            case Call(function, arguments) if function in FUNCTIONS:
                return getattr(self.functions, FUNCTIONS[function])(*map(self.written, arguments))
            case Call(lookup, (argument,)):
                return self.functions.lookup(self.written(argument), lookup)
            case _:
                raise NotImplementedError(f"{node} is in no yardstick")
