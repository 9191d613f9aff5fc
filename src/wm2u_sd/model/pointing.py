"""Point at a place in a file: at a character of an equation, at a word of a record, at a line."""

from __future__ import annotations

import re
from dataclasses import replace

from wm2u_sd.errors import caret
from wm2u_sd.model.variables import Place


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


def word_in_file(file: str, place: Place, word: str) -> Place:
    """Return where a word stands in the record at `place`: on its own line, else in the block the line belongs to.

    Args:
        file: Text of the whole file.
        place: A line of the record.
        word: As written in the file; `place` is returned when it is not there.
    """
    lines = file.splitlines()
    first, after = _block(lines, place.line - 1)
    wanted = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(word)}(?![A-Za-z0-9_])")
    for number in (place.line - 1, *range(first, after)):
        found = wanted.search(lines[number]) if number < len(lines) else None
        if found:
            return Place(place.file, number + 1, found.start() + 1)
    return place


def _block(lines: list[str], number: int) -> tuple[int, int]:
    """Return the lines, first to after the last, of the block a line belongs to: down to the next key as far out."""
    if number >= len(lines):
        return number, number
    indent = _indent(lines[number])
    first = next((at for at in range(number, -1, -1) if lines[at].strip() and _indent(lines[at]) < indent), 0)
    outer = _indent(lines[first])
    after = next(
        (at for at in range(number + 1, len(lines)) if lines[at].strip() and _indent(lines[at]) <= outer), None
    )
    return first, len(lines) if after is None else after


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def line_excerpt(file: str, place: Place, length: int) -> str:
    """Return the line of a place with carets under `length` characters; '' when the file is not at hand."""
    lines = file.splitlines()
    if not 0 < place.line <= len(lines):
        return ""
    line = lines[place.line - 1]
    start = len(line) - len(line.lstrip())
    at = max(place.column - 1 - start, 0)
    shown = line.strip()
    return caret(shown, at, min(at + length, len(shown)) if length else len(shown))
