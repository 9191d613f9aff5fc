"""Dimensions of values: which axes a name has, and how axes are brought together by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from wm2u_sd.errors import DimensionError, did_you_mean
from wm2u_sd.expr.nodes import Subscript
from wm2u_sd.model.model import Model


@dataclass(frozen=True, slots=True)
class Axis:
    """One dimension of a value.

    Attributes:
        name: Dimension or sub-range as declared.
        root: The dimension the elements belong to.
        elements: Labels, in order.
        star: Will be reduced over.
    """

    name: str
    root: str
    elements: tuple[str, ...]
    star: bool = False


Axes = tuple[Axis, ...]


def axes_over(model: Model, owner: str, over: Sequence[str]) -> Axes:
    """Return the axes of a variable declared over these dimensions or sub-ranges.

    Raises:
        DimensionError: A dimension is not declared.
    """
    return tuple(axis_named(model, owner, name) for name in over)


def axis_named(model: Model, owner: str, name: str) -> Axis:
    """Return the axis of a dimension or sub-range."""
    if name not in model.dimensions:
        raise DimensionError(f"{owner}: there is no dimension '{name}'.{did_you_mean(name, model.dimensions)}")
    dimension = model.dimensions[name]
    elements = dimension.elements or model.dimensions[dimension.of].elements
    return Axis(name, dimension.of or name, tuple(elements))


def listed(names: Sequence[str]) -> str:
    """Return names of dimensions in words."""
    return ", ".join(names) or "no dimension"


def names_of(axes: Axes) -> str:
    """Return the names of axes in words."""
    return listed([axis.name for axis in axes])


def match(owner: str, name: str, axis: Axis, target: Axes) -> Axis:
    """Return the axis of the target that a plain axis of `name` lines up with: by name, else by shared elements.

    Raises:
        DimensionError: The target has no such axis, or more than one, or elements the reference lacks.
    """
    same_name = [other for other in target if other.name == axis.name]
    candidates = same_name or [other for other in target if other.root == axis.root and not other.star]
    if not candidates:
        raise DimensionError(
            f"'{owner}' is over {names_of(target)} but '{name}' is over {axis.name}; "
            f"add {axis.name} to 'over' of {owner}, or reduce with sum({name}[*])"
        )
    if len(candidates) > 1:
        raise DimensionError(
            f"'{owner}' is over {names_of(tuple(candidates))}, all of {axis.root}: write which one '{name}' is "
            f"meant for, e.g. {name}[{candidates[0].name}]"
        )
    missing = [element for element in candidates[0].elements if element not in axis.elements]
    if missing:
        raise DimensionError(
            f"'{owner}' is over {candidates[0].name} but '{name}' is only over {axis.name}; "
            f"it has no {', '.join(missing)}"
        )
    return candidates[0]


def subscripted(model: Model, owner: str, name: str, axes: Axes, subscripts: Sequence[Subscript]) -> list[Axis | str]:
    """Return, for each axis of `name`, what its subscript asks for: an element, or an axis to keep or reduce.

    Raises:
        DimensionError: Wrong count, or a subscript that is neither an element nor a part of the dimension.
    """
    if len(subscripts) == 1 and subscripts[0].star and not subscripts[0].name:
        return [replace(axis, star=True) for axis in axes]
    if len(subscripts) != len(axes):
        raise DimensionError(
            f"{owner}: '{name}' is over {names_of(axes)}, so {len(axes)} subscripts belong after it; "
            f"got {len(subscripts)}"
        )
    return [_one(model, owner, name, axis, subscript) for axis, subscript in zip(axes, subscripts, strict=True)]


def _one(model: Model, owner: str, name: str, axis: Axis, subscript: Subscript) -> Axis | str:
    if subscript.star and not subscript.name:
        return replace(axis, star=True)
    if subscript.name in axis.elements and not subscript.star:
        return subscript.name
    if subscript.name in model.dimensions:
        part = axis_named(model, owner, subscript.name)
        if part.root == axis.root and set(part.elements) <= set(axis.elements):
            return replace(part, star=subscript.star)
    known = [*axis.elements, *(d.name for d in model.dimensions.values() if axis.root in (d.of, d.name))]
    raise DimensionError(
        f"{owner}: '{subscript.name}' is neither an element nor a part of {axis.name} in {name}[...]."
        f"{did_you_mean(subscript.name, known)}"
    )


def union(owner: str, target: Axes, groups: Sequence[Axes]) -> Axes:
    """Return the axes of a combination: those of the target that occur, in its order, then the starred ones.

    Raises:
        DimensionError: Two different parts of one dimension are to be reduced together.
    """
    present = {axis for group in groups for axis in group}
    plain = tuple(axis for axis in target if axis in present)
    starred: dict[str, Axis] = {}
    for axis in (axis for group in groups for axis in group if axis.star):
        known = starred.setdefault(axis.root, axis)
        if known.elements != axis.elements:
            raise DimensionError(
                f"{owner}: {known.name}* and {axis.name}* are different parts of {axis.root}; reduce them separately"
            )
    return plain + tuple(starred.values())
