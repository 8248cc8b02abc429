# SPDX-License-Identifier: Apache-2.0
"""Feeds, readings and rules as a user meets them."""

import dataclasses
import math

import numpy as np
import pytest

import margin_core as mc
from margin_core import errors
from margin_core._binding import _oracle
from margin_core.oracle_model import ACTIONS, REASONS, load_oracle_model, oracle_model_names
from margin_core.oracle_records import (
    LADDER,
    QUOTE,
    READING,
    RULE,
    SOURCE,
    STABLE,
    STABLE_RULE,
    STATE,
    currency_tag,
)

S = 1_000_000_000
START = 1_700_000_000 * S
NAMES = ("one", "two", "three", "four", "five")


def eth(**options):
    return mc.Feed("ETH", "USD", [mc.Source(name) for name in NAMES], **options)


def quotes(price, now, names=NAMES, **changes):
    given = {"base": "ETH", "quote": "USD", "decimals": 8, "mantissa": round(price * 1e8),
             "time_ns": now, "executed_usd": 1e6, "displayed_usd": 1e6} | changes  # fmt: skip
    return [mc.Quote(name, **given) for name in names]


def settled(feed, price=2000.0, after_s=400):
    state, now = mc.OracleState(), START
    for now in range(START, START + after_s * S + 1, 10 * S):
        state, reading = feed.update(state, quotes(price, now), now)
    return state, reading, now


def test_records_have_the_sizes_of_the_core_s_structs():
    ours = {"quote": QUOTE, "source": SOURCE, "rule": RULE, "ladder": LADDER, "state": STATE,
            "reading": READING, "stable_rule": STABLE_RULE, "stable_price": STABLE}  # fmt: skip
    assert {name: dtype.itemsize for name, dtype in ours.items()} == _oracle.sizes()


def test_a_settled_price_may_be_used_for_everything_each_at_its_own_edge():
    _, reading, now = settled(eth())
    assert (reading.validity, reading.reasons, reading.time_ns) == ("valid", (), now)
    assert reading.agreed == NAMES
    assert all(reading.allows(action) for action in ACTIONS)
    assert reading.price_for("withdrawal") == reading.low == reading.price == 2000.0
    state, now = settled(eth())[0], now + 4 * S
    _, reading = eth().update(state, quotes(2000.0, now - 4 * S), now)
    half = 2 * load_oracle_model().drift.frac_per_root_s
    assert reading.low == pytest.approx(2000 * (1 - half))
    assert reading.price_for("withdrawal") == reading.low
    assert reading.price_for("withdrawal", owed=True) == reading.high
    assert reading.price_for("display") == 2000.0
    assert reading.confidence_frac == pytest.approx(half)


def test_an_update_changes_nothing_that_it_was_given():
    feed = eth()
    state, _, now = settled(feed)
    before = state.to_bytes()
    after, reading = feed.update(state, quotes(2001.0, now + S), now + S)
    again, same = feed.update(state, quotes(2001.0, now + S), now + S)
    assert state.to_bytes() == before != after.to_bytes()
    assert after.to_bytes() == again.to_bytes()
    assert reading.record.tobytes() == same.record.tobytes()
    assert mc.OracleState.from_bytes(before).price == state.price
    with pytest.raises(errors.ArgumentError):
        mc.OracleState.from_bytes(before[1:])


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"source": "six"}, errors.UnknownInstrumentError, "unknown source"),
        ({"source": "one"}, errors.RowOrderError, "twice"),
        ({"base": "BTC"}, errors.ArgumentError, "quotes BTC/USD; the feed is ETH/USD"),
        ({"base": "WRAPPEDETH"}, errors.ArgumentError, "8 ASCII"),
        ({"kind": "contract"}, errors.ArgumentError, "kind"),
        ({"kind": "rumour"}, errors.ArgumentError, "kind"),
        ({"decimals": 18}, errors.ArgumentError, "18"),
        ({"decimals": None}, errors.DomainError, "no decimals"),
        ({"mantissa": 2200 * 10**18}, errors.DomainError, "64 bits"),
        ({"confidence": -1}, errors.DomainError, "negative confidence"),
        ({"executed_usd": -1.0}, errors.DomainError, "negative depth"),
        ({"displayed_usd": math.nan}, errors.NotFiniteError, "finite"),
        ({"executed_usd": math.inf}, errors.NotFiniteError, "finite"),
        ({"time_ns": START + 500 * S}, errors.DomainError, "future"),
        ({"time_ns": START}, errors.RowOrderError, "back in time"),
    ],
)
def test_a_bad_quote_is_named_and_can_be_left_out(change, error, words):
    feed = eth()
    state, _, now = settled(feed)
    given = quotes(2000.0, now + S)
    given[2] = mc.Quote(**{**vars(given[2]), **change})
    with pytest.raises(error, match=words) as caught:
        feed.update(state, given, now + S)
    assert caught.value.row == 2
    _, reading, refused = feed.update_without_refused(state, given, now + S)
    assert [type(e) for e in refused] == [error]
    assert reading.answered == ("one", "two", "four", "five")
    assert reading.validity == "valid"


