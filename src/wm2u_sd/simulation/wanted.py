"""What a run keeps: names to save, and integrals to carry for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from wm2u_sd.compile.lower import INTEGRAL
from wm2u_sd.errors import ModelError, NameUnknownError, did_you_mean
from wm2u_sd.model.diagnostics import shortened
from wm2u_sd.model.model import Model
from wm2u_sd.model.record_check import is_names
from wm2u_sd.model.variables import Auxiliary, Flow, Stock
from wm2u_sd.simulation.run import CUMULATIVE


@dataclass(frozen=True)
class Wanted:
    """Which values to keep and which integrals to carry.

    Attributes:
        save: Stocks, flows and auxiliaries to keep.
        integrals: What is accumulated beside the flows, which always are.
        cumulative: Of what the running integral is kept.
    """

    save: tuple[str, ...]
    integrals: tuple[str, ...]
    cumulative: tuple[str, ...]

    @classmethod
    def of(cls, model: Model, save: str | Iterable[str] | None, accumulate: str | Iterable[str]) -> Wanted:
        """Read what `simulate` is asked to keep.

        Raises:
            ModelError: `save` or `accumulate` are no names.
            NameUnknownError: There is no such result.
        """
        extra = _names(accumulate, "accumulate")
        computed = [name for name, v in model.variables.items() if isinstance(v, Stock | Flow | Auxiliary)]
        flows = [flow.name for flow in model.flows()]
        integrals = dict.fromkeys([*flows, *extra])
        names = _names(save, "save") if save is not None else [*computed, *(CUMULATIVE + n for n in integrals)]
        for name in names:
            plain = name.removeprefix(CUMULATIVE)
            if name not in computed and plain not in integrals:
                known = [*computed, *(CUMULATIVE + n for n in integrals)]
                raise NameUnknownError(f"There is no result '{name}' to save.{did_you_mean(name, known)}")
        plain_names = [name for name in names if name in computed]
        cumulative = [name.removeprefix(CUMULATIVE) for name in names if name not in computed]
        cumulative += [name for name in plain_names if name in integrals and save is not None] + extra
        return cls(tuple(plain_names), tuple(extra), tuple(dict.fromkeys(cumulative)))

    def kernel_names(self) -> list[str]:
        """Return the names as a kernel knows them."""
        return [*self.save, *(INTEGRAL + name for name in self.cumulative)]


def _names(given: Any, what: str) -> list[str]:
    """Return names given as one or several, each once."""
    names = [given] if isinstance(given, str) or not isinstance(given, Iterable) else list(given)
    if not is_names(names):
        raise ModelError(f"{what} is {shortened(given)}; give names, e.g. {what}=['waiting']")
    return list(dict.fromkeys(names))
