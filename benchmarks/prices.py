# SPDX-License-Identifier: Apache-2.0
"""Liquidation prices of isolated accounts: where each falls below its MM as one coin moves.

Ours reprices every account in the margin model, whatever it holds. The peers know these accounts:
NumPy solves the line of linear ones in closed form; for options SciPy's brentq runs an account at a
time on a requirement written out by hand, in the first of the same looks that finds it below.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from timing import Case, Effort, Runner, race

import margin_core as mc
from margin_core._binding import _liquidation_price
from margin_core.book import MODES, PackedBook
from margin_core.instruments import Kind

NOW, PRICE, STEPS = 1_767_225_600 * 10**9, 64_000.0, 48
MOVES = -0.9, 3.0
TICK = 2.0**-6  # of a USD
LINEAR, OPTIONS, EACH, VOL = 20_000, 500, 8, 0.6
OTHERS = {"ETH": 2_048.0, "SOL": 128.0, "XRP": 2.0}


def market() -> mc.Market:
    """Perpetuals of four coins, and options on one of them, marked at their value."""
    names = [f"{coin}_USDC-PERPETUAL" for coin in ("BTC", *OTHERS)]
    forward, vol = [PRICE, *OTHERS.values()], [None] * 4
    for expiry in ("27MAR26", "26JUN26"):
        for strike in range(32_000, 128_001, 8_000):
            for kind in "CP":
                names.append(f"BTC_USDC-{expiry}-{strike}-{kind}")
                forward.append(PRICE)
                vol.append(VOL)
    quotes = {"instrument": names, "forward_usd": forward, "vol": vol}
    return mc.Market.from_table(quotes, now=NOW, index={"BTC": PRICE, **OTHERS, "USDC": 1.0})


class Accounts:
    """Isolated accounts of so many rows each, with up to four times their requirement."""

    def __init__(self, rows: np.ndarray, seed: int, n: int) -> None:
        self.margin = mc.Margin.of(market(), "house")
        rng = np.random.default_rng(seed)
        each = min(EACH, len(rows))
        self.row = np.sort(rows[np.argsort(rng.random((n, len(rows))), axis=1)[:, :each]], axis=1)
        lot = self.margin.risk.lot[self.row]
        self.notional = self.margin.risk.column("notional")[self.row] * self.margin.risk.quantum
        usd = np.exp(rng.uniform(np.log(1e3), np.log(1e5), self.row.shape))
        lots = np.ceil(usd / self.notional) * rng.choice([-1.0, 1.0], self.row.shape)
        self.notional *= np.abs(lots)
        self.quantity = lots * lot
        self.mark = self.margin.market.mark_usd[self.row]
        units = [self.margin.model.unit(u) for u in self.margin.units]
        rate = np.ceil(np.array([u.isolated_mm_frac for u in units]) * 2**20) / 2**20
        self.rate = rate[self.margin.risk.numbering.unit][self.row]
        value = (self.quantity * self.mark).sum(axis=1)
        spare = rng.uniform(1.0, 4.0, n) * (self.notional * self.rate).sum(axis=1)
        self.cash = np.rint((spare - value) / self.margin.risk.quantum).astype(np.int64)
        self.book = PackedBook.of(
            len(self.margin.risk.instruments), accounts=np.arange(n).astype(object),
            offset=np.arange(n + 1, dtype=np.int64) * each, row=self.row.ravel().astype(np.int32),
            lots=lots.ravel(), cash=self.cash, mode=np.full(n, MODES.index("isolated"), np.uint8),
            parent=np.full(n, -1), owner_row=np.full(n, -1, np.int32), n_owners=0,
            order_offset=None, order_row=None, order_lots=None, order_limit=None,
        )  # fmt: skip

    def __len__(self) -> int:
        return len(self.cash)

    def ours(self) -> Runner:
        n, margin = len(self), self.margin
        below, above = np.zeros(n, np.int64), np.zeros(n, np.int64)
        found = np.zeros(n, np.uint8)

        def run() -> None:
            _liquidation_price.liquidation_prices(
                margin.risk.handle, margin.risk.snapshot, margin.handle, self.book.handle, 0, 1,
                margin.units.index("BTC"), 1.0 / TICK, *MOVES, STEPS, None, None, None, below,
                above, found,
            )  # fmt: skip

        def result() -> dict[str, Any]:
            run()
            return {"below": below * TICK, "above": above * TICK}

        return Runner("margin_core, 1 thread", run, n, result)

    def by_line(self) -> Runner:
        """cash + sum q P = rate |q| P + the others' needs; the coin is the first row of each."""
        q = self.quantity
        rest = self.cash * self.margin.risk.quantum + (q * self.mark)[:, 1:].sum(axis=1)

        def run() -> dict[str, Any]:
            need = (self.notional * self.rate)[:, 1:].sum(axis=1)
            root = (need - rest) / (q[:, 0] - self.rate[:, 0] * np.abs(q[:, 0]))
            move = root / PRICE - 1.0
            return {"below": np.where((move < 0.0) & (move >= MOVES[0]), root, 0.0),
                    "above": np.where((move > 0.0) & (move <= MOVES[1]), root, 0.0)}  # fmt: skip

        return Runner("NumPy, closed form", run, len(self), run, 1e-5)

    def by_brentq(self) -> Runner:
        from scipy.optimize import brentq
        from scipy.special import ndtr

        risk, quantum = self.margin.risk, self.margin.risk.quantum
        instruments = risk.instruments
        years = risk.market.years[self.row]
        strike, call = instruments.strike[self.row], instruments.kind[self.row] == Kind.CALL
        deviation = VOL * np.sqrt(years)
        grids = [PRICE * (1.0 + m) ** (np.arange(1, STEPS + 1) / STEPS) for m in MOVES]
        cash = self.cash * quantum

        def value(a: int, price: Any) -> Any:
            d1 = np.log(price / strike[a]) / deviation[a] + deviation[a] / 2
            up = price * ndtr(d1) - strike[a] * ndtr(d1 - deviation[a])
            return np.where(call[a], up, up - price + strike[a])

        def excess(price: Any, a: int) -> Any:
            at = np.asarray(price, dtype=np.float64)[..., None]
            mark = np.maximum(self.mark[a] + value(a, at) - value(a, PRICE), 0.0)
            worth = self.quantity[a] * mark
            need = np.abs(self.quantity[a]) * self.rate[a] * at
            need = np.where(self.quantity[a] > 0, np.minimum(worth, need), need)
            return cash[a] + (worth - need).sum(axis=-1)

        def run() -> dict[str, Any]:
            out = np.zeros((2, len(self)))
            for side, grid in enumerate(grids):
                for a in range(len(self)):
                    bad = excess(grid, a) < 0.0
                    if bad.any():
                        k = int(np.argmax(bad))
                        near = PRICE if k == 0 else grid[k - 1]
                        out[side, a] = brentq(excess, near, grid[k], args=(a,), xtol=TICK / 4)
            return {"below": out[0], "above": out[1]}

        return Runner("SciPy brentq", run, len(self), run, 1e-5)


def prices(effort: Effort) -> list[Case]:
    instruments = mc.Margin.of(market(), "house").risk.instruments
    perpetuals = np.flatnonzero(instruments.kind == Kind.PERPETUAL)
    btc = instruments.units.index("BTC")
    options = np.flatnonzero((instruments.unit == btc) & (instruments.kind >= Kind.CALL))
    first = perpetuals[np.argsort(instruments.unit[perpetuals] != btc, kind="stable")]
    linear, optional = Accounts(first, 1, LINEAR), Accounts(options, 2, OPTIONS)
    return [
        race("prices_linear", "liquidation prices, linear accounts", "us/account", linear.ours(),
             [("NumPy, closed form", linear.by_line)], effort,
             note=f"{LINEAR:,} accounts of {len(first)} perpetuals, 1 thread"),
        race("prices_options", "liquidation prices, option accounts", "us/account",
             optional.ours(), [("SciPy brentq", optional.by_brentq)], effort,
             note=f"{OPTIONS:,} accounts of {EACH} options, both sides, 1 thread"),
    ]  # fmt: skip
