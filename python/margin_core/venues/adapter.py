# SPDX-License-Identifier: Apache-2.0
"""The facade's Market and Book as the columns of the two engines.

Only what accounts hold goes over. Dollar currencies are one cash, at their prices; profit since
entry of futures and perpetuals is cash too. Quotes count as certain but for the width of the index.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core.book import Book, resolve_rows
from margin_core.errors import ArgumentError, DomainError, NotMarginableError
from margin_core.instruments import DOLLARS, Kind
from margin_core.market import Market
from margin_core.venues.columns import Column, Index, group_sums
from margin_core.venues.scan import columns as scan
from margin_core.venues.weights import columns as weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.venues.scan.preset import ScanPreset
    from margin_core.venues.weights.preset import WeightsPreset

__all__ = ["Held", "held", "scan_columns", "weights_columns"]


class Held(NamedTuple):
    """What accounts hold, one row a position or balance, by account and market row.

    account, row : (P,) account, and row of the market
    quantity : (P,)
    profit : (P,) since entry of futures and perpetuals: coins of inverse, quote currency of linear
    source : (P,) row of the tables, balances after positions
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
    order = np.lexsort((row, account))
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

    sort = positions[np.lexsort([number[book.row[positions]], engine_account[positions]])]
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
        market=_scan_market(market, used, units, first, term, stable_usd),
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


def _scan_market(market: Market, used: Index, units: Index, first: Any, term: Index,
                 stable_usd: float) -> scan.Market:  # fmt: skip
    years = market.years[used]
    dated = np.maximum(years, 1e-12)
    rate = np.where(years > 0.0, -np.log(market.discount[used]) / dated, 0.0)
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


@dataclass(frozen=True, eq=False)
class WeightsColumns:
    """Columns of the weights engine; equity_usd (A,) at the first price, every holding in full."""

    market: weights.Market
    book: weights.Book
    one_usd: int
    equity_usd: Column


def weights_columns(
    market: Market,
    book: Held,
    orders: Book,
    preset: WeightsPreset,
    n_accounts: int,
    open_interest_usd: Mapping[str, float],
) -> WeightsColumns:
    """What accounts hold, as the weights engine reads it.

    Raises
    ------
    NotMarginableError
        A position that no class of the preset names, or an inverse one; `row` is the position's.
    """
    m = weights.Arithmetic.of(preset)
    instruments = market.instruments
    cash = is_dollar(market)[book.row]
    _, stable_usd = settlement(market, book)
    for r in range(len(book.row)):
        row = book.row[r]
        held_name = f"{preset.name} does not margin {instruments.name[row]}"
        if instruments.inverse[row]:
            raise book.refused(r, f"{held_name}: it is inverse")
        name = preset.currency if cash[r] else class_of(preset, market, row)
        try:
            preset.of(name)
        except NotMarginableError:
            own = "" if name == instruments.name[row] else f" or {name}"
            raise book.refused(r, f"{held_name}: no class names it{own}") from None

    def whole(values: Any, one: int) -> Any:
        return m.array(np.rint(np.asarray(values) * one)) if m.integer else np.asarray(values)

    token = preset.currency
    rows = [_weights_row(market, preset, int(row), whole, m, open_interest_usd)
            for row in np.unique(book.row[~cash])]  # fmt: skip
    rows.append(
        {"name": token, "kind": weights.Kind.BALANCE, "price": _one(whole(1.0, m.quote_one))}
    )
    accounts: list[dict[str, Any]] = [{"holdings": {}} for _ in range(n_accounts)]
    filled = _orders_of(market, orders, preset)
    equity = np.zeros(n_accounts)
    dollars = np.zeros(n_accounts)
    quantity: dict[tuple[int, str], list[float]] = {}
    for r, row in enumerate(book.row):
        a, name = int(book.account[r]), instruments.name[row]
        value = book.quantity[r] * market.mark_usd[row]
        if cash[r]:
            dollars[a] += book.quantity[r] * market.index_usd[instruments.unit[row]] / stable_usd
            continue
        held_ = quantity.setdefault((a, name), [0.0, 0.0])
        held_[0] += book.quantity[r] * instruments.contract_size[row]
        if instruments.kind[row] in (Kind.FUTURE, Kind.PERPETUAL):
            value = book.profit[r]
            held_[1] += value - held_cost(market, row, book.quantity[r])
        equity[a] += value
    for (a, name), (q, quote) in quantity.items():
        bids, asks = filled.pop((a, name), (0.0, 0.0))
        accounts[a]["holdings"][name] = (
            _one(whole(q, m.size_one)), _one(whole(quote, m.quote_one)),
            _one(whole(bids, m.size_one)), _one(whole(asks, m.size_one)),
        )  # fmt: skip
    for a in range(n_accounts):
        accounts[a]["holdings"][token] = _one(whole(dollars[a], m.size_one))
    if filled:
        (a, name) = next(iter(filled))
        raise NotMarginableError(
            f"orders: account {orders.accounts[a]!r} holds no {name}: {preset.name} nets orders "
            "with positions"
        )
    table = weights.Market.of(m, rows, stable_usd)
    return WeightsColumns(table, weights.Book.of(m, table, accounts), m.quote_one, equity + dollars)


