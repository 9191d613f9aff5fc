"""Prints nests of loops: fetching what a task reads, working it out, and putting it where it is kept."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wm2u_sd.backends.loops import (
    COMBINES,
    CONDITIONS,
    NEUTRAL,
    REDUCTIONS,
    Index,
    Nest,
    Read,
    Shape,
    Store,
    Task,
    identity,
    lengths,
    reads_of,
)
from wm2u_sd.backends.native.module import Module
from wm2u_sd.backends.native.operations import Operations
from wm2u_sd.backends.native.order import depth_first, side_by_side
from wm2u_sd.backends.native.tables import LOOKUPS
from wm2u_sd.backends.native.writer import Value, Writer, literal
from wm2u_sd.backends.schedule import is_moving
from wm2u_sd.compile.program import Code, Instruction, Level

Put = Callable[[Store, Value], None]


@dataclass
class Place:
    """Memory that holds a value: a pointer, whether each column has its own, and whether nobody writes there."""

    pointer: str
    varies: bool
    constant: bool = False


@dataclass
class Scope:
    """What a body prints the nests of.

    Attributes:
        code: Whose instructions.
        places: For the instructions whose values stay in memory, where.
        varies: Instructions whose values differ between columns.
        settled: Whether what is worked out once a run has been, so that nobody writes there.
        bars: Where the bars stand that are given, by what they are of.
        clocked: Instructions whose values were worked out for all moments at once, in order.
    """

    code: Code
    places: Mapping[int, int]
    varies: frozenset[int]
    settled: bool
    bars: Mapping[Any, int] = field(default_factory=dict)
    clocked: Sequence[int] = ()


class Body:
    """Prints the nests of one code into one function.

    Attributes:
        known: Values at hand: what was read or worked out, by what a task reads.
        counters, lengths: Of the loops that are open, outer first.
        time, held_time: Clock values.
        states: Pointer to the region of states that is read.
        moment: Number of the moment, of those for which `tick` worked values out.
        line_reader: Reads a delay line, given its number and how far from its beginning an element stands.
        is_wide: Whether what varies holds several numbers even outside of loops: of columns, or of moments.
    """

    def __init__(self, writer: Writer, module: Module, scope: Scope) -> None:
        self.writer, self.module = writer, module
        self.frame, self.memory = module.layout.frame, module.layout.memory
        self.operations = Operations(writer, module.uses)
        self.scope, self.code, self.places, self.varies = scope, scope.code, scope.places, scope.varies
        self.known: dict[Read, Value] = {}
        self.counters: list[str] = []
        self.lengths: Shape = ()
        self.time = self.held_time = literal(0.0)
        self.states, self.moment = "%context", "0"
        self.clocked = {number: at for at, number in enumerate(scope.clocked)}
        self.line_reader: Callable[[int, str], Value] | None = None
        self.is_wide = self.frame.lanes

    # Nests -----------------------------------------------------------------------------------------------------------

    def print(self, nests: Sequence[Nest], put: Put) -> None:
        """Print nests one after the other."""
        for nest in nests:
            known = dict(self.known)
            self.nest(nest, put)
            if nest.shape:
                self.known = known

    def nest(self, nest: Nest, put: Put) -> None:
        """Print one nest."""
        numbers = [task for task in nest.tasks if isinstance(task, int)]
        reductions = [Reduction(self, number) for number in numbers if self.does(number, REDUCTIONS)]
        placements = [Placement(self, number) for number in numbers if self.does(number, {"put"})]
        inside: dict[int, Reduction | Placement] = {one.number: one for one in reductions}
        inside |= {one.number: one for one in placements}
        for gathering in inside.values():
            gathering.begin()

        def body() -> None:
            for together in self.ordered(nest):
                first = together[0]
                if isinstance(first, int) and first in inside:
                    inside[first].take_in()
                elif len(together) > 1:
                    self.at_once([task for task in together if not isinstance(task, Store)])
                else:
                    self.task(first, put)
                self.writer.cut()

        if nest.shape:
            self.around(nest.shape, body, reductions)
        else:
            body()

    def ordered(self, nest: Nest) -> Sequence[tuple[Task, ...]]:
        """Return the tasks of a nest in the order in which they are printed, those together that are done at once."""
        if nest.shape or self.is_wide:
            return [(task,) for task in depth_first(self.code, nest.tasks)]
        return side_by_side(self.code, nest.tasks)

    def around(self, shape: Shape, body: Callable[[], None], reductions: Sequence[Reduction] = ()) -> None:
        """Print loops over `shape` around a body."""
        w, outer = self.writer, (self.counters, self.lengths)
        self.counters, self.lengths = [], shape
        w.loops += 1
        opened = []
        for axis in range(len(shape)):
            before, head, after = w.block, w.fresh("loop"), w.fresh("end")
            w.jump(head)
            w.label(head)
            line, counter = w.later(), w.fresh("%i")
            self.counters.append(counter)
            innermost = axis == len(shape) - 1
            if innermost:
                for reduction in reductions:
                    reduction.enter()
            opened.append((axis, before, head, after, line, counter))
        body()
        for axis, before, head, after, line, counter in reversed(opened):
            innermost = axis == len(shape) - 1
            following = w.let(f"add i64 {counter}, {self.frame.width if innermost and not self.frame.lanes else 1}")
            more = w.let(f"icmp ult i64 {following}, {shape[axis]}")
            w.branch(more, head, after)
            w.fill(line, f"{counter} = phi i64 [ 0, %{before} ], [ {following}, %{w.block} ]")
            if innermost:
                for reduction in reductions:
                    reduction.close(before, w.block)
            w.label(after)
            if innermost:
                for reduction in reductions:
                    reduction.leave()
        w.loops -= 1
        self.counters, self.lengths = outer

    def does(self, number: int, operations: Collection[str]) -> bool:
        """Whether an instruction is one of some operations."""
        return self.code.instructions[number].operation in operations

    def task(self, task: Task, put: Put) -> None:
        """Print one task."""
        reads = reads_of(self.code, task)
        if isinstance(task, Store):
            put(task, self.fetch(reads[0]))
            return
        self.has(task, self.worked_out(self.code.instructions[task], [self.fetch(read) for read in reads]))

    def at_once(self, numbers: Sequence[int]) -> None:
        """Print instructions of one operation on single numbers as one on several."""
        w, instructions = self.writer, [self.code.instructions[number] for number in numbers]
        arguments = [[self.fetch(read) for read in reads_of(self.code, number)] for number in numbers]
        filled = [*arguments, *arguments[-1:] * (2 ** (len(numbers) - 1).bit_length() - len(numbers))]
        value = self.operations.print(instructions[0].operation, [w.gathered(one) for one in zip(*filled, strict=True)])
        for place, number in enumerate(numbers):
            self.has(number, w.element(value, place))

    def has(self, number: int, value: Value) -> None:
        """Note what an instruction gives, and store it where it stays."""
        self.known[Read(number, identity(len(self.lengths)))] = value
        if number in self.places:
            self.keep(number, value)

    def worked_out(self, instruction: Instruction, arguments: list[Value]) -> Value:
        """Print one instruction."""
        if instruction.operation in LOOKUPS:
            return self.module.tables.print(self.writer, instruction.operation, instruction.payload, arguments[0])
        if instruction.operation == "line":
            if self.line_reader is None:
                raise AssertionError("lines are read in steps only")
            return self.line_reader(
                instruction.payload, self.offset(identity(len(self.lengths)), lengths(instruction), True)
            )
        return self.operations.print(instruction.operation, arguments)

    # Memory ----------------------------------------------------------------------------------------------------------

    def offset(self, indices: Sequence[Index], shape: Shape, varies: bool, lane: int = 0) -> str:
        """Return how far from its beginning an element of a value stands; `lane` counts on along the innermost loop."""
        unit = self.frame.width if self.frame.lanes and varies else 1
        total = "0"
        for index, stride in zip(indices, self.frame.strides(shape), strict=True):
            total = self.writer.plus(total, self.writer.by(self.along(index, lane), stride * unit))
        return total

    def along(self, index: Index, lane: int) -> str:
        """Return the element of an axis that an index stands for."""
        if index.loop is None:
            return str(index.offset)
        w, counter = self.writer, self.counters[index.loop]
        if lane and index.loop == len(self.lengths) - 1:
            last = self.lengths[index.loop] - 1
            moved = w.let(f"add i64 {counter}, {lane}")
            counter = w.let(f"select i1 {w.let(f'icmp ult i64 {moved}, {last}')}, i64 {moved}, i64 {last}")
        if not index.elements:
            return w.plus(counter, str(index.offset))
        array = self.module.indices(index.elements)
        return w.let(f"load i64, ptr {w.let(f'getelementptr i64, ptr {array}, i64 {counter}')}, align 8")

    def home(self, read: Read) -> Place:
        """Return where a value stands."""
        instruction, w, memory = self.code.instructions[read.source], self.writer, self.memory
        k = instruction.payload
        match instruction.operation:
            case "constant" if is_moving(instruction):
                return Place(w.at("%context", str(memory.moving[k])), k in self.frame.varying)
            case "constant" if k in self.frame.varying:
                return Place(w.at("%context", str(memory.constants[k])), varies=True, constant=self.scope.settled)
            case "constant":
                return Place(w.at("%shared", str(self.module.layout.shared[k])), varies=False, constant=True)
            case "state":
                return Place(w.at(self.states, str(memory.states[k])), varies=True)
            case "frozen":
                return Place(w.at("%context", str(memory.frozen[k])), varies=True, constant=self.scope.settled)
            case "memory":
                return Place(w.at("%context", str(memory.memory[k])), varies=True)
            case "bar":
                return Place(w.at("%context", str(self.scope.bars[k])), varies=True)
            case _:
                settled = self.scope.settled and instruction.level is Level.RUN
                return Place(w.at("%context", str(self.places[read.source])), read.source in self.varies, settled)

    def fetch(self, read: Read) -> Value:
        """Return a value at the position of the nest."""
        instruction = self.code.instructions[read.source]
        match instruction.operation:
            case "literal":
                return literal(instruction.payload)
            case "time":
                return self.time
            case "held_time":
                return self.held_time
        if read not in self.known and read.source in self.clocked:
            self.known[read] = self.ticked(read.source)
        if read not in self.known:
            value = self.loaded(read, lengths(instruction))
            is_condition = instruction.operation in CONDITIONS
            self.known[read] = self.writer.compare("une", value, literal(0.0)) if is_condition else value
        return self.known[read]

    def ticked(self, number: int) -> Value:
        """Return a value that was worked out for all moments."""
        w = self.writer
        row = w.let(f"mul i64 %clock_length, {self.clocked[number]}")
        value = w.load(w.at("%clocked", w.let(f"add i64 {row}, {self.moment}")), constant=True)
        is_condition = self.code.instructions[number].operation in CONDITIONS
        return w.compare("une", value, literal(0.0)) if is_condition else value

    def loaded(self, read: Read, shape: Shape) -> Value:
        """Return a value read from memory: side by side where neighbours are wanted, however far apart they stand."""
        place, w = self.home(read), self.writer

        def load(width: int, lane: int = 0) -> Value:
            address = w.at(place.pointer, self.offset(read.indices, shape, place.varies, lane))
            return w.load(address, width, constant=place.constant)

        if self.frame.lanes:
            return load(self.frame.width if place.varies else 1)
        inner = len(self.lengths) - 1
        follows = [axis for axis, index in enumerate(read.indices) if index.loop == inner]
        if not follows:
            return load(1)
        if follows == [len(shape) - 1] and not read.indices[-1].elements:
            return load(self.frame.width)
        return w.gathered([load(1, lane) for lane in range(self.frame.width)])

    def wide(self, value: Value, varies: bool) -> Value:
        """Return a value as wide as it stands in memory."""
        whole = varies if self.frame.lanes else bool(self.lengths)
        return self.writer.splat(value, self.frame.width) if whole else value

    def keep(self, number: int, value: Value) -> None:
        """Store what was worked out where it stays."""
        varies = number in self.varies
        here = self.offset(identity(len(self.lengths)), lengths(self.code.instructions[number]), varies)
        pointer = self.writer.at(self.writer.at("%context", str(self.places[number])), here)
        self.writer.store(self.wide(self.operations.as_number(value), varies), pointer)


class Reduction:
    """One reduction on its way through a nest.

    Along the innermost loop numbers are taken in one after the other, from its neutral element on; along outer loops
    what has come together is added in memory.
    """

    def __init__(self, body: Body, number: int) -> None:
        self.body, self.number = body, number
        instruction = body.code.instructions[number]
        self.operation, self.over = instruction.operation, instruction.payload
        self.shape = lengths(instruction)
        (self.read,) = reads_of(body.code, number)
        self.n_loops = len(body.code.instructions[instruction.arguments[0]].axes)
        self.kept = [axis for axis in range(self.n_loops) if axis not in self.over]
        self.along_innermost = self.n_loops - 1 in self.over
        self.in_memory = self.over != (self.n_loops - 1,)
        self.varies = number in body.varies
        self.width = body.frame.width if body.frame.lanes and self.varies else 1
        self.line, self.part, self.name = 0, Value(""), ""

    @property
    def neutral(self) -> float:
        """What it begins with."""
        return NEUTRAL[self.operation]

    def combine(self, one: Value, other: Value) -> Value:
        """Take a number in."""
        return self.body.operations.print(COMBINES[self.operation], [one, other])

    def begin(self) -> None:
        """Put the neutral element wherever numbers come together in memory."""
        if self.in_memory:
            body = self.body
            body.around(self.shape, lambda: self.write(identity(len(self.shape)), literal(self.neutral)))

    def address(self, indices: Sequence[Index]) -> str:
        """Return where the result for a position stands."""
        w = self.body.writer
        start = w.at("%context", str(self.body.places[self.number]))
        return w.at(start, self.body.offset(indices, self.shape, self.varies))

    def write(self, indices: Sequence[Index], value: Value) -> None:
        """Store the result for a position."""
        body = self.body
        whole = self.varies if body.frame.lanes else bool(self.shape) and self.spans_innermost(indices)
        body.writer.store(body.writer.splat(value, body.frame.width) if whole else value, self.address(indices))

    def spans_innermost(self, indices: Sequence[Index]) -> bool:
        """Whether a result follows the innermost loop, so that neighbours of it are written at once."""
        return bool(indices) and indices[-1].loop == len(self.body.lengths) - 1

    def enter(self) -> None:
        """Leave room for what has come together along the innermost loop."""
        if self.along_innermost:
            self.line, self.name = self.body.writer.later(), self.body.writer.fresh("%part")
            self.part = Value(self.name, self.width)

    def take_in(self) -> None:
        """Take in what stands at the position of the nest."""
        value = self.body.fetch(self.read)
        if not self.along_innermost:
            self.add_in_memory(value)
        elif self.body.frame.lanes:
            self.part = self.combine(self.part, self.body.writer.splat(value, self.width))
        else:
            self.part = self.one_by_one(self.part, value)

    def one_by_one(self, part: Value, value: Value) -> Value:
        """Take the neighbours of a vector in, one after the other, those beyond the end as the neutral element."""
        w, width, n = self.body.writer, self.body.frame.width, self.body.lengths[-1]
        value = w.splat(value, width)
        if n % width:
            counter = self.body.counters[-1]
            for lane in range(width):
                element = w.element(value, lane)
                inside = Value(w.let(f"icmp ult i64 {w.let(f'add i64 {counter}, {lane}')}, {n}"), 1, True)
                part = self.combine(part, w.select(inside, element, literal(self.neutral)))
            return part
        for lane in range(width):
            part = self.combine(part, w.element(value, lane))
        return part

    def add_in_memory(self, value: Value) -> None:
        """Take a number into what has come together in memory."""
        indices = [Index(axis) for axis in self.kept]
        width = self.width
        if not self.body.frame.lanes and self.spans_innermost(indices):
            width = self.body.frame.width
        so_far = self.body.writer.load(self.address(indices), width)
        self.body.writer.store(self.combine(so_far, self.body.writer.splat(value, width)), self.address(indices))

    def close(self, before: str, last: str) -> None:
        """Write the line that was left, once it is known where the innermost loop came from."""
        if self.along_innermost:
            first = self.body.writer.splat(literal(self.neutral), self.width)
            phi = f"phi {self.part.type} [ {first.text}, %{before} ], [ {self.part.text}, %{last} ]"
            self.body.writer.fill(self.line, f"{self.name} = {phi}")

    def leave(self) -> None:
        """Put what came together along the innermost loop where it belongs."""
        if not self.along_innermost:
            return
        indices = [Index(axis) for axis in self.kept]
        if self.in_memory:
            self.add_in_memory(self.part)
        else:
            self.body.writer.store(self.part, self.address(indices))


class Placement:
    """A value put back where it was taken from, with nothing beside it."""

    def __init__(self, body: Body, number: int) -> None:
        self.body, self.number = body, number
        instruction = body.code.instructions[number]
        self.shape = lengths(instruction)
        (self.read,) = reads_of(body.code, number)
        position, taken, element = instruction.payload
        here = identity(len(body.code.instructions[instruction.arguments[0]].axes))
        index = Index(None, element) if taken is None else Index(position, 0, taken)
        self.indices = (*here[:position], index, *here[position + (taken is not None) :])

    def begin(self) -> None:
        """Put nothing everywhere."""
        body = self.body
        body.around(self.shape, lambda: self.write(identity(len(self.shape)), body.wide(literal(0.0), varies=True)))

    def write(self, indices: Sequence[Index], value: Value, lane: int = 0) -> None:
        """Store numbers of the result."""
        body, w = self.body, self.body.writer
        start = w.at("%context", str(body.places[self.number]))
        w.store(value, w.at(start, body.offset(indices, self.shape, self.number in body.varies, lane)))

    def take_in(self) -> None:
        """Put what stands at the position of the nest in its place.

        Of neighbours those beyond the last element go to the place of the last, which is written after them.
        """
        body = self.body
        value = body.fetch(self.read)
        if body.frame.lanes:
            self.write(self.indices, body.wide(value, self.number in body.varies))
            return
        value = body.wide(value, varies=True)
        for lane in reversed(range(value.width)):
            self.write(self.indices, body.writer.element(value, lane), lane)
