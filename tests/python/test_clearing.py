# SPDX-License-Identifier: Apache-2.0
"""The clearing ledger as a user meets it: every layer, every refusal, nothing lost."""

import numpy as np
import pytest

import margin_core as mc
from margin_core import errors
from margin_core.clearing import EVENT


def ledger(**rules):
    """Account 0 has lost 1,000 to the others and holds 100; the fund holds 50."""
    return mc.Ledger([100, 7, 0, 0], [-1000, 333, 600, 67], insurance=50,
                     waterfall=mc.Waterfall(**rules))  # fmt: skip


def standing(it):
    return it.cash.tolist(), it.pnl.tolist(), it.insurance, it.fees, it.deficit, it.last_id


def test_a_loss_runs_down_the_waterfall():
    it = ledger()
    assert it.liquidate([0], fee=20).receipts["collateral"].tolist() == [100]
    assert (it.deficit, it.residual) == (900, 0)
    done = it.cover([1, 2, 3])
    assert done.receipts["covered"].tolist() == [50, 850, 0]
    assert done.haircuts.tolist() == [283, 510, 57, 0, 0, 0, 0]
    assert (it.insurance, it.deficit, it.residual) == (0, 0, 0)


def test_what_adl_cannot_pay_is_shared_by_equity_and_the_rest_stays():
    it = ledger()
    it.liquidate([0])
    done = it.cover([3])
    assert done.receipts["covered"].tolist() == [50, 67, 783]
    assert done.haircuts[0] == 67 and done.haircuts[1:].tolist() == [0, 283, 500, 0]
    it = ledger(adl="none", socialises=False)
    it.liquidate([0])
    assert it.cover().receipts["covered"].tolist() == [50]
    assert (it.deficit, it.residual) == (850, 0)


def test_a_queue_is_cut_in_its_order():
    it = ledger(adl="ranked")
    it.liquidate([0])
    queue = 1 + mc.adl_queue([333, 600, 67], [100, 4000, 10], [433, 4600, 77], [340, 600, 67])
    assert queue.tolist() == [3, 1, 2]
    assert it.cover(queue).haircuts[:3].tolist() == [67, 333, 450]


def test_a_fee_goes_where_the_waterfall_says():
    for to_fund in (True, False):
        it = mc.Ledger([100, 0], insurance=1, waterfall=mc.Waterfall(fee_to_fund=to_fund))
        it.liquidate([0], counterparty=1, cost=30, fee=8)
        assert it.cash.tolist() == [62, 30]
        assert (it.insurance, it.fees) == ((9, 0) if to_fund else (1, 8))


def test_redelivered_and_reordered_events_lose_nothing():
    it = ledger()
    log = it.events(["liquidation", "insurance", "adl", "socialised"], account=[0, 0, 0, 0],
                    pnl=[-1000, 0, 0, 0], count=[0, 0, 3, 3])  # fmt: skip
    first = it.apply(log, [1, 2, 3])
    after = standing(it)
    again = it.apply(log, [1, 2, 3])
    assert standing(it) == after
    assert (again.receipts == first.receipts).all() and not again.haircuts.any()

    it = ledger()
    with pytest.raises(errors.RowOrderError, match="event 2 comes after event 0") as caught:
        it.apply(log[[1, 0, 2, 3]], [1, 2, 3])
    assert caught.value.row == 0
    with pytest.raises(errors.RowOrderError, match="event 3 comes after event 1") as caught:
        it.apply(log[[0, 2, 1, 3]], [1, 2, 3])
    assert caught.value.row == 1
    it.apply(log, [1, 2, 3])
    assert standing(it) == after


def test_a_repetition_with_other_candidates_is_refused():
    it = ledger()
    it.liquidate([0])
    log = it.events(["insurance", "adl"], count=[0, 2])
    it.apply(log, [1, 2])
    with pytest.raises(errors.RowOrderError, match="other contents"):
        it.apply(log, [1, 3])


def test_a_copy_goes_its_own_way():
    it = ledger()
    it.liquidate([0])
    other = it.copy()
    other.cover([1, 2, 3])
    assert (it.deficit, other.deficit) == (900, 0)
    it.cover([1, 2, 3])
    assert standing(it) == standing(other)


