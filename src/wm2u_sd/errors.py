"""Every exception the library raises on purpose, and the helpers that word their messages.

The tree::

    Wm2uError
    ├── ModelError (ValueError)          something is wrong with a model
    │   ├── ParseError                   an equation cannot be read
    │   ├── NameUnknownError (KeyError)  a name that nothing defines
    │   ├── DimensionError               dimensions do not fit together
    │   ├── UnitsError                   units do not fit together
    │   └── CheckFailed                  check() found errors; carries every finding
    ├── FileError (ValueError)           a file cannot be read or is not of the expected form
    ├── SimulationError (RuntimeError)   a run could not be made
    ├── CalibrationError (RuntimeError)  a fit could not be made
    └── MoneyError (ValueError)          prices, discounting or a cost ledger do not add up
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class Wm2uError(Exception):
    """Base of every error this library raises on purpose."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class ModelError(Wm2uError, ValueError):
    """Something is wrong with a model."""


class ParseError(ModelError):
    """An equation cannot be read.

    Attributes:
        text: The equation as written.
        position: Index of the character where reading stopped.
        reason: What was expected, without the excerpt.
    """

    def __init__(self, reason: str, text: str, position: int) -> None:
        super().__init__(f"{reason}\n{caret(text, position)}")
        self.reason, self.text, self.position = reason, text, position


class NameUnknownError(ModelError, KeyError):
    """A name that nothing defines."""


class DimensionError(ModelError):
    """Dimensions do not fit together."""


class UnitsError(ModelError):
    """Units do not fit together."""


class FileError(Wm2uError, ValueError):
    """A file cannot be read, or is not of the expected form."""


class SimulationError(Wm2uError, RuntimeError):
    """A run could not be made."""


class CalibrationError(Wm2uError, RuntimeError):
    """A fit could not be made."""


class MoneyError(Wm2uError, ValueError):
    """Prices, discounting or a cost ledger do not add up."""


def nearest(name: str, known: Iterable[str], count: int = 3) -> list[str]:
    """Return up to `count` known names that look most like `name`, best first."""
    return difflib.get_close_matches(name, sorted(set(known)), n=count, cutoff=0.5)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ' Did you mean: a, b, c?', or '' when nothing is near."""
    close = nearest(name, known)
    return f" Did you mean: {', '.join(close)}?" if close else ""


def caret(text: str, start: int, end: int | None = None, width: int = 100) -> str:
    """Show the line of `text` that holds `start`, with carets under `start:end`.

    Long lines are cut to a window of `width` characters around the place.
    """
    start = max(0, min(start, len(text)))
    line_start = text.rfind("\n", 0, start) + 1
    line_end = text.find("\n", start)
    line = text[line_start : line_end if line_end >= 0 else len(text)].replace("\t", " ")
    column = start - line_start
    length = max(1, min((end if end is not None else start + 1) - start, len(line) - column))
    offset = max(0, column - width // 2) if len(line) > width else 0
    shown = line[offset : offset + width]
    return f"    {shown}\n    {' ' * (column - offset)}{'^' * min(length, width)}"
