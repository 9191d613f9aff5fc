"""Runs on disk: one netCDF file, whole or not there at all."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from wm2u_sd.errors import FileError
from wm2u_sd.io.atomic import replacing
from wm2u_sd.io.model_record import model_from_dict, model_to_dict
from wm2u_sd.simulate.run import Failure, Run
from wm2u_sd.simulate.scenario import Lever, Scenario, scenario_to_dict

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "wm2u_sd run 1"
GROUPS = ("data", "parameters", "ledger")


def save_run(run: Run, path: str | Path) -> Path:
    """Write a run, its model and its provenance to a netCDF file.

    The file appears whole or not at all: it is written beside its place and moved there.

    Args:
        run: What to save.
        path: Where; conventionally ends in `.nc`.

    Returns:
        The path.
    """
    facts = {
        "format": FORMAT,
        "model": json.dumps(model_to_dict(run.model)),
        "scenarios": json.dumps([scenario_to_dict(scenario) for scenario in run.scenarios.values()]),
        "failures": json.dumps([asdict(failure) for failure in run.failures]),
        "provenance": json.dumps(dict(run.provenance)),
    }
    with replacing(Path(path)) as draft:
        for number, group in enumerate(GROUPS):
            dataset: xr.Dataset = getattr(run, group)
            if not number:
                dataset = dataset.assign_attrs(facts)
            squeezed = {name: {"zlib": True, "complevel": 1} for name, array in dataset.data_vars.items() if array.ndim}
            dataset.to_netcdf(draft, mode="a" if number else "w", group=group, engine="h5netcdf", encoding=squeezed)
    return Path(path)


def load_run(path: str | Path) -> Run:
    """Read a run back.

    Raises:
        FileError: The file is missing, is not a run, or its model does not match the digest it was made with.
    """
    datasets = {group: _read(Path(path), group) for group in GROUPS}
    facts = datasets["data"].attrs
    if facts.get("format") != FORMAT:
        raise FileError(
            f"{path}: this is not a run saved by wm2u_sd (expected '{FORMAT}', found '{facts.get('format')}')"
        )
    model = model_from_dict(json.loads(facts.pop("model")))
    provenance = json.loads(facts.pop("provenance"))
    if model.digest != provenance.get("model_digest"):
        raise FileError(
            f"{path}: made from model {provenance.get('model_digest')}, but the model inside is {model.digest}; "
            "the file has been changed. Run again."
        )
    scenarios = [_scenario(record) for record in json.loads(facts.pop("scenarios"))]
    failures = tuple(Failure(**record) for record in json.loads(facts.pop("failures")))
    facts.pop("format")
    return Run(
        **datasets,
        model=model,
        scenarios={scenario.name: scenario for scenario in scenarios},
        failures=failures,
        provenance=provenance,
    )


def _scenario(record: dict[str, Any]) -> Scenario:
    return Scenario(**{**record, "levers": tuple(Lever(**lever) for lever in record["levers"])})


def _read(path: Path, group: str) -> xr.Dataset:
    import xarray as xr

    if not path.is_file():
        raise FileError(f"{path}: there is no such file")
    try:
        with xr.open_dataset(path, group=group, engine="h5netcdf") as dataset:
            return dataset.load()
    except (OSError, ValueError, KeyError) as error:
        raise FileError(f"{path}: cannot be read as a run ({error})") from None
