"""Derivatives of models that start at rest: the constants that are solved for move along."""

import numpy as np
import pytest

from wm2u_sd.care.places import find
from wm2u_sd.io.text import load
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Prior, Stock
from wm2u_sd.simulation.ensemble import Ensemble, draw
from wm2u_sd.simulation.gradient import gradient
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate

pytestmark = pytest.mark.usefixtures("machine_code")

SHOCK = Scenario("shock", levers=[Lever("arrivals", times=1.4, start=1.0), Lever("stay", times=0.8, start=2.0)])


def service() -> Model:
    """Return three stocks that stand still at first, for other constants a different way each."""
    balance = Balance(("waiting_at_start", "rate", "helped_at_start"), steady=("waiting", "helped"), zero=("gap",))
    return Model("service", time=Time(0, 6, "1/4", method="rk4"), balance=balance).define(
        Dimension("part", ("a", "b", "c")),
        Constant("arrivals", 8.0, prior=Prior("uniform", 6, 10, 8)),
        Constant("waiting_at_start", 21.0),
        Constant("helped_at_start", 22.0),
        Constant("rate", 0.1),
        Constant("patience", 3.1, prior=Prior("uniform", 2.5, 4, 3.1)),
        Constant("stay", 5.0),
        Constant("crowd", 0.011),
        Constant("target", 4.4),
        Constant("weights", (0.2, 0.3, 0.5), over=("part",)),
        Stock("waiting", "waiting_at_start", inflows=["asking"], outflows=["starting", "giving_up"]),
        Stock("helped", "helped_at_start", inflows=["starting"], outflows=["done"]),
        Stock("counted", "weights * helped_at_start", over=("part",), inflows=["counting"]),
        Flow("asking", "arrivals * exp(-crowd * waiting)"),
        Flow("starting", "rate * waiting ^ 1.3 / (1 + crowd * helped)"),
        Flow("giving_up", "waiting / patience / 4"),
        Flow("done", "delay1(helped, 1.5) / stay"),
        Flow("counting", "weights * (starting - done) + 0.1 * weights ^ 2", over=("part",)),
        Auxiliary("gap", "starting - target"),
    )


RESULTS = ("waiting", "helped", "counted", "cumulative_done")


def solved_of(model: Model) -> set[str]:
    return set(model.balance.solve) if model.balance else set()


def moved(model: Model, step: float) -> tuple[dict[str, float], Ensemble]:
    """Return an ensemble in whose draws each constant but vectors is moved down and up, and by how much."""
    free = [c for c in model.constants() if c.name not in solved_of(model) and not c.over]
    steps = {c.name: step * (abs(float(c.value)) or 1.0) for c in free}
    values = {c.name: np.full(2 * len(free), float(c.value)) for c in free}
    for at, (name, by) in enumerate(steps.items()):
        values[name][2 * at : 2 * at + 2] += [-by, by]
    return steps, Ensemble(values, 2 * len(free), "")


def slopes(model: Model, of: str, step: float, scenario: Scenario | None = None) -> dict[str, tuple[float, float]]:
    """Return the derivative of the end of a result by each constant but vectors, from two runs, and the step made."""
    steps, ensemble = moved(model, step)
    runs = simulate(model, scenario or Scenario("as_now"), draws=ensemble, save=[of]).data[of].values[0, :, -1]
    ends = runs.reshape(len(runs), -1).sum(axis=1)
    return {n: ((ends[2 * at + 1] - ends[2 * at]) / (2 * by), by) for at, (n, by) in enumerate(steps.items())}


def end(model: Model, of: str, scenario: Scenario) -> float:
    return float(simulate(model, scenario, save=[of]).data[of].values[0, 0, -1].sum())


@pytest.mark.parametrize("of", RESULTS)
def test_everything_moves_along_so_that_the_start_is_at_rest(of: str) -> None:
    model = service()
    found = gradient(model, of, scenario=SHOCK)

    size = abs(float(found.value.squeeze()))
    for name, (slope, by) in slopes(model, of, 1e-5, SHOCK).items():
        assert slope == pytest.approx(float(found.constants[name].squeeze()), rel=1e-6, abs=1e-11 * size / by), name
    weights = np.array((0.2, 0.3, 0.5))
    for element in range(3):
        by = 1e-5 * np.eye(3)[element]
        up, down = (end(model.with_values({"weights": (weights + sign * by).tolist()}), of, SHOCK) for sign in (1, -1))
        there = float(found.constants["weights"].values[0, 0, element])
        assert (up - down) / 2e-5 == pytest.approx(there, rel=1e-6, abs=1e-6 * size)


