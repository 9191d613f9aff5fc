"""What scenarios do to constants: when, how much, and through which ramp."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from wm2u_sd.backends.base import Move
from wm2u_sd.errors import ModelError, NameUnknownError, did_you_mean
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Lookup
from wm2u_sd.simulation.scenario import Lever, Scenario

VERBS = ("to", "add", "times", "series", "points")


def verb_of(lever: Lever) -> str:
    """Return which of to, add, times, series or points a lever uses.

    Raises:
        ModelError: None is given, or more than one.
    """
    given = [verb for verb in VERBS if getattr(lever, verb) is not None]
    if len(given) != 1:
        said = " and ".join(given) or "none"
        raise ModelError(f"lever on '{lever.target}': give exactly one of {', '.join(VERBS)}; got {said}")
    return given[0]


def all_levers(scenario: Scenario) -> list[Lever]:
    """Return the levers of a scenario, `set` first."""
    return [*(Lever(name, to=value) for name, value in scenario.set.items()), *scenario.levers]


def in_force(lever: Lever, time: float) -> float:
    """Return how much of a lever is in force, 0 to 1: a third-order delay of its step up and its step down (SEM-51).

    `time` is the middle of a step, so that what is held during a step is right on average.
    """
    return _risen(lever, lever.start, time) - (0.0 if lever.end is None else _risen(lever, lever.end, time))


def _risen(lever: Lever, since: float | None, time: float) -> float:
    if since is None:
        return 1.0
    if lever.ramp <= 0 or time <= since:
        return float(time > since)
    s = 3 * (time - since) / lever.ramp
    return 1.0 - float(np.exp(-s)) * (1 + s + s * s / 2)


def change(lever: Lever, time: float, share: float) -> tuple[float, float]:
    """Return what a lever, in force by a share, multiplies a constant by and then adds to it; by none, (1, 0)."""
    rest = 1.0 - share
    if lever.series is not None:
        times, points = zip(*lever.series, strict=True)
        return rest, share * float(np.interp(time, times, points)) if share else 0.0
    if lever.to is not None:
        return rest, share * lever.to
    if lever.add is not None:
        return 1.0, share * lever.add
    return rest + share * (1.0 if lever.times is None else lever.times), 0.0


def check_targets(model: Model, scenarios: Sequence[Scenario]) -> None:
    """Refuse levers on what is not there.

    Raises:
        NameUnknownError: A target is no constant (or, for points, no lookup) of the model.
        ModelError: A lever gives no verb or two.
    """
    for name in (name for scenario in scenarios for name in scenario.set):
        model.constant(name)
    for lever in (lever for scenario in scenarios for lever in scenario.levers):
        if verb_of(lever) != "points":
            model.constant(lever.target)
        elif not isinstance(model.variables.get(lever.target), Lookup):
            known = [lookup.name for lookup in model.lookups()]
            raise NameUnknownError(
                f"There is no lookup '{lever.target}' in {model.name}.{did_you_mean(lever.target, known)}"
            )


def moving_names(scenarios: Sequence[Scenario]) -> list[str]:
    """Return the constants that some scenario changes, in order of first mention."""
    return list(dict.fromkeys(v.target for s in scenarios for v in all_levers(s) if v.points is None))


def moves(time: Time, scenarios: Sequence[Scenario]) -> dict[str, Move]:
    """Return what scenarios do to each constant that one of them moves, step by step, levers in order."""
    times = [time.at(step) for step in range(time.n_steps + 1)]
    shape = (len(times), len(scenarios))
    found = {name: Move(np.ones(shape), np.zeros(shape)) for name in moving_names(scenarios)}
    for number, scenario in enumerate(scenarios):
        for lever in (lever for lever in all_levers(scenario) if lever.points is None):
            changes = [change(lever, now, in_force(lever, now + time.dt / 2)) for now in times]
            by, plus = np.array(changes).T
            move = found[lever.target]
            move.times[:, number] *= by
            move.plus[:, number] = move.plus[:, number] * by + plus
    return found
