"""Derivatives of whole runs: every method, rationing, lookups, levers, scenarios, draws, initial states."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import pytest

from wm2u_sd.backends import reference
from wm2u_sd.backends.base import Move
from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.compile.adjoint import Wanted
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Extrapolation, Flow, Lookup, Stock
from wm2u_sd.simulation.gradient import gradient
from wm2u_sd.simulation.scenario import Lever, Scenario

DRAWS = [("euler", 1), ("euler", 9), ("rk2", 2), ("rk2", 8), ("rk4", 1), ("rk4", 7), ("rk4", 9), ("rk4", 33)]
every_method = pytest.mark.parametrize("method", METHODS)


# Algebra --------------------------------------------------------------------------------------------------------------


@every_method
@pytest.mark.parametrize("step", ["1", "1/32"])
@pytest.mark.usefixtures("machine_code")
def test_decay_has_the_slopes_of_algebra(method: str, step: str) -> None:
    # A step multiplies by the first terms of exp(-k dt): one, two or four of them after 1.
    model = Model("decay", time=Time(0, 4, step, method=method)).define(
        Constant("k", 0.3), Constant("start", 7.0),
        Stock("level", "start", outflows=["going"]), Flow("going", "k * level"),
    )  # fmt: skip
    terms = {"euler": 1, "rk2": 2, "rk4": 4}[method]
    polynomial = np.polynomial.Polynomial(1 / np.cumprod([1.0, *range(1, terms + 1)]))
    dt, n = model.time.dt, model.time.n_steps
    factor, slope = polynomial(-0.3 * dt), -dt * polynomial.deriv()(-0.3 * dt)

    found = gradient(model, "level")
    assert 7 * factor**n == pytest.approx(float(found.value.squeeze()), rel=1e-13)
    assert 7 * n * factor ** (n - 1) * slope == pytest.approx(float(found.constants["k"].squeeze()), rel=1e-12)
    assert factor**n == pytest.approx(float(found.constants["start"].squeeze()), rel=1e-13)
    assert factor**n == pytest.approx(float(found.initial["level"].squeeze()), rel=1e-13)


@pytest.mark.usefixtures("machine_code")
def test_slopes_come_near_those_of_the_continuous_model_with_the_order_of_the_method() -> None:
    # level(T) = start exp(-k T), so that its slope by k is -T start exp(-k T).
    truth = -4 * 7 * np.exp(-0.3 * 4)
    for method, order in (("euler", 1), ("rk2", 2), ("rk4", 4)):
        errors = []
        for step in ("1/4", "1/8"):
            model = Model("decay", time=Time(0, 4, step, method=method)).define(
                Constant("k", 0.3), Stock("level", "7", outflows=["going"]), Flow("going", "k * level")
            )
            errors.append(abs(float(gradient(model, "level").constants["k"].squeeze()) - truth))
        assert order == pytest.approx(np.log2(errors[0] / errors[1]), abs=0.1)


@pytest.mark.usefixtures("machine_code")
def test_weights_over_time_and_integrals_add_up() -> None:
    # level = 5 + rate t; its sum over times 0..4 is 25 + 10 rate, what has come is rate t.
    model = Model("filling", time=Time(0, 4)).define(
        Constant("rate", 2.0), Stock("level", "5", inflows=["coming"]), Flow("coming", "rate")
    )
    found = gradient(model, {"level": np.ones(5), "cumulative_coming": [0, 0, 10, 0, 0]})

    assert 25 + 10 * 2 + 10 * 4 == pytest.approx(float(found.value.squeeze()))
    assert 10 + 10 * 2 == pytest.approx(float(found.constants["rate"].squeeze()))
    assert 5.0 == pytest.approx(float(found.initial["level"].squeeze()))
    assert 4.0 == pytest.approx(float(gradient(model, "cumulative_coming").constants["rate"].squeeze()))


# Every kind of memory, scenarios, draws -------------------------------------------------------------------------------


SCENARIOS = [
    Scenario("as_now"),
    Scenario("rooms", levers=[Lever("rooms", times=1.5, start=1, ramp=2), Lever("shortest_wait", to=0.2, start=2)]),
    Scenario("for_a_while", levers=[Lever("asking_rate", add=3, start=1.25, end=3), Lever("asking_rate", times=0.9)]),
    Scenario("along", levers=[Lever("share", series=((1, 0.5), (3.5, 0.4)), start=1)]),
    Scenario("at_once", set={"slope": 2.0}),
]


@pytest.mark.parametrize(("method", "draws"), DRAWS)
def test_clinic(case: Callable, hold: Callable, clinic: Callable, method: str, draws: int) -> None:
    few = SCENARIOS if draws in (7, 9) else SCENARIOS[:1]

    hold(
        case(clinic(method), draws=draws, spread=0.3, scenarios=few),
        step=1e-6,
        but=["notice"],
        natively=draws == 9 and method == "rk4",
    )


@every_method
def test_what_is_kept_now_and_then(case: Callable, hold: Callable, clinic: Callable, method: str) -> None:
    for steps in ([16], [0, 9, 16]):
        hold(case(clinic(method), draws=2, spread=0.3, save=["helped", "met", "seen"], saved_steps=steps), step=1e-6)


@pytest.mark.parametrize("draws", [1, 9])
def test_levers_have_a_slope_at_every_step(
    case: Callable, back: Callable, slope_along: Callable, clinic: Callable, draws: int
) -> None:
    one = case(clinic("rk4"), draws=draws, spread=0.2, scenarios=SCENARIOS[1:3])
    _, bars = back(one)
    moved = {one.program.constants[k].name: k for k in one.inputs.moves}

    assert {"rooms", "shortest_wait", "asking_rate"} == set(moved)
    for k in moved.values():
        times, plus = one.inputs.moves[k].times, one.inputs.moves[k].plus
        before = (bars.moved[k] * np.repeat(times, draws, axis=1)).sum(axis=0)
        np.testing.assert_allclose(before, bars.constants[k], rtol=1e-12, atol=1e-14)
        for step in (5, 16):

            def run(by: float, k: int = k, step: int = step, times: np.ndarray = times, plus: np.ndarray = plus):
                added = plus.copy()
                added[step] += by
                return one.value(replace(one.inputs, moves={**one.inputs.moves, k: Move(times, added)}))

            np.testing.assert_allclose(slope_along(run, 1e-5), bars.moved[k][step], rtol=1e-8, atol=1e-8)


def test_a_lever_on_the_elements_of_a_constant(case: Callable, hold: Callable) -> None:
    model = Model("shares", time=Time(0, 2, "1/4", method="rk2")).define(
        Dimension("row", tuple(f"r{i}" for i in range(5))),
        Constant("share", (0.1, 0.2, 0.3, 0.4, 0.5), over=("row",)),
        Constant("total", 3.0),
        Stock("level", "share * total", inflows=["change"], over=("row",)),
        Flow("change", "share * total - level ^ 2 * share / total", over=("row",)),
    )
    levers = [Lever("share", times=1.2, start=0.5, ramp=1), Lever("total", add=1, start=1)]

    for draws in (1, 7):
        hold(case(model, draws=draws, spread=0.2, scenarios=[Scenario("as_now"), Scenario("more", levers=levers)]))


# Rationing ------------------------------------------------------------------------------------------------------------


def well(method: str, over: Sequence[str] = ()) -> Model:
    """Return stocks that run short, and that what comes in less than nothing would empty: no ration holds that back."""
    whole = "sum(leaving[*])" if over else "leaving"
    return Model("well", time=Time(0, 3, "1/4", method=method)).define(
        Dimension("place", ("p", "q", "r")),
        Constant("first", (1.0, 3.0, 40.0) if over else 2.0, over=over),
        Constant("dry", 1.5),
        Constant("pace", 1.1),
        Constant("asked", 0.3),
        Stock("held", "first + 1", inflows=["entering"], outflows=["leaving", "taken"], non_negative=True, over=over),
        Stock("single", "2 * pace", inflows=["dripping"], outflows=["all_leaving"], non_negative=True),
        Stock("beside", "1", inflows=["growing"]),
        Flow("entering", "sin(time) - dry", over=over),
        Flow("leaving", "held * pace", over=over),
        Flow("taken", "asked + first / 50", over=over),
        Flow("dripping", "cos(time) + taken_in_all" if over else "cos(time) + taken / 3"),
        Flow("all_leaving", f"{whole} * 2"),
        Flow("growing", "beside / 3 + dry / 10"),
        *([Auxiliary("taken_in_all", "sum(taken[*])")] if over else []),
    )


def columns(draws: int) -> dict[str, np.ndarray]:
    """Return constants that differ between draws: some wells run dry, some stay far from it."""
    random = np.random.default_rng(draws)
    return {
        "dry": np.resize([1.53, -1.1, 2.7, -0.4], draws),
        "pace": random.uniform(0.2, 3, draws),
        "asked": random.choice([0.1, 0.3, 1, 4], draws) * random.uniform(0.9, 1.1, draws),
    }


@pytest.mark.parametrize(("method", "draws"), DRAWS)
def test_rationed_stocks(case: Callable, hold: Callable, method: str, draws: int) -> None:
    hold(case(well(method), draws=draws, values=columns(draws)), step=1e-7, natively=draws == 9)


@pytest.mark.parametrize(("method", "draws"), [("euler", 9), ("rk2", 9), ("rk4", 1)])
def test_rationed_stocks_over_a_dimension(case: Callable, hold: Callable, method: str, draws: int) -> None:
    levers = [Lever("pace", times=3, start=1), Lever("asked", add=2, start=0.5, end=2)]
    scenarios = [Scenario("as_now"), Scenario("more", levers=levers)]

    hold(case(well(method, ("place",)), draws=draws, values=columns(draws), scenarios=scenarios), step=1e-7)


@pytest.mark.parametrize("method", ["rk2", "rk4"])
def test_eulers_method_does_take_the_place_of_steps_in_some_draws_only(
    case: Callable, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The tests above look at both kinds of steps (SEM-43)."""
    one = case(well(method), draws=33, values=columns(33), save=["beside"])
    with_euler = NumpyKernel(one.program).run(one.inputs, one.save, one.steps)[0]["beside"]
    monkeypatch.setattr(reference, "ROUNDING", 1e300)
    without = NumpyKernel(one.program).run(one.inputs, one.save, one.steps)[0]["beside"]

    differs = (with_euler != without).any(axis=0)
    assert differs.any()
    assert not differs.all()


