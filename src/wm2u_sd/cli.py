"""The command line: wm2u demo | check | run | fit | report.

Exit codes: 0 clean, 1 a check failed, 2 the command could not be carried out.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from wm2u_sd.errors import MoneyError, Wm2uError

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from wm2u_sd.care.answer import Answer
    from wm2u_sd.care.places import Place

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, help=__doc__)

Folder = Annotated[str, typer.Argument(help="A model folder, or the name of a shipped model or place.")]
Out = Annotated[Path, typer.Option("--out", help="Folder to write to; nothing is written outside it.")]
Draws = Annotated[int, typer.Option("--draws", min=1, help="Draws from what is believed.")]
Seed = Annotated[str, typer.Option("--seed", help="Same seed, same draws.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for another program.")]
Chosen = Annotated[list[str] | None, typer.Option("--scenario", help="Scenario beside as_now; may be given again.")]

FAILED, IMPOSSIBLE = 1, 2


def main() -> None:
    """Run the command line; our own errors end in one message, not a traceback."""
    try:
        app()
    except Wm2uError as error:
        typer.echo(str(error), err=True)
        sys.exit(IMPOSSIBLE)


@app.command()
def demo(
    place: Annotated[str, typer.Option(help="One of the ten places, e.g. wigan.")] = "stockport",
    draws: Draws = 1000,
    seed: Seed = "wm2u",
    out: Out = Path("build"),
) -> None:
    """What could earlier help do here over ten years? Report, pictures, tables and results."""
    from wm2u_sd.care.places import open_place

    _answer_and_report(open_place(place), draws, seed, out, [])


@app.command()
def report(
    folder: Folder, draws: Draws = 1000, seed: Seed = "wm2u", out: Out = Path("build"), scenario: Chosen = None
) -> None:
    """Run a model folder's scenarios and write the report; with cost lines it says what they cost and save."""
    from wm2u_sd.care.answer import has_answer
    from wm2u_sd.care.places import open_place

    opened, scenarios = open_place(folder), scenario or []
    write = _answer_and_report if has_answer(opened, scenarios) else _run_and_report
    write(opened, draws, seed, out, scenarios)


@app.command()
def check(
    folder: Folder,
    as_json: AsJson = False,
    strict: Annotated[bool, typer.Option(help="Warnings fail too.")] = False,
    behaviour: Annotated[bool, typer.Option("--behaviour", help="Run the checks of checks.yaml too.")] = False,
) -> None:
    """Look for everything that is wrong with a model folder, and say where."""
    from wm2u_sd.care.places import find
    from wm2u_sd.checks.check_folder import check_folder
    from wm2u_sd.checks.run_checks import run_checks
    from wm2u_sd.io.text import load

    opened = load(find(folder))
    found = check_folder(opened)
    kept = run_checks(opened) if behaviour and found.ok else None
    facts = found.to_dict() if kept is None else {**found.to_dict(), "behaviour": kept.to_dict()}
    typer.echo(
        json.dumps(facts, indent=1) if as_json else "\n".join(str(part) for part in (found, kept) if part is not None)
    )
    if found.errors or (strict and found.warnings) or (kept is not None and not kept.ok):
        raise typer.Exit(FAILED)


@app.command()
def run(
    folder: Folder,
    draws: Annotated[int | None, typer.Option(min=1, help="Draws; none runs the stated values once.")] = None,
    seed: Seed = "wm2u",
    out: Out = Path("build"),
    scenario: Chosen = None,
    as_json: AsJson = False,
) -> None:
    """Run a model folder's scenarios, save results.nc and print the conservation ledger."""
    from wm2u_sd.care.answer import chosen
    from wm2u_sd.care.places import open_place
    from wm2u_sd.io.results import save_run
    from wm2u_sd.simulation.simulate import simulate

    place = open_place(folder)
    ensemble = place.ensemble(draws, seed) if draws else None
    with _progress() as stage:
        done = simulate(place.model, chosen(place, scenario or []), draws=ensemble, progress=stage("scenarios"))
    path = save_run(done, out / "results.nc")
    if as_json:
        typer.echo(json.dumps({"results": str(path), "failed": len(done.failures), **done.provenance}))
    else:
        typer.echo(f"{done}\n\n{done.print_ledger()}\n\nSaved: {path}")


