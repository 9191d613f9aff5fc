"""The native backend: machine code through llvmlite, without a C compiler."""

from __future__ import annotations

from wm2u_sd.backends.base import AbstractBackend, AbstractKernel
from wm2u_sd.backends.loops import CONDITIONS, LEAVES, REDUCTIONS, SHAPING
from wm2u_sd.backends.native.kernel import NativeKernel
from wm2u_sd.backends.native.operations import PRINTED
from wm2u_sd.backends.native.tables import LOOKUPS
from wm2u_sd.compile.integrators import TABLEAUX
from wm2u_sd.compile.program import Program
from wm2u_sd.errors import SimulationError

KNOWN = PRINTED | CONDITIONS | LEAVES | REDUCTIONS | SHAPING | LOOKUPS | {"line", "put"}


class NativeBackend(AbstractBackend):
    """Compiles programs to machine code in this process."""

    name = "native"

    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel; machine code follows when it is known what is to be kept.

        Raises:
            SimulationError: The program has an operation or a method that is not printed.
        """
        operations = {one.operation for code in (program.start, program.step) for one in code.instructions}
        missing = sorted(operations - KNOWN)
        tableau = TABLEAUX[program.time.method]
        if any(weight for row in tableau.a for weight in row[:-1]):
            missing.append(program.time.method)
        if missing:
            raise SimulationError(
                f"The backend 'native' cannot do {', '.join(missing)}; use backend_name='numpy', which can"
            )
        return NativeKernel(program)
