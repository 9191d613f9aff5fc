"""Check that references fit the dimensions of their equation, with the rules the compiler uses."""

from __future__ import annotations

from collections.abc import Sequence

from wm2u_sd.errors import DimensionError
from wm2u_sd.expr.functions import RESERVED, is_reduction
from wm2u_sd.expr.nodes import Call, Expression, Number, Reference
from wm2u_sd.expr.visit import sub_expressions
from wm2u_sd.model.model import Model
from wm2u_sd.model.shape import Axes, Axis, axes_over, match, subscripted, union
from wm2u_sd.model.variables import Variable

Fault = tuple[str, Expression]


def dimension_faults(model: Model, record: Variable, tree: Expression) -> list[Fault]:
    """Return what does not fit, with the part of the equation it is about."""
    faults: list[Fault] = []
    try:
        target = axes_over(model, record.name, getattr(record, "over", ()))
    except DimensionError as error:
        return [(str(error), tree)]
    _axes(model, record.name, target, tree, faults)
    return faults


def _axes(model: Model, owner: str, target: Axes, node: Expression, faults: list[Fault]) -> Axes | None:
    """Return the axes of a node, None when they cannot be made out."""
    try:
        if isinstance(node, Number):
            return ()
        if isinstance(node, Reference):
            return _reference(model, owner, target, node)
        parts = [_axes(model, owner, target, part, faults) for part in sub_expressions(node)]
        groups = [axes for axes in parts if axes is not None]
        if len(groups) < len(parts):
            return None
        if isinstance(node, Call) and is_reduction(node.function, len(node.arguments)):
            return _reduced(owner, node, groups[0])
        return union(owner, target, groups)
    except DimensionError as error:
        faults.append((str(error), node))
        return None


def _reduced(owner: str, node: Call, axes: Axes) -> Axes:
    if not any(axis.star for axis in axes):
        raise DimensionError(
            f"{owner}: {node.function}(...) needs a starred dimension inside it, e.g. {node.function}(x[*])"
        )
    return tuple(axis for axis in axes if not axis.star)


def _reference(model: Model, owner: str, target: Axes, node: Reference) -> Axes | None:
    if node.name in RESERVED:
        return ()
    if node.name not in model.variables:
        return None
    axes = axes_over(model, node.name, getattr(model.variables[node.name], "over", ()))
    wanted: Sequence[Axis | str] = axes
    if node.subscripts:
        if not axes:
            raise DimensionError(f"{owner}: '{node.name}' has no dimensions; take the brackets away")
        wanted = subscripted(model, owner, node.name, axes, node.subscripts)
    kept = [axis for axis in wanted if isinstance(axis, Axis)]
    return tuple(axis if axis.star else match(owner, node.name, axis, target) for axis in kept)
