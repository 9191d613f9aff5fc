"""From a program to the least that has to be worked out: constants that do not vary folded in, the rest told apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.backends.operations import Curve, bound, look_up
from wm2u_sd.compile.program import Code, Instruction, Program

CLOCKS = ("time", "held_time")
LAYOUT = ("view", "spread")


class Level(IntEnum):
    """When a value has to be worked out."""

    FIXED = 0  # never: it is known beforehand
    CLOCK = 1  # once a moment, one number for all runs
    RUN = 2  # once a run
    MOMENT = 3  # once a moment of every run


def joined(levels: Sequence[Level]) -> Level:
    """Return when a value has to be worked out whose arguments have these levels."""
    highest = max(levels)
    return Level.MOMENT if highest is Level.RUN and Level.CLOCK in levels else highest


@dataclass(frozen=True)
class Node:
    """A value and how it is worked out.

    Attributes:
        operation: As in a program; or 'known', 'parameter', 'state' and 'time'; or 'if less' and so on, a choice with
            what it compares as its first two arguments.
        arguments: Numbers of nodes.
        dims: Names of its dimensions, outermost first.
        payload: The number of the table, parameter or state.
        known: The values of a FIXED node.
    """

    operation: str
    arguments: tuple[int, ...]
    dims: tuple[str, ...]
    level: Level
    payload: Any = None
    known: Array | None = None


@dataclass(frozen=True)
class Folded:
    """What has to be worked out.

    Attributes:
        nodes: In an order that respects their arguments.
        names: Of nodes that have one in the model.
        sizes: Number of elements of each dimension.
        states: For each state that is carried, its dimensions.
        initials, rates: For each such state a node.
        outputs: For each output a node.
        parameters: Number of varied constants.
    """

    nodes: Sequence[Node]
    names: Mapping[int, str]
    sizes: Mapping[str, int]
    states: Sequence[tuple[str, ...]]
    initials: Sequence[int]
    rates: Sequence[int]
    outputs: Sequence[int]
    parameters: int


def fold(program: Program, values: Mapping[str, Any], varied: Sequence[str], outputs: Sequence[str]) -> Folded:
    """Fold a program.

    Args:
        program: What is to be run, by Euler's method and without history.
        values: Every constant's value, by name.
        varied: Constants that differ between runs.
        outputs: Names of values to keep, each a single number.
    """
    return _Folding(program, values, varied).folded(outputs)


class _Folding:
    def __init__(self, program: Program, values: Mapping[str, Any], varied: Sequence[str]) -> None:
        self.program = program
        self.varied = {name: number for number, name in enumerate(varied)}
        self.values = values
        self.nodes: list[Node] = []
        self.numbers: dict[tuple[Any, ...], int] = {}
        self.names: dict[int, str] = {}
        self.carried: dict[int, int] = {}

    def folded(self, outputs: Sequence[str]) -> Folded:
        step, start = _Reader(self, self.program.step), _Reader(self, self.program.start)
        wanted = [step.node(self.program.step.values[name]) for name in outputs]
        rates: dict[int, int] = {}
        while len(rates) < len(self.carried):
            for state in [state for state in self.carried if state not in rates]:
                rates[state] = step.node(self.program.rates[state])
        return Folded(
            nodes=self.nodes,
            names=self.names,
            sizes={axis.root: len(axis.elements) for slot in self.program.states for axis in slot.axes},
            states=[tuple(axis.root for axis in self.program.states[k].axes) for k in self.carried],
            initials=[start.node(self.program.initials[k]) for k in self.carried],
            rates=[rates[k] for k in self.carried],
            outputs=wanted,
            parameters=len(self.varied),
        )

    def add(self, node: Node) -> int:
        key = (node.operation, node.arguments, node.dims, node.payload, _bytes(node.known))
        if key not in self.numbers:
            self.numbers[key] = len(self.nodes)
            self.nodes.append(node)
        return self.numbers[key]

    def state(self, number: int) -> int:
        place = self.carried.setdefault(number, len(self.carried))
        dims = tuple(axis.root for axis in self.program.states[number].axes)
        return self.add(Node("state", (), dims, Level.MOMENT, place))


class _Reader:
    """Reads one code of the program into nodes."""

    def __init__(self, folding: _Folding, code: Code) -> None:
        self.folding, self.code = folding, code
        self.names = {number: name for name, number in reversed(code.values.items())}
        self.found: dict[int, int] = {}
        self.known: dict[int, Array | None] = {}

    def node(self, number: int) -> int:
        """Return the node of an instruction."""
        if number not in self.found:
            self.found[number] = self.made(number)
            self.folding.names.setdefault(self.found[number], self.names.get(number, ""))
        return self.found[number]

    def made(self, number: int) -> int:
        instruction = self.code.instructions[number]
        known = self.known_value(number)
        if known is not None:
            return self.fixed(known, instruction)
        if instruction.operation in LAYOUT:
            return self.node(instruction.arguments[0])
        branch = self.branch(instruction)
        if branch is not None:
            return self.node(branch)
        source = SOURCES.get(instruction.operation)
        if source is not None:
            return source(self.folding, instruction)
        return self.operation(instruction)

    def operation(self, instruction: Instruction) -> int:
        operation = instruction.operation
        arguments = tuple(self.node(argument) for argument in instruction.arguments)
        if operation == "if_then_else":
            condition = self.folding.nodes[arguments[0]]
            operation, arguments = f"if {condition.operation}", (*condition.arguments, *arguments[1:])
        nodes = [self.folding.nodes[argument] for argument in arguments]
        dims = tuple(axis.root for axis in instruction.axes)
        if operation != "sum":
            dims = tuple(dim for dim in dims if any(dim in node.dims for node in nodes))
        level = joined([node.level for node in nodes])
        if level is Level.CLOCK and dims:
            level = Level.MOMENT
        payload = instruction.payload if operation == "lookup" else None
        return self.folding.add(Node(operation, arguments, dims, level, payload))

    def fixed(self, known: Array, instruction: Instruction) -> int:
        lengths = known.shape[:-1]
        axes = instruction.axes[len(instruction.axes) - len(lengths) :]
        kept = [position for position, axis in enumerate(axes) if lengths[position] == len(axis.elements)]
        value = known.reshape([lengths[position] for position in kept])
        return self.folding.add(Node("known", (), tuple(axes[p].root for p in kept), Level.FIXED, None, value))

    def known_value(self, number: int) -> Array | None:
        """Return the value of an instruction, (*axes, 1), where it follows from what does not vary."""
        if number not in self.known:
            self.known[number] = self.worked_out(self.code.instructions[number])
        return self.known[number]

    def worked_out(self, instruction: Instruction) -> Array | None:
        program = self.folding.program
        if instruction.operation == "literal":
            return np.array([instruction.payload])
        if instruction.operation == "constant":
            name = program.constants[instruction.payload].name
            known = None if name in self.folding.varied else self.folding.values[name]
            return None if known is None else np.asarray(known, float)[..., np.newaxis]
        branch = self.branch(instruction)
        if branch is not None:
            return self.known_value(branch)
        arguments = [self.known_value(argument) for argument in instruction.arguments]
        if not arguments or any(argument is None for argument in arguments):
            return None
        if instruction.operation == "lookup":
            table = program.tables[instruction.payload]
            return look_up(arguments[0], Curve.through(np.array(table.x), np.array(table.y), table.extrapolate))
        return np.asarray(bound(instruction)(*arguments))

    def branch(self, instruction: Instruction) -> int | None:
        """Return which value a choice comes out as, where its condition is known and the same everywhere."""
        if instruction.operation != "if_then_else":
            return None
        condition = self.known_value(instruction.arguments[0])
        if condition is None or condition.all() != condition.any():
            return None
        return instruction.arguments[1 if condition.all() else 2]


def _parameter(folding: _Folding, instruction: Instruction) -> int:
    name = folding.program.constants[instruction.payload].name
    return folding.add(Node("parameter", (), (), Level.RUN, folding.varied[name]))


def _state(folding: _Folding, instruction: Instruction) -> int:
    return folding.state(instruction.payload)


def _clock(folding: _Folding, instruction: Instruction) -> int:
    return folding.add(Node("time", (), (), Level.CLOCK))


SOURCES: Mapping[str, Callable[[_Folding, Instruction], int]] = {
    "constant": _parameter,
    "state": _state,
    **dict.fromkeys(CLOCKS, _clock),
}


def _bytes(known: Array | None) -> bytes | None:
    return None if known is None else known.tobytes()
