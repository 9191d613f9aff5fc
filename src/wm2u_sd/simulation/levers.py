"""What scenarios do to constants: when, how much, and through which ramp."""

from __future__ import annotations

from collections.abc import Sequence
from math import lcm

import numpy as np

from wm2u_sd.backends.base import Array, Move
from wm2u_sd.errors import ModelError, NameUnknownError, did_you_mean
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time, exact
from wm2u_sd.model.variables import Lookup
from wm2u_sd.simulation.scenario import Lever, Scenario

EXACT = 2**53  # whole numbers below are floats as well, so that one division rounds as an exact fraction does

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


def in_force(lever: Lever, times: Array) -> Array:
    """Return how much of a lever is in force, 0 to 1: a third-order delay of its step up and its step down (SEM-51).

    `times` are the middles of steps, so that what is held during a step is right on average.
    """
    risen = _risen(lever, lever.start, times)
    return risen - _risen(lever, lever.end, times) if lever.end is not None else risen


def _risen(lever: Lever, since: float | None, times: Array) -> Array:
    if since is None:
        return np.ones_like(times)
    if lever.ramp <= 0:
        return (times > since).astype(float)
    s = 3 * np.maximum(times - since, 0.0) / lever.ramp
    return np.where(times > since, 1.0 - np.exp(-s) * (1 + s + s * s / 2), 0.0)


def change(lever: Lever, times: Array, share: Array) -> tuple[Array, Array]:
    """Return what a lever, in force by a share, multiplies a constant by and then adds to it; by none, (1, 0)."""
    rest = 1.0 - share
    if lever.series is not None:
        at, points = zip(*lever.series, strict=True)
        return rest, share * np.interp(times, at, points)
    if lever.to is not None:
        return rest, share * lever.to
    if lever.add is not None:
        return np.ones_like(share), share * lever.add
    return rest + share * (1.0 if lever.times is None else lever.times), np.zeros_like(share)


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
    shape = (time.n_steps + 1, len(scenarios))
    found = {name: Move(np.ones(shape), np.zeros(shape)) for name in moving_names(scenarios)}
    times = starts(time) if found else np.zeros(0)
    for number, scenario in enumerate(scenarios):
        for lever in (lever for lever in all_levers(scenario) if lever.points is None):
            by, plus = change(lever, times, in_force(lever, times + time.dt / 2))
            move = found[lever.target]
            move.times[:, number] *= by
            move.plus[:, number] = move.plus[:, number] * by + plus
    return found


def starts(time: Time) -> Array:
    """Return the time at the start of each step and at the end, to the last bit what `Time.at` says of each."""
    start, step = exact(time.start, "start"), time.exact_step
    whole = lcm(start.denominator, step.denominator)
    first, each = int(start * whole), int(step * whole)
    if max(abs(first) + each * time.n_steps, whole) >= EXACT:
        return np.array([time.at(number) for number in range(time.n_steps + 1)])
    return np.asarray((first + each * np.arange(time.n_steps + 1)) / whole)
