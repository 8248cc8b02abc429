# SPDX-License-Identifier: Apache-2.0
"""How far a unit's price may go before accounts are liquidatable: down and up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _liquidation_price
from margin_core.book import Book, cost_bases
from margin_core.checks import real
from margin_core.errors import ArgumentError, DomainError, ExactnessError, UnknownInstrumentError
from margin_core.isa import as_threads
from margin_core.sweep import exposure_of, named
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.margin import Margin

__all__ = ["LiquidationPrices", "liquidation_prices"]

#: Of today's price, what a tick is at most by default: 0.01 USD of a coin at 60,000.
TICK_FRAC = 1e-6
STEPS = 48


@dataclass(frozen=True, eq=False)
class LiquidationPrices:
    """Prices of one unit at which accounts are liquidatable; NaN where none was found.

    Attributes
    ----------
    accounts : (n,) object
    unit : str
    price_usd : float
        Today's.
    tick_usd : float
        Prices are whole numbers of it; one tick nearer to today's the account is not liquidatable.
    below_usd, above_usd : (n,) float64
    liquidatable : (n,) bool
        Already, at today's price: both prices are today's then.
    """

    accounts: NDArray[Any]
    unit: str
    price_usd: float
    tick_usd: float
    below_usd: NDArray[np.float64]
    above_usd: NDArray[np.float64]
    liquidatable: NDArray[np.bool_]

    def table(self) -> Table:
        """account, unit, price_usd, below_usd, below_move, above_usd, above_move, liquidatable."""
        n = len(self.accounts)
        return Table(
            {
                "account": self.accounts,
                "unit": np.full(n, self.unit, dtype=object),
                "price_usd": np.full(n, self.price_usd),
                "below_usd": self.below_usd,
                "below_move": self.below_usd / self.price_usd - 1.0,
                "above_usd": self.above_usd,
                "above_move": self.above_usd / self.price_usd - 1.0,
                "liquidatable": self.liquidatable,
            }
        )


def liquidation_prices(
    book: Book,
    margin: Margin,
    unit: str,
    accounts: Sequence[str] | None = None,
    *,
    tick_usd: float | None = None,
    moves: tuple[float, float] = (-0.95, 4.0),
    steps: int = STEPS,
    market_exposure: bool = True,
    threads: int = 0,
) -> LiquidationPrices:
    """Where each account falls below its maintenance margin as one unit's price moves.

    Every position, order and charge of the account is counted, those in other units too; what
    moves with the price is on the method page. Exact to the tick, of options on the repriced curve:
    a sweep in the market at that price says so.

    Parameters
    ----------
    book : Book
    margin : Margin
    unit : str
        Whose price moves.
    accounts : names, optional
        Only these; all by default.
    tick_usd : float, optional
        At most the price; by default the power of ten at most 1e-6 of it.
    moves : (down, up)
        How far to look, as fractions of today's price.
    steps : int
        Looks on either side that bracket the price; a fall below and back between two of them is
        not seen.
    market_exposure : bool
        As in `sweep`.
    threads : int

    Raises
    ------
    UnknownInstrumentError
        A unit or account that is not there.
    DomainError, ArgumentError
        A tick or moves out of range.
    ExactnessError
        An account whose sums pass 2^53 quanta at a price that was looked at.
    """
    if not isinstance(book, Book):
        raise ArgumentError(f"a Book is needed, not {type(book).__name__}")
    if unit not in margin.units:
        raise UnknownInstrumentError(f"no unit {unit!r} among {', '.join(margin.units)}")
    price = float(margin.market.index_usd[margin.market.instruments.units.index(unit)])
    tick = 10.0 ** math.floor(math.log10(price * TICK_FRAC)) if tick_usd is None else tick_usd
    if not 0.0 < real("tick_usd", tick) <= price:
        raise DomainError(f"tick_usd is {tick}; above 0 and at most the price, {price:g}")
    per_usd = 1.0 / tick
    per_usd = round(per_usd) if abs(per_usd - round(per_usd)) < 1e-9 * per_usd else per_usd
    threads = as_threads(threads)
    packed = book.pack(margin.risk)
    sides, owners = exposure_of(packed, margin, market_exposure, threads)
    rows = None if accounts is None else [book.row_of(name) for name in accounts]
    n = len(book) if rows is None else len(rows)
    below, above = np.zeros(n, dtype=np.int64), np.zeros(n, dtype=np.int64)
    found = np.zeros(n, dtype=np.uint8)
    follows = _follows(book, margin, unit)
    spans = (
        [(0, slice(0, n))] if rows is None else [(r, slice(k, k + 1)) for k, r in enumerate(rows)]
    )
    for first, at in spans:
        try:
            _liquidation_price.liquidation_prices(
                margin.risk.handle, margin.risk.snapshot, margin.handle, packed.handle, first,
                threads, margin.units.index(unit), float(per_usd), *moves, steps, sides, owners,
                follows, below[at], above[at], found[at],
            )  # fmt: skip
        except ExactnessError as error:
            raise named(error, packed.accounts) from None
    now = found & _liquidation_price.NOW > 0
    ends = []
    for ticks, bit in ((below, _liquidation_price.BELOW), (above, _liquidation_price.ABOVE)):
        ends.append(np.where(now, price, np.where(found & bit > 0, ticks / per_usd, np.nan)))
    return LiquidationPrices(
        accounts=book.accounts if rows is None else book.accounts[rows], unit=unit,
        price_usd=price, tick_usd=1.0 / per_usd, below_usd=ends[0], above_usd=ends[1],
        liquidatable=now,
    )  # fmt: skip


def _follows(book: Book, margin: Margin, unit: str) -> NDArray[np.int64] | None:
    """Cash of every account that is coins of the unit: what inverse contracts were entered at.

    Those of portfolio accounts are coins among their positions.
    """
    bases = cost_bases(book, margin.risk)
    instruments = margin.instruments
    of_unit = instruments.inverse[bases.contract] & ~bases.in_coin
    of_unit &= margin.risk.numbering.unit[bases.contract] == margin.units.index(unit)
    if not of_unit.any():
        return None
    follows = np.zeros(len(book), dtype=np.int64)
    np.add.at(follows, bases.account[of_unit], bases.cash[of_unit])
    return follows


def account_prices(book: Book, margin: Margin, account: str, *, threads: int = 0) -> Table:
    """The prices of one account in every unit that it has a position or an order in."""
    packed = book.select([book.row_of(account)]).pack(margin.risk)
    rows = [packed.row] if packed.order_row is None else [packed.row, packed.order_row]
    units = np.unique(margin.risk.numbering.unit[np.concatenate(rows)]).tolist()
    names = [margin.units[u] for u in units if margin.units[u] != margin.risk.numeraire]
    tables = [
        liquidation_prices(book, margin, name, [account], threads=threads).table()
        for name in names
    ]  # fmt: skip
    return Table({c: np.concatenate([t[c] for t in tables]) for c in tables[0]} if tables else {})
