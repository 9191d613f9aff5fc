"""Where branches meet the slope is that of the one taken; what a number jumps with is named, and never silently 0."""

from collections.abc import Callable

import numpy as np
import pytest

from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Extrapolation, Flow, Lookup, Stock
from wm2u_sd.simulation.gradient import gradient
from wm2u_sd.simulation.scenario import Lever, Scenario

pytestmark = pytest.mark.usefixtures("machine_code")


def slopes_of(case: Callable, back: Callable, equation: str, draws: int, **constants: float) -> list[float]:
    """Return the slopes of an equation by its constants, once over the run and once at every stage."""
    model = Model("kink", time=Time(0, 0)).define(
        *(Constant(name, value) for name, value in constants.items()),
        Lookup("held", ((0, 0), (1, 2), (3, 3))),
        Lookup("onward", ((0, 0), (1, 2), (3, 3)), extrapolation=Extrapolation.LINEAR),
        Auxiliary("result", equation),
    )
    one = case(model, draws=draws, save=["result"])
    _, bars = back(one)
    weight = float(one.weights["result"].squeeze())
    for bar in bars.constants.values():
        np.testing.assert_array_equal(np.broadcast_to(bar[..., :1], bar.shape), bar)
    return [float(bars.constants[k].flat[0]) / weight for k in range(len(constants))]


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize(
    ("equation", "slopes"),
    [
        ("min(x, y)", [0.0, 1.0]),  # of equal numbers the second
        ("max(x, y)", [0.0, 1.0]),
        ("min(y, x)", [1.0, 0.0]),
        ("max(y, x)", [1.0, 0.0]),
        ("min(x, y + 0 * time)", [0.0, 1.0]),
        ("min(x, 1)", [0.0, 0.0]),
        ("max(1, x)", [1.0, 0.0]),
        ("if_then_else(x > y, 2 * x, 3 * y)", [0.0, 3.0]),
        ("if_then_else(x >= y, 2 * x, 3 * y)", [2.0, 0.0]),
        ("if_then_else(x = y, 2 * x, 3 * y)", [2.0, 0.0]),
        ("abs(x - y)", [0.0, 0.0]),
        ("held(x)", [0.5, 0.0]),  # at a point the segment to its right
        ("onward(x)", [0.5, 0.0]),
        ("held(x - y)", [2.0, -2.0]),
        ("onward(x - y)", [2.0, -2.0]),
        ("onward(3 * x)", [1.5, 0.0]),  # on the last point the last segment where the curve goes on
        ("(x > 0) * y", [0.0, 1.0]),
        ("modulo(x, y)", [1.0, -1.0]),
    ],
)
def test_at_a_kink_the_branch_that_was_taken_counts(
    case: Callable, back: Callable, equation: str, slopes: list[float], draws: int
) -> None:
    assert slopes == pytest.approx(slopes_of(case, back, equation, draws, x=1.0, y=1.0))


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize(("x", "slope"), [(-0.5, 0.0), (3.5, 0.0), (0.5, 2.0), (2.0, 0.5)])
def test_a_curve_that_is_held_is_flat_beyond_its_points(
    case: Callable, back: Callable, x: float, slope: float, draws: int
) -> None:
    assert [slope] == pytest.approx(slopes_of(case, back, "held(x)", draws, x=x))
    beyond = {-0.5: 2.0, 3.5: 0.5}.get(x, slope)
    assert [beyond] == pytest.approx(slopes_of(case, back, "onward(x)", draws, x=x))


@pytest.mark.parametrize("draws", [1, 3])
@pytest.mark.parametrize(
    ("equation", "x", "slopes"),
    [
        ("if_then_else(x > 0, x * y, y / x)", 2.0, [3.0, 2.0]),
        ("if_then_else(x > 0, y / x, 2 * y)", 0.0, [0.0, 2.0]),
        ("if_then_else(x > 0, ln(x) * y, 2 * y)", 0.0, [0.0, 2.0]),
        ("if_then_else(x > 0, sqrt(x) * y, 2 * y)", 0.0, [0.0, 2.0]),
        ("if_then_else(x > 0, sqrt(x) * y, 2 * y)", -1.0, [0.0, 2.0]),
        ("if_then_else(x > 0, x ^ 0.5 * y, 2 * y)", 0.0, [0.0, 2.0]),
        ("safe_divide(y, x, y)", 0.0, [0.0, 1.0]),
        ("safe_divide(x, x, 2 * y)", 0.0, [0.0, 2.0]),
        ("min(2 * y, y / x)", 0.0, [0.0, 2.0]),
    ],
)
def test_a_division_by_zero_in_the_branch_not_taken_does_no_harm(
    case: Callable, back: Callable, equation: str, x: float, slopes: list[float], draws: int
) -> None:
    # SEM-12; the slopes of the side that is not taken are infinite or no number, and must not reach the other.
    found = slopes_of(case, back, equation, draws, x=x, y=3.0)
    assert slopes == pytest.approx(found)


# What is named --------------------------------------------------------------------------------------------------------


