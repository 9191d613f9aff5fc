"""Gradients of a kernel: runs that keep what is needed to go back, and the way back, some columns at a time."""

from __future__ import annotations

import math
import os
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import Array, Gradient, Inputs, Loss
from wm2u_sd.backends.loops import Shape
from wm2u_sd.backends.native.back import print_gradient
from wm2u_sd.backends.native.kernel import Compiled, Job, NativeKernel, Wanted, aligned, varying_constants
from wm2u_sd.backends.native.layout import Layout
from wm2u_sd.backends.native.machine import compiled
from wm2u_sd.backends.native.memory import Frame
from wm2u_sd.backends.reversal import Point, reversal
from wm2u_sd.compile.adjoint import Wanted as Bars

RECORD_BYTES = 8_000_000  # records of the columns that a thread goes back over at a time
_ROOM = threading.local()


@dataclass(frozen=True)
class Kind:
    """One kind of result: which values stand in it, row after row.

    Attributes:
        parts: Number, lengths and first row of each.
        rows: How many rows there are.
        written: How many the code writes, with those that fill vectors.
        places: Of the rows among those written.
    """

    parts: tuple[tuple[int, Shape, int], ...]
    rows: int
    written: int
    places: NDArray[np.int64]

    @classmethod
    def of(cls, shapes: Sequence[tuple[int, Shape]], frame: Frame) -> Kind:
        """Lay values out."""
        parts, places, row, written = [], [np.zeros(0, dtype=np.int64)], 0, 0
        for k, shape in shapes:
            parts.append((k, shape, row))
            padded = frame.padded(shape)
            inside = np.arange(math.prod(padded)).reshape(padded)[tuple(slice(n) for n in shape)]
            places.append(inside.reshape(-1) + written)
            row += math.prod(shape)
            written += math.prod(padded)
        return cls(tuple(parts), row, written, np.concatenate(places))


@dataclass(frozen=True)
class GradientCode:
    """Machine code that goes there and back, and what it gives by the names of its parameters."""

    compiled: Compiled
    points: tuple[Point, ...]
    kinds: Mapping[str, Kind]


