"""A fit: what the data say about a few constants, how well the model then agrees, and what the data cannot say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.errors import CalibrationError
from wm2u_sd.simulation.streams import uniforms

Array = NDArray[np.float64]

SCALES = ("log", "linear")
HARDLY_LEARNT = 0.7  # posterior spread over prior spread above which the data said little
RIDGE = 0.9  # correlation above which two constants trade off almost exactly
BAD_FIT = 2.0  # mean squared standardised residual of a series above which it is called not fitted
NEAR_BOUND = 1e-3


@dataclass(frozen=True, slots=True)
class Free:
    """A constant to be found.

    Attributes:
        name: Name of the constant.
        low, high: Bounds it may not leave.
        scale: 'log' for a positive rate (spread is relative), 'linear' for one that may change sign.
        central, spread: Prior: median, and standard deviation on the scale.

    Raises:
        CalibrationError: The scale is not known, or the numbers do not go together.
    """

    name: str
    low: float
    high: float
    scale: str
    central: float
    spread: float

    def __post_init__(self) -> None:
        where = f"free constant '{self.name}'"
        if self.scale not in SCALES:
            raise CalibrationError(f"{where}: scale is '{self.scale}'; it must be {' or '.join(SCALES)}")
        if self.scale == "log" and self.low <= 0:
            raise CalibrationError(f"{where}: low is {self.low:g}; on the log scale it must be above 0")
        if not self.low < self.central < self.high:
            raise CalibrationError(f"{where}: {self.central:g} does not lie between {self.low:g} and {self.high:g}")
        if not self.spread > 0:
            raise CalibrationError(f"{where}: spread is {self.spread:g}; it must be above 0")

    def inward(self, value: float) -> float:
        """Take a value to the scale on which it is found."""
        return float(np.log(value)) if self.scale == "log" else float(value)

    def outward(self, value: Array) -> Array:
        """Take values back from that scale."""
        return np.exp(value) if self.scale == "log" else value


@dataclass(frozen=True, slots=True)
class Residual:
    """One count beside what the fitted model says: `standardised` is the gap over the count's standard deviation."""

    series: str
    time: float
    observed: float
    fitted: float
    standardised: float


@dataclass(frozen=True)
class Fit:
    """The result of a calibration.

    Attributes:
        free: The constants found.
        centre: Their most likely values on their scales, shape (free,).
        covariance: Of those, shape (free, free), widened where the fit is worse than the stated errors.
        residuals: Every count.
        misfit: Sum of squared standardised residuals, without the priors' part.
        starts: How many starting points were tried, and `agreeing`, how many led to an answer that fits as well.
        provenance: Model digest, data digest and settings.
    """

    free: Sequence[Free]
    centre: Array
    covariance: Array
    residuals: Sequence[Residual]
    misfit: float
    starts: int
    agreeing: int
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> dict[str, float]:
        """The most likely value of each constant."""
        return {f.name: float(f.outward(np.asarray(x))) for f, x in zip(self.free, self.centre, strict=True)}

    @property
    def spreads(self) -> Array:
        """Standard deviation of each constant on its scale."""
        return np.sqrt(np.diag(self.covariance))

    def intervals(self) -> dict[str, tuple[float, float]]:
        """Return the 90% interval of each constant."""
        reach = 1.6448536269514722 * self.spreads
        return {
            f.name: (float(f.outward(np.asarray(x - r))), float(f.outward(np.asarray(x + r))))
            for f, x, r in zip(self.free, self.centre, reach, strict=True)
        }

    def learning(self) -> dict[str, float]:
        """Return posterior spread over prior spread of each constant: near 1, the data said nothing about it."""
        return {f.name: float(s / f.spread) for f, s in zip(self.free, self.spreads, strict=True)}

    def draws(self, n: int, seed: str | int) -> dict[str, Array]:
        """Draw the constants together, keeping their correlation, each from a stream of its own name."""
        from scipy.special import ndtri

        scores = np.array([ndtri(uniforms(seed, f"fit/{f.name}", n)) for f in self.free])
        drawn = self.centre[:, None] + np.linalg.cholesky(self.covariance) @ scores
        return {f.name: np.clip(f.outward(row), f.low, f.high) for f, row in zip(self.free, drawn, strict=True)}

    def by_series(self) -> dict[str, float]:
        """Return the mean squared standardised residual of each series: about 1 when it is fitted within its error."""
        names = dict.fromkeys(residual.series for residual in self.residuals)
        return {name: float(np.mean([r.standardised**2 for r in self.residuals if r.series == name])) for name in names}

    def cannot_tell(self) -> list[str]:
        """Say in words what the data leave open or contradict."""
        return [*self._hardly_learnt(), *self._ridges(), *self._at_bounds(), *self._not_fitted()]

    def _hardly_learnt(self) -> list[str]:
        return [
            f"The data say little about {name}: its range is still {ratio:.0%} of what was believed before."
            for name, ratio in self.learning().items()
            if ratio > HARDLY_LEARNT
        ]

    def _ridges(self) -> list[str]:
        correlation = self.covariance / np.outer(self.spreads, self.spreads)
        pairs = combinations(range(len(self.free)), 2)
        return [
            f"The data cannot tell {self.free[i].name} from {self.free[j].name}: moving both "
            f"{'together' if correlation[i, j] > 0 else 'in opposite directions'} fits almost equally well."
            for i, j in pairs
            if abs(correlation[i, j]) > RIDGE
        ]

    def _at_bounds(self) -> list[str]:
        return [
            f"{f.name} is at the end of its allowed range ({value:.3g}); the structure may be wrong there."
            for f, value in zip(self.free, self.values.values(), strict=True)
            if min(value - f.low, f.high - value) < NEAR_BOUND * (f.high - f.low)
        ]

    def _not_fitted(self) -> list[str]:
        return [
            f"{name} is not fitted within its stated error: the typical gap is {size**0.5:.1f} times that error."
            for name, size in self.by_series().items()
            if size > BAD_FIT
        ]

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values, for a file."""
        return {
            "free": [asdict(f) for f in self.free],
            "centre": self.centre.tolist(),
            "covariance": self.covariance.tolist(),
            "residuals": [asdict(r) for r in self.residuals],
            "misfit": self.misfit,
            "starts": self.starts,
            "agreeing": self.agreeing,
            "provenance": dict(self.provenance),
        }

    @classmethod
    def from_dict(cls, facts: Mapping[str, Any]) -> Fit:
        """Read back what `to_dict` gave.

        Raises:
            CalibrationError: Something is missing or of the wrong form.
        """
        try:
            return cls(
                free=tuple(Free(**f) for f in facts["free"]),
                centre=np.array(facts["centre"], float),
                covariance=np.array(facts["covariance"], float),
                residuals=tuple(Residual(**r) for r in facts["residuals"]),
                misfit=float(facts["misfit"]),
                starts=int(facts["starts"]),
                agreeing=int(facts["agreeing"]),
                provenance=dict(facts["provenance"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise CalibrationError(f"this is not a fit: {error}. Fit again.") from None
