# SPDX-License-Identifier: Apache-2.0
"""Compiled liquidation prices against a reference that reprices all at each price, and on paper.

Source: docs/method/liquidation_price.md. The two share no code. The reference looks four times as
often, so that it may see a fall below MM that the kernel is not asked to see; where it differs the
definition decides: liquidatable at the tick, not one tick nearer, and at none of the kernel's looks
before. Numbers of a price may differ by a quantum a lot and cell, which is the slack.
"""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import margin_core as mc
from margin_core.reference import liquidation_price as reference
from properties.engines import Compiled
from properties.strategies import books, worlds
from properties.worlds import CALL, CROSS, ISOLATED, PORTFOLIO, book

kernel = pytest.importorskip("margin_core._binding._liquidation_price")

MOVES = -0.9, 3.0
STEPS, FINER = 8, 4
TICKS = 10_000 / 1.0001  # in today's price, which so is between two of them
NOW = 1_767_225_600 * 10**9


def compiled(world, accounts, unit, per_usd, held, follows):
    engine = Compiled()
    margin, risk = engine.prepare(world).handle
    n = len(accounts)
    below, above = np.zeros(n, np.int64), np.zeros(n, np.int64)
    found = np.zeros(n, np.uint8)
    sides, owners = (None, None) if held is None else (held[0].ravel(), held[1].ravel())
    kernel.liquidation_prices(
        risk, engine.snapshot(world), margin, engine.book(accounts, len(world.lot)), 0, 1, unit,
        per_usd, *MOVES, STEPS, sides, owners if owners is not None and owners.size else None,
        follows, below, above, found,
    )  # fmt: skip
    return found, (below, above)


def funded(data, world, accounts, unit):
    """The accounts with cash for more or less than their requirement; notionals and lots."""
    prepared = Compiled().prepare(world)
    lots = [{**a.positions} for a in accounts]
    for account, held in zip(accounts, lots, strict=True):
        for order in account.orders:
            held[order.instrument] = abs(held.get(order.instrument, 0)) + abs(order.lots)
    notional = [
        sum(abs(q) * int(prepared.rates["notional"][i]) for i, q in held.items()) for held in lots
    ]
    lacking = -reference.excess(world, book(accounts, len(world.lot)), unit,
                                float(world.market.index_usd[unit]))  # fmt: skip
    spare = st.sampled_from([-0.01, 0.001, 0.03, 0.1, 0.3, 3.0])
    rich = [
        replace(a, cash=a.cash + int(short) + int(data.draw(spare) * n))
        for a, short, n in zip(accounts, lacking.tolist(), notional, strict=True)
    ]
    n_lots = [sum(map(abs, held.values())) for held in lots]
    return rich, notional, n_lots


def linear(account, kind):
    """The account without its options."""
    return replace(
        account, positions={i: q for i, q in account.positions.items() if kind[i] < CALL},
        orders=tuple(o for o in account.orders if kind[o.instrument] < CALL),
    )  # fmt: skip


