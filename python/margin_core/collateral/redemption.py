# SPDX-License-Identifier: Apache-2.0
"""What waiting for the issuer is worth, and which of market and redemption marks an asset."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from margin_core.checks import is_a, mapping, number, shown
from margin_core.collateral.catalogue import Asset, Catalogue, Redemption
from margin_core.collateral.yields import RAY, ExchangeRate
from margin_core.errors import ArgumentError, DomainError, UnknownInstrumentError

__all__ = ["Mark", "AssetPrices", "exit_market", "mark_asset", "queue_discount"]

DAYS_MAX = 3650.0
PRICE_MAX = 1e15
RATE_MAX = 1e6


@dataclass(frozen=True)
class AssetPrices:
    """What the world says about assets at one instant; each mapping is by unit or symbol.

    Attributes
    ----------
    unit_usd, market_usd : {name: USD per 1.0}
        Of the units that a redemption ends in (USD, EUR); of the assets in their markets, those
        that they redeem to included.
    rate : {symbol: per 1.0 or ExchangeRate}, optional
        What redeeming 1.0 gives of the redemption's `to`, before its fee; 1.0 where not given. A
        plain number is believed as it is, an `ExchangeRate` is what its cap let through.
    queue_days : {symbol: days}, optional
        The wait as it is now, instead of the catalogue's.
    exit_open : {symbol: bool}, optional
        Whether the issuer redeems now, instead of the catalogue's.
    backing : {symbol: assets over claims}, optional
        Of what an issuer or a bridge has given out; 1.0 where not given.
    """

    unit_usd: Mapping[str, float]
    market_usd: Mapping[str, float]
    rate: Mapping[str, float | ExchangeRate] | None = None
    queue_days: Mapping[str, float] | None = None
    exit_open: Mapping[str, bool] | None = None
    backing: Mapping[str, float] | None = None

    def checked(self, catalogue: Catalogue) -> AssetPrices:
        """Itself, once every name is known and every number in its range.

        Raises
        ------
        UnknownInstrumentError, ArgumentError, DomainError
            Names the mapping and the entry; a price of 0 is legal, NaN and a negative are not.
        """
        is_a("unit_usd", self.unit_usd, Mapping)
        is_a("market_usd", self.market_usd, Mapping)
        for field, known, high in (
            ("unit_usd", catalogue.units, PRICE_MAX),
            ("market_usd", catalogue.assets, PRICE_MAX),
            ("rate", catalogue.assets, RATE_MAX),
            ("queue_days", catalogue.assets, DAYS_MAX),
            ("exit_open", catalogue.assets, None),
            ("backing", catalogue.assets, RATE_MAX),
        ):
            for name, value in mapping(field, getattr(self, field)).items():
                if name not in known:
                    raise UnknownInstrumentError(f"{field}: {shown(name)} is not in the catalogue")
                if isinstance(value, ExchangeRate) and field == "rate":
                    continue
                if high is not None:
                    number(f"{field}[{name!r}]", value, 0.0, high)
                elif not isinstance(value, (bool, np.bool_)):
                    raise DomainError(
                        f"{field}[{name!r}] = {shown(value)} is neither True nor False"
                    )
        return self


@dataclass(frozen=True)
class Mark:
    """USD per 1.0: for maintenance and for new credit."""

    mm_usd: float
    im_usd: float


def queue_discount(catalogue: Catalogue, symbol: str, days: float) -> dict[str, float]:
    """What a wait of `days` costs, as fractions of the redemption value.

    With ``d* = days (1 + queue_stretch)``: `volatility` is ``z basis_vol sqrt(days / 365)``,
    `carry` is ``1 - exp(-carry days / 365)``, `queue` is what both cost more at d*. The price of
    what the asset follows is not in it: that is hedged or in the scenarios.

    Raises
    ------
    DomainError
        A wait that is negative, longer than ten years, or not a number.
    """
    asset, risk = catalogue.asset(symbol), catalogue.risk
    days = number(f"queue_days[{symbol!r}]", days, 0.0, DAYS_MAX)

    def cost(wait: float) -> tuple[float, float]:
        years = wait / 365.0
        return risk.z * asset.basis_vol * math.sqrt(years), -math.expm1(
            -risk.carry_per_year * years
        )

    volatility, carry = cost(days)
    queue = sum(cost(days * (1.0 + risk.queue_stretch_frac))) - volatility - carry
    return {"volatility": volatility, "carry": carry, "queue": queue}


def mark_asset(catalogue: Catalogue, symbol: str, prices: AssetPrices) -> Mark:
    """An asset's marks: an open exit is worth its discounted redemption, a closed one its market.

    `mm_usd` is the redemption-discounted value where the exit is open, else the market's. `im_usd`
    is the lower of the two, the closed exit taken to open after `closed_days`. An asset without
    redemption has its market's price.

    While claims exceed the assets behind them the exit is no longer there for all: `im_usd` is 0,
    `mm_usd` the lower of the market and the backed part of the redemption.

    Raises
    ------
    UnknownInstrumentError, ArgumentError
        An asset that is not in the catalogue; a price that `prices` lacks.
    """
    asset = catalogue.asset(symbol)
    market = _price("market_usd", symbol, prices.market_usd)
    backing = (prices.backing or {}).get(symbol, 1.0)
    if asset.redemption is None:
        return Mark(market, market if backing >= 1.0 else 0.0)
    target = asset.redemption.to
    if target in catalogue.assets:
        end = mark_asset(catalogue, target, prices)
    else:
        usd = _price("unit_usd", target, prices.unit_usd)
        end = Mark(usd, usd)
    is_open = _is_open(symbol, asset.redemption, prices)
    worth = _worth(catalogue, symbol, asset, prices, is_open)
    if backing < 1.0:
        mm_usd = min(market, backing * worth * end.mm_usd)
        return Mark(mm_usd, 0.0)
    if is_open:
        mm_usd = worth * end.mm_usd
        return Mark(mm_usd, min(market, worth * end.im_usd, mm_usd))
    return Mark(market, min(market, worth * end.im_usd))


def exit_market(catalogue: Catalogue, symbol: str, prices: AssetPrices) -> str:
    """The asset in whose market a holder sells: where the open path ends, else its own.

    Empty where the issuer pays in a unit, or the market takes any amount.
    """
    asset = catalogue.asset(symbol)
    redemption = asset.redemption
    backing = (prices.backing or {}).get(symbol, 1.0)
    if redemption is None or backing < 1.0 or not _is_open(symbol, redemption, prices):
        return symbol if asset.depth_usd > 0.0 else ""
    if redemption.to not in catalogue.assets:
        return ""
    return exit_market(catalogue, redemption.to, prices)


def _is_open(symbol: str, redemption: Redemption, prices: AssetPrices) -> bool:
    return (prices.exit_open or {}).get(symbol, redemption.open)


def _worth(
    catalogue: Catalogue, symbol: str, asset: Asset, prices: AssetPrices, is_open: bool
) -> float:
    """Of the redemption's `to`, after fee and wait, per 1.0 of the asset."""
    redemption = asset.redemption
    assert redemption is not None
    wait = redemption.delay_days if is_open else redemption.closed_days
    days = (prices.queue_days or {}).get(symbol, wait)
    discount = sum(queue_discount(catalogue, symbol, days).values())
    rate = (prices.rate or {}).get(symbol, 1.0)
    if isinstance(rate, ExchangeRate):
        rate = rate.rate_ray / RAY
    return rate * (1.0 - redemption.fee_frac) * max(0.0, 1.0 - discount)


def _price(field: str, name: str, prices: Mapping[str, float]) -> float:
    if name not in prices:
        raise ArgumentError(f"{field}: no price of {name!r}")
    return prices[name]
