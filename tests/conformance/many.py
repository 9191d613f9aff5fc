"""Run many models that were put together at random: `python tests/conformance/many.py 10000 [backend ...]`.

Prints, for each backend, how many agreed with the oracle, and the models that did not.
"""

import os
import sys
import time
from collections import Counter
from collections.abc import Sequence

os.environ.setdefault("WM2U_SD_CACHE", "")  # thousands of kernels that nobody will want again

import numpy as np
import test_generated
from hypothesis import HealthCheck, Phase, given, seed, settings

import conftest
from wm2u_sd.backends import registry

SHOWN = 3
AT_A_TIME = 250  # later ones resemble earlier ones more and more


class Tally:
    """What became of the models that one backend was given."""

    def __init__(self, name: str) -> None:
        self.name, self.backend = name, registry.backend(name)
        self.counts: Counter[str] = Counter()
        self.worst, self.told, self.seconds = 0.0, [], 0.0  # type: ignore[var-annotated]

    def add(self, case: test_generated.Case) -> None:
        """Run one model, all of it and its first moment alone."""
        started = time.perf_counter()
        batch = conftest.make_batch(case.model, **case.how)
        first = conftest.make_batch(case.model, **{**case.how, "scenarios": ()})
        try:
            self.note(case, conftest.compared(self.backend, lambda one: conftest.ran(one, batch)))
            self.note(case, conftest.compared(self.backend, lambda one: conftest.looked_at(one, first)), "at the start")
        except Exception as problem:  # noqa: BLE001 whatever went wrong, the next model is tried
            self.counts["stopped"] += 1
            self.told.append(f"{type(problem).__name__}: {problem}\n{case}")
        self.seconds += time.perf_counter() - started

    def note(self, case: test_generated.Case, verdict: conftest.Verdict, where: str = "") -> None:
        """Count a comparison."""
        self.counts["compared"] += 1
        if verdict.told:
            self.counts["disagreed"] += 1
            self.told.append(f"disagreed {where}: {', '.join(verdict.told)}\n{case}")
        elif verdict.worst > 1:
            self.counts["hang on last places"] += 1
        else:
            self.worst = max(self.worst, verdict.worst * conftest.RELATIVE)
            self.counts["agreed"] += 1
            self.counts["bit for bit"] += conftest.same_bits(verdict.expected, verdict.found)
            self.counts["finite"] += all(np.isfinite(value).all() for value in verdict.expected.values())

    def __str__(self) -> str:
        counts = ", ".join(f"{n:,} {what}" for what, n in self.counts.items())
        shown = "".join(f"\n\n{told}" for told in self.told[:SHOWN])
        return f"{self.name}: {counts}; greatest difference {self.worst:.2g}; {self.seconds:.0f} s{shown}"


def many(n: int, names: Sequence[str] = (), begin: int = 0) -> list[Tally]:
    """Run that many models on some backends, or all but the oracle.

    Args:
        n: Number of models.
        names: Of backends.
        begin: Another number gives other models.
    """
    tallies = [Tally(name) for name in names or registry.backends() if name != conftest.ORACLE.name]
    for part, left in enumerate(range(n, 0, -AT_A_TIME)):
        run_some(min(left, AT_A_TIME), tallies, 1000 * begin + part)
    return tallies


def run_some(n: int, tallies: Sequence[Tally], number: int) -> None:
    """Run some models that go with a number."""

    @seed(number)
    @settings(max_examples=n, phases=[Phase.generate], database=None, deadline=None, suppress_health_check=HealthCheck)
    @given(test_generated.cases())
    def run(case: test_generated.Case) -> None:
        for tally in tallies:
            tally.add(case)

    run()


if __name__ == "__main__":
    number, *backends = sys.argv[1:] or ["1000"]
    found = many(int(number), backends)
    print(*found, sep="\n\n")
    sys.exit(any(tally.told for tally in found))
