"""How pictures look: few colours, each with its own dash and a label at its end, readable in black and white."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INK = "#2B2B2B"
GREY = "#767676"
PALE = "#E9ECEF"
MOST_LINES = 4


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


def figure(rows: int = 1, columns: int = 1, *, width: float = 9.0, height: float = 4.6) -> tuple[Figure, list[Axes]]:
    """Return an empty figure and its panels, row by row; sizes in inches."""
    from matplotlib.figure import Figure

    drawn = Figure(figsize=(width, height), dpi=120, layout="constrained")
    panels = drawn.subplots(rows, columns, squeeze=False)
    for panel in panels.flat:
        _plain(panel)
    return drawn, list(panels.flat)


def _plain(panel: Axes) -> None:
    panel.spines[["top", "right"]].set_visible(False)
    panel.spines[["left", "bottom"]].set_color(GREY)
    panel.tick_params(colors=INK, labelsize=9)
    panel.grid(axis="y", color=PALE, linewidth=0.8)
    panel.set_axisbelow(True)


def shade_beyond(panel: Axes, start: float, end: float, label: str) -> None:
    """Shade the years beyond the horizon and say what they are."""
    panel.axvspan(start, end, color=PALE, alpha=0.7, zorder=0)
    panel.text((start + end) / 2, 0.985, label, transform=panel.get_xaxis_transform(), ha="center", va="top", size=8, color=GREY)


def mark(panel: Axes, at: float, label: str) -> None:
    """Mark a moment with a thin upright line and a label."""
    panel.axvline(at, color=GREY, linewidth=0.9, linestyle=(0, (2, 2)))
    panel.text(at, 0.02, f" {label}", transform=panel.get_xaxis_transform(), size=8, color=GREY, ha="left", va="bottom")


def pounds_axis(panel: Axes) -> None:
    """Write an axis of pounds in thousands or millions, whichever is read more easily."""
    from matplotlib.ticker import FuncFormatter

    panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: short_pounds(value)))


def short_pounds(value: float) -> str:
    """Return '£1.2m', '-£340k' or '£0'."""
    sign, size = ("-" if value < 0 else ""), abs(value)
    if size >= 999_500:
        return f"{sign}£{size / 1e6:.3g}m"
    return f"{sign}£{size / 1e3:.3g}k" if size >= 500 else f"{sign}£{size:.0f}"
