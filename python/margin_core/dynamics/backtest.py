# SPDX-License-Identifier: Apache-2.0
"""Ranges against what prices did afterwards: static, plain EWMA and house."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from margin_core.dynamics.bars import DAY_NS, Bars
from margin_core.dynamics.coverage import (
    coverage_test,
    fitted_multiple,
    largest_rise,
    pooled_interval,
)
from margin_core.dynamics.threshold import (
    Ranges,
    ThresholdModel,
    Thresholds,
    load_thresholds,
)
from margin_core.errors import ArgumentError
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Backtest", "DailyMoves", "backtest", "daily_moves"]

#: RiskMetrics Technical Document, J.P. Morgan (1996): daily data.
EWMA_KEPT = 0.94
#: Exceedances that a fit needs at the highest level to say anything.
LEAST_FIT_DAYS = 200
METHODS = ("static", "ewma", "house", "maintenance")
PERIODS = ("before", "after", "whole")


class DailyMoves(NamedTuple):
    """Moves from midnight to midnight, UTC.

    Attributes
    ----------
    begin_ns : (n,) int64
    row : (n,) int64
        The bar that ends at `begin_ns`.
    move : (n,) float64
        Price a day later over the price, less 1. During an outage a price is the last close.
    """

    begin_ns: NDArray[np.int64]
    row: NDArray[np.int64]
    move: NDArray[np.float64]


def daily_moves(bars: Bars) -> DailyMoves:
    """Non-overlapping moves of one day."""
    at = np.flatnonzero(bars.end_ns % DAY_NS == 0)
    price = bars.close[at]
    return DailyMoves(bars.end_ns[at[:-1]], at[:-1], price[1:] / price[:-1] - 1.0)


@dataclass(frozen=True, eq=False)
class UnitDays:
    """One unit's days: what moved, and the range that each method had in force before."""

    unit: str
    begin_ns: NDArray[np.int64]
    move: NDArray[np.float64]
    ranges: dict[tuple[str, float], NDArray[np.float64]]  # by method and level
    fit_days: int


@dataclass(frozen=True, eq=False)
class Backtest:
    """What came out; `table` and `pooled` are the numbers, `days` the series.

    Attributes
    ----------
    thresholds : ThresholdModel
    split_ns : int
        What is fitted (the static range, the EWMA's multiple) saw only days that ended before.
    levels : tuple of float
    days : dict of UnitDays
    """

    thresholds: ThresholdModel
    split_ns: int
    levels: tuple[float, ...]
    days: dict[str, UnitDays]

    def period(self, unit: str, name: str) -> NDArray[np.bool_]:
        """The days of "before" the split, "after" it, or "whole"."""
        begin = self.days[unit].begin_ns
        before = begin + DAY_NS <= self.split_ns
        return {"before": before, "after": ~before, "whole": np.ones_like(before)}[name]

    def table(self) -> Table:
        """One row for each unit, period, level and method.

        Columns: unit, period, level, method, days, exceedances (days with abs(move) > range),
        up and down (the side they were on), successive, coverage, kupiec, independence,
        conditional (p-values),
        mean_range_frac, equal_static_frac (the constant range that would have been exceeded as
        often, known only afterwards), peak_to_trough (highest range over lowest), rise_1d, rise_5d,
        rise_30d (largest rises, fractions).
        """
        rows = [
            self._row(unit, period, level, method)
            for unit in self.days
            for period in PERIODS
            if self.period(unit, period).any()
            for level in self.levels
            for method in METHODS
        ]
        return Table({name: [row[name] for row in rows] for name in rows[0]})

    def _row(self, unit: str, period: str, level: float, method: str) -> dict[str, str | float]:
        mask = self.period(unit, period)
        range_frac = self.days[unit].ranges[method, level][mask]
        move = self.days[unit].move[mask]
        size = np.abs(move)
        over = size > range_frac
        test = coverage_test(over, level)
        equal = np.sort(size)[::-1][min(test.exceedances, len(size) - 1)]
        return {
            "unit": unit, "period": period, "level": level, "method": method, "days": test.n,
            "exceedances": test.exceedances, "up": int((over & (move > 0)).sum()),
            "down": int((over & (move < 0)).sum()), "successive": test.successive,
            "coverage": 1.0 - test.exceedances / test.n, "kupiec": test.kupiec,
            "independence": test.independence, "conditional": test.conditional,
            "mean_range_frac": float(range_frac.mean()), "equal_static_frac": float(equal),
            "peak_to_trough": float(range_frac.max() / range_frac.min()),
            "rise_1d": largest_rise(range_frac, 1), "rise_5d": largest_rise(range_frac, 5),
            "rise_30d": largest_rise(range_frac, 30),
        }  # fmt: skip

    def pooled(self) -> Table:
        """One row for each period, level and method: all units together.

        Columns: period, level, method, days, exceedance_frac, low_frac, high_frac (the 95 %
        interval of a bootstrap of blocks of 30 dates).
        """
        rows = []
        for period in PERIODS:
            for level in self.levels:
                for method in METHODS:
                    exceeded, counted = self._stacked(period, level, method)
                    if counted.any():
                        share, low, high = pooled_interval(exceeded, counted)
                        rows.append((period, level, method, int(counted.sum()), share, low, high))
        names = ("period", "level", "method", "days", "exceedance_frac", "low_frac", "high_frac")
        return Table(dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))

    def _stacked(
        self, period: str, level: float, method: str
    ) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        kept = {unit: self.period(unit, period) for unit in self.days}
        dates = np.unique(np.concatenate([self.days[u].begin_ns[m] for u, m in kept.items()]))
        exceeded = np.zeros((len(dates), len(kept)), dtype=np.bool_)
        counted = np.zeros_like(exceeded)
        for j, (unit, mask) in enumerate(kept.items()):
            days = self.days[unit]
            rows = np.searchsorted(dates, days.begin_ns[mask])
            exceeded[rows, j] = (np.abs(days.move) > days.ranges[method, level])[mask]
            counted[rows, j] = True
        return exceeded, counted


