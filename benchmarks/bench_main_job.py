"""The main job, a place's scenarios over some draws, against plain references."""

from __future__ import annotations

import operator
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from bench import Benchmark, Call, reported
from ours import backend_name, inputs

from wm2u_sd.backends.reference import NumpyKernel
from wm2u_sd.care.answer import LEVELS, RATES, RUN_STEPS, answer, chosen
from wm2u_sd.care.places import Place, fitting_model, open_place
from wm2u_sd.compile.integrators import TABLEAUX
from wm2u_sd.compile.program import Level, Program, with_arguments
from wm2u_sd.simulation.ensemble import Ensemble
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import Simulator

PLACE, DRAWS = "stockport", 200
MAIN_JOB = Benchmark(
    "main_job",
    f"the scenarios of {PLACE} over {DRAWS} draws",
    reference="simulated, all scenarios together",
    rounds=3,
    measure=reported,
)
SCALAR: dict[str, Callable[..., Any]] = {
    "add": operator.add,
    "subtract": operator.sub,
    "multiply": operator.mul,
    "divide": lambda x, y: x / y if y else 0.0,
    "power": operator.pow,
    "exp": np.exp,
    "min": min,
    "max": max,
    "greater": operator.gt,
    "less_equal": operator.le,
    "equal": operator.eq,
    "truth": bool,
    "number": float,
    "if_then_else": lambda condition, then, otherwise: then if condition else otherwise,
    "ration.share": lambda content, demand: content / demand if demand > content else 1.0,
    "ration.grant": lambda asked, share: asked * share if asked > 0 else asked,
}


@dataclass(frozen=True)
class Job:
    """A place's scenarios over some draws."""

    place: Place
    draws: int

    @property
    def scenarios(self) -> list[Scenario]:
        """Every scenario of the place."""
        return chosen(self.place, ())

    @property
    def columns(self) -> int:
        """Number of runs."""
        return len(self.scenarios) * self.draws

    def simulator(self, scenarios: list[Scenario]) -> Simulator:
        """Return what the main job runs."""
        drivers = [line.driver.partition("[")[0] for line in self.place.lines]
        model = self.place.model.with_time(**RUN_STEPS)
        return Simulator(model, scenarios, save=LEVELS, accumulate=[*drivers, *RATES], backend_name=backend_name())


@cache
def the_job() -> Job:
    """Return the job, opened once."""
    return Job(open_place(PLACE, fitted=False), DRAWS)


def entry(name: str) -> Callable[[Callable[[Job], float]], Callable[[], Call]]:
    """Register a function that returns the seconds something takes for the whole job."""

    def register(function: Callable[[Job], float]) -> Callable[[], Call]:
        return MAIN_JOB.entry(name)(lambda: lambda: function(the_job()))

    return register


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


@entry("answer: simulated, priced, put in words")
def whole_answer(job: Job) -> float:
    """What `wm2u run` does."""
    return seconds(lambda: answer(job.place, draws=job.draws, seed="benchmark"))


@entry("simulated, all scenarios together")
def together(job: Job) -> float:
    """Scenarios share a past and blocks of columns."""
    simulator, ensemble = job.simulator(job.scenarios), job.place.ensemble(job.draws, "benchmark")
    return seconds(lambda: simulator.run(ensemble))


@entry("simulated, one scenario after the other")
def one_by_one(job: Job) -> float:
    """Every scenario from the start."""
    ensemble = job.place.ensemble(job.draws, "benchmark")
    simulators = [job.simulator([scenario]) for scenario in job.scenarios]
    return seconds(lambda: [simulator.run(ensemble) for simulator in simulators])


@entry("simulated, one draw after the other (from 3 at the stated values)")
def draw_by_draw(job: Job) -> float:
    """All scenarios of one draw at a time."""
    simulator = job.simulator(job.scenarios)
    return seconds(lambda: [simulator.run(Ensemble()) for _ in range(3)]) / 3 * job.draws


@entry("plain Python over the same instructions (from 20 stages of one draw)")
def plain_python(job: Job) -> float:
    """One column at a time in Python's own numbers, without what happens between stages."""
    program, stages = job.simulator(job.scenarios).kernel.program, 20
    values, steps = scalar_code(program, job)

    def stage() -> None:
        for number, function, arguments in steps:
            values[number] = function(*[values[a] for a in arguments])

    return seconds(lambda: [stage() for _ in range(stages)]) / stages * stages_in(program) * job.columns


@entry("one multiplication in the caches for every instruction of every stage")
def limit(job: Job) -> float:
    """What NumPy could do at best if scenarios shared nothing."""
    program, n, many = job.simulator(job.scenarios).kernel.program, 1000, 20_000
    x, y, out = np.full(n, 1.5), np.full(n, 0.7), np.empty(n)
    each = seconds(lambda: [np.multiply(x, y, out) for _ in range(many)]) / many / n
    return each * len(inside(program)) * stages_in(program) * job.columns


@entry("a point of the fit and its Jacobian, one candidate after the other")
def candidates_one_by_one(job: Job) -> float:
    """A fit without batches."""
    simulator, candidates = fitting(job)
    alone = [{name: values[k : k + 1] for name, values in candidates.values.items()} for k in range(candidates.n)]
    return seconds(lambda: [simulator.run(Ensemble(one, 1)) for one in alone])


@entry("a point of the fit and its Jacobian, together")
def candidates_together(job: Job) -> float:
    """A fit as it is."""
    simulator, candidates = fitting(job)
    return seconds(lambda: simulator.run(candidates))


def fitting(job: Job) -> tuple[Simulator, Ensemble]:
    """Return what a fit runs, and as many candidates as it looks at around a point."""
    n = 2 * len(job.place.free) + 1
    values = {free.name: np.full(n, free.central) for free in job.place.free}
    observed = job.place.observations
    model = fitting_model(job.place.model)
    simulator = Simulator(
        model, save=observed.observed(), accumulate=observed.accumulated(), backend_name=backend_name()
    )
    return simulator, Ensemble(values, n)


def inside(program: Program) -> list[int]:
    """Return the instructions of a stage that the rates of change need."""
    code = program.step
    return [n for n in sorted(with_arguments(code, program.rates)) if code.instructions[n].level is Level.STAGE]


def stages_in(program: Program) -> int:
    """Return how often the rates of change are worked out in a run."""
    return len(TABLEAUX[program.time.method].b) * program.time.n_steps


def scalar_code(program: Program, job: Job) -> tuple[list[Any], list[tuple[int, Callable[..., Any], tuple[int, ...]]]]:
    """Return the values of the first moment as Python's own numbers, and how a stage works them out again."""
    constants = [float(constant.value) for constant in job.place.model.constants()]
    state = NumpyKernel(program).at_start(inputs(job.place.model, {}, 1)).state[:, 0]
    given = {"literal": float, "constant": constants.__getitem__, "state": lambda k: float(state[k])}
    values: list[Any] = []
    for instruction in program.step.instructions:
        if instruction.operation in SCALAR:
            values.append(SCALAR[instruction.operation](*[values[a] for a in instruction.arguments]))
        else:
            values.append(given.get(instruction.operation, lambda _: 0.0)(instruction.payload))
    code = [(n, program.step.instructions[n]) for n in inside(program)]
    return values, [(n, SCALAR[one.operation], one.arguments) for n, one in code if one.operation in SCALAR]
