# SPDX-License-Identifier: Apache-2.0
"""Every instrument revalued in every scenario: the cells that positions are multiplied with.

F' = F_fixed + F (1 + move), or F + index move; vol' = max(floor, vol max(0, 1 + move tenor)) times
the skew's multiplier; options by Black-76, discounted where the preset says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from margin_core.elementary import exp, log, power
from margin_core.instruments import Kind
from margin_core.pricing import black76
from margin_core.venues.columns import Column
from margin_core.venues.scan.columns import Instruments, Market
from margin_core.venues.scan.preset import ScanPreset, Skew
from margin_core.venues.scan.scenarios import Scenarios

__all__ = ["Cells", "price"]


@dataclass(frozen=True)
class Cells:
    """Values per 1.0 of quantity, in the numeraire; adopted from a venue or priced here.

    value : (n, J) shocked value
    base : (n,) value now; 0 where `value` is P&L already
    mark : (n,) what counts in equity: options and assets; 0 where P&L is settled in cash
    delta : (n,) units of underlying
    vega : (n,) per 1.00 of volatility
    """

    value: Column
    base: Column
    mark: Column
    delta: Column
    vega: Column

    @classmethod
    def adopt(cls, value: Any, delta: Any = 0.0, mark: Any = 0.0) -> Cells:
        """A published risk array: P&L per 1.0 in every scan column."""
        value = np.asarray(value, dtype=np.float64)
        n = len(value)
        return cls(value, np.zeros(n), _filled(mark, n), _filled(delta, n), np.zeros(n))


def _filled(value: Any, n: int) -> Column:
    return np.broadcast_to(np.asarray(value, dtype=np.float64), (n,)).copy()


def price(preset: ScanPreset, instruments: Instruments, market: Market, table: Scenarios) -> Cells:
    """Full revaluation of every instrument in every column.

    Options are shocked values, with their value now as base. The rest is P&L with base 0: exact
    where it is linear, however large the holding.
    """
    option, asset = instruments.is_option, instruments.kind == Kind.SPOT
    rest = np.zeros((len(instruments.units), 1))
    now = _option_values(preset, instruments, market, rest, market.vol[:, None], np.zeros(1))[:, 0]
    vol = shocked_vol(preset, instruments, market, table)
    shocked = _option_values(preset, instruments, market, table.spot_move, vol, table.horizon_years)
    gain = _gains(preset, instruments, market, table.spot_move)
    numeraire = market.index[instruments.unit] if preset.pricing.numeraire == "coin" else 1.0
    held = market.forward * instruments.size / market.stable_usd / numeraire

    delta, vega = _sensitivities(preset, instruments, market)
    return Cells(
        value=np.where(option[:, None], shocked, gain),
        base=np.where(option, now, 0.0),
        mark=np.where(option, now, np.where(asset, held, 0.0)),
        delta=delta,
        vega=vega / numeraire,
    )


def _option_values(preset: ScanPreset, instruments: Instruments, market: Market, move: Column,
                   vol: Column, horizon: Column) -> Column:  # fmt: skip
    """(n, J) value of 1.0 of each option in the numeraire, 0 for others.

    move : (U, J); vol : (n, J); horizon : (J,) years. An inverse option pays coins: its price over
    the forward, worth spot each.
    """
    option = instruments.is_option
    spot = (market.index[:, None] * (1.0 + move))[instruments.unit]
    value = np.zeros_like(spot)
    if not option.any():
        return value
    forward, _ = _forward(preset, instruments, market, move)
    years = np.maximum(0.0, market.years[:, None] - horizon)[instruments.term]
    value[option] = _options(
        preset, instruments, market, forward[option], vol[option], years[option]
    )[0]
    inverse = instruments.inverse[:, None]
    value = np.where(inverse, _ratio(value, forward) * spot, value) * instruments.size[:, None]
    return _ratio(value, spot) if preset.pricing.numeraire == "coin" else value


def _gains(preset: ScanPreset, instruments: Instruments, market: Market, move: Column) -> Column:
    """(n, J) P&L of 1.0 of assets, perpetuals and futures in the numeraire.

    An inverse contract pays (F' - F) / (F F') coins a dollar.
    """
    shocked, gain = _forward(preset, instruments, market, move)
    spot = (market.index[:, None] * (1.0 + move))[instruments.unit]
    now = (market.forward + market.forward_fixed)[:, None]
    gain = np.where(instruments.inverse[:, None], _ratio(gain, now * shocked) * spot, gain)
    asset = instruments.kind[:, None] == Kind.SPOT
    gain = np.where(asset, gain / market.stable_usd, gain) * instruments.size[:, None]
    return _ratio(gain, spot) if preset.pricing.numeraire == "coin" else gain


def _ratio(a: Column, b: Column) -> Column:
    """a / b; 0 where b is not positive."""
    return np.divide(a, b, out=np.zeros(np.broadcast(a, b).shape), where=b > 0.0)


def _forward(preset: ScanPreset, instruments: Instruments, market: Market, move: Column
             ) -> tuple[Column, Column]:  # fmt: skip
    """(n, J) shocked forward, and its gain; an asset moves only if it follows the unit's spot."""
    follows = np.array([preset.asset(name, instruments.units[unit]).follows_spot
                        if kind == Kind.SPOT else True for name, kind, unit in
                        zip(instruments.names, instruments.kind, instruments.unit, strict=True)],
                       dtype=bool)  # fmt: skip
    move = np.where(follows[:, None], move[instruments.unit], 0.0)
    fixed, variable = market.forward_fixed[:, None], market.forward[:, None]
    if preset.pricing.basis == "constant":
        gain = market.index[instruments.unit][:, None] * move
        return fixed + variable + gain, gain
    return fixed + variable * (1.0 + move), variable * move


