"""Stored runs: the same bits however draws are cut into blocks, and after any of the blocks were lost (SEM-52)."""

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wm2u_sd.model.model import Balance, Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Constant, Flow, Prior, Stock
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Lever, Scenario
from wm2u_sd.simulation.simulate import simulate

pytest.importorskip("zarr")

MODEL = Model("chain", time=Time(0, 3, "1/2", method="rk2"), balance=Balance(("rate",), steady=("pool",))).define(
    Stock("pool", "begin", "person", inflows=["into"], outflows=["out"]),
    Flow("into", "arrivals", "person/month"),
    Flow("out", "pool * rate", "person/month"),
    Constant("begin", 10.0, "person", prior=Prior("lognormal", 5, 20, 10)),
    Constant("arrivals", 2.0, "person/month", prior=Prior("normal", -1, 4, 2)),
    Constant("rate", 0.3, "1/month"),
)
SCENARIOS = [Scenario("as_now"), Scenario("more", levers=[Lever("arrivals", add=1.0, start=1.0, ramp=0.5)])]


def numbers(run: Run) -> list[list[float]]:
    return [np.ravel(values).tolist() for part in (run.data, run.parameters) for values in part.values()]


@settings(max_examples=12, deadline=None)
@given(n=st.integers(1, 40), block=st.integers(1, 45), lost=st.sets(st.integers(0, 40)), seed=st.integers(0, 3))
def test_cuts_and_losses_change_nothing(n: int, block: int, lost: set[int], seed: int) -> None:
    given = {"draws": n, "seed": f"{seed}", "save": ["pool"]}
    whole = simulate(MODEL, SCENARIOS, **given)  # type: ignore[arg-type]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "run.zarr"
        first = numbers(simulate(MODEL, SCENARIOS, **given, store=path, block=block))  # type: ignore[arg-type]
        for number in lost:
            (path / "blocks" / f"{number:06d}.json").unlink(missing_ok=True)
        again = simulate(MODEL, SCENARIOS, **given, store=path, block=block)  # type: ignore[arg-type]

        assert numbers(whole) == first == numbers(again)
        assert whole.failures == again.failures
