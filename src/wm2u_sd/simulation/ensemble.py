"""Ensembles: draws of constants from their priors, one stream for each name so that scenarios share draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.errors import ModelError
from wm2u_sd.model.model import Model
from wm2u_sd.model.record_check import must_be_model
from wm2u_sd.model.value_check import prior_fault
from wm2u_sd.model.variables import Prior
from wm2u_sd.simulation.streams import uniforms

Draws = NDArray[np.float64]

TAIL = 1.6448536269514722  # 95% point of the standard normal


def _uniform(prior: Prior, u: Draws) -> Draws:
    return prior.low + (prior.high - prior.low) * u


def _triangular(prior: Prior, u: Draws) -> Draws:
    width = prior.high - prior.low
    peak = (prior.central - prior.low) / width
    rising = prior.low + width * np.sqrt(u * peak)
    falling = prior.high - width * np.sqrt((1 - u) * (1 - peak))
    return np.where(u < peak, rising, falling)


def _normal_score(u: Draws) -> Draws:
    from scipy.special import ndtri

    score: Draws = ndtri(u)
    return score


def _two_sided(central: float, low: float, high: float, u: Draws) -> Draws:
    """Normal on each side of the median, so that the 5% and 95% points are met even when they are lopsided."""
    z = _normal_score(u)
    return central + z * np.where(z < 0, central - low, high - central) / TAIL


def _normal(prior: Prior, u: Draws) -> Draws:
    return _two_sided(prior.central, prior.low, prior.high, u)


def _lognormal(prior: Prior, u: Draws) -> Draws:
    return np.exp(_two_sided(np.log(prior.central), np.log(prior.low), np.log(prior.high), u))


def _beta(prior: Prior, u: Draws) -> Draws:
    """Normal on the logit scale through the three given points: stays between 0 and 1."""
    low, central, high = (np.log(p / (1 - p)) for p in (prior.low, prior.central, prior.high))
    return 1 / (1 + np.exp(-_two_sided(central, low, high, u)))


def _fixed(prior: Prior, u: Draws) -> Draws:
    return np.full_like(u, prior.central)


DISTRIBUTIONS: Mapping[str, Callable[[Prior, Draws], Draws]] = {
    "fixed": _fixed,
    "uniform": _uniform,
    "triangular": _triangular,
    "normal": _normal,
    "lognormal": _lognormal,
    "beta": _beta,
}


def quantile(prior: Prior, u: Draws) -> Draws:
    """Return the values of a prior at cumulative probabilities `u`.

    With a chance of none, that share of the draws (the lowest `u`) is `none_value` and the rest follow the
    distribution.

    Raises:
        ModelError: The distribution is not known.
    """
    if prior.distribution not in DISTRIBUTIONS:
        raise ModelError(f"prior: '{prior.distribution}' is not one of {', '.join(DISTRIBUTIONS)}")
    inverse = DISTRIBUTIONS[prior.distribution]
    if prior.chance_of_none <= 0:
        return inverse(prior, u)
    rest = np.clip((u - prior.chance_of_none) / (1 - prior.chance_of_none), 1e-12, 1 - 1e-12)
    return np.where(u < prior.chance_of_none, prior.none_value, inverse(prior, rest))


@dataclass(frozen=True)
class Ensemble:
    """Values of some constants for each draw.

    Attributes:
        values: Name -> array of shape (draw,).
        n: Number of draws.
        seed: What they were drawn with.

    Raises:
        ModelError: There is no draw.
    """

    values: Mapping[str, Draws] = field(default_factory=dict)
    n: int = 1
    seed: str = ""

    def __post_init__(self) -> None:
        refuse_no_draws(self.n)

    def with_values(self, values: Mapping[str, Draws]) -> Ensemble:
        """Return the ensemble with these constants added or replaced."""
        return Ensemble({**self.values, **values}, self.n, self.seed)


def is_count(value: Any) -> bool:
    """Whether a value is a whole number of at least 1."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)


def refuse_no_draws(n: Any) -> None:
    """Refuse what is no number of draws.

    Raises:
        ModelError: It is not.
    """
    if not is_count(n):
        raise ModelError(f"n is {n!r}; give a whole number of at least 1")


def draw(model: Model, n: int, seed: str | int = "wm2u") -> Ensemble:
    """Draw the constants that have a prior.

    Args:
        model: Constants without dimensions and with a prior are drawn; the rest keep their value.
        n: Number of draws.
        seed: Same seed, same draws; each name has a stream of its own.

    Raises:
        ModelError: A prior on a constant with dimensions, or one that cannot be; `n` is no whole number from 1.
    """
    must_be_model(model)
    refuse_no_draws(n)
    return Ensemble({name: drawn(prior, n, seed, name) for name, prior in priors(model).items()}, n, str(seed))


def drawn(prior: Prior, n: int, seed: str | int, name: str) -> Draws:
    """Draw one constant, the same numbers as `draw` gives it beside others."""
    return quantile(prior, uniforms(seed, name, n))


def priors(model: Model) -> dict[str, Prior]:
    """Return the priors of the constants that have one.

    Raises:
        ModelError: A prior on a constant with dimensions, or one that cannot be.
    """
    found = {}
    for constant in model.constants():
        if constant.prior is None:
            continue
        if constant.over:
            raise ModelError(f"'{constant.name}' has dimensions; a prior is for one number. Split it into constants.")
        fault = prior_fault(constant.prior)
        if fault:
            raise ModelError(f"{constant.name}: {fault}")
        found[constant.name] = constant.prior
    return found
