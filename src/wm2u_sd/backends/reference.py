"""The reference backend: plain NumPy over columns, one call an instruction. Obvious, and the oracle for the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np

from wm2u_sd.backends.base import AbstractBackend, AbstractKernel, Array, Inputs, Moment, Steps
from wm2u_sd.backends.operations import Curve
from wm2u_sd.backends.plan import Plan, Renewal, plan
from wm2u_sd.compile.integrators import TABLEAUX, Tableau
from wm2u_sd.compile.program import Code, Level, Line, Program
from wm2u_sd.model.shape import Axis

ROUNDING = 1e-12  # of what a stock held at the start of a step: nobody is owed, a sum came out in another last place
HALF_UP = 0.5 + 1e-9  # a number of steps that falls short of a half in its last places counts as a half (SEM-33)

States = dict[int, Array]
"""Number of a state -> its value, (*its axes, columns)."""
Keep = Mapping[int, int]
"""Step -> position among the kept moments."""


@dataclass(frozen=True)
class _Layout:
    """What of a program is worked out for what is wanted of it.

    Attributes:
        states: Numbers of the states whose rates are worked out.
        values: Named values that are kept.
        start, step: Plans for the two codes of the program.
    """

    states: tuple[int, ...]
    values: tuple[str, ...]
    start: Plan
    step: Plan


class _Machine:
    """Values of one code for one batch.

    Attributes:
        given: Kind -> number -> value of what is not worked out: constants, states, lines ...
        inside: What is worked out inside a step, each renewal with the array its value is written to; empty before
            `set_aside`.
    """

    def __init__(self, code: Code, plan: Plan, inputs: Inputs, curves: Mapping[int, Curve]) -> None:
        self.code, self.plan, self.inputs = code, plan, inputs
        self.values: list[Any] = [None] * plan.size
        self.inside: list[tuple[Any, ...]] = []
        self.given: dict[str, Any] = {"constant": dict(enumerate(inputs.constants)), "table": curves}

    def renew(self, level: Level) -> None:
        """Work out again what changes at a level."""
        for place, kind, number in self.plan.sources[level]:
            self.values[place] = np.array([number]) if kind == "literal" else self.given[kind][number]
        if level is Level.STAGE and self.inside:
            self.work_out_in_place()
        else:
            self.work_out(self.plan.renewals[level])

    def work_out(self, renewals: Sequence[Renewal]) -> None:
        """Work out some values, in order."""
        values = self.values
        for place, function, first, second, more in renewals:
            arguments = [values[a] for a in (first, second, *more) if a is not None]
            values[place] = function(*arguments)

    def work_out_in_place(self) -> None:
        """Work out the values inside a step, in order, into the arrays that were set aside."""
        values = self.values
        for place, function, first, second, more, array in self.inside:
            if array is None:
                values[place] = function(*[values[a] for a in (first, second, *more) if a is not None])
            elif second is None:
                values[place] = function(values[first], out=array)
            else:
                values[place] = function(values[first], values[second], out=array)

    def set_aside(self) -> None:
        """Set arrays aside for the values inside a step, like those that stand there; it saves a third of the time.

        An array serves again once the value in it has been read for the last time, so that what a batch works on
        stays in the processor's caches.
        """
        free: dict[Any, list[Array]] = {}
        used: dict[int, Array] = {}
        for renewal, room in zip(self.plan.renewals[Level.STAGE], self.plan.rooms, strict=True):
            if room.in_place:
                form = _form(self.values[renewal.place])
                used[renewal.place] = free[form].pop() if free.get(form) else np.empty(*form)
            self.inside.append((*renewal, used.get(renewal.place)))
            for array in (used[place] for place in room.over if place in used):
                free.setdefault(_form(array), []).append(array)

    def value(self, instruction: int) -> Any:
        """Return the value of an instruction."""
        return self.values[self.plan.places[instruction]]

    def named(self, name: str) -> Any:
        """Return a named value."""
        return self.value(self.code.values[name])


@dataclass
class _DelayLine:
    """The last values of one line, in a ring as long as the longest delay of the batch.

    Attributes:
        steps: How many steps ago a value is read, (*axes, columns).
        initial: What is read before anything has come through, same shape.
        ring: The values, (place, *axes, columns).
    """

    steps: Steps
    initial: Array
    ring: Array

    @classmethod
    def begun(cls, line: Line, start: _Machine, n_columns: int, dt: float) -> _DelayLine:
        """Return a line that nothing has gone into."""
        shape = (*_lengths(line.axes), n_columns)
        steps = _in_steps(np.asarray(start.value(line.delay), float), shape, dt)
        initial = _wide(start.value(line.initial), shape)
        return cls(steps, initial, np.repeat(initial[np.newaxis], int(steps.max(initial=1)) + 1, axis=0))

    def read(self, step: int) -> Array:
        """Return what went in `delay` ago, or the initial value before that."""
        index = (step - self.steps) % len(self.ring)
        found = np.take_along_axis(self.ring, index[np.newaxis], axis=0)[0]
        return np.where(step < self.steps, self.initial, found)

    def record(self, step: int, value: Array) -> None:
        """Keep what goes in at the start of a step."""
        self.ring[step % len(self.ring)] = value

    def copied(self, copies: int) -> _DelayLine:
        """Return the line with its columns repeated side by side."""
        return _DelayLine(_tiled(self.steps, copies), _tiled(self.initial, copies), _tiled(self.ring, copies))


@dataclass
class _Past:
    """Where a batch stands: all that the next step needs to know of those before it.

    States and what is remembered have all columns from the start, so that no value grows wider along the way.
    """

    states: States
    frozen: Mapping[int, Array]
    lines: Mapping[int, _DelayLine]
    remembered: Mapping[int, Array]

    def copied(self, copies: int) -> _Past:
        """Return the same past for columns repeated side by side."""
        return _Past(
            {number: _tiled(value, copies) for number, value in self.states.items()},
            {k: value if value.shape[-1] == 1 else _tiled(value, copies) for k, value in self.frozen.items()},
            {number: line.copied(copies) for number, line in self.lines.items()},
            {number: _tiled(value, copies) for number, value in self.remembered.items()},
        )


class _Mover:
    """What scenarios make of the constants they move; nothing is worked out again that has not moved since.

    Args:
        inputs: Constants with one column, or one for every draw of every scenario.
    """

    def __init__(self, inputs: Inputs) -> None:
        self.inputs = inputs
        self.known: dict[int, tuple[Array, Array, Array]] = {}

    def at(self, step: int) -> dict[int, Array]:
        """Return every moving constant at a step, (*axes, columns)."""
        return {
            number: self.value(number, move.times[step], move.plus[step]) for number, move in self.inputs.moves.items()
        }

    def value(self, number: int, times: Array, plus: Array) -> Array:
        known = self.known.get(number)
        if known is None or not (np.array_equal(known[0], times) and np.array_equal(known[1], plus)):
            draws = self.inputs.n_draws
            value = self.inputs.constants[number] * np.repeat(times, draws) + np.repeat(plus, draws)
            known = self.known[number] = (times, plus, value)
        return known[2]


class _Course:
    """One batch on its way from step to step.

    Args:
        program: What is run.
        layout: What of it is worked out.
        machine: Of the step code.
        past: Where the batch stands.
        room: For what is kept: name -> (*axes, kept moment, columns).
        keep: Step -> position among the kept moments.
    """

    def __init__(
        self, program: Program, layout: _Layout, machine: _Machine, past: _Past, room: dict[str, Array], keep: Keep
    ) -> None:
        self.program, self.layout, self.machine, self.past = program, layout, machine, past
        self.room, self.keep = room, keep
        self.tableau, self.dt, self.n_steps = TABLEAUX[program.time.method], program.time.dt, program.time.n_steps
        self.numbers = {slot.name: number for number, slot in enumerate(program.states)}
        self.mover = _Mover(machine.inputs)
        self.read = [at for at, state in enumerate(layout.states) if state in layout.step.reads["state"]]
        self.begins, self.lasts = program.time.start, [_lasts(self.tableau, k) for k in range(len(self.tableau.b))]
        rationed = {self.numbers[name] for name in program.non_negative}
        self.held = [k for k in layout.states if k in rationed] if len(self.tableau.b) > 1 else []
        self.lasts[0] = self.lasts[0] or bool(self.held)
        self.failed: Steps = np.full(machine.inputs.n_columns, -1, dtype=np.int64)
        machine.given["frozen"] = past.frozen
        machine.renew(Level.RUN)

    def go(self, first: int, stop: int) -> None:
        """Carry out the steps from `first` up to and not with `stop`; at the last moment nothing is integrated."""
        for step in range(first, min(stop, self.n_steps + 1)):
            self.enter(step)
            rates = self.evaluate()
            for number, line in self.past.lines.items():
                line.record(step, self.machine.value(self.program.lines[number].source))
            if step in self.keep:
                self.save(step, self.keep[step])
            if step < self.n_steps:
                self.advance(rates)
            if step == first:
                self.machine.set_aside()

    def enter(self, step: int) -> None:
        """Take in the clock, what scenarios have moved and what comes out of delays at the start of a step."""
        machine = self.machine
        self.begins = self.program.time.at(step)
        self.set_clock(self.begins)
        machine.given["held_time"] = machine.given["time"]
        machine.given["constant"] |= self.mover.at(step)
        machine.given["line"] = {number: line.read(step) for number, line in self.past.lines.items()}
        machine.given["memory"] = self.past.remembered
        machine.renew(Level.HELD)

    def set_clock(self, time: float) -> None:
        self.machine.given["time"] = {None: np.array([time])}

    def evaluate(self) -> list[Array]:
        """Work out every value of a stage and return the rates of change of the states."""
        self.machine.given["state"] = self.past.states
        self.machine.renew(Level.STAGE)
        return [self.machine.value(self.program.rates[state]) for state in self.layout.states]

    def advance(self, rates: list[Array]) -> None:
        """Carry the states over the step that was entered; `rates` are those at its start."""
        origin, memories = self.past.states, self.program.memories
        self.past.remembered = {k: np.array(self.machine.value(memories[k].source)) for k in self.past.remembered}
        stages = [self.lasting(0, rates)]
        for stage, weights in enumerate(self.tableau.a, start=1):
            self.set_clock(self.begins + self.tableau.c[stage] * self.dt)
            self.past.states = self.moved(origin, weights, stages, self.read)
            stages.append(self.lasting(stage, self.evaluate()))
        self.past.states = self.moved(origin, self.tableau.b, stages, range(len(rates)))
        if self.held:
            self.hold_above_zero(origin, stages[0])

    def hold_above_zero(self, origin: States, rates: list[Array]) -> None:
        """Make by Euler's method, under which a ration never overdraws, the step of columns that would (SEM-43)."""
        below = np.zeros(self.machine.inputs.n_columns, dtype=bool)
        for number in self.held:
            overdrawn = self.past.states[number] < -ROUNDING * np.maximum(origin[number], 0.0)
            below |= overdrawn.any(axis=tuple(range(overdrawn.ndim - 1)))
        if below.any():
            euler = self.moved(origin, (1.0,), [rates], range(len(rates)))
            self.past.states = {k: np.where(below, euler[k], value) for k, value in self.past.states.items()}

    def lasting(self, stage: int, rates: list[Array]) -> list[Array]:
        """Copy the rates of a stage that are needed after those of the next have been written over them."""
        return [np.array(one) for one in rates] if self.lasts[stage] else rates

    def moved(
        self, origin: States, weights: Sequence[float], stages: Sequence[list[Array]], which: Iterable[int]
    ) -> States:
        """Return some states a step on, along the weighted rates of the stages so far; zero weights are left out."""
        states = self.layout.states
        used = [(weight, rates) for weight, rates in zip(weights, stages, strict=False) if weight]
        return {states[at]: origin[states[at]] + self.dt * _weighted(used, at) for at in which}

    def save(self, step: int, position: int) -> None:
        """Keep what is wanted of this moment, and note the columns that have left the numbers."""
        self.machine.work_out(self.layout.step.saving)
        for name, room in self.room.items():
            named = name in self.layout.values
            room[..., position, :] = self.machine.named(name) if named else self.past.states[self.numbers[name]]
        for value in self.past.states.values():
            finite = np.isfinite(value).all(axis=tuple(range(value.ndim - 1)))
            self.failed[(self.failed < 0) & ~finite] = step


