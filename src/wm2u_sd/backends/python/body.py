"""Prints nests of loops, one line an instruction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

from wm2u_sd.backends.loops import COMBINES, NEUTRAL, REDUCTIONS, Index, Nest, Read, Store, Task, lengths, reads_of
from wm2u_sd.backends.python.operations import Operations
from wm2u_sd.backends.python.writer import Writer, counter, filled, position
from wm2u_sd.compile.program import Code, Program

Put = Callable[[Store, str, str], None]
"""What becomes of a value to be stored: the store, the value, and the subscripts of where it is."""

LETTERS = {"constant": "c", "frozen": "f", "memory": "m"}


@dataclass
class Taken:
    """Which elements are taken along an axis, where that is no plain stretch of it."""

    names: dict[tuple[int, ...], str] = field(default_factory=dict)

    def name(self, elements: tuple[int, ...]) -> str:
        """Return the name of the list of these elements."""
        return self.names.setdefault(elements, f"taken{len(self.names)}")


class Body:
    """Prints the nests of one code into one function.

    Args:
        stored: Instructions whose values, where they have axes, stand in lists.
    """

    def __init__(
        self, writer: Writer, operations: Operations, program: Program, code: Code, stored: Iterable[int], taken: Taken
    ) -> None:
        self.writer, self.operations, self.program, self.code, self.taken = writer, operations, program, code, taken
        self.kept = {number for number in stored if code.instructions[number].axes}
        self.at_hand: set[int] = set()
        self.states = "s"

    def rooms(self, nests: Sequence[Nest]) -> None:
        """Make the lists that nests write to."""
        for task in (task for nest in nests for task in nest.tasks):
            if isinstance(task, int) and task in self.kept and not self.comes_together(task):
                self.writer.do(f"v{task} = {filled(lengths(self.code.instructions[task]))}")

    def print(self, nests: Sequence[Nest], put: Put) -> None:
        """Print nests one after the other."""
        for nest in nests:
            reductions = {task: Reduction(self, task) for task in nest.tasks if self.reduces(task)}
            again = self.read_again(nest)
            for reduction in reductions.values():
                reduction.begin()
            with self.writer.loops(nest.shape[:-1]):
                for reduction in reductions.values():
                    reduction.enter()
                with self.writer.loops(nest.shape[-1:], max(len(nest.shape) - 1, 0)):
                    for task in nest.tasks:
                        if task in reductions:
                            reductions[task].take_in()
                        else:
                            self.task(task, put, is_read_again=task in again)
                for reduction in reductions.values():
                    reduction.leave()
            self.at_hand.clear()

    def reduces(self, task: Task) -> TypeGuard[int]:
        """Whether a task is a reduction."""
        return isinstance(task, int) and self.code.instructions[task].operation in REDUCTIONS

    def comes_together(self, task: int) -> bool:
        """Whether a value is a reduction that begins anew in a list each time."""
        return self.reduces(task) and Reduction(self, task).is_spread

    def read_again(self, nest: Nest) -> set[int]:
        """Return what is read in a nest at the position where it stands."""
        return {read.source for task in nest.tasks for read in reads_of(self.code, task) if read.is_plain}

    def task(self, task: Task, put: Put, *, is_read_again: bool) -> None:
        """Print a task other than a reduction."""
        values = [self.fetch(read) for read in reads_of(self.code, task)]
        if isinstance(task, Store):
            put(task, values[0], position(range(len(task.shape))))
            return
        instruction = self.code.instructions[task]
        target = f"v{task}"
        if task in self.kept:
            target += position(range(len(instruction.axes)))
            if is_read_again:
                target += f" = e{task}"
                self.at_hand.add(task)
        self.writer.do(f"{target} = {self.worked_out(task, values)}")

    def worked_out(self, number: int, values: Sequence[str]) -> str:
        """Return the expression of an instruction."""
        instruction = self.code.instructions[number]
        match instruction.operation:
            case "lookup":
                beyond = self.program.tables[instruction.payload].extrapolate
                return f"{'look_beyond' if beyond else 'look_up'}({values[0]}, curve{instruction.payload})"
            case "line":
                return from_line(instruction.payload, position(range(len(instruction.axes))))
            case operation:
                return self.operations.text(operation, values)

    def fetch(self, read: Read) -> str:
        """Return a value at the position of the nest."""
        instruction, number = self.code.instructions[read.source], read.source
        match instruction.operation:
            case "literal":
                return repr(float(instruction.payload))
            case "time" | "held_time" as clock:
                return clock
            case "state":
                return f"{self.states}{instruction.payload}{self.subscripts(read)}"
            case "constant" | "frozen" | "memory" as kind:
                return f"{LETTERS[kind]}{instruction.payload}{self.subscripts(read)}"
        if number not in self.kept:
            return f"v{number}"
        is_at_hand = number in self.at_hand and read.is_plain
        return f"e{number}" if is_at_hand else f"v{number}{self.subscripts(read)}"

    def subscripts(self, read: Read) -> str:
        """Return the subscripts a value is read at."""
        return "".join(f"[{self.along(index)}]" for index in read.indices)

    def along(self, index: Index) -> str:
        """Return the element of an axis that an index stands for."""
        if index.loop is None:
            return str(index.offset)
        if index.elements:
            return f"{self.taken.name(index.elements)}[{counter(index.loop)}]"
        return f"{counter(index.loop)} + {index.offset}" if index.offset else counter(index.loop)


class Reduction:
    """One reduction on its way through a nest.

    Along the innermost loop numbers are taken in one after the other, from its neutral element on; along outer loops
    what has come together is added to where the result stands.
    """

    def __init__(self, body: Body, number: int) -> None:
        self.body, self.number = body, number
        instruction = body.code.instructions[number]
        self.operation, over = instruction.operation, instruction.payload
        (self.read,) = reads_of(body.code, number)
        n_loops = len(body.code.instructions[instruction.arguments[0]].axes)
        self.shape = lengths(instruction)
        self.result = f"v{number}{position([axis for axis in range(n_loops) if axis not in over])}"
        self.along_innermost = n_loops - 1 in over
        self.along_outer = over != (n_loops - 1,)
        self.part = f"part{number}" if self.along_outer or self.shape else f"v{number}"
        self.neutral = repr(NEUTRAL[self.operation])

    @property
    def is_spread(self) -> bool:
        """Whether numbers come together in a list."""
        return self.along_outer and bool(self.shape)

    def begin(self) -> None:
        """Put the neutral element wherever numbers come together beyond the innermost loop."""
        if self.along_outer:
            self.body.writer.do(f"v{self.number} = {filled(self.shape, self.neutral)}")

    def enter(self) -> None:
        """Put the neutral element where numbers come together along the innermost loop."""
        if self.along_innermost:
            self.body.writer.do(f"{self.part} = {self.neutral}")

    def take_in(self) -> None:
        """Take in the number at hand."""
        self.combine(self.part if self.along_innermost else self.result, self.body.fetch(self.read))

    def leave(self) -> None:
        """Put what came together along the innermost loop where it belongs."""
        if not self.along_innermost or self.part == self.result:
            return
        if self.along_outer:
            self.combine(self.result, self.part)
        else:
            self.body.writer.do(f"{self.result} = {self.part}")

    def combine(self, target: str, value: str) -> None:
        """Print how a number joins what has come together."""
        symbol = {"sum": "+=", "product": "*="}.get(self.operation)
        if symbol is None:
            symbol, value = "=", self.body.operations.text(COMBINES[self.operation], [target, value])
        self.body.writer.do(f"{target} {symbol} {value}")


def from_line(number: int, here: str) -> str:
    """Return what went into a line `delay` steps ago, or what is read before anything has come through."""
    ring, delay, before = f"ring{number}", f"delay{number}{here}", f"before{number}{here}"
    return f"{ring}[(step - {delay}) % len({ring})]{here} if step >= {delay} else {before}"
