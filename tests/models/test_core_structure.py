"""core is the model it says it is: twelve stocks, loops of the stated polarity, sane at extremes, and nobody lost."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from wm2u_sd.errors import SimulationError
from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.visit import references
from wm2u_sd.io.text import ModelFolder, load
from wm2u_sd.model.model import Loop, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.conservation import Population, populations
from wm2u_sd.simulation.ensemble import Ensemble, quantile
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import Simulator, simulate

MODELS = Path(__file__).resolve().parents[2] / "models"
CORE = load(MODELS / "core")
MODEL = CORE.model

# Twelve stocks --------------------------------------------------------------------------------------------------------


def test_core_has_its_twelve_stocks_with_their_units() -> None:
    families = (
        "families_coping",
        "unmet_need",
        "waiting",
        "early_help",
        "statutory_support",
        "in_care",
        "returned_home",
    )
    expected = dict.fromkeys(families, "family")
    expected |= {"parent_leaders": "adult", "staff": "FTE", **dict.fromkeys(("trust", "practice", "fatigue"), "dmnl")}

    assert expected == {stock.name: stock.units for stock in MODEL.stocks()}


def test_families_are_one_population_and_what_leaves_or_enters_it_is_declared() -> None:
    (families,) = [population for population in populations(MODEL) if population.name == "families"]

    assert 7 == len(families.stocks)
    for name in (*families.entering, *families.leaving):
        assert MODEL.get(name).outside  # type: ignore[union-attr]


# Loops ----------------------------------------------------------------------------------------------------------------

REINFORCING = [f"R{number}" for number in range(1, 11)]
BALANCING = ["B1", "B2", "B3", "B4", "B5", "B6", "B9", "B10", "B11", "B13"]

# Links that do nothing at the start, and where they begin to: a smaller of two sides that is not the smaller there.
SILENT_AT_START = {
    ("wanted_starts", "scarcer"): "room is the scarcer at the start; with plenty of places asking is",
    (
        "unmet_need",
        "coordinator_reach",
    ): "nobody is reached at the start; with very many coordinators unmet need limits them",
}


def links_of(loop: Loop) -> Iterator[tuple[str, str]]:
    """Yield cause and effect along a loop, the last back to the first."""
    yield from zip(loop.path, (*loop.path[1:], loop.path[0]), strict=True)


ALL_LINKS = sorted({link for loop in MODEL.loops for link in links_of(loop)})


def causes(name: str) -> set[str]:
    """Return what acts on a variable directly: the flows of a stock, the names in any other equation."""
    record = MODEL.get(name)
    if isinstance(record, Stock):
        return {*record.inflows, *record.outflows}
    return {reference.name for reference in references(parse(record.equation))}  # type: ignore[union-attr]


def test_every_loop_the_specification_has_for_core_is_named() -> None:
    assert {*REINFORCING, *BALANCING} == {loop.name for loop in MODEL.loops}
    assert len(MODEL.loops) == len({loop.label for loop in MODEL.loops})


@pytest.mark.parametrize("link", ALL_LINKS, ids=" to ".join)
def test_every_link_of_a_loop_is_in_an_equation(link: tuple[str, str]) -> None:
    assert link[0] in causes(link[1])


@cache
def states() -> list[dict[str, float]]:
    """Return every value at the start, later with plenty of places, and at the start with very many coordinators."""
    run = simulate(MODEL.with_time(end=60, step="1/2"), [CORE.scenarios["as_now"], CORE.scenarios["out_twice"]])
    solved = {str(name): float(array[0]) for name, array in run.parameters.data_vars.items()}
    constants = {constant.name: float(constant.value) for constant in MODEL.constants()} | solved  # type: ignore[arg-type]

    def at(scenario: str, time: float) -> dict[str, float]:
        moment = run.data.sel(scenario=scenario, time=time).isel(draw=0)
        return constants | {str(name): float(value) for name, value in moment.data_vars.items()}

    return [at("as_now", 0), at("out_twice", 60), at("as_now", 0) | {"coordinator_capacity": 1e6}]


def slopes(cause: str, effect: str, state: Mapping[str, float]) -> tuple[float, float]:
    """Return how an effect changes, below and above, when one cause moves by a millionth and all other causes hold."""
    names = sorted(causes(effect))
    equation = MODEL.get(effect).equation  # type: ignore[union-attr]
    model = Model("link", time=Time(0, 1, 1)).define(
        Auxiliary(effect, equation), *(Constant(name, value=state[name]) for name in names if name != "time")
    )
    width = 1e-6 * max(abs(state[cause]), 1e-3)
    moved = Ensemble({cause: state[cause] + width * np.array([-1.0, 0.0, 1.0])}, 3)
    below, here, above = simulate(model, draws=moved, save=[effect]).data[effect].values[0, :, 0]
    return (here - below) / width, (above - here) / width


@cache
def signs(cause: str, effect: str) -> list[set[int]]:
    """Return the signs of a link in each state: empty where it does nothing, two where it depends on the side."""
    record = MODEL.get(effect)
    if isinstance(record, Stock):
        return [{1 if cause in record.inflows else -1}] * len(states())
    found = [slopes(cause, effect, state) for state in states()]
    return [{int(np.sign(slope)) for slope in both if abs(slope) > 1e-9} for both in found]


@pytest.mark.parametrize("link", ALL_LINKS, ids=" to ".join)
def test_a_link_has_one_sign_wherever_it_does_anything(link: tuple[str, str]) -> None:
    assert 1 == len(set().union(*signs(*link)))


def test_links_that_do_nothing_at_the_start_are_those_that_are_known() -> None:
    assert set(SILENT_AT_START) == {link for link in ALL_LINKS if not signs(*link)[0]}


@pytest.mark.parametrize("loop", MODEL.loops, ids=lambda loop: f"{loop.name} {loop.label}")
def test_a_loop_has_the_polarity_it_states(loop: Loop) -> None:
    product = np.prod([next(iter(set().union(*signs(*link)))) for link in links_of(loop)])
    by_its_name = "reinforcing" if loop.name.startswith("R") else "balancing"

    assert by_its_name == loop.polarity
    assert {"reinforcing": 1, "balancing": -1}[loop.polarity] == product


# Extremes -------------------------------------------------------------------------------------------------------------

PEOPLE_AND_WORK = [stock.name for stock in MODEL.stocks()]

EXTREMES: Mapping[str, Mapping[str, float]] = {
    "no births": {"new_families": 0},
    "no places": {"places_for_each_helped": 0},
    "no money for workers": {"disinvestment": 1, "prevention_floor": 0, "turnover_base": 0.5},
    "no contact": {"contact_rate": 0},
    "no need": {"onset_rate": 0},
    "all need": {"poverty": 1e6},
    "no exits from care": {"return_rate": 0, "other_exit_rate": 0},
    "all accepted": {"threshold_reference": 1e6},
    "none accepted": {"threshold_reference": 1e-6},
    "endless places": {"places_for_each_helped": 1e6},
    "no social workers": {"social_workers": 1e-6},
    "very many seats": {"supported_seats": 1e6},
    "very many coordinators": {"coordinator_capacity": 1e6},
    "very much money": {"early_help_grant": 1e6},
    "everybody leaves": {"turnover_base": 5},
    "perfect leaders": {"leadership": 1.5, "training": 0.5},
    "no leaders": {"leadership": 0, "training": 0},
    "care costs the earth": {"care_cost": 1e6, "crowding_out": 1},
}


@pytest.fixture(scope="module")
def extremes() -> Run:
    """Five years of every extreme from the usual start; to leave the numbers or fall below zero would stop it."""
    levers = [Scenario(name, set=values) for name, values in EXTREMES.items()]
    return simulate(MODEL.with_time(end=60), [Scenario("as_now"), *levers])


def path(run: Run, scenario: str, name: str) -> np.ndarray:
    values: np.ndarray = run.data[name].sel(scenario=scenario).values[0]
    return values


@pytest.mark.parametrize("scenario", EXTREMES)
def test_at_extremes_everything_stays_finite_not_negative_and_conserved(extremes: Run, scenario: str) -> None:
    for name in extremes.data.data_vars:
        assert np.isfinite(path(extremes, scenario, str(name))).all(), name
    for name in PEOPLE_AND_WORK:
        assert path(extremes, scenario, name).min() >= -1e-9, name
    assert 1e-9 > worst_gap(extremes, MODEL)


@pytest.mark.parametrize("share", ["trust", "practice", "fatigue", "acceptance", "engagement", "early_help_success"])
def test_at_extremes_shares_stay_between_0_and_1(extremes: Run, share: str) -> None:
    values = extremes.data[share].values

    assert -1e-12 <= values.min()
    assert 1 + 1e-9 >= values.max()


def test_without_places_no_early_help_ends_and_none_begins(extremes: Run) -> None:
    assert 0 == np.abs(path(extremes, "no places", "early_help_ending")).max()
    assert 0 == np.abs(path(extremes, "no places", "early_help_works")).max()
    assert 1e-6 > path(extremes, "no places", "early_help")[-1]


def test_without_money_workers_go_and_early_help_with_them(extremes: Run) -> None:
    for name in ("staff", "early_help_places", "early_help_works"):
        path_of = path(extremes, "no money for workers", name)
        assert 0.01 * path_of[0] > path_of[-1], name


def test_without_births_families_only_become_fewer(extremes: Run) -> None:
    stocks = [name for name in PEOPLE_AND_WORK if MODEL.get(name).population == "families"]  # type: ignore[union-attr]
    total = sum(path(extremes, "no births", name) for name in stocks)

    assert (np.diff(total) < 0).all()


def test_without_contact_nobody_asks_and_the_queue_is_only_of_those_handed_down(extremes: Run) -> None:
    assert 0 == path(extremes, "no contact", "asking_for_help").max()
    assert path(extremes, "no contact", "waiting")[-1] < path(extremes, "as_now", "waiting")[-1]


def test_without_need_arising_unmet_need_falls(extremes: Run) -> None:
    assert 0 == path(extremes, "no need", "needs_arising").max()
    assert path(extremes, "no need", "unmet_need")[-1] < 0.2 * path(extremes, "as_now", "unmet_need")[-1]


def test_with_endless_places_the_wait_is_the_shortest_there_is(extremes: Run) -> None:
    assert 0.75 == pytest.approx(path(extremes, "endless places", "wait")[12:], rel=1e-6)


def test_when_all_are_accepted_nobody_is_refused(extremes: Run) -> None:
    assert 0 == np.abs(path(extremes, "all accepted", "refused")).max()
    assert 0 == np.abs(path(extremes, "all accepted", "crisis_entries")).max()


def at_a_moment(values: Mapping[str, float]) -> dict[str, float]:
    """Return every value at one moment with the solved constants of core and some starting stocks of one's own."""
    steady = simulate(MODEL.with_time(end=1), save=["in_care"]).parameters
    solved = {str(name): float(array[0]) for name, array in steady.data_vars.items()}
    stocks = [Stock(**{**facts(stock), "initial": repr(values.get(stock.name, 5.0))}) for stock in MODEL.stocks()]
    model = unbalanced(MODEL.with_values(solved)).define(*stocks).with_time(end=1, step="1/8", saveper="1/8")
    run = simulate(model)
    return {str(name): float(array[0, 0, 0]) for name, array in run.data.data_vars.items()}


