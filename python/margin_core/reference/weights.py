# SPDX-License-Identifier: Apache-2.0
"""docs/venues, engine `weights`: one account in plain Python numbers, int or float.

A market is a list of dicts, one an instrument: name, kind (0 balance, 1 position, 2 call, 3 put)
and, where they apply, cls, unit, expiry, settle, price, index, forward, strike, mark, confidence,
open_interest, deposits, borrows. An account is {"holdings": {name: (quantity, quote, bids, asks)},
"swaps": [(base, quote, base reserved, quote reserved)]}. A preset is any object that has the tables
of a preset file as attributes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

__all__ = ["Health", "evaluate"]

BALANCE, POSITION, CALL, PUT = range(4)
#: What a row of the market need not say.
UNSAID = {"kind": BALANCE, "index": 0, "forward": 0, "strike": 0, "mark": 0, "confidence": 1,
          "open_interest": 0, "deposits": 0, "borrows": 0}  # fmt: skip
Number = Any  # int or float


class Health(NamedTuple):
    """Of one account in one health type; the parts add up to the requirement."""

    collateral: Number
    requirement: Number
    parts: Mapping[str, Number]


class Numbers:
    """float, or whole numbers whose quotients round toward zero."""

    def __init__(self, counting: Any) -> None:
        names = ("weight_one", "imf_one", "size_one", "quote_one", "root_one", "root_multiplier")
        self.integer = counting is not None and counting.integer
        self.one = {name: getattr(counting, name) if self.integer else 1 for name in names}
        self.root_offset = counting.root_offset if self.integer else 0

    def muldiv(self, a: Number, b: Number, c: Number) -> Number:
        if not self.integer:
            return a * b / c
        return abs(a * b) // c if a * b >= 0 else -(abs(a * b) // c)

    def value(self, quantity: Number, price: Number) -> Number:
        return self.muldiv(quantity, price, self.one["size_one"])

    def weighted(self, value: Number, weight: Number) -> Number:
        return self.muldiv(value, weight, self.one["weight_one"])

    def root(self, size: Number) -> Number:
        if not self.integer:
            return math.sqrt(size)
        return math.isqrt(self.one["root_multiplier"] * size + self.root_offset)

    def mean(self, values: Sequence[Number]) -> Number:
        return values[0] if len(values) == 1 else self.muldiv(sum(values), 1, len(values))


class Instrument:
    """One row of the market in one health type, with the parameters of its class."""

    def __init__(self, preset: Any, row: Mapping[str, Any], health: Any) -> None:
        self.preset, self.numbers = preset, Numbers(preset.arithmetic)
        self.row = {**UNSAID, **row}
        self.kind, self.name = self.row["kind"], row["name"]
        self.entry = preset.of(row.get("cls", row["name"]))
        given = row.get("price", row.get("index"))
        self.prices = list(given) if isinstance(given, (list, tuple)) else [given]
        self.asset, self.liability = {
            "first": (self.prices[0], self.prices[0]),
            "strict": (min(self.prices), max(self.prices)),
            "median": (median(self.prices), median(self.prices)),
        }[health.price]
        self.parts = [preset.health[name] for name in health.average] or [health]

    # Weights and rates

    def weight(self, side: str, size: Number) -> Number:
        """Of a balance: as an asset ("long") shrunk by its size, as a debt ("short") grown."""
        by_size = self.shrunk if side == "long" else self.grown
        return self.numbers.mean(
            [by_size(self.base(side, part), self.entry.imf, size) for part in self.parts]
        )

    def rate(self, side: str, size: Number) -> Number:
        """Of a position: grown by its size on both sides."""
        return self.numbers.mean(
            [self.grown(self.base(side, part), self.entry.imf, size) for part in self.parts]
        )

    def pnl_weight(self, gain: Number) -> Number:
        n = self.numbers
        dollars = n.muldiv(gain, n.one["size_one"], n.one["quote_one"])
        weights = [self.entry.weights[part.weights].pnl for part in self.parts]
        given = [n.one["weight_one"] if w is None else w for w in weights]
        return n.mean([self.shrunk(w, self.entry.pnl_imf, dollars) for w in given])

    def tiers(self, notional: Number) -> Number:
        """What notional beyond each bound adds."""
        n = self.numbers
        return n.mean([
            sum(n.weighted(max(notional - above, 0), self.crowded(step, 0, part))
                for above, step in self.entry.tiers)
            for part in self.parts
        ])  # fmt: skip

    def base(self, side: str, health: Any) -> Number:
        """Before the size; moved by open interest, deposits, borrows where the type is scaled."""
        weight = getattr(self.entry.weights[health.weights], side)
        if self.kind != BALANCE:
            return self.crowded(weight, self.numbers.one["weight_one"], health)
        what = "deposit" if side == "long" else "borrow"
        start = getattr(self.entry, f"{what}_scale_start")
        value = self.numbers.value(self.row[f"{what}s"], self.prices[0])
        if not (health.scaled and value > start > 0):
            return weight
        fraction = (start, value) if side == "long" else (value, start)
        return self.numbers.muldiv(weight, *fraction)

    def crowded(self, rate: Number, towards: Number, health: Any) -> Number:
        low, high = self.entry.oi_lower, self.entry.oi_upper
        if not (health.scaled and high > 0):
            return rate
        width = high - low if high > low else 1
        place = min(max(self.row["open_interest"] - low, 0), width)
        return rate + self.numbers.muldiv(towards - rate, place, width)

    def shrunk(self, weight: Number, imf: Number, size: Number) -> Number:
        rule, n = self.preset.size_premium, self.numbers
        if rule is None or imf == 0:
            return weight
        top, bottom = rule.numerator
        numerator = n.one["imf_one"] * top // bottom if n.integer else top / bottom
        discount = n.one["imf_one"] + n.muldiv(n.root(size), imf, n.one["root_one"])
        return min(weight, n.muldiv(numerator, n.one["weight_one"], discount))

    def grown(self, weight: Number, imf: Number, size: Number) -> Number:
        rule, n = self.preset.size_premium, self.numbers
        if rule is None:
            return weight
        unit = n.one["root_one"] * n.one["imf_one"] // n.one["weight_one"]
        premium = n.muldiv(n.root(size), imf, unit)
        return max(weight, weight - n.muldiv(weight, 1, rule.drop) + premium)

    # Charges per unit

    def short_option(self, weights: str) -> Number:
        rule = self.entry.options[weights]
        floor = rule.floor * self.sold(self.entry.options.get(rule.floor_of))
        return max(self.sold(rule), floor)

    def sold(self, rule: Any) -> Number:
        """mark + max(spot_max S - out of the money, spot_min S, mark_frac mark)."""
        if rule is None:
            return self.row["mark"]
        index, mark = self.row["index"], self.row["mark"]
        side = 1 if self.kind == CALL else -1
        otm = max(side * (self.row["strike"] - index), 0)
        spot = max(rule.spot_max * index - otm, rule.spot_min * index)
        return mark + max(spot, rule.mark * mark)

    def unsure(self) -> Number:
        rule, level = self.entry.confidence, self.row["confidence"]
        notional = self.row["index"] if self.kind >= CALL else self.prices[0]
        return notional * (rule.factor * (1 - level) if level < rule.threshold else 0)

    def unpegged(self, stable: Number) -> Number:
        rule = self.entry.depeg
        missing = rule.factor * (rule.threshold - stable) if stable < rule.threshold else 0
        return self.row["index"] * missing


class Position(NamedTuple):
    """A position after one way of filling its orders."""

    requirement: Number
    settled: Number


def evaluate(
    preset: Any, rows: Iterable[Mapping[str, Any]], account: Mapping[str, Any], health_type: str,
    stable: Number = 1,
) -> Health:  # fmt: skip
    """Collateral and requirement of one account in one health type."""
    health = preset.health[health_type]
    market = {row["name"]: Instrument(preset, row, health) for row in sorted(rows, key=_order)}
    own = account["holdings"]
    held = {name: _four(own[name]) for name in market if name in own}
    numbers = Numbers(preset.arithmetic)
    amount = {name: h[0] for name, h in held.items() if market[name].kind == BALANCE}
    positions = {name: _position(market[name], held[name]) for name in held
                 if market[name].kind == POSITION}  # fmt: skip
    for name, position in positions.items():
        token, one = market[name].row["settle"], numbers.one
        settled = numbers.muldiv(position.settled, one["size_one"], one["quote_one"])
        amount[token] = amount.get(token, 0) + settled
    for base, quote, *_ in account.get("swaps", ()):
        amount.setdefault(base, 0)
        amount.setdefault(quote, 0)
    values = {name: _balance(market[name], amount[name]) for name in market if name in amount}
    swaps = _swaps(market, account.get("swaps", ()), amount)
    if preset.aggregate.per_token:
        collateral, parts = _worst_token(preset, market, positions, amount, values, swaps)
    else:
        collateral, parts = _pool(preset, positions, values, swaps)
    parts["options"] = _options(market, held, health.weights)
    contingent = health.contingencies
    gross = {name: max(-h[0], 0) if market[name].kind >= CALL else abs(h[0])
             for name, h in held.items()}  # fmt: skip
    parts["confidence"] = sum(market[k].unsure() * g for k, g in gross.items() if contingent)
    parts["depeg"] = sum(market[k].unpegged(stable) * g for k, g in gross.items() if contingent)
    return Health(collateral, sum(parts.values()), parts)


def _order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    dated = row.get("expiry") is not None
    key = (row.get("unit", ""), row["expiry"], row["strike"]) if dated else ("", 0, 0)
    return dated, *key, row.get("kind", BALANCE)


def _four(holding: Any) -> tuple[Any, ...]:
    values = tuple(holding) if isinstance(holding, (tuple, list)) else (holding,)
    return (*values, *(0,) * (4 - len(values)))


def _position(instrument: Instrument, held: Sequence[Number]) -> Position:
    """All bids fill or all asks fill; the lower outcome counts."""
    quantity, quote, bids, asks = held
    value = instrument.numbers.value
    bought = _filled(instrument, quantity + bids, quote - value(bids, instrument.liability))
    sold = _filled(instrument, quantity - asks, quote + value(asks, instrument.asset))
    better = sold.settled - sold.requirement >= bought.settled - bought.requirement
    return bought if better else sold


def _filled(instrument: Instrument, quantity: Number, quote: Number) -> Position:
    n, long = instrument.numbers, quantity >= 0
    value = n.value(quantity, instrument.asset if long else instrument.liability)
    rate = instrument.rate("long" if long else "short", abs(quantity))
    required = n.weighted(abs(value), rate) + instrument.tiers(abs(value))
    net = instrument.preset.aggregate.pnl == "net"
    base = value + quote - required if net else value + quote
    gain = max(base, 0)
    settled = min(base, 0) + n.weighted(gain, instrument.pnl_weight(gain))
    return Position(0 if net else required, settled)


def _balance(instrument: Instrument, amount: Number) -> Number:
    n, cap = instrument.numbers, instrument.entry.supply_cap
    if amount >= 0:
        credited = cap if 0 < cap < amount else amount
        return n.weighted(n.value(credited, instrument.asset), instrument.weight("long", amount))
    return n.weighted(n.value(amount, instrument.liability), instrument.weight("short", -amount))


def _swaps(
    market: Mapping[str, Instrument], orders: Iterable[Sequence[Any]], amount: Mapping[str, Number]
) -> Number:
    """Each order lands wholly in its worse token, on top of the most that token could hold."""
    top, landings = dict(amount), []
    for base, quote, base_reserved, quote_reserved in orders:
        landing = {}
        for to, source, own, given in ((base, quote, base_reserved, quote_reserved),
                                       (quote, base, quote_reserved, base_reserved)):  # fmt: skip
            n = market[to].numbers
            landing[to] = own + n.muldiv(given, market[source].asset, market[to].liability)
        landings.append(landing)
    for side in (0, 1):  # bases first: one order of addition
        for landing in landings:
            name = list(landing)[side]
            top[name] += landing[name]

    def worth(name: str, landing: Number) -> Number:
        token, n = market[name], market[name].numbers
        held, size = min(max(top[name], 0), landing), abs(amount[name])
        asset = n.weighted(n.value(held, token.asset), token.weight("long", size))
        owed = n.value(landing - held, token.liability)
        return asset + n.weighted(owed, token.weight("short", size))

    return sum(min(worth(name, x) for name, x in landing.items()) for landing in landings)


def _options(market: Mapping[str, Instrument], held: Mapping[str, Any], weights: str) -> Number:
    """Per expiry the lesser of the sum of its shorts and the worst settlement loss."""
    expiries: dict[tuple[Any, Any], list[tuple[Instrument, Number]]] = {}
    for name, (quantity, *_) in held.items():
        if market[name].kind >= CALL:
            key = market[name].row["unit"], market[name].row["expiry"]
            expiries.setdefault(key, []).append((market[name], quantity))
    return sum(
        min(sum(max(-q, 0) * o.short_option(weights) for o, q in legs), _loss(legs, weights))
        for legs in expiries.values()
    )


def _loss(legs: Sequence[tuple[Instrument, Number]], weights: str) -> Number:
    puts = sum(q for o, q in legs if o.kind == PUT)
    at_zero = sum(q * o.row["strike"] for o, q in legs if o.kind == PUT)
    first = at_zero - puts * legs[0][0].row["strike"]
    least, bought, moved, last = min(at_zero, first), 0, 0, legs[0][0].row["strike"]
    for option, quantity in legs:
        moved += (-puts + bought) * (option.row["strike"] - last)
        bought, last = bought + quantity, option.row["strike"]
        least = min(least, first + moved)
    naked = max(-sum(q for o, q in legs if o.kind == CALL), 0)
    unpaired = max(o.entry.options[weights].unpaired * o.row["forward"] for o, _ in legs)
    return naked * unpaired - min(least, 0)


def _pool(
    preset: Any, positions: Mapping[str, Position], values: Mapping[str, Number], swaps: Number
) -> tuple[Number, dict[str, Number]]:
    parts = {
        "positions": sum(p.requirement for p in positions.values()),
        "fixed": preset.aggregate.fixed,
    }
    if preset.aggregate.liabilities == "collateral":
        return sum(values.values()) + swaps, parts
    parts["liabilities"] = sum(max(-v, 0) for v in values.values())
    return sum(max(v, 0) for v in values.values()) + swaps, parts


def _worst_token(
    preset: Any, market: Mapping[str, Instrument], positions: Mapping[str, Position],
    amount: Mapping[str, Number], values: Mapping[str, Number], swaps: Number,
) -> tuple[Number, dict[str, Number]]:  # fmt: skip
    pools = []
    for name, token in market.items():
        if token.kind != BALANCE or token.entry.borrow_cap == 0:
            continue
        credit = sum(max(v, 0) for other, v in values.items() if other != name) + swaps
        collateral = max(amount.get(name, 0), 0) * token.asset
        collateral += min(token.entry.borrow_cap * token.asset, credit)
        parts = {
            "positions": sum(p.requirement for other, p in positions.items()
                             if market[other].row["settle"] == name),
            "liabilities": max(-values.get(name, 0), 0),
            "fixed": preset.aggregate.fixed,
        }  # fmt: skip
        pools.append((collateral, parts))
    return max(pools, key=lambda pool: _ratio(sum(pool[1].values()), pool[0]))


def _ratio(need: Number, have: Number) -> float:
    if need <= 0 <= have:
        return 0.0
    return need / have if have > 0 else math.inf
