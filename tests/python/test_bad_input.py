# SPDX-License-Identifier: Apache-2.0
"""What cannot be is a named error of the library's own, and the last valid state stays."""

import json
import math
import re
from importlib.resources import files

import numpy as np
import pytest

import margin_core as mc
from margin_core.collateral.bridge import LossSize, fit_losses, shortfall
from margin_core.collateral.caps import cap_at, in_force
from margin_core.collateral.finality import credit
from margin_core.collateral.replay import read_steth_2022
from margin_core.collateral.yields import RAY, YEAR_NS, coupon
from margin_core.errors import (
    ArgumentError,
    DomainError,
    FileError,
    MarginCoreError,
    ModelError,
    UnknownInstrumentError,
)
from margin_core.oracle_model import load_oracle_model
from margin_core.oracle_records import QUOTE, STATE
from margin_core.replay import read_events

S = 10**9
DAY = 86_400 * S
NOW = 1_700_000_000 * S
NAN, INF = math.nan, math.inf
C = mc.load_catalogue()
RATE = mc.ExchangeRate(RAY, NOW, RAY, NOW, RAY // 20)
SPENT = mc.Outflow(1000, DAY, 7 * DAY, 0).withdraw(1000, 0)
LOSS = {"backing_usd": 1e9, "share_at_risk_frac": 1.0, "failures_per_year": 0.05, "days": 8.0,
        "tail_frac": 0.005}  # fmt: skip


def feed(sources="abcde", **options):
    return mc.Feed("ETH", "USD", [mc.Source(name) for name in sources], **options)


def quote(source="a", **changes):
    given = {"mantissa": 2000 * 10**8, "decimals": 8, "time_ns": NOW, "executed_usd": 1e6,
             "displayed_usd": 1e6, "base": "ETH", "quote": "USD"}  # fmt: skip
    return mc.Quote(source, **given | changes)


def haircuts(assets=("stETH",), options=None, **prices):
    market = {"unit_usd": {"USD": 1.0}, "market_usd": {"ETH": 2000.0, "stETH": 1990.0}}
    return mc.haircuts(assets, mc.AssetPrices(**market | prices), **options or {})


def market():
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [2000.0]}
    m = mc.Market.from_table(quotes, now=NOW, index={"ETH": 2000.0, "USDC": 1.0})
    return m.with_assets({"stETH": 1990.0}, {"stETH": "ETH"})


def scenarios():
    return mc.Scenarios.from_model(mc.load_model("house"), market().instruments.units)


