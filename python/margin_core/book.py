# SPDX-License-Identifier: Apache-2.0
"""Who holds what: accounts, positions, balances and orders, and their rounding to risk lots."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core._binding import _margin
from margin_core.errors import (
    ArgumentError,
    DomainError,
    ExactnessError,
    FileError,
    MarginCoreError,
    NotFiniteError,
    RowOrderError,
    UnknownInstrumentError,
)
from margin_core.instruments import Kind, parse_name
from margin_core.origin import Origin

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from margin_core.adapters.tables import Kind as ColumnKind
    from margin_core.instruments import Instruments
    from margin_core.risk import RiskArray

__all__ = ["MODES", "Book", "PackedBook"]

#: In the order of the core's numbers.
MODES = ("portfolio", "cross", "isolated")

#: A quantity this close to a whole number of steps, in steps, is that number: decimal quantities
#: are not exact in binary.
STEP_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Holdings:
    """Rows of (account, name, quantity) and, for positions, entry prices and, for orders, limits.

    `account` and `code` are int64 rows of the book's accounts and of `names`. `origin` says where
    a row came from, for what is found wrong with it when the book is packed.
    """

    account: NDArray[np.int64]
    code: NDArray[np.int64]
    names: tuple[str, ...]
    quantity: NDArray[np.float64]
    price: NDArray[np.float64] | None = None
    origin: Origin = field(default_factory=lambda: Origin.of("positions"))

    def __len__(self) -> int:
        return len(self.account)

    @classmethod
    def none(cls, label: str) -> Holdings:
        empty = np.empty(0, dtype=np.int64)
        return cls(empty, empty, (), np.empty(0), np.empty(0), Origin.of(label))

    def take(self, rows: NDArray[np.int64], account: NDArray[np.int64]) -> Holdings:
        """Some rows, which are of other accounts now."""
        price = None if self.price is None else self.price[rows]
        return Holdings(account, self.code[rows], self.names, self.quantity[rows], price,
                        self.origin.take(rows))  # fmt: skip


@dataclass(frozen=True, eq=False)
class Book:
    """Accounts and what they hold, in units of quantity, as the outside world counts.

    Attributes
    ----------
    accounts : (n,) object
        Names, unique.
    mode : (n,) uint8
        0 portfolio, 1 cross, 2 isolated.
    parent : (n,) int64
        The account that an isolated pocket belongs to; -1 where none.
    owner : (n,) int64
        Accounts of one beneficial owner share a number; -1 where the account is its own owner.
    positions, balances, orders : Holdings
        A quantity is positive when long (orders: when buying); a negative balance is owed.
        `positions.price` is the entry price of futures and perpetuals, NaN where the profit has
        been settled up to the mark. What was paid at it is the account's; see `PackedBook`.
    """

    accounts: NDArray[Any]
    mode: NDArray[np.uint8]
    parent: NDArray[np.int64]
    owner: NDArray[np.int64]
    positions: Holdings
    balances: Holdings = field(default_factory=lambda: Holdings.none("balances"))
    orders: Holdings = field(default_factory=lambda: Holdings.none("orders"))

    def __len__(self) -> int:
        return len(self.accounts)

    def __repr__(self) -> str:
        return (
            f"<book: {len(self)} accounts, {len(self.positions)} positions, "
            f"{len(self.balances)} balances, {len(self.orders)} orders>"
        )

    @classmethod
    def from_columns(
        cls,
        n_accounts: int,
        positions: tuple[ArrayLike, ArrayLike, Sequence[str], ArrayLike],
        *,
        entry_price: ArrayLike | None = None,
        balances: tuple[ArrayLike, ArrayLike, Sequence[str], ArrayLike] | None = None,
        orders: tuple[ArrayLike, ArrayLike, Sequence[str], ArrayLike, ArrayLike] | None = None,
        mode: ArrayLike | None = None,
        parent: ArrayLike | None = None,
        owner: ArrayLike | None = None,
        accounts: ArrayLike | None = None,
    ) -> Book:
        """A book from plain arrays, for millions of accounts.

        Parameters
        ----------
        n_accounts : int
        positions : (account, code, names, quantity)
            `account` and `code` are integer rows: of the accounts, and of `names`.
        entry_price : like quantity, optional
        balances : (account, code, names, quantity), optional
            `names` are currencies.
        orders : (account, code, names, quantity, limit_price), optional
        mode : (n,) 0 portfolio, 1 cross, 2 isolated; default portfolio
        parent, owner : (n,) rows and numbers, -1 none
        accounts : (n,) names; default "0", "1", ...
        """
        if n_accounts < 1:
            raise ArgumentError("an empty book: no accounts")

        def holdings(label: str, rows: tuple[Any, ...] | None, price: Any = None) -> Holdings:
            if rows is None:
                return Holdings.none(label)
            account, code, names, quantity, *limit = rows
            price = limit[0] if limit else price
            return _holdings(label, n_accounts, account, code, names, quantity, price)

        book = cls(
            accounts=_names(accounts, n_accounts),
            mode=_per_account("mode", mode, n_accounts, 0, len(MODES) - 1).astype(np.uint8),
            parent=_per_account("parent", parent, n_accounts, -1, n_accounts - 1),
            owner=_per_account("owner", owner, n_accounts, -1, np.iinfo(np.int64).max),
            positions=holdings("positions", positions, entry_price),
            balances=holdings("balances", balances),
            orders=holdings("orders", orders),
        )
        book._check_parents()
        return book

    @classmethod
    def from_tables(
        cls,
        positions: Any,
        *,
        balances: Any = None,
        orders: Any = None,
        accounts: Any = None,
        name: str | None = None,
    ) -> Book:
        """A book from tables: DataFrames, Arrow tables, mappings, or paths of CSV, JSON, Parquet.

        Parameters
        ----------
        positions : columns account, instrument, quantity, and optionally entry_price; or None
            A row whose instrument is a currency is a balance. An empty entry price means that the
            profit has been settled up to the mark.
        balances : columns account, currency, quantity; optional
        orders : columns account, instrument, quantity, limit_price; optional
        accounts : columns account, and optionally mode, parent, owner; optional
            Names every account of the book; without it, those that hold something are taken. A
            name is text or a whole number, which counts as its text.

        Raises
        ------
        FileError
            Names the file, row and column.
        UnknownInstrumentError
            A row of an account that `accounts` does not have.

        Examples
        --------
        >>> Book.from_tables({"account": ["a", "a"], "instrument": ["BTC-PERPETUAL", "USDC"],
        ...                   "quantity": [-100.0, 5e3]})
        <book: 1 accounts, 2 positions, 0 balances, 0 orders>
        """
        from margin_core.adapters.tables import read_rows, source_name

        columns: dict[str, dict[str, ColumnKind]] = {
            "positions": {"account": "name", "instrument|name": "str",
                          "quantity|amount|size": "float"},
            "balances": {"account": "name", "currency|instrument": "str",
                         "quantity|amount": "float"},
            "orders": {"account": "name", "instrument|name": "str", "quantity|amount|size": "float",
                       "limit_price|price": "float"},
            "accounts": {"account": "name"},
        }  # fmt: skip
        optional: dict[str, dict[str, ColumnKind]] = {
            "positions": {"entry_price|average_price": "float"},
            "accounts": {"mode": "str", "parent": "name", "owner": "name"},
        }
        given = {"positions": positions, "balances": balances, "orders": orders,
                 "accounts": accounts}  # fmt: skip
        tables = {
            label: _Rows(
                *read_rows(
                    source,
                    name=source_name(source, name if label == "positions" else None, label),
                    required=columns[label],
                    optional=optional.get(label),
                    nullable=("entry_price", "mode", "parent", "owner"),
                )
            )
            for label, source in given.items()
            if source is not None
        }
        return _book_of_tables(tables)

    def _check_parents(self) -> None:
        pockets = np.flatnonzero(self.parent >= 0)
        wrong = pockets[
            (self.parent[pockets] == pockets) | (self.parent[self.parent[pockets]] >= 0)
        ]
        if len(wrong):
            row = int(wrong[0])
            raise ArgumentError(
                f"account {self.accounts[row]!r}: its parent is itself or a pocket too", row=row
            )

    def select(self, accounts: ArrayLike) -> Book:
        """Some of the accounts, by row; parents outside are dropped."""
        rows = np.asarray(accounts, dtype=np.int64)
        new = np.full(len(self), -1, dtype=np.int64)
        new[rows] = np.arange(len(rows))

        def part(held: Holdings) -> Holdings:
            account = new[held.account]
            taken = np.flatnonzero(account >= 0)
            return held.take(taken, account[taken])

        parent = self.parent[rows]
        return Book(
            accounts=self.accounts[rows],
            mode=self.mode[rows],
            parent=np.where(parent >= 0, new[parent], -1),
            owner=self.owner[rows],
            positions=part(self.positions),
            balances=part(self.balances),
            orders=part(self.orders),
        )

    def with_mode(self, mode: str) -> Book:
        """The same book with every account in one mode."""
        if mode not in MODES:
            raise ArgumentError(f"mode {mode!r} is none of {', '.join(MODES)}")
        code = np.full(len(self), MODES.index(mode), dtype=np.uint8)
        return Book(self.accounts, code, self.parent, self.owner, self.positions, self.balances,
                    self.orders)  # fmt: skip

    def row_of(self, account: str) -> int:
        """The row of an account by name."""
        rows = np.flatnonzero(self.accounts == account)
        if len(rows) == 0:
            raise UnknownInstrumentError(f"there is no account {account!r}")
        return int(rows[0])

    def pack(self, risk: RiskArray) -> PackedBook:
        """Round the book to the risk array's lots; see `PackedBook`."""
        return _Packer(self, risk).pack()