def facts(stock: Stock) -> dict[str, object]:
    return {name: getattr(stock, name) for name in stock.__dataclass_fields__}


def unbalanced(model: Model) -> Model:
    return Model(model.name, time=model.time).define(*model.variables.values())


@pytest.mark.parametrize("name", [stock.name for stock in MODEL.stocks() if stock.outflows])
def test_nothing_leaves_an_empty_stock(name: str) -> None:
    stock = MODEL.get(name)
    assert isinstance(stock, Stock)
    values = at_a_moment({name: 0.0})

    assert dict.fromkeys(stock.outflows, 0.0) == {flow: values[flow] for flow in stock.outflows}


def test_without_workers_no_early_help_ends_whatever_is_in_it() -> None:
    values = at_a_moment({"staff": 0.0, "early_help": 400.0, "waiting": 100.0})

    assert (0.0, 0.0, 0.0) == tuple(values[name] for name in ("early_help_ending", "early_help_works", "served"))


def test_stepping_down_joins_the_queue_and_does_not_jump_it() -> None:
    (from_support,) = [flow for flow in MODEL.flows() if flow.name == "stepping_down"]
    waiting, early_help = MODEL.get("waiting"), MODEL.get("early_help")
    assert isinstance(waiting, Stock)
    assert isinstance(early_help, Stock)

    assert from_support.name in waiting.inflows
    assert ["starting_early_help"] == list(early_help.inflows)


