"""Findings: what is wrong with a model, where, and what to do."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from wm2u_sd.errors import ModelError, caret
from wm2u_sd.expr.nodes import Expression, Span
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import NO_PLACE, Place, Variable


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
        counts = f"{_counted(len(self.errors), 'error')}, {_counted(len(self.warnings), 'warning')}"
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


def _counted(count: int, what: str) -> str:
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
        self, code: Code, message: str, of: Variable | None = None, node: Expression | None = None, *, hint: str = ""
    ) -> Finding:
        """Return an error about a record, pointing at a part of its equation when one is given."""
        return self.finding(Severity.ERROR, code, message, hint, of, node.span if node is not None else None)

    def warning(
        self, code: Code, message: str, of: Variable | None = None, node: Expression | None = None, *, hint: str = ""
    ) -> Finding:
        """Return a warning; see `error`."""
        return self.finding(Severity.WARNING, code, message, hint, of, node.span if node is not None else None)

    def finding(
        self, severity: Severity, code: Code, message: str, hint: str, of: Variable | None, span: Span | None
    ) -> Finding:
        """Return a finding at a record, or at the characters `span` of its equation."""
        if of is None or span is None:
            return Finding(severity, code, message, hint, of.place if of is not None else NO_PLACE)
        text = equation_text(of)
        place = position_in_file(self.files.get(of.place.file, ""), of.place, text, span[0])
        return Finding(severity, code, message, hint, place, caret(text, *span))


def equation_text(record: Variable) -> str:
    """Return the equation of a record, of a stock its initial value, '' where it has none."""
    text: str = getattr(record, "equation", "") or getattr(record, "initial", "")
    return text


def position_in_file(file: str, place: Place, text: str, position: int) -> Place:
    """Return the place of one character of an equation, however its lines were folded when the file was read.

    Args:
        file: Text of the whole file; '' when it is not at hand, then the equation is taken to stand on one line.
        place: Where the value begins in the file, its quote or block mark included.
        text: The equation as read.
        position: Index into `text`.
    """
    if not file or not place.file:
        return replace(place, column=place.column + position) if place.file else place
    lines = file.splitlines(keepends=True)
    at = sum(map(len, lines[: place.line - 1])) + place.column - 1
    if file[at : at + 1] in (">", "|"):
        at = file.find("\n", at) + 1
    elif file[at : at + 1] in ("'", '"'):
        at += 1
    before = "".join(text[:position].split())
    for wanted in [*before, text[position : position + 1].strip()]:
        at = _next_visible(file, at)
        if wanted and file[at : at + 1] != wanted:
            return place
        at += 1
    return Place(place.file, file.count("\n", 0, at - 1) + 1, at - 1 - file.rfind("\n", 0, at - 1))


def _next_visible(text: str, at: int) -> int:
    while text[at : at + 1].isspace():
        at += 1
    return at
