"""What scenarios do to constants: when, how much, and through which ramp."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.errors import ModelError, NameUnknownError, did_you_mean
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Lookup
from wm2u_sd.simulate.scenario import Lever, Scenario

Array = NDArray[np.float64]
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


def in_force(lever: Lever, time: float, dt: float) -> float:
    """Return how much of a lever is in force, 0 to 1: a third-order delay of its step up and its step down (SEM-51).

    `time` is the start of a step; a step change at `start` counts from the step that begins nearest to it.
    """
    return _risen(lever, lever.start, time, dt) - (0.0 if lever.end is None else _risen(lever, lever.end, time, dt))


def _risen(lever: Lever, since: float | None, time: float, dt: float) -> float:
    if since is None:
        return 1.0
    if lever.ramp <= 0:
        return float(time + dt / 2 > since)
    if time <= since:
        return 0.0
    s = 3 * (time - since) / lever.ramp
    return 1.0 - float(np.exp(-s)) * (1 + s + s * s / 2)


def moved(lever: Lever, value: Array, time: float, dt: float) -> Array:
    """Return a constant's value with one lever applied at a time."""
    if lever.series is not None:
        times, points = zip(*lever.series, strict=True)
        target: Array = np.full_like(value, np.interp(time, times, points))
    elif lever.to is not None:
        target = np.full_like(value, lever.to)
    elif lever.add is not None:
        target = value + lever.add
    else:
        assert lever.times is not None
        target = value * lever.times
    return value + in_force(lever, time, dt) * (target - value)


def check_targets(model: Model, scenarios: Sequence[Scenario]) -> None:
    """Refuse levers on what is not there.

    Raises:
        NameUnknownError: A target is no constant (or, for points, no lookup) of the model.
        ModelError: A lever gives no verb or two.
    """
    for lever in (lever for scenario in scenarios for lever in all_levers(scenario)):
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


def mover(
    model: Model, scenarios: Sequence[Scenario], base: Mapping[str, Array], n_draws: int
) -> Callable[[int], dict[str, Array]]:
    """Return a function of the step number giving every moving constant, scenarios side by side.

    Args:
        model: For its time.
        scenarios: One block of columns each.
        base: Value of each moving constant before levers, (*axes, draws) or (*axes, 1).
        n_draws: Columns of one scenario.

    Returns:
        Function giving arrays (*axes, scenarios * draws).
    """
    time = model.time
    blocks = [[lever for lever in all_levers(s) if lever.points is None] for s in scenarios]

    def at(step: int) -> dict[str, Array]:
        now = time.at(step)
        values = {}
        for name, value in base.items():
            full = np.broadcast_to(value, (*value.shape[:-1], n_draws))
            parts = []
            for levers in blocks:
                part: Array = full
                for lever in levers:
                    if lever.target == name:
                        part = moved(lever, part, now, time.dt)
                parts.append(part)
            values[name] = np.concatenate(parts, axis=-1)
        return values

    return at
