"""Many runs of care with 20 parameters varied: 1,000 on one thread and 10,000 on two."""

from __future__ import annotations

from bench import Benchmark, Call
from kernels.build import BY_RUN, SCALAR, c_runs
from ours import bare, labelled
from peers.with_simlin import simlin_runs

OF_SIMLIN = 100
ONE = Benchmark("sweep_1000", "1,000 runs of care on one thread", reference="ours, kernel")
TWO = Benchmark("sweep_10000", "10,000 runs of care on two threads", reference="ours, kernel", rounds=3)


@ONE.entry("ours, kernel")
def kernel() -> Call:
    """Nothing checked or labelled."""
    return bare("care", 1_000)


@ONE.entry("ours, labelled, on every thread")
def with_labels() -> Call:
    """As a labelled run with its ledger of people."""
    return labelled("care", 1_000)


@ONE.entry("hand C, 8 runs side by side")
def c_lanes() -> Call:
    """Vectors of eight runs."""
    return c_runs("care", BY_RUN, 1_000)


@ONE.entry("hand C, one by one")
def c_scalar() -> Call:
    """The kernel of a single run, again and again."""
    return c_runs("care", SCALAR, 1_000)


@ONE.entry("simlin", share=OF_SIMLIN / 1_000)
def simlin() -> Call:
    """The first runs."""
    return simlin_runs("care", 1_000, first=OF_SIMLIN)


@TWO.entry("ours, kernel")
def kernel_on_two() -> Call:
    """Nothing checked or labelled."""
    return bare("care", 10_000, threads=2)


@TWO.entry("ours, labelled, on every thread")
def with_labels_on_two() -> Call:
    """As a labelled run with its ledger of people."""
    return labelled("care", 10_000)


@TWO.entry("hand C, 8 runs side by side")
def c_lanes_on_two() -> Call:
    """Vectors of eight runs."""
    return c_runs("care", BY_RUN, 10_000, threads=2)


@TWO.entry("simlin", share=OF_SIMLIN / 10_000)
def simlin_on_two() -> Call:
    """The first runs, each thread with a simulation of its own."""
    return simlin_runs("care", 10_000, first=OF_SIMLIN, threads=2)
