# SPDX-License-Identifier: Apache-2.0
"""Tests of coverage: how often a range is exceeded, whether in clusters, and how it moves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["CoverageTest", "coverage_test", "fitted_multiple", "largest_rise", "pooled_interval"]


class CoverageTest(NamedTuple):
    """Likelihood-ratio tests of a share of exceedances; p-values from the chi-square limits.

    Attributes
    ----------
    n, exceedances, successive : int
        Days, exceedances, and exceedances on the day after one.
    kupiec : float
        p that the share is right: Kupiec 1995, "proportion of failures", 1 degree of freedom.
    independence : float
        p that an exceedance says nothing about the next day: Christoffersen 1998, 1 degree.
    conditional : float
        p of both together, 2 degrees.
    """

    n: int
    exceedances: int
    successive: int
    kupiec: float
    independence: float
    conditional: float


def coverage_test(exceeded: NDArray[np.bool_], level: float) -> CoverageTest:
    """Test a series of days, true where the range was exceeded, against a coverage of `level`.

    Source: P. Kupiec, J. Derivatives 3 (1995); P. Christoffersen, International Economic Review 39
    (1998), eqs. 1 to 10, the first day left out of the independence test alone.

    Examples
    --------
    >>> days = np.zeros(1000, dtype=bool)
    >>> days[::100] = True
    >>> coverage_test(days, 0.99)[:3], round(coverage_test(days, 0.99).kupiec, 3)
    ((1000, 10, 0), 1.0)
    """
    n, x = len(exceeded), int(exceeded.sum())
    before, after = exceeded[:-1], exceeded[1:]
    n11 = int((before & after).sum())
    n10 = int((before & ~after).sum())
    n01 = int((~before & after).sum())
    n00 = len(before) - n11 - n10 - n01
    share = 1.0 - level
    unconditional = 2.0 * (_likelihood(n - x, x) - _likelihood(n - x, x, share))
    one = _likelihood(n00 + n10, n01 + n11)
    two = _likelihood(n00, n01) + _likelihood(n10, n11)
    dependent = 2.0 * (two - one)
    both = max(unconditional, 0.0) + max(dependent, 0.0)
    return CoverageTest(
        n, x, n11, _tail_of_one(unconditional), _tail_of_one(dependent), math.exp(-0.5 * both)
    )


def _likelihood(misses: int, hits: int, share: float | None = None) -> float:
    """Log-likelihood of so many hits at `share`, at their own share by default; 0 ln 0 = 0."""
    n = misses + hits
    if share is None:
        share = hits / n if n else 0.0
    out = hits * math.log(share) if hits else 0.0
    return out + (misses * math.log1p(-share) if misses else 0.0)


def _tail_of_one(statistic: float) -> float:
    """P(chi-square with 1 degree of freedom > statistic)."""
    return min(math.erfc(math.sqrt(max(statistic, 0.0) / 2.0)), 1.0)


def fitted_multiple(ratio: NDArray[np.float64], level: float) -> float:
    """The least multiple that at most a share 1 - level of the ratios exceeds.

    Examples
    --------
    >>> round(fitted_multiple(np.arange(1.0, 101.0), 0.99), 6)
    99.0
    """
    allowed = int((1.0 - level) * len(ratio) + 1e-9)
    least = np.sort(ratio)[::-1][min(allowed, len(ratio) - 1)]
    return float(np.nextafter(least, np.inf))  # so that the product with it is not below either


def largest_rise(range_frac: NDArray[np.float64], days: int) -> float:
    """The largest rise over so many days, as a fraction; 0 where there never is one.

    Source: D. Murphy, M. Vasios, N. Vause, Bank of England Financial Stability Paper 29 (2014).
    """
    if len(range_frac) <= days:
        return 0.0
    return max(float((range_frac[days:] / range_frac[:-days]).max()) - 1.0, 0.0)


def pooled_interval(
    exceeded: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    *,
    block_days: int = 30,
    resamples: int = 2000,
    seed: int = 0,
) -> tuple[float, float, float]:
    """Share of exceedances over all assets, and its 95 % interval from a bootstrap of date blocks.

    Blocks of days are drawn with replacement, the same for all assets, so that neither clusters in
    time nor days on which everything fell together are taken apart.

    Parameters
    ----------
    exceeded, counted : (n_days, n_assets) bool
        `counted` is False where an asset has no price yet.

    Returns
    -------
    (share, low, high)

    Notes
    -----
    Circular blocks: D. Politis, J. Romano, "A circular block-resampling procedure" (1992).
    """
    hits = (exceeded & counted).sum(axis=1)
    days = counted.sum(axis=1)
    n = len(hits)
    blocks = -(-n // block_days)
    rng = np.random.default_rng(seed)
    starts = rng.integers(0, n, (resamples, blocks, 1))
    rows = ((starts + np.arange(block_days)) % n).reshape(resamples, -1)[:, :n]
    shares = hits[rows].sum(axis=1) / np.maximum(days[rows].sum(axis=1), 1)
    low, high = np.quantile(shares, (0.025, 0.975))
    return float(hits.sum() / max(days.sum(), 1)), float(low), float(high)
