"""Tipping points: where a model stops settling and starts running away.

The leading eigenvalue of the model, linearised where it stands at rest, is the rate at which a small disturbance grows
(above 0) or dies out (below 0). Equations with a kink at rest, such as spending that reacts differently to more
and to less, have a different answer on each side. Given a direction, the model is linearised a little way along the
disturbance itself, and the two are found together (SEM-60). Given none, both sides of every kink are averaged, as a
central difference across it does (SEM-61); near a kink that answer belongs to no real disturbance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wm2u_sd.backends.base import AbstractKernel, Array, Inputs
from wm2u_sd.backends.registry import backend
from wm2u_sd.compile.lower import INTEGRAL, lower
from wm2u_sd.errors import ModelError, SimulationError
from wm2u_sd.model.model import Model
from wm2u_sd.simulate.balance import model_constants, refuse_unbalanced, rest

ASIDE = 1e-4  # how far along the disturbance the model is linearised, as a share of each stock
DIFFERENCE = 1e-9  # far smaller, so that a difference stays on one side of a kink
ACROSS = 1e-6  # difference across kinks, when no side is asked for
MOST_ITERATIONS = 40
AGREED = 1e-8
GOOD_ENOUGH = 5e-5  # near a tipping point the sides of a kink all but meet, and rounding decides between them


@dataclass(frozen=True)
class Growth:
    """How a small disturbance develops.

    Attributes:
        rate: Leading eigenvalue, per unit of time of the model: above 0 it grows, below 0 it dies out.
        shape: For each stock, its part in the disturbance that grows fastest (largest part 1, in shares of the stock).
    """

    rate: float
    shape: Mapping[str, float]


class _AtRest:
    """A model at its starting state, ready to be disturbed."""

    def __init__(self, model: Model) -> None:
        kernel = backend("numpy").compile(lower(model))
        constants = {c.name: np.asarray(c.value, float)[..., np.newaxis] for c in model.constants()}
        if model.balance is not None:
            solved, found = rest(model, kernel, constants, 1)
            refuse_unbalanced(model, found)
            constants |= solved
        self.kernel: AbstractKernel = kernel
        self.constants = [constants[name] for name in model_constants(model)]
        slots = [slot for slot in kernel.program.states if not slot.name.startswith(INTEGRAL)]
        self.names = [slot.name for slot in slots for _ in range(slot.last - slot.first)]
        self.n = len(self.names)
        self.origin = kernel.at_start(Inputs(self.constants, 1)).state[: self.n]
        self.scale = np.maximum(np.abs(self.origin), 1e-3)

    def rates(self, states: Array) -> Array:
        """Rates of change, in shares of each stock, at states given in shares of each stock away from rest."""
        whole = self.origin + states * self.scale
        inputs = Inputs([self.wide(value, states.shape[1]) for value in self.constants], states.shape[1])
        return self.kernel.at_start(inputs, whole).rates[: self.n] / self.scale

    @staticmethod
    def wide(value: Array, columns: int) -> Array:
        return value if value.shape[-1] in (1, columns) else np.repeat(value, columns, axis=-1)

    def jacobian(self, aside: Array, width: float) -> Array:
        moves = np.eye(self.n) * width
        both = self.rates(np.concatenate([aside[:, None] + moves, aside[:, None] - moves], axis=1))
        difference: Array = (both[:, : self.n] - both[:, self.n :]) / (2 * width)
        return difference

    def along(self, shape: Array) -> Array:
        """Return the Jacobian at rest on the side of `shape`, extrapolated from two points along it."""
        near = self.jacobian(ASIDE / 2 * shape, DIFFERENCE)
        return 2 * near - self.jacobian(ASIDE * shape, DIFFERENCE)


def growth(model: Model, push: Mapping[str, float] | None = None) -> Growth:
    """Return how fast a small disturbance grows.

    Args:
        model: At rest at its start (solved first when it has a `balance`).
        push: Stocks -> +1 or -1: which way the disturbance goes, e.g. {"in_hospital": 1} for too many. None averages both
            sides of every kink.

    Raises:
        NameUnknownError: A name of `push` is not in the model.
        SimulationError: No disturbance keeps to its own side of the kinks.
    """
    system = _AtRest(model)
    if push is None:
        rate, vector = _leading(system.jacobian(np.zeros(system.n), ACROSS))
        return Growth(rate, dict(zip(system.names, vector.tolist(), strict=True)))
    for name in push:
        model.get(name)
    sign = np.array([push.get(name, 0.0) for name in system.names])
    if not sign.any():
        raise ModelError(f"push names no stock: {', '.join(push) or 'it is empty'}")
    rate, shape = _settled(system, sign)
    return Growth(rate, dict(zip(system.names, shape.tolist(), strict=True)))


def _leading(jacobian: Array) -> tuple[float, Array]:
    values, vectors = np.linalg.eig(jacobian)
    leading = int(np.argmax(values.real))
    vector = vectors[:, leading].real
    return float(values[leading].real), vector / np.abs(vector).max()


def _settled(system: _AtRest, sign: Array) -> tuple[float, Array]:
    """Iterate between a disturbance and the model linearised along it, half a move at a time, until they agree."""
    shape, before, gap = sign / np.abs(sign).max(), np.inf, np.inf
    for _ in range(MOST_ITERATIONS):
        rate, found = _leading(system.along(shape))
        found = found if float(found @ sign) >= 0 else -found
        shape = (shape + found) / np.abs(shape + found).max()
        before, gap = rate, abs(rate - before)
        if gap < AGREED:
            break
    if gap > GOOD_ENOUGH:
        raise SimulationError("no small disturbance keeps to its own side of the kinks; the model may be cycling")
    return rate, shape


def tipping_point(
    model: Model, constants: str | Sequence[str], low: float, high: float
) -> float:
    """Return the value of a constant at which disturbances stop dying out, both sides of every kink averaged.

    Args:
        model: At rest at its start; re-balanced for every value tried.
        constants: Name of the constant to vary, or several to be given the same value together.
        low, high: Where to look; the growth rate must change sign between them.

    Raises:
        SimulationError: The rate has the same sign at both ends: there is no tipping point between them, or two.
    """
    from scipy.optimize import brentq

    names = [constants] if isinstance(constants, str) else list(constants)

    def rate(value: float) -> float:
        return growth(model.with_values(dict.fromkeys(names, value))).rate

    at_low, at_high = rate(low), rate(high)
    if at_low * at_high > 0:
        raise SimulationError(
            f"{', '.join(names)}: disturbances {'grow' if at_low > 0 else 'die out'} both at {low:g} and at {high:g}; "
            "no single tipping point lies between"
        )
    return float(brentq(rate, low, high, xtol=1e-6))
