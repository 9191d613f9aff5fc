"""Integration against closed forms, independent solvers and the theory of Runge-Kutta methods (SEM-03)."""

import math

import numpy as np
import pytest
from scipy.linalg import expm
from scipy.special import lambertw

from wm2u_sd.compile.integrators import TABLEAUX
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.simulate import simulate


def path(run: Run, name: str) -> np.ndarray:
    """Return the values of a name in a run of one scenario and one draw."""
    values: np.ndarray = run.data[name].values[0, 0]
    return values


def decay(time: Time, rate: float = 0.4) -> np.ndarray:
    model = Model("decay", time=time).define(
        Stock("level", initial="100", outflows=["leaving"]),
        Flow("leaving", "level * rate"),
        Constant("rate", value=rate),
    )
    return path(simulate(model), "level")


def logistic(time: Time) -> float:
    """Return a logistic level at the end: r = 0.12, K = 1000, x(0) = 5."""
    model = Model("logistic", time=time).define(
        Stock("level", initial="5", inflows=["growing"]), Flow("growing", "0.12 * level * (1 - level / 1000)")
    )
    return float(path(simulate(model), "level")[-1])


# One step -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("rk2", 2), ("rk4", 4)])
def test_one_step_of_decay_is_the_taylor_series_of_the_exponential_up_to_its_order(method: str, order: int) -> None:
    z = -0.4
    factor = sum(z**k / math.factorial(k) for k in range(order + 1))

    assert pytest.approx(decay(Time(0, 1, 1, method=method))[-1], rel=1e-15) == 100 * factor


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_consistent(method: str) -> None:
    # Hairer, Norsett and Wanner, Solving Ordinary Differential Equations I, II.1: the weights add up to 1, and the
    # moment of a stage is the sum of its row.
    tableau = TABLEAUX[method]

    assert pytest.approx(sum(tableau.b), rel=1e-15) == 1
    assert tableau.c == (0.0, *(sum(row) for row in tableau.a))


@pytest.mark.parametrize(("method", "degree"), [("euler", 0), ("rk2", 1), ("rk4", 3)])
def test_the_integral_of_a_polynomial_of_time_is_exact_up_to_the_methods_degree(method: str, degree: int) -> None:
    model = Model("area", time=Time(0, 4, 0.5, method=method)).define(
        Flow("filling", f"(degree + 1) * time ^ {degree}"), Constant("degree", value=degree),
        Stock("level", initial="0", inflows=["filling"]),
    )  # fmt: skip
    data = simulate(model).data

    assert pytest.approx(float(data["level"][0, 0, -1]), rel=1e-14) == 4.0 ** (degree + 1)
    assert pytest.approx(float(data["cumulative_filling"][0, 0, -1]), rel=1e-14) == 4.0 ** (degree + 1)


# Order ----------------------------------------------------------------------------------------------------------------

LOGISTIC_EXACT = 1000 / (1 + (1000 / 5 - 1) * math.exp(-0.12 * 60))

# Level at time 60 by step and method, from an independent implementation of the three methods.
LOGISTIC_TABLE = {
    (1.0, "euler"): 847.2733373368178,
    (1.0, "rk2"): 869.8115129927946,
    (1.0, "rk4"): 870.6467476955885,
    (0.5, "euler"): 859.5547758724761,
    (0.5, "rk2"): 870.4316020056691,
    (0.5, "rk4"): 870.647369504448,
    (0.25, "euler"): 865.2418488517303,
    (0.25, "rk2"): 870.5925459115796,
    (0.25, "rk4"): 870.6474098035939,
    (0.125, "euler"): 867.9788507538887,
    (0.125, "rk2"): 870.6335775635076,
    (0.125, "rk4"): 870.6474123689528,
}


@pytest.mark.parametrize(("step", "method"), LOGISTIC_TABLE)
def test_a_logistic_run_equals_an_independent_implementation(step: float, method: str) -> None:
    assert pytest.approx(logistic(Time(0, 60, step, method=method)), rel=1e-12) == LOGISTIC_TABLE[step, method]


