"""How pictures look: few colours, each with its own dash and a label at its end, readable in black and white."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

INK = "#2B2B2B"
GREY = "#5F6770"
PALE = "#ECEFF2"
MOST_LINES = 4

POINTS = 72  # in an inch
TITLE, TEXT, SMALL = 13.0, 10.0, 9.0  # sizes of type in points
LINE = 1.3  # height of a line of type, in its size
BOLD_LETTER, LETTER = 0.62, 0.53  # usual width of a letter, in its size


@dataclass(frozen=True, slots=True)
class LineStyle:
    """Colour and dash of one line; always used together."""

    colour: str
    dash: str


# Government Analysis Function categorical palette, in its order: at most four, dark and light by turns.
LINES = (
    LineStyle("#12436D", "-"),
    LineStyle("#28A197", "--"),
    LineStyle("#801650", "-."),
    LineStyle("#F46A25", ":"),
)


@dataclass(frozen=True, slots=True)
class Words:
    """What is written on a picture.

    Attributes:
        title: The finding.
        subtitle: Measure, units and how to read it.
        source: Which run it comes from.
    """

    title: str
    subtitle: str
    source: str


def figure(
    words: Words, shape: tuple[int, int], size: tuple[float, float], heights: Sequence[float] = (), share: str = ""
) -> tuple[Figure, NDArray[Any]]:
    """Return a figure with its words on it and empty panels.

    Args:
        words: Title above, source below.
        shape: Rows and columns of panels.
        size: Width and height of the panels together, inches.
        heights: Of the rows, as shares; none makes them equal.
        share: 'row' when the panels of a row have one upright axis, 'x' when all have one level axis.

    Returns:
        The figure, and its panels as an array of that shape.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    width, height = size
    title = wrap(words.title, int(width * POINTS / (TITLE * BOLD_LETTER)))
    subtitle = wrap(words.subtitle, int(width * POINTS / (TEXT * LETTER)))
    above = (len(title) * TITLE + len(subtitle) * TEXT) * LINE / POINTS + 0.25
    below = 0.3
    whole = height + above + below
    layout = ConstrainedLayoutEngine(rect=(0.005, below / whole, 0.99, height / whole), hspace=0.04, wspace=0.02)
    drawn = Figure(figsize=(width, whole), dpi=100, layout=layout, facecolor="white")
    drawn.text(0.012, 1 - 0.08 / whole, "\n".join(title), size=TITLE, weight="bold", color=INK, va="top")
    lower = 1 - (0.12 + len(title) * TITLE * LINE / POINTS) / whole
    drawn.text(0.012, lower, "\n".join(subtitle), size=TEXT, color=INK, va="top")
    drawn.text(0.012, 0.06 / whole, words.source, size=SMALL - 1, color=GREY, va="bottom")
    panels = drawn.subplots(
        *shape,
        squeeze=False,
        sharex=True if share in ("row", "x") else "none",
        sharey="row" if share == "row" else "none",
        height_ratios=heights or None,
    )
    for panel in panels.flat:
        _plain(panel)
    return drawn, panels


def in_lines(text: str, letters: int) -> str:
    """Break a text into as few lines as its width allows, of nearly even length."""
    fewest = len(wrap(text, letters))
    narrowest = next(width for width in range(1, letters + 1) if len(wrap(text, width)) <= fewest)
    return "\n".join(wrap(text, narrowest))


def _plain(panel: Axes) -> None:
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color(GREY)
    panel.tick_params(colors=INK, labelsize=SMALL)
    panel.grid(axis="y", color=PALE, linewidth=0.8)
    panel.set_axisbelow(True)


def fan(panel: Axes, at: Sequence[float], ranges: pd.DataFrame, style: LineStyle, runs: NDArray[np.float64]) -> None:
    """Draw a fan: 9 runs in 10 pale, half of them darker, a few whole runs as thin lines, the middle as a line."""
    panel.fill_between(at, ranges["low"], ranges["high"], color=style.colour, alpha=0.16, linewidth=0)
    for end in ("low", "high"):
        panel.plot(at, ranges[end], color=style.colour, linewidth=0.8, alpha=0.7)
    panel.fill_between(at, ranges["lower"], ranges["upper"], color=style.colour, alpha=0.30, linewidth=0)
    for run in runs:
        panel.plot(at, run, color=INK, linewidth=0.6, alpha=0.65)
    panel.plot(at, ranges["middle"], color=style.colour, linestyle=style.dash, linewidth=2.2)


