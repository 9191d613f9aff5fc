"""Runs on disk: one netCDF file, whole or not there at all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from wm2u_sd.errors import FileError
from wm2u_sd.io.atomic import replacing
from wm2u_sd.io.model_record import frozen, model_from_dict, model_to_dict
from wm2u_sd.io.paths import is_file, reason
from wm2u_sd.simulation.run import Failure, Run, Tables
from wm2u_sd.simulation.scenario import Lever, Scenario, scenario_to_dict

if TYPE_CHECKING:
    import xarray as xr

FORMAT = "wm2u_sd run 1"
GROUPS = ("data", "parameters", "ledger")
FACTS = ("model", "scenarios", "failures", "provenance")
DIGEST = "digest"


def save_run(run: Run, path: str | Path) -> Path:
    """Write a run, its model and its provenance to a netCDF file.

    The file appears whole or not at all: it is written beside its place and moved there.

    Args:
        run: What to save.
        path: Where; conventionally ends in `.nc`.

    Returns:
        The path.

    Raises:
        FileError: It cannot be written there.
    """
    facts = {
        "model": _json(model_to_dict(run.model)),
        "scenarios": _json([scenario_to_dict(scenario) for scenario in run.scenarios.values()]),
        "failures": _json([asdict(failure) for failure in run.failures]),
        "provenance": _json(dict(run.provenance)),
    }
    datasets: dict[str, xr.Dataset] = {group: getattr(run, group) for group in GROUPS}
    marks = {"format": FORMAT, DIGEST: _digest(datasets, facts)}
    with replacing(Path(path)) as draft:
        for number, (group, dataset) in enumerate(datasets.items()):
            whole = dataset if number else dataset.assign_attrs(facts | marks)
            mode: Literal["w", "a"] = "a" if number else "w"
            whole.to_netcdf(draft, mode=mode, group=group, engine="h5netcdf", encoding=_encoding(dataset))
    return Path(path)


def _encoding(dataset: xr.Dataset) -> dict[Hashable, dict[str, Any]]:
    """Return how to write each variable: numbers as they are, none of them standing for a gap; results squeezed."""
    squeezed = {"zlib": True, "complevel": 1}
    return {
        name: {"_FillValue": None, **(squeezed if array.ndim and name in dataset.data_vars else {})}
        for name, array in dataset.variables.items()
        if array.dtype.kind in "if"
    }


def load_run(path: str | Path) -> Run:
    """Read a run back.

    Raises:
        FileError: The file is missing, is not a run, is of another version, or is not as it was written.
    """
    if not is_file(Path(path)):
        raise FileError(f"{path}: there is no such file")
    datasets = {group: _read(Path(path), group) for group in GROUPS}
    attributes = datasets["data"].attrs
    found = attributes.pop("format", "nothing")
    if found != FORMAT:
        raise FileError(
            f"{path}: this is not a run saved by wm2u_sd (expected '{FORMAT}', found '{found}'). Run again."
        )
    facts = {name: attributes.pop(name, "") for name in FACTS}
    if not all(isinstance(text, str) for text in facts.values()) or attributes.pop(DIGEST, "") != _digest(
        datasets, facts
    ):
        raise FileError(f"{path}: the file is not as it was written; it is damaged or has been changed. Run again.")
    try:
        return _run(datasets, {name: json.loads(text) for name, text in facts.items()})
    except FileError as error:
        raise FileError(f"{path}: {error}. Run again.") from None
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise FileError(f"{path}: what it says of its run cannot be read ({reason(error)}). Run again.") from None


def _run(datasets: Mapping[str, xr.Dataset], facts: Mapping[str, Any]) -> Run:
    model = model_from_dict(facts["model"])
    made_with = facts["provenance"]["model_digest"]
    if model.digest != made_with:
        raise FileError(f"made from model {made_with}, but the model inside is {model.digest}")
    scenarios = {record["name"]: _scenario(record) for record in facts["scenarios"]}
    there = datasets["data"]["scenario"].values.tolist()
    if list(scenarios) != there:
        raise FileError(f"the results are of {there}, but the scenarios inside are {list(scenarios)}")
    return Run(
        tables=Tables(*(datasets[group] for group in GROUPS)),
        model=model,
        scenarios=scenarios,
        failures=tuple(Failure(**record) for record in facts["failures"]),
        provenance=facts["provenance"],
    )


def _scenario(record: Mapping[str, Any]) -> Scenario:
    return Scenario(**{**frozen(dict(record)), "levers": tuple(Lever(**frozen(lever)) for lever in record["levers"])})


def _json(facts: Any) -> str:
    return json.dumps(facts, default=_plain)


def _plain(value: Any) -> Any:
    """Return numbers of NumPy as plain ones, mappings and sequences as JSON knows them."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    return dict(value) if isinstance(value, Mapping) else list(value)


def _digest(datasets: Mapping[str, xr.Dataset], facts: Mapping[str, str]) -> str:
    """Return the fingerprint of everything in a file, so that damage is noticed."""
    found = hashlib.sha256(json.dumps(dict(facts), sort_keys=True).encode())
    for group, dataset in datasets.items():
        found.update(json.dumps([group, sorted(dataset.attrs.items())], default=str).encode())
        for name, array in sorted(dataset.variables.items(), key=lambda item: str(item[0])):
            found.update(json.dumps([name, array.dims, array.shape, sorted(array.attrs.items())], default=str).encode())
            found.update(_bytes(array.values))
    return found.hexdigest()


def _bytes(values: np.ndarray[Any, Any]) -> bytes | memoryview:
    if values.dtype.kind not in "if":
        return json.dumps(values.tolist()).encode()
    return np.ascontiguousarray(values, "<f8").reshape(-1).view(np.uint8).data


def _read(path: Path, group: str) -> xr.Dataset:
    """Return one group of a file as it was written: nothing scaled, no unit taken for a calendar."""
    import xarray as xr

    try:
        with xr.open_dataset(
            path, group=group, engine="h5netcdf", mask_and_scale=False, decode_times=False, decode_timedelta=False
        ) as dataset:
            return dataset.load()
    except Exception as error:  # noqa: BLE001 - what a damaged file makes its readers raise is nowhere stated
        raise FileError(f"{path}: cannot be read as a run ({reason(error)}). Run again.") from None
