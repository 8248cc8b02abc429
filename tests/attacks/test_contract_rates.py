# SPDX-License-Identifier: Apache-2.0
"""Attacks on a contract's own rate, on what is composed of it, and on what is new."""

import numpy as np
import pytest

import margin_core as mc
from attacks.conftest import VARIANTS, drawn
from attacks.feeds import SLACK, Feeds, S, has, profit
from margin_core.errors import ArgumentError

DAY_S = 86_400.0
PER_DAY = 1e-3  # models/oracle/contract_rate.toml


def rates(chance, n=20_000):
    """Exchange rates of staked tokens and vaults, from one contract each."""
    feeds = Feeds(chance, n, k=1, model="contract_rate", kind="contract")
    feeds.truth = chance.uniform(1.0, 1.5, n)
    feeds.settle()
    return feeds


def test_a_donation_or_a_clipped_rate_changes_no_rate(chance):
    """Class 9: doubled in one transaction, or a guard rail that sets it 0.2 % to 90 % too low."""
    feeds = rates(chance)
    before = feeds.tick(1)["price"]
    moved = np.where(
        chance.random(feeds.n) < 0.5,
        chance.uniform(1.005, 3.0, feeds.n),
        1 - np.exp(chance.uniform(np.log(2e-3), np.log(0.9), feeds.n)),
    )
    for seconds in (1, 12, 3600):
        readings = feeds.tick(seconds, feeds.truth * moved)
        assert (readings["price"] == before).all()
        assert feeds.wrongful(readings) == 0
        assert feeds.no_new_credit(readings).all()
        assert has(readings, "jump").all()
    back = feeds.tick(12)
    assert (back["price"] == before).all() and not has(back, "jump").any()


def test_what_a_rate_lends_grows_by_its_cap_and_no_faster(chance):
    """Class 9: in steps each too small to be a jump. Credit grows by 0.1 % a day; price and debt
    follow the contract."""
    feeds = rates(chance)
    start, credit0 = feeds.now_ns, feeds.credit(feeds.tick(1))
    for _ in range(60):
        feeds.truth = feeds.truth * (1 + chance.uniform(0, 0.9e-3, feeds.n))
        readings = feeds.tick(chance.uniform(1, DAY_S, feeds.n))
        days = (feeds.now_ns - start) / S / DAY_S
        assert (feeds.credit(readings) <= credit0 * (1 + 1.01 * PER_DAY) ** days + 1e-9).all()


def test_a_rate_and_its_time_are_taken_together_or_not_at_all(chance):
    """Class 10: one of a pair is clipped, the other is not."""
    feeds = rates(chance)
    for _ in range(6):
        old = feeds.states.copy()
        clip = np.where(chance.random(feeds.n) < 0.5, 1 + chance.uniform(-0.05, 0.05, feeds.n), 1.0)
        late_ns = chance.integers(0, 10 * S, (feeds.n, 1))
        feeds.wait(12)
        quotes = feeds.quotes(feeds.truth * clip, time_ns=feeds.now_ns[:, None] - late_ns)
        readings = feeds.tell(quotes)
        price = quotes["mantissa"][:, 0] / 1e8
        new = (readings["price"] == price) & (readings["time_ns"] == quotes["time_ns"][:, 0])
        kept = (readings["price"] == old["price"]) & (readings["time_ns"] == old["time_ns"])
        assert (new | kept).all()
        assert kept[np.abs(clip - 1) > 2e-3].all()


