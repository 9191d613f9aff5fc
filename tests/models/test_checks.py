"""What core must keep doing (models/core/checks.yaml): each check is a test of its own."""

from pathlib import Path

import pytest

from wm2u_sd.checks.read import read_checks
from wm2u_sd.checks.results import CheckResults
from wm2u_sd.checks.run_checks import run_checks
from wm2u_sd.checks.spec import Check, Kind
from wm2u_sd.io.text import load

CORE = load(Path(__file__).resolve().parents[2] / "models" / "core")
CHECKS = read_checks(CORE)


@pytest.fixture(scope="module")
def results() -> CheckResults:
    """All checks at once; those of type T in draws from the priors too."""
    return run_checks(CORE, draws=8, seed="what always holds")


@pytest.mark.parametrize("name", [check.name for check in CHECKS])
def test_core_keeps(results: CheckResults, name: str) -> None:
    assert results[name].passed, str(results[name])


@pytest.mark.parametrize("check", [c for c in CHECKS if c.kind is Kind.CONDITIONAL], ids=lambda check: check.name)
def test_both_sides_of_a_condition_expect_something_different(check: Check) -> None:
    # Either other words, or other numbers: the same claim under both conditions would not need the condition.
    other = next(c for c in CHECKS if c.name == check.otherwise)

    assert check.condition != other.condition
    assert check.expectation != other.expectation


@pytest.mark.parametrize(
    "scenario",
    ["as_now", "drift", "project", "approach", "out", "up", "deep", "out_up", "out_deep", "up_deep", "all_three",
     "family_groups", "support_after_return", "faster_return", "parents_supporting_parents", "grant_that_ends",
     "poverty_rise", "early_help_cut", "tighter_threshold"],
)  # fmt: skip
def test_every_scenario_the_specification_lists_has_a_check(scenario: str) -> None:
    assert scenario in {check.scenario.name for check in CHECKS}
