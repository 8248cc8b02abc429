# SPDX-License-Identifier: Apache-2.0
"""What accounts hold as the columns of the weights engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core.book import Book, Holdings, resolve_rows
from margin_core.errors import ArgumentError, DomainError, NotMarginableError
from margin_core.instruments import Kind
from margin_core.market import Market
from margin_core.venues.adapter import Held, is_dollar, settlement
from margin_core.venues.columns import Column, Index, group_sums, segment_starts
from margin_core.venues.weights import columns as weights
from margin_core.venues.weights.arithmetic import Arithmetic

if TYPE_CHECKING:
    from margin_core.venues.weights.preset import WeightsPreset

__all__ = ["WeightsColumns", "weights_columns"]

#: What a class calls the instruments of a unit that it does not name.
WORDS = {Kind.FUTURE: "FUTURE", Kind.PERPETUAL: "PERP", Kind.CALL: "CALL", Kind.PUT: "PUT"}
KINDS = {Kind.SPOT: weights.Kind.BALANCE, Kind.CALL: weights.Kind.CALL, Kind.PUT: weights.Kind.PUT}
DERIVED = (Kind.FUTURE, Kind.PERPETUAL)


@dataclass(frozen=True, eq=False)
class WeightsColumns:
    """Columns of the weights engine; equity_usd (A,) at the first price, every holding in full."""

    market: weights.Market
    book: weights.Book
    equity_usd: Column


def weights_columns(
    market: Market,
    rows: Held,
    book: Book,
    preset: WeightsPreset,
    open_interest_usd: Mapping[str, float],
) -> WeightsColumns:
    """What accounts hold and order, as the weights engine reads it: dollars as the preset's token.

    Raises
    ------
    NotMarginableError
        A position or order that no class of the preset names, an inverse one, an order of anything
        but a perpetual; `row` is that of the tables, orders after balances after positions.
    DomainError
        An account's amounts are beyond a double; `row` is the account's.
    """
    m, n = Arithmetic.of(preset), len(book)
    ordered = _ordered(market, book, preset)
    if len(ordered):
        rows = _beside_orders(market, rows, book.orders, ordered)
    dollar = is_dollar(market)
    _, stable_usd = settlement(market, rows)
    held_rows = np.unique(rows.row)
    classes = _classes(market, preset, held_rows, dollar)
    _refuse(market, rows, preset, classes)
    used = held_rows[~dollar[held_rows]]
    table, place = _market(market, preset, m, used, classes, stable_usd, open_interest_usd)

    cash = dollar[rows.row]
    worth = rows.quantity * market.index_usd[market.instruments.unit[rows.row]] / stable_usd
    dollars = group_sums(worth[cash], rows.account[cash], n)
    derived = np.isin(market.instruments.kind[rows.row], DERIVED)
    value = np.where(derived, rows.profit, rows.quantity * market.mark_usd[rows.row])
    equity = group_sums(value[~cash], rows.account[~cash], n)
    lines = _lines(market, rows, ~cash, derived)
    fills = _fills(market, book.orders, ordered, lines)
    columns = _book(m, table, place, lines, fills, dollars, book.accounts)
    return WeightsColumns(table, columns, equity + dollars)


def _classes(
    market: Market, preset: WeightsPreset, rows: Index, dollar: Any
) -> dict[int, tuple[str, bool]]:
    """The class of every market row that is held, and whether the preset has it.

    An instrument's class is its own name where one names it, else UNIT-PERP, UNIT-FUTURE,
    UNIT-CALL or UNIT-PUT; that of dollars is the preset's token.
    """
    named = {name for entry in preset.classes for name in entry.names}
    instruments = market.instruments
    out = {}
    for row in rows.tolist():
        name, kind = str(instruments.name[row]), Kind(int(instruments.kind[row]))
        if dollar[row]:
            name = preset.currency
        elif name not in named and kind is not Kind.SPOT:
            name = f"{instruments.units[instruments.unit[row]]}-{WORDS[kind]}"
        out[row] = name, name in named or "*" in named
    return out


def _refuse(
    market: Market, book: Held, preset: WeightsPreset, classes: Mapping[int, tuple[str, bool]]
) -> None:
    """The first holding that the preset has no rule for."""
    instruments = market.instruments
    wrong = [row for row, (_, known) in classes.items() if instruments.inverse[row] or not known]
    if not wrong:
        return
    r = int(np.argmax(np.isin(book.row, wrong)))
    row = int(book.row[r])
    what = f"{preset.name} does not margin {instruments.name[row]}"
    if instruments.inverse[row]:
        raise book.refused(r, f"{what}: it is inverse")
    name, _ = classes[row]
    own = "" if name == instruments.name[row] else f" or {name}"
    raise book.refused(r, f"{what}: no class names it{own}")


def _market(
    market: Market, preset: WeightsPreset, m: Arithmetic, used: Index,
    classes: Mapping[int, tuple[str, bool]], stable_usd: float,
    open_interest_usd: Mapping[str, float],
) -> tuple[weights.Market, Index]:  # fmt: skip
    """The instruments used and the token of dollars, in the engine's order; and the place there of
    every market row, the token's at the end."""
    instruments, token = market.instruments, preset.currency
    unit = instruments.unit[used].astype(np.int64)
    units = np.array([*(instruments.units[u] for u in unit), token], dtype=object)
    own_class = np.array([*(classes[row][0] for row in used.tolist()), token], dtype=object)
    kind = np.array([KINDS.get(Kind(int(k)), weights.Kind.POSITION) for k in instruments.kind[used]]
                    + [weights.Kind.BALANCE], dtype=np.int64)  # fmt: skip
    option, position = kind >= weights.Kind.CALL, kind == weights.Kind.POSITION
    if m.integer and option.any():
        raise NotMarginableError(f"{preset.name} has no rule for options")

    def column(values: Any, of_token: float, where: Any = True) -> Column:
        return np.where(where, np.append(np.asarray(values, dtype=np.float64), of_token), 0.0)

    index, forward = column(market.index_usd[unit], 0.0), column(market.forward_usd[used], 1.0)
    strike = column(instruments.strike[used], 0.0, option)
    mark = column(market.mark_usd[used] / instruments.contract_size[used], 0.0, option)
    sure = column(np.ones(len(used)) if m.integer else 1.0 - market.confidence_frac[unit], 1.0)
    price = np.where(position, forward, column(market.index_usd[unit], 1.0))
    interest = _interest(units, position, open_interest_usd)

    rank = np.where(option, np.unique(units.astype(str), return_inverse=True)[1], 0)
    expiry_ns = np.where(option, np.append(instruments.expiry_ns[used], 0), 0)
    order = np.lexsort([kind, strike, expiry_ns, rank, option])
    place = np.full(len(instruments) + 1, -1, dtype=np.int64)
    place[np.append(used, len(instruments))[order]] = np.arange(len(order))
    columns = weights.Market(
        names=tuple(np.append(instruments.name[used], token)[order]),
        classes=tuple(own_class[order]),
        kind=kind[order],
        unit=tuple(units[order]),
        expiry=_expiries(option[order], rank[order], expiry_ns[order]),
        settle=np.where(position, place[-1], -1)[order],
        price=m.counted(price[order], m.quote_one)[:, None],
        index=m.counted(index[order], m.quote_one),
        forward=m.array(np.where(option, forward, 0.0)[order]),
        strike=m.array(strike[order]),
        mark=m.array(mark[order]),
        confidence=m.array(sure[order]),
        open_interest=m.counted(interest[order], m.quote_one),
        deposits=m.zeros(len(order)),
        borrows=m.zeros(len(order)),
        stable=stable_usd,
    )
    columns.check()
    return columns, place