# Lookups --------------------------------------------------------------------------------------------------------------


def curved(extrapolation: str, n: int) -> Model:
    random = np.random.default_rng(n)
    points = zip(np.linspace(-1, 3, n).tolist(), random.uniform(0, 2, n).tolist(), strict=True)
    return Model("curved", time=Time(0, 2, "1/4", method="rk4")).define(
        Dimension("row", ("a", "b", "c")),
        Constant("x", (-2.03, 0.47, 3.51), over=("row",)),
        Constant("rate", 0.31),
        Lookup("curve", tuple(points), extrapolation=extrapolation),
        Lookup("straight", ((-0.37, 1), (5, 3.2)), extrapolation=extrapolation),
        Stock("level", "x * curve(rate)", inflows=["change"], over=("row",)),
        Flow("change", "rate * curve(level) - level * straight(time * rate) / 9", over=("row",)),
        Auxiliary("once", "curve(x) * straight(rate)", over=("row",)),
        Auxiliary("nested", "curve(straight(curve(rate * time + 0.123)))"),
    )


@pytest.mark.parametrize("extrapolation", list(Extrapolation))
@pytest.mark.parametrize(("n", "draws"), [(2, 1), (2, 9), (3, 1), (5, 9), (16, 9), (17, 1)])
def test_lookups_and_their_points(
    case: Callable, hold: Callable, slope_along: Callable, extrapolation: str, n: int, draws: int
) -> None:
    one = case(curved(extrapolation, n), draws=draws, spread=0.1)
    bars = hold(one, wanted=Wanted(one.by(), {0: n, 1: 2}), step=1e-7, natively=n == 16 and draws == 9)
    random = np.random.default_rng(n)

    for table, size in ((0, n), (1, 2)):
        own = one.program.tables[table]
        xs, ys = np.array(own.x), np.array(own.y)
        for coordinate in (0, 1):
            away = random.normal(size=size) * np.diff(xs).min()
            if not coordinate:
                away *= 0.1

            def run(by: float, coordinate: int = coordinate, away: np.ndarray = away, table: int = table,
                    xs: np.ndarray = xs, ys: np.ndarray = ys):  # fmt: skip
                moved = (xs + by * away, ys) if coordinate == 0 else (xs, ys + by * away)
                return one.value(replace(one.inputs, tables={table: moved}))

            expected, found = slope_along(run, 1e-6), away @ bars.points[table][coordinate]
            np.testing.assert_allclose(expected, found, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize(("n", "draws"), [(33, 1), (40, 9)])
def test_lookups_of_many_points(case: Callable, hold: Callable, n: int, draws: int) -> None:
    hold(case(curved("hold", n), draws=draws, spread=0.1), step=1e-7)


def test_each_point_has_the_slope_of_algebra(case: Callable, back: Callable) -> None:
    # Between (1, 4) and (3, 10): y = 4 + 3 (x - 1), so dy/dx 3 at x = 1.5, and weights 3/4 and 1/4 of the points.
    model = Model("points", time=Time(0, 0)).define(
        Constant("x", 1.5), Lookup("curve", ((0, 9), (1, 4), (3, 10), (6, 2))), Auxiliary("y", "curve(x)")
    )
    for draws in (1, 2):
        one = case(model, draws=draws, save=["y"])
        weight = float(one.weights["y"].squeeze())
        _, bars = back(one, Wanted(one.by(), {0: 4}))
        x, y = (part[:, 0] / weight for part in bars.points[0])

        assert 3.0 == pytest.approx(bars.constants[0][0] / weight)
        assert [0, 0.75, 0.25, 0] == pytest.approx(y.tolist())
        assert [0, -3 * 0.75, -3 * 0.25, 0] == pytest.approx(x.tolist())


@pytest.mark.usefixtures("machine_code")
def test_points_that_a_scenario_gives_take_the_place_of_the_models_own() -> None:
    model = Model("points", time=Time(0, 0)).define(
        Constant("x", 1.5), Lookup("curve", ((0, 9), (1, 4), (3, 10))), Auxiliary("y", "curve(x)")
    )
    other = Scenario("other", levers=[Lever("curve", points=((0, 0), (2, 10), (3, 11), (4, 5)))])

    found = gradient(model, "y", scenario=other, lookups="curve")
    assert 7.5 == pytest.approx(float(found.value.squeeze()))
    assert 5.0 == pytest.approx(float(found.constants["x"].squeeze()))
    assert [0.25, 0.75, 0, 0] == pytest.approx(found.points["curve"].sel(axis="y").values.ravel().tolist())
    assert [-1.25, -3.75, 0, 0] == pytest.approx(found.points["curve"].sel(axis="x").values.ravel().tolist())


# How a run begins -----------------------------------------------------------------------------------------------------


@every_method
@pytest.mark.parametrize("draws", [1, 9])
def test_initial_states_have_the_slope_of_a_bump_in_their_equation(
    case: Callable, back: Callable, differences: Callable, method: str, draws: int
) -> None:
    # Nothing else of the first moment reads these stocks, so that a bump in the equation moves only where they start.
    model = Model("bumped", time=Time(0, 2, "1/4", method=method)).define(
        Dimension("row", ("a", "b", "c")),
        Dimension("side", ("left", "right")),
        Constant("bump", np.zeros((3, 2)).tolist(), over=("row", "side")),
        Constant("single_bump", 0.0),
        Constant("rate", 0.4),
        Stock("level", "3 * rate + bump", inflows=["change"], over=("side", "row")),
        Stock("single", "2 + single_bump", outflows=["going"], non_negative=True),
        Flow("change", "single * rate - level ^ 2 * rate", over=("side", "row")),
        Flow("going", "rate * single + max(0, sum(level[*, *])) / 40"),
    )
    one = case(model, draws=draws, spread=0.2)

    _, bars = back(one)
    states = {slot.name: k for k, slot in enumerate(one.program.states)}
    slopes = {name: differences(one, *one.by(name))[0] for name in ("bump", "single_bump")}
    np.testing.assert_allclose(slopes["bump"].swapaxes(0, 1), bars.initial[states["level"]], rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(slopes["single_bump"], bars.initial[states["single"]], rtol=1e-8, atol=1e-9)


def test_what_is_frozen_and_remembered_at_the_start(case: Callable, hold: Callable) -> None:
    model = Model("frozen", time=Time(0, 2, "1/4", method="rk4")).define(
        Dimension("row", ("a", "b", "c")),
        Constant("x", (0.5, 0.8, 1.1), over=("row",)),
        Constant("y", 0.7),
        Stock("level", "x ^ 2 * initial(sum(x[*]) * y)", inflows=["change"], over=("row",)),
        Flow("change", "y * initial(level) - level * initial(x * y) / 3", over=("row",)),
        Auxiliary("nested", "initial(initial(level * y) + sum(level[*]))", over=("row",)),
        Auxiliary("kept", "sample_if_true(time > 0.9, level, initial(change))", over=("row",)),
        Auxiliary("late", "delay_fixed(change, 0.8, initial(level) * y)", over=("row",)),
    )

    for draws in (1, 8):
        hold(case(model, draws=draws, spread=0.2), natively=True)
        hold(
            case(model, draws=draws, spread=0.2, scenarios=[Scenario("more", levers=[Lever("y", times=1.3, start=1)])])
        )
