"""The native backend: machine code through llvmlite, without a C compiler."""

from __future__ import annotations

from wm2u_sd.backends.base import AbstractBackend, AbstractKernel
from wm2u_sd.backends.loops import CONDITIONS, LEAVES, REDUCTIONS, SHAPING, refuse_unprinted
from wm2u_sd.backends.native.kernel import NativeKernel
from wm2u_sd.backends.native.operations import PRINTED
from wm2u_sd.backends.native.tables import LOOKUPS
from wm2u_sd.compile.program import Program

KNOWN = PRINTED | CONDITIONS | LEAVES | REDUCTIONS | SHAPING | LOOKUPS | {"line", "put"}


class NativeBackend(AbstractBackend):
    """Compiles programs to machine code in this process."""

    name = "native"

    def compile(self, program: Program) -> AbstractKernel:
        """Return a kernel; machine code follows when it is known what is to be kept.

        Raises:
            SimulationError: The program has an operation or a method that is not printed.
        """
        refuse_unprinted(program, KNOWN, self.name)
        return NativeKernel(program)
