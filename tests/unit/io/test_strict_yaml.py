"""YAML from strangers: what comes out, and what is said of what does not."""

import pytest

from wm2u_sd.errors import FileError
from wm2u_sd.io.strict_yaml import DEEPEST, LONGEST_LINE, LONGEST_NUMBER, MOST_VALUES, Node, plain, read_text

Plain = object


def refused(text: str) -> str:
    with pytest.raises(FileError) as caught:
        read_text(text, "f.yaml")
    return str(caught.value)


# YAML 1.2, core schema, chapter 10.3.2, less hexadecimal and octal numbers, infinity and NaN.
SCALARS: dict[str, Plain] = {
    "12": 12,
    "-3": -3,
    "+3": 3,
    "012": 12,
    "1.5": 1.5,
    "1.": 1.0,
    ".5": 0.5,
    "1e3": 1000.0,
    "-2.5E-3": -0.0025,
    "true": True,
    "False": False,
    "null": None,
    "~": None,
    "": None,
    "no": "no",
    "on": "on",
    "1_000": "1_000",
    "1:30": "1:30",
    "0x1f": "0x1f",
    "0o17": "0o17",
    "2025-03-31": "2025-03-31",
    "35%": "35%",
    "'12'": "12",
    '"true"': "true",
    "word": "word",
    ">\n  folded\n  text": "folded text",
    "|\n  two\n  lines": "two\nlines",
}


@pytest.mark.parametrize(("text", "value"), SCALARS.items())
def test_a_scalar_is_what_yaml_1_2_says(text: str, value: Plain) -> None:
    found = plain(read_text(f"a: {text}", "f.yaml"))

    assert {"a": value} == found
    assert type(value) is type(found["a"])


def test_every_value_knows_its_line_and_column() -> None:
    root = read_text("a: 1\nb:\n  - x\n  - {c: 2, dd: [3,\n      44]}\n", "f.yaml")

    assert Node(1, 1, 4, key_line=1) == root.value["a"]
    first, second = root.value["b"].value
    assert (3, 5) == (first.line, first.column)
    assert (4, 9, 4) == (second.value["c"].line, second.value["c"].column, second.value["c"].key_line)
    assert [(4, 17), (5, 7)] == [(one.line, one.column) for one in second.value["dd"].value]


def test_a_byte_order_mark_and_carriage_returns_move_no_line() -> None:
    root = read_text("\ufeffa: 1\r\nb: 2\r\n", "f.yaml")

    assert {"a": 1, "b": 2} == plain(root)
    assert (2, 4) == (root.value["b"].line, root.value["b"].column)


