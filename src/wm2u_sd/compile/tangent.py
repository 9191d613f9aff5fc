"""A program that carries along, beside every value, how it changes when some constants do: its tangent.

The tangent of a run is a run like any other, of a program with twice the states; whatever runs programs runs it. Where
inputs are few it gives all their derivatives for every kept value, where `adjoint` gives those of one number by many.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from wm2u_sd.compile.adjoint import Wanted, active
from wm2u_sd.compile.builder import Builder
from wm2u_sd.compile.derivatives import ELEMENTWISE, REDUCTIONS, SHAPING, Emitter
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
            lines=(*program.lines, *map(self.line, program.lines)),
            memories=(*program.memories, *map(self.memory, program.memories)),
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
    emitter: Emitter = field(init=False)

    def __post_init__(self) -> None:
        self.emitter = Emitter(Builder(self.code.instructions))
        changing = active(self.code.instructions, self.wanted)
        for number, one in enumerate(self.code.instructions):
            if number in changing:
                self.dots[number] = self.emitter.spread(self.dot(number, one), one.axes)

    def dot(self, number: int, one: Instruction) -> int:
        """Return the tangent of an instruction, from those of its arguments."""
        if one.operation in ELEMENTWISE:
            return self.elementwise(number, one)
        if one.operation in SHAPING:
            return self.shaped(one, self.dots[one.arguments[0]])
        if one.operation in REDUCTIONS:
            return self.reduced(number, one)
        return self.given(one)

    def elementwise(self, number: int, one: Instruction) -> int:
        partials = ELEMENTWISE[one.operation](self.emitter, number, one)
        pairs = [(self.dots[a], partial) for a, partial in zip(one.arguments, partials, strict=True) if a in self.dots]
        first, *rest = [partial.of(self.emitter, dot) for dot, partial in pairs]
        for part in rest:
            first = self.emitter.emit("add", first, part)
        return first

    def shaped(self, one: Instruction, value: int) -> int:
        """Lay a value out as an instruction does."""
        return self.emitter.builder.emit(one.operation, (value,), one.axes, payload=one.payload)

    def reduced(self, number: int, one: Instruction) -> int:
        dot, share = self.dots[one.arguments[0]], REDUCTIONS[one.operation]
        weighted = dot if share is None else self.emitter.emit("multiply", dot, share(self.emitter, number, one))
        return self.emitter.total(weighted, one.payload, one.axes)

    def given(self, one: Instruction) -> int:
        """Return the tangent of what is given: the one that comes as many places later as there are of its kind."""
        program = self.program
        if one.operation == "constant":
            return self.emitter.builder.emit("constant", (), one.axes, one.level, self.directions[one.payload])
        kinds = {"state": program.states, "frozen": program.frozen, "line": program.lines, "memory": program.memories}
        number = one.payload + len(kinds[one.operation])
        return self.emitter.builder.emit(one.operation, (), one.axes, one.level, number)

    def whole(self, number: int, axes: Axes) -> int:
        """Return the tangent of an instruction over axes, nothing where it does not change."""
        return self.emitter.spread(self.dots.get(number, self.emitter.literal(0.0)), axes)

    def code_with_tangents(self) -> Code:
        """Return the code, with a tangent of every named value."""
        values = dict(self.code.values)
        for name, number in self.code.values.items():
            values[TANGENT + name] = self.whole(number, self.code.instructions[number].axes)
        return Code(tuple(self.emitter.builder.instructions), values)
