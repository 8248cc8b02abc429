# SPDX-License-Identifier: Apache-2.0
"""Whatever happens in whatever order, an account is worse off only by the mark, by its own
withdrawal or liquidation, or as a candidate that was named; nobody else's state moves by a bit.

A state machine: Hypothesis chooses the next event from the state that the ledger is in. Source:
docs/method/clearing.md.
"""

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import margin_core as mc
from margin_core.errors import MarginCoreError, RowOrderError

N = 5
account = st.integers(0, N - 1)
size = st.one_of(st.integers(0, 40), st.integers(0, 2**40))
waterfalls = st.builds(
    mc.Waterfall,
    insurance_limit=st.one_of(st.just(0), st.integers(1, 2**40)),
    adl=st.sampled_from(["pro_rata", "ranked", "none"]),
    socialises=st.booleans(),
    fee_to_fund=st.booleans(),
)


class Clearing(RuleBasedStateMachine):
    @initialize(waterfall=waterfalls, fund=size)
    def open_ledger(self, waterfall, fund):
        self.ledger = mc.Ledger([0] * N, insurance=fund, waterfall=waterfall)
        self.log = []  # what was applied, with its candidates and receipt

    def do(self, kind, parties=(), candidates=(), **what):
        """Apply one event; nobody but its parties and candidates may move."""
        event = self.ledger.events(kind, count=len(candidates), **what)
        cash, pnl, before = self.ledger.cash.copy(), self.ledger.pnl.copy(), self.ledger.copy()
        try:
            done = self.ledger.apply(event, candidates)
        except MarginCoreError:
            done = None
            assert (self.ledger.insurance, self.ledger.fees, self.ledger.deficit) == (
                before.insurance, before.fees, before.deficit)  # fmt: skip
        may_move = np.zeros(N, bool)
        if done is not None:
            may_move[[*parties, *candidates]] = True
            self.log.append((event, candidates, done.receipts))
        moved = (self.ledger.cash != cash) | (self.ledger.pnl != pnl)
        assert not (moved & ~may_move).any()
        return done, self.ledger.cash + self.ledger.pnl - cash - pnl

    @rule(who=account, amount=size)
    def pay_in(self, who, amount):
        self.do("deposit", [who], account=who, amount=amount)

    @rule(amount=size)
    def fill_the_fund(self, amount):
        self.do("deposit", account=-1, amount=amount)

    @rule(who=account)
    def withdraw_everything(self, who):
        """Never more than the account is worth, and nothing while anybody's loss is open."""
        there = int(self.ledger.cash[who] + min(self.ledger.pnl[who], 0))
        assert self.do("deposit", [who], account=who, amount=-max(there, 0) - 1)[0] is None
        if there > 0:
            done, _ = self.do("deposit", [who], account=who, amount=-there)
            assert (done is None) == (self.ledger.deficit > 0)

    @rule(loser=account, winner=account, amount=size)
    def the_mark_moves(self, loser, winner, amount):
        self.do("variation", [loser, winner], account=loser, counterparty=winner, amount=amount)

    @rule(who=account, buyer=account, cost=size, fee=size)
    def close_an_account(self, who, buyer, cost, fee):
        gain, open_before = int(self.ledger.pnl[who]), self.ledger.deficit
        done, change = self.do("liquidation", [who, buyer], account=who, counterparty=buyer,
                               amount=cost, pnl=gain, fee=fee)  # fmt: skip
        if done is not None:
            assert change[buyer] >= 0 or buyer == who
            assert self.ledger.pnl[who] == 0
            assert self.ledger.deficit >= open_before
            if self.ledger.deficit > open_before:
                assert self.ledger.cash[who] == 0, "he pays before anybody else"

    @rule(who=account, share=st.integers(2, 9), fee=size)
    def close_a_part(self, who, share, fee):
        """Pays for itself: no part of an account leaves a deficit."""
        open_before = self.ledger.deficit
        part = int(self.ledger.pnl[who]) // share
        whole = part == self.ledger.pnl[who]
        self.do("liquidation", [who], account=who, pnl=part, fee=fee)
        assert whole or self.ledger.deficit == open_before

    @rule()
    def the_fund_pays(self):
        self.do("insurance")

    @rule(kind=st.sampled_from(["adl", "socialised"]), named=st.lists(account, max_size=2 * N))
    def the_others_pay(self, kind, named):
        ranked = kind == "adl" and self.ledger.waterfall.adl == "ranked"
        candidates = named if ranked else sorted(set(named))
        gains, worth = self.ledger.pnl.copy(), self.ledger.cash + self.ledger.pnl
        deficit, fund = self.ledger.deficit, self.ledger.insurance
        done, change = self.do(kind, (), candidates)
        if done is None:
            return
        claim = np.maximum(gains if kind == "adl" else worth, 0)
        there = int(claim[sorted(set(candidates))].sum())
        assert (-change <= claim).all() and (change <= 0).all()
        assert -change.sum() == min(deficit, there) == deficit - self.ledger.deficit
        assert self.ledger.insurance == fund

    @rule(which=st.integers(0, 10**6))
    def an_event_comes_again(self, which):
        if self.log:
            event, candidates, receipt = self.log[which % len(self.log)]
            cash, pnl = self.ledger.cash.copy(), self.ledger.pnl.copy()
            again = self.ledger.apply(event, candidates)
            assert (again.receipts == receipt).all() and not again.haircuts.any()
            assert (self.ledger.cash == cash).all() and (self.ledger.pnl == pnl).all()
            other = event.copy()
            other["fee"] += 1
            try:
                self.ledger.apply(other, candidates)
            except RowOrderError:
                return
            raise AssertionError("another event was taken under an old number")

    @invariant()
    def nothing_is_lost_and_everybody_is_solvent(self):
        it = self.ledger
        assert it.residual == 0
        assert min(*it.cash.tolist(), it.insurance, it.fees, it.deficit) >= 0


Clearing.TestCase.settings = settings(stateful_step_count=40)
TestClearing = Clearing.TestCase
