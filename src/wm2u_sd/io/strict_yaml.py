"""Read YAML from strangers: plain values only, every one with the place where it stands.

Tags, directives, anchors, aliases and merge keys are refused, keys are unique text, and size and depth are limited.
Values are built here from the parser's events, so nothing but text, numbers, true, false, null, lists and mappings can
ever come out.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wm2u_sd.errors import FileError, caret
from wm2u_sd.io.paths import read_utf8, reason
from wm2u_sd.kept import keep, kept

LARGEST_FILE = 1_000_000
LONGEST_LINE = 50_000  # the scanner is quadratic in some tokens, and tokens of one line are the longest
DEEPEST = 40
MOST_VALUES = 200_000
LONGEST_NUMBER = 400
WORTH_KEEPING = 2_000  # characters of text that take a hundredth of a second to read
KEPT_AS = "strict YAML 1"

INTEGER = re.compile(r"[-+]?[0-9]+")
REAL = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
NOT_A_NUMBER = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
WORDS: dict[str, Any] = {"null": None, "Null": None, "NULL": None, "~": None, "": None}
WORDS |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
OUR_WORDS: dict[str, str] = {
    "found character '\\t' that": "a tab cannot indent; use spaces",
    "mapping values are not allowed here": "a colon with a space after it inside text; put the text in quotes",
    "could not find expected ':'": "a name must be followed by a colon and a space, as in 'name: value'",
    "found unexpected end of stream": "the quote that begins here is not closed",
    "found unexpected document separator": "the quote that begins here is not closed",
    "found unknown escape character": "a backslash in double quotes begins an escape; use single quotes",
    "found character '@' that": "text cannot begin with @; put it in quotes",
    "found character '`' that": "text cannot begin with `; put it in quotes",
    "expected <block end>, but found": "this line is indented differently from the lines it belongs to",
    "expected ',' or ']'": "a list in [ ] needs a comma between its values and a ] at its end",
    "expected ',' or '}'": "a record in { } needs a comma between its parts and a } at its end",
}


@dataclass(frozen=True, slots=True)
class Node:
    """A value and where it stands.

    Attributes:
        value: Text, number, bool, None, list of nodes, or dict of text to nodes.
        line, column: Where it begins, from 1.
        key_line: For a value of a mapping, the line of its key.
    """

    value: Any
    line: int
    column: int
    key_line: int = 0


def plain(node: Node) -> Any:
    """Return the value without places."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def read_file(path: Path) -> Node:
    """Read a YAML file.

    Raises:
        FileError: It is missing, too large, not UTF-8, or not the YAML described above; says file, line and what to do.
    """
    return read_text(read_utf8(path, LARGEST_FILE), str(path))


def read_text(text: str, name: str) -> Node:
    """Read YAML text; `name` stands for the file in messages.

    Raises:
        FileError: See `read_file`.
    """
    if len(text) > LARGEST_FILE:
        raise FileError(f"{name}: {len(text):,} characters; the limit is {LARGEST_FILE:,}")
    text = text.removeprefix("\ufeff")
    for number, line in enumerate(text.splitlines(), start=1):
        if len(line) > LONGEST_LINE:
            raise FileError(f"{name}:{number}: a line of {len(line):,} characters; the limit is {LONGEST_LINE:,}")
        if line.startswith("%"):
            raise FileError(f"{name}:{number}: directives (%) are not allowed; delete the line")
    return _Reader(text, name).document()


def read_once(text: str, name: str) -> Node:
    """Read YAML text, or return what an earlier process read from the same: long texts take long.

    Raises:
        FileError: See `read_file`.
    """
    if len(text) < WORTH_KEEPING:
        return read_text(text, name)
    key = hashlib.sha256(f"{KEPT_AS}\0{text}".encode()).hexdigest()
    found = kept(key)
    if found is not None:
        return _from_lists(json.loads(found))
    node = read_text(text, name)
    keep(key, json.dumps(_as_lists(node), separators=(",", ":")).encode())
    return node


def _as_lists(node: Node) -> list[Any]:
    """Return a node as what JSON can hold: kind, value and place."""
    value = node.value
    if isinstance(value, dict):
        value = {key: _as_lists(child) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_as_lists(child) for child in value]
    return [value, node.line, node.column, node.key_line]


