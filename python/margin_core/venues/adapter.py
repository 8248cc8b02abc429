# SPDX-License-Identifier: Apache-2.0
"""The facade's Market and Book, and as the columns of the scan engine.

Only what accounts hold goes over. Dollar currencies are one cash, at their prices; profit since
entry of futures and perpetuals is cash too. Quotes count as certain but for the width of the index.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core.book import Book, resolve_rows
from margin_core.elementary import log
from margin_core.errors import DomainError, NotMarginableError
from margin_core.instruments import DOLLARS, Kind
from margin_core.market import Market
from margin_core.venues.columns import Column, Index, group_sums
from margin_core.venues.scan import columns as scan

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.venues.scan.preset import ScanPreset

DAYS_PER_YEAR = 365.0  #: of the facade

__all__ = ["Held", "held", "is_dollar", "scan_columns", "settlement"]


class Held(NamedTuple):
    """What accounts hold, one row a position or balance, by account and market row.

    account, row : (P,) account, and row of the market
    quantity : (P,)
    profit : (P,) since entry of futures and perpetuals: coins of inverse, quote currency of linear
    source : (P,) row of the tables, balances after positions, orders after balances
    place : what to call a row of the tables, for messages
    """

    account: Index
    row: Index
    quantity: Column
    profit: Column
    source: Index
    place: Callable[[int], str]

    def refused(self, row: int, why: str) -> NotMarginableError:
        """The error about a row of this, with the row of the tables."""
        source = int(self.source[row])
        return NotMarginableError(f"{self.place(source)}: {why}", row=source)


def held(market: Market, book: Book) -> Held:
    """Positions and balances, resolved against the market.

    Raises
    ------
    UnknownInstrumentError, DomainError
        The market has no such instrument, an entry price is not positive: the table's row.
    """
    parts = (book.positions, book.balances)
    words = ("instrument", "currency")
    rows = [resolve_rows(market.instruments, p, w) for p, w in zip(parts, words, strict=True)]
    count = len(book.positions)

    def place(row: int) -> str:
        which = int(row >= count)
        return parts[which].origin.at(row - count * which, words[which])

    row = np.concatenate(rows).astype(np.int64)
    entry = np.full(len(row), np.nan)
    if book.positions.price is not None:
        entry[:count] = book.positions.price
    quantity = np.concatenate([p.quantity for p in parts])
    linear = np.isin(market.instruments.kind[row], (Kind.FUTURE, Kind.PERPETUAL))
    bad = linear & ~np.isnan(entry) & ~((entry > 0.0) & np.isfinite(entry))
    if bad.any():
        at = int(np.argmax(bad))
        raise DomainError(f"{place(at)}: the entry price {entry[at]:g} is not positive", row=at)
    forward = market.forward_usd[row]
    entry = np.where(linear & ~np.isnan(entry), entry, forward)
    size = quantity * market.instruments.contract_size[row]
    inverse = market.instruments.inverse[row]
    profit = np.where(inverse, size * (1.0 / entry - 1.0 / forward), size * (forward - entry))
    account = np.concatenate([p.account for p in parts])
    # Sums are made in this order, so that they do not depend on the order of the tables.
    order = np.argsort(account * len(market.instruments) + row, kind="stable")
    profit = np.where(linear, profit, 0.0)
    return Held(account[order], row[order], quantity[order], profit[order], order, place)


def is_dollar(market: Market) -> NDArray[np.bool_]:
    """(n,) Which rows of the market are dollar currencies."""
    names = np.array([name in DOLLARS for name in market.instruments.name], dtype=bool)
    return names & (market.instruments.kind == Kind.SPOT)


def settlement(market: Market, book: Held) -> tuple[str, float]:
    """The dollar currency that what is held settles in, and its USD price; USD where none does."""
    instruments = market.instruments
    linear = ~instruments.inverse[book.row] & (instruments.kind[book.row] != Kind.SPOT)
    for number in np.unique(instruments.settlement[book.row[linear]]):
        name = instruments.currencies[number]
        if name in DOLLARS:
            return name, float(market.currency_usd[number])
    return "USD", 1.0


@dataclass(frozen=True, eq=False)
class ScanColumns:
    """Columns of the scan engine, and the way back.

    source : (P,) for each position of the engine's book, a row of `Held`
    account : (A,) the facade's account of each of the engine's; a coin-margined preset margins
        every unit of an account on its own
    usd : (A,) USD per 1.0 of the numeraire
    other_usd : equity that no engine account holds, by facade account
    """

    instruments: scan.Instruments
    market: scan.Market
    book: scan.Book
    source: Index
    account: Index
    usd: Column
    other_usd: Column


def scan_columns(market: Market, book: Held, preset: ScanPreset, n_accounts: int) -> ScanColumns:
    """What accounts hold, as the scan engine reads it.

    Raises
    ------
    NotMarginableError
        A position that the preset has no rule for; `row` is the position's.
    """
    coin = preset.pricing.numeraire == "coin"
    stable, stable_usd = settlement(market, book)
    instruments = market.instruments
    kind, unit = instruments.kind[book.row], instruments.unit[book.row].astype(np.int64)
    cash = is_dollar(market)[book.row]
    own = coin & (kind == Kind.SPOT) & ~cash
    positions = np.flatnonzero(~cash & ~own)

    used = np.unique(book.row[positions])
    used = used[_order(market, used)]
    number = np.full(len(instruments), -1, dtype=np.int64)
    number[used] = np.arange(len(used))
    units, unit_of = np.unique(instruments.unit[used].astype(np.int64), return_inverse=True)
    terms = np.stack([unit_of, np.minimum(instruments.kind[used], Kind.FUTURE).astype(np.int64),
                      instruments.expiry_ns[used]])  # fmt: skip
    first = np.any(np.diff(terms, axis=1, prepend=-1) != 0, axis=0)
    term = np.cumsum(first) - 1

    n_units = len(instruments.units)
    key = book.account * n_units + unit if coin else book.account
    keys = np.unique(key[~cash]) if coin else np.arange(n_accounts)
    engine_account = np.searchsorted(keys, key)
    of = keys // n_units if coin else keys
    usd = market.index_usd[keys % n_units] if coin else np.full(len(keys), stable_usd)

    place = engine_account[positions] * len(used) + number[book.row[positions]]
    sort = positions[np.argsort(place, kind="stable")]
    account, at = engine_account[sort], number[book.row[sort]]
    same = np.zeros(len(sort), dtype=bool)
    same[1:] = (account[1:] == account[:-1]) & (at[1:] == at[:-1])
    start = np.flatnonzero(~same)
    quantity = np.add.reduceat(book.quantity[sort], start) if len(start) else np.empty(0)

    index = market.index_usd[unit]
    profit = np.where(instruments.inverse[book.row] & (not coin), book.profit * index / stable_usd,
                      book.profit)  # fmt: skip
    worth = np.where(cash, book.quantity * index / stable_usd, profit)
    worth = np.where(own, book.quantity, worth)
    other = np.zeros(n_accounts)
    if coin:
        other = group_sums((book.quantity * index)[cash], book.account[cash], n_accounts)
        worth, engine_account = worth[~cash], engine_account[~cash]
    n = len(keys)
    return ScanColumns(
        instruments=scan.Instruments(
            names=tuple(instruments.name[used]),
            units=tuple(instruments.units[u] for u in units),
            unit=unit_of.astype(np.int64),
            term=term,
            kind=instruments.kind[used].astype(np.int64),
            strike=instruments.strike[used],
            size=instruments.contract_size[used],
            inverse=instruments.inverse[used],
        ),
        market=_scan_market(market, preset, used, units, first, term, stable_usd),
        book=scan.Book(
            start=np.searchsorted(account[start], np.arange(n + 1)).astype(np.int64),
            instrument=at[start],
            quantity=quantity,
            cash=group_sums(worth, engine_account, n),
            provision_im=np.zeros(n),
            provision_mm=np.zeros(n),
        ),
        source=sort[start],
        account=of,
        usd=usd,
        other_usd=other,
    )


def _order(market: Market, rows: Index) -> Index:
    """By unit, perpetual before dated, expiry, strike, kind: terms are contiguous."""
    i = market.instruments
    kind = i.kind[rows]
    family = np.minimum(kind, Kind.FUTURE)
    keys: Any = (kind, i.strike[rows], i.expiry_ns[rows], family, i.unit[rows])
    return np.lexsort(keys)


def _scan_market(market: Market, preset: ScanPreset, used: Index, units: Index, first: Any,
                 term: Index, stable_usd: float) -> scan.Market:  # fmt: skip
    years = market.years[used] * (DAYS_PER_YEAR / preset.pricing.days_per_year)
    dated = np.maximum(years, 1e-12)
    rate = np.where(years > 0.0, -log(market.discount[used]) / dated, 0.0)
    by_term = np.full(int(first.sum()), -np.inf)
    np.maximum.at(by_term, term, rate)
    sure = 1.0 - market.confidence_frac
    return scan.Market(
        index=market.index_usd[units],
        index_confidence=sure[units],
        years=years[first],
        rate=by_term,
        term_confidence=np.ones(len(by_term)),
        forward=market.forward_usd[used],
        forward_fixed=np.zeros(len(used)),
        vol=market.vol[used],
        confidence=np.ones(len(used)),
        stable_usd=stable_usd,
    )
