"""The first change after a lever moves: the lowest derivative in time that is not 0, and its sign (SEM-73).

The model is run for about one of its own steps in many tiny ones. While time is short a difference grows as its first
power that is there at all: d = c t^k. The power is read off the ratio of the difference at a time and at twice that
time, which has to come to the same whole number three times running; c times k! is the k-th derivative.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil, factorial, log2

import numpy as np

from wm2u_sd.checks.predicates import Array
from wm2u_sd.model.model import Model
from wm2u_sd.simulate.scenario import Scenario

TINY_STEPS = 128  # in about one step of the model; a power of 2, so that times double exactly
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


def tiny(model: Model) -> Model:
    """Return the model over about one of its steps, in tiny ones that are all kept."""
    step = 2.0 ** ceil(log2(model.time.dt / TINY_STEPS))
    end = model.time.start + TINY_STEPS * step
    return model.with_time(end=end, step=step, saveper=step, method="rk4")


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
        some = seen[first : first + 4]
        if np.abs(some).min() > floor and abs(np.sign(some).sum()) == len(some):
            powers = np.log2(some[1:] / some[:-1])
            order = round(float(powers[0]))
            if 1 <= order <= HIGHEST and np.abs(powers - order).max() < AGREE:
                return Change(order, _derivative(elapsed[first : first + 2], some[:2], order))
    return None


def _derivative(elapsed: Array, seen: Array, order: int) -> float:
    """Return the derivative, the next power removed by Richardson's extrapolation."""
    near, far = seen / elapsed**order
    return float(2 * near - far) * factorial(order)
