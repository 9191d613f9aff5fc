"""Elementary functions: the same bits at every width, and close to what they stand for."""

import ctypes
import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal, localcontext
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wm2u_sd.backends.native.mathematics import NAMES, addresses, definitions, function

llvm = pytest.importorskip("llvmlite.binding")

WIDTHS = (1, 2, 4, 8, 16)
OURS = ("exp", "ln", "log10", "power")
INFINITY, NAN = math.inf, math.nan
LARGEST, LEAST, LEAST_NORMAL = 1.7976931348623157e308, 5e-324, 2.2250738585072014e-308
REMARKABLE = [
    0.0, 1.0, 2.0, 3.0, 0.5, 1.5, 0.75, 10.0, INFINITY, NAN, LEAST, 1e-310, LEAST_NORMAL, LARGEST, 0.6972, 1.3945,
    709.782712893384, 709.7827128933841, 745.1332191019411, 745.1332191019412, 2.0**52 + 1, 2.0**53 - 1, 2.0**53, 1e300,
]  # fmt: skip


def loop(operation: str, width: int) -> str:
    kind = "double" if width == 1 else f"<{width} x double>"
    names = ("x", "y")[: NAMES[operation]]
    loads = "\n".join(
        f"  %{name}at = getelementptr double, ptr %{name}s, i64 %i\n  %{name} = load {kind}, ptr %{name}at, align 8"
        for name in names
    )
    return f"""
define void @{operation}(ptr %out, ptr %xs, ptr %ys, i64 %n) nounwind {{
entry:
  br label %again
again:
  %i = phi i64 [0, %entry], [%next, %again]
{loads}
  %value = call {kind} {function(operation, width)}({", ".join(f"{kind} %{name}" for name in names)})
  %at = getelementptr double, ptr %out, i64 %i
  store {kind} %value, ptr %at, align 8
  %next = add i64 %i, {width}
  %more = icmp ult i64 %next, %n
  br i1 %more, label %again, label %end
end:
  ret void
}}
"""


@cache
def engine(width: int, processor: str = "") -> Any:
    """Compile every operation, for this processor or another that it can stand in for."""
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    for name, address in addresses().items():
        llvm.add_symbol(name, address)
    text = definitions((operation, width) for operation in NAMES) + "".join(loop(one, width) for one in NAMES)
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=processor or llvm.get_host_cpu_name(),
        features="" if processor else llvm.get_host_cpu_features().flatten(),
        opt=1,
    )
    made = llvm.create_mcjit_compiler(llvm.parse_assembly(text), machine)
    made.finalize_object()
    return made


def call(operation: str, *arguments: Iterable[float], width: int = 8, processor: str = "") -> np.ndarray:
    """Work an operation out for each of some numbers."""
    columns = [np.array(list(argument), dtype=np.float64) for argument in arguments]
    n = len(columns[0])
    filled = [np.concatenate([column, np.ones(-n % 16)]) for column in columns]
    out = np.empty_like(filled[0])
    address = engine(width, processor).get_function_address(operation)
    run = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 3, ctypes.c_int64)(address)
    run(out.ctypes.data, filled[0].ctypes.data, filled[-1].ctypes.data, len(out))
    return out[:n]


def bits(values: np.ndarray) -> list[int]:
    return values.view(np.uint64).tolist()


def any_bits(n: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 2**64, n, dtype=np.uint64).view(np.float64)


