"""Walking and rewriting trees."""

import pytest

from wm2u_sd.expr.nodes import Expression, Number, Reference
from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.visit import calls, free_stars, references, rewrite


def test_references_come_in_reading_order() -> None:
    assert ["a", "b", "c", "d"] == [r.name for r in references(parse("a + f(b, -c) * not_a_word(d)"))]


def test_calls_come_outermost_first() -> None:
    assert ["f", "g", "h"] == [call.function for call in calls(parse("f(g(a)) + h(b)"))]


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("sum(x[*])", []),
        ("x[*] + y", ["x"]),
        ("min(x[*], y[*])", ["x", "y"]),
        ("min(x[*])", []),
        ("sum(exp(x[*])) * y[young*]", ["y"]),
    ],
)
def test_stars_are_free_where_no_reduction_takes_them(text: str, free: list[str]) -> None:
    assert free == [reference.name for reference in free_stars(parse(text))]


def test_rewrite_changes_leaves_first_and_keeps_the_rest() -> None:
    def doubled(node: Expression) -> Expression:
        return Number(2 * node.value) if isinstance(node, Number) else node

    assert parse("-(4 + a) * f(6)") == rewrite(parse("-(2 + a) * f(3)"), doubled)


def test_rewrite_hands_over_rewritten_children() -> None:
    seen: list[Expression] = []

    def note(node: Expression) -> Expression:
        seen.append(node)
        return Reference("b") if node == Reference("a") else node

    rewrite(parse("-a"), note)

    assert [parse("a"), parse("-b")] == seen
