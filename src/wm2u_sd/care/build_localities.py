"""Write the ten locality folders from the published figures in models/data: `python -m wm2u_sd.care.build_localities`.

A locality is the structure of core with its own numbers. Everything written here is worked out from the tables, the
parameters, scenarios and ledger of core, and the declared figures below, so that writing twice gives the same files.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from wm2u_sd.care.places import models_root
from wm2u_sd.care.published import FIRST_YEAR, FLOWS, LAST_YEAR, PLACES, Figure, Flow, Published, observed, yearly
from wm2u_sd.economics.prices import load_deflator
from wm2u_sd.errors import FileError

MODELS = models_root()

MONTHS = 12
DECISION = (LAST_YEAR - FIRST_YEAR) * MONTHS
END = DECISION + 20 * MONTHS
RAMP = 6  # mean months a change takes to take hold; judgement
WEEKS_IN_MONTH = 365.25 / 7 / MONTHS
INVENTED_FAMILIES = 14_512  # families of the invented place of core, whose absolute numbers are scaled from
EARLY_HELP_COVERAGE = 0.031  # of children, England 2015-16: 358,000 (Action for Children 2022)
STEPPING_UP = 0.0165  # 1/month: 18% in a year, elicited, see parameters.csv early_help_step_up_12m
UNMET_NEED_SHARE = 0.10  # of children, 0.04 to 0.20; elicited, see parameters.csv share_children_with_unmet_need

Record = dict[str, Any]


@dataclass(frozen=True)
class Start:
    """A place on 31 March 2015, in the model's units.

    Yearly counts are the mean of the years ending just before and just after, as monthly rates.
    """

    children: float
    children_in_care: float
    children_in_need_at_home: float
    care_starts: float
    care_ceases: float
    returns_home: float
    children_in_need_starts: float
    children_in_need_ends: float


def start_of(published: Published, place: str) -> Start:
    """Return a place's figures at the start, unaccompanied children left out where they are known."""
    in_care = published.needed(place, FIRST_YEAR, "cla_31_march")
    in_need = published.needed(place, FIRST_YEAR, "cin_episodes_on_31_march")
    starts, ceases, need_starts, need_ends = (_monthly(published, place, flow) for flow in FLOWS)
    homes = [home.value for year in (FIRST_YEAR, FIRST_YEAR + 1) if (home := published.returns_home(place, year))]
    if not homes:
        raise FileError(f"calibration_panel.csv: {place} has no returns home near {FIRST_YEAR}")
    return Start(
        children=published.needed(place, FIRST_YEAR, "population_0_17"),
        children_in_care=in_care - published.unaccompanied_in_care(place, FIRST_YEAR).value,
        children_in_need_at_home=in_need - in_care,
        care_starts=starts,
        care_ceases=ceases,
        returns_home=sum(homes) / len(homes) / MONTHS,
        children_in_need_starts=need_starts,
        children_in_need_ends=need_ends,
    )


def _monthly(published: Published, place: str, flow: Flow) -> float:
    """Return a yearly count as a monthly rate at the start."""
    both = [
        figure.value
        for year in (FIRST_YEAR, FIRST_YEAR + 1)
        for figure in yearly(published, place, year, flow)
        if figure.measure == flow.measure
    ]
    return sum(both) / len(both) / MONTHS


