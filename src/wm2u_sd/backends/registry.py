"""Backends by name; a backend joins by registering, here or as an entry point 'wm2u_sd.backends'."""

from __future__ import annotations

from importlib.metadata import entry_points

from wm2u_sd.backends.base import AbstractBackend
from wm2u_sd.backends.reference import NumpyBackend
from wm2u_sd.errors import NameUnknownError, did_you_mean

_BACKENDS: dict[str, AbstractBackend] = {backend.name: backend for backend in (NumpyBackend(),)}


def backends() -> dict[str, AbstractBackend]:
    """Return every registered backend by name."""
    installed = entry_points(group="wm2u_sd.backends")
    return {**_BACKENDS, **{point.name: point.load()() for point in installed}}


def backend(name: str) -> AbstractBackend:
    """Return a backend.

    Raises:
        NameUnknownError: No backend is registered under that name.
    """
    known = backends()
    if name not in known:
        near = did_you_mean(name, known)
        raise NameUnknownError(f"There is no backend '{name}'; there are: {', '.join(known)}.{near}")
    return known[name]
