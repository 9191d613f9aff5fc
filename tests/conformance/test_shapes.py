"""Values over dimensions: of every length, in every order, in part, picked, reduced, and used in wider equations."""

from collections.abc import Callable, Sequence
from itertools import combinations, permutations

import numpy as np
import pytest

from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Stock

LENGTHS = (1, 2, 3, 5, 8, 9, 17)
REDUCTIONS = ("sum", "mean", "prod", "min", "max")
SHAPES = [
    *((n,) for n in LENGTHS),
    *((8, 3), (1, 5), (5, 1), (2, 9), (9, 17), (17, 2)),
    *((2, 3, 5), (9, 1, 8), (1, 17, 2), (3, 2, 9)),
]
every_shape = pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: "x".join(map(str, shape)))
many_draws_or_one = pytest.mark.parametrize("draws", [1, 9])


def dimensions(shape: Sequence[int]) -> list[Dimension]:
    return [Dimension(f"d{k}", tuple(f"d{k}_e{i}" for i in range(n))) for k, n in enumerate(shape)]


def starred(name: str, over: Sequence[str], reduced: Sequence[str]) -> str:
    """Return a reference with a star at the dimensions that are reduced: x[*, d1]."""
    return f"{name}[{', '.join('*' if dimension in reduced else dimension for dimension in over)}]"


def drawn(shape: Sequence[int], draws: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.5, 1.5, (*shape, draws))


@every_shape
@pytest.mark.parametrize(("draws", "columns"), [(1, 1), (9, 1), (9, 9)], ids=["one", "folded", "varying"])
def test_every_reduction_over_every_part_of_the_dimensions(
    agree: Callable, batch: Callable, shape: Sequence[int], draws: int, columns: int
) -> None:
    over = tuple(f"d{k}" for k in range(len(shape)))
    records = []
    for n in range(1, len(over) + 1):
        for reduced in combinations(over, n):
            left = tuple(d for d in over if d not in reduced)
            for function in REDUCTIONS:
                name = f"{function}_over_{'_'.join(reduced)}"
                records.append(Auxiliary(name, f"{function}({starred('level', over, reduced)})", over=left))
                product = f"{starred('level', over, reduced)} * {starred('x', over, reduced)}"
                records.append(Auxiliary(f"{name}_of_a_product", f"{function}({product})", over=left))
    model = Model("reduced", time=Time(0, 2)).define(
        *dimensions(shape),
        Constant("x", np.ones(shape), over=over),
        *records,
        Stock("level", "x", inflows=["change"], over=over),
        Flow("change", f"x * sum_over_{over[-1]} - level / (1 + max_over_{'_'.join(over)})", over=over),
        Stock("total", f"sum({starred('x', over, over)})", inflows=["more"]),
        Flow("more", f"mean({starred('x', over, over)} / {starred('level', over, over)})"),
    )

    agree(batch(model, draws=draws, values={"x": drawn(shape, columns, 1)}))


@every_shape
@many_draws_or_one
def test_every_order_of_the_dimensions(agree: Callable, batch: Callable, shape: Sequence[int], draws: int) -> None:
    over = tuple(f"d{k}" for k in range(len(shape)))
    parts = [part for n in range(len(over) + 1) for part in combinations(over, n)]
    orders = list(permutations(over))
    product = " * ".join(f"c_{''.join(part)}" for part in parts)
    model = Model("turned", time=Time(0, 1, "1/2", method="rk2")).define(
        *dimensions(shape),
        *(Constant(f"c_{''.join(p)}", np.ones([shape[int(d[1])] for d in p]), over=p) for p in parts),
        *(Auxiliary(f"a{k}", product, over=order) for k, order in enumerate(orders)),
        *(Auxiliary(f"b{k}", "a0 - s0 * s1 + time", over=order) for k, order in enumerate(orders)),
        Stock("s0", "c_ + a0", inflows=["f0"], over=orders[-1]),
        Flow("f0", "a0 + s1", over=orders[-1]),
        Stock("s1", "c_d0", inflows=["f1"], over=("d0",)),
        Flow("f1", f"sum({starred('s0', orders[-1], over[1:])}) / 9" if len(over) > 1 else "s0 / 9", over=("d0",)),
    )  # fmt: skip
    values = {
        f"c_{''.join(p)}": drawn([shape[int(d[1])] for d in p], draws if k % 2 else 1, k) for k, p in enumerate(parts)
    }

    agree(batch(model, draws=draws, values=values))


