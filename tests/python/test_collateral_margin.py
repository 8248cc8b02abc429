# SPDX-License-Identifier: Apache-2.0
"""From the catalogue to a requirement: marks, events and haircuts of real assets in one sweep."""

import dataclasses

import numpy as np
import pytest

import margin_core as mc
from margin_core.collateral.pool import held_usd, owners_beyond
from margin_core.errors import ArgumentError, ModelError, UnknownInstrumentError

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
    worlds, factors = mc.joint_worlds(house, symbols, bridges=["arbitrum"])
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
    with pytest.raises(UnknownInstrumentError, match="bridges: 'rainbow'"):
        mc.joint_worlds(house, symbols, bridges=["rainbow"])
    with pytest.raises(UnknownInstrumentError):
        mc.joint_worlds(house, ["XYZ"])
    none = c.model_copy(update={"events": {}})
    with pytest.raises(ModelError, match="events has neither 'discount.stETH'"):
        mc.joint_worlds(house, ["wstETH"], none)


def dollars(held, mode="portfolio", **options):
    """IM, MM and equity of stablecoins at 1 USD, by the flow of docs/method/collateral.md."""
    symbols = list(held)
    prices = mc.AssetPrices({"USD": 1.0}, dict.fromkeys([*symbols, "USDC"], 1.0))
    c = mc.load_catalogue()
    plain = mc.Market.from_table({"instrument": ["BTC-PERPETUAL"], "forward_usd": [60_000.0]},
                                 now=NOW, index={"BTC": 60_000.0})  # fmt: skip
    empty = plain.with_assets(dict.fromkeys(symbols, 1.0), c.units_of(symbols))
    house = mc.Scenarios.from_model(mc.load_model("house"), empty.instruments.units)
    worlds, factors = mc.joint_worlds(house, symbols, **options)
    h = mc.haircuts(symbols, prices, events=worlds.factors)
    market = plain.with_assets(dict(zip(h.symbol, h.mark_usd, strict=True)), c.units_of(symbols))
    margin = mc.Margin.of(market, "house", worlds, factors=factors, haircuts=h.for_margin())
    book = mc.Book.from_tables(
        {"account": ["a"] * len(held), "instrument": symbols, "quantity": [*held.values()]},
        accounts={"account": ["a"], "mode": [mode]},
    )
    s = mc.sweep(book, margin)
    return h, *(float(s.amount(name)[0]) for name in ("im", "mm", "equity"))


def test_depegs_come_together_too():
    """USDC lost 12.3 % and DAI 11.9 % in March 2023: two stablecoins need what both need."""
    _, alone, _, _ = dollars({"DAI": 1e6})
    _, both, mm, _ = dollars({"DAI": 1e6, "USDT": 1e6})
    assert 0.14e6 < alone < 0.16e6
    assert both == pytest.approx(2 * alone, rel=0.02)
    assert mm > 0.8 * (123_000 + 119_000)


def test_a_bridged_form_pays_its_haircut_and_not_all_of_it():
    h, im, mm, equity = dollars({"USDC.base": 1e6})
    assert 0.0 < h.parts_mm["bridge"][0] < 0.05
    assert im < 0.2 * equity
    h, im, mm, equity = dollars({"USDC.base": 1e6}, bridges=["cctp"])
    assert h.parts_mm["bridge"][0] == 0.0 and im == pytest.approx(equity, rel=0.01)
    assert h.unscanned_frac[0] > 0.15  # a cross account still pays for the bridge


@pytest.mark.parametrize("mode", ["cross", "isolated"])
def test_an_account_without_a_scan_pays_for_depegs_discounts_and_bridges(mode):
    for symbol, event in (("DAI", 0.15), ("USDC.base", 0.15)):
        h, im, mm, equity = dollars({symbol: 1e6}, mode, bridges=["cctp"])
        apart = mc.haircuts([symbol], mc.AssetPrices({"USD": 1.0}, {symbol: 1.0, "USDC": 1.0}),
                            mode=mode)  # fmt: skip
        assert apart.parts_mm["volatility"][0] == pytest.approx(event)
        assert apart.unscanned_frac[0] == 0.0
        assert mm == pytest.approx(equity * apart.haircut_mm_frac[0], rel=1e-4)
        assert im == pytest.approx(equity * apart.haircut_im_frac[0], rel=1e-4)
    eth = mc.haircuts(["ETH"], mc.AssetPrices({}, {"ETH": ETH}), mode=mode)
    staked = mc.haircuts(["stETH"], mc.AssetPrices({}, {"ETH": ETH, "stETH": ETH}), mode=mode)
    left = (1.0 - eth.haircut_mm_frac[0]) * 0.9
    assert staked.haircut_mm_frac[0] == pytest.approx(1.0 - left)


def test_a_reading_moves_what_follows_the_coin_and_does_not_overwrite_it():
    """A token that trades at 968 while ether is at 2000 is not worth 2500 when ether is."""
    feed = mc.Feed("ETH", "USD", [mc.Source(name) for name in "abcde"])
    state, now = mc.OracleState(), NOW
    for now in range(NOW, NOW + 400 * 10**9, 5 * 10**9):
        said = [mc.Quote(name, "ETH", "USD", 2500 * 10**8, 8, now, executed_usd=1e6,
                         displayed_usd=1e6) for name in "abcde"]  # fmt: skip
        state, reading = feed.update(state, said, now)
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [2000.0]}
    market = mc.Market.from_table(quotes, now=now, index={"ETH": 2000.0, "USDC": 1.0})
    market = market.with_assets({"stETH": 968.0}, {"stETH": "ETH"})
    taken = market.with_readings({"ETH": reading})
    rows = {name: i for i, name in enumerate(taken.names)}
    assert taken.mark_usd[rows["ETH"]] == taken.forward_usd[rows["ETH"]] == 2500.0
    assert taken.mark_usd[rows["stETH"]] == pytest.approx(1210.0)
    assert taken.forward_usd[rows["stETH"]] == pytest.approx(1210.0)
    # Eleven days later the same reading is no price to withdraw at.
    late = dataclasses.replace(market, now_ns=now + 10**15)
    with pytest.raises(ArgumentError, match="stale.* does not allow withdrawal"):
        late.with_readings({"ETH": reading}, "withdrawal")


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


