# SPDX-License-Identifier: Apache-2.0
"""Auctions fall by their rule, wait for the oracle, and sell no more than restores the buffer."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import margin_core as mc
from margin_core import errors
from margin_core.auction import DERIVE

S, NAN = 1_000_000_000, float("nan")
DECAYS = [
    mc.Decay.linear([(0, 0.95), (900, 0.7), (44_100, 0.0)]),
    mc.Decay.exponential(0.95, 300, floor=0.1),
    mc.Decay.stair(0.95, 0.05, 60, floor=0.1),
]


@pytest.mark.parametrize("decay", DECAYS, ids=lambda d: d.kind)
def test_a_price_never_rises_and_ends_at_its_floor(decay):
    share = decay.at(np.linspace(0, 100_000, 5001))
    assert share[0] == decay.start == 0.95
    assert (np.diff(share) <= 0).all()
    assert share[-1] == decay.floor


@given(st.lists(st.tuples(st.integers(0, 10**12), st.booleans()), max_size=20))
def test_a_clock_counts_the_seconds_of_a_valid_oracle_alone(steps):
    clock, now, ran, running = mc.AuctionClock(0), 0, 0, True
    for wait, valid in steps:
        now += wait
        ran += wait if running else 0
        clock, running = clock.follow(now, valid=valid), valid
        assert clock.elapsed_s(now) == ran / S
    later = now + 3600 * S
    assert clock.elapsed_s(later) == (ran + (3600 * S if running else 0)) / S


@pytest.mark.parametrize("decay", DECAYS, ids=lambda d: d.kind)
def test_no_price_decays_while_the_oracle_is_invalid(decay):
    clock = mc.AuctionClock(0).follow(100 * S, valid=False)
    frozen = decay.at(clock.elapsed_s(100 * S))
    assert decay.at(clock.elapsed_s(86_400 * S)) == frozen
    assert decay.at(clock.follow(86_400 * S, valid=True).elapsed_s(86_400 * S)) == frozen


def test_a_feed_that_goes_silent_stops_the_clock_until_it_has_settled():
    names = [f"source {i}" for i in range(5)]
    feed, state = mc.Feed("ETH", "USD", [mc.Source(name) for name in names]), mc.OracleState()
    start = 1_700_000_000 * S
    clock, allowed = mc.AuctionClock(start, running=False), []
    for now in range(start, start + 3000 * S, 5 * S):
        silent = 1000 * S <= now - start < 2000 * S
        quotes = [] if silent else [
            mc.Quote(name, "ETH", "USD", mantissa=2_000_00000000, decimals=8, time_ns=now,
                     executed_usd=1e6, displayed_usd=2e6) for name in names
        ]  # fmt: skip
        state, reading = feed.update(state, quotes, now)
        allowed.append(reading.allows("liquidation"))
        clock = clock.follow(now, valid=allowed[-1])
    assert 0 < sum(allowed) < len(allowed) - 200
    assert clock.elapsed_s(start + 3000 * S) == 5.0 * sum(allowed)


def test_time_does_not_run_backwards():
    clock = mc.AuctionClock(10).follow(20, valid=False)
    with pytest.raises(errors.RowOrderError, match="before 20"):
        clock.elapsed_s(19)
    with pytest.raises(errors.RowOrderError):
        clock.follow(19, valid=True)


def test_a_clock_that_was_told_a_time_takes_none_before_it():
    clock = mc.AuctionClock(0).follow(100, valid=True)
    with pytest.raises(errors.RowOrderError, match="before 100"):
        clock.follow(50, valid=False)


money = st.floats(1e-3, 1e9)


@given(money, st.floats(1.0001, 50), st.floats(0, 44_000), st.floats(0, 1))
def test_the_largest_bid_restores_the_buffer_and_no_bid_exceeds_it(equity, ratio, elapsed, want):
    mm = equity * ratio
    bid = DERIVE.bid(equity, mm, elapsed)
    assert DERIVE.buffered(bid.equity, bid.mm) == pytest.approx(0, abs=1e-9 * mm)
    assert 0 < bid.share < 1
    part = DERIVE.bid(equity, mm, elapsed, want)
    assert part.share == min(want, bid.share)
    assert DERIVE.buffered(part.equity, part.mm) <= 1e-9 * mm


@given(money, st.floats(1.01, 50), st.floats(0, 40_000), st.floats(0.001, 0.5))
def test_bids_in_two_parts_restore_the_same_account(equity, ratio, elapsed, want):
    whole = DERIVE.bid(equity, equity * ratio, elapsed)
    first = DERIVE.bid(equity, equity * ratio, elapsed, want * whole.share)
    second = DERIVE.bid(first.equity, first.mm, elapsed, 1.0, first.reserved)
    assert second.equity == pytest.approx(whole.equity, rel=1e-9)
    assert second.mm == pytest.approx(whole.mm, rel=1e-9)
    assert first.price + second.price == pytest.approx(whole.price, rel=1e-9)


def test_an_account_that_is_safe_sells_nothing():
    assert DERIVE.bid(200.0, 100.0, 0).share == 0
    assert DERIVE.fee(200.0, 100.0) == 0
    assert DERIVE.fee(-5.0, 100.0) == 0


def test_a_small_portfolio_is_sold_whole():
    rules = DERIVE.with_rules(whole_below=50.0)
    assert rules.bid(40.0, 60.0, 0).share == 1
    assert rules.bid(60.0, 90.0, 0).share < 1


@pytest.mark.parametrize(
    "equity, mm, asked, reserved",
    [(-30.0, 100.0, 1.0, 0.0), (-30.0, 0.0, 1.0, 0.0), (0.0, 100.0, 0.0, 0.0),
     (-1000.0, 10.0, 1.3, 0.0), (10.0, 100.0, 1.3, 60.0)],
)  # fmt: skip
def test_nobody_may_buy_more_than_there_is(equity, mm, asked, reserved):
    assert DERIVE.largest_share(equity, mm, asked, reserved) == 1.0


def test_nothing_is_sold_below_the_reserve_price():
    rules = DERIVE.with_rules(reserve_price_frac=0.35)
    elapsed = np.array([0.0, 900.0, 22_500.0, 22_501.0, 44_100.0, 1e9])
    bid = rules.bid(80.0, 100.0, elapsed)
    assert (bid.share > 0).tolist() == [True, True, True, False, False, False]
    assert (bid.price >= 0.35 * 80.0 * bid.share).all()
    assert (bid.price[3:], bid.equity[3:], bid.mm[3:]) == pytest.approx((0.0, 80.0, 100.0), abs=0)
    free = DERIVE.bid(80.0, 100.0, 44_100.0)
    assert free.price == 0.0 and free.share > 0.5  # what Derive's rule gives away at the end
    assert rules.insolvent_bid(-30.0, 70.0, 1e9).price == -100.0


def test_a_payment_in_quanta_is_rounded_against_the_bidder():
    rules = DERIVE.with_rules(quanta=True)
    pays = rules.bid(79, 100, 900, 0.1)  # 79 * 0.7 * 0.1 = 5.53
    assert (pays.price, pays.reserved) == (6.0, 6.0)
    paid = rules.insolvent_bid(-31, 70, 1800, 0.3)  # -(31 + 35) * 0.3 = -19.8
    assert paid.price == -19.0
    assert rules.insolvent_bid(-30, 70, 3600, 0.5).price == -50.0
    assert rules.fee(80, 100) == np.ceil(DERIVE.fee(80, 100))
    with pytest.raises(errors.DomainError, match="whole"):
        rules.bid(79.5, 100, 0)
    with pytest.raises(errors.ExactnessError):
        rules.bid(2.0**53, 2.0**54, 0)


def test_columns_give_what_rows_give():
    equity, mm, elapsed = np.array([80.0, 500.0]), np.array([100.0, 300.0]), np.array([10.0, 900.0])
    together = DERIVE.bid(equity, mm, elapsed)
    for i in range(2):
        assert [x[i] for x in together] == list(DERIVE.bid(equity[i], mm[i], elapsed[i]))


def test_an_insolvent_portfolio_is_given_away_with_its_losses():
    start, end = (DERIVE.insolvent_bid(-30.0, 70.0, t, 0.5) for t in (0, 3600))
    assert (start.price, end.price) == (-15.0, -50.0)
    assert (end.equity, end.mm, end.share) == (-15.0, 35.0, 0.5)


def test_closing_everything_at_bankruptcy_prices_leaves_nothing():
    sizes, prices = np.array([0.1, -3.0]), np.array([50_000.0, 2_000.0])
    notional, mm, usdc = sizes * prices, np.abs(sizes * prices) / 10, 1_700.0
    at = mc.bankruptcy_price(sizes, notional, mm, usdc + notional.sum(), mm.sum())
    assert usdc + sizes @ at == pytest.approx(0, abs=1e-11)


def test_a_fillable_price_lies_between_the_oracle_and_beyond():
    equity = np.array([500.0, 250.0, 0.0, -100.0])
    price = mc.fillable_price(0.1, 5000.0, 500.0, equity, 500.0)
    assert price.tolist() == [50_000.0, 46_250.0, 42_500.0, 42_500.0]
    short = mc.fillable_price(-0.1, -5000.0, 500.0, 250.0, 500.0)
    assert short == 53_750.0


@pytest.mark.parametrize(
    "make, error",
    [
        (lambda: mc.Decay.linear([(1, 1.0)]), errors.RowOrderError),
        (lambda: mc.Decay.linear([(0, 1.0), (0, 0.5)]), errors.RowOrderError),
        (lambda: mc.Decay.linear([(0, 0.5), (1, 0.6)]), errors.DomainError),
        (lambda: mc.Decay.linear([(0, 0.5), (1, -0.1)]), errors.DomainError),
        (lambda: mc.Decay.linear([]), errors.ArgumentError),
        (lambda: mc.Decay.linear([(0, 1.0), (NAN, 0.5)]), errors.NotFiniteError),
        (lambda: mc.Decay.exponential(1.0, 0.0), errors.DomainError),
        (lambda: mc.Decay.exponential(1.0, -1.0), errors.DomainError),
        (lambda: mc.Decay.exponential(NAN, 1.0), errors.NotFiniteError),
        (lambda: mc.Decay("cubic", 1.0, 0.0, 1.0, 0.0), errors.ArgumentError),
        (lambda: mc.Decay.stair(0.5, 0.1, 1.0, floor=0.6), errors.DomainError),
        (lambda: DECAYS[0].at(-1.0), errors.DomainError),
        (lambda: DECAYS[0].at(NAN), errors.NotFiniteError),
        (lambda: DERIVE.with_rules(reserve_price_frac=0.96), errors.DomainError),
        (lambda: DERIVE.with_rules(insolvent_s=0.0), errors.DomainError),
        (lambda: DERIVE.with_rules(buffer_frac=-1.0), errors.DomainError),
        (lambda: DERIVE.bid(-1.0, 5.0, 0), errors.DomainError),
        (lambda: DERIVE.bid(5.0, 9.0, 0, 1.5), errors.DomainError),
        (lambda: DERIVE.bid(NAN, 5.0, 0), errors.NotFiniteError),
        (lambda: DERIVE.bid(5.0, -9.0, 0), errors.DomainError),
        (lambda: DERIVE.bid([5.0, 6.0], [9.0, 9.0, 9.0], 0), errors.ArgumentError),
        (lambda: DERIVE.bid("much", 9.0, 0), errors.ArgumentError),
        (lambda: DERIVE.insolvent_bid(1.0, 5.0, 0), errors.DomainError),
        (lambda: DERIVE.insolvent_price(-5.0, -4.0, 0), errors.DomainError),
        (lambda: DERIVE.insolvent_bid(-1.0, 5.0, -3), errors.DomainError),
        (lambda: mc.fillable_price(0, 1, 1, 1, 1), errors.DomainError),
        (lambda: mc.fillable_price(1, 1, 1, 1, 1, adjustment=0.5), errors.DomainError),
        (lambda: mc.fillable_price(1, 1, NAN, 1, 1), errors.NotFiniteError),
        (lambda: mc.bankruptcy_price(1, 1, 1, 1, 0), errors.DomainError),
    ],
)
def test_what_makes_no_sense_is_refused(make, error):
    with pytest.raises(error):
        make()


def test_an_error_names_the_row():
    with pytest.raises(errors.DomainError) as caught:
        DERIVE.bid([5.0, -5.0], 9.0, 0)
    assert caught.value.row == 1


@pytest.mark.parametrize("bad", ["x", 1.5, None, float("nan"), True, 1 << 63])
def test_a_clock_takes_whole_times(bad):
    for call in (
        lambda: mc.AuctionClock(bad),
        lambda: mc.AuctionClock(0, bad),
        lambda: mc.AuctionClock(0).follow(bad, valid=True),
        lambda: mc.AuctionClock(0).elapsed_s(bad),
    ):
        with pytest.raises(errors.DomainError, match="is not a whole number"):
            call()


@pytest.mark.parametrize("bad", ["no", 1, None])
def test_a_price_is_valid_or_it_is_not(bad):
    for call in (
        lambda: mc.AuctionClock(0).follow(1, valid=bad),
        lambda: mc.AuctionClock(0, 0, bad),
    ):
        with pytest.raises(errors.ArgumentError, match="bool"):
            call()
    assert mc.AuctionClock(0).follow(1, valid=np.bool_(False)) == mc.AuctionClock(1, 1, False)
