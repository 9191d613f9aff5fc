"""Many values by a few constants: labels, elements, numbers; what is refused, and how."""

import numpy as np
import pytest

from wm2u_sd.backends.registry import backends
from wm2u_sd.errors import NameUnknownError, SimulationError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Balance, Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Prior, Stock
from wm2u_sd.simulation.ensemble import Ensemble, draw
from wm2u_sd.simulation.gradient import gradient, jacobian
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate


def service(method: str = "rk4", **more: object) -> Model:
    return Model("service", time=Time(0, 3, "1/4", method=method, saveper=1), **more).define(  # type: ignore[arg-type]
        Dimension("row", ("a", "b", "c")),
        Dimension("side", ("left", "right")),
        Constant("rate", 0.4, prior=Prior("uniform", 0.2, 0.6, 0.4)),
        Constant("share", (0.2, 0.3, 0.5), over=("row",)),
        Constant("table", ((1.0, 2.0), (3.0, 4.0), (5.0, 6.0)), over=("row", "side")),
        Constant("begin", 9.0, prior=Prior("uniform", 8, 12, 9)),
        Lookup("curve", ((0, 1), (50, 3))),
        Stock("level", "begin * share", inflows=["change"], over=("row",)),
        Stock("all_of_it", "begin", inflows=["whole"]),
        Flow("change", "share * sum(table[row, *]) - rate * level * curve(level)", over=("row",)),
        Flow("whole", "sum(change[*])"),
        Auxiliary("square", "level ^ 2 * table / 10", over=("side", "row")),
    )


OF = ["level", "all_of_it", "square", "cumulative_whole", "whole"]
BY = ["rate", "table", "begin"]
ELEMENTS = ["rate", *(f"table[{r}, {s}]" for r in "abc" for s in ("left", "right")), "begin"]


def moved(model: Model, name: str, by: float) -> Model:
    """Return the model with a constant, or an element of one, moved."""
    plain, _, element = name.partition("[")
    if not element:
        return model.with_values({plain: float(model.constant(plain).value) + by})
    row, side = element.rstrip("]").split(", ")
    table = np.array(model.constant(plain).value, float)
    table["abc".index(row), ("left", "right").index(side)] += by
    return model.with_values({plain: table.tolist()})


@pytest.mark.parametrize("method", METHODS)
def test_labels_and_numbers(method: str) -> None:
    model = service(method)
    scenario = Scenario("more", levers=[Lever("rate", times=1.5, start=1), Lever("begin", times=1.1, start=0.5)])
    found = jacobian(model, OF, BY, scenario=scenario)

    assert ELEMENTS == found["by"].values.tolist()
    assert ["more"] == found["scenario"].values.tolist()
    assert [0.0, 1.0, 2.0, 3.0] == found["time"].values.tolist()
    assert ("by", "scenario", "draw", "time", "side", "row") == found["square"].dims
    assert ("by", "scenario", "draw", "time", "row") == found["level"].dims
    assert ("by", "scenario", "draw", "time") == found["cumulative_whole"].dims
    assert "change of square" == found["square"].attrs["long_name"]
    names = [n.removeprefix("cumulative_") if n == "cumulative_whole" else n for n in OF]
    assert set(names) | {"cumulative_whole"} == set(OF)
    h = 1e-3
    for at, element in enumerate(ELEMENTS):
        runs = [simulate(moved(model, element, k * h), scenario, save=OF).data for k in (-2, -1, 1, 2)]
        for name in OF:
            a, b, c, d = (run[name].values for run in runs)
            slope = (8 * (c - b) - (d - a)) / (12 * h)
            np.testing.assert_allclose(slope, found[name].values[at], rtol=1e-8, atol=1e-8)


def test_every_draw_has_its_own() -> None:
    model = service()
    ensemble = draw(model, 3, 4)
    together = jacobian(model, OF, BY, draws=ensemble)

    assert [0, 1, 2] == together["draw"].values.tolist()
    for k in range(3):
        own = Ensemble({name: column[k : k + 1] for name, column in ensemble.values.items()}, 1, "")
        alone = jacobian(model, OF, BY, draws=own)
        for name in OF:
            np.testing.assert_allclose(alone[name].values[:, :, 0], together[name].values[:, :, k], rtol=1e-13)


def test_a_number_of_draws_is_drawn_as_in_a_run() -> None:
    model = service()
    drawn = jacobian(model, "level", "rate", draws=3, seed=4)

    np.testing.assert_array_equal(jacobian(model, "level", "rate", draws=draw(model, 3, 4))["level"], drawn["level"])


@pytest.mark.parametrize("name", sorted(backends()))
def test_every_backend_gives_the_same(name: str) -> None:
    model = service()

    expected = jacobian(model, OF, BY, backend_name="numpy")
    try:
        found = jacobian(model, OF, BY, backend_name=name)
    except SimulationError as error:
        if "lookup.slope" not in str(error):
            raise
        pytest.skip("this backend refuses, by name: NumPy and machine code know the slope of a lookup")
    for result in OF:
        np.testing.assert_allclose(expected[result].values, found[result].values, rtol=1e-12, atol=1e-13)


