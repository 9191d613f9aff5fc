"""Exact derivatives of a run: of one number by many constants (`gradient`), of many values by a few (`jacobian`).

They are those of the discrete run: of what the computer works out with this step and this method, to rounding. Where
two branches meet (min, max, rationing, points of a lookup) they are those of the branch that was taken. Conditions
carry none; the constants that act through them are named beside a gradient.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from wm2u_sd.backends.base import AbstractKernel, Array, Inputs, Move
from wm2u_sd.backends.base import Gradient as Bars
from wm2u_sd.backends.registry import backend
from wm2u_sd.compile.adjoint import Wanted
from wm2u_sd.compile.jumps import Jumps, jumps
from wm2u_sd.compile.lower import INTEGRAL, lower
from wm2u_sd.compile.program import Program
from wm2u_sd.compile.tangent import TANGENT, tangent
from wm2u_sd.errors import ModelError, NameUnknownError, did_you_mean
from wm2u_sd.model.check import check
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import Auxiliary, Flow, Stock
from wm2u_sd.simulation.balance import refuse_unbalanced, rest
from wm2u_sd.simulation.ensemble import Ensemble, draw
from wm2u_sd.simulation.levers import all_levers, check_targets, moves, moving_names
from wm2u_sd.simulation.run import CUMULATIVE
from wm2u_sd.simulation.scenario import Scenario

if TYPE_CHECKING:
    import xarray as xr

Of = str | Mapping[str, Any]


@dataclass(frozen=True)
class Gradient:
    """How a number that a run gives changes with what goes in.

    Attributes:
        value: The number, dims (scenario, draw).
        constants: Dataset by constant, dims (scenario, draw) and those of the constant; in units of the number over
            those of the constant. Where the model starts at rest, the constants that are solved for move along.
        initial: Dataset by stock, dims (scenario, draw) and those of the stock: with what the stock holds at the start.
        points: Dataset by lookup, dims (axis, point, scenario, draw): with the x and the y of each of its points.
        events: Constants that set when something happens or how long a fixed delay is: the number jumps with them,
            which no derivative shows.
        thresholds: Constants that set where one of two branches is taken, likewise.
    """

    value: xr.DataArray
    constants: xr.Dataset
    initial: xr.Dataset
    points: xr.Dataset
    events: tuple[str, ...]
    thresholds: tuple[str, ...]


def gradient(
    model: Model,
    of: Of,
    by: str | Iterable[str] | None = None,
    *,
    scenario: Scenario | None = None,
    draws: int | Ensemble | None = None,
    seed: str | int = "wm2u",
    lookups: Iterable[str] = (),
) -> Gradient:
    """Differentiate one number of a run by constants, initial stocks and points of lookups, going back over the run.

    It takes a few times as long as the run, however many constants there are.

    Args:
        model: The model.
        of: A stock, flow, auxiliary or `cumulative_<name>`: its value at the end, added up over its dimensions. Or by
            name, weights of its kept values, of any shape that broadcasts to (time, then its dimensions): their sum.
        by: Constants; None takes all.
        scenario: Under which; None changes nothing.
        draws: As in `simulate`.
        seed: For the draws.
        lookups: Lookups by whose points it is wanted, too.

    Raises:
        CheckFailed: The model has errors.
        NameUnknownError: There is no such result, constant or lookup.
        SimulationError: There is no machine code here (llvmlite is not installed): going back needs it.
    """
    setting = _Setting.of(model, scenario, draws, seed, list(_weights(model, of)))
    wanted = Wanted(setting.numbers(by), setting.tables(lookups))
    weights = {setting.inner(name): weight for name, weight in _weights(model, of).items()}

    def loss(kept: Mapping[str, Array], _: NDArray[np.int64]) -> tuple[Array, dict[str, Array]]:
        bars = {name: _laid_out(weight, kept[name]) for name, weight in weights.items()}
        parts = [(bars[name] * kept[name]).sum(axis=tuple(range(bars[name].ndim - 1))) for name in bars]
        return np.asarray(sum(parts)), bars

    kernel = backend("native").compile(setting.program)
    steps = model.time.saved_steps()
    all_wanted = Wanted(wanted.constants | setting.solved, wanted.tables)
    value, bars = kernel.value_and_gradient(setting.inputs, list(weights), steps, loss, all_wanted)
    return _Labels(setting, of, wanted).gradient(value, setting.at_rest(bars, wanted))


def _laid_out(weight: Any, kept: Array) -> Array:
    """Lay weights over (time, *dims) out over kept values, which are (*dims, time, columns)."""
    whole = np.broadcast_to(np.asarray(weight, float), (kept.shape[-2], *kept.shape[:-2]))
    return np.broadcast_to(np.moveaxis(whole, 0, -1)[..., np.newaxis], kept.shape)


def _weights(model: Model, of: Of) -> dict[str, Any]:
    if isinstance(of, Mapping):
        return dict(of)
    shape = (len(model.time.saved_steps()),)
    last = np.zeros(shape)
    last[-1] = 1.0
    n_axes = len(_record(model, of).over)
    return {of: last.reshape(-1, *(1,) * n_axes)}


def _record(model: Model, name: str) -> Any:
    """Return the record of a result.

    Raises:
        NameUnknownError: There is none.
    """
    plain = name.removeprefix(CUMULATIVE)
    results = [n for n, v in model.variables.items() if isinstance(v, Stock | Flow | Auxiliary)]
    if plain not in results:
        raise NameUnknownError(f"There is no result '{name}' to differentiate.{did_you_mean(plain, results)}")
    return model.get(plain)


@dataclass(frozen=True)
class _Setting:
    """A model ready to be differentiated.

    Attributes:
        constants: Every constant by name, (*axes, draws) or (*axes, 1), solved where the model starts at rest.
    """

    model: Model
    scenario: Scenario
    program: Program
    ensemble: Ensemble
    constants: Mapping[str, Array]

    @classmethod
    def of(
        cls,
        model: Model,
        scenario: Scenario | None,
        draws: int | Ensemble | None,
        seed: str | int,
        names: Sequence[str],
    ) -> _Setting:
        scenario = scenario or Scenario("as_now")
        check_targets(model, [scenario])
        check(model, scenarios=[scenario]).raise_if_errors()
        for name in names:
            _record(model, name)
        integrals = [name.removeprefix(CUMULATIVE) for name in names if name.startswith(CUMULATIVE)]
        program = lower(model, moving=moving_names([scenario]), integrals=integrals)
        ensemble = draws if isinstance(draws, Ensemble) else draw(model, draws, seed) if draws else Ensemble({}, 1, "")
        return cls(model, scenario, program, ensemble, _constants(model, backend().compile(program), ensemble))

    @staticmethod
    def inner(name: str) -> str:
        """Return what a result is called in a program."""
        return INTEGRAL + name.removeprefix(CUMULATIVE) if name.startswith(CUMULATIVE) else name

    @cached_property
    def names(self) -> list[str]:
        return [slot.name for slot in self.program.constants]

    @cached_property
    def inputs(self) -> Inputs:
        moved = {self.names.index(n): move for n, move in moves(self.model.time, [self.scenario]).items()}
        lookups = [lookup.name for lookup in self.model.lookups()]
        points = {lookups.index(v.target): v.points for v in all_levers(self.scenario) if v.points is not None}
        tables = {
            k: (np.array([x for x, _ in own], float), np.array([y for _, y in own], float)) for k, own in points.items()
        }
        return Inputs([self.constants[name] for name in self.names], self.ensemble.n, 1, moved, tables)

    def numbers(self, by: str | Iterable[str] | None) -> frozenset[int]:
        names = self.names if by is None else [by] if isinstance(by, str) else list(by)
        for name in names:
            self.model.constant(name)
        return frozenset(self.names.index(name) for name in names)

    def tables(self, lookups: Iterable[str]) -> dict[int, int]:
        known = [lookup.name for lookup in self.model.lookups()]
        found = {}
        for name in [lookups] if isinstance(lookups, str) else lookups:
            if name not in known:
                raise NameUnknownError(f"There is no lookup '{name}' in {self.model.name}.{did_you_mean(name, known)}")
            k = known.index(name)
            found[k] = len(self.inputs.tables[k][0]) if k in self.inputs.tables else len(self.program.tables[k].x)
        return found

    @cached_property
    def solved(self) -> frozenset[int]:
        """Numbers of the constants that are solved for, so that the model starts at rest."""
        solve = self.model.balance.solve if self.model.balance else ()
        return frozenset(self.names.index(name) for name in solve)

    def at_rest(self, bars: Bars, wanted: Wanted) -> Bars:
        """Let the constants that are solved for move along, so that the model still starts at rest.

        The conditions r(c, u) = 0 hold for the solved u whatever c is, so du/dc = -(dr/du)^-1 dr/dc.
        """
        free = sorted(wanted.constants - self.solved)
        if not self.solved or not free:
            return bars
        solved = sorted(self.solved)
        slopes = _Conditions(self).slopes([*solved, *free])
        by_solved = slopes[:, : len(solved)]
        pull = np.stack([bars.constants[k] for k in solved])
        multipliers = np.linalg.solve(np.moveaxis(by_solved, -1, 0).transpose(0, 2, 1), pull.T[..., np.newaxis])[
            ..., 0
        ].T
        moved = dict(bars.constants)
        column = len(solved)
        for k in free:
            size = max(1, int(np.prod(self.program.constants[k].shape, dtype=int)))
            own = np.einsum("mn,mpn->pn", multipliers, slopes[:, column : column + size])
            moved[k] = moved[k] - own.reshape(moved[k].shape)
            column += size
        return Bars(moved, bars.initial, bars.moved, bars.points)

    @cached_property
    def jumps(self) -> Jumps:
        return jumps(self.program)


def _constants(model: Model, kernel: AbstractKernel, ensemble: Ensemble) -> dict[str, Array]:
    values: dict[str, Array] = {}
    for constant in model.constants():
        given = ensemble.values.get(constant.name)
        values[constant.name] = (
            np.asarray(constant.value, float)[..., np.newaxis] if given is None else np.asarray(given, float)
        )
    if model.balance is not None:
        solved, found = rest(model, kernel, values, ensemble.n)
        refuse_unbalanced(model, found)
        values |= solved
    return values


@dataclass(frozen=True)
class _Directions:
    """One direction for each element of some constants, beside each draw.

    Attributes:
        setting: What is differentiated.
        numbers: Of the constants, in order.
    """

    setting: _Setting
    numbers: Sequence[int]

    @cached_property
    def program(self) -> Program:
        return tangent(self.setting.program, self.numbers)

    @property
    def order(self) -> list[int]:
        """Numbers of the constants as the new program has their directions."""
        return sorted(self.numbers)

    @cached_property
    def elements(self) -> list[tuple[int, tuple[int, ...]]]:
        """Constant and element of each direction, in the order that was asked for."""
        slots = self.setting.program.constants
        return [(k, at) for k in self.numbers for at in np.ndindex(*slots[k].shape)]

    @cached_property
    def inputs(self) -> Inputs:
        """Inputs whose draws stand direction by direction."""
        own, n, m = self.setting.inputs, self.setting.inputs.n_draws, len(self.elements)
        wide = [value if value.shape[-1] == 1 else np.tile(value, m) for value in own.constants]
        slots = self.setting.program.constants
        directions = {k: np.zeros((*slots[k].shape, m)) for k in self.order}
        for column, (k, at) in enumerate(self.elements):
            directions[k][(*at, column)] = 1.0
        repeated = [np.repeat(directions[k], n, axis=-1) for k in self.order]
        first = len(slots)
        still = {
            first + at: Move(own.moves[k].times, np.zeros_like(own.moves[k].plus))
            for at, k in enumerate(self.order)
            if k in own.moves
        }
        return Inputs([*wide, *repeated], n * m, 1, {**own.moves, **still}, own.tables)


class _Conditions:
    """The conditions under which a model starts at rest."""

    def __init__(self, setting: _Setting) -> None:
        self.setting = setting

    def slopes(self, numbers: Sequence[int]) -> Array:
        """Return how each condition changes with each element of some constants: (condition, element, draw)."""
        setting, directions = self.setting, _Directions(self.setting, numbers)
        balance = setting.model.balance
        if balance is None:
            raise ModelError(f"{setting.model.name} has no balance")
        program, n = directions.program, setting.inputs.n_draws
        wanted = [TANGENT + name for name in (*balance.steady, *balance.zero)]
        unmoved = replace(directions.inputs, moves={}, tables={})  # as it is solved: before scenarios move anything
        moment = backend().compile(program).at_start(unmoved, names=wanted)
        rows = {slot.name: slot.rows for slot in program.states}
        steady = [moment.rates[rows[TANGENT + name]].sum(axis=0) for name in balance.steady]
        columns = directions.inputs.n_columns
        zero = [np.broadcast_to(moment.values[TANGENT + name], columns) for name in balance.zero]
        return np.array([*steady, *zero]).reshape(len(wanted), -1, n)


def jacobian(
    model: Model,
    of: str | Iterable[str],
    by: str | Iterable[str],
    *,
    scenario: Scenario | None = None,
    draws: int | Ensemble | None = None,
    seed: str | int = "wm2u",
    backend_name: str | None = None,
) -> xr.Dataset:
    """Differentiate kept values of a run by a few constants, carrying their derivatives along.

    It takes about three times as long as a run for every constant (or element of one).

    Args:
        model: The model.
        of: Stocks, flows, auxiliaries or `cumulative_<name>`.
        by: Constants.
        scenario: As in `gradient`.
        draws: As in `gradient`.
        seed: As in `gradient`.
        backend_name: How to run it, as in `simulate`.

    Returns:
        For each result a variable, dims (by, scenario, draw, time) and its own; `by` names the constants, elements as
        'name[element, ...]'. Constants that are solved for so that a model starts at rest are held where they are.

    Raises:
        CheckFailed: The model has errors.
        NameUnknownError: There is no such result or constant.
    """
    import xarray as xr

    names = [of] if isinstance(of, str) else list(of)
    setting = _Setting.of(model, scenario, draws, seed, names)
    asked = [by] if isinstance(by, str) else list(by)
    numbers = [setting.names.index(model.constant(name).name) for name in asked]
    directions = _Directions(setting, numbers)
    kernel = backend(backend_name).compile(directions.program)
    kept = [TANGENT + setting.inner(name) for name in names]
    arrays, _ = kernel.run(directions.inputs, kept, model.time.saved_steps())
    n = setting.inputs.n_draws
    variables = {}
    for name, inner in zip(names, kept, strict=True):
        axes = [axis.name for axis in directions.program.axes[inner]]
        array = arrays[inner].reshape(*arrays[inner].shape[:-1], -1, n)
        turned = np.moveaxis(array, (-2, -1, -3), (0, 1, 2))[:, np.newaxis]
        variables[name] = (("by", "scenario", "draw", "time", *axes), turned, {"long_name": f"change of {name}"})
    coordinates = {
        "by": [_element_name(setting.program, k, at) for k, at in directions.elements],
        "scenario": [setting.scenario.name],
        "draw": np.arange(n),
        "time": ("time", model.time.saved_times(), {"units": model.time.units}),
    }
    return xr.Dataset(variables, coordinates)


def _element_name(program: Program, k: int, at: tuple[int, ...]) -> str:
    slot = program.constants[k]
    elements = [axis.elements[place] for axis, place in zip(slot.axes, at, strict=True)]
    return f"{slot.name}[{', '.join(elements)}]" if elements else slot.name


@dataclass(frozen=True)
class _Labels:
    """Names, dimensions and units for a gradient."""

    setting: _Setting
    of: Of
    wanted: Wanted

    def gradient(self, value: Array, bars: Bars) -> Gradient:
        import xarray as xr

        setting, program = self.setting, self.setting.program
        coordinates = {"scenario": [setting.scenario.name], "draw": np.arange(setting.inputs.n_draws)}
        constants = {
            program.constants[k].name: self.variable(
                program.constants[k].axes, bars.constants[k], program.constants[k].name
            )
            for k in sorted(self.wanted.constants)
        }
        stocks = {stock.name for stock in setting.model.stocks()}
        initial = {
            program.states[k].name: self.variable(program.states[k].axes, bar, program.states[k].name)
            for k, bar in bars.initial.items()
            if program.states[k].name in stocks
        }
        found = setting.jumps
        named = self.wanted.constants
        return Gradient(
            value=xr.DataArray(value[np.newaxis], coordinates, ("scenario", "draw"), "value"),
            constants=xr.Dataset(constants, coordinates),
            initial=xr.Dataset(initial, coordinates),
            points=self.points(bars),
            events=tuple(program.constants[k].name for k in found.events if k in named),
            thresholds=tuple(program.constants[k].name for k in found.thresholds if k in named),
        )

    def variable(self, axes: Any, bar: Array, name: str) -> Any:
        label = {"long_name": f"change with {name.replace('_', ' ')}"}
        turned = np.moveaxis(bar, -1, 0)[np.newaxis]
        return (("scenario", "draw", *(axis.name for axis in axes)), turned, label)

    def points(self, bars: Bars) -> xr.Dataset:
        import xarray as xr

        coordinates = {"axis": ["x", "y"], "scenario": [self.setting.scenario.name]}
        variables = {}
        for k, (x, y) in bars.points.items():
            name = self.setting.program.tables[k].name
            array = np.stack([x, y])[:, :, np.newaxis]
            variables[name] = (("axis", f"point_of_{name}", "scenario", "draw"), array)
        return xr.Dataset(variables, coordinates)
