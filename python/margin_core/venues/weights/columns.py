# SPDX-License-Identifier: Apache-2.0
"""What the weights engine reads: a market and accounts as plain columns.

Shapes: n instruments, A accounts, R rows, W swap orders. Quantity positive = long or deposited,
negative = short or owed; prices positive, USD. In integer presets quantities are whole numbers of
1/size_one, prices quote per unit in whole 1/quote_one, values whole 1/quote_one, weights and rates
whole 1/weight_one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import IntEnum
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.errors import DomainError, UnknownInstrumentError
from margin_core.venues.weights.arithmetic import Arithmetic, Column

__all__ = ["Book", "Kind", "Market"]


class Kind(IntEnum):
    """How a holding counts: at a weight (balance), at a rate (position), or by expiry (options)."""

    BALANCE = 0
    POSITION = 1
    CALL = 2
    PUT = 3


@dataclass(frozen=True, eq=False)
class Market:
    """One instant, column by column; the rows are in (unit, expiry, strike) order.

    names, classes : (n,) names, and the parameter class of each
    kind     : (n,) Kind
    unit     : (n,) names; `expiry` (n,) group of a unit's options that expire together, -1 none
    settle   : (n,) row of the token that P&L settles in; -1 for balances
    price    : (n, k) USD; the first column is the venue's own, all k enter "strict" and "median"
    index, forward, strike, mark : (n,) USD; index: spot of the unit; mark: of an option
    confidence : (n,) the least confidence of the feeds that price it, 1 = certain
    open_interest, deposits, borrows : (n,) USD; units; units
    stable   : USD price of the currency that the venue counts as one dollar
    """

    names: tuple[str, ...]
    classes: tuple[str, ...]
    kind: NDArray[np.int64]
    unit: tuple[str, ...]
    expiry: NDArray[np.int64]
    settle: NDArray[np.int64]
    price: Column
    index: Column
    forward: Column
    strike: Column
    mark: Column
    confidence: Column
    open_interest: Column
    deposits: Column
    borrows: Column
    stable: float = 1

    @classmethod
    def of(
        cls, arithmetic: Arithmetic, rows: Sequence[Mapping[str, Any]], stable: float = 1
    ) -> Market:
        """From one dict an instrument; rows are put in order.

        `name` is required; `price` (one number or several) too but of options, whose price is the
        index: they give unit, expiry (any sortable), strike, index, forward and mark. Positions
        give `settle`, a token's name. `cls` is the parameter class (default: the name).
        """
        rows = sorted(rows, key=_order)
        row_of = {row["name"]: i for i, row in enumerate(rows)}
        known = {"name", "cls", "kind", "unit", "expiry", "settle", "price", *_QUOTES}
        for row in rows:
            if set(row) - known:
                raise DomainError(f"market.{row['name']}: unknown {set(row) - known}")
        groups: dict[tuple[str, Any], int] = {}
        quoted = [row.get("price", row.get("index")) for row in rows]
        given = [list(p) if isinstance(p, (list, tuple)) else [p] for p in quoted]
        width = max(map(len, given), default=1)
        prices = [[*p, *[p[0]] * (width - len(p))] for p in given]

        def expiry(row: Mapping[str, Any]) -> int:
            key = row.get("unit", row["name"]), row.get("expiry")
            return -1 if key[1] is None else groups.setdefault(key, len(groups))

        quotes = {
            name: arithmetic.array([row.get(name, default) for row in rows])
            for name, default in _QUOTES.items()
        }
        market = cls(
            names=tuple(row["name"] for row in rows),
            classes=tuple(row.get("cls", row["name"]) for row in rows),
            kind=np.array([row.get("kind", Kind.BALANCE) for row in rows], dtype=np.int64),
            unit=tuple(row.get("unit", row["name"]) for row in rows),
            expiry=np.array([expiry(row) for row in rows], dtype=np.int64),
            settle=np.array([row_of[row["settle"]] if "settle" in row else -1 for row in rows]),
            price=arithmetic.array(prices),
            stable=stable,
            **quotes,
        )
        market.check()
        return market

    def check(self) -> None:
        """Positive prices, no negative or missing number, a balance to settle every position in."""
        if len(self.row_of) != len(self.names):
            raise DomainError("market: an instrument is listed twice")

        def refuse(bad: Any, what: str) -> None:
            if bad.any():
                raise DomainError(f"market.{self.names[int(bad.argmax())]}{what}")

        refuse(~(self.price > 0).all(axis=1), ".price: must be positive")
        for name in _QUOTES:
            column = getattr(self, name)
            refuse(~((column >= 0) & (column < np.inf)), f".{name}: negative or not finite")
        position = self.kind == Kind.POSITION
        token = (self.settle >= 0) & (self.kind[self.settle] == Kind.BALANCE)
        refuse(position & ~token, ".settle: a position settles in a balance")
        option = self.kind >= Kind.CALL
        refuse(option & (self.expiry < 0), ".expiry: an option has none")

    @cached_property
    def row_of(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.names)}

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """The classes, each once, in the order of `class_of`."""
        return tuple(dict.fromkeys(self.classes))

    @cached_property
    def class_of(self) -> NDArray[np.int64]:
        """(n,) Place of each instrument's class in `class_names`."""
        place = {name: i for i, name in enumerate(self.class_names)}
        return np.array([place[name] for name in self.classes], dtype=np.int64)

    def row(self, name: str) -> int:
        if name not in self.row_of:
            raise UnknownInstrumentError(f"the market has no {name!r}")
        return self.row_of[name]


