"""Whatever a model holds, `check` answers with findings; a model without errors compiles and runs."""

from dataclasses import fields, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from wm2u_sd.errors import SimulationError
from wm2u_sd.model.check import check
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Prior, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate

NAMES = st.sampled_from(
    ["waiting", "asking", "leaving", "rate", "people", "curve", "area", "coast", "north", "time", "Bad"]
)
WORDS = "waiting asking rate people people[*] people[north] curve time 3 0 ( ) , + * / ^ - and not or < min("
CALLS = "sum( delay1( initial( curve( if_then_else( smooth_n( delay_fixed( sample_if_true("
PIECES = st.sampled_from([f" {word} " for word in f"{WORDS} {CALLS}".split()])
EQUATIONS = st.lists(PIECES, max_size=8).map("".join)
ANYTHING: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5), EQUATIONS, NAMES
)
ANYTHING = st.recursive(ANYTHING, lambda inner: st.lists(inner, max_size=3), max_leaves=4)
UNITS = st.sampled_from(["", "person", "person/month", "month", "dmnl", "1/month", "persons", "GBP_2024", "person//x"])

SOUND = (
    Dimension("area", ("north", "south")),
    Dimension("coast", ("north",), of="area"),
    Stock("waiting", initial="20", inflows=["asking"], outflows=["leaving"], units="person", non_negative=True),
    Flow("asking", "rate * sum(people[*])", units="person/month", outside="the town"),
    Flow("leaving", "waiting / 3 * curve(waiting / 20)", units="person/month", outside="elsewhere"),
    Auxiliary("pressure", "smooth1(waiting, 2)", units="person"),
    Constant("rate", 0.01, units="1/month", prior=Prior("uniform", 0.0, 0.1, 0.05)),
    Constant("people", [600, 400], over=["area"], units="person"),
    Lookup("curve", [(0, 0), (1, 1)], units="dmnl", x_units="dmnl"),
)
MODEL = Model(
    "sound",
    time=Time(0, 4, 0.5),
    balance=Balance(("rate",), ("waiting",)),
    loops=(Loop("B", ("waiting", "leaving")),),
).define(*SOUND)


@st.composite
def damaged(draw: st.DrawFn) -> Model:
    """Return the sound model with up to three fields of its records replaced by anything at all."""
    model = MODEL
    for _ in range(draw(st.integers(1, 3))):
        record = draw(st.sampled_from(SOUND))
        field = draw(st.sampled_from([f.name for f in fields(record) if f.name not in ("name", "place")]))
        value = draw({"equation": EQUATIONS, "initial": EQUATIONS, "units": UNITS}.get(field, ANYTHING) | ANYTHING)
        model = model.define(replace(record, **{field: value}))  # type: ignore[arg-type]
    return model


@given(damaged(), st.lists(st.tuples(NAMES, ANYTHING), max_size=2))
@settings(max_examples=300)
def test_a_check_answers_whatever_the_records_hold(model: Model, levers: list[tuple[str, Any]]) -> None:
    scenario = Scenario("other", levers=tuple(Lever(name, to=value) for name, value in levers))

    report = check(model, scenarios=[scenario])

    assert list(report.findings) == sorted(report.findings, key=lambda finding: finding.order)
    assert str(report)


@given(damaged())
@settings(max_examples=150)
def test_a_model_without_errors_runs(model: Model) -> None:
    if check(model).errors:
        return
    try:
        run = simulate(model)
    except SimulationError:
        return  # every draw stopped, or nothing makes it start at rest: statuses, not faults of the check
    assert run.data.sizes["draw"] == 1


@given(st.dictionaries(st.one_of(NAMES, st.integers(), st.none()), ANYTHING, max_size=4), ANYTHING, ANYTHING)
def test_a_check_answers_when_the_model_itself_is_nonsense(variables: dict[Any, Any], name: Any, time: Any) -> None:
    model = Model(name, time=time, variables=variables, dimensions={"area": name}, balance=None)

    assert check(model).errors or not variables
