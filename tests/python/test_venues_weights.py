# SPDX-License-Identifier: Apache-2.0
"""The weights engine where no venue's answer reaches: each form against a second, plainer way."""

import itertools

import numpy as np
import pytest

from margin_core import load_preset
from margin_core.errors import DomainError, ModelError, NotMarginableError
from margin_core.venues.weights.arithmetic import Arithmetic
from margin_core.venues.weights.columns import Book, Kind, Market
from margin_core.venues.weights.engine import evaluate
from margin_core.venues.weights.options import largest_losses
from margin_core.venues.weights.sheet import prepare

CALL, PUT = Kind.CALL, Kind.PUT
TOKENS = {"token1": 1.0, "token2": 5.0, "token3": 10.0}


def result(preset, rows, accounts, health, **market):
    m = Arithmetic.of(preset)
    table = Market.of(m, rows, **market)
    return evaluate(prepare(preset, table, health), Book.of(m, table, accounts))


def test_the_largest_loss_of_an_expiry_is_the_worst_payoff():
    """At settlement prices 0 and the strikes, and 770 a call sold beyond those held."""
    rng = np.random.default_rng(3)
    size = rng.integers(1, 9, 100)
    n, start = size.sum(), np.cumsum(size) - size
    kind, q = rng.choice([CALL, PUT], n), rng.integers(-5, 6, n).astype(float)
    strike = np.concatenate([np.sort(rng.integers(1, 9, m) * 100.0) for m in size])
    found = largest_losses(kind, strike, q, np.where(kind == CALL, 770.0, 0.0), start)
    for g, (first, m) in enumerate(zip(start, size, strict=True)):
        own = slice(first, first + m)

        def payoff(s, own=own):
            call, put = np.maximum(s - strike[own], 0), np.maximum(strike[own] - s, 0)
            return q[own] @ np.where(kind[own] == CALL, call, put)

        naked = max(0.0, -q[own][kind[own] == CALL].sum())
        plain = -min(0.0, *(payoff(s) for s in [0.0, *strike[own]])) + naked * 770.0
        assert found[g] == pytest.approx(plain, abs=1e-9)


def test_tiers_are_marginal_and_move_to_one_with_open_interest():
    """16 % and 4 % more from each bound, halfway from lower to upper open interest."""
    entry = {"names": ["PERP"], "source": "rule", "tiers": [(10e6, 0.04), (100e6, 0.04)],
             "oi_lower": 1e9, "oi_upper": 3e9,
             "weights": {"init": {"long": 0.16, "short": 0.16}}}  # fmt: skip
    preset = load_preset("derive_sm", {"health": {"init": {"scaled": True}}, "classes": [entry]})
    rows = [{"name": "USDC", "price": 1.0},
            {"name": "PERP", "kind": Kind.POSITION, "settle": "USDC", "price": 1e5,
             "open_interest": 2e9}]  # fmt: skip
    found = result(preset, rows, [{"holdings": {"PERP": -1500.0}}], "init")
    rates = [f + (1 - f) * 0.5 for f in (0.16, 0.20, 0.24)]
    by_hand = rates[0] * 10e6 + rates[1] * 90e6 + rates[2] * 50e6
    assert found.requirement[0] == pytest.approx(by_hand, rel=1e-12)


def test_fill_is_the_mean_and_strict_takes_the_worse_price():
    weights = {"init": {"long": 8000, "short": 12001}, "maint": {"long": 9001, "short": 11000}}
    token = {"names": ["TOKEN"], "source": "program", "weights": weights}
    preset = load_preset("drift_v2", {"classes": [token]})
    rows = [{"name": "TOKEN", "price": [2_000_000, 1_900_000]}]
    held = [{"holdings": {"TOKEN": 10**9}}, {"holdings": {"TOKEN": -(10**9)}}]
    fill, maint = (result(preset, rows, held, health) for health in ("fill", "maint"))
    assert list(fill.rows.weight) == [8500, 11500]
    assert list(fill.health) == [1_615_000, -2_300_000]
    assert list(maint.health) == [1_800_200, -2_200_000]


def test_a_size_premium_in_float_is_the_same_law():
    table = load_preset("drift_v2").model_dump(mode="json", exclude_unset=True)
    table.pop("arithmetic")
    table["classes"] = []
    from margin_core.venues.preset import parse_preset

    for size, imf in ((1e3, 0.1), (1e5, 0.01), (7.0, 0.3)):
        weights = {"maint": {"long": 0.9, "short": 1.1}}
        token = {"names": ["TOKEN"], "source": "program", "imf": imf, "weights": weights}
        preset = parse_preset({**table, "classes": [token]})
        held = [{"holdings": {"TOKEN": size}}, {"holdings": {"TOKEN": -size}}]
        found = result(preset, [{"name": "TOKEN", "price": 1.0}], held, "maint")
        root = imf * size**0.5
        by_hand = [min(0.9, 1.1 / (1 + root)), max(1.1, 0.88 + root)]
        assert found.rows.weight.tolist() == pytest.approx(by_hand)


