"""Print folded equations as C++ the way one would write it by hand for speed.

Constants stand in the text, what belongs to a run or to a moment is worked out before the loop over steps, values live
in the innermost scope that needs them, and states are written where they stand.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from kernels.folding import Folded, Level
from kernels.nests import Leaf, Nest, Path, fused, leaves, needed, read_at
from kernels.values import Lanes, Style, Values, number_text

from wm2u_sd.backends.base import Array
from wm2u_sd.compile.program import Table
from wm2u_sd.model.timing import Time


def kernel_text(folded: Folded, tables: Sequence[Table], time: Time, style: Style) -> str:
    """Return the text of a kernel; `sweep` in it makes runs."""
    return _Printer(Values(folded, tables, style), time).text()


@dataclass(frozen=True)
class _Scopes:
    """Where the nodes of a phase stand, and in which scope those that outlive their innermost one are declared."""

    places: Mapping[int, Path]
    depths: Mapping[int, int]

    def declared_in(self, path: Path) -> list[int]:
        """Return the nodes that are declared inside the nest at a path."""
        here = [number for number, depth in self.depths.items() if depth == len(path)]
        return [number for number in here if self.places[number][: len(path)] == path]


class _Printer:
    def __init__(self, values: Values, time: Time) -> None:
        self.values, self.folded, self.time = values, values.folded, time
        read = {argument for number in self.of(Level.MOMENT) for argument in values.node(number).arguments}
        self.clocks = sorted(number for number in read if values.node(number).level is Level.CLOCK)
        self.kept_of_run = {*read, *self.folded.initials, *self.folded.rates, *self.folded.outputs}

    def of(self, level: Level) -> list[int]:
        """Return the nodes of a level that are worked out."""
        folded = self.folded
        return needed(folded, [*folded.rates, *folded.outputs, *folded.initials], level)

    # Parts of the text ------------------------------------------------------------------------------------------------

    def text(self) -> str:
        lines = [f"#define W {self.values.style.width}", '#include "lanes.h"', ""]
        lines += [*self.curves(), *self.known_arrays(), *self.clock_function(), *self.run_function(), *self.sweep()]
        return "\n".join(lines) + "\n"

    def curves(self) -> Iterator[str]:
        for table in self.values.tables:
            slopes = np.diff(table.y) / np.diff(table.x)
            rows = ", ".join("{" + ", ".join(map(number_text, row)) + "}" for row in (table.x, table.y, slopes))
            yield f"static constexpr Curve<{len(table.x)}> {table.name} = {{{rows}}};"

    def known_arrays(self) -> Iterator[str]:
        for number, node in enumerate(self.folded.nodes):
            if node.known is not None and node.dims:
                numbers = ", ".join(map(number_text, self.laid_out(number).ravel()))
                array = self.values.declared(self.values.name(number), node.dims, "double")
                lanes = f"[{self.values.style.width}]" if self.values.type_of(number) == "V" else ""
                yield f"alignas(64) static const {array}{lanes} = {{{numbers}}};"

    def laid_out(self, number: int) -> Array:
        """Return known values in the order of the loops, with every lane filled."""
        node = self.values.node(number)
        order = [dim for dim in self.values.order if dim in node.dims]
        known = np.transpose(np.asarray(node.known), [node.dims.index(dim) for dim in order])
        if self.values.type_of(number) == "double":
            return known
        vectors, width = self.values.count("locality"), self.values.style.width
        full = np.concatenate([known, np.repeat(known[-1:], vectors * width - len(known), axis=0)])
        return np.moveaxis(full.reshape(vectors, width, *known.shape[1:]), 1, -1)

    def clock_function(self) -> Iterator[str]:
        """Print what works out, for all moments, the values that all runs share, with moments side by side."""
        yield f"enum {{ MOMENTS = {self.time.n_steps + 1}, CLOCKS = {max(1, len(self.clocks))} }};"
        yield "typedef double Clocks[CLOCKS][(MOMENTS + W - 1) / W * W];"
        yield "static void fill(Clocks clocks) {"
        yield "  for (int step = 0; step < MOMENTS; step += W) {"
        yield f"    const V time = {number_text(self.time.start)} + counted(step) * {number_text(self.time.dt)};"
        for number in needed(self.folded, self.clocks, Level.CLOCK):
            yield f"    const V {self.values.name(number)} = {self.values.worked_out(number)};"
        for position, number in enumerate(self.clocks):
            yield f"    *(V *)&clocks[{position}][step] = {self.values.clock(number)};"
        yield "  }"
        yield "}"

    def run_function(self) -> list[str]:
        kind = self.values.type_over(())
        lines = [f"static void run(const {kind} *p, {kind} *out, const Clocks clocks) {{"]
        lines += self.phase(self.of(Level.RUN), [], self.kept_of_run, "  ")
        lines += self.states()
        lines.append("  for (int step = 0; step < MOMENTS; step++) {")
        lines += [f"    const double {self.values.clock(n)} = clocks[{k}][step];" for k, n in enumerate(self.clocks)]
        lines.append(f"    if (step % {self.time.steps_per_save} == 0) {{")
        lines += self.moment(self.folded.outputs)
        lines.append("    } else {")
        lines += self.moment(())
        return [*lines, "    }", "  }", "}"]

    def states(self) -> Iterator[str]:
        """Print the states and where they start."""
        for state, dims in enumerate(self.folded.states):
            name, kind = self.values.stock(state), self.values.type_over(dims)
            loops = "".join(self.values.loop(dim) for dim in self.values.order if dim in dims)
            initial = self.values.read_as(self.folded.initials[state], kind)
            yield f"  {self.values.declared(name, dims, kind)};"
            yield f"  {loops}{name}{self.values.index(dims)} = {initial};"

    def moment(self, outputs: Sequence[int]) -> list[str]:
        """Print a moment and the step after it; what is a state is kept before the step, the rest after."""
        nodes = needed(self.folded, [*self.folded.rates, *outputs], Level.MOMENT)
        phase = self.phase(nodes, range(len(self.folded.states)), set(outputs), "      ")
        row = f"out[%d * {len(self.time.saved_steps())} + step / {self.time.steps_per_save}] = %s;"
        before, after = [], []
        for position, number in enumerate(outputs):
            kept = before if self.values.node(number).operation == "state" else after
            kept.append("      " + row % (position, self.values.read(number)))
        return [*before, *phase, *after]

    def sweep(self) -> list[str]:
        """Print what makes runs: parameters are (constant, run), results (output, moment, run)."""
        width = self.values.style.width if self.values.style.lanes is Lanes.RUNS else 1
        cells = len(self.folded.outputs) * len(self.time.saved_steps())
        return [
            'extern "C" void sweep(const double *parameters, double *out, long n, int threads) {',
            "  alignas(64) Clocks clocks;",
            "  fill(clocks);",
            "  #pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)",
            f"  for (long first = 0; first < n; first += {width}) {{",
            f"    {self.values.type_over(())} p[{self.folded.parameters}], kept[{cells}];",
            f"    for (int k = 0; k < {self.folded.parameters}; k++)",
            "      memcpy(&p[k], parameters + k * n + first, sizeof p[k]);",
            "    run(p, kept, clocks);",
            f"    for (int k = 0; k < {cells}; k++) memcpy(out + k * n + first, &kept[k], sizeof kept[k]);",
            "  }",
            "}",
        ]

    # Phases and nests -------------------------------------------------------------------------------------------------

    def phase(self, nodes: Sequence[int], updates: Sequence[int], kept: set[int], indent: str) -> list[str]:
        """Print what works out some nodes; those in `kept` can be read after it."""
        nests = fused(self.folded, nodes, updates, self.values.order)
        scopes = self.scopes(nests, kept)
        others = {number: depth for number, depth in self.values.depths.items() if number not in scopes.places}
        self.values.depths = {**others, **scopes.depths}
        return [*self.declarations(scopes, (), indent), *self.printed(nests, scopes, (), indent)]

    def scopes(self, nests: Sequence[Nest | Leaf], kept: set[int]) -> _Scopes:
        """Find the scope of every node that is read outside its innermost one."""
        places = {number: path for path, leaf in leaves(nests) for number in leaf.nodes}
        readers = read_at(self.folded, nests)
        depths = {}
        for number, path in places.items():
            shared = [_shared(path, reader) for reader in readers.get(number, ())]
            depth = 0 if number in kept else min(shared, default=len(path))
            if depth < len(path) and self.values.order:
                depths[number] = depth
        return _Scopes(places, depths)

    def printed(self, nests: Sequence[Nest | Leaf], scopes: _Scopes, path: Path, indent: str) -> Iterator[str]:
        for position, nest in enumerate(nests):
            here = (*path, position)
            if isinstance(nest, Leaf):
                yield from (indent + line for line in self.leaf(nest))
                continue
            yield f"{indent}{self.values.loop(nest.over) if nest.over else ''}{{"
            yield from self.declarations(scopes, here, indent + "  ")
            yield from self.printed(nest.inside, scopes, here, indent + "  ")
            yield f"{indent}}}"
            yield from (indent + line for line in self.totals(scopes, nest, here))

    def declarations(self, scopes: _Scopes, path: Path, indent: str) -> Iterator[str]:
        for number in scopes.declared_in(path):
            name, start = self.values.name(number), " = {}" if self.values.node(number).operation == "sum" else ""
            if self.values.is_total(number):
                yield f"{indent}V {name}_parts[{self.values.count('locality')}]{start};"
            else:
                kind = self.values.type_of(number)
                yield f"{indent}{self.values.declared(name, self.values.around(number), kind)}{start};"

    def totals(self, scopes: _Scopes, nest: Nest, path: Path) -> Iterator[str]:
        """Print the sums over lanes that are known once a loop over them has ended."""
        for number, place in scopes.places.items():
            if self.values.lanes_are(nest.over) and place[: len(path)] == path and self.values.is_total(number):
                name = self.values.name(number)
                yield f"const double {name} = total({name}_parts, {self.folded.sizes[nest.over]});"

    def leaf(self, leaf: Leaf) -> Iterator[str]:
        for number in leaf.nodes:
            node, name = self.values.node(number), self.values.name(number)
            if self.values.is_total(number):
                yield f"{name}_parts[l] += {self.values.read(node.arguments[0])};"
            elif node.operation == "sum":
                yield f"{self.values.read(number)} += {self.values.read(node.arguments[0])};"
            elif number in self.values.depths:
                yield f"{self.values.read(number)} = {self.values.worked_out(number)};"
            else:
                yield f"const {self.values.type_of(number)} {name} = {self.values.worked_out(number)};"
        for state in leaf.updates:
            level = f"{self.values.stock(state)}{self.values.index(self.folded.states[state])}"
            yield f"{level} = {level} + {number_text(self.time.dt)} * {self.values.read(self.folded.rates[state])};"


def _shared(one: Path, other: Path) -> int:
    """Return how many nests two places have in common."""
    return next((depth for depth, (x, y) in enumerate(zip(one, other, strict=True)) if x != y), len(one))
