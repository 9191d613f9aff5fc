"""What is shown of a run, and what is never shown without its companions."""

from __future__ import annotations

from wm2u_sd.economics.outcomes import Pairing

LEVELS = ("children_in_care", "hidden_need", "children_waiting", "children_in_need")
RATES = (
    "children_refused",
    "reentries",
    "care_starts",
    "care_ceases",
    "returns_home",
    "children_in_need_starts",
    "children_in_need_ends",
)
"""Shown as the number in each year, under their name and IN_YEAR."""
IN_YEAR = "_in_year"

HEADLINE = "children_in_care"
COMPANIONS = ("hidden_need", "children_waiting", f"children_refused{IN_YEAR}", f"reentries{IN_YEAR}")
ALSO_SHOWN = ("children_in_need", *(f"{name}{IN_YEAR}" for name in ("care_starts", "care_ceases", "returns_home")))

OUTCOMES = (HEADLINE, *COMPANIONS, *ALSO_SHOWN)
PAIRINGS = (Pairing(HEADLINE, COMPANIONS),)

ALSO_AS_NOW = ("drift",)
"""Shown beside the baseline: what may happen when nothing is decided."""
FEATURED = ("project", "approach", "out", "family_groups")
"""A project and a way of working at the same price, more places, and the offer with the best evidence there is."""
CAUTIONS = ("early_help_cut", "tighter_threshold", "faster_return")
"""What may look like a way to spend less or to have fewer children in care, with what else it does."""
MOST_FEATURED = 4

QUESTIONS = (
    "How many children might be in care in ten years if nothing different is done, and how sure can anybody be?",
    "What could each option change for children in care, and for children nobody helps, who wait, who are turned away "
    "or who come back?",
    "What does it cost, who pays, who gains, and when does it break even, if ever?",
    "Which assumptions decide the answer, and how well are they known?",
)

ABOUT = (
    "It compares options in a model of this place. It is no forecast.",
    "It never scores, ranks or predicts a family or a child; it knows only numbers of them.",
    "It starts from figures published for England's councils and from judgements; every one has a grade.",
    "Forecasts of this kind miss. Made for the ten Greater Manchester councils between 2015 and 2020 from constant "
    "rates, they were off by 14% on average five years on, and 'no change' by 13%; one in ten lay more than 31% below "
    "or more than 15% above what came (grade C, worked out from published counts).",
    "Money is a modelled contribution to cost against doing nothing different, not an amount that can be taken out of "
    "a budget. What can be felt as cash is shown apart.",
    "Fewer children in care can mean families were helped, or that they were turned away. That is why unmet need, "
    "waiting, refusals and returns to care stand beside every figure.",
)

CLOSING = "Early action can be right for children without saving money; whether it is cannot be read from this page."

LEAVES_OUT = (
    "Dignity, being heard, hope and belonging are not in the model; they are attached to it as stories and measures.",
    "Unaccompanied children are taken out of the counts and kept apart: early help does not reach their arrival.",
    "Placements are one stock: prices and moves between fostering, homes and kin are not told apart.",
    "There are no ages: turning 18 is part of the other endings of care.",
    "Savings of the health service, police and schools, earnings and wellbeing are not counted until a source can be "
    "named.",
    "No place but this one is in the figures, and places must not be ranked with them.",
)
