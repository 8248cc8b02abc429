# SPDX-License-Identifier: Apache-2.0
"""Accounts that hold collateral alone: eight assets each, with price rows and haircuts.

The sweep gives equity, scan, haircuts, IM and MM. The peer values the same holdings in NumPy, equity
and linear haircuts only.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from book import Book
from timing import WALL, Case, Effort, Runner, race

from margin_core import Haircut, Margin, sweep
from margin_core._binding import _sweep
from margin_core.book import PackedBook
from margin_core.instruments import Kind
from margin_core.synthetic import synthetic_market

ASSETS, HELD = 48, 8
UNITS = ("BTC", "ETH", "SOL")

#: Accounts at a time in NumPy: their amounts fit the cache.
CHUNK = 16_384


class Collateral:
    """A market with 48 assets that follow three coins, and a book of them."""

    def __init__(self, n_accounts: int, *, taken: bool = True, exits: bool = False) -> None:
        names = [f"ASSET{i:02d}" for i in range(ASSETS)]
        units = {name: UNITS[i % len(UNITS)] for i, name in enumerate(names)}
        whole = synthetic_market(n_instruments=200)
        market = whole.select(whole.instruments.kind == Kind.SPOT)
        index = dict(zip(market.instruments.units, market.index_usd, strict=True))
        market = market.with_assets({n: 0.95 * index[u] for n, u in units.items()}, units)
        depth = 1e7 if exits else 0.0
        haircuts = {
            name: Haircut(0.02, 0.05, depth, 0.02, exit_market=units[name])
            for name in names if taken
        }
        self.margin = Margin.of(market, "house", haircuts=haircuts)
        rows = np.sort(self.margin.instruments.index_of(names)).astype(np.int32)
        drawn = Book.draw(n_accounts, ASSETS, seed=5)
        keep = np.arange(len(drawn.instrument)) % 10 < HELD
        self.instrument = rows[drawn.instrument[keep]]
        self.lots = np.abs(drawn.lots[keep])
        self.offset = np.arange(0, HELD * n_accounts + 1, HELD)
        columns = Book(self.offset, self.instrument, self.lots, drawn.cash)
        self.cash, self.handle = drawn.cash, columns.handle(len(self.margin.instruments))

    def ours(self, threads: int) -> Runner:
        n = len(self.offset) - 1
        names = ("equity", "im", "mm", "haircut_mm", "haircut_im")
        out: dict[str, Any] = {name: np.empty(n, dtype=np.int64) for name in names}

        def run() -> None:
            _sweep.sweep(self.margin.handle, self.handle, 0, n, threads, None, None, out)

        def result() -> dict[str, Any]:
            run()
            return {name: out[name].copy() for name in ("equity", "haircut_mm", "haircut_im")}

        return Runner(f"margin_core, {threads} thread", run, n, result, 0.0)

    def call(self) -> Runner:
        n = len(self.offset) - 1
        book = PackedBook.of(
            len(self.margin.instruments), accounts=np.arange(n).astype(str), offset=self.offset,
            row=self.instrument, lots=self.lots, cash=self.cash, mode=np.zeros(n, np.uint8),
            parent=np.full(n, -1), owner_row=np.full(n, -1, np.int32), n_owners=0,
            order_offset=None, order_row=None, order_lots=None, order_limit=None,
        )  # fmt: skip
        return Runner("mc.sweep", lambda: sweep(book, self.margin, threads=1), n)

    def without(self) -> Runner:
        swept = self.ours(1)
        return Runner("margin_core, no haircuts", swept.run, swept.n)

    def in_numpy(self) -> Runner:
        rates = [self.margin.handle.rates(i) for i in range(len(self.margin.instruments))]
        table = np.array([[r["mark"], r["haircut_mm"], r["haircut_im"]] for r in rates], float)
        n = len(self.offset) - 1
        out = np.empty((n, 3))

        def run() -> None:
            for first in range(0, n, CHUNK):
                held = slice(HELD * first, HELD * min(n, first + CHUNK))
                amount = self.lots[held, None] * table[self.instrument[held]]
                out[first : first + CHUNK] = amount.reshape(-1, HELD, 3).sum(axis=1)
            out[:, 0] += self.cash

        def result() -> dict[str, Any]:
            run()
            whole = out.astype(np.int64)
            return {"equity": whole[:, 0], "haircut_mm": whole[:, 1], "haircut_im": whole[:, 2]}

        return Runner("NumPy, equity and haircuts alone", run, n, result, 0.0)


def collateral(n_accounts: int, effort: Effort) -> list[Case]:
    plain = Collateral(n_accounts)
    bare, exits = Collateral(n_accounts, taken=False), Collateral(n_accounts, exits=True)
    size = f"{n_accounts:,} accounts x {HELD} of {ASSETS} assets x 33"
    return [
        race("collateral", "collateral: equity, scan, haircuts", "ns/account", plain.ours(1),
             [("NumPy", plain.in_numpy), ("margin_core, no haircuts", bare.without)], effort,
             note=f"{size}, 1 thread"),
        race("collateral_exits", "the same, assets of a coin sold into one depth", "ns/account",
             exits.ours(1), [], effort, note=f"{size}, 1 thread"),
        race("collateral_call", "the same as a call of mc.sweep on a packed book, every part "
             "reported", "ns/account", exits.call(), [], effort, note=f"{size}, 1 thread"),
        race("collateral_threads", "collateral on two threads", "ns/account", plain.ours(2),
             [("margin_core, 1 thread", lambda: plain.ours(1))], effort, clock=WALL, note=size),
    ]  # fmt: skip
