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
from margin_core.venues.columns import group_sums
from margin_core.venues.weights.columns import Arithmetic, Book, Column, Kind
from margin_core.venues.weights.preset import WeightsPreset
from margin_core.venues.weights.sheet import Sheet, Table

__all__ = ["Result", "evaluate", "max_loss"]


@dataclass(frozen=True, eq=False)
class Rows:
    """Per row of the book, (R,); zero where the stage does not concern the row."""

    weight: Column  # balances: weight used; positions: rate
    pnl: Column
    pnl_weight: Column
    requirement: Column
    value: Column  # balances: weighted value, settled P&L included


@dataclass(frozen=True, eq=False)
class Expiries:
    """One entry an (account, expiry) held: USD, requirement positive."""

    account: NDArray[np.int64]
    expiry: NDArray[np.int64]
    isolated: Column
    max_loss: Column
    requirement: Column


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
    stage, charges, aggregate = Walk(sheet, book), sheet.charges, sheet.preset.aggregate
    filled = stage.positions()
    amount = stage.settle(filled.settled)
    weight, value = stage.balances(amount)
    rows = Rows(
        np.where(stage.balance, weight, filled.rate), filled.pnl, filled.pnl_weight,
        filled.requirement, value,
    )  # fmt: skip
    expiries = stage.expiries()
    pool = stage.per_token if aggregate.per_token else stage.pooled
    collateral, parts = pool(rows, amount, stage.swap_orders(amount))
    parts |= {
        "options": group_sums(expiries.requirement, expiries.account, book.n_accounts),
        "confidence": stage.per_account(charges.confidence[book.instrument] * stage.gross),
        "depeg": stage.per_account(charges.depeg[book.instrument] * stage.gross),
    }
    total: Column = np.sum(list(parts.values()), axis=0)
    return Result(collateral, total, aggregate.limit, parts, rows, expiries)


