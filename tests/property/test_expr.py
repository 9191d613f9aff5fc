"""Reading and printing undo each other; nothing but our own error comes out of any text."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wm2u_sd.errors import ParseError
from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference, Subscript, Unary
from wm2u_sd.expr.parser import COMPARISONS, parse
from wm2u_sd.expr.printer import to_text

names = st.from_regex(r"[a-z][a-z0-9_]{0,6}", fullmatch=True).filter(lambda name: name not in ("and", "or", "not"))
elements = st.from_regex(r"[a-zA-Z0-9_][a-zA-Z_][a-zA-Z0-9_]{0,4}", fullmatch=True)
subscripts = st.builds(Subscript, elements, st.booleans()) | st.just(Subscript("", star=True))
numbers = st.floats(min_value=0, allow_nan=False, allow_infinity=False).map(Number)
leaves = numbers | st.builds(Reference, names, st.lists(subscripts, max_size=3).map(tuple))
operators = st.sampled_from(["+", "-", "*", "/", "^", "and", "or", *COMPARISONS])


def grown(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    return (
        st.builds(Unary, st.sampled_from(["-", "not"]), inner)
        | st.builds(Binary, operators, inner, inner)
        | st.builds(Call, names, st.lists(inner, max_size=3).map(tuple))
    )


trees = st.recursive(leaves, grown, max_leaves=25)
pieces = st.sampled_from(
    ["a", "b1", "12", ".5", "1e3", "5_x", "(", ")", "[", "]", ",", "*", "+", "-", "/", "^", "<", "<=", "=", "<>"]
    + ["and", "or", "not", "min(", " ", "\n", "sum(x[*])", "f(", "'", ".", "==", "é"]
)


@given(trees)
def test_a_printed_tree_reads_back_as_itself(tree: Expression) -> None:
    assert tree == parse(to_text(tree))


@given(trees)
def test_printing_is_settled_after_one_round(tree: Expression) -> None:
    text = to_text(tree)

    assert text == to_text(parse(text))


def check_round_trip(text: str) -> None:
    try:
        tree = parse(text)
    except ParseError as error:
        assert 0 <= error.position <= len(text)
        assert "^" in str(error)
        return
    assert tree == parse(to_text(tree))


@given(st.lists(pieces, max_size=30).map("".join))
def test_text_made_of_pieces_of_equations_is_read_or_refused(text: str) -> None:
    check_round_trip(text)


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str) -> None:
    check_round_trip(text)


@pytest.mark.parametrize("opening", ["(", "-", "not ", "f(", "x[", "a + (", "a ^ -", "a ^ "])
def test_deep_text_is_refused_without_running_out_of_stack(opening: str) -> None:
    with pytest.raises(ParseError):
        parse((opening * 20_000)[:20_000])