def test_every_price_is_where_the_reference_finds_it():
    seen = Counter()

    @given(data=st.data())
    def run(data):
        world = data.draw(worlds(max_units=3, scenario_counts=st.integers(1, 20)))
        prepared = Compiled().prepare(world)
        modes = (PORTFOLIO, CROSS, ISOLATED)
        accounts = data.draw(books(prepared, max_accounts=4, share=1000, modes=modes))
        if data.draw(st.booleans()):
            accounts = [linear(account, world.instruments.kind) for account in accounts]
        unit = data.draw(st.integers(0, world.instruments.n_units - 1))
        accounts, notional, n_lots = funded(data, world, accounts, unit)
        columns = book(accounts, len(world.lot))
        held = None
        if data.draw(st.booleans()):
            held = Compiled().exposure(prepared, accounts)
        exposures = {} if held is None else {"market": held[0], "owners": held[1]}
        own = np.array([
            any(world.instruments.unit[i] == unit for i in a.positions) for a in accounts
        ])  # fmt: skip
        follows = None
        if data.draw(st.booleans()):
            share = [data.draw(st.sampled_from([0.0, 0.1, -0.1])) for _ in accounts]
            follows = (np.array(share) * notional * own).astype(np.int64)
        exposures["follows"] = follows
        per_usd = TICKS / float(world.market.index_usd[unit])
        found, ticks = compiled(world, accounts, unit, per_usd, held, follows)

        def excess(tick):
            return reference.excess(world, columns, unit, tick / per_usd, **exposures)

        today = excess(TICKS)
        if (today < 0).all():
            assert (found == kernel.NOW).all()
            seen["now"] += len(accounts)
            return
        for side, bit in enumerate((kernel.BELOW, kernel.ABOVE)):
            expected = reference.liquidation_prices(
                world, columns, unit, ticks_per_usd=per_usd, move=MOVES[side],
                n_looks=FINER * STEPS, **exposures,
            )  # fmt: skip
            grid = reference.looks(TICKS, MOVES[side], STEPS)
            curve = np.array([excess(tick) for tick in grid])
            for a, account in enumerate(accounts):
                # A quantum a lot in the mark, each charge and the scan; rates are whole 2^-20.
                slack = 16 * n_lots[a] + 4 * (notional[a] >> 20) + 64
                a_tick = 4 * notional[a] // 10_000
                if abs(today[a]) <= slack:
                    continue
                assert bool(found[a] & kernel.NOW) == bool(today[a] < 0)
                if today[a] < 0:
                    assert found[a] == kernel.NOW and expected[a] is None
                    seen["now"] += 1
                    continue
                touches = own[a] or any(
                    world.instruments.unit[o.instrument] == unit for o in account.orders
                )
                if not touches:
                    assert found[a] == 0
                    seen["elsewhere"] += 1
                    continue
                options = any(
                    world.instruments.kind[i] >= CALL
                    for i in [*account.positions, *(o.instrument for o in account.orders)]
                )
                if not found[a] & bit:
                    assert (curve[:, a] >= -slack - a_tick).all()
                    seen["none", options] += 1
                    continue
                tick, inwards = int(ticks[side][a]), 1 if side == 0 else -1
                before = [k for k, t in enumerate(grid) if inwards * (t - tick) > 0]
                assert (curve[before, a] >= -slack - a_tick).all()
                assert excess(tick)[a] < slack
                nearer = tick + inwards
                passes = inwards * (nearer - TICKS) > 0
                assert (today if passes else excess(nearer))[a] >= -slack
                if not options and account.mode != PORTFOLIO:
                    assert expected[a] is not None
                    if abs(expected[a] - tick) > 1:  # it has come back in between
                        assert inwards * (expected[a] - tick) > 0
                        seen["seen sooner"] += 1
                    else:
                        seen["to a tick"] += 1
                seen["below" if side == 0 else "above", options] += 1
                if side == 1 and found[a] == kernel.BELOW | kernel.ABOVE:
                    seen["both", options] += 1

    run()
    for what in ("now", "elsewhere", "to a tick", ("none", False), ("none", True)):
        assert seen[what], (what, seen)
    for side in ("below", "above"):
        assert seen[side, True] and seen[side, False], seen
    assert seen["both", True], seen
    assert seen["seen sooner"] <= 0.1 * seen["to a tick"], seen


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_a_linear_account_goes_where_its_line_crosses_zero(mode):
    """(P, the price) cash + q P - q P0 + others = rate |q| P + what the others need: one root, in
    plain floats; a thousand accounts of up to four perpetuals, to a tick."""
    rng = np.random.default_rng(5)
    prices = {"BTC": 60_000.0, "ETH": 3_000.0, "SOL": 150.0, "XRP": 2.0}
    names = [f"{coin}_USDC-PERPETUAL" for coin in prices]
    quotes = {"instrument": names, "forward_usd": list(prices.values()), "step": [1e-3] * 4}
    margin = mc.Margin.of(mc.Market.from_table(quotes, now=NOW, index={**prices, "USDC": 1.0}))
    n = 1000
    p0 = np.array(list(prices.values()))
    notional = np.exp(rng.uniform(np.log(1e3), np.log(1e5), (n, 4))) * rng.choice([-1, 1], (n, 4))
    notional[:, 1:] *= rng.random((n, 3)) < 0.6
    lot = margin.risk.lot[margin.risk.instruments.index_of(names)]  # less of it would be cash
    q = np.round(notional / p0 / lot) * lot
    rate = np.array([
        margin.model.unit(coin).cross_tiers[0].mm_frac if mode == "cross"
        else margin.model.unit(coin).isolated_mm_frac for coin in prices
    ])  # fmt: skip
    rate = np.ceil(rate * 2**20) / 2**20
    u = rng.random((n, 4))
    gained = rate + np.where(q > 0, (0.99 - rate) * u**2, 6.0 * u**4)  # by what it entered at
    entry = p0 * (1.0 - np.sign(q) * gained)
    profit = (np.abs(q) * p0 * gained).sum(axis=1)
    account, at = np.nonzero(q)
    held = mc.Book.from_tables(
        {"account": account.astype(str).astype(object), "instrument": np.array(names, object)[at],
         "quantity": q[account, at], "entry_price": entry[account, at]},
        accounts={"account": np.arange(n).astype(str).astype(object), "mode": [mode] * n},
    )  # fmt: skip
    found = mc.liquidation_prices(held, margin, "BTC", market_exposure=False)
    others = profit - (np.abs(q) * p0 * rate)[:, 1:].sum(axis=1)
    root = (q[:, 0] * p0[0] - others) / (q[:, 0] - rate[0] * np.abs(q[:, 0]))
    # Notional a lot is whole quanta, rounded up, and a rate of it is required.
    quanta = np.abs(q / lot).sum(axis=1) * margin.risk.quantum
    within = 1.01 * found.tick_usd + quanta / np.abs(q[:, 0]) / (1.0 - rate[0])
    long = q[:, 0] > 0
    in_reach = (root > 0.05 * p0[0]) & (root < 5.0 * p0[0])
    for side, ours in ((long, found.below_usd), (~long, found.above_usd)):
        assert (side & in_reach).sum() > 100 and (side & ~in_reach).sum() > 10
        expected = np.where(side & in_reach, root, np.nan)
        near = np.abs(root / p0[0] - np.where(long, 0.05, 5.0)) < 1e-6
        assert (np.isnan(ours) == np.isnan(expected))[~near].all()
        off = np.abs(ours - expected)[~near & ~np.isnan(expected)]
        assert (off <= within[~near & ~np.isnan(expected)]).all()
