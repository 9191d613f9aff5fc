"""Small structures whose behaviour is known on paper: queues, exits that compete, hidden groups, diffusion, returns."""

import math

import numpy as np
import pytest
from scipy.integrate import quad

from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import simulate


def path(run: Run, name: str, scenario: int = 0) -> np.ndarray:
    """Return the values of a name in one scenario of a run of one draw."""
    values: np.ndarray = run.data[name].values[scenario, 0]
    return values


# Residence ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("stay", [0.5, 3.0, 12.0])
def test_at_rest_a_stock_holds_what_arrives_times_how_long_it_stays(stay: float, method: str) -> None:
    # J. D. C. Little 1961: L = lambda W, whatever the method or the step.
    model = Model("queue", time=Time(0, 400, 0.25, saveper=400, method=method)).define(
        Constant("stay", value=stay),
        Stock("inside", initial="0", inflows=["arriving"], outflows=["leaving"]),
        Flow("arriving", "7"), Flow("leaving", "inside / stay"),
    )  # fmt: skip

    assert pytest.approx(path(simulate(model), "inside")[-1], rel=1e-12) == 7 * stay


def test_stocks_in_a_row_hold_the_sum_of_their_stays() -> None:
    model = Model("rooms", time=Time(0, 400, 0.5, method="rk2")).define(
        Stock("first", initial="3", inflows=["arriving"], outflows=["moving_on"]),
        Stock("second", initial="90", inflows=["moving_on"], outflows=["leaving"]),
        Flow("arriving", "7"), Flow("moving_on", "first / 2"), Flow("leaving", "second / 5"),
        Auxiliary("inside", "first + second"),
    )  # fmt: skip

    assert pytest.approx(path(simulate(model), "inside")[-1], rel=1e-12) == 7 * (2 + 5)


def test_a_rising_arrival_rate_is_followed_with_a_lag_of_one_stay() -> None:
    # Steady-state ramp response of a first-order lag: x = W (lambda(t) - slope W).
    model = Model("queue", time=Time(0, 100, 0.25, method="rk4")).define(
        Stock("inside", initial="0", inflows=["arriving"], outflows=["leaving"]),
        Flow("arriving", "2 + 0.5 * time"), Flow("leaving", "inside / 4"),
    )  # fmt: skip

    assert pytest.approx(path(simulate(model), "inside")[-1], rel=1e-8) == 4 * (2 + 0.5 * 100 - 0.5 * 4)


# Exits that compete ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", METHODS)
def test_exits_are_shared_out_by_their_hazards(method: str) -> None:
    hazards = (0.05, 0.15, 0.3)
    model = Model("exits", time=Time(0, 200, 0.25, saveper=50, method=method)).define(
        Dimension("way", ("out", "up", "over")),
        Constant("hazard", value=hazards, over=["way"]),
        Stock("inside", initial="1000", outflows=["out", "up", "over"]),
        *(Flow(name, f"inside * hazard[{name}]") for name in ("out", "up", "over")),
    )
    run = simulate(model)

    # The shares hold at every moment, under every method: each flow is the same multiple of the others.
    for name, hazard in zip(("out", "up", "over"), hazards, strict=True):
        gone = 1000 - path(run, "inside")
        assert gone * hazard / 0.5 == pytest.approx(path(run, f"cumulative_{name}"), rel=1e-12)
        assert pytest.approx(path(run, f"cumulative_{name}")[-1], rel=1e-9) == 1000 * hazard / 0.5


def test_two_exits_leave_after_the_mean_time_of_both() -> None:
    model = Model("exits", time=Time(0, 200, "1/16", saveper=200, method="rk4")).define(
        Stock("inside", initial="1", outflows=["out", "up"]),
        Flow("out", "inside / 6"), Flow("up", "inside / 3"),
    )  # fmt: skip
    time_inside = float(simulate(model, accumulate=["inside"]).data["cumulative_inside"][0, 0, -1])

    assert pytest.approx(time_inside, rel=1e-9) == 1 / (1 / 6 + 1 / 3)


