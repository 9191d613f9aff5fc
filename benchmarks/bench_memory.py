"""The most memory that a fresh process held, on Linux: one run and 10,000 draws of care."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from bench import Benchmark, Call, Skipped, reported
from fresh import bare_script, fresh, labelled_script

STATUS = Path("/proc/self/status")
PEAK = f"""
lines = open({str(STATUS)!r}).read().splitlines()
print(next(line.split()[1] for line in lines if line.startswith("VmHWM")))
"""
MEMORY = Benchmark("memory", "peak memory", reference="one run", rounds=3, unit="MiB", measure=reported)


def peak(script: str) -> Call:
    """Return a call that gives the peak memory of a fresh process, in MiB.

    Raises:
        Skipped: This system does not tell.
    """
    if not STATUS.is_file():
        raise Skipped(f"there is no {STATUS}")
    return lambda: int(fresh(script + PEAK)) / 1024


MEMORY.entry("numpy imported")(partial(peak, "import numpy"))
MEMORY.entry("one run")(partial(peak, bare_script("care", 1)))
MEMORY.entry("one run, labelled")(partial(peak, labelled_script("care")))
MEMORY.entry("10,000 draws")(partial(peak, bare_script("care", 10_000)))
MEMORY.entry("10,000 draws, labelled")(partial(peak, labelled_script("care", 10_000)))
