"""Every registered function and every operator, at arguments that arithmetic is awkward about."""

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import product

import numpy as np
import pytest

from wm2u_sd.compile.lower import BINARY, UNARY
from wm2u_sd.expr.functions import FUNCTIONS, REDUCIBLE, Function, Role
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

AWKWARD = (
    *(0.0, -0.0, 1.0, -1.0, 0.5, -0.5, 1.5, -1.5, 2.0, -2.0, 3.0, 1 / 3, 12.0, -7.25, 1e-9, -1e-9, 0.7, 100.3),
    *(5e-324, -5e-324, 1e-300, 2.2e-308, 1e15 + 0.5, -(2.0**53), 2.0**53 + 2, 1e22, 1e300, -1e300, 1.7e308),
    *(709.0, 710.5, -700.0, -744.0, -746.0, np.pi, -np.pi / 2, np.inf, -np.inf, np.nan),
)
FEWER = (0.0, -0.0, 1.0, -2.5, 1e-300, 1e300, np.inf, np.nan)
WITHIN = {"": (0.0, 1.0, -2.5, 0.3, 1e9, 1e-9, 4.0), ">= 0": (0.0, 0.1, 0.3, 1.0, 2.6, 50.0), "> 0": (0.3, 1.0, 2.6)}
ORDERS = (1, 2, 7)
OF_NUMBERS = {name: function for name, function in FUNCTIONS.items() if function.role is Role.ELEMENTWISE}
OF_TIME = {name: f for name, f in FUNCTIONS.items() if f.role in (Role.SMALL_MODEL, Role.HISTORY, Role.INITIAL)}
REDUCTIONS = [name for name, f in FUNCTIONS.items() if f.role is Role.REDUCER or name in REDUCIBLE]

ARGUMENTS = ("first", "second", "third")
CALLS = {
    **{name: f"{name}({', '.join(ARGUMENTS[: len(f.arguments)])})" for name, f in OF_NUMBERS.items()},
    **{f"_ {operator} _": f"first {operator} second" for operator in BINARY},
    **{f"{operator} _": f"{operator} first" for operator in UNARY},
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())


def arguments_of(call: str) -> list[str]:
    return [name for name in ARGUMENTS if name in call]


def values_for(call: str) -> Sequence[float]:
    return FEWER if "third" in call else AWKWARD


def combinations(call: str) -> dict[str, np.ndarray]:
    """Return the arguments of a call at every combination of awkward values."""
    names = arguments_of(call)
    return dict(zip(names, np.array(list(product(values_for(call), repeat=len(names)))).T, strict=True))


@every_call
def test_awkward_arguments_that_differ_between_draws(agree: Callable, batch: Callable, call: str) -> None:
    given = combinations(call)
    model = Model("scalars", time=Time(0, 1)).define(
        *(Constant(name, 0.0) for name in given),
        Auxiliary("once_a_run", call),
        Auxiliary("once_a_step", call.replace("first", "(first + 0 * held_time)")),
        Auxiliary("at_every_stage", call.replace("first", "(first + 0 * time)")),
        Auxiliary("as_a_number", f"1 + ({call})"),
        Auxiliary("sign_of_zero", f"1 / ({call})"),
        Auxiliary("as_a_condition", f"if_then_else({call}, 1, 2)"),
        Stock("level", call, inflows=["change"]),
        Flow("change", call),
    )

    agree(batch(model, draws=len(given["first"]), values=given))


@every_call
@pytest.mark.parametrize("draws", [1, 3])
def test_awkward_arguments_along_dimensions(agree: Callable, batch: Callable, call: str, draws: int) -> None:
    names, values = arguments_of(call), values_for(call)
    over = tuple(f"along_{name}" for name in names)
    sign = "1 +" if call.startswith(("min", "max")) else "1 /"  # of two zeros NumPy takes now the one, now the other
    model = Model("table", time=Time(0, 1)).define(
        *(Dimension(d, tuple(f"{d}_{i}" for i in range(len(values)))) for d in over),
        *(Constant(name, values, over=(f"along_{name}",)) for name in names),
        Constant("varying", 0.0),
        Auxiliary("once_a_run", call, over=over),
        Auxiliary("at_every_stage", call.replace("first", "(first + 0 * time)"), over=over),
        Auxiliary("the_other_way_round", call, over=over[::-1]),
        Auxiliary("with_one_that_varies", call.replace("second", "varying"), over=over),
        Auxiliary("with_zero", f"{sign} ({call.replace('second', '0')})", over=over),
        Auxiliary("with_one", f"{sign} ({call.replace('first', '1')})", over=over),
        Auxiliary("sign_of_zero", f"{sign} ({call})", over=over),
        Stock("level", call, inflows=["change"], over=over),
        Flow("change", call, over=over),
    )

    varying = {"varying": [2.0, -1.0, 0.0][:draws]}
    agree(batch(model, draws=draws, values=varying))
    if draws > 1:
        turned = np.stack([np.roll(values, k) for k in range(draws)], axis=-1)
        agree(batch(model, draws=draws, values=varying | {"first": turned}))


