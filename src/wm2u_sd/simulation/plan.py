"""Plans and markers of a stored run: small files beside its numbers, each whole or not there at all."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from wm2u_sd.errors import FileError
from wm2u_sd.simulation.failures import Fault

FORMAT = "wm2u_sd stored run 1"
PLAN, MARKERS, DRAWN = "plan.json", "blocks", "drawn.json"


@dataclass(frozen=True)
class Plan:
    """What a store is to hold; written before anything else in it.

    Attributes:
        n: Number of draws.
        block: Number of draws in a block.
        facts: Where the results come from, as text; two runs with the same facts give the same numbers.
        results: Names of the results.
        drawn: Names of the constants that are drawn.
        solved: Names of the constants that a balance finds.
        scenarios: As `scenario_to_dict` gives them.
    """

    n: int
    block: int
    facts: Mapping[str, str]
    results: Sequence[str]
    drawn: Sequence[str]
    solved: Sequence[str]
    scenarios: Sequence[Mapping[str, Any]]

    @property
    def digest(self) -> str:
        """Fingerprint of everything above."""
        return hashlib.sha256(_text(asdict(self)).encode()).hexdigest()[:16]

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return -(-self.n // self.block)

    def draws(self, number: int) -> slice:
        """Return the draws of a block."""
        return slice(number * self.block, min(self.n, (number + 1) * self.block))


@dataclass(frozen=True)
class Marker:
    """That a block is finished.

    Attributes:
        plan: Digest of the plan it was made for.
        block: Its number.
        values: Digest of its numbers.
        faults: What failed, by draw of the whole run.
        ledger: For each side of the ledger (population, scenario): the mean over draws, and the largest difference.
    """

    plan: str
    block: int
    values: str
    faults: Sequence[Fault]
    ledger: Mapping[str, Any]


def write_plan(path: Path, plan: Plan) -> None:
    """Write the plan of a store."""
    write_whole(path / PLAN, {"format": FORMAT, **asdict(plan)})


def read_plan(path: Path) -> Plan | None:
    """Return the plan of a store, None where there is no store.

    Raises:
        FileError: There is something else.
    """
    facts = _read(path / PLAN)
    if facts is None:
        if path.exists() and (not path.is_dir() or any(path.iterdir())):
            raise FileError(f"{path}: this is no stored run of wm2u_sd; give store= another place")
        return None
    found = facts.pop("format", "nothing")
    if found != FORMAT:
        raise FileError(f"{path}: this is not a stored run (expected '{FORMAT}', found '{found}'). Run again.")
    return Plan(**facts)


def refuse_other(path: Path, there: Plan, here: Plan) -> None:
    """Refuse to go on with a run that another call began.

    Raises:
        FileError: The plans differ; the message says in what.
    """
    if there.digest == here.digest:
        return
    theirs, ours = ({"block": str(plan.block), **plan.facts} for plan in (there, here))
    said = {key: (theirs.get(key, "nothing"), ours.get(key, "nothing")) for key in {**ours, **theirs}}
    differ = [f"{key} is {one} there and {other} here" for key, (one, other) in said.items() if one != other]
    raise FileError(
        f"{path}: holds another run: {'; '.join(differ) or 'its plan differs'}. "
        "Give the same arguments to go on with it, or store= another place."
    )


def write_marker(path: Path, marker: Marker) -> None:
    """Mark a block as finished, once all of its numbers are on the disk."""
    write_whole(path / MARKERS / f"{marker.block:06d}.json", asdict(marker))


def read_marker(path: Path, plan: Plan, number: int) -> Marker | None:
    """Return the marker of a block, None where it is not finished for this plan."""
    facts = _read(path / MARKERS / f"{number:06d}.json")
    if facts is None or (facts.get("plan"), facts.get("block")) != (plan.digest, number):
        return None
    return Marker(**{**facts, "faults": [Fault(**fault) for fault in facts["faults"]]})


def write_drawn(path: Path, plan: Plan) -> None:
    """Mark that all draws stand in the store."""
    write_whole(path / MARKERS / DRAWN, {"plan": plan.digest})


def is_drawn(path: Path, plan: Plan) -> bool:
    """Whether all draws stand in the store."""
    return (_read(path / MARKERS / DRAWN) or {}).get("plan") == plan.digest


def write_whole(path: Path, facts: Any) -> None:
    """Write a file beside its place, and move it there when it is on the disk."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}.draft")
    try:
        with draft.open("w", encoding="utf-8") as file:
            file.write(_text(facts))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _text(facts: Any) -> str:
    return json.dumps(facts, sort_keys=True, default=lambda value: value.tolist())


def _read(path: Path) -> dict[str, Any] | None:
    """Return what a file says, None where there is none or it cannot be read: then it does not count."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None
