# SPDX-License-Identifier: Apache-2.0
"""The core's guard and the page's, in plain Python, agree on every feed through every event."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_core import reference
from margin_core.errors import MarginCoreError
from margin_core.oracle import Feed, OracleState, Quote, Source
from margin_core.oracle_model import oracle_model_names
from margin_core.oracle_records import KINDS
from margin_core.reference.oracle import FeedState, limited_weights, weighted_median

START_NS = 1_700_000_000_000_000_000
S = 1_000_000_000


def plain(model):
    """A model with the names of the C header, times in seconds."""
    rule = {
        "future_s": model.age.future_s, "old_s": model.age.old_s, "max_age_s": model.age.max_s,
        "half_life_s": model.age.half_life_s, "depth_half_s": model.depth.half_life_s,
        "jump_window_s": model.jump.window_s, "jump_frac": model.jump.frac,
        "gap_s": model.outage.gap_s, "grace_s": model.outage.grace_s,
        "n_fresh": model.outage.n_fresh, "deviation_ratio": model.limits.deviation_ratio,
        "outlier_frac": model.limits.outlier_frac,
        "max_confidence_frac": model.limits.confidence_frac,
        "max_band_frac": model.limits.band_frac, "disagreement_k": model.spread.disagreement_k,
        "age_frac": model.drift.frac_per_root_s,
        "stable": {
            "interval_s": model.stable.interval_s, "min_step_s": model.stable.min_step_s,
            "max_step_s": model.stable.max_step_s,
            "delay_growth": model.stable.delay_growth_frac,
            "growth_per_s": model.stable.growth_frac_per_s,
        },
    }  # fmt: skip
    return rule, [(rung.name, set(rung.when)) for rung in model.ladder]


def drawn_feed(chance):
    n = chance.randint(1, 7)
    sources = [
        Source(
            f"s{i}",
            kind=chance.choice(KINDS),
            decimals=chance.choice([2, 6, 8]),
            depth_usd=10.0 ** chance.uniform(4, 8),
            floor=chance.choice([0.0, 0.0, 90.0]),
            ceiling=chance.choice([float("inf"), 115.0]),
        )
        for i in range(n)
    ]
    quorum = chance.randint(n // 2 + 1, n)
    model = chance.choice(oracle_model_names())
    return Feed("ABC", "USD", sources, model=model, quorum=quorum,
                tolerated=chance.randint(0, (quorum - 1) // 2))  # fmt: skip


def drawn_quotes(chance, feed, price, now_ns):
    quotes = {}
    for i, s in enumerate(feed.sources):
        event = chance.random()
        if event < 0.07:
            continue
        at = price * (1 + chance.gauss(0, 0.001))
        if event < 0.12:
            at *= chance.choice([0, -1, 0.9, 1.5, 1e-6, 1e6])
        mantissa = round(at * 10**s.decimals)
        wide = chance.choice([0, 0, 0.001, 0.01, 0.2])
        quotes[i] = Quote(
            s.name, "ABC", "USD", mantissa, s.decimals,
            now_ns + round(S * chance.choice([0, 0, -1, -5, -40, -200, 1, 3])),
            confidence=round(abs(mantissa) * wide), kind=s.kind,
            executed_usd=chance.choice([0.0, 1e5, 3e6]), displayed_usd=chance.choice([1e5, 2e6]),
        )  # fmt: skip
    return quotes


def as_mappings(feed, quotes):
    sources = [{"kind": KINDS.index(s.kind), "depth_usd": s.depth_usd, "floor": s.floor,
                "ceiling": s.ceiling} for s in feed.sources]  # fmt: skip
    return sources, {i: vars(q) for i, q in quotes.items()}


@given(st.integers(0, 2**32))
def test_every_reading_of_a_long_day_is_the_reference_s(seed):
    chance = random.Random(seed)
    feed = drawn_feed(chance)
    rule, ladder = plain(feed.model)
    mine, theirs = OracleState(), FeedState()
    now_ns, price = START_NS, 100.0
    for _ in range(40):
        now_ns += round(S * chance.choice([0, 0.5, 1, 1, 5, 15, 100, 400, 5000, 90_000]))
        price *= 1 + chance.choice([0, 0.001, -0.001, 0.03, -0.03, 0.12, -0.2])
        quotes = drawn_quotes(chance, feed, price, now_ns)
        sources, mapped = as_mappings(feed, quotes)
        try:
            theirs, expected = reference.oracle.update(
                rule, ladder, sources, feed.quorum, feed.tolerated, theirs, mapped, now_ns
            )
        except MarginCoreError as error:
            with pytest.raises(type(error)):
                feed.update(mine, quotes.values(), now_ns)
            continue
        mine, found = feed.update(mine, quotes.values(), now_ns)
        for name in ("price", "low", "high", "stable", "median", "depth_usd"):
            assert getattr(found, name) == pytest.approx(expected[name], rel=1e-12), name
        assert found.time_ns == expected["time_ns"]
        assert set(found.reasons) == expected["reasons"]
        assert found.validity == expected["validity"]
        for name in ("answered", "agreed"):
            assert {feed.ids[s] for s in getattr(found, name)} == expected[name], name


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(1, 5)), min_size=1, max_size=9))
def test_the_reference_s_weighted_median_is_the_median_of_copies(pairs):
    values, weights = zip(*pairs, strict=True)
    copies = sorted(v for v, w in pairs for _ in range(w))
    middle = (copies[(len(copies) - 1) // 2] + copies[len(copies) // 2]) / 2
    assert weighted_median(values, weights) == middle


@given(st.lists(st.floats(1e-9, 1e9), min_size=3, max_size=16), st.integers(1, 7))
def test_limited_weights_leave_the_tolerated_a_minority(weights, tolerated):
    limited = limited_weights(weights, tolerated)
    assert all(0 < a <= b for a, b in zip(limited, weights, strict=True))
    if len(weights) > 2 * tolerated:
        largest = sum(sorted(limited)[-tolerated:])
        assert largest < sum(limited) / 2
