"""What must not change a result: order, names, splitting, batching, other draws."""

from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wm2u_sd.backends.registry import backends
from wm2u_sd.expr.nodes import Expression, Reference
from wm2u_sd.expr.parser import parse
from wm2u_sd.expr.printer import to_text
from wm2u_sd.expr.visit import rewrite
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Prior, Stock, Variable
from wm2u_sd.simulation.ensemble import Ensemble, draw
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate as simulate_anyhow

FAITHFUL = next(name for name, one in backends().items() if one.same_bits)
simulate = partial(simulate_anyhow, backend_name=FAITHFUL)


def service(time: Time, *over: str, scale: str = "1") -> Model:
    """Return a small service with feedback, delays, history and rationing, over any dimensions."""
    return Model("service", time=time).define(
        Constant("asking_rate", value=9.0, prior=Prior("uniform", 5, 14, 9)),
        Constant("shortest_wait", value=0.4, prior=Prior("lognormal", 0.2, 0.8, 0.4)),
        Constant("stay", value=6.0, prior=Prior("triangular", 3, 10, 6)),
        Constant("back", value=0.3, prior=Prior("beta", 0.1, 0.5, 0.3, chance_of_none=0.25)),
        Stock("waiting", initial=f"20 * {scale}", over=over, inflows=["asking", "returning"],
              outflows=["starting", "giving_up"], non_negative=True),
        Stock("helped", initial=f"30 * {scale}", over=over, inflows=["starting"], outflows=["done"],
              non_negative=True),
        Stock("watched", initial="0", over=over, inflows=["done"], outflows=["returning", "settled"]),
        Flow("asking", f"asking_rate * {scale} * (1 + step(0.5, 3))", over=over),
        Flow("starting", f"min(waiting / shortest_wait, max(0, 12 * {scale} - smooth3(helped, 2) / 10))", over=over),
        Flow("giving_up", "safe_divide(waiting ^ 2, waiting + helped) / 3", over=over),
        Flow("done", "delay1(starting, stay)", over=over),
        Flow("returning", "back * watched / 4", over=over),
        Flow("settled", "(1 - back) * watched / 4", over=over),
        Auxiliary("seen", "sample_if_true(modulo(time, 2) < 0.3, delay_fixed(waiting, 1, 0), 0)", over=over),
    )  # fmt: skip


def values(run: Run) -> dict[str, np.ndarray]:
    """Return every result by name."""
    return {str(name): array.values for name, array in run.data.data_vars.items()}


BASE = service(Time(0, 12, 0.25, method="rk4"))
HALVES = Dimension("half", ("one", "other"))


@given(st.permutations(list(BASE.variables.values())), st.sampled_from(METHODS))
@settings(max_examples=20)
def test_the_order_of_definitions_changes_no_bit(records: list[Variable], method: str) -> None:
    base = BASE.with_time(method=method)
    turned = Model("service", time=base.time).define(*records)

    expected, found = values(simulate(base)), values(simulate(turned))
    assert all(np.array_equal(expected[name], found[name]) for name in expected)


def renamed(model: Model, names: dict[str, str]) -> Model:
    """Return the model with every variable under another name."""

    def put(node: Expression) -> Expression:
        return Reference(names.get(node.name, node.name), node.subscripts) if isinstance(node, Reference) else node

    def text(equation: str) -> str:
        return to_text(rewrite(parse(equation), put))

    records: list[Variable] = []
    for v in model.variables.values():
        match v:
            case Stock():
                flows = [[names[flow] for flow in side] for side in (v.inflows, v.outflows)]
                records.append(Stock(names[v.name], text(v.initial), "", *flows, non_negative=v.non_negative))
            case Flow() | Auxiliary():
                records.append(type(v)(names[v.name], text(v.equation)))
            case Constant():
                records.append(Constant(names[v.name], v.value))
    return Model("renamed", time=model.time).define(*records)


@given(st.permutations([f"v{i}" for i in range(len(BASE.variables))]))
@settings(max_examples=20)
def test_names_change_no_bit(new: list[str]) -> None:
    names = dict(zip(BASE.variables, new, strict=True))

    expected, found = values(simulate(BASE)), values(simulate(renamed(BASE, names)))
    assert all(
        np.array_equal(expected[name], found[names[name]]) for name in expected if not name.startswith("cumulative_")
    )


@pytest.mark.parametrize("method", METHODS)
def test_two_identical_halves_add_up_to_the_whole(method: str) -> None:
    time = Time(0, 12, 0.25, method=method)
    split = service(time, "half", scale="0.5").define(HALVES)

    whole, halves = values(simulate(service(time))), values(simulate(split))
    for name in whole:
        assert np.array_equal(halves[name][..., 0], halves[name][..., 1])
        assert whole[name] == pytest.approx(halves[name].sum(axis=-1), rel=1e-12, abs=1e-12)


def test_a_dimension_of_one_element_changes_no_bit() -> None:
    single = service(BASE.time, "only").define(Dimension("only", ("one",)))

    expected, found = values(simulate(BASE)), values(simulate(single))
    assert all(np.array_equal(expected[name], found[name][..., 0]) for name in expected)