@dataclass(frozen=True)
class Builder:
    """Works out the records of one place.

    Attributes:
        place: Its name.
        published: The tables.
        core: Parameters, scenarios and ledger of core, by file name without ending.
    """

    place: str
    published: Published
    core: Mapping[str, Record]

    @property
    def start(self) -> Start:
        """Return the place at the start."""
        return start_of(self.published, self.place)

    def core_value(self, name: str) -> float:
        """Return the value of a constant in core."""
        return float(self.core["parameters"][name]["value"])

    @property
    def families(self) -> float:
        """Families with children, as the declared conversion gives them."""
        return self.start.children / self.core_value("children_per_family")

    @property
    def size(self) -> float:
        """Families here against the invented place of core."""
        return self.families / INVENTED_FAMILIES

    def weekly(self, measure: str) -> float:
        """Return a published weekly unit cost of the latest year, GBP of 2024-25."""
        return self.published.cost(self.place, "2024-25", f"weekly_cost_{measure}")

    def parameters(self) -> Record:
        """Return the constants that differ from core."""
        return {
            **self._size(),
            **self._stocks(),
            **self._rates(),
            **self._workers(),
            **self._money(),
            **self._beliefs(),
            **self._trends(),
        }

    def _size(self) -> Record:
        source = f"calibration_panel.csv, children 0-17 mid-{FIRST_YEAR - 1}, over 1.75 children for each family"
        return {
            "size_of_place": _given(self.size, "C", f"{source}, over {INVENTED_FAMILIES:,}"),
            "families_at_start": _given(self.families, "C", source),
        }

    def _stocks(self) -> Record:
        start, families, size = self.start, self.families, self.size
        in_care = start.children_in_care / self.core_value("children_in_care_per_family")
        support = start.children_in_need_at_home / self.core_value("children_per_family")
        panel = f"calibration_panel.csv, 31 March {FIRST_YEAR}"
        coverage = "358,000 children in England in 2015-16, 3.1% (Action for Children 2022, A); that it holds here is D"
        return {
            "in_care_at_start": _given(in_care, "C", f"{panel}, in care less unaccompanied, over 1.4"),
            "statutory_support_at_start": _given(support, "C", f"{panel}, in need less in care, over 1.75"),
            "unmet_need_at_start": _around(
                UNMET_NEED_SHARE * families, 0.4, 2, "Elicited: 10% of families, 4 to 20%; nobody counts them"
            ),
            "early_help_at_start": _around(EARLY_HELP_COVERAGE * families, 0.02 / 0.031, 0.06 / 0.031, coverage),
            "returned_home_at_start": _given(self.core_value("returned_home_at_start") * size, "D", SOLVED),
            "parent_leaders_at_start": _given(self.core_value("parent_leaders_at_start") * size, "D", SOLVED),
            "statutory_starts_at_start": _given(
                start.children_in_need_starts, "C", "calibration_panel.csv, years ending 2015 and 2016, by the month"
            ),
            "care_starts_at_start": _given(
                start.care_starts, "C", "calibration_panel.csv, years ending 2015 and 2016, by the month"
            ),
        }

    def _rates(self) -> Record:
        start = self.start
        growing_up = 1 / self.core_value("time_to_grow_up")
        going_home = start.returns_home / start.children_in_care
        leaving = start.care_ceases / start.children_in_care - going_home - growing_up
        ending = (start.children_in_need_ends - start.care_ceases) / start.children_in_need_at_home
        planned = ending - self.core_value("stepping_down_rate") - growing_up
        panel = "calibration_panel.csv, years ending 2015 and 2016 over 31 March 2015; where the fit begins"
        return {
            "return_rate": _given(going_home, "C", panel),
            "other_exit_rate": _given(leaving, "C", f"{panel}; growing up taken off"),
            "support_duration": _given(1 / planned, "C", f"{panel}; stepping down and growing up taken off"),
            "new_families": _given(self.core_value("new_families") * self.size, "D", SOLVED),
            "accounts_residual": _given(
                self.published.yearly_residual(self.place) / MONTHS,
                "C",
                "stock_flow_residuals.csv, mean of 2016 to 2025 of this place",
            ),
        }

    def _workers(self) -> Record:
        spent = self.published.cost(self.place, "2016-17", "total_family_support_gross_gbp")
        real = load_deflator().convert(spent, "2016-17", "2024") / MONTHS / 1000
        support = self.start.children_in_need_at_home / self.core_value("children_per_family")
        return {
            "staff_at_start": _given(
                real / self.core_value("cost_per_worker"),
                "C",
                f"section251_costs.csv, family support 2016-17, {spent:,.0f} pounds in 2024 prices, by worker",
            ),
            "social_workers": _given(
                support / self.core_value("families_per_social_worker"), "C", "As many as make the load 1 at the start"
            ),
            "prevention_base": _given(real, "C", SOLVED),
        }

    def _money(self) -> Record:
        care, support = self.weekly("all_cla"), self.weekly("social_work_per_cin")
        per_month = WEEKS_IN_MONTH / 1000
        return {
            "care_cost": _given(
                care * per_month, "A", f"section251_costs.csv 2024-25, {care:,.0f} pounds for a child a week"
            ),
            "statutory_cost": _given(
                support * per_month * self.core_value("children_per_family"),
                "C",
                f"section251_costs.csv 2024-25, {support:,.0f} pounds for a child in need a week, times 1.75",
            ),
            "decision_time": DECISION,
        }

    def _beliefs(self) -> Record:
        """Return effects at the middle of what is believed; core's are the prototype's, which are hopeful."""
        near_none = "Middle of the prior of core; nothing causal is published for this place"
        return {
            "practice_effect": _given(0.35, "D", near_none),
            "scale_up_penalty": _given(0.25, "D", near_none),
            "reunification_effect": _given(0.2, "D", near_none),
            "early_help_success_base": _given(0.475, "D", near_none),
            "stepping_up_rate": _around(
                STEPPING_UP, 0.007 / STEPPING_UP, 0.03 / STEPPING_UP, "Elicited: 18% in a year, 8 to 30%"
            ),
            "crowding_out": _between(0, 0.2, near_none),
            "reinvestment": _between(0, 0.2, near_none),
            "fixed_waiting_escalation": 0,
            "waiting_escalation_ratio": _between(0.5, 1.5, "Nobody has measured it; never a point, see core's README"),
        }

    def _trends(self) -> Record:
        return {
            "drift_until": DECISION,
            "drift_in_social_workers": _given(
                self.social_worker_trend(),
                "C",
                "Trend of children in need less that of cases per social worker, 2015 to 2025",
            ),
        }

    def social_worker_trend(self) -> float:
        """Return the yearly log change of social workers that explains the caseloads published.

        All social workers are counted, not those with these families, so their own number will not do: it is the trend
        of children in need and not in care, less the trend of cases for each social worker.
        """
        years = range(FIRST_YEAR, LAST_YEAR + 1)
        at_home = {y: self._in_need_at_home(y) for y in years}
        cases = {y: self.published.measure(self.place, y, "cases_per_social_worker_fte") for y in years}
        return _log_trend(at_home) - _log_trend(cases)

    def _in_need_at_home(self, year: int) -> float | None:
        in_need = self.published.panel_figure(self.place, year, "cin_episodes_on_31_march")
        in_care = self.published.panel_figure(self.place, year, "cla_31_march")
        return None if in_need is None or in_care is None else in_need - in_care

    def scenarios(self) -> Record:
        """Return core's scenarios from the decision on, taking hold over time."""
        return {name: self._scenario(name, scenario) for name, scenario in self.core["scenarios"].items()}

    def _scenario(self, name: str, scenario: Record) -> Record:
        local = deepcopy(scenario)
        local["levers"] = [self._lever(lever) for lever in scenario["levers"]]
        if name == "drift":
            until = {"target": "drift_until", "to": 2 * DECISION, "start": DECISION}
            local["levers"] = [_flow(until), *local["levers"]]
            local["assumption"] += " The trends of 2015 to 2025 go on for ten more years."
        cost_line = self._cost_line(scenario["levers"])
        return {key: cost_line if key == "cost_line" and cost_line else value for key, value in local.items()}

    def _lever(self, lever: Record) -> CommentedMap:
        moved = dict(lever)
        if "series" in lever:
            scale = float(self._value(lever["target"])) / self.core_value(lever["target"])
            moved["series"] = [[time + DECISION, _digits(value * scale)] for time, value in lever["series"]]
            return _flow(moved)
        for key in ("start", "end"):
            if key in lever:
                moved[key] = lever[key] + DECISION
        return _flow(moved | {"ramp": RAMP})

    def _value(self, name: str) -> float:
        own = self.parameters().get(name)
        return float(own["value"]) if own else self.core_value(name)

    def _cost_line(self, levers: Sequence[Record]) -> str:
        """Say what a scenario's money comes to in this place."""
        paid = {"early_help_grant": "grant", "programme_funding": "programme"}
        parts = [
            f"{paid[lever['target']]} {lever['to'] * self.size:.0f} thousand pounds a month"
            + (f" for {lever['end'] - lever['start']} months" if "end" in lever else "")
            for lever in levers
            if lever["target"] in paid
        ]
        return ", ".join(parts)

    def costs(self) -> Record:
        """Return core's ledger with the place's own published unit costs."""
        lines = deepcopy(self.core["costs"]["lines"])
        for name, driver, measure in (
            ("care_placements", "children_in_care", "all_cla"),
            ("statutory_social_work", "children_in_need", "social_work_per_cin"),
        ):
            lines[name] |= {
                "driver": driver,
                "unit_cost": self.weekly(measure),
                "units": "GBP_2024_25/child/week",
                "source": f"section251_costs.csv, {self.place} 2024-25, weekly cost; an average, no marginal cost",
                "grade": "A",
            }
        return {"lines": lines}

    def free(self) -> Record:
        """Return the constants the fit may move: bounds, scale, and what is believed before."""
        start = {name: self._value(name) for name in STARTING_RATES}
        rates = {name: _free(value / 4, value * 4, "log", value, 0.3) for name, value in start.items()}
        trends = {name: _free(-0.15, 0.15, "linear", 0, 0.04) for name in TRENDS}
        workers = _free(-0.15, 0.15, "linear", self.social_worker_trend(), 0.02)
        return {"free": {**rates, **trends, "drift_in_social_workers": workers}}


