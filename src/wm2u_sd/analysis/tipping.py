"""Tipping points: where a model stops settling and starts running away.

The leading eigenvalue of the model, linearised where it stands at rest, is the rate at which a small disturbance grows
(above 0) or dies out (below 0). Equations with a kink at rest, such as spending that reacts differently to more
and to less, have a different answer on each side. Given a direction, the model is linearised a little way along the
disturbance itself, and the two are found together (SEM-60). Given none, both sides of every kink are averaged, as a
central difference across it does (SEM-61); near a kink that answer belongs to no real disturbance. What
`sample_if_true` remembers stays as it is at rest (SEM-60).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from wm2u_sd.backends.base import AbstractKernel, Array, Inputs
from wm2u_sd.backends.registry import backend
from wm2u_sd.compile.lower import INTEGRAL, lower
from wm2u_sd.errors import ModelError, SimulationError
from wm2u_sd.expr.nodes import Binary, Call, Expression, Reference
from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.printer import to_text
from wm2u_sd.expr.visit import calls, rewrite
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Auxiliary, Flow
from wm2u_sd.simulation.balance import model_constants, refuse_unbalanced, rest

ASIDE = 1e-5  # how far along the disturbance the model is linearised, as a share of each stock
DIFFERENCE = 1e-10  # far smaller, so that a difference stays on one side of a kink
ACROSS = 1e-6  # difference across kinks, when no side is asked for
MOST_ITERATIONS = 40
AGREED = 1e-6
GOOD_ENOUGH = 5e-5  # closer to a tipping point rounding decides between sides of a kink that all but meet
NO_SIDE = "no small disturbance keeps to its own side of the kinks; the model may be cycling"
STANDS_STILL = 1e-6  # of a stock, in a unit of time: more than that and there is no rest to disturb


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

    def __init__(self, model: Model, kernel: AbstractKernel) -> None:
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
        moment = kernel.at_start(Inputs(self.constants, 1))
        self.origin = moment.state[: self.n]
        self.scale = np.maximum(np.abs(self.origin), 1e-3)
        self.refuse_moving(model.name, np.abs(moment.rates[: self.n] / self.scale)[:, 0])

    def refuse_moving(self, name: str, speed: Array) -> None:
        if not self.n:
            raise SimulationError(f"{name} has no stocks, so nothing in it can grow")
        fastest = int(np.argmax(speed))
        if not speed[fastest] <= STANDS_STILL:
            raise SimulationError(
                f"{name} is not at rest at its start: {self.names[fastest]} moves by {speed[fastest]:.2g} of itself in "
                "a unit of time. Give the model a 'balance', or start it where it stands still"
            )

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


def _compiled(model: Model) -> AbstractKernel:
    return backend("numpy").compile(lower(_remembering(model)))


def _remembering(model: Model) -> Model:
    """Return the model with its samples written out: taken anew while they are taken, else what they were at rest.

    Raises:
        ModelError: It has a fixed delay, which no finite number of stocks stands for.
    """
    written = [v for v in model.variables.values() if isinstance(v, Flow | Auxiliary)]
    trees = {v.name: parse(v.equation) for v in written}
    for name, tree in trees.items():
        if any(call.function == "delay_fixed" for call in calls(tree)):
            raise ModelError(
                f"{name} has a fixed delay, whose growth this cannot find; use delay_n of a high order in its place"
            )
    sampling = {n: t for n, t in trees.items() if any(call.function == "sample_if_true" for call in calls(t))}
    changed = [v for v in written if v.name in sampling]
    return model.define(*(replace(v, equation=to_text(rewrite(sampling[v.name], _written_out))) for v in changed))


def _written_out(node: Expression) -> Expression:
    """Write out a sample, its condition one step after the start and what it remembers as of the start."""
    if not (isinstance(node, Call) and node.function == "sample_if_true"):
        return node
    condition, taken, first = node.arguments
    remembered = Call("if_then_else", tuple(Call("initial", (part,)) for part in (condition, taken, first)))
    return Call("if_then_else", (rewrite(condition, _a_step_later), taken, remembered))


def _a_step_later(node: Expression) -> Expression:
    return Binary("+", node, Reference("time_step")) if node == Reference("time") else node


def growth(model: Model, push: Mapping[str, float] | None = None) -> Growth:
    """Return how fast a small disturbance grows.

    Args:
        model: At rest at its start (solved first when it has a `balance`).
        push: Stocks -> +1 or -1: which way the disturbance goes, e.g. {"in_hospital": 1} for too many. None averages
            both sides of every kink. One that swings to and fro across a kink has the slower rate of its two sides.

    Raises:
        NameUnknownError: A name of `push` is not in the model.
        ModelError: `push` names no stock, or the model has a fixed delay.
        SimulationError: The model is not at rest, or no disturbance keeps to its own side of the kinks.
    """
    return _growth(model, _compiled(model), push)


def _growth(model: Model, kernel: AbstractKernel, push: Mapping[str, float] | None) -> Growth:
    sign = _signs(model, push)
    system = _AtRest(model, kernel)
    if push is None:
        rate, vector = _leading(system.jacobian(np.zeros(system.n), ACROSS))
        return Growth(rate, dict(zip(system.names, vector.tolist(), strict=True)))
    rate, shape = _settled(system, np.array([sign.get(name, 0.0) for name in system.names]))
    return Growth(rate, dict(zip(system.names, shape.tolist(), strict=True)))


def _signs(model: Model, push: Mapping[str, float] | None) -> Mapping[str, float]:
    """Return which way each stock is pushed; the push of anything else is refused."""
    stocks = {stock.name for stock in model.stocks()}
    for name in push or {}:
        if model.get(name).name not in stocks:
            raise ModelError(f"push: '{name}' is no stock; push one of {', '.join(sorted(stocks))}")
    if push is not None and not any(push.values()):
        raise ModelError("push: say which stock, and which way: +1 or -1")
    return push or {}


def _leading(jacobian: Array) -> tuple[float, Array]:
    values, vectors = np.linalg.eig(jacobian)
    leading = int(np.argmax(values.real))
    vector = vectors[:, leading].real
    return float(values[leading].real), vector / np.abs(vector).max()


def _settled(system: _AtRest, sign: Array) -> tuple[float, Array]:
    """Look for a disturbance that keeps its shape when the model is linearised along it, half a move at a time."""
    shape, closest, at_rest = sign / np.abs(sign).max(), (np.inf, np.nan, sign), 0
    for _ in range(MOST_ITERATIONS):
        rate, found = _leading(system.along(shape))
        found = found if float(found @ sign) >= 0 else -found
        at_rest += abs(rate) < GOOD_ENOUGH
        gap = 0.0 if at_rest == 2 else abs(_leading(system.along(found))[0] - rate)
        closest = min(closest, (gap, rate, found), key=lambda tried: tried[0])
        if gap < AGREED:
            break
        shape = (shape + found) / np.abs(shape + found).max()
    gap, rate, found = closest
    if gap > GOOD_ENOUGH:
        raise SimulationError(NO_SIDE)
    return (_swinging(system, found) if _swings_across(system, found) else rate), found


def _swings_across(system: _AtRest, shape: Array) -> bool:
    """Whether the fastest disturbance swings to and fro, and meets another model on the other side."""
    here, there = system.along(shape), system.along(-shape)
    values = np.linalg.eigvals(here)
    leading = values[np.argmax(values.real)]
    return bool(abs(leading.imag) > GOOD_ENOUGH and np.abs(here - there).max() > GOOD_ENOUGH)


def _swinging(system: _AtRest, shape: Array) -> float:
    """Return the slower of the rates on the two sides of a swing, which must agree whether it grows."""
    rates = [_leading(system.along(side))[0] for side in (shape, -shape)]
    slower = min(rates, key=abs)
    if rates[0] * rates[1] <= 0 or abs(slower) < GOOD_ENOUGH:
        raise SimulationError(NO_SIDE)
    return slower


def tipping_point(
    model: Model,
    constants: str | Sequence[str],
    low: float,
    high: float,
    push: Mapping[str, float] | None = None,
) -> float:
    """Return the value of a constant at which disturbances stop dying out.

    Args:
        model: At rest at its start; re-balanced for every value tried.
        constants: Name of the constant to vary, or several to be given the same value together.
        low: One end of where to look.
        high: The other; the growth rate must change sign between them.
        push: Which way the disturbance goes, as in `growth`; the answer is then good to about 1e-4. None averages both
            sides of every kink, and where there is one gives a value at which no real disturbance tips.

    Raises:
        NameUnknownError: A name is not in the model.
        SimulationError: The rate has the same sign at both ends: there is no tipping point between them, or two.
    """
    from scipy.optimize import brentq

    names = [constants] if isinstance(constants, str) else list(constants)
    kernel = _compiled(model)

    def rate(value: float) -> float:
        return _growth(model.with_values(dict.fromkeys(names, value)), kernel, push).rate

    at_low, at_high = rate(low), rate(high)
    if at_low * at_high > 0:
        raise SimulationError(
            f"{', '.join(names)}: disturbances {'grow' if at_low > 0 else 'die out'} both at {low:g} and at {high:g}; "
            "no single tipping point lies between"
        )
    return float(brentq(rate, low, high, xtol=1e-6))