def test_the_order_asked_for_is_kept() -> None:
    both, turned = (jacobian(service(), "level", by) for by in (["rate", "share", "begin"], ["begin", "share", "rate"]))

    assert ["begin", "share[a]", "share[b]", "share[c]", "rate"] == turned["by"].values.tolist()
    for name in turned["by"].values:
        np.testing.assert_array_equal(both["level"].sel(by=name), turned["level"].sel(by=name))


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize("of", OF)
def test_it_agrees_with_the_gradient(of: str) -> None:
    model = service()
    along, back = jacobian(model, of, BY, draws=2), gradient(model, of, draws=2)

    ends = along[of].values[:, 0, :, -1].reshape(len(ELEMENTS), 2, -1).sum(axis=-1)
    there = [back.constants[name].values[0].reshape(2, -1).T for name in BY]
    np.testing.assert_allclose(np.concatenate(there), ends, rtol=1e-12)


@pytest.mark.usefixtures("machine_code")
def test_labels_of_a_gradient() -> None:
    found = gradient(service(), "square", draws=2, lookups=["curve"], scenario=Scenario("now"))

    assert ("scenario", "draw", "row", "side") == found.constants["table"].dims
    assert ("scenario", "draw") == found.constants["rate"].dims
    assert ("scenario", "draw", "row") == found.initial["level"].dims
    assert {"rate", "share", "table", "begin"} == set(found.constants.data_vars)
    assert ("axis", "point_of_curve", "scenario", "draw") == found.points["curve"].dims
    assert (["x", "y"], ["now"]) == (found.points["axis"].values.tolist(), found.points["scenario"].values.tolist())
    assert ("scenario", "draw") == found.value.dims
    assert ["now"] == found.constants["scenario"].values.tolist()


@pytest.mark.usefixtures("machine_code")
def test_a_gradient_of_draws_is_that_of_each_to_the_last_bit() -> None:
    model = service()
    ensemble = draw(model, 9, 4)
    together = gradient(model, "all_of_it", draws=ensemble)
    for k in range(9):
        own = Ensemble({name: column[k : k + 1] for name, column in ensemble.values.items()}, 1, "")
        alone = gradient(model, "all_of_it", draws=own)
        for name in alone.constants.data_vars:
            assert np.array_equal(alone.constants[name].values[0, 0], together.constants[name].values[0, k])


def test_what_is_solved_for_is_held_where_it_is() -> None:
    # level' = arrivals - level / stay; d level / d stay after one step of 1 is level / stay^2, arrivals being held.
    model = Model("tank", time=Time(0, 1), balance=Balance(("arrivals",), steady=("level",))).define(
        Constant("arrivals", 1.0), Constant("stay", 5.0), Stock("level", "100", inflows=["coming"], outflows=["going"]),
        Flow("coming", "arrivals"), Flow("going", "level / stay"),
    )  # fmt: skip
    found = jacobian(model, "level", ["stay", "arrivals"])

    assert [0.0, 100 / 25] == pytest.approx(found["level"].sel(by="stay").values.ravel().tolist())
    assert [0.0, 1.0] == pytest.approx(found["level"].sel(by="arrivals").values.ravel().tolist())


# What is refused ------------------------------------------------------------------------------------------------------

UNKNOWN = [
    ("levle", "rate", "There is no result 'levle' to differentiate. Did you mean: level?"),
    ("cumulative_levle", "rate", "There is no result 'cumulative_levle' to differentiate. Did you mean: level?"),
    ("rate", "rate", "There is no result 'rate' to differentiate."),
    ("level", "raet", "There is no constant 'raet' in service. Did you mean: rate?"),
    (
        "level",
        "square",
        "'square' in service is an auxiliary, worked out from other things; only constants can be set. "
        "Change one of the constants it depends on.",
    ),
]


def said(error: BaseException) -> str:
    return str(error.args[0]) if error.args else str(error)


@pytest.mark.parametrize(("of", "by", "message"), UNKNOWN)
def test_names_that_are_unknown(of: str, by: str, message: str) -> None:
    with pytest.raises(NameUnknownError) as caught:
        jacobian(service(), of, by)
    assert message == said(caught.value)


@pytest.mark.usefixtures("machine_code")
@pytest.mark.parametrize(("of", "by", "message"), UNKNOWN)
def test_names_that_are_unknown_to_a_gradient(of: str, by: str, message: str) -> None:
    with pytest.raises(NameUnknownError) as caught:
        gradient(service(), of, by)
    assert message == said(caught.value)


@pytest.mark.usefixtures("machine_code")
def test_lookups_that_are_unknown() -> None:
    with pytest.raises(NameUnknownError) as caught:
        gradient(service(), "level", lookups=["curv"])
    assert "There is no lookup 'curv' in service. Did you mean: curve?" == said(caught.value)
