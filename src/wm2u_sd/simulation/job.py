"""Jobs: columns, one for each scenario and draw, run in blocks, and what is kept of them."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import NEVER, AbstractKernel, Array, Inputs, Move, Steps
from wm2u_sd.errors import SimulationError
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.conservation import Population, needed, populations
from wm2u_sd.simulation.failures import Fault, negative, no_numbers, not_finite, unbalanced
from wm2u_sd.simulation.labels import Label, label_of
from wm2u_sd.simulation.levers import all_levers, moves
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.wanted import Wanted

MOST_VALUES = 400_000_000
BLOCK_BYTES = 32_000_000  # of kept values, so that what only the ledger reads is never there for all columns at once
FEWEST_COLUMNS = 1_024  # in a block: enough to keep the processors busy

Progress = Callable[[int, int], None]
ENDS = [0, -1]


@dataclass(frozen=True)
class Columns:
    """What a batch of draws gave in every scenario.

    Attributes:
        kept: Each wanted name as (*axes, moment, scenario, draw).
        ends: What only the ledger reads, the same with two moments, the first and the last.
        faults: What went wrong.
    """

    kept: Mapping[str, Array]
    ends: Mapping[str, Array]
    faults: Sequence[Fault]

    def at(self, name: str, end: int) -> Array:
        """Return a value at the first (0) or the last moment (-1), summed over its axes, (scenario, draw)."""
        values = (self.kept[name] if name in self.kept else self.ends[name])[..., end, :, :]
        total: Array = values.sum(axis=tuple(range(values.ndim - 2)))
        return total


@dataclass(frozen=True)
class Job:
    """Scenarios of a compiled model, to be run for one batch of draws after another."""

    model: Model
    scenarios: Sequence[Scenario]
    kernel: AbstractKernel
    wanted: Wanted

    @cached_property
    def moves(self) -> Mapping[str, Move]:
        """What scenarios do to constants."""
        return moves(self.model.time, self.scenarios)

    @cached_property
    def partings(self) -> list[int]:
        """First step at which each scenario moves something."""
        alone = [[move.of([number]) for move in self.moves.values()] for number in range(len(self.scenarios))]
        return [min((move.parting for move in own), default=NEVER) for own in alone]

    @cached_property
    def populations(self) -> list[Population]:
        """What the ledger is about."""
        return populations(self.model)

    @cached_property
    def kept(self) -> list[str]:
        """Names to keep at every saved moment."""
        return self.wanted.kernel_names()

    @cached_property
    def names(self) -> list[str]:
        """Names to keep at every saved moment, then those of which the ledger reads the ends."""
        ledger = [name for population in self.populations for name in needed(population)]
        return list(dict.fromkeys([*self.kept, *ledger]))

    @cached_property
    def for_ledger(self) -> list[str]:
        """Names of which only the ledger reads the ends."""
        return self.names[len(self.kept) :]

    @cached_property
    def labels(self) -> dict[str, Label]:
        """For each name its label."""
        return {name: label_of(self.model, self.kernel.program, name) for name in self.names}

    @cached_property
    def results(self) -> dict[str, Label]:
        """For each name that is kept its label."""
        return {name: self.labels[name] for name in self.kept}

    @cached_property
    def saved_steps(self) -> list[int]:
        """Steps whose values are kept."""
        return self.model.time.saved_steps()

    @cached_property
    def saved_times(self) -> list[float]:
        """Moments whose values are kept."""
        return self.model.time.saved_times()

    @cached_property
    def groups(self) -> list[list[int]]:
        """Scenario numbers that may share columns: those with the same changes to lookups.

        Those that move something from the first step on stand apart from those that have a past to share.
        """
        groups: dict[str, list[int]] = {}
        for number, scenario in enumerate(self.scenarios):
            curves = [(lever.target, lever.points) for lever in all_levers(scenario) if lever.points is not None]
            groups.setdefault(json.dumps([curves, self.partings[number] > 0]), []).append(number)
        return list(groups.values())

    @cached_property
    def column_bytes(self) -> int:
        """Bytes that a kernel keeps for one column."""
        return 8 * max(1, sum(self.labels[name].size for name in self.names)) * len(self.saved_steps)

    @cached_property
    def column_values(self) -> int:
        """Number of values that are kept of one column in the end."""
        kept = sum(self.labels[name].size for name in self.kept) * len(self.saved_steps)
        return kept + sum(self.labels[name].size for name in self.for_ledger) * len(ENDS)

    def run(
        self,
        constants: Mapping[str, Array],
        balanced: NDArray[np.bool_],
        progress: Progress | None = None,
        threads: int | None = None,
    ) -> Columns:
        """Run every scenario for every draw.

        Args:
            constants: Every constant, (*axes, draws) or (*axes, 1).
            balanced: For each draw whether it starts at rest; what does not is carried along, and its faults not told.
            progress: Called with (columns done, columns in all).
            threads: How many blocks are run at a time; None takes one for every processor.

        Raises:
            SimulationError: More would be kept than `MOST_VALUES`.
        """
        n_draws = len(balanced)
        jobs = [(group, block) for group in self.groups for block in self.blocks(len(group), n_draws)]
        self.refuse_too_many(n_draws)
        if len(jobs) == 1:
            kept, faults = self.block(constants, balanced, *jobs[0])
            _tell(progress, len(self.scenarios) * n_draws, len(self.scenarios) * n_draws)
            return self.columns(kept, {n: kept[n][..., ENDS, :, :] for n in self.for_ledger}, faults, balanced)
        return self.in_blocks(jobs, constants, balanced, progress, threads or os.cpu_count() or 1)

    def in_blocks(
        self,
        jobs: Sequence[tuple[list[int], slice]],
        constants: Mapping[str, Array],
        balanced: NDArray[np.bool_],
        progress: Progress | None,
        threads: int,
    ) -> Columns:
        """Run blocks over threads, each writing its own part of the whole."""
        kept = self.room(self.kept, len(self.saved_steps), len(balanced))
        ends = self.room(self.for_ledger, len(ENDS), len(balanced))
        faults: list[Fault] = []

        def carry(group: list[int], block: slice) -> int:
            values, found = self.block(constants, balanced, group, block)
            for name, array in kept.items():
                array[..., group, block] = values[name]
            for name, array in ends.items():
                array[..., group, block] = values[name][..., ENDS, :, :]
            faults.extend(found)
            return int(len(group) * (block.stop - block.start))

        done = 0
        with ThreadPoolExecutor(min(len(jobs), threads)) as pool:
            for future in as_completed([pool.submit(carry, *job) for job in jobs]):
                done += future.result()
                _tell(progress, done, len(self.scenarios) * len(balanced))
        return self.columns(kept, ends, faults, balanced)

    def columns(
        self,
        kept: Mapping[str, Array],
        ends: Mapping[str, Array],
        faults: Sequence[Fault],
        balanced: NDArray[np.bool_],
    ) -> Columns:
        """Return what was kept, in order, with the faults of every draw."""
        return Columns({n: kept[n] for n in self.kept}, ends, [*unbalanced(balanced), *faults])

    def room(self, names: Sequence[str], moments: int, n_draws: int) -> dict[str, Array]:
        """Return room for some names, each (*axes, moments, scenario, draw)."""
        return {n: np.empty((*self.labels[n].shape, moments, len(self.scenarios), n_draws)) for n in names}

    def refuse_too_many(self, n_draws: int) -> None:
        """Refuse what would not fit into memory.

        Raises:
            SimulationError: It would not.
        """
        total = self.column_values * len(self.scenarios) * n_draws
        if total > MOST_VALUES:
            raise SimulationError(
                f"{total:,} values would be kept, more than {MOST_VALUES:,}; "
                "name fewer in save= or use a longer saveper"
            )

    def blocks(self, n_scenarios: int, n_draws: int) -> list[slice]:
        """Cut the draws into blocks of about equal size."""
        most = self.kernel.columns_at_once
        if self.kernel.spreads:
            most = min(most, max(FEWEST_COLUMNS, BLOCK_BYTES // self.column_bytes))
        n_blocks = min(n_draws, max(1, round(n_draws * n_scenarios / most)))
        edges = [at * n_draws // n_blocks for at in range(n_blocks + 1)]
        return [slice(first, last) for first, last in pairwise(edges)]

    def block(
        self, constants: Mapping[str, Array], balanced: NDArray[np.bool_], group: list[int], block: slice
    ) -> tuple[dict[str, Array], list[Fault]]:
        """Run some scenarios for some draws: each name as (*axes, moment, scenario, draw), and what went wrong."""
        arrays, failed = self.kernel.run(self.inputs(constants, group, block), self.names, self.saved_steps)
        shape = (len(group), block.stop - block.start)
        arrays = {name: array.reshape(*array.shape[:-1], *shape) for name, array in arrays.items()}
        faults = self.faults(arrays, failed.reshape(shape), balanced[block])
        return arrays, [fault.moved(group, block.start) for fault in faults]

    def inputs(self, constants: Mapping[str, Array], group: list[int], block: slice) -> Inputs:
        """Return what a kernel is given for some scenarios and draws."""
        own = [v if v.shape[-1] == 1 else v[..., block] for v in constants.values()]
        numbers = {name: number for number, name in enumerate(constants)}
        moved = {numbers[name]: move.of(group) for name, move in self.moves.items()}
        return Inputs(own, block.stop - block.start, len(group), moved, self.tables(self.scenarios[group[0]]))

    def tables(self, scenario: Scenario) -> dict[int, tuple[Array, Array]]:
        """Return the points that a scenario gives to lookups."""
        numbers = {lookup.name: number for number, lookup in enumerate(self.model.lookups())}
        curves = {v.target: v.points for v in all_levers(scenario) if v.points is not None}
        return {
            numbers[name]: (np.array([x for x, _ in points], float), np.array([y for _, y in points], float))
            for name, points in curves.items()
        }

    def faults(self, arrays: Mapping[str, Array], failed: Steps, balanced: NDArray[np.bool_]) -> list[Fault]:
        """Find what went wrong in a block; `failed` is (scenario, draw)."""
        time, among = self.model.time, balanced & (failed < 0)
        found = not_finite(time, failed)
        for number, name in enumerate(self.names):
            found += no_numbers(time, self.saved_times, number, name, arrays[name], among)
        for number, name in enumerate(self.kernel.program.non_negative):
            found += negative(number, name, arrays[name], among) if name in arrays else []
        return found


def held(kernel: AbstractKernel, threads: int) -> AbstractKernel:
    """Let a kernel that spreads columns over threads by itself take no more than so many."""
    if kernel.spreads:
        vars(kernel)["threads"] = threads
    return kernel


def _tell(progress: Progress | None, done: int, total: int) -> None:
    if progress is not None:
        progress(done, total)