def test_the_order_of_quotes_does_not_matter():
    feed = eth()
    state, _, now = settled(feed)
    given = [quotes(2000.0 + i, now + S)[i] for i in range(5)]
    forward = feed.update(state, given, now + S)
    backward = feed.update(state, given[::-1], now + S)
    assert forward[0].to_bytes() == backward[0].to_bytes()
    assert forward[1] == backward[1] and forward[1] != settled(feed)[1]


def test_a_weight_that_is_nothing_decides_nothing(tmp_path):
    """Of a rule whose half life is a billionth of its age limit."""
    path = tmp_path / "mine.toml"
    path.write_text('extends = "house"\nname = "mine"\n[age]\nhalf_life_s = 1e-7\n')
    feed = eth(model=path)
    state, _, now = settled(feed)
    _, reading = feed.update(state, quotes(2000.0, now), now + S)
    assert (reading.answered, reading.price) == ((), 2000.0)
    assert {"no_quorum", "stale"} <= set(reading.reasons)


def test_drift_s_ladder_is_the_program_s():
    """Liquidation goes on with uncertain and stale prices, margin does not."""
    allows = {rung.name: rung.allows for rung in load_oracle_model("drift_v2").ladder}
    assert list(allows) == ["non_positive", "too_volatile", "too_uncertain", "stale_for_margin",
                            "insufficient_data_points", "stale_for_amm", "valid"]  # fmt: skip
    refused = {action: {name for name, a in allows.items() if getattr(a, action) == "no"}
               for action in ACTIONS}  # fmt: skip
    assert refused["liquidation"] == {"non_positive", "too_volatile"}
    assert refused["margin_check"] == refused["liquidation"] | {"too_uncertain", "stale_for_margin"}
    assert refused["settlement"] == refused["liquidation"] | {"too_uncertain"}
    assert refused["withdrawal"] == refused["risk_increasing"] == refused["margin_check"]


def test_time_that_goes_back_is_not_left_out():
    feed = eth()
    state, _, now = settled(feed)
    with pytest.raises(errors.RowOrderError, match="time goes back"):
        feed.update_without_refused(state, quotes(2000.0, now - S), now - S)


def test_a_quorum_does_not_shrink_with_the_answers():
    feed = eth()
    state, _, now = settled(feed)
    _, reading = feed.update(state, quotes(1000.0, now + S, NAMES[:2]), now + S)
    assert reading.validity == "unsupported"
    assert reading.price == 2000.0
    assert set(reading.reasons) == {"no_quorum", "silent"}
    assert not any(reading.allows(a) for a in ("risk_increasing", "withdrawal", "liquidation"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"quorum": 2}, "more than half"),
        ({"quorum": 6}, "more than half"),
        ({"quorum": 3, "tolerated": 2}, "tolerated"),
        ({"model": "nobody"}, "nobody"),
    ],
)
def test_a_feed_that_cannot_be_is_refused(options, words):
    with pytest.raises(errors.MarginCoreError, match=words):
        eth(**options)


def test_two_sources_of_one_name_or_too_few_of_them_are_refused():
    with pytest.raises(errors.ArgumentError, match="one name"):
        mc.Feed("ETH", "USD", [mc.Source("a"), mc.Source("a"), mc.Source("b")])
    with pytest.raises(errors.DomainError, match="quorum"):
        mc.Feed("ETH", "USD", [mc.Source("a"), mc.Source("b")])
    with pytest.raises(errors.ArgumentError, match="itself"):
        mc.Feed("ETH", "ETH", [mc.Source(n) for n in "abc"])


