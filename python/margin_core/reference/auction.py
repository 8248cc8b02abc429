# SPDX-License-Identifier: Apache-2.0
"""Auctions in plain Python, a row at a time: docs/method/auction.md, a formula a function.

Every function takes floats or fractions; given fractions it is exact, but for powers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

__all__ = ["bankruptcy_price", "bid", "exponential", "fillable_price", "insolvent_price",
           "largest_share", "linear", "paid", "stair"]  # fmt: skip


def linear(knots: Sequence[tuple[Any, Any]], t: Any) -> Any:
    """Straight lines through (seconds, share), level after the last."""
    for (x, y), (x_next, y_next) in zip(knots, knots[1:], strict=False):
        if x <= t < x_next:
            return y + (y_next - y) * (t - x) / (x_next - x)
    return knots[-1][1]


def exponential(start: Any, half_life_s: Any, floor: Any, t: Any) -> float:
    return max(float(start) * 0.5 ** float(t / half_life_s), float(floor))


def stair(start: Any, step: Any, every_s: Any, floor: Any, t: Any) -> Any:
    return max(start - step * math.floor(t / every_s), floor)


def largest_share(
    equity: Any, mm: Any, asked: Any, reserved: Any, buffer_frac: Any, whole_below: Any = 0
) -> Any:
    """The share whose sale restores equity to MM and its buffer; all of it where none does."""
    buffered = equity - (1 + buffer_frac) * mm
    if buffered >= 0:
        return 0
    gained = (1 + buffer_frac) * mm - (equity - reserved) * (1 - asked)  # by a sale of everything
    if equity < whole_below or gained <= 0:
        return 1
    return min(-buffered / gained, 1)


def insolvent_price(worth: Any, mm: Any, part: Any) -> Any:
    """From the worth to the worth less MM, `part` of the way."""
    return worth - mm * part


def paid(price: Any) -> int:
    """Against the bidder, in whole quanta: up, whether he pays or is paid."""
    return math.ceil(price)


def bid(equity: Any, mm: Any, reserved: Any, share: Any, price: Any) -> tuple[Any, Any, Any]:
    """(equity, mm, reserved) after a share was sold and `price` went to the account."""
    cash = reserved + price
    return (equity - reserved) * (1 - share) + cash, mm * (1 - share), cash


def fillable_price(
    size: Any, notional: Any, position_mm: Any, equity: Any, mm: Any, adjustment: Any,
    spread_to_mm: Any,
) -> Any:  # fmt: skip
    ratio = min(max(adjustment * (1 - equity / mm), 0), 1)
    return (notional - ratio * spread_to_mm * position_mm) / size


def bankruptcy_price(size: Any, notional: Any, position_mm: Any, equity: Any, mm: Any) -> Any:
    return (notional - equity * position_mm / mm) / size
