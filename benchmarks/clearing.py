# SPDX-License-Identifier: Apache-2.0
"""The worst second of 10 October 2025: 12,000 liquidations and 12,000 ADL fills.

437,723 accounts on one ledger, 160 markets. In each market 75 accounts are liquidated, the fund pays
first and 75 winners are cut by what is left; at the end every account is counted. Observed then on
one venue: 11,279 liquidations and 11,279 fills in one second.

Ours starts at the events' columns, checks the ledger when it is opened and keeps a receipt of every
event. The peer is the same money in Python, without events, checks and receipts: whole numbers of any
size, and NumPy for the counting.

With the plans it is the whole second: every account swept and ranked, 12,000 of them below their MM
planned against one depth, the worst first, and then the ledger. Accounts are those of the synthetic
venue, ten positions each; those that are planned have a fifth less equity than MM.
"""

from __future__ import annotations

from itertools import accumulate
from typing import Any

import numpy as np
from timing import Case, Effort, Runner, race

import margin_core as mc
from margin_core.synthetic import synthetic_book, synthetic_market

N_ACCOUNTS, MARKETS, EACH = 437_723, 160, 75
FUND, FEE = 10**12, 5 * 10**6


class Burst:
    """Losers, winners and everybody else, in quanta of 1e-6 USD."""

    def __init__(self) -> None:
        rng = np.random.default_rng(20251010)
        drawn = rng.permutation(N_ACCOUNTS)[: 2 * MARKETS * EACH]
        self.losers, winners = drawn.reshape(2, MARKETS, EACH)
        self.winners = np.sort(winners, axis=1)
        loss = rng.integers(10**9, 10**11, (MARKETS, EACH))
        self.cash = rng.integers(10**9, 10**11, N_ACCOUNTS)
        self.cash[self.losers] = rng.integers(10**8, 10**9, (MARKETS, EACH))
        self.pnl = np.zeros(N_ACCOUNTS, np.int64)
        self.pnl[self.losers] = -loss
        self.pnl[self.winners] = loss[:, ::-1]
        self.ledger = mc.Ledger(self.cash, self.pnl, insurance=FUND)
        self.columns = self.events()

    def events(self) -> dict[str, Any]:
        """Each market's liquidations, then the fund, then ADL."""
        shape = MARKETS, EACH + 2
        kind = np.full(shape, "liquidation", dtype=object)
        kind[:, -2:] = "insurance", "adl"
        columns = {name: np.zeros(shape, np.int64)
                   for name in ("account", "pnl", "fee", "first", "count")}  # fmt: skip
        columns["account"][:, :EACH] = self.losers
        columns["pnl"][:, :EACH] = self.pnl[self.losers]
        columns["fee"][:, :EACH] = FEE
        columns["first"][:, -1] = np.arange(0, MARKETS * EACH, EACH)
        columns["count"][:, -1] = EACH
        return {"kind": kind.ravel(), **{name: c.ravel() for name, c in columns.items()}}

    def ours(self) -> dict[str, Any]:
        ledger = self.ledger.copy()
        ledger.apply(ledger.events(**self.columns), self.winners.ravel())
        assert ledger.residual == 0
        return {"cash": ledger.cash, "pnl": ledger.pnl}

    def in_python(self) -> dict[str, Any]:
        cash, pnl, fund = self.cash.copy(), self.pnl.copy(), FUND
        total = int(cash.sum()) + int(pnl.sum()) + fund
        left_over = 0
        for losers, winners in zip(self.losers.tolist(), self.winners.tolist(), strict=True):
            deficit, left_over = left_over, 0
            for account in losers:
                left = int(cash[account]) + int(pnl[account])
                fee = min(FEE, max(left, 0))
                cash[account], pnl[account] = max(left, 0) - fee, 0
                fund += fee
                deficit += max(-left, 0)
            paid = min(fund, deficit)
            fund, deficit = fund - paid, deficit - paid
            left_over += deficit - cut(pnl, winners, deficit)
        assert int(cash.sum()) + int(pnl.sum()) + fund - left_over == total
        return {"cash": cash, "pnl": pnl}


