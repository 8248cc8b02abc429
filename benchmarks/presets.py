# SPDX-License-Identifier: Apache-2.0
"""Venue presets on a book of the synthetic venue's options.

A preset gets the chain that it margins: Deribit's the inverse one of BTC, the others the linear one
of SOL. A sweep goes from a laid-out book to equity, IM and MM of every account; a call of
`venue_margin` also resolves names, prices the chain and lays the book out.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from book import POSITIONS, Book, Venue
from numpy_peer import NumpyScan
from timing import WALL, Case, Effort, Runner, race

import margin_core as mc
from margin_core.instruments import Kind
from margin_core.venues.adapter import held, scan_columns
from margin_core.venues.scan.core import core_columns
from margin_core.venues.scan.engine import Prepared
from margin_core.venues.scan.tables import compile_tables

INVERSE, LINEAR = "BTC", "SOL"
CHAINS = {"deribit_pm": INVERSE, "derive_pm2": LINEAR, "okx_pm": LINEAR, "paradex_pm": LINEAR,
          "span": LINEAR}  # fmt: skip


def presets(n_accounts: int, n_instruments: int, effort: Effort) -> list[Case]:
    market = Venue(n_instruments).market
    instruments = market.instruments
    cases = []
    for preset, coin in CHAINS.items():
        mine = np.array([name.startswith(coin) for name in instruments.name])
        part = market.select((instruments.kind >= Kind.CALL) & mine)
        venue = Swept(preset, part, options_book(part, n_accounts))
        size = f"{n_accounts:,} accounts x {POSITIONS} options of {coin}"
        cases += [
            race(f"preset_{preset}", f"{preset}, a sweep", "ns/account", venue.ours(1),
                 [("NumPy, the scan alone", venue.in_numpy)], effort, note=f"{size}, 1 thread"),
            race(f"preset_{preset}_threads", f"{preset}, a sweep on two threads", "ns/account",
                 venue.ours(2), [("margin_core, 1 thread", lambda v=venue: v.ours(1))], effort,
                 clock=WALL, note=size),
            race(f"preset_{preset}_call", f"{preset}, a call of venue_margin", "ns/account",
                 venue.call(), [], effort, note=f"{size}, 1 thread"),
        ]  # fmt: skip
    return cases


def options_book(market: Any, n_accounts: int) -> mc.Book:
    """Of its options alone: a market always has its coins too."""
    option = np.flatnonzero(market.instruments.kind >= Kind.CALL)
    drawn = Book.draw(n_accounts, len(option))
    account = np.repeat(np.arange(n_accounts), POSITIONS)
    names = [str(name) for name in market.names[option]]
    quantity = drawn.lots * market.instruments.step[option[drawn.instrument]]
    return mc.Book.from_columns(n_accounts, (account, drawn.instrument, names, quantity))


class Swept:
    """A preset's tables and the book, laid out."""

    def __init__(self, preset: str, market: Any, book: mc.Book) -> None:
        self.preset, self.market, self.book = mc.load_preset(preset), market, book
        columns = scan_columns(market, held(market, book), self.preset, len(book))
        tables = compile_tables(self.preset, columns.instruments, columns.market)
        self.columns, self.tables = columns.book, tables
        self.prepared = Prepared(columns.book, tables)

    def ours(self, threads: int) -> Runner:
        n = self.prepared.accounts
        out = {name: np.empty(n) for name in ("equity", "im", "mm", "scan")}

        def run() -> None:
            self.prepared.fill(out, threads)

        def result() -> dict[str, Any]:
            run()
            return {"scan": out["scan"]}

        return Runner(f"margin_core, {threads} thread", run, n, result, 0.0)

    def in_numpy(self) -> Runner:
        scan = NumpyScan(core_columns(self.tables, (1.0, 1.0)).columns)
        held = self.columns.start, self.columns.instrument, self.columns.quantity
        return Runner("NumPy, the scan alone", lambda: scan.losses(*held), self.prepared.accounts,
                      lambda: {"scan": scan.losses(*held)}, 1e-9)  # fmt: skip

    def call(self) -> Runner:
        return Runner("margin_core, 1 thread",
                      lambda: mc.venue_margin(self.book, self.market, self.preset, threads=1),
                      len(self.book.accounts))  # fmt: skip
