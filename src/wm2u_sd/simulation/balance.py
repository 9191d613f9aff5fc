"""Find the constants that make a model start at rest, for every draw at once.

The unknowns are the constants named in `Balance.solve`; the conditions are that the stocks in `Balance.steady` stand
still at the first moment and the auxiliaries in `Balance.zero` are 0. Newton's method with a differenced Jacobian, the
draws of a piece that have not settled in one batch. What is found for a draw does not depend on the draws beside it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import AbstractKernel, Array, Inputs
from wm2u_sd.compile.program import Program
from wm2u_sd.errors import ModelError, SimulationError
from wm2u_sd.model.model import Balance, Model

MOST_ITERATIONS = 60
CLOSE_ENOUGH = 1e-12  # of the size of a stock, a month: far below what any figure here is known to
STEP = 1e-7
LONGEST_MOVE = 1.0  # a factor of e in one iteration
SHORTEST_STEP = 1 / 64
DRAWS_AT_ONCE = 16_384  # in fewer pieces, as each ends with a few draws that need many iterations
JACOBIANS_AT_ONCE = 4_096  # they have the square of the number of unknowns as numbers, each
COLUMNS_AT_ONCE = 8_192  # what they read stays in the processor's second cache
RATE = "rate of "

Which = NDArray[np.intp]
"""For each column, the draw it belongs to."""


def resting(model: Model, program: Program) -> Program:
    """Return a program of no steps that gives the rates of a balance's stocks by name, so that only they are run.

    Raises:
        ModelError: The balance names what it should not.
    """
    rates = {slot.name: number for slot, number in zip(program.states, program.rates, strict=True)}
    named = {RATE + name: rates[name] for name in _checked(model).steady}
    still = replace(program.time, end=program.time.start, saveper=None)
    return replace(program, time=still, step=replace(program.step, values={**program.step.values, **named}))


def rest(
    model: Model, kernel: AbstractKernel, constants: Mapping[str, Array], n_draws: int
) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """Solve `model.balance` for every draw.

    Args:
        model: Its `balance` says what to find.
        kernel: The compiled model; compiled from what `resting` gives it is quicker.
        constants: Every constant, (*axes, draws) or (*axes, 1).
        n_draws: Number of draws.

    Returns:
        The solved constants, shape (draws,) each, and for each draw whether a solution was found.

    Raises:
        ModelError: The balance names what it should not.
    """
    balance = _checked(model)
    conditions = _Conditions(kernel, balance, constants)
    begin = np.array([np.broadcast_to(constants[name], n_draws) for name in balance.solve])
    found, solved = np.empty_like(begin), np.empty(n_draws, dtype=bool)

    def solve(first: int) -> None:
        own = slice(first, min(first + DRAWS_AT_ONCE, n_draws))
        found[:, own], solved[own] = _Search(conditions, begin[:, own], first).solve()

    pieces = range(0, n_draws, DRAWS_AT_ONCE)
    with ThreadPoolExecutor(min(len(pieces), os.cpu_count() or 1)) as pool:
        list(pool.map(solve, pieces))
    return dict(zip(balance.solve, found, strict=True)), solved


def model_constants(model: Model) -> list[str]:
    """Return the names of the constants, in the order a program has them."""
    return [constant.name for constant in model.constants()]


def _checked(model: Model) -> Balance:
    balance = model.balance
    if balance is None:
        raise ModelError(f"{model.name} has no balance: say which constants to find and which stocks stand still")
    conditions = [*balance.steady, *balance.zero]
    if len(balance.solve) != len(conditions):
        raise ModelError(
            f"{model.name}: balance finds {len(balance.solve)} constants from {len(conditions)} conditions; "
            "give one condition for each"
        )
    stocks = {stock.name for stock in model.stocks()}
    for name in balance.solve:
        if model.constant(name).over:
            raise ModelError(f"balance: '{name}' has dimensions; only single numbers can be found")
    for name in balance.steady:
        if name not in stocks:
            raise ModelError(f"balance: '{name}' is no stock, so it cannot be steady")
    for name in balance.zero:
        model.get(name)
    return balance


@dataclass(frozen=True)
class _Conditions:
    """What is 0 at rest, for any values of the unknowns."""

    kernel: AbstractKernel
    balance: Balance
    constants: Mapping[str, Array]

    def __call__(self, values: Array, which: Which) -> Array:
        """Return the conditions of some draws, a stock's as a share of its content.

        Args:
            values: Of the unknowns, shape (unknown, column).
            which: The draw whose other constants each column has.
        """
        found = np.empty((len(self.balance.steady) + len(self.balance.zero), len(which)))
        for first in range(0, len(which), COLUMNS_AT_ONCE):
            own = slice(first, first + COLUMNS_AT_ONCE)
            found[:, own] = self.at_once(values[:, own], which[own])
        return found

    def at_once(self, values: Array, which: Which) -> Array:
        wide = {
            name: value if value.shape[-1] == 1 else value.take(which, axis=-1) for name, value in self.read.items()
        }
        wide |= dict(zip(self.balance.solve, values, strict=True))
        inputs = Inputs(list(wide.values()), len(which))
        if self.kernel.program.time.n_steps or not self.is_named:
            return self.at_start(inputs)
        kept, _ = self.kernel.run(inputs, self.names, [0])
        steady = [_share(kept[RATE + name], kept[name]) for name in self.balance.steady]
        return np.array([*steady, *(kept[name][0] for name in self.balance.zero)])

    def at_start(self, inputs: Inputs) -> Array:
        rows = {slot.name: slot.rows for slot in self.kernel.program.states}
        moment = self.kernel.at_start(inputs, names=[*self.balance.steady, *self.balance.zero])
        steady = [_share(moment.rates[rows[name]], moment.state[rows[name]]) for name in self.balance.steady]
        zero = [np.broadcast_to(moment.values[name], inputs.n_draws) for name in self.balance.zero]
        return np.array([*steady, *zero])

    @cached_property
    def is_named(self) -> bool:
        return all(RATE + name in self.kernel.program.step.values for name in self.balance.steady)

    @cached_property
    def names(self) -> list[str]:
        steady = self.balance.steady
        return [*steady, *(RATE + name for name in steady), *self.balance.zero]

    @cached_property
    def read(self) -> dict[str, Array]:
        """The constants; of those that no condition depends on the first draw stands for all."""
        names = [slot.name for slot in self.kernel.program.constants]
        reads = _constants_read(self.kernel.program, self.balance)
        return {
            name: self.constants[name] if number in reads else self.constants[name][..., :1]
            for number, name in enumerate(names)
        }


def _constants_read(program: Program, balance: Balance) -> set[int]:
    """Return the numbers of the constants that the conditions of a balance depend on at the first moment."""
    rates = {slot.name: number for slot, number in zip(program.states, program.rates, strict=True)}
    states = {slot.name: number for slot, number in zip(program.states, program.initials, strict=True)}
    todo = [(program.step, rates[name]) for name in balance.steady]
    todo += [(program.start, states[name]) for name in balance.steady]
    todo += [(program.step, program.step.values[name]) for name in balance.zero if name in program.step.values]
    seen: set[tuple[int, int]] = set()
    found: set[int] = set()
    begun = {
        "state": lambda k: [program.initials[k]],
        "frozen": lambda k: [program.frozen_values[k]],
        "memory": lambda k: [program.memories[k].initial],
        "line": lambda k: [program.lines[k].initial, program.lines[k].delay],
    }
    while todo:
        code, number = todo.pop()
        if (id(code), number) in seen:
            continue
        seen.add((id(code), number))
        one = code.instructions[number]
        todo += [(code, argument) for argument in one.arguments]
        todo += [(program.start, other) for other in begun.get(one.operation, lambda _: [])(one.payload)]
        if one.operation == "constant":
            found.add(one.payload)
    return found


def _share(rates: Array, content: Array) -> Array:
    """Return a stock's rate of change over its content, or over 1 when it holds less."""
    share: Array = _whole(rates) / np.maximum(1.0, _whole(np.abs(content)))
    return share


