# SPDX-License-Identifier: Apache-2.0
"""One pool: a market with the catalogue's assets in it, ready to margin accounts against."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from margin_core.checks import is_a
from margin_core.collateral.catalogue import Catalogue, load_catalogue
from margin_core.collateral.haircut import haircuts
from margin_core.collateral.redemption import AssetPrices
from margin_core.collateral.worlds import joint_worlds

if TYPE_CHECKING:
    from margin_core.margin import Margin
    from margin_core.market import Market
    from margin_core.model import MarginModel
    from margin_core.scenario import Scenarios

__all__ = ["pooled_margin"]


def pooled_margin(
    market: Market,
    prices: AssetPrices,
    model: str | os.PathLike[str] | MarginModel = "house",
    *,
    catalogue: Catalogue | str = "house",
    scenarios: Scenarios | None = None,
    bridges: Collection[str] = (),
    venue_usd: Mapping[str, float] | None = None,
    linked: Collection[str] = (),
    open_interest_usd: Mapping[str, float] | None = None,
    threads: int = 0,
) -> Margin:
    """A market and the assets of `prices.market_usd` as one margin table.

    Each asset stands at its mark, follows its unit in every scenario and its own discount or depeg
    in joint worlds, and has its haircuts and its exit besides: `haircuts`, `Market.with_assets`,
    `joint_worlds` and `Margin.of` in one call.

    Parameters
    ----------
    market : Market
        Has every unit that an asset follows; USD is added where an asset needs it.
    prices : AssetPrices
    model, open_interest_usd, threads
        As for `Margin.of`.
    catalogue : Catalogue, name or path
    scenarios : Scenarios, optional
        Instead of the model's own; the joint worlds are added to them.
    bridges : names
        Whose failure is a world of its own, instead of a haircut.
    venue_usd, linked
        As for `haircuts`: they hold for every account of the table.

    Raises
    ------
    UnknownInstrumentError, ArgumentError, DomainError, ModelError
        Names the asset, the argument or the field.

    Examples
    --------
    >>> quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [2_000.0]}
    >>> market = Market.from_table(quotes, now=0, index={"ETH": 2_000.0, "USDC": 1.0})
    >>> prices = AssetPrices({"USD": 1.0}, {"ETH": 2_000.0, "stETH": 1_900.0})
    >>> margin = pooled_margin(market, prices)
    >>> book = {"account": ["a", "a"], "instrument": ["stETH", "ETH_USDC-PERPETUAL"],
    ...         "quantity": [100.0, -100.0]}
    >>> f"{sweep(Book.from_tables(book), margin).amount('mm')[0]:.0f}"
    '21267'
    """
    from margin_core.margin import Margin
    from margin_core.model import load_model
    from margin_core.scenario import Scenarios

    c = load_catalogue(catalogue)
    is_a("prices", prices, AssetPrices)
    prices.checked(c)
    assets = tuple(prices.market_usd)
    model = load_model(model)
    marks = haircuts(assets, prices, catalogue=c)
    wide = market.with_assets(
        dict(zip(assets, marks.mark_usd.tolist(), strict=True)), c.units_of(assets)
    )
    if scenarios is None:
        scenarios = Scenarios.from_model(model, wide.instruments.units)
    worlds, factors = joint_worlds(scenarios, assets, c, bridges=bridges)
    given = haircuts(
        assets, prices, catalogue=c, events=worlds.factors, venue_usd=venue_usd, linked=linked
    )
    return Margin.of(
        wide, model, worlds, factors=factors, haircuts=given.for_margin(),
        open_interest_usd=open_interest_usd, threads=threads,
    )  # fmt: skip
