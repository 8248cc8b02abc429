# SPDX-License-Identifier: Apache-2.0
"""Options by account and expiry: what each sold one is charged, and the worst settlement.

All expiries are walked at once, one option of each a step, so that sums have one order: that of the
strikes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from margin_core.venues.columns import Index, group_sums, segment_starts
from margin_core.venues.weights.arithmetic import Column
from margin_core.venues.weights.columns import Book, Kind
from margin_core.venues.weights.sheet import Sheet

__all__ = ["Expiries", "largest_losses", "option_expiries"]

FloatColumn = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Expiries:
    """One entry an (account, expiry) held: USD, requirement positive."""

    account: Index
    expiry: Index
    isolated: Column
    max_loss: Column
    requirement: Column


def option_expiries(sheet: Sheet, book: Book) -> Expiries:
    """Per account and expiry the lesser of the isolated sum and the worst settlement loss."""
    market, charges = sheet.market, sheet.charges
    rows = np.flatnonzero(market.kind[book.instrument] >= Kind.CALL)
    i, q, account = book.instrument[rows], book.quantity[rows], book.account[rows]
    expiry = market.expiry[i]
    start = segment_starts(account, expiry)
    sold = np.maximum(-q, 0) * charges.short_option[i]
    isolated = group_sums(sold, group_of(start, len(rows)), len(start))
    worst = largest_losses(market.kind[i], market.strike[i], q, charges.unpaired[i], start)
    return Expiries(account[start], expiry[start], isolated, worst, np.minimum(isolated, worst))


def group_of(start: Index, n: int) -> Index:
    """(n,) Number of the group that each row is in."""
    return np.repeat(np.arange(len(start)), np.diff(start, append=n))


def largest_losses(
    kind: Index, strike: FloatColumn, quantity: FloatColumn, unpaired: FloatColumn, start: Index
) -> FloatColumn:
    """(G,) Worst loss of each group of rows at settlement prices {0, strikes}, and of calls sold
    beyond those held.

    Strikes rise within a group. The payoff at 0 is the puts'; its slope starts at minus the puts
    held and every option, call or put, adds its quantity to the slope at its strike.
    """
    if len(start) == 0:
        return np.zeros(0)
    group, n = group_of(start, len(strike)), len(start)
    held_puts = np.where(kind == Kind.PUT, quantity, 0.0)
    puts, at_zero = group_sums(held_puts, group, n), group_sums(held_puts * strike, group, n)
    calls = group_sums(np.where(kind == Kind.PUT, 0.0, quantity), group, n)
    rise = _least_rise(strike, quantity, puts, start)
    at_strikes = at_zero - puts * strike[start] + rise
    beyond = np.maximum(-calls, 0.0) * np.maximum.reduceat(unpaired, start)
    worst: FloatColumn = beyond - np.minimum(np.minimum(at_zero, at_strikes), 0.0)
    return worst


def _least_rise(
    strike: FloatColumn, quantity: FloatColumn, puts: FloatColumn, start: Index
) -> FloatColumn:
    """(G,) The least change of a group's payoff from its first strike to any; 0 or less."""
    length = np.diff(start, append=len(strike))
    longest = np.argsort(-length, kind="stable")
    first, opening = start[longest], -puts[longest]
    bought, rise, least = np.zeros(len(start)), np.zeros(len(start)), np.zeros(len(start))
    for step in range(1, int(length.max())):
        n = int(np.count_nonzero(length > step))  # those that have so many options stand first
        at = first[:n] + step
        bought[:n] += quantity[at - 1]
        rise[:n] += (opening[:n] + bought[:n]) * (strike[at] - strike[at - 1])
        np.minimum(least[:n], rise[:n], out=least[:n])
    out = np.empty(len(start))
    out[longest] = least
    return out
