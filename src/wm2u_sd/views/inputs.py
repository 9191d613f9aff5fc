"""What a report is made from, gathered in one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.honesty import HonestyBlock
from wm2u_sd.economics.money_units import DAYS
from wm2u_sd.economics.outcomes import Pairing
from wm2u_sd.simulation.run import Run

if TYPE_CHECKING:
    import pandas as pd

MONTHS = 12


@dataclass(frozen=True)
class FitShown:
    """What a fit says.

    Attributes:
        constants: What was fitted: columns label, units, value, low, high, learning (spread after over spread before).
        residuals: Counts beside the fit: columns series, label, time, observed, fitted, gap (in errors of the count).
        series: By series: columns label, counts, typical_gap (in errors of the count), furthest_gap.
        facts: How it was made, in sentences.
        cannot_tell: What the data leave open or contradict, in sentences.
    """

    constants: pd.DataFrame
    residuals: pd.DataFrame
    series: pd.DataFrame
    facts: Sequence[str]
    cannot_tell: Sequence[str]


@dataclass(frozen=True)
class ReportInputs:
    """Everything a report shows.

    Attributes:
        title, place: For headings.
        run: Every scenario and draw, kept at the end of every year.
        benefit: Costs and benefits against the baseline.
        honesty: A block for each scenario.
        baseline: Name of the baseline scenario.
        also_as_now: Scenarios shown beside the baseline, in which nothing is decided either.
        featured: Options with pictures of their own, at most four, in order; the others stand in the overview.
        cautions: Further scenarios with pictures of their own, at most four: what may look good and has a price.
        headline, companions: The outcome people ask for, and those it is never shown without.
        agency: Whose cash is asked about first.
        decision_time: When scenarios begin, in the model's time.
        observed: Counts: columns label, outcome (a variable of the run), time, observed, spread (standard deviation).
        fit: What was fitted; None when nothing was.
        assumptions: Columns label, units, value, low, high, grade, how, source.
        kept_apart: What was taken out of the counts and is not in the model: columns date, measure, value, note.
        accounts: By how much published accounts miss: columns year, opening, entered, left, closing, residual.
        questions, about, leaves_out: What the report answers, what it is and is not, what the model leaves out.
        provenance: Where it all came from.
        pairings: Headline outcomes and companions, enforced.
    """

    title: str
    place: str
    run: Run
    benefit: CostBenefit
    honesty: Sequence[HonestyBlock]
    baseline: str
    also_as_now: Sequence[str]
    featured: Sequence[str]
    cautions: Sequence[str]
    headline: str
    companions: Sequence[str]
    agency: str
    decision_time: float
    observed: pd.DataFrame
    fit: FitShown | None
    assumptions: pd.DataFrame
    kept_apart: pd.DataFrame
    accounts: pd.DataFrame
    questions: Sequence[str] = ()
    about: Sequence[str] = ()
    leaves_out: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    pairings: Sequence[Pairing] = ()

    @property
    def paired(self) -> tuple[str, ...]:
        """The headline and its companions, which always stand together."""
        return (self.headline, *self.companions)

    @property
    def shown(self) -> tuple[str, ...]:
        """Every scenario with a picture or block of its own."""
        return (*self.featured, *(name for name in self.cautions if name not in self.featured))

    @property
    def year(self) -> float:
        """Length of a year in the model's unit of time."""
        return DAYS["year"] / DAYS[self.run.model.time.units]

    def label(self, scenario: str) -> str:
        """Return what a scenario is called."""
        return self.run.scenarios[scenario].called

    def outcome_label(self, outcome: str) -> str:
        """Return what an outcome is called."""
        return str(self.run.data[outcome].attrs["long_name"])

    def outcome_units(self, outcome: str) -> str:
        """Return the unit of an outcome."""
        return str(self.run.data[outcome].attrs["units"])

    def decimal_year(self, time: float) -> float:
        """Return a model time as a date in years, 2025.25 for the end of March 2025; years from 0 without an origin."""
        years = time / self.year
        if not self.run.model.time.origin:
            return years
        first = date.fromisoformat(self.run.model.time.origin)
        return first.year + first.timetuple().tm_yday / DAYS["year"] + years

    def moment(self, time: float) -> str:
        """Return a model time in words: 'March 2025', or 'year 3' without an origin."""
        months = round(time / self.year * MONTHS)
        if not self.run.model.time.origin:
            return f"year {months / MONTHS:g}"
        first = date.fromisoformat(self.run.model.time.origin)
        count = first.year * MONTHS + first.month - 1 + months
        return date(count // MONTHS, count % MONTHS + 1, 1).strftime("%B %Y")

    def end_of_year(self, year: int) -> str:
        """Return when year `year` after the decision ends, in words."""
        return self.moment(self.decision_time + year * self.year)
