"""The schema that editors read is the one the loader holds."""

import json
from pathlib import Path
from typing import Any

import pytest

from wm2u_sd.io.records import FILES
from wm2u_sd.io.schema import main, schema_files, schemas

PUBLISHED = Path(__file__).parents[3] / "models" / "schema"


def test_the_published_files_are_what_the_code_gives() -> None:
    there = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in PUBLISHED.iterdir()}

    assert there == {name: json.loads(text) for name, text in schema_files().items()}, "run python -m wm2u_sd.io.schema"


def test_every_file_that_is_validated_has_a_schema() -> None:
    assert set(FILES) == set(schemas())


def test_the_command_writes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["schema", str(tmp_path)])
    main()

    assert schema_files() == {path.name: path.read_text(encoding="utf-8") for path in tmp_path.iterdir()}


def records_in(schema: Any) -> list[dict[str, Any]]:
    """Return every part of a schema that describes a record with keys of its own."""
    found = [schema] if isinstance(schema, dict) and "properties" in schema else []
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    return found + [record for part in parts for record in records_in(part)]


@pytest.mark.parametrize("name", list(FILES))
def test_no_record_allows_unknown_keys(name: str) -> None:
    records = records_in(schemas()[name])

    assert records
    assert all(record["additionalProperties"] is False for record in records)


def test_a_share_may_be_written_as_a_percentage_and_a_parameter_as_a_bare_number() -> None:
    parameter = schemas()["parameters.yaml"]["additionalProperties"]["anyOf"]

    assert [{"$ref": "#/$defs/Values"}, {"$ref": "#/$defs/ParameterRecord"}] == parameter
    values = json.dumps(schemas()["parameters.yaml"]["$defs"]["Values"])
    assert '{"type": "number"}' in values
    assert "%" in values
