# SPDX-License-Identifier: Apache-2.0
"""Rounding favours the venue; a capped rate stays in its bounds; settled yield is conserved."""

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from margin_core import ExchangeRate, YieldIndex, settle_yield
from margin_core.collateral.yields import RAY, YEAR_NS, owed, owned, shares
from margin_core.errors import DomainError, RowOrderError

rates = st.integers(0, 10 * RAY)
steps = st.lists(st.tuples(rates, st.integers(0, YEAR_NS)), max_size=6)
amounts = st.integers(0, 10**30)


@given(steps)
def test_an_index_is_at_most_what_exact_growth_gives_and_a_debts_at_least(path):
    claim = debt = YieldIndex(RAY, 0)
    exact, now = Fraction(1), 0
    for rate, wait in path:
        now += wait
        claim, debt = claim.accrued(rate, now), debt.accrued(rate, now, debt=True)
        exact *= 1 + Fraction(rate * wait, RAY * YEAR_NS)
        assert claim.value_ray <= exact * RAY <= debt.value_ray


@given(amounts, st.integers(1, 10**6 * RAY))
def test_a_deposit_taken_out_at_once_gives_no_more_than_went_in(amount, index):
    assert owned(shares(amount, index), index) <= amount
    assert owed(shares(amount, index) + 1, index) >= amount


@given(st.lists(st.tuples(st.integers(1, 10 * RAY), st.integers(0, YEAR_NS), st.booleans())))
def test_a_rate_never_falls_without_a_loss_nor_grows_beyond_its_cap(reports):
    rate = ExchangeRate(RAY, 0, RAY, 0, RAY // 20)
    now = 0
    for reported, wait, loss in reports:
        now += wait
        after = rate.reported(reported, now, loss_confirmed=loss)
        assert after.rate_ray <= rate.cap_ray(now)
        assert after.rate_ray >= rate.rate_ray or (loss and after.rate_ray == reported)
        assert after.cap_ray(now) >= after.rate_ray
        rate = after


@given(st.integers(-RAY, 3 * RAY), st.integers(-10, YEAR_NS + 10), rates, st.integers(0, RAY))
def test_a_cap_moves_as_a_whole_or_not_at_all(snapshot, time_ns, growth, limit):
    rate = ExchangeRate(RAY, YEAR_NS, RAY, 0, RAY // 20)
    try:
        after = rate.rebased(snapshot, time_ns, growth, max_change_ray=limit)
    except (DomainError, RowOrderError):
        return
    assert (after.snapshot_ray, after.snapshot_ns, after.growth_ray) == (snapshot, time_ns, growth)
    assert (after.rate_ray, after.time_ns) == (rate.rate_ray, rate.time_ns)
    assert snapshot + snapshot * growth * (YEAR_NS - time_ns) // (RAY * YEAR_NS) >= rate.rate_ray


@given(amounts, amounts, st.dictionaries(st.sampled_from(["funding", "interest", "margin_call"]),
                                         amounts))  # fmt: skip
def test_what_is_settled_is_conserved_and_principal_is_touched_last(earned, principal, dues):
    s = settle_yield(earned, principal, dues)
    for name in s.unpaid:
        assert s.from_yield[name] + s.from_principal[name] + s.unpaid[name] == dues.get(name, 0)
    assert sum(s.from_yield.values()) + s.yield_left == earned
    assert sum(s.from_principal.values()) + s.principal_left == principal
    assert s.principal_left == principal or s.yield_left == 0
