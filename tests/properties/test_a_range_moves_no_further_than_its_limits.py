# SPDX-License-Identifier: Apache-2.0
"""Whatever prices do, a range stays within its bounds and its limits per step and per day."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import margin_core as mc
from margin_core.dynamics.threshold import Bounds, Limits

HOUR_NS = 3_600_000_000_000
SMALL = st.floats(0.0, 1.0)


@st.composite
def worlds(draw):
    limits = Limits(
        rise_step_frac=draw(SMALL), rise_day_frac=draw(SMALL), fall_step_frac=draw(SMALL),
        fall_day_frac=draw(SMALL), source="fit",
    )  # fmt: skip
    bounds = Bounds(
        least_frac=0.01, most_frac=draw(st.floats(0.02, 0.99)), warmup_days=draw(st.floats(0.0, 2)),
        gap_days=10.0, source="fit",
    )  # fmt: skip
    model = mc.load_thresholds("house").model_copy(update={"limits": limits, "bounds": bounds})
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(2, 120))
    time_ns = HOUR_NS * (470_000 + np.cumsum(rng.integers(1, draw(st.sampled_from([2, 30])), n)))
    size = draw(st.sampled_from([0.0, 1e-6, 0.01, 0.5]))
    return model, time_ns, 100.0 * np.exp(size * np.cumsum(rng.standard_normal(n)))


@given(worlds())
def test_steps_days_and_bounds_hold(world):
    model, time_ns, price = world
    found = mc.Thresholds("a", model, level=0.99, threads=1).update(time_ns, price[:, None])[:, 0]
    limits, bounds = model.limits, model.bounds
    day_start = 0.0
    for t in range(1, len(found)):
        before, now = found[t - 1], found[t]
        if (time_ns[t] - 1) // (24 * HOUR_NS) != (time_ns[t - 1] - 1) // (24 * HOUR_NS):
            day_start = before
        if now > 0.0:
            assert bounds.least_frac <= now <= bounds.most_frac
        if before > 0.0:
            assert now <= before * (1.0 + limits.rise_step_frac)
            assert now >= before * (1.0 - limits.fall_step_frac)
        if day_start > 0.0:
            assert now <= day_start * (1.0 + limits.rise_day_frac)
            assert now >= day_start * (1.0 - limits.fall_day_frac)
