"""Check what holds a model together: circles, dimensions, the balance, named loops, steps and delays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from wm2u_sd.errors import did_you_mean
from wm2u_sd.expr.functions import FUNCTIONS, RESERVED
from wm2u_sd.expr.nodes import Call, Expression, Number, Reference
from wm2u_sd.expr.visit import calls, references
from wm2u_sd.model.diagnostics import Case, Code, Finding, counted
from wm2u_sd.model.dimension_check import dimension_faults
from wm2u_sd.model.graph import circle_text, cycles, depending_on, links, mentions, needed_at_start, needed_now
from wm2u_sd.model.model import Balance, Loop
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Stock

KNOWN = frozenset({*FUNCTIONS, *RESERVED})
ORDERS = {"delay1": 1, "delay3": 3, "smooth1": 1, "smooth3": 3}
OF_ORDER = ("delay_n", "smooth_n")
ASKED = ".asked"
STEPS_PER_STAGE = 2  # a step longer than half a stage visibly bends the response; at twice a stage Euler is unstable


def circle_findings(case: Case) -> Iterator[Finding]:
    """Yield equations that define one another with no stock between, or at the start."""
    found = cycles(_needed_now(case))
    yield from (
        _circle(case, cycle, "with no stock between", "Put a delay in one link; people take time to notice.")
        for cycle in found
    )
    if not found:
        for cycle in cycles(_starting(case)):
            names = list(dict.fromkeys(name.removesuffix(ASKED) for name in cycle))
            yield _circle(case, names, "at the start", "Give one a starting value of its own.")


def _needed_now(case: Case) -> dict[str, list[str]]:
    """Return what each value but a stock needs at the same moment."""
    return {
        name: sorted(set(needed_now(tree)))
        for name, tree in case.trees.items()
        if not isinstance(case.model.variables[name], Stock)
    }


def _starting(case: Case) -> Mapping[str, list[str]]:
    """Return what each value needs at the first moment.

    What a stock grants needs what it holds and all that is asked of it. What is asked reads other demands as they are
    asked, and all else as granted (SEM-40); `<name>.asked` is a value as it is asked.
    """
    needs = {name: set(needed_at_start(tree)) for name, tree in case.trees.items()}
    now = _needed_now(case)
    rationed = {
        flow: stock for stock in case.model.stocks() if stock.non_negative for flow in stock.outflows if flow in now
    }
    demands = depending_on(now, rationed)
    for name in demands:
        same_moment = demands.intersection(now[name])
        needs[f"{name}{ASKED}"] = (needs[name] - same_moment) | {f"{other}{ASKED}" for other in same_moment}
    for flow, stock in rationed.items():
        needs[flow] = {stock.name, *(f"{other}{ASKED}" for other in stock.outflows if other in now)}
    return {name: sorted(needed) for name, needed in needs.items()}


def _circle(case: Case, cycle: list[str], circumstance: str, advice: str) -> Finding:
    said = circle_text(cycle, circumstance).removesuffix(".")
    owner, needed = cycle[0], cycle[1 % len(cycle)]
    at = next((node for node in references(case.trees[owner]) if node.name == needed), None)
    return case.error(Code.LOOPS, said, case.model.variables[owner], at, hint=advice)


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
    for names, kinds, what in (
        (balance.solve, Constant, "constant"),
        (balance.steady, Stock, "stock"),
        (balance.zero, Flow | Auxiliary, "auxiliary or flow"),
    ):
        known = [name for name, record in case.model.variables.items() if isinstance(record, kinds)]
        for name in names:
            if name not in known and name not in case.broken:
                near = did_you_mean(str(name), known).strip()
                message = f"balance: there is no {what} '{name}'"
                yield case.error(Code.BALANCE, message, balance, hint=near, word=str(name))
    yield from _counts(case, balance)


def _counts(case: Case, balance: Balance) -> Iterator[Finding]:
    conditions = [*balance.steady, *balance.zero]
    if len(balance.solve) != len(conditions):
        wanted, given = counted(len(balance.solve), "constant"), counted(len(conditions), "condition")
        message = f"balance: {wanted} to find from {given}"
        yield case.error(Code.BALANCE, message, balance, hint="Give one condition for each.")
    for name in (*balance.solve, *conditions):
        record = case.model.variables.get(name)
        if record is not None and not isinstance(record, Lookup) and record.over:
            message = f"balance: '{name}' has dimensions"
            hint = "Only single numbers can be balanced."
            yield case.error(Code.BALANCE, message, balance, hint=hint, word=str(name))


def loop_findings(case: Case) -> Iterator[Finding]:
    """Yield named loops that run through what is not there, or along links that are not there."""
    acting = links(case.model, case.trees)
    for loop in case.model.loops:
        if not loop.path:
            yield case.error(Code.LOOPS, f"loop {loop.name} has no path", loop, hint="List its variables in order.")
        for here, after in zip(loop.path, (*loop.path[1:], *loop.path[:1]), strict=True):
            yield from _link(case, loop, here, after, acting)


def _link(case: Case, loop: Loop, here: str, after: str, acting: Mapping[str, set[str]]) -> Iterator[Finding]:
    if after in case.broken or here in case.broken or not is_plain(case, after):
        return
    if after not in case.model.variables:
        near = did_you_mean(str(after), case.model.variables).strip()
        message = f"loop {loop.name} runs through '{after}', which is not there"
        yield case.error(Code.LOOPS, message, loop, hint=near, word=str(after))
    elif here in case.model.variables and here not in acting[after]:
        record = case.model.variables[after]
        what = "is no flow of" if isinstance(record, Stock) else "is not in the equation of"
        yield case.error(Code.LOOPS, f"loop {loop.name}: {here} {what} {after}", loop, word=here)


def is_plain(case: Case, name: str) -> bool:
    """Whether what acts on a variable is known: its equation could be read and mentions only what is there."""
    record, tree = case.model.variables.get(name), case.trees.get(name)
    if not isinstance(record, Flow | Auxiliary):
        return True
    return tree is not None and all(one in case.model.variables or one in KNOWN for one in mentions(tree))


def step_findings(case: Case) -> Iterator[Finding]:
    """Yield delays that are short for the length of a step, where their time is a number that is given."""
    for name, tree in case.trees.items():
        for call in calls(tree):
            stage = _stage(case, call)
            if stage is not None and 0 < stage < case.model.time.dt * STEPS_PER_STAGE:
                yield _coarse(case, name, call, stage)


def _stage(case: Case, call: Call) -> float | None:
    """Return how long one stage of a delay is, None when that is worked out during the run."""
    if call.function not in ORDERS and call.function not in OF_ORDER:
        return None
    length = _given(case, call.arguments[1:2])
    match call.arguments[2:3]:
        case (Number(value),) if call.function in OF_ORDER:
            order: float = value
        case _:
            order = ORDERS.get(call.function, 0)
    return length / order if order and length else None


def _given(case: Case, arguments: tuple[Expression, ...]) -> float | None:
    match arguments:
        case (Number(value),):
            return value
        case (Reference(name, ()),):
            record = case.model.variables.get(name)
            given = record.value if isinstance(record, Constant) else None
            return float(given) if isinstance(given, int | float) else None
        case _:
            return None


def _coarse(case: Case, name: str, call: Call, stage: float) -> Finding:
    time = case.model.time
    message = f"{name}: a step of {time.dt:g} {time.units} is long for a delay whose stages take {stage:g} {time.units}"
    hint = f"Use a step of {stage / STEPS_PER_STAGE:g} or less."
    return case.warning(Code.TIME, message, case.model.variables[name], call, hint=hint)
