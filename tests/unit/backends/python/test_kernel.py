"""Programs run as printed Python give what the oracle gives."""

import math
from collections.abc import Callable

import numpy as np
import pytest

from wm2u_sd.backends.base import Inputs, Move
from wm2u_sd.backends.python import go
from wm2u_sd.backends.python.kernel import PythonKernel
from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.compile.lower import lower
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Extrapolation, Flow, Lookup, Prior, Stock
from wm2u_sd.simulation.scenario import Lever, Scenario

every_method = pytest.mark.parametrize("method", METHODS)


def clinic(method: str) -> Model:
    """Every kind of memory a program has, over a dimension, with a stock that runs short in some draws."""
    return Model("clinic", time=Time(0, 10, "1/4", method=method)).define(
        Dimension("side", ("left", "right")),
        Constant("asking_rate", 9.0, prior=Prior("uniform", 5, 14, 9)),
        Constant("shortest_wait", 0.4, prior=Prior("uniform", 0.1, 0.9, 0.4)),
        Constant("slope", 1.5, prior=Prior("uniform", 0.5, 2.5, 1.5)),
        Constant("share", (0.3, 0.7), over=("side",)),
        Constant("rooms", 12.0),
        Lookup("crowding", ((0, 1), (20, 0.8), (60, 0.3))),
        Stock("waiting", "20 * share", over=("side",), inflows=["asking"], outflows=["starting", "leaving"],
              non_negative=True),
        Stock("helped", "30", inflows=["all_starting"], outflows=["done"], non_negative=True),
        Flow("asking", "asking_rate * share * (1 + step(0.5, 3))", over=("side",)),
        Flow("starting", "min(waiting / shortest_wait, rooms * share * crowding(helped))", over=("side",)),
        Flow("all_starting", "sum(starting[*])"),
        Flow("leaving", "(waiting / initial(waiting)) ^ slope + 0 * time", over=("side",)),
        Flow("done", "delay_fixed(all_starting, 1.5, 3) + smooth3(helped, 2) / 20"),
        Auxiliary("seen", "sample_if_true(modulo(time, 2) < 0.3, sum(waiting[*]), 0)"),
        Auxiliary("busy", "if_then_else(helped > 40, 1, 0) + exp(-waiting[left] / 9)"),
    )  # fmt: skip


SCENARIOS = [
    Scenario("as_now"),
    Scenario("rooms", levers=[Lever("rooms", times=1.5, start=4, ramp=2), Lever("shortest_wait", to=0.2, start=6)]),
    Scenario("for_a_while", levers=[Lever("asking_rate", add=3, start=5.25, end=8)]),
    Scenario("along", levers=[Lever("share", series=((2, 0.5), (9, 0.4)), start=3)]),
]


@every_method
def test_one_run(agree: Callable, case: Callable, method: str) -> None:
    agree(case(clinic(method)))


@every_method
def test_draws_and_scenarios_that_share_a_past(agree: Callable, case: Callable, method: str) -> None:
    agree(case(clinic(method), draws=4, scenarios=SCENARIOS, every=3))


@every_method
def test_scenarios_that_part_at_the_start(agree: Callable, case: Callable, method: str) -> None:
    at_once = Scenario("at_once", set={"slope": 2.0, "share": 0.4})

    agree(case(clinic(method), draws=2, scenarios=[SCENARIOS[0], at_once], every=3))


@pytest.mark.parametrize("parting", [1, 17, 40, 41])
def test_scenarios_run_as_one_until_they_part_equal_scenarios_run_apart(parting: int) -> None:
    model = clinic("rk2")
    kernel = PythonKernel(lower(model, moving=["rooms"]))
    number = [constant.name for constant in model.constants()].index("rooms")
    values = [np.asarray(constant.value)[..., None] for constant in model.constants()]
    still, moved = np.ones(41), np.where(np.arange(41) >= parting, 1.5, 1.0)
    names, steps = ["waiting", "helped", "seen", "busy"], range(0, 41, 4)

    def run(*times: np.ndarray) -> dict[str, np.ndarray]:
        by = np.stack(times, axis=1)
        return kernel.run(Inputs(values, 1, len(times), {number: Move(by, np.zeros(by.shape))}), names, steps)[0]

    together, apart = run(still, moved), [run(still), run(moved)]
    for name in names:
        assert np.array_equal(together[name], np.concatenate([alone[name] for alone in apart], axis=-1))


