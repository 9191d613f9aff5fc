"""A program that carries along, beside every value, how it changes when some constants do: its tangent.

The tangent of a run is a run like any other, of a program with twice the states; whatever runs programs runs it. Where
inputs are few it gives all their derivatives for every kept value, where `adjoint` gives those of one number by many.

Conditions carry no derivative, and rationing, lookups, min and max that of the branch that was taken, as in `adjoint`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from wm2u_sd.compile.adjoint import WITHOUT, Wanted, active
from wm2u_sd.compile.builder import Builder
from wm2u_sd.compile.program import Code, Instruction, Line, Memory, Program, Slot
from wm2u_sd.model.shape import Axes

TANGENT = "tangent of "


def tangent(program: Program, constants: Collection[int]) -> Program:
    """Return a program with tangents.

    Args:
        program: The program.
        constants: Numbers of the constants in whose direction it goes. How far, is a constant of the new program,
            'tangent of <name>' with the axes of the constant, after those of the old one.

    Returns:
        A program that has, for every state and value, another one called 'tangent of <name>'.
    """
    return _Doubling(program, tuple(sorted(constants))).program_with_tangents()


class _Doubling:
    def __init__(self, program: Program, constants: tuple[int, ...]) -> None:
        self.program = program
        self.directions = {k: len(program.constants) + at for at, k in enumerate(constants)}
        wanted = Wanted(frozenset(constants))
        self.start = _Forward(program, program.start, self.directions, wanted)
        self.step = _Forward(program, program.step, self.directions, wanted)

    def program_with_tangents(self) -> Program:
        program, start, step = self.program, self.start, self.step
        own = program.constants
        added = tuple(Slot(TANGENT + own[k].name, own[k].axes) for k in self.directions)
        initials = tuple(start.whole(n, s.axes) for n, s in zip(program.initials, program.states, strict=True))
        rates = tuple(step.whole(n, s.axes) for n, s in zip(program.rates, program.states, strict=True))
        frozen = tuple(start.whole(n, s.axes) for n, s in zip(program.frozen_values, program.frozen, strict=True))
        lines = tuple(self.line(line) for line in program.lines)
        memories = tuple(self.memory(memory) for memory in program.memories)
        return replace(
            program,
            constants=(*own, *added),
            states=(*program.states, *self.states()),
            start=start.code_with_tangents(),
            step=step.code_with_tangents(),
            initials=(*program.initials, *initials),
            rates=(*program.rates, *rates),
            frozen=(*program.frozen, *(Slot(TANGENT + slot.name, slot.axes) for slot in program.frozen)),
            frozen_values=(*program.frozen_values, *frozen),
            lines=(*program.lines, *lines),
            memories=(*program.memories, *memories),
        )

    def states(self) -> list[Slot]:
        rows = self.program.n_rows
        return [Slot(TANGENT + s.name, s.axes, s.first + rows, s.last + rows) for s in self.program.states]

    def line(self, line: Line) -> Line:
        source, initial = self.step.whole(line.source, line.axes), self.start.whole(line.initial, line.axes)
        return replace(line, name=TANGENT + line.name, source=source, initial=initial)

    def memory(self, memory: Memory) -> Memory:
        source, initial = self.step.whole(memory.source, memory.axes), self.start.whole(memory.initial, memory.axes)
        return replace(memory, name=TANGENT + memory.name, source=source, initial=initial)


@dataclass
class _Forward:
    """Adds tangents to one code.

    Attributes:
        directions: For each constant that there is a direction for, the number of that direction.
        dots: For each instruction that changes, its tangent.
    """

    program: Program
    code: Code
    directions: Mapping[int, int]
    wanted: Wanted
    dots: dict[int, int] = field(default_factory=dict)
    builder: Builder = field(default_factory=Builder)

    def __post_init__(self) -> None:
        self.builder = Builder(self.code.instructions)
        changing = active(self.code.instructions, self.wanted)
        for number, one in enumerate(self.code.instructions):
            if number in changing and one.operation not in WITHOUT:
                dot = self.leaf(one) if one.operation in SHIFTED else RULES[one.operation](self, number, one)
                self.dots[number] = self.laid_out(dot, one.axes)

    def leaf(self, one: Instruction) -> int:
        """Return the tangent of what is given: the one that comes as many places later as there are of its kind."""
        if one.operation == "constant":
            return self.builder.emit("constant", (), one.axes, one.level, self.directions[one.payload])
        program = self.program
        counts = {
            "state": len(program.states),
            "frozen": len(program.frozen),
            "line": len(program.lines),
            "memory": len(program.memories),
        }
        return self.builder.emit(one.operation, (), one.axes, one.level, one.payload + counts[one.operation])

    def laid_out(self, number: int, axes: Axes) -> int:
        """Return a value spread over axes of which it has the last ones."""
        if self.builder.axes(number) == axes:
            return number
        shape = tuple(len(axis.elements) for axis in axes)
        return self.builder.emit("spread", (number,), axes, payload=shape)

    def whole(self, number: int, axes: Axes) -> int:
        """Return the tangent of an instruction over axes, nothing where it does not change."""
        return self.laid_out(self.dots.get(number, self.literal(0.0)), axes)

    def code_with_tangents(self) -> Code:
        """Return the code, with a tangent of every named value."""
        values = dict(self.code.values)
        for name, number in self.code.values.items():
            values[TANGENT + name] = self.whole(number, self.code.instructions[number].axes)
        return Code(tuple(self.builder.instructions), values)

    # Building --------------------------------------------------------------------------------------------------------

    def emit(self, operation: str, *arguments: int, payload: object = None) -> int:
        axes = max((self.builder.axes(argument) for argument in arguments), key=len)
        return self.builder.emit(operation, arguments, axes, payload=payload)

    def literal(self, value: float) -> int:
        return self.builder.literal(value)

    def times(self, one: int, other: int) -> int:
        return self.emit("multiply", one, other)

    def sum(self, parts: Sequence[int | None]) -> int:
        """Add up the parts that there are."""
        first, *rest = [part for part in parts if part is not None]
        for part in rest:
            first = self.emit("add", first, part)
        return first

    def part(self, number: int, make: Callable[[int], int]) -> int | None:
        """Return what `make` gives for the tangent of a value, None when it does not change."""
        return make(self.dots[number]) if number in self.dots else None

    def choice(self, condition: int, then: int, otherwise: int) -> int:
        """Return the tangent of one value where a condition holds, else that of another."""
        zero = self.literal(0.0)
        return self.emit("if_then_else", condition, self.dots.get(then, zero), self.dots.get(otherwise, zero))

    def total(self, value: int, positions: tuple[int, ...], axes: Axes) -> int:
        return self.builder.emit("sum", (value,), axes, payload=positions)

    def repeated(self, value: int, axes: Axes, positions: tuple[int, ...]) -> int:
        """Lay a reduced value out over the axes it was reduced from."""
        kept = [at for at in range(len(axes)) if at not in positions]
        if not kept:
            return value
        places = tuple(kept.index(at) if at in kept else None for at in range(len(axes)))
        return self.builder.emit("view", (value,), axes, payload=places)


SHIFTED = frozenset({"constant", "state", "frozen", "line", "memory"})

Rule = Callable[[_Forward, int, Instruction], int]


def _add(f: _Forward, _: int, one: Instruction) -> int:
    return f.sum([f.part(argument, lambda dot: dot) for argument in one.arguments])


def _subtract(f: _Forward, _: int, one: Instruction) -> int:
    x, y = one.arguments
    if x not in f.dots:
        return f.emit("negative", f.dots[y])
    return f.emit("subtract", f.dots[x], f.dots[y]) if y in f.dots else f.dots[x]


def _multiply(f: _Forward, _: int, one: Instruction) -> int:
    x, y = one.arguments
    return f.sum([f.part(x, lambda dot: f.times(dot, y)), f.part(y, lambda dot: f.times(x, dot))])


def _divide(f: _Forward, number: int, one: Instruction) -> int:
    x, y = one.arguments
    parts = [f.part(x, lambda dot: dot), f.part(y, lambda dot: f.emit("negative", f.times(number, dot)))]
    return f.emit("divide", f.sum(parts), y)


def _power(f: _Forward, number: int, one: Instruction) -> int:
    x, y = one.arguments
    nought, unit = f.literal(0.0), f.literal(1.0)
    at_nought = f.emit("equal", x, nought)

    def by_base(dot: int) -> int:
        below = f.emit("if_then_else", f.emit("less", y, unit), f.literal(math.inf), unit)
        limit = f.emit("if_then_else", f.emit("greater", y, unit), nought, below)
        inside = f.times(y, f.emit("divide", number, f.emit("if_then_else", at_nought, unit, x)))
        return f.times(dot, f.emit("if_then_else", at_nought, limit, inside))

    def by_exponent(dot: int) -> int:
        logarithm = f.emit("ln", f.emit("if_then_else", f.emit("greater", x, nought), x, unit))
        return f.times(dot, f.times(number, logarithm))

    return f.sum([f.part(x, by_base), f.part(y, by_exponent)])


def _chain(derivative: Callable[[_Forward, int, int], int]) -> Rule:
    """Return the rule of a function of one number, from its derivative given the argument and the value."""
    return lambda f, number, one: f.times(f.dots[one.arguments[0]], derivative(f, one.arguments[0], number))


def _over(by: Callable[[_Forward, int, int], int], numerator: float = 1.0) -> Rule:
    """Return the rule of a function whose derivative is a number over something."""
    return _chain(lambda f, x, y: f.emit("divide", f.literal(numerator), by(f, x, y)))


def _sign(f: _Forward, x: int, _: int) -> int:
    zero = f.literal(0.0)
    below = f.emit("if_then_else", f.emit("less", x, zero), f.literal(-1.0), zero)
    return f.emit("if_then_else", f.emit("greater", x, zero), f.literal(1.0), below)


def _square_and_one(f: _Forward, x: int) -> int:
    return f.emit("add", f.literal(1.0), f.times(x, x))


def _modulo(f: _Forward, number: int, one: Instruction) -> int:
    x, y = one.arguments
    whole = f.emit("divide", f.emit("subtract", number, x), y)
    return f.sum([f.part(x, lambda dot: dot), f.part(y, lambda dot: f.times(dot, whole))])


def _nearer(how: str) -> Rule:
    return lambda f, _, one: f.choice(f.emit(how, *one.arguments), *one.arguments)


def _share(f: _Forward, number: int, one: Instruction) -> int:
    content, demand = one.arguments
    parts = [f.part(content, lambda dot: dot), f.part(demand, lambda dot: f.emit("negative", f.times(number, dot)))]
    short = f.emit("greater", demand, content)
    return f.emit("if_then_else", short, f.emit("divide", f.sum(parts), demand), f.literal(0.0))


def _grant(f: _Forward, _: int, one: Instruction) -> int:
    asked, share = one.arguments
    parts = [f.part(asked, lambda dot: f.times(dot, share)), f.part(share, lambda dot: f.times(asked, dot))]
    wanted = f.emit("greater", asked, f.literal(0.0))
    return f.emit("if_then_else", wanted, f.sum(parts), f.dots.get(asked, f.literal(0.0)))


def _lookup(f: _Forward, _: int, one: Instruction) -> int:
    x = one.arguments[0]
    return f.times(f.dots[x], f.emit("lookup.slope", x, payload=one.payload))


def _alike(f: _Forward, _: int, one: Instruction) -> int:
    """Shape the tangent as the value was shaped."""
    return f.builder.emit(one.operation, (f.dots[one.arguments[0]],), one.axes, payload=one.payload)


def _product(f: _Forward, number: int, one: Instruction) -> int:
    """Add up, over the factors, the tangent of each by all the others: with one of them 0 only its own is left."""
    x, positions = one.arguments[0], one.payload
    axes = f.builder.axes(x)
    unit, zero = f.literal(1.0), f.literal(0.0)
    is_zero = f.emit("equal", x, zero)
    filled = f.emit("if_then_else", is_zero, unit, x)
    zeros = f.repeated(f.total(f.emit("number", is_zero), positions, one.axes), axes, positions)
    others = f.repeated(f.builder.emit("product", (filled,), one.axes, payload=positions), axes, positions)
    none = f.emit("divide", f.repeated(number, axes, positions), filled)
    single = f.emit("if_then_else", is_zero, others, zero)
    at_one = f.emit("if_then_else", f.emit("equal", zeros, unit), single, zero)
    by = f.emit("if_then_else", f.emit("equal", zeros, zero), none, at_one)
    return f.total(f.times(f.dots[x], by), positions, one.axes)


def _extreme(f: _Forward, number: int, one: Instruction) -> int:
    """Average the tangents of the elements that are it."""
    x, positions = one.arguments[0], one.payload
    is_it = f.emit("equal", x, f.repeated(number, f.builder.axes(x), positions))
    how_many = f.total(f.emit("number", is_it), positions, one.axes)
    changes = f.total(f.emit("if_then_else", is_it, f.dots[x], f.literal(0.0)), positions, one.axes)
    return f.emit("divide", changes, how_many)


RULES: Mapping[str, Rule] = {
    "add": _add,
    "subtract": _subtract,
    "multiply": _multiply,
    "divide": _divide,
    "power": _power,
    "negative": lambda f, _, one: f.emit("negative", f.dots[one.arguments[0]]),
    "exp": _chain(lambda f, x, y: y),
    "ln": _over(lambda f, x, y: x),
    "log10": _over(lambda f, x, y: x, 1 / math.log(10)),
    "sqrt": _over(lambda f, x, y: y, 0.5),
    "abs": _chain(_sign),
    "sin": _chain(lambda f, x, y: f.emit("cos", x)),
    "cos": _chain(lambda f, x, y: f.emit("negative", f.emit("sin", x))),
    "tan": _chain(lambda f, x, y: _square_and_one(f, y)),
    "arctan": _over(lambda f, x, y: _square_and_one(f, x)),
    "modulo": _modulo,
    "min": _nearer("less"),
    "max": _nearer("greater"),
    "if_then_else": lambda f, _, one: f.choice(*one.arguments),
    "ration.share": _share,
    "ration.grant": _grant,
    "lookup": _lookup,
    "view": _alike,
    "spread": _alike,
    "take": _alike,
    "pick": _alike,
    "sum": _alike,
    "product": _product,
    "smallest": _extreme,
    "largest": _extreme,
}
"""The tangent of an instruction, from those of its arguments."""
