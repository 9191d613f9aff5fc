"""What functions of one module of LLVM text share: arrays, lookups, and functions of our own that they call."""

from __future__ import annotations

from collections.abc import Sequence

from wm2u_sd.backends.native.layout import Layout
from wm2u_sd.backends.native.mathematics import NAMES, definitions
from wm2u_sd.backends.native.operations import declarations
from wm2u_sd.backends.native.tables import Tables
from wm2u_sd.backends.native.writer import number


class Module:
    """Collects what the functions printed for a layout need beside themselves.

    Attributes:
        layout: What they are printed for.
        uses: Functions of numbers that are called: operation or intrinsic, and numbers side by side.
        tables: Lookups.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.uses: set[tuple[str, int]] = set()
        self.tables = Tables(layout.schedule.program.tables, layout.sizes)
        self.taken: dict[tuple[int, ...], str] = {}

    def indices(self, elements: Sequence[int]) -> str:
        """Return the name of an array of whole numbers: the elements that are taken along an axis."""
        return self.taken.setdefault(tuple(elements), f"@wm.taken{len(self.taken)}")

    def text(self, functions: Sequence[str]) -> str:
        """Return the whole module."""
        mathematics = definitions([use for use in sorted(self.uses) if use[0] in NAMES])
        known = set(mathematics.splitlines())
        declared = [line for line in self.declared() if line not in known]
        parts = [*self.arrays(), *self.weights(), mathematics, *declared, self.tables.definitions(), *functions]
        return "\n".join([*parts, "!0 = !{}", ""])

    def arrays(self) -> list[str]:
        """Write the arrays of whole numbers."""
        return [
            f"{name} = private constant [{len(elements)} x i64] [{', '.join(f'i64 {e}' for e in elements)}]"
            for elements, name in self.taken.items()
        ]

    def declared(self) -> list[str]:
        """Declare what LLVM provides."""
        width = self.layout.frame.width if self.layout.frame.lanes else 1
        any_of = [f"declare i1 @llvm.vector.reduce.or.v{width}i1(<{width} x i1>)"] if width > 1 else []
        return [*declarations(self.uses).splitlines(), *any_of]

    def weights(self) -> list[str]:
        """Write the method as arrays, with one more stage: a step of Euler's method from where the step began."""
        tableau, n = self.layout.schedule.tableau, self.layout.schedule.n_stages
        onward = [tableau.a[stage][stage] for stage in range(n - 1)] + [tableau.b[-1], 1.0]
        arrays = {"onward": onward, "total": [*tableau.b, 1.0], "clock": [*tableau.c, 0.0]}
        return [
            f"@wm.{name} = private constant [{n + 1} x double] "
            f"[{', '.join(f'double {number(weight)}' for weight in values)}]"
            for name, values in arrays.items()
        ]
