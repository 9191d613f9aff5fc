"""Prints `back`: from the bars of kept values to those of constants, initial states, moves and points of lookups."""

from __future__ import annotations

from functools import partial

from wm2u_sd.backends.loops import Nest, Shape, Store, identity, lengths, lengths_of
from wm2u_sd.backends.native.begin import Begin
from wm2u_sd.backends.native.body import Body, Scope
from wm2u_sd.backends.native.function import AbstractFunction
from wm2u_sd.backends.native.go import Go
from wm2u_sd.backends.native.layout import Layout
from wm2u_sd.backends.native.memory import in_lines
from wm2u_sd.backends.native.module import Module
from wm2u_sd.backends.native.writer import Value, literal
from wm2u_sd.backends.reversal import Reversal
from wm2u_sd.compile.program import Level


def print_gradient(layout: Layout, reversal: Reversal) -> str:
    """Return the text of a module that runs a program, keeping what is needed to go back, and goes back."""
    module = Module(layout)
    return module.text([Begin(module).text(), Go(module).text(), Back(module, reversal).text()])


class Back(AbstractFunction):
    """Undoes a run step by step; what each set out from stands in its record."""

    name = "back"

    def __init__(self, module: Module, reversal: Reversal) -> None:
        super().__init__(module)
        self.reversal, self.bars, self.record = reversal, self.layout.bars, self.layout.record
        self.program = self.layout.schedule.program
        memory, bars = self.layout.memory, self.bars
        scope = Scope(self.layout.schedule.step, memory.step, memory.varies, settled=True, bars=self.given())
        self.steps = Body(self.writer, module, scope)
        self.steps.line_reader = self.read_line
        self.start = Body(
            self.writer, module, Scope(reversal.start, bars.start, bars.varies_at_start, True, self.given_at_start())
        )
        self.dt, self.n_steps = literal(self.program.time.dt), self.program.time.n_steps
        self.many = self.layout.schedule.n_stages > 1
        self.in_stage = False

    def given(self) -> dict[object, int]:
        """Return where the bars stand that the step code is given."""
        bars, unit = self.bars, self.layout.frame.width if self.layout.frame.lanes else 1
        states = self.layout.memory.states
        rows = self.layout.saved_rows
        return {
            **{("rate", k): bars.rates + place for k, place in states.items()},
            **{("of", n): place for n, place in bars.summed.items()},
            **{("save", at): bars.saved + row * unit for at, row in enumerate(rows[:-1])},
            **{("fed", k): place for k, place in bars.fed.items()},
            **{("remembered", k): place for k, place in bars.remembered.items()},
        }

    def given_at_start(self) -> dict[object, int]:
        """Return where the bars stand that the start code is given."""
        bars = self.bars
        return {
            **{("initial", k): bars.ahead + place for k, place in self.layout.memory.states.items()},
            **{("frozen", k): place for k, place in bars.frozen.items()},
            **{("memory", k): place for k, place in bars.memory.items()},
            **{("line", k): place for k, place in bars.line.items()},
        }

    # The loop over steps ---------------------------------------------------------------------------------------------

    def block(self) -> None:
        """Print what is done for one block."""
        w = self.writer
        w.do("%latest_step = sub i64 %last_step, 1")
        before = w.block
        w.jump("step")
        w.label("step")
        line = w.later()
        self.enter()
        w.branch(w.let(f"icmp eq i64 %step, {self.n_steps}"), "moment", "undo")
        w.label("undo")
        self.undo()
        w.jump("moment")
        w.label("moment")
        self.moment()
        self.print_part(self.reversal.held)
        w.do("%previous_step = sub i64 %step, 1")
        w.branch(w.let("icmp sge i64 %previous_step, %first_step"), "step", "left")
        w.fill(line, f"%step = phi i64 [ %latest_step, %{before} ], [ %previous_step, %{w.block} ]")
        w.label("left")
        w.branch(w.let("icmp eq i64 %first_step, 0"), "start", "gone_back")
        w.label("start")
        self.finish()
        w.jump("gone_back")
        w.label("gone_back")

    def print_part(self, nests: tuple[Nest, ...]) -> None:
        """Print a part of the adjoint of the step code."""
        known = dict(self.steps.known)
        self.steps.print(nests, self.put)
        self.steps.known = known

    def enter(self) -> None:
        """Bring back what held during a step, and begin to add up the bars of it."""
        w, steps, bars = self.writer, self.steps, self.bars
        w.do(f"%record = getelementptr double, ptr %record_of_block, i64 {w.let(f'mul i64 %step, {self.record.size}')}")
        steps.known = {}
        steps.states = "%record"
        steps.time = steps.held_time = w.load(w.at("%times", "%step"), constant=True)
        self.move(steps, "%step")
        for k, place in self.layout.memory.memory.items():
            shape = lengths_of(self.program.memories[k].axes)
            self.copy(w.at("%record", str(self.record.memory[k])), self.region(place), self.size(shape))
        steps.print(self.layout.schedule.held, self.put)
        for k in self.layout.schedule.moving:
            self.over(steps, self.program.constants[k].shape, partial(self.clear_moving, k))
        code = self.layout.schedule.step.instructions
        for n, place in bars.summed.items():
            if code[n].level is Level.HELD:
                self.over(steps, lengths(code[n]), partial(self.clear, place, lengths(code[n])))

    def size(self, shape: Shape) -> int:
        """Return how many numbers a varying value takes."""
        room = self.layout.frame.room(shape, varies=True)
        return room if room == 1 else in_lines(room)

    def clear(self, place: int, shape: Shape) -> None:
        """Put 0 at the position of the nest."""
        zero = self.writer.splat(literal(0.0), self.width(shape))
        self.writer.store(zero, self.here(self.steps, place, shape))

    def clear_moving(self, k: int) -> None:
        """Put 0 where the bar of a moving constant is added up; the last block writes again over columns of another."""
        shape = self.program.constants[k].shape
        zero = self.writer.splat(literal(0.0), self.width(shape))
        self.writer.store(zero, self.result(self.steps, "%to_moving", self.moving_row(k), shape, "%step"))

    def undo(self) -> None:
        """Undo the stages of a step, last to first."""
        w, bars, n = self.writer, self.bars, self.layout.schedule.n_stages
        size = self.layout.memory.region_size
        if self.many:
            self.copy(self.region(bars.ahead), self.region(bars.total), size)
        before = w.block
        w.jump("stage")
        w.label("stage")
        line = w.later()
        w.do("%is_first = icmp eq i64 %stage, 0")
        self.steps.states = w.at("%record", w.let(f"mul i64 %stage, {size}"))
        ahead = w.arithmetic("fmul", self.weight("clock", "%stage"), self.dt)
        self.steps.time = w.arithmetic("fadd", self.steps.held_time, ahead)
        self.weigh_rates()
        self.bring_history()
        self.in_stage = True
        self.print_part(self.reversal.stage)
        self.in_stage = False
        w.do("%previous_stage = sub i64 %stage, 1")
        w.branch(w.let("icmp sge i64 %previous_stage, 0"), "stage", "undone")
        w.fill(line, f"%stage = phi i64 [ {n - 1}, %{before} ], [ %previous_stage, %{w.block} ]")
        w.label("undone")
        if self.many:
            self.copy(self.region(bars.total), self.region(bars.ahead), size)
        self.empty_rings()
        self.steps.states, self.steps.time = "%record", self.steps.held_time

    def weight(self, name: str, stage: str) -> Value:
        """Return what a stage is weighed by."""
        return self.writer.load(self.writer.at(f"@wm.{name}", stage), constant=True)

    def weigh_rates(self) -> None:
        """Work out the bars of the rates of a stage: what it counts in the step, and in the stage after it."""
        w, bars = self.writer, self.bars
        in_step = w.arithmetic("fmul", self.weight("total", "%stage"), self.dt)
        onward = w.arithmetic("fmul", self.weight("onward", "%stage"), self.dt)
        is_last = Value(w.let(f"icmp eq i64 %stage, {self.layout.schedule.n_stages - 1}"), 1, True)
        euler = self.euler()

        def weigh(at: str) -> None:
            ahead = w.load(w.at(self.region(bars.ahead), at), self.stride)
            bar = w.arithmetic("fmul", in_step, ahead)
            if self.many:
                later = w.load(w.at(self.region(bars.onward), at), self.stride)
                further = w.arithmetic("fadd", bar, w.arithmetic("fmul", onward, later))
                bar = w.select(is_last, bar, further)
            if euler is not None:
                alone = w.select(Value("%is_first", 1, True), w.arithmetic("fmul", self.dt, ahead), literal(0.0))
                bar = w.select(euler, alone, bar)
            w.store(bar, w.at(self.region(bars.rates), at))

        self.along(self.layout.memory.region_size, weigh)

    def euler(self) -> Value | None:
        """Return in which columns Euler's method took the step, None where it never does."""
        if not self.layout.schedule.held_states:
            return None
        width = self.layout.frame.width if self.layout.frame.lanes else 1
        flags = self.writer.load(self.writer.at("%record", str(self.record.flags)), width)
        return self.writer.compare("ogt", flags, literal(0.0))

    # History ---------------------------------------------------------------------------------------------------------

    def read_line(self, k: int, offset: str) -> Value:
        """Return what a line gave, as it was kept."""
        w = self.writer
        shape = lengths_of(self.program.lines[k].axes)
        return w.load(w.at(w.at("%record", str(self.record.line[k])), offset), self.width(shape))

    def bring_history(self) -> None:
        """Bring the bars of what went into lines and memories, which it did at the first stage."""
        for k, place in self.bars.fed.items():
            shape = lengths_of(self.program.lines[k].axes)
            self.over(self.steps, shape, partial(self.bring_one, self.slot(k), place, shape))
        for k, place in self.bars.remembered.items():
            shape = lengths_of(self.program.memories[k].axes)
            self.over(self.steps, shape, partial(self.bring_one, self.region(self.bars.memory[k]), place, shape))

    def bring_one(self, source: str, place: int, shape: Shape) -> None:
        """Bring what stands at the position of the nest."""
        w = self.writer
        here = self.steps.offset(identity(len(shape)), shape, varies=True)
        value = w.load(w.at(source, here), self.width(shape))
        w.store(w.select(Value("%is_first", 1, True), value, literal(0.0)), w.at(self.region(place), here))

    def slot(self, k: int) -> str:
        """Return where the bars of what went into a line at this step have been added up."""
        w = self.writer
        start, places, size = self.ring(k)
        return w.at(start, w.let(f"mul i64 {w.let(f'urem i64 %step, {places}')}, {size}"))

    def ring(self, k: int) -> tuple[str, str, int]:
        """Return where the ring of a line's bars begins, how many places it has, and how many numbers one place.

        It lies behind the ring of the values.
        """
        w, at = self.writer, self.layout.schedule.lines.index(k)
        size = self.layout.frame.room(lengths_of(self.program.lines[k].axes), varies=True)
        start = w.let(f"load i64, ptr {w.at('%rings', str(2 * at))}, align 8")
        places = w.let(f"load i64, ptr {w.at('%rings', str(2 * at + 1))}, align 8")
        behind = w.let(f"add i64 {start}, {w.let(f'mul i64 {places}, {size}')}")
        return w.at("%context", behind), places, size

    def empty_rings(self) -> None:
        """Make room in the rings for the bars of an earlier step."""
        for k in self.bars.fed:
            shape = lengths_of(self.program.lines[k].axes)
            self.over(self.steps, shape, partial(self.empty_one, self.slot(k), shape))

    def empty_one(self, slot: str, shape: Shape) -> None:
        """Put 0 at the position of the nest."""
        w = self.writer
        here = self.steps.offset(identity(len(shape)), shape, varies=True)
        w.store(w.splat(literal(0.0), self.width(shape)), w.at(slot, here))

    def put_line(self, store: Store, bar: Value) -> None:
        """Add the bar of what a line gave to that of what went in so many steps before, or of what it began with."""
        w, k = self.writer, store.number
        offset = self.steps.offset(identity(len(store.shape)), store.shape, varies=True)
        start, places, size = self.ring(k)
        delays = w.load(w.at(self.region(self.layout.memory.delay[k]), offset), self.width(store.shape))
        for lane in range(bar.width):
            delay = w.let(f"fptosi double {w.element(delays, lane).text} to i64")
            back = w.let(f"sub i64 %step, {delay}")
            is_early = w.let(f"icmp slt i64 {back}, 0")
            turn = w.let(f"urem i64 {w.let(f'select i1 {is_early}, i64 0, i64 {back}')}, {places}")
            ring = w.at(start, w.plus(w.plus(w.by(turn, size), offset), str(lane)))
            begun = w.at(self.region(self.bars.line[k]), w.plus(offset, str(lane)))
            address = w.let(f"select i1 {is_early}, ptr {begun}, ptr {ring}")
            w.store(w.arithmetic("fadd", w.load(address), w.element(bar, lane)), address)

    # Kept values -----------------------------------------------------------------------------------------------------

    def moment(self) -> None:
        """Take in the bars of what was kept at the start of the step."""
        w = self.writer
        position = w.let(f"load i64, ptr {w.let('getelementptr i64, ptr %saved, i64 %step')}, align 8")
        w.branch(w.let(f"icmp sge i64 {position}, 0"), "kept", "passed")
        w.label("kept")
        self.bring_saved(position)
        self.print_part(self.reversal.moment)
        w.jump("passed")
        w.label("passed")

    def bring_saved(self, position: str) -> None:
        """Bring the bars of kept values together, row after row."""
        w, frame, rows = self.writer, self.layout.frame, self.layout.saved_rows[-1]
        if not rows:
            return
        before, head, end = w.block, w.fresh("row"), w.fresh("rows_done")
        stride = frame.width if frame.lanes else 1
        w.jump(head)
        w.label(head)
        line, row = w.later(), w.fresh("%row")
        if frame.lanes:
            moment = w.let(f"add i64 {w.let(f'mul i64 {row}, %moments')}, {position}")
            source = w.let(f"add i64 {w.let(f'mul i64 {moment}, %columns')}, %column")
        else:
            source = w.let(f"add i64 {w.let(f'mul i64 {position}, {rows}')}, {row}")
        value = w.load(w.at("%bars", source), stride)
        w.store(value, w.at(self.region(self.bars.saved), w.by(row, stride)))
        following = w.let(f"add i64 {row}, 1")
        w.branch(w.let(f"icmp ult i64 {following}, {rows}"), head, end)
        w.fill(line, f"{row} = phi i64 [ 0, %{before} ], [ {following}, %{w.block} ]")
        w.label(end)

    # Where bars go ---------------------------------------------------------------------------------------------------

    def put(self, store: Store, bar: Value) -> None:
        """Put a bar where it belongs."""
        k, bars = store.number, self.bars
        bar = self.steps.wide(bar, varies=True)
        if store.kind == "state":
            self.put_state(store, bar)
        elif store.kind == "line":
            self.put_line(store, bar)
        elif store.kind == "memory":
            self.writer.store(bar, self.here(self.steps, bars.memory[k], store.shape))
        elif store.kind == "moving":
            self.put_moving(self.steps, store, bar, "%step")
        else:
            homes = {"of": bars.summed, "constant": bars.constant, "frozen": bars.frozen, "point": bars.points}
            self.add(self.here(self.steps, homes[store.kind][k], store.shape), bar)  # type: ignore[index]

    def add(self, address: str, bar: Value) -> None:
        """Add to a bar in memory."""
        so_far = self.writer.load(address, bar.width)
        self.writer.store(self.writer.arithmetic("fadd", so_far, bar), address)

    def put_state(self, store: Store, bar: Value) -> None:
        """Add the bar of a state to that at the start of the step; a stage leaves it for the stage before it, too."""
        place = self.layout.memory.states[store.number]
        sums = self.bars.total if self.in_stage and self.many else self.bars.ahead
        self.add(self.here(self.steps, sums + place, store.shape), bar)
        if self.in_stage and self.many:
            self.writer.store(bar, self.here(self.steps, self.bars.onward + place, store.shape))

    def put_moving(self, body: Body, store: Store, bar: Value, step: str) -> None:
        """Add to the bar of what scenarios have made of a constant by a step."""
        self.add(self.result(body, "%to_moving", self.moving_row(store.number), store.shape, step), bar)

    def moving_row(self, k: int) -> int:
        """Return the first row of a moving constant."""
        before = self.layout.schedule.moving[: self.layout.schedule.moving.index(k)]
        return sum(self.layout.frame.room(self.program.constants[other].shape, varies=False) for other in before)

    def moving_rows(self) -> int:
        """Return the number of rows of a step."""
        room = self.layout.frame.room
        return sum(room(self.program.constants[k].shape, varies=False) for k in self.layout.schedule.moving)

    def result(self, body: Body, start: str, row: int, shape: Shape, step: str = "0") -> str:
        """Return where the element of a result at the position of the nest stands."""
        w = self.writer
        element = w.plus(body.offset(identity(len(shape)), shape, varies=False), str(row))
        whole = w.plus(w.by(step, self.moving_rows()), element)
        if self.layout.frame.lanes:
            return w.at(w.at(start, w.let(f"mul i64 {whole}, %columns")), "%column")
        return w.at(start, whole)

    # The first moment ------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Go back over what was worked out once a run and over the first moment, and hand the results over."""
        self.steps.known = {}
        self.steps.print(self.reversal.run, self.put)
        self.start.print(self.reversal.begin, self.put_at_start)
        row = 0
        for k in self.layout.schedule.states:
            shape = self.program.states[k].shape
            place = self.bars.ahead + self.layout.memory.states[k]
            row = self.hand_over("%to_initial", place, row, shape)
        row = 0
        for k, place in self.bars.constant.items():
            row = self.hand_over("%to_constants", place, row, self.program.constants[k].shape)
        for row, place in enumerate(self.bars.points):
            self.hand_over("%to_points", place, row, ())

    def put_at_start(self, store: Store, bar: Value) -> None:
        """Put a bar of the first moment where it belongs."""
        bar = self.start.wide(bar, varies=True)
        if store.kind == "moving":
            self.put_moving(self.start, store, bar, "0")
        elif store.kind == "constant":
            self.add(self.here(self.start, self.bars.constant[store.number], store.shape), bar)
        else:
            self.add(self.region(self.bars.points[store.number]), bar)

    def hand_over(self, target: str, place: int, row: int, shape: Shape) -> int:
        """Copy bars to where results are wanted, and return the row after them."""
        self.over(self.steps, shape, partial(self.hand_over_one, target, place, row, shape))
        return row + self.layout.frame.room(shape, varies=False)

    def hand_over_one(self, target: str, place: int, row: int, shape: Shape) -> None:
        """Copy what stands at the position of the nest."""
        value = self.writer.load(self.here(self.steps, place, shape), self.width(shape))
        self.writer.store(value, self.result(self.steps, target, row, shape))
