"""Dimensions and sub-ranges: named lists of element labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from wm2u_sd.model.variables import NO_PLACE, Place, settle


@dataclass(frozen=True, slots=True)
class Dimension:
    """A named list of elements, e.g. age: under_5, 5_to_15.

    Attributes:
        name: Name used in `over` and between brackets.
        elements: Labels, in order.
        of: For a sub-range, the dimension whose elements it takes; '' otherwise.
    """

    name: str
    elements: Sequence[str] = ()
    of: str = ""
    doc: str = ""
    place: Place = field(default=NO_PLACE, compare=False, repr=False)

    def __post_init__(self) -> None:
        settle(self, "elements")