def test_withdrawals_wait_for_the_deficit():
    it = ledger()
    it.liquidate([0])
    with pytest.raises(errors.DomainError, match="deficit is open"):
        it.apply(it.events("deposit", account=1, amount=-7))
    it.cover([1, 2, 3])
    it.apply(it.events("deposit", account=1, amount=-7))
    assert it.cash[1] == 0 and it.residual == 0


def test_columns_are_read_only():
    it = ledger()
    with pytest.raises(ValueError, match="read-only"):
        it.cash[0] = 5


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: mc.Ledger([1.5]), errors.ArgumentError, "cash must be whole numbers"),
        (lambda: mc.Ledger([True]), errors.ArgumentError, "cash must be whole numbers"),
        (lambda: mc.Ledger([[1]]), errors.ArgumentError, "one column"),
        (lambda: mc.Ledger([2**70]), errors.ArgumentError, "whole numbers of 64 bits"),
        (lambda: mc.Ledger([1, 2], [0]), errors.ArgumentError, "1 entries for 2 accounts"),
        (lambda: mc.Ledger([-1]), errors.DomainError, "account 0 has cash -1"),
        (lambda: mc.Ledger([0, 1], [0, -(2**62)]), errors.DomainError, "adds up to"),
        (lambda: mc.Ledger([1], insurance=-1), errors.DomainError, "insurance is -1"),
        (lambda: mc.Ledger([1], insurance=1.0), errors.ArgumentError, "insurance must be a whole"),
        (lambda: mc.Ledger([1], journal=0), errors.ArgumentError, "at least one receipt"),
        (lambda: mc.Waterfall(adl="some"), errors.ArgumentError, "adl is 'some'"),
        (lambda: mc.Ledger([1], waterfall=mc.Waterfall(insurance_limit=-1)), errors.DomainError,
         "insurance_limit is -1"),
        (lambda: ledger().events("gift"), errors.ArgumentError, "no 'gift'"),
        (lambda: ledger().events("deposit", colour=1), errors.ArgumentError, "no colour"),
        (lambda: ledger().events("deposit", id=1), errors.ArgumentError, "no id"),
        (lambda: ledger().events("adl", count=-1), errors.ArgumentError, "count is below 0"),
        (lambda: ledger().events("deposit", account=[0, 1], amount=[1, 2, 3]),
         errors.ArgumentError, "differ in length"),
        (lambda: ledger().apply(np.zeros(1)), errors.ArgumentError, "array of EVENT"),
        (lambda: ledger().apply(np.zeros((1, 1), EVENT)), errors.ArgumentError, "array of EVENT"),
        (lambda: ledger().liquidate([4]), errors.ArgumentError, "accounts are 0 to 3"),
        (lambda: ledger().liquidate([0, 0]), errors.DomainError, "event 2 .* does not have"),
        (lambda: ledger().liquidate([0], counterparty=9, cost=1), errors.UnknownInstrumentError,
         "account 9 of 4"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_an_empty_call_does_nothing():
    it = ledger()
    before = standing(it)
    it.liquidate([])
    it.apply(np.zeros(0, EVENT))
    assert standing(it) == before
    assert mc.Ledger([]).residual == 0


def test_the_queues_of_venues():
    pnl, entry, notional, equity = (
        [10, -5, 10, 1],
        [100, 100, 50, 1],
        [110, 95, 60, 2],
        [11, 9, 60, 0],
    )
    assert mc.adl_queue(pnl, entry, notional, equity).tolist() == [3, 0, 2]
    steady = mc.adl_queue([1, 1], [10, 20], [30, 20], [10, 10], "hyperliquid")
    assert steady.tolist() == [0, 1]
    with pytest.raises(errors.DomainError, match="row 1") as caught:
        mc.adl_queue([1, 1], [10, 0], [30, 20], [10, 10])
    assert caught.value.row == 1
    with pytest.raises(errors.ArgumentError, match="rule is"):
        mc.adl_queue([1], [10], [30], [10], "luck")
    with pytest.raises(errors.ArgumentError, match="one length"):
        mc.adl_queue([1], [10], [30], [10, 2])
