# SPDX-License-Identifier: Apache-2.0
"""Parameters and market of one health type joined: all that the accounts are walked over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from margin_core.errors import ModelError, NotMarginableError
from margin_core.venues.weights.arithmetic import Arithmetic, Column
from margin_core.venues.weights.columns import Kind, Market
from margin_core.venues.weights.preset import (
    Class,
    Contingency,
    Health,
    OptionRule,
    Weights,
    WeightsPreset,
)

__all__ = ["Sheet", "prepare"]


@dataclass(frozen=True, eq=False)
class Prices:
    """(n,) USD: what an asset counts at, and what a debt does."""

    asset: Column
    liability: Column


PRICE_RULES: dict[str, Callable[[Column], tuple[Column, Column]]] = {
    "first": lambda p: (p[:, 0], p[:, 0]),
    "strict": lambda p: (p.min(axis=1), p.max(axis=1)),
    "median": lambda p: (np.median(p, axis=1), np.median(p, axis=1)),
}


@dataclass(frozen=True, eq=False)
class Table:
    """Columns of one health type over the instruments, (n,); tiers (n, steps)."""

    long: Column
    short: Column
    pnl: Column
    imf: Column
    pnl_imf: Column
    tier_above: Column
    tier_step: Column


@dataclass(frozen=True, eq=False)
class Sheet:
    """Parameters and market of one health type joined: all that the accounts are walked over."""

    preset: WeightsPreset
    market: Market
    prices: Prices
    tables: Sequence[Table]  # one, or those that the health type averages
    charges: Charges
    supply_cap: Column
    borrow_cap: Column


@dataclass(frozen=True, eq=False)
class Charges:
    """USD per unit, (n,): of a short option, and of gross holdings."""

    short_option: Column
    unpaired: Column
    confidence: Column
    depeg: Column


def weight_table(preset: WeightsPreset, market: Market, health: Health) -> Table:
    """Weights and rates, moved by deposits, borrows and open interest where the type is scaled."""
    math_, classes, of = Arithmetic.of(preset), classes_of(preset, market), market.class_of
    weights = [_weights(entry, health.weights, market, i) for i, entry in enumerate(classes)]

    def column(name: str) -> Column:
        return math_.array([getattr(entry, name) for entry in classes])[of]

    long = math_.array([w.long for w in weights])[of]
    short = math_.array([w.short for w in weights])[of]
    one = math_.weight_one
    steps = max((len(entry.tiers) for entry in classes), default=0)
    tiers = [[*entry.tiers, *[(0, 0)] * (steps - len(entry.tiers))] for entry in classes]
    tier = math_.array(tiers).reshape(len(classes), steps, 2)[of]
    above, step = tier[:, :, 0], tier[:, :, 1]
    if health.scaled:
        balance = market.kind == Kind.BALANCE
        oi = market.open_interest, column("oi_lower"), column("oi_upper")
        deposits = math_.value(market.deposits, market.price[:, 0])
        borrows = math_.value(market.borrows, market.price[:, 0])
        deposited = scale_down(math_, long, deposits, column("deposit_scale_start"))
        borrowed = scale_up(math_, short, borrows, column("borrow_scale_start"))
        long = np.where(balance, deposited, crowd(math_, long, one, *oi))
        short = np.where(balance, borrowed, crowd(math_, short, one, *oi))
        step = crowd(math_, step, 0, *(c[:, None] for c in oi))
    pnl = math_.array([one if w.pnl is None else w.pnl for w in weights])[of]
    return Table(long, short, pnl, column("imf"), column("pnl_imf"), above, step)


def classes_of(preset: WeightsPreset, market: Market) -> list[Class]:
    """The preset's entry of each of the market's classes."""
    return [preset.of(name) for name in market.class_names]


def _weights(entry: Class, health: str, market: Market, i: int) -> Weights:
    if health in entry.weights:
        return entry.weights[health]
    if entry.options:
        return Weights()
    name = market.names[int(np.argmax(market.class_of == i))]
    raise NotMarginableError(f"{name}: no {health!r} weights")


def crowd(
    math_: Arithmetic, rate: Column, towards: Any, oi: Column, lo: Column, hi: Column
) -> Column:
    """rate moved towards `towards` by the open interest's place between lo and hi; hi 0: not."""
    on = hi > 0
    width = np.where(hi > lo, hi - lo, 1)
    place = np.minimum(np.maximum(oi - lo, 0), width)
    return np.where(on, rate + math_.muldiv(towards - rate, place, width), rate)


