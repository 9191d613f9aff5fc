"""Walk and rewrite expression trees."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from wm2u_sd.expr.functions import is_reduction
from wm2u_sd.expr.nodes import Binary, Call, Expression, Reference, Unary


def sub_expressions(node: Expression) -> tuple[Expression, ...]:
    """Return the direct sub-expressions of a node."""
    match node:
        case Unary(_, operand):
            return (operand,)
        case Binary(_, left, right):
            return (left, right)
        case Call(_, arguments):
            return arguments
        case _:
            return ()


def walk(node: Expression) -> Iterator[Expression]:
    """Yield the node and everything below it, parents first."""
    yield node
    for part in sub_expressions(node):
        yield from walk(part)


def references(node: Expression) -> Iterator[Reference]:
    """Yield every reference to a variable, in reading order."""
    return (part for part in walk(node) if isinstance(part, Reference))


def calls(node: Expression) -> Iterator[Call]:
    """Yield every call, outermost first."""
    return (part for part in walk(node) if isinstance(part, Call))


def free_stars(node: Expression) -> Iterator[Reference]:
    """Yield references with a starred dimension that no reduction below `node` takes care of."""
    if isinstance(node, Reference) and any(subscript.star for subscript in node.subscripts):
        yield node
    if not (isinstance(node, Call) and is_reduction(node.function, len(node.arguments))):
        for part in sub_expressions(node):
            yield from free_stars(part)


def rewrite(node: Expression, change: Callable[[Expression], Expression]) -> Expression:
    """Return the tree with `change` applied to every node, leaves first."""
    match node:
        case Unary(_, operand):
            return change(replace(node, operand=rewrite(operand, change)))
        case Binary(_, left, right):
            return change(replace(node, left=rewrite(left, change), right=rewrite(right, change)))
        case Call(_, arguments):
            return change(replace(node, arguments=tuple(rewrite(a, change) for a in arguments)))
        case _:
            return change(node)
