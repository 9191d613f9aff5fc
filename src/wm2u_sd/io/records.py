"""What the files of a model folder may hold, and validation that answers with file and line.

The records are pydantic models; their JSON schema is published for editors. Unknown keys are refused, all faults
of a file are collected, and each says where it stands.
"""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from wm2u_sd.errors import FileError, caret, did_you_mean
from wm2u_sd.io.strict_yaml import Node, plain


def _from_percent(value: Any) -> Any:
    """Read '35%' as 0.35."""
    if isinstance(value, str) and value.strip().endswith("%"):
        return float(value.strip()[:-1]) / 100
    return value


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("expected a number, found true or false")
    return value


def _equation(value: Any) -> Any:
    """Read a bare number as an equation."""
    return repr(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Number = Annotated[float, BeforeValidator(_no_bool), BeforeValidator(_from_percent), Field(allow_inf_nan=False)]
Equation = Annotated[str, BeforeValidator(_equation)]
Point = Annotated[tuple[Number, Number], Field()]
Values = Number | list[Number] | list[list[Number]] | list[list[list[Number]]]  # one level for each dimension


def _step(value: Any) -> Any:
    if isinstance(value, str):
        try:
            Fraction(value)
        except (ValueError, ZeroDivisionError):
            raise ValueError(f"'{value}' is neither a number nor a fraction such as 1/8") from None
    return value


Step = Annotated[float | str, BeforeValidator(_step), BeforeValidator(_no_bool)]


class Record(BaseModel):
    """Base of every record: nothing unknown, nothing guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=False, str_strip_whitespace=True)


class TimeRecord(Record):
    """`time` of model.yaml."""

    start: Number = 0.0
    end: Number
    step: Step = 1.0
    units: str = "month"
    saveper: Step | None = None
    method: Literal["euler", "rk2", "rk4"] = "euler"
    origin: str = ""


class DimensionRecord(Record):
    """One dimension or sub-range."""

    elements: list[str] = []
    of: str = ""
    doc: str = ""


class Described(Record):
    """What every variable may say about itself."""

    units: str = ""
    label: str = ""
    doc: str = ""
    source: str = ""


class StockRecord(Described):
    """A stock."""

    kind: Literal["stock"]
    initial: Equation = "0"
    inflows: list[str] = []
    outflows: list[str] = []
    over: list[str] = []
    non_negative: bool = False
    population: str = ""


class FlowRecord(Described):
    """A flow."""

    kind: Literal["flow"]
    equation: Equation
    over: list[str] = []
    outside: str = ""


class AuxiliaryRecord(Described):
    """An auxiliary."""

    kind: Literal["auxiliary"]
    equation: Equation
    over: list[str] = []


class LookupRecord(Described):
    """A lookup."""

    kind: Literal["lookup"]
    points: list[Point]
    x_units: str = ""
    extrapolation: Literal["hold", "linear"] = "hold"


class PriorRecord(Record):
    """What is believed about a number; see `wm2u_sd.Prior`."""

    distribution: Literal["fixed", "uniform", "triangular", "normal", "lognormal", "beta"]
    low: Number
    high: Number
    central: Number | None = None
    chance_of_none: Annotated[Number, Field(ge=0, lt=1)] = 0.0
    none_value: Number = 0.0


class ParameterRecord(Record):
    """A constant, or in a locality what differs of one; a field left out is not changed."""

    value: Values | None = None
    units: str | None = None
    over: list[str] | None = None
    prior: PriorRecord | None = None
    grade: Literal["A", "B", "C", "D"] | None = None
    lever: bool | None = None
    label: str | None = None
    doc: str | None = None
    source: str | None = None


class ConstantRecord(ParameterRecord):
    """A constant among the variables."""

    kind: Literal["constant"]


VariableRecord = Annotated[
    StockRecord | FlowRecord | AuxiliaryRecord | LookupRecord | ConstantRecord, Field(discriminator="kind")
]


class BalanceRecord(Record):
    """`balance` of model.yaml; see `wm2u_sd.Balance`."""

    solve: list[str]
    steady: list[str] = []
    zero: list[str] = []


class LoopRecord(Record):
    """A named feedback loop."""

    name: str
    path: list[str]
    polarity: Literal["reinforcing", "balancing", ""] = ""
    label: str = ""
    evidence: str = ""


class ModelRecord(Record):
    """model.yaml."""

    name: str
    title: str = ""
    doc: str = ""
    structure: str = ""
    time: TimeRecord | None = None
    dimensions: dict[str, DimensionRecord] = {}
    variables: dict[str, VariableRecord] = {}
    balance: BalanceRecord | None = None
    loops: list[LoopRecord] = []


class LeverRecord(Record):
    """One change of a scenario; see `wm2u_sd.Lever`."""

    target: str
    to: Number | None = None
    add: Number | None = None
    times: Number | None = None
    series: list[Point] | None = None
    points: list[Point] | None = None
    start: Number | None = None
    end: Number | None = None
    ramp: Annotated[Number, Field(ge=0)] = 0.0


class ScenarioRecord(Record):
    """One scenario."""

    label: str = ""
    target: str = ""
    actors: list[str] = []
    levers: list[LeverRecord] = []
    cost_line: str = ""
    assumption: str = ""
    disagrees: str = ""
    source: str = ""


class BeliefRecord(Record):
    """A number of the ledger with what is believed about it."""

    value: Number | None = None
    prior: PriorRecord | None = None
    shared: str = ""


Belief = Number | BeliefRecord


class CostRecord(Record):
    """One line of the ledger; see `wm2u_sd.CostLine`."""

    label: str = ""
    driver: str
    unit_cost: Belief
    units: str
    payer: str
    gainer: str = ""
    kind: Literal["fiscal", "economic", "social", "transfer"]
    category: str
    cashable_share: Belief | None = None
    cashable_delay: Belief | None = None
    real_growth: Belief | None = None
    optimism_grade: Annotated[int, Field(ge=1, le=6)] | None = None
    scale: str | list[str] | None = None
    schedule: str = ""
    source: str = ""
    grade: Literal["A", "B", "C", "D", ""] = ""


class CostsRecord(Record):
    """costs.yaml."""

    lines: dict[str, CostRecord]


class ErrorRecord(Record):
    """Error of a count."""

    relative: Annotated[Number, Field(ge=0)] = 0.0
    absolute: Annotated[Number, Field(ge=0)] = 0.0


class SeriesRecord(Record):
    """One measure and what it observes."""

    observes: str
    kind: Literal["stock", "flow"]
    period: Annotated[Number, Field(ge=0)] = 0.0
    file: str
    error: ErrorRecord


class ObservationsRecord(Record):
    """observations.yaml."""

    series: dict[str, SeriesRecord]


class FreeRecord(Record):
    """A constant a fit may move; see `wm2u_sd.Free`."""

    scale: Literal["log", "linear"]
    low: Number
    high: Number
    central: Number
    spread: Annotated[Number, Field(gt=0)]


class FitRecord(Record):
    """fit.yaml."""

    free: dict[str, FreeRecord]


FILES: dict[str, Any] = {
    "model.yaml": ModelRecord,
    "parameters.yaml": dict[str, ParameterRecord],
    "scenarios.yaml": dict[str, ScenarioRecord],
    "costs.yaml": CostsRecord,
    "observations.yaml": ObservationsRecord,
    "fit.yaml": FitRecord,
}

T = TypeVar("T")


def validated(shape: type[T] | Any, node: Node, file: str, text: str) -> T:
    """Turn a file's values into records.

    Args:
        shape: The record, or dict of records, the file must have.
        node: The file's values with their places.
        file, text: For messages.

    Raises:
        FileError: The values do not fit; every fault with its line, in the order of the lines.
    """
    try:
        found: T = TypeAdapter(shape).validate_python(plain(node))
        return found
    except ValidationError as error:
        faults = {_fault(shape, node, dict(fault), file, text) for fault in error.errors()}
        raise FileError("\n".join(message for _, message in sorted(faults))) from None


def _fault(shape: Any, node: Node, fault: Mapping[str, Any], file: str, text: str) -> tuple[int, str]:
    place, trail = node, [str(part) for part in fault["loc"]]
    path: list[str] = []
    for part in fault["loc"]:
        if isinstance(place.value, dict) and part in place.value:
            place = place.value[part]
        elif isinstance(place.value, list) and isinstance(part, int) and part < len(place.value):
            place = place.value[part]
        else:
            continue
        path.append(str(part))
    line = place.key_line if fault["type"] == "extra_forbidden" else place.line
    where = ".".join(path)
    said = _said(fault, where, _siblings(shape, fault["loc"], plain(node)), trail)
    excerpt = caret(text.splitlines()[line - 1], 0, len(text.splitlines()[line - 1])) if text.splitlines() else ""
    return line, f"{file}:{line}: {said}\n{excerpt.splitlines()[0] if excerpt else ''}"


def _said(fault: Mapping[str, Any], where: str, known: list[str], trail: list[str]) -> str:
    kind, last = fault["type"], trail[-1] if trail else ""
    if kind == "extra_forbidden":
        return f"'{last}' is not known here.{did_you_mean(last, known)} Known: {', '.join(known)}"
    if kind == "missing":
        return f"{where or 'the file'} does not say '{last}'"
    if kind == "union_tag_not_found":
        return f"{where} does not say its kind: stock, flow, auxiliary, constant or lookup"
    if kind == "union_tag_invalid":
        tag = str(fault["ctx"]["tag"])
        return f"{where}: kind is '{tag}'; it must be stock, flow, auxiliary, constant or lookup"
    reason = str(fault["msg"]).removeprefix("Value error, ")
    return f"{where or 'the file'}: {reason[:1].lower() + reason[1:]}; found {_shown(fault.get('input'))}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _siblings(shape: Any, location: tuple[Any, ...], values: Any) -> list[str]:
    """Return the keys known where a fault stands, from the record the location leads to."""
    record = shape
    for part in location[:-1]:
        if isinstance(record, type) and issubclass(record, BaseModel):
            if part not in record.model_fields:
                continue
            record = record.model_fields[str(part)].annotation
        record = _inner(record, part, values)
        values = values.get(part) if isinstance(values, dict) else None
    return list(record.model_fields) if isinstance(record, type) and issubclass(record, BaseModel) else []


BY_KIND: dict[str, type[Record]] = {
    "stock": StockRecord,
    "flow": FlowRecord,
    "auxiliary": AuxiliaryRecord,
    "lookup": LookupRecord,
    "constant": ConstantRecord,
}


def _inner(annotation: Any, part: Any, values: Any) -> Any:
    """Return what a part of a list, mapping or choice holds."""
    if part in BY_KIND:
        return BY_KIND[part]
    arguments = [a for a in getattr(annotation, "__args__", ()) if a is not type(None)]
    records = [a for a in arguments if isinstance(a, type) and issubclass(a, BaseModel)]
    return records[-1] if records else annotation
