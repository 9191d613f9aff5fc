"""Run the checks of a model folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from wm2u_sd.checks.first_change import as_steps, first_change, stretches
from wm2u_sd.checks.predicates import Seen, Sign, Verdict
from wm2u_sd.checks.read import all_scenarios, read_checks
from wm2u_sd.checks.results import CheckResult, CheckResults, Look
from wm2u_sd.checks.runs import Given, Paths, Wanted, given_of, paths, run_each
from wm2u_sd.checks.spec import Check, Kind
from wm2u_sd.errors import NameUnknownError, SimulationError, did_you_mean
from wm2u_sd.io.text import ModelFolder, load
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.ensemble import draw
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import simulate

DERIVATIVES = {1: "first", 2: "second", 3: "third", 4: "fourth"}


def run_checks(
    folder: str | Path | ModelFolder,
    names: Sequence[str] = (),
    *,
    draws: int = 0,
    seed: str | int = "wm2u",
) -> CheckResults:
    """Run the checks of checks.yaml.

    Args:
        folder: A model folder, or one already loaded.
        names: Which checks; none named runs all.
        draws: Checks of type T are also run with this many draws from the priors, and have to hold in each.
        seed: For these draws.

    Returns:
        One result for each check, in the order of the file.

    Raises:
        FileError: A file cannot be read, or a check names what is not there.
        NameUnknownError: A name of `names` is no check.
        CheckFailed: The model has errors.
    """
    opened = folder if isinstance(folder, ModelFolder) else load(folder)
    checks = _chosen(read_checks(opened), names)
    known = all_scenarios(opened)
    usual = [check for check in checks if check.kind is not Kind.AT_FIRST]
    first = [check for check in checks if check.kind is Kind.AT_FIRST]
    looks = {check.name: _looks(opened.model, check, found) for check, found in _run(opened.model, usual, known)}
    looks |= _first_looks(opened.model, first, known)
    always = [check for check in checks if check.kind is Kind.ALWAYS]
    if draws and always:
        for name, more in _drawn_looks(opened.model, always, known, draws, seed).items():
            looks[name] += more
    return CheckResults(tuple(CheckResult(check, tuple(looks[check.name])) for check in checks))


def _chosen(checks: list[Check], names: Sequence[str]) -> list[Check]:
    known = [check.name for check in checks]
    for name in names:
        if name not in known:
            raise NameUnknownError(f"There is no check '{name}'.{did_you_mean(name, known)}")
    return [check for check in checks if not names or check.name in names]


def _run(model: Model, checks: Sequence[Check], known: Mapping[str, Scenario]) -> list[tuple[Check, Paths]]:
    """Return each check with the paths of its constants."""
    groups: dict[Given, list[Check]] = {}
    for check in checks:
        groups.setdefault(given_of(check), []).append(check)
    if not groups:
        return []
    found = run_each(model, {given: Wanted.by(members, known) for given, members in groups.items()})
    return [(check, found[given_of(check)]) for check in checks]


def _looks(model: Model, check: Check, found: Paths) -> list[Look]:
    """Judge every outcome of a check."""
    if found.stopped:
        return [Look(", ".join(check.outcomes), False, "a run", found.stopped)]
    return [
        Look(f"{outcome}{_moments(model, check)}", verdict.passed, verdict.expected, verdict.found)
        for outcome in check.outcomes
        for verdict in [_verdict(check, outcome, found)]
    ]


def _verdict(check: Check, outcome: str, found: Paths) -> Verdict:
    moments = [int(np.flatnonzero(found.times == time)[0]) for time in check.at]
    seen = Seen(check.scenario.name, check.against, outcome, found.values, found.times, moments)
    verdict: Verdict = check.expectation.predicate.judge(seen, *check.expectation.arguments.values())
    return verdict


def _moments(model: Model, check: Check) -> str:
    """Word the moments of a check: ' at month 120', ' at months 12, 36', or nothing for the whole run."""
    if not check.at:
        return ""
    unit = model.time.units + "s" * (len(check.at) > 1)
    return f" at {unit} {', '.join(f'{time:g}' for time in check.at)}"


# The first change -----------------------------------------------------------------------------------------------------


def _first_looks(model: Model, checks: Sequence[Check], known: Mapping[str, Scenario]) -> dict[str, list[Look]]:
    """Judge the first change of every outcome, levers in force at once."""
    if not checks:
        return {}
    stepped = [replace(check, scenario=as_steps(check.scenario)) for check in checks]
    steps = {name: as_steps(scenario) for name, scenario in known.items()}
    stretched = [_run(short, stepped, steps) for short in stretches(model)]
    return {
        check.name: _first_look(model, check, [found for _, found in some])
        for check, *some in zip(checks, *stretched, strict=True)
    }


def _first_look(model: Model, check: Check, stretched: Sequence[Paths]) -> list[Look]:
    stopped = [found.stopped for found in stretched if found.stopped]
    if stopped:
        return [Look(", ".join(check.outcomes), False, "a run", stopped[0])]
    expected = check.expectation.arguments["sign"][0]
    return [
        Look(f"{outcome} at first", way == expected, str(expected), said)
        for outcome in check.outcomes
        for way, said in [_first_way(model, check, outcome, stretched)]
    ]


def _first_way(model: Model, check: Check, outcome: str, stretched: Sequence[Paths]) -> tuple[Sign, str]:
    """Return which way an outcome goes at first, and by how much in words; the shortest stretch that tells decides."""
    seen = [Seen(check.scenario.name, check.against, outcome, found.values, found.times) for found in stretched]
    changes = [first_change(some.times, some.effect(), some.size) for some in seen]
    change = next(filter(None, changes), None)
    if change is None:
        return Sign.STILL, "no change that can be told from rounding"
    way = Sign.RISES if change.value > 0 else Sign.FALLS
    if change.order == 0:
        return way, f"{way}: a jump of {change.value:+.3g}"
    return (
        way,
        f"{way}: {DERIVATIVES[change.order]} derivative {change.value:+.3g}, per {model.time.units}^{change.order}",
    )


# Draws ----------------------------------------------------------------------------------------------------------------


def _drawn_looks(
    model: Model, checks: Sequence[Check], known: Mapping[str, Scenario], draws: int, seed: str | int
) -> dict[str, list[Look]]:
    """Judge checks that always hold in draws from the priors."""
    wanted = Wanted.by(checks, known)
    try:
        run = simulate(model, list(wanted.scenarios.values()), draws=draw(model, draws, seed), save=wanted.outcomes)
    except SimulationError as error:
        return {check.name: [Look(f"in {draws} draws", False, "a run", str(error))] for check in checks}
    each = paths(run)
    return {check.name: [_worst(check, outcome, each, draws) for outcome in check.outcomes] for check in checks}


def _worst(check: Check, outcome: str, each: Mapping[int, Paths], draws: int) -> Look:
    """Return one look at an outcome in all draws: the first that fails, or how many held."""
    verdicts = [(number, _verdict(check, outcome, found)) for number, found in each.items()]
    failed = [(number, verdict) for number, verdict in verdicts if not verdict.passed]
    if failed:
        number, verdict = failed[0]
        return Look(f"{outcome} in draw {number}", False, verdict.expected, verdict.found)
    stopped = f"; {draws - len(each)} could not be run" if len(each) < draws else ""
    return Look(f"{outcome} in draws", True, "the same in each", f"it in {len(each)}{stopped}")
