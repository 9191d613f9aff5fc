"""Pricing one ledger line: amounts by year, how much of them is cash, and when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wm2u_sd.economics.counting import RunLike, constant_draws, pick, year_marks
from wm2u_sd.economics.ledger import CASH_KINDS, CostLine
from wm2u_sd.economics.money_units import DAYS, to_money
from wm2u_sd.economics.prices import Deflator

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Calendar:
    """Saved moments between the start and the last year: where years begin, and how long the pieces are.

    Attributes:
        first, last: Positions in time.
        opens: For each year, the first piece in it.
        middles: Middle of each piece, years from the start.
        lengths: Length of each piece, months.
    """

    first: int
    last: int
    opens: Sequence[int]
    middles: np.ndarray
    lengths: np.ndarray


def calendar_of(run: RunLike, start: float, years: int) -> Calendar:
    """Cut the saved moments of a run into years from `start`.

    Raises:
        MoneyError: The run did not save the end of every year.
    """
    import numpy as np

    marks = year_marks(run.data, start, years)
    days = DAYS[str(run.data["time"].attrs["units"])]
    times = np.asarray(run.data["time"].values, dtype=float)[marks[0] : marks[-1] + 1] - start
    opens = [mark - marks[0] for mark in marks[:-1]]
    middles = (times[1:] + times[:-1]) / 2 * days / DAYS["year"]
    return Calendar(marks[0], marks[-1], opens, middles, np.diff(times) * days / DAYS["month"])


@dataclass(frozen=True)
class Priced:
    """Yearly amounts of one line, each of shape (scenario, draw, year), and the price year it was quoted in."""

    gross: np.ndarray
    cashable: np.ndarray
    carried: np.ndarray
    quoted: str


@dataclass(frozen=True)
class Pricer:
    """Prices lines of one run."""

    run: RunLike
    against: str
    calendar: Calendar
    beliefs: Mapping[str, np.ndarray]
    deflator: Deflator
    prices: str

    def price(self, line: CostLine) -> Priced:
        """Work out the yearly amounts of one line."""
        amounts, quoted = self._amounts(line)
        share, delay = self._cash_terms(line)
        released, waiting = release(amounts * share[:, None], self.calendar.lengths, delay)
        closes = [*(opens - 1 for opens in self.calendar.opens[1:]), amounts.shape[-1] - 1]
        return Priced(self._by_year(amounts), self._by_year(released), waiting[..., closes], quoted)

    def _amounts(self, line: CostLine) -> tuple[np.ndarray, str]:
        """Money of each piece of time, (scenario, draw, piece), in the prices of the analysis; and the quoted year."""
        import numpy as np

        counted = pick(self.run.data, line.driver, prefix="cumulative_", total=True)
        scales = [constant_draws(self.run, name, f"Cost line {line.name!r}") for name in line.scale]
        money = to_money(line.units, str(counted.attrs.get("units", "")), [unit for _, unit in scales], line=line.name)
        price = self._belief(line, "unit_cost") * money.factor * self.deflator.factor(money.year, self.prices)
        for values, _ in scales:
            price = price * values
        extra = (counted - counted.sel(scenario=self.against)).values[..., self.calendar.first : self.calendar.last + 1]
        growth = (1 + self._belief(line, "real_growth"))[:, None] ** self.calendar.middles
        return np.diff(extra, axis=-1) * price[:, None] * growth, money.year

    def _cash_terms(self, line: CostLine) -> tuple[np.ndarray, np.ndarray]:
        """Share that becomes cash and its mean delay in months, each of shape (draw,)."""
        import numpy as np

        n_draws = self.run.data.sizes["draw"]
        if line.cashable_share is None:
            return np.full(n_draws, float(line.kind in CASH_KINDS)), np.zeros(n_draws)
        return self._belief(line, "cashable_share"), self._belief(line, "cashable_delay")

    def _belief(self, line: CostLine, field: str) -> np.ndarray:
        return self.beliefs[line.belief_name(field)]

    def _by_year(self, pieces: np.ndarray) -> np.ndarray:
        import numpy as np

        return np.add.reduceat(pieces, self.calendar.opens, axis=-1)


def release(amounts: np.ndarray, lengths: np.ndarray, delay: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Let amounts through a first-order delay, exactly for amounts that flow evenly within each piece of time.

    Args:
        amounts: Shape (..., draw, piece).
        lengths: Length of each piece, shape (piece,).
        delay: Mean delay in the unit of `lengths`, shape (draw,); 0 lets everything through at once.

    Returns:
        What comes out in each piece and what is still inside at its end; together they hold everything that went in.
    """
    import numpy as np

    out, inside = np.zeros_like(amounts), np.zeros_like(amounts)
    held = np.zeros(amounts.shape[:-1])
    for piece, length in enumerate(lengths):
        kept = np.exp(-np.divide(length, delay, out=np.full_like(delay, np.inf), where=delay > 0))
        after = held * kept + amounts[..., piece] / length * delay * (1 - kept)
        out[..., piece] = amounts[..., piece] + held - after
        inside[..., piece] = held = after
    return out, inside
