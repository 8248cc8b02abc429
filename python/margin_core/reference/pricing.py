# SPDX-License-Identifier: Apache-2.0
"""Black-76, Bachelier and implied volatility as the textbooks write them.

The specification, not the algorithm: no care is taken of the digits that cancel, so prices agree
with the core to about 1e-15 of max(F, K) and not to 1e-13 of themselves. Every input is positive
(forward and strike of either sign under Bachelier); the limits at zero are `black76_limit` and
`bachelier_limit`, one option each.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["bachelier", "bachelier_limit", "black76", "black76_limit", "implied_vol"]

DAYS_A_YEAR = 365.0


def normal_density(x: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)


def normal_below(x: NDArray[np.float64]) -> NDArray[np.float64]:
    """N(x); erfc keeps the digits of the lower tail."""
    tail = np.vectorize(math.erfc, otypes=[float])(-x / math.sqrt(2.0))
    return np.asarray(0.5 * tail, dtype=np.float64)


def black76(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> dict[str, NDArray[np.float64]]:
    """Price and Greeks by name, in the units of `margin_core.pricing.Greeks`.

    Source: F. Black, "The pricing of commodity contracts", J. Financial Economics 3 (1976).
    """
    f, k, t, v, d = (np.asarray(x, dtype=float) for x in (forward, strike, years, vol, discount))
    side = np.where(is_call, 1.0, -1.0)  # of the payoff
    root = np.sqrt(t)
    d1 = np.log(f / k) / (v * root) + 0.5 * v * root
    d2 = d1 - v * root
    rate = -np.log(d) / t

    price = d * side * (f * normal_below(side * d1) - k * normal_below(side * d2))
    density = normal_density(d1)
    vega = d * f * density * root
    return {
        "price": price,
        "delta": d * side * normal_below(side * d1),
        "gamma": d * density / (f * v * root),
        "vega": vega,
        "theta": (rate * price - d * f * density * v / (2.0 * root)) / DAYS_A_YEAR,
        "rho": side * k * t * d * normal_below(side * d2),
        "vanna": -d * density * d2 / v,
        "volga": vega * d1 * d2 / v,
    }


def bachelier(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
) -> dict[str, NDArray[np.float64]]:
    """Price and Greeks by name. Source: L. Bachelier, "Theorie de la speculation" (1900)."""
    f, k, t, v, d = (np.asarray(x, dtype=float) for x in (forward, strike, years, vol, discount))
    side = np.where(is_call, 1.0, -1.0)
    root = np.sqrt(t)
    s = v * root
    h = (f - k) / s
    rate = -np.log(d) / t

    below, density = normal_below(side * h), normal_density(h)
    price = d * (side * (f - k) * below + s * density)
    return {
        "price": price,
        "delta": d * side * below,
        "gamma": d * density / s,
        "vega": d * root * density,
        "theta": (rate * price - d * density * v / (2.0 * root)) / DAYS_A_YEAR,
        "rho": t * d * (side * k * below - s * density),  # -T price + T F delta
        "vanna": -d * density * h / v,
        "volga": d * root * density * h * h / v,
    }


def black76_limit(
    forward: float, strike: float, years: float, vol: float, is_call: Any, discount: float = 1.0
) -> dict[str, float]:
    """What `black76` tends to where an input is zero; at the money along forward = strike."""
    found = _limit(forward, strike, years, is_call, discount)
    if years > 0.0 and vol == 0.0 and forward == strike > 0.0:
        root = math.sqrt(years)
        found["gamma"] = math.inf  # of double, the largest
        found["vega"] = discount * forward * root / math.sqrt(2.0 * math.pi)
        found["vanna"] = discount * 0.5 * root / math.sqrt(2.0 * math.pi)
    return found


def bachelier_limit(
    forward: float, strike: float, years: float, vol: float, is_call: Any, discount: float = 1.0
) -> dict[str, float]:
    """What `bachelier` tends to where years or vol is zero."""
    found = _limit(forward, strike, years, is_call, discount)
    if years > 0.0 and forward == strike:
        found["gamma"] = math.inf
        found["vega"] = discount * math.sqrt(years) / math.sqrt(2.0 * math.pi)
    return found


def _limit(
    forward: float, strike: float, years: float, is_call: Any, discount: float
) -> dict[str, float]:
    above = 0.5 if forward == strike else float(forward > strike)  # N(d1) = N(d2)
    exercised = above if is_call else above - 1.0
    price = discount * max(forward - strike if is_call else strike - forward, 0.0)
    carry = -math.log(discount) / years * price if years > 0.0 else 0.0
    return {
        "price": price,
        "delta": discount * exercised,
        "gamma": 0.0,
        "vega": 0.0,
        "theta": carry / DAYS_A_YEAR,
        "rho": strike * years * discount * exercised,
        "vanna": 0.0,
        "volga": 0.0,
    }


def implied_vol(
    price: float, forward: float, strike: float, years: float, is_call: Any, discount: float = 1.0
) -> float:
    """One volatility by bisection, the price being increasing in it."""

    def excess(vol: float) -> float:
        return float(black76(forward, strike, years, vol, is_call, discount)["price"]) - price

    low, high = 1e-8, 1.0
    while excess(high) < 0.0:
        high *= 2.0
    for _ in range(200):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if excess(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)
