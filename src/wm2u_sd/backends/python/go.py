"""Prints `go`: a column carried over steps."""

from __future__ import annotations

from wm2u_sd.backends.loops import Store
from wm2u_sd.backends.python.body import Taken
from wm2u_sd.backends.python.function import AbstractFunction, numbered
from wm2u_sd.backends.python.layout import Layout
from wm2u_sd.backends.python.writer import Writer, filled
from wm2u_sd.backends.reference import ROUNDING


class Go(AbstractFunction):
    """Carries a column over steps.

    All that a step does to states and to what is remembered, it does at its end, where nothing raises: a step that
    was given up can be taken again from its beginning.
    """

    def __init__(self, writer: Writer, layout: Layout, taken: Taken, *, guarded: bool) -> None:
        super().__init__(writer, layout, taken, guarded=guarded)
        self.schedule = layout.schedule
        self.steps = self.body(self.schedule.step, self.schedule.stored)
        self.dt, self.n_steps = layout.program.time.dt, layout.program.time.n_steps
        self.many = layout.schedule.n_stages > 1
        self.steps.states = "y" if self.many else "s"
        self.rates: dict[int, str] = {}

    def print(self) -> None:
        """Print the function."""
        w = self.writer
        with w.block(f"def go{'_guarded' if self.guarded else ''}(column, step, stop):"):
            self.take_out()
            self.make_rooms()
            if self.guarded:
                self.loop()
            else:
                with w.block("try:"):
                    self.loop()
                with w.block("except RAISED:"):
                    w.do("pass  # nothing of this step is in the states yet")
            w.pack("column.states", numbered("s", self.layout.states))
            w.pack("column.remembered", numbered("m", self.layout.memories))
            w.do("return step")

    # Memory ----------------------------------------------------------------------------------------------------------

    def take_out(self) -> None:
        """Take what there is out of the column."""
        w, layout = self.writer, self.layout
        self.take_constants()
        self.take_moves()
        w.unpack(numbered("f", layout.frozen), "column.frozen")
        w.unpack(numbered("v", layout.settled), "column.settled")
        w.unpack(numbered("s", layout.states), "column.states")
        w.unpack(numbered("m", layout.memories), "column.remembered")
        for name in ("ring", "delay", "before"):
            w.unpack(numbered(name, layout.lines), f"column.{name}s")
        w.unpack(numbered("out", range(len(self.schedule.saved))), "column.out")
        w.do("times, saved = column.times, column.saved")

    def make_rooms(self) -> None:
        """Make the lists that steps write to."""
        with self.writer.section("# Lists for values that have axes"):
            self.steps.rooms([*self.schedule.held, *self.schedule.stage, *self.schedule.saving])
            self.rooms("rate", self.layout.states)
            self.rooms("first", self.layout.states if self.layout.schedule.held_states else {})
            self.rooms("next", self.layout.memories)

    # Steps -----------------------------------------------------------------------------------------------------------

    def loop(self) -> None:
        """Print the loop over steps."""
        w = self.writer
        with w.block("for step in range(step, stop):"):
            w.do("time = held_time = times[step]")
            w.do("at = saved[step]")
            self.move("step")
            with w.section("# Once a step"):
                self.steps.print(self.schedule.held, self.put)
            if self.many:
                self.stages()
            else:
                self.stage()
            self.stop_at_end()
            with w.section("# On to the next step"):
                self.advance()
                self.remember()
        w.do("step = stop")

    def stage(self) -> None:
        """Print what gives the rates of a moment, and keeps what is wanted of it."""
        w = self.writer
        with w.section("# Rates, and what they are worked out from"):
            self.steps.print(self.schedule.stage, self.put)
        with w.block(f"if {'stage == 0 and ' if self.many else ''}at >= 0:"):
            self.steps.print(self.schedule.saving, self.put)
            self.note_failure()

    def stop_at_end(self) -> None:
        """At the last moment nothing is integrated."""
        with self.writer.block(f"if step == {self.n_steps}:"):
            self.writer.do("break")

    def put(self, store: Store, value: str, here: str) -> None:
        """Print where a value goes; the rate of a single state may stay where it is, unless that is a state."""
        w, number = self.writer, store.number
        match store.kind:
            case "advance" if not here and not value.startswith(self.steps.states):
                self.rates[number] = value
            case "advance":
                w.do(f"rate{number}{here} = {value}")
            case "save":
                w.do(f"out{number}[at]{here} = {value}")
            case "remember":
                self.at_first(f"next{number}{here} = {value}")
            case _:
                self.at_first(f"ring{number}[step % len(ring{number})]{here} = {value}")

    def at_first(self, text: str) -> None:
        """Do something at the start of a step, and not at its later stages."""
        if self.many:
            with self.writer.block("if stage == 0:"):
                self.writer.do(text)
        else:
            self.writer.do(text)

    def rate(self, k: int, here: str) -> str:
        """Return the rate of a state."""
        return self.rates.get(k, f"rate{k}{here}")

    def advance(self) -> None:
        """Carry states over the step."""
        states, dt = self.layout.states, self.dt
        if not self.many:
            self.each(states, lambda k, here: [f"s{k}{here} += {dt} * {self.rate(k, here)}"])
            return
        if self.layout.schedule.needs_total:
            self.each(states, lambda k, here: [f"y{k}{here} = s{k}{here} + {dt} * total{k}{here}"])
        self.hold_above_zero()
        for k in states:
            self.writer.do(f"s{k} = y{k}")

    def remember(self) -> None:
        """Carry what is remembered over to the next step."""
        for k, shape in self.layout.memories.items():
            self.writer.do(f"m{k}, next{k} = next{k}, m{k}" if shape else f"m{k} = next{k}")

    def note_failure(self) -> None:
        """Note the first kept moment at which a state was not finite."""
        w, states = self.writer, self.layout.states
        single = [f"s{k}" for k, shape in states.items() if not shape]
        if single:
            w.spread("finite = all_finite(", single, ")")
        for at, k in enumerate(k for k, shape in states.items() if shape):
            w.do(f"finite = {'finite and ' if single or at else ''}all_finite(s{k})")
        if states:
            with w.block("if not finite and column.failed < 0:"):
                w.do("column.failed = step")

    # Stages ----------------------------------------------------------------------------------------------------------

    def stages(self) -> None:
        """Print the loop over the stages of a step."""
        w, states = self.writer, self.layout.states
        for k, shape in states.items():
            w.do(f"y{k} = s{k}")
            if self.layout.schedule.needs_total:
                w.do(f"total{k} = {filled(shape)}")
        with w.block("for stage, (ahead, onward, weight) in enumerate(STAGES):"):
            w.do(f"time = held_time + ahead * {self.dt}")
            self.stage()
            self.stop_at_end()
            with w.section("# On to the next stage"):
                self.lead_on()

    def lead_on(self) -> None:
        """Print the way from one stage to the next, along its rates."""
        w, states, dt = self.writer, self.layout.states, self.dt
        if self.layout.schedule.held_states:
            with w.block("if stage == 0:"):
                self.each(states, lambda k, here: [f"first{k}{here} = {self.rate(k, here)}"])
        if self.layout.schedule.needs_total:
            self.each(states, lambda k, here: [f"total{k}{here} += weight * {self.rate(k, here)}"])
            with w.block(f"if stage == {self.layout.schedule.n_stages - 1}:"):
                w.do("break")
        self.rooms("y", states)
        self.each(states, lambda k, here: [f"y{k}{here} = s{k}{here} + {dt} * (onward * {self.rate(k, here)})"])

    def hold_above_zero(self) -> None:
        """Make by Euler's method a step that would take more from a rationed stock than it holds (SEM-43)."""
        w, held = self.writer, self.layout.schedule.held_states
        if not held:
            return

        def test(k: int, here: str) -> list[str]:
            most = f"(s{k}{here} if s{k}{here} > 0.0 else 0.0)"
            return [f"below = below or y{k}{here} < {-ROUNDING} * {most}"]

        w.do("below = False")
        self.each({k: self.layout.states[k] for k in held}, test)
        with w.block("if below:"):
            self.each(self.layout.states, lambda k, here: [f"y{k}{here} = s{k}{here} + {self.dt} * first{k}{here}"])
