"""Failures: which draws could not be carried through, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import Array, Steps
from wm2u_sd.compile.lower import INTEGRAL
from wm2u_sd.errors import SimulationError
from wm2u_sd.model.timing import Time
from wm2u_sd.simulation.run import CUMULATIVE, Failure

BELOW_ZERO = -1e-6  # of the largest value the stock takes: rounding, not a deficit
NOWHERE = -1  # the scenario of what fails before any scenario begins

Draws = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """A failure by numbers, in the order in which failures are listed."""

    kind: int
    name: int
    scenario: int
    draw: int
    reason: str

    def moved(self, scenarios: Sequence[int], first_draw: int) -> Fault:
        """Return the fault of a part of the columns as one of the whole."""
        scenario = NOWHERE if self.scenario == NOWHERE else scenarios[self.scenario]
        return replace(self, scenario=scenario, draw=self.draw + first_draw)


def named(faults: Iterable[Fault], scenarios: Sequence[str]) -> tuple[Failure, ...]:
    """Return faults in order, with names in the place of numbers."""
    return tuple(
        Failure("" if fault.scenario == NOWHERE else scenarios[fault.scenario], fault.draw, fault.reason)
        for fault in sorted(faults)
    )


def refuse_all_failed(model_name: str, first: Failure) -> NoReturn:
    """Stop when no draw is left.

    Raises:
        SimulationError: Always.
    """
    where = f" in scenario '{first.scenario}'" if first.scenario else ""
    raise SimulationError(f"{model_name}: every draw stopped; the first{where}: {first.reason}")


def unbalanced(balanced: Draws) -> list[Fault]:
    """Return the draws that cannot start at rest."""
    reason = "no values make it start at rest"
    return [Fault(0, 0, NOWHERE, int(draw), reason) for draw in np.flatnonzero(~balanced)]


def not_finite(time: Time, failed: Steps) -> list[Fault]:
    """Return the columns whose state left the numbers; `failed` is (scenario, draw), the first bad step or -1."""
    return [
        Fault(1, 0, int(s), int(d), f"values stopped being numbers by {time.units} {time.at(failed[s, d]):g}")
        for s, d in np.argwhere(failed >= 0)
    ]


def no_numbers(time: Time, times: Sequence[float], number: int, name: str, values: Array, among: Draws) -> list[Fault]:
    """Find kept values that are no numbers though every stock is one: a division by zero that feeds nothing.

    Args:
        time: Of the model.
        times: The kept moments.
        number: Place of the name among the kept names.
        name: The name.
        values: Shape (*axes, moment, scenario, draw).
        among: The columns to look at, (scenario, draw).
    """
    with np.errstate(invalid="ignore", over="ignore"):
        suspect = ~np.isfinite(values.sum(axis=_leading(values))) & among
    if not suspect.any():
        return []
    found = []
    for s, d in np.argwhere(suspect):
        bad = ~np.isfinite(values[..., s, d]).all(axis=tuple(range(values.ndim - 3)))
        if bad.any():
            label = name.replace(INTEGRAL, CUMULATIVE)
            reason = f"{label} stopped being a number by {time.units} {times[int(bad.argmax())]:g}"
            found.append(Fault(2, number, int(s), int(d), reason))
    return found


def negative(number: int, name: str, values: Array, among: Draws) -> list[Fault]:
    """Find stocks below zero that may not go there; arguments as those of `no_numbers`."""
    with np.errstate(invalid="ignore"):
        lowest = values.min(axis=_leading(values))
        below = (lowest < BELOW_ZERO) & among
        if not below.any():
            return []
        below &= lowest < BELOW_ZERO * np.maximum(1.0, np.abs(values).max(axis=_leading(values)))
    return [Fault(3, number, int(s), int(d), f"{name} fell below zero") for s, d in np.argwhere(below)]


def _leading(values: Array) -> tuple[int, ...]:
    """Return the axes before those of scenarios and draws."""
    return tuple(range(values.ndim - 2))
