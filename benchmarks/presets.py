# SPDX-License-Identifier: Apache-2.0
"""The scenario presets on a book of the synthetic venue's options.

A preset gets the chain that it margins: Deribit's the inverse one of BTC, the others the linear one
of SOL. A run goes from the book and the market to IM and MM, pricing included.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from book import POSITIONS, Book, Venue
from timing import Case, Effort, Runner, race

import margin_core as mc
from margin_core.instruments import Kind

INVERSE, LINEAR = "BTC", "SOL"
CHAINS = {"deribit_pm": INVERSE, "derive_pm2": LINEAR, "okx_pm": LINEAR, "paradex_pm": LINEAR}


def presets(n_accounts: int, n_instruments: int, effort: Effort) -> list[Case]:
    market = Venue(n_instruments).market
    instruments = market.instruments
    cases = []
    for preset, coin in CHAINS.items():
        mine = np.array([name.startswith(coin) for name in instruments.name])
        part = market.select((instruments.kind >= Kind.CALL) & mine)
        book = options_book(part, n_accounts)
        size = f"{n_accounts:,} accounts x {POSITIONS} options of {coin}"
        cases.append(race(f"preset_{preset}", f"{preset}, in NumPy", "ns/account",
                          run(preset, book, part), [], effort, note=size))  # fmt: skip
    return cases


def options_book(market: Any, n_accounts: int) -> mc.Book:
    """Of its options alone: a market always has its coins too."""
    option = np.flatnonzero(market.instruments.kind >= Kind.CALL)
    drawn = Book.draw(n_accounts, len(option))
    account = np.repeat(np.arange(n_accounts), POSITIONS)
    names = [str(name) for name in market.names[option]]
    quantity = drawn.lots * market.instruments.step[option[drawn.instrument]]
    return mc.Book.from_columns(n_accounts, (account, drawn.instrument, names, quantity))


def run(preset: str, book: mc.Book, market: Any) -> Runner:
    loaded = mc.load_preset(preset)
    return Runner(preset, lambda: mc.venue_margin(book, market, loaded), len(book.accounts))
