"""Values line up by the name of a dimension (SEM-15 to SEM-17)."""

import numpy as np
import pytest

from wm2u_sd.compile.lower import lower
from wm2u_sd.errors import DimensionError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock
from wm2u_sd.simulation.simulate import simulate

AGE = Dimension("age", ("under_5", "5_to_15", "16_plus"))
YOUNG = Dimension("young", ("under_5", "5_to_15"), of="age")
OLDEST = Dimension("oldest", ("16_plus",), of="age")
PLACE = Dimension("place", ("north", "south"))
SOURCE = Dimension("source", of="age")

A = np.array([1.0, 2.0, 4.0])
B = np.array([10.0, 20.0])
C = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 7.0]])
T = np.array([[0.0, 1.0, 2.0], [3.0, 0.0, 5.0], [7.0, 0.0, 1.0]])

MODEL = Model("dimensions", time=Time(0, 1)).define(
    AGE, YOUNG, OLDEST, PLACE, SOURCE,
    Constant("a", value=(1.0, 2.0, 4.0), over=["age"]),
    Constant("b", value=(10.0, 20.0), over=["place"]),
    Constant("c", value=((1.0, 2.0), (3.0, 4.0), (5.0, 7.0)), over=["age", "place"]),
    Constant("y", value=(100.0, 200.0), over=["young"]),
    Constant("s", value=3.0),
    Constant("t", value=((0.0, 1.0, 2.0), (3.0, 0.0, 5.0), (7.0, 0.0, 1.0)), over=["source", "age"]),
)  # fmt: skip


def value(equation: str, *over: str) -> np.ndarray:
    """Return an auxiliary's value at the start."""
    data = simulate(MODEL.define(Auxiliary("x", equation, over=over))).data["x"]
    assert ("scenario", "draw", "time", *over) == data.dims
    return data.values[0, 0, 0]


CASES = {
    # Broadcasting by name.
    "a number spreads over every dimension": ("s", ("age", "place"), np.full((3, 2), 3.0)),
    "one dimension spreads over the other": ("a + b", ("age", "place"), A[:, None] + B),
    "the order asked for is the target's": ("a + b", ("place", "age"), B[:, None] + A),
    "two dimensions turn to the target's order": ("c", ("place", "age"), C.T),
    "a product of all three": ("a * b * c", ("place", "age"), (A[:, None] * B * C).T),
    "a choice spreads its sides and its condition": ("if_then_else(a > 1, b, s)", ("age", "place"),
                                                     np.where((A > 1)[:, None], B, 3.0)),
    # Sub-ranges.
    "a sub-range takes its elements": ("a", ("young",), A[:2]),
    "a sub-range of one element": ("a + 1", ("oldest",), A[2:] + 1),
    "a sub-range beside another dimension": ("c * y", ("young", "place"), C[:2] * np.array([[100.0], [200.0]])),
    # Elements.
    "an element is picked": ("a[5_to_15]", (), 2.0),
    "an element of one dimension is picked": ("c[16_plus, place]", ("place",), C[2]),
    "an element of the other is picked": ("c[age, south]", ("age",), C[:, 1]),
    "elements of both are picked": ("c[under_5, south]", (), 2.0),
    "an element beside the whole": ("a / a[16_plus]", ("age",), A / 4),
    # Reductions.
    "everything is summed": ("sum(c[*])", (), 22.0),
    "everything is summed, dimension by dimension": ("sum(c[*, *])", (), 22.0),
    "one of two dimensions is summed": ("sum(c[*, place])", ("place",), C.sum(axis=0)),
    "the other is summed": ("sum(c[age, *])", ("age",), C.sum(axis=1)),
    "a starred sub-range is summed": ("sum(a[young*])", (), 3.0),
    "a starred sub-range and a kept dimension": ("sum(c[young*, place])", ("place",), C[:2].sum(axis=0)),
    "starred places of one dimension run together": ("sum(a[*] * c[*, place])", ("place",), A @ C),
    "shares add up by element": ("c / sum(c[*, place])", ("age", "place"), C / C.sum(axis=0)),
    "the mean": ("mean(c[*])", (), 22 / 6),
    "the product of one dimension": ("prod(c[age, *])", ("age",), C.prod(axis=1)),
    "the smallest of one dimension": ("min(c[*, place])", ("place",), C.min(axis=0)),
    "the largest of one dimension": ("max(c[age, *])", ("age",), C.max(axis=1)),
    "a weighted mean": ("sum(a[*] * c[*, place]) / sum(a[*])", ("place",), A @ C / A.sum()),
    "a reduction inside a reduction": ("sum(a[*] / max(a[*]))", (), 1.75),
    # A second name for the same list.
    "the same list twice, from and to": ("a - a[source]", ("age", "source"), A[:, None] - A),
    "a list under its second name": ("a", ("source",), A),
    "two names of one list run together": ("sum(a[*] * t[*, age])", ("age",), A @ T),
    "whichever comes first": ("sum(t[age, *] * a[*])", ("age",), T @ A),
}  # fmt: skip


