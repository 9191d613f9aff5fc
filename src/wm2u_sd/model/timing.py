"""Simulation time: a start, an end and a step that divides the span exactly.

Every time is worked out as start + k * step from the integer k in exact fractions, so that no rounding
accumulates over a long run (SEM-01).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

from wm2u_sd.errors import ModelError

METHODS = ("euler", "rk2", "rk4")
LONGEST_RUN = 10_000_000
FARTHEST = 1_000_000_000
TEXT = re.compile(r"[-+]?[0-9]{1,12}(\.[0-9]{0,12})?(/[0-9]{1,12})?|[-+]?\.[0-9]{1,12}", re.ASCII)
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def exact(value: float | int | str | Fraction, what: str) -> Fraction:
    """Read a time as an exact fraction: a number, or text such as '1/8'.

    Raises:
        ModelError: `value` is not a number of moderate size.
    """
    try:
        if isinstance(value, str) and not TEXT.fullmatch(value.strip()):
            raise ValueError
        fraction = Fraction(value) if isinstance(value, str) else Fraction(value).limit_denominator(1_000_000)
    except (ValueError, OverflowError, ZeroDivisionError, TypeError):
        raise ModelError(f"time: {what} is {value!r}; it must be a number such as 0.125 or '1/8'") from None
    if abs(fraction) > FARTHEST:
        raise ModelError(f"time: {what} is {value!r}; the limit is {FARTHEST:,} either way")
    return fraction


def _is_date(value: object) -> bool:
    """Whether a value is text such as '2025-03-31', of a day that there is."""
    try:
        return isinstance(value, str) and DATE.fullmatch(value) is not None and bool(date.fromisoformat(value))
    except ValueError:
        return False


def _whole_steps(span: Fraction, step: Fraction, what: str) -> int:
    count = span / step
    if count.denominator != 1:
        raise ModelError(
            f"time: step {float(step):g} does not divide {what} {float(span):g} exactly "
            f"({float(count):.6g} steps); choose a step that does, such as {_near(span, step)}"
        )
    return count.numerator


def _near(span: Fraction, step: Fraction) -> str:
    """Return a step no longer than `step` that divides `span`: a half, a quarter ... of a unit where one does."""
    halves = (Fraction(1, 2**power) for power in range(11))
    found = next((half for half in halves if half <= step and (span / half).denominator == 1), None)
    return str(found or span / (span // step + 1))


@dataclass(frozen=True)
class Time:
    """When a run starts and ends, how long a step is, and which moments are kept.

    Attributes:
        start, end: In `units`.
        step: Length of a step; a number, a Fraction or text such as '1/8'. Must divide end - start exactly.
        units: Unit of time of the model, e.g. 'month'.
        saveper: Time between kept values, a whole number of steps; None keeps every step.
        method: 'euler', 'rk2' (midpoint) or 'rk4'.
        origin: ISO date of time 0, for labels, e.g. '2025-03-31'; '' when time is abstract.

    Raises:
        ModelError: The step does not divide, the order is wrong, the method is unknown, or the origin is no date.
    """

    start: float = 0.0
    end: float = 1.0
    step: float | str | Fraction = 1.0
    units: str = "month"
    saveper: float | str | Fraction | None = None
    method: str = "euler"
    origin: str = ""

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise ModelError(f"time: method is {self.method!r}; it must be one of {', '.join(METHODS)}")
        if self.origin != "" and not _is_date(self.origin):
            raise ModelError(
                f"time: origin is {self.origin!r}; it must be the date of time 0 as '2025-03-31', or '' for no date"
            )
        self._settle()
        if self.exact_step <= 0:
            raise ModelError(f"time: step is {self.step}; it must be above 0")
        if exact(self.end, "end") < exact(self.start, "start"):
            raise ModelError(f"time: end {self.end:g} is before start {self.start:g}")
        if self.span / self.exact_step > LONGEST_RUN:
            raise ModelError(f"time: {float(self.span / self.exact_step):.3g} steps; the limit is {LONGEST_RUN:,}")
        _whole_steps(self.span, self.exact_step, "the span")
        if self.steps_per_save < 1:
            raise ModelError(f"time: saveper is {self.saveper}; it must be at least one step ({self.step})")

    def _settle(self) -> None:
        """Keep the ends as numbers and the lengths as numbers or text, whatever they were given as."""
        for name in ("start", "end"):
            value = getattr(self, name)
            if not isinstance(value, int | float):
                object.__setattr__(self, name, float(exact(value, name)))
        for name in ("step", "saveper"):
            value = getattr(self, name)
            if not isinstance(value, int | float | str) and not (value is None and name == "saveper"):
                object.__setattr__(self, name, str(exact(value, name)))

    @cached_property
    def span(self) -> Fraction:
        """Length of the run."""
        return exact(self.end, "end") - exact(self.start, "start")

    @cached_property
    def exact_step(self) -> Fraction:
        """Length of a step as a fraction."""
        return exact(self.step, "step")

    @cached_property
    def dt(self) -> float:
        """Length of a step."""
        return float(self.exact_step)

    @cached_property
    def n_steps(self) -> int:
        """Number of steps from start to end."""
        return _whole_steps(self.span, self.exact_step, "the span")

    @cached_property
    def steps_per_save(self) -> int:
        """Number of steps between kept values."""
        if self.saveper is None:
            return 1
        return _whole_steps(exact(self.saveper, "saveper"), self.exact_step, "saveper")

    def at(self, step: int) -> float:
        """Return the time after `step` whole steps."""
        return float(exact(self.start, "start") + step * self.exact_step)

    def saved_steps(self) -> list[int]:
        """Return the step numbers whose values are kept; always includes the start and the end."""
        steps = list(range(0, self.n_steps + 1, self.steps_per_save))
        return steps if steps[-1] == self.n_steps else [*steps, self.n_steps]

    def saved_times(self) -> list[float]:
        """Return the kept times."""
        return [self.at(step) for step in self.saved_steps()]
