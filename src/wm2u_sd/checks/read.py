"""Read checks.yaml: every name in it known, every fault with its line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from wm2u_sd.checks.predicates import PREDICATES, START, Refers
from wm2u_sd.checks.rules import RULES, Draft
from wm2u_sd.checks.spec import AS_NOW, Check, CheckRecord, Expectation
from wm2u_sd.errors import FileError, did_you_mean
from wm2u_sd.io.faults import validated
from wm2u_sd.io.paths import read_utf8
from wm2u_sd.io.strict_yaml import LARGEST_FILE, Node, read_text
from wm2u_sd.io.text import ModelFolder
from wm2u_sd.model.model import names
from wm2u_sd.model.variables import Constant, Lookup
from wm2u_sd.simulation.run import CUMULATIVE
from wm2u_sd.simulation.scenario import Lever, Scenario

FILE = "checks.yaml"


def read_checks(folder: ModelFolder) -> list[Check]:
    """Read the checks of a model folder: its own checks.yaml, not that of a structure it is laid over.

    Args:
        folder: As loaded; checks name its scenarios, constants and outcomes.

    Returns:
        The checks in the order of the file; none without a file.

    Raises:
        FileError: The file cannot be read, or names what is not there; every fault with its line.
    """
    path = folder.path / FILE
    if not path.exists():
        return []
    text = read_utf8(path, LARGEST_FILE)
    node = read_text(text, str(path))
    records: dict[str, CheckRecord] = validated(dict[str, CheckRecord], node, str(path), text)
    return _Reading(folder, records, node, str(path), text).checks()


def all_scenarios(folder: ModelFolder) -> dict[str, Scenario]:
    """Return the scenarios of a folder and 'as_now', nothing changed, whether it is written down or not."""
    return {AS_NOW: Scenario(AS_NOW), **folder.scenarios}


@dataclass
class _Reading:
    """The records of a file beside the model they speak of; collects what does not fit."""

    folder: ModelFolder
    records: Mapping[str, CheckRecord]
    node: Node
    file: str
    text: str
    faults: list[tuple[int, str]] = field(default_factory=list)

    def checks(self) -> list[Check]:
        scenarios, times = all_scenarios(self.folder), self.folder.model.time.saved_times()
        drafts = [
            Draft(name, record, self.expectation(name, record), self.records, scenarios, times)
            for name, record in self.records.items()
        ]
        for draft in drafts:
            self.look_up(draft)
            for rule in RULES:
                for key, said in rule(draft):
                    self.say(said, draft.name, key)
        if self.faults:
            raise FileError("\n".join(said for _, said in sorted(set(self.faults))))
        return [_check(draft, draft.expectation) for draft in drafts if draft.expectation is not None]

    # Saying so --------------------------------------------------------------------------------------------------------

    def say(self, said: str, *steps: str) -> None:
        """Add a fault at the value these keys lead to, or as near to it as there is something."""
        node = self.node
        for step in steps:
            if isinstance(node.value, dict) and step in node.value:
                node = node.value[step]
        line = node.key_line or node.line
        shown = self.text.splitlines()[line - 1]
        self.faults.append((line, f"{self.file}:{line}: {steps[0]}: {said}\n    {shown}"))

    def unknown(self, what: str, name: str, known: Sequence[str], *steps: str) -> None:
        self.say(f"there is no {what} '{name}' in {self.folder.model.name}.{did_you_mean(name, known)}", *steps)

    # Names ------------------------------------------------------------------------------------------------------------

    def look_up(self, draft: Draft) -> None:
        """Refuse names that nothing has."""
        record, name = draft.record, draft.name
        named = [(key, value) for key in ("scenario", "against") if (value := getattr(record, key)) not in ("", START)]
        outcomes = [("outcome", outcome) for outcome in record.outcomes]
        if draft.expectation is not None:
            named += [("expects", other) for other in draft.expectation.names(Refers.SCENARIO)]
            outcomes += [("expects", other) for other in draft.expectation.names(Refers.OUTCOME)]
        for key, scenario in named:
            if scenario not in draft.scenarios:
                self.unknown("scenario", scenario, list(draft.scenarios), name, key)
        for key, outcome in outcomes:
            self.outcome(outcome, name, key)
        for constant in record.given:
            self.constant(constant, name, "given", constant)
        for lever in record.levers:
            self.target(lever.target, name, "levers")

    def outcome(self, outcome: str, *steps: str) -> None:
        model = self.folder.model
        computed = names([*model.stocks(), *model.flows(), *model.auxiliaries()])
        known = [*computed, *(CUMULATIVE + flow.name for flow in model.flows())]
        if outcome not in known:
            self.unknown("outcome", outcome, known, *steps)
        elif getattr(model.get(outcome.removeprefix(CUMULATIVE)), "over", ()):
            self.say(f"'{outcome}' has dimensions; a check looks at one number, so sum it in an auxiliary", *steps)

    def constant(self, constant: str, *steps: str) -> None:
        record = self.folder.model.variables.get(constant)
        if not isinstance(record, Constant):
            self.unknown("constant", constant, [c.name for c in self.folder.model.constants()], *steps)
        elif record.over:
            self.say(f"'{constant}' has dimensions; only a single number can be given", *steps)

    def target(self, target: str, *steps: str) -> None:
        known = [name for name, v in self.folder.model.variables.items() if isinstance(v, Constant | Lookup)]
        if target not in known:
            self.unknown("constant", target, known, *steps)

    # What is expected -------------------------------------------------------------------------------------------------

    def expectation(self, name: str, record: CheckRecord) -> Expectation | None:
        chosen = [key for key in record.expects if key in PREDICATES]
        if len(chosen) != 1:
            self.say(_no_predicate(record, chosen), name, "expects")
            return None
        predicate, node = PREDICATES[chosen[0]], self.node.value[name].value["expects"]
        whole = Node({"expects": node}, node.line, node.column)
        try:
            found: Any = validated(predicate.record, whole, self.file, self.text)
        except FileError as error:
            self.faults.append((node.key_line, str(error)))
            return None
        return Expectation(predicate, {key: getattr(found.expects, key) for key in predicate.arguments})


def _no_predicate(record: CheckRecord, chosen: list[str]) -> str:
    if chosen:
        return f"expects {' and '.join(chosen)}; one check expects one thing"
    near = did_you_mean(next(iter(record.expects), ""), PREDICATES)
    return f"nothing is expected that is known here.{near} Known: {', '.join(PREDICATES)}"


def _check(draft: Draft, expectation: Expectation) -> Check:
    record = draft.record
    return Check(
        name=draft.name,
        kind=record.kind,
        sentence=record.sentence,
        scenario=draft.scenarios[record.scenario] if record.scenario else _own_scenario(draft),
        against=record.against,
        given=record.given,
        outcomes=record.outcomes,
        at=record.at,
        expectation=expectation,
        condition=record.condition,
        otherwise=record.otherwise,
    )


def _own_scenario(draft: Draft) -> Scenario:
    """Return the scenario that levers of a check's own make."""
    levers = tuple(Lever(**lever.model_dump()) for lever in draft.record.levers)
    return Scenario(f"levers of {draft.name}", levers=levers)
