"""Runge-Kutta methods as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Tableau:
    """An explicit Runge-Kutta method.

    Attributes:
        a: Row i weighs the rates of the earlier stages in the state of stage i + 1.
        b: Weights of the rates in the step.
        c: When each stage stands, as a share of the step.
        order: The error of a run falls as step ** order.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    c: tuple[float, ...]
    order: int


TABLEAUX: dict[str, Tableau] = {
    "euler": Tableau((), (1.0,), (0.0,), 1),
    "rk2": Tableau(((0.5,),), (0.0, 1.0), (0.0, 0.5), 2),
    "rk4": Tableau(((0.5,), (0.0, 0.5), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6), (0.0, 0.5, 0.5, 1.0), 4),
}
