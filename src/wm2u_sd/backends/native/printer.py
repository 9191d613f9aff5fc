"""Prints a program as LLVM assembly: `begin` works out the first moment, `go` carries blocks of columns over steps.

A block is as many columns as a vector holds, or one. What a block has of its own stands in its context (`memory.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from wm2u_sd.backends.loops import Shape, Store, identity
from wm2u_sd.backends.native.body import Body, Globals
from wm2u_sd.backends.native.mathematics import NAMES, definitions
from wm2u_sd.backends.native.memory import Frame, Memory, lay_out, lengths_of
from wm2u_sd.backends.native.operations import Operations, declarations
from wm2u_sd.backends.native.tables import Tables
from wm2u_sd.backends.native.writer import Value, Writer, literal, number
from wm2u_sd.backends.reference import ROUNDING
from wm2u_sd.backends.schedule import Saved, Schedule
from wm2u_sd.compile.integrators import TABLEAUX, Tableau
from wm2u_sd.compile.program import Code, Line

POINTERS = (
    "constants", "shared", "tables", "times", "moves", "delays", "rings", "saved", "contexts", "out", "failed",
)  # fmt: skip
COUNTS = ("draws", "columns", "moments", "first_block", "last_block", "first_step", "last_step", "context_size")
PARAMETERS = (*(f"ptr noalias %{name}" for name in POINTERS), *(f"i64 %{name}" for name in COUNTS))


@dataclass(frozen=True)
class Layout:
    """What a kernel is printed for.

    Attributes:
        schedule: What is worked out when.
        frame: How values stand side by side.
        moving: Numbers of the constants that scenarios move.
        sizes: Number of points of each lookup.
    """

    schedule: Schedule
    frame: Frame
    moving: tuple[int, ...]
    sizes: tuple[int, ...]

    @cached_property
    def tableau(self) -> Tableau:
        """The integration method."""
        return TABLEAUX[self.schedule.program.time.method]

    @property
    def n_stages(self) -> int:
        """Stages of a step."""
        return len(self.tableau.b)

    @cached_property
    def memory(self) -> Memory:
        """Where everything stands in a context."""
        return lay_out(self.schedule, self.frame, self.moving, needs_total=self.needs_total)

    @property
    def needs_total(self) -> bool:
        """Whether more than the rates of the last stage are weighed in the step."""
        return sum(weight != 0 for weight in self.tableau.b) > 1

    @cached_property
    def shared(self) -> dict[int, int]:
        """Where constants that do not vary stand, in numbers; varying ones take no room."""
        places, at = {}, 0
        for k, slot in enumerate(self.schedule.program.constants):
            if k not in self.varying:
                places[k] = at
                at += self.frame.room(slot.shape, varies=False)
        return places

    @cached_property
    def varying(self) -> tuple[int, ...]:
        """Numbers of the varying constants that something reads, in order."""
        return tuple(k for k in self.schedule.constants if k in self.frame.varying)

    @cached_property
    def held(self) -> tuple[int, ...]:
        """Numbers of the states that a step of several stages must not overdraw."""
        rationed = set(self.schedule.program.non_negative) if self.n_stages > 1 else set()
        return tuple(k for k in self.schedule.states if self.schedule.program.states[k].name in rationed)

    @cached_property
    def saved_rows(self) -> tuple[int, ...]:
        """Where each kept value begins among the rows of one moment."""
        rows, at = [], 0
        for one in self.schedule.saved:
            rows.append(at)
            at += self.frame.room(one.shape, varies=False)
        return (*rows, at)


@dataclass
class Printer:
    """Prints one layout."""

    layout: Layout
    uses: set[tuple[str, int]] = field(default_factory=set)
    arrays: Globals = field(default_factory=Globals)

    def module(self) -> str:
        """Return the text of a whole module."""
        tables = Tables(self.layout.schedule.program.tables, self.layout.sizes)
        functions = [Begin(self, tables).text(), Go(self, tables).text()]
        mathematics = definitions([use for use in sorted(self.uses) if use[0] in NAMES])
        weights = self.weights()
        parts = [*self.arrays.texts, weights, mathematics, self.declared(mathematics), tables.definitions(), *functions]
        return "\n".join([*parts, "!0 = !{}", ""])

    def declared(self, mathematics: str) -> str:
        """Declare intrinsics that are used and not declared yet."""
        known = set(mathematics.splitlines())
        wanted = [line for line in declarations(self.uses).splitlines() if line not in known]
        width = self.layout.frame.width if self.layout.frame.lanes else 1
        if self.layout.held and width > 1:
            wanted.append(f"declare i1 @llvm.vector.reduce.or.v{width}i1(<{width} x i1>)")
        return "\n".join(wanted)

    def weights(self) -> str:
        """The method as arrays, with one more stage: a step of Euler's method from where the step began."""
        tableau, n = self.layout.tableau, self.layout.n_stages
        onward = [tableau.a[stage][stage] for stage in range(n - 1)] + [tableau.b[-1], 1.0]
        arrays = {"onward": onward, "total": [*tableau.b, 1.0], "clock": [*tableau.c, 0.0]}
        return "\n".join(
            f"@wm.{name} = private constant [{n + 1} x double] "
            f"[{', '.join(f'double {number(weight)}' for weight in values)}]"
            for name, values in arrays.items()
        )


