# SPDX-License-Identifier: Apache-2.0
"""A deposit's credit comes with its confirmations and goes with a reorganisation."""

import pytest

from margin_core import Deposit, Deposits, load_catalogue
from margin_core.collateral.deposits import Totals
from margin_core.collateral.finality import CREDIT_ONE, credit, final_after
from margin_core.errors import DomainError, RowOrderError, UnknownInstrumentError

C = load_catalogue()
AMOUNT = 10**18 + 1


def deposit(id="d", height=100, branch=0, **changes):
    base = {"account": "a", "asset": "ETH", "chain": "ethereum", "amount": AMOUNT}
    return Deposit(id=id, height=height, branch=branch, **{**base, **changes})


@pytest.fixture
def ledger():
    ledger = Deposits()
    ledger.deposit(deposit())
    return ledger


def test_nothing_counts_before_the_first_confirmation(ledger):
    assert ledger.totals() == Totals(0, AMOUNT, 0)
    ledger.head("ethereum", 99)
    assert ledger.credited("a", "ETH") == 0


def test_credit_follows_the_curve_to_the_last_quantum(ledger):
    for seen in (1, 15, 60):
        ledger.head("ethereum", 99 + seen)
        counts = AMOUNT * credit(C, "ethereum", "ETH", seen) // CREDIT_ONE
        assert ledger.totals("a", "ETH") == Totals(counts, AMOUNT - counts, 0)
    ledger.head("ethereum", 99 + final_after(C, "ethereum"))
    assert ledger.totals() == Totals(AMOUNT, 0, 0)


def test_a_late_head_changes_nothing(ledger):
    ledger.head("ethereum", 120)
    before = ledger.totals()
    ledger.head("ethereum", 110)
    assert ledger.totals() == before


def test_a_reorganisation_takes_the_credit_back_exactly(ledger):
    ledger.deposit(deposit("kept", height=90))
    ledger.head("ethereum", 120)
    assert ledger.credited("a", "ETH") > 0
    ledger.reorganise("ethereum", 95, 1)
    kept = AMOUNT * credit(C, "ethereum", "ETH", 6) // CREDIT_ONE
    assert ledger.totals() == Totals(kept, AMOUNT - kept, AMOUNT)


def test_the_last_block_before_the_fork_stays(ledger):
    ledger.head("ethereum", 120)
    ledger.reorganise("ethereum", 100, 1)
    assert ledger.credited("a", "ETH") == AMOUNT * credit(C, "ethereum", "ETH", 1) // CREDIT_ONE
    ledger.reorganise("ethereum", 99, 2)
    assert ledger.totals() == Totals(0, 0, AMOUNT)


def test_of_two_blocks_that_hold_a_transaction_the_later_branch_counts(ledger):
    ledger.reorganise("ethereum", 105, 1)
    ledger.deposit(deposit(height=107, branch=1))
    ledger.head("ethereum", 107, 1)
    assert ledger.credited("a", "ETH") == AMOUNT * credit(C, "ethereum", "ETH", 1) // CREDIT_ONE


def test_even_a_final_deposit_is_taken_back(ledger):
    ledger.head("ethereum", 10_000)
    assert ledger.credited("a", "ETH") == AMOUNT
    ledger.reorganise("ethereum", 99, 1)
    assert ledger.totals() == Totals(0, 0, AMOUNT)


def test_a_transaction_that_is_mined_again_counts_once(ledger):
    ledger.head("ethereum", 120)
    ledger.reorganise("ethereum", 95, 1)
    ledger.deposit(deposit(height=98, branch=1))
    ledger.head("ethereum", 98, 1)
    counts = AMOUNT * credit(C, "ethereum", "ETH", 1) // CREDIT_ONE
    assert ledger.totals() == Totals(counts, AMOUNT - counts, 0)


def test_a_deposit_of_a_branch_that_nobody_announced_waits(ledger):
    ledger.head("ethereum", 120)
    ledger.deposit(deposit("new", height=98, branch=1))
    assert [part for d, part in ledger.parts() if d.id == "new"] == [Totals(0, AMOUNT, 0)]


def test_chains_do_not_see_each_other(ledger):
    ledger.head("base", 10_000)
    ledger.reorganise("base", 0, 1)
    assert ledger.totals() == Totals(0, AMOUNT, 0)


REFUSED = [
    (lambda x: x.deposit(deposit("e", asset="FTT")), UnknownInstrumentError, "asset 'FTT'"),
    (lambda x: x.deposit(deposit("e", chain="terra")), UnknownInstrumentError, "chain 'terra'"),
    (lambda x: x.deposit(deposit("e", chain="base")), DomainError, "ETH is on 'ethereum'"),
    (lambda x: x.deposit(deposit("e", amount=0)), DomainError, "deposit 'e': amount 0"),
    (lambda x: x.deposit(deposit("e", amount=-5)), DomainError, "amount -5"),
    (lambda x: x.deposit(deposit("e", amount=1.5)), DomainError, "amount 1.5"),
    (lambda x: x.deposit(deposit("e", amount=True)), DomainError, "amount True"),
    (lambda x: x.deposit(deposit("e", height=-1)), DomainError, "height -1"),
    (lambda x: x.deposit(deposit(amount=2)), RowOrderError, "another has this id"),
    (lambda x: x.deposit(deposit(height=101)), RowOrderError, "another has this id"),
    (lambda x: x.deposit(deposit(account="b", branch=1)), RowOrderError, "another has this id"),
    (lambda x: x.head("terra", 1), UnknownInstrumentError, "chain 'terra'"),
    (lambda x: x.head("ethereum", -1), DomainError, "head of 'ethereum': height -1"),
    (lambda x: x.reorganise("ethereum", 99, 0), DomainError, "branch 0"),
    (lambda x: x.reorganise("ethereum", 98, 1), RowOrderError, "branch 1 begins after 97"),
]


@pytest.mark.parametrize(("event", "error", "message"), REFUSED)
def test_what_is_refused_changes_nothing(ledger, event, error, message):
    ledger.head("ethereum", 130)
    ledger.reorganise("ethereum", 97, 1)
    ledger.deposit(deposit("z", height=97))
    before = list(ledger.parts())
    with pytest.raises(error, match=message):
        event(ledger)
    assert list(ledger.parts()) == before
