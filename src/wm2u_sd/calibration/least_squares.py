"""Find a handful of constants by least squares: scipy's trust-region method from several starts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.calibration.fit import Fit, Free, Residual
from wm2u_sd.calibration.observations import Observations
from wm2u_sd.errors import CalibrationError, SimulationError
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.job import Progress
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import Simulator
from wm2u_sd.simulation.streams import uniforms

Array = NDArray[np.float64]

DIFFERENCE = 1e-5
SETTLED = 1e-6  # relative change of the misfit or of the constants: thousandths of a constant's spread
SAME_ANSWER = 0.5  # units of log likelihood, within which answers fit as well as one another
MOST_EVALUATIONS = 60  # of one start
IMPOSSIBLE = 1e6  # standardised residual given to a candidate that cannot be run


def fit_least_squares(
    model: Model,
    observations: Observations,
    free: Sequence[Free],
    *,
    starts: int = 4,
    seed: str | int = "wm2u",
    progress: Progress | None = None,
) -> Fit:
    """Fit constants to counts.

    Args:
        model: Run over its own time; every count must fall on a kept moment.
        observations: The counts and how each observes the model.
        free: The constants to find, each with bounds and a prior that pulls gently where the data are silent.
        starts: Number of starting points: the stated values first, the others drawn from the priors.
        seed: For the starting points.
        progress: Called with (evaluations done, most there can be); a start that settles early jumps ahead.

    Returns:
        The best fit found.

    Raises:
        CalibrationError: There are fewer counts than constants, or no start could be run.
    """
    if len(observations.counts) <= len(free):
        raise CalibrationError(
            f"{len(observations.counts)} counts cannot settle {len(free)} constants; free fewer or add data"
        )
    observations.check_times(model.time)
    problem = _Problem(model, observations, free)
    results = []
    for number, start in enumerate(problem.starting_points(starts, seed)):
        problem.tell = partial(_tell, progress, number * MOST_EVALUATIONS, starts * MOST_EVALUATIONS)
        results.append(problem.solve(start))
    _tell(progress, 0, starts * MOST_EVALUATIONS, starts * MOST_EVALUATIONS)
    results = [result for result in results if np.isfinite(result.cost) and result.cost < IMPOSSIBLE]
    if not results:
        raise CalibrationError(
            f"{model.name}: no starting point could be run; look at the bounds of the free constants"
        )
    best = min(results, key=lambda result: result.cost)
    agreeing = sum(bool(result.cost - best.cost < SAME_ANSWER) for result in results)
    return problem.fit(best, starts, agreeing)


def _tell(progress: Progress | None, before: int, total: int, evaluations: int) -> None:
    if progress is not None:
        progress(min(before + evaluations, total), total)


class _Problem:
    """The residuals of a model against counts, and of constants against their priors."""

    def __init__(self, model: Model, observations: Observations, free: Sequence[Free]) -> None:
        self.model, self.observations, self.free = model, observations, list(free)
        self.simulator = Simulator(
            model, Scenario("as_now"), save=observations.observed(), accumulate=observations.accumulated()
        )
        self.centre = np.array([f.inward(f.central) for f in free])
        self.spread = np.array([f.spread for f in free])
        self.low = np.array([f.inward(f.low) for f in free])
        self.high = np.array([f.inward(f.high) for f in free])
        self.tell: Callable[[int], None] = lambda evaluations: None
        self.evaluations = 0
        self.point: Array = np.empty(0)
        self.found: tuple[Array, Array] = (np.empty(0), np.empty((0, 0)))

    def starting_points(self, n: int, seed: str | int) -> list[Array]:
        from scipy.special import ndtri

        stated = np.array([f.inward(float(self.model.constant(f.name).value)) for f in self.free])  # type: ignore[arg-type]
        scores = np.array([ndtri(uniforms(seed, f"start/{f.name}", max(n, 2))) for f in self.free])
        drawn = [self.centre + self.spread * scores[:, k] for k in range(n - 1)]
        inset = 1e-6 * (self.high - self.low)
        return [np.clip(point, self.low + inset, self.high - inset) for point in [stated, *drawn]]

    def predicted(self, points: Array) -> Array:
        """Return what the model says each count should be, shape (point, count); NaN where it cannot be run."""
        values = {f.name: f.outward(points[:, i]) for i, f in enumerate(self.free)}
        expected = np.full((len(points), len(self.observations.counts)), np.nan)
        try:
            run = self.simulator.run(Ensemble(values, len(points)))
        except SimulationError:
            return expected
        expected[run.data["draw"].values] = self.observations.predicted(run.data)
        return expected

    def residuals(self, points: Array) -> Array:
        """Return standardised residuals, counts first and priors after, shape (point, residual)."""
        gaps = (self.predicted(points) - self.observations.values()) / self.observations.spreads()
        gaps = np.where(np.isfinite(gaps), gaps, IMPOSSIBLE)
        return np.concatenate([gaps, (points - self.centre) / self.spread], axis=1)

    def at(self, point: Array) -> Array:
        """Return the residuals at a point."""
        return self.around(point)[0]

    def jacobian(self, point: Array) -> Array:
        """Return their Jacobian there."""
        return self.around(point)[1]

    def around(self, point: Array) -> tuple[Array, Array]:
        """Return the residuals at a point and their Jacobian, differenced to both sides of every constant.

        All in one batch, which takes little longer than the point alone; the solver asks for both one after the other.
        """
        if not np.array_equal(point, self.point):
            n, moves = len(point), np.diag(np.full(len(point), DIFFERENCE))
            found = self.residuals(np.concatenate([point[None], point + moves, point - moves]))
            self.point = point.copy()
            self.evaluations += 1
            self.tell(self.evaluations)
            self.found = found[0], (found[1 : n + 1] - found[n + 1 :]).T / (2 * DIFFERENCE)
        return self.found

    def solve(self, start: Array) -> Any:
        from scipy.optimize import least_squares

        self.evaluations = 0
        return least_squares(
            self.at,
            start,
            jac=self.jacobian,
            bounds=(self.low, self.high),
            method="trf",
            x_scale=self.spread,
            xtol=SETTLED,
            ftol=SETTLED,
            max_nfev=MOST_EVALUATIONS,
        )

    def fit(self, best: Any, starts: int, agreeing: int) -> Fit:
        n = len(self.observations.counts)
        gaps = best.fun[:n]
        misfit = float(gaps @ gaps)
        widened = max(1.0, misfit / max(1, n - len(self.free)))
        information = best.jac[:n].T @ best.jac[:n] / widened + np.diag(1 / self.spread**2)
        fitted = self.predicted(best.x[None])[0]
        residuals = [
            Residual(count.series, count.time, count.value, float(value), float(gap))
            for count, value, gap in zip(self.observations.counts, fitted, gaps, strict=True)
        ]
        return Fit(
            free=tuple(self.free),
            centre=best.x,
            covariance=np.linalg.inv(information),
            residuals=tuple(residuals),
            misfit=misfit,
            starts=starts,
            agreeing=agreeing,
            provenance={
                "model_digest": self.model.digest,
                "data_digest": digest(self.observations),
                "counts": str(n),
                "widened": f"{widened:.3f}",
            },
        )


def digest(observations: Observations) -> str:
    """Fingerprint of the counts and of how they observe the model."""
    facts = [[asdict(s) for s in observations.series], [[c.series, c.time, c.value] for c in observations.counts]]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
