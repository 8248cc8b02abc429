# SPDX-License-Identifier: Apache-2.0
"""Choose the parameters of models/thresholds/house.toml, on prices before 2022 alone.

    python scripts/threshold_parameters.py BTC=FILE... ETH=FILE...

docs/decisions/0015-thresholds-before-2022.md says why so. Fixed beforehand: the buffer (25 %) and
the stressed weight (25 %) of EU 153/2013 art. 28, and the other limits of a step and a day. Chosen:
the half-lives, the fast weight, the floor's share and the largest rise in a day, as those with the
least quantile loss on the half-years from July 2019 on, each judged with tails fitted on what was
before it. Then the tails. Learning and aftershock are left out: they are not fitted.
"""

from __future__ import annotations

import itertools
import sys
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core._binding import _dynamics
from margin_core.dynamics.backtest import daily_moves
from margin_core.dynamics.bars import Bars, read_bars
from margin_core.dynamics.coverage import fitted_multiple
from margin_core.dynamics.threshold import STATE

LEVELS = (0.99, 0.995)
END = datetime(2022, 1, 1, tzinfo=UTC)
HALF_YEARS = [datetime(y, m, 1, tzinfo=UTC) for y in (2019, 2020, 2021) for m in (1, 7)][1:] + [END]
FIXED = {
    "buffer_frac": 0.25, "stress_weight": 0.25, "tail": 1.0, "horizon_days": 1.0,
    "rise_step_frac": 0.25, "fall_step_frac": 0.005, "fall_day_frac": 0.03,
    "least_frac": 1e-6, "most_frac": 0.999999, "warmup_days": 60.0, "gap_days": 1.0,
    "level": 0.99, "learn_rate": 0.0, "learn_most": 1.0, "after_share": 0.0,
    "after_half_life_days": 1.0,
}  # fmt: skip
GRID = {
    "fast": [(1.0, 0.0), (1.0, 0.2), (2.0, 0.2), (2.0, 0.4), (4.0, 0.25), (4.0, 0.5)],
    "slow_half_life_days": [8.0, 16.0, 32.0],
    "long_half_life_days": [180.0, 365.0, 730.0],
    "floor_share": [0.5, 0.75, 1.0],
    "stress_half_life_days": [365.0, 730.0, 1460.0],
    "rise_day_frac": [0.25, 0.5, 1.0],
}


def ns(instant: datetime) -> int:
    return int(instant.timestamp()) * 1_000_000_000


def unscaled(bars: Bars, parameters: dict[str, float]) -> tuple[Any, ...]:
    """Day, |move| over it, and what the range before it would be with a tail of 1."""
    end = bars.end_ns <= ns(END)
    times, prices = bars.end_ns[end], np.ascontiguousarray(bars.close[end, None])
    out = np.empty(prices.shape)
    _dynamics.thresholds(parameters, times, prices, bars.present[end, None].view(np.uint8),
                         np.zeros(1, dtype=STATE).view(np.uint8), out, 1)  # fmt: skip
    moves = daily_moves(bars)
    whole = (moves.begin_ns < ns(END)) & (moves.begin_ns + 86_400 * 10**9 <= ns(END))
    range_frac = out[moves.row[whole], 0]
    ready = range_frac > 0.0
    return moves.begin_ns[whole][ready], np.abs(moves.move[whole][ready]), range_frac[ready]


def loss(size: NDArray[np.float64], range_frac: NDArray[np.float64], level: float) -> float:
    """Quantile (pinball) loss: least in expectation at the quantile (Koenker, Bassett 1978)."""
    over = size - range_frac
    return float(np.maximum(level * over, (level - 1.0) * over).sum())


def score(coins: list[tuple[Any, ...]]) -> float:
    """Loss of the coming half-year over that of a static range fitted at the same time."""
    ratios = []
    for level in LEVELS:
        dynamic, static = np.zeros(len(coins)), np.zeros(len(coins))
        for begin, end in itertools.pairwise(map(ns, HALF_YEARS)):
            past = [(size[day < begin], base[day < begin]) for day, size, base in coins]
            tail = fitted_multiple(np.concatenate([s / b for s, b in past]), level)
            for i, (day, size, base) in enumerate(coins):
                now = (day >= begin) & (day < end)
                dynamic[i] += loss(size[now], tail * base[now], level)
                fixed = np.full(int(now.sum()), fitted_multiple(past[i][0], level))
                static[i] += loss(size[now], fixed, level)
        ratios.append(dynamic / static)
    return float(np.mean(ratios))


def main() -> None:
    bars = list(read_bars(sys.argv[1:]).values())
    found = []
    for values in itertools.product(*GRID.values()):
        choice = dict(zip(GRID, values, strict=True))
        fast, weight = choice.pop("fast")
        parameters = {**FIXED, **choice, "fast_half_life_days": fast, "fast_weight": weight}
        coins = [unscaled(one, parameters) for one in bars]
        found.append((score(coins), parameters, coins))
    found.sort(key=lambda item: item[0])
    for value, parameters, _ in found[:10]:
        print(f"{value:.4f}", {k: v for k, v in parameters.items() if FIXED.get(k) != v})
    print(f"median {np.median([item[0] for item in found]):.4f}, worst {found[-1][0]:.4f}")
    _, _, coins = found[0]
    for level in LEVELS:
        multiple = fitted_multiple(np.concatenate([size / base for _, size, base in coins]), level)
        print(f"tail at {level:g}: {multiple:.4f}")


if __name__ == "__main__":
    main()
