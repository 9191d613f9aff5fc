"""Arrays of a store that are read when they are asked for, without the draws that failed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from wm2u_sd.backends.base import Array

FAR_APART = 8  # times as many draws between the first and the last asked for: then each is read by itself


class KeptDraws(BackendArray):
    """A Zarr array, of which some draws are shown.

    Attributes:
        array: The Zarr array.
        axis: Which of its axes is that of draws.
        draws: The draws to show, rising.
    """

    def __init__(self, array: Any, axis: int, draws: NDArray[np.int_]) -> None:
        self.array, self.axis, self.draws = array, axis, draws
        self.shape = (*array.shape[:axis], len(draws), *array.shape[axis + 1 :])
        self.dtype = np.dtype(np.float64)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self.read)

    def read(self, key: tuple[Any, ...]) -> Array:
        """Read what is asked for: for each axis a number, a slice or numbers."""
        chosen = self.draws[key[self.axis]]
        if chosen.ndim == 0:
            return self.outer(key, int(chosen))
        if not chosen.size:
            return self.outer(key, slice(0, 0))
        first, last = int(chosen.min()), int(chosen.max()) + 1
        if last - first > FAR_APART * chosen.size:
            return self.outer(key, chosen)
        values = self.outer(key, slice(first, last))
        if last - first == chosen.size and (chosen[:-1] < chosen[1:]).all():
            return values
        place = sum(not isinstance(one, int | np.integer) for one in key[: self.axis])
        found: Array = np.take(values, chosen - first, axis=place)
        return found

    def outer(self, key: tuple[Any, ...], draws: Any) -> Array:
        """Read from the store, each axis by itself."""
        return np.asarray(self.array.oindex[(*key[: self.axis], draws, *key[self.axis + 1 :])])


def shown(array: Any, axis: int, draws: NDArray[np.int_]) -> indexing.LazilyIndexedArray:
    """Return an array of a store for xarray."""
    return indexing.LazilyIndexedArray(KeptDraws(array, axis, draws))
