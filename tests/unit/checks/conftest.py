"""A clinic small enough to be solved by hand: people wait 2 months, are helped for 4, and are then told of for 5."""

from collections.abc import Callable
from pathlib import Path

import pytest

MODEL = """\
name: clinic
time: {start: 0, end: 24, step: 1/4, saveper: 1, units: month, method: rk4}
dimensions:
  where: {elements: [north, south]}
variables:
  waiting: {kind: stock, units: person, initial: 20, inflows: [asking], outflows: [starting]}
  helped: {kind: stock, units: person, initial: 40, inflows: [starting], outflows: [ending]}
  known: {kind: stock, units: person, initial: 50, inflows: [telling], outflows: [forgetting]}
  asking: {kind: flow, units: person/month, equation: asking_rate, outside: homes}
  starting: {kind: flow, units: person/month, equation: waiting / wait}
  ending: {kind: flow, units: person/month, equation: helped / stay, outside: homes}
  telling: {kind: flow, units: person/month, equation: ending, outside: talk}
  forgetting: {kind: flow, units: person/month, equation: known / memory, outside: talk}
  in_all: {kind: auxiliary, units: person, equation: waiting + helped}
  split: {kind: auxiliary, units: person, over: [where], equation: waiting * share}
  asking_rate: {kind: constant, value: 10, units: person/month, prior: {distribution: uniform, low: 5, high: 15}}
  wait: {kind: constant, value: 1, units: month}
  stay: {kind: constant, value: 1, units: month}
  memory: {kind: constant, value: 1, units: month}
  share: {kind: constant, value: [0.5, 0.5], units: dmnl, over: [where]}
balance: {solve: [wait, stay, memory], steady: [waiting, helped, known]}
"""

SCENARIOS = """\
more: {levers: [{target: asking_rate, to: 12, start: 0}]}
fewer: {levers: [{target: asking_rate, add: -1, start: 0, ramp: 3}]}
later: {levers: [{target: asking_rate, to: 12, start: 6}]}
nothing: {levers: [{target: asking_rate, times: 1}]}
"""

Write = Callable[[str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Return a function that writes the clinic with these checks, and gives its folder."""

    def folder(checks: str) -> Path:
        for name, text in (("model", MODEL), ("scenarios", SCENARIOS), ("checks", checks)):
            (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
        return tmp_path

    return folder
