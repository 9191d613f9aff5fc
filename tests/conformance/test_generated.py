"""Models nobody would write: anything the language allows, put together at random. `many.py` runs thousands of them."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import given, note, settings
from hypothesis import strategies as st

from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Extrapolation, Flow, Lookup, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario

LENGTHS = (1, 2, 3, 4, 5, 7, 8, 9, 12, 16, 17)
NUMBERS = ("0", "1", "2", "0.5", "(-1)", "0.1", "3", "(-0.25)", "7.5", "1e-3", "40")
DRAWS = (1, 1, 2, 3, 7, 8, 9, 16, 17, 33)
FORMS = (
    *("({} + {})", "({} - {})", "({} * {})", "({} / {})", "({} * {})", "({} + {})", "(-{})"),
    *("min({}, {})", "max({}, {})", "if_then_else({condition}, {}, {})", "({condition} + {})", "{reduction}"),
    *("exp(-abs({}))", "exp({})", "ln(1 + abs({}))", "ln({})", "log10({})", "sqrt(abs({}))", "abs({})", "integer({})"),
    *("sin({})", "cos({})", "tan({})", "arctan({})", "modulo({}, 0.7)", "modulo({}, (-2))", "modulo({}, {leaf})"),
    *("({} ^ 2)", "({} ^ (-1))", "(abs({}) ^ 1.3)", "power({}, {leaf})", "safe_divide({}, {}, {leaf})"),
    *("{lookup}({})", "{lookup}({})", "{reduction}", "{reduction}"),
)
CONDITIONS = (
    *("({} < {leaf})", "({} <= {leaf})", "({} > {leaf})", "({} >= {leaf})", "({} = {leaf})", "({} <> {leaf})"),
    *("({condition} and {condition})", "({condition} or {condition})", "(not {condition})", "({condition} and {})"),
)
OF_TIME = (
    *("delay_fixed({}, {time}, {leaf})", "delay_fixed({}, abs({constant}), {leaf})", "initial({})"),
    *("sample_if_true({condition}, {}, {leaf})", "trend({}, {time})", "forecast({}, {time}, 1)"),
    *("smooth1({}, {time})", "smooth3({}, {time}, {leaf})", "smooth_n({}, {time}, {order})"),
    *("delay1({}, {time})", "delay3({}, {time}, {leaf})", "delay_n({}, {time}, {order})"),
    *("step({leaf}, 1.25)", "ramp({leaf}, 0.5, 1.5)", "pulse({leaf}, 0.6)", "pulse_train(0.5, 0.3, {time}, 3)"),
)

Over = tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """A model and how it is run: what `batch` takes."""

    model: Model
    how: Mapping[str, Any]

    def __str__(self) -> str:
        records = [*self.model.dimensions.values(), *self.model.variables.values()]
        how = {k: v if k != "values" else {n: a.shape for n, a in v.items()} for k, v in self.how.items()}
        return "\n".join([str(self.model.time), *map(str, records), str(how)])


class Writer:
    """Writes equations that fit the dimensions they are for, out of names that are known so far.

    Attributes:
        known: Name -> the dimensions it is over.
        lookups: Names of lookups.
        dimensions: By name, sub-ranges included.
    """

    def __init__(self, draw: st.DrawFn, dimensions: Mapping[str, Dimension]) -> None:
        self.draw, self.dimensions = draw, dimensions
        self.known: dict[str, Over] = {}
        self.lookups: list[str] = []

    def one_of(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def root(self, name: str) -> str:
        return self.dimensions[name].of or name

    def elements(self, name: str) -> Sequence[str]:
        return self.dimensions[name].elements

    def equation(self, over: Over, depth: int = 3) -> str:
        """Return an equation for a value over some dimensions."""
        return (
            self.filled(self.one_of(*FORMS), over, depth - 1) if depth and self.one_of(*range(5)) else self.leaf(over)
        )

    def filled(self, form: str, over: Over, depth: int) -> str:
        """Return a form with something in every place."""
        fillings: Mapping[str, Callable[[], str]] = {
            "": lambda: self.equation(over, depth),
            "condition": lambda: self.condition(over, depth),
            "leaf": lambda: self.leaf(over),
            "constant": lambda: self.brought(self.one_of(*(name for name in self.known if name[0] == "c")), over),
            "lookup": lambda: self.one_of(*self.lookups) if self.lookups else "abs",
            "reduction": lambda: self.reduction(over, depth),
            "time": lambda: self.one_of("1", "2.5", "0.3", "(0.4 + abs(c0))"),
            "order": lambda: self.one_of("1", "2", "4"),
        }
        found = re.split(r"{(\w*)}", form)
        return "".join(part if k % 2 == 0 else fillings[part]() for k, part in enumerate(found))

    def condition(self, over: Over, depth: int) -> str:
        """Return a condition over some dimensions."""
        return self.filled(self.one_of(*(CONDITIONS if depth > 0 else CONDITIONS[:6])), over, max(depth - 1, 0))

    def leaf(self, over: Over) -> str:
        """Return a number or a name, brought to the dimensions wanted."""
        if not self.known or self.draw(st.integers(0, 4)) == 0:
            return self.one_of(*NUMBERS, "time", "time_step", "time")
        name = self.draw(st.sampled_from(list(self.known)))
        return self.brought(name, over)

    def brought(self, name: str, over: Over, starred: Mapping[str, str] | None = None) -> str:
        """Return a reference to a name in an equation over some dimensions: kept, picked, or reduced where it must be.

        Args:
            name: What is referred to.
            over: Dimensions of the equation.
            starred: Root of a dimension that is being reduced -> its name.
        """
        asked, picked, reduced = [], False, False
        for dimension in self.known[name]:
            stands_for = self.kept(dimension, over)
            if starred and self.root(dimension) in starred and self.has(dimension, starred[self.root(dimension)]):
                star = starred[self.root(dimension)]
                asked.append("*" if star == dimension else f"{star}*")
                picked = True
            elif stands_for and self.draw(st.integers(0, 5)):
                asked.append(stands_for)
            elif starred or self.draw(st.booleans()):
                asked.append(self.draw(st.sampled_from(list(self.elements(dimension)))))
                picked = True
            else:
                asked.append("*")
                reduced = True
        plain = not reduced and not picked and self.draw(st.booleans())
        reference = name if plain or not asked else f"{name}[{', '.join(asked)}]"
        return f"{self.one_of('sum', 'mean', 'min', 'max')}({reference})" if reduced else reference

    def has(self, dimension: str, part: str) -> bool:
        """Whether a dimension has all elements of another of the same root."""
        return set(self.elements(part)) <= set(self.elements(dimension))

    def kept(self, dimension: str, over: Over) -> str:
        """Return the dimension of an equation that a dimension of a reference runs along, '' where there is none."""
        found = [d for d in over if self.root(d) == self.root(dimension) and self.has(dimension, d)]
        return found[0] if found else ""

    def reduction(self, over: Over, depth: int) -> str:
        """Return a reduction of a product or sum of references, over dimensions of one that is known."""
        names = [name for name, its in self.known.items() if its]
        if not names:
            return self.leaf(over)
        name = self.draw(st.sampled_from(names))
        count = self.draw(st.integers(1, len(self.known[name])))
        starred = {self.root(d): d for d in self.draw(st.permutations(self.known[name]))[:count]}
        parts = [self.brought(name, over, starred)]
        if self.draw(st.booleans()):
            parts.append(self.brought(self.draw(st.sampled_from(names)), over, starred))
        parts += [self.equation(over, min(depth, 1))] * self.draw(st.booleans())
        inside = f" {self.one_of('*', '+', '-')} ".join(parts)
        return f"{self.one_of('sum', 'sum', 'mean', 'min', 'max', 'prod')}({inside})"


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """A model with stocks, flows, auxiliaries, lookups, delays and dimensions, and how to run it."""
    dimensions = draw(some_dimensions())
    writer = Writer(draw, dimensions)
    overs = st.lists(st.sampled_from(list(dimensions)), max_size=3) if dimensions else st.just([])

    def over() -> Over:
        chosen = draw(overs)
        return tuple({writer.root(name): name for name in chosen}.values())

    records: list[Any] = [*dimensions.values()]
    for k in range(draw(st.integers(1, 4))):
        shape = () if k == 0 else over()
        records.append(Constant(f"c{k}", constant_value([len(writer.elements(d)) for d in shape], k), over=shape))
        writer.known[f"c{k}"] = shape
    records += [draw(lookups(k)) for k in range(draw(st.integers(0, 2)))]
    writer.lookups = [record.name for record in records if isinstance(record, Lookup)]

    shapes = [over() for _ in range(draw(st.integers(0, 3)))]
    starts = [writer.equation(shape, 2) for shape in shapes]  # of constants alone, so that no circle can close
    writer.known |= {f"s{k}": shape for k, shape in enumerate(shapes)}
    for k in range(draw(st.integers(0, 6))):
        shape = over()
        equation = writer.filled(writer.one_of(*OF_TIME), shape, 1) if draw(st.booleans()) else writer.equation(shape)
        records.append(Auxiliary(f"a{k}", equation, over=shape))
        writer.known[f"a{k}"] = shape
    flows, stocks = draw(flows_and_stocks(writer, shapes, starts))
    model = Model("any", time=draw(times())).define(*records, *flows, *stocks)
    return Case(model, draw(ways_to_run(model)))


def constant_value(shape: Sequence[int], seed: int) -> Any:
    values = np.random.default_rng(seed).uniform(-1, 2, shape).round(3)
    return values.tolist()


@st.composite
def some_dimensions(draw: st.DrawFn) -> dict[str, Dimension]:
    found = {}
    for k in range(draw(st.integers(0, 3))):
        elements = [f"d{k}_e{i}" for i in range(draw(st.sampled_from(LENGTHS)))]
        found[f"d{k}"] = Dimension(f"d{k}", elements)
        if draw(st.booleans()):
            part = draw(st.lists(st.sampled_from(elements), min_size=1, unique=True))
            found[f"part{k}"] = Dimension(f"part{k}", part, of=f"d{k}")
    return found


@st.composite
def lookups(draw: st.DrawFn, k: int) -> Lookup:
    n = draw(st.sampled_from((2, 3, 5, 16, 17, 40)))
    random = np.random.default_rng(n + k)
    x, y = np.cumsum(random.uniform(0.01, 8 / n, n)) - 3, random.normal(0, 2, n)
    points = [(float(a), float(b)) for a, b in zip(x, y, strict=True)]
    return Lookup(f"l{k}", points, extrapolation=draw(st.sampled_from(list(Extrapolation))))


@st.composite
def flows_and_stocks(
    draw: st.DrawFn, writer: Writer, shapes: Sequence[Over], starts: Sequence[str]
) -> tuple[list[Flow], list[Stock]]:
    """Draw flows out of each stock, some of them into the next, at rates that mostly stay reasonable."""
    flows, inflows, outflows = [], [[] for _ in shapes], [[] for _ in shapes]  # type: ignore[var-annotated]
    for k, shape in enumerate(shapes):
        for j in range(draw(st.integers(0, 2))):
            name, equation = f"f{k}{j}", writer.equation(shape, 2)
            wild = draw(st.integers(0, 5)) == 0
            flows.append(Flow(name, equation if wild else f"s{k} * arctan({equation}) / 3 + {j}", over=shape))
            writer.known[name] = shape
            into = draw(st.integers(-1, len(shapes) - 1))
            if draw(st.integers(0, 3)):
                outflows[k].append(name)
            if 0 <= into != k and shapes[into] == shape:
                inflows[into].append(name)
    plain = [Stock(f"s{k}", starts[k], "", inflows[k], outflows[k], shape) for k, shape in enumerate(shapes)]
    return flows, [replace(stock, non_negative=draw(st.booleans())) for stock in plain]


@st.composite
def times(draw: st.DrawFn) -> Time:
    step = draw(st.sampled_from(("1/4", "1/8", "1/2", "1")))
    n_steps = draw(st.sampled_from((0, 1, 2, 8, 12)))
    start = draw(st.sampled_from((0.0, 0.0, -3.0, 2015.25)))
    time = Time(start, start, step, method=draw(st.sampled_from(METHODS)))
    return Time(start, start + n_steps * time.dt, step, method=time.method)


@st.composite
def ways_to_run(draw: st.DrawFn, model: Model) -> dict[str, Any]:
    n, time = draw(st.sampled_from(DRAWS)), model.time
    random = np.random.default_rng(draw(st.integers(0, 9)))
    varying = [c for c in model.constants() if draw(st.booleans())]
    values = {c.name: random.uniform(-1, 2, (*np.shape(c.value), n)) for c in varying}
    how: dict[str, Any] = {"draws": n, "values": values}
    if draw(st.booleans()):
        how["saved_steps"] = sorted({time.n_steps, *draw(st.lists(st.integers(0, time.n_steps), max_size=4))})
    if draw(st.integers(0, 2)) == 0:
        how["scenarios"] = draw(st.lists(scenarios(model), min_size=1, max_size=3))
    if draw(st.integers(0, 3)) == 0:
        names = [name for name, v in model.variables.items() if isinstance(v, Stock | Flow | Auxiliary)]
        how["save"] = draw(st.lists(st.sampled_from(names), unique=True, max_size=3)) if names else []
    if model.lookups() and draw(st.integers(0, 3)) == 0:
        how["tables"] = {model.lookups()[0].name: draw(lookups(7)).points}
    return how


@st.composite
def scenarios(draw: st.DrawFn, model: Model) -> Scenario:
    levers = []
    for _ in range(draw(st.integers(0, 2))):
        name = draw(st.sampled_from([constant.name for constant in model.constants()]))
        verb = draw(st.sampled_from(("to", "add", "times")))
        start = draw(
            st.sampled_from((None, model.time.start + model.time.dt, model.time.start + 2.5 * model.time.dt, 9e9))
        )
        amount = draw(st.sampled_from((0.0, 0.5, 1.5, -1.0)))
        levers.append(Lever(name, **{verb: amount}, start=start, ramp=draw(st.sampled_from((0.0, 0.0, 1.0)))))
    return Scenario("any", levers=levers)


@settings(max_examples=120)
@given(cases())
def test_any_model_agrees(agree_but_for_last_places: Callable, batch: Callable, case: Case) -> None:
    note(str(case))
    agree_but_for_last_places(batch(case.model, **case.how))


@settings(max_examples=40)
@given(cases())
def test_the_first_moment_of_any_model_agrees(
    agree_at_start_but_for_last_places: Callable, batch: Callable, case: Case
) -> None:
    note(str(case))
    agree_at_start_but_for_last_places(batch(case.model, **{**case.how, "scenarios": ()}))
