# SPDX-License-Identifier: Apache-2.0
"""Attacks on what lies behind collateral: blocks, rates, caps and backing."""

import numpy as np
import pytest

import margin_core as mc
from attacks.conftest import VARIANTS, drawn
from margin_core.collateral.caps import DAY_NS, cap_at, in_force
from margin_core.collateral.deposits import Totals
from margin_core.collateral.finality import CREDIT_ONE, credit
from margin_core.collateral.redemption import mark_asset
from margin_core.collateral.yields import RAY, YEAR_NS
from margin_core.errors import DomainError, RowOrderError

C = mc.load_catalogue()
LISTED = [s for s, a in C.assets.items() if a.cap_usd > 0.0]
CHAINS = sorted({a.chain for a in C.assets.values()})


def chain_history(chance, chain):
    """Events of a chain that is reorganised up to three times, and the blocks that it ends with.

    The ends are {deposit: (amount, height)} of the transfers in the last chain; attackers' are
    not mined again, others' mostly are.
    """
    asset = chance.choice([s for s, a in C.assets.items() if a.chain == chain])
    events, blocks, tip = [], {}, 0
    amounts = [int(chance.integers(1, 10**12)) ** 2 for _ in range(5)]

    def mine(name, height, branch):
        blocks[name] = height
        fields = (f"d{name}", f"a{name}", asset, chain, amounts[name], height, branch)
        events.append(("deposit", mc.Deposit(*fields)))

    for branch in range(1 + int(chance.integers(0, 4))):
        if branch:
            kept = int(chance.integers(0, tip + 1))
            events.append(("reorganise", chain, kept, branch))
            lost = [name for name, height in blocks.items() if height > kept]
            tip = kept + int(chance.integers(0, 40))
            for name in lost:
                del blocks[name]
                if name and tip > kept and chance.random() < 0.7:  # 0 is the attacker
                    mine(name, int(chance.integers(kept + 1, tip + 1)), branch)
        else:
            tip = int(chance.integers(5, 40))
            for name in range(5):
                mine(name, int(chance.integers(1, tip + 1)), 0)
        events += [("head", chain, int(h), branch) for h in chance.integers(0, tip + 1, 2)]
        events.append(("head", chain, tip, branch))
    return asset, amounts, events, blocks, tip


def told(ledger, events):
    for name, *arguments in events:
        getattr(ledger, name)(*arguments)


def test_what_a_reorganisation_takes_back_is_worth_nothing(chance):
    """Class 8: events come late, early and again; the credit is that of the chain as it ended."""
    for _ in range(VARIANTS):
        chain = str(chance.choice(CHAINS))
        asset, amounts, events, blocks, tip = chain_history(chance, chain)
        again = [events[i] for i in chance.integers(0, len(events), 5)]
        order = chance.permutation(len(events) + 5)
        ledger = mc.Deposits(C)
        told(ledger, [(events + again)[i] for i in order])
        for name, amount in enumerate(amounts):
            totals = ledger.totals(f"a{name}", asset)
            assert totals.credited + totals.pending + totals.reverted == amount
            if name in blocks:
                part = credit(C, chain, asset, tip - blocks[name] + 1)
                assert totals.credited == amount * part // CREDIT_ONE
            else:
                assert totals == Totals(reverted=amount)


def test_a_deposit_that_will_be_reverted_never_counts_in_full(chance):
    """Class 21: a transfer without a lock behind it is seen before its block is final."""
    for _ in range(VARIANTS):
        chain = str(chance.choice(CHAINS))
        asset = str(chance.choice([s for s, a in C.assets.items() if a.chain == chain]))
        seen, ledger = 0, mc.Deposits(C)
        ledger.deposit(mc.Deposit("forged", "thief", asset, chain, 10**18, height=7))
        assert ledger.credited("thief", asset) == 0
        for head in np.unique(chance.integers(0, 60, 8)).tolist():
            ledger.head(chain, head)
            now = ledger.credited("thief", asset)
            part = credit(C, chain, asset, max(0, head - 6))
            assert seen <= now == 10**18 * part // CREDIT_ONE
            seen = now
        ledger.reorganise(chain, 6, branch=1)
        assert ledger.totals("thief").reverted == 10**18


