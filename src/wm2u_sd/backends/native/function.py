"""What the functions of a kernel share: parameters, a loop over blocks, constants as scenarios have moved them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import partial

from wm2u_sd.backends.loops import Shape, Store, identity
from wm2u_sd.backends.native.body import Body, Scope
from wm2u_sd.backends.native.memory import ALIGNMENT
from wm2u_sd.backends.native.module import Module
from wm2u_sd.backends.native.operations import Operations
from wm2u_sd.backends.native.writer import Value, Writer

POINTERS = (
    "constants", "shared", "tables", "times", "moves", "delays", "rings", "saved", "contexts", "out", "failed",
    "records", "bars", "to_constants", "to_initial", "to_moving", "to_points", "clock", "clocked",
)  # fmt: skip
COUNTS = (
    "draws", "columns", "moments", "first_block", "last_block", "first_step", "last_step", "context_size",
    "records_size", "clock_length",
)  # fmt: skip
PARAMETERS = (*(f"ptr noalias %{name}" for name in POINTERS), *(f"i64 %{name}" for name in COUNTS))


class AbstractFunction(ABC):
    """A function of a kernel; its parameters are `PARAMETERS`.

    Attributes:
        name: What it is called in the module.
    """

    name: str

    def __init__(self, module: Module) -> None:
        self.module, self.layout = module, module.layout
        self.writer = Writer(self.name, PARAMETERS, cuts=self.layout.is_long)
        self.operations = Operations(self.writer, module.uses)

    def body(self, *, settled: bool = False) -> Body:
        """Return what prints nests of the step code into this function."""
        memory, clocked = self.layout.memory, self.layout.clocked if settled else ()
        scope = Scope(self.layout.schedule.step, memory.step, memory.varies, settled, clocked=clocked)
        return Body(self.writer, self.module, scope)

    def text(self) -> str:
        """Return the function."""
        w, width = self.writer, self.layout.frame.width
        before = w.block
        w.jump("block")
        w.label("block")
        line = w.later()
        lag = w.let("sub i64 %block, %first_block")
        w.do(f"%context = getelementptr double, ptr %contexts, i64 {w.let(f'mul i64 {lag}, %context_size')}")
        w.do(f"%record_of_block = getelementptr double, ptr %records, i64 {w.let(f'mul i64 {lag}, %records_size')}")
        if self.layout.frame.lanes:
            wanted = w.let(f"mul i64 %block, {width}")
            last = w.let(f"sub i64 %draws, {width}")
            w.do(f"%column = select i1 {w.let(f'icmp ult i64 {wanted}, {last}')}, i64 {wanted}, i64 {last}")
        else:
            w.do("%column = add i64 0, 0")
        self.block()
        following = w.let("add i64 %block, 1")
        more = w.let(f"icmp ult i64 {following}, %last_block")
        w.branch(more, "block", "done")
        w.fill(line, f"%block = phi i64 [ %first_block, %{before} ], [ {following}, %{w.block} ]")
        w.label("done")
        w.do("ret void")
        return w.text

    @abstractmethod
    def block(self) -> None:
        """Print what is done for one block."""

    def region(self, place: int) -> str:
        """Return the address of a place in the context."""
        return self.writer.at("%context", str(place))

    def here(self, body: Body, place: int, shape: Shape, varies: bool = True) -> str:
        """Return the address of the element at the position of the nest."""
        return self.writer.at(self.region(place), body.offset(identity(len(shape)), shape, varies))

    def width(self, shape: Shape) -> int:
        """Return how many numbers of what varies are at the position of a nest."""
        frame = self.layout.frame
        return frame.width if frame.lanes or shape else 1

    def copy(self, source: str, target: str, size: int) -> None:
        """Copy a stretch of memory, one number or whole lines."""
        w = self.writer
        if size == 1:
            w.store(w.load(source), target)
            return
        self.along(size, lambda at: w.store(w.load(w.at(source, at), self.stride), w.at(target, at)))

    @property
    def stride(self) -> int:
        """How many numbers are taken at once along a stretch of memory."""
        return self.layout.frame.width if self.layout.frame.lanes else ALIGNMENT

    def along(self, size: int, do: Callable[[str], None]) -> None:
        """Do something every `stride` numbers along a stretch of memory."""
        if size:
            w = self.writer
            before, head, end = w.block, w.fresh("along"), w.fresh("end")
            w.jump(head)
            w.label(head)
            line, counter = w.later(), w.fresh("%at")
            do(counter)
            following = w.let(f"add i64 {counter}, {self.stride}")
            w.branch(w.let(f"icmp ult i64 {following}, {size}"), head, end)
            w.fill(line, f"{counter} = phi i64 [ 0, %{before} ], [ {following}, %{w.block} ]")
            w.label(end)

    def over(self, body: Body, shape: Shape, do: Callable[[], None]) -> None:
        """Do something at every position of a shape."""
        if shape:
            body.around(shape, do)
        else:
            do()

    def move(self, body: Body, step: str) -> None:
        """Work out what scenarios have made of the constants they move, at a step."""
        w = self.writer
        row = w.let(f"mul i64 {step}, {2 * len(self.layout.schedule.moving)}") if self.layout.schedule.moving else "0"
        for at, k in enumerate(self.layout.schedule.moving):
            times = w.load(w.at("%moves", w.plus(row, str(2 * at))), constant=True)
            plus = w.load(w.at("%moves", w.plus(row, str(2 * at + 1))), constant=True)
            shape = self.layout.schedule.program.constants[k].shape
            self.over(body, shape, partial(self.move_one, body, k, times, plus))

    def move_one(self, body: Body, k: int, times: Value, plus: Value) -> None:
        """Work out one such constant at the position of the nest."""
        w, frame, memory = self.writer, self.layout.frame, self.layout.memory
        shape, varies = self.layout.schedule.program.constants[k].shape, k in frame.varying
        offset = body.offset(identity(len(shape)), shape, varies)
        start = self.region(memory.constants[k]) if varies else w.at("%shared", str(self.layout.shared[k]))
        width = frame.width if (varies if frame.lanes else bool(shape)) else 1
        value = w.load(w.at(start, offset), width)
        value = w.arithmetic("fadd", w.arithmetic("fmul", value, times), plus)
        w.store(value, w.at(self.region(memory.moving[k]), offset))

    def open_moment(self, position: str) -> None:
        """Find where a moment's results go: `%moment_out`, and `%row_length` from one row to the next."""
        w = self.writer
        if self.layout.frame.lanes:
            offset = w.let(f"add i64 {w.let(f'mul i64 {position}, %columns')}, %column")
            w.do("%row_length = mul i64 %moments, %columns")
        else:
            offset = w.let(f"mul i64 {position}, {self.layout.saved_rows[-1]}")
        w.do(f"%moment_out = getelementptr double, ptr %out, i64 {offset}")

    def put_out(self, body: Body, store: Store, value: Value) -> None:
        """Write a result, between `open_moment` and the end of its block."""
        w = self.writer
        value = body.wide(self.operations.as_number(value), varies=True)
        element = body.offset(identity(len(store.shape)), store.shape, varies=False)
        if self.layout.frame.lanes:
            row = w.plus(element, str(self.layout.schedule.saved[store.number].row))
            place = "0" if row == "0" else w.let(f"mul i64 {row}, %row_length")
        else:
            place = w.plus(element, str(self.layout.saved_rows[store.number]))
        w.store(value, w.at("%moment_out", place))
