# SPDX-License-Identifier: Apache-2.0
"""What one risk lot of every instrument gains in every scenario, by full revaluation.

The formulas of scenario.h and risk_array.h, one function each. A cell differs from the C core's
by at most one quantum, while a lot's value is below 2^45 quanta: both round the same number, which
either computes to a few units in the last place of the value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

SPOT, PERPETUAL, FUTURE, CALL, PUT = range(5)

Column = NDArray[np.float64]

_erfc = np.vectorize(math.erfc, otypes=[np.float64])


@dataclass(frozen=True)
class RiskArray:
    """Whole quanta per risk lot; numeraire where unrounded."""

    cells: Column  #: (n, n_scenarios)
    mark: Column  #: (n,) the venue's value
    value: Column  #: (n,) the model's value, the base of every cell
    notional: Column  #: (n,) >= 0
    delta: Column  #: (n,) gain per +100 % of the unit's spot, basis held
    basis_delta: Column  #: (n,) gain per +100 % of the forward, spot held
    vega: Column  #: (n,) gain per +1.00 of volatility


@dataclass(frozen=True)
class Black76:
    """Discounted price and Greeks, of options on a forward."""

    price: Column
    delta: Column  #: per 1.00 of the forward
    vega: Column  #: per 1.00 of volatility


def risk_array(
    instruments: Any,
    market: Any,
    scenarios: Any,
    lot: Column,
    *,
    quantum: float | None = 1e-6,
    numeraire: int = -1,
) -> RiskArray:
    """Price every instrument in every scenario.

    Parameters
    ----------
    instruments, market, scenarios
        Objects with the columns of instrument.h, market.h and scenario.h.
    lot : (n,) float64
        Units of quantity in one risk lot.
    quantum : float, optional
        What cells are rounded to; None for unrounded.
    numeraire : int
        -1 for USD, else the unit in whose coin values are counted.
    """
    world = shocked(instruments, market, scenarios)
    base = at_rest(instruments, market)
    unit = 1.0 if quantum is None else quantum
    per_lot = instruments.contract_size * lot / unit
    coin = market.index_usd[numeraire] if numeraire >= 0 else 1.0
    coin_shocked = coin * (1.0 + spot_move(instruments, scenarios, numeraire))

    per_gain = per_lot * quote_usd(instruments, market)
    value = values(instruments, base) / coin
    weight = term_column(instruments, scenarios, "weight", 1.0)
    cells = weight * (values(instruments, world) / coin_shocked - value) * per_gain[:, None]

    greeks = sensitivities(instruments, base)
    round_up = np.ceil if quantum is not None else np.asarray
    nearest = np.rint if quantum is not None else np.asarray
    return RiskArray(
        cells=nearest(cells) + 0.0,
        mark=nearest(market.mark_usd * lot / unit / coin),
        value=nearest(value[:, 0] * per_gain),
        notional=round_up(per_lot * notional_usd(instruments, market) / coin),
        delta=nearest(per_gain * greeks.delta / coin),
        basis_delta=nearest(per_gain * greeks.basis_delta / coin),
        vega=nearest(per_gain * greeks.vega / coin),
    )


# ---------------------------------------------------------------------------------------------
# The world of a scenario


@dataclass(frozen=True)
class World:
    """What an instrument's value depends on, (n, n_scenarios) each."""

    spot: Column  #: index price of the unit
    forward: Column  #: of the instrument
    vol: Column
    years: Column
    discount: Column


def at_rest(instruments: Any, market: Any) -> World:
    """The world as it is, as one column."""
    n = len(instruments.unit)
    discount = np.ones(n) if market.discount is None else market.discount
    return World(
        spot=market.index_usd[instruments.unit][:, None],
        forward=market.forward_usd[:, None],
        vol=market.vol[:, None],
        years=market.years[instruments.term][:, None],
        discount=discount[:, None],
    )


