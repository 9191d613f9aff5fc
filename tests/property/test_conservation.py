"""Nobody is made or lost, whatever flows ask for (SEM-40 to SEM-43)."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wm2u_sd.errors import SimulationError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import simulate

EVERY_METHOD = pytest.mark.parametrize("method", METHODS)


def path(run: Run, name: str) -> np.ndarray:
    """Return the values of a name in a run of one scenario and one draw."""
    values: np.ndarray = run.data[name].values[0, 0]
    return values


# By hand --------------------------------------------------------------------------------------------------------------


def test_competing_outflows_are_granted_the_same_share_of_what_they_ask_for() -> None:
    # 10 people, asked for 8 and 6 in one step: 8 * 10/14 and 6 * 10/14.
    model = Model("sharing", time=Time(0, 1, 1)).define(
        Stock("inside", initial="10", outflows=["left", "right"], non_negative=True),
        Flow("left", "8"), Flow("right", "6"),
    )  # fmt: skip
    run = simulate(model)

    assert pytest.approx(path(run, "left")[0], rel=1e-15) == 8 * 10 / 14
    assert pytest.approx(path(run, "right")[0], rel=1e-15) == 6 * 10 / 14
    assert pytest.approx(path(run, "inside")[1], abs=1e-14) == 0
    assert pytest.approx(path(run, "cumulative_left")[1], rel=1e-15) == 8 * 10 / 14


def test_demand_that_can_be_met_is_met_in_full() -> None:
    model = Model("sharing", time=Time(0, 1, 0.5)).define(
        Stock("inside", initial="14", outflows=["left", "right"], non_negative=True),
        Flow("left", "8"), Flow("right", "6"),
    )  # fmt: skip

    assert [14.0, 7.0, 0.0] == path(simulate(model), "inside").tolist()


@EVERY_METHOD
def test_a_closed_pair_keeps_its_total_when_more_is_asked_for_than_is_there(method: str) -> None:
    model = Model("pair", time=Time(0, 10, 1, method=method)).define(
        Stock("here", initial="100", outflows=["moving"], non_negative=True),
        Stock("there", initial="0", inflows=["moving"]),
        Flow("moving", "30"),
    )
    run = simulate(model)

    here, there = path(run, "here"), path(run, "there")
    assert here + there == pytest.approx(np.full(11, 100.0), rel=1e-14)
    assert here.min() >= -1e-12
    if method == "euler":
        assert [100.0, 70.0, 40.0, 10.0, 0.0, 0.0] == here[:6].tolist()


def test_inflows_of_the_same_step_are_not_passed_on_in_it() -> None:
    model = Model("row", time=Time(0, 2, 1)).define(
        Stock("first", initial="10", outflows=["moving"], non_negative=True),
        Stock("second", initial="0", inflows=["moving"], outflows=["leaving"], non_negative=True),
        Flow("moving", "10"), Flow("leaving", "10"),
    )  # fmt: skip

    assert [0.0, 10.0, 0.0] == path(simulate(model), "second").tolist()


def test_another_outflow_of_the_stock_reads_as_asked_and_everything_else_as_granted() -> None:
    model = Model("reading", time=Time(0, 1, 1)).define(
        Stock("inside", initial="10", outflows=["left", "right"], non_negative=True),
        Flow("left", "16"), Flow("right", "left / 4"),
        Auxiliary("shown", "left + right"),
        Stock("copied", initial="0", inflows=["copying"]), Flow("copying", "left"),
    )  # fmt: skip
    run = simulate(model)

    # 16 and 4 are asked for, half of each is granted.
    assert (8.0, 2.0, 10.0) == tuple(path(run, name)[0] for name in ("left", "right", "shown"))
    assert 8.0 == path(run, "copied")[1]


def test_rationing_is_done_element_by_element() -> None:
    model = Model("rooms", time=Time(0, 1, 1)).define(
        Dimension("room", ("small", "large")),
        Stock("inside", initial="here", over=["room"], outflows=["leaving"], non_negative=True),
        Constant("here", value=(3.0, 50.0), over=["room"]),
        Flow("leaving", "20", over=["room"]),
    )

    assert [[3.0, 50.0], [0.0, 30.0]] == path(simulate(model), "inside").tolist()


def test_a_stock_not_declared_non_negative_is_not_rationed() -> None:
    model = Model("debt", time=Time(0, 2, 1)).define(
        Stock("money", initial="10", outflows=["spending"]), Flow("spending", "8")
    )

    assert [10.0, 2.0, -6.0] == path(simulate(model), "money").tolist()


def test_a_flow_that_runs_backwards_is_not_rationed_and_stops_the_draw_at_the_far_end() -> None:
    model = Model("backwards", time=Time(0, 4, 1)).define(
        Stock("here", initial="10", outflows=["moving"], non_negative=True),
        Stock("there", initial="5", inflows=["moving"], non_negative=True),
        Flow("moving", "-2"),
    )
    with pytest.raises(SimulationError) as caught:
        simulate(model)

    assert "backwards: every draw stopped; the first in scenario 'as_now': there fell below zero" == str(caught.value)


def test_the_ledger_reads_start_plus_in_equals_end_plus_out() -> None:
    model = Model("ledger", time=Time(0, 10, 0.5, method="rk4")).define(
        Stock("waiting", initial="40", inflows=["asking"], outflows=["served", "giving_up"], population="people"),
        Stock("helped", initial="10", inflows=["served"], outflows=["done"], population="people"),
        Stock("trees", initial="3", inflows=["planting"]),
        Flow("asking", "12"), Flow("served", "waiting / 4"), Flow("giving_up", "waiting / 20"),
        Flow("done", "helped / 6"), Flow("planting", "1"),
    )  # fmt: skip
    ledger = simulate(model).ledger.isel(scenario=0, draw=0)

    assert ["people", "trees"] == ledger["population"].values.tolist()
    assert [50.0, 3.0] == ledger["at_start"].values.tolist()
    assert [120.0, 10.0] == pytest.approx(ledger["entered"].values, rel=1e-14)
    assert 0.0 == ledger["left"].values[1]
    assert 50 + 120 == pytest.approx(float(ledger["at_end"][0] + ledger["left"][0]), rel=1e-14)
    assert 0 == pytest.approx(np.abs(ledger["difference"].values).max(), abs=1e-12)


def test_the_ledger_is_printed_in_plain_figures() -> None:
    model = Model("ledger", time=Time(0, 2, 1)).define(
        Stock("waiting", initial="1000", inflows=["asking"], outflows=["served"]),
        Flow("asking", "250"), Flow("served", "100"),
    )  # fmt: skip

    header, row = simulate(model).print_ledger().splitlines()
    assert ["population", "scenario", "at", "start", "+", "in", "-", "out", "=", "at", "end", "largest", "gap"] == (
        header.split()
    )
    assert ["waiting", "as_now", "1,000.0", "500.0", "200.0", "1,300.0", "0.0e+00"] == row.split()


# Drawn ----------------------------------------------------------------------------------------------------------------

amounts = st.floats(0, 1000, allow_subnormal=False)
hazards = st.floats(0, 20, allow_subnormal=False)


@st.composite
def chains(draw: st.DrawFn) -> Model:
    """A row of rationed stocks: each asks for a share of itself and a fixed amount; some leaves, some goes back."""
    n = draw(st.integers(2, 4))
    records: list[Stock | Flow] = []
    for i in range(n):
        inflows = [f"on_{i - 1}"] if i else ["entering", "returning"]
        outflows = [f"on_{i}" if i < n - 1 else "returning", f"out_{i}"]
        records.append(
            Stock(f"s{i}", initial=repr(draw(amounts)), inflows=inflows, outflows=outflows, non_negative=True)
        )
        records.append(Flow(outflows[0], f"s{i} * {draw(hazards)!r}"))
        records.append(Flow(f"out_{i}", repr(draw(amounts))))
    records.append(Flow("entering", repr(draw(amounts))))
    return Model("chain", time=Time(0, 3, 0.25, method=draw(st.sampled_from(METHODS)))).define(*records)


@settings(max_examples=60)
@given(chains())
def test_no_stock_of_a_rationed_chain_falls_below_zero_and_nobody_is_lost(model: Model) -> None:
    run = simulate(model)

    stocks = [stock.name for stock in model.stocks()]
    total = sum(path(run, name) for name in stocks)
    lost = path(run, "cumulative_entering") - sum(path(run, f"cumulative_out_{i}") for i in range(len(stocks)))
    size = 1 + np.abs(total).max() + path(run, "cumulative_entering")[-1]
    assert np.abs(total - total[0] - lost).max() <= 1e-12 * size
    for name in stocks:
        assert path(run, name).min() >= -1e-12 * size


def ring(first: float) -> Model:
    """Four stocks in a ring with fixed demands on two of them: the smallest that a Runge-Kutta step would overdraw."""
    stocks = [
        Stock(f"s{i}", initial=f"{first if i == 2 else 0!r}", inflows=[f"on_{(i - 1) % 4}"], outflows=[f"on_{i}"],
              non_negative=True)
        for i in range(4)
    ]  # fmt: skip
    stocks = [replace(s, outflows=[*s.outflows, f"out_{i}"]) if i in (0, 3) else s for i, s in enumerate(stocks)]
    flows = {"on_0": "s0", "on_1": "0", "on_2": "s2", "on_3": "s3", "out_0": "1", "out_3": "1"}
    return Model("ring", time=Time(0, 3, 0.25)).define(*stocks, *(Flow(n, text) for n, text in flows.items()))


@pytest.mark.parametrize("method", METHODS)
def test_a_step_that_would_overdraw_a_stock_loses_nobody(method: str) -> None:
    run = simulate(ring(1.0).with_time(method=method))

    held = sum(path(run, f"s{i}") for i in range(4))
    left = path(run, "cumulative_out_0") + path(run, "cumulative_out_3")
    assert np.ones(13) == pytest.approx(held + left, rel=1e-13)
    assert all(path(run, f"s{i}").min() >= -1e-12 for i in range(4))


@pytest.mark.parametrize(("method", "order"), [("rk2", 2), ("rk4", 4)])
def test_the_order_of_a_method_is_kept_where_nothing_is_overdrawn(method: str, order: int) -> None:
    model = Model("draining").define(
        Stock("level", initial="1", outflows=["leak"], non_negative=True), Flow("leak", "level")
    )
    # A tank that empties at the rate of its content: exp(-t).
    errors = [
        abs(path(simulate(model.with_time(end=2, step=step, method=method)), "level")[-1] - np.exp(-2))
        for step in ("1/8", "1/16")
    ]

    assert order == pytest.approx(np.log2(errors[0] / errors[1]), abs=0.1)


@pytest.mark.parametrize("method", METHODS)
def test_the_last_place_of_a_sum_does_not_grow_into_people(method: str) -> None:
    model = Model("pair", time=Time(0, 60, 0.25, method=method)).define(
        Stock("s0", initial="0", inflows=["back"], outflows=["on"], non_negative=True),
        Stock("s1", initial="3", inflows=["on"], outflows=["back"], non_negative=True),
        Flow("on", "s0 * 13.6"),
        Flow("back", "s1 * 8"),
    )
    run = simulate(model)

    assert np.full(241, 3.0) == pytest.approx(path(run, "s0") + path(run, "s1"), rel=1e-13)
    assert min(path(run, "s0").min(), path(run, "s1").min()) >= -1e-14


@settings(max_examples=40)
@given(chains())
def test_a_ration_never_grants_more_than_was_asked_and_shares_in_proportion(model: Model) -> None:
    run = simulate(model)
    last = len(model.stocks()) - 1
    for i in range(last + 1):
        moving, out = ("returning" if i == last else f"on_{i}"), f"out_{i}"
        asked_out = float(model.get(out).equation)
        asked_moving = np.maximum(path(run, f"s{i}"), 0.0) * float(model.get(moving).equation.split("*")[1])
        assert (path(run, out) <= asked_out * (1 + 1e-12)).all()
        crossed = path(run, out) * asked_moving - path(run, moving) * asked_out
        assert np.abs(crossed).max() <= 1e-9 * (1 + np.abs(asked_moving).max() * asked_out)


@settings(max_examples=25)
@given(st.lists(hazards, min_size=2, max_size=5), st.sampled_from(METHODS), amounts)
def test_a_closed_ring_over_a_dimension_keeps_its_total(rates: list[float], method: str, first: float) -> None:
    elements = tuple(f"e{i}" for i in range(len(rates)))
    model = Model("ring", time=Time(0, 4, 0.25, method=method)).define(
        Dimension("where", elements),
        Constant("rate", value=tuple(rates), over=["where"]),
        Stock("here", initial=f"{first!r} + rate", over=["where"], outflows=["going"], inflows=["coming"],
              non_negative=True),
        Flow("going", "here * rate", over=["where"]),
        Flow("coming", f"sum(going[*]) / {len(rates)}", over=["where"]),
    )  # fmt: skip
    run = simulate(model, [Scenario("as_now")])

    totals = path(run, "here").sum(axis=-1)
    assert np.full(17, totals[0]) == pytest.approx(totals, rel=1e-12, abs=1e-12)
    assert path(run, "here").min() >= -1e-12 * (1 + totals[0])