def test_many_feeds_are_each_as_one():
    feed = eth()
    n, ticks = 50, 60
    states = np.zeros(n, STATE)
    alone = [mc.OracleState()] * n
    for k in range(ticks):
        now = START + 10 * k * S
        given = [quotes(2000.0 + i, now) for i in range(n)]
        if k > 40:
            given[7] = given[7][:2]
        records = np.concatenate([feed.records(q) for q in given])
        offset = np.cumsum([0, *(len(q) for q in given)])
        if k == 50:
            records["source"][0] = 99
        readings, statuses = feed.update_many(states, records, offset, now, threads=1)
        assert (statuses != 0).tolist() == [k == 50] + [False] * (n - 1)
        for i in range(n):
            if statuses[i] == 0:
                alone[i], reading = feed.update(alone[i], given[i], now)
                assert readings[i].tobytes() == reading.record.tobytes()
    allowed, price = feed.prices(readings, 1.0, "liquidation")
    assert allowed.sum() == n - 1 and price[3] == 2003.0
    with pytest.raises(errors.ArgumentError, match="states"):
        feed.update_many(states[::2], records, offset, now)
    with pytest.raises(errors.ArgumentError, match="action"):
        feed.prices(readings, 1.0, "gamble")


def leg(base, quote, price, now=START, after_s=400):
    feed = mc.Feed(base, quote, [mc.Source(n) for n in NAMES])
    state = mc.OracleState()
    for at in range(now, now + after_s * S + 1, 10 * S):
        given = quotes(price, at, base=base, quote=quote)
        state, reading = feed.update(state, given, at)
    return reading


def test_legs_multiply_and_the_oldest_tells_the_time():
    old, new = leg("wstETH", "ETH", 1.2), leg("ETH", "USD", 2000.0, START + 5 * S)
    both = mc.compose_readings("wstETH", "USD", [old, new])
    assert (both.price, both.time_ns) == (pytest.approx(2400.0), old.time_ns)
    assert both.validity == "valid"
    turned = leg("USD", "ETH", 1 / 2000)
    over = mc.compose_readings("wstETH", "USD", [old, turned], inverted=[False, True])
    assert over.price == pytest.approx(2400.0, rel=1e-4)


def test_a_dropped_leg_a_wrong_pair_and_a_double_turn_are_refused():
    ratio, ether = leg("cbETH", "ETH", 1.12), leg("ETH", "USD", 2200.0)
    with pytest.raises(errors.ArgumentError, match="ETH/USD, which does not begin cbETH/USD"):
        mc.compose_readings("cbETH", "USD", [ether])
    with pytest.raises(errors.ArgumentError, match="make cbETH/ETH, not cbETH/USD"):
        mc.compose_readings("cbETH", "USD", [ratio])
    with pytest.raises(errors.ArgumentError):
        mc.compose_readings("cbETH", "USD", [ratio, ether], inverted=[False, True])
    over = mc.compose_readings("USD", "ETH", [ether], inverted=[True])
    with pytest.raises(errors.ArgumentError, match="twice"):
        mc.compose_readings("ETH", "USD", [over], inverted=[True])
    with pytest.raises(errors.ArgumentError, match="inverted"):
        mc.compose_readings("cbETH", "USD", [ratio, ether], inverted=[True])
    with pytest.raises(errors.ArgumentError, match="legs"):
        mc.compose_readings("cbETH", "USD", [])


def test_a_market_takes_price_and_band_of_a_reading():
    table = {"instrument": ["ETH-PERPETUAL"], "forward_usd": [2010.0]}
    market = mc.Market.from_table(table, now=START, index={"ETH": 1900.0})
    state, _, now = settled(eth())
    _, reading = eth().update(state, quotes(2000.0, now), now + 4 * S)
    taken = market.with_readings({"ETH": reading})
    row = list(market.instruments.units).index("ETH")
    assert taken.index_usd[row] == 2000.0
    assert taken.confidence_frac[row] == reading.confidence_frac > 0
    names = market.names.tolist()
    assert (
        taken.mark_usd[names.index("ETH-PERPETUAL")]
        == market.mark_usd[names.index("ETH-PERPETUAL")]
    )
    spot = [i for i, name in enumerate(names) if name.startswith("ETH") and "PERP" not in name]
    assert taken.forward_usd[spot] == taken.mark_usd[spot] == 2000.0
    with pytest.raises(errors.ArgumentError, match="no unit SOL"):
        market.with_readings({"SOL": reading})
    with pytest.raises(errors.ArgumentError, match="ETH/USD"):
        other = mc.Market.from_table(table, now=START, index={"ETH": 1.0, "BTC": 1.0})
        other.with_readings({"BTC": reading})
    _, jumped = eth().update(state, quotes(1000.0, now), now + S)
    with pytest.raises(errors.ArgumentError, match="jumped .jump, wide. does not allow withdrawal"):
        market.with_readings({"ETH": jumped}, "withdrawal")


