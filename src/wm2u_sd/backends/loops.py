"""Loops over elements: how a code is worked out position by position, for printers that write loops.

Instructions over the same lengths run in one nest of loops; a nest never grows with the number of elements. Views,
spreads, picks and takes are no work: they only say where a value is read.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from wm2u_sd.compile.integrators import TABLEAUX
from wm2u_sd.compile.program import Code, Instruction, Program, with_arguments
from wm2u_sd.errors import SimulationError
from wm2u_sd.model.shape import Axis

Shape = tuple[int, ...]

SHAPING = frozenset({"view", "spread", "take", "pick"})
REDUCTIONS = frozenset({"sum", "product", "smallest", "largest"})
NEUTRAL = {"sum": -0.0, "product": 1.0, "smallest": math.inf, "largest": -math.inf}
"""What a reduction begins with, so that the first number comes out as it is, a negative zero too."""
COMBINES = {"sum": "add", "product": "multiply", "smallest": "min", "largest": "max"}
"""How a reduction takes the next number in."""
GATHERING = REDUCTIONS | {"put"}
"""Operations whose value comes together while a nest goes over their argument."""
LEAVES = frozenset({"literal", "constant", "state", "frozen", "memory", "time", "held_time", "bar"})
CONDITIONS = frozenset(
    {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or", "not", "truth"}
)


class Index(NamedTuple):
    """Where along one axis a value is read.

    Attributes:
        loop: Number of the loop whose counter it follows; None for one fixed element.
        offset: Added to the counter, or the fixed element.
        elements: For each value of the counter the element, where that is no plain offset; else empty.
    """

    loop: int | None
    offset: int = 0
    elements: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Read:
    """A value read at a position of a nest: the instruction it is the value of, and where along each of its axes."""

    source: int
    indices: tuple[Index, ...]

    @property
    def is_plain(self) -> bool:
        """Whether it is read where the nest stands."""
        return self.indices == identity(len(self.indices))


@dataclass(frozen=True, slots=True)
class Store:
    """A value that is put somewhere, over `shape`.

    Attributes:
        kind: What for, e.g. 'advance' or 'save'.
        number: Which of its kind.
        source: The instruction.
    """

    kind: str
    number: int
    source: int
    shape: Shape


Task = int | Store
"""What a nest does at each position: work an instruction out, take a value into a reduction, or store a value."""


@dataclass(frozen=True, slots=True)
class Nest:
    """Loops over `shape`, outer first, that do some tasks at each position. The shape () is no loop at all."""

    shape: Shape
    tasks: tuple[Task, ...]


def lengths(instruction: Instruction) -> Shape:
    """Return the number of elements along each axis of a value."""
    return lengths_of(instruction.axes)


def lengths_of(axes: Iterable[Axis]) -> Shape:
    """Return the number of elements along some axes."""
    return tuple(len(axis.elements) for axis in axes)


def identity(n_axes: int) -> tuple[Index, ...]:
    """Return where a nest of that many loops stands."""
    return tuple(Index(loop) for loop in range(n_axes))


def resolve(code: Code, number: int, indices: Sequence[Index]) -> Read:
    """Follow views, spreads, picks and takes from a value down to what is worked out or given."""
    instruction = code.instructions[number]
    indices = tuple(indices)[len(indices) - len(instruction.axes) :]
    while instruction.operation in SHAPING:
        number = instruction.arguments[0]
        argument = code.instructions[number]
        indices = _through(instruction, len(argument.axes), indices)
        instruction = argument
    return Read(number, indices)


def _through(instruction: Instruction, n_axes: int, indices: tuple[Index, ...]) -> tuple[Index, ...]:
    """Return where the argument of one shaping instruction is read."""
    payload = instruction.payload
    match instruction.operation:
        case "view":
            found = {axis: indices[at] for at, axis in enumerate(payload) if axis is not None}
            return tuple(found[axis] for axis in range(n_axes))
        case "spread":
            return indices[len(indices) - n_axes :]
        case "pick":
            position, element = payload
            return (*indices[:position], Index(None, element), *indices[position:])
        case _:
            position, elements = payload
            return (*indices[:position], _taken(indices[position], elements), *indices[position + 1 :])


def _taken(index: Index, elements: Sequence[int]) -> Index:
    """Return where an axis is read of which some elements were taken."""
    if index.loop is None:
        return Index(None, elements[index.offset])
    asked = [elements[k] for k in index.elements] if index.elements else list(elements[index.offset :])
    offset = asked[0]
    if asked == list(range(offset, offset + len(asked))):
        return Index(index.loop, offset)
    return Index(index.loop, 0, tuple(asked))


def shape_of_task(code: Code, task: Task) -> Shape:
    """Return the loops a task runs in: those of its value, or of what it takes in where its value comes together."""
    if isinstance(task, Store):
        return task.shape
    instruction = code.instructions[task]
    if instruction.operation in GATHERING:
        return lengths(code.instructions[instruction.arguments[0]])
    return lengths(instruction)


def reads_of(code: Code, task: Task) -> tuple[Read, ...]:
    """Return what a task reads, at the position of its nest."""
    here = identity(len(shape_of_task(code, task)))
    arguments = (task.source,) if isinstance(task, Store) else code.instructions[task].arguments
    return tuple(resolve(code, argument, here) for argument in arguments)


def tasks_for(code: Code, roots: Iterable[int], done: Collection[int] = ()) -> list[int]:
    """Return the instructions that work is needed for, in order, to have some values; those done are left out."""
    found = with_arguments(code, roots, done)
    return sorted(n for n in found if code.instructions[n].operation not in SHAPING | LEAVES)


def nests(code: Code, tasks: Iterable[Task], done: Collection[int] = ()) -> tuple[Nest, ...]:
    """Put tasks into as few nests as will do, each task after what it reads.

    Args:
        code: The code.
        tasks: In an order in which each comes after what it reads.
        done: Instructions that were worked out before.
    """
    return _Scheduler(code, list(tasks), set(done)).nests()


@dataclass
class _Scheduler:
    code: Code
    left: list[Task]
    done: set[int]
    reads: dict[Task, tuple[Read, ...]] = field(default_factory=dict)

    def nests(self) -> tuple[Nest, ...]:
        self.reads = {task: reads_of(self.code, task) for task in self.left}
        found: list[Nest] = []
        while self.left:
            nest = self.next_of(()) or max(filter(None, map(self.next_of, self.shapes_left())), key=_worth)
            found.append(nest)
            self.done |= {task for task in nest.tasks if not isinstance(task, Store)}
            taken = set(nest.tasks)
            self.left = [task for task in self.left if task not in taken]
        return tuple(found)

    def shapes_left(self) -> list[Shape]:
        return list(dict.fromkeys(shape_of_task(self.code, task) for task in self.left))

    def next_of(self, shape: Shape) -> Nest | None:
        """Return all that can be done at once in loops over a shape, None when nothing can."""
        tasks: list[Task] = []
        inside: set[int] = set()
        for task in self.left:
            if shape_of_task(self.code, task) == shape and all(self.is_ready(r, inside) for r in self.reads[task]):
                tasks.append(task)
                if not isinstance(task, Store) and not self.gathers(task):
                    inside.add(task)
        return Nest(shape, tuple(tasks)) if tasks else None

    def gathers(self, task: int) -> bool:
        return self.code.instructions[task].operation in GATHERING

    def is_ready(self, read: Read, inside: Collection[int]) -> bool:
        leaf = self.code.instructions[read.source].operation in LEAVES
        return leaf or read.source in self.done or (read.source in inside and read.is_plain)


def _worth(nest: Nest) -> int:
    """Single values wait for nobody; of loops, those come first in which most can be done."""
    return len(nest.tasks)


def stored(code: Code, sections: Sequence[Sequence[Nest]]) -> frozenset[int]:
    """Return the instructions whose values have to stay in memory.

    Those are what is read elsewhere than where it is worked out, and what comes together there.

    Args:
        code: The code.
        sections: Nests by section. A single value is at hand in later nests of its section and in all sections but
            those after the first, whose values are worked out once for all.
    """
    where = {
        task: (section, nest)
        for section, nests_of_it in enumerate(sections)
        for nest in nests_of_it
        for task in nest.tasks
        if not isinstance(task, Store)
    }
    found = {task for task in where if code.instructions[task].operation in GATHERING}
    for section, nests_of_it in enumerate(sections):
        for nest in nests_of_it:
            for read in (read for task in nest.tasks for read in reads_of(code, task)):
                if read.source in where:
                    home, beside = where[read.source]
                    is_array = bool(lengths(code.instructions[read.source]))
                    if (is_array and (beside is not nest or not read.is_plain)) or (home == 0 != section):
                        found.add(read.source)
    return frozenset(found)


def refuse_unprinted(program: Program, known: Collection[str], backend: str) -> None:
    """Refuse a program that a printer of loops cannot print.

    Raises:
        SimulationError: It has an operation that is not known, or a method whose stages look further back than one.
    """
    operations = {one.operation for code in (program.start, program.step) for one in code.instructions}
    missing = sorted(operations.difference(known))
    if any(weight for row in TABLEAUX[program.time.method].a for weight in row[:-1]):
        missing.append(program.time.method)
    if missing:
        raise SimulationError(
            f"The backend '{backend}' cannot do {', '.join(missing)}; use backend_name='numpy', which can"
        )