def counts(panel: Axes, at: Sequence[float], values: Sequence[float]) -> None:
    """Draw published counts as dots."""
    panel.plot(at, values, linestyle="none", marker="o", markersize=4.5, color=INK, markeredgecolor="white", zorder=5)


def zero_line(panel: Axes) -> None:
    """Draw the line of no difference."""
    panel.axhline(0, color=INK, linewidth=1.1, zorder=2.5)


def shade_beyond(panel: Axes, start: float, end: float) -> None:
    """Shade the years beyond the horizon."""
    panel.axvspan(start, end, facecolor=PALE, edgecolor="none", zorder=0)
    panel.axvline(start, color=GREY, linewidth=0.8, linestyle=(0, (1, 2)), zorder=0.5)


def mark(panel: Axes, at: float) -> None:
    """Mark a moment with a thin upright line."""
    panel.axvline(at, color=GREY, linewidth=1.0, linestyle=(0, (4, 2)), zorder=0.5)


def heading(panel: Axes, text: str, letters: int) -> None:
    """Head a panel or a column of panels."""
    panel.set_title(in_lines(text, letters), size=TEXT, weight="bold", color=INK, loc="left")


def row_label(panel: Axes, text: str, letters: int = 15, away: float = 150) -> None:
    """Name a row of panels, written level and `away` points to the left of its first."""
    panel.annotate(
        in_lines(text, letters), (0, 0.5), xycoords="axes fraction", xytext=(-away, 0), textcoords="offset points",
        ha="left", va="center", size=TEXT, color=INK,
    )  # fmt: skip


def end_labels(panel: Axes, labels: Sequence[tuple[float, float, str]], height: float, letters: int) -> None:
    """Write the names of lines beside their ends, moved apart where they would lie on one another.

    Args:
        panel: Its limits are set.
        labels: For each line: where it ends, across and up, and its name.
        height: Of the panel, inches.
        letters: In a line of a name.
    """
    low, high = panel.get_ylim()
    texts = [in_lines(text, letters) for *_, text in labels]
    sizes = [(text.count("\n") + 1) * (SMALL - 0.5) * LINE / POINTS * (high - low) / height for text in texts]
    places = spread_out([up for _, up, _ in labels], sizes, low, high)
    step = (panel.get_xlim()[1] - panel.get_xlim()[0]) * 0.025
    for (across, up, _), text, place, style in zip(labels, texts, places, LINES, strict=False):
        panel.plot([across, across + step], [up, place], color=style.colour, linewidth=0.9)
        panel.text(across + 1.3 * step, place, text, va="center", size=SMALL - 0.5, color=INK, linespacing=1.1)


def spread_out(wanted: Sequence[float], sizes: Sequence[float], low: float, high: float) -> list[float]:
    """Return places near those wanted, each with room for its size, none on another, all between low and high."""
    order = sorted(range(len(wanted)), key=lambda at: wanted[at])
    places = list(wanted)
    floor = low
    for at in order:
        places[at] = max(wanted[at], floor + sizes[at] / 2)
        floor = places[at] + sizes[at] / 2
    ceiling = high
    for at in reversed(order):
        places[at] = min(places[at], ceiling - sizes[at] / 2)
        ceiling = places[at] - sizes[at] / 2
    return places


def year_axis(panel: Axes, first: float, last: float) -> None:
    """Write a level axis in calendar years, every fifth."""
    panel.set_xlim(first, last)
    panel.set_xticks([year for year in range(int(first), int(last) + 1) if year % 5 == 0])


def words_axis(panel: Axes, more: str, fewer: str, pounds: bool = False) -> None:
    """Write an upright axis of differences in words: '50 fewer', '0', '£2m more'."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    def words(value: float, _: object) -> str:
        size = short_pounds(abs(value)) if pounds else f"{abs(value):,g}"
        return size if not value else f"{size} {more if value > 0 else fewer}"

    panel.yaxis.set_major_locator(MaxNLocator(5, integer=not pounds))
    panel.yaxis.set_major_formatter(FuncFormatter(words))


def counted_axis(panel: Axes) -> None:
    """Write an upright axis of counts from 0."""
    panel.set_ylim(bottom=0)
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:,g}")


def short_pounds(value: float) -> str:
    """Return '£1.2m', '-£340k' or '£0'."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size >= 999_500:
        return f"{sign}£{size / 1e6:.3g}m"
    return f"{sign}£{size / 1e3:.3g}k" if size >= 500 else f"{sign}£{size:.0f}"
