"""Builds code: instructions one after the other, each distinct one once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wm2u_sd.compile.program import Instruction, Level
from wm2u_sd.model.shape import Axes, Axis


class Builder:
    """Collects instructions.

    Args:
        instructions: To begin with.
    """

    def __init__(self, instructions: Iterable[Instruction] = ()) -> None:
        self.instructions = list(instructions)
        self.known = {_key(one): number for number, one in enumerate(self.instructions)}

    def emit(
        self, operation: str, arguments: tuple[int, ...], axes: Axes, level: Level = Level.RUN, payload: Any = None
    ) -> int:
        """Return the number of an instruction, a new one where there is none like it.

        Its level is the highest of `level` and those of its arguments.
        """
        level = max([level, *(self.instructions[a].level for a in arguments)])
        instruction = Instruction(operation, arguments, axes, level, payload)
        number = self.known.setdefault(_key(instruction), len(self.instructions))
        if number == len(self.instructions):
            self.instructions.append(instruction)
        return number

    def literal(self, value: float) -> int:
        """Return a number written out."""
        return self.emit("literal", (), (), payload=float(value))

    def axes(self, number: int) -> Axes:
        """Return the axes of a value."""
        return self.instructions[number].axes

    def aligned(self, number: int, axes: Axes) -> int:
        """Return the value laid out so that it broadcasts over `axes` (a free view; scalars need none)."""
        own = self.axes(number)
        if not own or own == axes or own == axes[len(axes) - len(own) :]:
            return number
        positions = tuple(next((i for i, mine in enumerate(own) if _alike(mine, axis)), None) for axis in axes)
        return self.emit("view", (number,), axes, payload=positions)


def _key(instruction: Instruction) -> tuple[Any, ...]:
    return (instruction.operation, instruction.arguments, instruction.axes, repr(instruction.payload))


def _alike(one: Axis, other: Axis) -> bool:
    """Return whether two axes run together: the same one, or two names of one dimension, both to be reduced over."""
    return one == other or (one.star and other.star and one.root == other.root)
