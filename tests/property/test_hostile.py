"""Text from strangers is read or refused with our own errors, and never run."""

import contextlib
import json
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from wm2u_sd.calibration.observations import Observations
from wm2u_sd.checks.check_folder import check_folder
from wm2u_sd.errors import FileError, ParseError, Wm2uError
from wm2u_sd.expr.nodes import Binary, Call, Number, Reference, Unary
from wm2u_sd.expr.parser import parse
from wm2u_sd.io.observed import read_observations
from wm2u_sd.io.records import ErrorRecord, SeriesRecord
from wm2u_sd.io.strict_yaml import plain, read_file, read_text
from wm2u_sd.io.text import ModelFolder, load
from wm2u_sd.model.diagnostics import Report
from wm2u_sd.model.timing import Time

# Nothing is run -------------------------------------------------------------------------------------------------------

RUNNING = ("compile", "exec", "import", "os.", "subprocess.", "socket.", "ctypes.", "pickle.", "shutil.", "marshal.")
HARMLESS = ("os.listdir", "os.scandir")

_heard: list[str] | None = None


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if _heard is not None and event.startswith(RUNNING) and event not in HARMLESS:
        _heard.append(f"{event} {arguments!r}"[:200])


sys.addaudithook(_hear)


@contextlib.contextmanager
def nothing_is_run() -> Iterator[None]:
    """Listen to what Python reports of itself, and fail when code is compiled, imported, run or sent anywhere."""
    global _heard
    _heard = []
    try:
        yield
        assert [] == _heard
    finally:
        _heard = None


def attempt(verb: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a verb gives, or the error of ours it raises; any other error comes through."""
    try:
        return verb(*arguments)
    except Wm2uError as error:
        return error


def test_the_listener_hears() -> None:
    with pytest.raises(AssertionError), nothing_is_run():
        eval("1 + 1")  # noqa: S307 - the point of the test


# Equations ------------------------------------------------------------------------------------------------------------

CODE = [
    "__import__('os').system('touch owned')", "os.system('id')", "eval('1')", "exec('import os')",
    "open('/etc/passwd')", "().__class__.__bases__[0].__subclasses__()", "f'{os}'", "lambda: 0", "[x for x in y]",
    "{}", "a.b", "a if b else c", "x := 1", "print(1)", "import os", "globals()", "getattr(a, b)", "`id`", "$(id)",
    "${x}", "{{x}}", "%s", "a;b", "'''", '"""', "\\x41", "#", "a\\\nb", "0x10", "1_000", "1j", "1e400", "9" * 500,
    "1e" + "9" * 400, "nan", "inf", "\0", "\ud800", "\ufeff", "\u202e", "ａ", "²", "٣", "−", "×", "÷", "“a”",
    "\u2028", "\x85",
]  # fmt: skip
PIECES = [
    "a", "waiting", "1", "2.5", ".5", "3.", "1e3", "1e-3", "(", ")", "[", "]", "[*]", "x[y*]", ",", "+", "-", "*",
    "/", "^", "**", "//", "<", "<=", "<>", "=", "==", "!=", "and", "or", "not", "min(", "if_then_else(", "smooth3(",
    " ", "\n", "\t", "!",
]  # fmt: skip


def repeated(text: str, times: int) -> str:
    return text * times


equations = st.one_of(
    st.lists(st.sampled_from(PIECES + CODE), max_size=25).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=40).map(" ".join),
    st.text(max_size=100),
    st.text(st.characters(categories=["Cs", "Cc", "Nd", "No", "Sm", "Pi", "Zs", "Cf"]), max_size=30),
    st.builds(repeated, st.sampled_from(["(", "-", "not ", "f(", "x[", "a^", "a+(", "9"]), st.integers(1, 9000)),
)


@given(equations)
@example("__import__('os').system('touch owned')")
@example("(" * 20_000)
@example("9" * 20_000)
@example("1" + "+1" * 9_999)
def test_an_equation_becomes_a_tree_or_is_refused(text: str) -> None:
    with nothing_is_run():
        found = attempt(parse, text)
    if isinstance(found, ParseError):
        assert 0 <= found.position <= len(text)
        assert str(found).startswith(found.reason)
    else:
        assert isinstance(found, Number | Reference | Unary | Binary | Call)


NAMES_AND_CALLS = ("globals()", "getattr(a, b)", "print(1)", "nan", "inf")  # read, and defined by nothing


@pytest.mark.parametrize("text", [text for text in CODE if text not in NAMES_AND_CALLS])
def test_code_of_other_languages_is_no_equation(text: str) -> None:
    with pytest.raises(ParseError):
        parse(text)


# YAML -----------------------------------------------------------------------------------------------------------------

