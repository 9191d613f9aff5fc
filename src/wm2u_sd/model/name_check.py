"""Check what equations mention: names that exist, functions that exist and get what they take."""

from __future__ import annotations

from collections.abc import Iterator

from wm2u_sd.errors import did_you_mean
from wm2u_sd.expr.functions import FUNCTIONS, HIGHEST_ORDER, RESERVED, Role
from wm2u_sd.expr.nodes import Call, Expression, Number, Reference
from wm2u_sd.expr.printer import to_text
from wm2u_sd.expr.visit import calls, free_stars, references
from wm2u_sd.model.diagnostics import Case, Code, Finding
from wm2u_sd.model.variables import Lookup, Variable, a_kind

NEEDS_A_VARIABLE = frozenset({Role.SMALL_MODEL, Role.HISTORY, Role.INITIAL})
ORDER = "order"


def name_findings(case: Case) -> Iterator[Finding]:
    """Yield references to what is not there or is no value, each name once an equation."""
    for name, tree in case.trees.items():
        first = {reference.name: reference for reference in reversed(list(references(tree)))}
        for reference in first.values():
            yield from _reference(case, case.model.variables[name], reference)


def _reference(case: Case, owner: Variable, node: Reference) -> Iterator[Finding]:
    known = case.model.variables.get(node.name)
    if isinstance(known, Lookup):
        message = f"'{node.name}' is a lookup and stands here without what it looks up"
        yield case.error(Code.KINDS, message, owner, node, hint=f"Write {node.name}(x).")
    elif node.name in RESERVED and node.subscripts:
        yield case.error(Code.KINDS, f"'{node.name}' has no dimensions", owner, node, hint="Take the brackets away.")
    elif known is None and node.name not in RESERVED and node.name not in case.broken:
        near = did_you_mean(node.name, [*case.model.variables, *RESERVED]).strip()
        yield case.error(Code.NAMES, f"{owner.name}: there is nothing called '{node.name}'", owner, node, hint=near)


def call_findings(case: Case) -> Iterator[Finding]:
    """Yield calls of what is no function, and calls with the wrong arguments."""
    for name, tree in case.trees.items():
        for call in calls(tree):
            yield from _call(case, case.model.variables[name], call)


def _call(case: Case, owner: Variable, node: Call) -> Iterator[Finding]:
    called = case.model.variables.get(node.function)
    if isinstance(called, Lookup):
        if len(node.arguments) != 1:
            message = f"the lookup {node.function} takes one argument; got {len(node.arguments)}"
            yield case.error(Code.KINDS, message, owner, node)
    elif called is not None:
        message = f"'{node.function}' is {a_kind(called)}, which cannot be called"
        yield case.error(Code.KINDS, message, owner, node, hint=f"Write {node.function} * (...) to multiply.")
    elif node.function in FUNCTIONS:
        yield from _arguments(case, owner, node)
    elif node.function not in case.broken:
        known = [*FUNCTIONS, *(lookup.name for lookup in case.model.lookups())]
        message = f"{owner.name}: there is no function '{node.function}'"
        name = (node.span[0], node.span[0] + len(node.function))
        yield case.error(Code.NAMES, message, owner, name, hint=did_you_mean(node.function, known).strip())


def _arguments(case: Case, owner: Variable, node: Call) -> Iterator[Finding]:
    function, count = FUNCTIONS[node.function], len(node.arguments)
    if not function.least <= count <= len(function.arguments):
        most = len(function.arguments)
        takes = str(most) if most == function.least else f"{function.least} to {most}"
        message = f"{node.function} takes {takes} argument{'s' if most > 1 else ''}; got {count}"
        yield case.error(Code.KINDS, message, owner, node, hint=f"Write {function.signature}.")
    for argument, part in zip(function.arguments, node.arguments, strict=False):
        fault = _order_fault(part) if argument.name == ORDER else ""
        if fault:
            yield case.error(Code.KINDS, f"the order of {node.function} {fault}", owner, part)


def _order_fault(node: Expression) -> str:
    if not (isinstance(node, Number) and node.value.is_integer() and node.value >= 1):
        return "must be a whole number above 0, written out"
    return f"is {node.value:g}; it must be {HIGHEST_ORDER} or less" if node.value > HIGHEST_ORDER else ""


def star_findings(case: Case) -> Iterator[Finding]:
    """Yield starred dimensions that nothing reduces, or that would have to pass through a delay first."""
    for name, tree in case.trees.items():
        owner = case.model.variables[name]
        for node in free_stars(tree):
            message = f"{owner.name}: a star after {node.name} stands outside a reduction"
            yield case.error(Code.DIMENSIONS, message, owner, node, hint=f"Write e.g. sum({to_text(node)}).")
        for call in calls(tree):
            if call.function in FUNCTIONS and FUNCTIONS[call.function].role in NEEDS_A_VARIABLE:
                yield from _through(case, owner, call)


def _through(case: Case, owner: Variable, call: Call) -> Iterator[Finding]:
    for node in list(free_stars(call))[:1]:
        message = f"{owner.name}: {call.function}(...) cannot stand inside a reduction over {to_text(node)}"
        yield case.error(Code.DIMENSIONS, message, owner, call, hint="Give it a variable of its own and reduce that.")
