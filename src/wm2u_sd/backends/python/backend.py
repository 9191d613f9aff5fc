"""The Python backend: a program as plain source, to read, and for single runs where there is nothing quicker."""

from __future__ import annotations

from wm2u_sd.backends.base import AbstractBackend, AbstractKernel
from wm2u_sd.backends.loops import LEAVES, REDUCTIONS, SHAPING
from wm2u_sd.backends.python.kernel import PythonKernel
from wm2u_sd.backends.python.operations import PRINTED
from wm2u_sd.compile.integrators import TABLEAUX
from wm2u_sd.compile.program import Program
from wm2u_sd.errors import SimulationError

KNOWN = PRINTED | LEAVES - {"bar"} | REDUCTIONS | SHAPING | {"lookup", "line"}


class PythonBackend(AbstractBackend):
    """Prints programs as Python and runs them one column at a time."""

    name = "python"

    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel; it is printed when it is known what is to be kept.

        Raises:
            SimulationError: The program has an operation or a method that is not printed.
        """
        operations = {one.operation for code in (program.start, program.step) for one in code.instructions}
        missing = sorted(operations - KNOWN)
        if any(weight for row in TABLEAUX[program.time.method].a for weight in row[:-1]):
            missing.append(program.time.method)
        if missing:
            raise SimulationError(
                f"The backend 'python' cannot do {', '.join(missing)}; use backend_name='numpy', which can"
            )
        return PythonKernel(program)
