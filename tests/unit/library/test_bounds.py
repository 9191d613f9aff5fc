"""Arguments that cannot be just any number: the times of delays, the order of a delay."""

import pytest

from wm2u_sd.errors import ModelError
from wm2u_sd.expr.functions import FUNCTIONS, HIGHEST_ORDER
from wm2u_sd.model.check import check
from wm2u_sd.model.diagnostics import Finding
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant
from wm2u_sd.simulation.simulate import simulate

NAMES = {("input", "delay_time"), ("input", "smooth_time"), ("input", "average_time")}
AVERAGING = [name for name, function in FUNCTIONS.items() if tuple(a.name for a in function.arguments[:2]) in NAMES]


def model_of(equation: str, *, delay: float | tuple[float, ...] = 2.0, over: tuple[str, ...] = ()) -> Model:
    """Return a model of one equation, y, over `over`, with a delay time of this value."""
    delay_over = ("size",) if isinstance(delay, tuple) else ()
    return Model("bounds", time=Time(0, 10, 0.25)).define(
        Dimension("size", ("small", "large")),
        Constant("delay", value=delay, over=delay_over),
        Auxiliary("y", equation, over=over),
    )


def errors(model: Model) -> list[Finding]:
    return check(model).errors


def call_of(name: str, length: str) -> str:
    """Return a call with a given time and as few other arguments as may be."""
    others = {"order": "3", "horizon": "5", "initial": "0"}
    rest = [others[a.name] for a in FUNCTIONS[name].arguments[2:] if a.default is None]
    return f"{name}({', '.join(['time', length, *rest])})"


@pytest.mark.parametrize("name", AVERAGING)
def test_every_time_of_a_delay_has_a_bound(name: str) -> None:
    assert FUNCTIONS[name].arguments[1].bound == (">= 0" if name == "delay_fixed" else "> 0")


@pytest.mark.parametrize("name", AVERAGING)
def test_a_time_that_cannot_be_is_pointed_at(name: str) -> None:
    equation = call_of(name, "-2")
    (found,) = errors(model_of(equation))
    must = "0 or more" if name == "delay_fixed" else "above 0"

    assert found.text == f"y: the {FUNCTIONS[name].arguments[1].name} of {name} must be {must}, but it is -2"
    assert found.excerpt.splitlines()[1].index("^") == found.excerpt.splitlines()[0].index("-2")


@pytest.mark.parametrize("name", AVERAGING)
def test_a_time_of_nothing_is_one_step_for_a_fixed_delay_and_refused_elsewhere(name: str) -> None:
    assert (name != "delay_fixed") is bool(errors(model_of(call_of(name, "0"))))


@pytest.mark.parametrize("name", AVERAGING)
def test_the_value_of_a_constant_counts_like_a_number(name: str) -> None:
    equation = call_of(name, "delay")
    (found,) = errors(model_of(equation, delay=-2.0))

    assert found.text.endswith("but delay is -2")
    assert [] == errors(model_of(equation))


def test_a_train_of_pulses_has_a_distance_between_them() -> None:
    (found,) = errors(model_of("pulse_train(0, 1, 0, 8)"))

    assert "y: the interval of pulse_train must be above 0, but it is 0" == found.text


@pytest.mark.parametrize(
    ("equation", "over", "n_errors"),
    [
        ("delay1(time, delay)", ("size",), 1),
        ("delay1(time, delay[small])", (), 0),  # which element is picked is not looked into
        ("delay1(time, delay + 1)", ("size",), 0),  # worked out in the run
    ],
)
def test_one_element_is_enough_where_all_are_used(equation: str, over: tuple[str, ...], n_errors: int) -> None:
    assert n_errors == len(errors(model_of(equation, delay=(2.0, 0.0), over=over)))


@pytest.mark.parametrize("name", ["delay_n", "smooth_n"])
def test_what_is_found_of_an_order_is_what_a_run_refuses(name: str) -> None:
    highest, above = (model_of(f"{name}(time, 2000, {order})") for order in (HIGHEST_ORDER, HIGHEST_ORDER + 1))
    (found,) = errors(above)

    assert f"the order of {name} is 101; it must be 100 or less" == found.text
    assert "^^^" == found.excerpt.splitlines()[1].strip()
    assert [] == errors(highest)
    simulate(highest)
    with pytest.raises(ModelError, match="order"):
        simulate(above)
