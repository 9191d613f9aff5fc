"""One broken folder for each thing the loader refuses, and the whole of what it says."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from wm2u_sd.errors import FileError
from wm2u_sd.io.observed import read_observations
from wm2u_sd.io.text import load

KINDS = "stock, flow, auxiliary, constant or lookup"
STOCK_KEYS = "units, label, doc, source, kind, initial, inflows, outflows, over, non_negative, population"
LEVER_KEYS = "target, to, add, times, series, points, start, end, ramp"
NOT_PUBLISHED = "Leave the cell of a figure that was suppressed or not published empty; it is not 0"
TIME = '{start: 0, end: 24, step: 1/8, saveper: 1, units: month, method: rk4, origin: "2025-03-31"}'
WAITING = "waiting_at_start: {value: 150, units: family, grade: A, source: Counted, doc: Waiting on the first day.}"
ASKING = "asking: {kind: flow, units: family/month, equation: asked_per_month, outside: the town, doc: New requests.}"
LEVER = "{target: asked_per_month, times: 80%, start: 3, ramp: 2}"


class Defect:
    """A change to one file of the queue, and the message it leads to; `{here}` stands for the folder."""

    def __init__(self, file: str, old: str, new: str, message: str) -> None:
        self.file, self.old, self.new, self.message = file, old, new, message


MODEL_DEFECTS = {
    "a key is misspelt": Defect(
        "model.yaml", "    initial:", "    intial:",
        f"{{here}}/model.yaml:8: 'intial' is not known here. Did you mean: initial? Known: {STOCK_KEYS}\n"
        "        intial: waiting_at_start",
    ),
    "a key is like three others": Defect(
        "scenarios.yaml", "times: 80%", "time: 80%",
        f"{{here}}/scenarios.yaml:4: 'time' is not known here. Did you mean: times? Known: {LEVER_KEYS}\n"
        f"        - {LEVER.replace('times', 'time')}",
    ),
    "a key of a record on one line is misspelt": Defect(
        "parameters.yaml", "central: 6", "centre: 6",
        "{here}/parameters.yaml:6: 'centre' is not known here. Did you mean: central? "
        "Known: distribution, low, high, central, chance_of_none, none_value\n"
        "      prior: {distribution: triangular, low: 3, centre: 6, high: 12}",
    ),
    "no kind": Defect(
        "model.yaml", "    kind: stock\n", "",
        f"{{here}}/model.yaml:5: variables.waiting does not say its kind: {KINDS}\n      waiting:",
    ),
    "another kind": Defect(
        "model.yaml", "kind: stock", "kind: stok",
        f"{{here}}/model.yaml:5: variables.waiting: kind is 'stok'; it must be {KINDS}\n      waiting:",
    ),
    "a variable is only text": Defect(
        "model.yaml", ASKING, "asking: asked_per_month",
        '{here}/model.yaml:13: variables.asking: expected names with what belongs to them; found "asked_per_month"\n'
        "      asking: asked_per_month",
    ),
    "yes is a word": Defect(
        "model.yaml", "non_negative: true", "non_negative: yes",
        '{here}/model.yaml:11: variables.waiting.non_negative: expected true or false; found "yes"\n'
        "        non_negative: yes",
    ),
    "a number where text belongs": Defect(
        "model.yaml", "title: A waiting list", "title: 2025",
        "{here}/model.yaml:2: title: expected text; found 2025\n    title: 2025",
    ),
    "one name where a list belongs": Defect(
        "model.yaml", "inflows: [asking]", "inflows: asking",
        '{here}/model.yaml:9: variables.waiting.inflows: expected a list, such as [a, b]; found "asking"\n'
        "        inflows: asking",
    ),
    "a method nobody knows": Defect(
        "model.yaml", "rk4", "rk5",
        '{here}/model.yaml:3: time.method: expected one of euler, rk2, rk4; found "rk5". Did you mean: rk4, rk2?\n'
        f"    time: {TIME.replace('rk4', 'rk5')}",
    ),
    "a step that is no number": Defect(
        "model.yaml", "1/8", "1/0",
        '{here}/model.yaml:3: time.step: expected a number, or a fraction such as 1/8; found "1/0"\n'
        f"    time: {TIME.replace('1/8', '1/0')}",
    ),
    "a step that does not divide": Defect(
        "model.yaml", "1/8", "7",
        "{here}/model.yaml:3: time: step 7 does not divide the span 24 exactly (3.42857 steps); "
        "choose a step that does, such as 1",
    ),
    "a time beyond all bounds": Defect(
        "model.yaml", "end: 24", "end: 1e308",
        "{here}/model.yaml:3: time: end is 1e+308; the limit is 1,000,000,000 either way",
    ),
    "no time": Defect("model.yaml", f"time: {TIME}\n", "", "{here}/model.yaml: the file does not say 'time'"),
    "no name": Defect(
        "model.yaml", "name: queue\n", "",
        "{here}/model.yaml:1: the file does not say 'name'\n    title: A waiting list",
    ),
    "no equation": Defect(
        "model.yaml", "equation: asked_per_month, ", "",
        "{here}/model.yaml:13: variables.asking does not say 'equation'\n"
        f"      {ASKING.replace('equation: asked_per_month, ', '')}",
    ),
    "a point of one number": Defect(
        "model.yaml", ASKING, f"{ASKING}\n  curve: {{kind: lookup, points: [[0, 1], [1]]}}",
        "{here}/model.yaml:14: variables.curve.points[2]: expected a point of two numbers, such as [0, 1]; found [1]\n"
        "      curve: {kind: lookup, points: [[0, 1], [1]]}",
    ),
    "structure leads out": Defect(
        "model.yaml", "title:", "structure: ../../../../elsewhere\ntitle:",
        "{here}/model.yaml:2: structure is '../../../../elsewhere', which leads out of {tree}; "
        "keep what belongs together in one folder",
    ),
    "structure is absolute": Defect(
        "model.yaml", "title:", "structure: /etc\ntitle:",
        "{here}/model.yaml:2: structure is '/etc'; give a path relative to the folder",
    ),
    "structure holds NUL": Defect(
        "model.yaml", "title:", 'structure: "a\\0"\ntitle:',
        "{here}/model.yaml:2: structure is 'a\\x00'; give a path relative to the folder",
    ),
    "structure leads nowhere": Defect(
        "model.yaml", "title:", "structure: ../nothing\ntitle:",
        "{here}/model.yaml:2: structure is '../nothing', and there is no such folder",
    ),
    "structure goes on": Defect(
        "model.yaml", "title:", "structure: .\ntitle:",
        "{here}/model.yaml:2: structure is '.', which has a 'structure' of its own; only one folder can lie under",
    ),
}  # fmt: skip

VALUE_DEFECTS = {
    "a value that is no number": Defect(
        "parameters.yaml", "value: 150", "value: many",
        '{here}/parameters.yaml:1: waiting_at_start.value: expected a number; found "many"\n'
        f"    {WAITING.replace('150', 'many')}",
    ),
    "digits in groups are text": Defect(
        "parameters.yaml", "value: 6", "value: 1_000",
        '{here}/parameters.yaml:4: patience.value: expected a number; found "1_000"\n      value: 1_000',
    ),
    "true is no number": Defect(
        "parameters.yaml", "value: 6", "value: true",
        "{here}/parameters.yaml:4: patience.value: expected a number; found true\n      value: true",
    ),
    "a number deep in a list": Defect(
        "parameters.yaml", "value: 6", "value:\n    - [1, 2]\n    - [3, x]",
        '{here}/parameters.yaml:6: patience.value[2][2]: expected a number; found "x"\n        - [3, x]',
    ),
    "nothing after the colon": Defect(
        "parameters.yaml", WAITING, "waiting_at_start:",
        "{here}/parameters.yaml:1: waiting_at_start: expected a number, or a record with value, units, source ...; "
        "found nothing\n    waiting_at_start:",
    ),
    "another grade": Defect(
        "parameters.yaml", "grade: A", "grade: E",
        '{here}/parameters.yaml:1: waiting_at_start.grade: expected one of A, B, C, D; found "E".\n'
        f"    {WAITING.replace('grade: A', 'grade: E')}",
    ),
    "another distribution": Defect(
        "parameters.yaml", "triangular", "triangle",
        "{here}/parameters.yaml:6: patience.prior.distribution: expected one of fixed, uniform, triangular, normal, "
        'lognormal, beta; found "triangle". Did you mean: triangular?\n'
        "      prior: {distribution: triangle, low: 3, central: 6, high: 12}",
    ),
    "a chance of everything": Defect(
        "parameters.yaml", "high: 12", "high: 12, chance_of_none: 100%",
        "{here}/parameters.yaml:6: patience.prior.chance_of_none: expected a share from 0 to below 1, such as 0.35 or "
        '35%; found "100%"\n'
        "      prior: {distribution: triangular, low: 3, central: 6, high: 12, chance_of_none: 100%}",
    ),
    "a constant without a value": Defect(
        "parameters.yaml", "value: 150, ", "",
        "{here}/parameters.yaml:1: the constant 'waiting_at_start' has no value",
    ),
    "a constant with two values": Defect(
        "model.yaml", ASKING, f"{ASKING}\n  patience: {{kind: constant, value: 3}}",
        "{here}/parameters.yaml:3: 'patience' also has a value in {here}/model.yaml:14; keep one",
    ),
    "a stock among the constants": Defect(
        "parameters.yaml", "waiting_at_start", "waiting",
        "{here}/parameters.yaml:1: 'waiting' is of kind stock ({here}/model.yaml:5); only constants stand here",
    ),
    "a list instead of names": Defect(
        "parameters.yaml", WAITING, "- 3",
        "{here}/parameters.yaml:2: this line is indented differently from the lines it belongs to\n"
        "    asked_per_month: {value: 30, units: family/month, grade: B, source: A report, lever: true, doc: Requ\n"
        "    ^",
    ),
    "a ramp backwards": Defect(
        "scenarios.yaml", "ramp: 2", "ramp: -2",
        "{here}/scenarios.yaml:4: fewer.levers[1].ramp: expected 0 or above; found -2\n"
        f"        - {LEVER.replace('ramp: 2', 'ramp: -2')}",
    ),
    "levers that are no list": Defect(
        "scenarios.yaml", "    - {", "    {",
        "{here}/scenarios.yaml:3: fewer.levers: expected a list, such as [a, b]\n      levers:",
    ),
    "a fit of what is not there": Defect(
        "fit.yaml", "patience", "patince",
        "{here}/fit.yaml:2: there is no constant 'patince' in queue. Did you mean: patience?",
    ),
    "a prior outside the bounds": Defect(
        "fit.yaml", "low: 1", "low: 7",
        "{here}/fit.yaml:2: free.patience: 'central' must lie between 'low' and 'high'; found 6, 7 and 24\n"
        "      patience: {scale: log, low: 7, central: 6, high: 24, spread: 0.5}",
    ),
    "a logarithm of nothing": Defect(
        "fit.yaml", "low: 1", "low: 0",
        "{here}/fit.yaml:2: free.patience: on a log scale 'low' must be above 0; found 0\n"
        "      patience: {scale: log, low: 0, central: 6, high: 24, spread: 0.5}",
    ),
    "a spread of nothing": Defect(
        "fit.yaml", "spread: 0.5", "spread: 0",
        "{here}/fit.yaml:2: free.patience.spread: expected a number above 0; found 0\n"
        "      patience: {scale: log, low: 1, central: 6, high: 24, spread: 0}",
    ),
}  # fmt: skip

COUNT_DEFECTS = {
    "observes what is not there": Defect(
        "observations.yaml", "observes: waiting", "observes: waitng",
        "{here}/observations.yaml:2: there is no variable 'waitng' in queue. Did you mean: waiting, asking, leaving?",
    ),
    "a flow without a period": Defect(
        "observations.yaml", "period: 12, ", "",
        "{here}/observations.yaml:3: series.asked: a flow is counted over a time; give its 'period', such as 12\n"
        "      asked: {observes: asking, kind: flow, file: counts.csv, error: {relative: 0.1, absolute: 5}}",
    ),
    "a stock with a period": Defect(
        "observations.yaml", "kind: stock", "kind: stock, period: 12",
        "{here}/observations.yaml:2: series.waiting: a stock is counted on a day and has no 'period'; "
        "did you mean kind: flow?\n      waiting: {observes: waiting, kind: stock, period: 12, file: counts.csv, "
        "error: {relative: 0.05, absolute: 2}}",
    ),
    "no error at all": Defect(
        "observations.yaml", "{relative: 0.05, absolute: 2}", "{relative: 0}",
        "{here}/observations.yaml:2: series.waiting.error: give 'relative', 'absolute' or both above 0; no count is "
        "exact\n      waiting: {observes: waiting, kind: stock, file: counts.csv, error: {relative: 0}}",
    ),
    "a file that is not there": Defect(
        "observations.yaml", "stock, file: counts.csv", "stock, file: other.csv",
        "{here}/other.csv: there is no such file; observations.yaml names it",
    ),
    "a file elsewhere": Defect(
        "observations.yaml", "stock, file: counts.csv", "stock, file: ../base/counts.csv",
        "{here}/observations.yaml:2: file is '../base/counts.csv', which leads out of {here}; "
        "keep what belongs together in one folder",
    ),
    "an absolute file": Defect(
        "observations.yaml", "stock, file: counts.csv", "stock, file: /etc/passwd",
        "{here}/observations.yaml:2: file is '/etc/passwd'; give a path relative to the folder",
    ),
    "a file with NUL": Defect(
        "observations.yaml", "stock, file: counts.csv", 'stock, file: "a\\0.csv"',
        "{here}/observations.yaml:2: file is 'a\\x00.csv'; give a path relative to the folder",
    ),
    "small numbers": Defect(
        "counts.csv", "175", "<5", f'{{here}}/counts.csv:3: expected a number of children, found "<5". {NOT_PUBLISHED}'
    ),
    "text that Python takes for a number": Defect(
        "counts.csv", "175", "nan",
        f'{{here}}/counts.csv:3: expected a number of children, found "nan". {NOT_PUBLISHED}',
    ),
    "infinity": Defect(
        "counts.csv", "175", "inf",
        f'{{here}}/counts.csv:3: expected a number of children, found "inf". {NOT_PUBLISHED}',
    ),
    "a comma in a number": Defect(
        "counts.csv", "175", "1,175",
        "{here}/counts.csv:3: 4 cells under 3 columns. A comma inside a cell, as in 1,234, needs quotes round the "
        "cell, and numbers are written without it: 1234",
    ),
    "a comma in a number, in quotes": Defect(
        "counts.csv", "175", '"1,175"',
        f'{{here}}/counts.csv:3: expected a number of children, found "1,175". {NOT_PUBLISHED}',
    ),
    "one count twice": Defect(
        "counts.csv", "2027-03-31,waiting,", "2026-03-31,waiting,9",
        "{here}/counts.csv:5: waiting on 2026-03-31 is also at line 3; keep one",
    ),
    "a suppressed count and one": Defect(
        "counts.csv", "2027-03-31,waiting,", "2026-03-31,waiting,",
        "{here}/counts.csv:5: waiting on 2026-03-31 is also at line 3; keep one",
    ),
    "dates of two kinds": Defect(
        "counts.csv", "2026-03-31,waiting", "31/03/2026,waiting",
        "{here}/counts.csv:3: '31/03/2026' is not a date like 2025-03-31; write all dates so",
    ),
    "a year is no date": Defect(
        "counts.csv", "2026-03-31,waiting", "2026,waiting",
        "{here}/counts.csv:3: '2026' is not a date like 2025-03-31; write all dates so",
    ),
    "a date between months": Defect(
        "counts.csv", "2026-03-31,waiting", "2026-03-15,waiting",
        "{here}/counts.csv:3: 2026-03-15 is not a whole number of months from 2025-03-31; "
        "use the same day of the month",
    ),
    "a column is missing": Defect(
        "counts.csv", "value", "number",
        "{here}/counts.csv:1: there is no column value; columns are date, measure, number",
    ),
    "a column is there twice": Defect(
        "counts.csv", "date,measure,value\n", "date,measure,value,value\n",
        "{here}/counts.csv:1: the column value is there twice; keep one",
    ),
    "a measure without rows": Defect(
        "counts.csv", "asked", "aksed",
        "{here}/counts.csv: no row has the measure 'asked', which observations.yaml names. Did you mean: aksed?",
    ),
    "a quote that is not closed": Defect(
        "counts.csv", "150", '"150', "{here}/counts.csv:5: cannot be read as a table (unexpected end of data)"
    ),
    "no origin": Defect(
        "model.yaml", ', origin: "2025-03-31"', "",
        "{here}/model.yaml: dates of counts need 'origin' in time, the date of time 0 such as 2025-03-31; found ''",
    ),
    "another unit of time": Defect(
        "model.yaml", "units: month, method", "units: week, method",
        "{here}/model.yaml: dates of counts need a model in months; its time is in 'week'",
    ),
}  # fmt: skip

DEFECTS: Mapping[str, Defect] = {**MODEL_DEFECTS, **VALUE_DEFECTS, **COUNT_DEFECTS}


def refused(folder: Path) -> str:
    """Load a folder with its counts and return what is said."""
    with pytest.raises(FileError) as caught:
        load_all(folder)
    return str(caught.value)


def load_all(folder: Path) -> None:
    opened = load(folder)
    read_observations(folder, opened.observations, opened.model.time)


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_is_named_with_file_and_line(name: str, queue: Path) -> None:
    defect = DEFECTS[name]
    file = queue / defect.file
    text = file.read_text(encoding="utf-8")
    assert defect.old in text
    file.write_text(text.replace(defect.old, defect.new, 1), encoding="utf-8")

    expected = defect.message.replace("{here}", str(queue)).replace("{tree}", str(queue.parent.parent))
    assert expected == refused(queue)


def test_every_fault_of_a_file_is_listed_in_the_order_of_the_lines(queue: Path) -> None:
    (queue / "costs.yaml").write_text(
        "lines:\n"
        "  places:\n"
        "    driver: waiting\n"
        "    unit_cost: {vlaue: 3}\n"
        "    units: GBP_2024/family/month\n"
        "    payer: town\n"
        "    kind: fisca\n"
        "    category: places\n"
        "    optimism_grade: 7\n"
        "    scale: [1]\n",
        encoding="utf-8",
    )

    here = f"{queue}/costs.yaml"
    assert "\n".join([
        f"{here}:4: 'vlaue' is not known here. Did you mean: value? Known: value, prior, shared",
        "        unit_cost: {vlaue: 3}",
        f'{here}:7: lines.places.kind: expected one of fiscal, economic, social, transfer; found "fisca". '
        "Did you mean: fiscal, social?",
        "        kind: fisca",
        f"{here}:9: lines.places.optimism_grade: expected a whole number from 1 to 6; found 7",
        "        optimism_grade: 7",
        f"{here}:10: lines.places.scale: expected a name, or a list of names; found [1]",
        "        scale: [1]",
    ]) == refused(queue)  # fmt: skip


def test_a_belief_says_a_value_or_a_prior(queue: Path) -> None:
    (queue / "costs.yaml").write_text(
        "lines:\n  a: {driver: x, unit_cost: {shared: q}, units: GBP, payer: p, kind: fiscal, category: c}\n",
        encoding="utf-8",
    )

    assert (
        f"{queue}/costs.yaml:2: lines.a.unit_cost: give 'value', 'prior' or both\n"
        "      a: {driver: x, unit_cost: {shared: q}, units: GBP, payer: p, kind: fiscal, category: c}"
    ) == refused(queue)


def test_a_count_of_nothing_has_no_relative_error(queue: Path) -> None:
    observations = (queue / "observations.yaml").read_text(encoding="utf-8")
    (queue / "observations.yaml").write_text(observations.replace(", absolute: 2", ""), encoding="utf-8")
    (queue / "counts.csv").write_text("date,measure,value\n2026-03-31,waiting,0\n", encoding="utf-8")

    assert (
        f"{queue}/counts.csv:2: waiting is 0 and its error is relative, so it has none; give 'absolute' as well"
    ) == refused(queue)


def test_a_folder_or_its_model_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert f"{tmp_path}/nowhere: there is no such folder" == refused(tmp_path / "nowhere")
    assert f"{tmp_path}/model.yaml: there is no such file" == refused(tmp_path)


@pytest.mark.parametrize("name", ["a\0b", "x" * 5000, "\ud800"])
def test_a_path_no_disk_can_hold_is_not_there(name: str, tmp_path: Path) -> None:
    assert f"{tmp_path / name}: there is no such folder" == refused(tmp_path / name)


def test_a_file_that_is_a_folder_is_not_there(queue: Path) -> None:
    (queue / "checks.yaml").mkdir()

    assert f"{queue}/checks.yaml: there is no such file" == refused(queue)


def test_free_form_files_hold_names(queue: Path) -> None:
    (queue / "checks.yaml").write_text("- 1\n", encoding="utf-8")

    assert f"{queue}/checks.yaml:1: expected names with what belongs to them" == refused(queue)


@pytest.mark.parametrize("file", ["model.yaml", "parameters.yaml", "words.yaml"])
def test_a_link_out_of_the_tree_is_refused(file: str, queue: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yaml"
    outside.write_text("secret: 1\n", encoding="utf-8")
    (queue / file).unlink(missing_ok=True)
    (queue / file).symlink_to(outside)

    assert (
        f"{queue}/{file}: the file is '{file}', which leads out of {queue.parent.parent}; "
        "keep what belongs together in one folder"
    ) == refused(queue)


def test_a_link_to_itself_is_refused(queue: Path) -> None:
    (queue / "words.yaml").symlink_to(queue / "words.yaml")

    with pytest.raises(FileError):
        load(queue)


def test_a_link_out_of_the_folder_is_refused_for_counts(queue: Path, tmp_path: Path) -> None:
    (queue / "counts.csv").unlink()
    (tmp_path / "counts.csv").write_text("date,measure,value\n", encoding="utf-8")
    (queue / "counts.csv").symlink_to(tmp_path / "counts.csv")

    assert (
        f"{queue}/observations.yaml:2: file is 'counts.csv', which leads out of {queue}; "
        "keep what belongs together in one folder"
    ) == refused(queue)


def test_a_file_larger_than_the_limit_is_not_read(queue: Path) -> None:
    (queue / "parameters.yaml").write_text("# " + "x" * 1_000_000, encoding="utf-8")

    assert f"{queue}/parameters.yaml: more than 1,000,000 bytes, which is the limit" == refused(queue)


def test_other_encodings_are_refused_with_the_line(queue: Path) -> None:
    (queue / "parameters.yaml").write_bytes("a: 1\nb: caf\u00e9\n".encode("latin-1"))
    assert f"{queue}/parameters.yaml:2: not UTF-8 text (byte 11); save it as UTF-8" == refused(queue)

    (queue / "parameters.yaml").write_bytes("a: 1\n".encode("utf-16"))
    assert f"{queue}/parameters.yaml:1: not UTF-8 text (byte 0); save it as UTF-8" == refused(queue)