@dataclass(frozen=True, eq=False)
class Fill:
    """Positions after one way of filling the open orders, (R,)."""

    pnl: Column
    pnl_weight: Column
    rate: Column
    requirement: Column
    settled: Column


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
    def balance(self) -> NDArray[np.bool_]:
        return self.kind == Kind.BALANCE

    @cached_property
    def position(self) -> NDArray[np.bool_]:
        return self.kind == Kind.POSITION

    @cached_property
    def gross(self) -> Column:
        """What contingencies are charged on: options sold, and everything else held."""
        short = np.maximum(-self.book.quantity, 0)
        return np.where(self.kind >= Kind.CALL, short, abs(self.book.quantity))

    @cached_property
    def asset(self) -> Column:
        return self.sheet.prices.asset[self.book.instrument]

    @cached_property
    def liability(self) -> Column:
        return self.sheet.prices.liability[self.book.instrument]

    def per_account(self, rows: Column) -> Column:
        return group_sums(rows, self.book.account, self.book.n_accounts)

    # Weights by size

    def mean(self, of: Any) -> Column:
        """The mean over the health type's tables of a function of one table."""
        values = [of(table) for table in self.sheet.tables]
        return values[0] if len(values) == 1 else self.math.muldiv(sum(values), 1, len(values))

    def shrunk(self, weight: Column, imf: Column, size: Column) -> Column:
        """min(weight, numerator / (1 + imf sqrt(size))): a large asset counts for less."""
        rule, m = self.preset.size_premium, self.math
        if rule is None:
            return weight
        top, bottom = rule.numerator
        discount = m.imf_one + m.muldiv(m.root(size), imf, m.root_one)
        numerator = m.imf_one * top // bottom if m.integer else top / bottom
        least = m.muldiv(numerator, m.weight_one, discount)
        return np.where(imf > 0, np.minimum(weight, least), weight)

    def grown(self, weight: Column, imf: Column, size: Column) -> Column:
        """max(weight, weight - weight / drop + imf sqrt(size)): a large debt counts for more."""
        rule, m = self.preset.size_premium, self.math
        if rule is None:
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
        b = self.book
        paid = self.math.value(b.bids, self.liability)
        received = self.math.value(b.asks, self.asset)
        bought = self.outcome(b.quantity + b.bids, b.quote - paid)
        sold = self.outcome(b.quantity - b.asks, b.quote + received)
        pick = sold.settled - sold.requirement < bought.settled - bought.requirement
        zero = self.math.zeros(len(pick))

        def worse(name: str) -> Column:
            either = np.where(pick, getattr(sold, name), getattr(bought, name))
            return np.where(self.position, either, zero)

        return Fill(*(worse(part.name) for part in fields(Fill)))

    def outcome(self, quantity: Column, quote: Column) -> Fill:
        """One way of filling."""
        m, i = self.math, self.book.instrument
        price = np.where(quantity >= 0, self.asset, self.liability)
        value = m.value(quantity, price)
        size, notional, pnl = abs(quantity), abs(value), value + quote

        def rate_of(t: Table) -> Column:
            side = np.where(quantity >= 0, t.long[i], t.short[i])
            return self.grown(side, t.imf[i], size)

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
        m, amount = self.math, self.book.quantity.copy()
        to = self.position & (self.book.settle >= 0)
        np.add.at(amount, self.book.settle[to], m.muldiv(settled, m.size_one, m.quote_one)[to])
        return amount

    # Balances

    def balance_weights(self, amount: Column) -> tuple[Column, Column]:
        """Weight of each row as an asset and as a debt, at the size it has."""
        i, size = self.book.instrument, abs(amount)
        long = self.mean(lambda t: self.shrunk(t.long[i], t.imf[i], size))
        short = self.mean(lambda t: self.grown(t.short[i], t.imf[i], size))
        return long, short

    def balances(self, amount: Column) -> tuple[Column, Column]:
        """Weight used and weighted value of every balance, (R,)."""
        m = self.math
        long, short = self.balance_weights(amount)
        cap = self.sheet.supply_cap[self.book.instrument]
        credited = np.where((cap > 0) & (amount > cap), cap, amount)
        held = m.weighted(m.value(credited, self.asset), long)
        owed = m.weighted(m.value(amount, self.liability), short)
        zero = m.zeros(len(amount))
        value = np.where(amount >= 0, held, owed)
        return np.where(amount >= 0, long, short), np.where(self.balance, value, zero)

    def swap_orders(self, amount: Column) -> Column:
        """What reserved funds add, (A,): each order lands wholly in its worse token.

        An order is valued on top of the most its token could hold, all orders landing there.
        """
        m, b = self.math, self.book
        base, quote = b.swap_base, b.swap_quote

        def exchange(given: Column, source: Column, to: Column) -> Column:
            return m.muldiv(given, self.asset[source], self.liability[to])

        into_base = b.swap_base_reserved + exchange(b.swap_quote_reserved, quote, base)
        into_quote = b.swap_quote_reserved + exchange(b.swap_base_reserved, base, quote)
        top = amount.copy()
        np.add.at(top, base, into_base)
        np.add.at(top, quote, into_quote)
        long, short = self.balance_weights(amount)

        def worth(row: NDArray[np.int64], landing: Column) -> Column:
            held = np.minimum(np.maximum(top[row], 0), landing)
            asset = m.weighted(m.value(held, self.asset[row]), long[row])
            repaid = m.weighted(m.value(landing - held, self.liability[row]), short[row])
            return asset + repaid

        worst = np.minimum(worth(base, into_base), worth(quote, into_quote))
        return group_sums(worst, b.account[base], b.n_accounts)

    # Options

    def expiries(self) -> Expiries:
        """Per account and expiry the lesser of the isolated sum and the worst settlement loss."""
        b, market, charges = self.book, self.sheet.market, self.sheet.charges
        rows = np.flatnonzero(self.kind >= Kind.CALL)
        key = np.stack([b.account[rows], market.expiry[b.instrument[rows]]])
        cut = np.flatnonzero(np.any(np.diff(key, axis=1, prepend=-1) != 0, axis=0))
        isolated = self.math.zeros(len(cut))
        worst = self.math.zeros(len(cut))
        for n, segment in enumerate(np.split(rows, cut[1:]) if len(cut) else ()):
            i, q = b.instrument[segment], b.quantity[segment]
            isolated[n] = np.maximum(-q, 0) @ charges.short_option[i]
            worst[n] = max_loss(market.kind[i], market.strike[i], q, charges.unpaired[i])
        return Expiries(key[0, cut], key[1, cut], isolated, worst, np.minimum(isolated, worst))

    # Aggregation

    def pooled(self, rows: Rows, amount: Column, swaps: Column) -> tuple[Column, dict[str, Column]]:
        """One pool: weighted values and swaps against all requirements."""
        aggregate = self.preset.aggregate
        parts = {
            "positions": self.per_account(rows.requirement),
            "fixed": self.math.zeros(self.book.n_accounts) + self.math.array(aggregate.fixed),
        }
        if aggregate.liabilities == "collateral":
            return self.per_account(rows.value) + swaps, parts
        parts["liabilities"] = self.per_account(np.maximum(-rows.value, 0))
        return self.per_account(np.maximum(rows.value, 0)) + swaps, parts

    def per_token(
        self, rows: Rows, amount: Column, swaps: Column
    ) -> tuple[Column, dict[str, Column]]:
        """A pool for every token that may be borrowed, the worst of them counts: its balance and
        what the other assets may stand for, up to the borrow cap, against what is owed in it."""
        b, market, caps = self.book, self.sheet.market, self.sheet.borrow_cap
        worst: dict[str, Column] = {}
        fixed = np.full(b.n_accounts, float(self.preset.aggregate.fixed))
        for token in np.flatnonzero((market.kind == Kind.BALANCE) & (caps > 0)):
            own = self.balance & (b.instrument == token)
            other = self.per_account(np.where(own, 0, np.maximum(rows.value, 0)))
            held = self.per_account(np.where(own, np.maximum(amount, 0) * self.asset, 0))
            credit = np.minimum(caps[token] * self.sheet.prices.asset[token], other + swaps)
            here = market.settle[b.instrument] == token
            pool = {
                "collateral": held + credit,
                "positions": self.per_account(np.where(here, rows.requirement, 0)),
                "liabilities": self.per_account(np.where(own, np.maximum(-rows.value, 0), 0)),
            }
            worst = pool if not worst else _worse(worst, pool, fixed)
        if not worst:
            raise NotMarginableError(
                f"{self.preset.name}: the market has no token that may be borrowed"
            )
        return worst.pop("collateral"), worst | {"fixed": fixed}


