"""The yardstick care run by PySD, as it is and with its lookups read by NumPy."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
from bench import needs_module
from peers.files import vensim_file
from yardsticks import OUTPUTS

from wm2u_sd.backends.base import Array


def pysd_run(*, quick_lookups: bool) -> Callable[[], Array]:
    """Return a call that makes one run of care at its stated values.

    Args:
        quick_lookups: Let `numpy.interp` read the lookups; PySD spends nearly all its time in reading them through
            xarray.

    Raises:
        Skipped: It is not installed.
    """
    needs_module("pysd")
    import pysd

    with vensim_file("care") as path, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = pysd.read_vensim(str(path))

    def once() -> Array:
        with warnings.catch_warnings(), _lookups_by_numpy() if quick_lookups else nullcontext():
            warnings.simplefilter("ignore")
            frame = model.run(return_columns=list(OUTPUTS))
        return np.array([frame[output].to_numpy() for output in OUTPUTS])[..., np.newaxis]

    return once


@contextmanager
def _lookups_by_numpy() -> Iterator[None]:
    """Put `numpy.interp` in the place of the method with which PySD reads a lookup without dimensions."""
    from pysd.py_backend.lookups import Lookups

    def read(self: Any, data: Any, x: float, final_subs: Any = None) -> float:
        return float(np.interp(x, *curves.setdefault(id(data), (data["lookup_dim"].values, data.values))))

    curves: dict[int, tuple[Array, Array]] = {}
    original = Lookups._call
    Lookups._call = read
    try:
        yield
    finally:
        Lookups._call = original
