"""The reference backend: plain NumPy over columns, one call an instruction. Slow, obvious, the oracle for the others."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial, reduce
from typing import Any

import numpy as np

from wm2u_sd.backends.base import AbstractBackend, AbstractKernel, Array, Inputs, Moment, Steps
from wm2u_sd.compile.integrators import TABLEAUX
from wm2u_sd.compile.program import Code, Instruction, Level, Line, Program, Table


def power(x: Array, y: Array) -> Array:
    """Raise to a power such that a batch equals its draws bit for bit.

    NumPy takes short cuts (x * x, sqrt) when one exponent serves a whole loop, which round differently; an exponent
    written out for every element never meets them.
    """
    raised: Array = np.power(x, np.broadcast_to(y, np.broadcast_shapes(np.shape(x), np.shape(y))).copy())
    return raised


def add_up(value: Array, axis: Sequence[int]) -> Array:
    """Add one element after the other such that a batch equals its draws; np.sum adds one column in another order."""
    for position in reversed(axis):
        value = reduce(np.add, np.moveaxis(value, position, 0))
    return value


def average(value: Array, axis: Sequence[int]) -> Array:
    """Return the mean over some axes."""
    return add_up(value, axis) / math.prod(np.shape(value)[position] for position in axis)


ELEMENTWISE: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": power,
    "negative": np.negative,
    "exp": np.exp,
    "ln": np.log,
    "log10": np.log10,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arctan": np.arctan,
    "modulo": np.mod,
    "integer": np.trunc,
    "min": np.minimum,
    "max": np.maximum,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "truth": lambda x: np.not_equal(x, 0.0),
    "number": lambda x: np.asarray(x, dtype=np.float64),
}

REDUCTIONS: dict[str, Callable[..., Any]] = {
    "sum": add_up,
    "mean": average,
    "product": np.prod,
    "smallest": np.min,
    "largest": np.max,
}


def look_up(x: Array, xs: Array, ys: Array, extrapolate: bool) -> Array:
    """Read a piecewise linear curve; outside its points hold the end values or go on along the end segments."""
    if not extrapolate:
        x = np.clip(x, xs[0], xs[-1])
    segment = np.clip(np.searchsorted(xs, x, side="right") - 1, 0, len(xs) - 2)
    slopes = np.diff(ys) / np.diff(xs)
    result: Array = ys[segment] + slopes[segment] * (x - xs[segment])
    return result


Renewal = tuple[int, Callable[..., Any], tuple[int, ...]]


class _Machine:
    """Values of one code for one batch, and how each instruction renews its own.

    Instructions are bound to their functions once, in three lists by how often they are renewed; those of a stage that
    no rate of change needs are kept apart, and worked out only when something is to be saved.
    """

    def __init__(self, code: Code, program: Program, inputs: Inputs, needed: Collection[int] | None = None) -> None:
        self.code, self.program, self.inputs = code, program, inputs
        self.values: list[Any] = [None] * len(code.instructions)
        self.by_level: dict[Level, list[Renewal]] = {level: [] for level in Level}
        self.for_saving: list[Renewal] = []
        for number, instruction in enumerate(code.instructions):
            renewal = (number, self.bound(instruction), instruction.arguments)
            if instruction.level is Level.STAGE and needed is not None and number not in needed:
                self.for_saving.append(renewal)
            else:
                self.by_level[instruction.level].append(renewal)
        self.constants: list[Array] = list(inputs.constants)
        self.state: Array = np.zeros((program.n_rows, inputs.n_columns))
        self.frozen: list[Array] = []
        self.past: list[Array] = []
        self.remembered: list[Array] = []
        self.time = self.held_time = program.time.at(0)

    def bound(self, instruction: Instruction) -> Callable[..., Any]:
        """Return the function that renews an instruction from the values of its arguments."""
        operation = instruction.operation
        if operation in ELEMENTWISE:
            return ELEMENTWISE[operation]
        if operation in REDUCTIONS:
            return partial(REDUCTIONS[operation], axis=instruction.payload)
        return partial(self.OTHERS[operation], self, instruction, instruction.payload)

    def renew(self, renewals: Sequence[Renewal]) -> None:
        """Work out values again, in order."""
        values = self.values
        for number, function, arguments in renewals:
            if len(arguments) == 2:
                values[number] = function(values[arguments[0]], values[arguments[1]])
            else:
                values[number] = function(*[values[a] for a in arguments])

    def named(self, name: str) -> Any:
        return self.values[self.code.values[name]]

    def choose(self, _: Instruction, __: None, condition: Any, then: Any, otherwise: Any) -> Any:
        return np.where(condition, then, otherwise)

    def look(self, _: Instruction, table: int, x: Any) -> Any:
        held: Table = self.program.tables[table]
        xs, ys = self.inputs.tables.get(table, (np.asarray(held.x), np.asarray(held.y)))
        return look_up(x, xs, ys, held.extrapolate)

    def view(self, _: Instruction, positions: tuple[int | None, ...], value: Array) -> Array:
        columns = value.ndim - 1
        kept = [p for p in positions if p is not None]
        turned = np.transpose(value, (*kept, columns))
        return turned[(*(np.newaxis if p is None else slice(None) for p in positions), slice(None))]

    def spread(self, _: Instruction, shape: tuple[int, ...], value: Any) -> Array:
        columns = np.shape(value)[-1] if np.ndim(value) else 1
        return np.broadcast_to(value, (*shape, columns))

    def take(self, _: Instruction, payload: tuple[int, tuple[int, ...]], value: Array) -> Array:
        return np.take(value, payload[1], axis=payload[0])

    def pick(self, _: Instruction, payload: tuple[int, int], value: Array) -> Array:
        picked: Array = np.take(value, payload[1], axis=payload[0])
        return picked

    def literal(self, _: Instruction, value: float) -> Array:
        return np.array([value])

    def constant(self, _: Instruction, number: int) -> Array:
        return self.constants[number]

    def read_state(self, instruction: Instruction, rows: tuple[int, int]) -> Array:
        shape = tuple(len(axis.elements) for axis in instruction.axes)
        return self.state[rows[0] : rows[1]].reshape(*shape, -1)

    def read_frozen(self, _: Instruction, number: int) -> Array:
        return self.frozen[number]

    def read_line(self, _: Instruction, number: int) -> Array:
        return self.past[number]

    def read_memory(self, _: Instruction, number: int) -> Array:
        return self.remembered[number]

    def now(self, _: Instruction, __: None) -> Array:
        return np.array([self.time])

    def held(self, _: Instruction, __: None) -> Array:
        return np.array([self.held_time])

    OTHERS: Mapping[str, Callable[..., Any]] = {
        "if_then_else": choose,
        "lookup": look,
        "view": view,
        "spread": spread,
        "take": take,
        "pick": pick,
        "literal": literal,
        "constant": constant,
        "state": read_state,
        "frozen": read_frozen,
        "line": read_line,
        "memory": read_memory,
        "time": now,
        "held_time": held,
    }


class _DelayLine:
    """The last values of one line, in a ring as long as the longest delay of the batch."""

    def __init__(self, line: Line, start: _Machine, dt: float) -> None:
        self.line = line
        shape = (*(len(axis.elements) for axis in line.axes), start.inputs.n_columns)
        delay = np.broadcast_to(np.asarray(start.values[line.delay], float), shape)
        self.steps = np.maximum(1, np.rint(np.nan_to_num(delay / dt))).astype(np.int64)
        self.initial = np.broadcast_to(start.values[line.initial], shape).copy()
        self.ring = np.repeat(self.initial[np.newaxis], int(self.steps.max(initial=1)) + 1, axis=0)

    def read(self, step: int) -> Array:
        """Return what went in `delay` ago, or the initial value before that."""
        index = (step - self.steps) % len(self.ring)
        found = np.take_along_axis(self.ring, index[np.newaxis], axis=0)[0]
        return np.where(step < self.steps, self.initial, found)

    def record(self, step: int, value: Array) -> None:
        """Keep what goes in at the start of a step."""
        self.ring[step % len(self.ring)] = value


class NumpyKernel(AbstractKernel):
    """Runs a program by walking its instructions."""

    def __init__(self, program: Program) -> None:
        self.program = program
        roots = [*program.rates, *(line.source for line in program.lines), *(m.source for m in program.memories)]
        self.needed = _with_arguments(program.step, roots)

    def begin(self, inputs: Inputs, state: Array | None = None) -> tuple[_Machine, _Machine]:
        """Return the code of the first moment, worked out, and the step code with its state and history filled."""
        program = self.program
        start = _Machine(program.start, program, inputs)
        if inputs.moving is not None:
            for number, value in inputs.moving(0).items():
                start.constants[number] = value
        for level in Level:
            start.renew(start.by_level[level])
        step = _Machine(program.step, program, inputs, self.needed)
        for slot, number in zip(program.states, program.initials, strict=True):
            step.state[slot.rows] = np.broadcast_to(start.values[number], (*slot.shape, inputs.n_columns)).reshape(
                -1, inputs.n_columns
            )
        step.frozen = [start.values[number] for number in program.frozen_values]
        step.remembered = [start.values[memory.initial] for memory in program.memories]
        step.past = [start.values[line.initial] for line in program.lines]
        if state is not None:
            step.state[: len(state)] = state
        step.renew(step.by_level[Level.RUN])
        return start, step

    def at_start(self, inputs: Inputs, state: Array | None = None) -> Moment:
        with np.errstate(all="ignore"):
            _, step = self.begin(inputs, state)
            self.enter(step, 0)
            step.renew(step.by_level[Level.HELD])
            rates = np.empty_like(step.state)
            self.evaluate(step, rates)
            step.renew(step.for_saving)
            return Moment(step.state, rates, {name: step.named(name) for name in step.code.values})

    def run(self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int]) -> tuple[dict[str, Array], Steps]:
        with np.errstate(all="ignore"):
            return self.integrate(inputs, save, saved_steps)

    def integrate(
        self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int]
    ) -> tuple[dict[str, Array], Steps]:
        program, time = self.program, self.program.time
        start, machine = self.begin(inputs)
        lines = [_DelayLine(line, start, time.dt) for line in program.lines]
        saved = self.room(save, len(saved_steps), inputs.n_columns)
        failed: Steps = np.full(inputs.n_columns, -1, dtype=np.int64)
        keep = {step: index for index, step in enumerate(saved_steps)}
        stages = [np.empty_like(machine.state) for _ in TABLEAUX[time.method].b]
        for step in range(time.n_steps + 1):
            self.enter(machine, step)
            machine.past = [line.read(step) for line in lines]
            machine.renew(machine.by_level[Level.HELD])
            self.evaluate(machine, stages[0])
            for line in lines:
                line.record(step, machine.values[line.line.source])
            if step in keep:
                machine.renew(machine.for_saving)
                self.keep(machine, saved, keep[step])
                failed[(failed < 0) & ~np.isfinite(machine.state).all(axis=0)] = step
            if step < time.n_steps:
                self.advance(machine, step, stages)
        return saved, failed

    def enter(self, machine: _Machine, step: int) -> None:
        """Set the clock to the start of a step and take in what scenarios have moved by then."""
        machine.time = machine.held_time = self.program.time.at(step)
        if machine.inputs.moving is not None:
            for number, value in machine.inputs.moving(step).items():
                machine.constants[number] = value

    def evaluate(self, machine: _Machine, rates: Array) -> None:
        """Work out every value of a stage and gather the rates of change of the state."""
        machine.renew(machine.by_level[Level.STAGE])
        for slot, number in zip(self.program.states, self.program.rates, strict=True):
            rates[slot.rows].reshape(*slot.shape, -1)[...] = machine.values[number]

    def advance(self, machine: _Machine, step: int, stages: list[Array]) -> None:
        """Carry the state over one step; `stages[0]` holds the rates at its start."""
        time, tableau = self.program.time, TABLEAUX[self.program.time.method]
        origin = machine.state
        remembered = [np.array(machine.values[memory.source]) for memory in self.program.memories]
        for stage, weights in enumerate(tableau.a, start=1):
            machine.time = time.at(step) + tableau.c[stage] * time.dt
            machine.state = origin + time.dt * _weighted(weights, stages)
            self.evaluate(machine, stages[stage])
        machine.state = origin + time.dt * _weighted(tableau.b, stages)
        machine.remembered = remembered

    def room(self, save: Sequence[str], n_saved: int, n_columns: int) -> dict[str, Array]:
        shapes = {slot.name: slot.shape for slot in self.program.states}
        for name in save:
            if name not in shapes:
                shapes[name] = tuple(len(axis.elements) for axis in self.program.axes_of(name))
        return {name: np.empty((*shapes[name], n_saved, n_columns)) for name in save}

    def keep(self, machine: _Machine, saved: dict[str, Array], index: int) -> None:
        states = {slot.name: slot for slot in self.program.states}
        for name, room in saved.items():
            if name in states:
                value = machine.state[states[name].rows].reshape(*states[name].shape, -1)
            else:
                value = machine.named(name)
            room[..., index, :] = value


def _weighted(weights: Sequence[float], stages: Sequence[Array]) -> Array:
    """Weighted sum of the stages so far, in order; zero weights are left out."""
    total = None
    for weight, rates in zip(weights, stages, strict=False):
        if weight:
            total = weight * rates if total is None else total + weight * rates
    assert total is not None
    return total


def _with_arguments(code: Code, roots: Iterable[int]) -> frozenset[int]:
    """Return the instructions that these are worked out from, themselves included."""
    found: set[int] = set()
    waiting = list(roots)
    while waiting:
        number = waiting.pop()
        if number not in found:
            found.add(number)
            waiting.extend(code.instructions[number].arguments)
    return frozenset(found)


class NumpyBackend(AbstractBackend):
    """Plain NumPy; does everything a program can hold."""

    name = "numpy"

    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel."""
        return NumpyKernel(program)
