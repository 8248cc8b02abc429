# SPDX-License-Identifier: Apache-2.0
"""Volatility of every series of a venue over a history of hourly bars, and a tick's new ranges.

Peers may add and take away in their rolling sums, which is quicker and drifts; ours adds anew. All
give the whole table of volatilities, logarithms included.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from timing import WALL, Case, Effort, Runner, race

import margin_core as mc

WINDOW = 168  # hours: a week
HALF_LIFE = 24.0
HOUR_NS = 3_600_000_000_000
PER_YEAR = 8760.0
DRIFT = 1e-6  # of the rolling sums that add and take away


class History:
    """Bars of random walks, hour by hour; row-major, a row of series for each bar."""

    def __init__(self, n_series: int, n_bars: int) -> None:
        rng = np.random.default_rng(0)
        shape = (n_bars, n_series)
        self.end_ns = HOUR_NS * np.arange(470_001, 470_001 + n_bars)
        self.close = 100.0 * np.exp(np.cumsum(rng.normal(0.0, 0.01, shape), axis=0))
        self.open = self.close * np.exp(rng.normal(0.0, 0.004, shape))
        self.high = np.maximum(self.open, self.close) * (1.0 + 0.003 * rng.random(shape))
        self.low = np.minimum(self.open, self.close) * (1.0 - 0.003 * rng.random(shape))
        self.n = self.close.size

    @property
    def prices(self) -> tuple[Any, ...]:
        return self.open, self.high, self.low, self.close


def volatility(n_series: int, n_bars: int, effort: Effort) -> list[Case]:
    history = History(n_series, n_bars)
    size = f"{n_series:,} series x {n_bars:,} bars"
    cases = []
    for kind, what in (("ewma", "EWMA"), ("realised", f"realised, {WINDOW} bars"),
                       ("yang_zhang", f"Yang-Zhang, {WINDOW} bars")):  # fmt: skip
        peers = [("pandas", lambda k=kind: pandas_peer(k, history)),
                 ("NumPy", lambda k=kind: numpy_peer(k, history)),
                 ("numba", lambda k=kind: numba_peer(k, history))]  # fmt: skip
        cases.append(race(f"vol_{kind}", f"volatility: {what}", "ns/bar", ours(kind, history, 1),
                          peers, effort, note=f"{size}, 1 thread"))  # fmt: skip
    cases.append(race("vol_threads", "volatility: Yang-Zhang on two threads", "ns/bar",
                      ours("yang_zhang", history, 2),
                      [("margin_core, 1 thread", lambda: ours("yang_zhang", history, 1))],
                      effort, clock=WALL, note=size))  # fmt: skip
    cases.append(race("thresholds", "a tick's new ranges", "ns/unit", tick(10 * n_series), [],
                      effort, note=f"{10 * n_series:,} units, 1 thread"))  # fmt: skip
    return cases


def whole(kind: str, vol: Any) -> dict[str, Any]:
    """What is compared: the rows for which every window is whole."""
    return {"vol": np.ascontiguousarray(vol[(2 if kind == "ewma" else WINDOW + 1) :]).ravel()}


def ours(kind: str, history: History, threads: int) -> Runner:
    memory = {"half_life": HALF_LIFE} if kind == "ewma" else {"window": WINDOW}

    def run() -> Any:
        estimator = mc.VolatilityEstimator(kind, history.close.shape[1], threads=threads, **memory)  # type: ignore[arg-type]
        opened, high, low, close = history.prices
        return estimator.update(history.end_ns, close, open=opened, high=high, low=low).vol

    name = "margin_core" + (", 1 thread" if threads == 1 else "")
    return Runner(name, run, history.n, lambda: whole(kind, run()))


def tick(n_units: int) -> Runner:
    rng = np.random.default_rng(1)
    ranges = mc.Thresholds([str(i) for i in range(n_units)], threads=1)
    state = {"time": 470_000 * HOUR_NS, "price": np.full((1, n_units), 100.0)}
    moves = np.exp(rng.normal(0.0, 0.01, (64, 1, n_units)))

    def run() -> None:
        state["time"] += HOUR_NS
        state["price"] = state["price"] * moves[state["time"] // HOUR_NS % 64]
        ranges.update([state["time"]], state["price"])

    return Runner("margin_core", run, n_units)


def peer(name: str, kind: str, history: History, run: Callable[[], Any]) -> Runner:
    return Runner(name, run, history.n, lambda: whole(kind, run()), DRIFT)


def yang_zhang_weight() -> float:
    return 0.34 / (1.34 + (WINDOW + 1) / (WINDOW - 1))


def pandas_peer(kind: str, history: History) -> Runner:
    import pandas as pd

    opened, high, low, close = (pd.DataFrame(p) for p in history.prices)

    def run() -> Any:
        last = np.log(close)
        r = last.diff()
        if kind == "ewma":
            variance = (r**2).ewm(halflife=HALF_LIFE).mean()
        elif kind == "realised":
            variance = (r**2).rolling(WINDOW).mean()
        else:
            start = np.log(opened)
            u, d, c, o = np.log(high) - start, np.log(low) - start, last - start, start - last.shift()
            k = yang_zhang_weight()
            inside = (u * (u - c) + d * (d - c)).rolling(WINDOW).mean()
            variance = o.rolling(WINDOW).var() + k * c.rolling(WINDOW).var() + (1.0 - k) * inside
        return np.sqrt(PER_YEAR * variance.to_numpy())

    return peer("pandas", kind, history, run)


def numpy_peer(kind: str, history: History) -> Runner:
    if kind == "ewma":
        raise NotImplementedError("an EWMA is a loop over bars in NumPy: see numba")

    def mean(x: Any) -> Any:
        total = np.cumsum(x, axis=0)
        total[WINDOW:] -= total[:-WINDOW].copy()
        total /= WINDOW
        return total

    def variance(x: Any) -> Any:
        return (mean(x * x) - mean(x) ** 2) * (WINDOW / (WINDOW - 1))

    def run() -> Any:
        opened, high, low, close = history.prices
        last = np.log(close)
        r = np.diff(last, axis=0, prepend=last[:1])
        if kind == "realised":
            return np.sqrt(PER_YEAR * mean(r * r))
        start = np.log(opened)
        u, d, c, o = np.log(high) - start, np.log(low) - start, last - start, np.zeros_like(last)
        o[1:] = start[1:] - last[:-1]
        k = yang_zhang_weight()
        inside = mean(u * (u - c) + d * (d - c))
        return np.sqrt(PER_YEAR * (variance(o) + k * variance(c) + (1.0 - k) * inside))

    return peer("NumPy", kind, history, run)


def numba_peer(kind: str, history: History) -> Runner:
    import numba

    @numba.njit(fastmath=True)
    def ewma(close: Any, kept: float, out: Any) -> None:
        n_bars, n = close.shape
        total, weight = np.zeros(n), 0.0
        for t in range(1, n_bars):
            weight = kept * weight + 1.0
            for i in range(n):
                r = np.log(close[t, i] / close[t - 1, i])
                total[i] = kept * total[i] + r * r
                out[t, i] = np.sqrt(PER_YEAR * total[i] / weight)

    @numba.njit(fastmath=True)
    def realised(close: Any, out: Any) -> None:
        n_bars, n = close.shape
        ring, total = np.zeros((WINDOW, n)), np.zeros(n)
        for t in range(1, n_bars):
            for i in range(n):
                r = np.log(close[t, i] / close[t - 1, i])
                total[i] += r * r - ring[t % WINDOW, i]
                ring[t % WINDOW, i] = r * r
                out[t, i] = np.sqrt(PER_YEAR * max(total[i], 0.0) / WINDOW)

    @numba.njit(fastmath=True)
    def yang_zhang(opened: Any, high: Any, low: Any, close: Any, k: float, out: Any) -> None:
        n_bars, n = close.shape
        ring, total = np.zeros((WINDOW, 3, n)), np.zeros((5, n))
        for t in range(1, n_bars):
            cell = ring[t % WINDOW]
            for i in range(n):
                o = np.log(opened[t, i] / close[t - 1, i])
                u = np.log(high[t, i] / opened[t, i])
                d = np.log(low[t, i] / opened[t, i])
                c = np.log(close[t, i] / opened[t, i])
                rs = u * (u - c) + d * (d - c)
                total[0, i] += o - cell[0, i]
                total[1, i] += o * o - cell[0, i] * cell[0, i]
                total[2, i] += c - cell[1, i]
                total[3, i] += c * c - cell[1, i] * cell[1, i]
                total[4, i] += rs - cell[2, i]
                cell[0, i], cell[1, i], cell[2, i] = o, c, rs
                vo = (total[1, i] - total[0, i] ** 2 / WINDOW) / (WINDOW - 1)
                vc = (total[3, i] - total[2, i] ** 2 / WINDOW) / (WINDOW - 1)
                inside = total[4, i] / WINDOW
                out[t, i] = np.sqrt(PER_YEAR * (vo + k * vc + (1.0 - k) * inside))

    def run() -> Any:
        out = np.zeros(history.close.shape)
        if kind == "ewma":
            ewma(history.close, 2.0 ** (-1.0 / HALF_LIFE), out)
        elif kind == "realised":
            realised(history.close, out)
        else:
            yang_zhang(*history.prices, yang_zhang_weight(), out)
        return out

    return peer("numba", kind, history, run)