def _names(accounts: ArrayLike | None, n: int) -> NDArray[Any]:
    if accounts is None:
        return np.arange(n).astype(str).astype(object)
    names = np.asarray(accounts, dtype=object)
    if names.shape != (n,):
        raise ArgumentError(f"{names.size} account names for {n} accounts")
    unique, counts = np.unique(names.astype(str), return_counts=True)
    if len(unique) != n:
        raise RowOrderError(f"two accounts are named {unique[counts > 1][0]!r}")
    return names


def _per_account(
    name: str, values: ArrayLike | None, n: int, low: int, high: int
) -> NDArray[np.int64]:
    if values is None:
        return np.full(n, max(low, -1) if low < 0 else 0, dtype=np.int64)
    column = np.asarray(values)
    if column.shape != (n,) or column.dtype.kind not in "iub":
        raise ArgumentError(f"{name} must be {n} whole numbers, got {column.dtype} {column.shape}")
    column = column.astype(np.int64)
    bad = (column < low) | (column > high)
    if bad.any():
        row = int(np.argmax(bad))
        raise DomainError(f"{name} of account {row} is {column[row]}", row=row)
    return column


def _holdings(
    label: str,
    n_accounts: int,
    account: ArrayLike,
    code: ArrayLike,
    names: Sequence[str],
    quantity: ArrayLike,
    price: ArrayLike | None,
) -> Holdings:
    accounts, codes = np.asarray(account), np.asarray(code)
    quantities = np.ascontiguousarray(quantity, dtype=np.float64)
    prices = None if price is None else np.ascontiguousarray(price, dtype=np.float64)
    n = len(accounts)
    for column in (codes, quantities, *(() if prices is None else (prices,))):
        if column.shape != (n,):
            raise ArgumentError(f"{label}: columns of {n} and {column.size} rows")
    for column, what, limit in ((accounts, "account", n_accounts), (codes, "code", len(names))):
        if n and column.dtype.kind not in "iu":
            raise ArgumentError(f"{label}: {what} must be whole numbers, got {column.dtype}")
        bad = (column < 0) | (column >= limit)
        if bad.any():
            row = int(np.argmax(bad))
            raise UnknownInstrumentError(
                f"{label}, row {row}: {what} {column[row]} of {limit}", row=row
            )
    bad = ~np.isfinite(quantities)
    if bad.any():
        row = int(np.argmax(bad))
        raise NotFiniteError(f"{label}, row {row}: quantity is {quantities[row]}", row=row)
    return Holdings(
        accounts.astype(np.int64, copy=False),
        codes.astype(np.int64, copy=False),
        tuple(names),
        quantities,
        prices,
        Origin.of(label),
    )


