"""Run what checks ask for: each scenario once for each set of given constants, all in one batch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from wm2u_sd.checks.predicates import START, Array, Refers
from wm2u_sd.checks.spec import Check
from wm2u_sd.errors import SimulationError
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import simulate

Given = tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class Paths:
    """What came of one set of constants.

    Attributes:
        times: Kept times.
        values: Paths over them by scenario and outcome.
        stopped: Why there are none, '' when there are.
    """

    times: Array
    values: Mapping[tuple[str, str], Array]
    stopped: str = ""


@dataclass(frozen=True)
class Wanted:
    """What to run, and what to keep of it."""

    scenarios: Mapping[str, Scenario]
    outcomes: Sequence[str]

    @classmethod
    def by(cls, checks: Iterable[Check], known: Mapping[str, Scenario]) -> Wanted:
        """Return all that some checks look at; `known` are the scenarios of the model by name."""
        scenarios: dict[str, Scenario] = {}
        outcomes: dict[str, None] = {}
        for check in checks:
            others = [check.against, *check.expectation.names(Refers.SCENARIO)]
            scenarios |= {name: known[name] for name in others if name != START} | {check.scenario.name: check.scenario}
            outcomes |= dict.fromkeys([*check.outcomes, *check.expectation.names(Refers.OUTCOME)])
        return cls(scenarios, list(outcomes))


def given_of(check: Check) -> Given:
    """Return the constants a check sets, in an order that does not depend on how it was written."""
    return tuple(sorted(check.given.items()))


def run_each(model: Model, wanted: Mapping[Given, Wanted]) -> dict[Given, Paths]:
    """Run scenarios with several sets of constants.

    Args:
        model: The model; one with a balance is put at rest anew for each set.
        wanted: For each set of constants what to run. All are run as one batch, so a set may run more than it asks for;
            where that stops, it is run again with nothing but its own.

    Returns:
        The paths of each set, or why there are none.
    """
    if len(wanted) == 1:
        return {given: _alone(model, given, what) for given, what in wanted.items()}
    scenarios = {name: scenario for what in wanted.values() for name, scenario in what.scenarios.items()}
    outcomes = list(dict.fromkeys(name for what in wanted.values() for name in what.outcomes))
    try:
        run = simulate(model, list(scenarios.values()), draws=_ensemble(model, list(wanted)), save=outcomes)
    except SimulationError:
        return {given: _alone(model, given, what) for given, what in wanted.items()}
    found = paths(run)
    return {
        given: found[number] if number in found else _alone(model, given, what)
        for number, (given, what) in enumerate(wanted.items())
    }


def _alone(model: Model, given: Given, what: Wanted) -> Paths:
    try:
        run = simulate(model, list(what.scenarios.values()), draws=_ensemble(model, [given]), save=what.outcomes)
    except SimulationError as error:
        return Paths(np.array([]), {}, str(error))
    return paths(run)[0]


def _ensemble(model: Model, givens: Sequence[Given]) -> Ensemble:
    """Return a draw for each set of constants; a constant a set leaves out has the value of the model."""
    sets = [dict(given) for given in givens]
    names = dict.fromkeys(name for given in givens for name, _ in given)
    values = {n: np.array([s.get(n, model.constant(n).value) for s in sets], float) for n in names}
    return Ensemble(values, len(givens))


def paths(run: Run) -> dict[int, Paths]:
    """Return the paths of every draw that was kept."""
    times, scenarios = run.data["time"].values, [str(name) for name in run.data["scenario"].values]
    arrays = {str(name): array.values for name, array in run.data.data_vars.items()}
    return {
        int(draw): Paths(times, {(s, n): a[i, at] for n, a in arrays.items() for i, s in enumerate(scenarios)})
        for at, draw in enumerate(run.data["draw"].values)
    }
