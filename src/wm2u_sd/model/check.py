"""Check a model: find everything that is wrong at once, and say where."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wm2u_sd.model.diagnostics import Report
from wm2u_sd.model.doc_check import reader_findings, unused_findings
from wm2u_sd.model.flow_check import flow_findings
from wm2u_sd.model.model import Model
from wm2u_sd.model.name_check import call_findings, name_findings, star_findings
from wm2u_sd.model.record_check import examine
from wm2u_sd.model.scenario_check import scenario_findings
from wm2u_sd.model.structure_check import (
    balance_findings,
    circle_findings,
    dimension_findings,
    loop_findings,
    step_findings,
)
from wm2u_sd.model.unit_check import unit_findings
from wm2u_sd.model.value_check import value_findings

LOOKS = (
    name_findings,
    call_findings,
    star_findings,
    flow_findings,
    value_findings,
    circle_findings,
    dimension_findings,
    balance_findings,
    loop_findings,
    step_findings,
    unit_findings,
    unused_findings,
    reader_findings,
)
"""What is looked for; to look for something else, add a function from a `Case` to findings."""


def check(model: Model, *, scenarios: Any = (), files: Mapping[str, str] | None = None) -> Report:
    """Look for everything that is wrong with a model.

    Args:
        model: The model, from a folder or from Python.
        scenarios: Scenarios whose levers are checked against it: one, several, or by name as in `folder.scenarios`.
        files: Text of the files it was read from, by the name a `Place` has; with it a fault in an equation of several
            lines is shown at its own line.

    Returns:
        All findings, sorted by file and line. Nothing is raised, whatever the records hold.

    Raises:
        ModelError: What is given is no Model.
    """
    case, findings = examine(model, files or {})
    for look in LOOKS:
        findings.extend(look(case))
    return Report.of([*findings, *scenario_findings(case, scenarios)])