def test_a_reading_ages_and_stays_as_old_as_it_is():
    _, reading, _ = settled(eth())
    age = reading.model.age
    made = reading.now_ns
    assert reading.at(made) is reading and reading.at(made - 1) is reading
    fresh = reading.at(made + round(age.old_s * S) - 1)
    assert (fresh.validity, fresh.answered) == (reading.validity, reading.answered)
    old = reading.at(made + round(age.old_s * S))
    assert "old" in old.reasons and old.price == reading.price
    stale = reading.at(made + round(age.max_s * S))
    assert "stale" in stale.reasons and not stale.allows("withdrawal")
    again = old.at(made + round(age.max_s * S))  # not twice as young
    assert again.validity == stale.validity and again.now_ns == made


def test_a_leg_made_long_before_the_others_is_stale():
    _, usd, _ = settled(eth())
    early = dataclasses.replace(usd, record=usd.record.copy())
    early.record["now_ns"] -= 36_000 * S
    early.record["base"], early.record["quote"] = currency_tag("A"), currency_tag("ETH")
    early = dataclasses.replace(early, now_ns=usd.now_ns - 36_000 * S)
    composed = mc.compose_readings("A", "USD", [early, usd])
    assert "stale" in composed.reasons and composed.price_for("withdrawal") is None
    with pytest.raises(errors.RowOrderError, match="leg 1"):
        mc.compose_readings("A", "USD", [early, usd], now=usd.now_ns - 1)


def test_a_mark_stays_near_the_band():
    _, reading, _ = settled(eth())
    assert reading.clamped(2005.0, 0.01) == 2005.0
    assert reading.clamped(2500.0, 0.01) == reading.high * 1.01
    assert reading.clamped(-5.0, 0.01) == reading.low * 0.99
    with pytest.raises(errors.DomainError):
        reading.clamped(math.nan, 0.01)


def test_a_stable_price_refuses_what_is_no_price_and_keeps_its_state():
    stable = mc.StablePrice()
    stable.update(START, 1.0)
    for bad, error in ((math.nan, errors.NotFiniteError), (0.0, errors.DomainError)):
        with pytest.raises(error):
            stable.update(START + 60 * S, bad)
    with pytest.raises(errors.RowOrderError):
        stable.update(START - 1, 1.0)
    assert stable.update(START, 5.0) == 1.0


@pytest.mark.parametrize("name", oracle_model_names())
def test_a_rule_of_the_package_names_its_sources_and_uses_them_all(name):
    model = load_oracle_model(name)
    assert model.name == name
    assert all("2026" in text for text in model.sources.values())
    assert model.ladder[-1].name == "valid"
    assert {r for rung in model.ladder for r in rung.when} <= set(REASONS)


@pytest.mark.parametrize("name", oracle_model_names())
def test_no_class_but_the_last_lets_credit_grow_except_where_the_venue_does(name):
    for rung in load_oracle_model(name).ladder[:-1]:
        credit = {rung.allows.risk_increasing, rung.allows.withdrawal}
        assert credit == {"no"} or name == "drift_v2"
        assert "mid" not in credit


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('extends = "house"\ncolour = "red"', "colour: unknown field"),
        ('extends = "house"\n[age]\nold_s = 500.0', "max_s 120.0 is below old_s"),
        ('extends = "house"\n[age]\nsource = "rumour"', "no 'rumour' in"),
        ('extends = "house"\n[limits]\nband_frac = nan', "limits.band_frac"),
        ('extends = "house"\n[jump]\nfrac = 0', "jump.frac"),
        ('extends = "mine"', "mine"),
        ("[age", "not TOML"),
        ('extends = "house"\n[[ladder]]\nname = "all"\nwhen = ["bored"]\nsource = "assumed"',
         "ladder.0.when.0"),
        ('extends = "house"\nladder = []', "ladder"),
    ],
)  # fmt: skip
def test_a_rule_that_contradicts_the_schema_names_the_field(tmp_path, text, words):
    path = tmp_path / "mine.toml"
    path.write_text(text)
    with pytest.raises(errors.ModelError, match=words):
        load_oracle_model(path)


def test_an_extension_lays_its_tables_over_the_other_s(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('extends = "house"\nname = "mine"\n[outage]\ngrace_s = 3600.0\n')
    mine, house = load_oracle_model(path), load_oracle_model()
    assert (mine.name, mine.outage.grace_s) == ("mine", 3600.0)
    assert mine.outage.n_fresh == house.outage.n_fresh and mine.ladder == house.ladder
