"""Which instructions of a code are worked out for what is wanted of it, in what order, and where each value stands."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from wm2u_sd.backends.operations import CURVED, HANDING_ON, IN_PLACE, Operation, bound
from wm2u_sd.compile.program import Code, Instruction, Level, with_arguments

GIVEN = frozenset({"literal", "constant", "state", "frozen", "memory", "line", "time", "held_time"})


class Source(NamedTuple):
    """A value that is given and not worked out: where it stands, its kind, and its number among those of its kind."""

    place: int
    kind: str
    number: Any


class Renewal(NamedTuple):
    """How a value is worked out: where it stands, its function, and where its arguments stand, mostly one or two."""

    place: int
    function: Operation
    first: Any
    second: Any = None
    more: tuple[Any, ...] = ()


class Room(NamedTuple):
    """What may be done about the array a value stands in.

    Attributes:
        in_place: Whether its operation can write to an array that it is given.
        over: Places of the values that nobody reads after this one has been worked out.
    """

    in_place: bool
    over: tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """How to work a code out.

    Attributes:
        places: For each instruction that is worked out, where its value stands.
        size: Number of places.
        sources: By level, what is put in place before anything is worked out.
        renewals: By level, what is worked out, in order.
        rooms: For each renewal inside a step, what may be done about its array.
        saving: What is worked out besides, inside a step, only when something is to be kept.
        reads: Kind -> numbers of what is given (states, lines ...) and read by something.
    """

    places: Mapping[int, int]
    size: int
    sources: Mapping[Level, tuple[Source, ...]]
    renewals: Mapping[Level, tuple[Renewal, ...]]
    rooms: tuple[Room, ...]
    saving: tuple[Renewal, ...]
    reads: Mapping[str, frozenset[Any]]


def plan(code: Code, wanted: Iterable[int], kept: Iterable[int] = ()) -> Plan:
    """Plan the working out of some instructions, with all they need and nothing else.

    Args:
        code: The code.
        wanted: Instructions whose values are wanted whenever the code is worked out.
        kept: Further instructions whose values are wanted only when something is to be kept.
    """
    return _Planner(code, frozenset(wanted), frozenset(kept)).plan()


@dataclass
class _Planner:
    code: Code
    wanted: frozenset[int]
    kept: frozenset[int]
    places: dict[int, int] = field(default_factory=dict)
    flat: dict[int, int] = field(default_factory=dict)
    tables: dict[int, int] = field(default_factory=dict)
    size: int = 0

    def plan(self) -> Plan:
        always = with_arguments(self.code, self.wanted)
        everything = sorted(always | with_arguments(self.code, self.kept))
        given = [n for n in everything if self.of(n).operation in GIVEN]
        worked_out = [n for n in everything if self.of(n).operation not in GIVEN]
        for number in given:
            self.places[number] = self.new_place()
        settled = {level: self.renewals(level, worked_out) for level in (Level.RUN, Level.HELD)}
        now = [n for n in worked_out if n in always and self.of(n).level is Level.STAGE]
        later = [n for n in worked_out if n not in always and self.of(n).level is Level.STAGE]
        inside, saving = self.renewals(Level.STAGE, now), self.renewals(Level.STAGE, later)
        return Plan(
            places=self.places,
            size=self.size,
            sources={level: self.sources(level, given) for level in Level},
            renewals={**{level: (*r, *self.flattened(level)) for level, r in settled.items()}, Level.STAGE: inside},
            rooms=self.rooms(now, later),
            saving=saving,
            reads=_reads(self.of(n) for n in given),
        )

    def of(self, number: int) -> Instruction:
        return self.code.instructions[number]

    def new_place(self) -> int:
        self.size += 1
        return self.size - 1

    def renewals(self, level: Level, numbers: Iterable[int]) -> tuple[Renewal, ...]:
        return tuple(self.renewal(number) for number in numbers if self.of(number).level is level)

    def renewal(self, number: int) -> Renewal:
        instruction = self.of(number)
        arguments = [self.argument(instruction, a) for a in instruction.arguments]
        if instruction.operation in CURVED:
            if instruction.payload not in self.tables:
                self.tables[instruction.payload] = self.new_place()
            arguments.append(self.tables[instruction.payload])
        self.places[number] = self.new_place()
        first, second, *more = arguments if len(arguments) > 1 else (*arguments, None)
        return Renewal(self.places[number], bound(instruction), first, second, tuple(more))

    def argument(self, user: Instruction, number: int) -> int:
        """Return where an argument stands: single numbers read inside a step stand there without their column axis.

        NumPy's own functions take half as long over those.
        """
        instruction = self.of(number)
        if user.level is not Level.STAGE or user.operation not in IN_PLACE:
            return self.places[number]
        if instruction.level is Level.STAGE or instruction.axes:
            return self.places[number]
        if number not in self.flat:
            self.flat[number] = self.new_place()
        return self.flat[number]

    def flattened(self, level: Level) -> list[Renewal]:
        return [
            Renewal(place, _without_columns, self.places[number])
            for number, place in self.flat.items()
            if self.of(number).level is level
        ]

    def sources(self, level: Level, given: Collection[int]) -> tuple[Source, ...]:
        here = [(n, self.of(n)) for n in given if self.of(n).level is level]
        found = [Source(self.places[n], instruction.operation, instruction.payload) for n, instruction in here]
        if level is Level.RUN:
            found += [Source(place, "table", number) for number, place in self.tables.items()]
        return tuple(found)

    def rooms(self, now: Sequence[int], later: Iterable[int]) -> tuple[Room, ...]:
        """Find after which instruction the array of each value may be used again."""
        stay = self.wanted | self.kept | {a for number in later for a in self.of(number).arguments}
        for number in now:
            if self.of(number).operation in HANDING_ON:
                stay |= {number, *self.of(number).arguments}
        last = {a: number for number in now for a in self.of(number).arguments}
        over: dict[int, list[int]] = {number: [] for number in now}
        for number in now:
            if number in last and number not in stay:
                over[last[number]].append(self.places[number])
        return tuple(Room(self.of(number).operation in IN_PLACE, tuple(over[number])) for number in now)


def _without_columns(value: Any) -> Any:
    return value.reshape(()) if np.shape(value) == (1,) else value


def _reads(given: Iterable[Instruction]) -> dict[str, frozenset[Any]]:
    kinds: dict[str, set[Any]] = {kind: set() for kind in GIVEN}
    for instruction in given:
        kinds[instruction.operation].add(instruction.payload)
    return {kind: frozenset(numbers) for kind, numbers in kinds.items()}
