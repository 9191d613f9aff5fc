"""The cost ledger: one line per event and agency, with its price, who bears it, and how much of it is cash."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from wm2u_sd.errors import MoneyError, did_you_mean
from wm2u_sd.model.variables import Prior


class ValueKind(StrEnum):
    """What sort of value a line carries; the sorts are never added up silently."""

    FISCAL = "fiscal"
    ECONOMIC = "economic"
    SOCIAL = "social"
    TRANSFER = "transfer"


CASH_KINDS = (ValueKind.FISCAL, ValueKind.TRANSFER)


@dataclass(frozen=True, slots=True)
class Uncertain:
    """A number with what is believed about it.

    Attributes:
        value: Used when nothing is drawn.
        prior: What draws come from; None holds it at `value`.
        shared: Beliefs of one shared name are drawn together; '' draws this one on its own.
    """

    value: float
    prior: Prior | None = None
    shared: str = ""


NOTHING = Uncertain(0.0)


@dataclass(frozen=True, slots=True)
class CostLine:
    """One cost or benefit, worked out from one thing the model counts.

    Attributes:
        name: Name of the line.
        driver: Flow or accumulated variable that drives it, e.g. 'entries' or 'placed[at_home]'; dimensions
            that are not subscripted are summed.
        unit_cost: Pounds per unit of `units`; below zero for a benefit that comes with the driver.
        units: Money, price year and what it is per, e.g. 'GBP_2024/person/week' or 'GBP_2024/meeting'; 'dmnl' when
            the driver is money itself.
        payer: Agency that bears the line when it costs more than the baseline.
        gainer: Agency that gains when it costs less; '' means the payer.
        kind: fiscal, economic, social or transfer (paid by `payer`, received by `gainer`, nothing in total).
        category: Heading it stands under.
        cashable_share: Share of a change that is ever felt as cash, 0 to 1; None means not applicable: all of it
            for money that is really spent (fiscal, transfer), none of it otherwise.
        cashable_delay: Mean time until a change is felt as cash, months; a first-order delay.
        real_growth: Growth of the unit cost above general prices, 1/year.
        optimism_grade: Grade of evidence 1 to 6 for the optimism-bias view; None when not graded.
        scale: Names of constants the driver is multiplied by, e.g. how many of one unit go with another.
        schedule: Discount schedule of the line; '' takes the one of the analysis.
        source, grade: Where the unit cost comes from and how well it is known.
    """

    name: str
    driver: str
    unit_cost: Uncertain
    units: str
    payer: str
    kind: ValueKind
    category: str
    gainer: str = ""
    label: str = ""
    cashable_share: Uncertain | None = None
    cashable_delay: Uncertain = NOTHING
    real_growth: Uncertain = NOTHING
    optimism_grade: int | None = None
    scale: tuple[str, ...] = ()
    schedule: str = ""
    source: str = ""
    grade: str = ""

    def __post_init__(self) -> None:
        for needed in ("name", "driver", "payer", "category"):
            if not getattr(self, needed):
                raise MoneyError(f"Cost line {self.name!r}: {needed!r} is empty; every line states it")
        if self.cashable_share is not None and self.kind not in CASH_KINDS:
            raise MoneyError(
                f"Cost line {self.name!r}: a {self.kind} line has no cashable share, because it is never cash in an "
                "agency's budget; leave 'cashable_share' out"
            )
        if self.optimism_grade is not None and self.optimism_grade not in range(1, 7):
            raise MoneyError(
                f"Cost line {self.name!r}: optimism_grade is {self.optimism_grade}; grades run from 1 to 6"
            )
        for belief, low, high in ((self.cashable_share, 0.0, 1.0), (self.cashable_delay, 0.0, 1200.0)):
            if belief is not None and not low <= belief.value <= high:
                what = "cashable_share" if belief is self.cashable_share else "cashable_delay (months)"
                raise MoneyError(
                    f"Cost line {self.name!r}: {what} is {belief.value:g}; it lies from {low:g} to {high:g}"
                )

    @property
    def gains(self) -> str:
        """The agency that gains when the line costs less."""
        return self.gainer or self.payer

    @property
    def is_spending(self) -> bool:
        """Whether it is money really spent on the change itself: fiscal, with no cashable share to apply."""
        return self.kind is ValueKind.FISCAL and self.cashable_share is None

    @property
    def beliefs(self) -> tuple[tuple[str, str, Uncertain], ...]:
        """Its uncertain numbers: field, name their draws are kept under, belief."""
        stated = {
            "unit_cost": self.unit_cost,
            "cashable_share": self.cashable_share,
            "cashable_delay": self.cashable_delay,
            "real_growth": self.real_growth,
        }
        return tuple((field, self.belief_name(field), belief) for field, belief in stated.items() if belief is not None)

    def belief_name(self, field: str) -> str:
        """Return the name under which the draws of one of its uncertain numbers are kept."""
        belief = getattr(self, field)
        return belief.shared or f"{self.name}.{field}"


def cost_lines(records: Mapping[str, object]) -> tuple[CostLine, ...]:
    """Make a ledger from records by name: mappings, or objects with the same attributes.

    `unit_cost`, `cashable_share`, `cashable_delay` and `real_growth` are a number or a record of `value`, `prior`
    and `shared`; 'n/a' or nothing as a cashable share means not applicable.

    Raises:
        MoneyError: A record lacks something, says something unknown, or an event is counted twice.
    """
    lines = tuple(_line(name, record) for name, record in records.items())
    check_ledger(lines)
    return lines


def check_ledger(lines: Sequence[CostLine]) -> None:
    """Refuse a ledger that is empty, uses a name twice or counts one event twice.

    Raises:
        MoneyError: With the lines concerned.
    """
    if not lines:
        raise MoneyError("The ledger has no lines; a cost and benefit needs at least one")
    for name, count in Counter(line.name for line in lines).items():
        if count > 1:
            raise MoneyError(f"Cost line {name!r} is there {count} times; give each line its own name")
    events: dict[tuple[str, str, str], str] = {}
    for line in lines:
        event = (line.driver, line.payer, line.category)
        if event in events:
            raise MoneyError(
                f"Cost lines {events[event]!r} and {line.name!r} count one event twice: driver {line.driver!r}, payer "
                f"{line.payer!r}, category {line.category!r}; keep one line for each agency"
            )
        events[event] = line.name
    _check_shared(lines)


def _check_shared(lines: Sequence[CostLine]) -> None:
    """Refuse one name for two different beliefs."""
    seen: dict[str, Uncertain] = {}
    for line in lines:
        for _, name, belief in line.beliefs:
            if seen.setdefault(name, belief) != belief:
                raise MoneyError(
                    f"Cost line {line.name!r}: belief {name!r} differs from the one of that name in an earlier line; "
                    "give both the same value and prior, or different names"
                )


_FIELDS = tuple(field.name for field in fields(CostLine) if field.name != "name")
_NEEDED = ("driver", "unit_cost", "units", "payer", "kind", "category")


def _line(name: str, record: object) -> CostLine:
    where = f"Cost line {name!r}"
    given = _as_mapping(record, _FIELDS, where)
    missing = [field for field in _NEEDED if given.get(field) is None]
    if missing:
        raise MoneyError(f"{where} does not say {', '.join(missing)}")
    scale = given.get("scale") or ()
    grade = given.get("optimism_grade")
    return CostLine(
        name=name,
        unit_cost=_belief(given["unit_cost"], f"{where}, unit_cost"),
        kind=_kind(given["kind"], where),
        cashable_share=_share(given.get("cashable_share"), f"{where}, cashable_share"),
        cashable_delay=_belief(given.get("cashable_delay") or 0.0, f"{where}, cashable_delay"),
        real_growth=_belief(given.get("real_growth") or 0.0, f"{where}, real_growth"),
        optimism_grade=None if grade is None else int(str(grade)),
        scale=(scale,) if isinstance(scale, str) else tuple(str(one) for one in _sequence(scale, where)),
        driver=_text(given, "driver"),
        units=_text(given, "units"),
        payer=_text(given, "payer"),
        gainer=_text(given, "gainer"),
        category=_text(given, "category"),
        label=_text(given, "label") or name,
        schedule=_text(given, "schedule"),
        source=_text(given, "source"),
        grade=_text(given, "grade"),
    )


def _text(given: Mapping[str, object], field: str) -> str:
    return str(given.get(field) or "")


def _as_mapping(record: object, known: Sequence[str], where: str) -> dict[str, object]:
    """Read the known fields of a mapping or of an object's attributes."""
    if not isinstance(record, Mapping):
        return {field: getattr(record, field, None) for field in known}
    for key in record:
        if key not in known:
            raise MoneyError(f"{where} says {key!r}, which is not known here.{did_you_mean(str(key), known)}")
    return dict(record)


