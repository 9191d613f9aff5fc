"""System dynamics for services that work with families: build, run, calibrate and cost models.

Names are loaded when first used, so that `import wm2u_sd` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_HOMES = {
    "errors": (
        *("Wm2uError", "ModelError", "ParseError", "NameUnknownError", "DimensionError", "UnitsError"),
        *("FileError", "SimulationError", "CalibrationError", "MoneyError"),
    ),
    "model.variables": ("Stock", "Flow", "Auxiliary", "Constant", "Lookup", "Prior"),
    "model.dimensions": ("Dimension",),
    "model.timing": ("Time",),
    "model.model": ("Model", "Balance", "Loop"),
    "model.check": ("check",),
    "simulation.scenario": ("Scenario", "Lever"),
    "simulation.ensemble": ("Ensemble", "draw"),
    "simulation.simulate": ("simulate", "Simulator"),
    "simulation.run": ("Run",),
    "simulation.stored": ("open_run",),
    "simulation.summary": ("summary_over_draws",),
    "simulation.gradient": ("gradient", "jacobian", "Gradient"),
    "calibration.observations": ("Observations", "Series", "Count"),
    "calibration.least_squares": ("fit_least_squares",),
    "calibration.fit": ("Fit", "Free"),
    "economics.ledger": ("cost_lines", "CostLine"),
    "economics.cost_benefit": ("cost_benefit", "CostBenefit"),
    "economics.honesty": ("honesty_block",),
    "analysis.tipping": ("growth", "tipping_point"),
    "io.text": ("load", "load_model"),
    "io.results": ("save_run", "load_run"),
    "views.report": ("report", "ReportInputs"),
    "checks.check_folder": ("check_folder",),
    "checks.run_checks": ("run_checks",),
    "care.places": ("open_place", "place_names", "Place"),
    "care.answer": ("answer", "Answer"),
}

_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    """Load a public name from its home."""
    if name not in _HOME_OF:
        raise AttributeError(f"module 'wm2u_sd' has no attribute '{name}'")
    return getattr(import_module(f"wm2u_sd.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return list(_HOME_OF)