def all_kinds(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return pairs of numbers: any bits, usual sizes, and each remarkable number with each other."""
    random = np.random.default_rng(seed)
    signed = [*REMARKABLE, *(-number for number in REMARKABLE)]
    x, y = (column.ravel() for column in np.meshgrid(signed, signed))
    return (
        np.concatenate([x, any_bits(4000, seed), random.uniform(-40, 40, 2000), random.lognormal(0, 5, 2000)]),
        np.concatenate([y, any_bits(4000, seed + 1), random.uniform(-40, 40, 4000)]),
    )


@pytest.mark.parametrize("operation", NAMES)
def test_every_width_gives_the_same_bits(operation: str) -> None:
    numbers = all_kinds(seed=20)[: NAMES[operation]]
    alone = bits(call(operation, *numbers, width=1))

    for width in WIDTHS[1:]:
        assert alone == bits(call(operation, *numbers, width=width))


@given(st.lists(st.tuples(st.floats(), st.floats()), min_size=1, max_size=16))
def test_a_lane_does_not_depend_on_its_neighbours(pairs: list[tuple[float, float]]) -> None:
    for operation, n_arguments in NAMES.items():
        numbers = list(zip(*pairs, strict=True))[:n_arguments]
        alone = bits(call(operation, *numbers, width=1))

        for width in WIDTHS[1:]:
            assert alone == bits(call(operation, *numbers, width=width))


@pytest.mark.parametrize("operation", OURS)
def test_a_plain_processor_gives_the_same_bits(operation: str) -> None:
    numbers = all_kinds(seed=21)[: NAMES[operation]]
    here = bits(call(operation, *numbers))

    assert here == bits(call(operation, *numbers, processor="generic"))


def exact(operation: str, x: float, y: float) -> Decimal:
    """Return the value to 50 digits; the standard library's decimal rounds each of these correctly."""
    if operation == "power":
        return (Decimal(y) * Decimal(x).ln()).exp()
    works_out: dict[str, Callable[[Decimal], Decimal]] = {
        "exp": Decimal.exp, "ln": Decimal.ln, "log10": Decimal.log10,
    }  # fmt: skip
    return works_out[operation](Decimal(x))


def largest_error(operation: str, x: Sequence[float], y: Sequence[float]) -> float:
    """Return the largest error in units in the last place of the exact value."""
    given_numbers = (x, y)[: NAMES[operation]]
    with localcontext(prec=50):
        values = [exact(operation, *pair) for pair in zip(x, y, strict=True)]
        found = [Decimal(value) for value in call(operation, *given_numbers).tolist()]
        units = [Decimal(math.ulp(float(value))) for value in values]
        return float(max(abs(f - v) / u for f, v, u in zip(found, values, units, strict=True)))


def points(operation: str, n: int = 700) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Return where an operation is looked at closely: over all it can do, and where it is hard."""
    random = np.random.default_rng(5)
    no = np.ones(n)
    positive = np.abs(any_bits(n, seed=6))
    positive = np.where(np.isfinite(positive) & (positive > 0), positive, 3.0)
    if operation == "exp":
        return {
            "all": (random.uniform(-708.3, 709.7, n), no),
            "usual": (random.uniform(-3, 3, n), no),
            "near 0": (random.uniform(-1, 1, n) * 10.0 ** random.uniform(-300, 0, n), no),
            "small results": (random.uniform(-745.1, -708.4, n), no),
        }
    near_one = 1 + random.choice([-1, 1], n) * 10.0 ** random.uniform(-15, -1, n)
    if operation == "power":
        exponents = random.uniform(-744, 709, n)
        middle = random.uniform(0.69, 1.42, n)
        return {
            "all": (positive, exponents / np.log(positive)),
            "usual": (random.lognormal(0, 1, n), random.uniform(-5, 5, n)),
            "near 1": (near_one, exponents / np.log(near_one)),
            "large results": (middle, random.uniform(600, 709, n) / np.log(middle)),
        }
    return {
        "all": (positive, no),
        "usual": (random.uniform(0.25, 4, n), no),
        "near 1": (near_one, no),
        "tiny": (random.integers(1, 2**52, n, dtype=np.uint64).view(np.float64), no),
    }


@pytest.mark.parametrize(("operation", "bound"), {"exp": 0.8, "ln": 0.7, "log10": 0.51, "power": 0.9}.items())
def test_errors_stay_below_one_unit_in_the_last_place(operation: str, bound: float) -> None:
    for where, (x, y) in points(operation).items():
        assert bound > largest_error(operation, x.tolist(), y.tolist()), where


@pytest.mark.parametrize(("operation", "numpys"), {"exp": np.exp, "ln": np.log, "log10": np.log10}.items())
def test_numpy_agrees_within_three_units_in_the_last_place(operation: str, numpys: Callable[..., np.ndarray]) -> None:
    x = np.concatenate([np.random.default_rng(7).uniform(-700, 700, 100_000), np.abs(any_bits(100_000, seed=8))])
    with np.errstate(all="ignore"):
        expected = numpys(x)

    # Ours is off by less than one unit; NumPy, or the C library behind it, by at most two (glibc, log10).
    np.testing.assert_array_max_ulp(expected, call(operation, x), maxulp=3)


# The exceptions that C99, Annex F.9, lays down.
SPECIAL = [
    ("exp", (0.0,), 1.0),
    ("exp", (-0.0,), 1.0),
    ("exp", (INFINITY,), INFINITY),
    ("exp", (-INFINITY,), 0.0),
    ("exp", (NAN,), NAN),
    ("exp", (709.7827128933841,), INFINITY),
    ("exp", (LARGEST,), INFINITY),
    ("exp", (-745.1332191019412,), 0.0),
    ("exp", (-745.1332191019411,), LEAST),
    ("exp", (-LARGEST,), 0.0),
    *((log, (zero,), -INFINITY) for log in ("ln", "log10") for zero in (0.0, -0.0)),
    *((log, (1.0,), 0.0) for log in ("ln", "log10")),
    *((log, (INFINITY,), INFINITY) for log in ("ln", "log10")),
    *((log, (bad,), NAN) for log in ("ln", "log10") for bad in (-LEAST, -1.0, -INFINITY, NAN)),
    *(("power", (x, y), 1.0) for x in (0.0, -0.0, 1.0, -3.5, INFINITY, -INFINITY, NAN) for y in (0.0, -0.0)),
    *(("power", (1.0, y), 1.0) for y in (INFINITY, -INFINITY, NAN, LARGEST)),
    *(("power", (-1.0, y), 1.0) for y in (INFINITY, -INFINITY, 2.0, -2.0, 2.0**53, LARGEST)),
    *(("power", (-1.0, y), -1.0) for y in (1.0, -1.0, 2.0**52 + 1, 2.0**53 - 1, 1 - 2.0**53)),
    *(("power", (zero, y), INFINITY) for zero in (0.0, -0.0) for y in (-2.0, -0.5, -1.5, -0.75, -INFINITY)),
    *(("power", (zero, y), 0.0) for zero in (0.0, -0.0) for y in (2.0, 0.5, 1.5, 0.75, LEAST, INFINITY)),
    ("power", (0.0, -3.0), INFINITY),
    ("power", (-0.0, -3.0), -INFINITY),
    ("power", (0.0, 3.0), 0.0),
    ("power", (-0.0, 3.0), -0.0),
    *(("power", (x, INFINITY), 0.0) for x in (0.5, -0.5, 1 - 2.0**-53)),
    *(("power", (x, -INFINITY), INFINITY) for x in (0.5, -0.5, 1 - 2.0**-53)),
    *(("power", (x, INFINITY), INFINITY) for x in (2.0, -2.0, 1 + 2.0**-52, INFINITY, -INFINITY)),
    *(("power", (x, -INFINITY), 0.0) for x in (2.0, -2.0, 1 + 2.0**-52, INFINITY, -INFINITY)),
    *(("power", (INFINITY, y), INFINITY) for y in (LEAST, 0.5, 3.0)),
    *(("power", (INFINITY, y), 0.0) for y in (-LEAST, -0.5, -3.0)),
    ("power", (-INFINITY, 3.0), -INFINITY),
    *(("power", (-INFINITY, y), INFINITY) for y in (2.0, 0.5, 0.75)),
    ("power", (-INFINITY, -3.0), -0.0),
    *(("power", (-INFINITY, y), 0.0) for y in (-2.0, -0.5, -0.75)),
    *(("power", (-2.0, y), NAN) for y in (0.5, -0.5, 0.75, LEAST, 2.0**51 + 0.5)),
    *(("power", pair, NAN) for pair in ((NAN, 1.0), (2.0, NAN), (NAN, NAN), (0.0, NAN), (-1.0, NAN))),
    ("power", (-2.0, 3.0), -8.0),
    ("power", (-2.0, -3.0), -0.125),
    ("power", (-2.0, 4.0), 16.0),
    ("power", (-2.0, 1023.0), -(2.0**1023)),
    ("power", (2.0, 1024.0), INFINITY),
    ("power", (-2.0, 1025.0), -INFINITY),
    ("power", (2.0, -1074.0), LEAST),
    ("power", (-2.0, -1075.0), -0.0),
    ("power", (2.0, -1076.0), 0.0),
    ("power", (LARGEST, -1.0), 5.562684646268003e-309),
    ("power", (10.0, 308.0), 1e308),
    ("power", (10.0, 309.0), INFINITY),
    ("power", (LEAST, LARGEST), 0.0),
    ("power", (1 + 2.0**-52, LARGEST), INFINITY),
    ("power", (3.0, LEAST), 1.0),
]


@pytest.mark.parametrize("width", WIDTHS)
def test_exceptions_are_those_of_c99(width: int) -> None:
    for operation, arguments, expected in SPECIAL:
        found = call(operation, *([argument] for argument in arguments), width=width)[0]

        assert repr(expected) == repr(float(found)), (operation, arguments)


def test_log10_of_powers_of_ten_is_whole() -> None:
    exponents = range(-307, 309)

    assert list(exponents) == call("log10", [float(f"1e{exponent}") for exponent in exponents]).tolist()


def test_powers_that_a_double_holds_are_exact() -> None:
    whole = [(x, y) for x in range(2, 400) for y in range(1, 54) if x**y <= 2**53]
    twos = range(-1074, 1024)

    assert [x**y for x, y in whole] == call("power", *zip(*whole, strict=True)).tolist()
    assert [math.ldexp(1.0, y) for y in twos] == call("power", [2.0] * len(twos), twos).tolist()


def test_the_first_power_is_the_number_itself() -> None:
    x = any_bits(20_000, seed=9)
    x = x[np.isfinite(x)]

    assert bits(x) == bits(call("power", x, np.ones_like(x)))


@pytest.mark.parametrize(
    ("operation", "librarys"), {"sin": math.sin, "cos": math.cos, "tan": math.tan, "arctan": math.atan}.items()
)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_other_functions_are_those_of_the_c_library(
    operation: str, librarys: Callable[[float], float], width: int
) -> None:
    x = np.concatenate([np.random.default_rng(10).uniform(-10, 10, 300), any_bits(300, seed=11), [0.0, -0.0]])
    x = x[np.isfinite(x)]

    assert bits(np.array([librarys(one) for one in x.tolist()])) == bits(call(operation, x, width=width))


@pytest.mark.parametrize("operation", ["sin", "cos", "tan"])
def test_infinity_has_no_angle(operation: str) -> None:
    assert ["nan", "nan"] == [repr(value) for value in call(operation, [INFINITY, -INFINITY]).tolist()]


def test_modulo_is_numpys() -> None:
    x, y = all_kinds(seed=12)
    with np.errstate(all="ignore"):
        expected = np.mod(x, y)
    found = call("modulo", x, y)

    assert np.isnan(expected).tolist() == np.isnan(found).tolist()
    assert bits(expected[~np.isnan(expected)]) == bits(found[~np.isnan(found)])


def test_only_what_is_used_is_defined_and_once() -> None:
    text = definitions([("exp", 8), ("sin", 1), ("exp", 8)])

    assert ["@wm.exp.v8", "@wm.sin.v1"] == [
        line.split("(")[0].split()[-1] for line in text.splitlines() if line.startswith("define")
    ]
    assert ["@llvm.fma.v8f64", "@wm.c.sin"] == sorted(
        line.split("(")[0].split()[-1] for line in text.splitlines() if line.startswith("declare")
    )


def test_every_c_function_has_an_address() -> None:
    text = definitions((operation, 2) for operation in NAMES)
    declared = {line.split("@")[1].split("(")[0] for line in text.splitlines() if line.startswith("declare")}

    assert {name for name in declared if not name.startswith("llvm.")} | {"fma"} == set(addresses())
