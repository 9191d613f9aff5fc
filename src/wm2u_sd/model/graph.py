"""Order and circles in what depends on what."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Mapping


class CycleFound(Exception):
    """Some names need one another in a circle.

    Attributes:
        cycle: The names, each needing the next and the last needing the first.
    """

    def __init__(self, cycle: list[str]) -> None:
        super().__init__(" -> ".join([*cycle, cycle[0]]))
        self.cycle = cycle


def topological_order(dependencies: Mapping[str, Collection[str]]) -> list[str]:
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


def shortest_cycle(dependencies: Mapping[str, Collection[str]], name: str) -> list[str]:
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
