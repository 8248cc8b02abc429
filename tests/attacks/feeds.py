# SPDX-License-Identifier: Apache-2.0
"""Thousands of feeds of one kind, each with its own clock: what is done to them, what comes out.

Prices and flags are (n,), quotes (n, k) for k sources. The engine is `Feed.update_many`.
"""

from __future__ import annotations

import numpy as np

import margin_core as mc
from attacks.conftest import VARIANTS
from margin_core.oracle_model import REASONS
from margin_core.oracle_records import QUOTE, STATE, currency_tag

S = 1_000_000_000
START = 1_700_000_000 * S
DECIMALS = 8
#: Honest venues differ by this, one standard deviation; what tests allow beside it.
NOISE, SLACK = 3e-4, 3e-3
#: Part of its collateral's value that a loan may reach: house range of other coins, 35 %.
LOAN = 0.65


class Feeds:
    """n feeds at the same instant, each with a true price of its own."""

    def __init__(self, chance, n=VARIANTS, k=5, *, model="house", kind="venue", **source):
        self.chance, self.n, self.k, self.kind = chance, n, k, kind
        self.source = {"kind": kind, "decimals": DECIMALS, "depth_usd": 1e7, **source}
        sources = [mc.Source(f"s{i}", **self.source) for i in range(k)]
        quorum = 1 if k == 1 else None
        self.feed = mc.Feed("ABC", "USD", sources, model=model, quorum=quorum)
        self.states = np.zeros(n, STATE)
        self.now_ns = np.full(n, START)
        self.truth = np.exp(chance.uniform(np.log(0.05), np.log(1e5), n))

    def quotes(self, price=None, **fields):
        """One of each source: `price` (n, k), (n, 1) or (n,), default the truth with noise; other
        fields of the record as they come, `depth` for both kinds."""
        q = np.zeros((self.n, self.k), QUOTE)
        if price is None:
            noise = NOISE if self.kind == "venue" else 0.0
            price = self.truth[:, None] * (1 + noise * self.chance.standard_normal(q.shape))
        price = np.asarray(price)
        price = price[:, None] if price.ndim == 1 else price
        q["mantissa"] = np.clip(np.rint(price * 10.0**DECIMALS), -9e18, 9e18)
        q["time_ns"] = self.now_ns[:, None]
        q["executed_usd"] = q["displayed_usd"] = fields.pop("depth", 3e6)
        q["base"], q["quote"] = currency_tag("ABC"), currency_tag("USD")
        q["source"], q["decimals"] = np.arange(self.k), DECIMALS
        q["kind"] = ("venue", "publisher", "contract").index(self.kind)
        for name, value in fields.items():
            q[name] = value
        return q

    def tick(self, seconds=1.0, price=None, present=None, **fields):
        """Time passes, quotes come; readings and statuses."""
        self.wait(seconds)
        return self.tell(self.quotes(price, **fields), present)

    def wait(self, seconds):
        """Seconds are a number or (n,)."""
        self.now_ns = self.now_ns + np.rint(np.asarray(seconds) * S).astype(np.int64)

    def tell(self, quotes, present=None):
        counts = np.full(self.n, self.k)
        flat = quotes.reshape(-1)
        if present is not None:
            present = np.broadcast_to(present, (self.n, self.k))
            flat, counts = flat[present.reshape(-1)], present.sum(1)
        offset = np.concatenate([[0], np.cumsum(counts)])
        readings, self.statuses = self.feed.update_many(
            self.states, np.ascontiguousarray(flat), offset, self.now_ns, threads=1
        )
        return readings

    def settle(self):
        """Until prices may be used for everything."""
        for _ in range(9):
            readings = self.tick(60)
        assert valid(readings).all(), "an attack must start from valid prices"
        return readings

    def credit(self, readings, action="withdrawal"):
        """What 1.0 owned is worth to new credit, 0 where there is none."""
        allowed, price = self.feed.prices(readings, 1.0, action)
        return np.where(allowed, price, 0.0)

    def refuses(self, readings, *actions):
        return [~self.feed.prices(readings, 1.0, action)[0] for action in actions]

    def no_new_credit(self, readings):
        return np.all(self.refuses(readings, "risk_increasing", "withdrawal"), axis=0)

    def wrongful(self, readings, truth=None):
        """Accounts that are healthy at the true price, near their limit or far, long or short, and
        are liquidated all the same; a number of them."""
        truth = self.truth if truth is None else truth
        room = SLACK + self.chance.exponential(0.1, self.n)
        found = 0
        for side in (1.0, -1.0):
            allowed, price = self.feed.prices(readings, side, "liquidation")
            limit = truth * np.exp(-side * room)  # long: liquidated below, short: above
            found += int((allowed & (side * (price - limit) < 0)).sum())
        return found


def has(readings, *reasons):
    """Any of these reasons, (n,)."""
    bits = sum(1 << REASONS.index(reason) for reason in reasons)
    return (readings["reasons"] & bits) != 0


def valid(readings):
    return readings["validity"] == readings["validity"].max()


def profit(credit, truth):
    """Of borrowing against 1.0 and walking away."""
    return LOAN * credit - truth