class _Function:
    """What `begin` and `go` share: a loop over blocks, and constants as scenarios have moved them."""

    def __init__(self, printer: Printer, tables: Tables, name: str) -> None:
        self.printer, self.layout = printer, printer.layout
        self.tables = tables
        self.writer = Writer(name, PARAMETERS)
        self.operations = Operations(self.writer, printer.uses)

    def body(self, code: Code, *, at_start: bool, settled: bool) -> Body:
        memory, layout = self.layout.memory, self.layout
        places, varies = (memory.start, memory.varies_at_start) if at_start else (memory.step, memory.varies)
        return Body(
            self.writer, self.operations, code, layout.frame, memory, places, varies, layout.shared, self.tables,
            self.printer.arrays, settled=settled,
        )  # fmt: skip

    def text(self) -> str:
        """Return the function."""
        w, width = self.writer, self.layout.frame.width
        before = w.block
        w.jump("block")
        w.label("block")
        line = w.later()
        lag = w.let("sub i64 %block, %first_block")
        w.do(f"%context = getelementptr double, ptr %contexts, i64 {w.let(f'mul i64 {lag}, %context_size')}")
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

    def block(self) -> None:
        raise NotImplementedError

    def region(self, place: int) -> str:
        return self.writer.at("%context", str(place))

    def here(self, body: Body, place: int, shape: Shape, varies: bool = True) -> str:
        """Return the address of the element at the position of the nest."""
        return self.writer.at(self.region(place), body.offset(identity(len(shape)), shape, varies))

    def over(self, body: Body, shape: Shape, do: Callable[[], None]) -> None:
        """Do something at every position of a shape."""
        if shape:
            body.around(shape, do)
        else:
            do()

    def move(self, body: Body, step: str) -> None:
        """Work out what scenarios have made of the constants they move, at a step."""
        w, memory = self.writer, self.layout.memory
        row = w.let(f"mul i64 {step}, {2 * len(self.layout.moving)}") if self.layout.moving else "0"
        for at, k in enumerate(self.layout.moving):
            if k not in memory.moving:
                continue
            times = w.load(w.at("%moves", w.plus(row, str(2 * at))), constant=True)
            plus = w.load(w.at("%moves", w.plus(row, str(2 * at + 1))), constant=True)
            self.over(body, self.layout.schedule.program.constants[k].shape, lambda: self.move_one(body, k, times, plus))

    def move_one(self, body: Body, k: int, times: Value, plus: Value) -> None:
        w, frame, memory = self.writer, self.layout.frame, self.layout.memory
        shape, varies = self.layout.schedule.program.constants[k].shape, k in frame.varying
        offset = body.offset(identity(len(shape)), shape, varies)
        start = self.region(memory.constants[k]) if varies else w.at("%shared", str(self.layout.shared[k]))
        width = frame.width if (varies if frame.lanes else bool(shape)) else 1
        value = w.load(w.at(start, offset), width)
        value = w.arithmetic("fadd", w.arithmetic("fmul", value, times), plus)
        w.store(value, w.at(self.region(memory.moving[k]), offset))


class Begin(_Function):
    """Works out the first moment, and what stays the same during a run."""

    def __init__(self, printer: Printer, tables: Tables) -> None:
        super().__init__(printer, tables, "begin")

    def block(self) -> None:
        schedule = self.layout.schedule
        self.copy_constants()
        self.copy_delays()
        start = self.body(schedule.program.start, at_start=True, settled=False)
        self.move(start, "0")
        start.print(schedule.begin, lambda store, value: self.put(start, store, value))
        step = self.body(schedule.step, at_start=False, settled=False)
        step.print(schedule.run, self.refuse)

    def refuse(self, store: Store, value: Value) -> None:
        raise AssertionError(f"nothing is stored once a run, got {store} {value}")

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
        w, frame = self.writer, self.layout.frame
        body = self.body(self.layout.schedule.step, at_start=False, settled=False)
        n_rows = frame.room(shape, varies=False)

        def copy() -> None:
            element = body.offset(identity(len(shape)), shape, varies=False)
            width = frame.width if frame.lanes or shape else 1
            if frame.lanes:
                from_row = w.let(f"mul i64 {w.plus(element, str(row))}, %draws")
                value = w.load(w.at(w.at(source, from_row), "%column"), width)
            else:
                value = w.load(w.at(source, w.plus(element, str(row))), width)
            w.store(value, w.at(self.region(place), body.offset(identity(len(shape)), shape, varies=True)))

        self.over(body, shape, copy)
        return row + n_rows

    def put(self, body: Body, store: Store, value: Value) -> None:
        memory = self.layout.memory
        homes = {"initial": memory.states[0], "frozen": memory.frozen, "memory": memory.memory, "line": memory.line}
        place = homes[store.kind][store.number]
        value = body.wide(self.operations.as_number(value), varies=True)
        self.writer.store(value, self.here(body, place, store.shape))