@pytest.mark.parametrize(("equation", "over", "expected"), CASES.values(), ids=CASES)
def test_values_line_up_by_name(equation: str, over: tuple[str, ...], expected: np.ndarray) -> None:
    assert np.asarray(expected) == pytest.approx(value(equation, *over), rel=1e-15)


def test_a_matrix_of_transfers_between_elements_of_one_list() -> None:
    move = ((0.0, 0.1, 0.2), (0.3, 0.0, 0.0), (0.0, 0.4, 0.0))
    model = MODEL.define(
        Constant("move", value=move, over=["source", "age"]),
        Stock("here", initial="a", over=["age"], inflows=["arriving"], outflows=["going"]),
        Flow("arriving", "sum(here[source*] * move[source*, age])", over=["age"]),
        Flow("going", "here * sum(move_from[age, *])", over=["age"]),
        Constant("move_from", value=move, over=["age", "source"]),
    )
    here = simulate(model).data["here"].values[0, 0]

    assert A + A @ np.array(move) - A * np.array(move).sum(axis=1) == pytest.approx(here[1], rel=1e-15)
    assert pytest.approx(here[1].sum(), rel=1e-15) == 7


def test_a_delay_runs_element_by_element() -> None:
    model = MODEL.with_time(end=3).define(Auxiliary("late", "delay_fixed(a * time, a, -1)", over=["age"]))
    late = simulate(model).data["late"].values[0, 0]

    assert [[-1, -1, -1], [0, -1, -1], [1, 0, -1], [2, 2, -1]] == late.tolist()


REFUSED = {
    "nothing called that": (
        "s", ("region",), "x: there is no dimension 'region'."
    ),
    "a dimension too many": (
        "c", ("age",), "'x' is over age but 'c' is over place; add place to 'over' of x, or reduce with sum(c[*])"
    ),
    "a dimension where there should be none": (
        "a", (), "'x' is over no dimension but 'a' is over age; add age to 'over' of x, or reduce with sum(a[*])"
    ),
    "elements that are missing": ("y", ("age",), "'x' is over age but 'y' is only over young; it has no 16_plus"),
    "two candidates": (
        "y + a", ("source", "young"),
        "'x' is over source, young, all of age: write which one 'a' is meant for, e.g. a[source]"
    ),
    "brackets after a number": ("s[age]", ("age",), "x: 's' has no dimensions; take the brackets away"),
    "too few subscripts": (
        "c[age]", ("age",), "x: 'c' is over age, place, so 2 subscripts belong after it; got 1"
    ),
    "an element of another dimension": (
        "a[nort]", (), "x: 'nort' is neither an element nor a part of age in a[...]."
    ),
    "a misspelt element": (
        "a[under5]", (), "x: 'under5' is neither an element nor a part of age in a[...]. Did you mean: under_5?"
    ),
    "a star outside a reduction": ("a[*]", ("age",), "x: x[*] only stands inside sum, mean, prod, min or max"),
    "a reduction of nothing": (
        "sum(a)", ("age",), "x: sum(...) needs a starred dimension inside it, e.g. sum(x[*])"
    ),
    "two parts at once": (
        "sum(a[young*] * a[oldest*])", (),
        "x: young* and oldest* are different parts of age; reduce them separately"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("equation", "over", "message"), REFUSED.values(), ids=REFUSED)
def test_dimensions_that_do_not_fit_are_refused(equation: str, over: tuple[str, ...], message: str) -> None:
    with pytest.raises(DimensionError) as caught:
        lower(MODEL.define(Auxiliary("x", equation, over=over)))

    assert message == str(caught.value)
