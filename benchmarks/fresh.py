"""Scripts for fresh Python processes, and how they are started."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from ours import backend_name
from yardsticks import FOLDERS, OUTPUTS

BENCHMARKS = Path(__file__).parent


def labelled_script(name: str, draws: int | None = None) -> str:
    """Return a script that opens a yardstick and runs it as a user would."""
    return f"""
import wm2u_sd as sd
model = sd.load_model({str(FOLDERS / name)!r})
sd.simulate(model, save={OUTPUTS!r}, draws={draws}, backend_name={backend_name()!r})
"""


def bare_script(name: str, n: int) -> str:
    """Return a script that runs the kernel of a yardstick over parameter sets."""
    return f"""
from ours import bare
bare({name!r}, {n})()
"""


def simlin_script(path: Path) -> str:
    """Return a script that reads an .mdl file with simlin and runs it."""
    return f"""
import simlin
simulation = simlin.load({str(path)!r}).simulate()
simulation.run_to_end()
simulation.get_series({OUTPUTS[0]!r})
"""


def fresh(script: str, environment: Mapping[str, str] | None = None) -> str:
    """Run a script in a fresh process, from its start to its end, and return what it prints."""
    command = [sys.executable, "-c", script]
    settings = {**os.environ, "PYTHONPATH": str(BENCHMARKS), **(environment or {})}
    return subprocess.run(command, env=settings, check=True, stdout=subprocess.PIPE, text=True).stdout
