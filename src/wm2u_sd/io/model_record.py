"""A model as plain values and back, to travel inside a results file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from wm2u_sd.errors import FileError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import KIND_OF, Kind, Prior, Variable, facts_of, kind_of

RECORD_OF = {kind: record for record, kind in KIND_OF.items()}


def model_to_dict(model: Model) -> dict[str, Any]:
    """Return a model as values JSON can hold."""
    return {
        "name": model.name,
        "title": model.title,
        "doc": model.doc,
        "time": asdict(model.time),
        "dimensions": [facts_of(dimension) for dimension in model.dimensions.values()],
        "variables": [{"kind": str(kind_of(v)), **facts_of(v)} for v in model.variables.values()],
        "balance": facts_of(model.balance) if model.balance else None,
        "loops": [facts_of(loop) for loop in model.loops],
    }


def model_from_dict(facts: Mapping[str, Any]) -> Model:
    """Read back what `model_to_dict` gave.

    Raises:
        FileError: Something is missing or of the wrong form.
    """
    try:
        model = Model(
            facts["name"],
            time=Time(**facts["time"]),
            balance=Balance(**frozen(facts["balance"])) if facts["balance"] else None,
            loops=tuple(Loop(**frozen(loop)) for loop in facts["loops"]),
            title=facts["title"],
            doc=facts["doc"],
        )
        dimensions = [Dimension(**frozen(dimension)) for dimension in facts["dimensions"]]
        return model.define(*dimensions, *(_variable_from_dict(variable) for variable in facts["variables"]))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise FileError(f"this is not a model record ({type(error).__name__}: {error})") from None


def _variable_from_dict(facts: Mapping[str, Any]) -> Variable:
    plain = {key: value for key, value in frozen(facts).items() if key != "kind"}
    if plain.get("prior"):
        plain["prior"] = Prior(**plain["prior"])
    record: Variable = RECORD_OF[Kind(facts["kind"])](**plain)
    return record


def frozen(facts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the facts with tuples in the place of lists, all the way down, as records made from a file hold them."""
    return {key: _frozen(value) for key, value in facts.items()}


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value
