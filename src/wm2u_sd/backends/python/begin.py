"""Prints `begin`, the first moment of a run, and `settle`, what stays the same during it."""

from __future__ import annotations

from wm2u_sd.backends.loops import Store
from wm2u_sd.backends.python.body import Taken
from wm2u_sd.backends.python.function import AbstractFunction, numbered
from wm2u_sd.backends.python.layout import Layout
from wm2u_sd.backends.python.writer import Writer

NAMES = {"initial": "s", "frozen": "f", "memory": "m", "line": "before"}
"""What the first moment gives: kind of store -> what it is called."""


class Begin(AbstractFunction):
    """Works out states, frozen values and what there is of history."""

    def __init__(self, writer: Writer, layout: Layout, taken: Taken) -> None:
        super().__init__(writer, layout, taken, guarded=True)

    def print(self) -> None:
        """Print the function."""
        w, layout = self.writer, self.layout
        body = self.body(layout.program.start, layout.schedule.stored_at_start)
        with w.block("def begin(column):"):
            self.take_constants()
            self.take_moves()
            with w.section("# Lists for values that have axes"):
                self.rooms("s", layout.states)
                self.rooms("f", layout.frozen)
                self.rooms("m", layout.memories)
                self.rooms("before", layout.lines)
                body.rooms(layout.schedule.begin)
            self.move("0")
            with w.section("# The first moment"):
                body.print(layout.schedule.begin, self.put)
            w.pack("column.states", numbered("s", layout.states))
            w.pack("column.frozen", numbered("f", layout.frozen))
            w.pack("column.remembered", numbered("m", layout.memories))
            w.pack("column.befores", numbered("before", layout.lines))

    def put(self, store: Store, value: str, here: str) -> None:
        """Print where a value goes."""
        self.writer.do(f"{NAMES[store.kind]}{store.number}{here} = {value}")


class Settle(AbstractFunction):
    """Works out what stays the same during a run."""

    def __init__(self, writer: Writer, layout: Layout, taken: Taken) -> None:
        super().__init__(writer, layout, taken, guarded=True)

    def print(self) -> None:
        """Print the function."""
        w, schedule = self.writer, self.layout.schedule
        body = self.body(schedule.step, schedule.stored)
        with w.block("def settle(column):"):
            self.take_constants()
            w.unpack(numbered("f", schedule.frozen), "column.frozen")
            with w.section("# Lists for values that have axes"):
                body.rooms(schedule.run)
            with w.section("# Once a run"):
                body.print(schedule.run, self.refuse)
            w.pack("column.settled", numbered("v", self.layout.settled))

    def refuse(self, store: Store, value: str, here: str) -> None:
        """Refuse stores."""
        raise AssertionError(f"nothing is stored once a run, got {store} {value} {here}")
