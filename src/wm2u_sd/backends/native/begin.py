"""Prints `begin`: the first moment of a run, and what stays the same during it."""

from __future__ import annotations

from functools import partial

from wm2u_sd.backends.loops import Shape, Store, identity, lengths_of
from wm2u_sd.backends.native.body import Body, Scope
from wm2u_sd.backends.native.function import AbstractFunction
from wm2u_sd.backends.native.writer import Value


class Begin(AbstractFunction):
    """Works out the first moment, and what stays the same during a run."""

    name = "begin"

    def block(self) -> None:
        """Print what is done for one block."""
        schedule, memory = self.layout.schedule, self.layout.memory
        self.copy_constants()
        self.copy_delays()
        scope = Scope(schedule.program.start, memory.start, memory.varies_at_start, settled=False)
        start = Body(self.writer, self.module, scope)
        self.move(start, "0")
        start.print(schedule.begin, partial(self.put, start))
        self.body().print(schedule.run, _refuse)

    def copy_constants(self) -> None:
        """Bring the varying constants of a block together."""
        row = 0
        for k in self.layout.varying:
            shape = self.layout.schedule.program.constants[k].shape
            row = self.copy_rows("%constants", row, self.layout.memory.constants[k], shape)

    def copy_delays(self) -> None:
        """Bring the delays of lines, in steps, together."""
        row = 0
        for k in self.layout.schedule.lines:
            shape = lengths_of(self.layout.schedule.program.lines[k].axes)
            row = self.copy_rows("%delays", row, self.layout.memory.delay[k], shape)

    def copy_rows(self, source: str, row: int, place: int, shape: Shape) -> int:
        """Copy what a block needs of the rows of a value, and return the row after them."""
        body = self.body()
        self.over(body, shape, partial(self.copy_one, body, source, row, place, shape))
        return row + self.layout.frame.room(shape, varies=False)

    def copy_one(self, body: Body, source: str, row: int, place: int, shape: Shape) -> None:
        """Copy what stands at the position of the nest."""
        w, frame = self.writer, self.layout.frame
        element = w.plus(body.offset(identity(len(shape)), shape, varies=False), str(row))
        if frame.lanes:
            start = w.at(w.at(source, w.let(f"mul i64 {element}, %draws")), "%column")
        else:
            start = w.at(source, element)
        value = w.load(start, frame.width if frame.lanes or shape else 1)
        w.store(value, self.here(body, place, shape))

    def put(self, body: Body, store: Store, value: Value) -> None:
        """Store what the first moment leaves for the steps."""
        memory = self.layout.memory
        homes = {"initial": memory.states, "frozen": memory.frozen, "memory": memory.memory, "line": memory.line}
        place = homes[store.kind][store.number] + (memory.regions[0] if store.kind == "initial" else 0)
        value = body.wide(self.operations.as_number(value), varies=True)
        self.writer.store(value, self.here(body, place, store.shape))


def _refuse(store: Store, value: Value) -> None:
    raise AssertionError(f"nothing is stored once a run, got {store} for {value}")
