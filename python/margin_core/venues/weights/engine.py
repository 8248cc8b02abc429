# SPDX-License-Identifier: Apache-2.0
"""Margin by weights and rates, from a sheet and accounts to health; a venue is a preset.

    health = collateral - requirement          (healthy: requirement <= limit collateral)

Order: positions with open orders at their worst -> settlement of P&L -> balances -> swap orders ->
options by expiry -> contingencies -> pools. Requirement positive = must hold; venues that publish
margin as a surplus publish `health`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.errors import NotMarginableError
from margin_core.venues.columns import Index
from margin_core.venues.weights.arithmetic import Arithmetic, Column
from margin_core.venues.weights.columns import Book, Kind
from margin_core.venues.weights.options import Expiries, option_expiries
from margin_core.venues.weights.preset import WeightsPreset
from margin_core.venues.weights.sheet import Sheet, Table

__all__ = ["Result", "evaluate"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Per row of the book, (R,); zero where the stage does not concern the row."""

    weight: Column  # balances: weight used; positions: rate
    pnl: Column
    pnl_weight: Column
    requirement: Column
    value: Column  # balances: weighted value, settled P&L included


@dataclass(frozen=True, eq=False)
class Result:
    """One health type: (A,) USD; `parts` sum to requirement (per token: of the worst token)."""

    collateral: Column
    requirement: Column
    limit: float
    parts: Mapping[str, Column]
    rows: Rows
    expiries: Expiries

    @property
    def health(self) -> Column:
        return self.collateral - self.requirement

    @property
    def ratio(self) -> NDArray[np.float64]:
        """requirement / collateral; 0 where nothing is required, inf where nothing covers it."""
        return _ratio(self.requirement, self.collateral)

    @property
    def liquidatable(self) -> NDArray[np.bool_]:
        return self.requirement > self.limit * self.collateral


def evaluate(sheet: Sheet, book: Book) -> Result:
    """Every account's collateral and requirement in the sheet's health type."""
    walk, charges, aggregate = Walk(sheet, book), sheet.charges, sheet.preset.aggregate
    filled = walk.positions()
    amount = walk.settle(filled.settled)
    valued = walk.balances(amount)
    expiries = option_expiries(sheet, book)
    pool = walk.per_token if aggregate.per_token else walk.pooled
    collateral, parts = pool(filled, valued, amount, walk.swap_orders(amount))
    parts |= {
        "options": walk.sums(expiries.requirement, expiries.account),
        "confidence": walk.contingency(charges.confidence),
        "depeg": walk.contingency(charges.depeg),
    }
    total: Column = np.sum(list(parts.values()), axis=0)
    rows = walk.rows(filled, valued)
    return Result(collateral, total, aggregate.limit, parts, rows, expiries)


@dataclass(frozen=True, eq=False)
class Fill:
    """Positions after one way of filling the open orders, a row a position."""

    pnl: Column
    pnl_weight: Column
    rate: Column
    requirement: Column
    settled: Column


@dataclass(frozen=True, eq=False)
class Valued:
    """Balances, a row a balance."""

    weight: Column
    value: Column


