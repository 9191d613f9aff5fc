"""Published figures for the ten Greater Manchester authorities, read from the tables in models/data.

Counts are children, years are named by the 31 March that ends them. A figure that was suppressed or not published is
None, never 0. Unaccompanied children are kept apart, because early help does not act on their coming.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wm2u_sd.economics.tables import read_table
from wm2u_sd.errors import FileError, did_you_mean

PLACES = (
    "Bolton",
    "Bury",
    "Manchester",
    "Oldham",
    "Rochdale",
    "Salford",
    "Stockport",
    "Tameside",
    "Trafford",
    "Wigan",
)
FIRST_YEAR, LAST_YEAR = 2015, 2025
NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)
SUPPRESSED = 3.0  # published counts leave out 1 to 5; their middle stands in where the figure is needed


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one place and year.

    Attributes:
        year: The 31 March it is for, or that ends the year it counts.
        measure: What was counted.
        value: Children.
        flag: What was done to it; '' for a figure as published.
        source: Table it comes from, see sources.csv.
        grade: A as published, C when worked out.
    """

    year: int
    measure: str
    value: float
    flag: str
    source: str
    grade: str


@dataclass(frozen=True, slots=True)
class Flow:
    """How a yearly count is published, and where its unaccompanied children are.

    Attributes:
        measure: Name of the count with unaccompanied children left out.
        column: Its column in the calibration panel.
        apart: Column of age18_and_uasc.csv with the unaccompanied children in it.
    """

    measure: str
    column: str
    apart: str


FLOWS = (
    Flow("care_starts", "cla_started", "uasc_started"),
    Flow("care_ceases", "cla_ceased", "uasc_ceased"),
    Flow("children_in_need_starts", "cin_episodes_started", "uasc_started"),
    Flow("children_in_need_ends", "cin_episodes_ended", "uasc_ceased"),
)


class Published:
    """The tables of models/data, by place and year."""

    def __init__(self, folder: Path) -> None:
        self.panel = _indexed(folder / "calibration_panel.csv", ("area", "year"))
        self.apart = _indexed(folder / "age18_and_uasc.csv", ("area", "year"))
        self.residuals = _indexed(folder / "stock_flow_residuals.csv", ("area", "year"))
        self.costs = _indexed(folder / "section251_costs.csv", ("area", "financial_year", "measure"))
        self.measures = _indexed(folder / "local_measures.csv", ("area", "year", "measure"))

    def panel_figure(self, place: str, year: int, column: str) -> float | None:
        """Return a figure of the calibration panel, or None when it was not published.

        Raises:
            FileError: The panel has no such column, or what is no count in it.
        """
        row = self.panel.get((place, str(year)), {})
        if row and column not in row:
            raise FileError(f"calibration_panel.csv: there is no column {column}.{did_you_mean(column, row)}")
        return _number(row.get(column, ""), f"calibration_panel.csv: {column} of {place} {year}")

    def source(self, place: str, year: int) -> str:
        """Return where the row of a place and year in the calibration panel comes from."""
        return self.panel.get((place, str(year)), {}).get("source", "")

    def needed(self, place: str, year: int, column: str) -> float:
        """Return a figure of the calibration panel that has to be there.

        Raises:
            FileError: It was not published.
        """
        value = self.panel_figure(place, year, column)
        if value is None:
            raise FileError(f"calibration_panel.csv: {place} {year} has no {column}, which its model needs")
        return value

    def unaccompanied_in_care(self, place: str, year: int) -> Figure:
        """Return unaccompanied children in care on 31 March; a gap is filled from the years beside it and says so."""
        known = {
            y: v
            for y in range(FIRST_YEAR - 1, LAST_YEAR + 1)
            if (v := self.panel_figure(place, y, "stock_uasc")) is not None
        }
        source = self.source(place, year)
        if year in known:
            return Figure(year, "unaccompanied_in_care", known[year], "", source, "A")
        before = max((y for y in known if y < year), default=None)
        after = min((y for y in known if y > year), default=None)
        if before is None or after is None:
            return Figure(year, "unaccompanied_in_care", SUPPRESSED, "suppressed (1 to 5), taken as 3", source, "C")
        share = (year - before) / (after - before)
        value = known[before] + share * (known[after] - known[before])
        flag = f"not published, on the line from {before} to {after}"
        return Figure(year, "unaccompanied_in_care", round(value, 1), flag, source, "C")

    def unaccompanied_in_year(self, place: str, year: int, column: str) -> Figure | None:
        """Return unaccompanied children who started or ceased in a year; None when nothing was published."""
        row = self.apart.get((place, str(year)), {})
        value = _number(row.get(column, ""), f"age18_and_uasc.csv: {column} of {place} {year}")
        if value is not None:
            return Figure(year, column, value, "", row["source"], "A")
        name = "pct_starting_who_are_uasc"
        share = self.measures.get((place, str(year), name), {})
        percent = self.measure(place, year, name)
        if column != "uasc_started" or percent is None:
            return None
        started = self.needed(place, year, "cla_started")
        return Figure(year, column, round(percent * started / 100), "from a rounded percentage", share["source"], "C")

    def returns_home(self, place: str, year: int) -> Figure | None:
        """Return children who went home, planned and not; None when neither or only the smaller part was published."""
        planned = self.panel_figure(place, year, "ceased_home_planned")
        unplanned = self.panel_figure(place, year, "ceased_home_unplanned")
        source = self.source(place, year)
        if planned is None:
            return None
        if unplanned is None:
            flag = "unplanned returns suppressed (1 to 5), taken as 3"
            return Figure(year, "returns_home", planned + SUPPRESSED, flag, source, "C")
        return Figure(year, "returns_home", planned + unplanned, "", source, "A")

    def cost(self, place: str, financial_year: str, measure: str) -> float:
        """Return a section 251 figure in pounds of its own year.

        Raises:
            FileError: It was not published.
        """
        row = self.costs.get((place, financial_year, f"s251_{measure}"), {})
        value = _number(row.get("value_gbp", ""), f"section251_costs.csv: {measure} of {place} {financial_year}")
        if value is None:
            raise FileError(f"section251_costs.csv: {place} {financial_year} has no {measure}")
        return value

    def measure(self, place: str, year: int, name: str) -> float | None:
        """Return a figure of local_measures.csv, or None when it was not published."""
        text = self.measures.get((place, str(year), name), {}).get("value", "")
        return _number(text, f"local_measures.csv: {name} of {place} {year}")

    def yearly_residual(self, place: str) -> float:
        """Return the mean share of the stock by which the published accounts do not close, 1/year, 2016 to 2025.

        Raises:
            FileError: A year is missing.
        """
        shares = [self._residual(place, year) for year in range(FIRST_YEAR + 1, LAST_YEAR + 1)]
        return sum(shares) / len(shares)

    def _residual(self, place: str, year: int) -> float:
        row = self.residuals.get((place, str(year)), {})
        where = f"stock_flow_residuals.csv: {place} {year}"
        residual, before, after = (_number(row.get(c, ""), where) for c in ("residual", "stock_open", "stock_close"))
        if residual is None or before is None or after is None:
            raise FileError(f"{where} is not there or lacks residual, stock_open or stock_close")
        return 2 * residual / (before + after)


