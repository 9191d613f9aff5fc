"""The first change after a lever moves: the lowest derivative in time that is not 0, and its sign (SEM-73).

While time is short a difference grows as the first power of it that is there at all: d = c t^k. The power is read off
the difference at a time and at twice that time, whose ratio has to come to the same whole number three times running;
c times k! is the k-th derivative. The model is run over ever longer stretches of tiny steps, from a small part of one
of its own steps to a whole one, and the shortest stretch in which there is a difference to be seen decides.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import ceil, factorial, log2

import numpy as np

from wm2u_sd.checks.predicates import Array
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.scenario import Scenario

DOUBLINGS = 5  # in one stretch, from its first tiny step to its end
STRETCHES = (17, 11, 5)  # halvings of a step of the model to the first tiny step of each, shortest first
FINEST_END = 19  # halvings of a unit of time that `Time` still tells apart
ROUNDING = 1e-11  # of the size of what is compared with: smaller differences say nothing
AGREE = 0.15  # how near to a whole number a power has to be
HIGHEST = 4  # order of the integrator: higher powers cannot be told


@dataclass(frozen=True)
class Change:
    """The first derivative in time that is not 0.

    Attributes:
        order: Which derivative; 0 for a jump.
        value: Its value, in units of the outcome per unit of time to the power of `order`.
    """

    order: int
    value: float


def stretches(model: Model) -> Iterator[Model]:
    """Yield the model over stretches of tiny steps, all kept: the shortest first, the last about one step long."""
    own = ceil(log2(model.time.dt))
    for halvings in STRETCHES:
        tiny, whole = halvings - own, halvings - own - DOUBLINGS
        if whole <= FINEST_END:
            step, end = f"{2 ** max(0, -tiny)}/{2 ** max(0, tiny)}", model.time.start + 2.0**-whole
            yield model.with_time(end=end, step=step, saveper=None, method="rk4")


def as_steps(scenario: Scenario) -> Scenario:
    """Return the scenario with its levers in full force at once: a ramp begins with no force at all."""
    return replace(scenario, levers=tuple(replace(lever, ramp=0.0) for lever in scenario.levers))


def first_change(times: Array, effect: Array, size: float) -> Change | None:
    """Return the first derivative of a difference that is not 0.

    Args:
        times: Evenly spaced from the moment the lever moves.
        effect: The difference at these times.
        size: Of what it is a difference to, so that rounding can be told.

    Returns:
        The derivative, or None when the difference cannot be told from rounding, or follows no power.
    """
    floor = ROUNDING * size
    if abs(effect[0]) > floor:
        return Change(0, float(effect[0]))
    at = 2 ** np.arange(int(log2(len(times) - 1)) + 1)
    elapsed, seen = times[at] - times[0], effect[at]
    for first in range(len(at) - 3):
        order = _power(seen[first : first + 4], floor)
        if order is not None:
            return Change(order, _derivative(elapsed[first : first + 2], seen[first : first + 2], order))
    return None


def _power(seen: Array, floor: float) -> int | None:
    """Return the power of time that differences at doubling times follow, or None."""
    if np.abs(seen).min() <= floor or len(set(np.sign(seen).tolist())) > 1:
        return None
    powers = np.log2(seen[1:] / seen[:-1])
    order = round(float(powers[0]))
    return order if 1 <= order <= HIGHEST and np.abs(powers - order).max() < AGREE else None


def _derivative(elapsed: Array, seen: Array, order: int) -> float:
    """Return the derivative, the next power removed by Richardson's extrapolation."""
    near, far = seen / elapsed**order
    return float(2 * near - far) * factorial(order)
