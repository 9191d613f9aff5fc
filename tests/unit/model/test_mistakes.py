"""Mistakes made in Python are findings of `check` and errors of ours from `simulate`, and never tracebacks."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import wm2u_sd as sd
from wm2u_sd.errors import ModelError, SimulationError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Prior, Stock
from wm2u_sd.simulation.ensemble import Ensemble, draw
from wm2u_sd.simulation.scenario import Lever, Scenario

NAN, INF = float("nan"), float("inf")
ITSELF: list[Any] = []
ITSELF += [ITSELF, ITSELF]

BEGIN = "It must be a number; leave it out to begin with the run"
GO_ON = "It must be a number; leave it out to go on until the run ends"
RAMP = "It is 0 for a step, or a number above"
EXAMPLE = "Give a Scenario('as_now'), or one of a folder, such as folder.scenarios['as_now']"
NEW_POINTS = [(0, 0), (1, 2)]


@pytest.fixture
def model() -> Model:
    """A stock, a curve, a constant over a dimension and one without, ten steps."""
    return Model("m", time=Time(0, 10, 1)).define(
        Dimension("age", ["old", "young"]),
        Stock("s", "1", inflows=["f"]),
        Flow("f", "k * curve(k) + sum(x[*])"),
        Constant("k", 1.0, prior=Prior("uniform", 0, 2, 1)),
        Constant("x", [1.0, 2.0], over=["age"]),
        Lookup("curve", [(0, 0), (1, 1)]),
    )


def said_of(model: Any, **given: Any) -> list[str]:
    return [finding.text for finding in sd.check(model, **given).errors]


def refused(verb: Callable[[], Any]) -> str:
    """Return how a verb refuses, having warned of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises((ModelError, SimulationError)) as caught:
            verb()
    return str(caught.value)


# Levers and scenarios -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("times", "said"),
    [
        ({"start": NAN}, f"start of 'k' is nan. {BEGIN}"),
        ({"start": -INF}, f"start of 'k' is -inf. {BEGIN}"),
        ({"start": "2"}, f"start of 'k' is '2'. {BEGIN}"),
        ({"start": True}, f"start of 'k' is True. {BEGIN}"),
        ({"end": NAN}, f"end of 'k' is nan. {GO_ON}"),
        ({"end": INF}, f"end of 'k' is inf. {GO_ON}"),
        ({"end": [3]}, f"end of 'k' is (3,). {GO_ON}"),
        ({"ramp": NAN}, f"ramp of 'k' is nan. {RAMP}"),
        ({"ramp": INF}, f"ramp of 'k' is inf. {RAMP}"),
        ({"ramp": "2"}, f"ramp of 'k' is '2'. {RAMP}"),
        ({"ramp": None}, f"ramp of 'k' is None. {RAMP}"),
        ({"ramp": -1}, f"'k' has a ramp of -1. {RAMP}"),
    ],
)
def test_times_of_a_lever_are_numbers(times: dict[str, Any], said: str, model: Model) -> None:
    scenario = Scenario("a", levers=[Lever("k", to=1, **times)])

    assert [f"scenario 'a': {said}."] == said_of(model, scenarios=[scenario])
    assert f"error [scenarios] scenario 'a': {said}." == refused(lambda: sd.simulate(model, scenario))


@pytest.mark.parametrize(
    ("times", "given", "leave"),
    [
        ({"start": 2}, "start=2", "start"),
        ({"end": 3.5}, "end=3.5", "end"),
        ({"ramp": 1, "start": NAN}, "start=nan, ramp=1", "start and ramp"),
    ],
)
def test_new_points_hold_for_the_whole_run(times: dict[str, Any], given: str, leave: str, model: Model) -> None:
    scenario = Scenario("a", levers=[Lever("curve", points=NEW_POINTS, **times)])
    said = (
        f"scenario 'a': 'curve' is given points, which hold for the whole run, and {given}. "
        f"Leave out {leave}, or move a constant instead."
    )

    assert [said] == said_of(model, scenarios=[scenario])
    assert f"error [scenarios] {said}" == refused(lambda: sd.simulate(model, scenario))