LAUGHS = "a: &a [l, l]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))
YAML_CODE = [
    "!!python/object/apply:os.system ['touch owned']", "!!python/name:os.system", "!!python/module:os",
    "!!python/tuple [1]", "!!binary aGVsbG8=", "!!timestamp 2001-01-01", "!!set {a, b}", "!!float 1", "!local x",
    "! x", "!<tag:yaml.org,2002:str> x", "&a [*a]", "*a", "&a", "<<: {b: 1}", "<<: *a", "%YAML 1.1\n---",
    "%TAG ! !!", "---\n", "...\n", "? [a]\n: b", "? a", ": b",
]  # fmt: skip
YAML_PIECES = [
    "a: ", "b:", "- ", "\n", "\n  ", "\n    ", " ", "[", "]", "{", "}", ",", "'", '"', "|", ">", ">-", "|2", "#",
    "\t", "1", "1.5", ".nan", "-.inf", "1e999", "9" * 4400, "1e" + "9" * 500, "0x1f", "no", "~", "true", "=", "\\",
    '"\\ud800"', '"\\UFFFFFFFF"', "\0", "\ud800", "\ufeff", "\x85", "\u2028", "é", "\r", "\r\n", "\x1b", "@", "`",
    "%",
]  # fmt: skip

documents = st.one_of(
    st.lists(st.sampled_from(YAML_PIECES + YAML_CODE), max_size=25).map("".join),
    st.text(max_size=100),
    st.builds(
        repeated, st.sampled_from(["[", "{a: ", "- ", "? ", "a: {", "!", "'", "- - ", "a:\n "]), st.integers(1, 3000)
    ),
    st.builds(lambda n: "".join(f"{' ' * i}a:\n" for i in range(n)), st.integers(1, 80)),
)


def is_plain(value: Any) -> bool:
    """Whether a value is made of nothing but text, finite numbers, true, false, null, lists and mappings of text."""
    if isinstance(value, dict):
        return all(type(key) is str and is_plain(part) for key, part in value.items())
    if isinstance(value, list):
        return all(map(is_plain, value))
    return value is None or type(value) in (str, bool, int) or (type(value) is float and abs(value) < float("inf"))


@given(documents)
@example(LAUGHS)
@example("a: &a\n  <<: *a\n")
@example("a: " + "9" * 999_990)
@example("a: " + "[" * 49_000)
@example("".join(f"k{i}: {{}}\n" for i in range(3000)))
@pytest.mark.usefixtures("folder")
def test_yaml_becomes_plain_values_or_is_refused(text: str) -> None:
    with nothing_is_run():
        found = attempt(read_text, text, "f.yaml")
    if isinstance(found, FileError):
        assert str(found).startswith("f.yaml")
    else:
        assert is_plain(plain(found))


ODD_AND_HARMLESS = ("? a", "---\n")


@pytest.mark.parametrize("text", [text for text in YAML_CODE if text not in ODD_AND_HARMLESS])
def test_what_yaml_can_do_beyond_values_is_refused(text: str) -> None:
    with pytest.raises(FileError):
        read_text(f"a: {text}" if text.startswith(("!", "*", "&")) else text, "f.yaml")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A place for one model folder, written anew by every example."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "models" / "localities" / "mixed"
        path.mkdir(parents=True)
        load(written(SOUND, path))  # what is imported once, is imported
        yield path


encodings = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "latin-1", "cp500", "utf-7"])


@given(
    content=st.binary(max_size=200)
    | st.builds(lambda text, encoding: text.encode(encoding, "replace"), documents, encodings)
)
def test_any_bytes_become_plain_values_or_are_refused(content: bytes, folder: Path) -> None:
    file = folder / "bytes.yaml"
    file.write_bytes(content)
    found = attempt(read_file, file)
    if isinstance(found, FileError):
        assert str(found).startswith(str(file))
    else:
        assert is_plain(plain(found))


# Folders --------------------------------------------------------------------------------------------------------------

