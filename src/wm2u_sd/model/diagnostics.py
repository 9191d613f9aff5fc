"""Findings: what is wrong with a model, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from wm2u_sd.errors import ModelError
from wm2u_sd.model.variables import Place


class Severity(StrEnum):
    """Whether a run is refused because of a finding."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong.

    Attributes:
        severity: An error keeps the model from running; a warning does not.
        code: Kind of finding: equation, names, kinds, flows, dimensions, units, loops, unused, docs, sources, priors,
            lookups, balance, scenarios.
        message: What is wrong and what to do.
        place: File and line.
        excerpt: The equation with carets, or ''.
    """

    severity: Severity
    code: str
    message: str
    place: Place
    excerpt: str = ""

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place.file else ""
        return f"{where}{self.severity} [{self.code}] {self.message}" + (f"\n{self.excerpt}" if self.excerpt else "")

    @property
    def order(self) -> tuple[Any, ...]:
        """Key that sorts findings by file, line and text."""
        return (self.place.file, self.place.line, self.place.column, self.code, self.message)


class CheckFailed(ModelError):
    """The model has errors; `report` holds every finding."""

    def __init__(self, report: Report) -> None:
        super().__init__("\n".join(str(finding) for finding in report.errors))
        self.report = report


@dataclass(frozen=True)
class Report:
    """Everything found, sorted by file and line."""

    findings: Sequence[Finding]

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
        summary = f"{len(self.errors)} errors, {len(self.warnings)} warnings"
        return "\n".join([*map(str, self.findings), summary])

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain values, for another program."""
        return {
            "errors": len(self.errors),
            "warnings": len(self.warnings),
            "findings": [
                {
                    "severity": str(f.severity),
                    "code": f.code,
                    "message": f.message,
                    "file": f.place.file,
                    "line": f.place.line,
                    "excerpt": f.excerpt,
                }
                for f in self.findings
            ],
        }