def _log_trend(values: Mapping[int, float | None]) -> float:
    """Return the least-squares yearly change of the logarithm of the figures that are known."""
    known = [(year, math.log(value)) for year, value in values.items() if value]
    mean_year = sum(year for year, _ in known) / len(known)
    spread = sum((year - mean_year) ** 2 for year, _ in known)
    return sum((year - mean_year) * log for year, log in known) / spread


SOLVED = "Solved by the balance; the value is where the search begins"
STARTING_RATES = (
    "return_rate",
    "other_exit_rate",
    "support_duration",
    "care_starts_at_start",
    "statutory_starts_at_start",
)
TRENDS = ("drift_in_care_entry", "drift_in_returns", "drift_in_other_exits", "drift_in_escalation")

SERIES: Mapping[str, tuple[str, float, float]] = {
    "children_in_care": ("stock", 0.04, 5),
    "care_starts": ("flow", 0.15, 8),
    "care_ceases": ("flow", 0.13, 8),
    "returns_home": ("flow", 0.20, 5),
    "children_in_need": ("stock", 0.10, 30),
    "children_in_need_starts": ("flow", 0.20, 30),
    "children_in_need_ends": ("flow", 0.20, 30),
}
"""Measure and value of the model of one name: kind, relative and absolute error.

Yearly starts of one authority scatter with a log SD of 0.20 and exits by 13% (EVIDENCE tables, process_noise rows of
parameters.csv); counts themselves are known to 0.5 to 0.9%. The accounts of need do not close, so their error is wider.
"""