def _in_steps(delay: Array, shape: tuple[int, ...], dt: float) -> Steps:
    """Return delays as whole numbers of steps, at least one (SEM-33)."""
    return np.maximum(1, np.floor(np.nan_to_num(np.broadcast_to(delay, shape) / dt) + HALF_UP)).astype(np.int64)


def _lasts(tableau: Tableau, stage: int) -> bool:
    """Return whether the rates of a stage are weighed again after the next one has begun."""
    return any(row[stage] for row in tableau.a[stage + 1 :]) or (stage < len(tableau.a) and tableau.b[stage] != 0)


def _lengths(axes: Sequence[Axis]) -> tuple[int, ...]:
    return tuple(len(axis.elements) for axis in axes)


def _form(value: Array) -> tuple[tuple[int, ...], Any]:
    return value.shape, value.dtype


def _weighted(used: Sequence[tuple[float, list[Array]]], at: int) -> Array:
    """Weighted sum of the rates of one state, stage after stage."""
    parts = [rates[at] if weight == 1.0 else weight * rates[at] for weight, rates in used]
    return reduce(np.add, parts)


def _tiled(value: Any, copies: int) -> Any:
    """Repeat columns side by side."""
    return np.tile(value, (*(1,) * (value.ndim - 1), copies))


def _wide(value: Array, shape: tuple[int, ...]) -> Array:
    """Write a value out for every element and column."""
    return np.broadcast_to(value, shape).copy()