def shocked(instruments: Any, market: Any, scenarios: Any) -> World:
    """The world after the moves of every scenario."""
    base = at_rest(instruments, market)
    spot = 1.0 + term_column(instruments, scenarios, "spot_move", 0.0)
    basis = 1.0 + term_column(instruments, scenarios, "basis_move", 0.0)
    event = 1.0 + event_column(instruments, scenarios)
    horizon = 0.0 if scenarios.horizon_years is None else scenarios.horizon_years
    years = np.maximum(0.0, base.years - horizon) + np.zeros_like(spot)
    dated = base.years > 0.0
    left = np.where(dated, years / np.where(dated, base.years, 1.0), 1.0)
    return World(
        spot=base.spot * spot,
        forward=base.forward * spot * basis * event,
        vol=shocked_vol(instruments, market, scenarios),
        years=years,
        discount=base.discount**left,
    )


def shocked_vol(instruments: Any, market: Any, scenarios: Any) -> Column:
    """max(floor, max(0, vol scale + shift)) * max(0, 1 + clamp(slope ln(K / F), -cap, cap))"""
    scale = term_column(instruments, scenarios, "vol_scale", 1.0)
    shift = term_column(instruments, scenarios, "vol_shift", 0.0)
    floor = term_column(instruments, scenarios, "vol_floor", 0.0)
    slope = term_column(instruments, scenarios, "skew_slope", 0.0)
    cap = term_column(instruments, scenarios, "skew_cap", np.inf)
    level = np.maximum(floor, np.maximum(0.0, market.vol[:, None] * scale + shift))
    option = instruments.kind >= CALL
    moneyness = np.log(np.where(option, instruments.strike, 1.0)) - np.log(
        np.where(option, market.forward_usd, 1.0)
    )
    return level * np.maximum(0.0, 1.0 + np.clip(slope * moneyness[:, None], -cap, cap))


def term_column(instruments: Any, scenarios: Any, name: str, neutral: float) -> Column:
    """A column by term, row by row of the instruments; `neutral` where it is absent."""
    column = getattr(scenarios, name)
    if column is None:
        return np.full((len(instruments.term), scenarios.n_scenarios), neutral)
    return np.reshape(column, (-1, scenarios.n_scenarios))[instruments.term]


def event_column(instruments: Any, scenarios: Any) -> Column:
    """The extra move of the spot assets that follow a factor, 0 for all others."""
    n = len(instruments.unit)
    moves = np.zeros((n, scenarios.n_scenarios))
    if scenarios.event_move is None or instruments.factor is None:
        return moves
    table = np.reshape(scenarios.event_move, (-1, scenarios.n_scenarios))
    follows = (instruments.kind == SPOT) & (instruments.factor >= 0)
    moves[follows] = table[instruments.factor[follows]]
    return moves


def spot_move(instruments: Any, scenarios: Any, unit: int) -> Column | float:
    """The move of one unit's spot in every scenario; 0 for USD."""
    if unit < 0 or scenarios.spot_move is None:
        return 0.0
    term = instruments.term[np.flatnonzero(instruments.unit == unit)[0]]
    return np.reshape(scenarios.spot_move, (-1, scenarios.n_scenarios))[term]


# ---------------------------------------------------------------------------------------------
# The value of 1.0 coin of a contract


def values(instruments: Any, world: World) -> Column:
    """The asset's price, F, -S/F (inverse future), D B76 (option), D B76 S/F (inverse option)."""
    kind = instruments.kind[:, None]
    inverse = is_inverse(instruments)[:, None]
    future = (kind == PERPETUAL) | (kind == FUTURE)
    coins = world.spot / np.where(kind == SPOT, world.spot, world.forward)
    linear = np.where(kind >= CALL, price_options(instruments, world).price, world.forward)
    return np.where(future & inverse, -coins, np.where(inverse, linear * coins, linear))


def price_options(instruments: Any, world: World) -> Black76:
    """Black-76 where the row is an option, anything elsewhere."""
    option = (instruments.kind >= CALL)[:, None]
    strike = np.where(option, instruments.strike[:, None], 1.0)
    forward = np.where(option, world.forward, 1.0)
    call = instruments.kind[:, None] == CALL
    return black76(forward, strike, world.years, world.vol, world.discount, call)


