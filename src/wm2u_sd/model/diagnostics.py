"""Findings: what is wrong with a model, where, and what to do."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from wm2u_sd.errors import ModelError, caret
from wm2u_sd.expr.nodes import Expression, Span
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.pointing import line_excerpt, position_in_file, word_in_file
from wm2u_sd.model.variables import NO_PLACE, Auxiliary, Flow, Place, Stock, Variable

Placed = Variable | Dimension | Balance | Loop
At = Expression | Span | None


class Severity(StrEnum):
    """Whether a run is refused because of a finding."""

    ERROR = "error"
    WARNING = "warning"


class Code(StrEnum):
    """What a finding is about."""

    EQUATION = "equation"
    NAMES = "names"
    KINDS = "kinds"
    FLOWS = "flows"
    DIMENSIONS = "dimensions"
    UNITS = "units"
    LOOPS = "loops"
    TIME = "time"
    CONSTANTS = "constants"
    PRIORS = "priors"
    LOOKUPS = "lookups"
    BALANCE = "balance"
    SCENARIOS = "scenarios"
    UNUSED = "unused"
    DOCS = "docs"
    SOURCES = "sources"
    COSTS = "costs"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        severity: An error keeps the model from running; a warning does not.
        code: What it is about.
        message: What is wrong, both sides of it.
        hint: What to do, or ''.
        place: File, line and column; without a file for a model made in Python.
        excerpt: The equation with carets, or ''.
    """

    severity: Severity
    code: Code
    message: str
    hint: str = ""
    place: Place = NO_PLACE
    excerpt: str = ""

    @property
    def text(self) -> str:
        """Message and hint."""
        return f"{self.message}. {self.hint}" if self.hint else self.message

    @property
    def order(self) -> tuple[str, int, int, str, str]:
        """Key that sorts findings by file and line."""
        return (self.place.file, self.place.line, self.place.column, self.code, self.text)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place.file else ""
        return f"{where}{self.severity} [{self.code}] {self.text}" + (f"\n{self.excerpt}" if self.excerpt else "")

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for another program."""
        return {
            "severity": str(self.severity),
            "code": str(self.code),
            "message": self.message,
            "hint": self.hint,
            "file": self.place.file,
            "line": self.place.line,
            "column": self.place.column,
            "excerpt": self.excerpt,
        }


class CheckFailed(ModelError):
    """The model has errors; `report` holds every finding."""

    def __init__(self, report: Report) -> None:
        super().__init__("\n".join(map(str, report.errors)))
        self.report = report


@dataclass(frozen=True, slots=True)
class Report:
    """Everything found, sorted by file and line."""

    findings: Sequence[Finding] = ()

    @classmethod
    def of(cls, findings: Iterable[Finding]) -> Report:
        """Return a report of these findings, sorted, each once."""
        return cls(tuple(sorted(set(findings), key=lambda finding: finding.order)))

    @property
    def errors(self) -> list[Finding]:
        """Findings that keep the model from running."""
        return [finding for finding in self.findings if finding.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Finding]:
        """Findings that do not."""
        return [finding for finding in self.findings if finding.severity is Severity.WARNING]

    @property
    def ok(self) -> bool:
        """Whether there are no errors."""
        return not self.errors

    def raise_if_errors(self) -> None:
        """Stop when there are errors.

        Raises:
            CheckFailed: There are; the message lists them all.
        """
        if self.errors:
            raise CheckFailed(self)

    def __str__(self) -> str:
        counts = f"{counted(len(self.errors), 'error')}, {counted(len(self.warnings), 'warning')}"
        return "\n".join([*map(str, self.findings), counts])

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain values, for another program."""
        return {
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "findings": [finding.to_dict() for finding in self.findings],
        }


def shortened(value: Any) -> str:
    """Show any value in a few characters."""
    return reprlib.repr(value)


def counted(count: int, what: str) -> str:
    """Return a number with its noun: '1 error', '2 errors'."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


@dataclass(frozen=True, slots=True)
class Case:
    """A model under examination: what of it can be looked at, and how to point at it.

    Attributes:
        model: The model without the records whose fields are not what they should be.
        broken: Names of those records: they are there, but nothing more can be said of them.
        trees: Equations that could be read, by name; of a stock, its initial value.
        files: Text of the files the records came from, by the file of their place; makes lines and columns exact.
    """

    model: Model
    broken: frozenset[str] = frozenset()
    trees: Mapping[str, Expression] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)

    def error(
        self, code: Code, message: str, of: Placed | None = None, at: At = None, *, hint: str = "", word: str = ""
    ) -> Finding:
        """Return an error about a record.

        Args:
            code: What it is about.
            message: What is wrong.
            of: The record; None for a fault of no record.
            at: The part of its equation to point at, or the characters of it.
            hint: What to do.
            word: A word of the record to point at instead; '' takes its name.
        """
        return self._finding(Finding(Severity.ERROR, code, message, hint), of, at, word)

    def warning(
        self, code: Code, message: str, of: Placed | None = None, at: At = None, *, hint: str = "", word: str = ""
    ) -> Finding:
        """Return a warning; see `error`."""
        return self._finding(Finding(Severity.WARNING, code, message, hint), of, at, word)

    def at(self, finding: Finding, place: Place) -> Finding:
        """Return a finding moved to a line of a file."""
        return replace(finding, place=place, excerpt=line_excerpt(self.files.get(place.file, ""), place, 0))

    def _finding(self, finding: Finding, of: Placed | None, at: At, word: str) -> Finding:
        if of is None:
            return finding
        file = self.files.get(of.place.file, "")
        if at is not None and isinstance(of, Stock | Flow | Auxiliary):
            span, text = at if isinstance(at, tuple) else at.span, equation_text(of)
            return replace(finding, place=position_in_file(file, of.place, text, span[0]), excerpt=caret(text, *span))
        word = word or str(getattr(of, "name", ""))
        place = word_in_file(file, of.place, word) if word and file else of.place
        return replace(finding, place=place, excerpt=line_excerpt(file, place, len(word)))


def equation_text(record: Variable) -> str:
    """Return the equation of a record, of a stock its initial value, '' where it has none."""
    text: str = getattr(record, "equation", "") or getattr(record, "initial", "")
    return text