def named(equation: str, *, start: str = "5") -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the events and thresholds that a gradient of a model with this equation names."""
    model = Model("named", time=Time(0, 4, "1/4", method="rk4")).define(
        Dimension("row", ("a", "b")),
        Constant("at", 1.1), Constant("limit", 6.0), Constant("height", 2.0), Constant("width", 0.9),
        Constant("limits", (5.5, 6.5), over=("row",)), Constant("shift", 0.5),
        Lookup("curve", ((0, 0), (10, 3))),
        Stock("level", start, inflows=["change"]),
        Flow("change", equation),
        Auxiliary("all_used", "at + limit + height + width + sum(limits[*]) + shift + curve(level)"),
    )  # fmt: skip
    found = gradient(model, "level")
    return found.events, found.thresholds


@pytest.mark.parametrize(
    ("equation", "events", "thresholds"),
    [
        ("height", (), ()),
        ("step(height, at)", ("at",), ()),
        ("step(height, at + shift)", ("at", "shift"), ()),
        ("height * pulse(at, width)", ("at", "width"), ()),
        ("pulse_train(at, width, shift, limit)", ("at", "limit", "width", "shift"), ()),
        ("ramp(height, at, limit)", (), ()),  # it bends there and does not jump
        ("delay_fixed(level, at, height) / 9", ("at",), ()),
        ("if_then_else(time > at, height, 0)", ("at",), ()),
        ("if_then_else(held_time >= at, height, 0)", ("at",), ()),
        ("if_then_else(modulo(time, width) < shift, height, 0)", ("width", "shift"), ()),
        ("if_then_else(level > limit, height, 0)", (), ("limit",)),
        ("if_then_else(limit + shift <= level * height, height, 0)", (), ("limit", "shift")),
        ("if_then_else(level > limit and time > at, height, 0)", ("at",), ("limit",)),
        ("sample_if_true(level < limit, level, height) / 9", (), ("limit",)),
        ("sum(limits[*] < level)", (), ("limits",)),
        ("if_then_else(smooth1(level, height) > limit, 1, 0)", (), ("limit",)),
        ("if_then_else(curve(level) > shift, 1, 0)", (), ("shift",)),
        ("if_then_else(level = limit, 1, 0)", (), ("limit",)),
        ("safe_divide(height, level)", (), ()),  # guards against dividing by 0
        ("if_then_else(level = 0, height, limit / level)", (), ()),
        ("min(level, limit) / 9 + max(at, level) / 9", (), ()),  # they bend
        ("integer(limit)", (), ("limit",)),
    ],
)
def test_what_a_number_jumps_with_is_named(equation: str, events: tuple[str, ...], thresholds: tuple[str, ...]) -> None:
    assert (events, thresholds) == named(equation)


def test_what_is_moved_by_a_scenario_is_named_too() -> None:
    model = Model("moved", time=Time(0, 4)).define(
        Constant("at", 1.0), Constant("limit", 6.0),
        Stock("level", "5", inflows=["change"]),
        Flow("change", "step(1, at) + if_then_else(level > limit, 1, 0)"),
    )  # fmt: skip
    found = gradient(model, "level", scenario=Scenario("s", levers=[Lever("limit", add=1, start=2)]))

    assert (("at",), ("limit",)) == (found.events, found.thresholds)


def test_only_what_is_asked_for_is_named() -> None:
    model = Model("few", time=Time(0, 4)).define(
        Constant("at", 1.0), Constant("limit", 6.0),
        Stock("level", "5", inflows=["change"]),
        Flow("change", "step(1, at) + if_then_else(level > limit, 1, 0)"),
    )  # fmt: skip

    assert (("at",), ()) == (lambda g: (g.events, g.thresholds))(gradient(model, "level", by="at"))
    assert ((), ("limit",)) == (lambda g: (g.events, g.thresholds))(gradient(model, "level", by=["limit"]))


HIDDEN = {
    "if_then_else(level - limit > 0, height, 0)": "limit",
    "if_then_else(level / limit > 1, height, 0)": "limit",
    "integer(level / limit)": "limit",
    "if_then_else(time - at > 0, height, 0)": "at",
}


@pytest.mark.parametrize("equation", HIDDEN)
def test_a_threshold_on_the_side_that_moves_is_named(equation: str) -> None:
    events, thresholds = named(equation)
    assert HIDDEN[equation] in (*events, *thresholds)


def test_a_threshold_at_the_start_is_named() -> None:
    events, thresholds = named("height", start="if_then_else(limit > 3, 5, 6)")
    assert "limit" in (*events, *thresholds)


@pytest.mark.parametrize(
    ("equation", "by", "change"),
    [("step(2, at)", "at", 0.5), ("if_then_else(level > limit, 2, 1)", "limit", 1.0)],
)
def test_numbers_do_jump_with_what_is_named(case: Callable, equation: str, by: str, change: float) -> None:
    def ends(moved: float) -> np.ndarray:
        model = Model("jump", time=Time(0, 4, "1/4")).define(
            Constant("at", 1.1), Constant("limit", 6.0), Stock("level", "5", inflows=["change"]),
            Flow("change", equation), Auxiliary("used", "at + limit"),
        )  # fmt: skip
        one = case(model, values={by: [float(np.asarray(model.constant(by).value)) + moved]}, save=["level"])
        return one.value(one.inputs) / one.weights["level"][0].sum()

    model = Model("jump", time=Time(0, 4, "1/4")).define(
        Constant("at", 1.1), Constant("limit", 6.0), Stock("level", "5", inflows=["change"]),
        Flow("change", equation), Auxiliary("used", "at + limit"),
    )  # fmt: skip
    found = gradient(model, "level")
    assert 0.0 == float(found.constants[by].squeeze())
    assert by in (*found.events, *found.thresholds)
    assert ends(0.0) != ends(change)
