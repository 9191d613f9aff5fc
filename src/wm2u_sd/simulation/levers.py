"""What scenarios do to constants: when, how much, and through which ramp."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.errors import ModelError, NameUnknownError, did_you_mean
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Lookup
from wm2u_sd.simulation.scenario import Lever, Scenario

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


def moved(lever: Lever, value: Array, time: float, share: float) -> Array:
    """Return a constant's value with one lever applied at a time, in force by a share; by none, it is untouched."""
    if share == 0:
        return value
    if lever.series is not None:
        times, points = zip(*lever.series, strict=True)
        target: Array = np.full_like(value, np.interp(time, times, points))
    elif lever.to is not None:
        target = np.full_like(value, lever.to)
    elif lever.add is not None:
        target = value + lever.add
    else:
        target = value * (1.0 if lever.times is None else lever.times)
    return value + share * (target - value)


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


class Schedule:
    """When the levers of some scenarios are in force, at every step of a run.

    Attributes:
        scenarios: The levers of each scenario that move a constant.
        times: Time at the start of each step.
        shares: For each scenario and lever, how much of it is in force at each step, 0 to 1.
    """

    def __init__(self, model: Model, scenarios: Sequence[Scenario]) -> None:
        time = model.time
        self.times = [time.at(step) for step in range(time.n_steps + 1)]
        self.scenarios = [[lever for lever in all_levers(s) if lever.points is None] for s in scenarios]
        self.shares = [
            [[in_force(lever, now + time.dt / 2) for now in self.times] for lever in levers]
            for levers in self.scenarios
        ]

    def targets(self, scenario: int) -> list[str]:
        """Return the constants a scenario moves at some time."""
        return list(dict.fromkeys(lever.target for lever in self.scenarios[scenario]))

    def parting(self, scenario: int, base: Mapping[str, Array]) -> int:
        """Return the first step at which a scenario moves a constant; past the last step when it never does.

        Args:
            scenario: Its number.
            base: Value of each moving constant before levers.
        """
        for step in range(len(self.times)):
            for name in self.targets(scenario):
                now = self.value(scenario, name, base[name], step)
                if now is not base[name] and not np.array_equal(now, base[name]):
                    return step
        return len(self.times)

    def setting(self, scenario: int, name: str, step: int) -> tuple[float, ...]:
        """Return all that a scenario's value of a constant depends on at a step, besides its value before levers."""
        found: list[float] = []
        for lever, shares in zip(self.scenarios[scenario], self.shares[scenario], strict=True):
            if lever.target == name:
                moves = lever.series is not None and shares[step]
                found += [shares[step], self.times[step] if moves else 0.0]
        return tuple(found)

    def value(self, scenario: int, name: str, before: Array, step: int) -> Array:
        """Return a scenario's value of a constant at a step, given its value before levers."""
        for lever, shares in zip(self.scenarios[scenario], self.shares[scenario], strict=True):
            if lever.target == name:
                before = moved(lever, before, self.times[step], shares[step])
        return before


def mover(
    schedule: Schedule, scenarios: Sequence[int], base: Mapping[str, Array], n_draws: int
) -> Callable[[int], dict[str, Array]]:
    """Return a function of the step number giving every moving constant, scenarios side by side.

    Args:
        schedule: When levers are in force.
        scenarios: Numbers of the scenarios; one block of columns each.
        base: Value of each moving constant before levers, (*axes, draws) or (*axes, 1).
        n_draws: Columns of one scenario.

    Returns:
        Function giving arrays (*axes, scenarios * draws), good until it is called again: what has not moved since is
        not worked out again.
    """
    blocks = [slice(at * n_draws, (at + 1) * n_draws) for at in range(len(scenarios))]
    values = {name: np.empty((*value.shape[:-1], n_draws * len(scenarios))) for name, value in base.items()}
    for name, before in base.items():
        for block in blocks:
            values[name][..., block] = before
    targets = [
        (name, scenario, block)
        for block, scenario in zip(blocks, scenarios, strict=True)
        for name in schedule.targets(scenario)
    ]
    settings: dict[tuple[str, int], tuple[float, ...]] = {}

    def at(step: int) -> dict[str, Array]:
        for name, scenario, block in targets:
            setting = schedule.setting(scenario, name, step)
            if settings.get((name, scenario)) != setting:
                settings[name, scenario] = setting
                values[name][..., block] = schedule.value(scenario, name, base[name], step)
        return values

    return at