def pooled(market, held, prices, **options):
    margin = mc.pooled_margin(market, prices, **options)
    table = {"account": ["a"] * len(held), "instrument": [n for n, _ in held],
             "quantity": [q for _, q in held]}  # fmt: skip
    standing = mc.sweep(mc.Book.from_tables(table), margin)
    return {name: standing.amount(name)[0] for name in ("equity", "im", "mm", "concentration")}


@pytest.fixture
def usdc_venue():
    """A venue that settles in USDC, which it has as a unit of its own."""
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [2_000.0]}
    return mc.Market.from_table(quotes, now=1, index={"ETH": 2_000.0, "USDC": 1.0})


def test_a_receipt_sets_off_what_it_is_a_receipt_of(usdc_venue):
    prices = mc.AssetPrices({"USD": 1.0}, {"USDC": 1.0, "aEthUSDC": 1.0, "DAI": 1.0})
    both = pooled(usdc_venue, [("aEthUSDC", 40e6), ("USDC", -39e6)], prices)
    assert 0.0 < both["im"] < 0.2 * both["equity"]
    alone = [pooled(usdc_venue, [(name, 40e6)], prices)["mm"] for name in ("USDC", "aEthUSDC")]
    assert alone[1] >= alone[0] > 0.1 * 40e6


@pytest.mark.parametrize("price", [1_900.0, 0.0])
def test_what_is_worth_nothing_counts_nothing_and_stops_nobody(usdc_venue, price):
    prices = mc.AssetPrices({"USD": 1.0}, {"ETH": 2_000.0, "stETH": price}, backing={"stETH": 0.0})
    lost = pooled(usdc_venue, [("stETH", 100.0), ("ETH_USDC-PERPETUAL", -10.0)], prices)
    assert lost["equity"] < lost["mm"]
    rich = pooled(usdc_venue, [("stETH", 100.0), ("USDC", 1e6)], prices)
    assert rich["equity"] > rich["im"]


def test_an_exit_is_charged_once(usdc_venue):
    """20,000 ETH in a market of 250 million that 2 % move: 1.58 % of half of it, and no more."""
    prices = mc.AssetPrices({"USD": 1.0}, {"ETH": 2_000.0})
    held = pooled(usdc_venue, [("ETH", 20_000.0)], prices)
    assert held["concentration"] == 0.0
    depth = mc.load_catalogue().assets["ETH"]
    exit_ = 4e7 * depth.impact_frac * (4e7 / depth.depth_usd) ** 0.5
    margin = mc.pooled_margin(usdc_venue, prices)
    table = {"account": ["a"], "instrument": ["ETH"], "quantity": [20_000.0]}
    paid = mc.sweep(mc.Book.from_tables(table), margin).amount("haircut_mm")[0]
    assert paid == pytest.approx(exit_, rel=0.02)


def test_what_the_venue_holds_fills_its_caps(usdc_venue):
    prices = mc.AssetPrices({"USD": 1.0}, {"ETH": 2_000.0, "stETH": 1_900.0})
    cap = mc.load_catalogue().assets["stETH"].cap_usd
    table = {"account": ["a", "b"], "instrument": ["stETH"] * 2,
             "quantity": [0.5 * cap / 1_900.0, 0.4 * cap / 1_900.0]}  # fmt: skip
    book = mc.Book.from_tables(table)
    free = mc.sweep(book, mc.pooled_margin(usdc_venue, prices)).amount("haircut_mm")
    full = mc.sweep(book, mc.pooled_margin(usdc_venue, prices, book=book)).amount("haircut_mm")
    assert (full - free > 0.1 * np.array([0.5, 0.4]) * cap).all()


def test_owners_are_found_with_their_accounts_pockets_and_forms(usdc_venue):
    """`x` has 60 million in an account, its pocket and wrapped in another; 100 count in full."""
    prices = mc.AssetPrices(
        {"USD": 1.0}, {"ETH": 2_000.0, "stETH": 2_000.0, "wstETH": 2_400.0}, rate={"wstETH": 1.2}
    )
    names = ["a", "p", "b", "c"]
    positions = {
        "account": names, "instrument": ["stETH", "stETH", "wstETH", "stETH"],
        "quantity": [2e4, 1e4, 25e3, 3e4],
    }  # fmt: skip
    accounts = {
        "account": names, "mode": ["portfolio", "isolated", "cross", "cross"],
        "parent": [None, "a", None, None], "owner": ["x", None, "x", None],
    }  # fmt: skip
    book = mc.Book.from_tables(positions, accounts=accounts)
    assert held_usd(book, prices, "p") == held_usd(book, prices, "b")
    assert held_usd(book, prices, "b") == {"stETH": 6e7, "wstETH": 6e7}
    assert held_usd(book, prices, "c") == {"stETH": 6e7, "wstETH": 0.0}
    assert held_usd(book, prices) == {"stETH": 1.2e8, "wstETH": 6e7}
    assert owners_beyond(book, prices) == [("a", "stETH")]
