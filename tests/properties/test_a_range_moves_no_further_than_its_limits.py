# SPDX-License-Identifier: Apache-2.0
"""Whatever prices do, a range stays within its bounds and its limits per step and per day."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import margin_core as mc
from margin_core.dynamics.threshold import Bounds, Limits, Maintenance

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
    slow = Maintenance(rise_day_frac=draw(SMALL), source="design")
    model = mc.load_thresholds("house").model_copy(
        update={"limits": limits, "bounds": bounds, "maintenance": slow}
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    n = draw(st.integers(2, 120))
    time_ns = HOUR_NS * (470_000 + np.cumsum(rng.integers(1, draw(st.sampled_from([2, 30])), n)))
    size = draw(st.sampled_from([0.0, 1e-6, 0.01, 0.5]))
    return model, time_ns, 100.0 * np.exp(size * np.cumsum(rng.standard_normal(n)))


@given(worlds())
def test_steps_days_and_bounds_hold(world):
    model, time_ns, price = world
    thresholds = mc.Thresholds("a", model, level=0.99, threads=1)
    found, held = (ranges[:, 0] for ranges in thresholds.follow(time_ns, price[:, None]))
    rise = model.maintenance.rise_day_frac * np.diff(time_ns) / (24 * HOUR_NS)
    assert (held <= found).all() and ((held > 0.0) == (found > 0.0)).all()
    assert (held[1:] <= held[:-1] * (1.0 + rise) * (1 + 1e-15))[held[:-1] > 0.0].all()
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
