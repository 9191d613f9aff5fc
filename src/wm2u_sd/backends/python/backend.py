"""The Python backend: a program as plain source, to read, and for single runs where there is nothing quicker."""

from __future__ import annotations

from wm2u_sd.backends.base import AbstractBackend, AbstractKernel
from wm2u_sd.backends.loops import LEAVES, REDUCTIONS, SHAPING, refuse_unprinted
from wm2u_sd.backends.python.kernel import PythonKernel
from wm2u_sd.backends.python.operations import PRINTED
from wm2u_sd.compile.program import Program

KNOWN = PRINTED | LEAVES - {"bar"} | REDUCTIONS | SHAPING | {"lookup", "line"}


class PythonBackend(AbstractBackend):
    """Prints programs as Python and runs them one column at a time."""

    name = "python"

    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel; it is printed when it is known what is to be kept.

        Raises:
            SimulationError: The program has an operation or a method that is not printed.
        """
        refuse_unprinted(program, KNOWN, self.name)
        return PythonKernel(program)
