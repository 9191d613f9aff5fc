"""Prints `go`: blocks of columns carried over steps."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from wm2u_sd.backends.loops import Read, Shape, Store, identity, lengths_of
from wm2u_sd.backends.native.function import AbstractFunction
from wm2u_sd.backends.native.module import Module
from wm2u_sd.backends.native.writer import Value, literal
from wm2u_sd.backends.reference import ROUNDING
from wm2u_sd.compile.program import Line


class Go(AbstractFunction):
    """Carries blocks over steps."""

    name = "go"

    def __init__(self, module: Module) -> None:
        super().__init__(module)
        self.steps = self.body(settled=True)
        self.steps.line_reader = self.read_line
        time = self.layout.schedule.program.time
        self.dt, self.n_steps = literal(time.dt), time.n_steps
        self.many = self.layout.schedule.n_stages > 1
        self.keeps = self.layout.reversal is not None

    # The loop over steps ---------------------------------------------------------------------------------------------

    def block(self) -> None:
        """Print what is done for one block."""
        w, memory = self.writer, self.layout.memory
        regions = [self.region(place) for place in memory.regions]
        before = w.block
        w.jump("step")
        w.label("step")
        phis = [w.later() for _ in range(3)]
        self.enter()
        if self.many:
            self.stages(regions[2])
        else:
            self.source, self.target = "%now", "%other"
            self.stage("stage_done")
            w.label("stage_done")
        self.remember()
        w.do("%next_step = add i64 %step, 1")
        w.branch(w.let("icmp ult i64 %next_step, %last_step"), "step", "stop")
        w.fill(phis[0], f"%step = phi i64 [ %first_step, %{before} ], [ %next_step, %{w.block} ]")
        w.fill(phis[1], f"%now = phi ptr [ {regions[0]}, %{before} ], [ %other, %{w.block} ]")
        w.fill(phis[2], f"%other = phi ptr [ {regions[1]}, %{before} ], [ %now, %{w.block} ]")
        after = w.block
        w.label("stop")
        w.do(f"%ended = phi ptr [ %other, %{after} ], [ %now, %{self.finishing} ]")
        self.bring_home(regions[0])

    def enter(self) -> None:
        """Take in the clock, what scenarios have moved and what comes out of lines at the start of a step."""
        w, steps = self.writer, self.steps
        steps.known = {}
        steps.states = "%now"
        steps.held_time = w.load(w.at("%times", "%step"), constant=True)
        w.do("%step_number = uitofp i64 %step to double")
        w.do(f"%first_moment = mul i64 %step, {self.layout.schedule.n_stages}")
        steps.moment = "%first_moment"
        self.move(steps, "%step")
        steps.print(self.layout.schedule.held, self.put)
        if self.keeps:
            self.keep_history()

    def stages(self, middle: str) -> None:
        """Print the loop over the stages of a step, and the step of Euler's method that may take its place."""
        w, steps, n = self.writer, self.steps, self.layout.schedule.n_stages
        before = w.block
        w.jump("stage")
        w.label("stage")
        line = w.later()
        w.do("%is_first = icmp eq i64 %stage, 0")
        w.do(f"%is_again = icmp eq i64 %stage, {n}")
        from_start = w.let("or i1 %is_first, %is_again")
        is_odd = w.let("trunc i64 %stage to i1")
        here = w.let(f"select i1 {is_odd}, ptr {middle}, ptr %other")
        self.source = w.let(f"select i1 {from_start}, ptr %now, ptr {here}")
        self.target = w.let(f"select i1 {is_odd}, ptr %other, ptr {middle}")
        steps.states = self.source
        ahead = w.arithmetic("fmul", self.weight("clock"), self.dt)
        steps.time = w.arithmetic("fadd", steps.held_time, ahead)
        past = w.let("select i1 %is_again, i64 0, i64 %stage")
        w.do(f"%moment = add i64 %first_moment, {past}")
        steps.moment = "%moment"
        self.onward = self.weight("onward")
        self.share = self.weight("total") if self.layout.schedule.needs_total else None
        self.stage("stage_done")
        w.label("stage_done")
        if self.layout.schedule.held_states:
            w.branch("%is_again", "again", "forth")
            w.label("again")
            self.put_euler_in_place(middle)
            w.jump("step_done")
            w.label("forth")
        w.do("%next_stage = add i64 %stage, 1")
        forth = w.block
        w.branch(w.let(f"icmp ult i64 %next_stage, {n}"), "stage", "ready")
        w.label("ready")
        arrivals = [f"[ 0, %{before} ]", f"[ %next_stage, %{forth} ]"]
        if self.layout.schedule.held_states:
            w.branch(self.overdrawn(), "stage", "step_done")
            arrivals.append(f"[ {n}, %{w.block} ]")
        else:
            w.jump("step_done")
        w.fill(line, f"%stage = phi i64 {', '.join(arrivals)}")
        w.label("step_done")

    def weight(self, name: str) -> Value:
        """Return what a stage is weighed by."""
        return self.writer.load(self.writer.at(f"@wm.{name}", "%stage"), constant=True)

    def stage(self, onward: str) -> None:
        """Work out the rates of a stage and, at the start of the step, keep what is wanted of this moment."""
        w, steps = self.writer, self.steps
        if not self.many:
            steps.time = steps.held_time
        known = dict(steps.known)
        if self.keeps:
            self.keep_states()
        steps.print(self.layout.schedule.stage, self.put)
        if self.many:
            w.branch("%is_first", "moment", onward)
            w.label("moment")
        self.save()
        self.finishing = w.block
        w.branch(w.let(f"icmp eq i64 %step, {self.n_steps}"), "stop", onward)
        steps.known = known

    def put(self, store: Store, value: Value) -> None:
        """Put a value where it is kept."""
        match store.kind:
            case "advance":
                self.advance(store, value)
            case "remember":
                self.put_at_first(
                    self.here(self.steps, self.layout.memory.next_memory[store.number], store.shape), value
                )
            case "record":
                self.record(store, value)
            case _:
                self.put_out(self.steps, store, value)

    # States ----------------------------------------------------------------------------------------------------------

    def state(self, region: str, k: int) -> str:
        """Return the address, at the position of the nest, of a state in one of the regions for states."""
        shape = self.layout.schedule.program.states[k].shape
        start = self.writer.at(region, str(self.layout.memory.states[k]))
        return self.writer.at(start, self.steps.offset(identity(len(shape)), shape, varies=True))

    def advance(self, store: Store, rate: Value) -> None:
        """Carry a state on: `origin + dt * weighted rates`."""
        w, k = self.writer, store.number
        rate = self.steps.wide(self.operations.as_number(rate), varies=True)
        origin = w.load(self.state("%now", k), self.width(store.shape))
        if self.many:
            rate = self.weighted(store, rate)
        moved = w.arithmetic("fadd", origin, w.arithmetic("fmul", self.dt, rate))
        w.store(moved, self.state(self.target, k))

    def weighted(self, store: Store, rate: Value) -> Value:
        """Return the rate that carries a state to where the next stage, or the next step, begins."""
        w = self.writer
        onward = w.arithmetic("fmul", self.onward, rate)
        if self.share is None:
            return onward
        address = self.state(self.region(self.layout.memory.total), store.number)
        so_far = w.load(address, self.width(store.shape))
        part = w.arithmetic("fmul", self.share, rate)
        sum_of_all = w.select(Value("%is_first", 1, True), part, w.arithmetic("fadd", so_far, part))
        w.store(sum_of_all, address)
        is_last = Value(w.let(f"icmp eq i64 %stage, {self.layout.schedule.n_stages - 1}"), 1, True)
        return w.select(is_last, sum_of_all, onward)

    def overdrawn(self) -> str:
        """Return whether the step took more from a rationed stock of some column than it held (SEM-43)."""
        w, held = self.writer, self.layout.schedule.held_states
        flag = self.layout.memory.flags
        width = self.layout.frame.width if self.layout.frame.lanes else 1
        w.store(w.splat(literal(0.0), width), self.region(flag))
        ended = self.target_of(self.layout.schedule.n_stages - 1)
        for shape, states in self.by_shape(held):
            self.over(self.steps, shape, partial(self.note_overdrawn, shape, states, ended, flag, width))
        below = w.compare("ogt", w.load(self.region(flag), width), literal(0.0))
        if self.keeps:
            w.store(w.load(self.region(flag), width), w.at(self.kept(), str(self.layout.record.flags)))
        if width == 1:
            return below.text
        return w.let(f"call i1 @llvm.vector.reduce.or.v{width}i1({below.type} {below.text})")

    def note_overdrawn(self, shape: Shape, states: Sequence[int], ended: str, flag: int, width: int) -> None:
        """Count the rationed states of one shape that were overdrawn."""
        w = self.writer
        for k in states:
            before = w.load(self.state("%now", k), self.width(shape))
            after = w.load(self.state(ended, k), self.width(shape))
            held = w.select(w.compare("ogt", before, literal(0.0)), before, literal(0.0))
            below = w.compare("olt", after, w.arithmetic("fmul", literal(-ROUNDING), held))
            self.count(w.select(below, literal(1.0), literal(0.0)), shape, flag, width)

    def count(self, value: Value, shape: Shape, flag: int, width: int) -> None:
        """Add numbers to those under a flag; of neighbours those that there are."""
        w = self.writer
        so_far = w.load(self.region(flag), width)
        if not self.layout.frame.lanes and shape:
            for lane in range(value.width):
                so_far = w.arithmetic("fadd", so_far, w.select(self.exists(lane), w.element(value, lane), literal(0.0)))
        else:
            so_far = w.arithmetic("fadd", so_far, value)
        w.store(so_far, self.region(flag))

    def exists(self, lane: int) -> Value:
        """Return whether a place of a vector of neighbours is an element, and not beyond the last."""
        w, steps = self.writer, self.steps
        here = w.let(f"add i64 {steps.counters[-1]}, {lane}")
        return Value(w.let(f"icmp ult i64 {here}, {steps.lengths[-1]}"), 1, True)

    def target_of(self, stage: int) -> str:
        """Return the region of states that a stage writes."""
        return "%other" if stage % 2 else self.region(self.layout.memory.regions[2])

    def by_shape(self, states: Sequence[int]) -> list[tuple[Shape, list[int]]]:
        """Return states that have the same lengths together."""
        found: dict[Shape, list[int]] = {}
        for k in states:
            found.setdefault(self.layout.schedule.program.states[k].shape, []).append(k)
        return list(found.items())

    def put_euler_in_place(self, euler: str) -> None:
        """Take the step of Euler's method in the columns that were overdrawn."""
        width = self.layout.frame.width if self.layout.frame.lanes else 1
        flags = self.writer.load(self.region(self.layout.memory.flags), width)
        below = self.writer.compare("ogt", flags, literal(0.0))
        for shape, states in self.by_shape(self.layout.schedule.states):
            self.over(self.steps, shape, partial(self.put_some_in_place, shape, states, euler, below))

    def put_some_in_place(self, shape: Shape, states: Sequence[int], euler: str, below: Value) -> None:
        """Take it for the states of one shape."""
        w = self.writer
        for k in states:
            address = self.state("%other", k)
            plain = w.load(self.state(euler, k), self.width(shape))
            w.store(w.select(below, plain, w.load(address, self.width(shape))), address)

    def bring_home(self, home: str) -> None:
        """Leave the states where the next call looks for them."""
        w = self.writer
        if not self.layout.schedule.states:
            return
        w.branch(w.let(f"icmp eq ptr %ended, {home}"), "home", "carry")
        w.label("carry")
        for shape, states in self.by_shape(self.layout.schedule.states):
            self.over(self.steps, shape, partial(self.copy_states, shape, states, home))
        w.jump("home")
        w.label("home")

    def copy_states(self, shape: Shape, states: Sequence[int], home: str) -> None:
        """Copy the states of one shape."""
        for k in states:
            value = self.writer.load(self.state("%ended", k), self.width(shape))
            self.writer.store(value, self.state(home, k))

    # History ---------------------------------------------------------------------------------------------------------

    def put_at_first(self, address: str, value: Value) -> None:
        """Store what a value is at the start of the step, and leave it at later stages."""
        w = self.writer
        value = self.steps.wide(self.operations.as_number(value), varies=True)
        if self.many:
            value = w.select(Value("%is_first", 1, True), value, w.load(address, value.width))
        w.store(value, address)

    def remember(self) -> None:
        """Carry what is remembered over to the next step."""
        for k in self.layout.schedule.memories:
            shape = lengths_of(self.layout.schedule.program.memories[k].axes)
            self.over(self.steps, shape, partial(self.remember_one, shape, k))

    def remember_one(self, shape: Shape, k: int) -> None:
        """Carry over what stands at the position of the nest."""
        memory = self.layout.memory
        value = self.writer.load(self.here(self.steps, memory.next_memory[k], shape), self.width(shape))
        self.writer.store(value, self.here(self.steps, memory.memory[k], shape))

    def ring(self, k: int) -> tuple[str, str, int]:
        """Return where the ring of a line begins, how many places it has, and how many numbers one place."""
        w, at = self.writer, self.layout.schedule.lines.index(k)
        line: Line = self.layout.schedule.program.lines[k]
        start = w.let(f"load i64, ptr {w.at('%rings', str(2 * at))}, align 8")
        places = w.let(f"load i64, ptr {w.at('%rings', str(2 * at + 1))}, align 8")
        return w.at("%context", start), places, self.layout.frame.room(lengths_of(line.axes), varies=True)

    def record(self, store: Store, value: Value) -> None:
        """Keep what goes into a line at the start of the step."""
        w = self.writer
        start, places, size = self.ring(store.number)
        turn = w.let(f"mul i64 {w.let(f'urem i64 %step, {places}')}, {size}")
        here = self.steps.offset(identity(len(store.shape)), store.shape, varies=True)
        self.put_at_first(w.at(w.at(start, turn), here), value)

    def read_line(self, k: int, offset: str) -> Value:
        """Return what went into a line `delay` steps ago, or its initial value before that."""
        w, memory = self.writer, self.layout.memory
        shape = lengths_of(self.layout.schedule.program.lines[k].axes)
        start, places, size = self.ring(k)
        width = self.width(shape)
        delays = w.load(w.at(self.region(memory.delay[k]), offset), width)
        initial = w.load(w.at(self.region(memory.line[k]), offset), width)
        values = []
        for lane in range(width):
            delay = w.let(f"fptosi double {w.element(delays, lane).text} to i64")
            back = w.let(f"sub i64 %step, {delay}")
            is_early = Value(w.let(f"icmp slt i64 {back}, 0"), 1, True)
            turn = w.let(f"urem i64 {w.let(f'select i1 {is_early.text}, i64 0, i64 {back}')}, {places}")
            place = w.plus(w.plus(w.by(turn, size), offset), str(lane))
            values.append(w.select(is_early, w.element(initial, lane), w.load(w.at(start, place))))
        return w.gathered(values)

    # To go back by ---------------------------------------------------------------------------------------------------

    def kept(self) -> str:
        """Return the address of the record of the step."""
        w = self.writer
        return w.at("%record_of_block", w.let(f"mul i64 %step, {self.layout.record.size}"))

    def keep_states(self) -> None:
        """Keep the states that a stage sets out from."""
        w, size = self.writer, self.layout.memory.region_size
        target = self.kept()
        if not self.many:
            self.copy(self.source, target, size)
            return
        keep, kept = w.fresh("keep"), w.fresh("kept")
        w.branch("%is_again", kept, keep)
        w.label(keep)
        self.copy(self.source, w.at(target, w.let(f"mul i64 %stage, {size}")), size)
        w.jump(kept)
        w.label(kept)

    def keep_history(self) -> None:
        """Keep what came out of lines and memories for the step."""
        record, program = self.layout.record, self.layout.schedule.program
        lines = {task for nest in self.layout.schedule.held for task in nest.tasks if isinstance(task, int)}
        code = self.steps.code.instructions
        for number in sorted(n for n in lines if code[n].operation == "line"):
            shape = lengths_of(code[number].axes)
            read = Read(number, identity(len(shape)))
            self.over(self.steps, shape, partial(self.keep_one, read, shape, record.line[code[number].payload]))
        for k in self.layout.schedule.memories:
            shape = lengths_of(program.memories[k].axes)
            self.over(self.steps, shape, partial(self.keep_memory, k, shape))

    def keep_one(self, read: Read, shape: Shape, place: int) -> None:
        """Keep what a line gave at the position of the nest."""
        w = self.writer
        here = self.steps.offset(identity(len(shape)), shape, varies=True)
        known = dict(self.steps.known)
        value = self.steps.wide(self.steps.fetch(read), varies=True)
        self.steps.known = known
        w.store(value, w.at(w.at(self.kept(), str(place)), here))

    def keep_memory(self, k: int, shape: Shape) -> None:
        """Keep what a memory holds at the position of the nest."""
        w = self.writer
        here = self.steps.offset(identity(len(shape)), shape, varies=True)
        value = w.load(self.here(self.steps, self.layout.memory.memory[k], shape), self.width(shape))
        w.store(value, w.at(w.at(self.kept(), str(self.layout.record.memory[k])), here))

    # Results ---------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Keep what is wanted of this moment, and note the columns that have left the numbers."""
        w, steps = self.writer, self.steps
        position = w.let(f"load i64, ptr {w.let('getelementptr i64, ptr %saved, i64 %step')}, align 8")
        w.branch(w.let(f"icmp sge i64 {position}, 0"), "save", "saved")
        w.label("save")
        known = dict(steps.known)
        self.open_moment(position)
        steps.print(self.layout.schedule.saving, self.put)
        self.note_failures()
        w.jump("saved")
        w.label("saved")
        steps.known = known

    def note_failures(self) -> None:
        """Keep, for each column, the first step at which a state was seen not to be finite."""
        w, layout = self.writer, self.layout
        width = layout.frame.width if layout.frame.lanes else 1
        flag = layout.memory.flags
        w.store(w.splat(literal(0.0), width), self.region(flag))
        for shape, states in self.by_shape(layout.schedule.states):
            self.over(self.steps, shape, partial(self.note_not_finite, shape, states, flag, width))
        total = w.load(self.region(flag), width)
        bad = w.compare("uno", total, total)
        address = w.at("%failed", "%column")
        so_far = w.load(address, width)
        fresh = self.operations.both(bad, w.compare("olt", so_far, literal(0.0)))
        w.store(w.select(fresh, Value("%step_number"), so_far), address)

    def note_not_finite(self, shape: Shape, states: Sequence[int], flag: int, width: int) -> None:
        """Add x - x, which is 0 where x is finite and no number elsewhere."""
        w = self.writer
        for k in states:
            value = w.load(self.state("%now", k), self.width(shape))
            self.count(w.arithmetic("fsub", value, value), shape, flag, width)