def _given(value: float, grade: str, source: str) -> Record:
    return {"value": _digits(value), "grade": grade, "source": source}


def _around(value: float, low: float, high: float, source: str) -> Record:
    """Return a constant believed to lie between multiples of its value."""
    points = {"low": _digits(value * low), "central": _digits(value), "high": _digits(value * high)}
    return _given(value, "D", source) | {"prior": _flow({"distribution": "lognormal", **points})}


def _between(low: float, high: float, source: str) -> Record:
    """Return a constant believed to lie anywhere between two values."""
    return _given((low + high) / 2, "D", source) | {
        "prior": _flow({"distribution": "uniform", "low": low, "high": high})
    }


def _free(low: float, high: float, scale: str, central: float, spread: float) -> CommentedMap:
    numbers = {"low": low, "high": high, "central": central, "spread": spread}
    return _flow({"scale": scale, **{key: _digits(value) for key, value in numbers.items()}})


def _digits(value: float) -> float | int:
    """Return a number at six significant digits, whole where it is whole."""
    rounded = float(f"{value:.6g}")
    return int(rounded) if rounded.is_integer() else rounded


def _flow(record: Mapping[str, Any]) -> CommentedMap:
    """Return a record to be written on one line."""
    written = CommentedMap({key: _flow_list(value) for key, value in record.items()})
    written.fa.set_flow_style()
    return written


