from fractions import Fraction

import pytest

from wm2u_sd.errors import UnitsError
from wm2u_sd.units import DIMENSIONLESS, Unit, conversion_factor, gap, ratio_of, read_unit


@pytest.mark.parametrize(
    ("text", "powers"),
    [
        ("dmnl", ()),
        ("1", ()),
        ("person", (("person", 1),)),
        ("person/month", (("month", -1), ("person", 1))),
        ("1/month", (("month", -1),)),
        ("GBP_2024/place/week", (("GBP_2024", 1), ("place", -1), ("week", -1))),
        ("GBP_2024/(place*week)", (("GBP_2024", 1), ("place", -1), ("week", -1))),
        ("metre^2", (("metre", 2),)),
        ("metre^-1/2", (("metre", Fraction(-1, 2)),)),
        ("person*month/person", (("month", 1),)),
        (" kGBP_2024_25 / month ", (("kGBP_2024_25", 1), ("month", -1))),
    ],
)
def test_a_unit_is_a_product_of_powers(text: str, powers: tuple[tuple[str, int | Fraction], ...]) -> None:
    assert Unit(tuple((name, Fraction(power)) for name, power in powers)) == read_unit(text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("person per month", "'per' stands where * or / should"),
        ("person//month", "'/' stands where a name should"),
        ("person/", "it stops short"),
        ("", "it stops short"),
        ("(person", "a bracket is not closed"),
        ("person^month", "'month' is no power"),
        ("person^1/0", "'1/0' is no power"),
        ("person^99", "the power 99 is above 12"),
        ("2*person", "'2' stands where a name should"),
        ("£", "'£' does not belong in one"),
        ("(" * 30 + "person" + ")" * 30, "brackets are nested more than 20 deep"),
    ],
)
def test_what_is_no_unit_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(UnitsError) as raised:
        read_unit(text)

    assert f"'{text}' is not a unit: {said}; write names joined by * and /, e.g. person/month" == str(raised.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("months", "'months' is not a unit; write month"),
        ("persons", "'persons' is not a unit; write person"),
        ("percent", "'percent' is not a unit; write dmnl, and 0.35 for 35%"),
        ("GBP", "'GBP' has no price year; write e.g. GBP_2024"),
        ("kGBP", "'kGBP' has no price year; write e.g. kGBP_2024"),
        ("Month", "'Month' is not a unit; write lower-case words (person, month), FTE, or money with its price year"),
        ("x" * 300, "a unit of 300 characters; the limit is 200"),
    ],
)
def test_a_word_that_is_no_unit_is_answered_with_one_that_is(text: str, said: str) -> None:
    with pytest.raises(UnitsError) as raised:
        read_unit(text)

    assert said == str(raised.value)


@pytest.mark.parametrize("text", ["dmnl", "person/month", "1/month", "GBP_2024/place/week", "metre^1/2", "1/(a*b)"])
def test_the_text_of_a_unit_reads_back_to_it(text: str) -> None:
    assert read_unit(text) == read_unit(str(read_unit(text)))


# A year of 365.25 days in twelve equal months: 365.25 / 12 days a month, 1461 / 28 weeks a year.
@pytest.mark.parametrize(
    ("given", "wanted", "factor"),
    [
        ("person/year", "person/month", 1 / 12),
        ("month", "day", 365.25 / 12),
        ("year", "week", 1461 / 28),
        ("1/week", "1/month", 1461 / 28 / 12),
        ("kGBP_2024", "GBP_2024", 1000.0),
        ("MGBP_2024/year", "kGBP_2024/month", 1000 / 12),
        ("day^2", "hour^2", 576.0),
        ("minute", "second", 60.0),
    ],
)
def test_known_units_convert(given: str, wanted: str, factor: float) -> None:
    assert factor == pytest.approx(conversion_factor(read_unit(given), read_unit(wanted)), rel=1e-14)


@pytest.mark.parametrize(
    ("given", "wanted", "said"),
    [
        ("person", "month", "person cannot be converted to month; they measure different things"),
        (
            "GBP_2023",
            "GBP_2024",
            "GBP_2023 cannot be converted to GBP_2024; money of different years, so bring it to one price year first",
        ),
    ],
)
def test_different_things_do_not_convert(given: str, wanted: str, said: str) -> None:
    with pytest.raises(UnitsError) as raised:
        conversion_factor(read_unit(given), read_unit(wanted))

    assert said == str(raised.value)


def test_units_fit_when_amounts_can_be_added_as_they_are() -> None:
    month, year = read_unit("month"), read_unit("year")

    assert month.fits(month)
    assert not month.fits(year)
    assert DIMENSIONLESS.fits(month / month)


def test_the_gap_between_units_of_one_kind_is_the_factor() -> None:
    year, month = read_unit("person/year"), read_unit("person/month")

    assert "; 1 person/year is 0.0833333 person/month, so multiply by a constant that converts" == gap(year, month)
    assert "" == gap(read_unit("person"), read_unit("month"))
    assert ratio_of(read_unit("person"), read_unit("month")) is None
