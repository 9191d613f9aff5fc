"""The main job: run a place's scenarios over its draws, price them, and gather what is to be shown."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wm2u_sd.care.outcomes import CLOSING, HEADLINE, IN_YEAR, LEVELS, OUTCOMES, PAIRINGS, RATES
from wm2u_sd.care.places import Place
from wm2u_sd.economics.cost_benefit import CostBenefit, cost_benefit
from wm2u_sd.economics.counting import base_and_elements
from wm2u_sd.economics.honesty import HonestyBlock, honesty_blocks
from wm2u_sd.economics.money_units import DAYS
from wm2u_sd.errors import MoneyError, NameUnknownError, did_you_mean
from wm2u_sd.simulation.job import Progress
from wm2u_sd.simulation.run import CUMULATIVE, Run
from wm2u_sd.simulation.scenario import Scenario
from wm2u_sd.simulation.simulate import Simulator

BASELINE = "as_now"
COUNCIL = "council"
YEARS, BEYOND = 10, 20
PRICES = 2024
SAVED_EVERY = 12
# Against rk4 at 1/8, in 60 draws of every scenario of Stockport and Wigan, any result of any year is within 0.5% of its
# range. With a step of 1 a queue may be off by half: a stock grants only once a step what it holds.
RUN_STEPS = {"method": "rk2", "step": "1/2", "saveper": SAVED_EVERY}

Stage = Callable[[str], Progress]


@dataclass(frozen=True)
class Answer:
    """What a place's scenarios do over ten years, for people and for money.

    Attributes:
        place: The place.
        run: Every scenario and draw, kept once a year, with what happened in each year beside what there is at its end.
        benefit: Costs and benefits against the baseline.
        honesty: The eight items, one block for each scenario.
    """

    place: Place
    run: Run
    benefit: CostBenefit
    honesty: tuple[HonestyBlock, ...]


def answer(place: Place, *, draws: int, seed: str, scenarios: Sequence[str] = (), stage: Stage | None = None) -> Answer:
    """Work out the ten-year answer for a place.

    Args:
        place: The place.
        draws: Number of draws.
        seed: For every random stream.
        scenarios: Which scenarios beside the baseline; none takes all.
        stage: Gives a progress callback for a stage of the work.

    Raises:
        NameUnknownError: A scenario is not in the place's folder.
        MoneyError: There is no ledger, or nothing to compare.
    """
    model = place.model.with_time(**RUN_STEPS)
    start = place.decision_time
    wanted = chosen(place, scenarios)
    reason = _why_not_priced(place, [scenario.name for scenario in wanted])
    if reason:
        raise MoneyError(f"There is no answer to give: {reason}")
    simulator = Simulator(model, wanted, save=LEVELS, accumulate=[*drivers(place), *RATES])
    run = _by_year(simulator.run(place.ensemble(draws, seed), stage("scenarios") if stage else None))
    beyond = min(BEYOND, _whole_years(place))
    benefit = cost_benefit(
        run,
        place.lines,
        against=BASELINE,
        start=start,
        years=min(YEARS, beyond),
        beyond=beyond,
        prices=PRICES,
        seed=seed,
    )
    return Answer(place, run, benefit, _honesty(run, benefit, start, stage))


def _by_year(run: Run) -> Run:
    """Add what happened in each year, the running total less that of a year before; the first moment has none."""
    data = run.data
    for name in RATES:
        total = run.data[CUMULATIVE + name]
        in_year = total - total.shift(time=1)
        label = str(total.attrs["long_name"]).partition(",")[0]
        in_year.attrs = {"units": f"{total.attrs['units']}/year", "long_name": f"{label}, in the year"}
        data = data.assign({name + IN_YEAR: in_year})
    return run.with_tables(data=data)


def has_answer(place: Place, scenarios: Sequence[str] = ()) -> bool:
    """Whether there is what an answer is made of: what can be priced, and the outcomes that are shown beside it."""
    names = [scenario.name for scenario in chosen(place, scenarios)]
    return not _why_not_priced(place, names) and all(name in place.model.variables for name in LEVELS + RATES)


def price(place: Place, run: Run, seed: str) -> CostBenefit:
    """Price a run of any model that has a ledger, over up to ten years, against 'as_now'.

    Args:
        place: The model folder.
        run: A run of it with `cumulative_<driver>` of every line.
        seed: For the draws of the ledger's own beliefs.

    Raises:
        MoneyError: There is no ledger, nothing to compare, or no whole year that was saved.
    """
    reason = _why_not_priced(place, list(run.scenarios))
    if reason:
        raise MoneyError(reason)
    years = min(YEARS, _whole_years(place))
    return cost_benefit(
        run,
        place.lines,
        against=BASELINE,
        start=place.decision_time,
        years=years,
        beyond=years,
        prices=PRICES,
        seed=seed,
    )


def drivers(place: Place) -> list[str]:
    """Return what the ledger counts, to be accumulated in a run."""
    return [base_and_elements(line.driver)[0] for line in place.lines]


def _why_not_priced(place: Place, scenarios: Sequence[str]) -> str:
    if not place.lines:
        return f"{place.folder} has no costs.yaml"
    if BASELINE not in scenarios:
        return f"costs are differences from a scenario named '{BASELINE}', and there is none"
    if len(scenarios) == 1:
        return f"costs are differences from '{BASELINE}', and no other scenario is run"
    time = place.model.time
    if time.units not in DAYS:
        return f"money by year needs time in one of {', '.join(DAYS)}; the model's is in '{time.units}'"
    if not _whole_years(place):
        return f"the model ends at {time.end:g} {time.units}, less than a year after {place.decision_time:g}"
    return ""


def _whole_years(place: Place) -> int:
    time = place.model.time
    return int((time.end - place.decision_time) * DAYS[time.units] / DAYS["year"] + 1e-9)


def chosen(place: Place, names: Sequence[str]) -> list[Scenario]:
    """Return the baseline and the named scenarios, or all of them; 'as_now' alone where a folder has none.

    Raises:
        NameUnknownError: A scenario is not in the place's folder.
    """
    known = place.scenarios or {BASELINE: Scenario(BASELINE)}
    for name in names:
        if name not in known:
            raise NameUnknownError(f"There is no scenario '{name}' in {place.folder}.{did_you_mean(name, known)}")
    baseline = [BASELINE] if BASELINE in known else []
    wanted = dict.fromkeys([*baseline, *names]) if names else known
    return [known[name] for name in wanted]


def _honesty(run: Run, benefit: CostBenefit, start: float, stage: Stage | None) -> tuple[HonestyBlock, ...]:
    return honesty_blocks(
        run,
        benefit,
        agency=COUNCIL,
        outcomes=OUTCOMES,
        pairings=PAIRINGS,
        moving=(HEADLINE,),
        start=start,
        closing=CLOSING,
        progress=stage("honesty blocks") if stage else None,
    )
