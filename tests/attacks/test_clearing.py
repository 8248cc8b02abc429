# SPDX-License-Identifier: Apache-2.0
"""Attacks on who pays: winners that split, hide or leave before ADL; squeezes of a thin coin."""

import numpy as np
import pytest

import margin_core as mc
from attacks.conftest import drawn
from margin_core.errors import RowOrderError

ATTACKERS = 200  #: in one ledger, each a variant: they are cut by the same deficit


def test_adl_takes_the_same_from_parts_as_from_the_whole(chance):
    """Class 19: a winner in two to eight accounts, side by side or anywhere, with principal moved
    between them as he likes. Side by side he pays the same quantum; elsewhere each part is within
    one of its share; what lies in cash, that is, leverage, is no part of it."""
    for _ in range(drawn(20_000) // ATTACKERS):
        pnl = chance.integers(1, 10 ** int(chance.integers(1, 13)), ATTACKERS)
        parts = chance.integers(2, 9, ATTACKERS)
        owner = np.repeat(np.arange(ATTACKERS), parts)
        inner = np.array([np.sort(chance.integers(0, g + 1, k - 1)) for g, k in
                          zip(pnl, parts, strict=True)], dtype=object)  # fmt: skip
        split = np.concatenate([np.diff([0, *cuts, g])
                                for cuts, g in zip(inner, pnl.tolist(), strict=True)])  # fmt: skip
        deficit = int(chance.integers(1, int(pnl.sum()) + 1))
        whole = haircuts(pnl, deficit, chance)
        beside = np.bincount(owner, haircuts(split, deficit, chance)).astype(np.int64)
        assert whole.sum() == deficit and (beside == whole).all()
        mixed = chance.permutation(len(split))
        apart = np.zeros(len(split), np.int64)
        apart[mixed] = haircuts(split[mixed], deficit, chance)
        total = int(pnl.sum())
        exact = [deficit * int(g) for g in split]
        assert all(abs(int(h) * total - e) < total for h, e in zip(apart, exact, strict=True))
        assert (np.abs(np.bincount(owner, apart) - whole) <= parts).all()


def haircuts(pnl, deficit, chance):
    """What ADL takes of each, whatever they hold in cash besides."""
    rules = mc.Waterfall(insurance_limit=0, socialises=False)
    cash = chance.integers(0, 10**12, len(pnl))
    ledger = mc.Ledger(cash, pnl, deficit=deficit, waterfall=rules, journal=8)
    done = ledger.cover(np.arange(len(pnl)))
    assert (ledger.cash == cash).all() and (ledger.pnl >= 0).all() and ledger.residual == 0
    return done.haircuts


def test_legs_in_accounts_of_their_own_are_cut_no_less(chance):
    """Class 19: gains here and losses there, so that the gains look like somebody else's; together
    only the difference is cut."""
    for _ in range(drawn(20_000) // ATTACKERS):
        gain = chance.integers(1, 10**9, ATTACKERS)
        loss = (gain * chance.random(ATTACKERS)).astype(np.int64)
        net = gain - loss
        deficit = int(chance.integers(1, int(net.sum()) + 1))
        # Others keep what they have; one attacker at a time would pay more for his legs.
        one = int(chance.integers(ATTACKERS))
        legs = net.copy()
        legs[one] = gain[one]
        apart = np.append(legs, -loss[one])
        together = haircuts(net, deficit, chance)
        rules = mc.Waterfall(insurance_limit=0, socialises=False)
        ledger = mc.Ledger(np.append(np.zeros(ATTACKERS, np.int64), loss[one]), apart,
                           deficit=deficit, waterfall=rules, journal=8)  # fmt: skip
        taken = ledger.cover(np.arange(ATTACKERS)).haircuts
        assert taken[one] >= together[one] - 1 and taken.sum() == deficit


def test_a_winner_does_not_leave_before_he_is_cut(chance):
    """Class 19: once a loss is open he realises, withdraws or hands on what he has made, before the
    call that cuts him. The ledger refuses the first two, and follows the third."""
    for _ in range(drawn(2_000)):
        gain = int(chance.integers(1, 10**12))
        cash = int(chance.integers(0, 10**9))
        short = int(chance.integers(1, gain + 1))
        rules = mc.Waterfall(insurance_limit=0, socialises=False)
        ledger = mc.Ledger([cash, 0, 0], [gain, -short, 0], journal=8, waterfall=rules)
        ledger.liquidate([1])
        assert ledger.deficit == short
        with pytest.raises(RowOrderError):
            ledger.liquidate([0])
        part = int(chance.integers(1, gain + 1))
        with pytest.raises(RowOrderError):
            ledger.apply(ledger.events("liquidation", account=0, pnl=part))
        with pytest.raises(mc.errors.DomainError):
            ledger.apply(ledger.events("deposit", account=0, amount=-1))
        ledger.apply(ledger.events("variation", account=0, counterparty=2, amount=part))
        ledger.cover([0, 2])
        assert ledger.deficit == 0 and ledger.pnl.sum() == gain - short
        assert ledger.cash.tolist() == [cash, 0, 0] and ledger.residual == 0


def test_a_squeeze_is_paid_by_those_whom_it_made_rich(chance):
    """Class 24: a thin coin rises by half to five times in one step, past every order. Shorts lose
    more than they have, longs gain what they lose. The fund pays its limit, the coin's longs the
    rest, and nobody who does not trade the coin a quantum."""
    for _ in range(drawn(2_000)):
        shorts, longs, others = (int(k) for k in chance.integers(1, 12, 3))
        price, rise = 10**7, float(chance.uniform(0.5, 4.0))
        size = chance.integers(1, 10**5, shorts)
        lost = -(size * int(price * rise))
        held = (size * price * chance.uniform(0.1, 1.5, shorts)).astype(np.int64)
        share = np.sort(chance.integers(0, int(size.sum()) + 1, longs - 1))
        gained = np.diff([0, *share.tolist(), int(size.sum())]) * int(price * rise)
        limit = int(chance.integers(0, int(size.sum()) * price))
        fund = int(chance.integers(0, 10**13))
        bystander = np.stack([chance.integers(0, 10**12, others),
                              chance.integers(-(10**6), 10**12, others)])  # fmt: skip
        ledger = mc.Ledger(
            np.concatenate([held, np.zeros(longs, np.int64), bystander[0] + 10**6]),
            np.concatenate([lost, gained, bystander[1]]), insurance=fund,
            waterfall=mc.Waterfall(insurance_limit=limit), journal=64,
        )  # fmt: skip
        worth = ledger.cash + ledger.pnl
        bad = int(np.maximum(-worth[:shorts], 0).sum())
        ledger.liquidate(np.arange(shorts))
        assert ledger.deficit == bad
        ledger.cover(np.arange(shorts, shorts + longs), [])
        assert ledger.deficit == 0, "longs have gained all that shorts have lost"
        assert fund - ledger.insurance == min(bad, fund, limit)
        after = ledger.cash + ledger.pnl
        assert (after[shorts + longs :] == worth[shorts + longs :]).all(), "the ring"
        assert (ledger.pnl[shorts : shorts + longs] >= 0).all()
        assert worth[shorts:].sum() - after[shorts:].sum() == bad - min(bad, fund, limit)
        assert ledger.residual == 0