def cut(pnl: Any, winners: list[int], deficit: int) -> int:
    """Takes at most the deficit from the winners, in proportion; what it took."""
    running = list(accumulate(max(0, gain) for gain in pnl[winners].tolist()))
    taken = min(deficit, running[-1])
    paid = [taken * claims // max(running[-1], 1) for claims in running]
    for account, before, after in zip(winners, [0, *paid], paid, strict=False):
        pnl[account] -= after - before
    return taken


class Second:
    """A book with 12,000 accounts below their MM, and the burst that follows."""

    def __init__(self, burst: Burst) -> None:
        market = synthetic_market(seed=0)
        self.margin, self.burst = mc.Margin.of(market, "house"), burst
        book = synthetic_book(market, N_ACCOUNTS, margin=self.margin, seed=1).pack(self.margin.risk)
        standing = mc.sweep(book, self.margin)
        equity, mm = (standing.quanta[name] for name in ("equity", "mm"))
        lowest = standing.order[equity[standing.order] > 0][: MARKETS * EACH]
        cash = book.cash.copy()
        cash[lowest] -= equity[lowest] - mm[lowest] * 4 // 5
        self.book = book.with_columns(len(self.margin.risk.instruments), cash=cash)
        self.lowest = lowest
        self.depth = mc.Depth.square_root(self.margin, 5e8, 0.003, half_spread_frac=0.0002)

    def ours(self) -> dict[str, Any]:
        standing = mc.sweep(self.book, self.margin, threads=1)
        below = standing.order[standing.quanta["equity"][standing.order]
                               < standing.quanta["mm"][standing.order]]
        chosen = below[np.isin(below, self.lowest)]
        plans = mc.plan(self.book, self.margin, self.depth.copy(), chosen, standing=standing,
                        buffer_frac=0.05, threads=1)
        assert len(plans) == MARKETS * EACH
        return {"plans": plans.plans["equity_after"], **self.burst.ours()}


class Round:
    """One round of ADL over every account: half have a profit."""

    def __init__(self) -> None:
        rng = np.random.default_rng(7)
        self.pnl = rng.integers(-(10**11), 10**11, N_ACCOUNTS)
        self.everybody = np.arange(N_ACCOUNTS)
        self.deficit = int(np.maximum(self.pnl, 0).sum()) // 3
        rules = mc.Waterfall(insurance_limit=0, socialises=False)
        self.ledger = mc.Ledger(np.zeros(N_ACCOUNTS, np.int64), self.pnl, deficit=self.deficit,
                                waterfall=rules)  # fmt: skip

    def ours(self) -> dict[str, Any]:
        ledger = self.ledger.copy()
        ledger.cover(self.everybody)
        return {"pnl": ledger.pnl}

    def in_python(self) -> dict[str, Any]:
        pnl = self.pnl.copy()
        cut(pnl, self.everybody.tolist(), self.deficit)
        return {"pnl": pnl}


def clearing(effort: Effort) -> list[Case]:
    burst, adl = Burst(), Round()
    second = Second(burst)
    fills = MARKETS * EACH
    peer = "Python integers and NumPy"
    return [
        race("clearing_burst", "a burst of liquidations and ADL", "ms/burst",
             Runner("margin_core, 1 thread", burst.ours, 1, burst.ours),
             [(peer, lambda: Runner(peer, burst.in_python, 1, burst.in_python))], effort,
             note=f"{fills:,} liquidations and {fills:,} fills over {N_ACCOUNTS:,} accounts, 1 thread"),
        race("clearing_second", "sweep, rank, plan and clear the burst", "ms/burst",
             Runner("margin_core, 1 thread", second.ours, 1, second.ours), [], effort,
             note=f"{N_ACCOUNTS:,} accounts of ten positions, {fills:,} plans, then the burst, 1 thread"),
        race("clearing_adl", "ADL of every account", "ns/account",
             Runner("margin_core, 1 thread", adl.ours, N_ACCOUNTS, adl.ours),
             [(peer, lambda: Runner(peer, adl.in_python, N_ACCOUNTS, adl.in_python))], effort,
             note=f"one round over {N_ACCOUNTS:,} accounts, 1 thread"),
    ]  # fmt: skip