class _Rows(NamedTuple):
    """A table that was read, and where its rows came from."""

    columns: dict[str, NDArray[Any]]
    origin: Origin

    def unknown(self, row: int, column: str, why: str) -> UnknownInstrumentError:
        return UnknownInstrumentError(f"{self.origin.at(row, column)}: {why}", row=row)


def _book_of_tables(tables: dict[str, _Rows]) -> Book:
    if not tables:
        raise ArgumentError("an empty book: no tables")
    account = tables.get("accounts")
    held = {label: table for label, table in tables.items() if label != "accounts"}
    if account is not None:
        names = account.columns["account"]
    else:
        every = [table.columns["account"] for table in held.values()]
        names = np.array(list(dict.fromkeys(np.concatenate(every).tolist())), dtype=object)
    if len(names) == 0:
        origin = next(iter(held.values())).origin if account is None else account.origin
        raise FileError(f"{origin.labels[0]}: an empty book: no accounts")
    row_of: dict[str, int] = {}
    for row, name in enumerate(names.tolist()):
        if row_of.setdefault(name, row) != row:
            assert account is not None
            raise RowOrderError(
                f"{account.origin.at(row, 'account')}: {name!r} is already in row {row_of[name]}",
                row=row,
            )

    def holdings(label: str, what: str, price: str) -> Holdings:
        if label not in held:
            return Holdings.none(label)
        table = held[label]
        holder = table.columns["account"]
        rows = np.array([row_of.get(name, -1) for name in holder.tolist()], dtype=np.int64)
        if len(rows) and rows.min() < 0:
            row = int(np.argmax(rows < 0))
            raise table.unknown(row, "account", f"{holder[row]!r} is not among the accounts")
        unique, code = np.unique(table.columns[what].astype(str), return_inverse=True)
        return Holdings(rows, code.astype(np.int64), tuple(unique.tolist()),
                        table.columns["quantity"], table.columns.get(price),
                        table.origin)  # fmt: skip

    book = Book(
        accounts=names,
        mode=np.zeros(len(names), dtype=np.uint8),
        parent=np.full(len(names), -1, dtype=np.int64),
        owner=np.full(len(names), -1, dtype=np.int64),
        positions=holdings("positions", "instrument", "entry_price"),
        balances=holdings("balances", "currency", ""),
        orders=holdings("orders", "instrument", "limit_price"),
    )
    return book if account is None else _with_accounts(book, account, row_of)


