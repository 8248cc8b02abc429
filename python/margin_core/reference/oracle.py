# SPDX-License-Identifier: Apache-2.0
"""docs/method/oracle.md paragraph by paragraph: one feed at a time, in plain Python.

A rule is a mapping with the names of `mc_oracle_rule`, times in seconds; a source one of
`mc_source`; a ladder a list of (name, reasons). Instants are whole nanoseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from margin_core.errors import DomainError, RowOrderError

__all__ = ["FeedState", "Stable", "limited_weights", "stable_step", "update", "weighted_median"]

N_DELAYS = 24
#: What limited weights are of the rest: 15/16.
MOST_OF_REST = 15 / 16
LEAST_LOW = 1 / 1024


@dataclass(frozen=True)
class Stable:
    """A stable price: nothing before the first."""

    price: float = 0.0
    delays: tuple[float, ...] = ()
    seen: tuple[tuple[float, float], ...] = ()  # (price, seconds) of the running interval
    time_ns: int = 0


@dataclass(frozen=True)
class FeedState:
    """What a feed remembers."""

    now_ns: int = 0
    time_ns: int = 0
    accepted_ns: int = 0
    run_ns: int = 0
    fresh: int = 0
    price: float = 0.0
    half: float = 0.0
    source_ns: Mapping[int, int] = field(default_factory=dict)
    depth: Mapping[int, float] = field(default_factory=dict)
    stable: Stable = Stable()


def weighted_median(values: Sequence[float], weights: Sequence[float]) -> float:
    """The middle of all values that have at most half the weight on either side."""
    total = math.fsum(weights)
    good = [
        v
        for v in values
        if math.fsum(w for u, w in zip(values, weights, strict=True) if u < v) <= total / 2
        and math.fsum(w for u, w in zip(values, weights, strict=True) if u > v) <= total / 2
    ]
    return (min(good) + max(good)) / 2


def limited_weights(weights: Sequence[float], tolerated: int) -> list[float]:
    """Weights cut at the largest level where `tolerated` of that level are within the rest."""
    if tolerated == 0 or len(weights) <= 2 * tolerated:
        return list(weights)

    def too_high(level: float) -> bool:
        cut = math.fsum(min(w, level) for w in weights)
        return tolerated * level > MOST_OF_REST * (cut - tolerated * level)

    low, high = 0.0, max(weights)
    if not too_high(high):
        return list(weights)
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (low, middle) if too_high(middle) else (middle, high)
    return [min(w, low) for w in weights]


def stable_step(rule: Mapping[str, float], stable: Stable, now_ns: int, price: float) -> Stable:
    """One step of a stable price."""
    if not stable.price:
        return Stable(price, (price,) * N_DELAYS, (), now_ns)
    seconds = min((now_ns - stable.time_ns) / 1e9, rule["max_step_s"])
    if (now_ns - stable.time_ns) / 1e9 < rule["min_step_s"] or seconds == 0:
        return stable
    interval_ns = round(rule["interval_s"] * 1e9)
    delays, seen = stable.delays, stable.seen  # the oldest delay first
    for _ in range(min(now_ns // interval_ns - stable.time_ns // interval_ns, N_DELAYS)):
        mean = delays[-1]
        if seen:
            mean = math.fsum(p * s for p, s in seen) / math.fsum(s for _, s in seen)
        delays = (*delays[1:], _within(mean, delays[-1], rule["delay_growth"]) if seen else mean)
        seen = ()
    fraction = min(stable.price, delays[0]) / max(stable.price, delays[0])
    moved = _within(price, stable.price, rule["growth_per_s"] * fraction**2 * seconds)
    return Stable(moved, delays, (*seen, (price, seconds)), now_ns)


def _within(value: float, centre: float, growth: float) -> float:
    return min(max(value, centre / (1 + growth)), centre * (1 + growth))


def update(
    rule: Mapping[str, Any],
    ladder: Sequence[tuple[str, set[str]]],
    sources: Sequence[Mapping[str, float]],
    quorum: int,
    tolerated: int,
    state: FeedState,
    quotes: Mapping[int, Mapping[str, Any]],
    now_ns: int,
) -> tuple[FeedState, dict[str, Any]]:
    """The next state and reading. `quotes` by place of the source."""
    if now_ns < state.now_ns:
        raise RowOrderError("time goes back")
    for i, q in quotes.items():
        if q["time_ns"] < state.source_ns.get(i, 0):
            raise RowOrderError(f"source {i} goes back in time")
        if q["time_ns"] > now_ns + rule["future_s"] * 1e9:
            raise DomainError(f"source {i}: a quote from the future")

    reasons: set[str] = set()
    answers, n_late, depths = _answers(rule, sources, state, quotes, now_ns, reasons)
    state = replace(
        state,
        now_ns=now_ns,
        depth=depths,
        source_ns={**state.source_ns, **{i: q["time_ns"] for i, q in quotes.items()}},
    )
    median, depth, agreed = 0.0, 0.0, []
    if len(answers) < quorum:
        reasons.add("no_quorum")
        if len(answers) + n_late >= quorum:
            reasons.add("stale")
    else:
        age, half, median = _band(rule, answers, quorum, tolerated)
        agreed = [a for a in answers if _ratio(a["price"], median) - 1 <= rule["outlier_frac"]]
        depth = sum(a["depth"] for a in agreed)
        if len(agreed) < len(answers):
            reasons.add("outlier")
        since = (now_ns - state.accepted_ns) / 1e9
        limit = rule["jump_frac"] * (1 + since / rule["jump_window_s"])
        if len(agreed) < quorum - tolerated:
            reasons.add("disagree")
        elif state.price and _ratio(median, state.price) - 1 > limit:
            reasons.add("jump")
        else:
            state = _accepted(rule, state, median, half, now_ns - age, now_ns)
    reading = _report(rule, state, median, reasons)
    reading |= {"median": median, "depth_usd": depth}
    reading |= {"answered": {a["source"] for a in answers}, "agreed": {a["source"] for a in agreed}}
    names = [name for name, when in ladder if when & reasons or not when]
    return state, {**reading, "reasons": reasons, "validity": names[0]}


def _answers(
    rule: Mapping[str, Any],
    sources: Sequence[Mapping[str, float]],
    state: FeedState,
    quotes: Mapping[int, Mapping[str, Any]],
    now_ns: int,
    reasons: set[str],
) -> tuple[list[dict[str, Any]], int, dict[int, float]]:
    """Who answers, how many are only too old, and every source's decayed depth."""
    kept = 2.0 ** (-(now_ns - state.now_ns) / 1e9 / rule["depth_half_s"]) if state.now_ns else 1.0
    answers, n_late, depths = [], 0, {}
    for i, source in enumerate(sources):
        q = quotes.get(i)
        least = 0.0 if q is None else source["depth_usd"]
        if q is not None and source["kind"] == 0:
            least = min(least, q["executed_usd"], q["displayed_usd"])
        depths[i] = kept * state.depth.get(i, 0.0) + (1 - kept) * least
        if q is None:
            reasons.add("silent")
            continue
        price = q["mantissa"] / 10 ** q["decimals"]
        age_ns = max(now_ns - q["time_ns"], 0)
        weight = min(depths[i], least) * 2.0 ** (-age_ns / 1e9 / rule["half_life_s"])
        if price <= 0:
            reasons.add("not_positive")
        elif not source["floor"] < price < source["ceiling"]:
            reasons.add("at_bound")
        elif q["confidence"] / q["mantissa"] > rule["max_confidence_frac"]:
            reasons.add("unsure")
        elif min(depths[i], least) <= 0:
            reasons.add("silent")
        elif age_ns >= rule["max_age_s"] * 1e9 or weight == 0:
            n_late += 1
        else:
            answers.append({"source": i, "price": price, "age_ns": age_ns, "weight": weight,
                            "depth": min(depths[i], least),
                            "confidence": q["confidence"] / q["mantissa"]})  # fmt: skip
    return answers, n_late, depths


