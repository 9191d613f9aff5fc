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
    names = list(model_constants(model))
    unknown = np.array([np.broadcast_to(constants[name], n_draws) for name in balance.solve])
    scale = np.maximum(np.abs(unknown), 1e-6)
    start = _conditions(kernel, balance, names, constants, n_draws)
    sizes = np.ones((len(balance.solve), 1))

    def residuals(scaled: Array) -> Array:
        copies = scaled.shape[-1] // n_draws
        value, size = start(scaled * np.tile(scale, copies), copies)
        nonlocal sizes
        sizes = size[:, :n_draws]
        return value

    scaled, solved = _newton(residuals, unknown / scale, lambda: sizes)
    return dict(zip(balance.solve, scaled * scale, strict=True)), solved


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
) -> Callable[[Array, int], tuple[Array, Array]]:
    """Return a function giving the conditions, and the size of what each is about, for stacked copies of the draws."""
    rows = {slot.name: slot.rows for slot in kernel.program.states}

    def conditions(values: Array, copies: int) -> tuple[Array, Array]:
        given = dict(zip(balance.solve, values, strict=True))
        wide = {name: _tiled(value, n_draws, copies) for name, value in constants.items()}
        inputs = Inputs([given.get(name, wide[name]) for name in names], n_draws * copies)
        moment = kernel.at_start(inputs)
        steady = [moment.rates[rows[name]].sum(axis=0) for name in balance.steady]
        zero = [np.broadcast_to(moment.values[name], n_draws * copies) for name in balance.zero]
        stock_sizes = [np.abs(moment.state[rows[name]]).sum(axis=0) for name in balance.steady]
        sizes = np.array([*stock_sizes, *(np.ones(n_draws * copies) for _ in zero)])
        return np.array([*steady, *zero]), np.maximum(sizes, 1.0)

    return conditions


def _tiled(value: Array, n_draws: int, copies: int) -> Array:
    return value if value.shape[-1] == 1 else np.tile(value, (*(1,) * (value.ndim - 1), copies))


def _newton(residuals: Residuals, x: Array, sizes: Callable[[], Array]) -> tuple[Array, NDArray[np.bool_]]:
    """Damped Newton iteration on every column of `x` at once, shape (unknown, draw)."""
    value = residuals(x)
    best = _worst(value, sizes())
    for _ in range(MOST_ITERATIONS):
        if (best < CLOSE_ENOUGH).all():
            break
        move = _newton_move(residuals, x, value)
        x, value, best, moved = _line_search(residuals, x, move, value, best, sizes)
        if not moved:
            break
    return x, best < 1e3 * CLOSE_ENOUGH


def _worst(value: Array, size: Array) -> Array:
    with np.errstate(invalid="ignore"):
        worst: Array = np.abs(value / size).max(axis=0)
    return np.where(np.isfinite(worst), worst, np.inf)


def _newton_move(residuals: Residuals, x: Array, value: Array) -> Array:
    n, draws = x.shape
    steps = STEP * np.maximum(np.abs(x), 1e-3)
    shifted = np.repeat(x[:, np.newaxis, :], n, axis=1)
    shifted[np.arange(n), np.arange(n)] += steps
    beside = residuals(shifted.reshape(n, n * draws)).reshape(n, n, draws)
    jacobian = (beside - value[:, np.newaxis, :]) / steps[np.newaxis]
    matrices = np.nan_to_num(np.moveaxis(jacobian, -1, 0))
    right = np.nan_to_num(value.T)[..., np.newaxis]
    move = np.linalg.lstsq(matrices[0], right[0], rcond=None)[0].T if draws == 1 else _solve(matrices, right)
    return -move.reshape(draws, n).T if draws > 1 else -move.reshape(1, n).T


def _solve(matrices: Array, right: Array) -> Array:
    """Solve many small systems; a singular one gets a least-squares answer."""
    try:
        return np.linalg.solve(matrices, right)
    except np.linalg.LinAlgError:
        return np.linalg.pinv(matrices) @ right


def _line_search(
    residuals: Residuals, x: Array, move: Array, value: Array, best: Array, sizes: Callable[[], Array]
) -> tuple[Array, Array, Array, bool]:
    """Halve the move of every draw until it helps; draws that nothing helps stay where they are."""
    share, moved = 1.0, False
    pending = np.ones(x.shape[1], dtype=bool)
    while share >= SHORTEST_STEP and pending.any():
        trial = np.where(pending, x + share * move, x)
        trial_value = residuals(trial)
        trial_worst = _worst(trial_value, sizes())
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
