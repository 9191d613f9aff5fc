"""Find the constants that make a model start at rest, for every draw at once.

The unknowns are the constants named in `Balance.solve`; the conditions are that the stocks in `Balance.steady` stand still
at the first moment and the auxiliaries in `Balance.zero` are 0. Newton's method with a differenced Jacobian, all
draws in one batch.
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

Residuals = Callable[[Array], Array]


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
    conditions = _conditions(kernel, balance, model_constants(model), constants, n_draws)

    def outward(x: Array) -> Array:
        """Positive unknowns are sought as multiples, so that they stay positive; others as they are."""
        first = np.tile(begin, x.shape[-1] // n_draws)
        return np.where(first > 0, first * np.exp(x), first + x)

    found, solved = _newton(lambda x: conditions(outward(x)), np.zeros_like(begin))
    return dict(zip(balance.solve, outward(found), strict=True)), solved


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
    kernel: AbstractKernel, balance: Balance, names: Sequence[str], constants: Mapping[str, Array], n_draws: int
) -> Residuals:
    """Return a function giving the conditions for stacked copies of the draws, a stock's as a share of its content."""
    rows = {slot.name: slot.rows for slot in kernel.program.states}

    def conditions(values: Array) -> Array:
        columns = values.shape[-1]
        wide = {name: _tiled(value, columns // n_draws) for name, value in constants.items()}
        wide |= dict(zip(balance.solve, values, strict=True))
        moment = kernel.at_start(Inputs([wide[name] for name in names], columns))
        steady = [_share(moment.rates[rows[name]], moment.state[rows[name]]) for name in balance.steady]
        return np.array([*steady, *(np.broadcast_to(moment.values[name], columns) for name in balance.zero)])

    return conditions


def _share(rates: Array, content: Array) -> Array:
    """Return a stock's rate of change over its content, or over 1 when it holds less."""
    total: Array = rates.sum(axis=0) / np.maximum(1.0, np.abs(content).sum(axis=0))
    return total


def _tiled(value: Array, copies: int) -> Array:
    return value if value.shape[-1] == 1 else np.tile(value, (*(1,) * (value.ndim - 1), copies))


def _newton(residuals: Residuals, x: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Damped Newton iteration on every column of `x` at once, shape (unknown, draw)."""
    value = residuals(x)
    best = _worst(value)
    for _ in range(MOST_ITERATIONS):
        if (best < CLOSE_ENOUGH).all():
            break
        move = np.clip(_newton_move(residuals, x, value), -LONGEST_MOVE, LONGEST_MOVE)
        x, value, best, moved = _line_search(residuals, x, move, value, best)
        if not moved:
            break
    return x, best < 1e3 * CLOSE_ENOUGH


def _worst(value: Array) -> Array:
    with np.errstate(invalid="ignore"):
        worst: Array = np.abs(value).max(axis=0)
    return np.where(np.isfinite(worst), worst, np.inf)


def _newton_move(residuals: Residuals, x: Array, value: Array) -> Array:
    n, draws = x.shape
    shifted = np.repeat(x[:, np.newaxis, :], n, axis=1)
    shifted[np.arange(n), np.arange(n)] += STEP
    beside = residuals(shifted.reshape(n, n * draws)).reshape(n, n, draws)
    with np.errstate(invalid="ignore", over="ignore"):  # a draw that has left the numbers is not balanced, see _worst
        jacobian = (beside - value[:, np.newaxis, :]) / STEP
    matrices = np.nan_to_num(np.moveaxis(jacobian, -1, 0))
    right = np.nan_to_num(value.T)[..., np.newaxis]
    return -_solve(matrices, right)[..., 0].T


def _solve(matrices: Array, right: Array) -> Array:
    """Solve many small systems; a singular one gets a least-squares answer."""
    try:
        return np.asarray(np.linalg.solve(matrices, right), dtype=np.float64)
    except np.linalg.LinAlgError:
        return np.asarray(np.linalg.pinv(matrices) @ right, dtype=np.float64)


def _line_search(
    residuals: Residuals, x: Array, move: Array, value: Array, best: Array
) -> tuple[Array, Array, Array, bool]:
    """Halve the move of every draw until it helps; draws that are close enough, or that nothing helps, stay put."""
    share, moved = 1.0, False
    pending = best >= CLOSE_ENOUGH
    while share >= SHORTEST_STEP and pending.any():
        trial = np.where(pending, x + share * move, x)
        trial_value = residuals(trial)
        trial_worst = _worst(trial_value)
        better = pending & (trial_worst < best)
        x, value = np.where(better, trial, x), np.where(better, trial_value, value)
        best = np.where(better, trial_worst, best)
        moved, pending, share = moved or bool(better.any()), pending & ~better, share / 2
    return x, value, best, moved


def refuse_unbalanced(model: Model, solved: NDArray[np.bool_]) -> None:
    """Stop when no draw at all could be balanced.

    Raises:
        SimulationError: None was.
    """
    if not solved.any():
        assert model.balance is not None
        raise SimulationError(
            f"{model.name}: no values of {', '.join(model.balance.solve)} make it start at rest. "
            "Look at the starting stocks: some may be more than their inflows can feed."
        )
