"""Backends by name; a backend joins by registering, here or as an entry point 'wm2u_sd.backends'."""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec

from wm2u_sd.backends.base import AbstractBackend
from wm2u_sd.errors import NameUnknownError, did_you_mean

NOTICE = "wm2u_sd: llvmlite is not installed, so runs take longer (backend '%s'); pip install llvmlite"

_OWN = {
    "native": ("wm2u_sd.backends.native.backend", "NativeBackend", "llvmlite"),
    "plain": ("wm2u_sd.backends.plain", "PlainBackend", ""),
    "python": ("wm2u_sd.backends.python.backend", "PythonBackend", ""),
    "numpy": ("wm2u_sd.backends.reference", "NumpyBackend", ""),
}
"""Name -> module and class, and the package it needs; what is quickest comes first."""


@cache
def backends() -> dict[str, AbstractBackend]:
    """Return every backend that can be used here by name; of those that come with the library the quickest first."""
    own = {name: _own(name) for name in _usable()}
    return {**own, **{point.name: point.load()() for point in entry_points(group="wm2u_sd.backends")}}


def backend(name: str | None = None) -> AbstractBackend:
    """Return a backend, the quickest there is when none is named.

    Raises:
        NameUnknownError: No backend is registered under that name, or what it needs is not installed.
    """
    if name is None:
        return _quickest()
    known = backends()
    if name in known:
        return known[name]
    if name in _OWN:
        needs = _OWN[name][2]
        raise NameUnknownError(f"The backend '{name}' needs {needs}, which is not installed: pip install {needs}")
    near = did_you_mean(name, known)
    raise NameUnknownError(f"There is no backend '{name}'; there are: {', '.join(known)}.{near}")


@cache
def _quickest() -> AbstractBackend:
    """Return the quickest backend; says so, once, when it is not the one that would be."""
    chosen = _usable()[0]
    if chosen != next(iter(_OWN)):
        logging.getLogger("wm2u_sd").warning(NOTICE, chosen)
    return _own(chosen)


def _usable() -> list[str]:
    """Return the backends that come with the library and need nothing that is not installed."""
    return [name for name, (_, _, needs) in _OWN.items() if not needs or find_spec(needs)]


@cache
def _own(name: str) -> AbstractBackend:
    """Return a backend that comes with the library; only those that are asked for are imported."""
    module, kind, _ = _OWN[name]
    made: AbstractBackend = getattr(import_module(module), kind)()
    return made
