# SPDX-License-Identifier: Apache-2.0
"""The weights engine against the plain reference, account by account: to the last bit."""

import numpy as np
import pytest

from margin_core import load_preset
from margin_core.reference import weights as reference
from margin_core.venues.weights.arithmetic import DIVISOR, LARGEST, PRODUCT, Arithmetic
from margin_core.venues.weights.columns import Book, Kind, Market
from margin_core.venues.weights.engine import evaluate
from margin_core.venues.weights.sheet import prepare

TOKENS = ("USDC", "BTC", "ETH")
PERPS = ("BTC-PERP", "ETH-PERP", "SOL-PERP")
SOURCES = {"derive_sm": "rule", "dydx_v4": "chain", "drift_v2": "program", "mango_v4": "test",
           "hyperliquid_pm": "docs"}  # fmt: skip
#: What is 1.0 of a weight, a token and a dollar; integer presets count in these.
ONE = {"dydx_v4": (10**6, 10**9, 10**6), "drift_v2": (10**4, 10**9, 10**6)}


class World:
    """A preset with every rule in use, a market, and accounts, drawn from one seed; every third
    account is so many times as large."""

    def __init__(self, preset, seed, scale=1.0):
        self.rng = np.random.default_rng(seed)
        self.whole = preset in ONE
        self.weight_one, self.size_one, self.quote_one = ONE.get(preset, (1, 1, 1))
        self.source = SOURCES[preset]
        base = load_preset(preset)
        premium = base.size_premium is not None
        health = {name: {"scaled": True} for name, h in base.health.items() if not h.average}
        self.preset = load_preset(preset, {
            "health": health,
            "classes": [self.a_class(name, premium) for name in (*TOKENS, *PERPS)],
        })  # fmt: skip
        self.rows = [self.a_row(name) for name in (*TOKENS, *PERPS)]
        self.options = [] if preset != "derive_sm" else self.some_options()
        self.accounts = [self.an_account(1.0 if a % 3 else scale) for a in range(12)]

    def number(self, low, high, one=1):
        value = self.rng.uniform(low, high) * one
        return round(value) if self.whole else value

    def a_class(self, name, premium):
        def weight(low, high):
            return self.number(low, high, self.weight_one)

        rate = (0.01, 0.3) if name in PERPS else (0.4, 1.3)
        out = {
            "names": [name], "source": self.source,
            "weights": {h: {"long": weight(*rate), "short": weight(*rate),
                            **({"pnl": weight(0.5, 1.0)} if self.rng.random() < 0.5 else {})}
                        for h in ("init", "maint")},
            "oi_lower": self.number(0, 1e9, self.quote_one),
            "oi_upper": self.number(2e9, 3e9, self.quote_one),
            "deposit_scale_start": self.number(1e9, 1e12, self.quote_one),
            "borrow_scale_start": self.number(1e9, 1e12, self.quote_one),
            "tiers": [[self.number(1e3, 1e4, self.quote_one), weight(0.01, 0.1)],
                      [self.number(2e4, 1e6, self.quote_one), weight(0.01, 0.1)]],
            "supply_cap": self.number(1, 10, self.size_one) if self.rng.random() < 0.3 else 0,
            "borrow_cap": self.number(1e3, 1e6) if name != "ETH" else 0,
        }  # fmt: skip
        if premium:
            one = 10**6 if self.whole else 1
            out |= {"imf": self.number(0, 0.01, one), "pnl_imf": self.number(0, 0.01, one)}
        if not self.whole:
            out["confidence"] = {"threshold": 0.9, "factor": 0.4}
            out["depeg"] = {"threshold": 0.99, "factor": 2.0}
        return out

    def a_row(self, name):
        index = {"USDC": 1.0, "BTC": 1e5, "ETH": 4e3}.get(name[:3] + name[3:4].strip("-"), 150.0)
        prices = [self.number(0.9 * index, 1.1 * index, self.quote_one) for _ in range(3)]
        if self.whole:
            prices = prices[:2]  # a median of whole numbers is none
        row = {"name": name, "price": prices, "index": prices[0]}
        if not self.whole:
            row["confidence"] = self.rng.uniform(0.5, 1.0)
        if name in PERPS:
            return row | {"kind": Kind.POSITION, "settle": str(self.rng.choice(TOKENS[:2])),
                          "open_interest": self.number(0, 4e9, self.quote_one)}  # fmt: skip
        return row | {"deposits": self.number(0, 1e6, self.size_one),
                      "borrows": self.number(0, 1e6, self.size_one)}  # fmt: skip

    def some_options(self):
        for unit, index in (("BTC", 1e5), ("ETH", 4e3)):
            for expiry in range(3):
                for strike in index * np.linspace(0.7, 1.3, 6):
                    for kind in (Kind.CALL, Kind.PUT):
                        name = f"{unit}-{expiry}-{strike:.0f}-{kind.name}"
                        self.rows.append({
                            "name": name, "cls": f"{unit}-{kind.name}", "kind": kind, "unit": unit,
                            "expiry": expiry, "strike": strike, "index": index,
                            "forward": index * 1.01, "mark": self.rng.uniform(0, 0.1) * index,
                            "confidence": self.rng.uniform(0.5, 1.0),
                        })  # fmt: skip
        self.rng.shuffle(self.rows)
        return [row["name"] for row in self.rows if row.get("kind", 0) >= Kind.CALL]

    def an_account(self, scale):
        def size(low=-10):
            return self.number(low * scale, 10 * scale, self.size_one)

        names = [n for n in (*TOKENS, *PERPS) if self.rng.random() < 0.5]
        names += [n for n in self.options if self.rng.random() < 0.3]
        held = {name: size() for name in names}
        for name in names:
            if name in PERPS:
                cost = self.number(-1e5 * scale, 1e5 * scale, self.quote_one)
                orders = (size(0), size(0)) if self.rng.random() < 0.5 else (0, 0)
                held[name] = (held[name], cost, *orders)
        swaps = [("BTC", "USDC", size(0), size(0)), ("ETH", "BTC", size(0), size(0))]
        return {"holdings": held, "swaps": swaps[: self.rng.integers(0, 3)]}

    def check(self):
        m = Arithmetic.of(self.preset)
        market = Market.of(m, self.rows, stable=1 if self.whole else 0.97)
        book = Book.of(m, market, self.accounts)
        for health in self.preset.health:
            if self.options and self.preset.health[health].average:
                continue
            found = evaluate(prepare(self.preset, market, health), book)
            for a, account in enumerate(self.accounts):
                plain = reference.evaluate(self.preset, self.rows, account, health, market.stable)
                assert found.collateral[a] == plain.collateral, (health, account)
                assert found.requirement[a] == plain.requirement, (health, account)
                for name, amount in plain.parts.items():
                    assert found.parts[name][a] == amount, (health, name, account)
        return found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("preset", SOURCES)
