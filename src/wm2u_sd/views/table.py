"""A table for people, words and rounded numbers, with the exact figures it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wm2u_sd.economics.wording import difference, level, plain
from wm2u_sd.views.inputs import ReportInputs

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
DIGITS = 9
NINE_RUNS = "In brackets: 9 runs in 10."
YEARS_SHOWN = (1, 3, 5, 7, 10, 20)

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table as it is read, and the figures behind it.

    Attributes:
        name: Of its CSV file, without the ending.
        caption: What it shows, with units and the meaning of the range.
        heads: Of the columns; the first column heads its row.
        rows: Cells in words.
        frame: The exact figures, tidy, with a column of units; what the CSV file holds.
        is_grouped: Rows with the same first cell belong together; the second cell heads each.
    """

    name: str
    caption: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    frame: pd.DataFrame
    is_grouped: bool = False

    def grouped_rows(self) -> list[tuple[str, list[Sequence[str]]]]:
        """Return rows under what they have in common, without it; one nameless group when the table is not grouped."""
        if not self.is_grouped:
            return [("", list(self.rows))]
        groups: dict[str, list[Sequence[str]]] = {}
        for first, *others in self.rows:
            groups.setdefault(first, []).append(others)
        return list(groups.items())

    @property
    def shown_heads(self) -> Sequence[str]:
        """Headings of the columns that `grouped_rows` holds."""
        return self.heads[1:] if self.is_grouped else self.heads

    def csv(self) -> str:
        """Return the figures as CSV; text that a spreadsheet would run as a formula is quoted with an apostrophe."""
        return str(self.frame.map(_cell).to_csv(index=False, lineterminator="\n"))


def _cell(value: object) -> object:
    import numpy as np

    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, float | np.floating):
        shown = "" if np.isnan(value) else np.format_float_positional(value, DIGITS, fractional=False, trim="-")
        return shown or None
    return value


def records(frame: pd.DataFrame) -> list[Record]:
    """Return the rows of a frame as mappings."""
    found: list[Record] = frame.to_dict("records")
    return found


def only(frame: pd.DataFrame, **wanted: object) -> pd.DataFrame:
    """Return the rows that hold the wanted values."""
    return frame[_holds(frame, wanted)]


def one(frame: pd.DataFrame, **wanted: object) -> Record:
    """Return the one row that holds the wanted values."""
    (at,) = _holds(frame, wanted).nonzero()[0]
    return {str(name): frame[name].iat[at] for name in frame.columns}


def _holds(frame: pd.DataFrame, wanted: Mapping[str, object]) -> NDArray[np.bool_]:
    import numpy as np

    held = np.ones(len(frame), dtype=bool)
    for name, value in wanted.items():
        held &= (frame[name] == value).to_numpy(dtype=bool)
    return held


def of(frame: pd.DataFrame, scenarios: Sequence[str]) -> pd.DataFrame:
    """Return the rows of some scenarios, in their order."""
    import pandas as pd

    parts = [only(frame, scenario=name) for name in scenarios]
    return pd.concat(parts, ignore_index=True) if parts else frame.iloc[:0]


def groups(frame: pd.DataFrame, *keys: str) -> list[pd.DataFrame]:
    """Return the rows of each combination of keys, in the order they come."""
    return [group for _, group in frame.groupby(list(keys), sort=False)]


def change_in_words(row: Record) -> str:
    """Write a row's difference: '12 fewer (17 fewer to 3 more)'."""
    return difference(row["low"], row["middle"], row["high"], row["units"])


def level_in_words(row: Record) -> str:
    """Write a row's level: '560 (420 to 720)'."""
    return level(row["low"], row["middle"], row["high"], row["units"])


def whole(value: float) -> str:
    """Write a count; nothing when there is none."""
    return plain(value, 1) if value == value else ""


def capital(text: str) -> str:
    """Write a text with a capital at its start."""
    return text[:1].upper() + text[1:]


def years_shown(inputs: ReportInputs) -> list[int]:
    """Return the years whose figures stand in tables."""
    return [year for year in YEARS_SHOWN if year <= inputs.benefit.beyond]


def year_heads(inputs: ReportInputs, years: Sequence[int]) -> list[str]:
    """Return headings of years, those beyond the horizon marked."""
    return [
        f"Year {year}, {inputs.end_of_year(year)}{'' if year <= inputs.benefit.years else ', beyond the horizon'}"
        for year in years
    ]


def against(inputs: ReportInputs) -> str:
    """Return 'against ...' with the label of the baseline."""
    return f"against '{inputs.label(inputs.baseline)}'"


def stacked(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Put frames under one another; a column one of them lacks is empty there."""
    import pandas as pd

    return pd.concat([frame.astype(object) for frame in frames], ignore_index=True)


def framed(rows: Sequence[Sequence[object]], columns: Sequence[str]) -> pd.DataFrame:
    """Return rows as a frame."""
    import pandas as pd

    return pd.DataFrame(rows, columns=list(columns))
