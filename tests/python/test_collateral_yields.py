# SPDX-License-Identifier: Apache-2.0
"""Yield in whole numbers; the cap that never takes value away; who is paid first."""

import json
import math

import pytest

from margin_core import ExchangeRate, YieldIndex, settle_yield
from margin_core.collateral.yields import (
    RAY,
    YEAR_NS,
    coupon,
    owed,
    owned,
    projected,
    shares,
)
from margin_core.errors import DomainError, RowOrderError

DAY_NS = YEAR_NS // 365


def ray(x):
    return round(x * 10**12) * 10**15


def test_an_index_grows_linearly_between_two_calls():
    index = YieldIndex(RAY, 0).accrued(ray(0.04), YEAR_NS // 2)
    assert index == YieldIndex(ray(1.02), YEAR_NS // 2)
    assert index.accrued(ray(0.04), YEAR_NS).value_ray == ray(1.0404)


def test_a_debt_is_rounded_up_and_a_claim_down():
    index = YieldIndex(RAY, 0)
    assert index.accrued(1, 1).value_ray == RAY
    assert index.accrued(1, 1, debt=True).value_ray == RAY + 1
    assert (owned(3, ray(1.5)), owed(3, ray(1.5)), shares(4, ray(1.5))) == (4, 5, 2)


def test_a_coupon_settles_at_whole_periods():
    settled, accrued = coupon(10**6, ray(0.08), 0, YEAR_NS // 2 + YEAR_NS // 8, YEAR_NS // 4)
    assert (settled, accrued) == (40_000, 10_000)


def test_projected_yield_counts_only_past_a_haircut():
    assert projected(10**6, ray(0.05), YEAR_NS) == 0
    assert projected(10**6, ray(0.05), YEAR_NS, haircut_ray=ray(0.5)) == 25_000
    assert projected(10**6, ray(0.05), YEAR_NS, haircut_ray=0) == 50_000


@pytest.fixture
def rate():
    """1.2 now, from a snapshot of 1.19 a year ago that may grow 5 % a year."""
    return ExchangeRate(ray(1.2), YEAR_NS, ray(1.19), 0, ray(0.05))


def test_growth_beyond_the_cap_is_cut_to_it(rate):
    """A donation doubles the rate (Cream, October 2021): 1.19 (1 + 0.05 (1 + 1/365))."""
    after = rate.reported(ray(2.4), YEAR_NS + DAY_NS)
    assert after.rate_ray == ray(1.19) + ray(1.19) * ray(0.05) * 366 // (365 * RAY)
    assert after.rate_ray == rate.cap_ray(YEAR_NS + DAY_NS)
    assert rate.reported(ray(1.21), YEAR_NS + DAY_NS).rate_ray == ray(1.21)


def test_a_cap_that_lags_lets_the_rate_stand_still():
    late = ExchangeRate(ray(1.3), YEAR_NS, ray(1.19), 0, ray(0.05))
    assert late.cap_ray(YEAR_NS + DAY_NS) == ray(1.3)
    assert late.reported(ray(1.31), YEAR_NS + DAY_NS).rate_ray == ray(1.3)


def test_a_fall_is_believed_when_a_loss_is_confirmed(rate):
    """wstETH at -2.85 % without a loss, and a slashing of 1 %."""
    assert rate.reported(ray(1.2 * 0.9715), YEAR_NS + 1).rate_ray == ray(1.2)
    slashed = rate.reported(ray(1.188), YEAR_NS + 1, loss_confirmed=True)
    assert slashed.rate_ray == ray(1.188)
    assert slashed.cap_ray(YEAR_NS + 1) == ray(1.188)


def test_the_capo_case_changes_nothing():
    """10 March 2026: ratio 1.1572 to be moved to 1.2282 with its time, at most 3 % at a step.

    Clipping the ratio to 1.1919 and not its time put the cap 2.85 % under the market.
    """
    week = 7 * DAY_NS
    now = 2 * YEAR_NS
    live = ExchangeRate(ray(1.2282), now, ray(1.1572), now - YEAR_NS, ray(0.0968))
    with pytest.raises(DomainError, match="more than 0.03"):
        live.rebased(ray(1.2282), now - week, ray(0.0968), max_change_ray=ray(0.03))
    clipped = ray(1.1572) * 103 // 100
    with pytest.raises(DomainError, match="below the last valid"):
        live.rebased(clipped, now - week, ray(0.0968), max_change_ray=ray(0.03))
    assert live.reported(ray(1.2283), now + DAY_NS).rate_ray == ray(1.2283)
    joint = live.rebased(ray(1.1882), now - YEAR_NS // 2, ray(0.0968), max_change_ray=ray(0.03))
    assert joint.cap_ray(now) >= live.rate_ray


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda r: r.reported(0, YEAR_NS), DomainError, "rate_ray 0"),
        (lambda r: r.reported(-1, YEAR_NS), DomainError, "rate_ray -1"),
        (lambda r: r.reported(1.2, YEAR_NS), DomainError, "rate_ray 1.2"),
        (lambda r: r.reported(RAY, YEAR_NS - 1), RowOrderError, "time goes back"),
        (lambda r: r.cap_ray(-1), RowOrderError, "time goes back"),
        (lambda r: r.rebased(RAY, -1, 0, max_change_ray=RAY), RowOrderError, "time goes back"),
        (lambda r: r.rebased(ray(1.2), YEAR_NS + 1, 0, max_change_ray=RAY), RowOrderError,
         "time goes back"),
        (lambda r: r.rebased(ray(1.2), YEAR_NS, -1, max_change_ray=RAY), DomainError, "growth_ray"),
        (lambda r: YieldIndex(RAY, 1).accrued(0, 0), RowOrderError, "time goes back"),
        (lambda r: YieldIndex(RAY, 0).accrued(-1, 1), DomainError, "rate_ray -1"),
        (lambda r: YieldIndex(RAY, 0).accrued(11 * RAY, 1), DomainError, "rate_ray"),
        (lambda r: YieldIndex(0, 0), DomainError, "value_ray 0"),
        (lambda r: coupon(-1, 0, 0, 1, 1), DomainError, "principal -1"),
        (lambda r: coupon(1, 0, 2, 1, 1), RowOrderError, "time goes back"),
        (lambda r: coupon(1, 0, 0, 1, 0), DomainError, "period_ns 0"),
        (lambda r: projected(1, RAY, YEAR_NS, haircut_ray=-1), DomainError, "haircut_ray -1"),
        (lambda r: owned(-1, RAY), DomainError, "shares -1"),
        (lambda r: owed(1, 0), DomainError, "index_ray 0"),
        (lambda r: settle_yield(math.nan, 0, {}), DomainError, "yield_quanta nan"),
        (lambda r: settle_yield(0, 0, {"tip": 1}), DomainError, "'tip' is not"),
        (lambda r: settle_yield(0, 0, {"funding": -1}), DomainError, r"dues\['funding'\] -1"),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_the_last_valid_state_stays(rate, call, error, message):
    before = rate.rate_ray, rate.time_ns, rate.snapshot_ray, rate.snapshot_ns, rate.growth_ray
    with pytest.raises(error, match=message):
        call(rate)
    assert before == (
        rate.rate_ray, rate.time_ns, rate.snapshot_ray, rate.snapshot_ns, rate.growth_ray
    )  # fmt: skip


def test_yield_pays_funding_then_interest_then_margin_calls_and_principal_last():
    s = settle_yield(100, 50, {"margin_call": 40, "interest": 30, "funding": 60})
    assert s.from_yield == {"funding": 60, "interest": 30, "margin_call": 10}
    assert s.from_principal == {"funding": 0, "interest": 0, "margin_call": 30}
    assert (s.yield_left, s.principal_left, sum(s.unpaid.values())) == (0, 20, 0)
    s = settle_yield(10, 5, {"funding": 60})
    assert (s.from_yield["funding"], s.from_principal["funding"], s.unpaid["funding"]) == (
        10,
        5,
        45,
    )
    assert settle_yield(10, 5, {}).yield_left == 10


def test_rocket_pools_rates_pass_and_rows_that_go_back_are_refused(shared):
    """1,244 rates of rETH to September 2024: 11.5 % in three years; three come late."""
    path = shared / "data" / "collateral" / "reth_protocol_rate.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines()
    rows = [[int(x, 16) for x in json.loads(line)] for line in lines]
    reports = [(eth * RAY // reth, at * 10**9) for _, _, eth, _, reth, at in rows if reth]
    first, at = reports[0]
    rate, refused = ExchangeRate(first, at, first, at, ray(0.05)), 0
    for value, now in reports[1:]:
        try:
            rate = rate.reported(value, now)
        except RowOrderError:
            refused += 1
        else:
            assert rate.rate_ray == value
    assert refused == 3
    assert rate.rate_ray / RAY == pytest.approx(1.1153, abs=1e-4)
