"""Check scenarios against a model: levers on what is there, one verb each, times that can be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from wm2u_sd.errors import did_you_mean
from wm2u_sd.model.diagnostics import Case, Code, Finding, shortened
from wm2u_sd.model.graph import links
from wm2u_sd.model.model import is_element, new_points, whole_only
from wm2u_sd.model.value_check import shape_of
from wm2u_sd.model.variables import NO_PLACE, Constant, Lookup, Place, a_kind

MOST_NAMED = 5
VERBS = ("to", "add", "times", "series", "points")
WHENS = {
    "start": "It must be a number; leave it out to begin with the run.",
    "end": "It must be a number; leave it out to go on until the run ends.",
    "ramp": "It is 0 for a step, or a number above.",
}
SURELY_NO_SHARE = 1.5  # above this a share was meant as a percentage; just above 1 it may be a slip


def listed(scenarios: Any) -> list[Any]:
    """Return scenarios as a list, given as one, as several, or by name as a folder has them."""
    if isinstance(scenarios, Mapping):
        return list(scenarios.values())
    single = isinstance(scenarios, str | bytes) or not isinstance(scenarios, Iterable)
    return [scenarios] if single else list(scenarios)


def scenario_findings(case: Case, scenarios: Any) -> Iterator[Finding]:
    """Yield what is wrong with scenarios, each at its lever.

    Args:
        case: The model.
        scenarios: `simulation.Scenario` records: one, several, or by name.
    """
    for scenario in listed(scenarios):
        faults = list(form_faults(scenario))
        if faults:
            found = (case.error(Code.SCENARIOS, message, hint=hint) for message, hint in faults)
            yield from _placed(case, found, scenario)
            continue
        for target, value in scenario.set.items():
            yield from _placed(case, _lever(case, scenario.name, target, {"set": value}), scenario)
        for lever in scenario.levers:
            verbs = {verb: getattr(lever, verb) for verb in VERBS if getattr(lever, verb) is not None}
            yield from _placed(case, _lever(case, scenario.name, lever.target, verbs), lever)
            yield from _placed(case, _times(case, scenario.name, lever), lever)


def _placed(case: Case, findings: Iterator[Finding], where: Any) -> Iterator[Finding]:
    place = getattr(where, "place", NO_PLACE)
    return (case.at(finding, place if isinstance(place, Place) else NO_PLACE) for finding in findings)


def form_faults(scenario: Any) -> Iterator[tuple[str, str]]:
    """Yield why something is no scenario that can be looked at, and what to give instead."""
    if not _has(scenario, "name", "set", "levers"):
        example = "Scenario('as_now'), or one of a folder, such as folder.scenarios['as_now']"
        yield f"among the scenarios is {shortened(scenario)}", f"Give a {example}."
        return
    where = f"scenario {shortened(scenario.name)}"
    if not isinstance(scenario.name, str):
        yield f"{where}: that is no name", "Give text."
    if not isinstance(scenario.set, Mapping):
        yield f"{where}: 'set' is {shortened(scenario.set)}", "Give values by name, e.g. {'places': 9}."
    if not isinstance(scenario.levers, list | tuple):
        yield f"{where}: 'levers' is {shortened(scenario.levers)}", "Give a list, e.g. [Lever('places', to=9)]."
        return
    for lever in scenario.levers:
        if not _has(lever, "target", *VERBS, *WHENS):
            yield f"{where}: among the levers is {shortened(lever)}", "Give a Lever, e.g. Lever('places', to=9)."
        elif not isinstance(lever.target, str):
            yield f"{where}: a lever has the target {shortened(lever.target)}", "Give the name of a constant or lookup."


def _has(record: Any, *names: str) -> bool:
    return all(hasattr(record, name) for name in names)


def _lever(case: Case, scenario: str, target: str, verbs: Mapping[str, Any]) -> Iterator[Finding]:
    where = f"scenario '{scenario}'"
    if len(verbs) != 1:
        said = " and ".join(verbs) or "none"
        message = f"{where}: '{target}' is given {said}"
        yield case.error(Code.SCENARIOS, message, hint=f"Give exactly one of {', '.join(VERBS)}.")
        return
    ((verb, value),) = verbs.items()
    record = case.model.variables.get(target)
    wanted, what = (Lookup, "lookup") if verb == "points" else (Constant, "constant")
    if isinstance(record, wanted):
        yield from _value(case, where, target, verb, value)
        yield from _share(case, where, record, verb, value)
    elif record is not None:
        message = f"{where}: '{target}' is {a_kind(record)}, and '{verb}' changes a {what}"
        yield case.error(Code.SCENARIOS, message, hint=_instead(case, target) if wanted is Constant else "")
    elif target not in case.broken:
        known = [name for name, one in case.model.variables.items() if isinstance(one, wanted)]
        message = f"{where}: there is no {what} '{target}' in {case.model.name}"
        near = whole_only(target) if is_element(target, known) else did_you_mean(str(target), known).strip()
        yield case.error(Code.SCENARIOS, message, hint=near)


def _instead(case: Case, name: str) -> str:
    """Say which constants a value that is worked out depends on, or how a curve is changed."""
    if isinstance(case.model.variables[name], Lookup):
        return new_points(name)
    acting, found, waiting = links(case.model, case.trees), dict.fromkeys([name]), [name]
    while waiting:
        more = [one for one in sorted(acting.get(waiting.pop(0), ())) if one not in found]
        found.update(dict.fromkeys(more))
        waiting += more
    constants = [one for one in found if isinstance(case.model.variables.get(one), Constant)]
    return f"Change a constant it depends on: {', '.join(constants[:MOST_NAMED])}." if constants else ""


def _value(case: Case, where: str, target: str, verb: str, value: Any) -> Iterator[Finding]:
    """Yield a value that is no number, or a series or curve whose points do not rise."""
    shape, numbers = shape_of(value)
    pairs = verb in ("series", "points")
    if numbers is None or len(shape) != (2 if pairs else 0) or (pairs and shape[1] != 2):
        expected = "pairs of numbers" if pairs else "a number"
        said = f"'{target}' is set to" if verb == "set" else f"{verb} of '{target}' is"
        yield case.error(Code.SCENARIOS, f"{where}: {said} {shortened(value)}", hint=f"It must be {expected}.")
    elif pairs and any(after <= before for before, after in zip(numbers[::2], numbers[2::2], strict=False)):
        yield case.error(Code.SCENARIOS, f"{where}: the points of '{target}' do not rise", hint="Sort them.")
    elif verb == "points" and shape[0] < 2:
        yield case.error(Code.SCENARIOS, f"{where}: '{target}' has one point", hint="A curve needs two or more.")


def _share(case: Case, where: str, record: Any, verb: str, value: Any) -> Iterator[Finding]:
    prior = getattr(record, "prior", None)
    is_share = record.units == "dmnl" and prior is not None and prior.low >= 0 and prior.high <= 1
    if verb in ("to", "set") and is_share and isinstance(value, int | float) and value > SURELY_NO_SHARE:
        message = f"{where}: {record.name} is a share from 0 to 1 [dmnl]; got {value:g}"
        yield case.error(
            Code.SCENARIOS, message, hint=f'If you meant {value:g}%, write {value / 100:g} or "{value:g}%".'
        )


def _times(case: Case, scenario: str, lever: Any) -> Iterator[Finding]:
    where = f"scenario '{scenario}'"
    if lever.points is not None:
        yield from _timeless(case, where, lever)
        return
    numbers = {when: _number(getattr(lever, when)) for when in WHENS}
    for when, hint in WHENS.items():
        value = getattr(lever, when)
        if numbers[when] is None and (value is not None or when == "ramp"):
            yield case.error(Code.SCENARIOS, f"{where}: {when} of '{lever.target}' is {shortened(value)}", hint=hint)
    yield from _order(case, f"{where}: '{lever.target}'", **numbers)


def _number(value: Any) -> float | None:
    shape, numbers = shape_of(value)
    return numbers[0] if numbers and not shape else None


def _timeless(case: Case, where: str, lever: Any) -> Iterator[Finding]:
    """Yield times of a lever that gives new points, which hold for the whole run (SEM-50)."""
    said = [f"{when}={shortened(getattr(lever, when))}" for when in WHENS if getattr(lever, when) not in (None, 0)]
    if said:
        message = f"{where}: '{lever.target}' is given points, which hold for the whole run, and {', '.join(said)}"
        hint = f"Leave out {' and '.join(one.partition('=')[0] for one in said)}, or move a constant instead."
        yield case.error(Code.SCENARIOS, message, hint=hint)


def _order(case: Case, where: str, start: float | None, end: float | None, ramp: float | None) -> Iterator[Finding]:
    time = case.model.time
    if start is not None and end is not None and end <= start:
        yield case.error(Code.SCENARIOS, f"{where} ends at {end:g}, not after it starts at {start:g}")
    elif start is not None and start >= time.end:
        message = f"{where} starts at {start:g} {time.units}, and the run ends at {time.end:g}"
        yield case.warning(Code.SCENARIOS, message, hint="It changes nothing.")
    if ramp is not None and ramp < 0:
        yield case.error(Code.SCENARIOS, f"{where} has a ramp of {ramp:g}", hint=WHENS["ramp"])
