"""How the values of a kernel are named, typed, read and worked out in C++."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from kernels.folding import Folded, Level, Node
from kernels.nests import dims_of_loop

from wm2u_sd.compile.program import Table

ORDER = ("locality", "age")
COUNTERS = {"locality": "l", "age": "a"}
SIGNS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
CALLS = {"min": "smaller", "max": "larger", "exp": "exp", "ln": "log", "sin": "sin", "power": "pow"}
COMPARISONS = {
    "less": "<", "less_equal": "<=", "greater": ">", "greater_equal": ">=", "equal": "==", "not_equal": "!=",
}  # fmt: skip


class Lanes(StrEnum):
    """What stands side by side in the lanes of a vector."""

    NOTHING = "nothing"
    RUNS = "runs"
    LOCALITIES = "localities"


@dataclass(frozen=True)
class Style:
    """How to print a kernel.

    Attributes:
        lanes: What stands side by side.
        width: Number of lanes.
    """

    lanes: Lanes
    width: int = 8


@dataclass
class Values:
    """The values of a kernel.

    Attributes:
        depths: For each node that outlives its innermost scope, how many loops are around the array it is kept in.
    """

    folded: Folded
    tables: Sequence[Table]
    style: Style
    depths: dict[int, int] = field(default_factory=dict)

    @property
    def order(self) -> tuple[str, ...]:
        """Dimensions, that of the outermost loop first."""
        return tuple(dim for dim in ORDER if dim in self.folded.sizes)

    def node(self, number: int) -> Node:
        """Return a node."""
        return self.folded.nodes[number]

    # Names and arrays -------------------------------------------------------------------------------------------------

    def name(self, number: int) -> str:
        """Return the name of a node: the model's, where it has one."""
        return f"{re.sub(r'[^a-z0-9_]', '_', self.folded.names.get(number, '')) or 'v'}_{number}"

    def stock(self, state: int) -> str:
        """Return the name of a state."""
        nodes = enumerate(self.folded.nodes)
        return f"stock_{next(self.name(n) for n, one in nodes if (one.operation, one.payload) == ('state', state))}"

    def clock(self, number: int) -> str:
        """Return the name of a value that all runs share."""
        return "time" if self.node(number).operation == "time" else self.name(number)

    def count(self, dim: str) -> int:
        """Return how often the loop over a dimension goes round."""
        size = self.folded.sizes[dim]
        return -(-size // self.style.width) if self.lanes_are(dim) else size

    def declared(self, name: str, dims: Iterable[str], kind: str) -> str:
        """Return the declaration of a variable over some dimensions."""
        return f"{kind} {name}" + "".join(f"[{self.count(dim)}]" for dim in self.order if dim in dims)

    def index(self, dims: Iterable[str]) -> str:
        """Return what stands after the name of a variable over some dimensions."""
        return "".join(f"[{COUNTERS[dim]}]" for dim in self.order if dim in dims)

    def loop(self, dim: str) -> str:
        """Return the head of a loop over a dimension."""
        counter = COUNTERS[dim]
        return f"for (int {counter} = 0; {counter} < {self.count(dim)}; {counter}++) "

    def around(self, number: int) -> tuple[str, ...]:
        """Return the dimensions of the array a node is kept in: those of the loops inside the scope it belongs to."""
        depth = self.depths.get(number, len(self.order))
        return tuple(dim for dim in self.order[depth:] if dim in self.node(number).dims)

    # Types ------------------------------------------------------------------------------------------------------------

    def lanes_are(self, dim: str) -> bool:
        """Whether the elements of a dimension stand side by side."""
        return dim == "locality" and self.style.lanes is Lanes.LOCALITIES

    def type_over(self, dims: Iterable[str]) -> str:
        """Return the type of what is different in every run."""
        if self.style.lanes is Lanes.RUNS or any(map(self.lanes_are, dims)):
            return "V"
        return "double"

    def type_of(self, number: int) -> str:
        """Return the type of a node where it is read."""
        node = self.node(number)
        if self.style.lanes is Lanes.RUNS and node.level in (Level.FIXED, Level.CLOCK):
            return "double"
        return self.type_over(node.dims)

    def is_total(self, number: int) -> bool:
        """Whether a node adds up what stands side by side."""
        node = self.node(number)
        summed = set(dims_of_loop(self.folded, node)) - set(node.dims)
        return node.operation == "sum" and any(map(self.lanes_are, summed))

    # Reading and working out ------------------------------------------------------------------------------------------

    def read(self, number: int) -> str:
        """Return how a node is read."""
        node = self.node(number)
        if node.known is not None:
            return self.read_known(number)
        if node.operation == "parameter":
            return f"p[{node.payload}]"
        if node.operation == "state":
            return f"{self.stock(node.payload)}{self.index(node.dims)}"
        if node.level is Level.CLOCK:
            return self.clock(number)
        return f"{self.name(number)}{self.index(self.around(number))}"

    def read_known(self, number: int) -> str:
        """Return a number as it is, an element of an array by its name."""
        node = self.node(number)
        if not node.dims:
            return number_text(float(node.known))
        element = f"{self.name(number)}{self.index(node.dims)}"
        return f"*(const V *){element}" if self.type_of(number) == "V" else element

    def read_as(self, number: int, kind: str) -> str:
        """Return how a node is read where a type is needed."""
        text = self.read(number)
        return f"wide({text})" if kind == "V" and self.type_of(number) != "V" else text

    def worked_out(self, number: int) -> str:
        """Return how a node is worked out."""
        node = self.node(number)
        if node.operation.startswith("if "):
            return self.choice(number)
        text = self.combined(node, [self.read(argument) for argument in node.arguments])
        narrow = all(self.type_of(argument) == "double" for argument in node.arguments)
        return f"wide({text})" if self.type_of(number) == "V" and narrow else text

    def combined(self, node: Node, arguments: Sequence[str]) -> str:
        """Return an operation on values."""
        if node.operation in SIGNS:
            return f"{arguments[0]} {SIGNS[node.operation]} {arguments[1]}"
        if node.operation == "lookup":
            return f"look_up({self.tables[node.payload].name}, {arguments[0]})"
        return f"{CALLS[node.operation]}({', '.join(arguments)})"

    def choice(self, number: int) -> str:
        """Return a choice between two values by comparing two others."""
        node = self.node(number)
        sign = COMPARISONS[node.operation.removeprefix("if ")]
        clock = node.level is Level.CLOCK  # worked out for many moments side by side
        compared = "V" if clock or "V" in map(self.type_of, node.arguments[:2]) else "double"
        result = "V" if clock else self.type_of(number)
        x, y = (self.read_as(argument, compared) for argument in node.arguments[:2])
        then, otherwise = (self.read_as(argument, result) for argument in node.arguments[2:])
        return f"{x} {sign} {y} ? {then} : {otherwise}"


def number_text(value: float) -> str:
    """Return a number as C++ reads it."""
    text = repr(float(value))
    return f"({text})" if text.startswith("-") else text
