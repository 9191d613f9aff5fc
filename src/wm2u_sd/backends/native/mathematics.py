"""Elementary functions as LLVM text, with the same bits in every lane and at every width.

`exp`, `ln`, `log10` and `power` are worked out here from sums, products, quotients, fused products and moves of bits.
IEEE 754 fixes each of these to the last digit, so results are the same on every machine too. There are no tables, so
that lanes do not wait for one another, and one branch: where no lane of `ln` or `power` holds an exception, what those
take is left out, and the bits are those that would come out with it. The other functions come from the C library of the
machine, one lane after the other, and may differ between machines in the last digit; `modulo` does not, as its
remainder is exact.

Largest errors in twenty million points each, in units in the last place: exp 0.63, ln 0.67, log10 0.51, power 0.83;
where the result is smaller than any normal number, exp 0.77 and power 0.84. Exceptions are those of C99, for `modulo`
those of numpy.mod.

Polynomials were found with the Remez exchange, in 200 binary digits, for the least greatest relative error of the whole
function, and their coefficients then rounded; beside each stands the relative error of the function that is left.
A number in two parts is the nearest double, and the double nearest to what that leaves.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import math
import struct
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

NAMES: Mapping[str, int] = {
    "exp": 1, "ln": 1, "log10": 1, "power": 2, "sin": 1, "cos": 1, "tan": 1, "arctan": 1, "modulo": 2,
}  # fmt: skip
"""Operation -> number of arguments."""

_FROM_C = ("sin", "cos", "tan", "atan", "fmod")
# Reading and writing nothing: nobody asks the C library for its errno.
_ATTRIBUTES = "nounwind willreturn memory(none)"


def function(operation: str, width: int) -> str:
    """Return the LLVM name of an operation on so many lanes; at width 1 it takes and gives a plain double."""
    return f"@wm.{operation}.v{width}"


def definitions(uses: Iterable[tuple[str, int]]) -> str:
    """Return LLVM text that defines operations, each at some width, and declares what they call.

    What it declares under names with `wm.c.` in front is to be found with `addresses`.
    """
    bodies = [_define(operation, width) for operation, width in dict.fromkeys(uses)]
    declared = sorted({line for body in bodies for line in body.declared})
    return "\n".join([*declared, *(line for body in bodies for line in body.lines), ""])


def addresses() -> Mapping[str, int]:
    """Return the addresses of C functions by the names that LLVM text calls them by.

    `fma` stands under its own name: LLVM calls it by that where a processor has no fused product.

    Raises:
        OSError: There is no C library of mathematics.
    """
    library = _c_library()
    names = {**{_c_name(name): name for name in _FROM_C}, "fma": "fma"}
    found = {ours: ctypes.cast(getattr(library, theirs), ctypes.c_void_p).value for ours, theirs in names.items()}
    return {ours: address for ours, address in found.items() if address is not None}


def _c_library() -> ctypes.CDLL:
    if sys.platform == "win32":
        return ctypes.CDLL("ucrtbase")
    this_process = ctypes.CDLL(None)
    return this_process if hasattr(this_process, "fmod") else ctypes.CDLL(ctypes.util.find_library("m"))


def _c_name(name: str) -> str:
    return f"wm.c.{name}"


@dataclass
class _Body:
    """A function while it is written.

    A single number stands in both lanes of a pair: scalar code would carry its bits to other registers and back.
    """

    width: int
    lines: list[str] = field(default_factory=list)
    declared: set[str] = field(default_factory=set)

    def type(self, kind: str) -> str:
        return f"<{max(2, self.width)} x {kind}>"

    def let(self, kind: str, instruction: str) -> _Value:
        name = f"%v{len(self.lines)}"
        self.lines.append(f"  {name} = {instruction}")
        return _Value(self, kind, name)

    def operand(self, kind: str, value: _Operand) -> str:
        if isinstance(value, _Value):
            return value.name
        text = f"0x{_bits_of(value):016X}" if kind == "double" else str(value)
        return f"splat ({kind} {text})"

    def all(self, truth: _Value) -> str:
        """Return whether something holds in every lane."""
        kind = f"v{max(2, self.width)}i1"
        self.declared.add(f"declare i1 @llvm.vector.reduce.and.{kind}({self.type('i1')})")
        return self.let("i1", f"call i1 @llvm.vector.reduce.and.{kind}({self.type('i1')} {truth.name})").name

    def give(self, value: _Value, number: str) -> None:
        """Return a value to who called."""
        self.lines.append(f"  ret {number} {_lane(value, 0) if self.width == 1 else value.name}")

    def call(self, number: str, name: str, arguments: Sequence[str], attributes: str = "") -> _Value:
        self.declared.add(f"declare {number} @{name}({', '.join([number] * len(arguments))}){attributes}")
        return self.let("double", f"call {number} @{name}({', '.join(f'{number} {one}' for one in arguments)})")


@dataclass(frozen=True, eq=False)
class _Value:
    """A value in every lane: a number ("double"), bits ("i64") or a truth ("i1").

    To calculate with it is to write an instruction.
    """

    body: _Body
    kind: str
    name: str

    def __add__(self, other: _Operand) -> _Value:
        return self._calculate("add", self, other)

    def __sub__(self, other: _Operand) -> _Value:
        return self._calculate("sub", self, other)

    def __mul__(self, other: _Operand) -> _Value:
        return self._calculate("mul", self, other)

    def __truediv__(self, other: _Operand) -> _Value:
        return self._calculate("div", self, other)

    def __rsub__(self, other: _Operand) -> _Value:
        return self._calculate("sub", other, self)

    def __rtruediv__(self, other: _Operand) -> _Value:
        return self._calculate("div", other, self)

    def __neg__(self) -> _Value:
        return self.body.let("double", f"fneg {self.body.type('double')} {self.name}")

    def __and__(self, other: _Operand) -> _Value:
        return self._calculate("and", self, other)

    def __or__(self, other: _Operand) -> _Value:
        return self._calculate("or", self, other)

    def __xor__(self, other: _Operand) -> _Value:
        return self._calculate("xor", self, other)

    def __lshift__(self, places: int) -> _Value:
        return self._calculate("shl", self, places)

    def __rshift__(self, places: int) -> _Value:
        return self._calculate("lshr", self, places)

    def __lt__(self, other: _Operand) -> _Value:
        return self._compare("olt", other)

    def __gt__(self, other: _Operand) -> _Value:
        return self._compare("ogt", other)

    def not_below(self, other: _Operand) -> _Value:
        return self._compare("oge", other)

    def equals(self, other: _Operand) -> _Value:
        return self._compare("oeq", other)

    def differs(self, other: _Operand) -> _Value:
        return self._compare("une", other)

    def or_either_is_nan(self, other: _Operand) -> _Value:
        return self._compare("uno", other)

    def bits(self) -> _Value:
        return self.body.let("i64", f"bitcast {self.body.type('double')} {self.name} to {self.body.type('i64')}")

    def number(self) -> _Value:
        return self.body.let("double", f"bitcast {self.body.type('i64')} {self.name} to {self.body.type('double')}")

    def _calculate(self, what: str, first: _Operand, second: _Operand) -> _Value:
        instruction = f"f{what}" if self.kind == "double" else what
        operands = ", ".join(self.body.operand(self.kind, one) for one in (first, second))
        return self.body.let(self.kind, f"{instruction} {self.body.type(self.kind)} {operands}")

    def _compare(self, how: str, other: _Operand) -> _Value:
        operands = f"{self.name}, {self.body.operand('double', other)}"
        return self.body.let("i1", f"fcmp {how} {self.body.type('double')} {operands}")


_Operand = _Value | float
_SIGN = 1 << 63  # of a number, among its bits
_EXPONENT = 1 << 52  # one in its exponent


def _bits_of(value: float) -> int:
    bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    return bits


def _fma(a: _Value, b: _Operand, c: _Operand) -> _Value:
    """Return a b + c, rounded once."""
    body = a.body
    name = f"llvm.fma.v{max(2, body.width)}f64"
    return body.call(body.type("double"), name, [body.operand("double", one) for one in (a, b, c)])


def _where(truth: _Value, yes: _Operand, no: _Operand) -> _Value:
    body = truth.body
    chosen = ", ".join(f"{body.type('double')} {body.operand('double', one)}" for one in (yes, no))
    return body.let("double", f"select {body.type('i1')} {truth.name}, {chosen}")


def _at_most(limit: float, x: _Value) -> _Value:
    return _where(x > limit, limit, x)


def _at_least(limit: float, x: _Value) -> _Value:
    return _where(x < limit, limit, x)


def _size(x: _Value) -> _Value:
    return (x.bits() & (_SIGN - 1)).number()


def _with_sign(sign: _Value, x: _Value) -> _Value:
    return (x.bits() | sign).number()


def _polynomial(x: _Value, coefficients: Sequence[float]) -> _Value:
    """Return c0 + c1 x + c2 x² ..., even and odd powers side by side: fewer steps wait for one another."""
    square = x * x
    even, odd = (_one_by_one(square, coefficients[first::2]) for first in (0, 1))
    return _fma(x, odd, even)


def _one_by_one(x: _Value, coefficients: Sequence[float]) -> _Operand:
    value: _Operand = coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = _fma(x, value, coefficient)
    return value


def _numbers(text: str) -> list[float]:
    return [float.fromhex(number) for number in text.split()]


_LN2 = _numbers("0x1.62e42fefa39efp-1 0x1.abc9e3b39803fp-56")
_LOG2_E = float.fromhex("0x1.71547652b82fep+0")
# Added to a number below 2^51 it leaves the nearest whole number, plus 2046, in the last bits of the sum.
_ROUNDER = 1.5 * 2.0**52 + 2046.0
_ALL, _NOTHING = 710.0, -750.0  # e^x is infinite from the one on, nought up to the other
# (e^r - 1 - r - r²/2) / r³ for |r| <= ln(2) / 2; error 2^-57.3.
_EXP = _numbers(
    "0x1.5555555555501p-3 0x1.55555555531eap-5 0x1.11111111289acp-7 0x1.6c16c17ccd827p-10"
    " 0x1.a01a011bd2aecp-13 0x1.a019ab098a1b0p-16 0x1.71df55b341ffap-19 0x1.289fb157ce318p-22 0x1.ad1fd8bcb43a6p-26"
)


def _exp(x: _Value) -> _Value:
    return _exp_of_sum(x, 0.0)


def _exp_of_sum(x: _Value, rest: _Operand) -> _Value:
    """Return e^(x + rest), for a `rest` that is hardly more than the last digit of `x`.

    x + rest = n ln 2 + r + left, where n is whole and `left` what r cannot hold; e^r = (1 + r) + (e^r - 1 - r). What
    1 + r rounds away comes back with the second part.
    """
    held = _at_least(_NOTHING, x)
    shifted = _fma(held, _LOG2_E, _ROUNDER)
    n = shifted - _ROUNDER
    near = _fma(n, -_LN2[0], held)  # exact
    far = _fma(n, -_LN2[1], rest)
    r = near + far
    left = far - (r - near)
    first = r + 1.0
    lost = _fma(left, first, r - (first - 1.0))
    value = first + _fma(r * r, _fma(r, _polynomial(r, _EXP), 0.5), lost)
    return _where(x < _ALL, _times_power_of_two(value, shifted.bits()), x + math.inf)


def _times_power_of_two(value: _Value, n: _Value) -> _Value:
    """Return value 2^n, where n + 2046 stands in the last twelve bits; in two halves, of which only the last rounds."""
    half = n >> 1
    return value * (half << 52).number() * ((n - half) << 52).number()


# 42 digits first: exact when multiplied by the exponent of a double.
_LN2_SHORT = _numbers("0x1.62e42fefa3800p-1 0x1.ef35793c76730p-45")
_LOG10_E = _numbers("0x1.bcb7b1526e50ep-2 0x1.95355baaafad3p-57")
# Every positive number is 2^k m, m from this up to its double: f - ln(1 + f), f = m - 1, is less than 1/16 all along.
_LEAST_M = float.fromhex("0x1.65p-1")
_LEAST_NORMAL = 2.0**-1022
# (ln m - 2s) / s³ in s², where s = (m - 1) / (m + 1); error 2^-58.1.
_LN = _numbers(
    "0x1.55555555555c3p-1 0x1.999999996ed59p-2 0x1.2492495179d30p-2 0x1.c71c45204b98ap-3"
    " 0x1.7468efe9de8bcp-3 0x1.395b8649332efp-3 0x1.31cd93e00ace5p-3"
)
# (ln m - t) / t³ = 1/12 + t² (...) in t², where t = 2s; error 2^-66.4.
_TWELFTH = _numbers("0x1.5555555555555p-4 0x1.5555555555555p-58")
_LN_IN_TWO = _numbers(
    "0x1.9999999999992p-7 0x1.24924924939a1p-9 0x1.c71c71c46e34cp-12 0x1.745d18b03ac19p-14"
    " 0x1.3b13428c1b8e5p-16 0x1.11255883ae9c3p-18 0x1.dd7ecbff5bf4dp-21 0x1.f0b5cdf4b046dp-23"
)


def _apart(x: _Value, *, normal: bool) -> tuple[_Value, _Value]:
    """Return k and m of a number that is positive and finite, `normal` where it is known to be."""
    tiny = None if normal else x < _LEAST_NORMAL
    bits = (_where(tiny, x * 2.0**54, x) if tiny else x).bits() - (_bits_of(_LEAST_M) - 1023 * _EXPONENT)
    least = 2.0**52 + 1023
    k = ((bits >> 52) | _bits_of(2.0**52)).number() - (_where(tiny, least + 54, least) if tiny else least)
    return k, ((bits & (_EXPONENT - 1)) + _bits_of(_LEAST_M)).number()


def _times_ln2_plus(k: _Value, x: _Value) -> tuple[_Value, _Value]:
    """Return k ln 2 + x in two parts, where k is whole and x smaller than ln 2."""
    total = _fma(k, _LN2_SHORT[0], x)
    return total, _fma(k, _LN2_SHORT[1], x - _fma(k, -_LN2_SHORT[0], total))


def _ln(x: _Value) -> _Value:
    return _at_the_ends_of_ln(x, _ln_inside(x, normal=False))


def _ln_inside(x: _Value, *, normal: bool = True) -> _Value:
    """Return ln x = k ln 2 + f - f²/2 + s (f²/2 + ...); what sums and products round away is added last."""
    k, m = _apart(x, normal=normal)
    f = m - 1.0
    s = f / (m + 1.0)
    z = s * s
    half = f * 0.5
    curved = half * f
    straight, lost = _times_ln2_plus(k, f)
    high = straight - curved
    low = _fma(s, _fma(z, _polynomial(z, _LN), curved), lost) + ((straight - high - curved) + _fma(-half, f, curved))
    return high + low


def _at_the_ends_of_ln(x: _Value, logarithm: _Value) -> _Value:
    positive = _where(x < math.inf, logarithm, math.inf)
    return _where(x > 0.0, positive, _where(x.equals(0.0), -math.inf, math.nan))


def _ln_in_two(x: _Value, *, normal: bool = False) -> tuple[_Value, _Value]:
    """Return ln x in two parts, to about 2^-64 of itself, for an x that is positive and finite."""
    k, m = _apart(x, normal=normal)
    f = m - 1.0
    mean = _fma(m, 0.5, 0.5)
    mean_low = _fma(m, 0.5, 0.5 - mean)
    inverse = 1.0 / mean
    t = f * inverse
    t_low = inverse * _fma(-t, mean_low, _fma(-t, mean, f))
    z = t * t
    z_low = _fma(t, t, -z)
    polynomial = _polynomial(z, _LN_IN_TWO)
    c = _fma(z, polynomial, _TWELFTH[0])
    c_low = _fma(z, polynomial, _TWELFTH[0] - c) + _TWELFTH[1]
    share = z * c
    share_low = _fma(z, c_low, _fma(z_low, c, _fma(z, c, -share)))
    cubic = t * share
    slope = _fma(z, _fma(z, 0.0625, 0.25), 1.0)
    cubic_low = _fma(t_low, slope, _fma(t, share_low, _fma(t, share, -cubic)))
    rational = t + cubic
    high, low = _times_ln2_plus(k, rational)
    return high, low + (cubic - (rational - t) + cubic_low)


def _log10(x: _Value) -> _Value:
    high, low = _ln_in_two(x)
    product = high * _LOG10_E[0]
    rest = _fma(low, _LOG10_E[0], _fma(high, _LOG10_E[1], _fma(high, _LOG10_E[0], -product)))
    return _at_the_ends_of_ln(x, product + rest)


_STEEPEST = 2.0**64


def _power(x: _Value, y: _Value) -> _Value:
    """Return |x|^y = e^(y ln |x|) with the sign, and the exceptions, that C99 lays down."""
    fractional, odd = _kind_of_exponent(y)
    signed = _with_sign(x.bits() & odd, _power_of_size(_size(x), y))
    undefined = (x < 0.0) & (x > -math.inf) & fractional | x.or_either_is_nan(y)
    return _where(x.equals(1.0) | y.equals(0.0), 1.0, _where(undefined, math.nan, signed))


def _power_of_size(size: _Value, y: _Value) -> _Value:
    high, low = _ln_in_two(size)
    high = _where(size.equals(0.0), -math.inf, _where(size < math.inf, high, math.inf))
    held = _at_most(_STEEPEST, _at_least(-_STEEPEST, y))  # so that infinity times ln 1 is nought
    return _exp_of_product(high, low, held)


def _power_inside(x: _Value, y: _Value) -> _Value:
    return _exp_of_product(*_ln_in_two(x, normal=True), y)


def _exp_of_product(high: _Value, low: _Value, y: _Value) -> _Value:
    """Return e^((high + low) y)."""
    product = high * y
    rest = _fma(low, y, _fma(high, y, -product))
    return _exp_of_sum(product, _where(_size(product) < 800.0, rest, 0.0))


def _kind_of_exponent(y: _Value) -> tuple[_Value, _Value]:
    """Return where y is not a whole number, and a sign bit where it is an odd one."""
    size = _at_most(2.0**53, _size(y))
    small = size < 2.0**52
    shifted = size + 2.0**52  # a whole number, its last bit the last of the sum
    fractional = small & (shifted - 2.0**52).differs(size)
    whole = _where(small, shifted, size)
    return fractional, _where(fractional, 0.0, whole).bits() << 63


def _lane_by_lane(name: str, *arguments: _Value) -> _Value:
    body = arguments[0].body
    results = [
        body.call("double", _c_name(name), [_lane(argument, at) for argument in arguments], f" {_ATTRIBUTES}")
        for at in range(body.width)
    ]
    whole = "poison"
    for at, result in enumerate(results):
        whole = body.let("double", f"insertelement {body.type('double')} {whole}, double {result.name}, i64 {at}").name
    return _Value(body, "double", whole)


def _lane(value: _Value, at: int) -> str:
    return value.body.let("double", f"extractelement {value.body.type('double')} {value.name}, i64 {at}").name


def _from_c(name: str) -> Callable[[_Value], _Value]:
    return lambda x: _with_one_nan(_lane_by_lane(name, x))


def _with_one_nan(x: _Value) -> _Value:
    return _where(x.or_either_is_nan(x), math.nan, x)


def _modulo(x: _Value, y: _Value) -> _Value:
    """Return the remainder that has the sign of the divisor, as numpy.mod does."""
    remainder = _lane_by_lane("fmod", x, y)
    signed = _where((remainder < 0.0) ^ (y < 0.0), remainder + y, remainder)
    nought = _with_sign(y.bits() & _SIGN, _size(remainder))
    return _with_one_nan(_where(remainder.equals(0.0), nought, signed))


_RECIPES: Mapping[str, Callable[..., _Value]] = {
    "exp": _exp,
    "ln": _ln,
    "log10": _log10,
    "power": _power,
    "sin": _from_c("sin"),
    "cos": _from_c("cos"),
    "tan": _from_c("tan"),
    "arctan": _from_c("atan"),
    "modulo": _modulo,
}
_INSIDE: Mapping[str, tuple[Callable[..., _Value], Callable[..., _Value]]] = {
    "ln": (lambda x: _is_normal(x), _ln_inside),
    "power": (lambda x, y: _is_normal(x) & (_size(y) < _STEEPEST), _power_inside),
}
"""Operation -> where there are no exceptions, and what it is there: the same, with less to look after."""


def _is_normal(x: _Value) -> _Value:
    """Whether a number is positive, finite and none of the smallest."""
    return x.not_below(_LEAST_NORMAL) & (x < math.inf)


def _define(operation: str, width: int) -> _Body:
    body = _Body(width)
    number = "double" if width == 1 else body.type("double")
    names = ("%x", "%y")[: NAMES[operation]]
    parameters = ", ".join(f"{number} {name}" for name in names)
    body.lines.append(f"define internal {number} {function(operation, width)}({parameters}) {_ATTRIBUTES} {{")
    given = [_pair(body, name) if width == 1 else _Value(body, "double", name) for name in names]
    if operation in _INSIDE:
        is_inside, recipe = _INSIDE[operation]
        body.lines.append(f"  br i1 {body.all(is_inside(*given))}, label %at.inside, label %at.anywhere")
        body.lines.append("at.inside:")
        body.give(recipe(*given), number)
        body.lines.append("at.anywhere:")
    body.give(_RECIPES[operation](*given), number)
    body.lines.append("}")
    return body


def _pair(body: _Body, name: str) -> _Value:
    pair = "poison"
    for at in range(2):
        pair = body.let("double", f"insertelement {body.type('double')} {pair}, double {name}, i64 {at}").name
    return _Value(body, "double", pair)
