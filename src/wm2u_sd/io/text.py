"""Load a model folder. Nothing in it is ever run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from os.path import lexists
from pathlib import Path
from typing import Any

from wm2u_sd.errors import FileError, ModelError, did_you_mean
from wm2u_sd.io import records as r
from wm2u_sd.io.faults import validated
from wm2u_sd.io.model_record import frozen
from wm2u_sd.io.paths import is_folder, read_utf8, within
from wm2u_sd.io.strict_yaml import LARGEST_FILE, Node, plain, read_once
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import (
    Auxiliary,
    Constant,
    Flow,
    Lookup,
    Place,
    Prior,
    Stock,
    Variable,
)
from wm2u_sd.simulation.scenario import Lever, Scenario

RECORD_OF: dict[type[r.Record], type] = {
    r.StockRecord: Stock,
    r.FlowRecord: Flow,
    r.AuxiliaryRecord: Auxiliary,
    r.LookupRecord: Lookup,
}
MODEL, PARAMETERS, SCENARIOS = "model.yaml", "parameters.yaml", "scenarios.yaml"
COSTS, OBSERVATIONS, FIT = "costs.yaml", "observations.yaml", "fit.yaml"


@dataclass(frozen=True)
class ModelFolder:
    """A model folder as read.

    Attributes:
        path: The folder.
        model: The model.
        scenarios: By name.
        costs: Records of the ledger by name.
        cost_places: Where each line of the ledger stands.
        observations: Records of the series by measure.
        fit: Records of what a fit may move, by constant.
        checks, words, layout: As written, plain values.
        files: Text of the files read, by the file that the places of records name.
    """

    path: Path
    model: Model
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    costs: Mapping[str, r.CostRecord] = field(default_factory=dict)
    cost_places: Mapping[str, Place] = field(default_factory=dict)
    observations: Mapping[str, r.SeriesRecord] = field(default_factory=dict)
    fit: Mapping[str, r.FreeRecord] = field(default_factory=dict)
    checks: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    layout: Mapping[str, Any] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict, repr=False)


def load_model(path: str | Path) -> Model:
    """Load the model of a folder; see `load`."""
    return load(path).model


def load(path: str | Path) -> ModelFolder:
    """Load a model folder.

    Args:
        path: The folder that holds model.yaml. Where that says `structure: ../../core`, the other folder is read
            first and this one is laid over it: parameters field by field, all else name by name.

    Returns:
        The model and what stands beside it.

    Raises:
        FileError: A file is missing or cannot be read; every fault of a file with its line.
    """
    top = _Layer(Path(path))
    return _Loader([*_base(top), top]).folder()


def _base(top: _Layer) -> list[_Layer]:
    """Return the layer a folder's `structure` names, which must lie in the same tree of models.

    Raises:
        FileError: It leads out of the tree, or on to another structure.
    """
    structure = top.model.structure
    if not structure:
        return []
    where = f"{top.at(MODEL, 'structure')}: structure"
    folder = within(top.tree, top.path, structure, where).resolve()
    if not is_folder(folder):
        raise FileError(f"{where} is {structure!r}, and there is no such folder")
    base = _Layer(folder)
    if base.model.structure:
        raise FileError(f"{where} is {structure!r}, which has a 'structure' of its own; only one folder can lie under")
    return [base]


class _Layer:
    """The files of one folder: records, the values they came from with their places, and their text."""

    def __init__(self, path: Path) -> None:
        if not is_folder(path):
            raise FileError(f"{path}: there is no such folder")
        self.path, self.tree = path, path.resolve().parent.parent
        self.nodes: dict[str, Node] = {}
        self.files: dict[str, str] = {}
        self.model: r.ModelRecord = self.read(MODEL)
        self.parameters: dict[str, r.ParameterRecord] = self.read(PARAMETERS) or {}
        self.scenarios: dict[str, r.ScenarioRecord] = self.read(SCENARIOS) or {}
        costs: r.CostsRecord | None = self.read(COSTS)
        observations: r.ObservationsRecord | None = self.read(OBSERVATIONS)
        fit: r.FitRecord | None = self.read(FIT)
        self.costs = costs.lines if costs else {}
        self.observations = observations.series if observations else {}
        self.fit = fit.free if fit else {}

    def read(self, name: str) -> Any:
        node = self.node(name, needed=name == MODEL)
        if node is None:
            return None
        file = str(self.path / name)
        return validated(r.FILES[name], node, file, self.files[file])

    def node(self, name: str, *, needed: bool = False) -> Node | None:
        path = within(self.tree, self.path, name, f"{self.path / name}: the file")
        if not needed and not lexists(path):
            return None
        text = self.files[str(path)] = read_utf8(path, LARGEST_FILE)
        self.nodes[name] = read_once(text, str(path))
        return self.nodes[name]

    def free_form(self, name: str) -> dict[str, Any]:
        node = self.node(name)
        if node is None:
            return {}
        if not isinstance(node.value, dict):
            raise FileError(f"{self.path / name}:{node.line}: expected names with what belongs to them")
        return {key: plain(child) for key, child in node.value.items()}

    def at(self, file: str, *steps: str | int) -> Place:
        """Return where the key stands that these steps lead to, or the item of a list."""
        node = self.nodes[file]
        for step in steps:
            node = node.value[step]
        return Place(str(self.path / file), node.key_line or node.line, 1 if node.key_line else node.column)

    def has(self, file: str, *steps: str) -> bool:
        node = self.nodes.get(file)
        for step in steps:
            node = node.value.get(step) if node is not None and isinstance(node.value, dict) else None
        return node is not None

    def place(self, file: str, *steps: str, part: str) -> Place:
        """Return where the value of a variable begins: its equation, initial value or number."""
        node = self.nodes[file]
        for step in steps:
            node = node.value[step]
        if isinstance(node.value, dict) and part not in node.value:
            return self.at(file, *steps)
        chosen = node.value[part] if isinstance(node.value, dict) else node
        return Place(str(self.path / file), chosen.line, chosen.column)


class _Loader:
    """Lays the layers over each other, the first underneath."""

    def __init__(self, layers: list[_Layer]) -> None:
        self.layers, self.base, self.top = layers, layers[0], layers[-1]

    def folder(self) -> ModelFolder:
        model = self.model()
        self.refuse_unknown(model)
        free_form = {name: self.free_form(f"{name}.yaml") for name in ("checks", "words", "layout")}
        return ModelFolder(
            path=self.top.path,
            model=model,
            scenarios={
                n: _scenario(layer, n, record) for layer in self.layers for n, record in layer.scenarios.items()
            },
            costs=self.laid("costs"),
            cost_places={n: layer.at(COSTS, "lines", n) for layer in self.layers for n in layer.costs},
            observations=self.laid("observations"),
            fit=self.laid("fit"),
            **free_form,
            files={file: text for layer in self.layers for file, text in layer.files.items()},
        )

    def laid(self, what: str) -> dict[str, Any]:
        return {name: record for layer in self.layers for name, record in getattr(layer, what).items()}

    def free_form(self, name: str) -> dict[str, Any]:
        return {key: value for layer in self.layers for key, value in layer.free_form(name).items()}

    def model(self) -> Model:
        own, base = self.top.model, self.base.model
        model = Model(
            own.name,
            time=self.time(),
            balance=self.balance(),
            loops=tuple(_loop(layer, n, loop) for layer in self.layers for n, loop in enumerate(layer.model.loops)),
            title=own.title or base.title,
            doc=own.doc or base.doc,
        )
        dimensions = {name: _dimension(layer, name) for layer in self.layers for name in layer.model.dimensions}
        return model.define(*dimensions.values(), *self.variables().values(), *_Constants(self.layers).laid())

    def balance(self) -> Balance | None:
        layer = self.top if self.top.model.balance else self.base
        record = layer.model.balance
        if record is None:
            return None
        place = layer.at(MODEL, "balance")
        return Balance(tuple(record.solve), tuple(record.steady), tuple(record.zero), place=place)

    def time(self) -> Time:
        layer = self.top if self.top.model.time else self.base
        if layer.model.time is None:
            raise FileError(f"{self.top.path / MODEL}: the file does not say 'time'")
        try:
            return Time(**layer.model.time.model_dump())
        except ModelError as error:
            raise FileError(f"{layer.at(MODEL, 'time')}: {error}") from None

    def variables(self) -> dict[str, Variable]:
        """Return all but the constants; the last layer that says what a name is decides."""
        found: dict[str, Variable] = {}
        for layer in self.layers:
            for name, record in layer.model.variables.items():
                if isinstance(record, r.ConstantRecord):
                    found.pop(name, None)
                else:
                    found[name] = _variable(layer, name, record)
        return found

    def refuse_unknown(self, model: Model) -> None:
        """Refuse fits and observations of what the model does not have, and counts kept elsewhere.

        Raises:
            FileError: Each with its line.
        """
        for layer in self.layers:
            for name, record in layer.observations.items():
                where = f"{layer.at(OBSERVATIONS, 'series', name, 'file')}: file"
                within(self.top.path, self.top.path, record.file, where)
        constants = [constant.name for constant in model.constants()]
        faults = [
            f"{place}: there is no {what} '{name}' in {model.name}.{did_you_mean(name, known)}"
            for layer in self.layers
            for place, what, name, known in [
                *((layer.at(FIT, "free", name), "constant", name, constants) for name in layer.fit),
                *(
                    (layer.at(OBSERVATIONS, "series", name, "observes"), "variable", record.observes, model.variables)
                    for name, record in layer.observations.items()
                ),
            ]
            if name not in known
        ]
        if faults:
            raise FileError("\n".join(faults))


def _dimension(layer: _Layer, name: str) -> Dimension:
    facts = frozen(layer.model.dimensions[name].model_dump())
    return Dimension(name, **facts, place=layer.at(MODEL, "dimensions", name))


def _loop(layer: _Layer, number: int, record: r.LoopRecord) -> Loop:
    return Loop(**frozen(record.model_dump()), place=layer.at(MODEL, "loops", number))


def _variable(layer: _Layer, name: str, record: r.Record) -> Variable:
    part = {r.StockRecord: "initial", r.LookupRecord: "points"}.get(type(record), "equation")
    facts = frozen(record.model_dump(exclude={"kind"}))
    found: Variable = RECORD_OF[type(record)](name, **facts, place=layer.place(MODEL, "variables", name, part=part))
    return found


class _Constants:
    """The constants of the layers, field by field, and what is wrong with them."""

    def __init__(self, layers: list[_Layer]) -> None:
        self.layers = layers
        self.facts: dict[str, dict[str, Any]] = {}
        self.places: dict[str, Place] = {}
        self.others: dict[str, tuple[str, Place]] = {}  # what is no constant: its kind, and where it says so
        self.faults: list[str] = []

    def laid(self) -> list[Constant]:
        """Return the constants.

        Raises:
            FileError: One has no value, or two; or parameters.yaml names what is no constant. Each with its line.
        """
        for layer in self.layers:
            self.structure(layer)
            for name, record in layer.parameters.items():
                self.faults += self.parameter_faults(layer, name)
                self.put(name, record, layer.place(PARAMETERS, name, part="value"))
        for name, facts in self.facts.items():
            if facts.get("value") is None:
                self.faults.append(f"{self.places[name]}: the constant '{name}' has no value")
        if self.faults:
            raise FileError("\n".join(self.faults))
        return [Constant(name, **facts, place=self.places[name]) for name, facts in self.facts.items()]

    def structure(self, layer: _Layer) -> None:
        for name, record in layer.model.variables.items():
            if isinstance(record, r.ConstantRecord):
                self.others.pop(name, None)
                self.put(name, record, layer.place(MODEL, "variables", name, part="value"))
            else:
                self.facts.pop(name, None)
                self.others[name] = str(record.kind), layer.at(MODEL, "variables", name)

    def put(self, name: str, record: r.ParameterRecord, place: Place) -> None:
        self.facts.setdefault(name, {}).update(_given(record))
        self.places[name] = place

    def parameter_faults(self, layer: _Layer, name: str) -> Iterator[str]:
        here = layer.at(PARAMETERS, name)
        if name in self.others:
            kind, there = self.others[name]
            yield f"{here}: '{name}' is of kind {kind} ({there}); only constants stand here"
        elif layer.has(MODEL, "variables", name, "value"):
            there = layer.at(MODEL, "variables", name, "value")
            yield f"{here}: '{name}' also has a value in {there}; keep one"
        elif layer is not self.layers[0] and name not in self.facts:
            near = did_you_mean(name, self.facts)
            yield (
                f"{here}: there is no constant '{name}' in {self.layers[0].model.name}.{near} "
                "A new one is declared in model.yaml, with kind: constant"
            )


def _given(record: r.ParameterRecord) -> dict[str, Any]:
    """Return the fields a record really gives."""
    facts = frozen(record.model_dump(exclude={"kind", "prior"}, exclude_none=True))
    if "prior" in record.model_fields_set:
        facts["prior"] = prior_of(record.prior)
    return facts


def prior_of(record: r.PriorRecord | None) -> Prior | None:
    """Return the prior of a record; without a central value it is the middle."""
    if record is None:
        return None
    central = (record.low + record.high) / 2 if record.central is None else record.central
    return Prior(record.distribution, record.low, record.high, central, record.chance_of_none, record.none_value)


def _scenario(layer: _Layer, name: str, record: r.ScenarioRecord) -> Scenario:
    levers = tuple(
        Lever(**frozen(lever.model_dump()), place=layer.at(SCENARIOS, name, "levers", number))
        for number, lever in enumerate(record.levers)
    )
    facts = frozen(record.model_dump(exclude={"levers"}))
    return Scenario(name, levers=levers, **facts, place=layer.at(SCENARIOS, name))
