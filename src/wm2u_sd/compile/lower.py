"""Lower a model to a program: order the equations, work out axes, share common parts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from wm2u_sd.compile.builder import Builder
from wm2u_sd.compile.equation import Equation
from wm2u_sd.compile.expand import Expanded, expand
from wm2u_sd.compile.program import (
    Code,
    Level,
    Line,
    Memory,
    Program,
    Slot,
    Table,
)
from wm2u_sd.errors import DimensionError, ModelError, NameUnknownError, did_you_mean
from wm2u_sd.expr.functions import RESERVED, is_reduction
from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference, Unary
from wm2u_sd.expr.visit import references
from wm2u_sd.model.graph import CycleFound, topological_order
from wm2u_sd.model.model import Model
from wm2u_sd.model.shape import Axes, Axis, axes_over, match, subscripted, union

BINARY = {
    "+": "add", "-": "subtract", "*": "multiply", "/": "divide", "^": "power", "<": "less", "<=": "less_equal",
    ">": "greater", ">=": "greater_equal", "=": "equal", "<>": "not_equal", "and": "and", "or": "or",
}  # fmt: skip
UNARY = {"-": "negative", "not": "not"}
REDUCTION = {"sum": "sum", "prod": "product", "min": "smallest", "max": "largest"}
INTEGRAL = "integral of "
LOGICAL = frozenset(
    {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal", "and", "or", "not", "truth"}
)
TAKES_CONDITIONS = frozenset({"and", "or", "not"})


def lower(model: Model, *, moving: Iterable[str] = (), integrals: Iterable[str] = ()) -> Program:
    """Compile a model.

    Args:
        model: The model; run `check` first for findings that say where.
        moving: Constants that a scenario may change during a run.
        integrals: Names whose running integral since the start is wanted; flows always have one.

    Returns:
        A program without labels or text.

    Raises:
        ModelError: Equations define one another in a circle, or names or dimensions do not fit.
    """
    expanded = expand(model)
    wanted = dict.fromkeys([*(flow.name for flow in model.flows()), *integrals])
    return _Lowering(model, expanded, frozenset(moving), tuple(wanted)).program()


class _Lowering:
    """Holds what both codes (the first moment and every step) are made from."""

    def __init__(self, model: Model, expanded: Expanded, moving: frozenset[str], integrals: tuple[str, ...]) -> None:
        self.model, self.expanded, self.moving, self.integrals = model, expanded, moving, integrals
        self.constants = {c.name: number for number, c in enumerate(model.constants())}
        self.tables = {lookup.name: number for number, lookup in enumerate(model.lookups())}
        self.frozen = {name: number for number, name in enumerate(expanded.frozen)}
        self.lines = {name: number for number, name in enumerate(expanded.lines)}
        self.samples = {name: number for number, name in enumerate(expanded.samples)}
        self.slots = self.state_slots()
        self.numbers = {name: number for number, name in enumerate(self.slots)}
        self.non_negative = tuple(stock.name for stock in model.stocks() if stock.non_negative)

    def over(self, owner: str, over: Sequence[str]) -> Axes:
        return axes_over(self.model, owner, over)

    def state_slots(self) -> dict[str, Slot]:
        slots: dict[str, Slot] = {}
        at = 0
        shapes = {name: state.over for name, state in self.expanded.states.items()}
        shapes |= {INTEGRAL + name: self.over_of(name) for name in self.integrals}
        for name, over in shapes.items():
            axes = self.over(name, over)
            size = int(np.prod([len(axis.elements) for axis in axes], dtype=int))
            slots[name] = Slot(name, axes, at, at + size)
            at += size
        return slots

    def over_of(self, name: str) -> tuple[str, ...]:
        if name in self.expanded.equations:
            return self.expanded.equations[name].over
        if name in self.expanded.states:
            return self.expanded.states[name].over
        if name in self.constants:
            return tuple(self.model.constant(name).over)
        raise NameUnknownError(f"There is no variable '{name}' to add up.{did_you_mean(name, self.model.variables)}")

    def program(self) -> Program:
        start, step = _StartCode(self), _StepCode(self)
        start.equations()
        initials = [start.named(name) for name in self.expanded.states]
        zero = start.builder.literal(0.0)
        initials += [zero] * len(self.integrals)
        frozen = {name: self.over(name, equation.over) for name, equation in self.expanded.frozen.items()}
        frozen_values = [start.named(name) for name in self.expanded.frozen]
        step.equations()
        lines = tuple(self.line(name, start, step) for name in self.lines)
        memories = tuple(self.memory(name, start, step) for name in self.samples)
        rates = [step.shaped(Equation(s.over, s.net), name) for name, s in self.expanded.states.items()]
        rates += [step.named(name) for name in self.integrals]
        return Program(
            time=self.model.time,
            constants=tuple(Slot(c.name, self.over(c.name, c.over)) for c in self.model.constants()),
            tables=tuple(_table(lookup) for lookup in self.model.lookups()),
            states=tuple(self.slots.values()),
            start=start.code(),
            step=step.code(),
            initials=tuple(initials),
            rates=tuple(rates),
            frozen=tuple(Slot(name, axes) for name, axes in frozen.items()),
            frozen_values=tuple(frozen_values),
            lines=lines,
            memories=memories,
            non_negative=self.non_negative,
            digest=self.model.digest,
        )

    def line(self, name: str, start: _StartCode, step: _StepCode) -> Line:
        line = self.expanded.lines[name]
        delay = start.shaped(Equation(line.over, line.delay), name)
        initial = start.shaped(Equation(line.over, line.initial), name)
        return Line(name, self.over(name, line.over), step.named(line.source), delay, initial)

    def memory(self, name: str, start: _StartCode, step: _StepCode) -> Memory:
        sample = self.expanded.samples[name]
        initial = start.shaped(Equation(sample.over, sample.initial), name)
        return Memory(name, self.over(name, sample.over), step.named(sample.source), initial)


class _Code:
    """Lowers expressions into one list of instructions; the two kinds differ in what a stock or history reads."""

    def __init__(self, whole: _Lowering) -> None:
        self.whole, self.builder = whole, Builder()
        self.values: dict[str, int] = {}

    def code(self) -> Code:
        return Code(tuple(self.builder.instructions), dict(self.values))

    def source(self, name: str, over: Axes) -> int | None:
        """Return the instruction of a name that no equation of this code defines, or None."""
        raise NotImplementedError

    def clock(self, name: str) -> int:
        raise NotImplementedError

    def define(self, equations: Mapping[str, Equation], circumstance: str) -> None:
        """Lower equations in an order in which each finds what it needs."""
        needs = {
            name: [r.name for r in references(e.expression) if r.name in equations] for name, e in equations.items()
        }
        try:
            order = topological_order(needs)
        except CycleFound as found:
            raise ModelError(circular(found.cycle, circumstance)) from None
        for name in order:
            self.values[name] = self.shaped(equations[name], name)

    # Names ---------------------------------------------------------------------------------------------------------

    def named(self, name: str) -> int:
        """Return the instruction of a name; its equation must have been lowered before."""
        if name not in self.values:
            self.values[name] = self.find(name)
        return self.values[name]

    def find(self, name: str) -> int:
        whole = self.whole
        if name in whole.constants:
            axes = whole.over(name, whole.model.constant(name).over)
            level = Level.HELD if name in whole.moving else Level.RUN
            return self.builder.emit("constant", (), axes, level, whole.constants[name])
        if name in whole.tables:
            raise ModelError(f"'{name}' is a lookup; write what it should look up: {name}(x)")
        if name in RESERVED:
            return self.clock(name)
        found = self.source(name, self.axes_for(name))
        if found is None:
            raise NameUnknownError(f"There is no variable '{name}'.{did_you_mean(name, whole.model.variables)}")
        return found

    def axes_for(self, name: str) -> Axes:
        expanded = self.whole.expanded
        for place in (expanded.states, expanded.lines, expanded.samples, expanded.frozen):
            if name in place:
                return self.whole.over(name, place[name].over)
        return ()

    def settled(self, name: str) -> int | None:
        """Return the clock values that do not move during a run."""
        time = self.whole.model.time
        fixed = {"time_step": time.dt, "start_time": time.at(0), "end_time": time.at(time.n_steps)}
        return self.builder.literal(fixed[name]) if name in fixed else None

    # Expressions ---------------------------------------------------------------------------------------------------

    def shaped(self, equation: Equation, owner: str) -> int:
        """Lower an equation and spread it over all the dimensions it is declared over."""
        axes = self.whole.over(owner, equation.over)
        number = self.as_number(self.expression(equation.expression, owner, axes))
        if any(axis.star for axis in self.builder.axes(number)):
            raise DimensionError(f"{owner}: x[*] only stands inside sum, mean, prod, min or max")
        return self.spread(number, axes)

    def spread(self, number: int, axes: Axes) -> int:
        if self.builder.axes(number) == axes:
            return number
        shape = tuple(len(axis.elements) for axis in axes)
        return self.builder.emit("spread", (self.builder.aligned(number, axes),), axes, payload=shape)

    def expression(self, node: Expression, owner: str, target: Axes) -> int:
        match node:
            case Number(value):
                return self.builder.literal(value)
            case Reference():
                return self.reference(node, owner, target)
            case Unary(operator, operand):
                return self.combine(UNARY[operator], [operand], owner, target)
            case Binary(operator, left, right):
                return self.combine(BINARY[operator], [left, right], owner, target)
            case Call(function, arguments) if function in self.whole.tables:
                return self.lookup(function, arguments, owner, target)
            case Call(function, arguments) if is_reduction(function, len(arguments)):
                return self.reduce(function, arguments[0], owner, target)
            case Call(function, arguments):
                return self.combine(function, list(arguments), owner, target)

    def combine(
        self, operation: str, parts: Sequence[Expression], owner: str, target: Axes, payload: Any = None
    ) -> int:
        numbers = [self.expression(part, owner, target) for part in parts]
        numbers = self.typed(operation, numbers)
        axes = union(owner, target, [self.builder.axes(number) for number in numbers])
        aligned = tuple(self.builder.aligned(number, axes) for number in numbers)
        return self.builder.emit(operation, aligned, axes, payload=payload)

    def typed(self, operation: str, numbers: Sequence[int]) -> list[int]:
        """Turn numbers into conditions where those are needed, and conditions into 0 or 1 everywhere else (SEM-13)."""
        if operation in TAKES_CONDITIONS:
            return [self.as_condition(number) for number in numbers]
        if operation == "if_then_else":
            return [self.as_condition(numbers[0]), *map(self.as_number, numbers[1:])]
        return [self.as_number(number) for number in numbers]

    def is_condition(self, number: int) -> bool:
        instruction = self.builder.instructions[number]
        if instruction.operation in ("view", "spread", "take", "pick"):
            return self.is_condition(instruction.arguments[0])
        return instruction.operation in LOGICAL

    def as_condition(self, number: int) -> int:
        return number if self.is_condition(number) else self.builder.emit("truth", (number,), self.builder.axes(number))

    def as_number(self, number: int) -> int:
        return (
            self.builder.emit("number", (number,), self.builder.axes(number)) if self.is_condition(number) else number
        )

    def lookup(self, name: str, arguments: tuple[Expression, ...], owner: str, target: Axes) -> int:
        if len(arguments) != 1:
            raise ModelError(f"{owner}: the lookup {name} takes one argument; got {len(arguments)}")
        return self.combine("lookup", arguments, owner, target, payload=self.whole.tables[name])

    def reduce(self, function: str, part: Expression, owner: str, target: Axes) -> int:
        number = self.as_number(self.expression(part, owner, target))
        axes = self.builder.axes(number)
        positions = tuple(i for i, axis in enumerate(axes) if axis.star)
        if not positions:
            raise DimensionError(f"{owner}: {function}(...) needs a starred dimension inside it, e.g. {function}(x[*])")
        left = tuple(axis for axis in axes if not axis.star)
        if function != "mean":
            return self.builder.emit(REDUCTION[function], (number,), left, payload=positions)
        count = self.builder.literal(math.prod(len(axes[position].elements) for position in positions))
        return self.builder.emit("divide", (self.builder.emit("sum", (number,), left, payload=positions), count), left)

    def reference(self, node: Reference, owner: str, target: Axes) -> int:
        number = self.named(node.name)
        axes = self.builder.axes(number)
        asked: list[Axis | str] = list(axes)
        if node.subscripts:
            if not axes:
                raise DimensionError(f"{owner}: '{node.name}' has no dimensions; take the brackets away")
            asked = subscripted(self.whole.model, owner, node.name, axes, node.subscripts)
        for position in reversed(range(len(axes))):
            number = self.place(number, position, asked[position], owner, node.name, target)
        return number

    def place(self, number: int, position: int, wanted: Axis | str, owner: str, name: str, target: Axes) -> int:
        """Take one axis of a value to what is wanted of it: one element, some, all, or all to be reduced."""
        axes = self.builder.axes(number)
        axis = axes[position]
        if isinstance(wanted, str):
            left = axes[:position] + axes[position + 1 :]
            return self.builder.emit("pick", (number,), left, payload=(position, axis.elements.index(wanted)))
        final = wanted if wanted.star else match(owner, name, wanted, target)
        result = (*axes[:position], final, *axes[position + 1 :])
        if result == axes:
            return number
        if final.elements == axis.elements:
            return self.builder.emit("view", (number,), result, payload=tuple(range(len(axes))))
        indices = tuple(axis.elements.index(element) for element in final.elements)
        return self.builder.emit("take", (number,), result, payload=(position, indices))


class _StartCode(_Code):
    """The first moment: a stock reads as its initial equation, history as its initial value."""

    def clock(self, name: str) -> int:
        settled = self.settled(name)
        return settled if settled is not None else self.builder.literal(self.whole.model.time.at(0))

    def source(self, name: str, over: Axes) -> int | None:
        return None

    def equations(self) -> None:
        """Lower every equation as it stands at the start."""
        expanded = self.whole.expanded
        names = [*expanded.equations, *expanded.states, *expanded.frozen, *expanded.lines, *expanded.samples]
        self.define({name: self.first_equation(name) for name in names}, "at the start")

    def first_equation(self, name: str) -> Equation:
        expanded = self.whole.expanded
        if name in expanded.states:
            return Equation(expanded.states[name].over, expanded.states[name].initial)
        if name in expanded.lines:
            return Equation(expanded.lines[name].over, expanded.lines[name].initial)
        if name in expanded.samples:
            return Equation(expanded.samples[name].over, expanded.samples[name].initial)
        return expanded.equations[name] if name in expanded.equations else expanded.frozen[name]


class _StepCode(_Code):
    """A moment of the run: stocks, frozen values and history are read from where the backend keeps them."""

    def clock(self, name: str) -> int:
        settled = self.settled(name)
        if settled is not None:
            return settled
        level = Level.STAGE if name == "time" else Level.HELD
        return self.builder.emit(name, (), (), level)

    def source(self, name: str, over: Axes) -> int | None:
        whole, emit = self.whole, self.builder.emit
        if name in whole.slots:
            value = emit("state", (), over, Level.STAGE, whole.numbers[name])
            return emit("max", (value, self.builder.literal(0.0)), over) if name in whole.non_negative else value
        if name in whole.frozen:
            return emit("frozen", (), over, Level.RUN, whole.frozen[name])
        if name in whole.lines:
            return emit("line", (), over, Level.HELD, whole.lines[name])
        if name in whole.samples:
            return emit("memory", (), over, Level.HELD, whole.samples[name])
        return None

    def equations(self) -> None:
        """Lower every equation, in an order in which each finds what it needs."""
        self.define(self.whole.expanded.equations, "with no stock between")
        for name in self.whole.expanded.states:
            self.named(name)


def circular(cycle: Sequence[str], circumstance: str) -> str:
    """Word a circle of equations."""
    shown = list(dict.fromkeys(part.partition(".")[0] for part in cycle))
    return (
        f"These define each other {circumstance}: {' -> '.join([*shown, shown[0]])}. "
        "Put a delay in one link; people take time to notice."
    )


def _table(lookup: Any) -> Table:
    x, y = zip(*lookup.points, strict=True)
    return Table(lookup.name, tuple(map(float, x)), tuple(map(float, y)), lookup.extrapolation == "linear")
