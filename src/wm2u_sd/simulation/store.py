"""The numbers of a stored run: one Zarr array for each result and parameter, cut along draws into blocks."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from wm2u_sd.backends.base import Array
from wm2u_sd.errors import SimulationError
from wm2u_sd.simulation.labels import FIRST_DIMENSIONS, Label, outward

if TYPE_CHECKING:
    import zarr

RESULTS, DRAWN, SOLVED = "data", "drawn", "solved"
CHUNK_BYTES = 8_000_000  # about: whole moments of a block, so that a few moments of all draws can be read alone


def need_zarr() -> None:
    """Refuse to store a run without Zarr.

    Raises:
        SimulationError: It is not installed.
    """
    if not find_spec("zarr"):
        raise SimulationError("store= needs zarr, which is not installed: pip install 'wm2u_sd[large]'")


@dataclass(frozen=True)
class Store:
    """A folder that holds a run as Zarr arrays.

    On the disk a chunk is one scenario of a block, (*axes, moment, draw), as kernels leave it; read back it is
    (scenario, draw, moment, *axes).
    """

    path: Path

    @cached_property
    def root(self) -> zarr.Group:
        """The root of the arrays."""
        import zarr

        return zarr.open_group(self.path, mode="a", zarr_format=3)

    @cached_property
    def known(self) -> dict[tuple[str, str], Any]:
        """Arrays that were opened."""
        return {}

    def array(self, group: str, name: str) -> Any:
        """Return an array of the store."""
        if (group, name) not in self.known:
            self.known[group, name] = self.root[f"{group}/{name}"]
        return self.known[group, name]

    # Making room -----------------------------------------------------------------------------------------------------

    def make_results(self, labels: Sequence[Label], n_draws: int, block: int, where: Mapping[str, Any]) -> None:
        """Make room for results; what is not written yet reads as NaN.

        Args:
            labels: Of the results.
            n_draws: Number of draws.
            block: Number of draws in a block.
            where: The coordinates.
        """
        from zarr.codecs import TransposeCodec

        group = self.root.require_group(RESULTS)
        n_scenarios, n_moments = len(where["scenario"]), len(where["time"][1])
        for label in labels:
            axes = range(len(FIRST_DIMENSIONS), len(label.dimensions))
            group.create_array(
                label.name,
                shape=(n_scenarios, n_draws, n_moments, *label.shape),
                chunks=(1, block, max(1, min(n_moments, CHUNK_BYTES // (8 * block * label.size))), *label.shape),
                dimension_names=label.dimensions,
                attributes=dict(label.attributes),
                filters=[TransposeCodec(order=(0, *axes, 2, 1))],
                **_numbers(),
            )
        for name, values in where.items():
            _make_coordinate(group, name, values)

    def make_constant(self, group: str, name: str, n_draws: int, block: int, attributes: Mapping[str, str]) -> None:
        """Make room for a constant that varies between draws."""
        self.root.require_group(group).create_array(
            name,
            shape=(n_draws,),
            chunks=(block,),
            dimension_names=("draw",),
            attributes=dict(attributes),
            filters=None,
            **_numbers(),
        )

    # Writing and reading ---------------------------------------------------------------------------------------------

    def write_constant(self, group: str, name: str, values: Array, draws: slice) -> str:
        """Write some draws of a constant, and return their digest."""
        whole = np.ascontiguousarray(values, dtype=np.float64)
        self.array(group, name)[draws] = whole
        return hashlib.sha256(whole.data).hexdigest()

    def read_constant(self, group: str, name: str, draws: slice) -> Array:
        """Read some draws of a constant."""
        return np.ascontiguousarray(self.array(group, name)[draws], dtype=np.float64)

    def write_result(self, name: str, values: Array, draws: slice) -> str:
        """Write a result of a block, (*axes, moment, scenario, draw), and return its digest."""
        array, digest = self.array(RESULTS, name), hashlib.sha256()
        for scenario in range(values.shape[-2]):
            own = np.ascontiguousarray(values[..., scenario, :])
            digest.update(own.data)
            array[scenario : scenario + 1, draws] = outward(own[..., np.newaxis, :])
        return digest.hexdigest()

    def constant_digest(self, group: str, name: str, draws: slice) -> str:
        """Return the digest of some draws of a constant as they stand in the store."""
        return hashlib.sha256(self.read_constant(group, name, draws).data).hexdigest()

    def result_digest(self, name: str, draws: slice) -> str:
        """Return the digest of a result of a block as it stands in the store."""
        array, digest = self.array(RESULTS, name), hashlib.sha256()
        for scenario in range(array.shape[0]):
            own = np.moveaxis(array[scenario : scenario + 1, draws][0], (1, 0), (-2, -1))
            digest.update(np.ascontiguousarray(own).data)
        return digest.hexdigest()

    def settle(self, group: str, names: Iterable[str], draws: slice) -> None:
        """Put the files that hold some draws on the disk."""
        for name in names:
            for file in self.files(self.array(group, name), draws):
                with suppress(FileNotFoundError):  # a chunk of nothing but NaN is not written
                    _put_on_disk(file)

    def files(self, array: Any, draws: slice) -> Iterator[Path]:
        """Yield the files of an array that hold some draws."""
        grid = [range(-(-size // chunk)) for size, chunk in zip(array.shape, array.chunks, strict=True)]
        along = array.metadata.dimension_names.index("draw")
        grid[along] = range(draws.start // array.chunks[along], -(-draws.stop // array.chunks[along]))
        for place in product(*grid):
            yield self.path.joinpath(array.path, "c", *map(str, place))


def _numbers() -> dict[str, Any]:
    """Return how numbers are stored: as they are, with a checksum of each chunk."""
    from zarr.codecs import Crc32cCodec

    return {"dtype": "float64", "fill_value": np.nan, "compressors": [Crc32cCodec()], "overwrite": True}


def _make_coordinate(group: zarr.Group, name: str, values: Any) -> None:
    """Write a coordinate: (dimension, labels, attributes), or labels alone."""
    labels, attributes = (values[1], values[2]) if isinstance(values, tuple) else (values, {})
    found = np.asarray(labels)
    made = group.create_array(
        name,
        shape=found.shape,
        chunks=found.shape,
        dtype=found.dtype if found.dtype.kind in "if" else str,
        dimension_names=(name,),
        attributes=attributes,
        overwrite=True,
    )
    made[:] = found if found.dtype.kind in "if" else found.astype(object)


def _put_on_disk(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
