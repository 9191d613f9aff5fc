"""What a check is: one thing a model must keep doing, and how far that claims to hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from wm2u_sd.checks.predicates import Predicate, Refers
from wm2u_sd.io.records import LeverRecord, Record
from wm2u_sd.io.scalars import Names, Number
from wm2u_sd.simulation.scenario import Scenario

AS_NOW = "as_now"


class Kind(StrEnum):
    """How far a check claims to hold (SEM-70)."""

    ALWAYS = "T"
    AT_FIRST = "T0"
    CONDITIONAL = "C"
    SEEN = "P"


class CheckRecord(Record):
    """One check of checks.yaml (SEM-70 to SEM-74)."""

    type: Literal["T", "T0", "C", "P"]
    sentence: str
    scenario: str = ""
    levers: list[LeverRecord] = Field(default_factory=list)
    against: str = AS_NOW
    given: dict[str, Number] = Field(default_factory=dict)
    outcome: Names
    at: list[Number] = Field(default_factory=list)
    expects: dict[str, Any]
    condition: str = ""
    otherwise: str = ""

    @property
    def kind(self) -> Kind:
        """The type as a kind."""
        return Kind(self.type)

    @property
    def outcomes(self) -> list[str]:
        """The outcomes, one or more."""
        return [self.outcome] if isinstance(self.outcome, str) else list(self.outcome)


@dataclass(frozen=True)
class Expectation:
    """A predicate with its arguments."""

    predicate: Predicate
    arguments: Mapping[str, Any]

    def names(self, what: Refers) -> list[str]:
        """Return the scenarios, or the outcomes, its arguments name."""
        return [name for key, mark in self.predicate.refers.items() if mark is what for name in self.arguments[key]]


@dataclass(frozen=True)
class Check:
    """One thing a model must keep doing.

    Attributes:
        name: Its name in the file.
        kind: How far it claims to hold.
        sentence: What it claims, in words.
        scenario: What is run.
        against: Name of the scenario it is compared with, or 'start'.
        given: Constants set in both.
        outcomes: What is looked at.
        at: Times it is looked at; none for a predicate over the whole run or a check of the first change.
        expectation: What is expected.
        condition: In words, what must be so for it to hold; '' unless the kind is conditional.
        otherwise: Name of the check on the other side of that condition.
    """

    name: str
    kind: Kind
    sentence: str
    scenario: Scenario
    against: str
    given: Mapping[str, float]
    outcomes: Sequence[str]
    at: Sequence[float]
    expectation: Expectation
    condition: str = ""
    otherwise: str = ""
