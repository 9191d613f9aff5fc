"""How our time grows with draws, steps, equations and elements; ratios are to the smallest."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from bench import Benchmark, Call
from ours import backend_name, bare, inputs
from yardsticks import OUTPUTS, yardstick

from wm2u_sd.backends.registry import backend
from wm2u_sd.compile.lower import lower
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

DRAWS = (1, 10, 100, 1_000, 10_000)
STEPS = (160, 640, 2_560)
STOCKS = (10, 30, 100, 300, 1_000)
CELLS = (2, 5, 20, 100, 500)
OF_CELLS = 20  # stocks in a chain of which every cell has one
TIME = Time(0, 10, "1/16", "year", saveper=1)


def chain(stocks: int, cells: int = 0) -> Model:
    """Return a chain of stocks, each flowing into the next; cells, where there are any, share what enters."""
    over = ("cell",) if cells else ()
    entering = "supply * level_1 / total" if cells else "supply"
    names = [f"level_{k}" for k in range(1, stocks + 1)]
    flows = [Flow("flow_0", entering, over=over, outside="a source")]
    flows += [Flow(f"flow_{k}", f"{name} / delay", over=over) for k, name in enumerate(names, start=1)]
    levels = [Stock(n, "1", inflows=[f"flow_{k}"], outflows=[f"flow_{k + 1}"], over=over) for k, n in enumerate(names)]
    constants = [Constant("supply", 3.0), Constant("delay", 2.0)]
    shared = [Dimension("cell", [f"c{k}" for k in range(cells)]), Auxiliary("total", "sum(level_1[*])")]
    return Model(f"chain_{stocks}_{cells}", time=TIME).define(*(shared if cells else ()), *constants, *flows, *levels)


def running(make: Callable[[], Model], save: tuple[str, ...]) -> Call:
    """Return a call that makes one run of a model."""
    model = make()
    kernel, moments = backend(backend_name()).compile(lower(model)), model.time.saved_steps()
    given = inputs(model, {}, 1)

    def call() -> None:
        kernel.run(given, save, moments)

    return call


def compiling(make: Callable[[], Model], save: tuple[str, ...]) -> Call:
    """Return a call that lowers and compiles a model and takes it one step, so that nothing is put off."""
    model = make()
    short = model.with_time(end=model.time.start + model.time.dt, saveper=None)
    given = inputs(short, {}, 1)

    def call() -> None:
        backend(backend_name()).compile(lower(short)).run(given, save, [0, 1])

    return call


def of_care(draws: int) -> Call:
    """Return a call that makes runs of care at once, each with its own parameters."""
    runs = bare("care", draws)

    def call() -> None:
        runs()

    return call


def care_over(years: float) -> Model:
    """Return the yardstick care over another time."""
    return yardstick("care").with_time(end=years)


LAST = (f"level_{OF_CELLS}",)
BY_DRAWS = Benchmark("growth_draws", "runs of care at once", reference="1 run", rounds=3)
BY_STEPS = Benchmark("growth_steps", "steps of one run of care", reference="160 steps", rounds=3)
BY_STOCKS = Benchmark("growth_equations", "stocks in a chain of delays, one run", reference="10 stocks", rounds=3)
BY_CELLS = Benchmark("growth_elements", f"cells of each of {OF_CELLS} stocks, one run", reference="2 cells", rounds=3)
COMPILING = Benchmark("growth_compile", "cells, from a model to its first step", reference="2 cells", rounds=3)

for n in DRAWS:
    BY_DRAWS.entry(f"{n:,} run{'s' * (n > 1)}")(partial(of_care, n))
for n in STEPS:
    BY_STEPS.entry(f"{n:,} steps")(partial(running, partial(care_over, n / 64), OUTPUTS))
for n in STOCKS:
    BY_STOCKS.entry(f"{n:,} stocks")(partial(running, partial(chain, n), (f"level_{n}",)))
for n in CELLS:
    BY_CELLS.entry(f"{n:,} cells")(partial(running, partial(chain, OF_CELLS, n), LAST))
    COMPILING.entry(f"{n:,} cells")(partial(compiling, partial(chain, OF_CELLS, n), LAST))
