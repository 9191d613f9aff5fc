"""The registry of benchmarks, and how they are measured: in one process, in turn, as ratios to a reference entry.

A benchmark file makes a `Benchmark` and registers entries with it. An entry sets things up, untimed, and returns the
callable that is timed. What the callable returns is its answer, and all answers must agree.
"""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Answer = NDArray[np.float64] | None
Call = Callable[[], Any]
Measure = Callable[[Call, float], tuple[float, Answer]]

BENCHMARKS: dict[str, Benchmark] = {}


class Skipped(Exception):
    """Something an entry needs is not there; the message says what."""


def needs_module(name: str) -> None:
    """Refuse to go on without a module.

    Raises:
        Skipped: It is not installed.
    """
    if importlib.util.find_spec(name) is None:
        raise Skipped(f"the Python module '{name}' is not installed")


def needs_program(name: str) -> str:
    """Return the path of a program.

    Raises:
        Skipped: It is not installed.
    """
    path = shutil.which(name)
    if path is None:
        raise Skipped(f"the program '{name}' is not installed")
    return path


def seconds(call: Call, at_least: float) -> tuple[float, Answer]:
    """Call again and again for `at_least` seconds; return the seconds one call takes, and its answer."""
    calls, started = 0, time.perf_counter()
    while True:
        answer = call()
        calls += 1
        taken = time.perf_counter() - started
        if taken >= at_least:
            return taken / calls, answer


def reported(call: Call, _: float) -> tuple[float, Answer]:
    """Return the figure that a callable itself reports."""
    return float(call()), None


@dataclass(frozen=True)
class Entry:
    """One way of doing what a benchmark is about.

    Attributes:
        name: As shown.
        prepare: Does what is not timed and returns the callable that is.
        most_rounds: In how many rounds it takes part unless more are asked for; None for all.
        share: Which part of the work the callable does; its figures are divided by it, and the table says so.
    """

    name: str
    prepare: Callable[[], Call]
    most_rounds: int | None = None
    share: float = 1.0


@dataclass
class Benchmark:
    """Something measured in several ways.

    Attributes:
        name: Short, for `--only`.
        doc: What is measured, in a sentence.
        reference: The entry that ratios are to.
        tolerance: How far answers may be from that of the reference, relative to the largest of their row; every answer
            is an array (row, moment, run), and one with fewer runs answers for the first of them.
        rounds: How often every entry has its turn unless said otherwise.
        at_least: Seconds of calls in a turn.
        unit, measure: What the figures are, and how they are taken.
    """

    name: str
    doc: str
    reference: str
    tolerance: float = 1e-11
    rounds: int = 5
    at_least: float = 0.05
    unit: str = "s"
    measure: Measure = seconds
    entries: list[Entry] = field(default_factory=list)

    def __post_init__(self) -> None:
        BENCHMARKS[self.name] = self

    def entry(
        self, name: str, *, most_rounds: int | None = None, share: float = 1.0
    ) -> Callable[[Callable[[], Call]], Callable[[], Call]]:
        """Register an entry."""

        def register(prepare: Callable[[], Call]) -> Callable[[], Call]:
            self.entries.append(Entry(name, prepare, most_rounds, share))
            return prepare

        return register


@dataclass(frozen=True)
class Spread:
    """Median, least and most of some figures."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, figures: Sequence[float]) -> Spread:
        """Return the spread of at least one figure."""
        return cls(statistics.median(figures), min(figures), max(figures))


@dataclass
class Outcome:
    """What was measured of an entry.

    Attributes:
        figures: By round.
        answer: From its last call.
        skipped: Why it was not measured; '' when it was.
    """

    entry: Entry
    figures: dict[int, float] = field(default_factory=dict)
    answer: Answer = None
    skipped: str = ""

    @property
    def spread(self) -> Spread:
        """Over rounds."""
        return Spread.of(list(self.figures.values()))

    def ratio(self, reference: Outcome) -> Spread | None:
        """Return the ratio to another outcome over the rounds they share; None when there are none."""
        shared = [figure / reference.figures[k] for k, figure in self.figures.items() if k in reference.figures]
        return Spread.of(shared) if shared else None

    @property
    def note(self) -> str:
        """What a reader of the figures should know."""
        return f"from {self.entry.share:.3g} of the work" if self.entry.share != 1.0 else ""


@dataclass(frozen=True)
class Result:
    """The outcomes of a benchmark, in the order of its entries, and which answers disagree."""

    benchmark: Benchmark
    outcomes: Sequence[Outcome]
    disagreements: Sequence[str]

    @property
    def reference(self) -> Outcome:
        """The outcome that ratios are to."""
        return next(one for one in self.outcomes if one.entry.name == self.benchmark.reference)


def run(benchmark: Benchmark, rounds: int | None = None) -> Result:
    """Measure a benchmark: every entry has its turn in each round, and each round begins with another.

    Args:
        benchmark: What to measure.
        rounds: How many; None takes what the benchmark and its entries say.
    """
    outcomes = [Outcome(entry) for entry in benchmark.entries]
    ready = [(outcome, call) for outcome in outcomes if (call := _prepared(outcome)) is not None]
    for number in range(rounds or benchmark.rounds):
        turn = number % max(1, len(ready))
        for outcome, call in ready[turn:] + ready[:turn]:
            if rounds is not None or number < (outcome.entry.most_rounds or number + 1):
                figure, outcome.answer = benchmark.measure(call, benchmark.at_least)
                outcome.figures[number] = figure / outcome.entry.share
    return Result(benchmark, outcomes, _disagreements(benchmark, outcomes))


def _prepared(outcome: Outcome) -> Call | None:
    """Set an entry up; one that is measured in every round has an untimed call to warm up."""
    try:
        call = outcome.entry.prepare()
        if outcome.entry.most_rounds is None:
            call()
    except Skipped as reason:
        outcome.skipped = str(reason)
        return None
    return call


def _disagreements(benchmark: Benchmark, outcomes: Sequence[Outcome]) -> list[str]:
    """Word the answers that are not those of the reference, or, where it has none, of the first that has."""
    answered = [outcome for outcome in outcomes if outcome.answer is not None]
    answered.sort(key=lambda outcome: outcome.entry.name != benchmark.reference)
    found = []
    for outcome in answered[1:]:
        apart = difference(outcome.answer, answered[0].answer)
        if not apart <= benchmark.tolerance:
            found.append(f"{outcome.entry.name} is {apart:.2g} away from {answered[0].entry.name}")
    return found


def difference(answer: Any, expected: Any) -> float:
    """Return the largest difference relative to the largest value of its row, over the runs both have."""
    runs = min(answer.shape[-1], expected.shape[-1])
    answer, expected = answer[..., :runs], expected[..., :runs]
    if answer.shape != expected.shape:
        return float("inf")
    scale = np.abs(expected).max(axis=tuple(range(1, expected.ndim)), keepdims=True)
    return float((np.abs(answer - expected) / scale).max())