def _from_lists(found: list[Any]) -> Node:
    value, line, column, key_line = found
    if isinstance(value, dict):
        value = {key: _from_lists(child) for key, child in value.items()}
    elif isinstance(value, list):
        value = [_from_lists(child) for child in value]
    return Node(value, line, column, key_line)


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        self.text, self.name, self.count = text, name, 0
        self.events = self.parsed()

    def parsed(self) -> Iterator[Any]:
        from ruamel.yaml import YAML
        from ruamel.yaml.error import MarkedYAMLError, YAMLError
        from ruamel.yaml.reader import ReaderError

        reader = YAML(typ="safe", pure=True)
        reader.version = (1, 2)
        try:
            yield from reader.parse(self.text)
        except MarkedYAMLError as error:
            begun = error.context == "while scanning a quoted scalar"
            mark = error.context_mark if begun else error.problem_mark or error.context_mark
            raise self.fault(_in_our_words(str(error.problem or error.context)), mark) from None
        except ReaderError as error:
            raise self.strange(error.position) from None
        except (YAMLError, ValueError, OverflowError, AttributeError, RecursionError) as error:
            raise FileError(f"{self.name}: not YAML ({reason(error)})") from None

    def fault(self, said: str, mark: Any) -> FileError:
        if mark is None:
            return FileError(f"{self.name}: {said}")
        position = min(mark.index, len(self.text))
        return FileError(f"{self.name}:{mark.line + 1}: {said}\n{caret(self.text, position)}")

    def strange(self, position: int) -> FileError:
        line = self.text.count("\n", 0, position) + 1
        code = f"U+{ord(self.text[position]):04X}"
        return FileError(f"{self.name}:{line}: the character {code} cannot stand in YAML; delete it")

    def next(self) -> Any:
        return next(self.events)

    def document(self) -> Node:
        from ruamel.yaml.events import DocumentEndEvent, StreamEndEvent

        self.next()
        opening = self.next()
        if isinstance(opening, StreamEndEvent):
            raise FileError(f"{self.name}: the file is empty")
        node = self.value(self.next(), 0)
        while isinstance(after := self.next(), DocumentEndEvent):
            continue
        if not isinstance(after, StreamEndEvent):
            raise self.fault("a second document; one file holds one", after.start_mark)
        return node

    def value(self, event: Any, depth: int) -> Node:
        from ruamel.yaml.events import AliasEvent, ScalarEvent, SequenceStartEvent

        self.count += 1
        if self.count > MOST_VALUES:
            raise self.fault(f"more than {MOST_VALUES:,} values", event.start_mark)
        if depth > DEEPEST:
            raise self.fault(f"nested more than {DEEPEST} deep", event.start_mark)
        if isinstance(event, AliasEvent) or event.anchor is not None:
            raise self.fault("anchors and aliases (& and *) are not allowed; write the value out", event.start_mark)
        if event.tag is not None:
            raise self.fault(f"tags (!) are not allowed: {str(event.tag)[:60]}", event.start_mark)
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, ScalarEvent):
            return Node(self.scalar(event), line, column)
        if isinstance(event, SequenceStartEvent):
            return Node(self.items(depth), line, column)
        return Node(self.pairs(depth), line, column)

    def items(self, depth: int) -> list[Node]:
        from ruamel.yaml.events import SequenceEndEvent

        found = []
        while not isinstance(event := self.next(), SequenceEndEvent):
            found.append(self.value(event, depth + 1))
        return found

    def pairs(self, depth: int) -> dict[str, Node]:
        from ruamel.yaml.events import MappingEndEvent

        found: dict[str, Node] = {}
        while not isinstance(event := self.next(), MappingEndEvent):
            key = self.value(event, depth + 1)
            if not isinstance(key.value, str):
                shown = json.dumps(plain(key))[:60]
                raise self.fault(f"the key {shown} is not text; put it in quotes", event.start_mark)
            if key.value == "<<":
                raise self.fault("merge keys (<<) are not allowed; write the values out", event.start_mark)
            if key.value in found:
                first = found[key.value].key_line
                raise self.fault(
                    f"key '{key.value}' is given twice; first at line {first}. Keep one.", event.start_mark
                )
            child = self.value(self.next(), depth + 1)
            found[key.value] = Node(child.value, child.line, child.column, key.line)
        return found

    def scalar(self, event: Any) -> Any:
        text: str = event.value
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise self.fault("half of a character (a lone surrogate); write the character itself", event.start_mark)
        if not event.implicit[0] or event.style is not None:
            return text
        if text in WORDS:
            return WORDS[text]
        if NOT_A_NUMBER.fullmatch(text):
            raise self.fault(f"{text} is not a number a model can use", event.start_mark)
        if INTEGER.fullmatch(text) or REAL.fullmatch(text):
            return self.number(text, event)
        return text

    def number(self, text: str, event: Any) -> int | float:
        if len(text) > LONGEST_NUMBER:
            raise self.fault(f"a number of {len(text)} characters", event.start_mark)
        value = float(text)
        if math.isinf(value):
            raise self.fault(f"the number {text[:20]} is too large", event.start_mark)
        return int(text) if INTEGER.fullmatch(text) else value


def _in_our_words(problem: str) -> str:
    """Say the commonest faults so that someone who knows no YAML can mend them."""
    for theirs, ours in OUR_WORDS.items():
        if problem.startswith(theirs):
            return ours
    return problem
