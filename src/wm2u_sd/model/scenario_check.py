"""Check scenarios against a model: levers on what is there, one verb each, times that can be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from wm2u_sd.errors import did_you_mean
from wm2u_sd.model.diagnostics import Case, Code, Finding
from wm2u_sd.model.graph import links
from wm2u_sd.model.value_check import shape_of
from wm2u_sd.model.variables import NO_PLACE, Constant, Lookup, Place, a_kind

MOST_NAMED = 5
VERBS = ("to", "add", "times", "series", "points")
SURELY_NO_SHARE = 1.5  # above this a share was meant as a percentage; just above 1 it may be a slip


def scenario_findings(case: Case, scenarios: Sequence[Any]) -> Iterator[Finding]:
    """Yield what is wrong with scenarios, each at its lever.

    Args:
        case: The model.
        scenarios: `simulate.Scenario` records.
    """
    for scenario in scenarios:
        for target, value in scenario.set.items():
            yield from _placed(case, _lever(case, scenario.name, target, {"to": value}), scenario)
        for lever in scenario.levers:
            verbs = {verb: getattr(lever, verb) for verb in VERBS if getattr(lever, verb) is not None}
            yield from _placed(case, _lever(case, scenario.name, lever.target, verbs), lever)
            yield from _placed(case, _times(case, scenario.name, lever), lever)


def _placed(case: Case, findings: Iterator[Finding], where: Any) -> Iterator[Finding]:
    place = where.place if isinstance(where.place, Place) else NO_PLACE
    return (case.at(finding, place) for finding in findings)


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
        yield case.error(Code.SCENARIOS, message, hint=did_you_mean(str(target), known).strip())


def _instead(case: Case, name: str) -> str:
    """Say which constants a value that is worked out depends on."""
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
        yield case.error(Code.SCENARIOS, f"{where}: {verb} of '{target}' is {value!r}", hint=f"It must be {expected}.")
    elif pairs and any(after <= before for before, after in zip(numbers[::2], numbers[2::2], strict=False)):
        yield case.error(Code.SCENARIOS, f"{where}: the points of '{target}' do not rise", hint="Sort them.")
    elif verb == "points" and shape[0] < 2:
        yield case.error(Code.SCENARIOS, f"{where}: '{target}' has one point", hint="A curve needs two or more.")


def _share(case: Case, where: str, record: Any, verb: str, value: Any) -> Iterator[Finding]:
    prior = getattr(record, "prior", None)
    is_share = record.units == "dmnl" and prior is not None and prior.low >= 0 and prior.high <= 1
    if verb == "to" and is_share and isinstance(value, int | float) and value > SURELY_NO_SHARE:
        message = f"{where}: {record.name} is a share from 0 to 1 [dmnl]; got {value:g}"
        yield case.error(
            Code.SCENARIOS, message, hint=f'If you meant {value:g}%, write {value / 100:g} or "{value:g}%".'
        )


def _times(case: Case, scenario: str, lever: Any) -> Iterator[Finding]:
    time, where = case.model.time, f"scenario '{scenario}': '{lever.target}'"
    if lever.start is not None and lever.end is not None and lever.end <= lever.start:
        message = f"{where} ends at {lever.end:g}, not after it starts at {lever.start:g}"
        yield case.error(Code.SCENARIOS, message)
    elif lever.start is not None and lever.start >= time.end:
        message = f"{where} starts at {lever.start:g} {time.units}, and the run ends at {time.end:g}"
        yield case.warning(Code.SCENARIOS, message, hint="It changes nothing.")
    if lever.ramp < 0:
        yield case.error(Code.SCENARIOS, f"{where} has a ramp of {lever.ramp:g}", hint="It is 0 for a step, or above.")