def scale_down(math_: Arithmetic, weight: Column, value: Column, start: Column) -> Column:
    """weight start / value where value > start > 0."""
    on = (start > 0) & (value > start)
    return np.where(on, math_.muldiv(weight, start, np.where(on, value, 1)), weight)


def scale_up(math_: Arithmetic, weight: Column, value: Column, start: Column) -> Column:
    """weight value / start where value > start > 0."""
    on = (start > 0) & (value > start)
    return np.where(on, math_.muldiv(weight, value, np.where(on, start, 1)), weight)


def charge_columns(preset: WeightsPreset, market: Market, health: Health) -> Charges:
    """Per-unit charges. Options: `short_option_charge`. Contingencies only where the type has them:
    what confidence and the stable price lack below their thresholds, times notional."""
    classes, of = classes_of(preset, market), market.class_of
    option = market.kind >= Kind.CALL
    short = unpaired = unsure = unpegged = Arithmetic.of(preset).zeros(len(of))
    if option.any():
        short, unpaired = _option_charges(market, classes, health.weights)
    if health.contingencies:
        notional = np.where(option, market.index, market.price[:, 0])
        unsure = notional * _shortfall(market.confidence, [c.confidence for c in classes], of, 1)
        unpegged = market.index * _shortfall(market.stable, [c.depeg for c in classes], of)
    return Charges(short, unpaired, unsure, unpegged)


def _option_charges(
    market: Market, classes: Sequence[Class], weights: str
) -> tuple[Column, Column]:
    """Per option sold, with its floor; per call sold beyond those held."""
    of = market.class_of
    missing = (market.kind >= Kind.CALL) & np.array([weights not in c.options for c in classes])[of]
    if missing.any():
        raise NotMarginableError(
            f"{market.names[int(missing.argmax())]}: no {weights!r} option rule"
        )
    rules = [c.options.get(weights, OptionRule()) for c in classes]
    floors = [c.options.get(r.floor_of, OptionRule()) for c, r in zip(classes, rules, strict=True)]
    floor = np.array([rule.floor for rule in rules])[of] * short_option_charge(market, floors)
    unpaired = np.array([rule.unpaired for rule in rules])[of] * market.forward
    return np.maximum(short_option_charge(market, rules), floor), unpaired


def short_option_charge(market: Market, rules: Sequence[OptionRule]) -> Column:
    """mark + max(spot_max S - out of the money, spot_min S, mark_frac mark) per option sold.

    One rule a class.
    """

    def column(name: str) -> Column:
        return np.array([getattr(rule, name) for rule in rules])[market.class_of]

    side = np.where(market.kind == Kind.CALL, 1, -1)
    otm = np.maximum(side * (market.strike - market.index), 0)
    spot = np.maximum(column("spot_max") * market.index - otm, column("spot_min") * market.index)
    return market.mark + np.maximum(spot, column("mark") * market.mark)


def _shortfall(
    level: Any, rules: Sequence[Contingency], of: Any, full: float | None = None
) -> Column:
    """factor ((full or threshold) - level) where level < threshold."""
    threshold = np.array([rule.threshold for rule in rules])[of]
    factor = np.array([rule.factor for rule in rules])[of]
    target = threshold if full is None else full
    return np.where(level < threshold, factor * (target - level), 0)


def prepare(preset: WeightsPreset, market: Market, health_type: str) -> Sheet:
    """The market stages of one health type, once for all accounts."""
    if health_type not in preset.health:
        known = ", ".join(preset.health)
        raise ModelError(f"{preset.name} has no health type {health_type!r}: {known}")
    health = preset.health[health_type]
    parts = [preset.health[name] for name in health.average] or [health]
    if health.average and (market.kind >= Kind.CALL).any():
        raise NotMarginableError(f"health.{health_type}: option rules have no average")
    math_, classes, of = Arithmetic.of(preset), classes_of(preset, market), market.class_of
    return Sheet(
        preset,
        market,
        Prices(*PRICE_RULES[health.price](market.price)),
        [weight_table(preset, market, part) for part in parts],
        charge_columns(preset, market, parts[0]),
        math_.array([entry.supply_cap for entry in classes])[of],
        math_.array([entry.borrow_cap for entry in classes])[of],
    )
