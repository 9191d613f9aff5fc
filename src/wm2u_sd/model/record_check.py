"""Check that records are what they say: names that can be names, fields of the right type, dimensions that exist."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from os import PathLike, fspath
from typing import Any

from wm2u_sd.errors import ModelError, ParseError, did_you_mean
from wm2u_sd.expr.functions import FUNCTIONS, IN_RESULTS, RESERVED
from wm2u_sd.expr.nodes import Expression
from wm2u_sd.expr.parser import NAME, WORDS, parse
from wm2u_sd.model.diagnostics import Case, Code, Finding, Placed, equation_text, shortened
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Flow, Place, Prior, Stock, Variable

INTEGRAL_OF = "cumulative_"

Rule = tuple[Callable[[Any], bool], str]


def is_text(value: Any) -> bool:
    """Whether a value is text."""
    return isinstance(value, str)


def is_names(value: Any) -> bool:
    """Whether a value is a list or tuple of text."""
    return isinstance(value, list | tuple) and all(map(is_text, value))


TEXT: Rule = (is_text, "text")
EQUATION: Rule = (is_text, "an equation, which is text: put it in quotes")
NAMES: Rule = (is_names, "a list of names, e.g. ['a', 'b']")
YES_OR_NO: Rule = (lambda value: isinstance(value, bool), "true or false")
RULES: Mapping[str, Rule] = {
    **dict.fromkeys(("units", "label", "doc", "source", "population", "outside", "grade"), TEXT),
    **dict.fromkeys(("x_units", "extrapolation"), TEXT),
    **dict.fromkeys(("equation", "initial"), EQUATION),
    **dict.fromkeys(("over", "inflows", "outflows"), NAMES),
    **dict.fromkeys(("non_negative", "lever"), YES_OR_NO),
    "prior": (lambda value: value is None or isinstance(value, Prior), "a Prior"),
    "place": (lambda value: isinstance(value, Place), "a Place"),
}


def must_be_model(model: Any) -> None:
    """Refuse what is no model, and say how to come by one.

    Raises:
        ModelError: It is a folder, a path or anything else.
    """
    if isinstance(model, Model):
        return
    if isinstance(getattr(model, "model", None), Model):
        raise ModelError("expected a Model, but this is a ModelFolder, which holds one: give folder.model")
    path = fspath(model) if isinstance(model, str | PathLike) else "path/to/folder"
    raise ModelError(f"expected a Model, but got {shortened(model)}; load it first: sd.load({path!r}).model")


def examine(model: Model, files: Mapping[str, str]) -> tuple[Case, list[Finding]]:
    """Return what of a model can be looked at further, and what is wrong with the rest.

    Raises:
        ModelError: It is no model at all.
    """
    must_be_model(model)
    reading = _Reading(model, Case(model, files=files))
    dimensions = {name: d for name, d in model.dimensions.items() if reading.dimension(name, d)}
    variables = {name: v for name, v in model.variables.items() if reading.variable(name, v, dimensions)}
    broken = frozenset(map(str, model.variables)) - set(variables)
    time = model.time if reading.time(model.time) else Time()
    balance = model.balance if reading.balance(model.balance) else None
    loops = tuple(loop for loop in reading.listed(model.loops) if reading.loop(loop))
    sound = replace(model, variables=variables, dimensions=dimensions, time=time, balance=balance, loops=loops)
    trees = reading.equations(variables)
    return Case(sound, broken, trees, files), reading.findings


@dataclass
class _Reading:
    """Collects what is wrong; each method answers whether a record can be looked at further."""

    model: Model
    case: Case
    findings: list[Finding] = field(default_factory=list)

    def say(self, code: Code, message: str, of: Placed | None = None, hint: str = "", word: str = "") -> bool:
        self.findings.append(self.case.error(code, message, of, hint=hint, word=word))
        return False

    def time(self, time: Any) -> bool:
        if isinstance(time, Time):
            units = shortened(time.units)
            return is_text(time.units) or self.say(Code.KINDS, f"time: units is {units}; it must be text, e.g. 'month'")
        return self.say(Code.KINDS, f"the time of the model is {shortened(time)}; give a Time(start, end, step, units)")

    # Balance and loops ------------------------------------------------------------------------------------------------

    def balance(self, record: Any) -> bool:
        if record is None:
            return True
        if not isinstance(record, Balance):
            message = f"the balance of the model is {shortened(record)}; give a Balance(solve, steady, zero)"
            return self.say(Code.BALANCE, message)
        wrong = [name for name in ("solve", "steady", "zero") if not is_names(getattr(record, name))]
        for name in wrong:
            message = f"balance: '{name}' is {shortened(getattr(record, name))}; it must be {NAMES[1]}"
            self.say(Code.BALANCE, message, placed(record))
        return not wrong

    def listed(self, loops: Any) -> Sequence[Any]:
        if isinstance(loops, list | tuple):
            return loops
        self.say(Code.LOOPS, f"the loops of the model are {shortened(loops)}; give a list of Loop(name, path)")
        return ()

    def loop(self, record: Any) -> bool:
        if not isinstance(record, Loop):
            return self.say(Code.LOOPS, f"among the loops is {shortened(record)}; give a Loop(name, path)")
        if not is_text(record.name):
            return self.say(
                Code.LOOPS, f"a loop has the name {shortened(record.name)}; it must be text", placed(record)
            )
        message = f"loop {record.name}: 'path' is {shortened(record.path)}; it must be {NAMES[1]}"
        return is_names(record.path) or self.say(Code.LOOPS, message, placed(record))

    # Dimensions -------------------------------------------------------------------------------------------------------

    def dimension(self, name: Any, record: Any) -> bool:
        faults = [*name_faults(name, record, Dimension), *self.element_faults(record)]
        for fault in faults[:1]:
            self.say(Code.DIMENSIONS, f"dimension {shortened(name)}: {fault}", placed(record))
        return not faults

    def element_faults(self, record: Any) -> Iterator[str]:
        if not isinstance(record, Dimension) or not is_text(record.of):
            yield f"'of' is {shortened(getattr(record, 'of', None))}; it must be the name of a dimension"
        elif not is_names(record.elements):
            yield f"'elements' is {shortened(record.elements)}; it must be a list of names, e.g. ['a', 'b']"
        else:
            twice = [element for element in dict.fromkeys(record.elements) if record.elements.count(element) > 1]
            if twice:
                yield f"'{twice[0]}' is among its elements twice; keep one"
            clash = [element for element in record.elements if element in self.model.dimensions]
            if clash:
                yield f"its element '{clash[0]}' is also the name of a dimension; rename one"
            yield from self.part_faults(record) if record.of else self.whole_faults(record)

    def whole_faults(self, record: Dimension) -> Iterator[str]:
        if not record.elements:
            yield "it has no elements; list them, or say 'of' which dimension it is a part"

    def part_faults(self, record: Dimension) -> Iterator[str]:
        whole = self.model.dimensions.get(record.of)
        if not isinstance(whole, Dimension):
            yield f"it is part of '{record.of}', which is no dimension.{did_you_mean(record.of, self.names())}"
        elif whole.of:
            yield f"it is part of '{record.of}', itself a part; say of: {whole.of}"
        elif is_names(whole.elements):
            strange = [element for element in record.elements if element not in whole.elements]
            if strange:
                yield f"'{strange[0]}' is no element of {record.of}.{did_you_mean(strange[0], whole.elements)}"

    def names(self) -> list[str]:
        return [name for name in self.model.dimensions if is_text(name)]

    # Variables --------------------------------------------------------------------------------------------------------

    def variable(self, name: Any, record: Any, dimensions: Mapping[str, Dimension]) -> bool:
        of = placed(record)
        faults = list(name_faults(name, record, Variable))
        if faults:
            return self.say(Code.NAMES, faults[0], of)
        if name in self.model.dimensions:
            self.say(Code.NAMES, f"'{name}' is the name of a variable and of a dimension", of, "Rename one.")
        wrong = [fault for rule in RULES if (fault := field_fault(record, rule))]
        for fault in wrong:
            self.say(Code.KINDS, f"{name}: {fault}", of)
        return not wrong and self.dimensions_of(record, dimensions)

    def dimensions_of(self, record: Variable, dimensions: Mapping[str, Dimension]) -> bool:
        """Whether a variable is over dimensions that can be looked at; those that cannot have their own findings."""
        over = getattr(record, "over", ())
        for name in (name for name in over if name not in self.model.dimensions):
            near = did_you_mean(name, self.names()).strip()
            message = f"{record.name} is over '{name}', which is no dimension"
            return self.say(Code.DIMENSIONS, message, record, near, word=name)
        if len(set(over)) < len(over):
            return self.say(Code.DIMENSIONS, f"{record.name} is over {list(over)}", record, "Name a dimension once.")
        return all(name in dimensions for name in over)

    def equations(self, variables: Mapping[str, Variable]) -> dict[str, Expression]:
        """Read every equation, each on its own."""
        trees = {}
        for name, record in variables.items():
            if isinstance(record, Stock | Flow | Auxiliary):
                try:
                    trees[name] = parse(equation_text(record))
                except ParseError as error:
                    span = (error.position, error.position + 1)
                    self.findings.append(self.case.error(Code.EQUATION, f"{name}: {error.reason}", record, span))
        return trees


def placed(record: Any) -> Placed | None:
    """Return a record that can be pointed at, None when it cannot."""
    return record if isinstance(record, Placed) and isinstance(record.place, Place) else None


def name_faults(name: Any, record: Any, kind: Any) -> Iterator[str]:
    """Yield why a name or record cannot stand in a model."""
    if not is_text(name) or not NAME.fullmatch(name) or name in WORDS:
        yield f"{shortened(name)} is not a name: names are lower_snake_case, e.g. people_waiting"
    elif name in RESERVED or name in FUNCTIONS:
        yield f"'{name}' already means something in equations; choose another name"
    elif name in IN_RESULTS or name.startswith(INTEGRAL_OF):
        meaning = IN_RESULTS.get(name, "names that begin so are running totals")
        yield f"'{name}' already means something in results ({meaning}); choose another name"
    elif not isinstance(record, kind):
        yield f"'{name}' is {shortened(record)}, which is no record of a model"
    elif record.name != name:
        yield f"'{name}' holds a record named {shortened(record.name)}; use one name"


def field_fault(record: Variable, name: str) -> str:
    """Return what is wrong with the type of one field, '' when nothing is."""
    fits, expected = RULES[name]
    if name not in {f.name for f in fields(record)} or fits(getattr(record, name)):
        return ""
    return f"'{name}' is {shortened(getattr(record, name))}; it must be {expected}"