def _flow_list(value: Any) -> Any:
    if not isinstance(value, list):
        return value
    written = CommentedSeq([_flow_list(item) for item in value])
    written.fa.set_flow_style()
    return written


def model_record(place: str) -> Record:
    """Return a place's model.yaml: core over its own time, balanced to its own starts."""
    return {
        "name": place.lower(),
        "title": f"{place}: families between early help and care",
        "doc": (
            f"The structure of core with {place}'s published figures. It starts on 31 March {FIRST_YEAR} and is fitted "
            f"to ten years; what is decided begins on 31 March {LAST_YEAR}. It compares options and is no forecast."
        ),
        "structure": "../../core",
        "time": _flow(
            {
                "start": 0,
                "end": END,
                "step": "1/2",
                "saveper": 1,
                "units": "month",
                "method": "rk4",
                "origin": f"{FIRST_YEAR}-03-31",
            }
        ),
        "balance": {
            "solve": [
                "contact_rate",
                "onset_rate",
                "places_for_each_helped",
                "prevention_base",
                "new_families",
                "escalation_while_hidden",
                "care_entry_rate",
                "returned_home_at_start",
                "parent_leaders_at_start",
                "trust_at_start",
                "practice_at_start",
                "fatigue_at_start",
            ],
            "steady": [
                "waiting",
                "unmet_need",
                "early_help",
                "staff",
                "families_coping",
                "returned_home",
                "parent_leaders",
                "trust",
                "practice",
                "fatigue",
            ],
            "zero": ["statutory_starts_gap", "care_starts_gap"],
        },
    }


def observations_record() -> Record:
    """Return how each measure observes the model."""
    series: Record = {}
    for name, (kind, relative, absolute) in SERIES.items():
        period = {"period": MONTHS} if kind == "flow" else {}
        error = {"relative": relative, "absolute": absolute}
        series[name] = _flow({"observes": name, "kind": kind, **period, "file": "observations.csv", "error": error})
    return {"series": series}


def observations_csv(place: str, figures: Sequence[Figure]) -> str:
    """Return a place's counts as a table: one row a figure, a figure that was not published has none."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["place", "year", "date", "measure", "value", "flag", "source", "grade"])
    for f in figures:
        writer.writerow([place, f.year, f"{f.year}-03-31", f.measure, f"{f.value:g}", f.flag, f.source, f.grade])
    return text.getvalue()


def readme(builder: Builder, figures: Sequence[Figure]) -> str:
    """Return a place's README: its figures, where they come from, and what they cannot tell."""
    in_care = {f.year: f.value for f in figures if f.measure == "children_in_care"}
    weekly = {
        "all children in care": builder.weekly("all_cla"),
        "fostering": builder.weekly("fostering"),
        "children's homes": builder.weekly("residential"),
        "social work for a child in need": builder.weekly("social_work_per_cin"),
    }
    costs = "\n".join(f"| {what} | {pounds:,.0f} |" for what, pounds in weekly.items())
    counted = len({f.year for f in figures if f.measure == "returns_home"})
    return README.format(
        place=builder.place,
        size=builder.size,
        families=builder.families,
        first=in_care[FIRST_YEAR],
        last=in_care[LAST_YEAR],
        costs=costs,
        homes=counted,
        residual=builder.published.yearly_residual(builder.place),
    )


