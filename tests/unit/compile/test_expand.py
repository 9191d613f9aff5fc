"""From records to bare equations: what is refused on the way, and what small models leave behind."""

import pytest

from wm2u_sd.compile.expand import expand
from wm2u_sd.compile.lower import lower
from wm2u_sd.errors import ModelError, NameUnknownError
from wm2u_sd.expr.functions import HIGHEST_ORDER
from wm2u_sd.expr.nodes import Reference
from wm2u_sd.expr.visit import references
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Stock


def model(equation: str) -> Model:
    return Model("small", time=Time(0, 1)).define(
        Dimension("age", ("young", "old")),
        Constant("wait", value=3.0),
        Constant("a", value=(1.0, 2.0), over=["age"]),
        Lookup("curve", points=((0, 0), (1, 1))),
        Stock("level", initial="5", inflows=["filling"]),
        Flow("filling", "1"),
        Auxiliary("x", equation),
    )


REFUSED = {
    "": "x: the equation is empty",
    "exq(1)": "x: there is no function 'exq'. Did you mean: exp?",
    "curv(1)": "x: there is no function 'curv'. Did you mean: curve?",
    "exp()": "x: exp takes exp(x); got 0 arguments",
    "step(1)": "x: step takes step(height, at); got 1 arguments",
    "ramp(1, 2, 3, 4)": "x: ramp takes ramp(slope, start, end = end_time); got 4 arguments",
    "delay_n(1, 2, wait)": (f"x: the order of delay_n must be a whole number from 1 to {HIGHEST_ORDER}, written out"),
    "delay_n(1, 2, 2.5)": f"x: the order of delay_n must be a whole number from 1 to {HIGHEST_ORDER}, written out",
    "smooth_n(1, 2, 0)": f"x: the order of smooth_n must be a whole number from 1 to {HIGHEST_ORDER}, written out",
    "smooth_n(1, 2, 101)": f"x: the order of smooth_n must be a whole number from 1 to {HIGHEST_ORDER}, written out",
    "sum(delay1(a[*], 2))": (
        "x: delay1(...) cannot stand inside a reduction over a[*]; give it a variable of its own and reduce that"
    ),
}


@pytest.mark.parametrize(("equation", "message"), REFUSED.items())
def test_a_call_that_cannot_be_carried_out_is_refused(equation: str, message: str) -> None:
    with pytest.raises(ModelError) as caught:
        expand(model(equation))

    assert message == str(caught.value)


LOWERING_REFUSED = {
    "queue": (NameUnknownError, "There is no variable 'queue'."),
    "levle": (NameUnknownError, "There is no variable 'levle'. Did you mean: level?"),
    "curve": (ModelError, "'curve' is a lookup; write what it should look up: curve(x)"),
    "curve(1, 2)": (ModelError, "x: the lookup curve takes one argument; got 2"),
    "x + 1": (
        ModelError,
        "These define each other at the start: x -> x. Put a delay in one link; people take time to notice.",
    ),
}


@pytest.mark.parametrize(("equation", "error", "message"), [(e, *v) for e, v in LOWERING_REFUSED.items()])
def test_names_that_lead_nowhere_are_refused(equation: str, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        lower(model(equation))

    assert message == str(caught.value)


def test_a_circle_is_spelled_out() -> None:
    circle = model("y * 2").define(Auxiliary("y", "z"), Auxiliary("z", "x + level"))
    with pytest.raises(ModelError) as caught:
        lower(circle)

    message = str(caught.value)
    assert message.startswith("These define each other at the start: ")
    assert {"x", "y", "z"} == set(message.partition(": ")[2].partition(".")[0].split(" -> "))


def test_a_circle_through_a_stock_or_a_delay_is_no_circle() -> None:
    lower(model("level + 1").define(Flow("filling", "x")))
    lower(model("1 + smooth1(x, 2, 5)"))
    lower(model("1 + delay_fixed(x, 1, 0)"))
    lower(model("sample_if_true(time > 1, 3, 0)").define(Auxiliary("y", "x")))


def test_a_circle_at_the_start_only_is_a_circle() -> None:
    with pytest.raises(ModelError) as caught:
        lower(model("level").define(Stock("level", initial="x", inflows=["filling"])))

    assert (
        "These define each other at the start: x -> level -> x. Put a delay in one link; people take time to notice."
    ) == str(caught.value)


def test_a_small_model_refers_to_the_arguments_it_was_given() -> None:
    expanded = expand(model("delay3(level * 2, wait, 0)"))

    names = [name for name in expanded.states if name != "level"]
    assert ["x.delay3_1.level_1", "x.delay3_1.level_2", "x.delay3_1.level_3"] == names
    used = {r.name for state in expanded.states.values() for r in references(state.net)}
    assert used <= set(expanded.equations) | set(expanded.states) | {"wait"}


def test_two_delays_in_one_equation_are_two_delays() -> None:
    expanded = expand(model("smooth1(level, wait) - smooth1(level, 2)"))

    assert ["x.smooth1_1.level_1", "x.smooth1_2.level_1"] == [name for name in expanded.states if name != "level"]


def test_a_stock_changes_by_its_flows_and_nothing_else() -> None:
    assert Reference("filling") == expand(model("1")).states["level"].net
