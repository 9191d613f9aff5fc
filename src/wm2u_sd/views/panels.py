"""Panels of pictures: fans, counts, bars and lines, drawn from the figures of a report."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from wm2u_sd.views import style
from wm2u_sd.views.figures import horizon, level_of, single_runs, spread
from wm2u_sd.views.inputs import ReportInputs
from wm2u_sd.views.style import LINES
from wm2u_sd.views.table import capital, one, only, records

if TYPE_CHECKING:
    import pandas as pd
    import xarray as xr
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

HEADLINE_HEIGHT = 1.5  # of the headline's row of panels, the others being 1
MARGIN = 0.5  # years
ROOM_FOR_NAMES = 0.55  # of the width of a panel of lines


def heights(inputs: ReportInputs) -> list[float]:
    """Return the heights of rows of panels, the headline first, as shares."""
    return [HEADLINE_HEIGHT, *(1.0 for _ in inputs.companions)]


def years(inputs: ReportInputs, times: Iterable[float]) -> list[float]:
    """Return model times as dates in years."""
    return [inputs.decimal_year(time) for time in times]


def draw_fan(inputs: ReportInputs, panel: Axes, ranges: pd.DataFrame, column: int, values: xr.DataArray) -> None:
    """Draw a fan with the decision marked and the years beyond the horizon shaded; `values` are (draw, time)."""
    times = values["time"].values
    at = years(inputs, times)
    style.fan(panel, at, ranges, LINES[column], single_runs(values, "time"))
    style.year_axis(panel, at[0], at[-1])
    if horizon(inputs) < times[-1]:
        style.shade_beyond(panel, inputs.decimal_year(horizon(inputs)), at[-1])
    if times[0] < inputs.decision_time:
        panel.set_xlim(inputs.decimal_year(float(inputs.run.data["time"][0])) - MARGIN, at[-1])
        style.mark(panel, inputs.decimal_year(inputs.decision_time))


def draw_counts(inputs: ReportInputs, panel: Axes, outcome: str) -> None:
    """Draw the published counts of an outcome."""
    own = only(inputs.observed, outcome=outcome)
    style.counts(panel, years(inputs, own["time"]), list(own["observed"]))


def name_rows_and_columns(inputs: ReportInputs, panels: NDArray[Any], scenarios: Sequence[str]) -> None:
    """Name rows of panels by the paired outcomes and columns by scenarios."""
    for row, outcome in enumerate(inputs.paired):
        style.row_label(panels[row, 0], inputs.outcome_label(outcome))
    head_columns(inputs, panels, scenarios)


def head_columns(inputs: ReportInputs, panels: NDArray[Any], scenarios: Sequence[str]) -> None:
    """Name columns of panels by scenarios."""
    letters = 26 if len(scenarios) > 2 else 44
    for panel, name in zip(panels[0], scenarios, strict=True):
        style.heading(panel, inputs.label(name), letters)


def draw_bars(panel: Axes, rows: pd.DataFrame, scenarios: Sequence[str]) -> None:
    """Draw ranges of one outcome by scenario as bars: 9 runs in 10 thin, half of them thick, the middle a dot."""
    colour = LINES[0].colour
    for place, name in enumerate(scenarios):
        row = one(rows, scenario=name)
        panel.plot([row["low"], row["high"]], [place, place], color=colour, linewidth=1.3, solid_capstyle="butt")
        panel.plot([row["lower"], row["upper"]], [place, place], color=colour, linewidth=5.5, solid_capstyle="butt")
        panel.plot(row["middle"], place, marker="o", markersize=5.5, color="white", markeredgecolor=style.INK)
    panel.axvline(0, color=style.INK, linewidth=1.0, zorder=0.9)
    panel.set_ylim(len(scenarios) - 0.4, -0.6)
    panel.grid(visible=False, axis="y")
    panel.grid(axis="x", color=style.PALE, linewidth=0.8)
    panel.tick_params(axis="y", length=0)


def level_words(panel: Axes, counted: bool) -> None:
    """Write a level axis of differences: sizes, and which way is 'more'."""
    from matplotlib.ticker import MaxNLocator

    panel.xaxis.set_major_locator(MaxNLocator(3, integer=True))
    panel.xaxis.set_major_formatter(lambda value, _: f"{abs(value):,g}")
    panel.set_xlabel(
        f"{'fewer' if counted else 'less'} \N{LEFTWARDS ARROW}   \N{RIGHTWARDS ARROW} more", size=style.SMALL
    )


def draw_chances(inputs: ReportInputs, panel: Axes, shares: pd.DataFrame, scenarios: Sequence[str]) -> None:
    """Draw one line for each scenario, its name beside its end."""
    ends = []
    for line, name in zip(LINES, scenarios, strict=False):
        own = only(shares, scenario=name)
        at = years(inputs, inputs.decision_time + own["year"].to_numpy() * inputs.year)
        panel.plot(at, 100 * own["share"], color=line.colour, linestyle=line.dash, linewidth=2.2)
        ends.append((at[-1], 100 * float(own["share"].iloc[-1]), inputs.label(name)))
    first, last = inputs.decimal_year(inputs.decision_time), ends[0][0]
    if inputs.benefit.beyond > inputs.benefit.years:
        style.shade_beyond(panel, inputs.decimal_year(horizon(inputs)), last)
    style.year_axis(panel, first, last)
    panel.spines["bottom"].set_bounds(first, last)
    panel.set_xlim(first, last + ROOM_FOR_NAMES * (last - first))
    panel.set_ylim(-2, 102)
    panel.set_yticks([0, 25, 50, 75, 100], ["none", "25 in 100", "50 in 100", "75 in 100", "all"])
    style.end_labels(panel, ends, 2.7, 30)


def draw_balance(panel: Axes, rows: pd.DataFrame, agencies: Sequence[str]) -> None:
    """Draw bars of what is paid more and gained, and the balance with its range."""
    from matplotlib.ticker import FuncFormatter

    for row in records(rows):
        place = agencies.index(row["agency"])
        panel.barh(place, row["pays"], height=0.5, color=LINES[0].colour)
        panel.barh(
            place, -row["gains"], height=0.5, color="white", edgecolor=LINES[1].colour, hatch="////", linewidth=1.2
        )
        panel.plot([row["low"], row["high"]], [place, place], color=style.INK, linewidth=1.4)
        panel.plot(row["net"], place, marker="o", markersize=7, color="white", markeredgecolor=style.INK)
    panel.axvline(0, color=style.INK, linewidth=1.1)
    panel.set_yticks(range(len(agencies)), [capital(agency) for agency in agencies], size=style.TEXT)
    panel.set_ylim(len(agencies) - 0.5, -0.5)
    panel.grid(visible=False, axis="y")
    panel.grid(axis="x", color=style.PALE, linewidth=0.8)
    panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: style.short_pounds(abs(value))))


def draw_fit(inputs: ReportInputs, panel: Axes, outcome: str, rows: pd.DataFrame) -> None:
    """Draw one series: the fan over the years of the counts, and the counts with their errors."""
    values = level_of(inputs, outcome, inputs.baseline)
    past = values.sel(time=values["time"] <= inputs.decision_time)
    at = years(inputs, past["time"].values)
    style.fan(panel, at, spread(past, "time"), LINES[0], single_runs(past, "time"))
    counted = years(inputs, rows["time"])
    panel.errorbar(counted, rows["observed"], yerr=rows["spread"], fmt="none", ecolor=style.INK, elinewidth=0.9)
    style.counts(panel, counted, list(rows["observed"]))
    style.heading(panel, inputs.outcome_label(outcome), 40)
    style.year_axis(panel, at[0] - MARGIN, at[-1] + MARGIN)
    style.counted_axis(panel)