MALFORMED = [
    ("as_now", f"among the scenarios is 'as_now'. {EXAMPLE}."),
    (["as_now"], f"among the scenarios is 'as_now'. {EXAMPLE}."),
    (None, f"among the scenarios is None. {EXAMPLE}."),
    (Scenario(5), "scenario 5: that is no name. Give text."),  # type: ignore[arg-type]
    (Scenario("a", set=[1]), "scenario 'a': 'set' is [1]. Give values by name, e.g. {'places': 9}."),  # type: ignore[arg-type]
    (
        Scenario("a", levers="k"),  # type: ignore[arg-type]
        "scenario 'a': 'levers' is 'k'. Give a list, e.g. [Lever('places', to=9)].",
    ),
    (
        Scenario("a", levers=Lever("k", to=1)),  # type: ignore[arg-type]
        "scenario 'a': 'levers' is Lever(target=...one, ramp=0.0). Give a list, e.g. [Lever('places', to=9)].",
    ),
    (
        Scenario("a", levers=[{"target": "k", "to": 1}]),  # type: ignore[list-item]
        "scenario 'a': among the levers is {'target': 'k', 'to': 1}. Give a Lever, e.g. Lever('places', to=9).",
    ),
    (
        Scenario("a", levers=[Lever(["k"], to=1)]),  # type: ignore[arg-type]
        "scenario 'a': a lever has the target ['k']. Give the name of a constant or lookup.",
    ),
]


@pytest.mark.parametrize(("scenarios", "said"), MALFORMED)
def test_what_is_no_scenario_is_said(scenarios: Any, said: str, model: Model) -> None:
    assert [said] == said_of(model, scenarios=scenarios)
    assert said == refused(lambda: sd.simulate(model, scenarios))


SET = {
    "scenario 'a': 'k' is set to None. It must be a number.": {"k": None},
    "scenario 'a': 'k' is set to nan. It must be a number.": {"k": NAN},
    "scenario 'a': 'curve' is a lookup, and 'set' changes a constant. "
    "Give it other points: Lever('curve', points=[(x, y), ...]).": {"curve": 3},
    "scenario 'a': there is no constant 'x[old]' in m. "
    "One element cannot be set by itself; set the whole of 'x', or split it.": {"x[old]": 9},
}


@pytest.mark.parametrize(("said", "values"), SET.items())
def test_a_value_that_cannot_be_set_is_said(said: str, values: dict[str, Any], model: Model) -> None:
    assert [said] == said_of(model, scenarios=[Scenario("a", set=values)])
    assert said.split(". ")[-1] in refused(lambda: sd.simulate(model, Scenario("a", set=values)))


def test_one_scenario_and_scenarios_by_name_will_do(model: Model) -> None:
    scenarios = {"as_now": Scenario("as_now"), "more": Scenario("more", set={"k": 2})}
    unknown = Scenario("a", set={"kk": 2})

    assert ["as_now", "more"] == sd.simulate(model, scenarios).data["scenario"].values.tolist()
    assert said_of(model, scenarios=unknown) == said_of(model, scenarios={"a": unknown}) != []


def test_numbers_of_numpy_are_numbers(model: Model) -> None:
    scenario = Scenario("a", {"k": np.int64(3)}, [Lever("k", add=np.float32(2), start=np.int64(2), ramp=np.int32(1))])  # type: ignore[arg-type, dict-item]

    assert [] == said_of(model, scenarios=scenario)


# Models ---------------------------------------------------------------------------------------------------------------


@dataclass
class Folder:
    """What holds a model."""

    model: Model


@pytest.mark.parametrize("verb", [sd.simulate, sd.check, lambda model: draw(model, 2)])
def test_what_is_no_model_is_refused(verb: Callable[[Any], Any], model: Model) -> None:
    assert "expected a Model, but got 'models/core'; load it first: sd.load('models/core').model" == refused(
        lambda: verb("models/core")
    )
    assert "expected a Model, but got None; load it first: sd.load('path/to/folder').model" == refused(
        lambda: verb(None)
    )
    assert "expected a Model, but this is a ModelFolder, which holds one: give folder.model" == refused(
        lambda: verb(Folder(model))
    )


NAMES = "it must be a list of names, e.g. ['a', 'b']"


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"balance": "x"}, "the balance of the model is 'x'; give a Balance(solve, steady, zero)"),
        ({"balance": Balance("k")}, f"balance: 'solve' is 'k'; {NAMES}"),  # type: ignore[arg-type]
        ({"balance": Balance(["k"], steady=5)}, f"balance: 'steady' is 5; {NAMES}"),  # type: ignore[arg-type]
        ({"loops": "x"}, "the loops of the model are 'x'; give a list of Loop(name, path)"),
        ({"loops": [1]}, "among the loops is 1; give a Loop(name, path)"),
        ({"loops": [Loop("B1", "kk")]}, f"loop B1: 'path' is 'kk'; {NAMES}"),  # type: ignore[arg-type]
        ({"loops": [Loop(1, ["k"])]}, "a loop has the name 1; it must be text"),  # type: ignore[arg-type]
        ({"time": Time(units=5)}, "time: units is 5; it must be text, e.g. 'month'"),  # type: ignore[arg-type]
        ({"time": 5}, "the time of the model is 5; give a Time(start, end, step, units)"),
    ],
)
def test_what_holds_a_model_together_is_of_the_right_kind(facts: dict[str, Any], said: str) -> None:
    model = Model("m", **facts)

    assert [said] == said_of(model)
    assert refused(lambda: sd.simulate(model)).endswith(f"] {said}")