def held_cost(market: Market, row: int, quantity: float) -> float:
    """What a linear position is worth at the mark: profit less this is what was paid."""
    size = market.instruments.contract_size[row]
    return float(quantity * size * market.forward_usd[row])


def _one(value: Any) -> Any:
    return np.asarray(value, dtype=object)[()] if np.ndim(value) == 0 else value


def class_of(preset: WeightsPreset, market: Market, row: int) -> str:
    """The class of an instrument: its own name, or UNIT-PERP, UNIT-FUTURE, UNIT-CALL, UNIT-PUT."""
    instruments = market.instruments
    name = str(instruments.name[row])
    if any(name in entry.names for entry in preset.classes):
        return name
    kind = Kind(int(instruments.kind[row]))
    if kind is Kind.SPOT:
        return name
    word = "PERP" if kind is Kind.PERPETUAL else kind.name
    return f"{instruments.units[instruments.unit[row]]}-{word}"


def _weights_row(market: Market, preset: WeightsPreset, row: int, whole: Any, m: Any,
                 open_interest_usd: Mapping[str, float]) -> dict[str, Any]:  # fmt: skip
    instruments = market.instruments
    unit = instruments.units[instruments.unit[row]]
    index = float(market.index_usd[instruments.unit[row]])
    sure = 1.0 - float(market.confidence_frac[instruments.unit[row]])
    kind = Kind(int(instruments.kind[row]))
    out: dict[str, Any] = {
        "name": str(instruments.name[row]), "cls": class_of(preset, market, row), "unit": unit,
        "index": _one(whole(index, m.quote_one)), "confidence": 1 if m.integer else sure,
    }  # fmt: skip
    if kind is Kind.SPOT:
        return out | {"kind": weights.Kind.BALANCE, "price": out["index"]}
    if kind in (Kind.CALL, Kind.PUT):
        if m.integer:
            raise NotMarginableError(f"{preset.name} has no rule for options")
        return out | {
            "kind": weights.Kind.CALL if kind is Kind.CALL else weights.Kind.PUT,
            "expiry": int(instruments.expiry_ns[row]), "strike": float(instruments.strike[row]),
            "forward": float(market.forward_usd[row]),
            "mark": float(market.mark_usd[row] / instruments.contract_size[row]),
        }  # fmt: skip
    price = _one(whole(float(market.forward_usd[row]), m.quote_one))
    interest = float(open_interest_usd.get(unit, 0.0))
    if not (np.isfinite(interest) and interest >= 0.0):
        raise ArgumentError(f"open_interest_usd of {unit} is {interest}")
    return out | {"kind": weights.Kind.POSITION, "settle": preset.currency, "price": price,
                  "open_interest": _one(whole(interest, m.quote_one))}  # fmt: skip


def _orders_of(market: Market, book: Book, preset: WeightsPreset) -> dict[Any, tuple[float, float]]:
    """{(account, instrument): (bids, asks)} of futures and perpetuals, in the underlying."""
    instruments, orders = market.instruments, book.orders
    out: dict[Any, tuple[float, float]] = {}
    for r, row in enumerate(resolve_rows(instruments, orders, "instrument")):
        if instruments.kind[row] != Kind.PERPETUAL:
            raise NotMarginableError(f"{orders.origin.at(r, 'instrument')}: {preset.name} has no "
                                     "rule for open orders but of perpetuals", row=r)  # fmt: skip
        key = (int(orders.account[r]), str(instruments.name[row]))
        size = float(orders.quantity[r] * instruments.contract_size[row])
        bids, asks = out.get(key, (0.0, 0.0))
        out[key] = (bids + max(size, 0.0), asks + max(-size, 0.0))
    return out