@every_method
def test_what_is_kept_may_be_little_and_over_any_dimension(agree: Callable, case: Callable, method: str) -> None:
    for names in (["helped"], ["busy", "waiting"], ["integral of leaving", "seen"]):
        agree(case(clinic(method), save=names, every=7))


def test_the_first_moment_is_the_oracles() -> None:
    model = clinic("euler")
    program = lower(model)
    inputs = Inputs([np.asarray(constant.value)[..., None] for constant in model.constants()], 1)

    expected = NumpyKernel(program).at_start(inputs, names=["helped", "seen"])
    found = PythonKernel(program).at_start(inputs, names=["helped", "seen"])
    assert np.array_equal(expected.rates, found.rates, equal_nan=True)
    assert set(expected.values) == set(found.values)


def test_what_was_printed_for_some_names_is_kept() -> None:
    kernel = PythonKernel(lower(clinic("euler")))

    assert kernel.source(["helped"]) is kernel.source(("helped",))
    assert kernel.source(["helped"]) != kernel.source(["busy"])


# Dimensions -----------------------------------------------------------------------------------------------------------


def town(method: str, n: int = 3) -> Model:
    """Three dimensions, used in every order, in part, picked and reduced; nothing stays the same."""
    ages = tuple(f"a{i}" for i in range(n))
    return Model("town", time=Time(0, 2, "1/4", method=method)).define(
        Dimension("age", ages),
        Dimension("some", (ages[-1], ages[0]), of="age"),  # out of order: no plain stretch of the dimension
        Dimension("late", ages[1:], of="age"),
        Dimension("part", ("north", "south")),
        Dimension("kind", ("x", "y", "z", "w")),
        Constant("spread", np.linspace(0.1, 0.9, n * 8).reshape(n, 2, 4), over=("age", "part", "kind")),
        Constant("turned", np.linspace(0.3, 1.4, n * 8).reshape(4, n, 2), over=("kind", "age", "part")),
        Constant("rate", np.linspace(0.2, 0.4, n), over=("age",)),
        Stock("people", "100 * spread + turned", over=("age", "part", "kind"), inflows=["born"], outflows=["gone"]),
        Flow("born", "turned * rate * (1 + time)", over=("age", "part", "kind")),
        Flow("gone", "people * turned / (1 + total / 100)", over=("age", "part", "kind")),
        Stock("few", "rate", over=("some",), inflows=["more"]),
        Flow("more", "rate * sum(people[some, *, *]) - few", over=("some",)),
        Stock("rest", "1", over=("late",), inflows=["others"]),
        Flow("others", "rate + people[late, south, y]", over=("late",)),
        Auxiliary("total", "sum(people[*, *, *])"),
        Auxiliary("by_age", "sum(people[age, *, *])", over=("age",)),
        Auxiliary("by_part", "sum(people[*, part, *] * turned[*, *, part])", over=("part",)),
        Auxiliary("by_kind", "mean(people[*, *, kind])", over=("kind",)),
        Auxiliary("by_two", "prod(people[age, *, kind] / 50)", over=("kind", "age")),
        Auxiliary("by_other_two", "max(people[*, part, kind])", over=("part", "kind")),
        Auxiliary("by_last_two", "min(people[age, part, *] - by_age)", over=("part", "age")),
        Auxiliary("highest", "max(people[*, *, *]) - min(people[some*, *, *])"),
        Auxiliary("of_late", "sum(people[late*, north, *])"),
        Auxiliary("again", "by_two + by_kind * rate", over=("age", "kind")),
        Auxiliary("same", "total", over=("part", "age")),
        Auxiliary("picked", f"people[{ages[1]}, north, z] + few[{ages[0]}] * by_two[x, {ages[0]}]"),
        Auxiliary("halted", "by_two * 0 + initial(by_age) + pulse(1, 1)", over=("age", "kind")),
        Auxiliary("whether", "if_then_else(people > by_kind and not rate > 0.3, rate, -turned)",
                  over=("age", "part", "kind")),
    )  # fmt: skip


@every_method
@pytest.mark.parametrize("n", [2, 5])
def test_dimensions_in_every_order_in_part_picked_and_reduced(
    agree: Callable, case: Callable, method: str, n: int
) -> None:
    agree(case(town(method, n)))


