# SPDX-License-Identifier: Apache-2.0
"""Did forecasts of ruin come true? `python scripts/ruin_reliability.py BTCUSDT.parquet --every 4`

Each midnight UTC accounts of many leverages, long, short and short of options, are asked for the
probability of a margin call and of ruin within a day, from what was known then. The day's own move
is one more world, through the same `ruin`: what came true. Volatility is the EWMA of hourly returns
with a half-life of four days; filtered history has the days of the last four years.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime

import numpy as np

import margin_core as mc

HALF_LIFE_H, WARM_UP_DAYS, WINDOW_DAYS = 96, 365, 1460
EDGES = (0.0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
BLOCK_DAYS, RESAMPLES = 30, 1000
PRICE = 3_000.0


def book():
    """Accounts of many leverages, and short straddles; one market for all days."""
    names = ["ETH_USDC-PERPETUAL", "ETH_USDC-27MAR26-3000-C", "ETH_USDC-27MAR26-3000-P"]
    quotes = {"instrument": names, "forward_usd": [PRICE] * 3, "vol": [np.nan, 0.7, 0.7]}
    now = datetime(2026, 2, 25, 8, tzinfo=UTC)
    market = mc.Market.from_table(quotes, now=now, index={"ETH": PRICE, "USDC": 1.0})
    margin = mc.Margin.of(market)
    rows = []
    for leverage in (2, 3, 4, 5, 6, 8, 10, 14, 20, 30):
        for side in (1, -1):
            name = f"{side * leverage:+d}"
            rows += [
                (name, "ETH_USDC-PERPETUAL", 100.0 * side),
                (name, "USDC", 100 * PRICE / leverage),
            ]
    for share in (0.15, 0.25, 0.4):
        name = f"straddle {share}"
        rows += [(name, q, -100.0) for q in names[1:]]
        rows.append((name, "USDC", 100 * PRICE * (share + 0.16)))
    account, instrument, quantity = zip(*rows, strict=True)
    held = {"account": account, "instrument": instrument, "quantity": quantity}
    return margin, mc.Book.from_tables(held).pack(margin.risk)


def volatility(bars):
    """Known at each bar's end, annualised."""
    change = np.diff(np.log(bars.close), prepend=np.log(bars.close[0]))
    keep = 0.5 ** (1 / HALF_LIFE_H)
    top = bottom = 0.0
    out = np.empty(len(change))
    for i, r in enumerate(change.tolist()):
        top, bottom = keep * top + r * r, keep * bottom + 1.0
        out[i] = top / bottom
    return np.sqrt(np.maximum(out, 1e-12) * 24 * 365)


def forecasts(bars, every):
    """Rows of (day, method, predicted, came true) for calls and ruins of every account."""
    margin, packed = book()
    midnight = np.flatnonzero(bars.end_ns % (86_400 * 10**9) == 0)
    close, vol, day = bars.close[midnight], volatility(bars)[midnight], bars.end_ns[midnight]
    day = day // (86_400 * 10**9)
    for t in range(WARM_UP_DAYS, len(close) - 1, every):
        if day[t + 1] - day[t] != 1:
            continue
        past = slice(max(t - WINDOW_DAYS, 0), t + 1)
        still = np.ones(past.stop - past.start)
        worlds = {
            "filtered history": mc.scaled_history(
                {"ETH": close[past], "USDC": still}, 1, vol={"ETH": vol[past], "USDC": still}
            ),
            "normal draws": mc.draws({"ETH": vol[t], "USDC": 0.0}, 1.0, 2_000, seed=t),
        }
        move = close[t + 1] / close[t] - 1.0
        was = mc.Scenarios.from_arrays(["was"], {"ETH": [move], "USDC": [0.0]})
        real = mc.ruin(packed, margin, was)
        for name, scenarios in worlds.items():
            said = mc.ruin(packed, margin, scenarios)
            for kind in ("called", "ruined"):
                p, y = getattr(said, kind), getattr(real, kind)
                yield from ((day[t], name, kind, a, b) for a, b in zip(p, y, strict=True))


def table(rows):
    """Bins of what was said against what came true, with errors from blocks of days."""
    rng = np.random.Generator(np.random.PCG64(0))
    day = np.array([r[0] for r in rows]) // BLOCK_DAYS
    said, true = (np.array([r[k] for r in rows]) for k in (3, 4))
    blocks, at = np.unique(day, return_inverse=True)
    draws = rng.multinomial(len(blocks), [1 / len(blocks)] * len(blocks), RESAMPLES)
    for low, high in zip((-1.0, *EDGES), (0.0, *EDGES[1:], 2.0), strict=False):
        here = (said > low) & (said <= high) if low >= 0 else said == 0
        if here.sum() < 50:
            continue
        n = np.bincount(at[here], minlength=len(blocks))
        hit = np.bincount(at[here], true[here], len(blocks))
        spread = ((draws @ hit) / np.maximum(draws @ n, 1)).std()
        yield low, high, int(here.sum()), said[here].mean(), true[here].mean(), spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("prices", nargs="+")
    parser.add_argument("--every", type=int, default=1, help="days between two forecasts")
    options = parser.parse_args()
    found = {}
    for bars in mc.read_bars(options.prices).values():
        for row in forecasts(bars, options.every):
            found.setdefault((row[2], row[1]), []).append(row)
    for (kind, name), rows in found.items():
        said, true = (np.array([r[k] for r in rows]) for k in (3, 4))
        print(f"{kind}, {name}: {len(rows)} forecasts, Brier {np.mean((said - true) ** 2):.5f}, "
              f"said {said.sum():.0f}, came true {true.sum():.0f}")  # fmt: skip
        print("| forecasts | said | came true |\n|---|---|---|")
        for _, _, n, p, y, error in table(rows):
            print(f"| {n:,} | {100 * p:.3f} % | {100 * y:.3f} % ± {100 * error:.3f} |")


if __name__ == "__main__":
    main()
