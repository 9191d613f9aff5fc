"""Turn the values of a file into records, or say every fault with its line, in words of our own."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, TypeAdapter, ValidationError

from wm2u_sd.errors import FileError, did_you_mean
from wm2u_sd.io import records as r
from wm2u_sd.io.scalars import ARM
from wm2u_sd.io.strict_yaml import Node, plain

LONGEST_EXCERPT = 120


def validated(shape: Any, node: Node, file: str, text: str) -> Any:
    """Turn a file's values into records.

    Args:
        shape: The record, or dict of records, the file must have.
        node: The file's values with their places.
        file: Name of the file, for messages.
        text: Its text, for messages.

    Raises:
        FileError: The values do not fit; every fault with its line, in the order of the lines.
    """
    try:
        return _adapter(shape).validate_python(plain(node))
    except ValidationError as error:
        lines = text.splitlines()
        faults = {_fault(shape, node, dict(fault), lines) for fault in error.errors(include_url=False)}
        raise FileError("\n".join(f"{file}:{line}: {said}" for line, said in sorted(faults))) from None


@cache
def _adapter(shape: Any) -> TypeAdapter[Any]:
    return TypeAdapter(shape)


def _fault(shape: Any, node: Node, fault: Mapping[str, Any], lines: list[str]) -> tuple[int, str]:
    """Return the line of a fault, and what is wrong there with the line itself."""
    place, path = node, []
    for part in fault["loc"]:
        inner = _part_of(place, part)
        if inner is not None:
            place = inner
            path.append(f"[{part + 1}]" if isinstance(part, int) else f".{part}")
    at_key = fault["type"] in AT_KEY or isinstance(place.value, dict | None)
    line = place.key_line if at_key and place.key_line else place.line
    said = _said(fault, "".join(path).removeprefix(".") or "the file", _known_keys(shape, fault["loc"]))
    return line, f"{said}\n    {lines[line - 1][:LONGEST_EXCERPT] if line <= len(lines) else ''}"


def _part_of(node: Node, part: Any) -> Node | None:
    if isinstance(node.value, dict):
        return node.value.get(part)
    if isinstance(node.value, list) and isinstance(part, int) and part < len(node.value):
        found: Node = node.value[part]
        return found
    return None


AT_KEY = ("extra_forbidden", "missing", "union_tag_not_found", "union_tag_invalid")
EXPECTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list, such as [a, b]",
    **dict.fromkeys(("dict_type", "model_type", "union_tag_not_found"), "names with what belongs to them"),
}
KINDS = "stock, flow, auxiliary, constant or lookup"


def _said(fault: Mapping[str, Any], where: str, known: list[str]) -> str:
    kind, given = fault["type"], fault.get("input")
    if kind == "extra_forbidden":
        key = str(fault["loc"][-1])
        return f"'{key}' is not known here.{did_you_mean(key, known)} Known: {', '.join(known)}"
    if kind == "missing":
        return f"{where} does not say '{fault['loc'][-1]}'"
    if kind == "union_tag_not_found" and isinstance(given, dict):
        return f"{where} does not say its kind: {KINDS}"
    if kind == "union_tag_invalid":
        tag = str(fault["ctx"]["tag"]).removeprefix(ARM)
        return f"{where}: kind is '{tag}'; it must be {KINDS}"
    if kind == "literal_error":
        return f"{where}: {_not_among(given, str(fault['ctx']['expected']))}"
    reason = f"expected {EXPECTED[kind]}" if kind in EXPECTED else str(fault["msg"]).removeprefix("Value error, ")
    return f"{where}: {reason}" + ("" if isinstance(given, dict) else f"; found {_shown(given)}")


def _not_among(given: Any, expected: str) -> str:
    known = re.findall("'([^']*)'", expected)
    near = did_you_mean(given, known) if isinstance(given, str) else ""
    return f"expected one of {', '.join(filter(None, known))}; found {_shown(given)}.{near}"


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else f"{text[:57]}..."


BY_ARM: dict[str, Any] = {
    "*stock": r.StockRecord,
    "*flow": r.FlowRecord,
    "*auxiliary": r.AuxiliaryRecord,
    "*lookup": r.LookupRecord,
    "*constant": r.ConstantRecord,
    "*belief": r.BeliefRecord,
}


def _known_keys(shape: Any, location: tuple[Any, ...]) -> list[str]:
    """Return the keys a record may have, of the record that holds the last part of a location."""
    for part in location[:-1]:
        shape = _below(_bare(shape), part)
    shape = _bare(shape)
    return list(shape.model_fields) if isinstance(shape, type) and issubclass(shape, BaseModel) else []


def _below(shape: Any, part: Any) -> Any:
    """Return the shape of one part of a record, mapping, list or choice."""
    if part in BY_ARM:
        return BY_ARM[part]
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        return shape.model_fields[part].annotation if part in shape.model_fields else Any
    return get_args(shape)[-1] if get_origin(shape) in (dict, list) else Any


def _bare(shape: Any) -> Any:
    """Return a shape without what is annotated to it, and without None as an alternative."""
    while get_origin(shape) is Annotated:
        shape = get_args(shape)[0]
    if get_origin(shape) in (Union, types.UnionType):
        arms = [arm for arm in get_args(shape) if arm is not type(None)]
        return _bare(arms[0]) if len(arms) == 1 else shape
    return shape
