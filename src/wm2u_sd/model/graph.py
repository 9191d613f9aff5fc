"""What depends on what: order, circles and links.

The first half works on any mapping of names to the names they need; the second half reads such mappings off a model.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping

from wm2u_sd.errors import ModelError
from wm2u_sd.expr.functions import FUNCTIONS
from wm2u_sd.expr.nodes import Call, Expression, Reference
from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.visit import calls, references, sub_expressions
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Auxiliary, Flow

Dependencies = Mapping[str, Collection[str]]

COUNTS = ("", "This one", "These two", "These three", "These four", "These five", "These six", "These seven")

_MATERIAL = dict.fromkeys(("delay1", "delay3", "delay_n"), ("delay_time",))
_INFORMATION: dict[str, tuple[str, ...]] = dict.fromkeys(("smooth1", "smooth3", "smooth_n"), ())

NEEDED_NOW: Mapping[str, tuple[str, ...]] = {
    **_MATERIAL,
    **_INFORMATION,
    "trend": ("input", "average_time"),
    "forecast": ("input", "average_time", "horizon"),
    "delay_fixed": (),
    "sample_if_true": ("condition", "input"),
    "initial": (),
}
"""Arguments a value needs at the same moment, where that is not all of them: the others only fill its memory."""

NEEDED_AT_START: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(_MATERIAL, ("delay_time", "initial")),
    **dict.fromkeys(_INFORMATION, ("initial",)),
    "delay_fixed": ("initial",),
}
"""The same at the first moment, when memories are filled."""


class CycleFound(Exception):
    """Some names need one another in a circle.

    Attributes:
        cycle: The names, each needing the next and the last needing the first.
    """

    def __init__(self, cycle: list[str]) -> None:
        super().__init__(" -> ".join([*cycle, cycle[0]]))
        self.cycle = cycle


def topological_order(dependencies: Dependencies) -> list[str]:
    """Return the names so that each comes after what it needs; otherwise in the given order.

    Args:
        dependencies: Name -> names it needs; names that are no key need no place.

    Raises:
        CycleFound: Names need one another; carries a shortest circle.
    """
    order: list[str] = []
    done: set[str] = set()
    for root in dependencies:
        waiting = [root]
        opened: set[str] = set()
        while waiting:
            name = waiting[-1]
            needed = [n for n in dependencies[name] if n in dependencies and n not in done]
            if name in done or not needed:
                waiting.pop()
                if name not in done:
                    done.add(name)
                    order.append(name)
                continue
            opened.add(name)
            circular = [n for n in needed if n in opened]
            if circular:
                raise CycleFound(shortest_cycle(dependencies, circular[0]))
            waiting.extend(reversed(needed))
    return order


def shortest_cycle(dependencies: Dependencies, name: str) -> list[str]:
    """Return a shortest circle through `name`, starting with it; empty when there is none."""
    came_from: dict[str, str] = {}
    waiting = deque([name])
    while waiting:
        here = waiting.popleft()
        for needed in dependencies.get(here, ()):
            if needed == name:
                path = [here]
                while path[-1] != name:
                    path.append(came_from[path[-1]])
                return path[::-1]
            if needed in dependencies and needed not in came_from:
                came_from[needed] = here
                waiting.append(needed)
    return []


def cycles(dependencies: Dependencies) -> list[list[str]]:
    """Return one shortest circle for each knot of names that all need one another, in the given order."""
    found = []
    try:
        topological_order(dependencies)
    except CycleFound:
        users = _reversed(dependencies)
        knotted: set[str] = set()
        for name in dependencies:
            if name not in knotted and shortest_cycle(dependencies, name):
                knot = _reachable(dependencies, name) & _reachable(users, name)
                knotted |= knot
                inside = [shortest_cycle(dependencies, member) for member in dependencies if member in knot]
                found.append(min(inside, key=len))
    return found


def _reversed(dependencies: Dependencies) -> dict[str, list[str]]:
    users: dict[str, list[str]] = {name: [] for name in dependencies}
    for name, needed in dependencies.items():
        for other in needed:
            users.setdefault(other, []).append(name)
    return users


def _reachable(dependencies: Dependencies, name: str) -> set[str]:
    """Return the names reached from `name`, and itself."""
    found, waiting = {name}, [name]
    while waiting:
        more = [n for n in dependencies.get(waiting.pop(), ()) if n in dependencies and n not in found]
        found.update(more)
        waiting += more
    return found


def depending_on(dependencies: Dependencies, names: Iterable[str]) -> set[str]:
    """Return these names and every other that needs one of them, directly or not."""
    users = _reversed(dependencies)
    return {user for name in names for user in _reachable(users, name)}


def circle_text(cycle: Collection[str], circumstance: str) -> str:
    """Word a circle: 'These two define each other with no stock between: load → quality → load.'.

    Args:
        cycle: Names, each needing the next; shown the other way round, from cause to effect.
        circumstance: 'with no stock between' or 'at the start'.
    """
    first, *others = cycle
    shown = " → ".join([first, *reversed(others), first])
    if not others:
        return f"{first} is worked out from itself {circumstance}: {shown}."
    who = COUNTS[len(cycle)] if len(cycle) < len(COUNTS) else f"These {len(cycle)}"
    return f"{who} define each other {circumstance}: {shown}."


# Read off a model -----------------------------------------------------------------------------------------------------


def needed_now(tree: Expression) -> Iterator[str]:
    """Yield the names a value needs at the same moment: not what only feeds a delay or was settled at the start."""
    return _needed(tree, NEEDED_NOW)


def needed_at_start(tree: Expression) -> Iterator[str]:
    """Yield the names a value needs at the first moment."""
    return _needed(tree, NEEDED_AT_START)


def _needed(tree: Expression, table: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    if isinstance(tree, Reference):
        yield tree.name
    parts = _counting(tree, table[tree.function]) if isinstance(tree, Call) and tree.function in table else None
    for part in sub_expressions(tree) if parts is None else parts:
        yield from _needed(part, table)


def _counting(call: Call, names: Collection[str]) -> list[Expression]:
    """Return the arguments of these names; one left out stands for what its default mentions."""
    arguments = FUNCTIONS[call.function].arguments
    given = {argument.name: part for argument, part in zip(arguments, call.arguments, strict=False)}
    defaults = {argument.name: argument.default for argument in arguments if argument.default}
    wanted = [name if name in given else defaults.get(name, name) for name in names]
    return [given[name] for name in wanted if name in given]


def mentions(tree: Expression) -> set[str]:
    """Return every variable and function an equation mentions."""
    return {r.name for r in references(tree)} | {call.function for call in calls(tree)}


def direct_references(model: Model, name: str) -> set[str]:
    """Return the variables the equation of `name` needs at the same moment; nothing for stocks and given values.

    Raises:
        NameUnknownError: Nothing is called `name`.
        ParseError: Its equation cannot be read.
    """
    record = model.get(name)
    return set(needed_now(parse(record.equation))) if isinstance(record, Flow | Auxiliary) else set()


def evaluation_order(model: Model) -> list[str]:
    """Return flows and auxiliaries so that each comes after what it needs; otherwise in the order of definition.

    Raises:
        ModelError: Some define one another with no stock between; spells the circle out.
    """
    names = [name for name, record in model.variables.items() if isinstance(record, Flow | Auxiliary)]
    try:
        return topological_order({name: sorted(direct_references(model, name)) for name in names})
    except CycleFound as found:
        advice = "Put a delay in one link; people take time to notice."
        raise ModelError(f"{circle_text(found.cycle, 'with no stock between')} {advice}") from None


def links(model: Model, trees: Mapping[str, Expression]) -> dict[str, set[str]]:
    """Return, for each variable, what acts on it directly: the flows of a stock, the names in any other equation.

    Args:
        model: The model.
        trees: Equation trees by name; a variable without one is acted on by nothing.
    """
    acting = {name: {one for one in mentions(tree) if one in model.variables} for name, tree in trees.items()}
    stocks = {stock.name: {*stock.inflows, *stock.outflows} for stock in model.stocks()}
    return {name: stocks.get(name, acting.get(name, set())) for name in model.variables}
