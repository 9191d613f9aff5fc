"""A town that holds people: two options, a companion outcome, counts, and labels that try to leave their place."""

from __future__ import annotations

import pandas as pd
import pytest

from wm2u_sd.economics.cost_benefit import cost_benefit
from wm2u_sd.economics.honesty import honesty_block
from wm2u_sd.economics.ledger import cost_lines
from wm2u_sd.economics.outcomes import Pairing
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Prior, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate
from wm2u_sd.views.figures import Figures, work_out
from wm2u_sd.views.inputs import FitShown, ReportInputs

HOSTILE = 'Offer </script><b>bold</b> & "more"'
FORMULA = '=HYPERLINK("http://example.org")'
DRAWS, DECISION = 60, 120.0
PAIRING = Pairing("held", ("unseen",))
LINES = {
    "places": {"driver": "held", "unit_cost": 100, "units": "GBP_2024/person/week", "payer": "town", "kind": "fiscal",
               "category": "places", "cashable_share": 0.5, "source": FORMULA},
    "meetings": {"driver": "meetings", "unit_cost": 500, "units": "GBP_2024/meeting", "payer": "fund", "kind": "fiscal",
                 "category": "programme"},
}  # fmt: skip


def town() -> Model:
    """Thirty years from March 2015, kept by the year; 'offered' holds up to 10 fewer people and leaves 20 unseen."""
    return Model("town", time=Time(0, 360, step=1, saveper=12, units="month", origin="2015-03-31")).define(
        Constant("people", value=100, units="person", label="People at the start"),
        Constant(
            "fewer",
            value=5,
            units="person",
            prior=Prior("uniform", 0, 10, 5),
            grade="D",
            label="Fewer people <i>held</i>",
        ),
        Constant("offered", value=0, units="dmnl", lever=True),
        Constant("frequency", value=2, units="meeting/month"),
        Constant("overlooked", value=20, units="person"),
        Auxiliary("held", "people - fewer * offered", units="person", label="People held"),
        Auxiliary("unseen", "overlooked * offered", units="person", label="People nobody <em>sees</em>"),
        Flow("meetings", "frequency * offered", units="meeting/month"),
        Stock("met", "0", units="meeting", inflows=("meetings",)),
    )


def scenarios() -> list[Scenario]:
    """Nothing different, the offer from the decision on, and half of it."""
    return [
        Scenario("as_now", label="Do nothing different"),
        Scenario("offer", levers=(Lever("offered", to=1, start=DECISION),), label=HOSTILE, source=FORMULA),
        Scenario("half", levers=(Lever("offered", to=0.5, start=DECISION),), label="Half of it"),
    ]


@pytest.fixture(scope="session")
def inputs() -> ReportInputs:
    """Sixty draws of how many fewer are held: uniform from 0 to 10."""
    run = simulate(town(), scenarios(), draws=DRAWS, seed="test", accumulate=("held",))
    benefit = cost_benefit(run, cost_lines(LINES), against="as_now", start=DECISION, years=10, beyond=20)
    blocks = [
        honesty_block(
            run, benefit, name, agency="town", outcomes=["held", "unseen"], pairings=[PAIRING], start=DECISION
        )
        for name in benefit.scenarios
    ]
    return ReportInputs(
        title="Town <b>of</b> X & Y",
        place="Town",
        run=run,
        benefit=benefit,
        honesty=blocks,
        baseline="as_now",
        also_as_now=(),
        featured=("offer",),
        cautions=("half",),
        headline="held",
        companions=("unseen",),
        agency="town",
        decision_time=DECISION,
        observed=counts(),
        fit=fit(),
        assumptions=assumed(),
        kept_apart=pd.DataFrame(
            [("2020-03-31", "counted elsewhere", 7.0, "")], columns=["date", "measure", "value", "note"]
        ),
        accounts=pd.DataFrame([(2020, 100.0, 20.0, 18.0, 103.0, 1.0)], columns=ACCOUNTS),
        questions=("What could the offer change?",),
        about=("It compares options.", "It never scores anybody."),
        leaves_out=("Hope is left out.",),
        provenance={"model_digest": "abc", "seed": "test", "wm2u_sd": "0"},
        pairings=(PAIRING,),
    )


ACCOUNTS = ["year", "opening", "entered", "left", "closing", "residual"]


def counts() -> pd.DataFrame:
    """Two counts of the headline, at the start and in March 2020."""
    rows = [("People held", "held", 0.0, 98.0, 4.0), ("People held", "held", 60.0, 103.0, 4.0)]
    return pd.DataFrame(rows, columns=["label", "outcome", "time", "observed", "spread"])


def fit() -> FitShown:
    """A fit of one constant to those counts."""
    return FitShown(
        constants=pd.DataFrame(
            [("People at the start", "person", 100.0, 96.0, 104.0, 0.4)],
            columns=["label", "units", "value", "low", "high", "learning"],
        ),
        residuals=pd.DataFrame(
            [("held", "People held", 0.0, 98.0, 100.0, 0.5), ("held", "People held", 60.0, 103.0, 100.0, -0.75)],
            columns=["series", "label", "time", "observed", "fitted", "gap"],
        ),
        series=pd.DataFrame(
            [("People held", 2, 0.64, -0.75)], columns=["label", "counts", "typical_gap", "furthest_gap"]
        ),
        facts=("2 published counts from 1 starting point.",),
        cannot_tell=("The data say little about 'Fewer people <i>held</i>'.",),
    )


def assumed() -> pd.DataFrame:
    """One assumption that is drawn and one that is held."""
    return pd.DataFrame(
        [
            ("People at the start", "person", 100.0, float("nan"), float("nan"), "A", "held", FORMULA),
            ("Fewer people <i>held</i>", "person", 5.0, 0.0, 10.0, "D", "drawn from its range", "Judgement"),
        ],
        columns=["label", "units", "value", "low", "high", "grade", "how", "source"],
    )


@pytest.fixture(scope="session")
def known(inputs: ReportInputs) -> Figures:
    """Every figure of it."""
    return work_out(inputs)