def test_profit_settles_before_its_token_is_weighted():
    """100 owed, 105 of profit at .95: 99.75 more, so .25 is owed at 1.2."""
    rows = [{"name": "token1", "price": 1.0},
            {"name": "perp1", "kind": Kind.POSITION, "settle": "token1", "price": 5.0}]  # fmt: skip
    account = {"holdings": {"token1": -100.0, "perp1": (0.0, 105.0)}}
    found = result(load_preset("mango_v4"), rows, [account], "init")
    assert found.health[0] == pytest.approx(-0.25 * 1.2)


def test_an_order_is_no_better_than_every_way_it_may_land():
    """At most the worst of all joint landings, and equal to it for one order."""
    rng = np.random.default_rng(5)
    preset = load_preset("mango_v4")
    rows = [{"name": name, "price": price} for name, price in TOKENS.items()]
    for _ in range(50):
        held = {name: float(rng.integers(-20, 21)) for name in TOKENS}
        orders = [("token2", "token1", *rng.integers(0, 9, 2).astype(float)),
                  ("token3", "token1", *rng.integers(0, 9, 2).astype(float))]  # fmt: skip
        for swaps in (orders, orders[:1]):
            joint = []
            for landing in itertools.product((0, 1), repeat=len(swaps)):
                after = dict(held)
                for (base, quote, rb, rq), to_quote in zip(swaps, landing, strict=True):
                    target = quote if to_quote else base
                    after[target] += (rb * TOKENS[base] + rq * TOKENS[quote]) / TOKENS[target]
                joint.append(result(preset, rows, [{"holdings": after}], "init").health[0])
            account = {"holdings": held, "swaps": swaps}
            ours = result(preset, rows, [account], "init").health[0]
            assert ours <= min(joint) + 1e-9
            assert len(swaps) > 1 or ours == pytest.approx(min(joint), abs=1e-9)


def test_a_median_price_a_supply_cap_and_a_borrow_cap():
    """60,000 HYPE at 40 count as 50,000 at .825, and stand for one million USDC at most."""
    rows = [{"name": "USDC", "price": 1.0}, {"name": "HYPE", "price": [40.0, 41.0, 39.0]}]
    account = {"holdings": {"USDC": -900e3, "HYPE": 60e3}}
    found = result(load_preset("hyperliquid_pm"), rows, [account], "maint")
    assert found.collateral[0] == pytest.approx(1e6)
    assert found.ratio[0] == pytest.approx(900_020.0 / 1e6)
    assert not found.liquidatable[0]
    account["holdings"]["USDC"] = -960e3
    assert result(load_preset("hyperliquid_pm"), rows, [account], "maint").liquidatable[0]


@pytest.mark.parametrize("quantity", [10**9, -(10**9)])
def test_whole_numbers_stay_whole(quantity):
    rows = [{"name": "USDC", "price": 10**6},
            {"name": "BTC-PERP", "kind": Kind.POSITION, "settle": "USDC",
             "price": 99_999_999_999}]  # fmt: skip
    account = {"holdings": {"BTC-PERP": quantity}}
    found = result(load_preset("dydx_v4"), rows, [account], "init")
    assert found.requirement.dtype == np.int64
    assert found.requirement[0] == 99_999_999_999 * 20_000 // 10**6


def test_a_fault_is_named():
    preset = load_preset("mango_v4")
    with pytest.raises(NotMarginableError, match="no class names it"):
        result(preset, [{"name": "X", "price": 1.0}], [], "init")
    with pytest.raises(ModelError, match="no health type 'fill': init, liquidation_end, maint"):
        result(preset, [{"name": "token1", "price": 1.0}], [], "fill")
    with pytest.raises(NotMarginableError, match="token3: no 'maint' weights"):
        result(preset, [{"name": "token3", "price": 1.0}], [], "maint")
    with pytest.raises(DomainError, match="token1.price: must be positive"):
        result(preset, [{"name": "token1", "price": 0.0}], [], "init")
    with pytest.raises(DomainError, match="a position settles in a balance"):
        result(preset, [{"name": "perp1", "kind": Kind.POSITION, "price": 1.0}], [], "init")
    with pytest.raises(DomainError, match="listed twice"):
        result(preset, [{"name": "token1", "price": 1.0}] * 2, [], "init")
    with pytest.raises(DomainError, match="given a fraction"):
        result(load_preset("dydx_v4"), [{"name": "USDC", "price": 1.5}], [], "init")
    with pytest.raises(DomainError, match="quantity: not finite"):
        result(preset, [{"name": "token1", "price": 1.0}], [{"holdings": {"token1": np.inf}}],
               "init")  # fmt: skip
