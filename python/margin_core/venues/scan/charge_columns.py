# SPDX-License-Identifier: Apache-2.0
"""What 1.0 of each instrument adds to each charge, and in which segment it is netted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.elementary import expm1
from margin_core.instruments import Kind
from margin_core.venues.columns import Column, Index
from margin_core.venues.scan.cells import Cells
from margin_core.venues.scan.columns import Instruments, Market
from margin_core.venues.scan.preset import Charge, ScanPreset, Tenor

__all__ = ["ChargeColumn", "charge_columns"]


@dataclass(frozen=True)
class ChargeColumn:
    """One charge, ready for the kernel.

    weight : (n,) numeraire per 1.0; base x tenor, 0 outside its kinds and units
    level : (n,) number of the segment that each instrument is in
    """

    rule: Charge
    weight: Column
    level: Index


def charge_columns(preset: ScanPreset, instruments: Instruments, market: Market, cells: Cells,
                    numeraire: Column) -> Iterator[ChargeColumn]:  # fmt: skip
    unit, term = instruments.unit, instruments.term
    for rule in preset.charges:
        applies = instruments.of_kinds(rule.kinds) & _charge_units(preset, rule, instruments)[unit]
        base = BASES[rule.base](preset, instruments, market, cells, rule)
        if rule.base != "lots":
            base = base / numeraire[unit]
        tenor = tenor_form(rule.tenor, market.years)[term]
        days = market.years * preset.pricing.days_per_year
        weight = np.where(applies, base * tenor, 0.0)
        yield ChargeColumn(rule, weight, _level(rule, instruments, days))


def _charge_units(preset: ScanPreset, rule: Charge, instruments: Instruments) -> NDArray[np.bool_]:
    """(U,) The units a charge is for: those it names, or those that no namesake names."""
    if rule.units is not None:
        return np.isin(instruments.units, rule.units)
    taken = [u for c in preset.charges if c.name == rule.name for u in c.units or ()]
    return ~np.isin(instruments.units, taken)


def _notional(preset: ScanPreset, instruments: Instruments, market: Market, cells: Cells, _: Charge
              ) -> Column:  # fmt: skip
    """USD: an asset's value; 1 x size of an inverse future; index x size of the rest."""
    asset = instruments.kind == Kind.SPOT
    value = market.forward * instruments.size / market.stable_usd
    usd_sized = instruments.inverse & ~instruments.is_option & ~asset
    index = np.where(usd_sized, 1.0, market.index[instruments.unit])
    return np.where(asset, value, index * instruments.size)


def _haircut(which: str) -> Callable[..., Column]:
    def base(preset: ScanPreset, instruments: Instruments, market: Market, *rest: Any) -> Column:
        rate = [getattr(preset.asset(name, instruments.units[unit]), which)
                if kind == Kind.SPOT else 0.0
                for name, kind, unit in zip(instruments.names, instruments.kind,
                                            instruments.unit, strict=True)]  # fmt: skip
        return np.array(rate) * _notional(preset, instruments, market, *rest)

    return base


def _uncertainty(preset: ScanPreset, instruments: Instruments, market: Market, cells: Cells,
                 rule: Charge) -> Column:  # fmt: skip
    """USD: (1 - confidence) notional where confidence, the least of all feeds, is low."""
    confidence = np.minimum(
        market.confidence,
        np.minimum(market.index_confidence[instruments.unit],
                   market.term_confidence[instruments.term]),
    )  # fmt: skip
    low = confidence < rule.threshold
    notional = _notional(preset, instruments, market, cells, rule)
    return np.where(low, (1.0 - confidence) * notional, 0.0)


#: (n,) what 1.0 of an instrument adds to a charge's base, in USD (lots: contracts).
BASES: dict[str, Callable[..., Column]] = {
    "lots": lambda p, i, m, c, r: np.ones(len(i.unit)),
    "notional": _notional,
    "at_index": lambda p, i, m, c, r: m.index[i.unit] * i.size,
    "delta": lambda p, i, m, c, r: c.delta * m.index[i.unit],
    "delta_mark": lambda p, i, m, c, r: c.delta * (m.forward + m.forward_fixed),
    "vega": lambda p, i, m, c, r: (
        c.vega * (m.index[i.unit] if p.pricing.numeraire == "coin" else 1.0)
    ),
    "haircut_mm": _haircut("haircut_mm"),
    "haircut_im_extra": _haircut("haircut_im_extra"),
    "uncertainty": _uncertainty,
}


def tenor_form(rule: Tenor | None, years: Column) -> Column:
    """(T,) How a charge grows with time to expiry."""
    if rule is None:
        return np.ones_like(years)
    if rule.form == "linear":
        return rule.a + rule.b * years
    return np.maximum(rule.minimum, expm1(rule.a * years))


def _level(rule: Charge, instruments: Instruments, days: Column) -> Index:
    """(n,) The segment of every instrument; segments are contiguous within a unit."""
    if rule.segment == "tenor" or rule.form == "spreads":
        return np.searchsorted(rule.edges_days, days[instruments.term], side="right")
    return {
        "instrument": np.arange(len(instruments.unit)),
        "pair": instruments.pair,
        "term": instruments.term,
        "unit": instruments.unit,
    }[rule.segment]
