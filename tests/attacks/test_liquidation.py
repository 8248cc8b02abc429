# SPDX-License-Identifier: Apache-2.0
"""Attacks on liquidation: floods of dust, remainders that round to nothing, self-liquidation."""

import numpy as np
import pytest

import margin_core as mc
from attacks.conftest import VARIANTS, drawn
from attacks.feeds import START
from margin_core.book import MODES, PackedBook
from margin_core.liquidation import OUTCOMES

ROUNDS = 96  #: choices of a trade in one account's plan, at most: plan.c
COINS = {"BTC": 60_000.0, "ETH": 3_000.0, "XYZ": 10.0}
RESTORED, BACKSTOP = OUTCOMES.index("restored"), OUTCOMES.index("backstop")


@pytest.fixture(scope="module")
def margin():
    names, forward, vol = [], [], []
    for coin, price in COINS.items():
        names += [f"{coin}_USDC-PERPETUAL", f"{coin}_USDC-27MAR26"]
        forward += [price, price * 1.01]
        vol += [None, None]
    for strike in (50_000, 60_000, 70_000):
        for kind in "CP":
            names.append(f"BTC_USDC-27MAR26-{strike}-{kind}")
            forward.append(COINS["BTC"] * 1.01)
            vol.append(0.6)
    quotes = {"instrument": names, "forward_usd": forward, "vol": vol}
    return mc.Margin.of(mc.Market.from_table(quotes, now=START, index={**COINS, "USDC": 1.0}))


def contracts(margin):
    """Rows that are traded: those with an expiry, and perpetuals."""
    return np.flatnonzero(margin.risk.instruments.kind != mc.Kind.SPOT)


def packed(margin, held, mode, cash=None):
    """Accounts from a dense table of lots, (n, n_instruments)."""
    n = len(held)
    account, row = np.nonzero(held)
    return PackedBook.of(
        held.shape[1], accounts=np.arange(n).astype(str).astype(object),
        offset=np.searchsorted(account, np.arange(n + 1)).astype(np.int64),
        row=row.astype(np.int32), lots=held[account, row].astype(np.float64),
        cash=np.zeros(n, np.int64) if cash is None else cash.astype(np.int64),
        mode=mode.astype(np.uint8), parent=np.full(n, -1), owner_row=np.full(n, -1, np.int32),
        n_owners=0, order_offset=None, order_row=None, order_lots=None, order_limit=None,
    )  # fmt: skip


def with_health(margin, held, mode, share):
    """The same accounts with cash for so much of their MM."""
    standing = mc.sweep(packed(margin, held, mode), margin, market_exposure=False)
    equity, mm = standing.quanta["equity"], standing.quanta["mm"]
    return packed(margin, held, mode, np.floor(mm * share).astype(np.int64) - equity)


def dust(chance, margin, n, most=3, rows=3):
    """Accounts of a few lots in a few contracts."""
    at = contracts(margin)
    held = np.zeros((n, len(margin.risk.lot)))
    for _ in range(rows):
        lots = chance.integers(1, most + 1, n) * chance.choice([-1, 1], n)
        held[np.arange(n), chance.choice(at, n)] = lots
    return held


def moved(plans, name):
    owner = np.repeat(np.arange(len(plans)), plans.plans["count"].astype(np.int64))
    total = np.zeros(len(plans), np.int64)
    np.add.at(total, owner, plans.trades[name])
    return total


