# SPDX-License-Identifier: Apache-2.0
"""The share of 512 scenarios in which each account falls below two lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from book import POSITIONS, Book
from timing import WALL, Case, Effort, Runner, race

from margin_core._binding import _risk, _sweep

SCENARIOS = 512

#: Accounts at a time in NumPy: their P&L fits the cache.
CHUNK = 256


class Shares:
    """Cells of whole quanta, adopted, with one world at rest; lines in their tails."""

    def __init__(self, n_accounts: int, n_instruments: int) -> None:
        rng = np.random.Generator(np.random.PCG64(11))
        self.cells = np.rint(rng.normal(0.0, 1e6, (n_instruments, SCENARIOS)))
        self.cells[:, 0] = 0.0
        self.risk = _risk.RiskHandle.adopt(self.cells, 1e-6)
        self.book = Book.draw(n_accounts, n_instruments, seed=6)
        self.handle = self.book.handle(n_instruments)
        self.weight = rng.uniform(0.5, 1.5, SCENARIOS)
        deviation = 1e6 * np.sqrt((self.book.lots**2).reshape(-1, POSITIONS).sum(axis=1))
        self.line = np.ascontiguousarray(np.outer(deviation, [-1.5, -2.5]))

    def ours(self, threads: int) -> Runner:
        share = np.empty_like(self.line)

        def run() -> None:
            _sweep.shares_below(self.risk, self.handle, 0, self.weight, self.line, share, threads)

        def result() -> dict[str, Any]:
            run()
            return {"share": share.copy()}

        return Runner(f"margin_core, {threads} thread", run, len(self.book), result, 0.0)

    def in_numpy(self) -> Runner:
        share = np.empty_like(self.line)
        rows = self.book.instrument.reshape(-1, POSITIONS)
        lots = self.book.lots.reshape(-1, 1, POSITIONS)

        def run() -> None:
            for first in range(0, len(rows), CHUNK):
                at = slice(first, first + CHUNK)
                pnl = np.matmul(lots[at], self.cells[rows[at]])[:, 0]
                for k in (0, 1):
                    share[at, k] = (pnl < self.line[at, k, None]) @ self.weight

        def result() -> dict[str, Any]:
            run()
            return {"share": share.copy()}

        return Runner("NumPy", run, len(rows), result, 1e-12)


def ruin(n_accounts: int, n_instruments: int, effort: Effort) -> list[Case]:
    shares = Shares(n_accounts, n_instruments)
    size = f"{n_accounts:,} accounts x {POSITIONS}, {n_instruments:,} instruments x {SCENARIOS}"
    return [
        race("ruin", "ruin: shares below two lines", "ns/account", shares.ours(1),
             [("NumPy", shares.in_numpy)], effort, note=f"{size}, 1 thread"),
        race("ruin_threads", "ruin on two threads", "ns/account", shares.ours(2),
             [("margin_core, 1 thread", lambda: shares.ours(1))], effort, clock=WALL, note=size),
    ]  # fmt: skip
