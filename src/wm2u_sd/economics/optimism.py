"""The optimism-bias view: point effects with costs raised and benefits lowered by the grade of their evidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from wm2u_sd.economics.cost_benefit import CostBenefit, View
from wm2u_sd.economics.tables import number, only, read_table, table_path
from wm2u_sd.errors import MoneyError


@dataclass(frozen=True)
class OptimismBias:
    """Corrections by grade of evidence, 1 (best) to 6.

    Attributes:
        costs: Grade -> share by which costs are raised, at least 0.
        benefits: Grade -> share by which benefits change, at most 0.
        vintage, source: Of the table.
    """

    costs: Mapping[int, float]
    benefits: Mapping[int, float]
    vintage: str
    source: str


def load_optimism_bias(path: str | Path | None = None) -> OptimismBias:
    """Read the corrections from a dated table; None reads the shipped one."""
    path = table_path("optimism_bias.csv") if path is None else path
    rows = read_table(path, ("grade_of_evidence", "costs", "benefits", "vintage", "source"))
    grades = [int(number(row, "grade_of_evidence", path)) for row in rows]
    return OptimismBias(
        costs=dict(zip(grades, (number(row, "costs", path) for row in rows), strict=True)),
        benefits=dict(zip(grades, (number(row, "benefits", path) for row in rows), strict=True)),
        vintage=only(rows, "vintage", path),
        source=only(rows, "source", path),
    )


def with_optimism_bias(benefit: CostBenefit, bias: OptimismBias | None = None) -> CostBenefit:
    """Return the analysis with costs raised and benefits lowered by each line's grade of evidence.

    It takes a point analysis only: a wide spread of draws already carries the doubt that the correction stands for,
    and both together would count it twice. Show this view beside the posterior view, not instead of it.

    Args:
        benefit: An analysis of a run of one draw.
        bias: Corrections; None takes the shipped table.

    Raises:
        MoneyError: The analysis has many draws or is corrected already, or a line has no grade.
    """
    import xarray as xr

    if benefit.view is not View.POINT:
        raise MoneyError(
            f"Optimism bias is for a point analysis and this one is {str(benefit.view)!r}: draws and corrections "
            "together count the same doubt twice; simulate without draws and start from that"
        )
    ungraded = [line.name for line in benefit.lines if line.optimism_grade is None]
    if ungraded:
        raise MoneyError(f"Cost lines without an optimism_grade: {', '.join(ungraded)}; give each a grade from 1 to 6")
    bias = bias or load_optimism_bias()
    grades = [line.optimism_grade or 0 for line in benefit.lines]
    raised = xr.DataArray([1 + bias.costs[grade] for grade in grades], dims="line")
    lowered = xr.DataArray([1 + bias.benefits[grade] for grade in grades], dims="line")
    data = benefit.data.copy()
    for name in ("gross", "cashable", "carried"):
        amounts = benefit.data[name]
        data[name] = (amounts.clip(min=0) * raised + amounts.clip(max=0) * lowered).assign_attrs(amounts.attrs)
    note = f"Costs raised and benefits lowered for optimism by grade of evidence ({bias.source}, {bias.vintage})."
    return replace(benefit, data=data, view=View.OPTIMISM, notes=(*benefit.notes, note))