def _expiries(option: Any, unit: Index, expiry_ns: Index) -> Index:
    """(n,) Number of the options of one unit that expire together, which stand side by side."""
    out = np.full(len(option), -1, dtype=np.int64)
    start = segment_starts(unit[option], expiry_ns[option])
    out[option] = np.searchsorted(start, np.arange(int(option.sum())), side="right") - 1
    return out


def _interest(units: Any, position: Any, given: Mapping[str, float]) -> Column:
    """(n,) Open interest of the positions' units, USD."""
    out = np.zeros(len(position))
    for i in np.flatnonzero(position):
        out[i] = float(given.get(units[i], 0.0))
        if not (np.isfinite(out[i]) and out[i] >= 0.0):
            raise ArgumentError(f"open_interest_usd of {units[i]} is {out[i]}")
    return out


class Lines(NamedTuple):
    """Every instrument that an account holds, dollars aside, once; by account and market row.

    quantity : (L,) in the underlying; quote : (L,) profit less the value at the mark
    """

    account: Index
    row: Index
    quantity: Column
    quote: Column


def _lines(market: Market, book: Held, mine: Any, derived: Any) -> Lines:
    account, row = book.account[mine], book.row[mine]
    size = book.quantity[mine] * market.instruments.contract_size[row]
    quote = np.where(derived[mine], book.profit[mine] - size * market.forward_usd[row], 0.0)
    start = segment_starts(account, row)
    group = np.repeat(np.arange(len(start)), np.diff(start, append=len(row)))
    return Lines(account[start], row[start], group_sums(size, group, len(start)),
                 group_sums(quote, group, len(start)))  # fmt: skip


