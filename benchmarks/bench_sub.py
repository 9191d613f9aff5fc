"""care over five ages and ten localities: 1,701 stocks and 5,515 other values in each of 640 steps."""

from __future__ import annotations

from bench import Benchmark, Call
from kernels.build import BY_LOCALITY, BY_RUN, SCALAR, c_runs
from ours import backend_name, bare, labelled
from peers.with_simlin import simlin_runs

OF_OURS = {"native": 1_000, "numpy": 50}[backend_name()]
OF_C, OF_SIMLIN = 200, 10
SINGLE = Benchmark("sub_single", "one warm run of care_sub", reference="ours, kernel")
SWEEP = Benchmark("sub_1000", "1,000 runs of care_sub on one thread", reference="ours, kernel", rounds=3)


@SINGLE.entry("ours, kernel")
def kernel() -> Call:
    """Nothing checked or labelled."""
    return bare("care_sub", 1)


@SINGLE.entry("ours, labelled")
def with_labels() -> Call:
    """As a labelled run with its ledger of people."""
    return labelled("care_sub", 1)


@SINGLE.entry("hand C, plain loops")
def c_loops() -> Call:
    """Fused loops, one number at a time."""
    return c_runs("care_sub", SCALAR, 1)


@SINGLE.entry("hand C, localities side by side")
def c_localities() -> Call:
    """Fused loops over vectors of localities."""
    return c_runs("care_sub", BY_LOCALITY, 1)


@SINGLE.entry("simlin")
def simlin() -> Call:
    """Without a data frame."""
    return simlin_runs("care_sub", 1)


@SWEEP.entry("ours, kernel", share=OF_OURS / 1_000)
def many() -> Call:
    """Nothing checked or labelled; NumPy makes a part, or a round would take most of a minute."""
    return bare("care_sub", 1_000, first=OF_OURS)


@SWEEP.entry("hand C, localities side by side", share=OF_C / 1_000)
def many_by_localities() -> Call:
    """The kernel of a single run, again and again."""
    return c_runs("care_sub", BY_LOCALITY, 1_000, first=OF_C)


@SWEEP.entry("hand C, 8 runs side by side", share=OF_C / 1_000)
def many_by_lanes() -> Call:
    """Fused loops over vectors of runs."""
    return c_runs("care_sub", BY_RUN, 1_000, first=OF_C)


@SWEEP.entry("simlin", share=OF_SIMLIN / 1_000)
def many_by_simlin() -> Call:
    """The first runs."""
    return simlin_runs("care_sub", 1_000, first=OF_SIMLIN)