def _with_accounts(book: Book, table: _Rows, row_of: dict[str, int]) -> Book:
    """The book with modes, parents and owners from the table of accounts."""

    def given(column: str) -> Iterator[tuple[int, str]]:
        if column in table.columns:
            for row, word in enumerate(table.columns[column].tolist()):
                if word is not None:
                    yield row, word

    mode, parent, owner = book.mode.copy(), book.parent.copy(), book.owner.copy()
    for row, word in given("mode"):
        if word not in MODES:
            place = table.origin.at(row, "mode")
            raise ArgumentError(f"{place}: {word!r} is none of {', '.join(MODES)}", row=row)
        mode[row] = MODES.index(word)
    for row, name in given("parent"):
        if name not in row_of:
            raise table.unknown(row, "parent", f"{name!r} is not among the accounts")
        parent[row] = row_of[name]
    numbers: dict[str, int] = {}
    for row, name in given("owner"):
        owner[row] = numbers.setdefault(name, len(numbers))
    book = replace(book, mode=mode, parent=parent, owner=owner)
    try:
        book._check_parents()
    except MarginCoreError as error:
        assert error.row is not None
        raise FileError(f"{table.origin.at(error.row, 'parent')}: {error}", row=error.row) from None
    return book


@dataclass(frozen=True, eq=False)
class PackedBook:
    """A book in whole risk lots, as the core sweeps it.

    Every holding is split into whole risk lots, rounded down (against the account: a debt's
    magnitude is rounded up), and a remainder of less than one lot, which counts in `cash` at its
    mark.

    The mark of a future or perpetual is its whole value, so the account also holds its cost basis,
    ``-quantity * size * entry`` of the settlement currency (inverse: ``+quantity * size / entry``
    coins); the two together are the unrealised profit. A linear contract's basis counts in `cash`
    at the currency's price: only the profit is in that currency, and its risk is of second order.
    An inverse contract's is coins: the mark does not move with the coin, the coins do. Portfolio
    accounts have them in the balance. Cross and isolated accounts, which pay a rate on the
    contract's notional and a haircut on balances, have them in `cash` at the index, too.

    Attributes
    ----------
    offset : (n + 1,) int64
    row : (m,) int32
        Rows of the risk array, rising within an account.
    lots : (m,) float64, whole
    cash : (n,) int64, quanta
        Remainders below a lot, and cost bases.
    parent : (n,) int64
        As in the book; changes no requirement.
    owner_row : (n,) int32
        -1 where the account's owner has no other account.
    risk_lot : (n_instruments,) float64, or None
        The lots that it is packed to; under other ones it is refused. None, of a book that is made
        by `of`: whoever made it knows.
    """

    handle: _margin.BookHandle
    accounts: NDArray[Any]
    offset: NDArray[np.int64]
    row: NDArray[np.int32]
    lots: NDArray[np.float64]
    cash: NDArray[np.int64]
    mode: NDArray[np.uint8]
    parent: NDArray[np.int64]
    owner_row: NDArray[np.int32]
    n_owners: int
    order_offset: NDArray[np.int64] | None
    order_row: NDArray[np.int32] | None
    order_lots: NDArray[np.float64] | None
    order_limit: NDArray[np.float64] | None
    risk_lot: NDArray[np.float64] | None = None

    @classmethod
    def of(cls, n_instruments: int, **columns: Any) -> PackedBook:
        """A book of these columns, every attribute but `handle`; the core checks them."""
        handle = _margin.BookHandle(
            n_instruments=n_instruments,
            offset=columns["offset"],
            instrument=columns["row"],
            lots=columns["lots"],
            cash=columns["cash"],
            mode=columns["mode"],
            owner=columns["owner_row"],
            n_owners=columns["n_owners"],
            order_offset=columns["order_offset"],
            order_instrument=columns["order_row"],
            order_lots=columns["order_lots"],
            order_limit=columns["order_limit"],
        )
        return cls(handle=handle, **columns)

    def with_columns(self, n_instruments: int, **changes: Any) -> PackedBook:
        """The same accounts with other columns."""
        columns = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "handle"}
        return PackedBook.of(n_instruments, **columns | changes)


