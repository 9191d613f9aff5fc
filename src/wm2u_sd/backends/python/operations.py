"""What each operation of a program is as an expression, by the rules of arithmetic that every backend keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

SYMBOLS = {
    "add": "+", "subtract": "-", "multiply": "*", "less": "<", "less_equal": "<=", "greater": ">",
    "greater_equal": ">=", "equal": "==", "not_equal": "!=", "and": "and", "or": "or",
}  # fmt: skip
RAISING = frozenset({"power", "exp", "ln", "log10", "sqrt", "sin", "cos", "tan"})


class Operations:
    """Writes operations out.

    Args:
        guarded: Whether the expressions give what NumPy gives where plain arithmetic would raise.
    """

    def __init__(self, *, guarded: bool) -> None:
        self.guarded = guarded

    def text(self, operation: str, arguments: Sequence[str]) -> str:
        """Return the expression of an elementwise operation on names, elements of lists and numbers."""
        if operation in SYMBOLS:
            return f" {SYMBOLS[operation]} ".join(arguments)
        if operation in RAISING:
            return f"{'safe_' if self.guarded else ''}{operation}({', '.join(arguments)})"
        return self.OTHERS[operation](self, *arguments)

    def divide(self, x: str, y: str) -> str:
        """Return a quotient."""
        plain = not self.guarded or (is_number(y) and float(y) != 0.0)
        return f"{x} / {y}" if plain else f"safe_divide({x}, {y})"

    def modulo(self, x: str, y: str) -> str:
        """Return a remainder, of the sign of y."""
        return f"safe_modulo({x}, {y})" if self.guarded else f"{x} % {y}"

    def integer(self, x: str) -> str:
        """Cut towards zero."""
        return f"safe_integer({x})" if self.guarded else f"copysign(floor(abs({x})), {x})"

    def smaller(self, x: str, y: str) -> str:
        """Return the smaller of two numbers."""
        return self.nearer("<", x, y)

    def larger(self, x: str, y: str) -> str:
        """Return the larger of two numbers."""
        return self.nearer(">", x, y)

    def nearer(self, how: str, x: str, y: str) -> str:
        """Return the smaller or larger of two numbers, and what is no number where one of them is none.

        A comparison with what is no number is false, which chooses the second; only the first needs a look, and not
        where it is written out.
        """
        if is_number(y):
            x, y = y, x
        return f"{x} if {x} {how} {y}{'' if is_number(x) else f' or {x} != {x}'} else {y}"

    def share_out(self, content: str, demand: str) -> str:
        """Return the share of its demand that a stock can meet."""
        return f"{self.divide(content, demand)} if {demand} > {content} else 1.0"

    OTHERS: Mapping[str, Callable[..., str]] = {
        "divide": divide,
        "modulo": modulo,
        "integer": integer,
        "min": smaller,
        "max": larger,
        "negative": lambda self, x: f"-{x}",
        "abs": lambda self, x: f"abs({x})",
        "arctan": lambda self, x: f"arctan({x})",
        "not": lambda self, x: f"not {x}",
        "truth": lambda self, x: f"{x} != 0.0",
        "number": lambda self, x: f"1.0 if {x} else 0.0",
        "if_then_else": lambda self, condition, then, otherwise: f"{then} if {condition} else {otherwise}",
        "ration.share": share_out,
        "ration.grant": lambda self, asked, share: f"{asked} * {share} if {asked} > 0.0 else {asked}",
    }


PRINTED = frozenset({*SYMBOLS, *RAISING, *Operations.OTHERS})
"""Every operation that can be written out."""


def is_number(text: str) -> bool:
    """Whether a value is written out and not named."""
    return text[0] in "-0123456789" or text in ("inf", "nan")
