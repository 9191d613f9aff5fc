"""The numbered rules of docs/semantics.md: every rule that is cited exists, once."""

import re
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RULES = (ROOT / "docs" / "semantics.md").read_text(encoding="utf-8")
NUMBERS = re.findall(r"^### (SEM-\d\d) ", RULES, re.MULTILINE)


def citations() -> dict[str, str]:
    """Return each rule number cited in the library, its tests and models, with one file that cites it."""
    folders = [ROOT / name for name in ("src", "tests", "models")]
    paths = (path for folder in folders for ending in ("py", "yaml", "md") for path in folder.rglob(f"*.{ending}"))
    return {number: path.name for path in paths for number in re.findall(r"SEM-\d\d", path.read_text(encoding="utf-8"))}


def test_each_number_is_given_once_and_in_order() -> None:
    assert [] == [number for number, count in Counter(NUMBERS).items() if count > 1]
    assert sorted(NUMBERS) == NUMBERS


def test_every_cited_rule_exists() -> None:
    assert {} == {number: file for number, file in citations().items() if number not in NUMBERS}


def test_every_rule_in_the_text_exists() -> None:
    assert set() == set(re.findall(r"SEM-\d\d", RULES)) - set(NUMBERS)