@pytest.mark.parametrize("method", METHODS)
def test_the_error_falls_with_the_order_of_the_method(method: str) -> None:
    steps = np.array([0.5, 0.25, 0.125])
    errors = [abs(logistic(Time(0, 60, step, method=method)) - LOGISTIC_EXACT) for step in steps]

    slopes = np.diff(np.log(errors)) / np.diff(np.log(steps))
    assert pytest.approx(slopes[-1], abs=0.05) == TABLEAUX[method].order


def test_exponential_growth() -> None:
    model = Model("growth", time=Time(0, 10, "1/32", method="rk4")).define(
        Stock("level", initial="3", inflows=["growing"]), Flow("growing", "0.3 * level")
    )

    # dt * rate = 0.0094: error (0.0094)^4 / 120 * 3 = 2e-10, relative.
    assert pytest.approx(path(simulate(model), "level")[-1], rel=1e-9) == 3 * math.exp(3)


# Known systems --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "factor"),
    # z = w dt = 0.1: |1 + iz|, |1 + iz - z^2/2| and |1 + iz - z^2/2 - iz^3/6 + z^4/24|.
    [("euler", math.sqrt(1.01)), ("rk2", math.sqrt(1 + 1e-4 / 4)), ("rk4", math.sqrt(1 - 1e-6 / 72 + 1e-8 / 576))],
)
def test_a_swing_gains_or_loses_the_share_theory_says(method: str, factor: float) -> None:
    model = Model("swing", time=Time(0, 10, 0.1, method=method)).define(
        Stock("place", initial="1", inflows=["moving"]), Flow("moving", "speed"),
        Stock("speed", initial="0", inflows=["pulling"]), Flow("pulling", "-place"),
    )  # fmt: skip
    run = simulate(model)

    amplitude = np.hypot(path(run, "place"), path(run, "speed"))
    assert factor ** np.arange(101) == pytest.approx(amplitude, rel=1e-13)


@pytest.mark.parametrize(("method", "limit"), [("euler", 2.0), ("rk2", 2.0), ("rk4", 2.785293563405282)])
def test_decay_is_stable_up_to_the_limit_of_the_method(method: str, limit: float) -> None:
    def end(share: float) -> float:
        return abs(float(decay(Time(0, 400, 1, method=method), share * limit)[-1]))

    assert end(0.99) < 100 < end(1.01)


