"""What came of the checks, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from wm2u_sd.checks.spec import Check


@dataclass(frozen=True)
class Look:
    """One outcome looked at.

    Attributes:
        where: Outcome and moments, e.g. 'in_hospital at months 12, 36'.
        passed: Whether what was expected was found.
        expected, found: Both sides, in words.
    """

    where: str
    passed: bool
    expected: str
    found: str

    def __str__(self) -> str:
        return f"{self.where}: expected {self.expected}, found {self.found}"


@dataclass(frozen=True)
class CheckResult:
    """What came of one check."""

    check: Check
    looks: tuple[Look, ...]

    @property
    def name(self) -> str:
        """The check's name."""
        return self.check.name

    @property
    def sentence(self) -> str:
        """What it claims."""
        return self.check.sentence

    @property
    def passed(self) -> bool:
        """Whether every look passed."""
        return all(look.passed for look in self.looks)

    @property
    def decisive(self) -> tuple[Look, ...]:
        """The looks that failed, or all of them."""
        return tuple(look for look in self.looks if not look.passed) or self.looks

    @property
    def expected(self) -> str:
        """What was expected, of the looks that decide."""
        return "; ".join(dict.fromkeys(look.expected for look in self.decisive))

    @property
    def found(self) -> str:
        """What was found there."""
        return "; ".join(dict.fromkeys(look.found for look in self.decisive))

    @property
    def head(self) -> str:
        """Whether it passed, and what it claims, on one line."""
        return f"{'passed' if self.passed else 'FAILED'} [{self.check.kind}] {self.name}: {self.sentence}"

    def __str__(self) -> str:
        return "\n".join([self.head, *(f"    {look}" for look in self.decisive)])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for another program."""
        looks = [{"where": k.where, "passed": k.passed, "expected": k.expected, "found": k.found} for k in self.looks]
        facts = {"name": self.name, "type": str(self.check.kind), "sentence": self.sentence}
        return {**facts, "passed": self.passed, "looks": looks}


@dataclass(frozen=True)
class CheckResults(Mapping[str, CheckResult]):
    """What came of all checks, by name, in the order of the file."""

    results: tuple[CheckResult, ...]

    def __getitem__(self, name: str) -> CheckResult:
        for result in self.results:
            if result.name == name:
                return result
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        return (result.name for result in self.results)

    def __len__(self) -> int:
        return len(self.results)

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        """Those that did not pass."""
        return tuple(result for result in self.results if not result.passed)

    @property
    def ok(self) -> bool:
        """Whether all passed."""
        return not self.failed

    def __str__(self) -> str:
        counts = f"{len(self)} checks of behaviour: {len(self) - len(self.failed)} passed, {len(self.failed)} failed"
        lines = [result.head if result.passed else str(result) for result in self.results]
        return "\n".join([*lines, counts])

    def to_dict(self) -> dict[str, Any]:
        """Return plain values, for another program."""
        return {"checks": [result.to_dict() for result in self.results], "failed": len(self.failed)}