def observed(published: Published, place: str) -> list[Figure]:
    """Return every figure a place's model is compared with, and what was taken off to get there.

    Stocks run from the first year, yearly counts from the year after, whose period begins at the model's start.
    """
    figures: list[Figure] = []
    for year in range(FIRST_YEAR, LAST_YEAR + 1):
        figures += _stocks(published, place, year)
    for year in range(FIRST_YEAR + 1, LAST_YEAR + 1):
        for flow in FLOWS:
            figures += yearly(published, place, year, flow)
        home = published.returns_home(place, year)
        figures += [home] if home else []
    return sorted(figures, key=lambda figure: (figure.measure, figure.year))


def _stocks(published: Published, place: str, year: int) -> list[Figure]:
    apart = published.unaccompanied_in_care(place, year)
    pairs = (("children_in_care", "cla_31_march"), ("children_in_need", "cin_episodes_on_31_march"))
    figures = [apart]
    for measure, column in pairs:
        value = published.panel_figure(place, year, column)
        if value is not None:
            source = published.source(place, year)
            figures += _less(year, measure, value, source, apart)
    return figures


def yearly(published: Published, place: str, year: int, flow: Flow) -> list[Figure]:
    """Return a yearly count as published, what is taken off, and what is left; empty when it was not published."""
    value = published.panel_figure(place, year, flow.column)
    if value is None:
        return []
    source = published.source(place, year)
    apart = published.unaccompanied_in_year(place, year, flow.apart)
    if apart is None:
        flag = "unaccompanied children not published, so left in"
        return [Figure(year, flow.measure, value, flag, source, "A")]
    renamed = Figure(year, f"{flow.measure}_unaccompanied", apart.value, apart.flag, apart.source, apart.grade)
    return [renamed, *_less(year, flow.measure, value, source, apart)]


def _less(year: int, measure: str, value: float, source: str, apart: Figure) -> list[Figure]:
    """Return a count as published and less its unaccompanied children."""
    flag = "less unaccompanied children" + (f" ({apart.flag})" if apart.flag else "")
    return [
        Figure(year, f"{measure}_published", value, "", source, "A"),
        Figure(year, measure, round(value - apart.value, 1), flag, source, "A" if apart.grade == "A" else "C"),
    ]


def _indexed(path: Path, keys: Sequence[str]) -> dict[tuple[str, ...], dict[str, str]]:
    """Return the rows of a table by some of their cells.

    Raises:
        FileError: Two rows have the same.
    """
    found: dict[tuple[str, ...], dict[str, str]] = {}
    for row in read_table(path, keys):
        key = tuple(row[key] for key in keys)
        if found.setdefault(key, row) is not row:
            raise FileError(f"{path}: {', '.join(keys)} {', '.join(key)} are there twice; keep one row")
    return found


def _number(text: str, where: str) -> float | None:
    """Return the number in a cell, or None when it is empty: suppressed or not published.

    Raises:
        FileError: It holds anything else.
    """
    if not text.strip():
        return None
    if not NUMBER.fullmatch(text.strip()):
        raise FileError(f"{where} is {text!r}; expected a number, or nothing where it was suppressed or not published")
    return float(text)
