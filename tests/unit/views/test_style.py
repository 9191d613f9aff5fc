"""Rules of pictures that can be worked out; whether they look right is judged by eye."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wm2u_sd.views.style import GREY, INK, LINES, MOST_LINES, LineStyle, in_lines, short_pounds, spread_out


def brightness(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Contrast of two colours, WCAG 2.2: 1 to 21."""
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("line", LINES)
def test_lines_are_told_from_white(line: LineStyle) -> None:
    assert contrast(line.colour, "#FFFFFF") >= 3.0  # WCAG 2.2, 1.4.11


@pytest.mark.parametrize("colour", [INK, GREY])
def test_words_can_be_read_on_white(colour: str) -> None:
    assert contrast(colour, "#FFFFFF") >= 4.5  # WCAG 2.2, 1.4.3


def test_every_line_has_a_colour_and_a_dash_of_its_own() -> None:
    assert MOST_LINES == len({line.colour for line in LINES}) == len({line.dash for line in LINES})


@given(st.lists(st.floats(0, 100), min_size=1, max_size=4), st.floats(1, 20))
def test_names_of_lines_never_lie_on_one_another(wanted: list[float], size: float) -> None:
    sizes = [size] * len(wanted)

    places = sorted(spread_out(wanted, sizes, 0, 100))

    assert all(after - before >= size - 1e-9 for before, after in pairwise(places))
    assert places[0] >= size / 2 - 1e-9
    assert places[-1] <= 100 - size / 2 + 1e-9


def test_names_with_room_stay_beside_their_lines() -> None:
    assert [10, 50, 90] == spread_out([10, 50, 90], [5, 5, 5], 0, 100)


def test_lines_of_text_are_nearly_even() -> None:
    assert "A way of working,\nsame money, leaders\nstay with it" == in_lines(
        "A way of working, same money, leaders stay with it", 26
    )


@pytest.mark.parametrize(
    ("value", "words"), [(1_250_000, "£1.25m"), (-340_000, "-£340k"), (0, "£0"), (120, "£120"), (12e6, "£12m")]
)
def test_pounds_on_an_axis_are_short(value: float, words: str) -> None:
    assert words == short_pounds(value)
