# SPDX-License-Identifier: Apache-2.0
"""Black-76 and Bachelier with 60 digits, from doubles taken as exact numbers."""

from __future__ import annotations

from functools import cache

import mpmath as mp

DIGITS = 60
TINY = mp.mpf(10) ** -20
EPSILON = 2.0**-52
LARGEST = 2.0**1023 * (2.0 - EPSILON)


def below(x):
    """N(x); beyond 10^4 it is 0 or 1 to more digits than there are."""
    return mp.mpf(x > 0) if abs(x) > 10**4 else mp.ncdf(x)


def density_at(x):
    return mp.mpf(0) if abs(x) > 10**4 else mp.npdf(x)


def otm(low, high, s):
    """low N(t - a) - high N(-(a + t)), t = s / 2, a = ln(high / low) / s."""
    a, t = mp.log(high / low) / s, s / 2
    if t > TINY:
        return low * below(t - a) - high * below(-a - t)
    if a > 10**4:
        return mp.mpf(0)
    # The difference would cancel: its first term, the next being t^2 smaller.
    return mp.sqrt(low * high) * s * (density_at(a) - a * below(-a))


def limit(f, k, t, d, is_call, at_the_money):
    """Where an input is zero: N(d1) = N(d2) = 0, 1/2 or 1, and what is not 0 at the money."""
    payoff = f - k if is_call else k - f
    n = mp.mpf(1 if f > k else 0 if f < k else 0.5) - (0 if is_call else 1)
    price = d * max(payoff, 0)
    found = dict.fromkeys(("gamma", "vega", "vanna", "volga"), mp.mpf(0))
    found |= {"price": price, "delta": d * n, "rho": k * t * d * n, "theta": mp.mpf(0)}
    if t > 0:
        found["theta"] = -mp.log(d) / t * price / 365
        found |= at_the_money if f == k else {}
    return found


@cache  # 0.0 and -0.0 are one key, and one result
def black76(forward, strike, years, vol, is_call, discount=1.0):
    """The eight results by name; the limits where an input is zero."""
    with mp.workdps(DIGITS):
        f, k, t, v, d = (mp.mpf(float(x)) for x in (forward, strike, years, vol, discount))
        payoff = f - k if is_call else k - f
        if min(f, k, t, v) == 0:
            flat = d * mp.sqrt(t / (2 * mp.pi))
            money = {"gamma": mp.inf, "vega": f * flat, "vanna": flat / 2} if f > 0 else {}
            return limit(f, k, t, d, is_call, money)
        root = mp.sqrt(t)
        s = v * root
        d1 = mp.log(f / k) / s + s / 2
        d2 = d1 - s
        side = 1 if is_call else -1
        price = d * (otm(min(f, k), max(f, k), s) + max(payoff, 0))
        density = density_at(d1)
        vega = d * f * density * root
        return {
            "price": price,
            "delta": side * d * below(side * d1),
            "gamma": d * density / (f * s),
            "vega": vega,
            "theta": (-d * f * density * v / (2 * root) - mp.log(d) / t * price) / 365,
            "rho": side * k * t * d * below(side * d2),
            "vanna": -d * density * d2 / v,
            "volga": vega * d1 * d2 / v,
        }


@cache
def bachelier(forward, strike, years, vol, is_call, discount=1.0):
    with mp.workdps(DIGITS):
        f, k, t, v, d = (mp.mpf(float(x)) for x in (forward, strike, years, vol, discount))
        payoff = f - k if is_call else k - f
        if min(t, v) == 0:
            money = {"gamma": mp.inf, "vega": d * mp.sqrt(t / (2 * mp.pi))}
            return limit(f, k, t, d, is_call, money)
        root = mp.sqrt(t)
        s = v * root
        h = (f - k) / s
        side = 1 if is_call else -1
        density = density_at(h)
        a = abs(h)
        out = mp.mpf(0) if a > 10**4 else s * (density - a * below(-a))
        price = d * (out + max(payoff, 0))
        return {
            "price": price,
            "delta": side * d * below(side * h),
            "gamma": d * density / s,
            "vega": d * root * density,
            "theta": (-d * density * v / (2 * root) - mp.log(d) / t * price) / 365,
            "rho": t * d * (side * k * below(side * h) - s * density),
            "vanna": -d * density * h / v,
            "volga": d * root * density * h * h / v,
        }


def error(value, exact):
    """|value - exact| as a float; a double that saturated has none."""
    with mp.workdps(DIGITS):
        if abs(exact) > LARGEST:
            return 0.0 if abs(value) == LARGEST and (value > 0) == (exact > 0) else float("inf")
        return float(abs(mp.mpf(float(value)) - exact))
