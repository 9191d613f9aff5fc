import numpy as np
import pytest

from wm2u_sd.errors import ModelError, NameUnknownError
from wm2u_sd.model.check import check
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Lookup, Place, Stock

TEA = Model("tea", time=Time(0, 30, "1/8", units="minute")).define(
    Stock("temperature", initial="180", units="degree"),
    Constant("room", 70, units="degree"),
    Auxiliary("gap", "temperature - room", units="degree"),
)


@pytest.mark.parametrize(
    "same",
    [
        TEA.define(Constant("room", 70.0, units="degree")),
        TEA.define(Constant("room", np.float64(70), units="degree", doc="Air", label="Room", source="me", grade="D")),
        TEA.define(Constant("room", 70, units="degree", place=Place("model.yaml", 3, 1))),
        TEA.with_time(step=0.125),
        Model("other", time=TEA.time).define(*reversed(TEA.variables.values())),
    ],
)
def test_what_cannot_change_a_result_does_not_change_the_digest(same: Model) -> None:
    assert TEA.digest == same.digest


@pytest.mark.parametrize(
    "other",
    [
        TEA.define(Constant("room", 71, units="degree")),
        TEA.define(Constant("room", 70, units="kelvin")),
        TEA.define(Stock("temperature", initial="180 + 0", units="degree")),
        TEA.with_time(step="1/4"),
        TEA.with_time(method="rk4"),
        TEA.define(Dimension("cup", ("one",))),
    ],
)
def test_what_can_change_a_result_changes_the_digest(other: Model) -> None:
    assert TEA.digest != other.digest


def test_long_arrays_count_whole_in_the_digest() -> None:
    values = np.zeros(3000)
    values[1500] = 1

    one, other = (TEA.define(Constant("many", v, over=["a"])) for v in (np.zeros(3000), values))

    assert one.digest != other.digest


def test_a_later_record_of_a_name_replaces_the_earlier() -> None:
    assert 60 == TEA.define(Constant("room", 60)).constant("room").value
    assert 70 == TEA.constant("room").value


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rom", "There is no constant 'rom' in tea. Did you mean: room?"),
        (
            "gap",
            "'gap' in tea is an auxiliary, worked out from other things; only constants can be set. "
            "Change one of the constants it depends on.",
        ),
        (
            "cooling",
            "'cooling' in tea is a lookup; only constants can be set. "
            "Give it other points: Lever('cooling', points=[(x, y), ...]).",
        ),
        (
            "room[up]",
            "There is no constant 'room[up]' in tea. One element cannot be set by itself; set the whole of 'room', "
            "or split it.",
        ),
    ],
)
def test_only_constants_can_be_set(name: str, said: str) -> None:
    with pytest.raises(NameUnknownError) as raised:
        TEA.define(Lookup("cooling", [(0, 0), (1, 1)])).with_values({name: 1})

    assert said == str(raised.value)


def test_something_that_is_no_record_is_refused() -> None:
    with pytest.raises(ModelError) as raised:
        TEA.define("room = 70")  # type: ignore[arg-type]

    assert "tea: define() takes Stock, Flow, Auxiliary, Constant, Lookup or Dimension; got str" == str(raised.value)


@pytest.mark.parametrize("name", ["scenario", "draw", "population", "cumulative_gap"])
def test_names_that_results_use_are_refused(name: str) -> None:
    found = check(TEA.define(Auxiliary(name, "room", units="degree"))).errors

    assert [True] == [f"'{name}' already means something in results" in finding.text for finding in found]
