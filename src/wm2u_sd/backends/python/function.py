"""What the printed functions share: what they take out of a column, and constants as scenarios have moved them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence

from wm2u_sd.backends.loops import Shape
from wm2u_sd.backends.python.body import Body, Taken
from wm2u_sd.backends.python.layout import Layout
from wm2u_sd.backends.python.operations import Operations
from wm2u_sd.backends.python.writer import Writer, filled, position
from wm2u_sd.compile.program import Code


class AbstractFunction(ABC):
    """Prints one function.

    Args:
        taken: Which elements are taken along axes, for the whole module.
        guarded: Whether arithmetic must not raise.
    """

    def __init__(self, writer: Writer, layout: Layout, taken: Taken, *, guarded: bool) -> None:
        self.writer, self.layout, self.taken, self.guarded = writer, layout, taken, guarded
        self.operations = Operations(guarded=guarded)

    @abstractmethod
    def print(self) -> None:
        """Print the function."""

    def body(self, code: Code, stored: Iterable[int]) -> Body:
        """Return what prints the nests of a code."""
        return Body(self.writer, self.operations, self.layout.program, code, stored, self.taken)

    def take_constants(self) -> None:
        """Take constants and lookups out of the column."""
        w, layout = self.writer, self.layout
        w.unpack([f"{'b' if k in layout.schedule.moving else 'c'}{k}" for k in layout.constants], "column.constants")
        w.unpack(numbered("curve", range(len(layout.program.tables))), "column.curves")

    def take_moves(self) -> None:
        """Take out what scenarios do, and make lists for what comes of it."""
        self.writer.unpack([f"(by{k}, plus{k})" for k in self.layout.schedule.moving], "column.moves")
        self.rooms("c", {k: self.layout.constants[k] for k in self.layout.schedule.moving})

    def move(self, step: str) -> None:
        """Work out what scenarios have made of the constants they move, at a step."""
        with self.writer.section("# Constants as scenarios have moved them"):
            moving = {k: self.layout.constants[k] for k in self.layout.schedule.moving}
            self.each(moving, lambda k, here: [f"c{k}{here} = b{k}{here} * by{k}[{step}] + plus{k}[{step}]"])

    def rooms(self, name: str, shapes: Mapping[int, Shape]) -> None:
        """Make lists to write to, where there are axes."""
        for number, shape in shapes.items():
            if shape:
                self.writer.do(f"{name}{number} = {filled(shape)}")

    def each(self, shapes: Mapping[int, Shape], lines: Callable[[int, str], Sequence[str]]) -> None:
        """Write lines for each of some numbered values, given where it is; those of the same lengths share loops."""
        for shape in dict.fromkeys(shapes.values()):
            with self.writer.loops(shape):
                for number in (number for number, own in shapes.items() if own == shape):
                    for line in lines(number, position(range(len(shape)))):
                        self.writer.do(line)


def numbered(letter: str, numbers: Iterable[int]) -> list[str]:
    """Return names."""
    return [f"{letter}{number}" for number in numbers]