def black76(forward: Any, strike: Any, years: Any, vol: Any, discount: Any, call: Any) -> Black76:
    """European options on a forward.

    Source: F. Black, "The pricing of commodity contracts", J. Financial Economics 3 (1976).
    Without time or volatility: intrinsic value, delta 0, 1/2 or 1, vega 0.
    """
    forward, strike, years, vol, discount, call = np.broadcast_arrays(
        forward, strike, years, vol, discount, call
    )
    deviation = vol * np.sqrt(years)
    still = deviation == 0.0
    moneyness = np.log(forward / strike)
    d1 = np.clip(moneyness / np.where(still, 1.0, deviation) + deviation / 2, -1e3, 1e3)
    d1 = np.where(still, 1e3 * np.sign(moneyness), d1)  # beyond 40 the normal cdf is 0 or 1
    d2 = d1 - deviation
    sign = np.where(call, 1.0, -1.0)
    delta = sign * normal_cdf(sign * d1)
    price = discount * (forward * delta - strike * sign * normal_cdf(sign * d2))
    density = np.exp(-np.minimum(d1 * d1 / 2, 700.0)) / math.sqrt(2 * math.pi)
    vega = np.where(still, 0.0, discount * forward * density * np.sqrt(years))
    return Black76(price=np.maximum(price, 0.0), delta=discount * delta, vega=vega)


def normal_cdf(x: Column) -> Column:
    return _erfc(-x / math.sqrt(2.0)) / 2


def is_inverse(instruments: Any) -> NDArray[np.bool_]:
    if instruments.inverse is None:
        return np.zeros(len(instruments.kind), dtype=bool)
    return np.asarray(instruments.inverse, dtype=bool)


# ---------------------------------------------------------------------------------------------
# Notional and sensitivities of 1.0 coin, docs/method/margin.md section 1


@dataclass(frozen=True)
class Sensitivities:
    delta: Column
    basis_delta: Column
    vega: Column


def notional_usd(instruments: Any, market: Any) -> Column:
    """Spot: its price; inverse future or perpetual: 1, its size is in USD; else the index."""
    kind = instruments.kind
    future = (kind == PERPETUAL) | (kind == FUTURE)
    index = market.index_usd[instruments.unit]
    linear = np.where(kind == SPOT, market.forward_usd, index)
    return np.where(future & is_inverse(instruments), 1.0, linear)


def quote_usd(instruments: Any, market: Any) -> Column:
    """USD in 1.0 of the currency that a linear contract's own numbers are in; 1 for all others."""
    if market.quote_usd is None:
        return np.ones(len(instruments.kind))
    linear = (instruments.kind != SPOT) & ~is_inverse(instruments)
    return np.where(linear, market.quote_usd, 1.0)


def sensitivities(instruments: Any, base: World) -> Sensitivities:
    """Gain per +100 % of spot, per +100 % of the forward and per +1.00 of volatility."""
    kind = instruments.kind
    inverse = is_inverse(instruments)
    future = (kind == PERPETUAL) | (kind == FUTURE)
    spot, forward = base.spot[:, 0], base.forward[:, 0]
    coins = spot / forward
    greeks = price_options(instruments, base)
    gain = greeks.delta[:, 0] * forward
    inverse_basis = spot * (greeks.delta[:, 0] - greeks.price[:, 0] / forward)

    option_delta = np.where(inverse, gain * coins, gain)
    option_basis = np.where(inverse, inverse_basis, gain)
    option_vega = greeks.vega[:, 0] * np.where(inverse, coins, 1.0)
    future_delta = np.where(inverse, 0.0, forward)
    future_basis = np.where(inverse, coins, forward)
    return Sensitivities(
        delta=np.select([kind == SPOT, future], [forward, future_delta], option_delta),
        basis_delta=np.select([kind == SPOT, future], [0.0 * forward, future_basis], option_basis),
        vega=np.where(kind >= CALL, option_vega, 0.0),
    )
