# SPDX-License-Identifier: Apache-2.0
"""Attacks on the price of one feed. Class numbers: README.md here."""

import numpy as np
import pytest

from attacks.conftest import drawn
from attacks.feeds import NOISE, SLACK, START, Feeds, S, has, profit, valid

OLD_S, MAX_S, GRACE_S = 30.0, 120.0, 300.0


def one_of(chance, n, k):
    """(n, k) with one source of each feed."""
    return np.arange(k) == chance.integers(0, k, n)[:, None]


def factors(chance, n, least=0.06):
    """From a ten-thousandth to ten thousand times, never nearer to 1 than `least`."""
    return np.exp(chance.choice([-1, 1], n) * chance.uniform(np.log1p(least), np.log(1e4), n))


def test_a_frozen_feed_grants_nothing_new(chance):
    """Class 1: the truth moves, the feed does not, for up to eight hours."""
    feeds = Feeds(chance)
    before = feeds.settle()
    frozen_ns, old = feeds.now_ns, feeds.quotes()
    feeds.tell(old)
    for age_s in np.sort(np.exp(chance.uniform(0, np.log(8 * 3600), (8, feeds.n))), axis=0):
        feeds.now_ns = frozen_ns
        feeds.wait(age_s)
        readings = feeds.tell(old)
        assert (readings["time_ns"] <= frozen_ns).all()
        assert feeds.no_new_credit(readings)[age_s >= OLD_S].all()
        assert feeds.refuses(readings, "liquidation")[0][age_s >= MAX_S].all()
        assert has(readings, "stale")[age_s >= MAX_S].all()
    assert np.allclose(readings["price"], before["price"], rtol=SLACK)


def test_what_a_price_may_be_stale_by_is_within_the_haircut(chance):
    """Class 1 again: while credit is still given the truth may fall by three standard deviations of
    300 % a year, and the loan is covered."""
    feeds = Feeds(chance)
    feeds.settle()
    old = feeds.quotes()
    age_s = chance.uniform(0, OLD_S, feeds.n)
    fall = 3 * 3.0 * np.sqrt(age_s / 31_536_000)
    old["time_ns"] -= np.rint(age_s * S).astype(np.int64)[:, None]
    old["time_ns"] = np.maximum(old["time_ns"], feeds.now_ns[:, None] - 25 * S)
    feeds.wait(3)
    readings = feeds.tell(old)
    assert (profit(feeds.credit(readings), feeds.truth * np.exp(-fall)) <= 0).all()


@pytest.mark.parametrize("k", [3, 4, 5, 7, 12])
def test_one_venue_moves_nothing(chance, k):
    """Class 2: up or down by any factor, at once or by and by, with all the depth there is and the
    freshest quote."""
    feeds = Feeds(chance, n=4000, k=k)
    feeds.settle()
    attacked, to = one_of(chance, feeds.n, k), factors(chance, feeds.n)
    steps = 6
    for step in range(1, steps + 1):
        feeds.wait(1)
        ramp = np.where(chance.random(feeds.n) < 0.5, 1.0, step / steps)
        quotes = feeds.quotes()
        honest = quotes["mantissa"] / 1e8
        moved = np.clip(honest * (to**ramp)[:, None] * 1e8, 1, 9e18).astype(np.int64)
        quotes["mantissa"] = np.where(attacked, moved, quotes["mantissa"])
        quotes["executed_usd"] = quotes["displayed_usd"] = np.where(attacked, 1e12, 1e5)
        age_ns = np.where(attacked, 0, chance.integers(0, 20 * S, quotes.shape))
        quotes["time_ns"] = np.maximum(
            feeds.now_ns[:, None] - age_ns, feeds.states["source_ns"][:, :k]
        )
        readings = feeds.tell(quotes)
        assert (feeds.statuses == 0).all()
        low = np.where(attacked, np.inf, honest).min(1)
        high = np.where(attacked, -np.inf, honest).max(1)
        assert ((low <= readings["price"]) & (readings["price"] <= high)).all()
        assert feeds.wrongful(readings) == 0
        assert (profit(feeds.credit(readings), feeds.truth) <= 0).all()
    assert has(readings, "outlier").all()
    assert valid(readings).all(), "one liar is no switch that stops the market"
    if k > 3:
        present = ~attacked
        assert valid(feeds.tick(1, present=present)).all(), "nor is one that falls silent"


def test_a_venue_that_moves_is_seen_at_once(chance):
    """Class 2: the tick after which it is an outlier is the first."""
    feeds = Feeds(chance)
    feeds.settle()
    moved = feeds.truth[:, None] * np.where(
        one_of(chance, feeds.n, feeds.k), factors(chance, feeds.n)[:, None], 1.0
    )
    assert has(feeds.tick(1, moved), "outlier").all()


