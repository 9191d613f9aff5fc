"""Summaries over draws, against NumPy on the whole array."""

from pathlib import Path

import numpy as np
import pytest

from wm2u_sd.errors import ModelError
from wm2u_sd.model.dimensions import Dimension
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Prior
from wm2u_sd.simulation import summary
from wm2u_sd.simulation.run import Run
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import simulate
from wm2u_sd.simulation.summary import summary_over_draws

SCENARIOS = (Scenario("as_now"), Scenario("more", set={"y": 3.0}))


@pytest.fixture
def model() -> Model:
    return Model("drawn", time=Time(0, 4, 1)).define(
        Dimension("age", ["young", "old"]),
        Auxiliary("seen", "x * y * time"),
        Auxiliary("by_age", "x * size", "litre", over=["age"]),
        Constant("x", 2.0, prior=Prior("lognormal", 1, 9, 3)),
        Constant("y", 2.0, prior=Prior("uniform", 1, 3, 2)),
        Constant("size", [1.0, 2.0], over=["age"]),
    )


def expected(values: np.ndarray) -> list[np.ndarray]:
    return [values.mean(1), values.std(1), *np.quantile(values, [0.05, 0.5, 0.95], axis=1)]


def assert_right(run: Run, values: Run) -> None:
    found = summary_over_draws(run)

    assert ["mean", "sd", "0.05", "0.5", "0.95"] == found["statistic"].values.tolist()
    assert ("statistic", "scenario", "time", "age") == found["by_age"].dims
    assert {"units": "litre", "long_name": "by age"} == found["by_age"].attrs
    assert run.data.attrs == found.attrs
    assert "draw" not in found.coords
    for name in ("seen", "by_age"):
        np.testing.assert_allclose(expected(values.data[name].values), found[name].values, rtol=1e-13)


@pytest.mark.parametrize("bytes_at_once", [1, 3000, 64_000_000])
def test_a_run_is_summarised_over_its_draws(bytes_at_once: int, model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    run = simulate(model, SCENARIOS, draws=101)
    monkeypatch.setattr(summary, "AT_ONCE", bytes_at_once)

    assert_right(run, run)


def test_a_stored_run_is_summarised_to_the_same_bits(model: Model, tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    run = simulate(model, SCENARIOS, draws=101)
    kept = simulate(model, SCENARIOS, draws=101, store=tmp_path / "run.zarr", block=16)

    assert_right(kept, run)
    assert summary_over_draws(run).equals(summary_over_draws(kept))


def test_quantiles_may_be_chosen_or_left_out(model: Model) -> None:
    run = simulate(model, draws=5)

    assert ["mean", "sd"] == summary_over_draws(run, ()).statistic.values.tolist()
    top = summary_over_draws(run, [1.0]).seen.sel(statistic="1").values
    assert run.data.seen.max("draw").values.tolist() == top.tolist()


@pytest.mark.parametrize("quantile", [-0.1, 1.5, 95, float("nan")])
def test_a_quantile_is_between_0_and_1(quantile: float, model: Model) -> None:
    with pytest.raises(ModelError) as caught:
        summary_over_draws(simulate(model, draws=5), [0.5, quantile])

    assert f"quantiles: {quantile:g} is not between 0 and 1; 0.05 stands for the 5% point" == str(caught.value)
