"""One warm run of care at its stated values: 640 steps of 272 equations, 12 outputs at 41 moments."""

from __future__ import annotations

from bench import Benchmark, Call
from kernels.build import SCALAR, c_runs
from ours import bare, labelled
from peers.with_bptk import bptk_run
from peers.with_pysd import pysd_run
from peers.with_simlin import simlin_runs

SINGLE = Benchmark("single", "one warm run of care", reference="ours, kernel", rounds=7)


@SINGLE.entry("ours, kernel")
def kernel() -> Call:
    """Nothing checked or labelled: what a peer's run corresponds to."""
    return bare("care", 1)


@SINGLE.entry("ours, labelled")
def with_labels() -> Call:
    """The same as a labelled run with its ledger of people."""
    return labelled("care", 1)


@SINGLE.entry("hand C")
def hand_c() -> Call:
    """One number at a time."""
    return c_runs("care", SCALAR, 1)


@SINGLE.entry("simlin")
def simlin() -> Call:
    """Without a data frame."""
    return simlin_runs("care", 1)


@SINGLE.entry("BPTK-Py, Rust engine")
def bptk_rust() -> Call:
    """Its compiled engine."""
    return bptk_run("rust")


@SINGLE.entry("BPTK-Py, Python engine", most_rounds=1)
def bptk_python() -> Call:
    """Its usual engine."""
    return bptk_run("python")


@SINGLE.entry("PySD, lookups by numpy.interp", most_rounds=2)
def pysd_quick() -> Call:
    """Without its slowest part, so that the rest can be seen."""
    return pysd_run(quick_lookups=True)


@SINGLE.entry("PySD", most_rounds=1)
def pysd() -> Call:
    """As it is installed."""
    return pysd_run(quick_lookups=False)
