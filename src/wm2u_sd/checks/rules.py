"""Rules over several keys of a check; each yields the key at fault and what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from wm2u_sd.checks.predicates import START, Sign
from wm2u_sd.checks.spec import CheckRecord, Expectation, Kind
from wm2u_sd.errors import did_you_mean
from wm2u_sd.simulation.levers import all_levers
from wm2u_sd.simulation.scenario import Scenario


@dataclass(frozen=True)
class Draft:
    """A check as written, beside what it speaks of.

    Attributes:
        name, record, expectation: The check; `expectation` is None when it could not be read.
        records: All checks of the file.
        scenarios: Those of the model.
        times: Moments that are kept, rising.
    """

    name: str
    record: CheckRecord
    expectation: Expectation | None
    records: Mapping[str, CheckRecord]
    scenarios: Mapping[str, Scenario]
    times: Sequence[float]


Faults = Iterator[tuple[str, str]]


def one_scenario(draft: Draft) -> Faults:
    """A check runs a scenario by name, or levers of its own."""
    if bool(draft.record.scenario) == bool(draft.record.levers):
        yield "scenario", "give a scenario by name, or levers of its own"


def moments(draft: Draft) -> Faults:
    """Moments are given where they are looked at, enough of them, and kept ones."""
    if draft.expectation is None:
        return
    at_first, at = draft.record.kind is Kind.AT_FIRST, draft.record.at
    least = 0 if at_first else draft.expectation.predicate.least
    if not least and at:
        yield "at", f"it looks at {'the first change' if at_first else 'the whole run'}; leave out 'at'"
    elif len(at) < least:
        yield "at", f"{draft.expectation.predicate.name} needs {least} or more moments in 'at'; found {len(at)}"
    for moment in at:
        if moment not in draft.times:
            span = f"{draft.times[0]:g} to {draft.times[-1]:g}"
            yield "at", f"{moment:g} is no moment that is kept; they lie in {span}, as 'saveper' of the model says"


def entries(draft: Draft) -> Faults:
    """Lists for moments have one entry for each."""
    if draft.expectation is None or draft.record.kind is Kind.AT_FIRST:
        return
    for key, given in draft.expectation.arguments.items():
        many = key == draft.expectation.predicate.counted or (key == "sign" and len(given) > 1)
        if many and len(given) != len(draft.record.at):
            yield "expects", f"{key} has {len(given)} entries for {len(draft.record.at)} moments; give one for each"


def sides(draft: Draft) -> Faults:
    """A conditional check says its condition, and which check stands on the other side of it (SEM-74)."""
    record = draft.record
    if record.kind is not Kind.CONDITIONAL:
        for key in ("condition", "otherwise"):
            if getattr(record, key):
                yield key, f"only a check of type C has a condition; this one is of type {record.type}"
        return
    if not record.condition:
        yield "condition", "say in 'condition' what must be so for it to hold"
    other = draft.records.get(record.otherwise)
    if not record.otherwise:
        yield "otherwise", "say in 'otherwise' which check looks at the other side of its condition"
    elif other is None:
        yield "otherwise", f"there is no check '{record.otherwise}'.{did_you_mean(record.otherwise, draft.records)}"
    elif other is record or other.kind is not Kind.CONDITIONAL:
        yield "otherwise", f"'{record.otherwise}' is not another check of type C"


def always(draft: Draft) -> Faults:
    """What always holds needs no constants of its own."""
    if draft.record.kind is Kind.ALWAYS and draft.record.given:
        yield "given", "a check of type T holds whatever the constants; leave out 'given', or make it C"


def at_first(draft: Draft) -> Faults:
    """The first change can be told where levers move at the start and a direction is expected (SEM-73)."""
    if draft.record.kind is not Kind.AT_FIRST or draft.expectation is None:
        return
    words = draft.expectation.arguments.get("sign", [])
    if words not in ([Sign.RISES], [Sign.FALLS]):
        yield "expects", "a check of type T0 expects {sign: rises} or {sign: falls}"
    if draft.record.against == START:
        yield "against", "a check of type T0 is compared with a scenario, not with the start"
    late = [start for start in _lever_starts(draft) if start > draft.times[0]]
    if late:
        yield "scenario", f"a lever moves at {min(late):g}; a check of type T0 needs all to move at {draft.times[0]:g}"


def _lever_starts(draft: Draft) -> list[float]:
    named = [draft.scenarios[n] for n in (draft.record.scenario, draft.record.against) if n in draft.scenarios]
    starts = [lever.start for lever in draft.record.levers]
    starts += [lever.start for scenario in named for lever in all_levers(scenario)]
    return [start for start in starts if start is not None]


RULES: tuple[Callable[[Draft], Faults], ...] = (one_scenario, moments, entries, sides, always, at_first)