def _options(preset: ScanPreset, instruments: Instruments, market: Market, forward: Any, vol: Any,
             years: Any) -> tuple[Column, Column, Column]:  # fmt: skip
    """Price, delta, vega of the options; forward, vol, years broadcast to (options, J)."""
    option = instruments.is_option
    cap = preset.pricing.total_vol_cap
    if cap is not None:
        root = np.sqrt(years)
        vol = np.minimum(
            vol, np.divide(cap, root, out=np.full_like(root, np.inf), where=root > 0.0)
        )
    rate = np.maximum(0.0, market.rate)[instruments.term][option][:, None]
    discount = exp(-rate * years) if preset.pricing.discounted else 1.0
    strike = instruments.strike[option][:, None]
    call = (instruments.kind[option] == Kind.CALL)[:, None]
    forward = np.maximum(forward, 0.0)
    found = black76(forward, strike, years, vol, call, discount, greeks=("price", "delta", "vega"))
    return found.price, found.delta, found.vega


def _sensitivities(preset: ScanPreset, instruments: Instruments, market: Market) -> tuple[Any, Any]:
    """Delta in units of underlying, vega in USD per 1.00 of volatility, (n,) each."""
    forward = market.forward + market.forward_fixed
    per_forward = np.divide(1.0, forward, out=np.zeros_like(forward), where=forward > 0.0)
    delta = np.where(instruments.inverse, per_forward, 1.0)
    vega = np.zeros_like(delta)
    option = instruments.is_option
    if option.any():
        years = market.years[instruments.term][option][:, None]
        value, per_one, per_vol = _options(preset, instruments, market, forward[option][:, None],
                                           market.vol[option][:, None], years)  # fmt: skip
        premium = np.where(instruments.inverse[option], value[:, 0] * per_forward[option], 0.0)
        delta[option] = per_one[:, 0] - premium
        vega[option] = per_vol[:, 0]
    return delta * instruments.size, vega * instruments.size


def shocked_vol(
    preset: ScanPreset, instruments: Instruments, market: Market, table: Scenarios
) -> Column:
    """(n, J) max(floor, vol max(0, 1 + move tenor)) max(0, 1 + skew)."""
    tenor = tenor_factor(preset, market.years)[instruments.term][:, None]
    move, floor = table.vol_move[instruments.unit], table.vol_floor[instruments.unit]
    vol = np.maximum(floor, market.vol[:, None] * np.maximum(0.0, 1.0 + move * tenor))
    for name, skew in preset.skews.items():
        columns = [z for z, used in enumerate(table.skew) if used == name]
        if columns:
            vol[:, columns] *= skew_multiplier(skew, instruments, market)[:, None]
    return vol


def tenor_factor(preset: ScanPreset, years: Column) -> Column:
    """(T,) (30 / max(days, days_floor))^power; 1 where nothing expires and there is no floor."""
    term, days = preset.vol_term, years * preset.pricing.days_per_year
    floored = np.maximum(days, term.days_floor)
    exponent = np.where(days <= 30.0, term.power_short, term.power_long)
    ratio = np.divide(30.0, floored, out=np.ones_like(floored), where=floored > 0.0)
    return power(ratio, exponent)


def skew_multiplier(skew: Skew, instruments: Instruments, market: Market) -> Column:
    """(n,) max(0, 1 + sign(k) min(|k| cap / k_star, cap)); 1 where there is no strike."""
    root = np.sqrt(market.years[instruments.term])
    forward = market.forward + market.forward_fixed
    priced = instruments.is_option & (forward > 0.0) & (instruments.strike > 0.0)
    k = np.zeros_like(forward)
    k[priced] = log(instruments.strike[priced] / forward[priced])
    cap = skew.cap_base + skew.cap_per_root_year * root
    width = root * skew.width_scale * (skew.vol_static + skew.vol_per_root_year * root)
    k_star = np.maximum(skew.k_star_min, width)
    steps = np.divide(np.abs(k), k_star, out=np.where(k == 0.0, 0.0, np.inf), where=k_star > 0.0)
    side = np.sign(np.abs(k) if skew.absolute else k)
    with np.errstate(invalid="ignore"):
        reached = np.where(cap == 0.0, 0.0, np.minimum(steps * cap, cap))
    return np.maximum(0.0, 1.0 + side * reached)