@pytest.mark.parametrize("bad", [NAN, INF, 1.0, "1", None, True])
@pytest.mark.parametrize(
    ("field", "call"),
    [
        ("limit", lambda x: mc.Outflow(x, DAY, DAY, 0)),
        ("window_ns", lambda x: mc.Outflow(1, x, DAY, 0)),
        ("time_ns", lambda x: mc.Outflow(1, DAY, DAY, x)),
        ("limit", lambda x: SPENT.with_limit(x, 0)),
        ("amount", lambda x: SPENT.withdraw(x, 2 * DAY)),
        ("now_ns", lambda x: SPENT.withdraw(1000, x)),
        ("now_ns", lambda x: SPENT.at(x)),
        ("time_ns", lambda x: mc.ExchangeRate(RAY, x, RAY, 0, 0)),
        ("now_ns", lambda x: RATE.reported(RAY, x)),
        ("now_ns", lambda x: RATE.cap_ray(x)),
        ("now_ns", lambda x: RATE.rebased(RAY, x, RAY // 20, max_change_ray=RAY)),
        ("time_ns", lambda x: mc.YieldIndex(RAY, x)),
        ("now_ns", lambda x: mc.YieldIndex(RAY, 0).accrued(RAY, x)),
        ("now_ns", lambda x: coupon(10**18, RAY // 20, 0, x, YEAR_NS)),
        ("start_ns", lambda x: coupon(10**18, RAY // 20, x, 0, YEAR_NS)),
        ("now_ns", lambda x: in_force(C, C, 0, x)),
        ("announced_ns", lambda x: in_force(C, C, x, 0)),
        ("now_ns", lambda x: feed().update(mc.OracleState(), [], x)),
        ("now_ns", lambda x: mc.StablePrice().update(x, 1.0)),
        ("quorum", lambda x: feed(quorum=x)),
        ("confirmations", lambda x: credit(C, "ethereum", "ETH", x)),
        ("height", lambda x: mc.Deposits().head("ethereum", x)),
    ],
)
def test_what_is_counted_is_whole(field, call, bad):
    if field == "quorum" and bad is None:
        return  # the default
    with pytest.raises(DomainError, match=rf"{field} .*is not a whole number"):
        call(bad)


def test_numpys_whole_numbers_are_whole_and_do_not_overflow():
    one = np.int64(1)
    out = mc.Outflow(np.int64(10**15), np.int64(DAY), one, one).withdraw(np.int64(10**15), one)
    assert out.used == 10**15 * DAY
    ledger = mc.Deposits()
    ledger.deposit(mc.Deposit("a", "b", "ETH", "ethereum", np.int64(10**18), np.int64(5)))
    ledger.head("ethereum", np.int64(6))
    assert 0 < ledger.credited("b", "ETH") < 10**18
    last = mc.ExchangeRate(RAY, np.int64(0), RAY, np.int64(0), RAY // 20)
    assert last.reported(2 * RAY, np.int64(YEAR_NS)).rate_ray == RAY * 21 // 20


def test_a_withdrawal_without_a_time_takes_nothing():
    """A time of NaN passes every comparison: 5000 quanta left through a limit of 1000."""
    breaker = SPENT
    for _ in range(5):
        with pytest.raises(DomainError):
            breaker = breaker.withdraw(1000, NAN)
    assert breaker == SPENT and breaker.free(0) == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"mantissa": NAN}, "mantissa of c nan"), ({"mantissa": INF}, "mantissa of c inf"),
        ({"mantissa": None}, "mantissa of c None"), ({"mantissa": "x"}, "mantissa of c 'x'"),
        ({"mantissa": "210000000000"}, "mantissa"), ({"mantissa": 200000000000.9}, "mantissa"),
        ({"decimals": 8.7}, "decimals of c 8.7"), ({"decimals": 2**40}, "decimals of c"),
        ({"decimals": "8"}, "decimals of c '8'"), ({"decimals": NAN}, "decimals of c nan"),
        ({"time_ns": None}, "time_ns of c None"), ({"confidence": NAN}, "confidence of c nan"),
        ({"base": None}, "currency None"), ({"executed_usd": "x"}, "executed_usd of c = 'x'"),
        ({"displayed_usd": None}, "displayed_usd of c"), ({"source": ["c"]}, "unknown source"),
        ({"mantissa": 10**5000}, "mantissa of c"),
    ],
)  # fmt: skip
def test_one_bad_quote_is_left_out_and_four_good_ones_count(change, words):
    given = [quote(source) for source in "abcde"]
    given[2] = quote(**{"source": "c", **change})
    _, reading, refused = feed().update_without_refused(mc.OracleState(), given, NOW)
    assert reading == feed().update(mc.OracleState(), given[:2] + given[3:], NOW)[1]
    assert [error.row for error in refused] == [2] and words in str(refused[0])


CALLS = [
    (lambda: feed().update(None, [], NOW), ArgumentError, "state: OracleState is needed"),
    (lambda: feed().update(mc.OracleState(), None, NOW), ArgumentError, "quotes: Iterable"),
    (lambda: feed().update(mc.OracleState(), [{}], NOW), ArgumentError, "quotes[0]: Quote"),
    (lambda: mc.Feed("ETH", "USD", ["a"]), ArgumentError, "sources[0]: Source is needed"),
    (lambda: feed([None, "b", "c"]), ArgumentError, "sources[0].name: str"),
    (lambda: mc.Feed("ETH", "USD", [mc.Source("a", decimals=None)]), DomainError, "decimals of"),
    (lambda: mc.StablePrice().update(NOW, "x"), DomainError, "price = 'x'"),
    (lambda: haircuts(market_usd={"ETH": "2000"}), DomainError, "market_usd['ETH'] = '2000'"),
    (lambda: haircuts(market_usd={"ETH": None}), DomainError, "market_usd['ETH'] = None"),
    (lambda: haircuts(market_usd=None), ArgumentError, "market_usd: Mapping is needed"),
    (lambda: haircuts(rate={"stETH": None}), DomainError, "rate['stETH'] = None"),
    (lambda: haircuts(backing={"stETH": "1"}), DomainError, "backing['stETH'] = '1'"),
    (lambda: haircuts(exit_open={"stETH": "no"}), DomainError, "exit_open['stETH'] = 'no'"),
    (lambda: haircuts(exit_open={"stETH": 0.5}), DomainError, "exit_open['stETH'] = 0.5"),
    (lambda: haircuts(options={"amount_usd": {"stETH": None}}), DomainError, "amount_usd['stETH']"),
    (lambda: haircuts(None), ArgumentError, "assets: None is no name"),
    (lambda: haircuts([["ETH"]]), ArgumentError, "assets: ['ETH'] is no name"),
    (lambda: mc.haircuts(["ETH"], None), ArgumentError, "prices: AssetPrices is needed"),
    (lambda: mc.joint_worlds(None, ["stETH"]), ArgumentError, "scenarios: Scenarios is needed"),
    (lambda: mc.joint_worlds(scenarios(), None), ArgumentError, "assets: None"),
    (lambda: mc.joint_worlds(scenarios(), ["stETH"], at=[999]), ArgumentError, "999 is out of"),
    (lambda: market().with_assets({"stETH": "x"}, {"stETH": "ETH"}), DomainError,
     "price of 'stETH' = 'x'"),
    (lambda: market().with_assets({"ETH_USDC-PERPETUAL": 1.0}, {"ETH_USDC-PERPETUAL": "ETH"}),
     ArgumentError, "ETH_USDC-PERPETUAL is a contract of this market"),
    (lambda: mc.Margin.of(market(), haircuts={"stETH": "x"}), ArgumentError,
     "haircut of 'stETH': Haircut is needed"),
    (lambda: mc.Margin.of(market(), haircuts={"x": mc.Haircut(0, 0)}), UnknownInstrumentError,
     "haircut of 'x': the market has no such row"),
    (lambda: mc.Margin.of(market(), haircuts={"stETH": mc.Haircut("a", 0)}), DomainError,
     "haircut of stETH: mm_frac = 'a'"),
    (lambda: mc.Margin.of(market(), haircuts=[1]), ArgumentError, "haircuts: a mapping"),
    (lambda: mc.Deposits().deposit(None), ArgumentError, "deposit: Deposit is needed"),
    (lambda: mc.Deposits().deposit(mc.Deposit("", "a", "ETH", "ethereum", 1, 1)), ArgumentError,
     "id '' is no name"),
    (lambda: mc.settle_yield(1, 1, None), ArgumentError, "dues: Mapping is needed"),
    (lambda: RATE.reported(1, NOW, loss_confirmed="no"), ArgumentError, "loss_confirmed: bool"),
    (lambda: shortfall(LossSize(15.9, 2.8), **LOSS | {"days": -5}), DomainError, "days = -5"),
    (lambda: shortfall(LossSize(15.9, 2.8), **LOSS | {"tail_frac": 0}), DomainError, "tail_frac"),
    (lambda: shortfall(LossSize(15.9, 2.8), **LOSS | {"backing_usd": NAN}), DomainError, "backing"),
    (lambda: fit_losses(["x", "y"]), ArgumentError, "losses_usd: numbers are needed"),
    (lambda: cap_at(0.0, 1.0, NAN, C.risk), DomainError, "days: NaN"),
    (lambda: mc.load_catalogue("x\0y"), ModelError, "zero byte"),
    (lambda: mc.load_catalogue(None), ArgumentError, "catalogue: str or PathLike is needed"),
    (lambda: load_oracle_model(5), ArgumentError, "model: str or PathLike is needed"),
    (lambda: credit(C, "solana", "stETH", 1), DomainError, "stETH is on 'ethereum', not 'solana'"),
    (lambda: read_steth_2022(5), ArgumentError, "folder: str or PathLike is needed"),
    (lambda: mc.replay_discount("stETH", None, None, exit_open=True), ArgumentError, "market_usd"),
    (lambda: mc.replay_discount("stETH", [1.0] * 3, [1.0] * 3, exit_open="no"), ArgumentError,
     "exit_open"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "words"), CALLS)
def test_a_wrong_type_or_value_is_an_error_of_our_own(call, error, words):
    with pytest.raises(error, match=re.escape(words)):
        call()


@pytest.mark.parametrize(
    ("option", "words"),
    [
        ({"linked": ["Lido"]}, "linked: 'Lido' is no issuer"),
        ({"linked": [""]}, "linked: '' is no issuer"),
        ({"has_rows": ["steth"]}, "has_rows: 'steth' is no asset"),
        ({"events": ["discount.steth"]}, "events: 'discount.steth' is no factor"),
    ],
)
def test_names_that_the_catalogue_lacks_are_refused_and_not_passed_over(option, words):
    with pytest.raises(UnknownInstrumentError, match=words):
        haircuts(options=option)


@pytest.mark.parametrize(
    ("symbol", "linked"),
    [("ETH.solana", "wormhole"), ("USDT0.arbitrum", "layer_zero"), ("ETH.base", "coinbase"),
     ("USDT0.arbitrum", "layer_zero_usdt0")],
)  # fmt: skip
def test_a_form_that_comes_over_the_owners_bridge_is_wrong_way_collateral(symbol, linked):
    prices = mc.AssetPrices({"USD": 1.0}, {"ETH": 2e3, "ETH.base": 2e3, "ETH.solana": 2e3,
                                           "USDT": 1.0, "USDT0.arbitrum": 1.0})  # fmt: skip
    free, held = (mc.haircuts([symbol], prices, linked=who) for who in ((), (linked,)))
    left = 1.0 - free.haircut_mm_frac[0]
    assert 1.0 - held.haircut_mm_frac[0] == pytest.approx(left * (1.0 - C.risk.linked_frac))


def test_an_owner_holds_at_least_what_one_account_does():
    """Above the owner's cap without saying whose it is."""
    amount = {"stETH": 2 * C.assets["stETH"].owner_cap_usd}
    alone = haircuts(options={"amount_usd": amount})
    told = haircuts(options={"amount_usd": amount, "owner_usd": amount})
    assert alone.parts_im["concentration"] == told.parts_im["concentration"] > 0.5


def test_events_that_no_asset_is_said_to_follow_are_no_silent_nothing():
    worlds, factors = mc.joint_worlds(scenarios(), ["stETH"])
    with pytest.raises(ArgumentError, match=re.escape("scenarios move 'discount.stETH'")):
        mc.Margin.of(market(), "house", worlds)
    assert mc.Margin.of(market(), "house", worlds, factors={})
    assert mc.Margin.of(market(), "house", worlds, factors=factors)


def test_quiet_years_leave_no_growth_for_a_jump():
    """5 % a year, two years without: a report may then add 30 days of it, not 10 %."""
    quiet = RATE
    for day in range(0, 730, 10):
        quiet = quiet.reported(RAY, NOW + day * DAY)
    after = quiet.reported(2 * RAY, NOW + 730 * DAY)
    assert RAY < after.rate_ray <= RAY + RAY // 20 * 40 // 365 + 1
    again = after.reported(2 * RAY, NOW + 730 * DAY + 1)
    assert again.rate_ray - after.rate_ray <= RAY // 20 // YEAR_NS + 1


def test_growth_is_a_parameter_that_may_not_leap_either():
    with pytest.raises(DomainError, match="growth_ray .* a year above"):
        RATE.rebased(RAY, NOW, 10 * RAY, max_change_ray=0)
    assert RATE.rebased(RAY, NOW, 0, max_change_ray=0).growth_ray == 0


def ledger(head):
    found = mc.Deposits()
    found.deposit(mc.Deposit("0xa", "alice", "ETH", "ethereum", amount=10**18, height=100))
    found.head("ethereum", head)
    return found


def test_a_branch_whose_beginning_is_unknown_credits_nothing():
    at = ledger(110)
    before = at.credited("alice", "ETH")
    at.head("ethereum", 300, branch=1)
    assert before > 0 == at.credited("alice", "ETH")
    at.reorganise("ethereum", 105, branch=1)
    assert at.credited("alice", "ETH") == 10**18


def test_a_fork_adds_no_confirmations():
    """One that begins above every block that was seen: what was confirmed stays so, no more."""
    at = ledger(110)
    before = at.credited("alice", "ETH")
    at.reorganise("ethereum", 10**9, branch=1)
    assert at.credited("alice", "ETH") == before


def laid(tmp_path, folder, *changes):
    text = (files("margin_core") / f"models/{folder}/house.toml").read_text(encoding="utf-8")
    head, mark, tail = (
        text.partition("[assets.stETH]") if folder == "collateral" else ("", "", text)
    )
    for old, new in changes:
        tail, count = re.subn(old, new, tail, count=1, flags=re.MULTILINE)
        assert count == 1
    path = tmp_path / "mine.toml"
    path.write_text(head + mark + tail, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("^basis_vol = .*", 'basis_vol = "5"', "assets.stETH.basis_vol"),
        ("delay_days = [0-9.]+", "delay_days = true", "assets.stETH.redemption.delay_days"),
        ("^factors = .*", 'factors = ["zzz"]', "assets.stETH.factors: events has neither 'zzz'"),
        ("^factors = .*", 'factors = ["discount.x"]', "factors: discount.x: there is no 'x'"),
        ("^factors = .*", 'factors = ["discount.stETH", "discount.stETH"]', "is there twice"),
    ],
)
def test_a_catalogue_says_numbers_with_numbers_and_factors_once(tmp_path, old, new, words):
    with pytest.raises(ModelError, match=re.escape(words)):
        mc.load_catalogue(laid(tmp_path, "collateral", (old, new)))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("^n_fresh = .*", "n_fresh = true", "outage.n_fresh"),
        (r'when = \["no_price"\]', 'when = ["jump"]', "no class is for 'no_price'"),
        (r'when = \["no_quorum", ', "when = [", "no class is for 'no_quorum'"),
        ('display = "no"', 'display = "mid"', "ladder.0: the first class"),
    ],
)
def test_a_ladder_has_a_class_for_everything_that_is_not_valid(tmp_path, old, new, words):
    with pytest.raises(ModelError, match=re.escape(words)):
        load_oracle_model(laid(tmp_path, "oracle", (old, new)))


