"""The expression tree: five kinds of immutable node.

A node knows where it stood in the equation text (`span`), so that a finding can point at it;
two nodes are equal when they mean the same, wherever they stood.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Span = tuple[int, int]
NOWHERE: Span = (0, 0)


@dataclass(frozen=True, slots=True)
class Number:
    """A literal number."""

    value: float
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Subscript:
    """One place between brackets: an element, a dimension or sub-range, or a starred one to reduce over.

    `children[fostering]` has `Subscript("fostering")`; `sum(children[*])` has `Subscript("", star=True)`;
    `sum(children[young*])` has `Subscript("young", star=True)`.
    """

    name: str
    star: bool = False
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Reference:
    """A variable, with the subscripts written after it (none written means every dimension it has)."""

    name: str
    subscripts: tuple[Subscript, ...] = ()
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Unary:
    """`-x` or `not x`."""

    operator: str
    operand: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic (`+ - * / ^`), comparison (`< <= > >= = <>`) or logic (`and or`)."""

    operator: str
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A registered function, or a lookup of the model, applied to arguments."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False, repr=False)


Expression = Number | Reference | Unary | Binary | Call
