# SPDX-License-Identifier: Apache-2.0
"""From the catalogue to a requirement: marks, events and haircuts of real assets in one sweep."""

import numpy as np
import pytest

import margin_core as mc
from margin_core.errors import ModelError, UnknownInstrumentError

NOW = 1_767_225_600_000_000_000
EVENTS = {"stETH -7 %": {"discount.stETH": -0.07}}
ETH = 3_000.0


@pytest.fixture(scope="module")
def priced():
    prices = mc.AssetPrices(
        {"USD": 1.0}, {"ETH": ETH, "stETH": 0.99 * ETH, "USDC": 1.0, "ETH.base": ETH}
    )
    return mc.haircuts(["stETH", "ETH.base"], prices, events=["discount.stETH"])


@pytest.fixture(scope="module")
def margin(priced):
    c = mc.load_catalogue()
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [ETH]}
    market = mc.Market.from_table(quotes, now=NOW, index={"ETH": ETH, "USDC": 1.0})
    market = market.with_assets(
        dict(zip(priced.symbol, priced.mark_usd, strict=True)), c.units_of(priced.symbol)
    )
    scenarios = mc.Scenarios.from_model(mc.load_model("house"), market.instruments.units)
    return mc.Margin.of(
        market, "house", scenarios.with_events(EVENTS), haircuts=priced.for_margin(),
        factors=c.factors_of(priced.symbol, ["discount.stETH"]),
    )  # fmt: skip


def standing(margin, *held):
    account, instrument, quantity = zip(*held, strict=True)
    columns = {"account": account, "instrument": instrument, "quantity": quantity}
    return mc.sweep(mc.Book.from_tables(columns), margin)


def test_a_carry_of_staked_ether_is_margined_at_its_residual_risk(priced, margin):
    """100 stETH against 100 perpetuals: the discount where it stands highest, and the exit."""
    s = standing(margin, ("a", "stETH", 100.0), ("a", "ETH_USDC-PERPETUAL", -100.0))
    gross = 100.0 * ETH
    mark = 100.0 * priced.mark_usd[0]
    assert s.amount("equity")[0] == pytest.approx(mark, rel=1e-6)
    assert 0.05 * gross < s.amount("mm")[0] < 0.09 * gross
    alone = standing(margin, ("a", "stETH", 100.0)).amount("mm")[0]
    assert s.amount("mm")[0] < 0.5 * alone


def test_the_haircuts_are_the_catalogues(priced, margin):
    """ETH on Base has a bridge that no event column fails."""
    s = standing(margin, ("a", "ETH.base", 1.0))
    h = mc.haircuts(
        ["ETH.base"], mc.AssetPrices({}, {"ETH": ETH, "ETH.base": ETH}),
        amount_usd={"ETH.base": float(priced.mark_usd[1])},
    )  # fmt: skip
    taken = h.haircut_mm_frac[0] * priced.mark_usd[1]
    assert s.amount("haircut_mm")[0] == pytest.approx(taken, rel=1e-3, abs=1e-4)


def test_an_asset_follows_all_of_its_factors_that_there_are():
    c = mc.load_catalogue()
    both = ("discount.stETH", "bridge.arbitrum")
    assert c.factors_of(["wstETH.arbitrum", "ETH"], both) == {"wstETH.arbitrum": both}
    assert c.factors_of(["wstETH.arbitrum"], both[:1]) == {"wstETH.arbitrum": both[:1]}
    market = {"ETH": ETH, "stETH": ETH, "wstETH": ETH, "wstETH.arbitrum": ETH}
    prices = mc.AssetPrices({}, market)
    bridge = [
        mc.haircuts(["wstETH.arbitrum"], prices, events=events).parts_mm["bridge"][0]
        for events in ((), both, both[:1])
    ]
    assert bridge[0] == bridge[2] > bridge[1] == 0.0


def test_joint_worlds_hold_every_event_of_the_assets():
    """In the bridge's failure the bridged form is gone, and its twin on Ethereum is not."""
    symbols = ["wstETH", "wstETH.arbitrum"]
    market = {"ETH": ETH, "stETH": ETH, "wstETH": ETH, "wstETH.arbitrum": ETH}
    prices = mc.AssetPrices({}, market)
    c = mc.load_catalogue()
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [ETH]}
    plain = mc.Market.from_table(quotes, now=NOW, index={"ETH": ETH, "USDC": 1.0})
    with_ = plain.with_assets(dict.fromkeys(symbols, ETH), c.units_of(symbols))
    house = mc.Scenarios.from_model(mc.load_model("house"), with_.instruments.units)
    worlds, factors = mc.joint_worlds(house, symbols)
    assert len(worlds) == len(house) + 2 * 9  # two events at nine moves of spot
    h = mc.haircuts(symbols, prices, events=worlds.factors)
    assert h.parts_mm["bridge"].tolist() == [0.0, 0.0]
    margin = mc.Margin.of(with_, "house", worlds, factors=factors)
    held = {"account": ["a", "b"], "instrument": symbols, "quantity": [1.0, 1.0]}
    scan = mc.sweep(mc.Book.from_tables(held), margin).amount("core")
    fall, discount = 0.82, 0.9
    assert scan[0] == pytest.approx(ETH * (1.0 - fall * discount), rel=1e-6)
    assert scan[1] == pytest.approx(ETH, rel=1e-6)  # all of it
    assert mc.joint_worlds(house, ["ETH"])[0] is house
    with pytest.raises(UnknownInstrumentError):
        mc.joint_worlds(house, ["XYZ"])
    none = c.model_copy(update={"events": {}})
    with pytest.raises(ModelError, match="events has neither 'discount.stETH'"):
        mc.joint_worlds(house, ["wstETH"], none)


def test_it_takes_every_asset_of_the_catalogue(margin):
    c = mc.load_catalogue()
    coins = {"BTC": 60_000.0, "ETH": ETH, "SOL": 150.0, "AVAX": 20.0, "BNB": 600.0, "EUR": 1.1}
    prices = mc.AssetPrices(
        {"USD": 1.0, "EUR": 1.1}, {s: coins.get(a.unit, 1.0) for s, a in c.assets.items()}
    )
    h = mc.haircuts(list(c.assets), prices)
    quotes = {
        "instrument": [f"{u}_USDC-PERPETUAL" for u in coins],
        "forward_usd": [*coins.values()],
    }
    market = mc.Market.from_table(quotes, now=NOW, index={**coins, "USDC": 1.0}).with_assets(
        dict(zip(h.symbol, h.mark_usd, strict=True)), c.units_of(h.symbol)
    )
    margin = mc.Margin.of(market, "house", haircuts=h.for_margin())
    s = standing(margin, *((symbol, symbol, 10.0) for symbol in h.symbol))
    assert len(s) == len(c.assets)
    assert np.all(s.amount("im") >= s.amount("mm"))
    assert np.all(s.amount("haircut_im") >= s.amount("haircut_mm"))
