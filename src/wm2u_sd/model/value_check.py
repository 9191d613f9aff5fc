"""Check what is given rather than worked out: constants, priors, points of lookups, delay times."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from wm2u_sd.errors import DimensionError, did_you_mean
from wm2u_sd.expr.functions import FUNCTIONS, Argument
from wm2u_sd.expr.nodes import Call, Expression, Number, Reference, Unary
from wm2u_sd.expr.visit import calls
from wm2u_sd.model.diagnostics import Case, Code, Finding, shortened
from wm2u_sd.model.shape import axes_over
from wm2u_sd.model.variables import Constant, Extrapolation, Grade, Lookup, Prior, Variable

DISTRIBUTIONS = ("fixed", "uniform", "triangular", "normal", "lognormal", "beta")
WITHOUT_A_MIDDLE = ("fixed", "uniform")
BOUNDS = {"> 0": "above 0", ">= 0": "0 or more"}


def value_findings(case: Case) -> Iterator[Finding]:
    """Yield what cannot be: values that are no numbers or do not fit, priors, curves, times that are not above 0."""
    for constant in case.model.constants():
        yield from _constant(case, constant)
    for lookup in case.model.lookups():
        yield from _lookup(case, lookup)
    for name, tree in case.trees.items():
        for call in calls(tree):
            yield from _out_of_bounds(case, case.model.variables[name], call)


def _constant(case: Case, constant: Constant) -> Iterator[Finding]:
    shape, numbers = shape_of(constant.value)
    if numbers is None:
        message = f"{constant.name}: the value is {shortened(constant.value)}"
        yield case.error(Code.CONSTANTS, message, constant, hint="It must be numbers, all of one shape.", word="value")
    else:
        yield from _shape(case, constant, shape)
    if constant.grade and constant.grade not in list(Grade):
        message = f"{constant.name}: the grade is {shortened(constant.grade)}"
        yield case.error(Code.SOURCES, message, constant, hint="It is A, B, C or D.", word="grade")
    if constant.prior is not None:
        fault = prior_fault(constant.prior) or _prior_shape_fault(constant)
        if fault:
            yield case.error(Code.PRIORS, f"{constant.name}: {fault}", constant, word="prior")


def _shape(case: Case, constant: Constant, shape: tuple[int, ...]) -> Iterator[Finding]:
    try:
        axes = axes_over(case.model, constant.name, constant.over)
    except DimensionError:
        return
    wanted = tuple(len(axis.elements) for axis in axes)
    if shape != wanted:
        over = ", ".join(f"{axis.name} ({len(axis.elements)})" for axis in axes) or "no dimension"
        given = " x ".join(map(str, shape)) or "a single number"
        message = f"{constant.name} is over {over}, but its value is {given}"
        yield case.error(Code.DIMENSIONS, message, constant, hint="Give one number for each element.")


def _prior_shape_fault(constant: Constant) -> str:
    return "a prior is for one number, and this has dimensions; split it into constants" if constant.over else ""


def prior_fault(prior: Prior) -> str:
    """Return what is wrong with a prior, '' when nothing is."""
    numbers = (prior.low, prior.high, prior.central, prior.chance_of_none, prior.none_value)
    if prior.distribution not in DISTRIBUTIONS:
        near = did_you_mean(str(prior.distribution), DISTRIBUTIONS)
        return f"there is no distribution {shortened(prior.distribution)}.{near}"
    if not all(_is_number(number) for number in numbers):
        return "the prior holds what is no number"
    if not 0 <= prior.chance_of_none < 1:
        return f"the chance of none is {prior.chance_of_none:g}; it is from 0 to below 1"
    return _range_fault(prior)


def _range_fault(prior: Prior) -> str:
    ends = f"{prior.low:g} to {prior.high:g}"
    if prior.distribution != "fixed" and not prior.low < prior.high:
        return f"the prior runs from {ends}; low must be below high"
    if prior.distribution not in WITHOUT_A_MIDDLE and not _has_middle(prior):
        return f"the prior's middle {prior.central:g} does not lie between its ends, {ends}"
    if prior.distribution == "lognormal" and prior.low <= 0:
        return f"a lognormal prior is above 0, but this runs from {ends}"
    if prior.distribution == "beta" and not (prior.low > 0 and prior.high < 1):
        return f"a beta prior lies between 0 and 1, but this runs from {ends}"
    return ""


def _has_middle(prior: Prior) -> bool:
    """Whether the middle lies between the ends; the mode of a triangle may lie on one."""
    if prior.distribution == "triangular":
        return prior.low <= prior.central <= prior.high
    return prior.low < prior.central < prior.high


def _lookup(case: Case, lookup: Lookup) -> Iterator[Finding]:
    shape, numbers = shape_of(lookup.points)
    if numbers is None or len(shape) != 2 or shape[1] != 2:
        message = f"{lookup.name}: the points are {shortened(lookup.points)}"
        yield case.error(Code.LOOKUPS, message, lookup, hint="They must be pairs (x, y) of numbers.", word="points")
        return
    if shape[0] < 2:
        message = f"{lookup.name} has {shape[0]} point{'s' if shape[0] != 1 else ''}"
        yield case.error(Code.LOOKUPS, message, lookup, hint="It needs two or more.", word="points")
    yield from _rising(case, lookup, numbers[::2])
    if lookup.extrapolation not in list(Extrapolation):
        message = f"{lookup.name}: extrapolation is {shortened(lookup.extrapolation)}"
        hint = f"It is {' or '.join(Extrapolation)}."
        yield case.error(Code.LOOKUPS, message, lookup, hint=hint, word="extrapolation")


def _rising(case: Case, lookup: Lookup, xs: Sequence[float]) -> Iterator[Finding]:
    falls = next((after for after in range(1, len(xs)) if xs[after] <= xs[after - 1]), None)
    if falls is not None:
        message = f"{lookup.name}: x must rise, but {xs[falls]:g} comes after {xs[falls - 1]:g}"
        yield case.error(Code.LOOKUPS, message, lookup, hint="Sort the points, and give each x once.", word="points")


def _out_of_bounds(case: Case, owner: Variable, call: Call) -> Iterator[Finding]:
    """Yield arguments that are given as a number, or a constant of a value, that they cannot be."""
    known = FUNCTIONS[call.function].arguments if call.function in FUNCTIONS else ()
    for argument, node in zip(known, call.arguments, strict=False):
        refused = _refused(case, owner, argument, node)
        if refused is not None:
            given = f"{node.name} is" if isinstance(node, Reference) else "it is"
            must = f"the {argument.name} of {call.function} must be {BOUNDS[argument.bound]}"
            yield case.error(Code.TIME, f"{owner.name}: {must}, but {given} {refused:g}", owner, node)


def _refused(case: Case, owner: Variable, argument: Argument, node: Expression) -> float | None:
    """Return a number this argument is given and cannot be; None when there is none or it is worked out in the run."""
    match node:
        case Number(value) | Unary("-", Number(value)):
            values, all_used = [value if isinstance(node, Number) else -value], True
        case Reference(name, subscripts) if isinstance(record := case.model.variables.get(name), Constant):
            values = shape_of(record.value)[1] or []
            all_used = not subscripts and set(record.over) <= set(getattr(owner, "over", ()))
        case _:
            return None
    refused = [value for value in values if not argument.allows(value)]
    return refused[0] if refused and (all_used or len(refused) == len(values)) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number too large for a float
        return False


def shape_of(value: Any) -> tuple[tuple[int, ...], list[float] | None]:
    """Return the shape of nested numbers and the numbers in a row; None for the numbers when they are none."""
    if isinstance(value, str | bytes):
        return (), None
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, int | float):
        return (), [float(value)] if _is_number(value) else None
    try:
        parts = [shape_of(part) for part in value]
    except (TypeError, RecursionError):
        return (), None
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1 or any(numbers is None for _, numbers in parts):
        return (), None
    inner = shapes.pop() if shapes else ()
    return (len(parts), *inner), [number for _, numbers in parts for number in numbers or ()]
