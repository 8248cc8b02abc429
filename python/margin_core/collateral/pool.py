# SPDX-License-Identifier: Apache-2.0
"""One pool: a market with the catalogue's assets in it, ready to margin accounts against."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from margin_core.checks import is_a
from margin_core.collateral.catalogue import Catalogue, load_catalogue
from margin_core.collateral.haircut import haircuts
from margin_core.collateral.redemption import AssetPrices, mark_asset
from margin_core.collateral.worlds import joint_worlds
from margin_core.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.book import Book
    from margin_core.margin import Margin
    from margin_core.market import Market
    from margin_core.model import MarginModel
    from margin_core.scenario import Scenarios

__all__ = ["held_usd", "owners_beyond", "pooled_margin"]

#: What stands for a price of 0, which a market does not have.
LEAST_USD = 1e-6

#: By how much two venues may differ on a coin.
NOISE_FRAC = 0.05


def pooled_margin(
    market: Market,
    prices: AssetPrices,
    model: str | os.PathLike[str] | MarginModel = "house",
    *,
    catalogue: Catalogue | str = "house",
    scenarios: Scenarios | None = None,
    bridges: Collection[str] = (),
    book: Book | None = None,
    owner_usd: Mapping[str, float] | None = None,
    venue_usd: Mapping[str, float] | None = None,
    linked: Collection[str] = (),
    open_interest_usd: Mapping[str, float] | None = None,
    threads: int = 0,
) -> Margin:
    """A market and the assets of `prices.market_usd` as one margin table.

    Each asset stands at its mark, follows its unit in every scenario and its own discount or depeg
    in joint worlds, and has its haircuts and its exit besides: `haircuts`, `Market.with_assets`,
    `joint_worlds` and `Margin.of` in one call. What redeems to a coin that is a unit of the market
    follows that: a receipt of USDC follows USDC where the market has it, and the two set off. An
    asset whose mark is 0 stands at its market's price with a haircut of all of it.

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
    book : Book, optional
        The venue's accounts: what they hold of each asset is `venue_usd` where that is not given.
    owner_usd, venue_usd, linked
        As for `haircuts`: they hold for every account of the table. `owner_usd` is for a table of
        one owner's accounts, such as `held_usd` of them; `owners_beyond` says who needs one.

    Raises
    ------
    UnknownInstrumentError, ArgumentError, DomainError, ModelError
        Names the asset, the argument or the field.

    Examples
    --------
    >>> quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [2_000.0]}
    >>> market = Market.from_table(quotes, now=1, index={"ETH": 2_000.0, "USDC": 1.0})
    >>> prices = AssetPrices({"USD": 1.0}, {"ETH": 2_000.0, "stETH": 1_900.0})
    >>> margin = pooled_margin(market, prices)
    >>> book = {"account": ["a", "a"], "instrument": ["stETH", "ETH_USDC-PERPETUAL"],
    ...         "quantity": [100.0, -100.0]}
    >>> f"{sweep(Book.from_tables(book), margin).amount('mm')[0]:.0f}"
    '21243'
    """
    from margin_core.margin import Margin
    from margin_core.market import Market
    from margin_core.model import load_model
    from margin_core.scenario import Scenarios

    c = load_catalogue(catalogue)
    is_a("market", market, Market)
    is_a("prices", prices, AssetPrices)
    prices.checked(c)
    assets = tuple(prices.market_usd)
    _same_price(market, prices)
    model = load_model(model)
    marks = {symbol: mark_asset(c, symbol, prices).mm_usd for symbol in assets}
    stands = {s: mark or max(prices.market_usd[s], LEAST_USD) for s, mark in marks.items()}
    wide = market.with_assets(stands, {s: _unit_in(market, c, s) for s in assets})
    if scenarios is None:
        scenarios = Scenarios.from_model(model, wide.instruments.units)
    worlds, factors = joint_worlds(scenarios, assets, c, bridges=bridges)
    if book is not None and venue_usd is None:
        venue_usd = held_usd(book, prices)
    given = haircuts(
        assets, prices, catalogue=c, events=worlds.factors, owner_usd=owner_usd,
        venue_usd=venue_usd, linked=linked,
    )  # fmt: skip
    off = given.for_margin()
    off |= {
        s: replace(off[s], mm_frac=1.0, im_frac=1.0) for s, mark in marks.items() if mark == 0.0
    }
    return Margin.of(
        wide, model, worlds, factors=factors, haircuts=off,
        open_interest_usd=open_interest_usd, threads=threads,
    )  # fmt: skip


def _same_price(market: Market, prices: AssetPrices) -> None:
    """A coin that is a unit of the market has one price, up to the noise between two venues."""
    for unit, index in zip(market.instruments.units, market.index_usd.tolist(), strict=True):
        price = prices.market_usd.get(unit, index)
        if abs(price - index) > NOISE_FRAC * index:
            raise ArgumentError(
                f"market_usd[{unit!r}] is {price:g}, the market's index {index:g}: "
                "two prices of one coin"
            )


def held_usd(book: Book, prices: AssetPrices, account: str | None = None) -> dict[str, float]:
    """What accounts that hold an asset hold of it together, at the market's price.

    Of all accounts; of those of one account's owner where `account` names it.

    Raises
    ------
    UnknownInstrumentError
        There is no such account.
    """
    counts = np.ones(len(book), dtype=np.bool_)
    if account is not None:
        owner = _owners(book)
        counts = owner == owner[book.row_of(account)]
    usd: dict[str, float] = {}
    for name, accounts, each in _longs(book, prices):
        usd[name] = usd.get(name, 0.0) + float(each[counts[accounts]].sum())
    return usd


def owners_beyond(
    book: Book, prices: AssetPrices, catalogue: Catalogue | str = "house"
) -> list[tuple[str, str]]:
    """(account, asset) of owners who hold so much that their own cap costs them concentration.

    An account of each such owner, and the asset whose cap it is, forms of it included.
    """
    c = load_catalogue(catalogue)
    owner = _owners(book)
    filled: dict[str, NDArray[np.float64]] = {}
    for name, accounts, each in _longs(book, prices):
        of_owner = np.bincount(owner[accounts], each, minlength=len(book))
        for asset in c.within_a_day(name):
            filled[asset] = filled.get(asset, np.zeros(len(book))) + of_owner
    free = c.risk.concentration_free_frac
    return [
        (str(book.accounts[np.flatnonzero(owner == k)[0]]), asset)
        for asset, usd in filled.items()
        for k in np.flatnonzero(usd > free * c.assets[asset].owner_cap_usd).tolist()
    ]


def _longs(
    book: Book, prices: AssetPrices
) -> Iterator[tuple[str, NDArray[np.int64], NDArray[np.float64]]]:
    """Of each asset with a price: the accounts that have rows of it, and USD held in each."""
    for held in (book.positions, book.balances):
        for code, name in enumerate(held.names):
            if name in prices.market_usd:
                rows = held.code == code
                usd = np.maximum(held.quantity[rows], 0.0) * prices.market_usd[name]
                yield name, held.account[rows], usd


def _owners(book: Book) -> NDArray[np.int64]:
    """(n,) a number below n of each account's beneficial owner; pockets belong to their account."""
    rows = np.arange(len(book))
    rows = np.where(book.parent >= 0, book.parent, rows)
    owner = book.owner[rows]
    first = np.full(len(book), -1)
    known = np.flatnonzero(owner >= 0)
    first[owner[known][::-1]] = rows[known][::-1]
    return np.where(owner >= 0, first[np.maximum(owner, 0)], rows)


def _unit_in(market: Market, catalogue: Catalogue, symbol: str) -> str:
    """The first coin on the way of its redemption that the market has as a unit, else its unit."""
    at = symbol
    while at not in market.instruments.units:
        redemption = catalogue.asset(at).redemption
        if redemption is None or redemption.to not in catalogue.assets:
            return catalogue.asset(symbol).unit
        at = redemption.to
    return at
