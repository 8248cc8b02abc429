# SPDX-License-Identifier: Apache-2.0
"""A market under a preset: columns only, everything that does not depend on an account."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.elementary import exp
from margin_core.errors import ArgumentError, DomainError
from margin_core.venues.columns import Column
from margin_core.venues.scan.cells import Cells, price
from margin_core.venues.scan.charge_columns import ChargeColumn, charge_columns
from margin_core.venues.scan.columns import Instruments, Market
from margin_core.venues.scan.preset import Competitor, ScanPreset
from margin_core.venues.scan.scenarios import Scenarios, expand

__all__ = ["Tables", "compile_tables"]


@dataclass(frozen=True)
class Tables:
    """Columns only.

    per instrument      cells.value (n, J), cells.base, cells.mark (n,); unit, term (n,)
    per term            value_long, value_short (T,); compete_rate (C, T)
    per unit and column weight (U, J), 1 for a published array, which has it; dampener (U, S)
    per unit            gain_offset, gain_cap, index (U,); numeraire_usd (U,)
    per column          fold (J,), competitor (J,)
    """

    preset: ScanPreset
    instruments: Instruments
    cells: Cells
    scenarios: Scenarios
    weight: Column
    value_long: Column
    value_short: Column
    compete_rate: Column
    dampener: Column
    gain_offset: Column
    gain_cap: Column
    index: Column
    numeraire_usd: Column
    charges: tuple[ChargeColumn, ...]
    years: Column
    stable_usd: float


def compile_tables(
    preset: ScanPreset, instruments: Instruments, market: Market, cells: Cells | None = None
) -> Tables:
    """Everything that does not depend on an account; `cells` replaces pricing."""
    _check_market(instruments, market)
    table = expand(preset, instruments.units)
    weight = table.weight if cells is None else np.ones_like(table.weight)
    if cells is None:
        cells = price(preset, instruments, market, table)
    elif cells.value.shape[1] != len(table.names):
        raise ArgumentError(
            f"{cells.value.shape[1]} columns adopted; {preset.name} has {len(table.names)}"
        )
    units = [preset.unit(name) for name in instruments.units]
    numeraire = market.index if preset.pricing.numeraire == "coin" else np.ones_like(market.index)
    long, short = static_discount(preset, instruments, market)
    return Tables(
        preset=preset,
        instruments=instruments,
        cells=cells,
        scenarios=table,
        weight=weight,
        value_long=long,
        value_short=short,
        compete_rate=_compete_rate(preset, instruments, market),
        dampener=_dampener(preset, units, table, market.index),
        gain_offset=np.array([u.gain_offset for u in units]),
        gain_cap=np.array([np.inf if u.gain_cap is None else u.gain_cap for u in units]),
        index=market.index,
        numeraire_usd=numeraire,
        charges=tuple(charge_columns(preset, instruments, market, cells, numeraire)),
        years=market.years,
        stable_usd=market.stable_usd,
    )


def _check_market(instruments: Instruments, market: Market) -> None:
    """Prices that a rule divides by must be positive; the others finite and not negative."""
    if not 0.0 < market.stable_usd < np.inf:
        raise DomainError(f"the settlement currency's price is {market.stable_usd}, not positive")
    for what, values, names, least in (
        ("index", market.index, instruments.units, np.nextafter(0.0, 1.0)),
        ("forward", market.forward + market.forward_fixed, instruments.names, 0.0),
        ("volatility", market.vol, instruments.names, 0.0),
    ):
        bad = ~((values >= least) & (values < np.inf))
        if bad.any():
            row = int(np.argmax(bad))
            raise DomainError(f"the {what} of {names[row]} is {values[row]:g}", row=row)


def _option_terms(instruments: Instruments, n_terms: int) -> NDArray[np.bool_]:
    has = np.zeros(n_terms, dtype=bool)
    has[instruments.term[instruments.is_option]] = True
    return has


def static_discount(
    preset: ScanPreset, instruments: Instruments, market: Market
) -> tuple[Column, Column]:
    """(T,) factors on a term's total shocked value where it is >= 0 and where it is < 0."""
    rule, years, rate = preset.static_discount, market.years, np.maximum(0.0, market.rate)
    one = np.ones_like(years)
    if rule is None:
        return one, one
    undo = exp(rate * years) if preset.pricing.discounted else one
    long = rule.long_base * exp(-years * (rate * rule.long_rate_mult + rule.long_rate_add))
    short = rule.short_base * exp(years * (rate * rule.short_rate_mult + rule.short_rate_add))
    option = _option_terms(instruments, len(years))
    return np.where(option, long, 1.0), np.where(option, np.minimum(undo, short), 1.0)


def _compete_rate(preset: ScanPreset, instruments: Instruments, market: Market) -> Column:
    """(C, T) what a competitor's worst P&L of a term counts; option expiries only."""
    option = _option_terms(instruments, len(market.years))

    def rate(c: Competitor) -> Column:
        return np.where(option, c.add + c.per_year * market.years, 0.0)

    shape = len(preset.competitors), len(market.years)
    return np.array([rate(c) for c in preset.competitors]).reshape(shape)


def _dampener(preset: ScanPreset, units: list[Any], table: Scenarios, index: Column) -> Column:
    """(U, S) loss forgiven per range-width beyond the range; in coin, at the price of its edge."""
    move = table.spot_move[:, : table.n_scan]
    reach = np.array([u.range_frac for u in units])[:, None]
    usd = np.array([u.dampener_usd for u in units])[:, None]
    width = np.divide(np.abs(move), reach, out=np.ones_like(move), where=reach > 0.0)
    coin = preset.pricing.numeraire == "coin"
    edge = index[:, None] * (1.0 + np.sign(move) * reach) if coin else np.ones_like(move)
    return np.maximum(0.0, width - 1.0) * np.divide(
        usd, edge, out=np.zeros_like(edge), where=edge > 0.0
    )