PARTS = {
    "first": lambda n: range(max(1, n // 2)),
    "last": lambda n: range(n // 2, n),
    "every_other": lambda n: range(0, n, 2),
    "backwards": lambda n: range(n - 1, -1, -1),
    "single": lambda n: [n - 1],
}


@pytest.mark.parametrize("n", LENGTHS)
@pytest.mark.parametrize(("draws", "columns"), [(1, 1), (9, 1), (9, 9)], ids=["one", "folded", "varying"])
def test_parts_and_elements_of_a_dimension(agree: Callable, batch: Callable, n: int, draws: int, columns: int) -> None:
    whole, other = dimensions((n, 3))
    records = []
    for part, chosen in PARTS.items():
        elements = [whole.elements[k] for k in chosen(n)]
        records += [
            Dimension(part, of="d0", elements=elements),
            Auxiliary(f"taken_{part}", "x * level + 1", over=(part,)),
            Auxiliary(f"wide_{part}", "table * level", over=("d1", part)),
            Auxiliary(f"taken_twice_{part}", f"taken_{part} + table[{part}, d1_e1]", over=(part,)),
            Auxiliary(f"picked_{part}", f"x[{elements[-1]}] * level[{elements[0]}]"),
            Auxiliary(f"picked_row_{part}", f"table[{elements[-1]}, d1] + level[{elements[0]}]", over=("d1",)),
            Auxiliary(f"reduced_{part}", f"sum(table[{part}*, d1] * level[{part}*])", over=("d1",)),
            Auxiliary(f"reduced_{part}_of_part", f"max(taken_{part}[*] * x[{part}*])"),
            Auxiliary(f"alias_{part}", "x", over=(part,)),
            Auxiliary(f"picked_alias_{part}", f"alias_{part}[{elements[-1]}] + time"),
            Auxiliary(f"turned_{part}", "table", over=("d1", part)),
            Auxiliary(f"picked_turned_{part}", f"turned_{part}[d1, {elements[-1]}] + time", over=("d1",)),
            Auxiliary(f"taken_turned_{part}", f"sum(turned_{part}[*, {part}]) + alias_{part}", over=(part,)),
            Stock(f"stock_{part}", "x", inflows=[f"flow_{part}"], over=(part,)),
            Flow(f"flow_{part}", f"taken_{part} - stock_{part} * level", over=(part,)),
        ]
    model = Model("parts", time=Time(0, 2)).define(
        whole, other,
        Constant("x", np.ones(n), over=("d0",)),
        Constant("table", np.ones((n, 3)), over=("d0", "d1")),
        Stock("level", "x", inflows=["change"], over=("d0",)),
        Flow("change", "x / 7 - sum(table[d0, *]) / 9", over=("d0",)),
        *records,
    )  # fmt: skip

    agree(batch(model, draws=draws, values={"x": drawn((n,), columns, 1), "table": drawn((n, 3), columns, 2)}))


@pytest.mark.parametrize("n", LENGTHS)
@many_draws_or_one
def test_an_equation_may_reduce_over_the_dimension_it_is_over(
    agree: Callable, batch: Callable, n: int, draws: int
) -> None:
    model = Model("against_all", time=Time(0, 2)).define(
        *dimensions((n,)),
        Constant("x", np.ones(n), over=("d0",)),
        Auxiliary("share", "level / sum(level[*])", over=("d0",)),
        Auxiliary("distance", "sum(abs(level[*] - level))", over=("d0",)),
        Auxiliary("how_many_below", "sum(level[*] < level)", over=("d0",)),
        Stock("level", "x", inflows=["change"], over=("d0",)),
        Flow("change", "share - distance / 50", over=("d0",)),
    )

    agree(batch(model, draws=draws, values={"x": drawn((n,), draws, 5)}))


@pytest.mark.parametrize("n", LENGTHS)
@many_draws_or_one
def test_conditions_lookups_and_single_values_over_dimensions(
    agree: Callable, batch: Callable, n: int, draws: int
) -> None:
    model = Model("mixed", time=Time(0, 2, method="rk4")).define(
        *dimensions((n, 2)),
        Constant("x", np.ones((n, 2)), over=("d0", "d1")),
        Constant("y", 1.0),
        Lookup("curve", ((0.5, 2), (1, 1), (1.5, 4))),
        Auxiliary("is_high", "x > y", over=("d0", "d1")),
        Auxiliary("is_high_and_low", "is_high and level[d0_e0] < 1 or not is_high[d0, d1_e0]", over=("d0", "d1")),
        Auxiliary("chosen", "if_then_else(x[d0, d1_e1] > y, level, curve(y))", over=("d0",)),
        Auxiliary("read", "curve(x * level)", over=("d1", "d0")),
        Auxiliary("spread", "y", over=("d0", "d1")),
        Auxiliary("number", "3", over=("d1",)),
        Auxiliary("clock", "time * y", over=("d0",)),
        Auxiliary("all_high", "min(is_high[*, *])"),
        Stock("level", "y", inflows=["change"], over=("d0",)),
        Flow("change", "sum(is_high_and_low[d0, *]) + read[d1_e1, d0] + number[d1_e0] + clock", over=("d0",)),
    )

    agree(batch(model, draws=draws, values={"x": drawn((n, 2), draws, 3), "y": drawn((), draws, 4)}))
