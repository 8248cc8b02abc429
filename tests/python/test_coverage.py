# SPDX-License-Identifier: Apache-2.0
"""Kupiec's and Christoffersen's tests, fits, rises and the bootstrap, against SciPy and paper."""

import math

import numpy as np
import pytest

from margin_core.dynamics.coverage import (
    coverage_test,
    fitted_multiple,
    largest_rise,
    pooled_interval,
)


def days(n, *hits):
    out = np.zeros(n, dtype=bool)
    out[list(hits)] = True
    return out


def test_kupiecs_table_is_found_again():
    """Non-rejection regions at 5 %: P. Kupiec (1995), table 3: p = 0.01 and 255, 510, 1000 days."""
    for n, below, above in ((255, 0, 7), (510, 1, 11), (1000, 4, 17)):
        for x in range(1, 40):
            p = coverage_test(days(n, *range(0, 2 * x, 2)), 0.99).kupiec
            assert (p > 0.05) == (below < x < above), (n, x, p)


@pytest.mark.parametrize("level", [0.9, 0.99, 0.995])
@pytest.mark.parametrize("seed", range(4))
def test_statistics_are_those_of_the_likelihoods_in_scipy(level, seed):
    stats = pytest.importorskip("scipy.stats")
    rng = np.random.default_rng(seed)
    exceeded = rng.random(1500) < 1.3 * (1.0 - level)
    exceeded[100:103] = True
    found = coverage_test(exceeded, level)
    n, x = len(exceeded), int(exceeded.sum())

    def bernoulli(hits, count, share):
        return stats.binom.logpmf(hits, count, share) - math.log(math.comb(count, hits))

    unconditional = -2.0 * (bernoulli(x, n, 1.0 - level) - bernoulli(x, n, x / n))
    pairs = {(a, b): 0 for a in (0, 1) for b in (0, 1)}
    for a, b in zip(exceeded[:-1].astype(int), exceeded[1:].astype(int), strict=True):
        pairs[a, b] += 1
    hits, count = pairs[0, 1] + pairs[1, 1], n - 1
    calm, tense = pairs[0, 0] + pairs[0, 1], pairs[1, 0] + pairs[1, 1]
    dependent = 2.0 * (
        bernoulli(pairs[0, 1], calm, pairs[0, 1] / calm)
        + bernoulli(pairs[1, 1], tense, pairs[1, 1] / tense)
        - bernoulli(hits, count, hits / count)
    )
    assert found.successive == pairs[1, 1]
    assert math.isclose(found.kupiec, stats.chi2.sf(unconditional, 1), rel_tol=1e-7)
    assert math.isclose(found.independence, stats.chi2.sf(dependent, 1), rel_tol=1e-7)
    both = stats.chi2.sf(unconditional + dependent, 2)
    assert math.isclose(found.conditional, both, rel_tol=1e-7)


def test_the_right_share_spread_evenly_is_not_refused():
    found = coverage_test(days(1000, *range(50, 1000, 100)), 0.99)
    assert found.exceedances == 10 and found.successive == 0
    assert found.kupiec > 0.999 and found.independence > 0.5


def test_the_right_share_in_clusters_is_refused():
    found = coverage_test(days(1000, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19), 0.99)
    assert found.kupiec > 0.999 and found.independence < 1e-6 and found.conditional < 1e-6


@pytest.mark.parametrize("exceeded", [np.zeros(500, dtype=bool), np.ones(500, dtype=bool)])
def test_never_and_always_have_p_values_too(exceeded):
    found = coverage_test(exceeded, 0.99)
    assert found.kupiec < 0.05 and found.independence == 1.0 and 0.0 <= found.conditional < 0.05


def test_a_fitted_multiple_is_exceeded_as_often_as_allowed():
    rng = np.random.default_rng(0)
    ratio = rng.standard_t(3, 1537)
    base = np.exp(rng.normal(0.0, 1.0, 1537))
    multiple = fitted_multiple(np.abs(ratio), 0.99)
    assert (np.abs(ratio) * base > multiple * base).sum() == 15
    assert fitted_multiple(np.array([1.0, 2.0]), 0.99) == pytest.approx(2.0)


def test_the_largest_rise_is_over_that_many_days():
    path = np.array([1.0, 1.5, 1.2, 3.0, 0.5])
    assert largest_rise(path, 1) == pytest.approx(1.5)
    assert largest_rise(path, 3) == pytest.approx(2.0)
    assert largest_rise(path, 4) == 0.0 and largest_rise(path, 9) == 0.0


def test_the_bootstraps_interval_holds_the_share_and_widens_with_clusters():
    rng = np.random.default_rng(1)
    counted = np.ones((3000, 3), dtype=bool)
    counted[:1000, 2] = False
    spread = rng.random((3000, 3)) < 0.01
    share, low, high = pooled_interval(spread, counted)
    assert share == pytest.approx((spread & counted).sum() / counted.sum())
    assert low < share < high
    together = np.repeat((rng.random(300) < 0.01).repeat(10)[:, None], 3, axis=1)
    mean, bottom, top = pooled_interval(together, counted)
    # 10 days in a row on 3 assets are one event: the error is near sqrt(30) times as large.
    assert (top - bottom) / math.sqrt(mean) > 3.0 * (high - low) / math.sqrt(share)
    assert pooled_interval(spread, counted) == (share, low, high)