def composed(feeds, readings, others, other_readings):
    """Pairs of readings as legs of one price, ABC/USD x USD/EUR."""
    for i in range(0, feeds.n, feeds.n // drawn(200)):
        first = feeds.feed.reading(readings[i : i + 1].copy())
        second = others.feed.reading(other_readings[i : i + 1].copy())
        yield i, first, second


def second_leg(chance, n):
    """USD/EUR beside ABC/USD."""
    feeds = Feeds(chance, n)
    feeds.feed = mc.Feed("USD", "EUR", [mc.Source(f"s{i}") for i in range(5)])
    feeds.truth = np.full(n, 0.9)
    plain = feeds.quotes

    def quotes(*given, **fields):
        q = plain(*given, **fields)
        q["base"], q["quote"] = feeds.feed.records(
            [mc.Quote("s0", "USD", "EUR", 1, 8, 1)]
        )[0][["base", "quote"]].tolist()  # fmt: skip
        return q

    feeds.quotes = quotes
    return feeds


def test_a_composed_price_is_as_old_as_its_oldest_leg(chance):
    """Class 8: legs shifted against each other, and orders of arrival that go back."""
    feeds, others = Feeds(chance), second_leg(chance, VARIANTS)
    feeds.settle()
    others.settle()
    shift_ns = chance.integers(0, 25 * S, (feeds.n, 1))
    feeds.wait(60)
    others.wait(60)
    readings = feeds.tell(feeds.quotes(time_ns=feeds.now_ns[:, None] - shift_ns))
    later = others.tell(others.quotes())
    for i, first, second in composed(feeds, readings, others, later):
        both = mc.compose_readings("ABC", "EUR", [first, second])
        assert both.time_ns == first.time_ns == feeds.now_ns[i] - shift_ns[i, 0]
        assert both.low == pytest.approx(first.low * second.low)
        assert both.high == pytest.approx(first.high * second.high)
        for legs in ([first], [second], [second, first], [first, first]):
            with pytest.raises(ArgumentError):  # class 4: a leg dropped, twice or out of order
                mc.compose_readings("ABC", "EUR", legs)


def test_blocks_that_are_rolled_back_change_nothing(chance):
    """Class 8: k blocks are undone, all sources tell their story again with older times."""
    feeds = Feeds(chance)
    feeds.settle()
    before = feeds.states.copy()
    back_ns = chance.integers(1, 30 * S, (feeds.n, 1))
    again = feeds.quotes(feeds.truth * chance.uniform(0.5, 2.0, feeds.n))
    again["time_ns"] -= back_ns
    feeds.tell(again)
    assert (feeds.statuses != 0).all()
    assert feeds.states.tobytes() == before.tobytes()
    future = feeds.quotes(time_ns=feeds.now_ns[:, None] + 2 * S + 1)
    feeds.tell(future)
    assert (feeds.statuses != 0).all()
    assert feeds.states.tobytes() == before.tobytes()


def test_a_quote_currency_off_its_peg_gives_no_free_credit(chance):
    """Class 20: ABC is quoted in a stablecoin that falls to anything above a quarter."""
    feeds = Feeds(chance)
    feeds.truth = np.ones(feeds.n)
    feeds.settle()
    bottom, steps = chance.uniform(0.25, 1.0, feeds.n), chance.integers(1, 40, feeds.n)
    for step in range(1, 41):
        feeds.truth = bottom ** np.minimum(step / steps, 1.0)
        readings = feeds.tick(10)
        credit = feeds.credit(readings)
        assert (credit <= feeds.truth * (1 + SLACK)).all(), "never a dollar for what is none"
        assert (profit(credit, feeds.truth) <= 0).all()
        assert feeds.wrongful(readings) == 0


def test_a_bridged_form_without_backing_lends_nothing_within_one_tick(chance):
    """Class 21: minted by half as much again or robbed; the backing is a leg of the price."""
    backing = Feeds(chance, 20_000, k=1, model="contract_rate", kind="contract")
    backing.truth = np.ones(backing.n)
    backing.settle()
    robbed = np.where(
        chance.random(backing.n) < 0.5,
        1 / chance.uniform(1.01, 3.0, backing.n),
        chance.uniform(1e-6, 0.99, backing.n),
    )
    readings = backing.tick(1, robbed)
    assert backing.no_new_credit(readings).all()
    feeds = second_leg(chance, backing.n)
    other = feeds.settle()
    for _, leg, second in composed(backing, readings, feeds, other):
        both = mc.compose_readings("ABC", "EUR", [leg, second])
        assert not both.allows("withdrawal") and not both.allows("risk_increasing")


def test_a_new_asset_starts_from_nothing_and_lifted_limits_do_not_hurry_it(chance):
    """Class 22: listed and traded among friends; then its caps are multiplied by a million."""
    feeds = Feeds(chance, depth_usd=1e6)
    depth = np.exp(chance.uniform(np.log(1e3), np.log(1e9), feeds.n))[:, None]
    for k in range(12):
        readings = feeds.tick(30, depth=depth)
        kept = 2 ** (-30 * k / 3600)
        most = 5 * np.minimum(depth[:, 0], 1e6) * (1 - kept)
        assert (readings["depth_usd"] <= most * (1 + 1e-9)).all()
        if 30 * k < 300:
            assert feeds.no_new_credit(readings).all()
            assert feeds.refuses(readings, "liquidation")[0].all()
    before = readings["depth_usd"]
    sources = [mc.Source(f"s{i}", depth_usd=1e12) for i in range(5)]
    feeds.feed = mc.Feed("ABC", "USD", sources)
    after = feeds.tick(1, depth=depth)["depth_usd"]
    assert (after <= before + 5 * depth[:, 0] * (1 - 2 ** (-1 / 3600)) + 1).all()
