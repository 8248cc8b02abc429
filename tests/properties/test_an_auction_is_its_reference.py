# SPDX-License-Identifier: Apache-2.0
"""The core's auctions equal exact fractions to a few ulp, and its payments to the quantum.

Source: docs/method/auction.md.
"""

from fractions import Fraction

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

import margin_core as mc
from margin_core.auction import DERIVE
from margin_core.reference import auction as reference

ULPS = 2.0**-50
seconds = st.one_of(st.integers(0, 100_000).map(float), st.floats(0, 1e7))
shares = st.one_of(st.just(0.0), st.floats(1e-100, 1))  # products do not underflow
fractions = st.sampled_from([0.0, 0.15, 0.2, 0.5])
amounts = st.one_of(st.integers(1, 1000), st.integers(1, 2**51))


@st.composite
def decays(draw):
    kind = draw(st.sampled_from(["linear", "exponential", "stair"]))
    if kind == "linear":
        at = sorted(draw(st.sets(st.integers(1, 50_000), max_size=4)))
        falls = sorted((draw(shares) for _ in range(len(at) + 1)), reverse=True)
        return mc.Decay.linear(list(zip([0, *at], falls, strict=True)))
    start, every = draw(shares), draw(st.floats(0.1, 1e5))
    floor = start * draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    if kind == "exponential":
        return mc.Decay.exponential(start, every, floor=floor)
    return mc.Decay.stair(start, draw(shares), every, floor=floor)


def exactly(decay, t):
    """The reference's share; a stair counts the periods that a double counts."""
    if decay.kind == "linear":
        knots = [(Fraction(x), Fraction(y)) for x, y in decay.knots]
        return reference.linear(knots, Fraction(t))
    if decay.kind == "exponential":
        return reference.exponential(decay.start, decay.every_s, decay.floor, t)
    periods = Fraction(t / decay.every_s)
    return reference.stair(Fraction(decay.start), Fraction(decay.rate), 1, Fraction(decay.floor),
                           periods)  # fmt: skip


@given(decays(), st.lists(seconds, min_size=1, max_size=8))
def test_a_decay_is_its_reference_and_never_rises(decay, times):
    times = sorted(times)
    asked = decay.at(times)
    for share, t in zip(asked.tolist(), times, strict=True):
        assert abs(share - exactly(decay, t)) <= ULPS * decay.start
    assert (np.diff(asked) <= 4 * ULPS * decay.start * (decay.kind == "exponential")).all()
    assert (asked >= decay.floor).all()


@given(st.integers(0, 900), st.floats(1e-3, 1e5))
def test_whole_half_lives_are_exact(lives, half_life):
    assume(half_life * lives / half_life == lives)
    assert mc.Decay.exponential(1.0, half_life).at(half_life * lives) == 2.0**-lives


def auctions(decay, buffer, quanta):
    return mc.DutchAuction(decay, buffer_frac=buffer, fee_frac=0.1, insolvent_s=3600, quanta=quanta)


@given(decays(), fractions, amounts, amounts, st.integers(0, 1000), seconds, shares)
def test_a_solvent_bid_is_its_reference(decay, buffer, worth, mm, reserved, elapsed, want):
    equity, asked = worth + reserved, float(decay.at(elapsed))
    largest = auctions(decay, buffer, False).largest_share(equity, mm, asked, reserved)
    exact = reference.largest_share(Fraction(equity), Fraction(mm), Fraction(asked),
                                    Fraction(reserved), Fraction(buffer))  # fmt: skip
    scale = equity + (1 + buffer) * mm  # BM is what is left of them
    gained = (1 + buffer) * mm - worth * (1 - asked)
    assert 0 <= largest <= 1
    if gained > 0:
        assert abs(largest - exact) <= 2 * ULPS * scale / gained

    bid = auctions(decay, buffer, True).bid(equity, mm, elapsed, want, reserved)
    share = float(bid.share)
    assert share == min(want, largest)
    price = reference.paid(Fraction(worth) * Fraction(asked) * Fraction(share))
    assert bid.price == price <= worth
    after = reference.bid(equity, mm, reserved, Fraction(share), price)
    for ours, theirs in zip(bid[2:], after, strict=True):
        assert abs(float(ours) - theirs) <= ULPS * (equity + mm)


@given(amounts, amounts, st.integers(0, 1000), seconds, shares)
def test_an_insolvent_bid_is_its_reference(loss, mm, reserved, elapsed, want):
    bid = DERIVE.with_rules(quanta=True).insolvent_bid(reserved - loss, mm, elapsed, want, reserved)
    part = Fraction(min(elapsed / 3600, 1.0))
    exact = reference.insolvent_price(-loss, mm, part) * Fraction(want)
    assert bid.price == reference.paid(exact)
    assert bid.reserved == reserved and bid.share == want
    assert -loss - mm <= bid.price <= 0


usd = st.floats(-1e9, 1e9)
positive = st.floats(1e-3, 1e9)


@given(positive, st.sampled_from([-1, 1]), positive, positive, usd, positive, st.floats(1, 3),
       st.floats(0, 3))  # fmt: skip
def test_prices_of_liquidations_are_their_reference(
    size, side, oracle, position_mm, equity, mm, adjustment, spread
):
    size *= side
    notional = size * oracle
    row = size, notional, position_mm, equity, mm
    exact = [Fraction(x) for x in row]
    most = abs(notional / size) + (3 * spread + 1) * position_mm / abs(size)
    theirs = reference.fillable_price(*exact, Fraction(adjustment), Fraction(spread))
    ours = mc.fillable_price(*row, adjustment=adjustment, spread_to_mm=spread)
    assert abs(float(ours) - theirs) <= 4 * ULPS * most * (1 + abs(equity) / mm)
    theirs = reference.bankruptcy_price(*exact)
    most = abs(notional / size) + abs(equity) * (position_mm / mm) / abs(size)
    assert abs(float(mc.bankruptcy_price(*row)) - theirs) <= ULPS * most


def test_closing_everything_at_bankruptcy_prices_leaves_exactly_nothing():
    sizes, prices = [Fraction(1, 10), Fraction(-3)], [50_000, 2_000]
    notional = [size * price for size, price in zip(sizes, prices, strict=True)]
    mms, usdc = [abs(n) / 10 for n in notional], Fraction(1_700)
    at = [reference.bankruptcy_price(size, n, mm, usdc + sum(notional), sum(mms))
          for size, n, mm in zip(sizes, notional, mms, strict=True)]  # fmt: skip
    assert usdc + sum(size * price for size, price in zip(sizes, at, strict=True)) == 0
