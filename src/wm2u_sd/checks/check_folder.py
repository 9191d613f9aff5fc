"""Check a model folder: its model, its scenarios and its ledger."""

from __future__ import annotations

from wm2u_sd.economics.ledger_check import ledger_findings
from wm2u_sd.io.text import ModelFolder
from wm2u_sd.model.check import check
from wm2u_sd.model.diagnostics import Report


def check_folder(folder: ModelFolder) -> Report:
    """Look for everything that is wrong with a model folder that could be read.

    Returns:
        All findings, sorted by file and line.
    """
    found = check(folder.model, scenarios=folder.scenarios, files=folder.files)
    ledger = ledger_findings(folder.costs, folder.model, places=folder.cost_places, files=folder.files)
    return Report.of([*found.findings, *ledger])
