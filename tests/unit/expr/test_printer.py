"""Printing equations with no more brackets than they need."""

import pytest

from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.printer import to_text

AS_PRINTED = [
    "a + b - c",
    "a - (b - c)",
    "a / (b * c)",
    "a * (b + c)",
    "-a ^ 2",
    "(-a) ^ 2",
    "a ^ -b",
    "a ^ b ^ c",
    "(a ^ b) ^ c",
    "a - -b",
    "--a",
    "(a < b) = c",
    "not a = b",
    "not (a and b)",
    "a and (b or c)",
    "a or b and c",
    "(not a) = b",
    "f(a, -b)",
    "sum(x[young*, *])",
    "x[5_to_15]",
    "1e+22",
    "0.1",
    "12",
]


@pytest.mark.parametrize("text", AS_PRINTED)
def test_text_with_no_needless_bracket_is_printed_as_written(text: str) -> None:
    assert text == to_text(parse(text))


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("((a) + (b))", "a + b"),
        ("a+(b*c)", "a + b * c"),
        ("(a ^ (b ^ c))", "a ^ b ^ c"),
        ("-(a ^ 2)", "-a ^ 2"),
        ("100.0", "100"),
        ("f( a ,b )", "f(a, b)"),
    ],
)
def test_needless_brackets_and_spaces_go(written: str, printed: str) -> None:
    assert printed == to_text(parse(written))
