"""The records a model is made of: frozen, plain, the same from Python and from a model folder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed import DataclassInstance


class Kind(StrEnum):
    """What a variable is."""

    STOCK = "stock"
    FLOW = "flow"
    AUXILIARY = "auxiliary"
    CONSTANT = "constant"
    LOOKUP = "lookup"


class Grade(StrEnum):
    """How well a figure is known."""

    MEASURED = "A"
    PUBLISHED = "B"
    DERIVED = "C"
    ELICITED = "D"


class Extrapolation(StrEnum):
    """What a lookup answers outside its points."""

    HOLD = "hold"
    LINEAR = "linear"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record was written, for messages: a file and 1-based line and column of its equation."""

    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.file else ""


NO_PLACE = Place()


def settle(record: object, *names: str) -> None:
    """Make tuples of the lists and arrays in these fields of a record, so that it stays as it is and can be compared.

    What is no sequence is left as it is, for `check` to report.
    """
    for name in names:
        object.__setattr__(record, name, settled(getattr(record, name)))


def settled(value: Any) -> Any:
    """Return a value with tuples in the place of lists and arrays, and plain numbers in the place of NumPy's."""
    try:
        return _settled(value)
    except RecursionError:  # a list that holds itself
        return value


def _settled(value: Any) -> Any:
    if hasattr(value, "tolist"):
        value = value.tolist()
    return tuple(map(_settled, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed about a constant before data.

    Attributes:
        distribution: 'fixed', 'uniform', 'triangular', 'normal', 'lognormal' or 'beta'.
        low, high: For uniform and triangular the ends; for the others the 5% and 95% points.
        central: Mode (triangular) or median (normal, lognormal, beta); unused for uniform.
        chance_of_none: Chance that the constant is exactly `none_value` (an effect that is not there).
        none_value: The value that means "no effect".
    """

    distribution: str
    low: float
    high: float
    central: float
    chance_of_none: float = 0.0
    none_value: float = 0.0


@dataclass(frozen=True, slots=True)
class Stock:
    """A level that only its flows change.

    Attributes:
        initial: Equation text for the value at the start.
        inflows, outflows: Names of flows.
        non_negative: Competing outflows are rationed in proportion so that the stock never goes below zero.
        over: Dimensions or sub-ranges, outermost first.
        population: Name of the conserved population it belongs to; stocks of one population are summed in the ledger.
    """

    name: str
    initial: str = "0"
    units: str = ""
    inflows: Sequence[str] = ()
    outflows: Sequence[str] = ()
    over: Sequence[str] = ()
    non_negative: bool = False
    population: str = ""
    label: str = ""
    doc: str = ""
    source: str = ""
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "inflows", "outflows", "over")


@dataclass(frozen=True, slots=True)
class Flow:
    """A rate, drawn as an edge between two stocks or between a stock and the outside.

    Attributes:
        equation: Equation text, in units of the stock per unit of time.
        outside: For a flow that touches one stock only: what is at its other end.
    """

    name: str
    equation: str = ""
    units: str = ""
    over: Sequence[str] = ()
    outside: str = ""
    label: str = ""
    doc: str = ""
    source: str = ""
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "over")


@dataclass(frozen=True, slots=True)
class Auxiliary:
    """A value worked out from others at the same moment."""

    name: str
    equation: str = ""
    units: str = ""
    over: Sequence[str] = ()
    label: str = ""
    doc: str = ""
    source: str = ""
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "over")


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that stays put during a run unless a scenario moves it.

    Attributes:
        value: One number, or a nested sequence shaped like `over`.
        prior: What is believed about it; None means known or chosen.
        grade: A measured, B published, C derived, D elicited; '' unstated.
        lever: A scenario may set it, and the unused-variable check leaves it alone.
    """

    name: str
    value: float | Sequence[object] = 0.0
    units: str = ""
    over: Sequence[str] = ()
    prior: Prior | None = None
    grade: str = ""
    lever: bool = False
    label: str = ""
    doc: str = ""
    source: str = ""
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "value", "over")


@dataclass(frozen=True, slots=True)
class Lookup:
    """A curve given by points, called by its name like a function of one argument.

    Attributes:
        points: (x, y) pairs, x strictly rising.
        extrapolation: 'hold' the end values or continue the end segments ('linear').
        x_units, units: Units of x and of y.
    """

    name: str
    points: Sequence[tuple[float, float]] = ()
    units: str = ""
    x_units: str = ""
    extrapolation: str = Extrapolation.HOLD
    label: str = ""
    doc: str = ""
    source: str = ""
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "points")


Variable = Stock | Flow | Auxiliary | Constant | Lookup

KIND_OF: dict[type, Kind] = {
    Stock: Kind.STOCK,
    Flow: Kind.FLOW,
    Auxiliary: Kind.AUXILIARY,
    Constant: Kind.CONSTANT,
    Lookup: Kind.LOOKUP,
}


def kind_of(variable: Variable) -> Kind:
    """Return what kind of variable this is."""
    return KIND_OF[type(variable)]


def a_kind(variable: Variable) -> str:
    """Return what kind of variable this is, with its article: 'a stock', 'an auxiliary'."""
    kind = kind_of(variable)
    return f"an {kind}" if kind is Kind.AUXILIARY else f"a {kind}"


def facts_of(record: DataclassInstance) -> dict[str, Any]:
    """Return the fields of a record as plain values, without where it was written."""
    return {key: value for key, value in asdict(record).items() if key != "place"}
