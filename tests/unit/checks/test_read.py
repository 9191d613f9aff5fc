"""checks.yaml is read strictly: every fault in one message, with its line and what to do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from wm2u_sd.checks.predicates import PREDICATES
from wm2u_sd.checks.read import read_checks
from wm2u_sd.checks.spec import Kind
from wm2u_sd.errors import FileError
from wm2u_sd.io.text import load

Write = Callable[[str], Path]

SOUND = """\
it_rises:
  type: P
  sentence: More people asking means more waiting.
  scenario: more
  outcome: waiting
  at: [12, 24]
  expects: {sign: rises}
"""


FIRST = SOUND.replace("type: P", "type: T0").replace("  at: [12, 24]\n", "")


def fault(folder: Path) -> str:
    """Return what reading the checks of a folder is refused with, the folder left out."""
    with pytest.raises(FileError) as caught:
        read_checks(load(folder))
    return str(caught.value).replace(f"{folder}/", "")


def test_a_check_is_read_with_its_scenario_and_defaults(write: Write) -> None:
    (check,) = read_checks(load(write(SOUND)))

    assert ("it_rises", Kind.SEEN, "more", "as_now") == (check.name, check.kind, check.scenario.name, check.against)
    assert (["waiting"], [12.0, 24.0], {}) == (check.outcomes, check.at, check.given)
    assert PREDICATES["sign"] is check.expectation.predicate


def test_levers_of_its_own_make_a_scenario(write: Write) -> None:
    text = SOUND.replace("scenario: more", "levers: [{target: asking_rate, to: 11, start: 0}]")
    (check,) = read_checks(load(write(text)))

    assert ("levers of it_rises", 11.0) == (check.scenario.name, check.scenario.levers[0].to)


def test_a_folder_without_the_file_has_no_checks(write: Write) -> None:
    folder = write(SOUND)
    (folder / "checks.yaml").unlink()

    assert [] == read_checks(load(folder))


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("scenario: more", "scenario: mroe", 4, "there is no scenario 'mroe' in clinic. Did you mean: more?"),
        ("scenario: more", "scenario: more\n  levers: [{target: asking_rate, to: 1}]", 4,
         "give a scenario by name, or levers of its own"),
        ("outcome: waiting", "outcome: wating", 5,
         "there is no outcome 'wating' in clinic. Did you mean: waiting, starting, asking?"),
        ("outcome: waiting", "outcome: wait", 5, "there is no outcome 'wait' in clinic. Did you mean: waiting?"),
        ("outcome: waiting", "outcome: split", 5,
         "'split' has dimensions; a check looks at one number, so sum it in an auxiliary"),
        ("outcome: waiting", "outcome: waiting\n  against: moer", 6,
         "there is no scenario 'moer' in clinic. Did you mean: more?"),
        ("outcome: waiting", "outcome: waiting\n  given: {stai: 3}", 6,
         "there is no constant 'stai' in clinic. Did you mean: stay, wait?"),
        ("outcome: waiting", "outcome: waiting\n  given: {in_all: 3}", 6, "there is no constant 'in_all' in clinic."),
        ("outcome: waiting", "outcome: waiting\n  given: {share: 3}", 6,
         "'share' has dimensions; only a single number can be given"),
        ("at: [12, 24]", "at: [12.5]", 6,
         "12.5 is no moment that is kept; they lie in 0 to 24, as 'saveper' of the model says"),
        ("  at: [12, 24]\n", "", 1, "sign needs 1 or more moments in 'at'; found 0"),
        ("at: [12, 24]\n  expects: {sign: rises}", "at: [12]\n  expects: {trend: grows}", 6,
         "trend needs 2 or more moments in 'at'; found 1"),
        ("{sign: rises}", "{sign: [rises, falls, still]}", 7,
         "sign has 3 entries for 2 moments; give one for each"),
        ("{sign: rises}", "{difference: [1], within: 1}", 7,
         "difference has 1 entries for 2 moments; give one for each"),
        ("{sign: rises}", "{first_above_zero: 3}", 6, "it looks at the whole run; leave out 'at'"),
        ("{sign: rises}", "{signs: rises}", 7,
         "nothing is expected that is known here. Did you mean: sign? Known: difference, at_most, sign, "
         "first_above_zero, trend, sum_of, smallest_of"),
        ("{sign: rises}", "{sign: rises, trend: grows}", 7, "expects sign and trend; one check expects one thing"),
        ("{sign: rises}", "{sum_of: [more, les], gain: more}", 7,
         "there is no scenario 'les' in clinic. Did you mean: later?"),
        ("{sign: rises}", "{smallest_of: [waiting, helpt]}", 7,
         "there is no outcome 'helpt' in clinic. Did you mean: helped?"),
        ("type: P", "type: T\n  given: {asking_rate: 9}", 3,
         "a check of type T holds whatever the constants; leave out 'given', or make it C"),
        ("type: P", "type: P\n  condition: It is so.", 3,
         "only a check of type C has a condition; this one is of type P"),
        ("type: P", "type: C\n  condition: It is so.", 1,
         "say in 'otherwise' which check looks at the other side of its condition"),
        ("type: P", "type: C\n  condition: It is so.\n  otherwise: it_falls", 4,
         "there is no check 'it_falls'. Did you mean: it_rises?"),
        ("type: P", "type: C\n  condition: It is so.\n  otherwise: it_rises", 4,
         "'it_rises' is not another check of type C"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_with_its_line(write: Write, before: str, after: str, line: int, said: str) -> None:
    text = SOUND.replace(before, after)

    assert f"checks.yaml:{line}: it_rises: {said}\n    {text.splitlines()[line - 1]}" == fault(write(text))


@pytest.mark.parametrize(
    ("before", "after", "line", "said"),
    [
        ("  expects", "  at: [1]\n  expects", 6, "it looks at the first change; leave out 'at'"),
        ("rises}", "still}", 6, "a check of type T0 expects {sign: rises} or {sign: falls}"),
        ("{sign: rises}", "{trend: grows}", 6, "a check of type T0 expects {sign: rises} or {sign: falls}"),
        ("  expects", "  against: start\n  expects", 6,
         "a check of type T0 is compared with a scenario, not with the start"),
        ("scenario: more", "scenario: later", 4, "a lever moves at 6; a check of type T0 needs all to move at 0"),
        ("scenario: more", "levers: [{target: stay, to: 2, start: 3}]", 1,
         "a lever moves at 3; a check of type T0 needs all to move at 0"),
    ],
)  # fmt: skip
def test_a_first_change_is_asked_for_at_the_start_only(
    write: Write, before: str, after: str, line: int, said: str
) -> None:
    text = FIRST.replace(before, after)

    assert f"checks.yaml:{line}: it_rises: {said}\n    {text.splitlines()[line - 1]}" == fault(write(text))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("type: P", "kind: P", "checks.yaml:1: it_rises does not say 'type'\n    it_rises:\n"
         "checks.yaml:2: 'kind' is not known here. Known: type, sentence, scenario, levers, against, "
         "given, outcome, at, expects, condition, otherwise\n      kind: P"),
        ("type: P", "type: Q",
         "checks.yaml:2: it_rises.type: expected one of T, T0, C, P; found \"Q\".\n      type: Q"),
        ("{sign: rises}", "{sign: up}", "checks.yaml:7: expects.sign: expected rises, falls, still, or one of them for "
         'each moment; found "up"\n      expects: {sign: up}'),
        ("{sign: rises}", "{difference: [1, 2]}", "checks.yaml:7: expects does not say 'within'\n"
         "      expects: {difference: [1, 2]}"),
        ("{sign: rises}", "{difference: [1, 2], within: 0}",
         "checks.yaml:7: expects.within: expected a number above 0; "
         "found 0\n      expects: {difference: [1, 2], within: 0}"),
        ("{sign: rises}", "{trend: grows, withing: 2}", "checks.yaml:7: 'withing' is not known here. Known: trend\n"
         "      expects: {trend: grows, withing: 2}"),
    ],
)  # fmt: skip
def test_what_is_no_check_is_said_with_its_line(write: Write, before: str, after: str, said: str) -> None:
    assert said == fault(write(SOUND.replace(before, after)))


def test_a_conditional_check_says_its_condition(write: Write) -> None:
    text = SOUND.replace("type: P", "type: C\n  otherwise: it_falls\n  condition: It is so.")
    other = text.replace("it_rises", "it_?").replace("it_falls", "it_rises").replace("it_?", "it_falls")
    assert 2 == len(read_checks(load(write(text + other))))

    silent = other.replace("  condition: It is so.\n", "")
    assert "checks.yaml:10: it_falls: say in 'condition' what must be so for it to hold\n    it_falls:" == fault(
        write(text + silent)
    )


def test_all_faults_are_said_at_once_in_the_order_of_the_lines(write: Write) -> None:
    text = SOUND.replace("scenario: more", "scenario: moar").replace("outcome: waiting", "outcome: [waiting, helpd]")
    lines = [line for line in fault(write(text)).splitlines() if line.startswith("checks.yaml")]

    assert ["checks.yaml:4", "checks.yaml:5"] == [":".join(line.split(":")[:2]) for line in lines]
