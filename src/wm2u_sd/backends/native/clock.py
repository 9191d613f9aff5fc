"""What depends on nothing but the clock, and on what all columns share: worked out once for all moments of a run.

Moments stand side by side in vectors, as columns do elsewhere; steps then read one number a value.
"""

from __future__ import annotations

from collections.abc import Sequence

from wm2u_sd.backends.loops import REDUCTIONS, SHAPING, Nest, Store, reads_of, tasks_for
from wm2u_sd.backends.native.mathematics import NAMES
from wm2u_sd.backends.native.memory import Frame
from wm2u_sd.backends.schedule import Schedule, is_moving, renested
from wm2u_sd.compile.program import Instruction, Level

WORTH_IT = frozenset({*NAMES, "divide", "sqrt", "lookup"})
"""Operations that take longer than reading a number."""
OF_ITS_OWN = frozenset({"state", "frozen", "memory", "line", "bar", "put", *REDUCTIONS, *SHAPING})


def clocked(schedule: Schedule, frame: Frame) -> tuple[Schedule, Nest | None]:
    """Find what is worth working out for all moments at once: the schedule without it, and a nest that does it."""
    code = schedule.step
    shared = _shared(code.instructions, frame)
    later = [task for nest in (*schedule.held, *schedule.stage, *schedule.saving) for task in nest.tasks]
    costly = {n for n in shared if _is_costly(code.instructions, n)}
    own = [task for task in later if isinstance(task, Store) or task not in costly]
    read = {read.source for task in own for read in reads_of(code, task)}
    values = sorted(costly & read)
    if not values:
        return schedule, None
    done = [n for nest in schedule.run for n in nest.tasks if isinstance(n, int)]
    stores = [Store("clocked", at, number, ()) for at, number in enumerate(values)]
    return renested(schedule, frozenset(values)), Nest((), (*tasks_for(code, values, done), *stores))


def _shared(instructions: Sequence[Instruction], frame: Frame) -> set[int]:
    """Return the single values that change with the clock at most, and do not differ between columns."""
    found: set[int] = set()
    for number, one in enumerate(instructions):
        own = one.operation == "constant" and (is_moving(one) or (frame.lanes and one.payload in frame.varying))
        if not one.axes and not own and one.operation not in OF_ITS_OWN and found.issuperset(one.arguments):
            found.add(number)
    return found


def _is_costly(instructions: Sequence[Instruction], number: int) -> bool:
    """Whether working out a value of a step takes an operation that is worth saving."""
    one = instructions[number]
    if one.level is Level.RUN:
        return False
    return one.operation in WORTH_IT or any(_is_costly(instructions, argument) for argument in one.arguments)