@every_method
def test_levers_on_constants_over_dimensions(agree: Callable, case: Callable, method: str) -> None:
    levers = [Lever("rate", add=0.1, start=0.5, ramp=1), Lever("turned", times=1.2, start=1)]

    agree(case(town(method), scenarios=[Scenario("still"), Scenario("moved", levers=levers)], every=2))


# Lookups --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extrapolation", list(Extrapolation))
@pytest.mark.parametrize("n_points", [2, 5, 40])
def test_lookups_of_few_and_many_points_and_with_others_in_their_place(
    agree: Callable, case: Callable, n_points: int, extrapolation: Extrapolation
) -> None:
    random = np.random.default_rng(n_points)
    points = [(float(x), float(random.normal())) for x in np.sort(random.uniform(-5, 5, n_points))]
    model = Model("curves", time=Time(-8, 8, "1/8")).define(
        Dimension("place", ("p", "q", "r")),
        Constant("shift", (-1.0, 0.0, 2.5), over=("place",)),
        Lookup("curve", points, extrapolation=extrapolation),
        Auxiliary("single", "curve(time)"),
        Auxiliary("several", "curve(time + shift)", over=("place",)),
        Auxiliary("settled", "curve(shift)", over=("place",)),
        Stock("level", "curve(1)", inflows=["change"]),
        Flow("change", "curve(level) - level"),
    )

    agree(case(model))
    agree(case(model, tables={"curve": [(-3, 1), (0, 2), (1, 5), (4, -1), (6, 0)]}))


# History --------------------------------------------------------------------------------------------------------------


@every_method
def test_delay_lines_and_memories_over_dimensions(agree: Callable, case: Callable, method: str) -> None:
    model = Model("history", time=Time(0, 6, "1/4", method=method)).define(
        Dimension("place", ("p", "q", "r")),
        Dimension("side", ("left", "right")),
        Constant("wait", (0.0, 0.6, 2.0), over=("place",), prior=None),
        Constant("longest", 1.0),
        Stock("level", "1", over=("place", "side"), inflows=["change"]),
        Flow("change", "sin(time) + late / 10 - level / 5 + kept / 50", over=("place", "side")),
        Auxiliary("late", "delay_fixed(level * (1 + time), wait, 7)", over=("place", "side")),
        Auxiliary("once", "delay_fixed(sum(level[*, *]), longest, time - 3)"),
        Auxiliary("later", "delay_fixed(late[q, left], 0.5, once)"),
        Auxiliary("kept", "sample_if_true(sin(3 * time) > 0, level + time, wait)", over=("place", "side")),
        Auxiliary("kept_once", "sample_if_true(kept[p, left] > 2, once, -1)"),
    )
    agree(case(model))
    varied = {"wait": [[0.0, 3.0], [1.1, 0.2], [9.0, 0.125]], "longest": [0.3, 5.0]}
    agree(case(model, draws=2, values=varied, scenarios=[Scenario("longer", levers=[Lever("wait", add=1)])]))


# Steps that would overdraw --------------------------------------------------------------------------------------------


def well(method: str) -> Model:
    """Stocks of which two run dry: what enters them is less than nothing, which no ration holds back."""
    over = ("place",)
    return Model("well", time=Time(0, 3, 0.25, method=method)).define(
        Dimension("place", ("p", "q", "r")),
        Constant("first", (1.0, 3.0, 40.0), over=over),
        Stock("held", "first", inflows=["entering"], outflows=["leaving"], non_negative=True, over=over),
        Flow("entering", "sin(time) - 1.5", over=over),
        Flow("leaving", "held * first", over=over),
        Stock("single", "2", inflows=["dripping"], outflows=["all_leaving"], non_negative=True),
        Flow("dripping", "cos(time)"),
        Flow("all_leaving", "sum(leaving[*])"),
        Stock("beside", "1", inflows=["growing"]),
        Flow("growing", "beside"),
    )


