"""Prints nests of loops: fetching what a task reads, working it out, and putting it where it is kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from wm2u_sd.backends.loops import (
    CONDITIONS,
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
from wm2u_sd.backends.native.memory import Frame, Memory, is_moving
from wm2u_sd.backends.native.operations import COMBINES, NEUTRAL, Operations
from wm2u_sd.backends.native.tables import Tables
from wm2u_sd.backends.native.writer import Value, Writer, literal
from wm2u_sd.compile.program import Code, Instruction, Level

Put = Callable[[Store, Value], None]


@dataclass
class Globals:
    """Arrays of whole numbers that the module holds: which elements are taken along an axis."""

    texts: list[str] = field(default_factory=list)
    names: dict[tuple[int, ...], str] = field(default_factory=dict)

    def indices(self, elements: Sequence[int]) -> str:
        """Return the name of an array of these numbers."""
        key = tuple(elements)
        if key not in self.names:
            self.names[key] = f"@wm.taken{len(self.names)}"
            inside = ", ".join(f"i64 {element}" for element in key)
            self.texts.append(f"{self.names[key]} = private constant [{len(key)} x i64] [{inside}]")
        return self.names[key]


@dataclass
class Place:
    """Memory that holds a value: a pointer, whether each column has its own, and whether nobody writes there."""

    pointer: str
    varies: bool
    constant: bool = False


class Body:
    """Prints the nests of one code into one function.

    Args:
        code: Whose instructions.
        places: For the instructions that stay in memory, where.
        varies: Instructions that differ between columns.
        shared: Where constants that do not vary stand, by number, in numbers from %shared.
        settled: Whether what is worked out once a run has been, so that nobody writes there.
    """

    def __init__(
        self,
        writer: Writer,
        operations: Operations,
        code: Code,
        frame: Frame,
        memory: Memory,
        places: Mapping[int, int],
        varies: frozenset[int],
        shared: Mapping[int, int],
        tables: Tables,
        arrays: Globals,
        *,
        settled: bool,
    ) -> None:
        self.writer, self.operations, self.code, self.frame, self.memory = writer, operations, code, frame, memory
        self.places, self.varies, self.shared, self.tables, self.arrays = places, varies, shared, tables, arrays
        self.known: dict[Read, Value] = {}
        self.counters: list[str] = []
        self.lengths: Shape = ()
        self.time = self.held_time = literal(0.0)
        self.states = "%context"
        self.settled = settled
        self.lines: Callable[[int, str], Value] | None = None

    # Nests -----------------------------------------------------------------------------------------------------------

    def print(self, nests: Sequence[Nest], put: Put) -> None:
        """Print nests one after the other."""
        for nest in nests:
            if nest.shape:
                known = dict(self.known)
                self.loops(nest, put)
                self.known = known
            else:
                for task in nest.tasks:
                    self.task(task, put)

    def loops(self, nest: Nest, put: Put) -> None:
        reductions = [Reduction(self, task) for task in nest.tasks if self.is_reduction(task)]
        for reduction in reductions:
            reduction.begin()
        inside = {reduction.number: reduction for reduction in reductions}

        def body() -> None:
            for task in nest.tasks:
                if isinstance(task, int) and task in inside:
                    inside[task].take_in()
                else:
                    self.task(task, put)

        self.around(nest.shape, body, reductions)

    def around(self, shape: Shape, body: Callable[[], None], reductions: Sequence[Reduction] = ()) -> None:
        """Print loops over `shape` around a body."""
        w, outer = self.writer, (self.counters, self.lengths)
        self.counters, self.lengths = [], shape
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
        self.counters, self.lengths = outer

    def is_reduction(self, task: Task) -> bool:
        return isinstance(task, int) and self.code.instructions[task].operation in REDUCTIONS

    def task(self, task: Task, put: Put) -> None:
        reads = reads_of(self.code, task)
        if isinstance(task, Store):
            put(task, self.fetch(reads[0]))
            return
        value = self.worked_out(task, self.code.instructions[task], [self.fetch(read) for read in reads])
        self.known[Read(task, identity(len(self.lengths)))] = value
        if task in self.places:
            self.keep(task, value)

    def worked_out(self, number: int, instruction: Instruction, arguments: list[Value]) -> Value:
        if instruction.operation == "lookup":
            return self.tables.look_up(self.writer, instruction.payload, arguments[0])
        if instruction.operation == "line":
            if self.lines is None:
                raise AssertionError("lines are read in steps only")
            return self.lines(instruction.payload, self.offset(identity(len(self.lengths)), lengths(instruction), True))
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
        if lane:
            last = self.lengths[index.loop] - 1
            moved = w.let(f"add i64 {counter}, {lane}")
            counter = w.let(f"select i1 {w.let(f'icmp ult i64 {moved}, {last}')}, i64 {moved}, i64 {last}")
        if not index.elements:
            return w.plus(counter, str(index.offset))
        array = self.arrays.indices(index.elements)
        return w.let(f"load i64, ptr {w.let(f'getelementptr i64, ptr {array}, i64 {counter}')}, align 8")

    def home(self, read: Read) -> Place:
        """Return where a value stands."""
        instruction, w, memory = self.code.instructions[read.source], self.writer, self.memory
        k = instruction.payload
        match instruction.operation:
            case "constant" if is_moving(instruction):
                return Place(w.at("%context", str(memory.moving[k])), k in self.frame.varying)
            case "constant" if k in self.frame.varying:
                return Place(w.at("%context", str(memory.constants[k])), varies=True, constant=self.settled)
            case "constant":
                return Place(w.at("%shared", str(self.shared[k])), varies=False, constant=True)
            case "state":
                own = memory.states[0]
                return Place(w.at(self.states, str(own[k] - min(own.values()))), varies=True)
            case "frozen":
                return Place(w.at("%context", str(memory.frozen[k])), varies=True, constant=self.settled)
            case "memory":
                return Place(w.at("%context", str(memory.memory[k])), varies=True)
            case _:
                settled = self.settled and instruction.level is Level.RUN
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
        if read not in self.known:
            value = self.loaded(read, lengths(instruction))
            is_condition = instruction.operation in CONDITIONS
            self.known[read] = self.writer.compare("une", value, literal(0.0)) if is_condition else value
        return self.known[read]

    def loaded(self, read: Read, shape: Shape) -> Value:
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
        return NEUTRAL[self.operation]

    def combine(self, one: Value, other: Value) -> Value:
        return self.body.operations.print(COMBINES[self.operation], [one, other])

    def begin(self) -> None:
        """Put the neutral element wherever numbers come together in memory."""
        if self.in_memory:
            body = self.body
            body.around(self.shape, lambda: self.write(identity(len(self.shape)), literal(self.neutral)))

    def address(self, indices: Sequence[Index]) -> str:
        w = self.body.writer
        start = w.at("%context", str(self.body.places[self.number]))
        return w.at(start, self.body.offset(indices, self.shape, self.varies))

    def write(self, indices: Sequence[Index], value: Value) -> None:
        body = self.body
        whole = self.varies if body.frame.lanes else bool(self.shape) and self.spans_innermost(indices)
        body.writer.store(body.writer.splat(value, body.frame.width) if whole else value, self.address(indices))

    def spans_innermost(self, indices: Sequence[Index]) -> bool:
        return bool(indices) and indices[-1].loop == len(self.body.lengths) - 1

    def enter(self) -> None:
        """Leave room for what has come together along the innermost loop."""
        if self.along_innermost:
            self.line, self.name = self.body.writer.later(), self.body.writer.fresh("%part")
            self.part = Value(self.name, self.width)

    def take_in(self) -> None:
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
        indices = [Index(axis) for axis in self.kept]
        width = self.width
        if not self.body.frame.lanes and self.spans_innermost(indices):
            width = self.body.frame.width
        so_far = self.body.writer.load(self.address(indices), width)
        self.body.writer.store(self.combine(so_far, self.body.writer.splat(value, width)), self.address(indices))

    def close(self, before: str, last: str) -> None:
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