@every_call
def test_awkward_arguments_one_run_at_a_time(agree: Callable, batch: Callable, call: str) -> None:
    given = combinations(call)
    model = Model("one", time=Time(0, 0)).define(*(Constant(name, 0.0) for name in given), Auxiliary("value", call))
    whole = batch(model, draws=len(given["first"]), values=given)
    for at in np.random.default_rng(7).permutation(whole.inputs.n_draws)[:20]:
        agree(whole.of([at]))


# What changes with time -----------------------------------------------------------------------------------------------


def calls_of(function: Function) -> list[str]:
    """Return calls of a function with all its arguments and with the fewest, and with orders written out."""
    units = function.units.partition("->")[0].replace(" ", "").split(",")
    names = [f"argument_{k}" for k, _ in enumerate(function.arguments)]
    names = ["argument_0 * (1 + time / 4)" if k == 0 else name for k, name in enumerate(names)]
    orders: Iterable[int] = ORDERS if "#" in units else (0,)
    found = []
    for order in orders:
        given = [str(order) if unit == "#" else name for unit, name in zip(units, names, strict=True)]
        found += [f"{function.name}({', '.join(given[:n])})" for n in {function.least, len(given)}]
    return found


@pytest.mark.parametrize("function", OF_TIME.values(), ids=OF_TIME.keys())
@pytest.mark.parametrize(("draws", "method"), [(1, "rk4"), (17, "euler")])
def test_functions_of_time_agree(agree: Callable, batch: Callable, function: Function, draws: int, method: str) -> None:
    random = np.random.default_rng(len(function.name))
    row = Dimension("row", ("one", "two", "three"))
    calls = calls_of(function)
    constants = [Constant(f"argument_{k}", 1.0, over=("row",)) for k, _ in enumerate(function.arguments)]
    values = {
        constant.name: random.choice(WITHIN[argument.bound], (3, draws if k % 3 else 1))
        for k, (constant, argument) in enumerate(zip(constants, function.arguments, strict=True))
    }
    model = Model("timely", time=Time(0, 4, "1/4", method=method)).define(
        row,
        *constants,
        *(Auxiliary(f"value_{k}", call, over=("row",)) for k, call in enumerate(calls)),
        *(Auxiliary(f"single_{k}", re.sub(r"(argument_\d)", r"\1[two]", call)) for k, call in enumerate(calls)),
        Stock("level", inflows=["change"], over=("row",)),
        Flow("change", "value_0", over=("row",)),
    )  # fmt: skip

    agree(batch(model, draws=draws, values=values))


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("draws", [1, 9])
def test_reductions_agree_at_awkward_arguments(agree: Callable, batch: Callable, name: str, draws: int) -> None:
    random = np.random.default_rng(3)
    values = np.stack([random.permutation(AWKWARD[:-3]) for _ in range(draws)], axis=-1)
    values = np.concatenate([values, values])
    for k, odd in enumerate((np.inf, -np.inf, np.nan)):  # all finite, one kind of odd number, all kinds
        values[5 + 3 * k, k + 1 :: 4] = odd
    dimension = Dimension("d", tuple(f"e{i}" for i in range(len(values))))
    model = Model("reduced", time=Time(0, 1)).define(
        dimension,
        Constant("x", [0.0] * len(values), over=("d",)),
        Auxiliary("whole", f"{name}(x[*])"),
        Auxiliary("of_conditions", f"{name}(x[*] > 0)"),
        Auxiliary("at_every_stage", f"{name}(x[*] / (1 + time))"),
        Stock("level", f"{name}(x[*])", inflows=["change"]),
        Flow("change", "whole"),
    )

    agree(batch(model, draws=draws, values={"x": values}))


@pytest.mark.parametrize("name", REDUCTIONS)
@pytest.mark.parametrize("n", [1, 3, 8])
def test_reductions_of_nothing_but_zeros_or_infinities(agree: Callable, batch: Callable, name: str, n: int) -> None:
    rest = n - 1
    columns = ([0.0] * n, [-0.0] * n, [0.0] + [-0.0] * rest, [-0.0] + [0.0] * rest, [np.inf] * n, [-np.inf] * n)
    model = Model("zeros", time=Time(0, 1)).define(
        Dimension("d", tuple(f"e{i}" for i in range(n))),
        Dimension("other", ("one", "two")),
        Constant("x", [0.0] * n, over=("d",)),
        Constant("y", (1.0, -1.0), over=("other",)),
        Auxiliary("plain", f"{name}(x[*])"),
        Auxiliary("whole", f"1 / {name}(x[*])"),  # tells the sign of a zero
        Auxiliary("outer", f"1 / {name}(x[*] * y)", over=("other",)),
        Auxiliary("inner", f"1 / {name}(x * y[*])", over=("d",)),
        Auxiliary("both", f"1 / {name}(x[*] * y[*])"),
    )

    whole = batch(model, draws=len(columns), values={"x": np.array(columns).T})
    agree(whole)
    for draw in range(len(columns)):
        agree(whole.of([draw]))