def test_a_byte_order_mark_is_dropped_everywhere(tmp_path):
    path = laid(tmp_path, "oracle")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert load_oracle_model(path) == load_oracle_model()


EVENT = {"id": "one", "name": "One", "date_utc": "2020-01-01", "classes": ["quorum_loss"],
         "what": "x", "provenance": {}, "pass_criteria": []}  # fmt: skip


@pytest.mark.parametrize(
    ("shock", "loss", "path"),
    [
        ({"oracle_conf": {"A": -0.5}}, {}, "shock.oracle_conf.A"),
        ({"oracle_dev": {"A": True}}, {}, "shock.oracle_dev.A"),
        ({"oracle_dev": {"A": "0.3"}}, {}, "shock.oracle_dev.A"),
        ({"oracle_sources_live": 99}, {}, "shock.oracle_sources_live"),
        ({}, {"usd": -5}, "loss.usd"),
    ],
)
def test_an_event_that_cannot_be_played_names_its_field_and_nothing_else(
    tmp_path, shock, loss, path
):
    event = {**EVENT, "shock": {"horizon_s": 60, **shock}, "loss": loss}
    file = tmp_path / "events.json"
    file.write_text(json.dumps({"schema": "margin_core.black_swans/1", "scenarios": [event]}))
    with pytest.raises(FileError) as caught:
        read_events(file)
    assert str(caught.value).startswith(f"events.json: scenarios.0.{path}: ")
    assert ";" not in str(caught.value)


