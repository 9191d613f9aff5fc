"""Check a model: find everything that is wrong at once, and say where."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from wm2u_sd.errors import ModelError, ParseError, UnitsError, caret, did_you_mean
from wm2u_sd.expr.functions import FUNCTIONS, RESERVED, Role
from wm2u_sd.expr.nodes import Call, Expression, Number, Reference
from wm2u_sd.expr.parser import NAME, parse
from wm2u_sd.expr.visit import calls, free_stars, references, walk
from wm2u_sd.model.diagnostics import Finding, Report, Severity
from wm2u_sd.model.graph import CycleFound, topological_order
from wm2u_sd.model.model import Model
from wm2u_sd.model.unit_check import UnitInference
from wm2u_sd.model.variables import NO_PLACE, Constant, Flow, Grade, Lookup, Place, Stock, Variable, kind_of
from wm2u_sd.units import Unit, read_unit

ALLOWED_NUMBERS = (0.0, 1.0)
KNOWN_PRIORS = ("fixed", "uniform", "triangular", "normal", "lognormal", "beta")
SHARE_AT_MOST = 1.5
FEEDS_BACK_AT_ONCE = frozenset({"trend", "forecast", "safe_divide", "step", "ramp", "pulse", "pulse_train"})


def check(model: Model, *, scenarios: Sequence[Any] = ()) -> Report:
    """Look for everything that is wrong with a model.

    Args:
        model: The model, from a folder or from Python.
        scenarios: Scenarios whose levers are checked against it.

    Returns:
        All findings, sorted by file and line. Nothing is raised, whatever the records hold.
    """
    return _Check(model, scenarios).report()


class _Check:
    """Collects findings; each method looks for one kind of fault."""

    def __init__(self, model: Model, scenarios: Sequence[Any]) -> None:
        self.model, self.scenarios = model, scenarios
        self.findings: list[Finding] = []
        self.trees: dict[str, Expression] = {}
        self.texts: dict[str, str] = {}

    def report(self) -> Report:
        self.records()
        self.equations()
        whole = not any(finding.severity is Severity.ERROR for finding in self.findings)
        for look in (self.names, self.functions, self.flows, self.constants, self.lookups, self.balance, self.loops):
            look()
        if whole and not any(finding.severity is Severity.ERROR for finding in self.findings):
            self.circles()
            self.dimensions()
        self.units()
        self.unused()
        self.documentation()
        for scenario in self.scenarios:
            self.scenario(scenario)
        return Report(sorted(set(self.findings), key=lambda finding: finding.order))

    # Saying so -----------------------------------------------------------------------------------------------------

    def error(self, code: str, message: str, of: Variable | None = None, node: Expression | None = None) -> None:
        self.add(Severity.ERROR, code, message, of, node)

    def warning(self, code: str, message: str, of: Variable | None = None, node: Expression | None = None) -> None:
        self.add(Severity.WARNING, code, message, of, node)

    def add(
        self, severity: Severity, code: str, message: str, of: Variable | None, node: Expression | None = None
    ) -> None:
        place = of.place if of is not None and isinstance(of.place, Place) else NO_PLACE
        text = self.texts.get(of.name, "") if of is not None else ""
        excerpt = caret(text, node.span[0], node.span[1]) if node is not None and text else ""
        self.findings.append(Finding(severity, code, message, "", place, excerpt))

    # Looking -------------------------------------------------------------------------------------------------------

    def records(self) -> None:
        """Fields of the wrong type, names that cannot be, clashes."""
        for key, record in self.model.variables.items():
            if not isinstance(key, str) or not NAME.fullmatch(key):
                self.error("names", f"'{key}' is not a name: names are lower_snake_case, e.g. people_waiting", record)
            elif key in RESERVED or key in FUNCTIONS:
                self.error("names", f"'{key}' already means something in equations; choose another name", record)
            elif key in self.model.dimensions:
                self.error("names", f"'{key}' is the name of a variable and of a dimension; rename one", record)
            for field, kind in (("over", Sequence), ("inflows", Sequence), ("outflows", Sequence)):
                value = getattr(record, field, ())
                if isinstance(value, str) or not isinstance(value, kind) or not all(isinstance(v, str) for v in value):
                    self.error("kinds", f"{key}: '{field}' is {value!r}; it must be a list of names", record)
        for name, dimension in self.model.dimensions.items():
            self.dimension(name, dimension)

    def dimension(self, name: str, dimension: Any) -> None:
        root = self.model.dimensions.get(dimension.of) if dimension.of else None
        if dimension.of and root is None:
            known = did_you_mean(str(dimension.of), self.model.dimensions)
            self.error("dimensions", f"{name} is part of '{dimension.of}', which is no dimension.{known}")
        elif not dimension.elements and root is None:
            self.error("dimensions", f"dimension {name} has no elements")
        elif root is not None:
            strange = [element for element in dimension.elements if element not in root.elements]
            if strange:
                self.error("dimensions", f"{name}: {', '.join(map(str, strange))} is not among the elements of {dimension.of}")
        if len(set(dimension.elements)) != len(dimension.elements):
            self.error("dimensions", f"dimension {name} has an element twice")

    def equations(self) -> None:
        """Equations that cannot be read."""
        for name, record in self.model.variables.items():
            text = getattr(record, "initial" if isinstance(record, Stock) else "equation", None)
            if text is None:
                continue
            if not isinstance(text, str):
                self.error("equation", f"{name}: an equation is text; got {text!r}. Put it in quotes.", record)
                continue
            self.texts[name] = text
            try:
                self.trees[name] = parse(text)
            except ParseError as error:
                self.findings.append(
                    Finding(
                        Severity.ERROR, "equation", f"{name}: {error.reason}", "", record.place, caret(text, error.position)
                    )
                )

    def names(self) -> None:
        """References to what is not there, or is not a value."""
        for name, tree in self.trees.items():
            record = self.model.variables[name]
            for reference in references(tree):
                known = self.model.variables.get(reference.name)
                if isinstance(known, Lookup):
                    self.error(
                        "kinds", f"'{reference.name}' is a lookup; write what it looks up: {reference.name}(x)", record, reference
                    )
                elif known is None and reference.name not in RESERVED:
                    near = did_you_mean(reference.name, [*self.model.variables, *RESERVED])
                    self.error("names", f"there is nothing called '{reference.name}'.{near}", record, reference)

    def functions(self) -> None:
        """Calls of what is no function, or with the wrong arguments."""
        lookups = {lookup.name for lookup in self.model.lookups()}
        for name, tree in self.trees.items():
            record = self.model.variables[name]
            for call in calls(tree):
                self.call(record, call, lookups)
            for reference in free_stars(tree):
                self.error("dimensions", f"{reference.name}[*] only stands inside sum, mean, prod, min or max", record, reference)

    def call(self, record: Variable, call: Call, lookups: set[str]) -> None:
        if call.function in lookups:
            if len(call.arguments) != 1:
                self.error("kinds", f"the lookup {call.function} takes one argument; got {len(call.arguments)}", record, call)
        elif call.function in self.model.variables:
            kind = kind_of(self.model.variables[call.function])
            self.error("kinds", f"'{call.function}' is a {kind}, which cannot be called; write * to multiply", record, call)
        elif call.function not in FUNCTIONS:
            near = did_you_mean(call.function, [*FUNCTIONS, *lookups])
            self.error("names", f"there is no function '{call.function}'.{near}", record, call)
        else:
            function = FUNCTIONS[call.function]
            if not function.least <= len(call.arguments) <= len(function.arguments):
                self.error("kinds", f"{function.signature}; got {len(call.arguments)} arguments", record, call)

    def flows(self) -> None:
        """Flows that dangle, run twice, or begin or end outside without saying so; stocks that list what is no flow."""
        ends: dict[str, dict[str, list[str]]] = {flow.name: {"in": [], "out": []} for flow in self.model.flows()}
        for stock in self.model.stocks():
            for listed, side in ((stock.inflows, "in"), (stock.outflows, "out")):
                for name in listed if isinstance(listed, Sequence) and not isinstance(listed, str) else ():
                    if name in ends:
                        ends[name][side].append(stock.name)
                    else:
                        self.not_a_flow(stock, name)
        for flow in self.model.flows():
            self.edge(flow, ends[flow.name]["out"], ends[flow.name]["in"])

    def not_a_flow(self, stock: Stock, name: Any) -> None:
        known = self.model.variables.get(name) if isinstance(name, str) else None
        if known is not None:
            self.error("flows", f"{stock.name} lists '{name}', which is a {kind_of(known)} and no flow", stock)
        else:
            near = did_you_mean(str(name), [flow.name for flow in self.model.flows()])
            self.error("flows", f"{stock.name} lists '{name}', and there is no such flow.{near}", stock)

    def edge(self, flow: Flow, sources: list[str], sinks: list[str]) -> None:
        for side, verb in ((sources, "leaves"), (sinks, "enters")):
            if len(side) > 1:
                self.error("flows", f"{flow.name} {verb} {' and '.join(side)}; a flow has one end of each kind", flow)
        if not sources and not sinks:
            self.error("flows", f"{flow.name} joins nothing: list it in the inflows or outflows of a stock", flow)
        elif not flow.outside and not sinks:
            self.warning("flows", f"{flow.name} leaves {sources[0]} and goes nowhere; say 'outside:' what is there", flow)
        elif not flow.outside and not sources:
            self.warning("flows", f"{flow.name} enters {sinks[0]} from nowhere; say 'outside:' what is there", flow)
        for stock in (self.model.variables[name] for name in [*sources, *sinks]):
            if list(getattr(stock, "over", ())) != list(flow.over):
                self.error("dimensions", f"{flow.name} is over {list(flow.over)} but {stock.name} is over {list(getattr(stock, 'over', ()))}; give both the same", flow)

    def constants(self) -> None:
        """Values that are no numbers, shapes that do not fit, priors that cannot be."""
        for constant in self.model.constants():
            shape, numbers = _shape(constant.value)
            if numbers is None:
                self.error("constants", f"{constant.name}: the value is {constant.value!r}; it must be numbers", constant)
                continue
            wanted = tuple(len(self.elements(name)) for name in constant.over if isinstance(name, str))
            if shape != wanted:
                self.error(
                    "dimensions", f"{constant.name} is over {list(constant.over)}, shape {wanted}, but its value has shape {shape}", constant
                )
            if constant.prior is not None:
                self.prior(constant)
            if constant.grade and constant.grade not in list(Grade):
                self.error("sources", f"{constant.name}: grade is '{constant.grade}'; it is A, B, C or D", constant)

    def elements(self, dimension: str) -> Sequence[str]:
        found = self.model.dimensions.get(dimension)
        if found is None:
            return ()
        root = self.model.dimensions.get(found.of)
        return found.elements or (root.elements if root else ())

    def prior(self, constant: Constant) -> None:
        prior = constant.prior
        assert prior is not None
        if prior.distribution not in KNOWN_PRIORS:
            near = did_you_mean(str(prior.distribution), KNOWN_PRIORS)
            self.error("priors", f"{constant.name}: there is no distribution '{prior.distribution}'.{near}", constant)
        elif prior.distribution != "fixed" and not prior.low < prior.high:
            self.error("priors", f"{constant.name}: the prior runs from {prior.low:g} to {prior.high:g}; low must be below high", constant)
        elif prior.distribution not in ("fixed", "uniform") and not prior.low < prior.central < prior.high:
            self.error(
                "priors", f"{constant.name}: the prior's middle {prior.central:g} is not between {prior.low:g} and {prior.high:g}", constant
            )
        elif prior.distribution == "lognormal" and prior.low <= 0:
            self.error("priors", f"{constant.name}: a lognormal prior is above 0, but its low is {prior.low:g}", constant)
        elif prior.distribution == "beta" and not (prior.low > 0 and prior.high < 1):
            self.error("priors", f"{constant.name}: a beta prior lies between 0 and 1, but runs to {prior.low:g} and {prior.high:g}", constant)

    def lookups(self) -> None:
        """Lookups with too few points, points out of order, or no numbers."""
        for lookup in self.model.lookups():
            shape, numbers = _shape(lookup.points)
            if numbers is None or len(shape) != 2 or shape[1] != 2:
                self.error("lookups", f"{lookup.name}: points are (x, y) pairs of numbers; got {lookup.points!r}", lookup)
                continue
            if shape[0] < 2:
                self.error("lookups", f"{lookup.name} has {shape[0]} point; it needs two or more", lookup)
            xs = numbers[::2]
            falls = next((i for i in range(1, len(xs)) if xs[i] <= xs[i - 1]), None)
            if falls is not None:
                self.error("lookups", f"{lookup.name}: x must rise, but {xs[falls]:g} comes after {xs[falls - 1]:g}", lookup)

    def balance(self) -> None:
        """A balance that names what it should not, or has the wrong number of conditions."""
        balance = self.model.balance
        if balance is None:
            return
        constants = {c.name for c in self.model.constants()}
        stocks = {s.name for s in self.model.stocks()}
        values = {a.name for a in (*self.model.auxiliaries(), *self.model.flows())}
        for names, known, what in (
            (balance.solve, constants, "constant"),
            (balance.steady, stocks, "stock"),
            (balance.zero, values, "auxiliary"),
        ):
            for name in names:
                if name not in known:
                    self.error("balance", f"balance: there is no {what} '{name}'.{did_you_mean(str(name), known)}")
        if len(balance.solve) != len(balance.steady) + len(balance.zero):
            self.error(
                "balance",
                f"balance finds {len(balance.solve)} constants from {len(balance.steady) + len(balance.zero)} conditions; "
                "give one condition for each",
            )

    def loops(self) -> None:
        """Named loops whose links are not there."""
        for loop in self.model.loops:
            if not loop.path:
                self.error("loops", f"loop {loop.name} has no path")
            for here, after in zip(loop.path, (*loop.path[1:], *loop.path[:1]), strict=True):
                if after not in self.model.variables:
                    near = did_you_mean(str(after), self.model.variables)
                    self.error("loops", f"loop {loop.name} runs through '{after}', which is not there.{near}")
                elif here in self.model.variables and not self.linked(here, after):
                    self.error("loops", f"loop {loop.name}: {here} is not in the equation of {after}")

    def linked(self, here: str, after: str) -> bool:
        record = self.model.variables[after]
        if isinstance(record, Stock):
            return here in record.inflows or here in record.outflows
        tree = self.trees.get(after)
        return tree is not None and (
            any(r.name == here for r in references(tree)) or any(c.function == here for c in calls(tree))
        )

    def circles(self) -> None:
        """Equations that define one another with no stock between."""
        needs = {
            name: [r.name for r in _at_once(tree)]
            for name, tree in self.trees.items()
            if not isinstance(self.model.variables[name], Stock)
        }
        self.circle(needs, "with no stock between", "Put a delay in one link; people take time to notice.")
        start = {name: [r.name for r in references(tree)] for name, tree in self.trees.items()}
        if not any(finding.code == "loops" for finding in self.findings):
            self.circle(start, "at the start", "Give one a starting value of its own.")

    def circle(self, needs: Mapping[str, list[str]], circumstance: str, advice: str) -> None:
        try:
            topological_order(needs)
        except CycleFound as found:
            shown = " -> ".join([*found.cycle, found.cycle[0]])
            record = self.model.variables[found.cycle[0]]
            self.error("loops", f"these define each other {circumstance}: {shown}. {advice}", record)

    def dimensions(self) -> None:
        """References that do not fit the dimensions of their equation."""
        from wm2u_sd.model.dimension_check import dimension_faults

        for name, tree in self.trees.items():
            record = self.model.variables[name]
            for message, node in dimension_faults(self.model, record, tree):
                self.error("dimensions", message, record, node)

    def units(self) -> None:
        """Units that cannot be read, are missing, or do not fit."""
        units = {name: self.unit(record, record.units) for name, record in self.model.variables.items()}
        time = self.unit(None, self.model.time.units) or Unit()
        lookups = {lookup.name: lookup for lookup in self.model.lookups()}
        for name, tree in self.trees.items():
            record = self.model.variables[name]
            if self.readable(tree):
                infer = UnitInference(units, lookups, time, self.complaint(record))
                self.declared(record, tree, infer.of(tree), units[name])
        for stock in self.model.stocks():
            for name in {*stock.inflows, *stock.outflows} if isinstance(stock.inflows, Sequence) else ():
                self.rate(stock, name, units, time)

    def readable(self, tree: Expression) -> bool:
        return all(call.function in FUNCTIONS or call.function in self.model.variables for call in calls(tree))

    def unit(self, record: Variable | None, text: Any) -> Unit | None:
        if not isinstance(text, str) or not text:
            return None
        try:
            return read_unit(text)
        except UnitsError as error:
            self.error("units", f"{record.name if record else 'time'}: {error}", record)
            return None

    def complaint(self, record: Variable) -> Callable[[str, Expression], None]:
        return lambda message, node: self.error("units", f"{record.name}: {message}", record, node)

    def declared(self, record: Variable, tree: Expression, found: Unit | None, unit: Unit | None) -> None:
        if found is not None and unit is not None and not found.fits(unit):
            what = "the starting value" if isinstance(record, Stock) else "the equation"
            self.error("units", f"{record.name} is declared in {unit}, but {what} is in {found}", record, tree)

    def rate(self, stock: Stock, name: Any, units: Mapping[str, Unit | None], time: Unit) -> None:
        flow, level = units.get(name), units.get(stock.name)
        if flow is not None and level is not None and not flow.fits(level / time):
            record = self.model.variables[name]
            self.error(
                "units", f"{name} is in {flow}, but {stock.name} is in {level}; a flow of it is in {level / time}", record
            )

    def unused(self) -> None:
        """Constants and lookups that nothing uses."""
        used = {r.name for tree in self.trees.values() for r in references(tree)}
        used |= {call.function for tree in self.trees.values() for call in calls(tree)}
        for record in (*self.model.constants(), *self.model.lookups()):
            if record.name not in used and not getattr(record, "lever", False):
                self.warning("unused", f"nothing uses {record.name}; take it out, or use it", record)

    def documentation(self) -> None:
        """What is not explained, has no unit, or no source; numbers without a name."""
        for name, record in self.model.variables.items():
            if not record.doc:
                self.warning("docs", f"{name} has no doc: say in a sentence what it is", record)
            if not record.units:
                self.warning("units", f"{name} has no units; write dmnl for a plain number", record)
            if isinstance(record, Constant) and not (record.source and record.grade):
                lacks = " and ".join(w for w, has in (("source", record.source), ("grade", record.grade)) if not has)
                self.warning("sources", f"{name} has no {lacks}", record)
        for name, tree in self.trees.items():
            for node in walk(tree):
                if isinstance(node, Number) and node.value not in ALLOWED_NUMBERS and not _is_order(tree, node):
                    self.warning(
                        "docs", f"{name} holds the bare number {node.value:g}; give it a name", self.model.variables[name], node
                    )

    def scenario(self, scenario: Any) -> None:
        """Levers on what is not there, with no verb or two, or with times that cannot be."""
        setters = [(name, {"to": value}) for name, value in dict(scenario.set).items()]
        levers = [(lever.target, _verbs(lever)) for lever in scenario.levers]
        for target, verbs in [*setters, *levers]:
            where = f"scenario '{scenario.name}'"
            if len(verbs) != 1:
                said = " and ".join(verbs) or "none"
                self.error("scenarios", f"{where}: '{target}' needs exactly one of to, add, times, series, points; got {said}")
            elif self.target(where, target, "points" in verbs) and "to" in verbs:
                self.share(where, target, verbs["to"])
        for lever in scenario.levers:
            if lever.start is not None and lever.end is not None and lever.end <= lever.start:
                self.error(
                    "scenarios",
                    f"scenario '{scenario.name}': '{lever.target}' ends at {lever.end:g}, not after it starts at {lever.start:g}",
                )

    def target(self, where: str, target: str, points: bool) -> bool:
        known = [r.name for r in (self.model.lookups() if points else self.model.constants())]
        if target in known:
            return True
        record = self.model.variables.get(target)
        what = "lookup" if points else "constant"
        if record is None:
            self.error("scenarios", f"{where}: there is no {what} '{target}' in {self.model.name}.{did_you_mean(target, known)}")
        else:
            self.error(
                "scenarios", f"{where}: '{target}' is a {kind_of(record)}, worked out from other things; only a {what} can be changed here"
            )
        return False

    def share(self, where: str, target: str, value: Any) -> None:
        constant = self.model.constant(target)
        ends = [constant.prior.low, constant.prior.high] if constant.prior else []
        is_share = constant.units == "dmnl" and bool(ends) and min(ends) >= 0 and max(ends) <= 1
        if is_share and isinstance(value, int | float) and value > SHARE_AT_MOST:
            self.error(
                "scenarios",
                f'{where}: {target} is a share from 0 to 1 [dmnl]; got {value:g}. If you meant {value:g}%, '
                f'write {value / 100:g} or "{value:g}%".',
            )


def _verbs(lever: Any) -> dict[str, Any]:
    given = {verb: getattr(lever, verb) for verb in ("to", "add", "times", "series", "points")}
    return {verb: value for verb, value in given.items() if value is not None}


def _at_once(tree: Expression) -> Iterable[Reference]:
    """Yield what an expression needs at the same moment: not what only feeds a delay, sets its start or is frozen."""
    match tree:
        case Reference():
            yield tree
        case Call(function, arguments) if function in FUNCTIONS:
            role = FUNCTIONS[function].role
            if function == "sample_if_true":
                arguments = arguments[:2]
            elif function == "delay_fixed" or role is Role.INITIAL:
                arguments = ()
            elif role is Role.SMALL_MODEL and function not in FEEDS_BACK_AT_ONCE:
                arguments = arguments[1:2]
            for argument in arguments:
                yield from _at_once(argument)
        case _:
            for child in _children(tree):
                yield from _at_once(child)


def _children(tree: Expression) -> tuple[Expression, ...]:
    from wm2u_sd.expr.visit import children

    return children(tree)


def _is_order(tree: Expression, number: Number) -> bool:
    """Whether a number is the order of a delay, which has to be written out."""
    return any(
        call.function in ("delay_n", "smooth_n") and len(call.arguments) > 2 and call.arguments[2] is number
        for call in calls(tree)
    )


def _shape(value: Any) -> tuple[tuple[int, ...], list[float] | None]:
    """Return the shape of nested numbers and the numbers in a row; None for the numbers when they are none."""
    if isinstance(value, bool) or isinstance(value, str | bytes):
        return (), None
    if isinstance(value, int | float):
        return (), [float(value)] if math.isfinite(value) else None
    try:
        parts = [_shape(part) for part in value]
    except (TypeError, RecursionError):
        return (), None
    shapes = {shape for shape, _ in parts}
    if len(shapes) > 1 or any(numbers is None for _, numbers in parts):
        return (), None
    inner = shapes.pop() if shapes else ()
    return (len(parts), *inner), [number for _, numbers in parts for number in numbers or ()]