def test_a_hidden_mixture_leaves_fast_at_first_and_slowly_later() -> None:
    # 70% leave at 0.5, 30% at 0.05: hazard = sum w h exp(-h t) / sum w exp(-h t).
    model = Model("mixture", time=Time(0, 60, "1/16", saveper=1, method="rk4")).define(
        Dimension("sort", ("quick", "slow")),
        Constant("hazard", value=(0.5, 0.05), over=["sort"]),
        Constant("share", value=(0.7, 0.3), over=["sort"]),
        Stock("inside", initial="1000 * share", over=["sort"], outflows=["leaving"]),
        Flow("leaving", "inside * hazard", over=["sort"]),
        Auxiliary("seen", "sum(leaving[*]) / sum(inside[*])"),
    )
    run = simulate(model)

    t = run.data["time"].values
    quick, slow = 0.7 * np.exp(-0.5 * t), 0.3 * np.exp(-0.05 * t)
    assert (0.5 * quick + 0.05 * slow) / (quick + slow) == pytest.approx(path(run, "seen"), rel=1e-7)
    assert pytest.approx(path(run, "seen")[0], rel=1e-15) == 0.5 * 0.7 + 0.05 * 0.3
    assert pytest.approx(path(run, "seen")[-1], rel=1e-9) == 0.05


def test_two_phases_one_after_the_other_leave_as_a_hypoexponential() -> None:
    model = Model("phases", time=Time(0, 30, "1/32", saveper=1, method="rk4")).define(
        Stock("early", initial="1", outflows=["settling"]),
        Stock("late", initial="0", inflows=["settling"], outflows=["leaving"]),
        Flow("settling", "0.5 * early"), Flow("leaving", "0.2 * late"),
    )  # fmt: skip
    run = simulate(model)

    t = run.data["time"].values
    survival = (0.5 * np.exp(-0.2 * t) - 0.2 * np.exp(-0.5 * t)) / (0.5 - 0.2)
    assert survival == pytest.approx(path(run, "early") + path(run, "late"), rel=1e-7, abs=1e-9)


# Diffusion ------------------------------------------------------------------------------------------------------------

P, Q, M = 0.03, 0.38, 1000.0


def bass(discard: float) -> Model:
    return Model("bass", time=Time(0, 200, "1/16", saveper="1/2", method="rk4")).define(
        Constant("discard", value=discard),
        Stock("potential", initial=f"{M}", inflows=["dropping"], outflows=["adopting"]),
        Stock("adopters", initial="0", inflows=["adopting"], outflows=["dropping"]),
        Flow("adopting", f"potential * ({P} + {Q} * adopters / {M})"),
        Flow("dropping", "adopters * discard"),
    )


def test_bass_diffusion_follows_its_closed_form() -> None:
    # F. M. Bass 1969, Management Science 15(5): A(t) = m (1 - e^-(p+q)t) / (1 + q/p e^-(p+q)t).
    run = simulate(bass(0.0))

    t = run.data["time"].values
    fading = np.exp(-(P + Q) * t)
    assert M * (1 - fading) / (1 + Q / P * fading) == pytest.approx(path(run, "adopters"), rel=1e-7, abs=1e-9)
    assert pytest.approx(path(run, "adopters")[20], rel=1e-7) == 812.8032212213462


def test_bass_adoption_peaks_where_theory_says() -> None:
    run = simulate(bass(0.0).with_time(end=10, saveper=None))

    adopting = path(run, "adopting")
    assert pytest.approx(adopting.max(), rel=1e-4) == M * (P + Q) ** 2 / (4 * Q)
    assert pytest.approx(run.data["time"].values[adopting.argmax()], abs=1 / 16) == math.log(Q / P) / (P + Q)


@pytest.mark.parametrize("discard", [0.05, 0.2, 0.6])
def test_bass_with_discard_settles_at_the_root_of_a_quadratic(discard: float) -> None:
    # At rest (m - A)(p + q A / m) = d A.
    b = P - Q + discard
    settled = M * (-b + math.sqrt(b * b + 4 * P * Q)) / (2 * Q)

    assert pytest.approx(path(simulate(bass(discard)), "adopters")[-1], rel=1e-9) == settled