@dataclass(frozen=True, eq=False)
class Walk:
    """The account stages of one book over one sheet; a method a stage."""

    sheet: Sheet
    book: Book

    @cached_property
    def preset(self) -> WeightsPreset:
        return self.sheet.preset

    @cached_property
    def math(self) -> Arithmetic:
        return Arithmetic.of(self.sheet.preset)

    @cached_property
    def kind(self) -> NDArray[np.int64]:
        return self.sheet.market.kind[self.book.instrument]

    @cached_property
    def balance(self) -> Index:
        """Rows of balances."""
        return np.flatnonzero(self.kind == Kind.BALANCE)

    @cached_property
    def position(self) -> Index:
        """Rows of positions."""
        return np.flatnonzero(self.kind == Kind.POSITION)

    def sums(self, values: Column, account: Index) -> Column:
        """(A,)"""
        return self.math.sums(values, account, self.book.n_accounts)

    def rows(self, filled: Fill, valued: Valued) -> Rows:
        """Both kinds of rows in the order of the book."""

        def spread(values: Column, at: Index) -> Column:
            column = np.zeros(len(self.kind), dtype=values.dtype)
            column[at] = values
            return column

        weight = spread(filled.rate, self.position) + spread(valued.weight, self.balance)
        return Rows(
            weight=weight,
            pnl=spread(filled.pnl, self.position),
            pnl_weight=spread(filled.pnl_weight, self.position),
            requirement=spread(filled.requirement, self.position),
            value=spread(valued.value, self.balance),
        )

    # Weights by size

    def mean(self, of: Any) -> Column:
        """The mean over the health type's tables of a function of one table."""
        values = [of(table) for table in self.sheet.tables]
        return values[0] if len(values) == 1 else self.math.muldiv(sum(values), 1, len(values))

    def shrunk(self, weight: Column, imf: Column, size: Column) -> Column:
        """min(weight, numerator / (1 + imf sqrt(size))): a large asset counts for less."""
        rule, m = self.preset.size_premium, self.math
        if rule is None or not imf.any():
            return weight
        top, bottom = rule.numerator
        discount = m.imf_one + m.muldiv(m.root(size), imf, m.root_one)
        numerator = m.imf_one * top // bottom if m.integer else top / bottom
        least = m.muldiv(numerator, m.weight_one, discount)
        return np.where(imf > 0, np.minimum(weight, least), weight)

    def grown(self, weight: Column, imf: Column, size: Column) -> Column:
        """max(weight, weight - weight / drop + imf sqrt(size)): a large debt counts for more."""
        rule, m = self.preset.size_premium, self.math
        if rule is None or not imf.any():
            return weight
        unit = m.root_one * m.imf_one // m.weight_one
        premium = m.muldiv(m.root(size), imf, unit)
        return np.maximum(weight, weight - m.muldiv(weight, 1, rule.drop) + premium)

    # Positions

    def positions(self) -> Fill:
        """Positions with their open orders at their worst.

        All bids fill or all asks fill, at the price that hurts; the one with the lower outcome
        counts, bids on a tie.
        """
        b, at = self.book, self.position
        i, prices = b.instrument[at], self.sheet.prices
        quantity, quote, bids, asks = (x[at] for x in (b.quantity, b.quote, b.bids, b.asks))
        if not (bids.any() or asks.any()):
            return self.outcome(i, quantity, quote)
        paid = self.math.value(bids, prices.liability[i])
        received = self.math.value(asks, prices.asset[i])
        bought = self.outcome(i, quantity + bids, quote - paid)
        sold = self.outcome(i, quantity - asks, quote + received)
        pick = sold.settled - sold.requirement < bought.settled - bought.requirement

        def worse(name: str) -> Column:
            return np.where(pick, getattr(sold, name), getattr(bought, name))

        return Fill(*(worse(part.name) for part in fields(Fill)))

    def outcome(self, i: Index, quantity: Column, quote: Column) -> Fill:
        """One way of filling, of positions in the instruments i."""
        m, prices = self.math, self.sheet.prices
        long = quantity >= 0
        value = m.value(quantity, np.where(long, prices.asset[i], prices.liability[i]))
        size, notional, pnl = abs(quantity), abs(value), value + quote

        def rate_of(t: Table) -> Column:
            return self.grown(np.where(long, t.long[i], t.short[i]), t.imf[i], size)

        def tiers_of(t: Table) -> Column:
            beyond = np.maximum(notional[:, None] - t.tier_above[i], 0)
            return m.weighted(beyond, t.tier_step[i]).sum(axis=1)

        rate = self.mean(rate_of)
        required = m.weighted(notional, rate) + self.mean(tiers_of)
        net = self.preset.aggregate.pnl == "net"
        base = pnl - required if net else pnl
        gain = np.maximum(base, 0)
        dollars = m.muldiv(gain, m.size_one, m.quote_one)
        weight = self.mean(lambda t: self.shrunk(t.pnl[i], t.pnl_imf[i], dollars))
        settled = np.minimum(base, 0) + m.weighted(gain, weight)
        return Fill(pnl, weight, rate, required * 0 if net else required, settled)

    def settle(self, settled: Column) -> Column:
        """Quantity of every row with P&L added to its settlement token's, (R,)."""
        m, to = self.math, self.book.settle[self.position]
        inside = to >= 0
        tokens = m.muldiv(settled, m.size_one, m.quote_one)
        return m.added(self.book.quantity, to[inside], tokens[inside])

    # Balances

    def balance_weights(self, i: Index, amount: Column) -> tuple[Column, Column]:
        """Weight of amounts of the tokens i as assets and as debts, at the size they have."""
        size = abs(amount)
        long = self.mean(lambda t: self.shrunk(t.long[i], t.imf[i], size))
        short = self.mean(lambda t: self.grown(t.short[i], t.imf[i], size))
        return long, short

    def balances(self, amount: Column) -> Valued:
        """Weight used and weighted value of every balance."""
        m, prices, i = self.math, self.sheet.prices, self.book.instrument[self.balance]
        amount = amount[self.balance]
        long, short = self.balance_weights(i, amount)
        held, cap = amount >= 0, self.sheet.supply_cap[i]
        credited = np.where((cap > 0) & (amount > cap), cap, amount)
        weight = np.where(held, long, short)
        price = np.where(held, prices.asset[i], prices.liability[i])
        return Valued(weight, m.weighted(m.value(credited, price), weight))

    def swap_orders(self, amount: Column) -> Column:
        """What reserved funds add, (A,): each order lands wholly in its worse token.

        An order is valued on top of the most its token could hold, all orders landing there.
        """
        m, b, prices = self.math, self.book, self.sheet.prices
        base, quote = b.swap_base, b.swap_quote

        def exchange(given: Column, source: Index, to: Index) -> Column:
            price = prices.asset[b.instrument[source]]
            return m.muldiv(given, price, prices.liability[b.instrument[to]])

        into_base = b.swap_base_reserved + exchange(b.swap_quote_reserved, quote, base)
        into_quote = b.swap_quote_reserved + exchange(b.swap_base_reserved, base, quote)
        top = m.added(m.added(amount, base, into_base), quote, into_quote)

        def worth(row: Index, landing: Column) -> Column:
            i = b.instrument[row]
            long, short = self.balance_weights(i, amount[row])
            held = np.minimum(np.maximum(top[row], 0), landing)
            asset = m.weighted(m.value(held, prices.asset[i]), long)
            repaid = m.weighted(m.value(landing - held, prices.liability[i]), short)
            return asset + repaid

        worst = np.minimum(worth(base, into_base), worth(quote, into_quote))
        return self.sums(worst, b.account[base])

    # Contingencies

    def contingency(self, charge: Column) -> Column:
        """(A,) A charge per unit of options sold and of everything else held."""
        b = self.book
        if not charge.any():
            return self.math.zeros(b.n_accounts)
        option = self.kind >= Kind.CALL
        gross = np.where(option, np.maximum(-b.quantity, 0), abs(b.quantity))
        return self.sums(charge[b.instrument] * gross, b.account)

    # Aggregation

    def pooled(
        self, filled: Fill, valued: Valued, amount: Column, swaps: Column
    ) -> tuple[Column, dict[str, Column]]:
        """One pool: weighted values and swaps against all requirements."""
        aggregate, account = self.preset.aggregate, self.book.account
        of = account[self.balance]
        parts = {
            "positions": self.sums(filled.requirement, account[self.position]),
            "fixed": self.math.zeros(self.book.n_accounts) + self.math.array(aggregate.fixed),
        }
        if aggregate.liabilities == "collateral":
            return self.sums(valued.value, of) + swaps, parts
        parts["liabilities"] = self.sums(np.maximum(-valued.value, 0), of)
        return self.sums(np.maximum(valued.value, 0), of) + swaps, parts

    def per_token(
        self, filled: Fill, valued: Valued, amount: Column, swaps: Column
    ) -> tuple[Column, dict[str, Column]]:
        """A pool for every token that may be borrowed, the worst of them counts: its balance and
        what the other assets may stand for, up to the borrow cap, against what is owed in it."""
        b, market, caps = self.book, self.sheet.market, self.sheet.borrow_cap
        token_of, price = b.instrument[self.balance], self.sheet.prices.asset
        settle_in = market.settle[b.instrument[self.position]]
        of, of_position = b.account[self.balance], b.account[self.position]
        asset, owed = np.maximum(valued.value, 0), np.maximum(-valued.value, 0)
        worst: dict[str, Column] = {}
        fixed = np.full(b.n_accounts, float(self.preset.aggregate.fixed))
        for token in np.flatnonzero((market.kind == Kind.BALANCE) & (caps > 0)):
            own, here = token_of == token, settle_in == token
            held = np.maximum(amount[self.balance[own]], 0) * price[token]
            other = self.sums(asset[~own], of[~own])
            pool = {
                "collateral": self.sums(held, of[own])
                + np.minimum(caps[token] * price[token], other + swaps),
                "positions": self.sums(filled.requirement[here], of_position[here]),
                "liabilities": self.sums(owed[own], of[own]),
            }
            worst = pool if not worst else _worse(worst, pool, fixed)
        if not worst:
            raise NotMarginableError(
                f"{self.preset.name}: the market has no token that may be borrowed"
            )
        return worst.pop("collateral"), worst | {"fixed": fixed}


def _worse(a: dict[str, Column], b: dict[str, Column], fixed: Column) -> dict[str, Column]:
    """Account by account, the pool with the higher ratio."""
    ratio = [_ratio(p["positions"] + p["liabilities"] + fixed, p["collateral"]) for p in (a, b)]
    return {name: np.where(ratio[1] > ratio[0], b[name], a[name]) for name in a}


def _ratio(requirement: Column, collateral: Column) -> NDArray[np.float64]:
    need, have = requirement.astype(np.float64), collateral.astype(np.float64)
    covered = have > 0
    ratio = np.divide(need, have, out=np.full(len(need), np.inf), where=covered)
    return np.where((need <= 0) & (have >= 0), 0.0, ratio)