# Integration error ----------------------------------------------------------------------------------------------------

TRIED = ("out", "deep", "up", "all_three", "family_groups", "early_help_cut", "tighter_threshold", "poverty_rise")
STOCKS_AND_MONEY = [*PEOPLE_AND_WORK, "care_spending", "total_spending", "prevention_spending"]


@cache
def stepped(step: str, method: str, end: float = 24) -> Run:
    model = MODEL.with_time(end=end, step=step, method=method)
    return simulate(model, [CORE.scenarios[name] for name in ("as_now", *TRIED)])


def error(step: str, method: str, names: list[str]) -> float:
    """Return the largest error of any of these against half steps, as a share of the largest amount it comes to."""
    run, exact = stepped(step, method), stepped("1/16", "rk4")
    gaps = [float(np.abs(run.data[name] - exact.data[name]).max()) for name in names]
    sizes = [float(np.abs(exact.data[name]).max()) for name in names]
    return max(gap / size for gap, size in zip(gaps, sizes, strict=True) if size > 0)


def test_halving_the_step_changes_no_output_by_one_per_cent() -> None:
    outputs = [v.name for v in (*MODEL.stocks(), *MODEL.flows(), *MODEL.auxiliaries())]

    assert 0.01 > error("1/8", "rk4", outputs)
    assert 1e-5 > error("1/8", "rk4", STOCKS_AND_MONEY)


