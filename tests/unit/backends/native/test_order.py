"""The order of tasks: nothing before what it reads, and no more at once than a vector holds."""

from pathlib import Path

import pytest

from wm2u_sd.backends.loops import Store, reads_of
from wm2u_sd.backends.native.order import AT_ONCE, SLOW, depth_first, side_by_side
from wm2u_sd.backends.schedule import schedule
from wm2u_sd.compile.lower import lower
from wm2u_sd.io.text import load_model
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Flow, Stock

CORE = Path(__file__).parents[4] / "models" / "core"


def operations(model: Model) -> list[tuple[str, ...]]:
    """What is done at once in the last nest of a model that keeps all its auxiliaries."""
    program = lower(model)
    code = schedule(program, [auxiliary.name for auxiliary in model.auxiliaries()])
    (nest,) = code.saving
    groups = side_by_side(code.step, nest.tasks)
    return [tuple(code.step.instructions[t].operation for t in g if not isinstance(t, Store)) for g in groups]


def test_each_task_comes_once_and_after_what_it_reads() -> None:
    program = lower(load_model(CORE))
    code = schedule(program, ["in_care", "waiting"])
    for nest in code.stage:
        groups = side_by_side(code.step, nest.tasks)
        order = {task: at for at, group in enumerate(groups) for task in group}

        assert sorted(map(str, nest.tasks)) == sorted(str(task) for group in groups for task in group)
        for task, at in order.items():
            assert all(order.get(read.source, -1) < at for read in reads_of(code.step, task))
        for group in groups:
            if len(group) > 1:
                (operation,) = {code.step.instructions[task].operation for task in group if isinstance(task, int)}
                assert operation in SLOW
                assert len(group) <= AT_ONCE


def test_depth_first_each_task_comes_once_and_after_what_it_reads() -> None:
    program = lower(load_model(CORE))
    code = schedule(program, ["in_care", "waiting"])
    for nest in code.stage:
        tasks = depth_first(code.step, nest.tasks)
        at = {task: place for place, task in enumerate(tasks)}

        assert sorted(map(str, nest.tasks)) == sorted(map(str, tasks))
        for task in tasks:
            assert all(at.get(read.source, -1) < at[task] for read in reads_of(code.step, task))


def test_what_a_store_needs_comes_just_before_it() -> None:
    chains = [
        one
        for k in range(3)
        for one in (
            Stock(f"held_{k}", "1", outflows=[f"flow_{k}"]),
            Flow(f"flow_{k}", f"exp(held_{k}) * sin(held_{k})"),
        )
    ]
    program = lower(Model("chains", time=Time(0, 4)).define(*chains))
    code = schedule(program, ["held_0", "held_1", "held_2"])
    (nest,) = code.stage
    said = ["store" if isinstance(t, Store) else "work" for t in depth_first(code.step, nest.tasks)]

    assert said[: said.index("store") + 1] * 3 == said


@pytest.mark.parametrize(("n", "groups"), [(1, [1]), (2, [2]), (4, [4]), (6, [4, 2])])
def test_divisions_that_wait_for_nothing_are_done_together(n: int, groups: list[int]) -> None:
    parts = [Auxiliary(f"part_{k}", f"time / (c + {k})") for k in range(n)]
    model = Model("parts", time=Time(0, 4)).define(Constant("c", 3.0), *parts)

    assert groups == [len(one) for one in operations(model) if "divide" in one]
