"""Scenarios, ensembles and runs.

`wm2u_sd.simulate` is both this package and the verb: importing any module of it puts the package in the place of the
public name, so the package can be called, as `wm2u_sd.simulate.simulate.simulate` can.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that is called as the verb of its name."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from wm2u_sd.simulate.simulate import simulate

        return simulate(*args, **kwargs)


sys.modules[__name__].__class__ = _Callable
