"""The check finds a circle of definitions exactly where the compiler could not put the equations in order."""

from hypothesis import event, given, settings
from hypothesis import strategies as st

from wm2u_sd.compile.lower import lower
from wm2u_sd.errors import ModelError
from wm2u_sd.model.check import check
from wm2u_sd.model.diagnostics import Code
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Flow, Stock

STOCKS = ("s0", "s1")
FLOWS = ("f00", "f01", "f10", "f11")
AUXILIARIES = ("a0", "a1", "a2")

numbers = st.sampled_from(["1", "2"])
names = st.sampled_from([*STOCKS, *FLOWS, *AUXILIARIES])
parts = numbers | numbers | names
equations = st.one_of(
    parts,
    st.builds("smooth1({} + {}, 3)".format, parts, parts),
    st.builds("smooth1({}, 3, {})".format, names, parts),
    st.builds("delay_fixed({}, 2, {})".format, names, parts),
    st.builds("min({}, {}) / 10".format, parts, parts),
)


@st.composite
def models(draw: st.DrawFn) -> Model:
    """Two stocks, rationed or not, with two outflows each, and three auxiliaries that say anything of one another."""
    stocks = [
        Stock(name, draw(equations), outflows=(f"f{i}0", f"f{i}1"), non_negative=draw(st.booleans()))
        for i, name in enumerate(STOCKS)
    ]
    flows = [Flow(name, draw(equations), outside="town") for name in FLOWS]
    auxiliaries = [Auxiliary(name, draw(equations)) for name in AUXILIARIES]
    return Model("any", time=Time(0, 3, 0.5)).define(*stocks, *flows, *auxiliaries)


@settings(max_examples=300)
@given(models())
def test_check_and_compiler_agree_on_circles(model: Model) -> None:
    found = [error for error in check(model).errors if error.code is Code.LOOPS]
    try:
        lower(model)
    except ModelError:
        event("a circle")
        assert found
    else:
        event("none")
        assert not found