@app.command()
def fit(folder: Folder, starts: Annotated[int, typer.Option(min=1, help="Starting points to try.")] = 4) -> None:
    """Fit a place to its own counts and save fit.json beside them."""
    from dataclasses import replace

    from wm2u_sd.care.places import fit_place, open_place
    from wm2u_sd.care.shown import fit_shown
    from wm2u_sd.views.summary import print_fit

    place = open_place(folder, fitted=False)
    with _progress() as stage:
        fitted = fit_place(place, starts=starts, progress=stage("fit"))
    shown = fit_shown(replace(place, fit=fitted))
    if shown:
        print_fit(shown)


def _answer_and_report(place: Place, draws: int, seed: str, out: Path, scenarios: list[str]) -> None:
    from wm2u_sd.care.answer import answer

    begun = time.perf_counter()
    with _progress() as stage:
        found = answer(place, draws=draws, seed=seed, scenarios=scenarios, stage=stage)
        _write(found, out, scenarios, stage)
    typer.echo(f"{time.perf_counter() - begun:.0f} seconds. Open {out / 'report.html'} in a browser.")


def _run_and_report(place: Place, draws: int, seed: str, out: Path, scenarios: list[str]) -> None:
    """Report a model without the outcomes of the care models: its stocks, and what its ledger says of them."""
    from wm2u_sd.care.answer import chosen, drivers, price
    from wm2u_sd.io.results import save_run
    from wm2u_sd.simulation.simulate import simulate
    from wm2u_sd.views.run_money import money_table
    from wm2u_sd.views.run_report import write_run_report
    from wm2u_sd.views.summary import print_money

    with _progress() as stage:
        ensemble = place.ensemble(draws, seed)
        done = simulate(
            place.model,
            chosen(place, scenarios),
            draws=ensemble,
            accumulate=drivers(place),
            progress=stage("scenarios"),
        )
        benefit, unpriced = None, ""
        if place.lines:
            try:
                benefit = price(place, done, seed)
            except MoneyError as error:
                unpriced = f"Costs are left out: {error}."
        path = write_run_report(done, out, benefit, unpriced)
    save_run(done, out / "results.nc")
    typer.echo(f"{done}\n\n{done.print_ledger()}\n")
    if benefit:
        print_money(money_table(done, benefit))
    elif unpriced:
        typer.echo(unpriced)
    typer.echo(f"\nOpen {path} in a browser.")


def _write(found: Answer, out: Path, scenarios: list[str], stage: Callable[[str], Callable[[int, int], None]]) -> None:
    from wm2u_sd.care.answer import BASELINE
    from wm2u_sd.care.shown import report_inputs
    from wm2u_sd.io.results import save_run
    from wm2u_sd.views.figures import work_out
    from wm2u_sd.views.report import write_report
    from wm2u_sd.views.summary import print_summary

    tell = stage("report")
    known = work_out(report_inputs(found, featured=[name for name in scenarios if name != BASELINE]))
    tell(1, 3)
    write_report(known, out)
    tell(2, 3)
    save_run(found.run, out / "results.nc")
    tell(3, 3)
    print_summary(known, out)


@contextmanager
def _progress() -> Iterator[Callable[[str], Callable[[int, int], None]]]:
    """Show progress on a terminal; stay quiet when output goes elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description:>16}"),
        BarColumn(),
        TextColumn("{task.percentage:3.0f}%"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        yield lambda what: _teller(bar, what)


def _teller(bar: Bar, what: str) -> Callable[[int, int], None]:
    task = bar.add_task(what, total=None)
    return lambda done, total: bar.update(task, completed=done, total=total)


if __name__ == "__main__":
    main()
