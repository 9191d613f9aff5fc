"""What scenarios do to constants: single values and arrays, alike in all draws or not, parting early, late or never."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from wm2u_sd.backends.base import AbstractBackend, Move
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario

N_STEPS = 12
EVERYTHING = ("rate", "shares", "capacity", "fixed")
STILL = Scenario("as_now")
SETS: Mapping[str, Sequence[Scenario]] = {
    "one": [Scenario("one", levers=[Lever("rate", times=1.5, start=1)])],
    "from_the_start": [STILL, Scenario("set", set={"rate": 0.3}), Scenario("more", levers=[Lever("shares", add=0.1)])],
    "in_the_middle": [
        STILL,
        Scenario("step", levers=[Lever("rate", to=0.5, start=1.5), Lever("shares", times=2, start=2)]),
        Scenario("ramp", levers=[Lever("rate", times=2, start=1, ramp=1), Lever("capacity", add=-4, start=1.25)]),
        Scenario("for_a_while", levers=[Lever("capacity", to=3, start=1, end=2)]),
    ],
    "at_the_end": [STILL, Scenario("late", levers=[Lever("rate", to=9, start=2.75)])],
    "after_the_end": [STILL, Scenario("never", levers=[Lever("rate", to=9, start=50)]), Scenario("idle")],
    "series": [
        STILL,
        Scenario("along", levers=[Lever("shares", series=((0, 0.2), (2, 0.4))), Lever("shares", times=1.1, start=1)]),
    ],
    "alike": [Scenario(name, levers=[Lever("rate", to=0.3, start=1)]) for name in ("one", "other")],
    "on_and_off": [
        STILL,
        Scenario("pulse", levers=[Lever("rate", add=1, start=1, end=1.5), Lever("rate", to=0, start=2)]),
    ],
}  # fmt: skip
every_set = pytest.mark.parametrize("scenarios", SETS.values(), ids=SETS.keys())


def model_of(method: str) -> Model:
    """Return a model in which constants that move are read in every way, and by initial values and delays."""
    return Model("levers", time=Time(0, 3, "1/4", method=method)).define(
        Dimension("place", tuple(f"p{i}" for i in range(5))),
        Constant("rate", 0.2),
        Constant("shares", (0.1, 0.2, 0.3, 0.25, 0.15), over=("place",)),
        Constant("capacity", 6.0),
        Constant("fixed", 2.0),
        Auxiliary("only_moving", "rate * capacity"),
        Auxiliary("moving_and_fixed", "sum(shares[*]) ^ fixed + min(rate, fixed)"),
        Auxiliary("picked", "shares[p3] - shares[p0] * rate"),
        Auxiliary("kept", "initial(rate * total) + rate * 0"),
        Stock("level", "10 * shares + rate", inflows=["entering"], outflows=["leaving"], over=("place",)),
        Flow("entering", "shares * capacity", over=("place",)),
        Flow("leaving", "delay_fixed(level * rate, rate * 4, rate)", over=("place",)),
        Auxiliary("total", "sum(level[*]) + sample_if_true(time > capacity / 4, rate, shares[p1])"),
    )


@every_set
@pytest.mark.parametrize(
    ("draws", "varying"), [(1, ()), *((10, v) for v in ((), ("rate", "shares"), ("fixed", "capacity"), EVERYTHING))]
)
def test_scenarios_agree_whichever_constants_they_move(
    agree: Callable, batch: Callable, scenarios: Sequence[Scenario], draws: int, varying: tuple[str, ...]
) -> None:
    random = np.random.default_rng(1)
    drawn = {
        "rate": random.uniform(0.1, 0.4, draws),
        "shares": random.uniform(0.1, 0.4, (5, draws)),
        "capacity": random.uniform(2, 8, draws),
        "fixed": random.uniform(1, 3, draws),
    }
    values = {name: drawn[name] for name in varying}

    for method in ("euler", "rk4") if varying == EVERYTHING else ("rk4",):
        agree(batch(model_of(method), draws=draws, values=values, scenarios=scenarios))


@pytest.mark.parametrize("parting", [0, 1, 2, 5, N_STEPS - 1, N_STEPS, None])
@pytest.mark.parametrize("draws", [1, 9])
@pytest.mark.parametrize("every", [1, 4])
def test_scenarios_agree_at_whichever_step_they_part(
    agree: Callable, batch: Callable, parting: int | None, draws: int, every: int
) -> None:
    whole = batch(
        model_of("rk2"),
        draws=draws,
        values={"rate": np.linspace(0.1, 0.4, draws)},
        scenarios=SETS["in_the_middle"],
        saved_steps=range(0, N_STEPS + 1, every),
    )
    times, plus = np.ones((N_STEPS + 1, 4)), np.zeros((N_STEPS + 1, 4))
    if parting is not None:
        times[parting:, 1], plus[parting:, 2], plus[parting:, 3] = 1.5, 0.25, -0.1
    moved = {number: Move(times, plus) for number in whole.inputs.moves}

    agree(replace(whole, inputs=replace(whole.inputs, moves=moved)))


def test_a_column_that_failed_before_scenarios_part_failed_in_all_of_them(agree: Callable, batch: Callable) -> None:
    model = Model("burst", time=Time(0, 6)).define(
        Constant("begin", 1.0), Constant("by", 1.0), Stock("level", "begin", inflows=["growing"]),
        Flow("growing", "level ^ 2 * by"),
    )  # fmt: skip
    scenarios = [STILL, Scenario("later", levers=[Lever("by", to=1e250, start=4)])]

    for draws in (3, 8, 11):
        begin = np.resize([1.0, 1e200, 0.0], draws)
        agree(batch(model, draws=draws, values={"begin": begin}, scenarios=scenarios))


def test_a_constant_that_could_move_and_does_not_is_like_any_other(
    exact: AbstractBackend, run: Callable, equal: Callable, batch: Callable
) -> None:
    model = model_of("rk4")
    plain, could = batch(model, draws=9), batch(model, draws=9, scenarios=[SETS["after_the_end"][1]])

    expected, found = run(exact, plain), run(exact, could)
    assert equal(expected, {name: found[name] for name in expected})
