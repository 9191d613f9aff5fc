"""Properties of money that hold whatever the numbers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from wm2u_sd.economics.discounting import Timing, load_schedule
from wm2u_sd.economics.prices import load_deflator
from wm2u_sd.economics.pricing import release
from wm2u_sd.units import read_unit

SCHEDULE, DEFLATOR = load_schedule(), load_deflator()
years = st.sampled_from(sorted(DEFLATOR.index))
sums = st.floats(-1e9, 1e9)
names = st.sampled_from(["GBP_2024", "person", "week", "month"])


@given(sums, years, years, years)
def test_conversion_by_way_of_a_third_year_is_the_same(amount: float, first: str, middle: str, last: str) -> None:
    by_way = DEFLATOR.convert(DEFLATOR.convert(amount, first, middle), middle, last)

    assert DEFLATOR.convert(amount, first, last) == pytest.approx(by_way, rel=1e-12)


@given(st.floats(0, 999), st.floats(0, 999))
def test_later_never_counts_for_more(one: float, other: float) -> None:
    sooner, later = sorted((one, other))

    assert 0 < SCHEDULE.factor(later) <= SCHEDULE.factor(sooner) <= 1


@given(st.integers(1, 400), st.sampled_from(list(Timing)))
def test_factors_of_a_year_lie_between_its_ends(year: int, timing: Timing) -> None:
    factor = SCHEDULE.yearly(year, timing)[-1]

    assert SCHEDULE.factor(year) * (1 - 1e-9) <= factor <= SCHEDULE.factor(year - 1)


@given(
    arrays.arrays(float, (2, 3, 24), elements=st.floats(-1e6, 1e6)),
    arrays.arrays(float, 24, elements=st.floats(0.05, 12)),
    arrays.arrays(float, 3, elements=st.one_of(st.just(0.0), st.floats(0.01, 60))),
)
def test_delay_holds_everything_that_went_in(amounts: np.ndarray, lengths: np.ndarray, delay: np.ndarray) -> None:
    out, inside = release(amounts, lengths, delay)

    np.testing.assert_allclose(
        out.cumsum(-1) + inside, amounts.cumsum(-1), atol=1e-9 * max(1.0, float(np.abs(amounts).sum()))
    )


@given(
    arrays.arrays(float, (1, 1, 12), elements=st.floats(0, 1e6)),
    st.floats(0.01, 60),
    st.integers(2, 5),
)
def test_delay_does_not_depend_on_how_time_is_cut(amounts: np.ndarray, delay: float, pieces: int) -> None:
    """Amounts flow evenly within a piece, so cutting each piece changes nothing."""
    whole, _ = release(amounts, np.ones(12), np.array([delay]))
    finer, _ = release(np.repeat(amounts / pieces, pieces, -1), np.full(12 * pieces, 1 / pieces), np.array([delay]))

    np.testing.assert_allclose(finer.reshape(1, 1, 12, pieces).sum(-1), whole, rtol=1e-7, atol=1e-6)


@given(st.lists(names, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_order_of_units_does_not_matter(units: list[str], random: object) -> None:
    shuffled = random.sample(units, len(units))  # type: ignore[attr-defined]

    assert read_unit("*".join(units)) == read_unit(" * ".join(shuffled))
