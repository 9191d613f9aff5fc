"""Growth rates against eigenvalues worked out by hand, and what is refused (SEM-60, SEM-61)."""

import math
from collections.abc import Callable

import pytest

from wm2u_sd.analysis.tipping import growth, tipping_point
from wm2u_sd.errors import ModelError, NameUnknownError, SimulationError
from wm2u_sd.model.model import Balance, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock


def pair(*, onward: float = 0.3, back: float = 0.2) -> Model:
    """Two stocks at rest at 10 and 15: each drains at 0.5 and 0.4 a month and feeds the other."""
    return Model("pair", time=Time(0, 10, 0.5)).define(
        Constant("onward", value=onward), Constant("back", value=back),
        Stock("first", initial="10", inflows=["entering", "coming_back"], outflows=["leaving_first"]),
        Stock("second", initial="15", inflows=["arriving", "coming_on"], outflows=["leaving_second"]),
        Flow("entering", "10 * 0.5 - 15 * back"), Flow("arriving", "15 * 0.4 - 10 * onward"),
        Flow("leaving_first", "first * 0.5"), Flow("leaving_second", "second * 0.4"),
        Flow("coming_back", "second * back"), Flow("coming_on", "first * onward"),
    )  # fmt: skip


def kinked(*, above: float = 0.1, below: float = -0.3, other: float = -1.0) -> Model:
    """A stock at rest at 8 that is pushed on at one rate above 8 and at another below it, beside a plain one."""
    return Model("kinked", time=Time(0, 10, 0.5)).define(
        Constant("above", value=above), Constant("below", value=below),
        Stock("level", initial="8", inflows=["moving"]), Stock("beside", initial="2", inflows=["settling"]),
        Flow("moving", "above * max(0, level - 8) - below * max(0, 8 - level)"),
        Flow("settling", f"{other} * (beside - 2)"),
    )  # fmt: skip


def budget(until: str) -> Model:
    """Money spent follows itself at 0.2 a month against what was budgeted, which is settled at time `until`."""
    return Model("budget", time=Time(0, 10, 0.5)).define(
        Constant("until", value=0),
        Stock("spent", initial="50", inflows=["rising"]),
        Auxiliary("planned", f"sample_if_true(time <= {until}, spent, spent)"),
        Flow("rising", "0.2 * (spent - planned)"),
    )


def test_growth_of_two_stocks_is_the_larger_eigenvalue() -> None:
    # Matrix [[-0.5, 0.2], [0.3, -0.4]]: eigenvalues -0.45 +- sqrt(0.05^2 + 0.06).
    found = growth(pair())

    assert -0.45 + math.sqrt(0.0025 + 0.06) == pytest.approx(found.rate, abs=1e-8)


def test_the_shape_of_the_disturbance_is_the_eigenvector_in_shares_of_each_stock() -> None:
    # Eigenvalue -0.2: (-0.5 + 0.2) x + 0.2 y = 0, so y = 1.5 x; in shares of 10 and 15 both are alike.
    found = growth(pair(), {"first": 1}).shape

    assert {"first": 1.0, "second": 1.0} == pytest.approx(found, abs=1e-4)


def test_two_stocks_tip_where_what_goes_round_equals_what_leaves() -> None:
    # onward * 0.2 = 0.5 * 0.4.
    assert 1.0 == pytest.approx(tipping_point(pair(), "onward", 0.5, 2.0), abs=1e-6)


def test_constants_varied_together_are_given_one_value() -> None:
    # x^2 = 0.5 * 0.4.
    assert math.sqrt(0.2) == pytest.approx(tipping_point(pair(), ["onward", "back"], 0.1, 1.0), abs=1e-6)


@pytest.mark.parametrize(("push", "rate"), [(1, 0.1), (-1, -0.3)])
def test_beside_a_kink_growth_is_that_of_the_side_pushed_to(push: int, rate: float) -> None:
    found = growth(kinked(), {"level": push})

    assert rate == pytest.approx(found.rate, abs=1e-6)
    assert push == pytest.approx(found.shape["level"], abs=1e-6)
    assert 0 == pytest.approx(found.shape["beside"], abs=1e-6)


def test_without_a_direction_the_sides_of_a_kink_are_averaged() -> None:
    assert (0.1 - 0.3) / 2 == pytest.approx(growth(kinked()).rate, abs=1e-6)


def test_a_kinked_model_tips_at_another_value_on_each_side_and_on_average() -> None:
    model = kinked(below=0.2)

    assert 0.0 == pytest.approx(tipping_point(model, "above", -0.5, 0.4, {"level": 1}), abs=1e-4)
    assert -0.2 == pytest.approx(tipping_point(model, "above", -0.5, 0.4), abs=1e-5)


def test_what_a_sample_remembers_stays_as_it_is_at_rest() -> None:
    assert 0.2 == pytest.approx(growth(budget("until")).rate, abs=1e-8)


def test_a_sample_that_goes_on_being_taken_moves_with_its_input() -> None:
    assert 0.0 == pytest.approx(growth(budget("5")).rate, abs=1e-8)


