"""Checks of the clinic, whose answers are known: after asking rises by 2, 2 * 2 * (1 - exp(-t / 2)) more wait."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from wm2u_sd.checks import runs
from wm2u_sd.checks.run_checks import run_checks
from wm2u_sd.cli import app
from wm2u_sd.errors import NameUnknownError
from wm2u_sd.io.text import load

Write = Callable[[str], Path]


def one(kind: str = "P", name: str = "it", **keys: str) -> str:
    """Return the text of one check."""
    facts = {"type": kind, "sentence": "It is so.", "scenario": "more", "outcome": "waiting", **keys}
    return f"{name}:\n" + "".join(f"  {key}: {value}\n" for key, value in facts.items() if value)


def test_a_difference_that_is_as_worked_out_by_hand_passes_and_says_both_sides(write: Write) -> None:
    expected = 4 * (1 - np.exp(-np.array([2.0, 12.0]) / 2))
    text = one(at="[2, 12]", expects=f"{{difference: [{expected[0]}, {expected[1]}], within: 0.001}}")
    (result,) = run_checks(write(text)).results

    assert result.passed
    assert ["waiting at months 2, 12: expected 2.52848, 3.99008 (within 0.001), found 2.528, 3.990"] == [
        str(look) for look in result.looks
    ]


def test_a_failure_says_what_was_expected_and_what_was_found(write: Write) -> None:
    # After both stages, 8 (1 - 2 exp(-24 / 4) + exp(-24 / 2)) more are being helped.
    text = one(outcome="[waiting, helped]", at="[24]", expects="{difference: [4], within: 0.06}")
    results = run_checks(write(text))

    assert not results.ok
    assert (
        "FAILED [P] it: It is so.\n"
        "    helped at month 24: expected 4 (within 0.06), found 7.96\n"
        "1 checks of behaviour: 0 passed, 1 failed"
    ) == str(results)
    assert ("4 (within 0.06)", "7.96") == (results["it"].expected, results["it"].found)


def test_given_constants_are_set_in_both_scenarios_and_the_start_is_balanced_anew(write: Write) -> None:
    # Asking 4 a month with 20 waiting means a wait of 5 months, so 8 more a month come to 40 more.
    text = one(given="{asking_rate: 4}", at="[24]", expects="{difference: [39.671], within: 0.001}")
    result = run_checks(write(text))["it"]

    assert 40 * (1 - np.exp(-24 / 5)) == pytest.approx(39.671, abs=1e-3)
    assert result.passed, str(result)


def test_constants_that_leave_no_start_are_a_failure_of_their_own_checks_only(write: Write) -> None:
    bad = one("P", "bad", given="{asking_rate: -1}", at="[24]", expects="{sign: rises}")
    good = one("P", "good", at="[24]", expects="{sign: rises}")
    results = run_checks(write(bad + good))

    assert ("bad",) == tuple(result.name for result in results.failed)
    assert (
        "FAILED [P] bad: It is so.\n    waiting: expected a run, found clinic: no values of wait, stay, memory make it "
        "start at rest. Look at the starting stocks: some may be more than their inflows can feed."
    ) == str(results["bad"])


def test_each_scenario_runs_once_for_all_sets_of_constants(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    batches = []
    simulate = runs.simulate

    def counted(model: object, scenarios: list[object], **options: object) -> object:
        batches.append((len(scenarios), options["draws"].n))  # type: ignore[attr-defined]
        return simulate(model, scenarios, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "simulate", counted)
    texts = [
        one(
            "P", f"it_{number}", scenario=scenario, given=f"{{asking_rate: {rate}}}", at="[24]", expects="{sign: rises}"
        )
        for number, (scenario, rate) in enumerate([("more", 9), ("more", 8), ("fewer", 9), ("nothing", 8)])
    ]
    run_checks(write("".join(texts)))

    assert [(4, 2)] == batches


@pytest.mark.parametrize(
    ("scenario", "outcome", "expected", "passed", "found"),
    [
        ("more", "asking", "rises", True, "rises: a jump of +2"),
        ("more", "waiting", "rises", True, "rises: first derivative +2, per month^1"),
        ("more", "helped", "falls", False, "rises: second derivative +1, per month^2"),
        ("fewer", "helped", "falls", True, "falls: second derivative -0.5, per month^2"),
        ("fewer", "known", "falls", True, "falls: third derivative -0.125, per month^3"),
        ("nothing", "known", "falls", False, "no change that can be told from rounding"),
    ],
)
def test_a_first_change_is_told_by_its_derivative(
    write: Write, scenario: str, outcome: str, expected: str, passed: bool, found: str
) -> None:
    text = one("T0", scenario=scenario, outcome=outcome, expects=f"{{sign: {expected}}}")
    (look,) = run_checks(write(text))["it"].looks

    assert (f"{outcome} at first", passed, expected, found) == (look.where, look.passed, look.expected, look.found)


def test_what_always_holds_is_also_looked_at_in_draws(write: Write) -> None:
    text = one("T", scenario="nothing", at="[12, 24]", expects="{sign: still}")
    looks = run_checks(write(text), draws=5)["it"].looks

    assert ["waiting at months 12, 24", "waiting in draws"] == [look.where for look in looks]
    assert (True, "the same in each", "it in 5") == (looks[1].passed, looks[1].expected, looks[1].found)


def test_what_fails_in_a_draw_fails_and_says_in_which(write: Write) -> None:
    # At the stated rate of 10 'more' is 2 more; in draws above 12 it is fewer.
    text = one("T", at="[24]", expects="{sign: rises}")
    result = run_checks(write(text), draws=8)["it"]

    assert not result.passed
    (look,) = result.decisive
    assert look.where.startswith("waiting in draw ")
    assert look.found.startswith("-")


def test_named_checks_run_alone(write: Write) -> None:
    first, second = (one("P", name, at="[24]", expects="{sign: rises}") for name in ("first", "second"))
    folder = write(first + second)

    assert ["second"] == list(run_checks(folder, ["second"]))
    with pytest.raises(NameUnknownError) as caught:
        run_checks(folder, ["frist"])
    assert "There is no check 'frist'. Did you mean: first?" == str(caught.value)


def test_a_folder_without_checks_passes_with_none(write: Write) -> None:
    folder = write("")
    (folder / "checks.yaml").unlink()

    assert "0 checks of behaviour: 0 passed, 0 failed" == str(run_checks(folder))


def test_a_loaded_folder_is_taken_as_it_is(write: Write) -> None:
    opened = load(write(one(at="[24]", expects="{sign: rises}")))

    assert run_checks(opened).ok


def test_results_are_given_as_plain_values(write: Write) -> None:
    facts = run_checks(write(one(at="[24]", expects="{sign: rises}"))).to_dict()

    assert {
        "checks": [
            {
                "name": "it",
                "type": "P",
                "sentence": "It is so.",
                "passed": True,
                "looks": [{"where": "waiting at month 24", "passed": True, "expected": "rises", "found": "+4"}],
            }
        ],
        "failed": 0,
    } == facts


def test_an_unknown_result_is_a_key_error(write: Write) -> None:
    with pytest.raises(KeyError, match="that"):
        run_checks(write(one(at="[24]", expects="{sign: rises}")))["that"]


@pytest.mark.parametrize(("expected", "code"), [("rises", 0), ("falls", 1)])
def test_the_command_line_runs_them_when_asked(write: Write, expected: str, code: int) -> None:
    folder = write(one(at="[24]", expects=f"{{sign: {expected}}}"))
    asked, unasked = (CliRunner().invoke(app, ["check", str(folder), *more]) for more in (["--behaviour"], []))

    assert (code, 0) == (asked.exit_code, unasked.exit_code)
    last = f"1 checks of behaviour: {1 - code} passed, {code} failed"
    assert [last] == [line for line in asked.output.splitlines() if "checks of behaviour" in line]
    assert "checks of behaviour" not in unasked.output


def test_the_command_line_gives_them_as_data(write: Write) -> None:
    folder = write(one(at="[24]", expects="{sign: falls}"))
    done = CliRunner().invoke(app, ["check", str(folder), "--behaviour", "--json"])

    assert 1 == done.exit_code
    assert 1 == json.loads(done.output)["behaviour"]["failed"]
