"""The order in which the tasks of a nest are printed: any order will do in which each comes after what it reads.

Vectors fill a processor's registers soon, so what is worked out should be read soon. Single numbers wait for each other
instead: a processor divides four of them in the time of one.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Sequence

from wm2u_sd.backends.loops import Store, Task, reads_of
from wm2u_sd.compile.program import Code

SLOW = frozenset({"divide", "sqrt", "exp", "ln", "log10", "power"})
AT_ONCE = 4


def depth_first(code: Code, tasks: Sequence[Task]) -> list[Task]:
    """Return the tasks of a nest so that what each store needs is worked out just before it."""
    numbers = {task for task in tasks if not isinstance(task, Store)}
    found: dict[Task, None] = {}
    waiting = [(task, False) for task in (*reversed(tasks), *(t for t in reversed(tasks) if isinstance(t, Store)))]
    while waiting:
        task, is_ready = waiting.pop()
        if is_ready:
            found[task] = None
        elif task not in found:
            sources = [read.source for read in reads_of(code, task)]
            waiting += [(task, True), *((s, False) for s in reversed(sources) if s in numbers and s not in found)]
    return list(found)


def side_by_side(code: Code, tasks: Sequence[Task]) -> list[tuple[Task, ...]]:
    """Return the tasks of a nest without loops in another order, those to be done at once together.

    What is quick is done as soon as it can be; what is slow waits until nothing quick is left to do.
    """
    order = _Order(code, tasks)
    found: list[tuple[Task, ...]] = []
    while order.quick or order.slow:
        while order.quick:
            found.append((order.quick.popleft(),))
            order.done(found[-1])
        slow, order.slow = order.slow, defaultdict(list)
        for waiting in slow.values():
            for first in range(0, len(waiting), AT_ONCE):
                found.append(tuple(waiting[first : first + AT_ONCE]))
                order.done(found[-1])
    return found


class _Order:
    """Which tasks can be done, as more and more are."""

    def __init__(self, code: Code, tasks: Sequence[Task]) -> None:
        self.code, numbers = code, {task for task in tasks if not isinstance(task, Store)}
        self.quick: deque[Task] = deque()
        self.slow: defaultdict[str, list[Task]] = defaultdict(list)
        self.readers: defaultdict[Task, list[Task]] = defaultdict(list)
        self.missing: dict[Task, int] = {}
        for task in tasks:
            sources = {read.source for read in reads_of(code, task)} & numbers
            self.missing[task] = len(sources)
            for source in sources:
                self.readers[source].append(task)
        for task in tasks:
            if not self.missing[task]:
                self.ready(task)

    def ready(self, task: Task) -> None:
        """Note that a task can be done."""
        operation = "" if isinstance(task, Store) else self.code.instructions[task].operation
        (self.slow[operation] if operation in SLOW else self.quick).append(task)

    def done(self, tasks: Sequence[Task]) -> None:
        """Note that tasks are done, and which can be done now."""
        for task in tasks:
            for reader in self.readers[task]:
                self.missing[reader] -= 1
                if not self.missing[reader]:
                    self.ready(reader)