def test_a_model_with_a_balance_is_put_at_rest_first() -> None:
    # Logistic growth 0.3 x (1 - x / room) at x = room: rate -0.3, wherever room has to be for 40 to stand still.
    model = Model("logistic", time=Time(0, 10, 0.5), balance=Balance(("room",), ("x",))).define(
        Constant("room", value=10), Stock("x", initial="40", inflows=["net"]), Flow("net", "0.3 * x * (1 - x / room)")
    )

    assert -0.3 == pytest.approx(growth(model).rate, abs=1e-6)


def test_a_smooth_counts_as_a_stock() -> None:
    # x' = 0.5 (s - x), s' = (x - s) / 4: eigenvalues 0 and -0.75.
    model = Model("smooth", time=Time(0, 10, 0.5)).define(
        Stock("x", initial="6", inflows=["following"]), Flow("following", "0.5 * (smooth1(x, 4) - x)")
    )

    assert 0.0 == pytest.approx(growth(model).rate, abs=1e-8)


# Refusals -------------------------------------------------------------------------------------------------------------


def message(call: Callable[[], object]) -> str:
    with pytest.raises((ModelError, SimulationError)) as caught:
        call()
    return str(caught.value)


def test_a_model_that_moves_is_refused() -> None:
    model = pair().define(Flow("entering", "9"))

    assert (
        "pair is not at rest at its start: first moves by 0.7 of itself in a unit of time. "
        "Give the model a 'balance', or start it where it stands still"
    ) == message(lambda: growth(model))


def test_a_model_without_stocks_is_refused() -> None:
    model = Model("still", time=Time(0, 1)).define(Auxiliary("one", "1"))

    assert "still has no stocks, so nothing in it can grow" == message(lambda: growth(model))


def test_a_fixed_delay_is_refused() -> None:
    model = pair().define(Flow("coming_on", "delay_fixed(first, 2, 10) * onward"))

    assert (
        "coming_on has a fixed delay, whose growth this cannot find; use delay_n of a high order in its place"
    ) == message(lambda: growth(model))


@pytest.mark.parametrize(
    ("push", "said"),
    [
        ({"frist": 1}, "There is no variable 'frist' in pair. Did you mean: first?"),
        ({"onward": 1}, "push: 'onward' is no stock; push one of first, second"),
        ({"first": 0}, "push: say which stock, and which way: +1 or -1"),
        ({}, "push: say which stock, and which way: +1 or -1"),
    ],
)
def test_a_push_of_nothing_is_refused(push: dict[str, float], said: str) -> None:
    assert said == message(lambda: growth(pair(), push))


def test_an_interval_without_a_change_of_sign_is_refused() -> None:
    assert ("onward: disturbances die out both at 0.1 and at 0.5; no single tipping point lies between") == message(
        lambda: tipping_point(pair(), "onward", 0.1, 0.5)
    )
    assert ("onward, back: disturbances grow both at 0.5 and at 2; no single tipping point lies between") == message(
        lambda: tipping_point(pair(), ["onward", "back"], 0.5, 2)
    )


def test_an_unknown_constant_is_refused() -> None:
    with pytest.raises(NameUnknownError) as caught:
        tipping_point(pair(), "onwards", 0.1, 2)

    assert "There is no constant 'onwards' in pair. Did you mean: onward?" == str(caught.value)


def test_a_swing_without_kinks_has_its_rate_in_every_direction() -> None:
    # Matrix [[-0.1, -1], [1, -0.1]]: eigenvalues -0.1 +- i.
    model = Model("swing", time=Time(0, 10, 0.5)).define(
        Stock("x", initial="1", inflows=["dx"]), Stock("y", initial="1", inflows=["dy"]),
        Flow("dx", "-0.1 * (x - 1) - (y - 1)"), Flow("dy", "(x - 1) - 0.1 * (y - 1)"),
    )  # fmt: skip

    assert -0.1 == pytest.approx(growth(model, {"x": 1}).rate, abs=1e-6)


def test_a_swing_across_a_kink_has_the_slower_rate_of_its_two_sides() -> None:
    # Matrix [[-a, -1], [1, -a]] with a = 0.1 above x = 1 and 0.3 below: real parts -0.1 and (-0.1 - 0.3) / 2.
    model = Model("swing", time=Time(0, 10, 0.5)).define(
        Stock("x", initial="1", inflows=["dx"]), Stock("y", initial="1", inflows=["dy"]),
        Flow("dx", "if_then_else(x > 1, -0.1, -0.3) * (x - 1) - (y - 1)"), Flow("dy", "(x - 1) - 0.1 * (y - 1)"),
    )  # fmt: skip

    assert -0.1 == pytest.approx(growth(model, {"x": -1}).rate, abs=1e-6)


def test_a_swing_across_kinks_is_refused() -> None:
    # Eigenvalues are imaginary on both sides of both kinks, so a disturbance goes round through all four.
    model = Model("cycle", time=Time(0, 10, 0.5)).define(
        Stock("x", initial="1", inflows=["dx"]), Stock("y", initial="1", inflows=["dy"]),
        Flow("dx", "if_then_else(y > 1, -1, -3) * (y - 1)"), Flow("dy", "if_then_else(x > 1, 1, 4) * (x - 1)"),
    )  # fmt: skip

    assert "no small disturbance keeps to its own side of the kinks; the model may be cycling" == message(
        lambda: growth(model, {"x": 1})
    )