SOUND = {
    "model.yaml": """\
name: mixed
title: Every kind of record
time: {start: 0, end: 24, step: 1/4, saveper: 1, units: month, method: rk4, origin: "2025-03-31"}
dimensions:
  age: {elements: [young, old]}
  small: {elements: [young], of: age}
variables:
  waiting:
    kind: stock
    units: person
    over: [age]
    initial: begin * shares
    inflows: [asking]
    outflows: [leaving]
    non_negative: true
    population: people
    doc: Those who wait.
  asking: {kind: flow, units: person/month, over: [age], equation: asked * shares, outside: town, doc: Requests.}
  leaving:
    kind: flow
    units: person/month
    over: [age]
    equation: >
      waiting / patience
      * hurry(sum(waiting[*]) / begin)
    outside: gone
    doc: Those who stop.
  known: {kind: auxiliary, units: person, equation: "smooth3(waiting[young], patience)", doc: What is heard.}
  ready: {kind: auxiliary, equation: "if_then_else(time < patience and not (known > begin), 1, 0)", doc: X.}
  gap: {kind: auxiliary, units: person, equation: asked * patience - begin, doc: Nobody at the start.}
  hurry: {kind: lookup, points: [[0, 1], [1, 1.5], [2, 2]], units: dmnl, x_units: dmnl, doc: Crowding.}
  shares: {kind: constant, units: dmnl, over: [age], value: [0.25, 75%], grade: D, source: Judged, doc: Shares.}
balance: {solve: [asked], zero: [gap]}
loops:
  - {name: crowding, path: [waiting, leaving], polarity: balancing, evidence: Seen}
""",
    "parameters.yaml": """\
begin: {value: 100, units: person, grade: A, source: Counted, doc: At the start.}
asked: {value: 10, units: person/month, lever: true, doc: Requests, prior: {distribution: uniform, low: 5, high: 15}}
patience:
  value: 6
  units: month
  prior: {distribution: lognormal, low: 3, central: 6, high: 12, chance_of_none: 10%, none_value: 24}
  grade: D
  source: Told
  doc: Mean wait.
""",
    "scenarios.yaml": """\
as_now: {label: Nothing different}
changed:
  levers:
    - {target: patience, times: 80%, start: 3, end: 12, ramp: 2}
    - {target: begin, series: [[0, 100], [12, 120]]}
    - {target: hurry, points: [[0, 1], [2, 1]]}
""",
    "observations.yaml": """\
series:
  waiting: {observes: known, kind: stock, file: counts.csv, error: {relative: 0.05, absolute: 2}}
  asked: {observes: asking, kind: flow, period: 12, file: counts.csv, error: {absolute: 5}}
""",
    "costs.yaml": """\
lines:
  places:
    {driver: waiting, unit_cost: {value: 3, prior: {distribution: uniform, low: 1, high: 5}}, scale: [begin],
     payer: town, units: GBP_2024/person/person/month, kind: fiscal, category: places, cashable_share: 50%,
     optimism_grade: 3}
""",
    "fit.yaml": "free:\n  patience: {scale: log, low: 1, central: 6, high: 24, spread: 0.5}\n",
}

SCALARS = [
    "", "0", "-1", "1e308", "-1e308", "1e-320", "9" * 300, "1e999", ".nan", ".inf", "true", "null", "~", "[]", "{}",
    "[[]]", "{a: b}", "[1, [2]]", "text", "''", '"a\\0b"', "'<5'", "35%", "1000%", "1/8", "1/0", "0/1",
    "2025-03-31", "waiting", "[waiting]", "age", "time", "sum", "and", "Waiting", "wait ing", "kind", "stock",
    "flow", "constant", "lookup", "auxiliary", "../../etc", "/etc/passwd", "*a", "&a 1",
    "!!python/object/apply:os.system [id]", "é", "\u2028", "waiting[*]", "sum(waiting[*])", "waiting[old]",
    "leaving + 1", "1 / 0", "(((((", "delay_fixed(asking, patience, 0)", "hurry(1, 2)", "max()",
    "min(waiting, known)", "if_then_else(1)", "x" * 300, "1e999999999",
]  # fmt: skip


@st.composite
def spoilt(draw: st.DrawFn) -> dict[str, str]:
    """The sound folder with lines dropped, doubled, moved or put elsewhere, and scalars replaced."""
    files = dict(SOUND)
    for _ in range(draw(st.integers(1, 3))):
        name = draw(st.sampled_from(["model.yaml"] * 3 + list(SOUND)))
        lines = files[name].splitlines()
        if not lines:
            continue
        at = draw(st.integers(0, len(lines) - 1))
        match draw(
            st.sampled_from(["drop", "double", "replace", "scalar", "scalar", "scalar", "indent", "move", "cut"])
        ):
            case "drop":
                del lines[at]
            case "double":
                lines.insert(at, lines[at])
            case "replace":
                lines[at] = draw(st.sampled_from([*SCALARS, "- 1", "a: 1", "  a: 1", "    kind: flow"]))
            case "scalar":
                lines[at] = with_another_scalar(lines[at], draw(st.integers(0, 20)), draw(st.sampled_from(SCALARS)))
            case "indent":
                lines[at] = " " * draw(st.integers(0, 9)) + lines[at].lstrip()
            case "move":
                lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(at))
            case "cut":
                lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
        files[name] = "\n".join(lines) + "\n"
    return files


def with_another_scalar(line: str, number: int, scalar: str) -> str:
    """Return a line with one of its words replaced."""
    words = line.replace("{", "{ ").replace("}", " }").replace("[", "[ ").replace("]", " ]").split(" ")
    places = [i for i, word in enumerate(words) if word.strip("{}[],")]
    if not places:
        return line
    at = places[number % len(places)]
    ending = "," if words[at].endswith(",") else ""
    words[at] = f"{scalar}:" if words[at].endswith(":") and number % 5 == 0 else f"{scalar}{ending}"
    return " ".join(words)