def backtest(
    prices: Mapping[str, Bars],
    thresholds: str | os.PathLike[str] | ThresholdModel = "house",
    *,
    split: datetime | None = None,
    levels: Sequence[float] | None = None,
) -> Backtest:
    """Hold thresholds against the moves that followed, beside a static range and a plain EWMA.

    Each midnight (UTC) the range in force is compared with the move of the 24 hours after it. An
    exceedance is abs(move) > range: up or down, for a short loses by the one, a long by the other.

    Four methods side by side. "static": a constant, the quantile of abs(move) before the split.
    "ewma": daily squared returns with weight 0.94 (RiskMetrics), times the multiple that fits
    before the split. "house": `thresholds`, moved by every bar; "maintenance": what they hold open
    positions to, of which MM is a share.

    Parameters
    ----------
    prices : mapping of unit to Bars
        From `read_bars`; bars of a day or less whose ends fall on midnight.
    thresholds : str, path or ThresholdModel
    split : datetime
        2022-01-01 UTC by default. Static and EWMA are fitted on the days that end before.
    levels : sequence of float
        Of `thresholds.levels`; all of them by default.

    Raises
    ------
    ArgumentError
        Too little history before the split, or a horizon that is not a day.
    """
    model = load_thresholds(thresholds)
    chosen = tuple(levels) if levels is not None else model.levels
    instant = split or datetime(2022, 1, 1, tzinfo=UTC)
    split_ns = int((instant if instant.tzinfo else instant.replace(tzinfo=UTC)).timestamp()) * 10**9
    if model.horizon.days != 1.0:
        raise ArgumentError(f"a backtest is of moves of 1 day, not of {model.horizon.days:g}")
    if not prices or not chosen:
        raise ArgumentError("a backtest needs prices and at least one level")
    days = {unit: _unit_days(bars, model, split_ns, chosen) for unit, bars in prices.items()}
    return Backtest(model, split_ns, chosen, days)


def _unit_days(
    bars: Bars, model: ThresholdModel, split_ns: int, levels: Sequence[float]
) -> UnitDays:
    moves = daily_moves(bars)
    house = {level: _house(bars, model, level) for level in levels}
    known = house[levels[0]].initial[moves.row, 0] > 0.0
    deviation = _ewma_deviation(moves.move)
    ready = known & (deviation > 0.0)
    begin, move, deviation = moves.begin_ns[ready], moves.move[ready], deviation[ready]
    fit = begin + DAY_NS <= split_ns
    if fit.sum() < LEAST_FIT_DAYS:
        raise ArgumentError(
            f"{bars.unit}: {int(fit.sum())} days before the split and after the warm-up; "
            f"{LEAST_FIT_DAYS} are needed to fit the static range and the EWMA"
        )
    size = np.abs(move)
    ranges: dict[tuple[str, float], NDArray[np.float64]] = {}
    for level in levels:
        ranges["static", level] = np.full(len(size), fitted_multiple(size[fit], level))
        multiple = fitted_multiple(size[fit] / deviation[fit], level)
        ranges["ewma", level] = multiple * deviation
        ranges["house", level] = house[level].initial[moves.row[ready], 0]
        ranges["maintenance", level] = house[level].maintenance[moves.row[ready], 0]
    return UnitDays(bars.unit, begin, move, ranges, int(fit.sum()))


def _house(bars: Bars, model: ThresholdModel, level: float) -> Ranges:
    one = Thresholds([bars.unit], model, level=level, threads=1)
    return one.follow(bars.end_ns, bars.close[:, None], present=bars.present[:, None])


def _ewma_deviation(move: NDArray[np.float64]) -> NDArray[np.float64]:
    """Root of the EWMA of squared log returns up to each day, 0 on the first."""
    square = np.log1p(move) ** 2
    out = np.zeros(len(move))
    total = weight = 0.0
    for i in range(1, len(move)):
        total = EWMA_KEPT * total + (1.0 - EWMA_KEPT) * square[i - 1]
        weight = EWMA_KEPT * weight + (1.0 - EWMA_KEPT)
        out[i] = (total / weight) ** 0.5
    return out
