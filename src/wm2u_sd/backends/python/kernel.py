"""Runs programs as plain Python source, one column after the other."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from wm2u_sd.backends.base import AbstractKernel, Array, Inputs, Moment, Steps
from wm2u_sd.backends.python.arithmetic import Curve, curve_through, namespace
from wm2u_sd.backends.python.layout import Layout
from wm2u_sd.backends.python.printer import print_module
from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.backends.schedule import schedule
from wm2u_sd.compile.program import Program

Go = Callable[["Column", int, int], int]
"""Carries a column over the steps from one up to and not with another; returns the step it came to."""


@dataclass
class Column:
    """One run on its way: what printed functions read and write. Values that have axes are lists in lists.

    Attributes:
        constants: Those that something reads, in order, before scenarios have moved them.
        moves: For each of these that scenarios may move, for each step what it is multiplied by and what is added.
        curves: Lookups.
        delays: Of lines, in steps.
        rings: What went into lines.
        times: Time at the start of each step.
        saved: For each step its position among the kept moments, -1 when it is not kept.
        out: What is kept, by position.
        states, frozen, remembered, befores: What the first moment gives; states and what is remembered move on.
        settled: What stays the same during the run.
        failed: First kept step at which a state was not finite, -1 when there is none.
    """

    constants: list[Any]
    moves: list[tuple[list[float], list[float]]]
    curves: list[Curve]
    delays: list[Any]
    rings: list[list[Any]]
    times: list[float]
    saved: list[int]
    out: list[list[Any]]
    states: tuple[Any, ...] = ()
    frozen: tuple[Any, ...] = ()
    remembered: tuple[Any, ...] = ()
    befores: tuple[Any, ...] = ()
    settled: tuple[Any, ...] = ()
    failed: int = -1

    def parted(self, moves: list[tuple[list[float], list[float]]]) -> Column:
        """Return a column with the same past that a scenario moves in its own way."""
        moving = ("rings", "out", "states", "remembered")
        return replace(self, moves=moves, **{name: copy.deepcopy(getattr(self, name)) for name in moving})


@dataclass(frozen=True)
class Compiled:
    """Functions printed for what is kept."""

    layout: Layout
    source: str
    begin: Callable[[Column], None]
    settle: Callable[[Column], None]
    go: Go
    go_guarded: Go

    def carry(self, column: Column, step: int, stop: int) -> None:
        """Carry a column over steps, guarded where plain arithmetic raises: for longer, the more often it does."""
        guarded_steps = 1
        while step < stop:
            step = self.go(column, step, stop)
            if step < stop:
                step = self.go_guarded(column, step, min(step + guarded_steps, stop))
                guarded_steps *= 2


def compile_layout(layout: Layout) -> Compiled:
    """Print a layout and compile what was printed."""
    source, taken = print_module(layout)
    names = namespace() | taken
    exec(compile(source, "<printed by wm2u_sd>", "exec"), names)  # noqa: S102 -- our own print; no text of a model is in it
    return Compiled(layout, source, *(names[name] for name in ("begin", "settle", "go", "go_guarded")))


class PythonKernel(AbstractKernel):
    """Runs a program as Python, printed when first needed for what is to be kept."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.oracle = NumpyKernel(program)
        self.known: dict[tuple[str, ...], Compiled] = {}

    def run(self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int]) -> tuple[dict[str, Array], Steps]:
        """Run every column from start to end, one after the other."""
        return Job(self, self.code(tuple(save)), inputs, saved_steps).run()

    def at_start(self, inputs: Inputs, state: Array | None = None, names: Sequence[str] | None = None) -> Moment:
        """Evaluate the first moment."""
        return self.oracle.at_start(inputs, state, names)

    def source(self, save: Sequence[str]) -> str:
        """Return the Python that runs the program and keeps some names."""
        return self.code(tuple(save)).source

    def code(self, save: tuple[str, ...]) -> Compiled:
        """Return the functions that keep some names, compiled once."""
        if save not in self.known:
            self.known[save] = compile_layout(Layout(schedule(self.program, save)))
        return self.known[save]

    @cached_property
    def times(self) -> list[float]:
        """Time at the start of each step."""
        time = self.program.time
        return [time.at(step) for step in range(time.n_steps + 1)]