class Go(_Function):
    """Carries blocks over steps."""

    def __init__(self, printer: Printer, tables: Tables) -> None:
        super().__init__(printer, tables, "go")
        self.steps = self.body(self.layout.schedule.step, at_start=False, settled=True)
        self.dt = literal(self.layout.schedule.program.time.dt)
        self.n_steps = self.layout.schedule.program.time.n_steps
        self.many = self.layout.n_stages > 1

    # The loop over steps ---------------------------------------------------------------------------------------------

    def block(self) -> None:
        w, memory = self.writer, self.layout.memory
        regions = [self.region(min(states.values(), default=0)) for states in memory.states]
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
        self.move(steps, "%step")
        steps.lines = self.read_line
        steps.print(self.layout.schedule.held, self.put)

    def stages(self, middle: str) -> None:
        """Print the loop over the stages of a step, and the step of Euler's method that may take its place."""
        w, steps, n = self.writer, self.steps, self.layout.n_stages
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
        self.onward = self.weight("onward")
        self.share = self.weight("total") if self.layout.needs_total else None
        self.stage("stage_done")
        w.label("stage_done")
        if self.layout.held:
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
        if self.layout.held:
            w.branch(self.overdrawn(), "stage", "step_done")
            arrivals.append(f"[ {n}, %{w.block} ]")
        else:
            w.jump("step_done")
        w.fill(line, f"%stage = phi i64 {', '.join(arrivals)}")
        w.label("step_done")

    def weight(self, name: str) -> Value:
        return self.writer.load(self.writer.at(f"@wm.{name}", "%stage"), constant=True)

    def stage(self, onward: str) -> None:
        """Work out the rates of a stage and, at the start of the step, keep what is wanted of this moment."""
        w, steps = self.writer, self.steps
        if not self.many:
            steps.time = steps.held_time
        known = dict(steps.known)
        steps.print(self.layout.schedule.stage, self.put)
        if self.many:
            w.branch("%is_first", "moment", onward)
            w.label("moment")
        self.save()
        self.finishing = w.block
        w.branch(w.let(f"icmp eq i64 %step, {self.n_steps}"), "stop", onward)
        steps.known = known

    def put(self, store: Store, value: Value) -> None:
        match store.kind:
            case "advance":
                self.advance(store, value)
            case "remember":
                self.put_at_first(self.here(self.steps, self.layout.memory.next_memory[store.number], store.shape), value)
            case "record":
                self.record(store, value)
            case _:
                self.put_out(store, value)

    # States ----------------------------------------------------------------------------------------------------------

    def state(self, region: str, k: int) -> str:
        """Return the address, at the position of the nest, of a state in one of the regions for states."""
        own, shape = self.layout.memory.states[0], self.layout.schedule.program.states[k].shape
        start = self.writer.at(region, str(own[k] - min(own.values())))
        return self.writer.at(start, self.steps.offset(identity(len(shape)), shape, varies=True))

    def width(self, shape: Shape) -> int:
        """Return how many numbers of a state, or of history, are at the position of a nest."""
        frame = self.layout.frame
        return frame.width if frame.lanes or shape else 1

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
        w = self.writer
        onward = w.arithmetic("fmul", self.onward, rate)
        if self.share is None:
            return onward
        total = self.layout.memory.total
        address = self.state(self.region(min(total.values())), store.number)
        so_far = w.load(address, self.width(store.shape))
        part = w.arithmetic("fmul", self.share, rate)
        sum_of_all = w.select(Value("%is_first", 1, True), part, w.arithmetic("fadd", so_far, part))
        w.store(sum_of_all, address)
        is_last = Value(w.let(f"icmp eq i64 %stage, {self.layout.n_stages - 1}"), 1, True)
        return w.select(is_last, sum_of_all, onward)

    def overdrawn(self) -> str:
        """Return whether the step took more from a rationed stock of some column than it held (SEM-43)."""
        w, held = self.writer, self.layout.held
        flag = self.layout.memory.flags
        width = self.layout.frame.width if self.layout.frame.lanes else 1
        w.store(w.splat(literal(0.0), width), self.region(flag))
        ended = self.target_of(self.layout.n_stages - 1)
        for shape, states in self.by_shape(held):
            self.over(self.steps, shape, lambda: self.note_overdrawn(shape, states, ended, flag, width))
        below = w.compare("ogt", w.load(self.region(flag), width), literal(0.0))
        if width == 1:
            return below.text
        return w.let(f"call i1 @llvm.vector.reduce.or.v{width}i1({below.type} {below.text})")

    def note_overdrawn(self, shape: Shape, states: Sequence[int], ended: str, flag: int, width: int) -> None:
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
        return "%other" if stage % 2 else self.region(min(self.layout.memory.states[2].values()))

    def by_shape(self, states: Sequence[int]) -> list[tuple[Shape, list[int]]]:
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
            self.over(self.steps, shape, lambda: self.put_some_in_place(shape, states, euler, below))

    def put_some_in_place(self, shape: Shape, states: Sequence[int], euler: str, below: Value) -> None:
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
            self.over(self.steps, shape, lambda: self.copy_states(shape, states, home))
        w.jump("home")
        w.label("home")

    def copy_states(self, shape: Shape, states: Sequence[int], home: str) -> None:
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
        memory = self.layout.memory
        for k in self.layout.schedule.memories:
            shape = lengths_of(self.layout.schedule.program.memories[k].axes)
            self.over(self.steps, shape, lambda: self.remember_one(shape, memory.next_memory[k], memory.memory[k]))

    def remember_one(self, shape: Shape, source: int, target: int) -> None:
        value = self.writer.load(self.here(self.steps, source, shape), self.width(shape))
        self.writer.store(value, self.here(self.steps, target, shape))

    def ring(self, k: int) -> tuple[str, str, int]:
        """Return where the ring of a line begins, how many places it has, and how many numbers one place."""
        w, at = self.writer, self.layout.schedule.lines.index(k)
        line: Line = self.layout.schedule.program.lines[k]
        start = w.let(f"load i64, ptr {w.at('%rings', str(2 * at))}, align 8")
        places = w.let(f"load i64, ptr {w.at('%rings', str(2 * at + 1))}, align 8")
        return w.at("%context", start), places, self.layout.frame.room(lengths_of(line.axes), varies=True)

    def record(self, store: Store, value: Value) -> None:
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

    # Results ---------------------------------------------------------------------------------------------------------

    def save(self) -> None:
        """Keep what is wanted of this moment, and note the columns that have left the numbers."""
        w, steps, lanes = self.writer, self.steps, self.layout.frame.lanes
        position = w.let(f"load i64, ptr {w.let('getelementptr i64, ptr %saved, i64 %step')}, align 8")
        w.branch(w.let(f"icmp sge i64 {position}, 0"), "save", "saved")
        w.label("save")
        known = dict(steps.known)
        if lanes:
            offset = w.let(f"add i64 {w.let(f'mul i64 {position}, %columns')}, %column")
            w.do("%row_length = mul i64 %moments, %columns")
        else:
            rows = self.layout.saved_rows[-1]
            offset = w.let(f"mul i64 {position}, {rows}")
        w.do(f"%moment_out = getelementptr double, ptr %out, i64 {offset}")
        steps.print(self.layout.schedule.saving, self.put)
        self.note_failures()
        w.jump("saved")
        w.label("saved")
        steps.known = known

    def put_out(self, store: Store, value: Value) -> None:
        w, lanes = self.writer, self.layout.frame.lanes
        one: Saved = self.layout.schedule.saved[store.number]
        value = self.steps.wide(self.operations.as_number(value), varies=True)
        element = self.steps.offset(identity(len(store.shape)), store.shape, varies=False)
        if lanes:
            row = w.plus(element, str(one.row))
            place = "0" if row == "0" else w.let(f"mul i64 {row}, %row_length")
        else:
            place = w.plus(element, str(self.layout.saved_rows[store.number]))
        w.store(value, w.at("%moment_out", place))

    def note_failures(self) -> None:
        """Keep, for each column, the first step at which a state was seen not to be finite."""
        w, layout = self.writer, self.layout
        width = layout.frame.width if layout.frame.lanes else 1
        flag = layout.memory.flags
        w.store(w.splat(literal(0.0), width), self.region(flag))
        for shape, states in self.by_shape(layout.schedule.states):
            self.over(self.steps, shape, lambda: self.note_not_finite(shape, states, flag, width))
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