def max_loss(kind: Column, strike: Column, quantity: Column, unpaired: Column) -> float:
    """Worst loss of one expiry at settlement prices {0, strikes}, and of calls sold beyond those.

    Strikes rise. One walk: the payoff at 0 is the puts'; its slope starts at minus the puts held
    and every option, call or put, adds its quantity to the slope at its strike.
    """
    put = kind == Kind.PUT
    slope = -quantity[put].sum() + np.cumsum(quantity)
    at_zero = (quantity * strike)[put].sum()
    at_strikes = (
        at_zero
        - quantity[put].sum() * strike[0]
        + np.concatenate([[0.0], np.cumsum(slope[:-1] * np.diff(strike))])
    )
    calls = quantity[~put].sum()
    beyond = max(-calls, 0.0) * unpaired.max()
    return -min(0.0, at_zero, at_strikes.min()) + beyond


def _worse(a: dict[str, Column], b: dict[str, Column], fixed: Column) -> dict[str, Column]:
    """Account by account, the pool with the higher ratio."""
    ratio = [_ratio(p["positions"] + p["liabilities"] + fixed, p["collateral"]) for p in (a, b)]
    return {name: np.where(ratio[1] > ratio[0], b[name], a[name]) for name in a}


def _ratio(requirement: Column, collateral: Column) -> NDArray[np.float64]:
    need, have = requirement.astype(np.float64), collateral.astype(np.float64)
    covered = have > 0
    ratio = np.divide(need, have, out=np.full(len(need), np.inf), where=covered)
    return np.where((need <= 0) & (have >= 0), 0.0, ratio)