# Returns --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("p", "q"), [(0.3, 0.5), (0.9, 0.8), (0.0, 0.5)])
def test_the_number_of_spells_is_a_geometric_series(p: float, q: float) -> None:
    # A share p of those who leave is watched and a share q of those comes back: 1 / (1 - p q) spells each.
    model = Model("returns", time=Time(0, 600, 0.25, saveper=600, method="rk4")).define(
        Constant("p", value=p), Constant("q", value=q),
        Stock("inside", initial="0", inflows=["starting", "returning"], outflows=["leaving_for_good", "leaving"]),
        Stock("watched", initial="0", inflows=["leaving"], outflows=["returning", "settling"]),
        Flow("starting", "pulse(0, 1)"),
        Flow("leaving_for_good", "(1 - p) * inside / 2"), Flow("leaving", "p * inside / 2"),
        Flow("returning", "q * watched / 6"), Flow("settling", "(1 - q) * watched / 6"),
    )  # fmt: skip
    run = simulate(model)

    entries = path(run, "cumulative_starting")[-1] + path(run, "cumulative_returning")[-1]
    assert pytest.approx(entries, rel=1e-9) == 1 / (1 - p * q)


def test_a_returning_stock_at_rest_is_entries_times_stay() -> None:
    model = Model("returns", time=Time(0, 2000, 0.5, saveper=2000, method="rk2")).define(
        Stock("inside", initial="0", inflows=["starting", "returning"], outflows=["leaving"]),
        Stock("watched", initial="0", inflows=["leaving"], outflows=["returning", "settling"]),
        Flow("starting", "5"), Flow("leaving", "inside / 9"),
        Flow("returning", "0.4 * watched / 6"), Flow("settling", "0.6 * watched / 6"),
    )  # fmt: skip

    assert pytest.approx(path(simulate(model), "inside")[-1], rel=1e-10) == 5 / (1 - 0.4) * 9


# A goal that is approached at different speeds ------------------------------------------------------------------------


def test_an_asymmetric_adjustment_rises_and_falls_each_at_its_own_pace() -> None:
    model = Model("adjusting", time=Time(0, 20, "1/32", method="rk4")).define(
        Constant("goal", value=100),
        Stock("level", initial="60", inflows=["adjusting"]),
        Flow("adjusting", "(goal - level) / if_then_else(goal > level, 8, 2)"),
    )
    run = simulate(model, [Scenario("up"), Scenario("down", set={"goal": 20})])

    t = run.data["time"].values
    assert 100 - 40 * np.exp(-t / 8) == pytest.approx(path(run, "level", 0), rel=1e-9)
    # dt / 2 = 1/64: error (1/64)^4 / 120 * 40.
    assert 20 + 40 * np.exp(-t / 2) == pytest.approx(path(run, "level", 1), rel=1e-8)


def test_following_a_swing_at_two_paces_lifts_the_average() -> None:
    # The closed form of each half is the one above; its mean over one settled swing is found by quadrature.
    rise, fall, period = 1.0, 4.0, 8.0
    model = Model("adjusting", time=Time(0, 80, "1/64", method="rk4")).define(
        Auxiliary("goal", f"if_then_else(modulo(held_time, {period}) < {period / 2}, 1, -1)"),
        Stock("level", initial="0", inflows=["adjusting"]),
        Flow("adjusting", f"(goal - level) / if_then_else(goal > level, {rise}, {fall})"),
    )
    run = simulate(model, accumulate=["level"])
    total = path(run, "cumulative_level")

    up, down = math.exp(-period / 2 / rise), math.exp(-period / 2 / fall)
    low = ((1 - up) * down - (1 - down)) / (1 - up * down)
    high = 1 - (1 - low) * up
    area = quad(lambda s: 1 - (1 - low) * math.exp(-s / rise), 0, period / 2)[0]
    area += quad(lambda s: -1 + (high + 1) * math.exp(-s / fall), 0, period / 2)[0]
    assert pytest.approx((total[-1] - total[-1 - int(64 * period)]) / period, rel=1e-8) == area / period
    assert area > 0
