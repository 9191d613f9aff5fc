"""What printed Python looks like: short, plain, and without a word of the model."""

from dataclasses import replace

import numpy as np
import pytest

from wm2u_sd.backends.python.arithmetic import namespace
from wm2u_sd.backends.python.backend import PythonBackend
from wm2u_sd.backends.python.kernel import PythonKernel
from wm2u_sd.backends.python.writer import Writer, filled
from wm2u_sd.compile.lower import lower
from wm2u_sd.compile.program import Instruction, Level
from wm2u_sd.errors import SimulationError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import METHODS, Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Stock


def tank(method: str, n: int = 2) -> Model:
    return Model("zanzibar", time=Time(0, 10, "1/4", method=method)).define(
        Dimension("quokka", tuple(f"wombat{i}" for i in range(n))),
        Constant("xylophone", np.linspace(1, 2, n), over=("quokka",)),
        Constant("marimba", 4.0),
        Lookup("glockenspiel", ((0, 1), (1, 2))),
        Stock("bassoon", "xylophone", over=("quokka",), inflows=["piccolo"], outflows=["oboe"], non_negative=True),
        Flow("piccolo", "xylophone * marimba", over=("quokka",)),
        Flow("oboe", "bassoon / delay_fixed(marimba, 2, 3) + glockenspiel(bassoon)", over=("quokka",)),
        Auxiliary("celesta", "sum(bassoon[*]) + sample_if_true(time > 2, bassoon[wombat1], 0) + initial(marimba)"),
    )


@pytest.mark.parametrize("method", METHODS)
def test_no_name_of_a_model_reaches_the_source(method: str) -> None:
    model = tank(method)
    source = PythonKernel(lower(model, moving=["xylophone"])).source(["celesta", "bassoon"])

    names = [model.name, "quokka", "wombat", *model.variables]
    assert [] == [name for name in names if name in source]


@pytest.mark.parametrize("method", METHODS)
def test_the_source_does_not_grow_with_the_number_of_elements(method: str) -> None:
    few, many = (PythonKernel(lower(tank(method, n))).source(["celesta", "bassoon"]) for n in (2, 200))

    assert few == many.replace("200", "2")


def test_elements_that_are_taken_out_of_order_are_no_part_of_the_source() -> None:
    def source(n: int) -> str:
        elements = [f"e{i}" for i in range(2 * n)]
        model = Model("taking").define(
            Dimension("whole", tuple(elements)),
            Dimension("part", tuple(elements[::2]), of="whole"),
            Constant("x", np.ones(2 * n), over=("whole",)),
            Stock("level", "x", over=("part",), inflows=["change"]),
            Flow("change", "x * level", over=("part",)),
        )
        return PythonKernel(lower(model)).source(["level"])

    assert source(2) == source(200).replace("200", "2")
    assert "taken0[i]" in source(2)


def test_printed_functions_reach_nothing_but_arithmetic() -> None:
    assert {} == namespace()["__builtins__"]


def test_a_program_reads_line_by_line() -> None:
    model = Model("tank", time=Time(0, 2, "1/2")).define(
        Dimension("side", ("left", "right")),
        Constant("width", (2.0, 3.0), over=("side",)),
        Constant("opening", 0.5),
        Stock("level", "width", over=("side",), inflows=["rain"], outflows=["leak"]),
        Flow("rain", "exp(-time)"),
        Flow("leak", "level * opening / max(width, 1)", over=("side",)),
        Auxiliary("total", "sum(level[*])"),
    )
    source = PythonKernel(lower(model, moving=["opening"])).source(["total"])

    assert EXPECTED == source[source.index("def begin") : source.index("def go_guarded")]


EXPECTED = """\
def begin(column):
    (c0, b1) = column.constants
    ((by1, plus1),) = column.moves
    # Lists for values that have axes
    s0 = [0.0] * 2
    # Constants as scenarios have moved them
    c1 = b1 * by1[0] + plus1[0]
    # The first moment
    for i in range(2):
        s0[i] = c0[i]
    column.states = (s0,)
    column.frozen = ()
    column.remembered = ()
    column.befores = ()


def settle(column):
    (c0, b1) = column.constants
    # Lists for values that have axes
    v10 = [0.0] * 2
    # Once a run
    for i in range(2):
        v10[i] = 1.0 if 1.0 > c0[i] else c0[i]
    column.settled = (v10,)


def go(column, step, stop):
    (c0, b1) = column.constants
    ((by1, plus1),) = column.moves
    (v10,) = column.settled
    (s0,) = column.states
    (out0,) = column.out
    times, saved = column.times, column.saved
    # Lists for values that have axes
    rate0 = [0.0] * 2
    try:
        for step in range(step, stop):
            time = held_time = times[step]
            at = saved[step]
            # Constants as scenarios have moved them
            c1 = b1 * by1[step] + plus1[step]
            # Rates, and what they are worked out from
            v4 = -time
            v5 = exp(v4)
            for i in range(2):
                v7 = s0[i] * c1
                v11 = v7 / v10[i]
                v12 = v5 - v11
                rate0[i] = v12
            if at >= 0:
                v2 = -0.0
                for i in range(2):
                    v2 += s0[i]
                out0[at] = v2
                finite = all_finite(s0)
                if not finite and column.failed < 0:
                    column.failed = step
            if step == 4:
                break
            # On to the next step
            for i in range(2):
                s0[i] += 0.5 * rate0[i]
        step = stop
    except RAISED:
        pass  # nothing of this step is in the states yet
    column.states = (s0,)
    column.remembered = ()
    return step


"""


def test_long_lists_of_names_stand_on_several_lines() -> None:
    writer = Writer()
    writer.unpack([], "nothing")
    writer.unpack(["a"], "one")
    writer.pack("many", [f"name{i}" for i in range(20)])

    assert [
        "(a,) = one",
        "many = (",
        "    name0, name1, name2, name3, name4, name5, name6, name7, name8, name9, name10, name11, name12, name13,",
        "    name14, name15, name16, name17, name18, name19",
        ")",
    ] == writer.lines


def test_what_nothing_follows_is_not_written() -> None:
    writer = Writer()
    with writer.section("# Nothing"), writer.loops((2, 3)):
        pass
    with writer.loops((2, 3)):
        writer.do("x = 1")

    assert ["for i in range(2):", "    for j in range(3):", "        x = 1"] == writer.lines


def test_lists_in_lists_are_not_the_same_list() -> None:
    room = eval(filled((2, 3)))  # noqa: S307 -- our own print

    room[0][0] = 1.0
    assert [[1.0, 0.0, 0.0], [0.0, 0.0, 0.0]] == room


def test_an_operation_that_is_not_printed_is_refused_by_name() -> None:
    program = lower(tank("euler"))
    instructions = (*program.step.instructions, Instruction("gamma", (0,), (), Level.RUN))

    with pytest.raises(SimulationError) as refusal:
        PythonBackend().compile(replace(program, step=replace(program.step, instructions=instructions)))
    assert "The backend 'python' cannot do gamma; use backend_name='numpy', which can" == str(refusal.value)
