"""Check what a reader needs: no leftovers, an explanation, a unit and a source for everything, names for numbers."""

from __future__ import annotations

from collections.abc import Iterator

from wm2u_sd.expr.nodes import Expression, Number
from wm2u_sd.expr.visit import calls, walk
from wm2u_sd.model.diagnostics import Case, Code, Finding
from wm2u_sd.model.graph import mentions
from wm2u_sd.model.structure_check import OF_ORDER, is_plain
from wm2u_sd.model.variables import Constant, Lookup

NEEDS_NO_NAME = (0.0, 1.0)


def unused_findings(case: Case) -> Iterator[Finding]:
    """Yield constants, lookups and dimensions that nothing uses; a constant kept for scenarios is marked `lever`."""
    used = set().union(*map(mentions, case.trees.values()))
    if case.broken or not all(is_plain(case, name) for name in case.model.variables):
        return  # the part that cannot be made out may be what uses them
    for name, record in case.model.variables.items():
        given = isinstance(record, Lookup) or (isinstance(record, Constant) and not record.lever)
        if given and name not in used:
            hint = "Take it out, use it, or mark it 'lever: true' when scenarios do."
            yield case.warning(Code.UNUSED, f"nothing uses {name}", record, hint=hint)
    over = {name for record in case.model.variables.values() for name in getattr(record, "over", ())}
    over |= {case.model.dimensions[name].of for name in over if name in case.model.dimensions}
    for name, dimension in case.model.dimensions.items():
        if name not in over and not dimension.of:
            message = f"nothing is over the dimension {name}"
            yield case.warning(Code.UNUSED, message, dimension, hint="Take it out, or use it.")


def reader_findings(case: Case) -> Iterator[Finding]:
    """Yield what is not explained, has no unit or no source, and numbers without a name."""
    for name, record in case.model.variables.items():
        if not record.doc:
            yield case.warning(Code.DOCS, f"{name} has no doc", record, hint="Say in a sentence what it is.")
        if not record.units:
            yield case.warning(Code.UNITS, f"{name} has no units", record, hint="Write dmnl for a plain number.")
        if isinstance(record, Constant) and not (record.source and record.grade):
            lacks = " and ".join(what for what in ("source", "grade") if not getattr(record, what))
            yield case.warning(Code.SOURCES, f"{name} has no {lacks}", record)
    for name, tree in case.trees.items():
        for node in _bare_numbers(tree):
            message = f"{name} holds the bare number {node.value:g}"
            hint = "Give it a name, so that it has a unit and a source."
            yield case.warning(Code.DOCS, message, case.model.variables[name], node, hint=hint)


def _bare_numbers(tree: Expression) -> list[Number]:
    """Return the numbers that should have a name, each once; the order of a delay has to be written out."""
    orders = {id(order) for call in calls(tree) if call.function in OF_ORDER for order in call.arguments[2:3]}
    found = {
        node.value: node
        for node in walk(tree)
        if isinstance(node, Number) and node.value not in NEEDS_NO_NAME and id(node) not in orders
    }
    return list(found.values())