README = """# {place}

The structure of `core` with {place}'s published figures. Written by `python -m wm2u_sd.care.build_localities` from
`models/data`; change the tables or the builder, not these files.

- Starts on 31 March 2015 with about {families:,.0f} families with children, {size:.2f} times the invented place.
- Children in care, unaccompanied children left out: {first:,.0f} on 31 March 2015, {last:,.0f} on 31 March 2025.
- The published accounts of care do not close: the stock grows by {residual:.2%} a year more than starts less ceases
  say. The model carries that as it is.
- What is decided begins on 31 March 2025, month 120, and takes hold over about six months.

| Published cost, 2024-25 | GBP a week |
|---|---|
{costs}

These are averages. One child fewer saves less at once, so the ledger takes a share of 0.3 to 0.9 as cash after 6 to 30
months; both are judgements. The cost of all children in care is used; those for fostering and homes are inside it.

## What the figures are

`observations.csv` holds every count the model is compared with. Rows ending in `_published` are as published; rows
with `unaccompanied` in their name are what was taken off, and the flag says how a gap in them was filled. A count that
was not published has no row. Before 2020 to 2023 unaccompanied children were not published apart in yearly starts and
ceases, so they are left in there, and the flag says so. Returns home are known for {homes} of 10 years.

## What they cannot tell

Unmet need, waiting, early help and trust are counted by nobody. They start from national figures and judgements with
wide ranges, graded D. Children in need starts and ends do not add up to the change in their stock, so they are fitted
loosely. Trends of 2015 to 2025 describe what happened; they do not explain it.

Figures: Department for Education and Office for National Statistics, Open Government Licence v3.0; see
`models/data/README.md`.
"""


def yaml_text(record: Record, heading: str) -> str:
    """Return a record as YAML under a comment line."""
    writer = YAML()
    writer.width = 110
    writer.indent(mapping=2, sequence=4, offset=2)
    text = io.StringIO()
    writer.dump(record, text)
    unpadded = "\n".join(line.rstrip() for line in text.getvalue().splitlines())
    return f"# {heading}\n{unpadded}\n"


def files_of(builder: Builder) -> dict[str, str]:
    """Return the files of one place: name and text."""
    place = builder.place
    figures = observed(builder.published, place)
    written = "written by wm2u_sd.care.build_localities from models/data"
    return {
        "model.yaml": yaml_text(model_record(place), f"{place}, {written}"),
        "parameters.yaml": yaml_text(builder.parameters(), f"{place}: what differs from core; {written}"),
        "scenarios.yaml": yaml_text(builder.scenarios(), f"{place}: core's scenarios from the decision on; {written}"),
        "costs.yaml": yaml_text(builder.costs(), f"{place}: core's ledger at its own unit costs; {written}"),
        "observations.yaml": yaml_text(observations_record(), f"{place}: what its counts observe; {written}"),
        "observations.csv": observations_csv(place, figures),
        "fit.yaml": yaml_text(builder.free(), f"{place}: what the fit may move; {written}"),
        "README.md": readme(builder, figures),
    }


def read_core(models: Path) -> dict[str, Record]:
    """Return the parameters, scenarios and ledger of core as plain records."""
    reader = YAML(typ="safe", pure=True)
    return {
        name: reader.load((models / "core" / f"{name}.yaml").read_text(encoding="utf-8"))
        for name in ("parameters", "scenarios", "costs")
    }


def build(models: Path = MODELS) -> dict[Path, str]:
    """Return every file of the ten localities: path and text. Nothing is written."""
    published, core = Published(models / "data"), read_core(models)
    return {
        models / "localities" / place.lower() / name: text
        for place in PLACES
        for name, text in files_of(Builder(place, published, core)).items()
    }


def main() -> None:
    """Write the locality folders."""
    for path, text in build().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
