"""Which assumptions move an answer most, and what each would have to be for the answer to change sign."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wm2u_sd.economics.cost_benefit import CostBenefit
from wm2u_sd.economics.counting import RunLike

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import xarray as xr

DRAWS_PER_ASSUMPTION = 2
"""A straight-line fit on fewer draws than this for each assumption says more about the draws than about the answer."""


def drawn_inputs(run: RunLike, benefit: CostBenefit) -> tuple[dict[str, np.ndarray], dict[str, str]]:
    """Return what varied between draws, name -> (draw,), constants and ledger numbers together, and their labels.

    Constants that a balance works out from the others are results, not assumptions, and are left out.
    """
    import numpy as np

    solved = run.model.balance.solve if run.model.balance else ()
    values: dict[str, np.ndarray] = {}
    labels: dict[str, str] = {}
    for source in (run.parameters.drop_vars(solved, errors="ignore"), benefit.parameters):
        for name, variable in source.data_vars.items():
            flat = (
                variable.sel(draw=benefit.data["draw"])
                .transpose("draw", ...)
                .values.reshape(benefit.data.sizes["draw"], -1)
            )
            for column in range(flat.shape[1]):
                key = str(name) if flat.shape[1] == 1 else f"{name}[{column}]"
                if np.ptp(flat[:, column]) > 0:
                    values[key] = flat[:, column].astype(float)
                    labels[key] = str(variable.attrs.get("long_name") or key)
    return values, labels


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
        Index: name. Columns `label`, `share` (squared rank correlation), `low`, `mean`, `high` (of the draws),
        `sign_changes_at` (None when no value inside the range does it) and `finding`, a sentence. No rows when
        nothing varied or there are too few draws to tell.
    """
    import numpy as np
    import pandas as pd
    from scipy import stats

    values, labels = drawn_inputs(run, benefit)
    target = np.asarray(answer.values, dtype=float)
    columns = ["label", "share", "low", "mean", "high", "sign_changes_at", "finding"]
    if not values or len(target) < DRAWS_PER_ASSUMPTION * (len(values) + 1) or np.ptp(target) == 0:
        return pd.DataFrame(columns=columns, index=pd.Index([], name="assumption"))
    names = list(values)
    inputs = np.column_stack(list(values.values()))
    ranks = stats.rankdata(np.column_stack([inputs, target]), axis=0)
    shares = np.asarray(np.corrcoef(ranks, rowvar=False))[-1, :-1] ** 2
    scale = inputs.std(0)
    slopes = np.linalg.lstsq((inputs - inputs.mean(0)) / scale, target - target.mean(), rcond=None)[0] / scale
    rows = {}
    for at in np.argsort(-shares, kind="stable")[:count]:
        drawn = inputs[:, at]
        turn = _turning_point(drawn, float(slopes[at]), float(target.mean()))
        label = labels[names[at]]
        rows[names[at]] = [
            label,
            shares[at],
            drawn.min(),
            drawn.mean(),
            drawn.max(),
            turn,
            _finding(label, drawn, turn),
        ]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("assumption")
    return table.astype({"sign_changes_at": object})


def _turning_point(drawn: np.ndarray, slope: float, level: float) -> float | None:
    """Value at which the fitted line crosses zero, if the draws reach it."""
    if slope == 0:
        return None
    turn = float(drawn.mean() - level / slope)
    return turn if drawn.min() <= turn <= drawn.max() else None


def _finding(label: str, drawn: np.ndarray, turn: float | None) -> str:
    span = f"{drawn.min():.3g} to {drawn.max():.3g}"
    if turn is None:
        return f"{label}: no value inside its range ({span}) changes the sign"
    return f"{label}: the sign changes at about {turn:.3g} (range {span})"
