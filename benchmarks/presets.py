# SPDX-License-Identifier: Apache-2.0
"""Venue presets on books of ten holdings an account.

A preset gets the chain of the synthetic venue that it margins: Deribit's the inverse one of BTC, the
others the linear one of SOL; presets that know perpetuals only get forty of them. A sweep goes from a
laid-out book to equity, IM and MM of every account; a call of `venue_margin` also resolves names,
prices the chain and lays the book out.
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
#: Presets by weights: the class that the book's instruments are counted as.
OPTION_CLASSES = {"derive_sm": ("ETH-CALL", "ETH-PUT")}
PERPETUAL_CLASSES = {
    "dydx_v4": {"source": "chain", "oi_lower": 10**13, "oi_upper": 3 * 10**13,
                "weights": {h: {"long": 20_000, "short": 20_000} for h in ("init", "maint")}},
    "drift_v2": {"source": "program", "imf": 300, "pnl_imf": 50,
                 "weights": {h: {"long": 1_000, "short": 1_000} for h in ("init", "maint")}},
    "hyperliquid_pm": {"source": "docs", "weights": {"maint": {"long": 0.02, "short": 0.02}}},
}  # fmt: skip
N_PERPETUALS = 40
NOW_NS = 1_767_225_600_000_000_000
CHAINS = {"deribit_pm": INVERSE, "derive_pm2": LINEAR, "okx_pm": LINEAR, "paradex_pm": LINEAR,
          "span": LINEAR}  # fmt: skip


def presets(n_accounts: int, n_instruments: int, effort: Effort) -> list[Case]:
    market = Venue(n_instruments).market
    instruments = market.instruments
    cases = []
    for preset, coin in CHAINS.items():
        mine = np.array([name.startswith(coin) for name in instruments.name])
        part = market.select((instruments.kind >= Kind.CALL) & mine)
        venue = Swept(preset, part, derivatives_book(part, n_accounts))
        size = f"{n_accounts:,} accounts x {POSITIONS} options of {coin}"
        cases += [
            race(f"preset_{preset}", f"{preset}, a sweep", "ns/account", venue.ours(1),
                 [("NumPy, the scan alone", venue.in_numpy)], effort, note=f"{size}, 1 thread"),
            race(f"preset_{preset}_threads", f"{preset}, a sweep on two threads", "ns/account",
                 venue.ours(2), [("margin_core, 1 thread", lambda v=venue: v.ours(1))], effort,
                 clock=WALL, note=size),
            race(f"preset_{preset}_call", f"{preset}, a call of venue_margin", "ns/account",
                 called(venue.book, part, venue.preset), [], effort, note=f"{size}, 1 thread"),
        ]  # fmt: skip
    return cases + by_weights(n_accounts, market, effort)


def by_weights(n_accounts: int, market: Any, effort: Effort) -> list[Case]:
    linear = np.array([name.startswith(LINEAR) for name in market.instruments.name])
    chain = market.select((market.instruments.kind >= Kind.CALL) & linear)
    perpetuals = perpetual_market()
    cases = []
    for preset, names in OPTION_CLASSES.items():
        loaded = mc.load_preset(preset)
        classes = [loaded.of(name).model_dump(mode="json", exclude_unset=True)
                   | {"names": [name.replace("ETH", LINEAR)]} for name in names]  # fmt: skip
        loaded = mc.load_preset(preset, {"classes": classes})
        cases.append(weights_case(loaded, chain, n_accounts, f"options of {LINEAR}", effort))
    for preset, entry in PERPETUAL_CLASSES.items():
        units = [name.split("_")[0] for name in perpetuals.names if "PERPETUAL" in name]
        entry = {**entry, "names": [f"{unit}-PERP" for unit in units]}
        loaded = mc.load_preset(preset, {"classes": [entry]})
        cases.append(weights_case(loaded, perpetuals, n_accounts, "perpetuals", effort))
    return cases


def weights_case(preset: Any, market: Any, n_accounts: int, what: str, effort: Effort) -> Case:
    book = derivatives_book(market, n_accounts)
    size = f"{n_accounts:,} accounts x {POSITIONS} {what}"
    return race(f"preset_{preset.name}_call", f"{preset.name}, a call of venue_margin",
                "ns/account", called(book, market, preset), [], effort,
                note=f"{size}, 1 thread")  # fmt: skip


def perpetual_market() -> mc.Market:
    price = np.geomspace(0.05, 100_000.0, N_PERPETUALS)
    units = [f"C{i:02}" for i in range(N_PERPETUALS)]
    quotes = {"instrument": [f"{unit}_USDC-PERPETUAL" for unit in units], "forward_usd": price}
    index = dict(zip(units, price.tolist(), strict=True)) | {"USDC": 1.0}
    return mc.Market.from_table(quotes, now=NOW_NS, index=index)


def derivatives_book(market: Any, n_accounts: int) -> mc.Book:
    """Of all but its coins, which a market always has too."""
    derived = np.flatnonzero(market.instruments.kind != Kind.SPOT)
    drawn = Book.draw(n_accounts, len(derived))
    account = np.repeat(np.arange(n_accounts), POSITIONS)
    names = [str(name) for name in market.names[derived]]
    quantity = drawn.lots * market.instruments.step[derived[drawn.instrument]]
    return mc.Book.from_columns(n_accounts, (account, drawn.instrument, names, quantity))


def called(book: mc.Book, market: Any, preset: Any) -> Runner:
    return Runner("margin_core, 1 thread",
                  lambda: mc.venue_margin(book, market, preset, threads=1),
                  len(book.accounts))  # fmt: skip


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
