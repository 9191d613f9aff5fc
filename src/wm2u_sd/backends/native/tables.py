"""Lookups: points in memory, so that a scenario may give its own; few points are compared one by one, many searched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.backends.native.writer import Value, Writer, literal
from wm2u_sd.compile.program import Table

FEW = 16  # points: up to here comparing with each is quicker than searching

LOOKUPS = frozenset({"lookup", "lookup.slope", "lookup.weight"})

SEARCH = """
define internal i64 @wm.segment(double %x, ptr %xs, i64 %n) nounwind memory(argmem: read) {
entry:
  %last = sub i64 %n, 2
  br label %loop
loop:
  %low = phi i64 [ 0, %entry ], [ %low.next, %body ]
  %high = phi i64 [ %last, %entry ], [ %high.next, %body ]
  %more = icmp ult i64 %low, %high
  br i1 %more, label %body, label %end
body:
  %sum = add i64 %low, %high
  %sum.up = add i64 %sum, 1
  %middle = lshr i64 %sum.up, 1
  %at = getelementptr double, ptr %xs, i64 %middle
  %point = load double, ptr %at, align 8
  %right = fcmp oge double %x, %point
  %left = sub i64 %middle, 1
  %low.next = select i1 %right, i64 %middle, i64 %low
  %high.next = select i1 %right, i64 %high, i64 %left
  br label %loop
end:
  ret i64 %low
}
"""
"""The segment of a curve that x falls in: the last point that is not above it, but never the end."""


class Tables:
    """Where the points of each lookup stand from %tables on: x, then y, then the slope of each segment."""

    def __init__(self, tables: Sequence[Table], sizes: Sequence[int]) -> None:
        self.tables, self.sizes = tables, sizes
        self.starts = np.concatenate([[0], np.cumsum([3 * size for size in sizes])]).astype(int).tolist()
        self.searched = False
        self.inside: dict[Any, Value] = {}
        self.segments: dict[Any, tuple[Value, Value, Value]] = {}

    def print(self, writer: Writer, operation: str, payload: Any, x: Value) -> Value:
        """Print an operation on a lookup."""
        if operation == "lookup":
            return self.look_up(writer, payload, x)
        return self.slope(writer, payload, x) if operation == "lookup.slope" else self.weight(writer, payload, x)

    def look_up(self, writer: Writer, number: int, x: Value) -> Value:
        """Read a curve: `y + slope * (x - begin)` of its segment (SEM-14); beyond its ends as the lookup says."""
        size, start = self.sizes[number], self.starts[number]
        if not self.tables[number].extrapolate:
            x = self.held(writer, start, size, x)
        begin, y, slope = self.segment(writer, start, size, x)
        rise = writer.arithmetic("fmul", slope, writer.arithmetic("fsub", x, begin))
        return writer.arithmetic("fadd", y, rise)

    def slope(self, writer: Writer, number: int, x: Value) -> Value:
        """Return the slope of a curve at x; where it is held at an end, 0."""
        size, start = self.sizes[number], self.starts[number]
        if self.tables[number].extrapolate:
            return self.segment(writer, start, size, x)[2]
        _, _, slope = self.segment(writer, start, size, self.held(writer, start, size, x))
        outside = writer.either(
            writer.compare("olt", x, self.point(writer, start)),
            writer.compare("ogt", x, self.point(writer, start + size - 1)),
        )
        return writer.select(outside, literal(0.0), slope)

    def weight(self, writer: Writer, point: tuple[int, int], x: Value) -> Value:
        """Return how much the y of a point counts at x: 1 there, falling to 0 at the points beside it."""
        number, at = point
        size, start = self.sizes[number], self.starts[number]
        if not self.tables[number].extrapolate:
            x = self.held(writer, start, size, x)
        here, weight = self.point(writer, start + at), literal(0.0)
        if at < size - 1:
            after = self.point(writer, start + at + 1)
            fall = writer.arithmetic(
                "fdiv", writer.arithmetic("fsub", after, x), writer.arithmetic("fsub", after, here)
            )
            is_before_next = writer.compare("olt", x, after) if at < size - 2 else None
            weight = fall if is_before_next is None else writer.select(is_before_next, fall, weight)
        if at > 0:
            before = self.point(writer, start + at - 1)
            rise = writer.arithmetic(
                "fdiv", writer.arithmetic("fsub", x, before), writer.arithmetic("fsub", here, before)
            )
            if at > 1:
                rise = writer.select(writer.compare("oge", x, before), rise, literal(0.0))
            weight = rise if at == size - 1 else writer.select(writer.compare("olt", x, here), rise, weight)
        return weight

    def segment(self, writer: Writer, start: int, size: int, x: Value) -> tuple[Value, Value, Value]:
        """Return begin, y and slope of the segment of x; a value and its slope at one place share it."""
        key = (id(writer), writer.reach, start, x.text)
        if key not in self.segments:
            self.segments[key] = (self.compared if size <= FEW else self.found)(writer, start, size, x)
        return self.segments[key]

    def point(self, writer: Writer, at: int) -> Value:
        """Return a number that the points are kept as."""
        return writer.load(writer.at("%tables", str(at)), constant=True)

    def held(self, writer: Writer, start: int, size: int, x: Value) -> Value:
        """Bring x between the ends; what is no number stays none."""
        key = (id(writer), writer.reach, start, x.text)
        if key not in self.inside:
            first, last = self.point(writer, start), self.point(writer, start + size - 1)
            raised = writer.select(writer.compare("olt", x, first), first, x)
            self.inside[key] = writer.select(writer.compare("ogt", raised, last), last, raised)
        return self.inside[key]

    def compared(self, writer: Writer, start: int, size: int, x: Value) -> tuple[Value, Value, Value]:
        """Return begin, y and slope of the segment of x, comparing with every point."""
        begin, y, slope = (self.point(writer, start + k * size) for k in range(3))
        for segment in range(1, size - 1):
            at = self.point(writer, start + segment)
            beyond = writer.compare("oge", x, at)
            begin = writer.select(beyond, at, begin)
            y = writer.select(beyond, self.point(writer, start + size + segment), y)
            slope = writer.select(beyond, self.point(writer, start + 2 * size + segment), slope)
        return begin, y, slope

    def found(self, writer: Writer, start: int, size: int, x: Value) -> tuple[Value, Value, Value]:
        """Return begin, y and slope of the segment of x, searching for it."""
        self.searched = True
        xs = writer.at("%tables", str(start))
        parts: tuple[list[Value], ...] = ([], [], [])
        for lane in range(x.width):
            here = writer.element(x, lane)
            segment = writer.let(f"call i64 @wm.segment(double {here.text}, ptr {xs}, i64 {size})")
            for part, values in enumerate(parts):
                values.append(writer.load(writer.at(writer.at(xs, str(part * size)), segment), constant=True))
        begin, y, slope = (writer.gathered(values) for values in parts)
        return begin, y, slope

    def definitions(self) -> str:
        """Return what the lookups printed so far call."""
        return SEARCH if self.searched else ""


def pack(points: Sequence[tuple[Array, Array]]) -> Array:
    """Return the points of every lookup as they stand in memory."""
    parts = [np.concatenate([xs, ys, np.diff(ys) / np.diff(xs), [0.0]]) for xs, ys in points]
    return np.concatenate(parts) if parts else np.zeros(1)


def sizes_of(tables: Sequence[Table], replaced: dict[int, int]) -> tuple[int, ...]:
    """Return the number of points of each lookup, some with other points."""
    return tuple(replaced.get(number, len(table.x)) for number, table in enumerate(tables))