@given(st.integers(0, 10_000), st.sampled_from(METHODS))
@settings(max_examples=10)
def test_a_batch_equals_its_draws_run_one_by_one_bit_for_bit(seed: int, method: str) -> None:
    model = BASE.with_time(method=method)
    ensemble = draw(model, 6, seed)
    batch = values(simulate(model, draws=ensemble))

    for i in range(ensemble.n):
        alone = Ensemble({name: column[i : i + 1] for name, column in ensemble.values.items()}, 1)
        single = values(simulate(model, draws=alone))
        stated = values(simulate(model.with_values({name: float(x[i]) for name, x in ensemble.values.items()})))
        for name, array in batch.items():
            assert np.array_equal(array[:, i], single[name][:, 0])
            assert np.array_equal(array[:, i], stated[name][:, 0])


@pytest.mark.parametrize(
    "equation",
    ["x[one] ^ 2", "x[one] ^ 0.5", "x[one] ^ -1", "x[one] ^ 1.7", "sum(x[*])", "mean(x[*])", "prod(x[*])", "max(x[*])"]
    + ["exp(x[one])", "ln(x[one])", "sin(x[one])", "modulo(x[one], 0.7)", "sum(x[*] ^ 2)", "sum(x[*] * y[other, *])"],
)
def test_no_operation_depends_on_how_many_draws_stand_side_by_side(equation: str) -> None:
    # Twelve elements: sums of eight or more are where array libraries change the order of addition.
    elements = ("one", "other", *(f"e{i}" for i in range(10)))
    model = Model("wide", time=Time(0, 1)).define(
        Dimension("where", elements),
        Dimension("what", elements, of="where"),
        Constant("size", value=1.0),
        Constant("weight", value=tuple(0.1 + i / 7 for i in range(12)), over=["where"]),
        Auxiliary("x", "exp(size) * weight / 3", over=["where"]),
        Auxiliary("y", "x / (1 + x[what])", over=["where", "what"]),
        Auxiliary("z", equation),
    )
    sizes = np.linspace(0.1, 2, 33)
    batch = simulate(model, draws=Ensemble({"size": sizes}, 33)).data["z"].values[0, :, 0]

    alone = [Ensemble({"size": sizes[i : i + 1]}, 1) for i in range(33)]
    single = [simulate(model, draws=one).data["z"].values[0, 0, 0] for one in alone]
    assert single == batch.tolist()


def test_a_balanced_draw_does_not_depend_on_the_draws_beside_it() -> None:
    model = Model("balanced", time=Time(0, 2), balance=Balance(("leaving_rate",), ("level",))).define(
        Constant("size", value=3.0, prior=Prior("uniform", 0.5, 40, 3)),
        Constant("leaving_rate", value=0.5),
        Stock("level", initial="10", inflows=["coming"], outflows=["leaving"]),
        Flow("coming", "size"),
        Flow("leaving", "level * leaving_rate ^ 3 / (1 + leaving_rate)"),
    )
    ensemble = draw(model, 40)
    batch = simulate(model, draws=ensemble).parameters["leaving_rate"].values

    alone = [Ensemble({"size": ensemble.values["size"][i : i + 1]}, 1) for i in range(40)]
    assert [float(simulate(model, draws=one).parameters["leaving_rate"][0]) for one in alone] == batch.tolist()


def test_scenarios_together_equal_scenarios_alone_bit_for_bit() -> None:
    scenarios = [
        Scenario("as_now"),
        Scenario("faster", levers=[Lever("shortest_wait", times=0.5, start=2, ramp=3, end=9)]),
        Scenario("longer", set={"stay": 9.0}),
    ]
    together = values(simulate(BASE, scenarios, draws=20))

    for number, scenario in enumerate(scenarios):
        alone = values(simulate(BASE, scenario, draws=20))
        assert all(np.array_equal(together[name][number], alone[name][0]) for name in together)


def test_a_run_that_ends_later_begins_the_same() -> None:
    short, long = values(simulate(BASE)), values(simulate(BASE.with_time(end=24)))

    assert all(np.array_equal(short[name], long[name][:, :, : short[name].shape[2]]) for name in short)


def test_what_is_kept_changes_nothing_about_what_is_worked_out() -> None:
    everything, few = values(simulate(BASE)), values(simulate(BASE.with_time(saveper=3), save=["waiting", "seen"]))

    assert set(few) == {"waiting", "seen"}
    assert all(np.array_equal(everything[name][:, :, ::12], few[name]) for name in few)


@given(st.floats(0.01, 100), st.sampled_from(METHODS))
@settings(max_examples=15)
def test_a_linear_model_scales_with_its_stocks_and_inflows(factor: float, method: str) -> None:
    # Giving up is of degree one in the stocks, the limit on starting scales with `scale`: so does every result.
    time = Time(0, 6, 0.25, method=method)
    once, scaled = values(simulate(service(time))), values(simulate(service(time, scale=repr(factor))))

    assert all(once[name] * factor == pytest.approx(scaled[name], rel=1e-10, abs=1e-10 * factor) for name in once)


@given(st.floats(-50, 50), st.sampled_from(METHODS))
@settings(max_examples=15)
def test_where_the_clock_starts_changes_nothing_in_a_model_that_does_not_look_at_it(start: float, method: str) -> None:
    start = round(start)  # a whole number, so that equal moments are equal numbers
    plain = Model("plain", time=Time(0, 5, 0.25, method=method)).define(
        Stock("level", initial="4", inflows=["growing"]), Flow("growing", "smooth3(level, 2) * (1 - level / 90)")
    )

    expected = values(simulate(plain))
    moved = values(simulate(plain.with_time(start=start, end=start + 5)))
    assert all(np.array_equal(expected[name], moved[name]) for name in expected)
