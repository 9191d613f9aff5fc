"""Scenarios: named changes to constants and lookups, each with a start, a ramp and an end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from wm2u_sd.model.variables import NO_PLACE, Place, settle, settled


@dataclass(frozen=True, slots=True)
class Lever:
    """One change to one constant or lookup.

    Exactly one of `to`, `add`, `times`, `series`, `points` is given.

    Attributes:
        target: Name of a constant, or of a lookup for `points`.
        to, add, times: Replace the value, add to it, or multiply it, once fully in force.
        series: (time, value) pairs that replace the value, joined by straight lines and held at the ends.
        points: New (x, y) points for a lookup, for the whole run.
        start, end: When it begins and stops; None means from the start / to the end of the run.
        ramp: Mean time of the third-order delay through which it takes hold and fades; 0 is a step.
        place: Where it was written, for messages.
    """

    target: str
    to: float | None = None
    add: float | None = None
    times: float | None = None
    series: Sequence[tuple[float, float]] | None = None
    points: Sequence[tuple[float, float]] | None = None
    start: float | None = None
    end: float | None = None
    ramp: float = 0.0
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "to", "add", "times", "series", "points", "start", "end", "ramp")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named set of changes; with none it is 'do nothing different'.

    Attributes:
        set: Shorthand, constant name -> value for the whole run.
        levers: Changes with a start, ramp and end.
        target, actors, cost_line, assumption, disagrees: What the group said about it (shown, never computed).
        place: Where it was written, for messages.
    """

    name: str
    set: Mapping[str, float] = field(default_factory=dict)
    levers: Sequence[Lever] = ()
    label: str = ""
    target: str = ""
    actors: Sequence[str] = ()
    cost_line: str = ""
    assumption: str = ""
    disagrees: str = ""
    source: str = ""
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "levers", "actors")
        if isinstance(self.set, Mapping):
            object.__setattr__(self, "set", {name: settled(value) for name, value in self.set.items()})

    @property
    def called(self) -> str:
        """What it is called in words: its label, else its name."""
        return self.label or self.name.replace("_", " ")


def scenario_to_dict(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as plain values, without the places where it was written."""
    facts = {key: value for key, value in asdict(scenario).items() if key != "place"}
    levers = [{key: value for key, value in lever.items() if key != "place"} for lever in facts["levers"]]
    return {**facts, "levers": levers}


def scenario_from_dict(facts: Mapping[str, Any]) -> Scenario:
    """Read back what `scenario_to_dict` gave, after a way through JSON as well."""
    return Scenario(**{**facts, "levers": tuple(Lever(**lever) for lever in facts["levers"])})