def test_rounds_that_are_missing_or_negative_are_named(shared, tmp_path):
    pytest.importorskip("pyarrow")
    with pytest.raises(FileError, match=r"^/nonexistent/stETH.parquet: no such file$"):
        read_steth_2022("/nonexistent")
    for name in ("stETH.parquet", "WETH.parquet"):
        (tmp_path / name).symlink_to(shared / "data" / "collateral" / name)
    rounds = tmp_path / "chainlink_stETH_ETH_rounds.csv"
    for text, words in (
        ("update,answer\n", "rounds.csv: no rows"),
        ("update,answer\n1640000000,-5\n", "row 0, answer: '-5' is not a positive"),
        ("update,answer\n\n1,1\n2\n", "row 1, answer: ''"),
    ):
        rounds.write_text(text)
        with pytest.raises(FileError, match=re.escape(words)):
            read_steth_2022(tmp_path)


def test_every_error_here_is_one_of_the_librarys():
    assert all(issubclass(error, MarginCoreError) for _, error, _ in CALLS)


@pytest.mark.parametrize("legs", ["x", ["x"], None, [None]])
def test_legs_are_readings(legs):
    with pytest.raises(ArgumentError, match="legs"):
        mc.compose_readings("A", "B", legs)


@pytest.mark.parametrize("now", [np.nan, "1", None, [0.5]])
def test_many_feeds_want_whole_instants(now):
    feed = mc.Feed("ETH", "USD", [mc.Source(n) for n in "abc"])
    with pytest.raises(ArgumentError, match="now_ns"):
        feed.update_many(np.zeros(1, STATE), np.zeros(0, QUOTE), np.zeros(2, np.int64), now)