def _kind(kind: object, where: str) -> ValueKind:
    try:
        return ValueKind(str(kind))
    except ValueError:
        raise MoneyError(f"{where}: kind is {kind!r}; it is one of {', '.join(ValueKind)}") from None


def _share(share: object, where: str) -> Uncertain | None:
    return None if share is None or share == "n/a" else _belief(share, where)


def _sequence(value: object, where: str) -> Sequence[object]:
    if not isinstance(value, Sequence):
        raise MoneyError(f"{where}: scale is {value!r}; name one constant or a list of constants")
    return value


def _belief(value: object, where: str) -> Uncertain:
    """Read a number, or a record of value and prior."""
    if isinstance(value, Uncertain):
        return value
    if isinstance(value, int | float):
        return Uncertain(float(value))
    if isinstance(value, str):
        raise MoneyError(f"{where} is {value!r}; it must be a number, or a record of value and prior")
    given = _as_mapping(value, ("value", "prior", "shared"), where)
    prior = _prior(given.get("prior"), where)
    centre = prior.central if given.get("value") is None and prior else given.get("value")
    if not isinstance(centre, int | float):
        raise MoneyError(f"{where}: value is {centre!r}; it must be a number")
    return Uncertain(float(centre), prior, str(given.get("shared") or ""))


def _prior(record: object, where: str) -> Prior | None:
    if record is None or isinstance(record, Prior):
        return record
    given = _as_mapping(record, tuple(field.name for field in fields(Prior)), f"{where}, prior")
    numbers = {key: given.get(key) for key in ("low", "high", "central", "chance_of_none", "none_value")}
    low, high, central, chance, none = (
        float(number) if isinstance(number, int | float) else None for number in numbers.values()
    )
    if low is None or high is None:
        raise MoneyError(f"{where}: a prior needs 'low' and 'high'; got {given.get('low')!r}, {given.get('high')!r}")
    middle = (low + high) / 2 if central is None else central
    return Prior(str(given.get("distribution") or "uniform"), low, high, middle, chance or 0.0, none or 0.0)