def test_every_number_is_the_references(preset, seed):
    World(preset, seed).check()


@pytest.mark.parametrize("preset", ONE)
def test_whole_numbers_of_a_usual_size_stay_in_64_bits(preset):
    assert World(preset, 1).check().requirement.dtype == np.int64


@pytest.mark.parametrize("scale", [1e3, 1e5, 1e7, 1e9, 1e20, 1e200])
@pytest.mark.parametrize("preset", ONE)
def test_whole_numbers_are_exact_at_any_size(preset, scale):
    World(preset, 2, scale).check()


def fraction(a, b, c):
    """a b / c toward zero, in Python's integers."""
    return abs(a * b) // c * (1 if a * b >= 0 else -1)


@pytest.mark.parametrize("c", [1, 3, 10**4, 10**6, DIVISOR - 1, DIVISOR, DIVISOR + 1, 10**12])
def test_a_quotient_is_exact_on_both_sides_of_every_bound(c):
    m = Arithmetic(integer=True)
    near = [0, 1, 7, 10**9 + 7, DIVISOR, 2**31 - 1, 2**40 + 1, LARGEST - 1, LARGEST, PRODUCT, 2**80]
    for a in [x * side for x in near for side in (1, -1)]:
        for b in near:
            for column in (m.array([a]), m.array([a] * 3)):
                assert m.muldiv(column, b, c).tolist() == [fraction(a, b, c)] * len(column)


def test_a_root_is_the_largest_whole_number_below():
    m = Arithmetic(integer=True, root_multiplier=10, root_offset=1)
    sizes = [0, 1, 3, 2**26 - 1, 10**17, LARGEST - 1, LARGEST, 2**61, 2**70]
    roots = np.array([2**28 - 1, 2**29 + 3, 94906267], dtype=object)  # squares, and one less
    sizes += [(int(r) ** 2 - 1) // 10 + d for r in roots for d in (-1, 0, 1)]
    for size in sizes:
        root = int(m.root(m.array([size]))[0])
        assert root * root <= 10 * size + 1 < (root + 1) ** 2


def test_a_sum_that_leaves_64_bits_is_exact():
    m = Arithmetic(integer=True)
    values, group = m.array([LARGEST - 1] * 100 + [5]), np.array([0] * 100 + [2])
    assert values.dtype == np.int64
    assert m.sums(values, group, 3).tolist() == [100 * (LARGEST - 1), 0, 5]
    assert m.added(values[:2], np.zeros(101, dtype=int), values)[0] == 101 * (LARGEST - 1) + 5