NUMBERS = [0, 1, -1, 2, 1e308, -1e308, 1e-320, 9e15, 10**300, 0.5, 35, 1e-9]
TEXTS = [text for text in SCALARS if not text.startswith(("[", "{", "*", "&", "!", '"', "'"))]
Steps = tuple[str | int, ...]


def leaves(tree: Any, path: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    """Yield every value of a tree of plain values that holds no others, with the way to it."""
    for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
        if isinstance(part, dict | list) and part:
            yield from leaves(part, (*path, key))
        else:
            yield (*path, key), part


@st.composite
def altered(draw: st.DrawFn) -> dict[str, str]:
    """The sound folder with values replaced by others of their type, left out or doubled: most of them load."""
    trees = {name: plain(read_text(text, name)) for name, text in SOUND.items()}
    for _ in range(draw(st.integers(1, 3))):
        path, value = draw(st.sampled_from(list(leaves(trees))))
        holder: Any = trees
        for step in path[:-1]:
            holder = holder[step]
        if isinstance(holder, list) and draw(st.booleans()):
            holder.append(holder[0])
        elif draw(st.integers(0, 9)) == 0:
            del holder[path[-1]]
        else:
            holder[path[-1]] = draw(st.sampled_from(TEXTS if isinstance(value, str) else NUMBERS))
    return {name: json.dumps(tree) for name, tree in trees.items()}  # JSON is YAML


def written(files: dict[str, str], folder: Path) -> Path:
    for name, text in files.items():
        (folder / name).write_bytes(text.encode("utf-8", "surrogatepass"))
    return folder


def report_of(opened: ModelFolder) -> Report:
    return check_folder(opened)


def test_the_folder_that_is_spoilt_is_sound(folder: Path) -> None:
    assert [] == report_of(load(written(SOUND, folder))).errors


@settings(max_examples=100)
@given(files=spoilt() | altered())
def test_a_spoilt_folder_is_loaded_or_refused(files: dict[str, str], folder: Path) -> None:
    written(files, folder)
    with nothing_is_run():
        found = attempt(load, folder)
    if isinstance(found, FileError):
        assert str(folder) in str(found)
        assert "nput should" not in str(found)  # how pydantic says it
    else:
        assert isinstance(found, ModelFolder)


@settings(max_examples=120)
@given(files=spoilt() | altered())
def test_whatever_loads_can_be_checked(files: dict[str, str], folder: Path) -> None:
    opened = attempt(load, written(files, folder))
    if not isinstance(opened, ModelFolder):
        return
    report = report_of(opened)

    assert isinstance(report, Report)
    assert str(report)
    assert {""} | set(opened.files) >= {finding.place.file for finding in report.findings}


# Counts ---------------------------------------------------------------------------------------------------------------

CELLS = [
    "2025-03-31", "2026-03-31", "31/03/2026", "2026", "2026-02-30", "0000-00-00", "9999-12-31", "waiting", "asked", "",
    " ", "<5", "0", "-0", "175", "1e99", "1e999", "nan", "inf", "1_0", "=cmd|' /C calc'!A0", '"', '""', "é", "\0",
    "\ud800", "\x85", "9" * 400,
]  # fmt: skip
rows = st.lists(st.lists(st.sampled_from(CELLS), max_size=5).map(",".join), max_size=6)


@given(
    header=st.sampled_from(
        ["date,measure,value"] * 5 + ["", "date,measure", "value,date,measure,date", "\ufeffmeasure,value,date"]
    ),
    body=rows | st.lists(st.text(max_size=30), max_size=5),
    ending=st.sampled_from(["\n", "\r\n", "\r"]),
)
def test_a_table_of_counts_becomes_finite_counts_or_is_refused(
    header: str, body: list[str], ending: str, folder: Path
) -> None:
    (folder / "counts.csv").write_bytes(ending.join([header, *body]).encode("utf-8", "surrogatepass"))
    found = attempt(read_observations, folder, SERIES, Time(0, 24, 1, origin="2025-03-31"))
    if isinstance(found, FileError):
        assert str(folder) in str(found)
    else:
        assert isinstance(found, Observations)
        assert all(abs(count.value) < float("inf") and 0 <= count.time <= 24 for count in found.counts)


SERIES = {
    "waiting": SeriesRecord(
        observes="known", kind="stock", file="counts.csv", error=ErrorRecord(relative=0.1, absolute=1)
    ),
    "asked": SeriesRecord(
        observes="asking", kind="flow", period=12, file="counts.csv", error=ErrorRecord(relative=0.1)
    ),
}
