"""Load a model folder. Nothing in it is ever run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from wm2u_sd.errors import FileError
from wm2u_sd.io import records as r
from wm2u_sd.io.strict_yaml import Node, plain, read_file
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Place, Prior, Stock, Variable
from wm2u_sd.simulate.scenario import Lever, Scenario

RECORD_OF: dict[type[r.Record], type] = {
    r.StockRecord: Stock,
    r.FlowRecord: Flow,
    r.AuxiliaryRecord: Auxiliary,
    r.LookupRecord: Lookup,
}


@dataclass(frozen=True)
class ModelFolder:
    """A model folder as read.

    Attributes:
        path: The folder.
        model: The model.
        scenarios: By name.
        costs: Records of the ledger by name.
        observations: Records of the series by measure.
        fit: Records of what a fit may move, by constant.
        checks, words, layout: As written, plain values.
    """

    path: Path
    model: Model
    scenarios: Mapping[str, Scenario] = field(default_factory=dict)
    costs: Mapping[str, r.CostRecord] = field(default_factory=dict)
    observations: Mapping[str, r.SeriesRecord] = field(default_factory=dict)
    fit: Mapping[str, r.FreeRecord] = field(default_factory=dict)
    checks: Mapping[str, Any] = field(default_factory=dict)
    words: Mapping[str, Any] = field(default_factory=dict)
    layout: Mapping[str, Any] = field(default_factory=dict)


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
    folder = Path(path)
    layers = [_Layer(folder)]
    while layers[0].model.structure:
        if len(layers) > 1:
            raise FileError(f"{layers[0].path / 'model.yaml'}: 'structure' may not lead on to another 'structure'")
        layers.insert(0, _Layer(_base(folder, layers[0].model.structure)))
    return _Loader(folder, layers).folder()


def _base(folder: Path, structure: str) -> Path:
    """Return the folder a structure names, which must lie in the same tree of models.

    Raises:
        FileError: It leads out of the tree.
    """
    if Path(structure).is_absolute():
        raise FileError(f"{folder / 'model.yaml'}: structure is {structure!r}; give a path relative to the folder")
    base, tree = (folder / structure).resolve(), folder.resolve().parent.parent
    if not base.is_relative_to(tree):
        raise FileError(f"{folder / 'model.yaml'}: structure {structure!r} leads out of {tree}; keep models in one tree")
    return base


class _Layer:
    """The files of one folder."""

    def __init__(self, path: Path) -> None:
        if not path.is_dir():
            raise FileError(f"{path}: there is no such folder")
        self.path = path
        self.nodes: dict[str, Node] = {}
        self.model: r.ModelRecord = self.read("model.yaml", needed=True)
        self.parameters: dict[str, r.ParameterRecord] = self.read("parameters.yaml") or {}
        self.scenarios: dict[str, r.ScenarioRecord] = self.read("scenarios.yaml") or {}
        costs: r.CostsRecord | None = self.read("costs.yaml")
        observations: r.ObservationsRecord | None = self.read("observations.yaml")
        fit: r.FitRecord | None = self.read("fit.yaml")
        self.costs = costs.lines if costs else {}
        self.observations = observations.series if observations else {}
        self.fit = fit.free if fit else {}

    def read(self, name: str, *, needed: bool = False) -> Any:
        path = self.path / name
        if not needed and not path.exists():
            return None
        node = read_file(path)
        if name == "parameters.yaml":
            node = _bare_numbers_as_values(node)
        self.nodes[name] = node
        return r.validated(r.FILES[name], node, str(path), path.read_text(encoding="utf-8"))

    def free_form(self, name: str) -> dict[str, Any]:
        path = self.path / name
        if not path.exists():
            return {}
        found = plain(read_file(path))
        if not isinstance(found, dict):
            raise FileError(f"{path}: expected names with what belongs to them, found {type(found).__name__}")
        return found

    def place(self, name: str, part: str = "") -> Place:
        """Return where a variable stands; for one with an equation, where its text begins."""
        for file, path in (("model.yaml", ("variables", name)), ("parameters.yaml", (name,))):
            node: Node | None = self.nodes.get(file)
            for step in path:
                node = node.value.get(step) if node is not None and isinstance(node.value, dict) else None
            if node is not None:
                inner = node.value.get(part) if isinstance(node.value, dict) and part else None
                chosen = inner or Node(None, node.key_line, 1)
                return Place(str(self.path / file), chosen.line, chosen.column)
        return Place()


def _bare_numbers_as_values(node: Node) -> Node:
    """Read `name: 3` as `name: {value: 3}`."""
    if not isinstance(node.value, dict):
        return node
    return replace(node, value={name: _as_value(child) for name, child in node.value.items()})


def _as_value(node: Node) -> Node:
    if isinstance(node.value, dict):
        return node
    return Node({"value": replace(node, key_line=node.line)}, node.line, node.column, node.key_line)


class _Loader:
    """Lays the layers over each other, the first underneath."""

    def __init__(self, folder: Path, layers: list[_Layer]) -> None:
        self.path, self.layers, self.top = folder, layers, layers[-1]

    def folder(self) -> ModelFolder:
        return ModelFolder(
            path=self.path,
            model=self.model(),
            scenarios={name: _scenario(name, record) for name, record in self.laid("scenarios").items()},
            costs=self.laid("costs"),
            observations=self.laid("observations"),
            fit=self.laid("fit"),
            checks=self.free_form("checks.yaml"),
            words=self.free_form("words.yaml"),
            layout=self.free_form("layout.yaml"),
        )

    def laid(self, what: str) -> dict[str, Any]:
        return {name: record for layer in self.layers for name, record in getattr(layer, what).items()}

    def free_form(self, name: str) -> dict[str, Any]:
        return {key: value for layer in self.layers for key, value in layer.free_form(name).items()}

    def model(self) -> Model:
        own, base = self.top.model, self.layers[0].model
        time = own.time or base.time
        if time is None:
            raise FileError(f"{self.path / 'model.yaml'}: the file does not say 'time'")
        balance = own.balance or base.balance
        dimensions = {**base.dimensions, **own.dimensions}
        model = Model(
            own.name,
            time=Time(**time.model_dump()),
            balance=Balance(tuple(balance.solve), tuple(balance.steady), tuple(balance.zero)) if balance else None,
            loops=tuple(Loop(**{**loop.model_dump(), "path": tuple(loop.path)}) for loop in base.loops + own.loops * (own is not base)),
            title=own.title or base.title,
            doc=own.doc or base.doc,
        )
        records = [Dimension(name, **record.model_dump()) for name, record in dimensions.items()]
        return model.define(*records, *self.variables().values(), *self.constants())

    def variables(self) -> dict[str, Variable]:
        found: dict[str, Variable] = {}
        for layer in self.layers:
            for name, record in layer.model.variables.items():
                if not isinstance(record, r.ConstantRecord):
                    part = "initial" if isinstance(record, r.StockRecord) else "equation"
                    facts = record.model_dump(exclude={"kind"})
                    found[name] = RECORD_OF[type(record)](name, **facts, place=layer.place(name, part))
        return found

    def constants(self) -> list[Constant]:
        fields: dict[str, dict[str, Any]] = {}
        places: dict[str, Place] = {}
        for layer in self.layers:
            for name, record in _constant_records(layer).items():
                fields.setdefault(name, {}).update(_given(record))
                places[name] = layer.place(name, "value")
        return [self.constant(name, facts, places[name]) for name, facts in fields.items()]

    def constant(self, name: str, facts: dict[str, Any], place: Place) -> Constant:
        if facts.get("value") is None:
            raise FileError(f"{place}: the constant '{name}' has no value")
        return Constant(name, **facts, place=place)


def _constant_records(layer: _Layer) -> dict[str, r.ParameterRecord]:
    """Return the constants of both files of a folder.

    Raises:
        FileError: One is given a value in both.
    """
    inside = {n: v for n, v in layer.model.variables.items() if isinstance(v, r.ConstantRecord)}
    twice = [n for n in inside if n in layer.parameters and inside[n].value is not None]
    if twice:
        there = layer.nodes["parameters.yaml"].value[twice[0]].key_line
        here = layer.nodes["model.yaml"].value["variables"].value[twice[0]].key_line
        raise FileError(
            f"{layer.path / 'parameters.yaml'}:{there}: '{twice[0]}' also has a value in "
            f"{layer.path / 'model.yaml'}:{here}; keep one"
        )
    return {**inside, **layer.parameters}


def _given(record: r.ParameterRecord) -> dict[str, Any]:
    """Return the fields a record really gives."""
    facts = record.model_dump(exclude={"kind", "prior"}, exclude_none=True)
    if "prior" in record.model_fields_set:
        facts["prior"] = prior_of(record.prior)
    return facts


def prior_of(record: r.PriorRecord | None) -> Prior | None:
    """Return the prior of a record; without a central value it is the middle."""
    if record is None:
        return None
    central = (record.low + record.high) / 2 if record.central is None else record.central
    return Prior(record.distribution, record.low, record.high, central, record.chance_of_none, record.none_value)


def _scenario(name: str, record: r.ScenarioRecord) -> Scenario:
    facts = record.model_dump(exclude={"levers"})
    return Scenario(name, levers=tuple(Lever(**lever.model_dump()) for lever in record.levers), **facts)
