"""Compile printed kernels and call them."""

from __future__ import annotations

import ctypes
import ctypes.util
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from bench import Skipped, needs_program
from kernels.folding import fold
from kernels.print_kernel import kernel_text
from kernels.values import Lanes, Style
from yardsticks import OUTPUTS, parameter_sets, varied, yardstick

from wm2u_sd.backends.base import Array
from wm2u_sd.compile.lower import lower

EXACT = ("-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math")  # nothing that changes a result
FLAGS = (
    "-O3",
    "-march=native",
    *EXACT,
    "-fno-gcse",
    "-fopenmp",
)  # -fgcse moves loads about and spills more: 12% slower

SCALAR = Style(Lanes.NOTHING)
BY_RUN = Style(Lanes.RUNS, 8)
BY_LOCALITY = Style(Lanes.LOCALITIES, 4)


def source(name: str, style: Style) -> str:
    """Return the text of the kernel of a yardstick."""
    model = yardstick(name)
    program = lower(model)
    folded = fold(program, {constant.name: constant.value for constant in model.constants()}, varied(model), OUTPUTS)
    return kernel_text(folded, program.tables, model.time, style)


@cache
def library(name: str, style: Style) -> ctypes.CDLL:
    """Compile and load the kernel of a yardstick.

    Raises:
        Skipped: There is no g++, or it is one that cannot do this.
    """
    compiler = needs_program("g++")
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        text, built = Path(folder) / f"{name}.cpp", Path(folder) / f"{name}.so"
        text.write_text(source(name, style), encoding="utf-8")
        command = [compiler, *FLAGS, f"-I{Path(__file__).parent}", "-shared", "-fPIC", "-o", built, text, *_maths()]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        if done.returncode:
            raise Skipped(f"g++ did not compile it: {done.stderr.strip().splitlines()[0]}")
        return ctypes.CDLL(str(built))


def _maths() -> list[str]:
    """Return what to link with for the functions of lanes, where the C library has them."""
    vectors = ctypes.util.find_library("mvec")
    return ["-lmvec", "-lm"] if vectors else ["-lm"]


def c_runs(name: str, style: Style, n: int, *, first: int | None = None, threads: int = 1) -> Callable[[], Array]:
    """Return a call that makes the `first` of `n` runs with a printed kernel.

    Raises:
        Skipped: There is no g++ that can compile it.
    """
    sweep = library(name, style).sweep
    width = style.width if style.lanes is Lanes.RUNS else 1
    sets = parameter_sets(name, n)[:, :first]
    made = sets.shape[1]
    full = np.ascontiguousarray(np.pad(sets, ((0, 0), (0, -made % width)), mode="edge"))
    shape = (len(OUTPUTS), len(yardstick(name).time.saved_steps()), full.shape[1])

    def call() -> Array:
        out = np.empty(shape)
        arrays = [ctypes.c_void_p(array.ctypes.data) for array in (full, out)]
        sweep(*arrays, ctypes.c_long(full.shape[1]), ctypes.c_int(threads))
        return out[..., :made]

    return call
