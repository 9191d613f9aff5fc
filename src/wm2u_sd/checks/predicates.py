"""What a check can expect, one decorated function each (SEM-71, SEM-72).

`expects` of checks.yaml names one predicate and gives its arguments. The function's name is the key, its first argument
after `seen` what stands at that key, and its further arguments are further keys.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import floor, log10
from typing import Annotated, Any, Literal, get_args, get_origin

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator, create_model

from wm2u_sd.io.records import Record
from wm2u_sd.io.scalars import Number, Positive

Array = NDArray[np.float64]

START = "start"  # in the place of a scenario to compare with: the outcome's own value at the start
STILL = 1e-9  # of the size of what is compared with: less is rounding


class Sign(StrEnum):
    """Which way an outcome moves."""

    RISES = "rises"
    FALLS = "falls"
    STILL = "still"


class Refers(StrEnum):
    """What an argument of a predicate names."""

    SCENARIO = "scenario"
    OUTCOME = "outcome"


def _signs(value: Any) -> list[str]:
    """Read one word, or one for each moment."""
    words = value if isinstance(value, list) else [value]
    if not words or not all(isinstance(word, str) and word in list(Sign) for word in words):
        raise ValueError(f"expected {', '.join(Sign)}, or one of them for each moment")
    return words


Signs = Annotated[Any, BeforeValidator(_signs)]
ScenarioNames = Annotated[list[str], Refers.SCENARIO]
OutcomeNames = Annotated[list[str], Refers.OUTCOME]


@dataclass(frozen=True)
class Seen:
    """One outcome of a check as it ran, in one draw.

    Attributes:
        scenario, against, outcome: Names; `against` may be 'start'.
        values: Paths over `times` by scenario and outcome.
        times: Kept times, rising.
        moments: Positions in `times` that the check looks at.
    """

    scenario: str
    against: str
    outcome: str
    values: Mapping[tuple[str, str], Array]
    times: Array
    moments: Sequence[int] = ()

    def path(self, outcome: str = "") -> Array:
        """Return the path of an outcome in the check's scenario."""
        return self.values[self.scenario, outcome or self.outcome]

    def effect(self, scenario: str = "") -> Array:
        """Return how far a scenario takes the outcome from what it is compared with, over all times."""
        path = self.values[scenario or self.scenario, self.outcome]
        return path - (path[0] if self.against == START else self.values[self.against, self.outcome])

    def at_moments(self, path: Array) -> Array:
        """Return the values of a path at the moments looked at."""
        chosen: Array = path[list(self.moments)]
        return chosen

    @property
    def size(self) -> float:
        """Largest amount of what the outcome is compared with."""
        other = self.scenario if self.against == START else self.against
        return float(np.abs(self.values[other, self.outcome]).max())


@dataclass(frozen=True)
class Verdict:
    """Whether an expectation was met, and both sides in words."""

    passed: bool
    expected: str
    found: str


@dataclass(frozen=True)
class Predicate:
    """A registered predicate.

    Attributes:
        name: Its key in `expects`.
        judge: The function.
        record: Holds `expects`, with what may stand there for it.
        arguments: Keys in the order of the function's arguments.
        refers: Keys that name scenarios or outcomes.
        least: Fewest moments it can judge; 0 when it looks at the whole run, so that the check gives no `at`.
        counted: Key whose list must have one entry for each moment, '' when none must.
    """

    name: str
    judge: Callable[..., Verdict]
    record: type[Record]
    arguments: tuple[str, ...]
    refers: Mapping[str, Refers]
    least: int
    counted: str


PREDICATES: dict[str, Predicate] = {}


def predicate(*, least: int = 1, counted: bool = False) -> Callable[[Callable[..., Verdict]], Any]:
    """Register a function as a predicate under its own name.

    Args:
        least: Fewest moments it can judge; 0 for one that looks at the whole run.
        counted: Its first argument has one entry for each moment.
    """

    def register(judge: Callable[..., Verdict]) -> Callable[..., Verdict]:
        name = judge.__name__
        _, first, *options = inspect.signature(judge, eval_str=True).parameters.values()
        keys = {name: first, **{option.name: option for option in options}}
        fields: dict[str, Any] = {
            k: (a.annotation, ... if a.default is a.empty else a.default) for k, a in keys.items()
        }
        refers = {key: mark for key, a in keys.items() for mark in _marks(a.annotation)}
        arguments = create_model(f"{name}_arguments", __base__=Record, **fields)
        record = create_model(f"{name}_record", __base__=Record, expects=(arguments, ...))
        PREDICATES[name] = Predicate(name, judge, record, tuple(keys), refers, least, name if counted else "")
        return judge

    return register


