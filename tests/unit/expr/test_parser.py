"""Reading equations: what binds tighter, what is refused and how it is said."""

import itertools

import pytest

from wm2u_sd.errors import ParseError
from wm2u_sd.expr.nodes import Binary, Call, Number, Reference, Subscript, Unary
from wm2u_sd.expr.parser import DEEPEST_NESTING, DEEPEST_TREE, LONGEST_TEXT, parse

A, B, C, D = (Reference(name) for name in "abcd")


@pytest.mark.parametrize("operator", ["+", "-", "*", "/", "^", "<", "<=", ">", ">=", "=", "<>", "and", "or"])
def test_every_infix_operator_is_read(operator: str) -> None:
    assert Binary(operator, A, B) == parse(f"a {operator} b")


@pytest.mark.parametrize("operator", ["-", "not"])
def test_every_prefix_operator_is_read(operator: str) -> None:
    assert Unary(operator, A) == parse(f"{operator} a")


LOOSEST_FIRST = ["or", "and", "=", "+", "*", "^"]


@pytest.mark.parametrize(("loose", "tight"), list(itertools.pairwise(LOOSEST_FIRST)))
def test_the_tighter_operator_is_read_first_on_either_side(loose: str, tight: str) -> None:
    assert Binary(loose, A, Binary(tight, B, C)) == parse(f"a {loose} b {tight} c")
    assert Binary(loose, Binary(tight, A, B), C) == parse(f"a {tight} b {loose} c")


@pytest.mark.parametrize("operator", ["or", "and", "+", "-", "*", "/"])
def test_operators_of_one_level_are_read_from_the_left(operator: str) -> None:
    assert Binary(operator, Binary(operator, A, B), C) == parse(f"a {operator} b {operator} c")


def test_powers_are_read_from_the_right() -> None:
    assert Binary("^", A, Binary("^", B, C)) == parse("a ^ b ^ c")


def test_a_power_binds_tighter_than_the_minus_before_it() -> None:
    assert Unary("-", Binary("^", Number(2.0), Number(2.0))) == parse("-2^2")


def test_an_exponent_may_carry_a_minus_of_its_own() -> None:
    assert Binary("*", Binary("^", A, Unary("-", B)), C) == parse("a ^ -b * c")


def test_a_minus_binds_tighter_than_a_product() -> None:
    assert Binary("*", A, Unary("-", B)) == parse("a * -b")
    assert Binary("*", Unary("-", A), B) == parse("-a * b")


def test_not_takes_the_whole_comparison_and_stops_at_and() -> None:
    assert Binary("and", Unary("not", Binary("=", A, B)), C) == parse("not a = b and c")


def test_brackets_decide() -> None:
    assert Binary("*", A, Binary("+", B, C)) == parse("a * (b + c)")
    assert Binary("^", Unary("-", A), B) == parse("(-a) ^ b")
    assert Binary("<", Binary("<", A, B), C) == parse("(a < b) < c")


@pytest.mark.parametrize(
    ("text", "value"),
    [("0", 0.0), ("12", 12.0), ("1.", 1.0), (".5", 0.5), ("2.5e-3", 0.0025), ("1E6", 1e6), ("6e+2", 600.0)],
)
def test_numbers_are_read_in_every_common_form(text: str, value: float) -> None:
    assert Number(value) == parse(text)


def test_calls_hold_any_number_of_arguments() -> None:
    assert Call("f", ()) == parse("f()")
    assert Call("f", (A, Binary("+", B, C))) == parse("f(a, b + c)")
    assert Call("f", (Call("g", (A,)),)) == parse("f(g(a))")


def test_subscripts_are_elements_dimensions_or_starred() -> None:
    assert Reference("x", (Subscript("young"), Subscript("", star=True))) == parse("x[young, *]")
    assert Reference("x", (Subscript("young", star=True),)) == parse("x[young*]")


@pytest.mark.parametrize("element", ["5_to_15", "16plus", "0_4", "1e5_and_over", "2024"])
def test_an_element_may_begin_with_a_digit(element: str) -> None:
    assert Reference("x", (Subscript(element),)) == parse(f"x[{element}]")
    assert Reference("x", (Subscript(element, star=True),)) == parse(f"x[{element}*]")


def test_layout_does_not_matter() -> None:
    assert parse("a+b*f(c,d)") == parse(" a\n  + b *\tf( c , d )\n")


def test_a_node_knows_where_it_stood() -> None:
    text = "alpha * max(beta[young], 2)"
    tree = parse(text)

    assert isinstance(tree, Binary)
    call = tree.right
    assert isinstance(call, Call)
    assert text == text[slice(*tree.span)]
    assert ["alpha", "max(beta[young], 2)", "beta[young]", "2"] == [
        text[slice(*node.span)] for node in (tree.left, call, *call.arguments)
    ]


