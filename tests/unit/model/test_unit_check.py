"""Units of every registered function: what fits is let through, what does not is named."""

import pytest

from wm2u_sd.expr.functions import FUNCTIONS
from wm2u_sd.model.check import check
from wm2u_sd.model.diagnostics import Code
from wm2u_sd.model.model import Model
from wm2u_sd.model.timing import Time
from wm2u_sd.model.variables import Auxiliary, Constant, Lookup

UNITS = {
    "people": "person",
    "more": "person",
    "area": "metre^2",
    "share": "dmnl",
    "wait": "month",
    "pace": "person/month",
}
UNITS |= {"growth": "1/month", "cost": "GBP_2024", "old_cost": "GBP_2023", "yearly": "person/year"}
CURVE = Lookup("curve", [(0, 0), (1, 1)], units="person", x_units="month")


def faults(equation: str, units: str) -> list[str]:
    """Return what the check says of the units of an equation."""
    constants = [Constant(name, 1.0, units=unit) for name, unit in UNITS.items()]
    model = Model("m", time=Time(0, 1, 1, units="month")).define(
        *constants, CURVE, Auxiliary("y", equation, units=units)
    )
    return [finding.text for finding in check(model).errors if finding.code is Code.UNITS]


FITTING = {
    "exp": ("exp(share)", "dmnl"),
    "ln": ("ln(share)", "dmnl"),
    "log10": ("log10(people / more)", "dmnl"),
    "sqrt": ("sqrt(area)", "metre"),
    "abs": ("abs(people)", "person"),
    "sin": ("sin(share)", "dmnl"),
    "cos": ("cos(share)", "dmnl"),
    "tan": ("tan(share)", "dmnl"),
    "arctan": ("arctan(share)", "dmnl"),
    "power": ("power(area, 1/2)", "metre"),
    "modulo": ("modulo(people, more)", "person"),
    "integer": ("integer(people)", "person"),
    "min": ("min(people, more)", "person"),
    "max": ("max(0, people)", "person"),
    "if_then_else": ("if_then_else(wait > 3, people, more)", "person"),
    "sum": ("sum(people)", "person"),
    "mean": ("mean(people)", "person"),
    "prod": ("prod(share)", "dmnl"),
    "safe_divide": ("safe_divide(people, wait, pace)", "person/month"),
    "step": ("step(people, wait)", "person"),
    "ramp": ("ramp(pace, wait, 12)", "person"),
    "pulse": ("pulse(wait)", "dmnl"),
    "pulse_train": ("pulse_train(wait, wait, wait, 60)", "dmnl"),
    "delay1": ("delay1(people, wait)", "person"),
    "delay3": ("delay3(people, wait, more)", "person"),
    "delay_n": ("delay_n(people, wait, 4)", "person"),
    "smooth1": ("smooth1(people, wait)", "person"),
    "smooth3": ("smooth3(people, wait)", "person"),
    "smooth_n": ("smooth_n(people, wait, 4)", "person"),
    "trend": ("trend(people, wait)", "1/month"),
    "forecast": ("forecast(people, wait, wait, growth)", "person"),
    "delay_fixed": ("delay_fixed(people, wait, more)", "person"),
    "sample_if_true": ("sample_if_true(time > wait, people, more)", "person"),
    "initial": ("initial(people)", "person"),
}


@pytest.mark.parametrize("function", list(FUNCTIONS))
def test_every_function_gives_the_unit_its_signature_promises(function: str) -> None:
    equation, units = FITTING[function]

    assert [] == faults(equation, units)
    wrong = "cost"
    given = UNITS[wrong]
    assert [f"y is declared in {given}, but its equation is in {units}"] == faults(equation, given)


@pytest.mark.parametrize(
    ("equation", "units", "said"),
    [
        ("people + wait", "person", "y: person and month cannot be added"),
        ("people - wait", "person", "y: person and month cannot be subtracted"),
        ("if_then_else(people > wait, 1, 0)", "dmnl", "y: person and month cannot be compared"),
        ("people ^ wait", "person", "y: an exponent must be a plain number, but wait is in month"),
        ("people ^ share", "person", "y: person can only be raised to a power written out as a number"),
        ("exp(wait)", "dmnl", "y: exp takes dmnl here, but wait is in month"),
        ("min(people, wait)", "person", "y: min takes person here, but wait is in month"),
        ("smooth1(people, share)", "person", "y: smooth1 takes month here, but share is in dmnl"),
        ("ramp(people, wait)", "person*month", ""),
        ("curve(people)", "person", "y: curve looks up month, but people is in person"),
        (
            "pace + yearly",
            "person/month",
            "y: person/month and person/year cannot be added; 1 person/month is 12 person/year, so multiply by a "
            "constant that converts",
        ),
        (
            "cost + old_cost",
            "GBP_2024",
            "y: GBP_2024 and GBP_2023 cannot be added; money of different years, so bring it to one price year first",
        ),
        ("0.05 * people", "person/month", "y is declared in person/month, but its equation is in person"),
    ],
)
def test_what_does_not_fit_is_said_once(equation: str, units: str, said: str) -> None:
    assert ([said] if said else []) == faults(equation, units)


@pytest.mark.parametrize(
    ("equation", "units"),
    [
        ("2 * people", "person"),
        ("people + 3", "person"),
        ("3", "person"),
        ("-3 / 4", "month"),
        ("1 - share", "dmnl"),
        ("people ^ (1/2) * more ^ (1/2)", "person"),
        ("time / wait", "dmnl"),
        ("time_step * pace", "person"),
        ("not share", "dmnl"),
        ("share > 0 and wait > 2", "dmnl"),
        ("people * pace / people", "person/month"),
    ],
)
def test_a_number_written_out_takes_the_unit_it_stands_with(equation: str, units: str) -> None:
    assert [] == faults(equation, units)


def test_what_states_no_unit_is_not_checked() -> None:
    assert [] == faults("exp(0.1 * time) + people", "")
