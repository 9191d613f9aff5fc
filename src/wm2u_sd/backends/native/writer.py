"""LLVM assembly as text: one function at a time, every value named once.

Nothing but numbers made here reaches the text: no name, label or text of a model.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import NamedTuple

LONGEST_BLOCK = 500  # lines outside of loops: a compiler takes more than its share of time for what is longer


class Value(NamedTuple):
    """A value in a function: how it is written, how many numbers it holds, and whether they are conditions."""

    text: str
    width: int = 1
    is_condition: bool = False

    @property
    def type(self) -> str:
        """Its LLVM type."""
        return type_of(self.width, "i1" if self.is_condition else "double")


def type_of(width: int, element: str = "double") -> str:
    """Return the LLVM type of one number, or of several side by side."""
    return element if width == 1 else f"<{width} x {element}>"


def number(value: float) -> str:
    """Write a number exactly."""
    return f"0x{struct.unpack('<Q', struct.pack('<d', value))[0]:016X}"


def literal(value: float, width: int = 1) -> Value:
    """Return a number written out, the same in every place."""
    return Value(repeated(f"double {number(value)}", width), width)


def repeated(element: str, width: int) -> str:
    """Write a constant, type and all, in every place."""
    return element.partition(" ")[2] if width == 1 else f"<{', '.join([element] * width)}>"


class Writer:
    """Writes one function.

    Attributes:
        block: The block that is being written.
        reach: The first block of those that are always gone through one after the other up to this one: what is at hand
            there is at hand here.
    """

    def __init__(self, name: str, parameters: Sequence[str], *, cuts: bool = False) -> None:
        self.head = f"define void @{name}({', '.join(parameters)}) nounwind {{"
        self.lines: list[str] = []
        self.count = self.loops = 0
        self.cuts = cuts
        self.label("entry")
        self.do("%always = icmp ne ptr %times, null")

    @property
    def text(self) -> str:
        """The whole function."""
        return "\n".join([self.head, *self.lines, "}"])

    def do(self, text: str) -> None:
        """Write an instruction that gives nothing."""
        self.lines.append(f"  {text}")

    def let(self, text: str) -> str:
        """Write an instruction and return the name of what it gives."""
        self.count += 1
        self.lines.append(f"  %v{self.count} = {text}")
        return f"%v{self.count}"

    def label(self, name: str) -> None:
        """Begin a block. Labels have names of their own kind, as LLVM tells a label from a value by nothing else."""
        self.block = self.reach = f"at.{name}"
        self.begun = len(self.lines)
        self.lines.append(f"{self.block}:")

    def fresh(self, what: str) -> str:
        """Return a label that is not in use."""
        self.count += 1
        return f"{what}{self.count}"

    def jump(self, name: str) -> None:
        """Go on at a label."""
        self.do(f"br label %at.{name}")

    def branch(self, condition: str, then: str, otherwise: str) -> None:
        """Go on at one of two labels."""
        self.do(f"br i1 {condition}, label %at.{then}, label %at.{otherwise}")

    def later(self) -> int:
        """Leave a line to be written once what it needs is known; return its number for `fill`."""
        self.lines.append("")
        return len(self.lines) - 1

    def fill(self, line: int, text: str) -> None:
        """Write a line that was left."""
        self.lines[line] = f"  {text}"

    def load(self, pointer: str, width: int = 1, *, constant: bool = False) -> Value:
        """Read from memory; `constant` where nobody writes there while the function runs."""
        mark = ", !invariant.load !0" if constant else ""
        return Value(self.let(f"load {type_of(width)}, ptr {pointer}, align 8{mark}"), width)

    def store(self, value: Value, pointer: str) -> None:
        """Write to memory."""
        self.do(f"store {value.type} {value.text}, ptr {pointer}, align 8")
        self.cut()

    def cut(self) -> None:
        """Where a block has become long, go on in a new one; the other way, never taken, keeps the two apart."""
        if self.cuts and not self.loops and len(self.lines) - self.begun > LONGEST_BLOCK:
            rest, reach = self.fresh("rest"), self.reach
            self.branch("%always", rest, "done")
            self.label(rest)
            self.reach = reach

    def at(self, pointer: str, index: str) -> str:
        """Return the address of a number in an array of numbers."""
        return pointer if index == "0" else self.let(f"getelementptr double, ptr {pointer}, i64 {index}")

    def plus(self, one: str, other: str) -> str:
        """Add whole numbers."""
        if one.isdigit() and other.isdigit():
            return str(int(one) + int(other))
        return other if one == "0" else one if other == "0" else self.let(f"add i64 {one}, {other}")

    def by(self, one: str, factor: int) -> str:
        """Multiply a whole number."""
        if one.isdigit():
            return str(int(one) * factor)
        return one if factor == 1 else self.let(f"mul i64 {one}, {factor}")

    def splat(self, value: Value, width: int) -> Value:
        """Put one number in every place."""
        if value.width == width:
            return value
        element = "i1" if value.is_condition else "double"
        whole = type_of(width, element)
        if value.text.startswith("0x"):
            return Value(repeated(f"double {value.text}", width), width)
        first = self.let(f"insertelement {whole} poison, {element} {value.text}, i32 0")
        spread = f"shufflevector {whole} {first}, {whole} poison, <{width} x i32> zeroinitializer"
        return Value(self.let(spread), width, value.is_condition)

    def level(self, values: Sequence[Value]) -> list[Value]:
        """Bring values to the width of the widest."""
        width = max(value.width for value in values)
        return [self.splat(value, width) for value in values]

    def select(self, condition: Value, then: Value, otherwise: Value) -> Value:
        """Choose place by place."""
        condition, then, otherwise = self.level([condition, then, otherwise])
        chosen = f"select {condition.type} {condition.text}, {then.type} {then.text}, {then.type} {otherwise.text}"
        return Value(self.let(chosen), then.width, then.is_condition)

    def compare(self, how: str, one: Value, other: Value) -> Value:
        """Compare numbers; false where one is no number, unless `how` says otherwise."""
        one, other = self.level([one, other])
        return Value(self.let(f"fcmp {how} {one.type} {one.text}, {other.text}"), one.width, is_condition=True)

    def either(self, one: Value, other: Value) -> Value:
        """Whether one of two conditions holds."""
        one, other = self.level([one, other])
        return Value(self.let(f"or {one.type} {one.text}, {other.text}"), one.width, is_condition=True)

    def arithmetic(self, how: str, one: Value, other: Value) -> Value:
        """Add, subtract, multiply or divide, rounded once."""
        one, other = self.level([one, other])
        return Value(self.let(f"{how} {one.type} {one.text}, {other.text}"), one.width)

    def call(self, function: str, arguments: Sequence[Value]) -> Value:
        """Call a function of numbers."""
        given = ", ".join(f"{value.type} {value.text}" for value in arguments)
        width = arguments[0].width
        return Value(self.let(f"call {type_of(width)} {function}({given})"), width)

    def element(self, value: Value, place: int) -> Value:
        """Take one number out."""
        if value.width == 1:
            return value
        taken = f"extractelement {value.type} {value.text}, i32 {place}"
        return Value(self.let(taken), 1, value.is_condition)

    def gathered(self, elements: Sequence[Value]) -> Value:
        """Put numbers side by side."""
        if len(elements) == 1:
            return elements[0]
        whole = type_of(len(elements))
        text = "poison"
        for place, value in enumerate(elements):
            text = self.let(f"insertelement {whole} {text}, double {value.text}, i32 {place}")
        return Value(text, len(elements))
