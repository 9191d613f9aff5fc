"""From a model's records to bare equations: delays expanded, history made explicit, outflows rationed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from wm2u_sd.compile.equation import Equation, Over
from wm2u_sd.compile.ration import ration, total
from wm2u_sd.errors import ModelError, NameUnknownError, did_you_mean
from wm2u_sd.expr.functions import FUNCTIONS, HIGHEST_ORDER, Role
from wm2u_sd.expr.nodes import Binary, Call, Expression, Number, Reference
from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.visit import free_stars, rewrite
from wm2u_sd.library.small_models import FIXED, OF_ORDER, SmallModel
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Stock


@dataclass(frozen=True, slots=True)
class State:
    """A stock or a level of a small model: where it starts and its rate of change."""

    over: Over
    initial: Expression
    net: Expression


@dataclass(frozen=True, slots=True)
class DelayLine:
    """The inside of delay_fixed: what goes in, how late it comes out, what comes out before that."""

    over: Over
    source: str
    delay: Expression
    initial: Expression


@dataclass(frozen=True, slots=True)
class Sample:
    """The inside of sample_if_true: the name of the value to remember and what is remembered at first."""

    over: Over
    source: str
    initial: Expression


@dataclass
class Expanded:
    """A model as bare equations. Names made by expansion hold a dot, which no name of a model can."""

    equations: dict[str, Equation] = field(default_factory=dict)
    states: dict[str, State] = field(default_factory=dict)
    frozen: dict[str, Equation] = field(default_factory=dict)
    lines: dict[str, DelayLine] = field(default_factory=dict)
    samples: dict[str, Sample] = field(default_factory=dict)


def expand(model: Model) -> Expanded:
    """Return the model as bare equations.

    Raises:
        ModelError: An equation cannot be read, or calls something unknown or wrongly. `check` finds all such faults
            at once and says where they are.
    """
    return _Expander(model).run()


class _Expander:
    def __init__(self, model: Model) -> None:
        self.model, self.out = model, Expanded()
        self.counters: dict[str, int] = {}

    def run(self) -> Expanded:
        for auxiliary in self.model.auxiliaries():
            self.equation(auxiliary.name, tuple(auxiliary.over), self.read(auxiliary.name, auxiliary.equation))
        for flow in self.model.flows():
            self.equation(flow.name, tuple(flow.over), self.read(flow.name, flow.equation))
        for stock in self.model.stocks():
            self.stock(stock)
        ration(self.out.equations, [stock for stock in self.model.stocks() if stock.non_negative])
        return self.out

    def read(self, owner: str, text: str) -> Expression:
        return parse(text) if text else _missing(owner)

    def equation(self, name: str, over: Over, expression: Expression) -> None:
        self.out.equations[name] = Equation(over, self.inside(name, over, expression))

    def stock(self, stock: Stock) -> None:
        net = total([Reference(name) for name in stock.inflows])
        for name in stock.outflows:
            net = Binary("-", net, Reference(name))
        over = tuple(stock.over)
        initial = self.inside(stock.name, over, self.read(stock.name, stock.initial))
        self.out.states[stock.name] = State(over, initial, net)

    # Calls ---------------------------------------------------------------------------------------------------------

    def inside(self, owner: str, over: Over, expression: Expression) -> Expression:
        """Return the expression with every call that needs more than arithmetic replaced by a reference."""
        return rewrite(expression, lambda node: self.call(owner, over, node) if isinstance(node, Call) else node)

    def call(self, owner: str, over: Over, call: Call) -> Expression:
        if call.function in self.model.variables:
            return call
        if call.function not in FUNCTIONS:
            known = [*FUNCTIONS, *(lookup.name for lookup in self.model.lookups())]
            raise NameUnknownError(
                f"{owner}: there is no function '{call.function}'.{did_you_mean(call.function, known)}"
            )
        function = FUNCTIONS[call.function]
        if not function.least <= len(call.arguments) <= len(function.arguments):
            raise ModelError(
                f"{owner}: {call.function} takes {function.signature}; got {len(call.arguments)} arguments"
            )
        if function.role in (Role.ELEMENTWISE, Role.REDUCER):
            return call
        self.refuse_stars(owner, call)
        return self.MAKERS[function.role](self, owner, over, call)

    def refuse_stars(self, owner: str, call: Call) -> None:
        starred = [reference.name for reference in free_stars(call)]
        if starred:
            raise ModelError(
                f"{owner}: {call.function}(...) cannot stand inside a reduction over {starred[0]}[*]; "
                "give it a variable of its own and reduce that"
            )

    def arguments(self, owner: str, over: Over, call: Call) -> dict[str, Expression]:
        """Bind argument names to expressions; anything longer than a name or number gets an equation of its own."""
        bound: dict[str, Expression] = {}
        for argument, given in zip(FUNCTIONS[call.function].arguments, call.arguments, strict=False):
            bound[argument.name] = self.atom(f"{owner}.{argument.name}", over, given)
        for argument in FUNCTIONS[call.function].arguments[len(call.arguments) :]:
            bound[argument.name] = _fill(parse(argument.default or "0"), bound)
        return bound

    def atom(self, name: str, over: Over, expression: Expression) -> Expression:
        if isinstance(expression, Number | Reference):
            return expression
        self.out.equations[name] = Equation(over, expression)
        return Reference(name)

    def unique(self, owner: str, function: str) -> str:
        key = f"{owner}.{function}"
        self.counters[key] = self.counters.get(key, 0) + 1
        return f"{key}_{self.counters[key]}"

    def small_model(self, owner: str, over: Over, call: Call) -> Expression:
        prefix = self.unique(owner, call.function)
        inside = _small_model(owner, call)
        bound = self.arguments(prefix, over, call)
        local = [*(level.name for level in inside.levels), *(name for name, _ in inside.parts)]
        bound |= {name: Reference(f"{prefix}.{name}") for name in local}
        for name, text in inside.parts:
            self.out.equations[f"{prefix}.{name}"] = Equation(over, _fill(parse(text), bound))
        for level in inside.levels:
            initial, net = (_fill(parse(text), bound) for text in (level.initial, level.net))
            self.out.states[f"{prefix}.{level.name}"] = State(over, initial, net)
        return _fill(parse(inside.result), bound)

    def history(self, owner: str, over: Over, call: Call) -> Expression:
        prefix = self.unique(owner, call.function)
        bound = self.arguments(prefix, over, call)
        if call.function == "delay_fixed":
            self.out.equations[f"{prefix}.source"] = Equation(over, bound["input"])
            self.out.lines[prefix] = DelayLine(over, f"{prefix}.source", bound["delay_time"], bound["initial"])
            return Reference(prefix)
        remembered = f"{prefix}.remembered"
        sampled = Call("if_then_else", (bound["condition"], bound["input"], Reference(remembered)))
        self.out.equations[prefix] = Equation(over, sampled)
        self.out.samples[remembered] = Sample(over, prefix, bound["initial"])
        return Reference(prefix)

    def initial(self, owner: str, over: Over, call: Call) -> Expression:
        name = self.unique(owner, call.function)
        self.out.frozen[name] = Equation(over, call.arguments[0])
        return Reference(name)

    MAKERS: Mapping[Role, Callable[[_Expander, str, Over, Call], Expression]] = {
        Role.SMALL_MODEL: small_model,
        Role.HISTORY: history,
        Role.INITIAL: initial,
    }


def _missing(owner: str) -> Expression:
    raise ModelError(f"{owner}: the equation is empty")


def _fill(template: Expression, bound: Mapping[str, Expression]) -> Expression:
    """Put the bound expressions where a template names them."""

    def put(node: Expression) -> Expression:
        return bound.get(node.name, node) if isinstance(node, Reference) else node

    return rewrite(template, put)


def _small_model(owner: str, call: Call) -> SmallModel:
    if call.function in FIXED:
        return FIXED[call.function]
    order = call.arguments[2]
    if not isinstance(order, Number) or not order.value.is_integer() or not 1 <= order.value <= HIGHEST_ORDER:
        raise ModelError(
            f"{owner}: the order of {call.function} must be a whole number from 1 to {HIGHEST_ORDER}, written out"
        )
    return OF_ORDER[call.function](int(order.value))