class NumpyKernel(AbstractKernel):
    """Runs a program by walking its instructions."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.numbers = {slot.name: number for number, slot in enumerate(program.states)}
        self.layouts: dict[tuple[str, ...], _Layout] = {}

    def run(self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int]) -> tuple[dict[str, Array], Steps]:
        """Run every column from start to end, scenarios that are alike as one until they part."""
        layout = self.layout_of_run(tuple(save))
        keep = {step: position for position, step in enumerate(saved_steps)}
        with np.errstate(all="ignore"):
            if inputs.n_scenarios > 1 and inputs.parting > 0:
                return self.branched(layout, inputs, save, keep)
            wide = _side_by_side(inputs)
            course = self.course(layout, wide, self.begin(layout, wide), save, keep)
            course.go(0, self.program.time.n_steps + 1)
            return course.room, course.failed

    def branched(
        self, layout: _Layout, inputs: Inputs, save: Sequence[str], keep: Keep
    ) -> tuple[dict[str, Array], Steps]:
        """Run one scenario until they part, then all of them from where it stands."""
        one, copies, parting = replace(inputs, n_scenarios=1, moves={}), inputs.n_scenarios, inputs.parting
        trunk = self.course(layout, one, self.begin(layout, one), save, keep)
        trunk.go(0, parting)
        course = self.course(layout, _side_by_side(inputs), trunk.past.copied(copies), save, keep)
        before = sum(step < parting for step in keep)
        for name, room in course.room.items():
            room[..., :before, :] = _tiled(trunk.room[name][..., :before, :], copies)
        course.failed = _tiled(trunk.failed, copies)
        course.go(parting, self.program.time.n_steps + 1)
        return course.room, course.failed

    def at_start(self, inputs: Inputs, state: Array | None = None, names: Sequence[str] | None = None) -> Moment:
        """Evaluate the first moment."""
        layout = self.layout_at_start(None if names is None else tuple(names))
        with np.errstate(all="ignore"):
            past = self.begin(layout, inputs)
            past.states |= self.cut(state, past.states)
            course = self.course(layout, inputs, past, (), {})
            course.enter(0)
            rates = dict(zip(layout.states, course.evaluate(), strict=True))
            values = {name: course.machine.named(name) for name in layout.values}
            n = inputs.n_columns
            return Moment(self.whole(past.states, n), self.whole(rates, n), values)

    def delays(self, inputs: Inputs, lines: Iterable[int]) -> dict[int, Steps]:
        """Return the delays of some lines in steps, by number, (*axes, columns)."""
        wide, program = _side_by_side(inputs), self.program
        start = _Machine(program.start, plan(program.start, [program.lines[k].delay for k in lines]), wide, {})
        start.given["table"] = self.curves(inputs)
        start.given["constant"] |= _Mover(wide).at(0)
        with np.errstate(all="ignore"):
            for level in Level:
                start.renew(level)
        return {
            k: _in_steps(
                np.asarray(start.value(program.lines[k].delay), float),
                (*_lengths(program.lines[k].axes), inputs.n_columns),
                program.time.dt,
            )
            for k in lines
        }

    def course(self, layout: _Layout, inputs: Inputs, past: _Past, save: Sequence[str], keep: Keep) -> _Course:
        """Return a batch ready to set out, with room for what is kept."""
        shapes = {name: self.shape(name) for name in save}
        room = {name: np.empty((*shape, len(keep), inputs.n_columns)) for name, shape in shapes.items()}
        machine = _Machine(self.program.step, layout.step, inputs, self.curves(inputs))
        return _Course(self.program, layout, machine, past, room, keep)

    def begin(self, layout: _Layout, inputs: Inputs) -> _Past:
        """Work out the first moment: states, and what history there is before anything has happened."""
        program, n = self.program, inputs.n_columns
        start = _Machine(program.start, layout.start, inputs, self.curves(inputs))
        start.given["constant"] |= _Mover(inputs).at(0)
        for level in Level:
            start.renew(level)
        reads, states = layout.step.reads, {*layout.states, *layout.step.reads["state"]}
        lines, memories = program.lines, program.memories
        return _Past(
            {k: _wide(start.value(program.initials[k]), (*program.states[k].shape, n)) for k in states},
            {k: start.value(program.frozen_values[k]) for k in reads["frozen"]},
            {k: _DelayLine.begun(lines[k], start, n, program.time.dt) for k in reads["line"]},
            {k: _wide(start.value(memories[k].initial), (*_lengths(memories[k].axes), n)) for k in reads["memory"]},
        )

    def layout_of_run(self, save: tuple[str, ...]) -> _Layout:
        """Return what a run works out: every state that something reads or that is saved, and the saved values."""
        if save not in self.layouts:
            program, code = self.program, self.program.step
            read = {one.payload for one in code.instructions if one.operation == "state"}
            states = tuple(k for k, slot in enumerate(program.states) if k in read or slot.name in save)
            values = tuple(name for name in save if name not in self.numbers)
            history = [*(line.source for line in program.lines), *(memory.source for memory in program.memories)]
            step = plan(code, [*(program.rates[k] for k in states), *history], [code.values[name] for name in values])
            self.layouts[save] = self.layout(states, values, step)
        return self.layouts[save]

    def layout_at_start(self, names: tuple[str, ...] | None) -> _Layout:
        """Return what the first moment works out: the named states' rates and values, or all."""
        key = ("", *(names or ()))
        if names is None:
            names, key = (*self.numbers, *self.program.step.values), ("",)
        if key not in self.layouts:
            states = tuple(self.numbers[name] for name in names if name in self.numbers)
            values = tuple(name for name in names if name in self.program.step.values)
            code = self.program.step
            step = plan(code, [*(self.program.rates[k] for k in states), *(code.values[name] for name in values)])
            self.layouts[key] = self.layout(states, values, step)
        return self.layouts[key]

    def layout(self, states: tuple[int, ...], values: tuple[str, ...], step: Plan) -> _Layout:
        """Add what the first moment has to give to a plan for the steps."""
        program, reads = self.program, step.reads
        wanted = [program.initials[k] for k in {*states, *reads["state"]}]
        wanted += [program.frozen_values[k] for k in reads["frozen"]]
        wanted += [program.memories[k].initial for k in reads["memory"]]
        for line in (program.lines[k] for k in reads["line"]):
            wanted += [line.delay, line.initial]
        return _Layout(states, values, plan(program.start, wanted), step)

    def curves(self, inputs: Inputs) -> dict[int, Curve]:
        """Return the lookups, with the points that replace those of the model."""
        held = {k: (np.asarray(table.x), np.asarray(table.y)) for k, table in enumerate(self.program.tables)}
        points = {**held, **inputs.tables}
        return {k: Curve.through(*points[k], table.extrapolate) for k, table in enumerate(self.program.tables)}

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the lengths of the axes of a state or a value."""
        if name in self.numbers:
            return self.program.states[self.numbers[name]].shape
        return _lengths(self.program.axes[name])

    def cut(self, state: Array | None, carried: Iterable[int]) -> States:
        """Cut the rows of a state into the states they hold."""
        slots = {k: self.program.states[k] for k in carried}
        if state is None:
            return {}
        return {k: state[s.rows].reshape(*s.shape, -1) for k, s in slots.items() if s.last <= len(state)}

    def whole(self, states: Mapping[int, Array], n_columns: int) -> Array:
        """Put states below each other."""
        rows = np.full((self.program.n_rows, n_columns), np.nan)
        for number, value in states.items():
            slot = self.program.states[number]
            rows[slot.rows].reshape(*slot.shape, n_columns)[...] = value
        return rows


def _side_by_side(inputs: Inputs) -> Inputs:
    """Repeat the draws of each constant once for each scenario."""
    copies = inputs.n_scenarios
    return replace(inputs, constants=[v if v.shape[-1] == 1 else _tiled(v, copies) for v in inputs.constants])


class NumpyBackend(AbstractBackend):
    """Plain NumPy; does everything a program can hold."""

    name = "numpy"

    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel."""
        return NumpyKernel(program)