def test_a_shifted_index_freezes_liquidation_and_a_shifted_mark_is_clamped(chance):
    """Class 3, both directions."""
    feeds = Feeds(chance)
    feeds.settle()
    marks = feeds.truth * factors(chance, feeds.n, least=0.0)
    readings = feeds.tick()
    for i in range(0, feeds.n, feeds.n // drawn(1000)):  # one object each
        reading = feeds.feed.reading(readings[i : i + 1].copy())
        clamped = reading.clamped(marks[i], 0.01)
        assert abs(clamped / feeds.truth[i] - 1) <= 0.01 + SLACK + reading.confidence_frac
    readings = feeds.tick(1, feeds.truth * factors(chance, feeds.n, least=0.15))
    assert feeds.refuses(readings, "liquidation")[0].all()
    assert feeds.no_new_credit(readings).all()
    assert has(readings, "jump").all()


def test_a_wrong_scale_or_an_inverted_price_is_rejected_from_every_source(chance):
    """Class 4: times 10^k, or 1 / price, by one source and by all, for as long as an hour. A price
    near 1 looks much like its inverse; from a factor of 3.3 between them on it is told by the jump.
    """
    feeds = Feeds(chance)
    feeds.truth = np.where(np.abs(np.log(feeds.truth)) < 0.6, 30.0, feeds.truth)
    before = feeds.settle()["price"]
    powers = 10.0 ** (chance.choice([-1, 1], feeds.n) * chance.integers(1, 7, feeds.n))
    wrong = np.where(chance.random(feeds.n) < 0.3, feeds.truth**-2, powers)
    everywhere = chance.random(feeds.n) < 0.5
    faulty = one_of(chance, feeds.n, feeds.k) | everywhere[:, None]
    for seconds in (1, 60, 600, 3000):
        readings = feeds.tick(seconds, feeds.truth[:, None] * np.where(faulty, wrong[:, None], 1))
        assert np.allclose(readings["price"], before, rtol=SLACK)
        assert feeds.wrongful(readings) == 0
        assert feeds.no_new_credit(readings)[everywhere].all()
        assert (profit(feeds.credit(readings), feeds.truth) <= 0).all()
        rejected = has(readings, "jump", "outlier", "not_positive")
        assert rejected.all()


def test_decimals_that_a_source_does_not_have_are_refused(chance):
    """Class 4: the scale is part of the quote, and of what is expected."""
    feeds = Feeds(chance)
    feeds.settle()
    before = feeds.states.copy()
    decimals = chance.integers(-1, 19, feeds.n)
    decimals = np.where(decimals == 8, -1, decimals)
    feeds.tick(1, decimals=np.where(one_of(chance, feeds.n, feeds.k), decimals[:, None], 8))
    assert (feeds.statuses != 0).all()
    assert feeds.states.tobytes() == before.tobytes()


def test_credit_falls_as_confidence_widens(chance):
    """Class 5: from nothing to four times the price."""
    feeds = Feeds(chance)
    feeds.settle()
    states = feeds.states.copy()
    price = feeds.truth[:, None] * (1 + NOISE * chance.standard_normal((feeds.n, feeds.k)))
    wide = np.sort(np.exp(chance.uniform(np.log(1e-4), np.log(4.0), (feeds.n, 3))), axis=1)
    credit, band = np.full(feeds.n, np.inf), np.zeros(feeds.n)
    for c in range(3):
        feeds.states[:] = states
        feeds.now_ns = np.full(feeds.n, START + 3600 * S)
        confidence = np.rint(price * wide[:, c : c + 1] * 1e8).clip(0, 9e18).astype(np.int64)
        readings = feeds.tell(feeds.quotes(price, confidence=confidence))
        now = feeds.credit(readings)
        answered = readings["answered"] != 0
        assert (now <= credit).all()
        assert (readings["high"] - readings["low"] >= band)[answered].all()
        for side in (1.0, -1.0):
            allowed, at = feeds.feed.prices(readings, side, "liquidation")
            doubtful = allowed & (wide[:, c] > 0.021)
            assert (side * (at - readings["price"]) > 0)[doubtful].all(), "not at the middle"
        credit, band = now, np.where(answered, readings["high"] - readings["low"], band)


def test_a_feed_at_its_floor_or_ceiling_has_no_price(chance):
    """Class 6: the truth goes below what the feed can say, or above."""
    for bound, beyond in (("floor", 0.93), ("ceiling", 1.07)):
        feeds = Feeds(chance, **{bound: 100.0})
        feeds.truth = 100.0 * beyond ** -chance.uniform(0.2, 1.0, feeds.n)
        feeds.settle()
        feeds.truth = 100.0 * beyond ** chance.uniform(0.2, 20, feeds.n)
        readings = feeds.tick(1, np.full(feeds.n, 100.0))
        assert has(readings, "at_bound").all()
        assert feeds.no_new_credit(readings).all()
        assert feeds.refuses(readings, "liquidation")[0].all()


def test_nothing_is_liquidated_on_the_first_ticks_after_an_outage(chance):
    """Class 7: minutes to hours without a price, old quotes in a burst, and then new ones."""
    feeds = Feeds(chance)
    feeds.settle()
    last = feeds.quotes()
    outage_s = chance.uniform(130, 8 * 3600, feeds.n)
    feeds.truth = feeds.truth * np.exp(chance.uniform(-0.69, 0.4, feeds.n))
    feeds.wait(outage_s)
    for _ in range(20):  # the queue: stamped during the outage, delivered at once
        last["time_ns"] += 1
        assert feeds.refuses(feeds.tell(last), "liquidation")[0].all()
    back_ns = feeds.now_ns
    for seconds in (0, 1, 1, 1, 1, 1, 1, 60, 60, 60):
        readings = feeds.tick(seconds)
        assert (feeds.now_ns - back_ns < GRACE_S * S).all()
        assert feeds.refuses(readings, "liquidation")[0].all()
        assert feeds.no_new_credit(readings).all()
    for _ in range(8):
        readings = feeds.tick(60)
    assert feeds.wrongful(readings) == 0
    works_again = ~feeds.refuses(readings, "liquidation")[0]
    assert (works_again | has(readings, "jump", "settling")).all(), "or the jump waits its time"
    assert works_again.any()


def test_a_feed_that_comes_back_slowly_is_not_fresh(chance):
    """Class 7: the grace period passes, but fewer than five new prices have been said; the same
    one again is not new."""
    feeds = Feeds(chance)
    feeds.settle()
    feeds.wait(3600)
    for seconds in (0, 100, 100, 100):
        readings = feeds.tick(seconds)
        said = feeds.quotes()
        said["time_ns"] = feeds.states["source_ns"][:, : feeds.k]
        for again in (readings, feeds.tell(said), feeds.tell(said)):
            assert feeds.refuses(again, "liquidation")[0].all()
    assert not feeds.refuses(feeds.tick(100), "liquidation")[0].any()


def test_a_wall_or_wash_trades_buy_no_depth_and_a_pulled_wall_is_seen(chance):
    """Class 13."""
    feeds = Feeds(chance, depth_usd=1e9)
    before = feeds.settle()["depth_usd"]
    shape = (feeds.n, feeds.k)
    lie = np.exp(chance.uniform(0, np.log(1e6), shape)) * 3e6
    wall = chance.random(shape) < 0.5
    fields = {"executed_usd": np.where(wall, 3e6, lie), "displayed_usd": np.where(wall, lie, 3e6)}
    after = feeds.tick(1, **fields)["depth_usd"]
    assert (after <= before + 5 * 3e6 * (1 - 2 ** (-1 / 3600)) + 1).all()
    both = feeds.tick(1, depth=lie)["depth_usd"]
    most = np.minimum(lie, 1e9).sum(1)
    assert (both <= after + most * (1 - 2 ** (-1 / 3600)) + 1).all(), "at the ramp's rate only"
    left = np.exp(chance.uniform(np.log(1.0), np.log(1e5), shape))
    pulled = feeds.tick(1, executed_usd=3e6, displayed_usd=left)["depth_usd"]
    assert (pulled <= left.sum(1) * (1 + 1e-12)).all(), "within one tick"


def test_a_clean_market_is_hardly_ever_halted(chance):
    """Reach of the guard: at most one tick in a thousand, at 150 % a year with noise and with a
    source that is away one tick in twenty."""
    feeds = Feeds(chance, k=7)
    feeds.settle()
    halted = 0
    for _ in range(30):
        feeds.truth = feeds.truth * np.exp(
            1.5 * np.sqrt(5 / 31_536_000) * chance.standard_normal(feeds.n)
        )
        readings = feeds.tick(5, present=chance.random((feeds.n, feeds.k)) > 0.05)
        halted += int(feeds.no_new_credit(readings).sum())
        assert valid(readings).any()
    assert halted <= 1e-3 * 30 * feeds.n
