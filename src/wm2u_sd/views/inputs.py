"""What a report is made from, gathered in one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.honesty import HonestyBlock
from wm2u_sd.economics.outcomes import Pairing
from wm2u_sd.simulate.run import Run

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class ReportInputs:
    """Everything a report shows.

    Attributes:
        title, place: For headings.
        run: Every scenario and draw, kept once a year.
        benefit: Costs and benefits against the baseline.
        honesty: A block for each scenario.
        baseline: Name of the baseline scenario.
        featured: Scenarios with pictures of their own, in order; the others stand in the overview.
        headline, companions: The outcome people ask for, and those it is never shown without.
        agency: Whose cash is asked about first.
        decision_time: When scenarios begin, in the model's time.
        observed: Counts: columns outcome, kind ('stock' or 'flow'), time, value.
        fit: What was fitted: columns constant, value, low, high, learning; empty when nothing was.
        residuals: Counts beside the fit: columns series, time, observed, fitted, standardised.
        cannot_tell: What the data leave open, in sentences.
        assumptions: Columns name, label, value, units, low, high, grade, source.
        kept_apart: What was taken out of the counts and is not in the model: columns date, measure, value.
        leaves_out: What the model leaves out, in sentences.
        questions: What the report answers, in sentences.
        provenance: Where it all came from.
        pairings: Headline outcomes and companions, enforced.
    """

    title: str
    place: str
    run: Run
    benefit: CostBenefit
    honesty: Sequence[HonestyBlock]
    baseline: str
    featured: Sequence[str]
    headline: str
    companions: Sequence[str]
    agency: str
    decision_time: float
    observed: pd.DataFrame
    fit: pd.DataFrame
    residuals: pd.DataFrame
    cannot_tell: Sequence[str]
    assumptions: pd.DataFrame
    kept_apart: pd.DataFrame
    leaves_out: Sequence[str]
    questions: Sequence[str] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)
    pairings: Sequence[Pairing] = ()

    def label(self, scenario: str) -> str:
        """Return what a scenario is called."""
        return self.run.scenarios[scenario].label or scenario.replace("_", " ")

    def outcome_label(self, outcome: str) -> str:
        """Return what an outcome is called."""
        return str(self.run.data[outcome].attrs["long_name"])
