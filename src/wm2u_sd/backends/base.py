"""What a backend is: it turns a program into a kernel that runs whole batches of columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.compile.program import Program

Array = NDArray[np.float64]
Steps = NDArray[np.int64]


@dataclass(frozen=True)
class Inputs:
    """What varies between columns.

    Attributes:
        constants: For each constant of the program an array (*its axes, columns) or (*its axes, 1).
        moving: Called with the number of a step, gives the constants that a scenario has moved by then
            (same shapes); constants it leaves out keep their value.
        tables: Points (x, y) that replace those of a lookup of the program, by its number.
        n_columns: Number of columns.
        copies: The columns are that many blocks, one after the other, which are alike until `parting`.
        parting: Step before which no constant moves and every copy goes the same way, so that a backend may run
            one for all. One that runs them all gets the same results.
    """

    constants: Sequence[Array]
    n_columns: int
    moving: Callable[[int], Mapping[int, Array]] | None = None
    tables: Mapping[int, tuple[Array, Array]] = field(default_factory=dict)
    copies: int = 1
    parting: int = 0


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


class AbstractKernel(ABC):
    """A program ready to run."""

    program: Program

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


class AbstractBackend(ABC):
    """A way of running programs."""

    name: str

    @abstractmethod
    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel.

        Raises:
            SimulationError: The program needs something this backend cannot do; the message names it.
        """
