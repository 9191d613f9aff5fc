"""What the native backend promises of its own; what every backend promises is held by tests/conformance."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from wm2u_sd.backends.base import Inputs
from wm2u_sd.backends.native.back import print_gradient
from wm2u_sd.backends.native.backend import NativeBackend
from wm2u_sd.backends.native.kernel import NativeKernel, Wanted
from wm2u_sd.backends.native.layout import Layout
from wm2u_sd.backends.native.machine import compiled
from wm2u_sd.backends.native.memory import Frame
from wm2u_sd.backends.native.printer import print_run, print_start
from wm2u_sd.backends.native.writer import LONGEST_BLOCK
from wm2u_sd.backends.reversal import reversal
from wm2u_sd.backends.schedule import schedule, schedule_start
from wm2u_sd.compile.adjoint import Wanted as By
from wm2u_sd.compile.lower import lower
from wm2u_sd.compile.program import Instruction, Level, Program
from wm2u_sd.errors import SimulationError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Lookup, Stock

KEPT = ["waiting", "helped", "seasons", "seen"]


def queue(places: int = 3) -> Model:
    """Everything that a kernel treats in a way of its own, over any number of places."""
    return Model("queue", time=Time(0, 6, "1/4", method="rk2")).define(
        Dimension("place", tuple(f"place_{at}" for at in range(places))),
        Constant("asking", 9.0),
        Constant("portion", tuple(1.0 + at / places for at in range(places)), over=("place",)),
        Lookup("crowding", ((0, 1), (20, 0.8), (60, 0.3))),
        Stock("waiting", "20 * portion", over=("place",), inflows=["coming"], outflows=["starting"], non_negative=True),
        Stock("helped", "30", inflows=["all_starting"]),
        Flow("coming", "asking * portion * seasons", over=("place",)),
        Flow("starting", "4 * waiting ^ 0.5 * crowding(helped / 10)", over=("place",)),
        Flow("all_starting", "sum(starting[*]) - helped / 8"),
        Auxiliary("seasons", "1 + 0.3 * sin(time) + exp(-time / asking)"),
        Auxiliary("seen", "delay_fixed(max(waiting[*]), 1.5, 0)"),
    )  # fmt: skip


def inputs(model: Model, draws: int) -> Inputs:
    values = [np.asarray(constant.value, float)[..., np.newaxis] for constant in model.constants()]
    if draws > 1:
        values[0] = np.linspace(5, 30, draws)
    return Inputs(values, draws)


def run(kernel: NativeKernel, given: Inputs) -> dict[str, np.ndarray]:
    kept, _ = kernel.run(given, KEPT, kernel.program.time.saved_steps())
    return {name: values.copy() for name, values in kept.items()}


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return all(np.array_equal(one[name], other[name]) for name in KEPT)


# Bits -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lanes", [2, 4, 16])
def test_how_many_columns_stand_in_a_vector_changes_no_bit(lanes: int) -> None:
    program = lower(queue())
    usual, other = NativeKernel(program), NativeKernel(program)
    other.lanes = lanes

    assert same(run(usual, inputs(queue(), 19)), run(other, inputs(queue(), 19)))


def test_a_run_alone_has_the_bits_it_has_among_others() -> None:
    kernel = NativeKernel(lower(queue()))
    together = run(kernel, inputs(queue(), 19))
    for draw, asking in enumerate(np.linspace(5, 30, 19)):
        given = inputs(queue(), 1)
        alone = run(kernel, replace(given, constants=[np.array([asking]), *given.constants[1:]]))
        assert all(np.array_equal(together[name][..., draw], alone[name][..., 0]) for name in KEPT)


@pytest.mark.parametrize("optimisation", [0, 2])
def test_how_much_code_generation_optimises_changes_no_bit(optimisation: int, monkeypatch: pytest.MonkeyPatch) -> None:
    program = lower(queue())
    usual = run(NativeKernel(program), inputs(queue(), 9))
    monkeypatch.setattr("wm2u_sd.backends.native.kernel.compiled", lambda text: compiled(text, optimisation))

    assert same(usual, run(NativeKernel(program), inputs(queue(), 9)))


def test_a_job_that_is_run_again_gives_the_same() -> None:
    kernel = NativeKernel(lower(queue()))
    job = kernel.job(inputs(queue(), 9), KEPT, kernel.program.time.saved_steps())
    first = {name: values.copy() for name, values in job.run()[0].items()}

    assert same(first, dict(job.run()[0]))


# Text -----------------------------------------------------------------------------------------------------------------


def texts(program: Program) -> list[str]:
    """Every kind of module that is printed for a program."""
    frames = [Frame(8, True, frozenset({0})), Frame(4, lanes=False)]
    sizes = tuple(len(table.x) for table in program.tables)
    plain, start = schedule(program, KEPT), schedule_start(program, [*KEPT])
    back = reversal(plain, By(frozenset({0, 1}), {0: 3}))
    found = [print_run(Layout(plain, frame, sizes)) for frame in frames]
    found += [print_gradient(Layout(back.forward, frame, sizes, back), back) for frame in frames]
    return [*found, print_start(Layout(start, frames[0], sizes))]


def test_no_word_of_a_model_reaches_the_compiler() -> None:
    words = {*queue().variables, "queue", "place_1", "place"}

    assert [] == [word for text in texts(lower(queue())) for word in words if word in text]


def test_what_is_printed_does_not_grow_with_the_number_of_elements() -> None:
    few, many = (texts(lower(queue(places))) for places in (2, 200))

    for one, other in zip(few, many, strict=True):
        assert len(other) == pytest.approx(len(one), rel=0.05)


def test_a_model_of_many_equations_is_printed_in_short_blocks() -> None:
    names = [f"level_{at}" for at in range(600)]
    flows = [Flow(f"flow_{at}", f"{name} / (2 + {at})") for at, name in enumerate(names)]
    stocks = [Stock(name, "1", outflows=[f"flow_{at}"]) for at, name in enumerate(names)]
    program = lower(Model("many", time=Time(0, 1)).define(*flows, *stocks))
    lines = print_run(Layout(schedule(program, names), Frame(1, lanes=False), ())).splitlines()
    labels = [at for at, line in enumerate(lines) if line.startswith("at.")]

    assert max(np.diff(labels)) < 2 * LONGEST_BLOCK < len(lines) / 5


# Refusals and what is kept --------------------------------------------------------------------------------------------


def test_an_operation_that_is_not_printed_is_refused_before_compiling() -> None:
    program = lower(queue())
    strange = Instruction("wobble", (), (), Level.STAGE)
    step = replace(program.step, instructions=(*program.step.instructions, strange))

    with pytest.raises(SimulationError) as caught:
        NativeBackend().compile(replace(program, step=step))
    assert "The backend 'native' cannot do wobble; use backend_name='numpy', which can" == str(caught.value)


def test_what_is_compiled_for_other_values_serves_again() -> None:
    kernel = NativeKernel(lower(queue()))
    given = inputs(queue(), 1)
    run(kernel, given)
    code = dict(kernel.known)
    run(kernel, replace(given, constants=[np.array([17.0]), *given.constants[1:]]))

    assert code == kernel.known
    assert [Wanted(tuple(KEPT))] == [key[0] for key in code]


FRESH = """
import sys
from pathlib import Path
sys.path.insert(0, {here!r})
from test_kernel import NativeKernel, inputs, lower, queue, run
import wm2u_sd.backends.native.machine as machine
real = machine.keep
machine.keep = lambda key, code: (print("compiled"), real(key, code))
print(float(run(NativeKernel(lower(queue())), inputs(queue(), 9))["helped"][-1].sum()).hex())
"""


def test_code_kept_by_one_process_serves_another_with_the_same_bits(tmp_path: Path) -> None:
    said = []
    for _ in range(2):
        environment = {**os.environ, "WM2U_SD_CACHE": str(tmp_path / "kept")}
        script = FRESH.format(here=str(Path(__file__).parent))
        done = subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
        )
        said.append(done.stdout.split())

    assert "compiled" == said[0][0]
    assert said[0][1:] == said[1]