class Job:
    """One run of a kernel."""

    def __init__(self, kernel: PythonKernel, code: Compiled, inputs: Inputs, saved_steps: Sequence[int]) -> None:
        self.kernel, self.code, self.layout, self.inputs = kernel, code, code.layout, inputs
        self.n_moments, self.end = len(saved_steps), len(kernel.times)
        self.saved = [-1] * self.end
        for position, step in enumerate(saved_steps):
            self.saved[step] = position
        lines = self.layout.schedule.lines
        self.delays = kernel.oracle.delays(inputs, lines) if lines else {}
        self.moves = [self.moves_of(scenario) for scenario in range(inputs.n_scenarios)]

    def run(self) -> tuple[dict[str, Array], Steps]:
        """Run every column."""
        inputs, saved = self.inputs, self.layout.schedule.saved
        kept = {one.name: np.empty((*one.shape, self.n_moments, inputs.n_columns)) for one in saved}
        failed: Steps = np.full(inputs.n_columns, -1, dtype=np.int64)
        for draw in range(inputs.n_draws):
            for scenario, column in enumerate(self.carried(draw)):
                at = scenario * inputs.n_draws + draw
                failed[at] = column.failed
                for one, values in zip(saved, column.out, strict=True):
                    kept[one.name][..., at] = np.moveaxis(np.array(values), 0, -1)
        return kept, failed

    def carried(self, draw: int) -> Iterator[Column]:
        """Return the columns of a draw at their ends; scenarios that are alike go as one until they part."""
        parting = min(self.inputs.parting, self.end) if self.inputs.n_scenarios > 1 else 0
        trunk = self.begun(0, draw) if parting else None
        if trunk is not None:
            self.code.carry(trunk, 0, parting)
        for scenario, moves in enumerate(self.moves):
            column = trunk.parted(moves) if trunk is not None else self.begun(scenario, draw)
            self.code.carry(column, parting, self.end)
            yield column

    def begun(self, scenario: int, draw: int) -> Column:
        """Return a column at its first moment."""
        column = self.column(scenario, draw)
        self.code.begin(column)
        self.code.settle(column)
        return column

    def column(self, scenario: int, draw: int) -> Column:
        """Return a column that has not begun."""
        layout, constants = self.layout, self.inputs.constants
        delays = {k: delay[..., scenario * self.inputs.n_draws + draw] for k, delay in self.delays.items()}
        return Column(
            constants=[self.element(constants[k], draw) for k in layout.constants],
            moves=self.moves[scenario],
            curves=self.curves,
            delays=[delay.tolist() for delay in delays.values()],
            rings=[_zeros((int(delays[k].max(initial=1)) + 1, *shape)) for k, shape in layout.lines.items()],
            times=self.kernel.times,
            saved=self.saved,
            out=[_zeros((self.n_moments, *one.shape)) for one in layout.schedule.saved],
        )

    def element(self, value: Array, draw: int) -> Any:
        """Return a constant of one draw as Python has it."""
        return np.asarray(value[..., draw if value.shape[-1] > 1 else 0], dtype=np.float64).tolist()

    def moves_of(self, scenario: int) -> list[tuple[list[float], list[float]]]:
        """Return what a scenario does to each constant that may be moved."""
        moves, still = self.inputs.moves, ([1.0] * self.end, [0.0] * self.end)
        return [
            (moves[k].times[:, scenario].tolist(), moves[k].plus[:, scenario].tolist()) if k in moves else still
            for k in self.layout.schedule.moving
        ]

    @cached_property
    def curves(self) -> list[Curve]:
        """The lookups, with the points that replace those of the model."""
        points = [(np.asarray(table.x), np.asarray(table.y)) for table in self.kernel.program.tables]
        return [curve_through(*self.inputs.tables.get(k, own)) for k, own in enumerate(points)]


def _zeros(shape: tuple[int, ...]) -> Any:
    """Return lists in lists."""
    return np.zeros(shape).tolist()
