# SPDX-License-Identifier: Apache-2.0
"""Volatility and thresholds in plain NumPy: window by window, step by step."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["ranges", "volatility"]

DAY_NS = 86_400_000_000_000
YEAR_NS = 365 * DAY_NS


def volatility(
    kind: str,
    open: NDArray[np.float64],
    high: NDArray[np.float64],
    low: NDArray[np.float64],
    close: NDArray[np.float64],
    *,
    interval_ns: int,
    window: int = 0,
    half_life: float = 0.0,
) -> NDArray[np.float64]:
    """One series' annualised volatility after each bar; NaN before a whole window.

    Every bar is present. Sources: M. Parkinson, J. Business 53 (1980); M. Garman, M. Klass, ibid.;
    L. Rogers, S. Satchell, Annals of Applied Probability 1 (1991); D. Yang, Q. Zhang, J. Business
    73 (2000); O. Barndorff-Nielsen, N. Shephard, J. Financial Econometrics 2 (2004).
    """
    r = np.diff(np.log(close), prepend=np.nan)
    o = np.log(open) - np.concatenate([[np.nan], np.log(close[:-1])])
    before = np.concatenate([[np.nan], r[:-1]])
    u, d, c = np.log(high / open), np.log(low / open), np.log(close / open)
    if kind == "ewma":
        variance = _ewma(r, half_life)
    else:
        terms: dict[str, Callable[[slice], Any]] = {
            "close": lambda at: np.var(r[at], ddof=1),
            "parkinson": lambda at: np.mean((u[at] - d[at]) ** 2) / (4 * math.log(2)),
            "garman_klass": lambda at: np.mean(
                0.5 * (u[at] - d[at]) ** 2 - (2 * math.log(2) - 1) * c[at] ** 2
            ),
            "rogers_satchell": lambda at: _rogers_satchell(u[at], d[at], c[at]),
            "yang_zhang": lambda at: _yang_zhang(o[at], u[at], d[at], c[at]),
            "realised": lambda at: np.mean(r[at] ** 2),
            "bipower": lambda at: math.pi / 2 * np.mean(np.abs(r[at] * before[at])),
        }
        variance = np.full(len(close), np.nan)
        for end in range(window, len(close) + 1):
            variance[end - 1] = terms[kind](slice(end - window, end))
    return np.sqrt(variance * (YEAR_NS / interval_ns))


def _ewma(r: NDArray[np.float64], half_life: float) -> NDArray[np.float64]:
    out = np.full(len(r), np.nan)
    for end in range(2, len(r) + 1):
        weight = 2.0 ** (-np.arange(end - 2, -1, -1) / half_life)
        out[end - 1] = (weight * r[1:end] ** 2).sum() / weight.sum()
    return out


def _rogers_satchell(
    u: NDArray[np.float64], d: NDArray[np.float64], c: NDArray[np.float64]
) -> float:
    return float(np.mean(u * (u - c) + d * (d - c)))


def _yang_zhang(
    o: NDArray[np.float64],
    u: NDArray[np.float64],
    d: NDArray[np.float64],
    c: NDArray[np.float64],
) -> float:
    n = len(o)
    k = 0.34 / (1.34 + (n + 1) / (n - 1))
    inside = _rogers_satchell(u, d, c)
    return float(np.var(o, ddof=1) + k * np.var(c, ddof=1) + (1 - k) * inside)


def ranges(
    parameters: Mapping[str, float], time_ns: NDArray[np.int64], price: NDArray[np.float64]
) -> NDArray[np.float64]:
    """One unit's range after each price; 0 before the warm-up is over.

    `parameters` are those of `mc_threshold_model`.
    """
    m = dict(parameters)
    lives = (m["fast_half_life_days"], m["slow_half_life_days"], m["long_half_life_days"])
    squares: list[float] = []
    ends: list[int] = []
    out = np.zeros(len(price))
    horizon_ns = int(m["horizon_days"] * DAY_NS)
    stress = shock = anchor_price = anchor_range = day_range = current = 0.0
    learned = 1.0
    for t in range(1, len(price)):
        now, before = int(time_ns[t]), int(time_ns[t - 1])
        days = (now - before) / DAY_NS
        squares.append(math.log(price[t] / price[t - 1]) ** 2 / days)
        ends.append(now)
        fast, slow, lasting = (_weighted(squares, ends, int(time_ns[0]), life) for life in lives)
        mixed = math.sqrt(m["fast_weight"] * fast + (1 - m["fast_weight"]) * slow)
        long_vol = math.sqrt(lasting)
        faded = stress * 2 ** (-days / m["stress_half_life_days"]) if current else long_vol
        stress = max(math.sqrt(slow), faded)
        buffered = max(mixed, (1 + m["buffer_frac"]) * min(mixed, long_vol))
        calm = max(buffered, m["floor_share"] * long_vol)
        vol = (1 - m["stress_weight"]) * calm + m["stress_weight"] * max(stress, calm)

        if anchor_price:
            move = min(abs(price[t] / anchor_price - 1), 1.0)
            shock = max(move, shock * 2 ** (-days / m["after_half_life_days"]))
        ends_horizon = now // horizon_ns != before // horizon_ns
        if ends_horizon:
            if anchor_range:
                hit = abs(price[t] / anchor_price - 1) > anchor_range
                learned *= math.exp(m["learn_rate"] * (hit - (1 - m["level"])))
                learned = min(max(learned, 1 / m["learn_most"]), m["learn_most"])
            anchor_price = price[t]
        wanted = m["tail"] * learned * vol * math.sqrt(m["horizon_days"])
        wanted = max(wanted, m["after_share"] * shock)
        wanted = min(max(wanted, m["least_frac"]), m["most_frac"])

        if (now - 1) // DAY_NS != (before - 1) // DAY_NS:
            day_range = current
        if current:
            high = min(current * (1 + m["rise_step_frac"]), day_range * (1 + m["rise_day_frac"]))
            low = max(current * (1 - m["fall_step_frac"]), day_range * (1 - m["fall_day_frac"]))
            current = max(min(wanted, high), low)
        elif now - int(time_ns[0]) >= m["warmup_days"] * DAY_NS:
            current = day_range = wanted
        if ends_horizon:
            anchor_range = current
        out[t] = current
    return out


def _weighted(squares: list[float], ends: list[int], first: int, half_life_days: float) -> float:
    """Mean of squared returns per day, weighted by the time they cover and 2^(-age / half-life)."""
    edges = np.array([first, *ends], dtype=np.float64)
    kept = 2.0 ** (-(edges[-1] - edges) / DAY_NS / half_life_days)
    weight = np.diff(kept)
    return float((weight * np.array(squares)).sum() / weight.sum())
