"""Operations beyond NumPy's own."""

import numpy as np
import pytest

from wm2u_sd.backends.operations import Curve, grant, look_up, share_out

CURVE = (np.array([0.0, 10.0, 30.0]), np.array([1.0, 3.0, 2.0]))


@pytest.mark.parametrize(
    ("content", "demand", "expected"),
    [
        ([4.0, 8.0], [8.0, 4.0], [0.5, 1.0]),
        ([9.0, 8.0], [8.0, 4.0], [1.0, 1.0]),
        ([0.0, 0.0], [0.0, 5.0], [1.0, 0.0]),
        ([2.0, np.inf], [np.nan, 1.0], [1.0, 1.0]),
    ],
)
def test_a_stock_shares_out_what_it_holds(content: list[float], demand: list[float], expected: list[float]) -> None:
    with np.errstate(all="ignore"):
        assert expected == share_out(np.array(content), np.array(demand)).tolist()


@pytest.mark.parametrize(
    ("asked", "share", "expected"),
    [
        ([8.0, 6.0], [0.5, 1.0], [4.0, 6.0]),
        ([-8.0, 6.0], [0.5, 0.5], [-8.0, 3.0]),
        ([8.0, -6.0], [1.0, 1.0], [8.0, -6.0]),
        ([8.0], [0.0, 1.0], [0.0, 8.0]),
    ],
)
def test_a_flow_is_granted_its_share_and_a_negative_demand_all(
    asked: list[float], share: list[float], expected: list[float]
) -> None:
    assert expected == grant(np.array(asked), np.array(share)).tolist()


def test_when_nobody_is_short_what_is_asked_is_granted_as_it_is() -> None:
    asked = np.array([3.0, -1.0])
    share = share_out(np.array([5.0, 5.0]), np.array([4.0, 0.0]))

    assert grant(asked, share) is asked
    assert [2.0, 2.0] == grant(np.array([2.0]), share).tolist()


@pytest.mark.parametrize(
    ("extrapolate", "expected"), [(False, [1.0, 2.0, 3.0, 2.5, 2.0]), (True, [0.0, 2.0, 3.0, 2.5, 1.0])]
)
def test_a_curve_is_straight_between_points_and_holds_or_goes_on_beyond(
    extrapolate: bool, expected: list[float]
) -> None:
    x = np.array([-5.0, 5.0, 10.0, 20.0, 50.0])

    assert expected == look_up(x, Curve.through(*CURVE, extrapolate)).tolist()