def test_a_model_holds_records_by_name() -> None:
    assert "m: 'variables' holds no records by name; use Model(name).define(record, ...)" == refused(
        lambda: Model("m", variables=[Constant("k", 1)])  # type: ignore[arg-type]
    )


def test_time_has_the_fields_it_has(model: Model) -> None:
    fields = "start, end, step, units, saveper, method, origin"

    assert f"time: there is no 'foo'; it has {fields}." == refused(lambda: model.with_time(foo=1))
    assert f"time: there is no 'ends'; it has {fields}. Did you mean: end?" == refused(lambda: model.with_time(ends=12))


def test_a_list_that_holds_itself_is_left_as_it_is() -> None:
    assert ITSELF is Lookup("curve", ITSELF).points


# Draws ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "3", None])
def test_draws_are_one_or_more(n: Any, model: Model) -> None:
    assert f"n is {n!r}; give a whole number of at least 1" == refused(lambda: draw(model, n))
    assert f"n is {n!r}; give a whole number of at least 1" == refused(lambda: Ensemble({}, n, "x"))


@pytest.mark.parametrize("values", [["a", "b"], [1j, 2], [[1], [1, 2]]])
def test_draws_are_numbers(values: Any, model: Model) -> None:
    said = f"draws: 'k' is {values}; give one number for each draw"

    assert said == refused(lambda: sd.simulate(model, draws=Ensemble({"k": values}, 2, "x")))


@pytest.mark.parametrize("distribution", ["triangular", "lognormal", "beta"])
def test_a_prior_that_cannot_be_is_refused_before_it_is_drawn(distribution: str, model: Model) -> None:
    turned = model.define(Constant("k", 1.0, prior=Prior(distribution, 3, 1, 2)))

    assert "k: the prior runs from 3 to 1; low must be below high" == refused(lambda: draw(turned, 5))


# Records stay as they are ---------------------------------------------------------------------------------------------

SAME = {
    "a stock": (Stock("a", inflows=["b"], outflows=["c"], over=["d"]), Stock("a", "0", "", ("b",), ("c",), ("d",))),
    "a flow": (Flow("a", over=["d"]), Flow("a", over=("d",))),
    "an auxiliary": (Auxiliary("a", over=["d"]), Auxiliary("a", over=("d",))),
    "a constant": (Constant("a", [[1, 2], [3, 4]]), Constant("a", ((1, 2), (3, 4)))),
    "an array": (Constant("a", np.array([[1.0, 2.0]])), Constant("a", ((1.0, 2.0),))),  # type: ignore[arg-type]
    "a lookup": (Lookup("a", np.array([[1.0, 2.0]])), Lookup("a", ((1.0, 2.0),))),  # type: ignore[arg-type]
    "a dimension": (Dimension("a", ["b"]), Dimension("a", ("b",))),
    "a loop": (Loop("a", ["b"]), Loop("a", ("b",))),
    "a balance": (Balance(["a"], ["b"], ["c"]), Balance(("a",), ("b",), ("c",))),
    "a series": (Lever("a", series=[(0, 1), [2, 3]]), Lever("a", series=((0, 1), (2, 3)))),  # type: ignore[list-item]
    "points": (Lever("a", points=[(0, 1)]), Lever("a", points=((0, 1),))),
    "a scenario": (Scenario("a", levers=[Lever("b")], actors=["c"]), Scenario("a", {}, (Lever("b"),), actors=("c",))),
}


@pytest.mark.parametrize("what", SAME)
def test_a_record_made_of_lists_is_the_record_made_of_tuples(what: str) -> None:
    of_lists, of_tuples = SAME[what]

    assert of_tuples == of_lists


def test_what_is_no_sequence_is_left_for_the_check() -> None:
    stock = Stock("a", inflows="b", over=None)  # type: ignore[arg-type]

    assert ("b", None) == (stock.inflows, stock.over)


def test_values_given_in_a_list_cannot_be_changed_afterwards() -> None:
    values = [1.0, 2.0]
    constant, scenario = Constant("x", values), Scenario("a", chosen := {"k": 1.0})
    values.append(3.0)
    chosen["k"] = 2.0

    assert (1.0, 2.0) == constant.value
    assert {"k": 1.0} == scenario.set
