"""Functions that are small models: expanded into levels and equations before any backend sees them.

To add one, write its equations here as text in terms of its arguments, and register it in `expr.functions`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Level:
    """A stock inside a small model: where it starts and its net rate of change, as equation text."""

    name: str
    initial: str
    net: str


@dataclass(frozen=True, slots=True)
class SmallModel:
    """The inside of a function.

    Attributes:
        result: Equation text of the value.
        levels: Stocks, in order.
        parts: Named equations (name, text) that levels and result may use.
    """

    result: str
    levels: tuple[Level, ...] = ()
    parts: tuple[tuple[str, str], ...] = ()


def material_delay(order: int) -> SmallModel:
    """`order` equal first-order delays in a row; what goes in comes out (SEM-30)."""
    parts = [(f"out_{i}", f"level_{i} * {order} / delay_time") for i in range(1, order + 1)]
    sources = ["input", *(name for name, _ in parts)]
    levels = [
        Level(f"level_{i}", f"initial * delay_time / {order}", f"{sources[i - 1]} - out_{i}")
        for i in range(1, order + 1)
    ]
    return SmallModel(f"out_{order}", tuple(levels), tuple(parts))


def information_delay(order: int) -> SmallModel:
    """`order` exponential averages in a row (SEM-31)."""
    sources = ["input", *(f"level_{i}" for i in range(1, order + 1))]
    levels = [
        Level(f"level_{i}", "initial", f"({sources[i - 1]} - level_{i}) * {order} / smooth_time")
        for i in range(1, order + 1)
    ]
    return SmallModel(f"level_{order}", tuple(levels))


AVERAGE = Level("average", "input / (1 + initial_trend * average_time)", "(input - average) / average_time")


def growth(by: str) -> str:
    """Growth of the input since its average, a unit of time, as a share of `by`; 0 where the average is 0 (SEM-32)."""
    return f"if_then_else(average = 0, 0, (input - average) / (average_time * {by}))"


FIXED: dict[str, SmallModel] = {
    "safe_divide": SmallModel("if_then_else(y = 0, otherwise, x / y)"),
    "step": SmallModel("if_then_else(held_time + time_step / 2 > at, height, 0)"),
    "ramp": SmallModel("slope * max(0, min(held_time, end) - start)"),
    "pulse": SmallModel(
        "if_then_else(held_time + time_step / 2 > start"
        " and held_time + time_step / 2 < start + max(width, time_step), 1, 0)"
    ),
    "pulse_train": SmallModel(
        "if_then_else(held_time + time_step / 2 > start and held_time + time_step / 2 < end"
        " and modulo(held_time + time_step / 2 - start, interval) < max(width, time_step), 1, 0)"
    ),
    "delay1": material_delay(1),
    "delay3": material_delay(3),
    "smooth1": information_delay(1),
    "smooth3": information_delay(3),
    "trend": SmallModel(growth("abs(average)"), (AVERAGE,)),
    "forecast": SmallModel("input * (1 + growth * horizon)", (AVERAGE,), (("growth", growth("average")),)),
}

OF_ORDER: dict[str, Callable[[int], SmallModel]] = {"delay_n": material_delay, "smooth_n": information_delay}
