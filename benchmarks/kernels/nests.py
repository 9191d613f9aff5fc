"""Fuse what is to be worked out into loop nests: one dimension after the other, with as few loops over each as can be.

A nest over localities holds smaller ones over ages, and so on; what is not over a dimension stands between its loops.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kernels.folding import Folded, Level, Node

Dims = tuple[str, ...]
Path = tuple[int, ...]


@dataclass(frozen=True)
class Leaf:
    """What is worked out in the innermost loop, in order, and the states that are carried over the step after that."""

    nodes: Sequence[int]
    updates: Sequence[int]


@dataclass(frozen=True)
class Nest:
    """A loop over a dimension, or what stands between two such loops when `over` is ''."""

    over: str
    inside: Sequence[Nest | Leaf]


def needed(folded: Folded, roots: Iterable[int], level: Level) -> list[int]:
    """Return the nodes of a level that some nodes are worked out from, themselves included, in order."""
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting.extend(folded.nodes[number].arguments)
    sources = ("state", "parameter", "time")
    return sorted(n for n in found if folded.nodes[n].level is level and folded.nodes[n].operation not in sources)


def fused(folded: Folded, nodes: Sequence[int], updates: Sequence[int], order: Dims) -> list[Nest | Leaf]:
    """Return nests that work out some nodes and carry over some states.

    A state is carried over once nothing is left that reads it, so that it can be written where it stands.

    Args:
        folded: What they belong to.
        nodes: Numbers of nodes, in an order that respects their arguments.
        updates: Numbers of states.
        order: Dimensions, that of the outermost loop first.
    """
    if not order:
        return [Leaf(list(nodes), list(updates))]
    over, *within = order
    begins = [_alternating(folded, nodes, updates, over, inside_first) for inside_first in (False, True)]
    return [
        Nest(over if inside else "", fused(folded, some, carried, tuple(within)))
        for inside, some, carried in min(begins, key=len)
    ]


Part = tuple[bool, list[int], list[int]]


def _alternating(folded: Folded, nodes: Sequence[int], updates: Sequence[int], over: str, inside: bool) -> list[Part]:
    """Cut the work into parts inside and outside a loop over a dimension, doing all that can be done in each."""
    parts: list[Part] = []
    left, pending = list(nodes), list(updates)
    while left or pending:
        some, carried = _ready(folded, left, pending, over, inside)
        if some or carried:
            parts.append((inside, some, carried))
        left = [number for number in left if number not in some]
        pending = [state for state in pending if state not in carried]
        inside = not inside
    return parts


def _ready(
    folded: Folded, left: Sequence[int], pending: Sequence[int], over: str, inside: bool
) -> tuple[list[int], list[int]]:
    """Return the nodes and states that one loop over a dimension can do, or what stands outside it."""
    missing = set(left)
    some = []
    for number in left:
        node = folded.nodes[number]
        if (over in dims_of_loop(folded, node)) == inside and missing.isdisjoint(node.arguments):
            some.append(number)
            if over in node.dims or not inside:  # a sum over the dimension is known once its loop has ended
                missing.discard(number)
    waiting = {folded.nodes[a].payload for n in missing.difference(some) for a in _states(folded, folded.nodes[n])}
    carried = [
        state
        for state in pending
        if (over in folded.states[state]) == inside and state not in waiting and folded.rates[state] not in missing
    ]
    return some, carried


def _states(folded: Folded, node: Node) -> list[int]:
    return [argument for argument in node.arguments if folded.nodes[argument].operation == "state"]


def dims_of_loop(folded: Folded, node: Node) -> Dims:
    """Return the dimensions of the loop a node stands in: a sum stands in that of what it adds up."""
    return folded.nodes[node.arguments[0]].dims if node.operation == "sum" else node.dims


def leaves(nests: Sequence[Nest | Leaf], around: Path = ()) -> Iterator[tuple[Path, Leaf]]:
    """Yield what is worked out innermost, each with the positions of the nests around it and its own."""
    for position, nest in enumerate(nests):
        here = (*around, position)
        if isinstance(nest, Leaf):
            yield here, nest
        else:
            yield from leaves(nest.inside, here)


def read_at(folded: Folded, nests: Sequence[Nest | Leaf]) -> dict[int, set[Path]]:
    """Return where each node is read."""
    found: dict[int, set[Path]] = {}
    for path, leaf in leaves(nests):
        read = [argument for number in leaf.nodes for argument in folded.nodes[number].arguments]
        for number in (*read, *(folded.rates[state] for state in leaf.updates)):
            found.setdefault(number, set()).add(path)
    return found