def _ordered(market: Market, book: Book, preset: WeightsPreset) -> Index:
    """Market rows of the open orders."""
    orders = book.orders
    rows = resolve_rows(market.instruments, orders, "instrument")
    other = market.instruments.kind[rows] != Kind.PERPETUAL
    if other.any():
        r = int(np.argmax(other))
        raise NotMarginableError(
            f"{orders.origin.at(r, 'instrument')}: {preset.name} has no rule for open orders but "
            "of perpetuals", row=len(book.positions) + len(book.balances) + r,
        )  # fmt: skip
    return rows


def _beside_orders(market: Market, book: Held, orders: Holdings, rows: Index) -> Held:
    """What is held, and nothing of everything that is ordered: orders net with positions."""
    count, n = len(book.row), len(rows)

    def place(row: int) -> str:
        return book.place(row) if row < count else orders.origin.at(row - count, "instrument")

    account, row = np.append(book.account, orders.account), np.append(book.row, rows)
    order = np.argsort(account * len(market.instruments) + row, kind="stable")
    nothing, source = np.zeros(n), np.append(book.source, np.arange(count, count + n))
    quantity, profit = np.append(book.quantity, nothing), np.append(book.profit, nothing)
    return Held(account[order], row[order], quantity[order], profit[order], source[order], place)


def _fills(market: Market, orders: Holdings, rows: Index, lines: Lines) -> tuple[Column, Column]:
    """(L,) What open orders to buy and to sell may add, in the underlying."""
    n = len(market.instruments)
    at = np.searchsorted(lines.account * n + lines.row, orders.account * n + rows)
    size = orders.quantity * market.instruments.contract_size[rows]
    bids, asks = (np.maximum(side * size, 0.0) for side in (1.0, -1.0))
    return group_sums(bids, at, len(lines.row)), group_sums(asks, at, len(lines.row))


def _book(
    m: Arithmetic, table: weights.Market, place: Index, held: Lines,
    fills: tuple[Column, Column], dollars: Column, names: Any,
) -> weights.Book:  # fmt: skip
    """Every account's holdings and its dollars, in the market's order."""
    n, nothing = len(dollars), np.zeros(len(dollars))
    account = np.concatenate([held.account, np.arange(n)])
    instrument = np.concatenate([place[held.row], np.full(n, place[-1])])
    order = np.argsort(account * len(table.names) + instrument, kind="stable")
    account, instrument = account[order], instrument[order]

    def column(own: Column, token: Column, one: int) -> Column:
        values = np.concatenate([own, token])[order]
        beyond = ~np.isfinite(values * one)
        if beyond.any():
            a = int(account[np.argmax(beyond)])
            raise DomainError(f"account {names[a]!r}: its amounts overflow", row=a)
        return m.counted(values, one)

    dollar_row = np.empty(n, dtype=np.int64)
    own_dollars = instrument == place[-1]
    dollar_row[account[own_dollars]] = np.flatnonzero(own_dollars)
    position = table.kind[instrument] == weights.Kind.POSITION
    none = np.zeros(0, dtype=np.int64)
    book = weights.Book(
        start=np.searchsorted(account, np.arange(n + 1)),
        account=account,
        instrument=instrument,
        quantity=column(held.quantity, dollars, m.size_one),
        quote=column(held.quote, nothing, m.quote_one),
        bids=column(fills[0], nothing, m.size_one),
        asks=column(fills[1], nothing, m.size_one),
        settle=np.where(position, dollar_row[account], -1),
        swap_base=none,
        swap_quote=none,
        swap_base_reserved=m.zeros(0),
        swap_quote_reserved=m.zeros(0),
    )
    book.check()
    return book
