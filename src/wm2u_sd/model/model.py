"""A model: names and records, never changed once made."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from types import MappingProxyType
from typing import Any

from wm2u_sd.errors import ModelError, NameUnknownError, did_you_mean
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import (
    NO_PLACE,
    Auxiliary,
    Constant,
    Flow,
    Kind,
    Lookup,
    Place,
    Stock,
    Variable,
    a_kind,
    facts_of,
    kind_of,
    settle,
)


@dataclass(frozen=True, slots=True)
class Balance:
    """Which constants are found so that the model starts at rest.

    Attributes:
        solve: Constants to find, one for each condition.
        steady: Stocks that must stand still at the start.
        zero: Auxiliaries that must be 0 at the start.
    """

    solve: Sequence[str]
    steady: Sequence[str] = ()
    zero: Sequence[str] = ()
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "solve", "steady", "zero")


@dataclass(frozen=True, slots=True)
class Loop:
    """A feedback loop the builders named: the variables it runs through, in order."""

    name: str
    path: Sequence[str]
    polarity: str = ""
    label: str = ""
    evidence: str = ""
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "path")


@dataclass(frozen=True)
class Model:
    """A stock-and-flow model as data: time, dimensions and variables.

    Build one with `Model(name, time=...).define(record, ...)` or `load_model(folder)`. Equations are text and may refer
    forward; nothing is checked until `check` or `simulate`.
    """

    name: str
    time: Time = field(default_factory=Time)
    variables: Mapping[str, Variable] = field(default_factory=dict)
    dimensions: Mapping[str, Dimension] = field(default_factory=dict)
    balance: Balance | None = None
    loops: Sequence[Loop] = ()
    title: str = ""
    doc: str = ""

    def __post_init__(self) -> None:
        for what in ("variables", "dimensions"):
            given = getattr(self, what)
            if not isinstance(given, Mapping):
                raise ModelError(f"{self.name}: '{what}' holds no records by name; use Model(name).define(record, ...)")
            object.__setattr__(self, what, MappingProxyType(dict(given)))
        settle(self, "loops")

    def define(self, *records: Variable | Dimension) -> Model:
        """Return a model with these records added; a record of the same name replaces the one before it."""
        variables, dimensions = dict(self.variables), dict(self.dimensions)
        for record in records:
            if isinstance(record, Dimension):
                dimensions[record.name] = record
            elif isinstance(record, Variable):
                variables[record.name] = record
            else:
                raise ModelError(
                    f"{self.name}: define() takes Stock, Flow, Auxiliary, Constant, Lookup or Dimension; "
                    f"got {type(record).__name__}"
                )
        return replace(self, variables=variables, dimensions=dimensions)

    def with_time(self, **changes: Any) -> Model:
        """Return the same model over another time, e.g. `with_time(end=240, method='rk4')`.

        Raises:
            ModelError: Time has nothing of that name, or cannot be so.
        """
        known = [field.name for field in fields(Time)]
        for name in (name for name in changes if name not in known):
            raise ModelError(f"time: there is no '{name}'; it has {', '.join(known)}.{did_you_mean(name, known)}")
        return replace(self, time=replace(self.time, **changes))

    def with_values(self, values: Mapping[str, Any]) -> Model:
        """Return the same model with these constants set.

        Raises:
            NameUnknownError: A name is not a constant of the model.
        """
        return self.define(*(replace(self.constant(name), value=value) for name, value in values.items()))

    def get(self, name: str) -> Variable:
        """Return the variable of this name.

        Raises:
            NameUnknownError: Nothing is called that.
        """
        if name not in self.variables:
            raise NameUnknownError(f"There is no variable '{name}' in {self.name}.{did_you_mean(name, self.variables)}")
        return self.variables[name]

    def constant(self, name: str) -> Constant:
        """Return the constant of this name.

        Raises:
            NameUnknownError: Nothing is called that, or it is worked out from other things.
        """
        variable = self.variables.get(name)
        if isinstance(variable, Constant):
            return variable
        if isinstance(variable, Lookup):
            raise NameUnknownError(
                f"'{name}' in {self.name} is a lookup; only constants can be set. {new_points(name)}"
            )
        if variable is not None:
            raise NameUnknownError(
                f"'{name}' in {self.name} is {a_kind(variable)}, worked out from other things; "
                "only constants can be set. Change one of the constants it depends on."
            )
        known = [constant.name for constant in self.constants()]
        near = f" {whole_only(name)}" if is_element(name, known) else did_you_mean(str(name), known)
        raise NameUnknownError(f"There is no constant '{name}' in {self.name}.{near}")

    def of_kind(self, kind: Kind) -> list[Variable]:
        """Return the variables of one kind, in the order they were defined."""
        return [variable for variable in self.variables.values() if kind_of(variable) is kind]

    def stocks(self) -> list[Stock]:
        """Return the stocks."""
        return [v for v in self.variables.values() if isinstance(v, Stock)]

    def flows(self) -> list[Flow]:
        """Return the flows."""
        return [v for v in self.variables.values() if isinstance(v, Flow)]

    def auxiliaries(self) -> list[Auxiliary]:
        """Return the auxiliaries."""
        return [v for v in self.variables.values() if isinstance(v, Auxiliary)]

    def constants(self) -> list[Constant]:
        """Return the constants."""
        return [v for v in self.variables.values() if isinstance(v, Constant)]

    def lookups(self) -> list[Lookup]:
        """Return the lookups."""
        return [v for v in self.variables.values() if isinstance(v, Lookup)]

    @property
    def digest(self) -> str:
        """Fingerprint of everything that can change a result (not labels, docs or where a record was written)."""
        facts = {
            "time": {**asdict(self.time), "step": str(self.time.exact_step), "saveper": self.time.steps_per_save},
            "dimensions": {n: [list(d.elements), d.of] for n, d in sorted(self.dimensions.items())},
            "variables": {n: _facts(v) for n, v in sorted(self.variables.items())},
            "balance": facts_of(self.balance) if self.balance else None,
        }
        return hashlib.sha256(json.dumps(_canonical(facts), sort_keys=True).encode()).hexdigest()[:16]


WORDING = frozenset({"label", "doc", "source", "grade", "outside", "lever"})


def _canonical(value: Any) -> Any:
    """Return a value such that equal values are written alike: 70 as 70.0, arrays and tuples as lists."""
    if isinstance(value, dict):
        return {str(key): _canonical(part) for key, part in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_canonical(part) for part in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return value if value is None or isinstance(value, bool) else str(value)


def _facts(variable: Variable) -> dict[str, Any]:
    facts = {key: value for key, value in facts_of(variable).items() if key not in WORDING}
    return {"kind": str(kind_of(variable)), **facts}


def is_element(name: object, known: Iterable[str]) -> bool:
    """Whether a name is a known one with a subscript, e.g. people[north]."""
    return isinstance(name, str) and name.endswith("]") and name.partition("[")[0] in set(known)


def whole_only(name: str) -> str:
    """Say what to do instead of setting one element."""
    return f"One element cannot be set by itself; set the whole of '{name.partition('[')[0]}', or split it."


def new_points(name: str) -> str:
    """Say how a lookup is changed."""
    return f"Give it other points: Lever('{name}', points=[(x, y), ...])."


def names(records: Iterable[Variable]) -> list[str]:
    """Return the names of these records."""
    return [record.name for record in records]
