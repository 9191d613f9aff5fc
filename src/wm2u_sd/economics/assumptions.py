"""Which assumptions move an answer most, and what each would have to be for the answer to change sign."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.counting import RunLike
from wm2u_sd.economics.ledger import CostLine
from wm2u_sd.economics.wording import called, quantity, span, step_for
from wm2u_sd.model.variables import Grade

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr

_COLUMNS = ["label", "units", "grade", "share", "low", "mean", "high", "sign_changes_at", "finding"]
_FIELD_UNITS = {"cashable_share": "dmnl", "cashable_delay": "month", "real_growth": "1/year"}

DRAWS_PER_ASSUMPTION = 2
"""A straight-line fit on fewer draws than this for each assumption says more about the draws than about the answer."""


@dataclass(frozen=True)
class Assumption:
    """One thing that was drawn.

    Attributes:
        name: Name of the constant or of the ledger's number, with an index for an element.
        label: What it is, in words.
        units: Its unit; 'dmnl' for a share or a factor.
        grade: How well it is known, A to D; '' unstated.
        values: Its draws, shape (draw,).
    """

    name: str
    label: str
    units: str
    grade: str
    values: np.ndarray

    @cached_property
    def ranks(self) -> np.ndarray:
        """Rank of each draw, ties sharing their mean, shape (draw,)."""
        return _ranks(self.values)


def assumptions(run: RunLike, benefit: CostBenefit) -> list[Assumption]:
    """Return what varied between draws: constants and the ledger's numbers together.

    Constants that a balance works out from the others are results, not assumptions, and are left out.
    """
    import numpy as np

    solved = run.model.balance.solve if run.model.balance else ()
    about = _about_ledger(benefit.lines)
    found: list[Assumption] = []
    for source in (run.parameters.drop_vars(solved, errors="ignore"), benefit.parameters):
        for name, variable in source.sel(draw=benefit.data["draw"]).data_vars.items():
            label, units, grade = about.get(str(name)) or _about_constant(run.model, str(name), variable)
            drawn = variable.transpose("draw", ...).values
            flat = drawn.reshape(benefit.data.sizes["draw"], -1).astype(float)
            for column in range(flat.shape[1]):
                key, one = (str(name), label) if flat.shape[1] == 1 else (f"{name}[{column}]", f"{label}, {column + 1}")
                if np.ptp(flat[:, column]) > 0:
                    found.append(Assumption(key, one, units, grade, flat[:, column]))
    return found


def strongest_assumptions(run: RunLike, benefit: CostBenefit, answer: xr.DataArray, count: int = 5) -> pd.DataFrame:
    """Rank what was drawn by how much the answer moves with it.

    Ranking is by the squared rank correlation with the answer, its share of the variation as far as one thing at a
    time can tell. The value at which the sign changes comes from a straight-line fit of the answer on all that was
    drawn, with the others at their means.

    Args:
        run: Holds the drawn constants.
        benefit: Holds the draws of the ledger's numbers.
        answer: Dims (draw,).
        count: How many to return.

    Returns:
        Index: name. Columns `label`, `units`, `grade`, `share` (squared rank correlation), `low`, `mean`, `high` (of
        the draws), `sign_changes_at` (None when no value inside the range does it) and `finding`, a sentence. No rows
        when nothing varied or there are too few draws to tell.
    """
    return strongest(assumptions(run, benefit), answer, count)


def strongest(drawn: Sequence[Assumption], answer: xr.DataArray, count: int = 5) -> pd.DataFrame:
    """Rank what was drawn, given ready; see `strongest_assumptions`."""
    import numpy as np
    import pandas as pd

    target = np.asarray(answer.values, dtype=float)
    if not can_tell(drawn, target):
        return pd.DataFrame(columns=_COLUMNS, index=pd.Index([], name="assumption"))
    shares, slopes = shares_of(drawn, target), _slopes(drawn, target)
    order = np.argsort(-shares, kind="stable")[:count]
    rows = [_row(drawn[at], float(shares[at]), float(slopes[at]), float(target.mean())) for at in order]
    index = pd.Index([drawn[at].name for at in order], name="assumption")
    return pd.DataFrame(rows, index=index, columns=_COLUMNS).astype({"sign_changes_at": object})


def can_tell(drawn: Sequence[Assumption], target: np.ndarray) -> bool:
    """Whether there are enough draws, and the answer varies enough, to tell which assumptions move it."""
    enough = len(target) >= DRAWS_PER_ASSUMPTION * (len(drawn) + 1)
    return bool(drawn) and enough and float(target.max() - target.min()) > 0


def shares_of(drawn: Sequence[Assumption], target: np.ndarray) -> np.ndarray:
    """Return the squared rank correlation of each assumption with an answer, shape (assumption,)."""
    import numpy as np

    ranks = np.column_stack([*(one.ranks for one in drawn), _ranks(target)])
    shares: np.ndarray = np.asarray(np.corrcoef(ranks, rowvar=False))[-1, :-1] ** 2
    return shares


def _ranks(values: np.ndarray) -> np.ndarray:
    import pandas as pd

    ranks: np.ndarray = pd.Series(values).rank().to_numpy(dtype=float)
    return ranks


def _slopes(drawn: Sequence[Assumption], target: np.ndarray) -> np.ndarray:
    """Return the slopes of a straight-line fit on all assumptions, by normal equations on a common scale."""
    import numpy as np

    inputs = np.column_stack([one.values for one in drawn])
    scale = inputs.std(0)
    scaled = (inputs - inputs.mean(0)) / scale
    slopes: np.ndarray = np.linalg.lstsq(scaled.T @ scaled, scaled.T @ (target - target.mean()), rcond=None)[0] / scale
    return slopes


def _row(one: Assumption, share: float, slope: float, level: float) -> list[object]:
    turn = _turning_point(one.values, slope, level)
    ends = [float(one.values.min()), float(one.values.mean()), float(one.values.max())]
    return [one.label, one.units, one.grade, share, *ends, turn, _finding(one, turn)]


def _about_constant(model: Any, name: str, drawn: xr.DataArray) -> tuple[str, str, str]:
    """Return label, unit and grade of a constant."""
    constant = model.variables.get(name)
    label = called(getattr(constant, "label", ""), getattr(constant, "doc", ""), name)
    return label, str(drawn.attrs.get("units", "")), str(drawn.attrs.get("grade", ""))


def _about_ledger(lines: Sequence[CostLine]) -> dict[str, tuple[str, str, str]]:
    """Return label, unit and grade of the ledger's numbers by the names their draws are kept under.

    A line states the grade of its unit cost only; what is drawn beside it is judgement.
    """
    sharing: dict[str, list[CostLine]] = {}
    for line in lines:
        for _, name, _ in line.beliefs:
            sharing.setdefault(name, []).append(line)
    return {
        name: (
            f"{_whose(sharing[name])}: {field.replace('_', ' ')}",
            line.units if field == "unit_cost" else _FIELD_UNITS[field],
            line.grade if field == "unit_cost" else Grade.ELICITED,
        )
        for line in lines
        for field, name, _ in line.beliefs
    }


def _whose(lines: Sequence[CostLine]) -> str:
    names = [line.label or line.name.replace("_", " ") for line in lines]
    return " and ".join(names) if len(names) < 3 else f"{len(names)} lines of the ledger together"


def _turning_point(drawn: np.ndarray, slope: float, level: float) -> float | None:
    """Value at which the fitted line crosses zero, if the draws reach it."""
    if slope == 0:
        return None
    turn = float(drawn.mean() - level / slope)
    return turn if drawn.min() <= turn <= drawn.max() else None


def _finding(one: Assumption, turn: float | None) -> str:
    low, high = float(one.values.min()), float(one.values.max())
    reach = span(low, high, one.units)
    if turn is None:
        return f"{one.label}: no value inside its range ({reach}) changes the sign"
    return f"{one.label}: the sign changes at about {quantity(turn, one.units, step_for(low, high))} (range {reach})"