def test_a_flood_of_dust_costs_little_and_keeps_nobody_waiting(chance, margin):
    """Class 16: dust accounts by the thousand, as ill as may be, and one with every contract there
    is. Each costs a bounded search; the worst is first; who stands behind changes nothing."""
    held = dust(chance, margin, VARIANTS)
    at = contracts(margin)
    whale = int(chance.integers(VARIANTS))
    held[whale, at] = chance.integers(1_000, 100_000, len(at)) * chance.choice([-1, 1], len(at))
    mode = chance.integers(0, len(MODES), VARIANTS)
    share = chance.uniform(0.05, 1.0, VARIANTS)
    book = with_health(margin, held, mode, share)
    standing = mc.sweep(book, margin, market_exposure=False)
    depth = mc.Depth.square_root(margin, 1e6, 0.003, half_spread_frac=1e-4)
    alone = depth.copy()
    plans = mc.plan(book, margin, depth, standing=standing, market_exposure=False)
    p = plans.plans
    equity, mm = standing.quanta["equity"], standing.quanta["mm"]
    assert set(p["account"].tolist()) == set(np.flatnonzero(equity < mm).tolist())
    assert whale in p["account"]
    health = [(int(e), int(m)) for e, m in zip(p["equity"], p["mm"], strict=True)]
    pairs = zip(health, health[1:], strict=False)
    assert all(a[0] * b[1] <= b[0] * a[1] for a, b in pairs), "the worst first, exactly"
    assert (p["rounds"] <= ROUNDS).all(), "so much of a search and no more"
    assert (p["count"] <= np.diff(book.offset)[p["account"]]).all()
    assert (depth.taken <= np.abs(held).sum(axis=0).repeat(2)).all()
    place = int(np.flatnonzero(p["account"] == whale)[0])
    ahead = mc.plan(book, margin, alone, p["account"][: place + 1], market_exposure=False)
    assert ahead.plans.tobytes() == p[: place + 1].tobytes(), "nobody behind it counts"


