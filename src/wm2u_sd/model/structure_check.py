"""Check what holds a model together: circles, dimensions, the balance, named loops, steps and delays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wm2u_sd.errors import did_you_mean
from wm2u_sd.expr.functions import FUNCTIONS
from wm2u_sd.expr.nodes import Call, Expression, Number, Reference
from wm2u_sd.expr.visit import calls
from wm2u_sd.model.diagnostics import Case, Code, Finding
from wm2u_sd.model.dimension_check import dimension_faults
from wm2u_sd.model.graph import circle_text, cycles, links, needed_at_start, needed_now
from wm2u_sd.model.model import Balance, Loop
from wm2u_sd.model.variables import Constant, Stock

ORDERS = {"delay1": 1, "delay3": 3, "smooth1": 1, "smooth3": 3}
STEPS_PER_STAGE = 2  # a step longer than half a stage visibly bends the response; at twice a stage Euler is unstable


def circle_findings(case: Case) -> Iterator[Finding]:
    """Yield equations that define one another with no stock between, or at the start."""
    now = {
        name: sorted(set(needed_now(tree)))
        for name, tree in case.trees.items()
        if not isinstance(case.model.variables[name], Stock)
    }
    found = cycles(now)
    yield from (
        _circle(case, cycle, "with no stock between", "Put a delay in one link; people take time to notice.")
        for cycle in found
    )
    if not found:
        for cycle in cycles(_starting(case)):
            yield _circle(case, cycle, "at the start", "Give one a starting value of its own.")


def _starting(case: Case) -> Mapping[str, list[str]]:
    """Return what each value needs at the first moment; what a stock grants needs the stock (SEM-40)."""
    needs = {name: set(needed_at_start(tree)) for name, tree in case.trees.items()}
    for stock in case.model.stocks():
        for flow in stock.outflows if stock.non_negative else ():
            if flow in needs:
                needs[flow].add(stock.name)
    return {name: sorted(needed) for name, needed in needs.items()}


def _circle(case: Case, cycle: list[str], circumstance: str, advice: str) -> Finding:
    said = circle_text(cycle, circumstance).removesuffix(".")
    return case.error(Code.LOOPS, said, case.model.variables[cycle[0]], hint=advice)


def dimension_findings(case: Case) -> Iterator[Finding]:
    """Yield references that do not fit the dimensions of their equation."""
    for name, tree in case.trees.items():
        record = case.model.variables[name]
        for message, node in dimension_faults(case.model, record, tree):
            yield case.error(Code.DIMENSIONS, message, record, node)


def balance_findings(case: Case) -> Iterator[Finding]:
    """Yield what is wrong with the balance: names of the wrong kind, a condition too many or too few."""
    balance = case.model.balance
    if balance is None:
        return
    values = [*case.model.auxiliaries(), *case.model.flows()]
    for names, known, what in (
        (balance.solve, [record.name for record in case.model.constants()], "constant"),
        (balance.steady, [record.name for record in case.model.stocks()], "stock"),
        (balance.zero, [record.name for record in values], "auxiliary or flow"),
    ):
        for name in names:
            if name not in known and name not in case.broken:
                near = did_you_mean(str(name), known).strip()
                yield case.error(Code.BALANCE, f"balance: there is no {what} '{name}'", hint=near)
    yield from _counts(case, balance)


def _counts(case: Case, balance: Balance) -> Iterator[Finding]:
    conditions = [*balance.steady, *balance.zero]
    if len(balance.solve) != len(conditions):
        message = f"balance: {len(balance.solve)} constants to find from {len(conditions)} conditions"
        yield case.error(Code.BALANCE, message, hint="Give one condition for each.")
    for name in (*balance.solve, *conditions):
        record = case.model.variables.get(name)
        if record is not None and getattr(record, "over", ()):
            message = f"balance: '{name}' has dimensions"
            yield case.error(Code.BALANCE, message, record, hint="Only single numbers can be balanced.")


def loop_findings(case: Case) -> Iterator[Finding]:
    """Yield named loops that run through what is not there, or along links that are not there."""
    acting = links(case.model, case.trees)
    for loop in case.model.loops:
        if not loop.path:
            yield case.error(Code.LOOPS, f"loop {loop.name} has no path", hint="List its variables in order.")
        for here, after in zip(loop.path, (*loop.path[1:], *loop.path[:1]), strict=True):
            yield from _link(case, loop, here, after, acting)


def _link(case: Case, loop: Loop, here: str, after: str, acting: Mapping[str, set[str]]) -> Iterator[Finding]:
    if after in case.broken or here in case.broken:
        return
    if after not in case.model.variables:
        near = did_you_mean(str(after), case.model.variables).strip()
        yield case.error(Code.LOOPS, f"loop {loop.name} runs through '{after}', which is not there", hint=near)
    elif here in case.model.variables and here not in acting[after]:
        record = case.model.variables[after]
        what = "is no flow of" if isinstance(record, Stock) else "is not in the equation of"
        yield case.error(Code.LOOPS, f"loop {loop.name}: {here} {what} {after}", record)


def step_findings(case: Case) -> Iterator[Finding]:
    """Yield delays that are short for the length of a step, where their time is a number that is given."""
    for name, tree in case.trees.items():
        for call in calls(tree):
            stage = _stage(case, call)
            if stage is not None and 0 < stage < case.model.time.dt * STEPS_PER_STAGE:
                yield _coarse(case, name, call, stage)


def _stage(case: Case, call: Call) -> float | None:
    """Return how long one stage of a delay is, None when that is worked out during the run."""
    order = ORDERS.get(call.function) or _given(case, call.arguments[2:3]) if call.function in FUNCTIONS else None
    length = _given(case, call.arguments[1:2])
    is_delay = call.function in ORDERS or call.function in ("delay_n", "smooth_n")
    return length / order if is_delay and order and length else None


def _given(case: Case, arguments: tuple[Expression, ...]) -> float | None:
    match arguments:
        case (Number(value),):
            return value
        case (Reference(name, ()),):
            record = case.model.variables.get(name)
            value = record.value if isinstance(record, Constant) else None
            return float(value) if isinstance(value, int | float) else None
        case _:
            return None


def _coarse(case: Case, name: str, call: Call, stage: float) -> Finding:
    time = case.model.time
    message = f"{name}: a step of {time.dt:g} {time.units} is long for a delay whose stages take {stage:g} {time.units}"
    hint = f"Use a step of {stage / STEPS_PER_STAGE:g} or less."
    return case.warning(Code.TIME, message, case.model.variables[name], call, hint=hint)
