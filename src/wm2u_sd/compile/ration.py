"""Ration the outflows of non-negative stocks, so that people are shared out and never made (SEM-40).

What flows ask for is worked out first, from what other flows ask for. Each stock then grants every outflow the same
share of its demand. Everything else reads what was granted. Values that depend on rationed flows and on which a demand
in turn depends therefore exist twice: as asked (`x.asked`) and as granted (`x`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from wm2u_sd.compile.equation import Equation
from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference
from wm2u_sd.expr.visit import references, rewrite
from wm2u_sd.model.variables import Stock

SHARE = "ration.share"
"""(content, demand) -> content / demand where demand is more than the content, else 1."""
GRANT = "ration.grant"
"""(asked, share) -> asked * share where more than 0 is asked, else asked."""


def ration(equations: dict[str, Equation], stocks: Sequence[Stock]) -> None:
    """Replace, in place, each outflow of these stocks by what its stock can grant it."""
    source = {flow: stock for stock in stocks for flow in stock.outflows}
    if not source:
        return
    plain = dict(equations)
    affected = _affected(plain, source)
    waiting = list(source)
    while waiting:
        name = waiting.pop()
        if asked(name) not in equations:
            expression = rewrite(plain[name].expression, lambda node: _as_asked(node, affected))
            equations[asked(name)] = Equation(plain[name].over, expression)
            waiting += [r.name for r in references(plain[name].expression) if r.name in affected]
    for flow, stock in source.items():
        equations[flow] = Equation(plain[flow].over, _granted(flow, stock))
    for stock in stocks:
        equations[f"{stock.name}.demand"] = Equation(tuple(stock.over), total(map(_demand, stock.outflows)))
        equations[f"{stock.name}.ration"] = Equation(tuple(stock.over), _share(stock))


def asked(name: str) -> str:
    """Name of a value as it is before rationing."""
    return f"{name}.asked"


def total(terms: Iterable[Expression]) -> Expression:
    """Return the sum of some expressions, 0 when there are none."""
    first, *rest = list(terms) or [Number(0.0)]
    for term in rest:
        first = Binary("+", first, term)
    return first


def _affected(equations: Mapping[str, Equation], rationed: Iterable[str]) -> set[str]:
    """Return the rationed flows and every value that depends on one at the same moment."""
    users: dict[str, list[str]] = {}
    for name, equation in equations.items():
        for reference in references(equation.expression):
            users.setdefault(reference.name, []).append(name)
    found, waiting = set(rationed), list(rationed)
    while waiting:
        more = [user for user in users.get(waiting.pop(), []) if user not in found]
        found.update(more)
        waiting += more
    return found


def _as_asked(node: Expression, affected: set[str]) -> Expression:
    if isinstance(node, Reference) and node.name in affected:
        return Reference(asked(node.name), node.subscripts, node.span)
    return node


def _granted(flow: str, stock: Stock) -> Expression:
    """Return what a flow is granted: its share of what it asks for; what is asked the other way round is let be."""
    return Call(GRANT, (Reference(asked(flow)), Reference(f"{stock.name}.ration")))


def _demand(flow: str) -> Expression:
    return Call("max", (Reference(asked(flow)), Number(0.0)))


def _share(stock: Stock) -> Expression:
    """Return the share of its demand that a stock can meet in one step, 1 when it can meet all of it."""
    content = Binary("/", Reference(stock.name), Reference("time_step"))
    return Call(SHARE, (content, Reference(f"{stock.name}.demand")))
