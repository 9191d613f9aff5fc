"""Numbers, points, equations and names as the files of a model folder may give them."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Discriminator, Tag, WithJsonSchema
from typing_extensions import TypeAliasType

PERCENT = re.compile(r"([-+]?[0-9]{1,12}(?:\.[0-9]{0,12})?)\s*%")
FRACTION = re.compile(r"[0-9]{1,9}(/[1-9][0-9]{0,8}|\.[0-9]{1,9})?")


def _number(value: Any) -> float:
    """Read a number, or text such as '35%' as 0.35."""
    percent = PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    if percent:
        return float(Fraction(percent[1]) / 100)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("expected a number")
    return float(value)


def _not_negative(value: float) -> float:
    if value < 0:
        raise ValueError("expected 0 or above")
    return value


def _positive(value: float) -> float:
    if value <= 0:
        raise ValueError("expected a number above 0")
    return value


def _chance(value: float) -> float:
    if not 0 <= value < 1:
        raise ValueError("expected a share from 0 to below 1, such as 0.35 or 35%")
    return value


def _grade_of_evidence(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 6:
        raise ValueError("expected a whole number from 1 to 6")
    return value


def _equation(value: Any) -> str:
    """Read a bare number as an equation."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if not isinstance(value, str):
        raise ValueError("expected an equation")
    return value


def _point(value: Any) -> tuple[float, float]:
    if not isinstance(value, list) or len(value) != 2:
        raise ValueError("expected a point of two numbers, such as [0, 1]")
    return _number(value[0]), _number(value[1])


def _step(value: Any) -> float | str:
    """Read a length of time: a number, or a fraction kept as text so that it stays exact."""
    if isinstance(value, str) and FRACTION.fullmatch(value):
        return value
    try:
        return _number(value)
    except ValueError:
        raise ValueError("expected a number, or a fraction such as 1/8") from None


def _name_or_names(value: Any) -> Any:
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(part, str) for part in value)):
        return value
    raise ValueError("expected a name, or a list of names")


NUMBER_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^[-+]?[0-9.]+ *%$"}]}
POINT_SCHEMA: dict[str, Any] = {"type": "array", "minItems": 2, "maxItems": 2, "items": NUMBER_SCHEMA}
STEP_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "number"}, {"type": "string", "pattern": "^[0-9./]+$"}]}
NAMES_SCHEMA: dict[str, Any] = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}

Number = Annotated[float, BeforeValidator(_number), WithJsonSchema(NUMBER_SCHEMA)]
NotNegative = Annotated[Number, AfterValidator(_not_negative), WithJsonSchema(NUMBER_SCHEMA)]
Positive = Annotated[Number, AfterValidator(_positive), WithJsonSchema(NUMBER_SCHEMA)]
Chance = Annotated[Number, AfterValidator(_chance), WithJsonSchema(NUMBER_SCHEMA)]
Equation = Annotated[str, BeforeValidator(_equation), WithJsonSchema({"type": ["string", "number"]})]
Point = Annotated[Any, BeforeValidator(_point), WithJsonSchema(POINT_SCHEMA)]
Step = Annotated[Any, BeforeValidator(_step), WithJsonSchema(STEP_SCHEMA)]
Names = Annotated[Any, BeforeValidator(_name_or_names), WithJsonSchema(NAMES_SCHEMA)]
EvidenceGrade = Annotated[
    int, BeforeValidator(_grade_of_evidence), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 6})
]

ARM = "*"  # begins the name of an arm of a choice, so that it is never taken for a key of a file


def _arm_of_values(value: Any) -> str:
    return "*list" if isinstance(value, list) else "*number"


Values = TypeAliasType(
    "Values",
    Annotated[
        Annotated[Number, Tag("*number")] | Annotated["list[Values]", Tag("*list")], Discriminator(_arm_of_values)
    ],
)
