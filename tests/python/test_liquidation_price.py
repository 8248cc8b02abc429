# SPDX-License-Identifier: Apache-2.0
"""Liquidation prices through the facade: paper, repriced options, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest

import margin_core as mc
from margin_core.errors import ArgumentError, DomainError, UnknownInstrumentError

NOW = 1_767_225_600_000_000_000
INDEX = {"BTC": 60_000.0, "ETH": 3_000.0, "USDC": 1.0}
CALL, PUT = "BTC_USDC-27MAR26-60000-C", "BTC_USDC-27MAR26-60000-P"


@pytest.fixture(scope="module")
def margin():
    quotes = {
        "instrument": ["BTC_USDC-PERPETUAL", "BTC-PERPETUAL", "ETH_USDC-PERPETUAL", CALL, PUT],
        "forward_usd": [60_000.0, 60_000.0, 3_000.0, 60_000.0, 60_000.0],
        "vol": [None, None, None, 0.6, 0.6],
    }
    return mc.Margin.of(mc.Market.from_table(quotes, now=NOW, index=INDEX))


def book(*rows, mode="portfolio"):
    account, instrument, quantity = zip(*rows, strict=True)
    names = list(dict.fromkeys(account))
    return mc.Book.from_tables(
        {"account": account, "instrument": instrument, "quantity": quantity},
        accounts={"account": names, "mode": [mode] * len(names)},
    )


def moved(margin, price):
    """The market with BTC at a price, its options' marks by Black-76."""
    market, scale = margin.market, price / 60_000.0
    names, forward = market.instruments, market.forward_usd.copy()
    of_btc = names.unit == names.units.index("BTC")
    forward[of_btc] *= scale
    option = names.is_option()

    def value(f):
        is_call = names.kind[option] == mc.Kind.CALL
        return mc.black76(f[option], names.strike[option], market.years[option],
                          market.vol[option], is_call).price  # fmt: skip

    mark = market.mark_usd.copy()
    mark[of_btc & ~option & ~names.inverse] *= scale
    mark[option] += value(forward) - value(market.forward_usd)
    index = market.index_usd.copy()
    index[names.units.index("BTC")] = price
    return replace(market, index_usd=index, forward_usd=forward, mark_usd=mark)


def test_a_long_perpetual_goes_where_the_arithmetic_says(margin):
    """Cross: 20,000 + P - 60,000 = rate P, the first tier's rate."""
    held = book(("a", "BTC_USDC-PERPETUAL", 1.0), ("a", "USDC", 20_000.0), mode="cross")
    tier = margin.model.unit("BTC").cross_tiers[0]
    usdc = mc.sweep(book(("a", "USDC", 20_000.0), mode="cross"), margin).amount("mm")[0]
    found = mc.liquidation_prices(held, margin, "BTC")
    root = (40_000.0 + usdc) / (1.0 - np.ceil(tier.mm_frac * 2**20) / 2**20)
    assert found.below_usd[0] == pytest.approx(root, abs=2.0 * found.tick_usd)
    assert np.isnan(found.above_usd[0]) and not found.liquidatable[0]
    assert found.tick_usd == 0.01


def test_the_other_positions_count(margin):
    """An account with a second position is called earlier by what that one needs."""
    rows = [("a", "BTC_USDC-PERPETUAL", 1.0), ("a", "USDC", 20_000.0)]
    other = [("a", "ETH_USDC-PERPETUAL", 5.0)]
    alone, both = (
        mc.liquidation_prices(book(*held, mode="cross"), margin, "BTC").below_usd[0]
        for held in (rows, rows + other)
    )
    need = 15_000.0 * margin.model.unit("ETH").cross_tiers[0].mm_frac
    tier = margin.model.unit("BTC").cross_tiers[0].mm_frac
    assert both - alone == pytest.approx(need / (1.0 - tier), rel=1e-4)


def test_a_short_straddle_has_a_price_on_either_side(margin):
    held = book(("a", CALL, -1.0), ("a", PUT, -1.0), ("a", "USDC", 40_000.0))
    found = mc.liquidation_prices(held, margin, "BTC", tick_usd=1.0, market_exposure=False)
    low, high = found.below_usd[0], found.above_usd[0]
    assert 0.0 < low < 60_000.0 < high
    for price, nearer in ((low, low + 1.0), (high, high - 1.0)):
        for at, expected in ((price, True), (nearer, False)):
            there = mc.Margin.of(moved(margin, at), margin.model)
            standing = mc.sweep(held, there, market_exposure=False)
            assert (standing.status[0] >= 2) == expected


def test_an_inverse_contract_in_a_pocket_moves_with_its_coins(margin):
    """Isolated: long 60,000 USD, entered at the mark: P - 60,000 USD of profit, held in coins."""
    held = book(("a", "BTC-PERPETUAL", 60_000.0), ("a", "BTC", 0.25), mode="isolated")
    found = mc.liquidation_prices(held, margin, "BTC")
    # equity = (1 + 0.25) P - 60,000; MM = rate 60,000 + haircut 0.25 P
    unit = margin.model.unit("BTC")
    root = 60_000.0 * (1.0 + unit.isolated_mm_frac) / (1.25 - 0.25 * unit.asset_haircut_frac)
    assert found.below_usd[0] == pytest.approx(root, rel=1e-4)


def test_an_account_that_is_liquidatable_is_so_at_todays_price(margin):
    held = book(("a", "BTC_USDC-PERPETUAL", 1.0), ("b", "USDC", 1.0))
    found = mc.liquidation_prices(held, margin, "BTC")
    assert found.liquidatable.tolist() == [True, False]
    assert found.below_usd[0] == found.above_usd[0] == found.price_usd
    assert np.isnan([found.below_usd[1], found.above_usd[1]]).all()
    assert list(found.table()) == ["account", "unit", "price_usd", "below_usd", "below_move",
                                   "above_usd", "above_move", "liquidatable"]  # fmt: skip
    only = mc.liquidation_prices(held, margin, "BTC", ["b"])
    assert only.accounts.tolist() == ["b"] and not only.liquidatable[0]


def test_what_makes_no_sense_is_refused(margin):
    held = book(("a", "BTC_USDC-PERPETUAL", 1.0), ("a", "USDC", 20_000.0))
    for change, error in (
        ({"tick_usd": 0.0}, DomainError), ({"tick_usd": float("nan")}, DomainError),
        ({"tick_usd": 1e9}, DomainError), ({"tick_usd": "0.01"}, DomainError),
        ({"moves": (-1.0, 1.0)}, DomainError), ({"moves": (-0.5, 0.0)}, DomainError),
        ({"steps": 0}, ArgumentError), ({"accounts": ["nobody"]}, UnknownInstrumentError),
    ):  # fmt: skip
        with pytest.raises(error):
            mc.liquidation_prices(held, margin, "BTC", **change)
    with pytest.raises(UnknownInstrumentError, match="no unit 'XRP'"):
        mc.liquidation_prices(held, margin, "XRP")
    with pytest.raises(ArgumentError):
        mc.liquidation_prices(held.pack(margin.risk), margin, "BTC")
