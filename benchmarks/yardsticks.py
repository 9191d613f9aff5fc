"""The two models that benchmarks run, what is kept of them, and the sets of parameters they are run with."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.io.text import load_model
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.ensemble import draw

FOLDERS = Path(__file__).parent / "models"
OUTPUTS = (
    "kpi_eh_open", "kpi_eh_waiting", "kpi_cin", "kpi_cp", "kpi_lac", "kpi_edge", "kpi_contacts", "kpi_backlog",
    "kpi_headcount", "spend_total", "care_entries_t", "kpi_residential_share",
)  # fmt: skip


@cache
def yardstick(name: str) -> Model:
    """Return 'care' or 'care_sub'."""
    return load_model(FOLDERS / name)


def varied(model: Model) -> list[str]:
    """Return the constants that are varied: those with a prior."""
    return [constant.name for constant in model.constants() if constant.prior is not None]


@cache
def parameter_sets(name: str, n: int) -> Array:
    """Return sets of the varied constants, (constant, set): their stated values for one set, else within a tenth."""
    model = yardstick(name)
    if n == 1:
        return np.array([[model.constant(one).value] for one in varied(model)], float)
    drawn = draw(model, n, "benchmark").values
    return np.array([drawn[one] for one in varied(model)])