DEFECTS = {
    "": "the equation is empty\n    \n    ^",
    "  ": "the equation is empty\n      \n      ^",
    "a +": "the equation stops short; something is missing at the end\n    a +\n       ^",
    "not": "the equation stops short; something is missing at the end\n    not\n       ^",
    "a b": "expected an operator between 'a' and 'b'\n    a b\n      ^",
    "2 3": "expected an operator between '2' and '3'\n    2 3\n      ^",
    "f(a)(b)": "expected an operator between ')' and '('\n    f(a)(b)\n        ^",
    "x[a][b]": "expected an operator between ']' and '['\n    x[a][b]\n        ^",
    "(a + b": "expected ')' to close the '(' at character 1\n    (a + b\n          ^",
    "a + b)": "')' closes nothing\n    a + b)\n         ^",
    "a]": "']' closes nothing\n    a]\n     ^",
    "x[young": "expected ']' to close the '[' at character 2\n    x[young\n           ^",
    "min(a b)": "expected ')' to close the '(' at character 4\n    min(a b)\n          ^",
    "min(a, )": "an argument is missing after the comma\n    min(a, )\n           ^",
    "a, b": "a comma only belongs between the arguments of a call\n    a, b\n     ^",
    "a ** b": "'**' is not used here; write ^\n    a ** b\n      ^",
    "a == b": "'==' is not used here; write =\n    a == b\n      ^",
    "a != b": "'!=' is not used here; write <>\n    a != b\n      ^",
    "a && b": "'&&' is not used here; write and\n    a && b\n      ^",
    "a || b": "'||' is not used here; write or\n    a || b\n      ^",
    "a % b": "'%' is not used here; write modulo(a, b)\n    a % b\n      ^",
    "a < b < c": "comparisons cannot be chained; join them with and\n    a < b < c\n          ^",
    "'text'": "text in quotes cannot stand in an equation\n    'text'\n    ^",
    "a.b": ("'.' does not belong here; an equation holds names, numbers and calls, never attributes\n    a.b\n     ^"),
    "Waiting / 2": ("'Waiting' is not a name: names are lower_snake_case, e.g. people_waiting\n    Waiting / 2\n    ^"),
    "_x": "'_x' is not a name: names are lower_snake_case, e.g. people_waiting\n    _x\n    ^",
    "3x": "'3x' is neither a number nor a name\n    3x\n    ^",
    "1e999": "the number 1e999 is too large\n    1e999\n    ^",
    "x[]": "expected an element, a dimension or * between the brackets\n    x[]\n      ^",
    "x[-1]": "expected an element, a dimension or * between the brackets\n    x[-1]\n      ^",
    "a = not b": "put brackets round the part that begins with not\n    a = not b\n        ^",
    "-not a": "put brackets round the part that begins with not\n    -not a\n     ^",
    "* a": "expected a number, a name or '(' but found '*'\n    * a\n    ^",
    "and a": "expected a number, a name or '(' but found 'and'\n    and a\n    ^",
    "()": "expected a number, a name or '(' but found ')'\n    ()\n     ^",
    "a £ b": "unexpected character '£'\n    a £ b\n      ^",
    "a := 2": "unexpected character ':'\n    a := 2\n      ^",
    "a\n + b\n + c d": "expected an operator between 'c' and 'd'\n     + c d\n         ^",
}


@pytest.mark.parametrize(("text", "message"), DEFECTS.items())
def test_a_defect_is_named_and_pointed_at(text: str, message: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)

    assert message == str(caught.value)


def test_a_caret_in_a_long_line_stays_in_view() -> None:
    text = " + ".join(["number"] * 60) + " ? 1"
    with pytest.raises(ParseError) as caught:
        parse(text)

    _, line, marker = str(caught.value).split("\n")
    assert "?" == line[marker.index("^")]
    assert len(line) <= 104


def nested(brackets: int) -> str:
    return "(" * brackets + "a" + ")" * brackets


def test_brackets_are_nested_up_to_the_limit() -> None:
    assert A == parse(nested(DEEPEST_NESTING - 1))
    with pytest.raises(ParseError) as caught:
        parse(nested(DEEPEST_NESTING))
    assert f"brackets and signs are nested more than {DEEPEST_NESTING} deep" == caught.value.reason


def test_signs_count_as_nesting() -> None:
    with pytest.raises(ParseError) as caught:
        parse("-" * 5000 + "a")
    assert f"brackets and signs are nested more than {DEEPEST_NESTING} deep" == caught.value.reason


def test_operations_are_chained_up_to_the_limit() -> None:
    parse(" + ".join(["a"] * DEEPEST_TREE))
    with pytest.raises(ParseError) as caught:
        parse(" + ".join(["a"] * (DEEPEST_TREE + 1)))
    assert f"the equation chains more than {DEEPEST_TREE} operations; split it into named parts" == caught.value.reason


def test_an_equation_longer_than_a_page_is_refused_unread() -> None:
    with pytest.raises(ParseError) as caught:
        parse("a" * (LONGEST_TEXT + 1))
    assert "the equation has 20,001 characters; the limit is 20,000" == caught.value.reason


def test_a_parse_error_carries_the_text_and_the_place() -> None:
    with pytest.raises(ParseError) as caught:
        parse("a + * b")

    assert ("a + * b", 4) == (caught.value.text, caught.value.position)