FAULTS = {
    "": "f.yaml: the file is empty",
    "# a comment": "f.yaml: the file is empty",
    "a: 1\na: 2": "f.yaml:2: key 'a' is given twice; first at line 1. Keep one.\n    a: 2\n    ^",
    "a: {b: 1, c: 2, b: 3}": (
        "f.yaml:1: key 'b' is given twice; first at line 1. Keep one.\n    a: {b: 1, c: 2, b: 3}\n                    ^"
    ),
    "1: a": "f.yaml:1: the key 1 is not text; put it in quotes\n    1: a\n    ^",
    "~: a": "f.yaml:1: the key null is not text; put it in quotes\n    ~: a\n    ^",
    "? [x]\n: a": 'f.yaml:1: the key ["x"] is not text; put it in quotes\n    ? [x]\n      ^',
    "a: !!python/object/apply:os.system ['true']": (
        "f.yaml:1: tags (!) are not allowed: tag:yaml.org,2002:python/object/apply:os.system\n"
        "    a: !!python/object/apply:os.system ['true']\n       ^"
    ),
    "a: ! 3": "f.yaml:1: tags (!) are not allowed: !\n    a: ! 3\n       ^",
    "%TAG ! tag:x,2000:\n---\na: 1": "f.yaml:1: directives (%) are not allowed; delete the line",
    "a: &x 1": (
        "f.yaml:1: anchors and aliases (& and *) are not allowed; write the value out\n    a: &x 1\n       ^"
    ),
    "a: *x": "f.yaml:1: anchors and aliases (& and *) are not allowed; write the value out\n    a: *x\n       ^",
    "a:\n  <<: {b: 1}": (
        "f.yaml:2: merge keys (<<) are not allowed; write the values out\n      <<: {b: 1}\n      ^"
    ),
    "a: 1\n---\nb: 2": "f.yaml:2: a second document; one file holds one\n    ---\n    ^",
    "a: .nan": "f.yaml:1: .nan is not a number a model can use\n    a: .nan\n       ^",
    "a: -.inf": "f.yaml:1: -.inf is not a number a model can use\n    a: -.inf\n       ^",
    "a: 1e999": "f.yaml:1: the number 1e999 is too large\n    a: 1e999\n       ^",
    'a: "\\ud800"': (
        "f.yaml:1: half of a character (a lone surrogate); write the character itself\n    a: \"\\ud800\"\n       ^"
    ),
    "a: \0": "f.yaml:1: the character U+0000 cannot stand in YAML; delete it",
    "a: 1\nb: \x07": "f.yaml:2: the character U+0007 cannot stand in YAML; delete it",
    "a: \ud800": "f.yaml:1: the character U+D800 cannot stand in YAML; delete it",
    "a:\n\tb: 1": "f.yaml:2: a tab cannot indent; use spaces\n     b: 1\n    ^",
    "a: b: c": (
        "f.yaml:1: a colon with a space after it inside text; put the text in quotes\n    a: b: c\n        ^"
    ),
    "a: 1\nb\n": "f.yaml:3: a name must be followed by a colon and a space, as in 'name: value'\n    \n    ^",
    "a: 1\nb: 'open": "f.yaml:2: the quote that begins here is not closed\n    b: 'open\n       ^",
    'a: "\\q"': (
        "f.yaml:1: a backslash in double quotes begins an escape; use single quotes\n    a: \"\\q\"\n         ^"
    ),
    "a: @b": "f.yaml:1: text cannot begin with @; put it in quotes\n    a: @b\n       ^",
    "a: `b": "f.yaml:1: text cannot begin with `; put it in quotes\n    a: `b\n       ^",
    "- a\nb: 1": (
        "f.yaml:2: this line is indented differently from the lines it belongs to\n    b: 1\n    ^"
    ),
    "a: [1 2: 3": (
        "f.yaml:1: a list in [ ] needs a comma between its values and a ] at its end\n    a: [1 2: 3\n              ^"
    ),
    "a: {b: 1": (
        "f.yaml:1: a record in { } needs a comma between its parts and a } at its end\n    a: {b: 1\n            ^"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "message"), FAULTS.items())
def test_a_fault_is_named_and_pointed_at(text: str, message: str) -> None:
    assert message == refused(text)


def test_limits_are_kept() -> None:
    deep = "[" * (DEEPEST + 2)
    assert refused(deep).startswith(f"f.yaml:1: nested more than {DEEPEST} deep\n")

    assert (
        f"f.yaml:1: a number of {LONGEST_NUMBER + 1} characters" == refused("9" * (LONGEST_NUMBER + 1)).split("\n")[0]
    )

    long_line = "a: 1\nb: " + "x" * LONGEST_LINE
    assert "f.yaml:2: a line of 50,003 characters; the limit is 50,000" == refused(long_line)

    assert "f.yaml: 1,000,001 characters; the limit is 1,000,000" == refused("x" * 1_000_001)


def test_the_number_of_values_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MOST_VALUES > 10_000
    monkeypatch.setattr("wm2u_sd.io.strict_yaml.MOST_VALUES", 5)

    assert [1, 2, 3, 4] == plain(read_text("[1, 2, 3, 4]", "f.yaml"))
    assert "f.yaml:1: more than 5 values\n    [1, 2, 3, 4, 5]\n                 ^" == refused("[1, 2, 3, 4, 5]")