def tank() -> Model:
    return Model("tank", time=Time(0, 2), balance=Balance(("arrivals",), steady=("level",))).define(
        Constant("arrivals", 1.0), Constant("start", 100.0), Constant("stay", 5.0),
        Stock("level", "start", inflows=["coming"], outflows=["going"]),
        Flow("coming", "arrivals"), Flow("going", "level / stay"),
    )  # fmt: skip


def test_of_a_model_at_rest_nothing_moves() -> None:
    still = gradient(tank(), "level")

    assert 1.0 == pytest.approx(float(still.constants["start"].squeeze()))
    assert 0.0 == pytest.approx(float(still.constants["stay"].squeeze()), abs=1e-12)


def test_a_scenario_from_the_first_step_on() -> None:
    # At rest arrivals = start / stay, whatever a lever then makes of them.
    model = tank()
    doubled = Scenario("doubled", levers=[Lever("arrivals", times=2.0, start=0.0)])

    # By Euler's method: start (1 + 1/stay), then start (1 + 2/stay - 1/stay^2).
    found = gradient(model, "level", scenario=doubled)
    assert 100 * (1 + 2 / 5 - 1 / 25) == pytest.approx(float(found.value.squeeze()))
    assert 1 + 2 / 5 - 1 / 25 == pytest.approx(float(found.constants["start"].squeeze()))
    assert 100 * (-2 / 25 + 2 / 125) == pytest.approx(float(found.constants["stay"].squeeze()))


def test_a_scenario_from_later_on() -> None:
    # Nothing moves before time 1, and at time 2 there are start + start / stay more.
    found = gradient(tank(), "level", scenario=Scenario("doubled", levers=[Lever("arrivals", times=2.0, start=1.0)]))

    assert 120.0 == pytest.approx(float(found.value.squeeze()))
    assert 1.2 == pytest.approx(float(found.constants["start"].squeeze()))
    assert -4.0 == pytest.approx(float(found.constants["stay"].squeeze()))


def test_every_draw_has_its_own_rest() -> None:
    model = service()
    ensemble = draw(model, 3, 1)
    together = gradient(model, "helped", scenario=SHOCK, draws=ensemble)
    for k in range(3):
        stated = {name: float(column[k]) for name, column in ensemble.values.items()}
        alone = gradient(model.with_values(stated), "helped", scenario=SHOCK)
        np.testing.assert_allclose(alone.value.values[0, 0], together.value.values[0, k], rtol=1e-9)
        for name in alone.constants.data_vars:
            np.testing.assert_allclose(
                alone.constants[name].values[0, 0], together.constants[name].values[0, k], rtol=1e-7, atol=1e-9
            )


def test_asking_for_some_constants_gives_the_same() -> None:
    model, whole = service(), gradient(service(), "helped", scenario=SHOCK)
    few = gradient(model, "helped", by=["stay", "weights"], scenario=SHOCK)

    assert ["stay", "weights"] == sorted(map(str, few.constants.data_vars))
    for name in ("stay", "weights"):
        np.testing.assert_allclose(whole.constants[name].values, few.constants[name].values, rtol=1e-12, atol=1e-15)


ON_A_KINK = frozenset(
    {"statutory_support_at_start", "threshold_reference", "acceptance_scale", "social_workers",
     "families_per_social_worker"}
)  # fmt: skip
"""Core accepts all of those at rest who are just above its threshold: whether a step is above or below it is rounding,
so that a derivative by these is of one branch at the start and of the other in a step."""


def test_core_at_rest() -> None:
    core = load(find("core")).model.with_time(end=24, step="1/2")
    found = gradient(core, "children_in_care")
    size = abs(float(found.value.squeeze()))
    expected = slopes(core, "children_in_care", 1e-5)

    assert len(expected) > 100
    for name in expected.keys() - ON_A_KINK:
        slope, by = expected[name]
        assert slope == pytest.approx(float(found.constants[name].squeeze()), rel=1e-5, abs=1e-10 * size / by), name