@every_method
def test_a_step_that_would_overdraw_is_made_by_eulers_method(
    agree: Callable, case: Callable, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = agree(case(well(method)))
    monkeypatch.setattr(go, "ROUNDING", math.inf)  # no stock is found to be below zero
    given = case(well(method))

    not_held, _ = given.run(PythonKernel(given.program))
    assert (method == "euler") == np.array_equal(held["beside"], not_held["beside"])


# What is not finite ---------------------------------------------------------------------------------------------------


def broken(method: str) -> Model:
    """Every operation that Python refuses somewhere, at some moments and never at others."""
    return Model("broken", time=Time(-2, 2, "1/4", method=method)).define(
        Dimension("place", ("p", "q", "r")),
        Constant("x", (-1.0, 0.0, 2.0), over=("place",)),
        Constant("big", 800.0),
        Auxiliary("divided", "x / time", over=("place",)),
        Auxiliary("remainder", "modulo(x + 5, time)", over=("place",)),
        Auxiliary("powers", "(x + time) ^ (time * 2 + 0.5)", over=("place",)),
        Auxiliary("inverse", "x ^ (-1 + 0 * time)", over=("place",)),
        Auxiliary("logs", "ln(time) + log10(time)"),
        Auxiliary("root", "sqrt(time)"),
        Auxiliary("grown", "exp(time * big) + exp(big) * 0 + (10 * time) ^ 401"),
        Auxiliary("waves", "sin(1 / time) + cos(ln(time)) + tan(1 / time)"),
        Auxiliary("whole", "integer(1 / time) + integer(time * 3)"),
        Auxiliary("nearest", "min(logs, x) + max(x, root) + min(divided, 2) + max(3, 1 / time)", over=("place",)),
        Auxiliary("harmless", "if_then_else(time = 0, 5, 5 / time)"),
        Auxiliary("settled", "1 / x + ln(x)", over=("place",)),
        Auxiliary("least", "min(divided[*]) + max(nearest[*]) + sum(logs + x[*]) * prod(x[*])"),
        Stock("level", "1 + 0 / big", inflows=["change"]),
        Flow("change", "harmless + level * 0"),
    )


@every_method
def test_what_is_not_finite_is_so_in_the_same_places(agree: Callable, case: Callable, method: str) -> None:
    found = agree(case(broken(method)))

    assert not np.isfinite(found["logs"]).all()
    assert np.isfinite(found["level"]).all()


@every_method
def test_states_that_leave_the_numbers_are_noted_at_the_same_step(agree: Callable, case: Callable, method: str) -> None:
    model = Model("burst", time=Time(0, 6, method=method)).define(
        Dimension("place", ("p", "q")),
        Constant("begin", 1.0),
        Stock("level", "begin", inflows=["growing"]),
        Flow("growing", "level ^ 2"),
        Stock("beside", "1", over=("place",), inflows=["sinking"]),
        Flow("sinking", "0 - 1 / (begin - 3 + time)", over=("place",)),
    )
    values = {"begin": [1.0, 1e200, 0.0, -1.0, 3.0, math.nan]}

    agree(case(model, draws=6, values=values))
    given = case(model, draws=6, values=values, every=3)
    agree(given)
    assert (given.run(PythonKernel(given.program))[1] >= 0).any()


# Guarded steps --------------------------------------------------------------------------------------------------------


@every_method
def test_guarded_steps_give_the_bits_of_plain_ones(case: Callable, method: str) -> None:
    for model in (clinic(method), town(method), well(method)):
        given = case(model)
        plain, guarded = PythonKernel(given.program), PythonKernel(given.program)
        code = guarded.code(given.save)
        guarded.known[given.save] = type(code)(
            code.layout, code.source, code.begin, code.settle, code.go_guarded, code.go_guarded
        )

        expected, found = given.run(plain)[0], given.run(guarded)[0]
        assert all(np.array_equal(expected[name], found[name]) for name in expected)


@every_method
def test_only_steps_that_raise_are_guarded(case: Callable, method: str) -> None:
    given = case(broken(method), save=["harmless"])
    kernel, calls = PythonKernel(given.program), []
    code = kernel.code(given.save)

    def noted(column: object, step: int, stop: int) -> int:
        calls.append((step, stop))
        return code.go_guarded(column, step, stop)  # type: ignore[arg-type]

    kernel.known[given.save] = type(code)(code.layout, code.source, code.begin, code.settle, code.go, noted)
    given.run(kernel)
    # Time is 0 at step 8, and the last stage of step 7 stands there under rk4.
    assert {"euler": [(8, 9)], "rk2": [(8, 9)], "rk4": [(7, 8), (8, 10)]}[method] == calls
