"""Draws of the uncertain numbers of a ledger, each from a random stream of its own name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from wm2u_sd.economics.ledger import CostLine, Uncertain
from wm2u_sd.errors import MoneyError
from wm2u_sd.simulation.ensemble import quantile

if TYPE_CHECKING:
    import numpy as np

Uniforms = Callable[[str, int], "np.ndarray"]
"""(name of the stream, how many) -> numbers between 0 and 1, the same for the same name."""

_BOUNDS = {"cashable_share": (0.0, 1.0), "cashable_delay": (0.0, float("inf")), "real_growth": (-1.0, float("inf"))}


def draw_beliefs(lines: Sequence[CostLine], n_draws: int, uniforms: Uniforms | None) -> dict[str, np.ndarray]:
    """Draw every uncertain number of a ledger.

    Args:
        lines: The ledger; beliefs of one shared name are drawn once.
        n_draws: How many draws.
        uniforms: Source of numbers between 0 and 1; None holds everything at its value.

    Returns:
        Name of the belief -> its draws, shape (draw,).

    Raises:
        MoneyError: A draw lies outside what the number can be, such as a share above 1.
    """
    drawn: dict[str, np.ndarray] = {}
    for line in lines:
        for field, name, belief in line.beliefs:
            if name not in drawn:
                drawn[name] = _draw(name, belief, n_draws, uniforms)
            _check_bounds(line.name, field, drawn[name])
    return drawn


def _draw(name: str, belief: Uncertain, n_draws: int, uniforms: Uniforms | None) -> np.ndarray:
    import numpy as np

    if belief.prior is None or uniforms is None:
        return np.full(n_draws, belief.value)
    return quantile(belief.prior, uniforms(f"money:{name}", n_draws))


def _check_bounds(line: str, field: str, values: np.ndarray) -> None:
    import numpy as np

    low, high = _BOUNDS.get(field, (-float("inf"), float("inf")))
    if not np.all((values >= low) & (values <= high)):
        raise MoneyError(
            f"Cost line {line!r}: draws of {field} run from {values.min():g} to {values.max():g}; they must lie from "
            f"{low:g} to {high:g}; narrow its prior"
        )
