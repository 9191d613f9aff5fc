"""What each operation of a program is in LLVM instructions, by the rules of arithmetic that every backend keeps."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from wm2u_sd.backends.native.mathematics import NAMES, function
from wm2u_sd.backends.native.writer import Value, Writer, literal, type_of

Printed = Callable[..., Value]

ARITHMETIC = {"add": "fadd", "subtract": "fsub", "multiply": "fmul", "divide": "fdiv"}
COMPARISONS = {
    "less": "olt", "less_equal": "ole", "greater": "ogt", "greater_equal": "oge", "equal": "oeq", "not_equal": "une",
}  # fmt: skip
INTRINSICS = {"sqrt": "sqrt", "abs": "fabs", "integer": "trunc"}


class Operations:
    """Prints operations, and remembers which functions of our own they need."""

    def __init__(self, writer: Writer, uses: set[tuple[str, int]]) -> None:
        self.writer, self.uses = writer, uses

    def print(self, operation: str, arguments: Sequence[Value]) -> Value:
        """Print an elementwise operation on values of one width or of a single number each."""
        w = self.writer
        if operation in ARITHMETIC:
            return w.arithmetic(ARITHMETIC[operation], *arguments)
        if operation in COMPARISONS:
            return w.compare(COMPARISONS[operation], *arguments)
        if operation in INTRINSICS:
            return self.intrinsic(INTRINSICS[operation], arguments[0])
        if operation in NAMES:
            arguments = w.level(arguments)
            self.uses.add((operation, arguments[0].width))
            return w.call(function(operation, arguments[0].width), arguments)
        return self.OTHERS[operation](self, *arguments)

    def intrinsic(self, name: str, x: Value) -> Value:
        """Call what LLVM provides."""
        self.uses.add((name, x.width))
        return self.writer.call(intrinsic_name(name, x.width), [x])

    def negative(self, x: Value) -> Value:
        """Change the sign."""
        return Value(self.writer.let(f"fneg {x.type} {x.text}"), x.width)

    def smaller(self, x: Value, y: Value) -> Value:
        """Return the smaller."""
        return self.nearer("olt", x, y)

    def larger(self, x: Value, y: Value) -> Value:
        """Return the larger."""
        return self.nearer("ogt", x, y)

    def nearer(self, how: str, x: Value, y: Value) -> Value:
        """Return the smaller or larger of two numbers, and what is no number where one of them is none.

        A comparison with what is no number is false, which chooses the second; only the first needs a look, and not
        where it is written out.
        """
        w = self.writer
        if is_literal(y):
            x, y = y, x
        chosen = w.select(w.compare(how, x, y), x, y)
        return chosen if is_literal(x) else w.select(w.compare("uno", x, x), x, chosen)

    def both(self, x: Value, y: Value) -> Value:
        """Whether both hold."""
        return self.logic("and", x, y)

    def either(self, x: Value, y: Value) -> Value:
        """Whether one holds."""
        return self.logic("or", x, y)

    def logic(self, how: str, x: Value, y: Value) -> Value:
        """Combine conditions."""
        x, y = self.writer.level([x, y])
        return Value(self.writer.let(f"{how} {x.type} {x.text}, {y.text}"), x.width, is_condition=True)

    def opposite(self, x: Value) -> Value:
        """Whether a condition does not hold."""
        ones = "true" if x.width == 1 else f"<{', '.join(['i1 true'] * x.width)}>"
        return Value(self.writer.let(f"xor {x.type} {x.text}, {ones}"), x.width, is_condition=True)

    def truth(self, x: Value) -> Value:
        """Whether a number is not 0."""
        return self.writer.compare("une", x, literal(0.0))

    def as_number(self, x: Value) -> Value:
        """Return 1 where a condition holds, else 0; numbers as they are."""
        return self.writer.select(x, literal(1.0), literal(0.0)) if x.is_condition else x

    def choose(self, condition: Value, then: Value, otherwise: Value) -> Value:
        """Choose place by place."""
        return self.writer.select(condition, then, otherwise)

    def share_out(self, content: Value, demand: Value) -> Value:
        """Return the share of its demand that a stock can meet."""
        w = self.writer
        return w.select(w.compare("ogt", demand, content), w.arithmetic("fdiv", content, demand), literal(1.0))

    def grant(self, asked: Value, share: Value) -> Value:
        """Return the share of what is asked, negative demands as they are."""
        w = self.writer
        return w.select(w.compare("ogt", asked, literal(0.0)), w.arithmetic("fmul", asked, share), asked)

    OTHERS: Mapping[str, Printed] = {
        "negative": negative,
        "min": smaller,
        "max": larger,
        "and": both,
        "or": either,
        "not": opposite,
        "truth": truth,
        "number": as_number,
        "if_then_else": choose,
        "ration.share": share_out,
        "ration.grant": grant,
    }


PRINTED = frozenset({*ARITHMETIC, *COMPARISONS, *INTRINSICS, *NAMES, *Operations.OTHERS})
"""Elementwise operations that can be printed."""


def is_literal(value: Value) -> bool:
    """Whether a value is written out."""
    return value.text.startswith(("0x", "<double 0x"))


def intrinsic_name(name: str, width: int) -> str:
    """Return the name of an LLVM intrinsic."""
    return f"@llvm.{name}.{'f64' if width == 1 else f'v{width}f64'}"


def declarations(uses: set[tuple[str, int]]) -> str:
    """Declare the intrinsics among some uses."""
    found = [(name, width) for name, width in sorted(uses) if name in INTRINSICS.values()]
    return "\n".join(f"declare {type_of(w)} {intrinsic_name(name, w)}({type_of(w)})" for name, w in found)
