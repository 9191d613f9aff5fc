"""The optimism-bias view."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from wm2u_sd.economics.cost_benefit import CostBenefit, View, cost_benefit
from wm2u_sd.economics.ledger import CostLine
from wm2u_sd.economics.measures import agency_matrix
from wm2u_sd.economics.optimism import load_optimism_bias, with_optimism_bias
from wm2u_sd.errors import MoneyError
from wm2u_sd.simulation.run import Run


def graded(benefit: CostBenefit, *grades: int | None) -> CostBenefit:
    lines = [replace(line, optimism_grade=grade) for line, grade in zip(benefit.lines, grades, strict=True)]
    return replace(benefit, lines=tuple(lines))


@pytest.mark.parametrize(
    ("grade", "costs", "benefits"),
    [(1, 0, 0), (2, 0.05, -0.05), (3, 0.1, -0.1), (4, 0.15, -0.15), (5, 0.25, -0.25), (6, 0.4, -0.4)],
)
def test_shipped_table_is_the_published_one(grade: int, costs: float, benefits: float) -> None:
    """HM Treasury and New Economy, 2014."""
    bias = load_optimism_bias()

    assert (costs, benefits) == (bias.costs[grade], bias.benefits[grade])


def test_costs_rise_and_benefits_fall(priced: CostBenefit) -> None:
    before = agency_matrix(priced, "offer")
    benefit = with_optimism_bias(graded(priced, 6, 3))

    after = agency_matrix(benefit, "offer")

    assert 0.6 * before.loc["places", "total"] == pytest.approx(after.loc["places", "total"])
    assert 1.1 * before.loc["programme", "total"] == pytest.approx(after.loc["programme", "total"])
    assert View.OPTIMISM is benefit.view
    assert "Costs raised and benefits lowered for optimism" in benefit.notes[-1]


def test_correction_and_draws_are_never_both(drawn: Run, ledger: Callable[..., tuple[CostLine, ...]]) -> None:
    with pytest.raises(MoneyError, match="count the same doubt twice"):
        with_optimism_bias(graded(cost_benefit(drawn, ledger(), against="as_now"), 1, 1))


def test_correction_is_made_once(priced: CostBenefit) -> None:
    with pytest.raises(MoneyError, match="this one is 'optimism'"):
        with_optimism_bias(with_optimism_bias(graded(priced, 1, 1)))


def test_every_line_needs_a_grade(priced: CostBenefit) -> None:
    with pytest.raises(MoneyError) as caught:
        with_optimism_bias(graded(priced, 1, None))

    assert "Cost lines without an optimism_grade: programme; give each a grade from 1 to 6" == str(caught.value)
