"""What is shown of a run, and what is never shown without its companions."""

from __future__ import annotations

from wm2u_sd.economics.outcomes import Pairing

HEADLINE = "children_in_care"
COMPANIONS = ("hidden_need", "children_waiting", "children_refused", "reentries")
ALSO_SHOWN = ("children_in_need", "care_starts", "care_ceases", "returns_home")

OUTCOMES = (HEADLINE, *COMPANIONS, *ALSO_SHOWN)
PAIRINGS = (Pairing(HEADLINE, COMPANIONS),)

CLOSING = "Early action can be right for children without saving money; whether it is cannot be read from this page."

LEAVES_OUT = (
    "Dignity, being heard, hope and belonging are not in the model; they are attached to it as stories and measures.",
    "Unaccompanied children are taken out of the counts and kept apart: early help does not reach their arrival.",
    "Placements are one stock: prices and moves between fostering, homes and kin are not told apart.",
    "There are no ages: turning 18 is part of the other endings of care.",
    "Savings of the health service, police and schools, earnings and wellbeing are not counted until a source can be named.",
    "No place but this one is in the figures, and places must not be ranked with them.",
)
