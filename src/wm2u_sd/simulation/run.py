"""A run: labelled results of every scenario and draw, with where they came from."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING

from wm2u_sd.model.model import Model
from wm2u_sd.simulation.conservation import ledger_text
from wm2u_sd.simulation.scenario import Scenario

if TYPE_CHECKING:
    import xarray as xr

CUMULATIVE = "cumulative_"


@dataclass(frozen=True, slots=True)
class Failure:
    """A draw that could not be carried through, and why. It is left out of every scenario, and counted."""

    scenario: str
    draw: int
    reason: str


class AbstractTables(ABC):
    """Makes the labelled tables of a run: labels cost more than a small run does, and are not always asked for."""

    @abstractmethod
    def data(self) -> xr.Dataset:
        """Return `Run.data`."""

    @abstractmethod
    def parameters(self) -> xr.Dataset:
        """Return `Run.parameters`."""

    @abstractmethod
    def ledger(self) -> xr.Dataset:
        """Return `Run.ledger`."""


@dataclass(frozen=True)
class Tables(AbstractTables):
    """Tables that are there already."""

    made_data: xr.Dataset
    made_parameters: xr.Dataset
    made_ledger: xr.Dataset

    def data(self) -> xr.Dataset:
        """Return `Run.data`."""
        return self.made_data

    def parameters(self) -> xr.Dataset:
        """Return `Run.parameters`."""
        return self.made_parameters

    def ledger(self) -> xr.Dataset:
        """Return `Run.ledger`."""
        return self.made_ledger


@dataclass(frozen=True)
class Run:
    """Results of a simulation.

    Attributes:
        tables: Makes `data`, `parameters` and `ledger`, each when it is first asked for.
        model: The model that was run.
        scenarios: By name, in the order run.
        failures: Draws left out.
        provenance: Model digest, seed, versions and settings, as text.
    """

    tables: AbstractTables = field(repr=False)
    model: Model
    scenarios: Mapping[str, Scenario]
    failures: Sequence[Failure] = ()
    provenance: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def data(self) -> xr.Dataset:
        """Results, dims scenario, draw, time and then those of the model; every variable has `units`, `long_name`.

        `cumulative_<flow>` is the amount since the start, so the amount in a period is a difference of two.
        """
        return self.tables.data()

    @cached_property
    def parameters(self) -> xr.Dataset:
        """The constants that vary between draws, dims (draw,)."""
        return self.tables.parameters()

    @cached_property
    def ledger(self) -> xr.Dataset:
        """at_start, entered, left, at_end and difference, dims (population, scenario, draw).

        Of a stored run it has blocks in the place of draws: the mean of each, and its largest difference.
        """
        return self.tables.ledger()

    def with_tables(
        self, *, data: xr.Dataset | None = None, parameters: xr.Dataset | None = None, ledger: xr.Dataset | None = None
    ) -> Run:
        """Return the same run with other tables: some draws of it, say, or what was worked out from it beside it."""
        given = (data, self.data), (parameters, self.parameters), (ledger, self.ledger)
        return replace(self, tables=Tables(*(own if new is None else new for new, own in given)))

    def failed(self) -> Sequence[Failure]:
        """Return the draws that were left out."""
        return self.failures

    def print_ledger(self) -> str:
        """Return the conservation ledger as text."""
        return ledger_text(self.ledger)

    def __repr__(self) -> str:
        sizes = self.data.sizes
        left_out = len({failure.draw for failure in self.failures})
        lines = [
            f"Run of {self.model.name}: {sizes['scenario']} scenarios, {sizes['draw']:,} draws, "
            f"{sizes['time']} moments from {float(self.data.time[0]):g} to {float(self.data.time[-1]):g} "
            f"{self.model.time.units}",
            f"  scenarios: {', '.join(map(str, self.data.scenario.values))}",
            f"  kept: {', '.join(str(name) for name in self.data.data_vars)}",
        ]
        if left_out:
            lines.append(f"  {left_out:,} draws stopped; they are left out and counted; see failed()")
        return "\n".join(lines)
