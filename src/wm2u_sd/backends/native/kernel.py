"""A program as machine code: eight columns in a vector, blocks of columns over threads."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from wm2u_sd.backends.base import AbstractKernel, Array, Gradient, Inputs, Loss, Moment, Steps
from wm2u_sd.backends.loops import lengths, lengths_of
from wm2u_sd.backends.native.clock import clocked
from wm2u_sd.backends.native.function import COUNTS, POINTERS
from wm2u_sd.backends.native.layout import Layout
from wm2u_sd.backends.native.machine import Machine, compiled
from wm2u_sd.backends.native.memory import Frame
from wm2u_sd.backends.native.printer import print_run, print_start
from wm2u_sd.backends.native.tables import pack, sizes_of
from wm2u_sd.backends.native.tick import MOMENTS
from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.backends.schedule import RATE, Saved, Schedule, schedule, schedule_start
from wm2u_sd.compile.integrators import TABLEAUX
from wm2u_sd.compile.program import Program

if TYPE_CHECKING:
    from wm2u_sd.backends.native.gradient import Gradients
    from wm2u_sd.compile.adjoint import Wanted as By

LANES = 8
CONTEXT_BYTES = 256_000  # contexts that are carried in one call stay in the processor's second cache
ALIGNMENT = 64
CONTEXTS, RECORDS = POINTERS.index("contexts"), POINTERS.index("records")
NOTHING = np.zeros(0)


@dataclass(frozen=True)
class Compiled:
    """Machine code for one layout."""

    layout: Layout
    machine: Machine

    @cached_property
    def begin(self) -> Callable[..., None]:
        """Works out the first moment of some blocks."""
        return self.function("begin")

    @cached_property
    def go(self) -> Callable[..., None]:
        """Carries some blocks over some steps."""
        return self.function("go")

    @cached_property
    def tick(self) -> Callable[..., None]:
        """Works out what depends on the clock alone."""
        return self.function("tick")

    @cached_property
    def back(self) -> Callable[..., None]:
        """Goes back over all steps of some blocks."""
        return self.function("back")

    @cached_property
    def look(self) -> Callable[..., None]:
        """Works out rates and values at the first moment of some blocks."""
        return self.function("look")

    def function(self, name: str) -> Callable[..., None]:
        """Return one of the functions above."""
        return self.machine.function(name, *[ctypes.c_void_p] * len(POINTERS), *[ctypes.c_int64] * len(COUNTS))


class Wanted(NamedTuple):
    """What is to be kept: names, of every kept moment or of the first."""

    names: tuple[str, ...]
    at_start: bool = False


class NativeKernel(AbstractKernel):
    """Runs a program as machine code, compiled when first needed for what is to be kept.

    Attributes:
        threads: How many threads share the columns; None takes one for every processor.
        lanes: How many columns stand side by side in a vector, a power of two.
    """

    columns_at_once = 100_000
    spreads = True

    def __init__(self, program: Program) -> None:
        self.program = program
        self.threads: int | None = None
        self.lanes = LANES
        self.oracle = NumpyKernel(program)
        self.known: dict[Any, Compiled] = {}
        self.known_gradients: dict[Any, Any] = {}
        self.schedules: dict[Wanted, Schedule] = {}

    def run(self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int]) -> tuple[dict[str, Array], Steps]:
        """Run every column from start to end."""
        return self.job(inputs, save, saved_steps).run()

    def at_start(self, inputs: Inputs, state: Array | None = None, names: Sequence[str] | None = None) -> Moment:
        """Evaluate the first moment."""
        if names is None:
            names = [*(slot.name for slot in self.program.states), *self.program.step.values]
        frame = Frame(self.lanes, lanes=True, varying=varying_constants(inputs))
        code = self.code(Wanted(tuple(names), at_start=True), frame, self.sizes(inputs))
        return FirstMoment(Job(self, code, inputs, [0]), state, names).moment()

    def job(self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int]) -> Job:
        """Return a run made ready: what it needs is compiled, and its inputs stand in memory."""
        lanes = inputs.n_draws > 1
        frame = Frame(self.lanes, True, varying_constants(inputs)) if lanes else Frame(self.neighbours, lanes=False)
        return Job(self, self.code(Wanted(tuple(save)), frame, self.sizes(inputs)), inputs, saved_steps)

    def sizes(self, inputs: Inputs) -> tuple[int, ...]:
        """Return the number of points of each lookup."""
        return sizes_of(self.program.tables, {k: len(x) for k, (x, _) in inputs.tables.items()})

    def code(self, wanted: Wanted, frame: Frame, sizes: tuple[int, ...]) -> Compiled:
        """Return machine code, compiled once."""
        key = (wanted, frame, sizes)
        if key not in self.known:
            self.known[key] = self.compile(wanted, frame, sizes)
        return self.known[key]

    def compile(self, wanted: Wanted, frame: Frame, sizes: tuple[int, ...]) -> Compiled:
        """Print and compile what is wanted."""
        schedule = self.schedule(wanted)
        if wanted.at_start:
            layout = Layout(schedule, frame, sizes)
            return Compiled(layout, compiled(print_start(layout)))
        rest, tick = clocked(schedule, frame)
        layout = Layout(rest, frame, sizes, tick=tick)
        return Compiled(layout, compiled(print_run(layout)))

    def value_and_gradient(
        self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int], loss: Loss, wanted: By
    ) -> tuple[Array, Gradient]:
        """Run every column and go back over it."""
        return self.gradients(inputs, save, saved_steps, loss, wanted).run()

    def gradients(
        self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int], loss: Loss, wanted: By
    ) -> Gradients:
        """Return what goes there and back, made ready to do so again and again."""
        from wm2u_sd.backends.native.gradient import Gradients

        return Gradients(self, inputs, tuple(save), list(saved_steps), loss, wanted)

    def schedule(self, wanted: Wanted) -> Schedule:
        """Return the program laid out for what is wanted of it."""
        if wanted not in self.schedules:
            lay_out = schedule_start if wanted.at_start else schedule
            self.schedules[wanted] = lay_out(self.program, wanted.names)
        return self.schedules[wanted]

    @cached_property
    def own_tables(self) -> Array:
        """The points of the program's own lookups, as they stand in memory."""
        return pack([(np.asarray(table.x), np.asarray(table.y)) for table in self.program.tables])

    @cached_property
    def clock(self) -> Array:
        """Time at every stage of every step, and below it that at which the step began; filled up to whole vectors."""
        tableau, held = TABLEAUX[self.program.time.method], self.times
        stages = np.array(tableau.c) * self.program.time.dt
        both = np.stack([(held[:, np.newaxis] + stages).reshape(-1), np.repeat(held, len(stages))])
        return np.pad(both, ((0, 0), (0, -both.shape[1] % MOMENTS)), mode="edge")

    @cached_property
    def times(self) -> Array:
        """Time at the start of each step."""
        time = self.program.time
        return np.array([time.at(step) for step in range(time.n_steps + 1)])

    @cached_property
    def neighbours(self) -> int:
        """How many neighbours along the last axis a vector holds when there is one column: few if that wastes less."""
        last = [shape[-1] for shape in map(lengths, self.program.step.instructions) if shape]
        if not last or max(last) == 1:
            return 1
        return min((8, 4, 2), key=lambda width: (sum(-(-n // width) * (width + 3) for n in last), -width))


def varying_constants(inputs: Inputs) -> frozenset[int]:
    """Return the numbers of the constants that differ between columns."""
    return frozenset(k for k, value in enumerate(inputs.constants) if value.shape[-1] > 1)


def _nothing_more(scenario: int) -> dict[str, Array]:
    return {}


class Job:
    """One run of a kernel: inputs as the machine code reads them, and room for results.

    Attributes:
        more: Gives further arrays that the code is to read and write in a scenario, by the name of its parameter.
    """

    more: Callable[[int], dict[str, Array]] = staticmethod(_nothing_more)

    def __init__(self, kernel: NativeKernel, code: Compiled, inputs: Inputs, saved_steps: Sequence[int]) -> None:
        self.kernel, self.code, self.inputs, self.layout = kernel, code, inputs, code.layout
        self.frame, self.lanes = code.layout.frame, code.layout.frame.lanes
        self.n_draws = max(inputs.n_draws, self.frame.width) if self.lanes else inputs.n_draws
        self.n_columns = self.n_draws * inputs.n_scenarios
        self.n_blocks = -(-self.n_draws // self.frame.width) if self.lanes else 1
        self.saved_steps = list(saved_steps)
        n_steps = kernel.program.time.n_steps
        self.delays, rings, self.context_size = self.history()
        position = np.full(n_steps + 1, -1, dtype=np.int64)
        position[self.saved_steps] = np.arange(len(self.saved_steps))
        shape = (self.layout.schedule.n_rows, len(self.saved_steps), self.n_columns)
        rows = self.layout.saved_rows[-1]
        self.out = np.empty(shape if self.lanes else (self.n_columns, len(self.saved_steps), rows))
        self.failed = np.full(self.n_columns, -1.0)
        self.moves = self.packed_moves(n_steps)
        self.arrays = {
            "constants": self.packed_constants(),
            "shared": self.packed_shared(),
            "tables": self.packed_tables(),
            "times": kernel.times,
            "rings": rings,
            "saved": position,
            "clock": kernel.clock if self.layout.clocked else NOTHING,
            "clocked": np.empty(len(self.layout.clocked) * kernel.clock.shape[1]) if self.layout.clocked else NOTHING,
        }

    # Inputs ----------------------------------------------------------------------------------------------------------

    def columns(self, value: Array, n: int) -> Array:
        """Return a value as (elements, n columns); columns that are wanting repeat the last."""
        flat = np.asarray(value, dtype=np.float64).reshape(-1, value.shape[-1])
        if flat.shape[-1] == n:
            return flat
        if flat.shape[-1] == 1:
            return np.repeat(flat, n, axis=-1)
        return np.concatenate([flat, np.repeat(flat[:, -1:], n - flat.shape[-1], axis=-1)], axis=-1)

    def packed_constants(self) -> Array:
        """Return the varying constants, (elements, draws)."""
        parts = [self.columns(self.inputs.constants[k], self.n_draws) for k in self.layout.varying]
        return np.ascontiguousarray(np.concatenate(parts)) if parts else np.zeros((1, 1))

    def packed_shared(self) -> Array:
        """Return the constants that do not vary, one after the other."""
        constants = self.inputs.constants
        parts = [
            constants[k][:1] if constants[k].ndim == 1 else self.side_by_side(constants[k][..., 0])
            for k in self.layout.shared
        ]
        return np.concatenate([*parts, np.zeros(ALIGNMENT)])

    def side_by_side(self, value: Array) -> Array:
        """Return the elements of a value as they stand in memory, with the last repeated to fill the last vector."""
        wanting = self.frame.padded(value.shape)[-1] - value.shape[-1] if value.shape else 0
        if wanting:
            value = np.concatenate([value, np.repeat(value[..., -1:], wanting, axis=-1)], axis=-1)
        return value.reshape(-1)

    def packed_tables(self) -> Array:
        """Return the points of lookups, some of them the scenario's own."""
        if not self.inputs.tables:
            return self.kernel.own_tables
        own = [(np.asarray(table.x), np.asarray(table.y)) for table in self.kernel.program.tables]
        return pack([self.inputs.tables.get(k, points) for k, points in enumerate(own)])

    def packed_moves(self, n_steps: int) -> Array:
        """Return what scenarios do, (scenario, step, moving constant, 2): multiply by the first and add the second."""
        moves = np.empty((self.inputs.n_scenarios, n_steps + 1, len(self.layout.schedule.moving), 2))
        moves[..., 0], moves[..., 1] = 1.0, 0.0
        for at, k in enumerate(self.layout.schedule.moving):
            if k in self.inputs.moves:
                move = self.inputs.moves[k]
                moves[:, :, at, 0], moves[:, :, at, 1] = move.times.T, move.plus.T
        return moves

    def history(self) -> tuple[Array, Steps, int]:
        """Return the delays of lines in steps, the beginning and the places of each ring, and the size of a context."""
        size, lines = self.layout.context_size, self.layout.schedule.lines
        rings: list[int] = []
        rows: list[Array] = []
        copies = 1 if self.layout.reversal is None else 2  # one of the values, and one of their bars behind it
        found = self.kernel.oracle.delays(self.inputs, lines) if lines else {}
        for k in lines:
            shape = lengths_of(self.kernel.program.lines[k].axes)
            places = int(found[k].max(initial=1)) + 1
            rings += [size, places]
            size += -(-places * self.frame.room(shape, varies=True) * copies // 8) * 8
            rows.append(found[k].astype(float))
        return self.packed_delays(rows), np.array([*rings, 0], dtype=np.int64), size

    def packed_delays(self, rows: Sequence[Array]) -> Array:
        """Return delays for every scenario, as the code copies them into contexts."""
        n, wanted = self.inputs.n_draws, self.inputs.n_scenarios
        parts = []
        for scenario in range(wanted):
            own = [row[..., scenario * n : (scenario + 1) * n] for row in rows]
            if self.lanes:
                parts.append(np.concatenate([self.columns(row, self.n_draws) for row in own] or [np.zeros((1, 1))]))
            else:
                parts.append(np.concatenate([*(self.side_by_side(row[..., 0]) for row in own), np.zeros(1)]))
        return np.ascontiguousarray(np.stack(parts))

    # Running ---------------------------------------------------------------------------------------------------------

    def run(self) -> tuple[dict[str, Array], Steps]:
        """Run every column. Results stand in memory of the job: another run writes over them."""
        self.failed[:] = -1.0
        pieces = self.pieces
        threads = min(self.kernel.threads or os.cpu_count() or 1, len(pieces))
        ahead, *others = pieces
        if threads > 1:
            self.tick()
            with ThreadPoolExecutor(threads) as pool:
                for done in [pool.submit(self.carry, *piece) for piece in pieces]:
                    done.result()
        else:
            self.carry(*ahead, ticks=True)
            for piece in others:
                self.carry(*piece)
        if self.parting:
            self.share_past()
        return self.results, self.wanted(self.failed).astype(np.int64)

    @cached_property
    def parting(self) -> int:
        """Number of steps that one scenario is run for all."""
        several = self.inputs.n_scenarios > 1
        return max(0, min(self.inputs.parting, self.kernel.program.time.n_steps + 1)) if several else 0

    @cached_property
    def pieces(self) -> list[tuple[int, int]]:
        """The blocks, cut into pieces whose contexts stay in the processor's caches."""
        size = max(1, min(self.n_blocks, CONTEXT_BYTES // (8 * self.context_size)))
        return [(first, min(first + size, self.n_blocks)) for first in range(0, self.n_blocks, size)]

    def tick(self) -> None:
        """Work out what depends on the clock alone."""
        if self.layout.clocked:
            context = aligned(self.context_size)
            self.call(self.code.begin, 0, context, 0, 1, 0, 0)
            self.call(self.code.tick, 0, context, 0, 1, 0, 0)

    def carry(self, first: int, last: int, *, ticks: bool = False) -> None:
        """Run some blocks, scenario by scenario; what scenarios share is run once.

        With `ticks` it works out what depends on the clock alone as soon as it has begun.
        """
        contexts = aligned((last - first) * self.context_size)
        end = self.kernel.program.time.n_steps + 1
        if self.parting:
            self.call(self.code.begin, 0, contexts, first, last, 0, 0)
            if ticks and self.layout.clocked:
                self.call(self.code.tick, 0, contexts, first, last, 0, 0)
            self.call(self.code.go, 0, contexts, first, last, 0, self.parting)
            at_parting = contexts.copy()
            for scenario in range(self.inputs.n_scenarios if self.parting < end else 0):
                contexts[:] = at_parting
                self.call(self.code.go, scenario, contexts, first, last, self.parting, end)
        else:
            for scenario in range(self.inputs.n_scenarios):
                self.call(self.code.begin, scenario, contexts, first, last, 0, 0)
                if ticks and not scenario and self.layout.clocked:
                    self.call(self.code.tick, 0, contexts, first, last, 0, 0)
                self.call(self.code.go, scenario, contexts, first, last, 0, end)

    def call(
        self,
        function: Callable[..., None],
        scenario: int,
        contexts: Array,
        first: int,
        last: int,
        step: int,
        end: int,
        records: Array = NOTHING,
        skipped: int = 0,
    ) -> None:
        """Call machine code on some blocks of a scenario, for the steps from `step` to before `end`.

        `records` begin with that of the step `skipped`.
        """
        pointers = list(self.pointers[scenario])
        before = records.itemsize * skipped * self.layout.record.size if skipped else 0
        pointers[CONTEXTS], pointers[RECORDS] = contexts.ctypes.data, records.ctypes.data - before
        counts = (self.n_draws, self.n_columns, len(self.saved_steps), first, last, step, end, self.context_size)
        function(*pointers, *counts, len(records) // (last - first), self.arrays["clock"].shape[-1])

    @cached_property
    def pointers(self) -> list[list[int]]:
        """For each scenario the addresses of what the code reads and writes, in the order of its parameters."""
        found = []
        for scenario in range(self.inputs.n_scenarios):
            shift = scenario * self.n_draws
            out = self.out[:, :, shift:] if self.lanes else self.out[shift:]
            own = {"moves": self.moves[scenario], "delays": self.delays[scenario], "failed": self.failed[shift:]}
            arrays = {**self.arrays, **own, "out": out, **self.more(scenario)}
            found.append([arrays[name].ctypes.data if name in arrays else 0 for name in POINTERS])
        return found

    # Results ---------------------------------------------------------------------------------------------------------

    def share_past(self) -> None:
        """Give every scenario what was run once for all of them."""
        n, before = self.n_draws, sum(step < self.parting for step in self.saved_steps)
        for scenario in range(1, self.inputs.n_scenarios):
            own = slice(scenario * n, (scenario + 1) * n)
            if self.lanes:
                self.out[:, :before, own] = self.out[:, :before, :n]
            else:
                self.out[own, :before] = self.out[:n, :before]
            early = (self.failed[:n] >= 0) & (self.failed[:n] < self.parting)
            self.failed[own][early] = self.failed[:n][early]

    @cached_property
    def results(self) -> dict[str, Array]:
        """What is kept, by name."""
        saved = enumerate(self.layout.schedule.saved)
        return {one.name: self.wanted(self.result(at, one, self.out)) for at, one in saved}

    def result(self, at: int, one: Saved, out: Array) -> Array:
        """Return one kept value as (*axes, moment, column), from an array as the code writes and reads them."""
        rows, moments = self.layout.saved_rows, len(self.saved_steps)
        if self.lanes:
            size = int(np.prod(one.shape, dtype=int))
            return out[one.row : one.row + size].reshape(*one.shape, moments, self.n_columns)
        padded = self.frame.padded(one.shape)
        if not one.shape:
            return out[..., rows[at]].T
        whole = out[..., rows[at] : rows[at + 1]].reshape(self.n_columns, moments, *padded)
        return np.moveaxis(whole[..., : one.shape[-1]], (1, 0), (-2, -1))

    def wanted(self, value: Array) -> Array:
        """Leave out the columns that only filled the last vector."""
        if self.n_draws == self.inputs.n_draws:
            return value
        apart = value.reshape(*value.shape[:-1], self.inputs.n_scenarios, self.n_draws)[..., : self.inputs.n_draws]
        return apart.reshape(*value.shape[:-1], self.inputs.n_columns)


@dataclass
class FirstMoment:
    """A look at the first moment.

    Attributes:
        job: Ready to begin.
        state: The first rows of a state that takes the place of the program's own.
        names: What is wanted.
    """

    job: Job
    state: Array | None
    names: Sequence[str]

    def moment(self) -> Moment:
        """Return rates and values."""
        job, program = self.job, self.job.kernel.program
        shape = (program.n_rows, job.inputs.n_columns)
        state, rates = np.full(shape, np.nan), np.full(shape, np.nan)
        for scenario in range(job.inputs.n_scenarios):
            for first, last in job.pieces:
                self.look(scenario, first, last, state)
        wanted = set(self.names)
        for slot in program.states:
            if slot.name in wanted:
                rates[slot.rows] = job.results[RATE + slot.name].reshape(-1, job.inputs.n_columns)
        values = {name: job.results[name][..., 0, :] for name in self.names if name in program.step.values}
        return Moment(state, rates, values)

    def look(self, scenario: int, first: int, last: int, state: Array) -> None:
        """Work out some blocks of a scenario, and copy their states."""
        job = self.job
        contexts = aligned((last - first) * job.context_size)
        job.call(job.code.begin, scenario, contexts, first, last, 0, 0)
        width, n = job.frame.width, job.inputs.n_draws
        blocks = contexts.reshape(last - first, job.context_size)
        columns = np.minimum(np.arange(first, last) * width, job.n_draws - width)[:, None] + np.arange(width)
        columns = np.minimum(columns, n - 1) + scenario * n
        memory = job.layout.memory
        for k, offset in memory.states.items():
            place = memory.regions[0] + offset
            slot = job.kernel.program.states[k]
            size = slot.last - slot.first
            own = blocks[:, place : place + size * width].reshape(last - first, size, width)
            if self.state is not None and slot.last <= len(self.state):
                own[:] = np.moveaxis(self.state[slot.rows][:, columns], 0, 1)
            state[slot.rows][:, columns] = np.moveaxis(own, 1, 0)
        job.call(job.code.look, scenario, contexts, first, last, 0, 0)


def aligned(size: int) -> Array:
    """Return zeros that begin at a line of the processor's cache."""
    room = np.zeros(size + ALIGNMENT // 8)
    start = -room.ctypes.data % ALIGNMENT // 8
    return room[start : start + size]