def test_nothing_is_too_small_to_be_liquidated(chance, margin):
    """Class 17: one to five lots, against ladders of a lot or a few, a budget that rounds to none
    and depth that comes back slowly. Nobody waits for ever: each is restored, closed, or its losses
    are the waterfall's, and what is closed is whole lots of what was held."""
    for _ in range(drawn(400) // 20):
        held = dust(chance, margin, 20, most=5, rows=2)
        mode = chance.integers(0, len(MODES), 20)
        book = with_health(margin, held, mode, chance.uniform(0.2, 0.99, 20))
        n_sides = 2 * len(margin.risk.lot)
        levels = chance.integers(1, 4, n_sides)
        levels[np.repeat(margin.risk.instruments.kind == mc.Kind.SPOT, 2)] = 0
        offset = np.concatenate([[0], np.cumsum(levels)])
        each = chance.integers(1, 4, offset[-1]).astype(np.float64)
        notional = np.repeat(margin.risk.column("notional"), 2)
        cost = np.concatenate([np.sort(np.floor(chance.uniform(0, 0.01, k) * notional[s]))
                               for s, k in enumerate(levels)])  # fmt: skip
        depth = mc.Depth(margin, offset, each, cost)
        made = list(mc.work_off(
            book, margin, depth, interval_s=1.0, half_life_s=float(chance.uniform(0.1, 30.0)),
            intervals=2_000, share=0.25, least=float(chance.uniform(1e-6, 0.02)),
            market_exposure=False,
        ))  # fmt: skip
        assert made[-1].counts()["waits"] == 0, "somebody waits for ever"
        after = made[-1].after()
        left = np.zeros_like(held)
        owner = np.repeat(np.arange(20), np.diff(after.offset))
        left[owner, after.row] = after.lots
        asset = margin.risk.instruments.kind == mc.Kind.SPOT
        assert (np.abs(left) <= np.abs(held))[:, ~asset].all()
        assert (left * held >= 0)[:, ~asset].all(), "no side is changed"


def test_a_proportional_plan_of_a_few_lots_is_made_too(chance, margin):
    """Class 17: under a rule that closes every contract in one proportion, and a 64th of what there
    is, less than a lot."""
    n = drawn(2_000)
    held = dust(chance, margin, n, most=60, rows=2)
    mode = np.full(n, MODES.index("cross"))
    book = with_health(margin, held, mode, chance.uniform(0.3, 0.99, n))
    depth = mc.Depth.square_root(margin, 1e11, 0.0)
    plans = mc.plan(book, margin, depth, np.arange(n), proportional=True, market_exposure=False)
    assert (plans.plans["outcome"] == RESTORED).all()


def test_who_liquidates_himself_gains_nothing(chance, margin):
    """Class 18: all that closing gives up goes to his other account, the fund gets the fee. Whole
    or lot by lot, what his two accounts are worth falls by the fee and by nothing less."""
    n = VARIANTS
    held = dust(chance, margin, n, most=2_000, rows=2)
    mode = chance.integers(0, len(MODES), n)
    book = with_health(margin, held, mode, chance.uniform(0.01, 0.99, n))
    depth = mc.Depth.square_root(margin, float(np.exp(chance.uniform(10, 18))), 0.01,
                                 half_spread_frac=1e-3)  # fmt: skip
    fee_frac = float(chance.choice([1e-6, 1e-4, 5e-3]))
    plans = mc.plan(book, margin, depth, np.arange(n), fee_frac=fee_frac, market_exposure=False)
    p, cost, fee = plans.plans, moved(plans, "cost"), moved(plans, "fee")
    assert (p["outcome"] == RESTORED).any() and (p["outcome"] == BACKSTOP).any()
    assert (cost >= 0).all() and (fee[p["count"] > 0] > 0).all()
    assert (p["equity_after"] == p["equity"] - cost - fee).all(), "no quantum comes from rounding"
    assert (cost + fee <= np.maximum(p["equity"], 0)).all(), "never more than he has: no deficit"
    cash = np.concatenate([np.maximum(p["equity"], 0), np.zeros(n, np.int64)])
    ledger = mc.Ledger(cash, insurance=1, waterfall=mc.Waterfall(socialises=False))
    ledger.liquidate(np.arange(n), counterparty=np.arange(n) + n, cost=cost, fee=fee)
    his = ledger.cash[:n] + ledger.cash[n:]
    assert (his == cash[:n] - fee).all() and ledger.deficit == 0 and ledger.residual == 0
    assert ledger.insurance == 1 + fee.sum()


def test_slices_of_a_lot_pay_no_less_than_the_whole(chance, margin):
    """Class 18: one position as it is, and dealt to accounts of a lot each, through one depth."""
    row = int(margin.risk.instruments.index_of(["XYZ_USDC-PERPETUAL"])[0])
    compared = 0
    for _ in range(drawn(100)):
        lots = int(chance.integers(2, 60))
        side = int(chance.choice([-1, 1]))
        whole = np.zeros((1, len(margin.risk.lot)))
        whole[0, row] = side * lots
        slices = np.zeros((lots, len(margin.risk.lot)))
        slices[:, row] = side
        share, paid = float(chance.uniform(0.3, 0.9)), []
        offered, base = float(chance.integers(1, 30)), float(chance.integers(0, 30_000))
        fee_frac = float(chance.uniform(1e-6, 0.01))
        for held in (whole, slices):
            mode = np.full(len(held), MODES.index("cross"))
            book = with_health(margin, held, mode, share)
            depth = one_ladder(margin, row, offered, base)
            plans = mc.plan(book, margin, depth, fee_frac=fee_frac, buffer_frac=1.0,
                            market_exposure=False)  # fmt: skip
            if not (plans.plans["outcome"] == RESTORED).all():
                break  # what no trade helps is not sold: nothing to compare
            closed = np.abs(plans.trades["lots"]).sum()
            paid.append((closed, moved(plans, "cost").sum(), moved(plans, "fee").sum()))
        if len(paid) < 2:
            continue
        compared += 1
        assert paid[1][0] >= paid[0][0], "a slice is closed whole where a part would do"
        assert paid[1][1] >= paid[0][1] and paid[1][2] >= paid[0][2]
    assert compared > 20


def one_ladder(margin, row, offered, cost):
    """Three levels on either side of one instrument, each dearer than the last."""
    n_sides = 2 * len(margin.risk.lot)
    offset = np.zeros(n_sides + 1, np.int64)
    offset[2 * row + 1 :] += 3
    offset[2 * row + 2 :] += 3
    lots = np.tile([offered, offered, 1e4], 2)
    return mc.Depth(margin, offset, lots, np.tile([cost, 2 * cost, 3 * cost], 2))
