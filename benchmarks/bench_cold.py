"""Fresh processes, from their start to their end: to an import, and to a first result."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from bench import Benchmark, Call, needs_module
from fresh import fresh, labelled_script, simlin_script
from ours import KEPT_CODE
from peers.files import vensim_file

IMPORT = Benchmark("cold_import", "a fresh process that imports a library", reference="wm2u_sd", at_least=0.0)
RESULT = Benchmark("cold_result", "a fresh process up to a first run of care", reference="ours", at_least=0.0)
SUB = Benchmark("cold_sub", "a fresh process up to a first run of care_sub", reference="ours", at_least=0.0)
FOLDERS: list[TemporaryDirectory[str]] = []


def silent(script: str, environment: dict[str, str] | None = None) -> Call:
    """Return a call that runs a script and has no answer."""

    def call() -> None:
        fresh(script, environment)

    return call


def importing(module: str) -> Call:
    """Return a call that imports a module in a fresh process.

    Raises:
        Skipped: It is not installed.
    """
    needs_module(module)
    return silent(f"import {module}")


def ours(name: str) -> Call:
    """Return a call up to a first result, machine code made afresh."""
    return silent(labelled_script(name), {KEPT_CODE: ""})


def ours_with_kept_code(name: str) -> Call:
    """Return the same with machine code that an earlier process kept."""
    return silent(labelled_script(name), {KEPT_CODE: new_folder()})


def simlin(name: str) -> Call:
    """Return a call that reads an .mdl file and runs it.

    Raises:
        Skipped: It is not installed.
    """
    needs_module("simlin")
    with vensim_file(name) as path:
        kept = Path(new_folder()) / path.name
        kept.write_text(path.read_text(encoding="utf-8"), encoding="utf-8")
    return silent(simlin_script(kept))


def new_folder() -> str:
    """Return a folder that lasts as long as this process."""
    FOLDERS.append(TemporaryDirectory())
    return FOLDERS[-1].name


IMPORT.entry("Python alone")(partial(silent, "pass"))
for module in ("wm2u_sd", "wm2u_sd.simulation.simulate", "numpy", "simlin", "pysd", "BPTK_Py"):
    IMPORT.entry(module)(partial(importing, module))
for benchmark, name in ((RESULT, "care"), (SUB, "care_sub")):
    benchmark.entry("ours")(partial(ours, name))
    benchmark.entry("ours, code kept on disk")(partial(ours_with_kept_code, name))
    benchmark.entry("simlin")(partial(simlin, name))