@dataclass(frozen=True)
class Gradients:
    """Values and gradients of all columns.

    Attributes:
        kernel: What runs.
        inputs: Of all columns.
        save, saved_steps: What the loss is given.
        loss: Number for each column, and its sensitivity to what it was given.
        wanted: What gradients are wanted of.
    """

    kernel: NativeKernel
    inputs: Inputs
    save: tuple[str, ...]
    saved_steps: list[int]
    loss: Loss
    wanted: Bars

    def run(self) -> tuple[Array, Gradient]:
        """Return the values of the loss, and its gradient."""
        values, room = np.empty(self.inputs.n_columns), self.room()
        chunks = list(self.chunks())
        threads = min(self.kernel.threads or os.cpu_count() or 1, len(chunks))
        with ThreadPoolExecutor(threads) if threads > 1 else nullcontext() as pool:
            for columns, own, found in (pool.map if pool else map)(self.chunk, chunks):
                values[columns] = own
                for name, array in room.items():
                    array[..., columns] = found[name]
        return values, self.gradient(room)

    @cached_property
    def code(self) -> GradientCode:
        """Machine code that goes there and back."""
        kernel, inputs = self.kernel, self.inputs
        lanes = Frame(kernel.lanes, True, varying_constants(inputs))
        frame = lanes if inputs.n_draws > 1 else Frame(kernel.neighbours, lanes=False)
        sizes = kernel.sizes(inputs)
        key = (self.save, frame, sizes, self.wanted.constants, tuple(self.wanted.tables))
        if key not in kernel.known_gradients:
            kernel.known_gradients[key] = self.compile(frame, sizes)
        found: GradientCode = kernel.known_gradients[key]
        return found

    def compile(self, frame: Frame, sizes: tuple[int, ...]) -> GradientCode:
        """Compile what goes there and back."""
        kernel, program = self.kernel, self.kernel.program
        back = reversal(kernel.schedule(Wanted(self.save)), self.wanted)
        layout = Layout(back.forward, frame, sizes, back)
        shapes: dict[str, list[tuple[int, Shape]]] = {
            "to_constants": [(k, program.constants[k].shape) for k in sorted(self.wanted.constants)],
            "to_initial": [(k, program.states[k].shape) for k in layout.schedule.states],
            "to_moving": [(k, program.constants[k].shape) for k in layout.schedule.moving],
            "to_points": [(at, ()) for at in range(len(back.points))],
        }
        kinds = {name: Kind.of(listed, frame) for name, listed in shapes.items()}
        return GradientCode(Compiled(layout, compiled(print_gradient(layout, back))), back.points, kinds)

    @cached_property
    def stretches(self) -> list[tuple[int, int]]:
        """The steps, cut where those of one block would take too much room: of other stretches only the start is kept.

        What comes out of lines and memories is not worked out twice.
        """
        layout, n = self.code.compiled.layout, self.kernel.program.time.n_steps + 1
        fits = 8 * layout.record.size * n <= RECORD_BYTES
        length = n if fits or layout.schedule.lines or layout.schedule.memories else math.isqrt(n - 1) + 1
        return [(first, min(first + length, n)) for first in range(0, n, length)]

    def chunks(self) -> Iterator[slice]:
        """Cut the draws into as many as records are kept of at a time."""
        layout = self.code.compiled.layout
        width = layout.frame.width if layout.frame.lanes else 1
        block = 8 * layout.record.size * self.stretches[0][1]
        size = max(1, RECORD_BYTES // block) * width
        for first in range(0, self.inputs.n_draws, size):
            yield slice(first, min(first + size, self.inputs.n_draws))

    def chunk(self, draws: slice) -> tuple[NDArray[np.int64], Array, dict[str, Array]]:
        """Go there and back for some draws; returns the numbers of their columns with what was found."""
        if draws == slice(0, self.inputs.n_draws):
            return self.at_once.run()
        return self.ready(draws).run()

    @cached_property
    def at_once(self) -> _ThereAndBack:
        """All draws made ready, to be gone over again and again."""
        return self.ready(slice(0, self.inputs.n_draws))

    def ready(self, draws: slice) -> _ThereAndBack:
        """Make some draws ready."""
        constants = [value if value.shape[-1] == 1 else value[..., draws] for value in self.inputs.constants]
        inputs = replace(self.inputs, constants=constants, n_draws=draws.stop - draws.start)
        columns = np.concatenate(
            [np.arange(draws.start, draws.stop) + s * self.inputs.n_draws for s in range(inputs.n_scenarios)]
        )
        return _ThereAndBack(self, Job(self.kernel, self.code.compiled, inputs, self.saved_steps), columns)

    # Results ---------------------------------------------------------------------------------------------------------

    def room(self) -> dict[str, Array]:
        """Return room for all columns."""
        n, steps = self.inputs.n_columns, self.kernel.program.time.n_steps + 1
        rows = {name: kind.rows for name, kind in self.code.kinds.items()}
        return {k: np.empty((steps, size, n) if k == "to_moving" else (size, n)) for k, size in rows.items()}

    def gradient(self, room: Mapping[str, Array]) -> Gradient:
        """Return results by what they are of."""
        parts = {name: self.cut(name, array) for name, array in room.items()}
        constants = parts["to_constants"]
        for k, bars in parts["to_moving"].items():
            if k in constants:
                constants[k] = constants[k] + self.before_moves(k, bars)
        return Gradient(constants, parts["to_initial"], parts["to_moving"], self.of_points(room["to_points"]))

    def cut(self, name: str, array: Array) -> dict[int, Array]:
        """Cut rows into the values they hold."""
        return {
            k: array[..., row : row + math.prod(shape), :].reshape(*array.shape[:-2], *shape, array.shape[-1])
            for k, shape, row in self.code.kinds[name].parts
        }

    def before_moves(self, k: int, bars: Array) -> Array:
        """Return the bar of a constant before scenarios move it."""
        if k not in self.inputs.moves:
            whole: Array = bars.sum(axis=0)
            return whole
        times = np.repeat(self.inputs.moves[k].times, self.inputs.n_draws, axis=1)
        by = times.reshape(len(times), *(1,) * (bars.ndim - 2), times.shape[-1])
        moved: Array = (bars * by).sum(axis=0)
        return moved

    def of_points(self, array: Array) -> dict[int, tuple[Array, Array]]:
        """Return the bars of points by lookup."""
        found = {
            k: (np.zeros((n, array.shape[-1])), np.zeros((n, array.shape[-1]))) for k, n in self.wanted.tables.items()
        }
        for row, (table, coordinate, point) in enumerate(self.code.points):
            found[table][coordinate][point] = array[row]
        return found


class _ThereAndBack:
    """Some columns, ready to go there and back."""

    def __init__(self, whole: Gradients, job: Job, columns: NDArray[np.int64]) -> None:
        self.whole, self.job, self.columns = whole, job, columns
        self.steps = job.kernel.program.time.n_steps + 1
        self.bars = np.zeros_like(job.out)
        self.room = {
            name: self.results(kind.written * (self.steps if name == "to_moving" else 1))
            for name, kind in whole.code.kinds.items()
        }
        self.records: list[Array] = []
        self.contexts = [aligned(job.n_blocks * job.context_size) for _ in range(job.inputs.n_scenarios)]
        job.more = self.arrays

    def run(self) -> tuple[NDArray[np.int64], Array, dict[str, Array]]:
        job, scenarios = self.job, range(len(self.contexts))
        _, longest = self.whole.stretches[0]
        self.records = _records(len(scenarios), job.n_blocks * longest * job.layout.record.size)
        starts = [self.forth(s) for s in scenarios]
        values, bars = self.whole.loss(job.results, self.columns)
        self.take_in(bars)
        for s in scenarios:
            self.back(s, starts[s])
        found = {name: self.result(name) for name in self.room}
        return self.columns, np.broadcast_to(values, job.inputs.n_columns), found

    def forth(self, scenario: int) -> list[Array]:
        """Run a scenario; return the states at the start of each stretch but the last, whose record is there."""
        context = self.contexts[scenario]
        context.fill(0.0)
        self.job.call(self.job.code.begin, scenario, context, 0, self.job.n_blocks, 0, 0)
        starts = []
        for stretch in self.whole.stretches:
            starts.append(self.states(scenario).copy())
            self.over(self.job.code.go, scenario, stretch)
        return starts[:-1]

    def back(self, scenario: int, starts: list[Array]) -> None:
        """Go back over a scenario, stretch by stretch; those that left no record are run again."""
        *earlier, last = self.whole.stretches
        self.over(self.job.code.back, scenario, last)
        for stretch in reversed(earlier):
            self.states(scenario)[:] = starts.pop()
            self.over(self.job.code.go, scenario, stretch)
            self.over(self.job.code.back, scenario, stretch)

    def over(self, function: Callable[..., None], scenario: int, stretch: tuple[int, int]) -> None:
        """Call a function for a stretch."""
        context, records = self.contexts[scenario], self.records[scenario]
        self.job.call(function, scenario, context, 0, self.job.n_blocks, *stretch, records, skipped=stretch[0])

    def states(self, scenario: int) -> Array:
        """Return the states of every block as they stand at the start of a stretch."""
        memory = self.job.layout.memory
        blocks = self.contexts[scenario].reshape(self.job.n_blocks, -1)
        return blocks[:, memory.regions[0] : memory.regions[0] + memory.region_size]

    def results(self, rows: int) -> Array:
        shape = (rows, self.job.n_columns) if self.job.lanes else (self.job.n_columns, rows)
        return np.zeros(shape)

    def arrays(self, scenario: int) -> dict[str, Array]:
        shift = scenario * self.job.n_draws
        bars = self.bars[:, :, shift:] if self.job.lanes else self.bars[shift:]
        room = {name: array[:, shift:] if self.job.lanes else array[shift:] for name, array in self.room.items()}
        return {"bars": bars, **room}

    def take_in(self, bars: Mapping[str, Array]) -> None:
        """Put the sensitivities that the loss gave where the code reads them."""
        job = self.job
        self.bars.fill(0.0)
        for at, one in enumerate(job.layout.schedule.saved):
            if one.name in bars:
                shape = job.results[one.name].shape
                given = np.broadcast_to(np.asarray(bars[one.name], float), shape)
                target = job.result(at, one, self.bars)
                if target.shape[-1] == given.shape[-1]:
                    target[...] = given
                else:
                    n, wide = job.inputs.n_draws, job.n_draws
                    for s in range(job.inputs.n_scenarios):
                        target[..., s * wide : s * wide + n] = given[..., s * n : (s + 1) * n]

    def result(self, name: str) -> Array:
        """Return a kind of result without what only filled vectors."""
        job, array, kind = self.job, self.room[name], self.whole.code.kinds[name]
        whole = job.wanted(array) if job.lanes else array.T
        if name == "to_moving":
            whole = whole.reshape(self.steps, kind.written, whole.shape[-1])
        return whole if kind.written == kind.rows else whole[..., kind.places, :]


def _records(n: int, size: int) -> list[Array]:
    """Return room for records, what this thread had before where it is enough: memory is slow to touch at first."""
    room = getattr(_ROOM, "records", None)
    if room is None or len(room) < n * size:
        room = _ROOM.records = aligned(n * size)
    return [room[at * size : (at + 1) * size] for at in range(n)]
