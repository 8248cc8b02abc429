# SPDX-License-Identifier: Apache-2.0
"""What accounts hold and owe of assets that earn: nothing minted, yield used before principal."""

import random

import pytest

import margin_core as mc
from margin_core import Outflow, YieldLedger
from margin_core.collateral.yields import RAY, YEAR_NS
from margin_core.errors import (
    ArgumentError,
    DomainError,
    RowOrderError,
    UnknownInstrumentError,
)

DAY_NS = YEAR_NS // 365
POOL = "aEthUSDC"


def ray(x):
    return round(x * 10**12) * 10**15


@pytest.fixture
def ledger():
    """A pool that pays 4 % and asks 6 %; alice holds a million."""
    ledger = YieldLedger(0)
    ledger.set_rates(POOL, 0, rate_ray=ray(0.04), debt_rate_ray=ray(0.06))
    ledger.deposit("alice", POOL, 10**6, 0)
    return ledger


def test_yield_is_what_a_holding_grew_by(ledger):
    assert ledger.held("alice", POOL, YEAR_NS) == 1_040_000
    assert ledger.earned("alice", POOL, YEAR_NS // 2) == 20_000
    ledger.deposit("bob", POOL, 1_040_000, YEAR_NS)
    assert ledger.earned("bob", POOL, YEAR_NS) == 0
    assert ledger.held("bob", POOL, 2 * YEAR_NS) == ledger.held("alice", POOL, 2 * YEAR_NS)


def test_who_calls_when_makes_no_difference(ledger):
    quiet = ledger.held("alice", POOL, YEAR_NS)
    for day in range(1, 365):
        ledger.deposit("bob", POOL, 10, day * DAY_NS)
    assert ledger.held("alice", POOL, YEAR_NS) == quiet


def test_yield_pays_funding_interest_and_calls_before_principal_is_touched(ledger):
    half = YEAR_NS // 2  # 20,000 earned
    dues = {"funding": 9_000, "interest": 5_000, "margin_call": 4_000}
    s = ledger.settle("alice", POOL, dues, half)
    assert s.from_yield == dues and not any(s.from_principal.values())
    assert (s.yield_left, s.principal_left) == (1_999, 10**6)  # shares: rounded down by a quantum
    assert ledger.held("alice", POOL, half) == 1_001_999
    s = ledger.settle("alice", POOL, {"margin_call": 5_000}, half)
    assert (s.from_yield["margin_call"], s.from_principal["margin_call"]) == (1_999, 3_001)
    assert (s.yield_left, s.principal_left) == (0, ledger.held("alice", POOL, half))
    there = ledger.held("alice", POOL, half)
    assert there == 996_999
    s = ledger.settle("alice", POOL, {"funding": 2 * 10**6}, half)
    assert s.unpaid["funding"] == 2 * 10**6 - there
    assert ledger.held("alice", POOL, half) == 0
    assert ledger.settle("nobody", POOL, {"funding": 5}, half).unpaid["funding"] == 5


def test_a_debt_grows_and_interest_is_paid_first(ledger):
    ledger.borrow("alice", POOL, 10**6, 0)
    assert ledger.owed("alice", POOL, YEAR_NS) == 1_060_000
    assert ledger.repay("alice", POOL, 40_000, YEAR_NS) == 40_000
    assert ledger.interest("alice", POOL, YEAR_NS) == 20_001  # shares: rounded up by a quantum
    assert ledger.repay("alice", POOL, 10**9, YEAR_NS) == 1_020_001
    assert ledger.owed("alice", POOL, 2 * YEAR_NS) == 0
    assert ledger.repay("bob", POOL, 5, 2 * YEAR_NS) == 0


def test_a_coupon_accrues_to_whoever_holds_it_and_is_used_at_whole_periods():
    ledger = YieldLedger(0)
    quarter = YEAR_NS // 4
    ledger.set_rates("BUIDL", 0, rate_ray=ray(0.08), period_ns=quarter)
    ledger.deposit("alice", "BUIDL", 10**6, 0)
    assert ledger.held("alice", "BUIDL", quarter // 2) == 1_010_000
    ledger.deposit("sniper", "BUIDL", 10**6, quarter - 1)
    assert ledger.earned("alice", "BUIDL", quarter - 1) == 0
    assert ledger.earned("alice", "BUIDL", quarter) == 20_000
    assert ledger.earned("sniper", "BUIDL", quarter) == 0
    assert ledger.earned("alice", "BUIDL", quarter + quarter // 2) == 20_000
    assert (
        ledger.settle("alice", "BUIDL", {"funding": 30_000}, quarter).from_yield["funding"]
        == 20_000
    )


def test_another_rate_holds_from_now_on_and_leaves_the_others():
    ledger = YieldLedger(0)
    ledger.set_rates("BUIDL", 0, rate_ray=ray(0.04), period_ns=90 * DAY_NS)
    ledger.deposit("alice", "BUIDL", 10**12, 0)
    before = ledger.held("alice", "BUIDL", 89 * DAY_NS)
    ledger.set_rates("BUIDL", 89 * DAY_NS, debt_rate_ray=ray(0.1))
    assert ledger.held("alice", "BUIDL", 89 * DAY_NS) == before
    ledger.set_rates("BUIDL", 89 * DAY_NS, rate_ray=ray(0.5))
    assert ledger.held("alice", "BUIDL", 89 * DAY_NS) == before
    assert ledger.earned("alice", "BUIDL", 89 * DAY_NS) == 0
    day_90 = ledger.earned("alice", "BUIDL", 90 * DAY_NS)
    assert day_90 == pytest.approx(10**12 * (0.04 * 89 + 0.5 * 1.0098) / 365, rel=1e-4)
    ledger.set_rates("BUIDL", 91 * DAY_NS, rate_ray=0)
    assert ledger.earned("alice", "BUIDL", 95 * DAY_NS) == day_90
    later = ledger.held("alice", "BUIDL", 99 * DAY_NS)
    assert later == ledger.held("alice", "BUIDL", 91 * DAY_NS) > before


def test_a_rebase_grows_by_its_cap_and_falls_where_a_loss_is_confirmed():
    ledger = YieldLedger(0, growth_ray={"stETH": ray(0.1)})
    ledger.deposit("alice", "stETH", 10**6, 0)
    assert ledger.rebase("stETH", 1000 * RAY, 1) < ray(1.000001)
    assert ledger.earned("alice", "stETH", 1) == 0
    assert ledger.rebase("stETH", ray(0.9), 2) >= RAY
    ledger.rebase("stETH", ray(0.9), 2, loss_confirmed=True)  # slashed
    assert (ledger.held("alice", "stETH", 2), ledger.earned("alice", "stETH", 2)) == (900_000, 0)
    ledger.settle("alice", "stETH", {}, 2)
    ledger.rebase("stETH", ray(0.99), YEAR_NS)
    assert ledger.earned("alice", "stETH", YEAR_NS) == 89_999  # capped at 0.9 x 1.1, less a share


def test_withdrawals_pass_the_breaker_and_take_earnings_first():
    breaker = Outflow(limit=600_000, window_ns=DAY_NS, delay_ns=DAY_NS, time_ns=0)
    ledger = YieldLedger(0, outflow={POOL: breaker})
    ledger.set_rates(POOL, 0, rate_ray=ray(0.04))
    ledger.deposit("alice", POOL, 10**6, 0)
    ledger.withdraw("alice", POOL, 30_000, YEAR_NS)
    assert ledger.earned("alice", POOL, YEAR_NS) == 9_999
    before = ledger.outflow[POOL]
    for amount, words in ((600_001, "may leave now"), (2 * 10**6, "withdraws 2000000 of aEthUSDC")):
        with pytest.raises(DomainError, match=words):
            ledger.withdraw("alice", POOL, amount, YEAR_NS)
    assert ledger.held("alice", POOL, YEAR_NS) == 1_009_999 and ledger.outflow[POOL] is before


def test_positions_are_what_a_book_takes(ledger):
    """Less what is owed, rounded down; yield ahead counts where the catalogue lets it."""
    ledger.borrow("alice", POOL, 400_000, 0)
    ledger.set_rates("BUIDL", 0, rate_ray=ray(0.05), period_ns=DAY_NS)
    ledger.deposit("bob", "BUIDL", 10**6, 0)
    table = ledger.positions(0, {POOL: 6, "BUIDL": 6})
    assert table == {
        "account": ["alice", "bob"], "instrument": [POOL, "BUIDL"], "quantity": [0.6, 1.0],
    }  # fmt: skip
    ahead = ledger.positions(
        0, {POOL: 6, "BUIDL": 6}, horizon_ns=YEAR_NS // 10,
        rate_ray={POOL: ray(0.04), "BUIDL": ray(0.05)},
    )  # fmt: skip
    assets = mc.load_catalogue().assets
    pool, bill = (1 - assets[name].projected_yield_haircut_frac for name in (POOL, "BUIDL"))
    assert ahead["quantity"] == pytest.approx([0.6 + 0.004 * pool, 1.0 + 0.005 * bill])
    assert bill > 0.0
    assert len(mc.Book.from_tables(table)) == 2


def test_credited_deposits_are_positions_too():
    deposits = mc.Deposits()
    deposits.deposit(mc.Deposit("0xa", "alice", "ETH", "ethereum", amount=10**18, height=100))
    assert deposits.positions({"ETH": 18})["quantity"] == [0.0]
    deposits.head("ethereum", 114)
    assert deposits.positions({"ETH": 18})["quantity"] == [0.88997459]
    with pytest.raises(ArgumentError, match="decimals: none of 'ETH'"):
        deposits.positions({})


def test_a_quantum_is_never_minted():
    """Random calls: what came out, is left and was paid never exceeds what went in and grew."""
    for seed in range(30):
        rng = random.Random(seed)
        ledger, now, put_in, taken = YieldLedger(0, growth_ray={"stETH": 10 * RAY}), 0, 0, 0
        index = RAY
        for _ in range(60):
            now += rng.randrange(1, 40) * DAY_NS
            who = rng.choice("abc")
            step = rng.choice(["deposit", "withdraw", "settle", "rebase"])
            amount = rng.randrange(10, 10 ** rng.randrange(2, 12))
            there = sum(ledger.held(a, "stETH", now) for a in "abc")
            if step == "deposit":
                ledger.deposit(who, "stETH", amount, now)
                put_in += amount
            elif step == "withdraw":
                amount = min(amount, ledger.held(who, "stETH", now))
                if amount:
                    ledger.withdraw(who, "stETH", amount, now)
                    taken += amount
            elif step == "settle":
                s = ledger.settle(who, "stETH", {"funding": amount}, now)
                taken += s.from_yield["funding"] + s.from_principal["funding"]
            else:
                index += index // rng.choice([1000, 300, -200])
                ledger.rebase("stETH", index, now, loss_confirmed=True)
                put_in += sum(ledger.held(a, "stETH", now) for a in "abc") - there
            held = {a: ledger.held(a, "stETH", now) for a in "abc"}
            assert 0 <= sum(held.values()) <= put_in - taken
            assert all(0 <= ledger.earned(a, "stETH", now) <= held[a] for a in "abc")


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda it: it.deposit("alice", "FTT", 1, 0), UnknownInstrumentError, "FTT"),
        (lambda it: it.deposit("", POOL, 1, 0), ArgumentError, "account ''"),
        (lambda it: it.deposit("alice", POOL, 0, 0), DomainError, "amount 0"),
        (lambda it: it.deposit("alice", POOL, 1, -1), RowOrderError, "aEthUSDC: time goes back"),
        (lambda it: it.held("alice", POOL, 1.5), DomainError, "now_ns 1.5"),
        (lambda it: it.set_rates("wstETH", 0, rate_ray=1), ArgumentError, "AssetPrices.rate"),
        (lambda it: it.set_rates("ETH", 0, rate_ray=1), ArgumentError, "'none'"),
        (lambda it: it.set_rates("BUIDL", 0, rate_ray=1), ArgumentError, "coupons have a period"),
        (lambda it: it.set_rates(POOL, 0, rate_ray=1, period_ns=5), ArgumentError, "period_ns"),
        (lambda it: it.set_rates(POOL, 0, rate_ray=-1), DomainError, "rate_ray -1"),
        (lambda it: it.set_rates(POOL, 0, debt_rate_ray=11 * RAY), DomainError, "debt_rate_ray"),
        (lambda it: it.rebase("wstETH", RAY, 0), ArgumentError, "wstETH has no index"),
        (lambda it: it.rebase(POOL, RAY, 0), ArgumentError, "growth_ray: none of 'aEthUSDC'"),
        (lambda it: YieldLedger(0, growth_ray={POOL: 0}).rebase(POOL, 0, 0), DomainError,
         "rate_ray 0"),
        (lambda it: YieldLedger(0, growth_ray={POOL: -1}), DomainError, "growth_ray"),
        (lambda it: it.held(["alice"], POOL, 0), ArgumentError, "is no name"),
        (lambda it: it.settle({}, POOL, {}, 0), ArgumentError, "is no name"),
        (lambda it: it.deposit("alice", POOL, 1, 2**63), DomainError, "now_ns"),
        (lambda it: it.deposit("alice", POOL, 1, YEAR_NS), DomainError, "less than a share"),
        (lambda it: it.settle("alice", POOL, {"tax": 1}, 0), DomainError, "'tax'"),
        (lambda it: it.positions(0, {}), ArgumentError, "decimals: none of 'aEthUSDC'"),
        (lambda it: it.positions(0, {POOL: 99}), DomainError, "decimals"),
        (lambda it: it.positions(0, {POOL: 6}, rate_ray={"X": 1}), UnknownInstrumentError, "'X'"),
        (lambda it: YieldLedger(0, outflow={"FTT": 1}), UnknownInstrumentError, "FTT"),
        (lambda it: YieldLedger(0, outflow={POOL: 1}), ArgumentError, "Outflow is needed"),
        (lambda it: YieldLedger(0.5), DomainError, "time_ns"),
    ],
)  # fmt: skip
def test_what_is_refused_is_named_and_changes_nothing(ledger, call, error, words):
    with pytest.raises(error, match=words):
        call(ledger)
    assert ledger.held("alice", POOL, 0) == 10**6
    assert ledger.positions(YEAR_NS, {POOL: 6})["quantity"] == [1.04]