_QUOTES = {
    "index": 0, "forward": 0, "strike": 0, "mark": 0, "confidence": 1,
    "open_interest": 0, "deposits": 0, "borrows": 0,
}  # fmt: skip


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    option = row.get("expiry") is not None
    key = (row.get("unit", ""), row["expiry"], row["strike"]) if option else ("", 0, 0)
    return option, *key, row.get("kind", Kind.BALANCE)


@dataclass(frozen=True, eq=False)
class Book:
    """Accounts as CSR rows: row r is account[r]'s holding of instrument[r], in instrument order.

    start        : (A + 1,) rows of account a are start[a] : start[a + 1]
    quantity     : (R,) units; quote : (R,) settlement currency that came with it (cost, funding)
    bids, asks   : (R,) units of open orders to buy, to sell; >= 0
    settle       : (R,) the account's row of the settlement token; -1 none
    swap_*       : (W,) open spot orders: rows of base and quote token, and what is reserved of each
    """

    start: NDArray[np.int64]
    account: NDArray[np.int64]
    instrument: NDArray[np.int64]
    quantity: Column
    quote: Column
    bids: Column
    asks: Column
    settle: NDArray[np.int64]
    swap_base: NDArray[np.int64]
    swap_quote: NDArray[np.int64]
    swap_base_reserved: Column
    swap_quote_reserved: Column

    @classmethod
    def of(
        cls, arithmetic: Arithmetic, market: Market, accounts: Iterable[Mapping[str, Any]]
    ) -> Book:
        """From dicts {"holdings": {name: quantity or (quantity, quote, bids, asks)},
        "swaps": [(base, quote, base reserved, quote reserved)]}.

        Settlement and swap tokens that an account lacks are added at 0.
        """
        rows: list[tuple[Any, ...]] = []
        settle: list[int] = []
        swaps: list[tuple[Any, ...]] = []
        start = [0]
        for a, account in enumerate(accounts):
            held = {market.row(k): _four(v) for k, v in account.get("holdings", {}).items()}
            orders = [(market.row(b), market.row(q), *r) for b, q, *r in account.get("swaps", ())]
            needed = [int(market.settle[i]) for i in held] + [i for o in orders for i in o[:2]]
            for i in needed:
                if i >= 0:
                    held.setdefault(i, _four(0))
            at = {i: start[-1] + r for r, i in enumerate(sorted(held))}
            rows += [(a, i, *held[i]) for i in sorted(held)]
            settle += [at.get(int(market.settle[i]), -1) for i in sorted(held)]
            swaps += [(at[b], at[q], rb, rq) for b, q, rb, rq in orders]
            start.append(len(rows))
        columns = list(zip(*rows, strict=True)) if rows else [()] * 6
        orders = list(zip(*swaps, strict=True)) if swaps else [()] * 4
        names = [f.name for f in fields(cls)]
        given: list[Any] = [start, *columns, settle, *orders]
        amounts = {"quantity", "quote", "bids", "asks", "swap_base_reserved", "swap_quote_reserved"}
        book = cls(**{
            name: arithmetic.array(list(c)) if name in amounts else np.array(c, dtype=np.int64)
            for name, c in zip(names, given, strict=True)
        })  # fmt: skip
        book.check()
        return book

    def check(self) -> None:
        """No negative order, nothing that is not finite."""
        for name in ("bids", "asks", "swap_base_reserved", "swap_quote_reserved"):
            if not np.all(getattr(self, name) >= 0):
                raise DomainError(f"accounts.{name}: negative or not a number")
        for name in ("quantity", "quote"):
            if not np.all(abs(getattr(self, name)) < np.inf):
                raise DomainError(f"accounts.{name}: not finite")

    @property
    def n_accounts(self) -> int:
        return len(self.start) - 1


def _four(holding: Any) -> tuple[Any, Any, Any, Any]:
    values = tuple(holding) if isinstance(holding, (tuple, list)) else (holding,)
    return (*values, *(0,) * (4 - len(values)))
