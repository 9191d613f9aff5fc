"""What the files of a model folder may hold.

The records are pydantic models: unknown keys are refused, and nothing is converted but '35%' to 0.35. `io.faults` says
what is wrong with a file and where; `io.schema` publishes them for editors.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Discriminator, Tag, model_validator

from wm2u_sd.io.scalars import (
    ARM,
    Chance,
    Equation,
    EvidenceGrade,
    Names,
    NotNegative,
    Number,
    Point,
    Positive,
    Step,
    Values,
)


class Record(BaseModel):
    """Base of every record: nothing unknown, nothing guessed."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, str_strip_whitespace=True)


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
    chance_of_none: Chance = 0.0
    none_value: Number = 0.0


class ParameterRecord(Record):
    """A constant, or in a locality what differs of one; a field left out is not changed.

    A bare number, or numbers in lists, is short for `value`.
    """

    value: Values | None = None
    units: str | None = None
    over: list[str] | None = None
    prior: PriorRecord | None = None
    grade: Literal["A", "B", "C", "D"] | None = None
    lever: bool | None = None
    label: str | None = None
    doc: str | None = None
    source: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_value(cls, given: Any) -> Any:
        if given is None:
            raise ValueError("expected a number, or a record with value, units, source ...")
        return given if isinstance(given, dict) else {"value": given}


class ConstantRecord(ParameterRecord):
    """A constant among the variables."""

    kind: Literal["constant"]


def _arm_of_variable(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else None
    return f"{ARM}{kind}" if isinstance(kind, str) else None


VariableRecord = Annotated[
    Annotated[StockRecord, Tag("*stock")]
    | Annotated[FlowRecord, Tag("*flow")]
    | Annotated[AuxiliaryRecord, Tag("*auxiliary")]
    | Annotated[LookupRecord, Tag("*lookup")]
    | Annotated[ConstantRecord, Tag("*constant")],
    Discriminator(_arm_of_variable),
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
    ramp: NotNegative = 0.0


class ScenarioRecord(Record):
    """One scenario; see `wm2u_sd.Scenario`."""

    label: str = ""
    set: dict[str, Number] = {}
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

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.value is None and self.prior is None:
            raise ValueError("give 'value', 'prior' or both")
        return self


def _arm_of_belief(value: Any) -> str:
    return "*belief" if isinstance(value, dict) else "*number"


Belief = Annotated[
    Annotated[Number, Tag("*number")] | Annotated[BeliefRecord, Tag("*belief")], Discriminator(_arm_of_belief)
]


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
    optimism_grade: EvidenceGrade | None = None
    scale: Names | None = None
    schedule: str = ""
    source: str = ""
    grade: Literal["A", "B", "C", "D", ""] = ""


class CostsRecord(Record):
    """costs.yaml."""

    lines: dict[str, CostRecord]


class ErrorRecord(Record):
    """Error of a count."""

    relative: NotNegative = 0.0
    absolute: NotNegative = 0.0

    @model_validator(mode="after")
    def _is_some(self) -> Self:
        if self.relative == self.absolute == 0:
            raise ValueError("give 'relative', 'absolute' or both above 0; no count is exact")
        return self


class SeriesRecord(Record):
    """One measure and what it observes."""

    observes: str
    kind: Literal["stock", "flow"]
    period: NotNegative = 0.0
    file: str
    error: ErrorRecord

    @model_validator(mode="after")
    def _period_fits_kind(self) -> Self:
        if self.kind == "flow" and not self.period:
            raise ValueError("a flow is counted over a time; give its 'period', such as 12")
        if self.kind == "stock" and self.period:
            raise ValueError("a stock is counted on a day and has no 'period'; did you mean kind: flow?")
        return self


class ObservationsRecord(Record):
    """observations.yaml."""

    series: dict[str, SeriesRecord]


class FreeRecord(Record):
    """A constant a fit may move; see `wm2u_sd.Free`."""

    scale: Literal["log", "linear"]
    low: Number
    high: Number
    central: Number
    spread: Positive

    @model_validator(mode="after")
    def _is_a_range(self) -> Self:
        if not self.low <= self.central <= self.high or self.low == self.high:
            raise ValueError(
                f"'central' must lie between 'low' and 'high'; found {self.central:g}, {self.low:g} and {self.high:g}"
            )
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"on a log scale 'low' must be above 0; found {self.low:g}")
        return self


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
