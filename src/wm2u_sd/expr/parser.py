"""Read equation text into an expression tree. Nothing is ever evaluated.

Grammar, loosest binding first::

    or  ->  and  ->  not  ->  comparison  ->  + -  ->  * /  ->  unary -  ->  ^  ->  atom

`^` binds to the right and tighter than a minus before it: `-2^2` is -4 (SEM-10).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from wm2u_sd.errors import ParseError
from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference, Subscript, Unary
from wm2u_sd.expr.visit import sub_expressions

LONGEST_TEXT = 20_000
DEEPEST_NESTING = 100
DEEPEST_TREE = 250

OR, AND, NOT, COMPARE, ADD, MULTIPLY, NEGATIVE, POWER = range(1, 9)

TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<number>(?:\d+\.\d*|\.\d+|\d+)(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
      | (?P<symbol><=|>=|<>|[-+*/^()\[\],<>=])""",
    re.VERBOSE | re.ASCII,
)
NAME = re.compile(r"[a-z][a-z0-9_]*", re.ASCII)
COMPARISONS = ("<=", ">=", "<>", "<", ">", "=")
INFIX = {"or": OR, "and": AND, "+": ADD, "-": ADD, "*": MULTIPLY, "/": MULTIPLY, "^": POWER}
INFIX |= dict.fromkeys(COMPARISONS, COMPARE)
WORDS = frozenset({"and", "or", "not"})
LOOKALIKES = {"**": "^", "==": "=", "!=": "<>", "&&": "and", "||": "or", "&": "and", "|": "or", "%": "modulo(a, b)"}


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of equation text: its kind, the text, and where it stands."""

    kind: str
    text: str
    start: int
    end: int


def parse(text: str) -> Expression:
    """Read one equation.

    Args:
        text: e.g. "min(waiting / shortest_wait, room)".

    Returns:
        The expression tree; every node carries its span in `text`.

    Raises:
        ParseError: The text is not an equation; the message holds the line with a caret under the place.
    """
    if len(text) > LONGEST_TEXT:
        raise ParseError(f"the equation has {len(text):,} characters; the limit is {LONGEST_TEXT:,}", text[:200], 0)
    return _Reader(text).read()


def tokenise(text: str) -> list[Token]:
    """Cut equation text into tokens, ending with one of kind 'end'.

    Raises:
        ParseError: A character that no equation can hold.
    """
    tokens, position = [], 0
    while position < len(text):
        match = TOKEN.match(text, position)
        if match is None:
            raise ParseError(_strange(text, position), text, position)
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), position, match.end()))
        position = match.end()
    return [*tokens, Token("end", "", len(text), len(text))]


def _strange(text: str, position: int) -> str:
    character = text[position]
    for lookalike, ours in LOOKALIKES.items():
        if text.startswith(lookalike, position):
            return f"'{lookalike}' is not used here; write {ours}"
    if character in "'\"":
        return "text in quotes cannot stand in an equation"
    if character == ".":
        return "'.' does not belong here; an equation holds names, numbers and calls, never attributes"
    return f"unexpected character {character!r}"


class _Reader:
    """Precedence climbing over the tokens of one equation: two frames of stack for each bracket."""

    def __init__(self, text: str) -> None:
        self.text, self.tokens, self.index, self.depth = text, tokenise(text), 0, 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def fail(self, reason: str, token: Token | None = None) -> ParseError:
        return ParseError(reason, self.text, (token or self.token).start)

    def take(self) -> Token:
        token = self.token
        self.index += 1
        return token

    def at(self, *texts: str) -> bool:
        return self.token.kind != "end" and self.token.text in texts

    def expect(self, symbol: str, opened: Token) -> Token:
        if not self.at(symbol):
            raise self.fail(f"expected '{symbol}' to close the '{opened.text}' at character {opened.start + 1}")
        return self.take()

    def read(self) -> Expression:
        if self.token.kind == "end":
            raise self.fail("the equation is empty")
        tree = self.expression(0)
        if self.token.kind != "end":
            raise self.fail(self.leftover())
        if _depth(tree) > DEEPEST_TREE:
            raise self.fail(f"the equation chains more than {DEEPEST_TREE} operations; split it into named parts")
        return tree

    def leftover(self) -> str:
        token, before = self.token, self.tokens[self.index - 1]
        if token.text in (")", "]"):
            return f"'{token.text}' closes nothing"
        if token.text in COMPARISONS:
            return "comparisons cannot be chained; join them with and"
        if token.text == ",":
            return "a comma only belongs between the arguments of a call"
        return f"expected an operator between '{before.text}' and '{token.text}'"

    def expression(self, least: int) -> Expression:
        """Read operations that bind at least as tightly as level `least`."""
        self.depth += 1
        if self.depth > DEEPEST_NESTING:
            raise self.fail(f"brackets and signs are nested more than {DEEPEST_NESTING} deep")
        left = self.operand(least)
        while (level := self.infix_level()) >= max(least, 1):
            operator = self.take()
            self.refuse_doubled(operator)
            right = self.expression(NEGATIVE if operator.text == "^" else level + 1)
            left = Binary(operator.text, left, right, (left.span[0], right.span[1]))
            if operator.text in COMPARISONS and self.at(*COMPARISONS):
                raise self.fail("comparisons cannot be chained; join them with and")
        self.depth -= 1
        return left

    def infix_level(self) -> int:
        return INFIX.get(self.token.text, 0) if self.token.kind != "end" else 0

    def refuse_doubled(self, operator: Token) -> None:
        pair = operator.text + self.token.text
        if self.token.start == operator.end and pair in LOOKALIKES:
            raise self.fail(f"'{pair}' is not used here; write {LOOKALIKES[pair]}", operator)

    def operand(self, least: int) -> Expression:
        token = self.token
        if self.at("-"):
            return self.prefixed(NEGATIVE)
        if self.at("not"):
            if least > NOT:
                raise self.fail("put brackets round the part that begins with not")
            return self.prefixed(NOT)
        if token.kind == "number":
            return self.number()
        if token.kind == "name" and token.text not in WORDS:
            return self.named()
        if self.at("("):
            opened = self.take()
            inner = self.expression(0)
            self.expect(")", opened)
            return inner
        if token.kind == "end":
            raise self.fail("the equation stops short; something is missing at the end")
        raise self.fail(f"expected a number, a name or '(' but found '{token.text}'")

    def prefixed(self, level: int) -> Expression:
        operator = self.take()
        inner = self.expression(level)
        return Unary(operator.text, inner, (operator.start, inner.span[1]))

    def number(self) -> Expression:
        token = self.take()
        value = float(token.text)
        if math.isinf(value):
            raise self.fail(f"the number {token.text[:20]} is too large", token)
        if self.token.kind == "name" and self.token.start == token.end:
            raise self.fail(f"'{token.text}{self.token.text}' is neither a number nor a name", token)
        return Number(value, (token.start, token.end))

    def named(self) -> Expression:
        token = self.take()
        if not NAME.fullmatch(token.text):
            raise self.fail(f"'{token.text}' is not a name: names are lower_snake_case, e.g. people_waiting", token)
        if self.at("("):
            return self.call(token)
        if not self.at("["):
            return Reference(token.text, (), (token.start, token.end))
        opened = self.take()
        subscripts = [self.subscript()]
        while self.at(","):
            self.take()
            subscripts.append(self.subscript())
        closed = self.expect("]", opened)
        return Reference(token.text, tuple(subscripts), (token.start, closed.end))

    def call(self, token: Token) -> Expression:
        opened = self.take()
        arguments: list[Expression] = []
        while not self.at(")"):
            arguments.append(self.expression(0))
            if not self.at(","):
                break
            self.take()
            if self.at(")"):
                raise self.fail("an argument is missing after the comma")
        closed = self.expect(")", opened)
        return Call(token.text, tuple(arguments), (token.start, closed.end))

    def subscript(self) -> Subscript:
        if self.at("*"):
            token = self.take()
            return Subscript("", True, (token.start, token.end))
        if self.token.kind not in ("name", "number"):
            raise self.fail("expected an element, a dimension or * between the brackets")
        token = self.take()
        text, end = token.text, token.end
        if self.token.kind == "name" and self.token.start == end:  # an element may begin with a digit: 5_to_15
            extra = self.take()
            text, end = text + extra.text, extra.end
        if self.at("*"):
            return Subscript(text, True, (token.start, self.take().end))
        return Subscript(text, False, (token.start, end))


def _depth(tree: Expression) -> int:
    """Height of the tree, found without recursion."""
    deepest, waiting = 0, [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        deepest = max(deepest, depth)
        waiting.extend((part, depth + 1) for part in sub_expressions(node))
    return deepest
