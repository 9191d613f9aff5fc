"""What a backend is: it turns a program into a kernel that runs whole batches of columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.compile.program import Program
from wm2u_sd.errors import SimulationError

if TYPE_CHECKING:
    from wm2u_sd.compile.adjoint import Wanted

Array = NDArray[np.float64]
Steps = NDArray[np.int64]
NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Move:
    """What scenarios do to a constant: at each step it is its value multiplied by `times`, and `plus` added.

    Attributes:
        times, plus: Shape (steps + 1, scenarios); 1 and 0 where a scenario leaves the constant alone.
    """

    times: Array
    plus: Array

    @property
    def parting(self) -> int:
        """First step at which a scenario moves the constant; `NEVER` when none does."""
        still = ((self.times == 1.0) & (self.plus == 0.0)).all(axis=1)
        return NEVER if still.all() else int(still.argmin())

    def of(self, scenarios: Sequence[int]) -> Move:
        """Return what some of the scenarios do."""
        return Move(self.times[:, scenarios], self.plus[:, scenarios])


@dataclass(frozen=True)
class Inputs:
    """What varies between columns. Every scenario has a block of columns, one for each draw.

    Attributes:
        constants: For each constant of the program an array (*its axes, draws) or (*its axes, 1).
        n_draws: Number of draws.
        n_scenarios: Number of scenarios.
        moves: What scenarios do to constants, by the number of the constant.
        tables: Points (x, y) that replace those of a lookup of the program, by its number.
    """

    constants: Sequence[Array]
    n_draws: int
    n_scenarios: int = 1
    moves: Mapping[int, Move] = field(default_factory=dict)
    tables: Mapping[int, tuple[Array, Array]] = field(default_factory=dict)

    @property
    def n_columns(self) -> int:
        """Number of runs, scenario by scenario."""
        return self.n_draws * self.n_scenarios

    @property
    def parting(self) -> int:
        """Step before which all scenarios go the same way, so that a backend may run one for all."""
        return min((move.parting for move in self.moves.values()), default=NEVER)


@dataclass(frozen=True)
class Moment:
    """Values at one moment.

    Attributes:
        state: Shape (rows, columns).
        rates: Rate of change of every row, same shape.
        values: Named values of the step code, each (*its axes, columns or 1).

    When only some names were asked for, the rows of states that are not among them are NaN.
    """

    state: Array
    rates: Array
    values: Mapping[str, Array]


@dataclass(frozen=True)
class Gradient:
    """How much a number grows for each column when an input grows by one.

    Attributes:
        constants: By number, (*axes, columns); of a constant that scenarios move, of its value before they do.
        initial: Of the states at the start, by number, (*axes, columns); what starts elsewhere is taken as given.
        moved: Of what scenarios have made of a constant by each step, by number, (steps + 1, *axes, columns).
        points: Of the points of lookups, by number, x and y, each (points, columns).
    """

    constants: Mapping[int, Array]
    initial: Mapping[int, Array]
    moved: Mapping[int, Array]
    points: Mapping[int, tuple[Array, Array]]


Loss = Callable[[Mapping[str, Array], NDArray[np.int64]], tuple[Array, Mapping[str, Array]]]
"""From kept values, each (*axes, kept moment, some columns), and the numbers of these columns: a number for each,
and by how much it grows when a kept value does, shaped like the values (0 for names that are left out)."""


class AbstractKernel(ABC):
    """A program ready to run.

    Attributes:
        program: What is run.
        columns_at_once: How many columns are best given to it in one call.
        spreads: Whether it spreads the columns of a call over processors by itself.
    """

    program: Program
    columns_at_once: int = 10_000  # with fewer, threads wait for one another; with more, less fits the caches
    spreads: bool = False

    @abstractmethod
    def run(self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int]) -> tuple[dict[str, Array], Steps]:
        """Run every column from start to end.

        Args:
            inputs: Constants and levers.
            save: Names of values or states to keep.
            saved_steps: Step numbers to keep them at, rising, the last one the last step.

        Returns:
            For each name an array (*its axes, saved time, column), and for each column the step at which its state
            was first seen not to be finite (-1 when it always was). A state that nothing reads and nobody saves is
            left out.
        """

    @abstractmethod
    def at_start(self, inputs: Inputs, state: Array | None = None, names: Sequence[str] | None = None) -> Moment:
        """Evaluate the first moment, with the program's own initial state or with `state` in its place.

        Args:
            inputs: Constants and levers.
            state: The first rows of a state.
            names: States and values that are wanted; None takes all.
        """

    def value_and_gradient(
        self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int], loss: Loss, wanted: Wanted
    ) -> tuple[Array, Gradient]:
        """Run every column, and go back over it.

        Args:
            inputs: Constants and levers.
            save: Names that the loss is given.
            saved_steps: Step numbers at which it is given them.
            loss: A number for each column. It may be called for some columns at a time, in several threads.
            wanted: What derivatives are wanted by.

        Returns:
            The numbers, and how they change.

        Raises:
            SimulationError: This backend cannot go back.
        """
        raise SimulationError("this backend cannot go back over a run; the backend 'native' can (it needs llvmlite)")


class AbstractBackend(ABC):
    """A way of running programs.

    Attributes:
        name: What it is called.
        same_bits: Whether a column comes out the same to the last bit, whichever columns it is run with.
    """

    name: str
    same_bits: bool = True

    @abstractmethod
    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel.

        Raises:
            SimulationError: The program needs something this backend cannot do; the message names it.
        """