def _band(
    rule: Mapping[str, Any], answers: list[dict[str, Any]], quorum: int, tolerated: int
) -> tuple[int, float, float]:
    """Age of the quorum-th freshest answer, half the band, and the median."""
    weights = limited_weights([a["weight"] for a in answers], tolerated)
    prices = [a["price"] for a in answers]
    median = weighted_median(prices, weights)
    age = sorted(a["age_ns"] for a in answers)[quorum - 1]
    half = (
        weighted_median([a["confidence"] for a in answers], weights)
        + rule["disagreement_k"] * weighted_median([abs(p / median - 1) for p in prices], weights)
        + rule["age_frac"] * math.sqrt(age / 1e9)
    )
    return age, half, median


def _accepted(
    rule: Mapping[str, Any], state: FeedState, price: float, half: float, time_ns: int, now_ns: int
) -> FeedState:
    outage = not state.price or now_ns - state.accepted_ns > rule["gap_s"] * 1e9
    return replace(
        state,
        run_ns=now_ns if outage else state.run_ns,
        fresh=(0 if outage else state.fresh) + (time_ns > state.time_ns),
        price=price,
        half=half,
        time_ns=time_ns,
        accepted_ns=now_ns,
        stable=stable_step(rule["stable"], state.stable, now_ns, price),
    )


def _report(
    rule: Mapping[str, Any], state: FeedState, median: float, reasons: set[str]
) -> dict[str, Any]:
    if not state.price:
        reasons.add("no_price")
        return {"price": 0.0, "low": 0.0, "high": 0.0, "stable": 0.0, "time_ns": 0}
    price, stable = state.price, state.stable.price
    half = state.half + rule["age_frac"] * math.sqrt((state.now_ns - state.accepted_ns) / 1e9)
    low, high = price * max(1 - half, LEAST_LOW), price * (1 + half)
    if "jump" in reasons:
        low, high = min(low, median), max(high, median)
    if max(high - price, price - low) > rule["max_band_frac"] * price:
        reasons.add("wide")
    if state.now_ns - state.time_ns >= rule["old_s"] * 1e9:
        reasons.add("old")
    if _ratio(price, stable) > rule["deviation_ratio"]:
        reasons.add("deviation")
    if state.fresh < rule["n_fresh"] or state.now_ns - state.run_ns < rule["grace_s"] * 1e9:
        reasons.add("settling")
    return {"price": price, "low": low, "high": high, "stable": stable, "time_ns": state.time_ns}


def _ratio(x: float, y: float) -> float:
    return max(x / y, y / x)
