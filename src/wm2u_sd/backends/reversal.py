"""When what of a program is worked out going back: the adjoint of every part of its code, laid out in nests.

Going back over a run, each step is undone in the order opposite to the one it was made in: what was kept at its start,
its stages from last to first, what was worked out once for it. Bars of what is worked out once a step, or once a run,
are added up on the way and passed on at the end of the step, or of the run.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from wm2u_sd.backends.loops import Nest, Store, lengths, nests, stored, tasks_for
from wm2u_sd.backends.schedule import Schedule
from wm2u_sd.compile.adjoint import Adjoint, Seed, Wanted, reverse
from wm2u_sd.compile.builder import Builder
from wm2u_sd.compile.program import SEED, Code, Instruction, Level

Point = tuple[int, int, int]
"""A coordinate of a point of a lookup: its number, 0 for x or 1 for y, the point."""


@dataclass(frozen=True)
class Reversal:
    """A program laid out for going back over a run.

    The kinds of seeds are 'save' (of a kept value), 'rate' (of a state), 'fed' and 'remembered' (of what goes into a
    line or a memory), 'of' (of an instruction, as added up), and at the start 'initial', 'frozen', 'line', 'memory'.
    Stores bear the name of what they are the bar of: 'state', 'of', 'line', 'memory', 'moving' (a constant as scenarios
    have moved it), 'constant', 'frozen', 'point'.

    Attributes:
        forward: The run; its step code holds the instructions of the adjoint as well.
        start: The start code with its adjoint.
        wanted: What bars are wanted of.
        points: Coordinates of points that have a bar.
        moment: From kept values to states and to what was worked out less often.
        stage: From rates, the same.
        held: From what was worked out once a step.
        run: From what was worked out once a run.
        begin: From the first moment to constants.
        summed: Instructions whose bars are added up, those of each step and those of the run.
    """

    forward: Schedule
    start: Code
    wanted: Wanted
    points: tuple[Point, ...]
    moment: tuple[Nest, ...]
    stage: tuple[Nest, ...]
    held: tuple[Nest, ...]
    run: tuple[Nest, ...]
    begin: tuple[Nest, ...]
    summed: tuple[int, ...]

    @cached_property
    def stored(self) -> frozenset[int]:
        """Instructions of the step code that have to stay in memory."""
        before = (self.forward.run, self.forward.held)
        parts = (self.moment, self.stage, self.held, self.run)
        return self.forward.stored.union(*(stored(self.forward.step, [*before, part]) for part in parts))

    @cached_property
    def stored_at_start(self) -> frozenset[int]:
        """Instructions of the start code that have to stay in memory."""
        return stored(self.start, [(), self.begin])


def reversal(schedule: Schedule, wanted: Wanted) -> Reversal:
    """Lay out going back over a run."""
    return _Reversing(schedule, wanted).reversal()


class _Reversing:
    def __init__(self, schedule: Schedule, wanted: Wanted) -> None:
        self.schedule, self.wanted, self.program = schedule, wanted, schedule.program
        self.code = schedule.step
        self.builder = Builder(self.code.instructions)
        self.start_builder = Builder(self.program.start.instructions)
        self.points: dict[Point, None] = {}

    def reversal(self) -> Reversal:
        moment = self.back(self.saved_seeds(), _inside_a_stage, Level.STAGE)
        stage = self.back(self.rate_seeds(), _inside_a_stage, Level.STAGE)
        sums = dict.fromkeys([*self.of("moment", moment), *self.of("stage", stage)])
        of_steps = [n for n in sums if self.code.instructions[n].level is Level.HELD]
        held = self.back(self.of_seeds(of_steps), _inside_a_step, Level.HELD)
        sums |= dict.fromkeys(self.of("held", held))
        of_runs = [n for n in sums if self.code.instructions[n].level is Level.RUN]
        run = self.back(self.of_seeds(of_runs), _given, Level.RUN)
        frozen = {
            self.code.instructions[n].payload for n in run.bars if self.code.instructions[n].operation == "frozen"
        }
        begin = reverse(
            self.start_builder, self.program.start, self.start_seeds(frozen), _is_constant, self.wanted, Level.RUN
        )
        self.points |= dict.fromkeys(begin.points)
        code = replace(self.code, instructions=tuple(self.builder.instructions))
        return self.laid_out(code, moment, stage, held, run, begin, tuple(sums))

    def back(self, seeds: Sequence[Seed], stops: Callable[[Instruction], bool], level: Level) -> Adjoint:
        found = reverse(self.builder, self.code, seeds, stops, self.wanted, level)
        self.points |= dict.fromkeys(found.points)
        return found

    # Seeds -----------------------------------------------------------------------------------------------------------

    def saved_seeds(self) -> list[Seed]:
        sources = {
            task.number: task.source for nest in self.schedule.saving for task in nest.tasks if isinstance(task, Store)
        }
        axes = {number: self.code.instructions[source].axes for number, source in sources.items()}
        return [Seed(source, axes[number], ("save", number)) for number, source in sorted(sources.items())]

    def rate_seeds(self) -> list[Seed]:
        program = self.program
        seeds = [Seed(program.rates[k], program.states[k].axes, ("rate", k)) for k in self.schedule.states]
        seeds += [Seed(program.lines[k].source, program.lines[k].axes, ("fed", k)) for k in self.schedule.lines]
        memories = self.schedule.memories
        return seeds + [Seed(program.memories[k].source, program.memories[k].axes, ("remembered", k)) for k in memories]

    def of_seeds(self, numbers: Iterable[int]) -> list[Seed]:
        return [Seed(n, self.code.instructions[n].axes, ("of", n)) for n in sorted(numbers)]

    def start_seeds(self, frozen: Iterable[int]) -> list[Seed]:
        program, schedule = self.program, self.schedule
        seeds = [Seed(program.initials[k], program.states[k].axes, ("initial", k)) for k in schedule.states]
        seeds += [Seed(program.frozen_values[k], program.frozen[k].axes, ("frozen", k)) for k in sorted(frozen)]
        seeds += [Seed(program.memories[k].initial, program.memories[k].axes, ("memory", k)) for k in schedule.memories]
        return seeds + [Seed(program.lines[k].initial, program.lines[k].axes, ("line", k)) for k in schedule.lines]

    def of(self, part: str, found: Adjoint) -> list[int]:
        """Return the instructions whose bars a part adds up."""
        return [n for n in found.bars if _kind(self.code.instructions[n], part) == "of"]

    # Nests -----------------------------------------------------------------------------------------------------------

    def laid_out(
        self,
        code: Code,
        moment: Adjoint,
        stage: Adjoint,
        held: Adjoint,
        run: Adjoint,
        begin: Adjoint,
        sums: tuple[int, ...],
    ) -> Reversal:
        points = tuple(self.points)
        found = {"moment": moment, "stage": stage, "held": held, "run": run}
        stores = {part: self.stores(code, part, one, points) for part, one in found.items()}
        given = _free_of_seeds(code)
        needed = {part: tasks_for(code, [s.source for s in listed]) for part, listed in stores.items()}
        forward = [n for nest in (*self.schedule.run, *self.schedule.held) for n in nest.tasks if isinstance(n, int)]
        every = sorted({n for tasks in needed.values() for n in tasks if n in given} | set(forward))
        of_run = [n for n in every if code.instructions[n].level is Level.RUN]
        of_step = [n for n in every if code.instructions[n].level is Level.HELD]
        before = {*of_run, *of_step}
        parts = {
            part: nests(code, [*(n for n in needed[part] if n not in before), *listed], before)
            for part, listed in stores.items()
        }
        start = replace(self.program.start, instructions=tuple(self.start_builder.instructions))
        start_stores = self.stores(start, "begin", begin, points)
        return Reversal(
            forward=replace(self.schedule, step=code, run=nests(code, of_run), held=nests(code, of_step, of_run)),
            start=start,
            wanted=self.wanted,
            points=points,
            begin=nests(start, [*tasks_for(start, [s.source for s in start_stores]), *start_stores]),
            summed=sums,
            **parts,
        )

    def stores(self, code: Code, part: str, adjoint: Adjoint, points: Sequence[Point]) -> list[Store]:
        """Return where the bars go that a part gives."""
        found = []
        for number, bar in adjoint.bars.items():
            one = code.instructions[number]
            kind = _kind(one, part)
            found.append(Store(kind, number if kind == "of" else one.payload, bar, lengths(one)))
        return [*found, *(Store("point", points.index(point), bar, ()) for point, bar in adjoint.points.items())]


def _kind(one: Instruction, part: str) -> str:
    """Return what becomes of the bar of an instruction at which a part stops."""
    if one.operation == "state":
        return "state"
    if one.operation == "constant" and one.level is Level.HELD and part in ("held", "begin"):
        return "moving"
    ends = {"held": ("line", "memory"), "run": ("constant", "frozen"), "begin": ("constant",)}
    return one.operation if one.operation in ends.get(part, ()) else "of"


def _inside_a_stage(one: Instruction) -> bool:
    return one.operation == "state" or one.level is not Level.STAGE


def _inside_a_step(one: Instruction) -> bool:
    return one.operation in ("line", "memory", "constant") or one.level is Level.RUN


def _given(one: Instruction) -> bool:
    return one.operation in ("constant", "frozen")


def _is_constant(one: Instruction) -> bool:
    return one.operation == "constant"


def _free_of_seeds(code: Code) -> frozenset[int]:
    """Return the instructions that do not depend on a bar."""
    found: set[int] = set()
    for number, one in enumerate(code.instructions):
        if one.operation != SEED and all(argument in found for argument in one.arguments):
            found.add(number)
    return frozenset(found)
