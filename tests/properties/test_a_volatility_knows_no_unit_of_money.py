# SPDX-License-Identifier: Apache-2.0
"""Prices in another currency, a power of two apart, have the same volatility to the bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import margin_core as mc
from margin_core.dynamics.volatility import HOUR_NS, KINDS


@st.composite
def bars(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = (draw(st.integers(1, 60)), draw(st.integers(1, 9)))
    size = draw(st.sampled_from([0.0, 1e-9, 0.01, 1.0]))
    close = np.exp(size * np.cumsum(rng.standard_normal(shape), axis=0))
    opened = close * np.exp(size * rng.standard_normal(shape))
    high = np.maximum(opened, close) * (1.0 + size * rng.random(shape))
    low = np.minimum(opened, close) / (1.0 + size * rng.random(shape))
    return [opened, high, low, close], rng.random(shape) < draw(st.sampled_from([0.5, 0.95, 1.0]))


@given(st.sampled_from(KINDS), bars(), st.integers(-60, 60), st.integers(2, 20))
def test_a_power_of_two_changes_nothing_and_no_value_is_nan(kind, made, power, window):
    prices, present = made
    memory = {"half_life": float(window)} if kind == "ewma" else {"window": window, "least": 2}
    end_ns = HOUR_NS * np.arange(1, len(present) + 1)
    found = []
    for factor in (1.0, 2.0**power):
        opened, high, low, close = (price * factor for price in prices)
        estimator = mc.VolatilityEstimator(kind, present.shape[1], threads=1, **memory)
        found.append(estimator.update(end_ns, close, open=opened, high=high, low=low,
                                      present=present))  # fmt: skip
    assert np.array_equal(found[0].vol, found[1].vol)
    assert np.isfinite(found[0].vol).all() and (found[0].vol >= 0.0).all()
    assert not found[0].vol[~found[0].ready].any()
