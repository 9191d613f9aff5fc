"""Check flows as edges: each has one end or two, and what it joins is alike."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from wm2u_sd.errors import did_you_mean
from wm2u_sd.model.diagnostics import Case, Code, Finding
from wm2u_sd.model.shape import listed
from wm2u_sd.model.variables import Flow, Stock, a_kind


@dataclass(frozen=True, slots=True)
class Ends:
    """The stocks a flow leaves and those it enters."""

    sources: list[Stock] = field(default_factory=list)
    sinks: list[Stock] = field(default_factory=list)


def flow_findings(case: Case) -> Iterator[Finding]:
    """Yield flows that dangle, run twice or join what is not alike, and stocks that list what is no flow."""
    for stock in case.model.stocks():
        for name in (*stock.inflows, *stock.outflows):
            yield from _listed(case, stock, name)
    ends = _ends(case.model.stocks())
    for flow in case.model.flows():
        yield from _edge(case, flow, ends[flow.name])
        yield from _alike(case, flow, ends[flow.name])


def _ends(stocks: Sequence[Stock]) -> defaultdict[str, Ends]:
    """Return for each flow the stocks at its ends, once for each time they list it."""
    ends: defaultdict[str, Ends] = defaultdict(Ends)
    for stock in stocks:
        for name in stock.outflows:
            ends[name].sources.append(stock)
        for name in stock.inflows:
            ends[name].sinks.append(stock)
    return ends


def _listed(case: Case, stock: Stock, name: str) -> Iterator[Finding]:
    known = case.model.variables.get(name)
    if known is None and name not in case.broken:
        near = did_you_mean(name, [flow.name for flow in case.model.flows()]).strip()
        yield case.error(
            Code.FLOWS, f"{stock.name} lists '{name}', and there is no such flow", stock, hint=near, word=name
        )
    elif known is not None and not isinstance(known, Flow):
        message = f"{stock.name} lists '{name}', which is {a_kind(known)} and no flow"
        yield case.error(Code.FLOWS, message, stock, hint="Only a flow can change a stock.", word=name)


def _edge(case: Case, flow: Flow, ends: Ends) -> Iterator[Finding]:
    for side, verb in ((ends.sources, "leaves"), (ends.sinks, "enters")):
        if len(side) > 1:
            names = " and ".join(stock.name for stock in side)
            message = f"{flow.name} {verb} {names}"
            yield case.error(Code.FLOWS, message, flow, hint="A flow has one end of each kind; make it two flows.")
    if not ends.sources and not ends.sinks:
        if not case.broken:
            hint = "List it in the inflows or outflows of a stock, or make it an auxiliary."
            yield case.error(Code.FLOWS, f"{flow.name} joins nothing", flow, hint=hint)
    elif ends.sources and ends.sinks:
        if flow.outside:
            message = f"{flow.name} goes from {ends.sources[0].name} to {ends.sinks[0].name}, yet says 'outside'"
            hint = "Take 'outside' away, or one of its ends."
            yield case.warning(Code.FLOWS, message, flow, hint=hint, word="outside")
    elif not flow.outside and not case.broken:
        yield _dangling(case, flow, ends)


def _dangling(case: Case, flow: Flow, ends: Ends) -> Finding:
    leaves = [f"leaves {stock.name} and goes nowhere" for stock in ends.sources]
    where = [*leaves, *(f"enters {stock.name} from nowhere" for stock in ends.sinks)][0]
    return case.warning(Code.FLOWS, f"{flow.name} {where}", flow, hint="Say with 'outside' what is there.")


def _alike(case: Case, flow: Flow, ends: Ends) -> Iterator[Finding]:
    for stock in (*ends.sources, *ends.sinks):
        if list(stock.over) != list(flow.over):
            message = f"{flow.name} is over {listed(flow.over)} but {stock.name} is over {listed(stock.over)}"
            yield case.error(Code.DIMENSIONS, message, flow, hint="Give both the same.", word="over")
