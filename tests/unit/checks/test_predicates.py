"""Each predicate on paths made by hand: when it passes, when it does not, and what it says."""

import numpy as np
import pytest

from wm2u_sd.checks.predicates import PREDICATES, Seen, Sign, Verdict, way

TIMES = np.arange(5.0)
AS_NOW = np.array([100.0, 100, 100, 100, 100])
UP = np.array([100.0, 99, 101, 104, 102])
DOWN = np.array([100.0, 98, 97, 95, 90])
HALF_DOWN = np.array([100.0, 99, 98.5, 97.5, 95])


def seen(path: np.ndarray, *moments: int, against: str = "as_now") -> Seen:
    values = {
        ("run", "people"): path,
        ("as_now", "people"): AS_NOW,
        ("half", "people"): HALF_DOWN,
        ("run", "room"): np.array([120.0, 120, 120, 120, 80]),
    }
    return Seen("run", against, "people", values, TIMES, moments)


def judged(name: str, what: Seen, *arguments: object) -> Verdict:
    verdict: Verdict = PREDICATES[name].judge(what, *arguments)
    return verdict


CASES = [
    ("difference", seen(UP, 1, 3), ([-1.0, 4.04], 0.05), True, "-1, 4.04 (within 0.05)", "-1.00, 4.00"),
    ("difference", seen(UP, 1, 3), ([-1.0, 4.06], 0.05), False, "-1, 4.06 (within 0.05)", "-1.00, 4.00"),
    ("at_most", seen(DOWN, 3, 4), ([-5.0, -9.0], ), True, "at most -5, -9", "-5, -10"),
    ("at_most", seen(DOWN, 3, 4), ([-5.1, -9.0], ), False, "at most -5.1, -9", "-5, -10"),
    ("sign", seen(UP, 3, 4), (["rises"],), True, "rises", "+4, +2"),
    ("sign", seen(UP, 1, 3), (["rises"],), False, "rises", "-1, +4"),
    ("sign", seen(UP, 1, 3), (["falls", "rises"],), True, "falls, rises", "-1, +4"),
    ("sign", seen(UP, 0, 3), (["falls", "rises"],), False, "falls, rises", "+0, +4"),
    ("sign", seen(AS_NOW + 5e-8, 2), (["still"],), True, "still (within 1e-09 of 100)", "moved by 5e-08"),
    ("sign", seen(AS_NOW + 5e-7, 2), (["still"],), False, "still (within 1e-09 of 100)", "moved by 5e-07"),
    ("sign", seen(DOWN, 2, against="start"), (["falls"],), True, "falls", "-3"),
    ("first_above_zero", seen(UP), (2.0,), True, "above from 2", "from 2"),
    ("first_above_zero", seen(UP), (3.0,), False, "above from 3", "from 2"),
    ("first_above_zero", seen(np.array([101.0, 99, 101, 99, 101])), (2.0,), False, "above from 2", "from 4"),
    ("first_above_zero", seen(DOWN), (2.0,), False, "above from 2", "not above at the end"),
    ("first_above_zero", seen(AS_NOW + 1), (0.0,), True, "above from 0", "from 0"),
    ("trend", seen(DOWN, 1, 2, 4), ("grows",), True, "a distance that grows", "-2, -3, -10"),
    ("trend", seen(UP, 2, 3, 4), ("grows",), False, "a distance that grows", "+1, +4, +2"),
    ("trend", seen(UP, 3, 4), ("fades",), True, "a distance that fades", "+4, +2"),
    ("trend", seen(AS_NOW, 3, 4), ("fades",), False, "a distance that fades", "+0, +0"),
    ("sum_of", seen(DOWN - 1, 4), (["half", "half"], "more"), True, "more than the sum of half and half, -10", "-11"),
    ("sum_of", seen(DOWN, 4), (["half", "half"], "more"), False, "more than the sum of half and half, -10", "-10"),
    ("sum_of", seen(DOWN, 4), (["half", "half"], "same"), True, "the same as the sum of half and half, -10", "-10"),
    ("sum_of", seen(UP, 4), (["half", "half"], "less"), True, "less than the sum of half and half, -10", "2"),
    ("sum_of", seen(DOWN - 1, 4), (["half", "half"], "less"), False, "less than the sum of half and half, -10", "-11"),
    ("smallest_of", seen(UP, 1, 3), (["room"],), True, "the smallest of room", "room 120, 120"),
    ("smallest_of", seen(UP, 3, 4), (["people", "room"],), False, "the smallest of people, room",
     "people 104, 102; room 120, 80"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "what", "arguments", "passed", "expected", "found"), CASES)
def test_a_predicate_tells_and_says_both_sides(
    name: str, what: Seen, arguments: tuple[object, ...], passed: bool, expected: str, found: str
) -> None:
    assert Verdict(passed, expected, found) == judged(name, what, *arguments)


def test_every_predicate_is_seen_to_pass_and_to_fail() -> None:
    outcomes = {(name, passed) for name, _, _, passed, _, _ in CASES}

    assert {(name, passed) for name in PREDICATES for passed in (True, False)} == outcomes


@pytest.mark.parametrize(
    ("value", "size", "expected"),
    [(1e-9, 1.0, Sign.STILL), (1.01e-9, 1.0, Sign.RISES), (-1.01e-9, 1.0, Sign.FALLS), (1e-300, 0.0, Sign.RISES)],
)
def test_rounding_is_told_by_the_size_of_what_is_compared_with(value: float, size: float, expected: Sign) -> None:
    assert expected == way(value, size)
