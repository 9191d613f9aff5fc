"""Models put together at random: going back agrees with going along, whatever stands in them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from hypothesis import HealthCheck, assume, given, note, settings
from hypothesis import strategies as st

from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.compile.adjoint import Wanted
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Extrapolation, Flow, Lookup, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario

LENGTHS = (1, 2, 3, 5, 8, 9, 17)
OVERS = ((), ("a",), ("b",), ("a", "b"), ("b", "a"), ("part",), ("part", "b"))
CONSTANTS = {"c0": (), "c1": ("a",), "c2": ("b", "a"), "c3": ("b",), "c4": ()}
STOCKS = {"s0": (), "s1": ("a",), "s2": ("a", "b")}


class Writer:
    """Writes equations over some dimensions out of constants, stocks and what was defined before."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.known: dict[str, tuple[str, ...]] = {**CONSTANTS, **STOCKS}

    def one_of(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def name(self, over: Sequence[str]) -> str:
        """Return a name, brought to the dimensions wanted."""
        name = self.one_of(*(n for n, its in self.known.items() if "part" not in its or "part" in over))
        its = self.known[name]
        return f"{name}[{', '.join(self.subscript(d, over) for d in its)}]" if its else name

    def subscript(self, dimension: str, over: Sequence[str]) -> str:
        kept = [d for d in over if d == dimension or (d == "part" and dimension == "a")]
        if kept and (dimension == "part" or self.one_of(True, True, False)):
            return kept[0]
        return f"{dimension}0"

    def reduced(self, over: Sequence[str]) -> str:
        name = self.one_of(*(n for n, its in self.known.items() if its and "part" not in its))
        its = self.known[name]
        stars = self.draw(st.lists(st.sampled_from(its), min_size=1, max_size=2, unique=True))
        part = {"a": self.one_of("*", "part*"), "b": "*"}
        inside = ", ".join(part[d] if d in stars else self.subscript(d, over) for d in its)
        how = self.one_of("sum", "mean", "min", "max", "prod")
        return f"{how}({name}[{inside}]{self.one_of('', ' * c4', ' / 3', ' + time')})"

    def equation(self, over: Sequence[str], depth: int = 2) -> str:
        if not depth:
            return self.one_of(self.name(over), self.name(over), self.name(over), "0.7", "2", "time")
        deeper = lambda: self.equation(over, depth - 1)  # noqa: E731
        match self.draw(st.integers(0, 15)):
            case 0 | 1 | 2 | 3:
                return f"({deeper()} {self.one_of('+', '-', '*')} {deeper()})"
            case 4:
                return f"({deeper()} / (1.3 + abs({deeper()})))"
            case 5:
                return f"{self.one_of('min', 'max')}({deeper()}, {deeper()})"
            case 6:
                comparison = self.one_of("<", ">", "<=", ">=", "<>")
                return f"if_then_else({deeper()} {comparison} {deeper()}, {deeper()}, {deeper()})"
            case 7:
                return self.one_of("sin({})", "cos({})", "arctan({})", "exp(-abs({}))", "abs({})").format(deeper())
            case 8:
                return self.one_of("ln(1.1 + abs({}))", "sqrt(0.1 + abs({}))", "-{}", "integer({})").format(deeper())
            case 9:
                return f"(0.2 + abs({deeper()})) ^ {self.one_of('2', '0.5', '-1', '1.3', 'c4', 'arctan(c0)')}"
            case 10:
                return f"{self.one_of('held', 'onward')}({deeper()})"
            case 11 | 12:
                return self.reduced(over)
            case 13:
                return f"modulo({deeper()}, {self.one_of('3', '0.7', '-2')})"
            case _:
                return self.name(over)

    def remembered(self, over: Sequence[str]) -> str:
        what, time = self.equation(over, 1), self.one_of("1", "0.3", "(0.4 + abs(c0))")
        return self.one_of(
            f"delay_fixed({what}, {time}, {self.name(over)})", f"initial({what})",
            f"sample_if_true({self.equation(over, 1)} > 0.3, {what}, 2)", f"smooth1({what}, {time})",
            f"delay3({what}, {time})", f"smooth_n({what}, {time}, 2)", f"trend({what} + 3, {time})",
            f"forecast({what} + 3, {time}, 0.5)", f"ramp({self.name(over)}, 0.5, 1.5)",
            f"step({self.name(over)}, 0.5)", f"pulse(0.25, 0.6) * ({what})",
        )  # fmt: skip


@st.composite
def models(draw: st.DrawFn) -> Model:
    writer = Writer(draw)
    one_of = writer.one_of
    n, m = one_of(*LENGTHS), one_of(1, 2, 3, 9)
    sizes = {"a": n, "b": m}
    random = np.random.default_rng(n * 10 + m)
    aux, records = one_of(1, 2, 3), []
    for k in range(aux):
        over = one_of(*OVERS)
        text = writer.remembered(over) if one_of(True, False) else writer.equation(over)
        records.append(Auxiliary(f"x{k}", text, over=over))
        writer.known[f"x{k}"] = over
    flows = {f"f{k}": (stock, over, writer.equation(over, 1)) for k, (stock, over) in enumerate(STOCKS.items())}
    rationed = one_of(True, False)
    return Model("any", time=Time(0, 1, "1/4", method=one_of(*METHODS))).define(
        Dimension("a", tuple(f"a{i}" for i in range(n))),
        Dimension("b", tuple(f"b{i}" for i in range(m))),
        Dimension("part", tuple(f"a{i}" for i in random.permutation(n)[: max(1, n // 2)]), of="a"),
        *(Constant(c, random.uniform(-1, 2, [sizes[d] for d in over]).tolist(), over=over)
          for c, over in CONSTANTS.items()),
        Lookup("held", tuple((float(i) / 2 - 1, float(y)) for i, y in enumerate(random.normal(size=7)))),
        Lookup("onward", ((-0.4, 1.0), (0.3, -0.7), (1.9, 0.2)), extrapolation=Extrapolation.LINEAR),
        *records,
        *(Flow(f, f"arctan({text}) / 3", over=over) for f, (_, over, text) in flows.items()),
        *(Stock(stock, f"abs({c}) + 0.3", inflows=[] if rationed else [f], outflows=[f] if rationed else [],
                over=over, non_negative=rationed)
          for (f, (stock, over, _)), c in zip(flows.items(), ("c0", "c1", "c2"), strict=True)),
    )  # fmt: skip


@given(models(), st.sampled_from((1, 1, 2, 7, 9)), st.booleans())
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
def test_going_back_agrees_with_going_along(
    case: Callable, back: Callable, gap: Callable, worst: Callable, model: Model, draws: int, moved: bool
) -> None:
    note("\n".join(map(str, model.variables.values())))
    levers = [Lever("c2", times=1.2, start=0.5), Lever("c4", add=0.3, start=0.25, end=0.75)]
    one = case(model, draws=draws, spread=0.3, scenarios=[Scenario("moved", levers=levers)] if moved else [])
    kept = NumpyKernel(one.program).run(one.inputs, one.save, one.steps)[0]
    assume(all(np.abs(v).max() < 1e6 for v in kept.values()))
    wanted = Wanted(one.by())

    apart, _, _ = gap(one, back(one, wanted)[1], wanted)
    worst("there and back, generated", apart)
    assert apart < 1e-9
