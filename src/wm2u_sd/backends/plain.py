"""What takes the place of machine code where there is none: plain Python for a few runs, NumPy for many."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from wm2u_sd.backends.base import AbstractBackend, AbstractKernel, Array, Inputs, Moment, Steps
from wm2u_sd.backends.python.backend import PythonBackend
from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.compile.program import Program
from wm2u_sd.errors import SimulationError

FEW = 8  # columns: Python takes some ten times as long for each of them as NumPy's calls take for all


class PlainKernel(AbstractKernel):
    """Runs a few columns as Python and many with NumPy."""

    def __init__(self, program: Program) -> None:
        self.program, self.together = program, NumpyKernel(program)
        self.one_by_one: AbstractKernel = self.together
        with suppress(SimulationError):  # what Python does not print NumPy does
            self.one_by_one = PythonBackend().compile(program)

    def run(self, inputs: Inputs, save: Sequence[str], saved_steps: Sequence[int]) -> tuple[dict[str, Array], Steps]:
        """Run every column from start to end."""
        kernel = self.one_by_one if inputs.n_columns <= FEW else self.together
        return kernel.run(inputs, save, saved_steps)

    def at_start(self, inputs: Inputs, state: Array | None = None, names: Sequence[str] | None = None) -> Moment:
        """Evaluate the first moment."""
        return self.together.at_start(inputs, state, names)


class PlainBackend(AbstractBackend):
    """Needs nothing but NumPy. A column may differ in its last places by how many it is run with."""

    name = "plain"
    same_bits = False

    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel."""
        return PlainKernel(program)
