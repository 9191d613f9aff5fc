"""Check a ledger against a model before anything is run: what it counts, its units, its prices, each with its line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from wm2u_sd.economics.counting import base_and_elements
from wm2u_sd.economics.discounting import load_schedule
from wm2u_sd.economics.ledger import CostLine, check_ledger, cost_lines
from wm2u_sd.economics.money_units import to_money
from wm2u_sd.economics.prices import load_deflator
from wm2u_sd.errors import MoneyError, did_you_mean
from wm2u_sd.model.diagnostics import Case, Code, Finding
from wm2u_sd.model.model import Model
from wm2u_sd.model.variables import NO_PLACE, Auxiliary, Constant, Flow, Place, Stock


def ledger_findings(
    records: Mapping[str, object],
    model: Model,
    *,
    places: Mapping[str, Place] | None = None,
    files: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Look for everything that keeps a ledger from pricing a model's runs.

    Args:
        records: Records of the lines by name, as `cost_lines` takes them.
        model: The model whose runs are priced.
        places: Where each line stands, by name.
        files: Text of the files, by the name a `Place` has.

    Returns:
        Errors, at the lines they are about.
    """
    case = Case(model, files=files or {})
    read: list[CostLine] = []
    findings = []
    for name, record in records.items():
        place = (places or {}).get(name, NO_PLACE)
        said = [*_line_faults(name, record, model, read)]
        findings += [case.at(case.error(Code.COSTS, message), place) for message in said]
    return findings


def _line_faults(name: str, record: object, model: Model, read: list[CostLine]) -> Iterator[str]:
    """Yield what is wrong with one line; a line that can be read joins those before it."""
    try:
        (line,) = cost_lines({name: record})
        check_ledger([*read, line])
    except MoneyError as error:
        yield str(error)
        return
    read.append(line)
    named = [*_name_faults(line, model)]
    yield from named or _price_faults(line, model)
    try:
        load_schedule(line.schedule or "standard")
    except MoneyError as error:
        yield f"Cost line {name!r}: {error}"


def _name_faults(line: CostLine, model: Model) -> Iterator[str]:
    base, elements = base_and_elements(line.driver)
    counted = [one.name for one in model.variables.values() if isinstance(one, Stock | Flow | Auxiliary)]
    if base not in counted:
        yield (
            f"Cost line {line.name!r}: driver {base!r} is no stock, flow or auxiliary of {model.name}."
            f"{did_you_mean(base, counted)}"
        )
    else:
        known = _elements_of(model, base)
        for element in elements:
            if element not in known:
                yield f"Cost line {line.name!r}: {base!r} has no element {element!r}.{did_you_mean(element, known)}"
    constants = {one.name: one for one in model.constants()}
    for scale in line.scale:
        if scale not in constants:
            near = did_you_mean(scale, constants)
            yield f"Cost line {line.name!r}: there is no constant {scale!r} to scale by.{near}"
        elif constants[scale].over:
            yield f"Cost line {line.name!r}: constant {scale!r} is over dimensions; a scale is one number"


def _elements_of(model: Model, name: str) -> Sequence[str]:
    over = getattr(model.get(name), "over", ())
    known = [model.dimensions[dimension] for dimension in over if dimension in model.dimensions]
    return [element for dimension in known for element in dimension.elements]


def _price_faults(line: CostLine, model: Model) -> Iterator[str]:
    """Yield why a line does not come out as money of a year there are prices of."""
    driver, scales = model.get(base_and_elements(line.driver)[0]), [model.get(name) for name in line.scale]
    counted = f"{_units(driver)}*{model.time.units}"
    try:
        money = to_money(line.units, counted, [_units(scale) for scale in scales], line=line.name)
    except MoneyError as error:
        yield str(error)
        return
    try:
        load_deflator().level(money.year)
    except MoneyError as error:
        yield f"Cost line {line.name!r}: {error}"


def _units(record: object) -> str:
    return record.units or "dmnl" if isinstance(record, Stock | Flow | Auxiliary | Constant) else "dmnl"
