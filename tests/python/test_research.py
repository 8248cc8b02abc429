# SPDX-License-Identifier: Apache-2.0
"""GARCH and HAR peers: they find what made the data, and know nothing of the day they forecast."""

import numpy as np
import pytest

from margin_core.dynamics.research import garch_forecast, har_forecast
from margin_core.errors import ArgumentError, DomainError, NotFiniteError

pytest.importorskip("arch")


def garch_path(n=1500, seed=0):
    """Daily returns of a GARCH(1, 1), and the variances that made them."""
    rng = np.random.default_rng(seed)
    r, h = np.empty(n), np.empty(n)
    h[0] = 1e-3
    for t in range(n):
        if t:
            h[t] = 2e-5 + 0.08 * r[t - 1] ** 2 + 0.90 * h[t - 1]
        r[t] = np.sqrt(h[t]) * rng.standard_normal()
    return r, h


def test_garch_finds_the_volatility_that_made_the_returns():
    r, h = garch_path()
    vol, ready = garch_forecast(r, first=1000, refit_days=250, dist="normal")
    assert not ready[:1000].any() and ready[1000:].all() and not vol[:1000].any()
    true = np.sqrt(365.0 * h)[1000:]
    assert np.corrcoef(vol[1000:], true)[0, 1] > 0.95
    assert abs(np.median(vol[1000:] / true) - 1.0) < 0.1


def test_har_is_least_squares_on_the_three_means():
    rng = np.random.default_rng(1)
    v = 1e-3 * np.exp(np.convolve(rng.normal(0, 0.4, 700), 0.8 ** np.arange(40), "valid"))
    vol, _ = har_forecast(v, first=500, refit_days=1000)
    means = [np.array([v[t - k : t].mean() for t in range(22, len(v))]) for k in (1, 5, 22)]
    x = np.column_stack([np.ones(len(v) - 22), *means])
    fit, *_ = np.linalg.lstsq(x[: 500 - 22], v[22:500], rcond=None)
    expected = np.sqrt(365.0 * np.maximum(x[500 - 22 :] @ fit, 0.5 * v[:500].min()))
    np.testing.assert_allclose(vol[500:], expected, rtol=1e-6)


@pytest.mark.parametrize("forecast", [garch_forecast, har_forecast])
def test_a_forecast_does_not_know_its_own_day(forecast):
    r, _ = garch_path(n=460)
    data = r if forecast is garch_forecast else r**2 + 1e-6
    other = data.copy()
    other[450:] *= 5.0
    before, after = (forecast(x, first=400, refit_days=100).vol for x in (data, other))
    assert np.array_equal(before[:451], after[:451]) and before[451] != after[451]


def test_bad_input_is_named():
    with pytest.raises(ArgumentError, match="first is 100 to n"):
        garch_forecast(np.zeros(50), first=500)
    bad = np.ones(300)
    bad[7] = np.nan
    with pytest.raises(NotFiniteError) as caught:
        har_forecast(bad, first=200)
    assert caught.value.row == 7
    bad[7] = -1.0
    with pytest.raises(DomainError, match="variance 7"):
        har_forecast(bad, first=200)