def test_another_method_changes_no_stock_or_spending_by_one_per_cent() -> None:
    assert 0.01 > error("1/8", "euler", STOCKS_AND_MONEY)
    assert 0.01 > error("1/8", "rk2", STOCKS_AND_MONEY)


@pytest.mark.parametrize(("step", "printed"), [("1/8", 0.0007), ("1", 0.006)])
def test_the_error_of_euler_in_what_is_gained_is_about_what_the_prototype_had(step: str, printed: float) -> None:
    # Printed without saying of which output: here the change in families in care, scenario by scenario.
    runs = (stepped(step, "euler", 120), stepped("1/4", "rk4", 120))
    run, exact = (r.data["in_care"] - r.data["in_care"].sel(scenario="as_now") for r in runs)
    errors = (np.abs(run - exact).max("time") / np.abs(exact).max("time")).sel(scenario=list(TRIED)).values

    assert float(errors.min()) < printed < float(errors.max())


def test_steps_of_a_month_under_euler_are_too_long_for_the_queue() -> None:
    assert 0.05 < error("1", "euler", ["waiting"])


# Conservation ---------------------------------------------------------------------------------------------------------


def worst_gap(run: Run, model: Model) -> float:
    """Return the largest difference between what a population holds and what it held, got and lost, at any time."""
    return max(gap(run, population) for population in populations(model))


def gap(run: Run, population: Population) -> float:
    total = sum(run.data[name] for name in population.stocks)
    got = sum((run.data[f"cumulative_{flow}"] for flow in population.entering), start=0 * total)
    lost = sum((run.data[f"cumulative_{flow}"] for flow in population.leaving), start=0 * total)
    difference = np.abs(total - total.isel(time=0) - got + lost)
    return float((difference / (np.abs(total).max("time") + np.abs(got).max("time"))).max())


MOVED = [
    Scenario("as_now"),
    Scenario("all", levers=[Lever(n, to=v, start=3, ramp=6) for n, v in
             (("early_help_grant", 50), ("leadership", 0.85), ("training", 0.01), ("coordinator_capacity", 4),
              ("supported_seats", 2), ("family_group_offers", 1), ("reunification_support", 1))]),
    Scenario("worse", levers=[Lever("disinvestment", to=0.9, start=3), Lever("poverty", to=3, start=6, end=12),
                              Lever("threshold_reference", times=0.3, start=9)]),
]  # fmt: skip
SHIPPED = ["core", *sorted(f"localities/{place.name}" for place in (MODELS / "localities").iterdir() if place.is_dir())]


@cache
def opened(name: str) -> tuple[ModelFolder, Simulator]:
    folder = load(MODELS / name)
    model = folder.model.with_time(end=folder.model.time.start + 18, step="1/2", saveper=1)
    return folder, Simulator(model, MOVED)


def priors(model: Model) -> list[Constant]:
    return [constant for constant in model.constants() if constant.prior is not None]


DRAWS = 4


@pytest.mark.parametrize("place", SHIPPED)
@settings(max_examples=6)
@given(data=st.data())
def test_nobody_is_made_or_lost_whatever_is_believed(place: str, data: st.DataObject) -> None:
    folder, simulator = opened(place)
    known = priors(folder.model)
    chances = data.draw(arrays(float, (len(known), DRAWS), elements=st.floats(0.001, 0.999)))
    values = {c.name: quantile(c.prior, row) for c, row in zip(known, chances, strict=True) if c.prior}
    try:
        run = simulator.run(Ensemble(values, DRAWS))
    except SimulationError as refusal:
        assume("start at rest" not in str(refusal) and "every draw stopped" not in str(refusal))
        raise

    assert 1e-9 > worst_gap(run, folder.model)
    assert 1e-9 > float(np.abs(run.ledger["difference"] / (run.ledger["at_start"] + run.ledger["entered"])).max())


def test_the_test_of_conservation_can_fail() -> None:
    # A flow that leaves one stock and is not what enters the other: 1 in 20 goes missing on the way.
    leaky = Model("leaky", time=Time(0, 10, 0.5)).define(
        Stock("here", initial="100", outflows=["going"], population="people"),
        Stock("there", initial="0", inflows=["coming"], population="people"),
        Flow("going", "here / 5"), Flow("coming", "0.95 * here / 5"),
    )  # fmt: skip
    run = simulate(leaky)
    (people,) = populations(leaky)
    closed = Population("people", people.stocks, (), ())

    assert 0.04 < gap(run, closed)