def exchange_rate(chance):
    """A staked token's rate now, its snapshot up to a year back, and growth of up to 20 %."""
    back_ns = int(chance.integers(YEAR_NS // 365, YEAR_NS))
    growth = int(chance.uniform(0.0, 0.2) * RAY)
    start = int(chance.uniform(1.0, 1.5) * RAY)
    grown = start + start * growth * back_ns // (RAY * YEAR_NS)
    rate = int(chance.uniform(start, grown)) if grown > start else start
    return mc.ExchangeRate(min(max(rate, start), grown), YEAR_NS, start, YEAR_NS - back_ns, growth)


def test_a_donated_rate_lends_its_growth_and_a_clipped_one_takes_nothing(chance):
    """Class 9: doubled or cut by any part, ten reports long; then the truth."""
    for _ in range(VARIANTS):
        believed = first = exchange_rate(chance)
        now_ns = YEAR_NS
        for _ in range(10):
            now_ns += int(chance.integers(0, YEAR_NS // 50))
            lie = chance.uniform(1.0, 3.0) if chance.random() < 0.5 else chance.uniform(0.1, 1.0)
            last, believed = believed, believed.reported(int(believed.rate_ray * lie), now_ns)
            years = (now_ns - first.snapshot_ns) / YEAR_NS
            cap = first.snapshot_ray * (1 + first.growth_ray / RAY * years)
            assert last.rate_ray <= believed.rate_ray <= max(first.rate_ray, cap * (1 + 1e-12))
        room = believed.cap_ray(now_ns) - believed.rate_ray
        truth = believed.rate_ray + int(room * chance.random())
        assert believed.reported(truth, now_ns).rate_ray == truth


def test_a_cap_s_parameters_are_taken_together_or_not_at_all(chance):
    """Class 10: one of ratio, time and growth is clipped or left behind; none is half applied."""
    refused = accepted = 0
    for _ in range(VARIANTS):
        old = exchange_rate(chance)
        at_ns = int(chance.integers(old.snapshot_ns, old.time_ns + 1))
        grown = old.snapshot_ray * old.growth_ray * (at_ns - old.snapshot_ns) // (RAY * YEAR_NS)
        new = [old.snapshot_ray + grown + 1, at_ns, old.growth_ray]
        clip = int(chance.integers(0, 4))
        if clip < 2:
            new[clip] = (old.snapshot_ray, old.snapshot_ns)[clip]
        new[0] = int(new[0] * chance.uniform(0.9, 1.0)) if clip == 2 else new[0]
        limit = int(chance.uniform(0.0, 0.1) * RAY)
        before = (old.rate_ray, old.snapshot_ray, old.snapshot_ns, old.growth_ray)
        try:
            rebased = old.rebased(*new, max_change_ray=limit)
        except (DomainError, RowOrderError):
            refused += 1
            assert before == (old.rate_ray, old.snapshot_ray, old.snapshot_ns, old.growth_ray)
            continue
        accepted += 1
        assert [rebased.snapshot_ray, rebased.snapshot_ns, rebased.growth_ray] == new
        years = (old.time_ns - new[1]) / YEAR_NS
        cap = new[0] * (1 + new[2] / RAY * years)
        assert old.rate_ray <= cap * (1 + 1e-12), "nobody is marked down by a parameter"
        assert abs(new[0] - old.snapshot_ray) <= limit / RAY * old.snapshot_ray * (1 + 1e-12)
    assert refused > 100 and accepted > 100


def world(chance, **fields):
    """Prices of everything, markets within a tenth of what they follow."""
    units = {name: float(np.exp(chance.uniform(-1, 11))) for name in C.units}
    market = {s: units[a.unit] * chance.uniform(0.9, 1.1) for s, a in C.assets.items()}
    return {"unit_usd": units, "market_usd": market, **fields}


def rests_on(symbol, victims):
    """Whether it is redeemed, in however many steps, for one of these."""
    while symbol not in victims and C.assets[symbol].redemption is not None:
        symbol = C.assets[symbol].redemption.to
        if symbol not in C.assets:
            return False
    return symbol in victims


def test_claims_without_assets_lend_nothing_from_the_first_tick(chance):
    """Class 21: minted by half as much again, or robbed to nothing: what rests on it lends nothing,
    what does not is untouched, and nobody is marked above what is there."""
    symbols = list(C.assets)
    for _ in range(1 + VARIANTS // len(symbols)):
        before = world(chance)
        victims = {str(s) for s in chance.choice(symbols, int(chance.integers(1, 6)))}
        minted = chance.random() < 0.5
        share = 1 / chance.uniform(1.001, 3.0) if minted else chance.uniform(0.0, 0.999)
        after = mc.AssetPrices(**before, backing=dict.fromkeys(victims, float(share)))
        mode = str(chance.choice(["portfolio", "cross", "isolated"]))
        events = [] if chance.random() < 0.5 else [f"bridge.{name}" for name in C.bridges]
        honest = mc.haircuts(symbols, mc.AssetPrices(**before), mode=mode, events=events)
        robbed = mc.haircuts(symbols, after, mode=mode, events=events)
        hit = np.array([rests_on(s, victims) for s in symbols])
        credit_usd = robbed.mark_usd * (1 - robbed.haircut_im_frac)
        assert (credit_usd[hit] == 0).all()
        assert (robbed.mark_usd[~hit] == honest.mark_usd[~hit]).all()
        assert (robbed.haircut_im_frac[~hit] == honest.haircut_im_frac[~hit]).all()
        for s in victims:
            mark = robbed.mark_usd[symbols.index(s)]
            assert mark <= before["market_usd"][s]
            if C.assets[s].redemption is not None:
                opened = mc.AssetPrices(**before, exit_open={s: True})
                assert mark <= share * mark_asset(C, s, opened).mm_usd * (1 + 1e-12)


def test_a_lifted_cap_waits_and_a_new_one_starts_from_nothing(chance):
    """Class 22: the law itself, whatever the old cap, the new one and the moment."""
    old = np.exp(chance.uniform(0, np.log(1e9), VARIANTS)) * (chance.random(VARIANTS) < 0.5)
    new = np.exp(chance.uniform(0, np.log(1e15), VARIANTS)) * (chance.random(VARIANTS) < 0.9)
    days = chance.uniform(0, 60, VARIANTS)
    cap, delay, ramp = cap_at(old, new, days, C.risk), C.risk.cap_delay_days, C.risk.cap_ramp_days
    assert (cap[days <= delay] <= old[days <= delay]).all()
    assert (cap <= np.maximum(old, new)).all() and (cap[new < old] == new[new < old]).all()
    assert (cap <= old + new * np.maximum(days - delay, 0) / ramp * (1 + 1e-12)).all()
    assert (cap[days >= delay + ramp] == new[days >= delay + ramp]).all()


def test_whoever_lists_a_token_and_lifts_every_limit_borrows_nothing_in_time(chance):
    """Class 22: a worthless token is listed at any price, its caps and the delays are set as its
    maker likes, again and again for a week; and the cap of one that is listed is lifted."""
    coin = C.assets["ETH"]
    tries = 0
    while tries < drawn(800):
        victim = str(chance.choice(LISTED))
        now, start_ns, clock_ns = C, 0, 0
        while True:
            huge = float(np.exp(chance.uniform(np.log(1e6), np.log(1e15))))
            caps = {"cap_usd": huge, "owner_cap_usd": huge}
            fake = coin.model_copy(update={"issuer": "", "factors": (), **caps})
            lifted = C.assets[victim].model_copy(update=caps)
            quick = {"cap_delay_days": 0.0, "cap_ramp_days": 1e-6}
            new = now.model_copy(
                update={
                    "assets": {**now.assets, "CVT": fake, victim: lifted},
                    "risk": now.risk.model_copy(update=quick),
                }
            )
            start_ns = clock_ns
            clock_ns += int(chance.uniform(0, 3) * DAY_NS)
            if clock_ns >= C.risk.cap_delay_days * DAY_NS:
                break
            now = in_force(now, new, start_ns, clock_ns)
            assert now.assets["CVT"].cap_usd == 0.0
            assert now.assets[victim].cap_usd <= max(C.assets[victim].cap_usd, 0.0)
            tries += 1
            held = {"CVT": float(chance.uniform(1.0, 1e9))}
            prices = mc.AssetPrices({}, {"CVT": float(np.exp(chance.uniform(-3, 3)))})
            h = mc.haircuts(["CVT"], prices, catalogue=now, owner_usd=held, venue_usd=held)
            assert h.haircut_im_frac[0] == 1.0, "a cap of nothing lends nothing"
        with pytest.raises(RowOrderError):
            in_force(now, new, clock_ns, clock_ns - 1)