def _whole(values: Array) -> Array:
    """Return values summed over their elements."""
    total: Array = values.sum(axis=tuple(range(values.ndim - 1))) if values.ndim > 1 else values
    return total


@dataclass(frozen=True)
class _Search:
    """Damped Newton iteration on all draws of a piece at once.

    Attributes:
        conditions: What is to be 0.
        begin: Where the unknowns are sought from, shape (unknown, draw).
        first: Number of the first draw of the piece.
    """

    conditions: _Conditions
    begin: Array
    first: int

    def outward(self, x: Array, which: Which) -> Array:
        """Positive unknowns are sought as multiples, so that they stay positive; others as they are."""
        begin = self.begin[:, which]
        return np.where(begin > 0, begin * np.exp(x), begin + x)

    def residuals(self, values: Array, which: Which) -> Array:
        return self.conditions(values, which + self.first)

    def solve(self) -> tuple[Array, NDArray[np.bool_]]:
        """Return the unknowns, and for each draw whether they are found.

        A draw is left alone once it is close enough or no share of a move has helped it: it would only try the same
        again.
        """
        everyone = which = np.arange(self.begin.shape[1])
        x = np.zeros_like(self.begin)
        value = self.residuals(self.outward(x, which), which)
        best = _worst(value)
        for _ in range(MOST_ITERATIONS):
            which = which[best[which] >= CLOSE_ENOUGH]
            if not which.size:
                break
            which = self.line_search(x, self.moves(x, value, which), value, best, which)
        return self.outward(x, everyone), best < 1e3 * CLOSE_ENOUGH

    def moves(self, x: Array, value: Array, which: Which) -> Array:
        """Return the next move of some draws, shape (unknown, draw), worked out for a few at a time."""
        found = np.empty((len(x), len(which)))
        for first in range(0, len(which), JACOBIANS_AT_ONCE):
            own = which[first : first + JACOBIANS_AT_ONCE]
            found[:, first : first + len(own)] = self.newton(x[:, own], value[:, own], own)
        return np.clip(found, -LONGEST_MOVE, LONGEST_MOVE)

    def newton(self, x: Array, value: Array, which: Which) -> Array:
        """Return how far a move of Newton's method goes."""
        n, draws = x.shape
        shifted = np.repeat(self.outward(x, which)[:, np.newaxis, :], n, axis=1)
        shifted[np.arange(n), np.arange(n)] = self.outward(x + STEP, which)
        beside = self.residuals(shifted.reshape(n, n * draws), np.tile(which, n)).reshape(n, n, draws)
        with np.errstate(invalid="ignore", over="ignore"):  # a draw that left the numbers is not balanced, see _worst
            jacobian = (beside - value[:, np.newaxis, :]) / STEP
        matrices, right = _numbers(np.moveaxis(jacobian, -1, 0)), _numbers(value.T)
        return -_solve(matrices, right[..., np.newaxis])[..., 0].T

    def line_search(self, x: Array, move: Array, value: Array, best: Array, which: Which) -> Which:
        """Halve the moves of some draws until each helps, take them in `x`, `value` and `best`; return those helped."""
        share, pending, helped = 1.0, np.arange(len(which)), []
        while share >= SHORTEST_STEP and pending.size:
            draws = which[pending]
            trial = x[:, draws] + share * move[:, pending]
            trial_value = self.residuals(self.outward(trial, draws), draws)
            trial_worst = _worst(trial_value)
            better = trial_worst < best[draws]
            taken = draws[better]
            x[:, taken], value[:, taken], best[taken] = trial[:, better], trial_value[:, better], trial_worst[better]
            helped.append(taken)
            pending, share = pending[~better], share / 2
        return np.sort(np.concatenate(helped)) if helped else which[:0]


def _numbers(values: Array) -> Array:
    """Return values with something finite in the place of what is no number."""
    return values if np.isfinite(values).all() else np.nan_to_num(values)


def _worst(value: Array) -> Array:
    with np.errstate(invalid="ignore"):
        worst: Array = np.abs(value).max(axis=0)
    return np.where(np.isfinite(worst), worst, np.inf)


def _solve(matrices: Array, right: Array) -> Array:
    """Solve many small systems; a singular one gets a least-squares answer, and the others the one they always get."""
    try:
        return np.asarray(np.linalg.solve(matrices, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.asarray(np.linalg.pinv(matrices) @ right, dtype=np.float64)
        return np.concatenate([_solve(matrices[k : k + 1], right[k : k + 1]) for k in range(len(matrices))])


def refuse_unbalanced(model: Model, solved: NDArray[np.bool_]) -> None:
    """Stop when no draw at all could be balanced.

    Raises:
        SimulationError: None was.
    """
    if model.balance is not None and not solved.any():
        raise SimulationError(
            f"{model.name}: no values of {', '.join(model.balance.solve)} make it start at rest. "
            "Look at the starting stocks: some may be more than their inflows can feed."
        )