def _marks(annotation: Any) -> list[Refers]:
    marks = get_args(annotation)[1:] if get_origin(annotation) is Annotated else ()
    return [mark for mark in marks if isinstance(mark, Refers)]


@predicate(counted=True)
def difference(seen: Seen, numbers: list[Number], within: Positive) -> Verdict:
    """Expect these differences at the moments, each within a distance."""
    found = seen.at_moments(seen.effect())
    decimals = max(0, -floor(log10(within)))
    return Verdict(
        bool((np.abs(found - numbers) <= within).all()),
        f"{_listed(f'{number:g}' for number in numbers)} (within {within:g})",
        _listed(f"{value:.{decimals}f}" for value in found),
    )


@predicate(counted=True)
def at_most(seen: Seen, numbers: list[Number]) -> Verdict:
    """Expect differences of these at the moments, or lower."""
    found = seen.at_moments(seen.effect())
    return Verdict(
        bool((found <= numbers).all()),
        f"at most {_listed(f'{number:g}' for number in numbers)}",
        _listed(f"{value:.4g}" for value in found),
    )


@predicate()
def sign(seen: Seen, words: Signs) -> Verdict:
    """Expect the outcome above, below or where it is compared with, at every moment or at each its own."""
    found = seen.at_moments(seen.effect())
    expected = words * len(found) if len(words) == 1 else words
    ways = [way(value, seen.size) for value in found]
    if set(words) == {Sign.STILL}:
        largest = float(np.abs(found).max())
        return Verdict(ways == expected, f"still (within {STILL:g} of {seen.size:.4g})", f"moved by {largest:.2g}")
    return Verdict(ways == expected, _listed(words), _listed(f"{value:+.4g}" for value in found))


@predicate(least=0)
def first_above_zero(seen: Seen, moment: Number) -> Verdict:
    """Expect the outcome above what it is compared with from this moment to the end, and not the moment before."""
    below = np.flatnonzero(seen.effect() <= STILL * seen.size)
    above_from = int(below[-1]) + 1 if below.size else 0
    found = f"from {seen.times[above_from]:g}" if above_from < len(seen.times) else "not above at the end"
    return Verdict(f"from {moment:g}" == found, f"above from {moment:g}", found)


@predicate(least=2)
def trend(seen: Seen, way: Literal["grows", "fades"]) -> Verdict:
    """Expect the distance from what it is compared with to grow, or to fade, from each moment to the next."""
    found = seen.at_moments(seen.effect())
    steps = np.diff(np.abs(found))
    passed = bool((steps > 0).all() if way == "grows" else (steps < 0).all())
    return Verdict(passed, f"a distance that {way}", _listed(f"{value:+.4g}" for value in found))


@predicate()
def sum_of(seen: Seen, scenarios: ScenarioNames, gain: Literal["more", "less", "same"]) -> Verdict:
    """Expect to go further than some scenarios' effects added up, less far, or as far (SEM-72)."""
    found, parts = seen.at_moments(seen.effect()), [seen.at_moments(seen.effect(name)) for name in scenarios]
    total: Array = np.sum(parts, axis=0)
    beyond = (found - total) * np.sign(total)
    near = STILL * seen.size
    passed = {"more": beyond > near, "less": beyond < -near, "same": np.abs(beyond) <= near}[gain]
    than = {"more": "more than", "less": "less than", "same": "the same as"}[gain]
    return Verdict(
        bool(passed.all()),
        f"{than} the sum of {' and '.join(scenarios)}, {_listed(f'{value:.4g}' for value in total)}",
        _listed(f"{value:.4g}" for value in found),
    )


@predicate()
def smallest_of(seen: Seen, outcomes: OutcomeNames) -> Verdict:
    """Expect the outcome to be the smallest of several, so that it is the one that binds."""
    paths = {name: seen.at_moments(seen.path(name)) for name in outcomes}
    own = seen.at_moments(seen.path())
    passed = all((own <= path).all() for path in paths.values())
    shown = "; ".join(f"{name} {_listed(f'{value:.4g}' for value in path)}" for name, path in paths.items())
    return Verdict(passed, f"the smallest of {', '.join(outcomes)}", shown)


def way(value: float, size: float) -> Sign:
    """Say which way a difference goes, against the size of what it is a difference to (SEM-71)."""
    if abs(value) <= STILL * size:
        return Sign.STILL
    return Sign.RISES if value > 0 else Sign.FALLS


def _listed(parts: Any) -> str:
    return ", ".join(parts)
