"""The shipped models by name, and a place with everything needed to run it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from wm2u_sd.calibration.fit import Fit, Free
from wm2u_sd.calibration.least_squares import digest, fit_least_squares
from wm2u_sd.calibration.observations import Observations
from wm2u_sd.checks.check_folder import check_folder
from wm2u_sd.economics.ledger import CostLine, cost_lines
from wm2u_sd.errors import FileError, did_you_mean
from wm2u_sd.io.observed import free_constants, load_fit, read_observations, save_fit
from wm2u_sd.io.paths import is_file, is_folder
from wm2u_sd.io.text import load
from wm2u_sd.model.model import Model
from wm2u_sd.simulation.ensemble import Ensemble, draw
from wm2u_sd.simulation.job import Progress
from wm2u_sd.simulation.scenario import Scenario


def models_root() -> Path:
    """Return the folder of shipped models: in the package, or beside `src` in a working copy."""
    inside = Path(__file__).parents[1] / "models"
    return inside if inside.is_dir() else Path(__file__).parents[3] / "models"


def place_names() -> list[str]:
    """Return the names of the shipped places."""
    return sorted(path.name for path in (models_root() / "localities").iterdir() if path.is_dir())


@dataclass(frozen=True)
class Place:
    """A model folder ready to be run.

    Attributes:
        folder: Where it is.
        model: At the values of the fit, when there is one.
        scenarios: By name.
        lines: The cost ledger.
        observations: The counts; None for a model without.
        free: What a fit may move.
        fit: What the counts say about it; None when nothing has been fitted.
    """

    folder: Path
    model: Model
    scenarios: dict[str, Scenario]
    lines: tuple[CostLine, ...]
    observations: Observations | None
    free: tuple[Free, ...]
    fit: Fit | None

    @property
    def decision_time(self) -> float:
        """When scenarios begin, in the model's time."""
        constant = self.model.variables.get("decision_time")
        return float(getattr(constant, "value", self.model.time.start))

    def ensemble(self, n: int, seed: str) -> Ensemble:
        """Draw from the priors, and what was fitted from the fit."""
        drawn = draw(self.model, n, seed)
        return drawn.with_values(self.fit.draws(n, seed)) if self.fit else drawn


def open_place(name_or_folder: str | Path, *, fitted: bool = True) -> Place:
    """Open a shipped place or model by name, or any model folder by path.

    Args:
        name_or_folder: E.g. 'stockport', 'core' or 'models/mine'.
        fitted: Put the model at the values of its fit; False leaves a fit unread, to make a new one.

    Raises:
        FileError: There is neither a shipped model of that name nor such a folder, or its files cannot be read.
        CheckFailed: Its model, scenarios or ledger have errors; the message lists them with their lines.
    """
    opened = load(find(name_or_folder))
    check_folder(opened).raise_if_errors()
    folder, model = opened.path, opened.model
    observations = read_observations(folder, opened.observations, model.time) if opened.observations else None
    free = free_constants(opened.fit)
    fit = None
    if observations and fitted:
        fit = load_fit(folder, fitting_model(model).digest, digest(observations), free)
    return Place(
        folder=folder,
        model=model.with_values(fit.values) if fit else model,
        scenarios=dict(opened.scenarios),
        lines=cost_lines(opened.costs) if opened.costs else (),
        observations=observations,
        free=tuple(free),
        fit=fit,
    )


def find(name_or_folder: str | Path) -> Path:
    """Return the folder of a shipped model by name, or the folder itself."""
    path = Path(name_or_folder)
    for folder in (path, models_root() / "localities" / path, models_root() / path):
        if is_file(folder / "model.yaml"):
            return folder
    if is_folder(path):
        raise FileError(f"{path}: the folder has no file model.yaml; a model folder holds at least that")
    known = [*place_names(), "core"]
    raise FileError(
        f"There is no place or model folder '{name_or_folder}'.{did_you_mean(str(name_or_folder), known)} "
        f"Shipped: {', '.join(known)}"
    )


def fitting_model(model: Model) -> Model:
    """Return the model over the years it has counts for: from its start to the decision."""
    end = getattr(model.variables.get("decision_time"), "value", model.time.end)
    return model.with_time(end=end, method="rk2", step="1/2", saveper=12)


def fit_place(place: Place, *, starts: int = 4, progress: Progress | None = None) -> Fit:
    """Fit a place, opened unfitted, to its own counts and save the fit in its folder.

    Raises:
        FileError: The place has no counts.
    """
    if place.observations is None or not place.free:
        raise FileError(f"{place.folder}: there are no counts or nothing to fit; give observations.yaml and fit.yaml")
    fit = fit_least_squares(
        fitting_model(place.model), place.observations, place.free, starts=starts, progress=progress
    )
    save_fit(fit, place.folder)
    return fit