@dataclass(frozen=True)
class CostBases:
    """What futures and perpetuals were entered at, one row a position; see `PackedBook`.

    `contract` and `currency` are rows of the risk array. Where `in_coin`, `steps` of the currency
    are part of its balance; elsewhere `cash`, in quanta, is part of the account's.
    """

    account: NDArray[np.int64]
    contract: NDArray[np.int64]
    currency: NDArray[np.int64]
    in_coin: NDArray[np.bool_]
    steps: NDArray[np.float64]
    cash: NDArray[np.int64]

    def cash_of(self, accounts: NDArray[Any]) -> NDArray[np.int64]:
        """The sum over each of the accounts, whose names are given."""
        n_accounts = len(accounts)
        # What wraps around on the way comes back if the sum is in range; float64 tells whether.
        about = np.bincount(self.account, self.cash, n_accounts)
        if (np.abs(about) >= 2.0**53).any():
            row = int(np.argmax(np.abs(about)))
            raise ExactnessError(
                f"account {accounts[row]!r}: the values at entry add up to 2^53 quanta or more",
                row=row,
            )
        total = np.zeros(n_accounts, dtype=np.int64)
        np.add.at(total, self.account, self.cash)
        return total


class _Packer:
    def __init__(self, book: Book, risk: RiskArray) -> None:
        self.book = book
        self.risk = risk
        self.instruments = risk.instruments
        self.market = risk.market
        self.steps_per_lot = np.rint(risk.lot / self.instruments.step)
        self.mark = risk.column("mark")

    def rows(self, holdings: Holdings, what: str = "instrument") -> NDArray[np.int64]:
        return resolve_rows(self.instruments, holdings, what)

    def steps(self, holdings: Holdings, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Quantities in whole steps; currencies are rounded down, contracts must fit."""
        exact = holdings.quantity / self.instruments.step[rows]
        whole = np.rint(exact)
        off = np.abs(exact - whole) > STEP_TOLERANCE
        spot = self.instruments.kind[rows] == Kind.SPOT
        wrong = off & ~spot
        if wrong.any():
            row = int(np.argmax(wrong))
            name = self.instruments.name[rows[row]]
            step = self.instruments.step[rows[row]]
            raise DomainError(
                f"{holdings.origin.at(row, 'quantity')}: {holdings.quantity[row]:.15g} of {name} "
                f"is no multiple of its step {step:g}",
                row=row,
            )
        whole = np.where(off, np.floor(exact), whole)
        huge = np.abs(whole) >= 2.0**53
        if huge.any():
            row = int(np.argmax(huge))
            raise ExactnessError(
                f"{holdings.origin.at(row, 'quantity')}: {holdings.quantity[row]:g} is 2^53 steps "
                "or more",
                row=row,
            )
        return whole

    def cost_bases(self, rows: NDArray[np.int64]) -> CostBases:
        """Of the futures and perpetuals among the positions, whose risk array rows are `rows`."""
        positions, instruments = self.book.positions, self.instruments
        kind = instruments.kind[rows]
        at = np.flatnonzero((kind == Kind.FUTURE) | (kind == Kind.PERPETUAL))
        held = rows[at]
        entry = self.market.forward_usd[held].copy()
        if positions.price is not None:
            given = positions.price[at]
            bad = ~np.isnan(given) & ~((given > 0) & np.isfinite(given))
            if bad.any():
                row = int(at[np.argmax(bad)])
                raise DomainError(
                    f"{positions.origin.at(row, 'entry_price')}: {positions.price[row]:g} is not "
                    "positive",
                    row=row,
                )
            entry = np.where(np.isnan(given), entry, given)
        account = positions.account[at]
        inverse = instruments.inverse[held]
        size = positions.quantity[at] * instruments.contract_size[held]
        with np.errstate(over="ignore"):
            coins = np.where(inverse, size / entry, -size * entry)
            usd = coins * self.market.currency_usd[instruments.settlement[held]]
            quanta = np.floor(usd / self.quantum_usd())
        huge = ~(np.abs(quanta) < 2.0**53)
        if huge.any():
            row = int(at[np.argmax(huge)])
            raise ExactnessError(
                f"{positions.origin.at(row)}: the value at entry is 2^53 quanta or more", row=row
            )
        spot = {c: int(instruments.index_of([c])[0]) for c in instruments.currencies}
        spots = np.array([spot[c] for c in instruments.currencies], dtype=np.int64)
        currency = spots[instruments.settlement[held]]
        in_coin = inverse & (self.book.mode[account] == MODES.index("portfolio"))
        steps = np.where(in_coin, np.floor(coins / instruments.step[currency]), 0.0)
        cash = np.where(in_coin, 0.0, quanta).astype(np.int64)
        return CostBases(account, held, currency, in_coin, steps, cash)

    def pack(self) -> PackedBook:
        book, n = self.book, len(self.book)
        rows = self.rows(book.positions)
        account, row = [book.positions.account], [rows]
        steps = [self.steps(book.positions, rows)]
        if len(book.balances):
            balance_rows = self.rows(book.balances, "currency")
            not_spot = self.instruments.kind[balance_rows] != Kind.SPOT
            if not_spot.any():
                bad = int(np.argmax(not_spot))
                name = book.balances.names[book.balances.code[bad]]
                place = book.balances.origin.at(bad, "currency")
                raise ArgumentError(f"{place}: {name} is no currency", row=bad)
            account.append(book.balances.account)
            row.append(balance_rows)
            steps.append(self.steps(book.balances, balance_rows))
        basis = self.cost_bases(rows)
        account.append(basis.account[basis.in_coin])
        row.append(basis.currency[basis.in_coin])
        steps.append(basis.steps[basis.in_coin])

        key, total = _merged(
            np.concatenate(account) * len(self.instruments) + np.concatenate(row),
            np.concatenate(steps),
        )
        at = key % len(self.instruments)
        holder = key // len(self.instruments)
        self.check_sums(total, holder, at)
        lots = np.floor(total / self.steps_per_lot[at])
        rest = (total - lots * self.steps_per_lot[at]) / self.steps_per_lot[at]
        cash = basis.cash_of(book.accounts)
        np.add.at(cash, holder[rest > 0], np.floor(rest * self.mark[at])[rest > 0].astype(np.int64))
        huge = np.abs(cash) >= 1 << 53
        if huge.any():
            bad = int(np.argmax(huge))
            raise ExactnessError(
                f"account {book.accounts[bad]!r}: its cash is 2^53 quanta or more", row=bad
            )
        held = lots != 0
        offset = np.zeros(n + 1, dtype=np.int64)
        np.cumsum(np.bincount(holder[held], minlength=n), out=offset[1:])
        owner_row, n_owners = _owner_rows(book.owner)
        columns: dict[str, Any] = {
            "offset": offset,
            "row": at[held].astype(np.int32),
            "lots": lots[held],
            "cash": cash,
            "mode": book.mode,
            "parent": book.parent,
            "owner_row": owner_row,
            "n_owners": n_owners,
            "risk_lot": self.risk.lot,
            **self.packed_orders(),
        }
        for values in columns.values():
            if isinstance(values, np.ndarray):
                values.flags.writeable = False
        return PackedBook.of(len(self.instruments), accounts=book.accounts, **columns)

    def check_sums(
        self, total: NDArray[np.float64], holder: NDArray[np.int64], at: NDArray[np.int64]
    ) -> None:
        """Rows that fit one by one must fit together."""
        huge = np.abs(total) >= 2.0**53
        if huge.any():
            bad = int(np.argmax(huge))
            row = int(holder[bad])
            account, name = self.book.accounts[row], self.instruments.name[at[bad]]
            raise ExactnessError(
                f"account {account!r}: its rows of {name} add up to 2^53 steps or more", row=row
            )

    def packed_orders(self) -> dict[str, Any]:
        orders = self.book.orders
        if len(orders) == 0:
            return dict.fromkeys(("order_offset", "order_row", "order_lots", "order_limit"))
        rows = self.rows(orders)
        lots = self.steps(orders, rows) / self.steps_per_lot[rows]
        lots = np.where(lots < 0, np.floor(lots), np.ceil(lots))  # a part of a lot counts as one
        with np.errstate(over="ignore"):
            limit = np.rint(self.value_at(orders, rows) * self.risk.lot[rows] / self.quantum_usd())
        huge = ~(np.abs(limit) < 2.0**53)
        if huge.any():
            bad = int(np.argmax(huge))
            assert orders.price is not None
            place = f"{orders.origin.at(bad, 'limit_price')}: {orders.price[bad]:g}"
            raise ExactnessError(f"{place} makes 2^53 quanta a lot or more", row=bad)
        order = np.lexsort((rows, orders.account))
        offset = np.zeros(len(self.book) + 1, dtype=np.int64)
        np.cumsum(np.bincount(orders.account, minlength=len(self.book)), out=offset[1:])
        return {
            "order_offset": offset,
            "order_row": rows[order].astype(np.int32),
            "order_lots": np.ascontiguousarray(lots[order]),
            "order_limit": np.ascontiguousarray(limit[order]),
        }

    def quantum_usd(self) -> float:
        return float(self.risk.handle.quantum_usd)

    def value_at(self, orders: Holdings, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """USD value of 1.0 of quantity at the orders' limits, as `mark_usd` counts."""
        limit = orders.price
        assert limit is not None
        instruments = self.instruments
        option = instruments.kind[rows] >= Kind.CALL
        bad = ~np.isfinite(limit) | np.where(option, limit < 0, limit <= 0)
        if bad.any():
            row = int(np.argmax(bad))
            raise DomainError(
                f"{orders.origin.at(row, 'limit_price')}: {limit[row]:g} is not "
                f"{'0 or more' if option[row] else 'positive'}",
                row=row,
            )
        size = instruments.contract_size[rows]
        index = self.market.index_usd[instruments.unit[rows]]
        inverse = instruments.inverse[rows]
        with np.errstate(divide="ignore", over="ignore"):
            return np.where(
                inverse,
                np.where(option, limit * index * size, -size * index / limit),
                limit * size,
            )


def packed_for(book: Book | PackedBook, risk: RiskArray) -> PackedBook:
    """The book in lots of this risk array; one that is packed to others is refused."""
    if isinstance(book, Book):
        return book.pack(risk)
    if not isinstance(book, PackedBook):
        raise ArgumentError(f"a Book is needed, not {type(book).__name__}")
    check_lots("the book is packed", book.risk_lot, risk)
    return book


def check_lots(what: str, lot: NDArray[np.float64] | None, risk: RiskArray) -> None:
    """Whole lots mean another size, or another instrument, under other risk lots."""
    if lot is None or lot is risk.lot or np.array_equal(lot, risk.lot):
        return
    anew = "pack the book, or make the depth, anew under this margin"
    if len(lot) != len(risk.lot):
        raise ArgumentError(f"{what} for {len(lot)} instruments, not {len(risk.lot)}; {anew}")
    row = int(np.argmax(lot != risk.lot))
    raise ArgumentError(
        f"{what} under other risk lots: {lot[row]:g} of {risk.instruments.name[row]}, not "
        f"{risk.lot[row]:g}; {anew}"
    )


def resolve_rows(
    instruments: Instruments, holdings: Holdings, what: str = "instrument"
) -> NDArray[np.int64]:
    """Rows of the instruments that are held, or the first holding that names nothing."""
    known = instruments.rows
    row_of = np.empty(len(holdings.names), dtype=np.int64)
    for code, name in enumerate(holdings.names):
        row_of[code] = known.get(name, -1)
        if row_of[code] < 0:
            row_of[code] = _alias(instruments, name)
    rows = row_of[holdings.code] if len(holdings) else np.empty(0, dtype=np.int64)
    if len(rows) and rows.min() < 0:
        row = int(np.argmax(rows < 0))
        name = holdings.names[holdings.code[row]]
        raise UnknownInstrumentError(
            f"{holdings.origin.at(row, what)}: {_why_unknown(name)}", row=row
        )
    return rows


def _alias(instruments: Instruments, name: str) -> int:
    try:
        return int(instruments.index_of([name])[0])
    except UnknownInstrumentError:
        return -1


def _why_unknown(name: str) -> str:
    try:
        terms = parse_name(name)
    except UnknownInstrumentError as error:
        return str(error)
    if terms.kind is Kind.SPOT:
        return (
            f"the market has no price of {name}; give index={{{name!r}: ...}} or --index {name}=..."
        )
    return f"the market has no instrument {name!r}"


def order_rows(book: Book, risk: RiskArray) -> NDArray[np.int64]:
    """Risk array rows of the open orders."""
    return _Packer(book, risk).rows(book.orders)


def cost_bases(book: Book, risk: RiskArray) -> CostBases:
    """The cost basis of every future and perpetual, as packing counts it."""
    packer = _Packer(book, risk)
    return packer.cost_bases(packer.rows(book.positions))


def _merged(
    key: NDArray[np.int64], steps: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Rising keys, each once, with the sum of its steps."""
    if len(key) == 0:
        return key, steps
    if (key[1:] <= key[:-1]).any():
        order = np.argsort(key, kind="stable")
        key, steps = key[order], steps[order]
        first = np.flatnonzero(np.concatenate([[True], key[1:] != key[:-1]]))
        key, steps = key[first], np.add.reduceat(steps, first)
    return key, steps


def _owner_rows(owner: NDArray[np.int64]) -> tuple[NDArray[np.int32], int]:
    """Rows of the table of owners that have several accounts."""
    rows = np.full(len(owner), -1, dtype=np.int32)
    named = np.flatnonzero(owner >= 0)
    if len(named) == 0:
        return rows, 0
    _, inverse, counts = np.unique(owner[named], return_inverse=True, return_counts=True)
    shared = counts > 1
    number = np.cumsum(shared) - 1
    rows[named] = np.where(shared[inverse], number[inverse], -1)
    return rows, int(shared.sum())
