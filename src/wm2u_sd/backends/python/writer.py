"""Writes Python: lines at a depth, blocks, loops over elements, and long lists of names."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager

from wm2u_sd.backends.loops import Shape

WIDTH = 110
COUNTERS = "ijk"


class Writer:
    """Writes a module line by line."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.depth = 0

    @property
    def text(self) -> str:
        """All that was written."""
        return "\n".join([*self.lines, ""])

    def do(self, text: str) -> None:
        """Write a line."""
        self.lines.append(f"{'    ' * self.depth}{text}" if text else "")

    @contextmanager
    def block(self, head: str) -> Iterator[None]:
        """Write what follows one deeper under a head, and nothing when nothing follows."""
        with self.section(head):
            self.depth += 1
            yield
            self.depth -= 1

    @contextmanager
    def section(self, head: str) -> Iterator[None]:
        """Write a head over what follows, and nothing when nothing follows."""
        self.do(head)
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self.lines.pop()

    @contextmanager
    def loops(self, shape: Shape, first: int = 0) -> Iterator[None]:
        """Write what follows inside loops over elements, the outermost that of axis `first`."""
        with ExitStack() as stack:
            for axis, length in enumerate(shape, start=first):
                stack.enter_context(self.block(f"for {counter(axis)} in range({length}):"))
            yield

    def unpack(self, names: Sequence[str], source: str) -> None:
        """Give names to the parts of a value, where there are any."""
        if names:
            self.spread("", names, f" = {source}")

    def pack(self, target: str, names: Sequence[str]) -> None:
        """Put values together."""
        self.spread(f"{target} = ", names, "")

    def spread(self, before: str, names: Sequence[str], after: str) -> None:
        """Write a tuple between two texts, over several lines where it is long."""
        inside = ", ".join(names) + ("," if len(names) == 1 else "")
        whole = f"{before}({inside}){after}"
        if len(whole) + 4 * self.depth <= WIDTH:
            self.do(whole)
            return
        self.do(f"{before}(")
        for line in textwrap.wrap(inside, WIDTH - 4 * self.depth - 4, break_on_hyphens=False):
            self.do(f"    {line}")
        self.do(f"){after}")


def counter(axis: int) -> str:
    """Return the name of what counts the elements of an axis."""
    return COUNTERS[axis] if axis < len(COUNTERS) else f"i{axis}"


def position(axes: Sequence[int]) -> str:
    """Return the subscripts of where loops stand."""
    return "".join(f"[{counter(axis)}]" for axis in axes)


def filled(shape: Shape, value: str = "0.0") -> str:
    """Return a number, or lists in lists that hold it everywhere."""
    if len(shape) > 1:
        return f"[{filled(shape[1:], value)} for _ in range({shape[0]})]"
    return f"[{value}] * {shape[0]}" if shape else value
