"""The registry of functions an equation may call: arguments, unit rule, documentation and other tools' spelling.

A unit signature reads like `a, t -> a/t`: `a`, `b` are any unit (the same letter, the same unit), `t` is the
model's unit of time, `1` is dimensionless, `?` is a condition, `#` a whole number written out.

A bound after an argument, as in `delay1(input, delay_time > 0, initial = input)`, says what it may be as a number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """How a function is carried out."""

    ELEMENTWISE = "elementwise"  # an operation every backend prints
    REDUCER = "reducer"  # one argument: reduces the starred dimensions in it
    SMALL_MODEL = "small model"  # expanded into stocks, flows and equations before any backend sees it
    HISTORY = "history"  # needs a history line: values of earlier steps
    INITIAL = "initial"  # the value its argument had at the start


@dataclass(frozen=True, slots=True)
class Argument:
    """An argument of a function.

    Attributes:
        name: As small models call it.
        default: Equation text in terms of the other arguments, None when it must be given.
        bound: '> 0' or '>= 0' where it can be no other number, '' where it can be any.
    """

    name: str
    default: str | None = None
    bound: str = ""

    def allows(self, value: float) -> bool:
        """Whether the argument can be this number."""
        return not self.bound or value > 0 or (value == 0 and self.bound == ">= 0")


@dataclass(frozen=True, slots=True)
class Function:
    """A function an equation may call.

    Attributes:
        name: As written in equations.
        arguments: In order.
        role: How it is carried out.
        units: Unit signature, see the module docstring.
        doc: One sentence, with its rule number in docs/semantics.md where there is one.
        vensim, xmile: Spelling there with argument names in that tool's order; '' where there is none.
    """

    name: str
    arguments: tuple[Argument, ...]
    role: Role
    units: str
    doc: str
    vensim: str = ""
    xmile: str = ""

    @property
    def least(self) -> int:
        """Fewest arguments."""
        return sum(argument.default is None for argument in self.arguments)

    @property
    def signature(self) -> str:
        """E.g. 'ramp(slope, start, end = end_time)'."""
        parts = [a.name if a.default is None else f"{a.name} = {a.default}" for a in self.arguments]
        return f"{self.name}({', '.join(parts)})"


_ARGUMENT = re.compile(r"(?P<name>\w+)( (?P<bound>>=? 0))?( = (?P<default>.+))?")


def _arguments(text: str) -> tuple[Argument, ...]:
    """Read 'slope, start, end = end_time' and 'input, delay_time > 0, initial = input'."""
    return tuple(map(_argument, text.split(", "))) if text else ()


def _argument(text: str) -> Argument:
    found = _ARGUMENT.fullmatch(text)
    if not found:
        raise ValueError(f"{text!r} is no argument of a function; write 'name', 'name > 0' or 'name = default'")
    return Argument(found["name"], found["default"], found["bound"] or "")


def _function(
    signature: str, role: Role, units: str, doc: str, vensim: str = "", xmile: str = ""
) -> tuple[str, Function]:
    name, _, rest = signature.partition("(")
    return name, Function(name, _arguments(rest.rstrip(")")), role, units, doc, vensim, xmile)


_E, _R, _M, _H = Role.ELEMENTWISE, Role.REDUCER, Role.SMALL_MODEL, Role.HISTORY

FUNCTIONS: dict[str, Function] = dict(
    [
        _function("exp(x)", _E, "1 -> 1", "e to the power x.", "EXP(x)", "EXP(x)"),
        _function("ln(x)", _E, "1 -> 1", "Natural logarithm.", "LN(x)", "LN(x)"),
        _function("log10(x)", _E, "1 -> 1", "Logarithm to base 10.", "LOG(x, 10)", "LOG10(x)"),
        _function("sqrt(x)", _E, "a^2 -> a", "Square root.", "SQRT(x)", "SQRT(x)"),
        _function("abs(x)", _E, "a -> a", "Size without sign.", "ABS(x)", "ABS(x)"),
        _function("sin(x)", _E, "1 -> 1", "Sine of an angle in radians.", "SIN(x)", "SIN(x)"),
        _function("cos(x)", _E, "1 -> 1", "Cosine of an angle in radians.", "COS(x)", "COS(x)"),
        _function("tan(x)", _E, "1 -> 1", "Tangent of an angle in radians.", "TAN(x)", "TAN(x)"),
        _function("arctan(x)", _E, "1 -> 1", "Angle in radians whose tangent is x.", "ARCTAN(x)", "ARCTAN(x)"),
        _function("power(x, y)", _E, "1, 1 -> 1", "x to the power y; the same as x ^ y.", "POWER(x, y)", "x ^ y"),
        _function(
            "modulo(x, y)",
            _E,
            "a, a -> a",
            "Remainder of x divided by y, with the sign of y (SEM-11).",
            "MODULO(x, y)",
            "x MOD y",
        ),
        _function("integer(x)", _E, "a -> a", "x cut to a whole number, towards 0 (SEM-11).", "INTEGER(x)", "INT(x)"),
        _function(
            "min(x, y = x)",
            _E,
            "a, a -> a",
            "The smaller; with one argument, the smallest over the starred dimensions.",
            "MIN(x, y)",
            "MIN(x, y)",
        ),
        _function(
            "max(x, y = x)",
            _E,
            "a, a -> a",
            "The larger; with one argument, the largest over the starred dimensions.",
            "MAX(x, y)",
            "MAX(x, y)",
        ),
        _function(
            "if_then_else(condition, then, otherwise)",
            _E,
            "?, a, a -> a",
            "`then` where the condition holds, else `otherwise` (SEM-12).",
            "IF THEN ELSE(condition, then, otherwise)",
            "IF condition THEN then ELSE otherwise",
        ),
        _function("sum(x)", _R, "a -> a", "Total over the starred dimensions.", "SUM(x!)", "SUM(x[*])"),
        _function("mean(x)", _R, "a -> a", "Average over the starred dimensions.", "SUM(x!)/ELMCOUNT", "MEAN(x[*])"),
        _function("prod(x)", _R, "1 -> 1", "Product over the starred dimensions.", "PROD(x!)", "PROD(x[*])"),
        _function(
            "safe_divide(x, y, otherwise = 0)",
            _M,
            "a, b, a/b -> a/b",
            "x / y, or `otherwise` where y is 0.",
            "XIDZ(x, y, otherwise)",
            "SAFEDIV(x, y, otherwise)",
        ),
        _function(
            "step(height, at)",
            _M,
            "a, t -> a",
            "0 before the time `at`, then `height` (SEM-20).",
            "STEP(height, at)",
            "STEP(height, at)",
        ),
        _function(
            "ramp(slope, start, end = end_time)",
            _M,
            "a/t, t, t -> a",
            "0 before `start`, then rising by `slope` a unit of time until `end` (SEM-20).",
            "RAMP(slope, start, end)",
            "RAMP(slope, start)",
        ),
        _function(
            "pulse(start, width = time_step)",
            _M,
            "t, t -> 1",
            "1 from `start` for `width`, at least one step, else 0 (SEM-20).",
            "PULSE(start, width)",
        ),
        _function(
            "pulse_train(start, width, interval > 0, end)",
            _M,
            "t, t, t, t -> 1",
            "A pulse at `start` and every `interval` after it, until `end` (SEM-20).",
            "PULSE TRAIN(start, width, interval, end)",
        ),
        _function(
            "delay1(input, delay_time > 0, initial = input)",
            _M,
            "a, t, a -> a",
            "First-order material delay (SEM-30).",
            "DELAY1I(input, delay_time, initial)",
            "DELAY1(input, delay_time, initial)",
        ),
        _function(
            "delay3(input, delay_time > 0, initial = input)",
            _M,
            "a, t, a -> a",
            "Third-order material delay (SEM-30).",
            "DELAY3I(input, delay_time, initial)",
            "DELAY3(input, delay_time, initial)",
        ),
        _function(
            "delay_n(input, delay_time > 0, order, initial = input)",
            _M,
            "a, t, #, a -> a",
            "Material delay of the given order (SEM-30).",
            "DELAY N(input, delay_time, initial, order)",
            "DELAYN(input, delay_time, order, initial)",
        ),
        _function(
            "smooth1(input, smooth_time > 0, initial = input)",
            _M,
            "a, t, a -> a",
            "First-order information delay (SEM-31).",
            "SMOOTHI(input, smooth_time, initial)",
            "SMTH1(input, smooth_time, initial)",
        ),
        _function(
            "smooth3(input, smooth_time > 0, initial = input)",
            _M,
            "a, t, a -> a",
            "Third-order information delay (SEM-31).",
            "SMOOTH3I(input, smooth_time, initial)",
            "SMTH3(input, smooth_time, initial)",
        ),
        _function(
            "smooth_n(input, smooth_time > 0, order, initial = input)",
            _M,
            "a, t, #, a -> a",
            "Information delay of the given order (SEM-31).",
            "SMOOTH N(input, smooth_time, initial, order)",
            "SMTHN(input, smooth_time, order, initial)",
        ),
        _function(
            "trend(input, average_time > 0, initial_trend = 0)",
            _M,
            "a, t, 1/t -> 1/t",
            "Fractional growth rate of `input` against its average over `average_time` (SEM-32).",
            "TREND(input, average_time, initial_trend)",
            "TREND(input, average_time, initial_trend)",
        ),
        _function(
            "forecast(input, average_time > 0, horizon, initial_trend = 0)",
            _M,
            "a, t, t, 1/t -> a",
            "`input` carried forward by `horizon` along its trend (SEM-32).",
            "FORECAST(input, average_time, horizon)",
            "FORCST(input, average_time, horizon, initial_trend)",
        ),
        _function(
            "delay_fixed(input, delay_time >= 0, initial)",
            _H,
            "a, t, a -> a",
            "`input` as it was `delay_time` ago, `initial` before that (SEM-33).",
            "DELAY FIXED(input, delay_time, initial)",
            "DELAY(input, delay_time, initial)",
        ),
        _function(
            "sample_if_true(condition, input, initial)",
            _H,
            "?, a, a -> a",
            "`input` while the condition holds; otherwise the last value sampled (SEM-34).",
            "SAMPLE IF TRUE(condition, input, initial)",
        ),
        _function(
            "initial(x)",
            Role.INITIAL,
            "a -> a",
            "The value x had at the start (SEM-35).",
            "INITIAL(x)",
            "INIT(x)",
        ),
    ]
)

RESERVED: dict[str, str] = {
    "time": "now; inside a Runge-Kutta step it moves with the stage",
    "held_time": "the time at which the current step began",
    "time_step": "length of a step",
    "start_time": "time at which the run starts",
    "end_time": "time at which the run ends",
}

IN_RESULTS: dict[str, str] = {
    "scenario": "the dimension of results that tells scenarios apart",
    "draw": "the dimension of results that tells draws apart",
    "population": "the dimension of the ledger",
}
"""Names that mean something in results, and so cannot be given to a variable or dimension either."""

HIGHEST_ORDER = 100
"""The most stages `delay_n` and `smooth_n` may have."""

REDUCIBLE = frozenset({"min", "max"})


def is_reduction(function: str, n_arguments: int) -> bool:
    """Return whether a call reduces starred dimensions: sum, mean, prod, and min or max of one argument."""
    registered = FUNCTIONS.get(function)
    if registered is None:
        return False
    return registered.role is Role.REDUCER or (function in REDUCIBLE and n_arguments == 1)
