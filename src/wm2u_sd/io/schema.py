"""The JSON schema of the files of a model folder, for editors; `python -m wm2u_sd.io.schema` writes models/schema.

Editors use it to complete keys and to underline faults while typing. Loading does not: it checks more, and answers with
file and line.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema

from wm2u_sd.io.atomic import write_text
from wm2u_sd.io.records import FILES, ParameterRecord
from wm2u_sd.io.scalars import Values

SHAPES: dict[str, Any] = {**FILES, "parameters.yaml": dict[str, Values | ParameterRecord]}  # `name: 3` is for short


def schemas() -> dict[str, dict[str, Any]]:
    """Return the schema of each file of a model folder, by the name of the file."""
    return {name: _schema(name, shape) for name, shape in SHAPES.items()}


def _schema(name: str, shape: Any) -> dict[str, Any]:
    head = {"$schema": GenerateJsonSchema.schema_dialect, "title": f"{name} of a wm2u_sd model folder"}
    body: dict[str, Any] = _untitled(TypeAdapter(shape).json_schema())
    return head | body


def _untitled(part: Any) -> Any:
    """Leave out titles, which only repeat the names of the keys they stand at."""
    if isinstance(part, dict):
        return {k: _untitled(v) for k, v in part.items() if not (k == "title" and isinstance(v, str))}
    return [_untitled(one) for one in part] if isinstance(part, list) else part


def schema_files() -> dict[str, str]:
    """Return the schema of each file as text, by the name it is published under, e.g. 'model.json'."""
    return {
        Path(name).with_suffix(".json").name: json.dumps(schema, indent=2) + "\n" for name, schema in schemas().items()
    }


def main() -> None:
    """Write the schema files to the folder given, or to models/schema of a working copy."""
    folder = sys.argv[1] if len(sys.argv) > 1 else "models/schema"
    for name, text in schema_files().items():
        write_text(Path(folder) / name, text)


if __name__ == "__main__":
    main()
