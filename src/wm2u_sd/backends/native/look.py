"""Prints `look`: rates and values at the first moment, of the states that stand in the contexts."""

from __future__ import annotations

from functools import partial

from wm2u_sd.backends.native.body import Body
from wm2u_sd.backends.native.function import AbstractFunction
from wm2u_sd.backends.native.writer import Value


class Look(AbstractFunction):
    """Works out what is kept of the first moment; nothing has gone into a line yet."""

    name = "look"

    def block(self) -> None:
        """Print what is done for one block."""
        w, memory = self.writer, self.layout.memory
        body = self.body(settled=True)
        body.states = self.region(memory.regions[0])
        body.time = body.held_time = w.load("%times", constant=True)
        body.line_reader = partial(self.first_of_line, body)
        self.move(body, "0")
        self.open_moment("0")
        for nests in (self.layout.schedule.held, self.layout.schedule.saving):
            body.print(nests, partial(self.put_out, body))

    def first_of_line(self, body: Body, k: int, offset: str) -> Value:
        """Return what a line gives before anything has come through."""
        w, frame = self.writer, self.layout.frame
        shaped = bool(self.layout.schedule.program.lines[k].axes)
        place = self.layout.memory.line[k]
        return w.load(w.at(self.region(place), offset), frame.width if frame.lanes or shaped else 1)