def lotka_volterra(step: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return prey, predators and the quantity that stays constant in the exact solution."""
    model = Model("lotka_volterra", time=Time(0, 50, step, method="rk4")).define(
        Stock("prey", initial="10", inflows=["born"], outflows=["eaten"]),
        Stock("predators", initial="10", inflows=["fed"], outflows=["starved"]),
        Flow("born", "1.1 * prey"), Flow("eaten", "0.4 * prey * predators"),
        Flow("fed", "0.1 * prey * predators"), Flow("starved", "0.4 * predators"),
    )  # fmt: skip
    run = simulate(model)
    x, y = path(run, "prey"), path(run, "predators")
    return x, y, 0.1 * x - 0.4 * np.log(x) + 0.4 * y - 1.1 * np.log(y)


def test_lotka_volterra_keeps_its_constant_to_the_fourth_order() -> None:
    coarse, fine = (np.abs(lotka_volterra(step)[2] - 1.5461223605089311).max() for step in (1 / 16, 1 / 32))

    assert fine < 1e-5
    assert pytest.approx(coarse / fine, rel=0.15) == 2**4


def test_lotka_volterra_at_published_moments() -> None:
    prey, predators, _ = lotka_volterra(1 / 64)

    # An eighth-order solver at a tolerance of 1e-12.
    for moment, x, y in [
        (10, 1.122646155085663, 0.2892726709133317),
        (25, 2.1554002900709697, 0.2468102963489587),
        (50, 0.07484072063499803, 0.8694301975628145),
    ]:
        assert pytest.approx((prey[64 * moment], predators[64 * moment]), rel=2e-5) == (x, y)


def test_a_linear_chain_equals_the_matrix_exponential() -> None:
    rates, inflow, start = np.array([0.5, 0.2, 0.1]), 10.0, np.array([100.0, 0.0, 0.0])
    model = Model("chain", time=Time(0, 50, "1/16", saveper=1, method="rk4")).define(
        Flow("entering", "10"),
        Stock("first", initial="100", inflows=["entering"], outflows=["first_out"]),
        Stock("second", initial="0", inflows=["first_out"], outflows=["second_out"]),
        Stock("third", initial="0", inflows=["second_out"], outflows=["third_out"]),
        Flow("first_out", "0.5 * first"), Flow("second_out", "0.2 * second"), Flow("third_out", "0.1 * third"),
    )  # fmt: skip
    run = simulate(model)

    matrix = np.diag(-rates) + np.diag(rates[:-1], -1)
    rest = np.linalg.solve(matrix, [-inflow, 0, 0])
    times = run.data["time"].values
    exact = np.array([rest + expm(matrix * t) @ (start - rest) for t in times])
    found = np.stack([path(run, name) for name in ("first", "second", "third")], axis=1)
    # dt * rate = 1/32: error (1/32)^4 / 120 = 8e-9 of 100.
    assert exact == pytest.approx(found, rel=1e-7, abs=1e-6)


@pytest.mark.parametrize("reproduction", [1.5, 2.0, 2.5, 3.0])
def test_an_epidemic_ends_at_its_final_size(reproduction: float) -> None:
    model = Model("sir", time=Time(0, 400, 0.125, saveper=1, method="rk4")).define(
        Constant("recovery", value=0.25), Constant("reproduction", value=reproduction),
        Stock("susceptible", initial="999", outflows=["infecting"]),
        Stock("infected", initial="1", inflows=["infecting"], outflows=["recovering"]),
        Stock("recovered", initial="0", inflows=["recovering"]),
        Flow("infecting", "reproduction * recovery * susceptible * infected / 1000"),
        Flow("recovering", "recovery * infected"),
    )  # fmt: skip
    run = simulate(model)
    s, i = path(run, "susceptible"), path(run, "infected")

    # Kermack and McKendrick 1927: I + S - (N / R0) ln S stays constant, so S_inf solves a Lambert W equation.
    kept = 1000 - 1000 / reproduction * math.log(999)
    final = -1000 / reproduction * lambertw(-reproduction / 1000 * math.exp(-reproduction / 1000 * kept)).real
    assert pytest.approx(s[-1], rel=1e-6) == final
    assert i + s - 1000 / reproduction * np.log(s) == pytest.approx(np.full(401, kept), rel=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_the_integral_of_a_flow_is_what_arrived_in_its_stock(method: str) -> None:
    model = Model("filling", time=Time(0, 10, 0.25, method=method)).define(
        Stock("level", initial="5", inflows=["growing"]), Flow("growing", "0.3 * level + sin(time)")
    )
    run = simulate(model)

    assert path(run, "level") - 5 == pytest.approx(path(run, "cumulative_growing"), rel=1e-13, abs=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_flow_adds_up_to_rate_times_time(method: str) -> None:
    model = Model("filling", time=Time(0, 10, 0.25, method=method)).define(
        Stock("level", initial="5", inflows=["coming"]), Flow("coming", "8"), Auxiliary("half", "coming / 2")
    )
    data = simulate(model, accumulate=["half", "level"]).data.isel(scenario=0, draw=0)

    times = data["time"].values
    assert 8 * times == pytest.approx(data["cumulative_coming"].values, rel=1e-14)
    assert 4 * times == pytest.approx(data["cumulative_half"].values, rel=1e-14)
    if method != "euler":
        assert 5 * times + 4 * times**2 == pytest.approx(data["cumulative_level"].values, rel=1e-14)
