"""Find the constants that make a model start at rest, for every draw at once.

The unknowns are the constants named in `Balance.solve`; the conditions are that the stocks in `Balance.steady` stand
still at the first moment and the auxiliaries in `Balance.zero` are 0. Newton's method with a differenced Jacobian, all
draws that have not settled in one batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import AbstractKernel, Array, Inputs
from wm2u_sd.errors import ModelError, SimulationError
from wm2u_sd.model.model import Balance, Model

MOST_ITERATIONS = 60
CLOSE_ENOUGH = 1e-12  # of the size of a stock, a month: far below what any figure here is known to
STEP = 1e-7
LONGEST_MOVE = 1.0  # a factor of e in one iteration
SHORTEST_STEP = 1 / 64

Which = NDArray[np.intp]
"""For each column, the draw it belongs to."""
Residuals = Callable[[Array, Which], Array]


def rest(
    model: Model, kernel: AbstractKernel, constants: Mapping[str, Array], n_draws: int
) -> tuple[dict[str, Array], NDArray[np.bool_]]:
    """Solve `model.balance` for every draw.

    Args:
        model: Its `balance` says what to find.
        kernel: The compiled model.
        constants: Every constant, (*axes, draws) or (*axes, 1).
        n_draws: Number of draws.

    Returns:
        The solved constants, shape (draws,) each, and for each draw whether a solution was found.

    Raises:
        ModelError: The balance names what it should not.
    """
    balance = _checked(model)
    begin = np.array([np.broadcast_to(constants[name], n_draws) for name in balance.solve])
    conditions = _conditions(kernel, balance, model_constants(model), constants)

    def outward(x: Array, which: Which) -> Array:
        """Positive unknowns are sought as multiples, so that they stay positive; others as they are."""
        first = begin[:, which]
        return np.where(first > 0, first * np.exp(x), first + x)

    found, solved = _newton(lambda x, which: conditions(outward(x, which), which), np.zeros_like(begin))
    return dict(zip(balance.solve, outward(found, np.arange(n_draws)), strict=True)), solved


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


def _conditions(
    kernel: AbstractKernel, balance: Balance, names: Sequence[str], constants: Mapping[str, Array]
) -> Residuals:
    """Return a function giving the conditions of some draws, a stock's as a share of its content."""
    rows = {slot.name: slot.rows for slot in kernel.program.states}
    wanted = [*balance.steady, *balance.zero]

    def conditions(values: Array, which: Which) -> Array:
        wide = {name: value if value.shape[-1] == 1 else value[..., which] for name, value in constants.items()}
        wide |= dict(zip(balance.solve, values, strict=True))
        moment = kernel.at_start(Inputs([wide[name] for name in names], len(which)), names=wanted)
        steady = [_share(moment.rates[rows[name]], moment.state[rows[name]]) for name in balance.steady]
        return np.array([*steady, *(np.broadcast_to(moment.values[name], len(which)) for name in balance.zero)])

    return conditions


def _share(rates: Array, content: Array) -> Array:
    """Return a stock's rate of change over its content, or over 1 when it holds less."""
    total: Array = rates.sum(axis=0) / np.maximum(1.0, np.abs(content).sum(axis=0))
    return total


def _newton(residuals: Residuals, x: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Damped Newton iteration on every column of `x` at once, shape (unknown, draw).

    A draw is left alone once it is close enough or no share of a move has helped it: it would only try the same again.
    """
    x = x.copy()
    which = np.arange(x.shape[1])
    value = residuals(x, which)
    best = _worst(value)
    for _ in range(MOST_ITERATIONS):
        which = which[best[which] >= CLOSE_ENOUGH]
        if not which.size:
            break
        move = np.clip(_newton_move(residuals, x[:, which], value[:, which], which), -LONGEST_MOVE, LONGEST_MOVE)
        which = _line_search(residuals, x, move, value, best, which)
    return x, best < 1e3 * CLOSE_ENOUGH


def _worst(value: Array) -> Array:
    with np.errstate(invalid="ignore"):
        worst: Array = np.abs(value).max(axis=0)
    return np.where(np.isfinite(worst), worst, np.inf)


def _newton_move(residuals: Residuals, x: Array, value: Array, which: Which) -> Array:
    n, draws = x.shape
    shifted = np.repeat(x[:, np.newaxis, :], n, axis=1)
    shifted[np.arange(n), np.arange(n)] += STEP
    beside = residuals(shifted.reshape(n, n * draws), np.tile(which, n)).reshape(n, n, draws)
    with np.errstate(invalid="ignore", over="ignore"):  # a draw that has left the numbers is not balanced, see _worst
        jacobian = (beside - value[:, np.newaxis, :]) / STEP
    matrices = np.nan_to_num(np.moveaxis(jacobian, -1, 0))
    right = np.nan_to_num(value.T)[..., np.newaxis]
    return -_solve(matrices, right)[..., 0].T


def _solve(matrices: Array, right: Array) -> Array:
    """Solve many small systems; a singular one gets a least-squares answer, and the others the one they always get."""
    try:
        return np.asarray(np.linalg.solve(matrices, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        if len(matrices) == 1:
            return np.asarray(np.linalg.pinv(matrices) @ right, dtype=np.float64)
        return np.concatenate([_solve(matrices[k : k + 1], right[k : k + 1]) for k in range(len(matrices))])


def _line_search(residuals: Residuals, x: Array, move: Array, value: Array, best: Array, which: Which) -> Which:
    """Halve the moves of some draws until each helps, take them in `x`, `value` and `best`, and return those helped."""
    share, pending, helped = 1.0, np.arange(len(which)), []
    while share >= SHORTEST_STEP and pending.size:
        draws = which[pending]
        trial = x[:, draws] + share * move[:, pending]
        trial_value = residuals(trial, draws)
        trial_worst = _worst(trial_value)
        better = trial_worst < best[draws]
        taken = draws[better]
        x[:, taken], value[:, taken], best[taken] = trial[:, better], trial_value[:, better], trial_worst[better]
        helped.append(taken)
        pending, share = pending[~better], share / 2
    return np.sort(np.concatenate(helped)) if helped else which[:0]


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
