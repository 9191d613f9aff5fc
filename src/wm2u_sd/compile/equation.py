"""A bare equation: what a named value is once its record has been left behind."""

from __future__ import annotations

from dataclasses import dataclass

from wm2u_sd.expr.nodes import Expression

Over = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Equation:
    """A named value: its dimensions and the expression for it."""

    over: Over
    expression: Expression
