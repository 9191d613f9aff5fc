"""A small model folder, and folders made of it by changing one file."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

WriteFolder = Callable[..., Path]

QUEUE = {
    "model.yaml": """\
name: queue
title: A waiting list
time: {start: 0, end: 24, step: 1/8, saveper: 1, units: month, method: rk4, origin: "2025-03-31"}
variables:
  waiting:
    kind: stock
    units: family
    initial: waiting_at_start
    inflows: [asking]
    outflows: [leaving]
    non_negative: true
    doc: Families who have asked and wait.
  asking: {kind: flow, units: family/month, equation: asked_per_month, outside: the town, doc: New requests.}
  leaving: {kind: flow, units: family/month, equation: waiting / patience, outside: gone, doc: Stop waiting.}
""",
    "parameters.yaml": """\
waiting_at_start: {value: 150, units: family, grade: A, source: Counted, doc: Waiting on the first day.}
asked_per_month: {value: 30, units: family/month, grade: B, source: A report, lever: true, doc: Requests.}
patience:
  value: 6
  units: month
  prior: {distribution: triangular, low: 3, central: 6, high: 12}
  grade: D
  source: The group, at its second meeting
  doc: Mean time a family waits before it gives up.
""",
    "scenarios.yaml": """\
as_now: {label: Do nothing different}
fewer:
  levers:
    - {target: asked_per_month, times: 80%, start: 3, ramp: 2}
""",
    "observations.yaml": """\
series:
  waiting: {observes: waiting, kind: stock, file: counts.csv, error: {relative: 0.05, absolute: 2}}
  asked: {observes: asking, kind: flow, period: 12, file: counts.csv, error: {relative: 0.1, absolute: 5}}
""",
    "counts.csv": """\
date,measure,value
2025-03-31,waiting,150
2026-03-31,waiting,175
2026-03-31,asked,360
2027-03-31,waiting,
""",
    "fit.yaml": """\
free:
  patience: {scale: log, low: 1, central: 6, high: 24, spread: 0.5}
""",
}


@pytest.fixture
def write_folder(tmp_path: Path) -> WriteFolder:
    """Write the queue as a model folder in a tree of its own, some files changed; a file given as None is left out."""

    def write(changed: Mapping[str, str | None] | None = None, name: str = "queue") -> Path:
        folder = tmp_path / "models" / "localities" / name
        folder.mkdir(parents=True)
        for file, text in ({**QUEUE, **(changed or {})}).items():
            if text is not None:
                (folder / file).write_text(text, encoding="utf-8")
        return folder

    return write


@pytest.fixture
def queue(write_folder: WriteFolder) -> Path:
    """The queue, unchanged."""
    return write_folder()


@pytest.fixture
def locality(write_folder: WriteFolder, tmp_path: Path) -> WriteFolder:
    """Write a folder that is laid over the queue; give its files."""
    write_folder(name="base")

    def write(files: Mapping[str, str], model: str = "name: here\nstructure: ../base\n") -> Path:
        folder = tmp_path / "models" / "localities" / "here"
        folder.mkdir(parents=True)
        for file, text in {"model.yaml": model, **files}.items():
            (folder / file).write_text(text, encoding="utf-8")
        return folder

    return write
