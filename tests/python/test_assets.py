# SPDX-License-Identifier: Apache-2.0
"""Collateral is a position: assets that follow a unit, events in joint worlds, haircuts beside."""

import numpy as np
import pytest

import margin_core as mc
from margin_core.errors import ArgumentError, DomainError, UnknownInstrumentError

NOW = 1_767_225_600_000_000_000
EVENT = {"stETH -7 %": {"discount.stETH": -0.07}}
FOLLOWS = {"wstETH": "discount.stETH"}


@pytest.fixture(scope="module")
def market():
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [3_000.0]}
    plain = mc.Market.from_table(quotes, now=NOW, index={"ETH": 3_000.0, "USDC": 1.0})
    return plain.with_assets({"wstETH": 3_600.0, "sDAI": 1.1}, {"wstETH": "ETH", "sDAI": "USD"})


def book(*held):
    account, instrument, quantity = zip(*held, strict=True)
    return mc.Book.from_tables({"account": account, "instrument": instrument, "quantity": quantity})


CARRY = (("carry", "wstETH", 10.0), ("carry", "ETH_USDC-PERPETUAL", -12.0))


def table(market, events=None):
    plain = mc.Scenarios.from_model(mc.load_model("house"), market.instruments.units)
    return plain if events is None else plain.with_events(events)


def mm(market, held, scenarios, **more):
    margin = mc.Margin.of(market, "house", scenarios, **more)
    return float(mc.sweep(book(*held), margin).amount("mm")[0])


def test_an_asset_is_a_row_of_its_unit(market):
    units = market.instruments.units
    row = int(market.instruments.index_of(["wstETH"])[0])
    assert units[market.instruments.unit[row]] == "ETH"
    assert market.forward_usd[row] == market.mark_usd[row] == 3_600.0
    assert "USD" in units and market.index_usd[units.index("USD")] == 1.0
    again = market.with_assets({"wstETH": 3_500.0}, {"wstETH": "ETH"})
    assert len(again) == len(market) and again.mark_usd[row] == 3_500.0


def test_an_asset_needs_a_unit_that_is_there(market):
    with pytest.raises(UnknownInstrumentError, match="LDO follows 'nothing'"):
        market.with_assets({"LDO": 1.0}, {})
    with pytest.raises(UnknownInstrumentError, match="WBTC follows 'BTC', which is no unit here"):
        market.with_assets({"WBTC": 1e5}, {"WBTC": "BTC"})
    with pytest.raises(DomainError, match="must be positive"):
        market.with_assets({"wstETH": -1.0}, {"wstETH": "ETH"})


def test_staked_ether_hedges_a_short_perpetual(market):
    """36,000 each way: without events nothing is lost, and alone each loses 16 % and more."""
    assert mm(market, CARRY, table(market)) < 400.0
    assert mm(market, CARRY[:1], table(market)) > 5_000.0


def test_the_joint_worst_case_is_found_and_not_summed(market):
    """The discount takes 7 % of the asset where it stands highest: 1.18 x 36,000 x 7 % at 0.8."""
    plain = mm(market, CARRY, table(market))
    joint = mm(market, CARRY, table(market, EVENT), factors=FOLLOWS)
    worst = 819 / 1024 * 0.07 * 1.18 * 36_000.0
    assert joint - plain == pytest.approx(worst, rel=1e-3)
    alone = mm(market, CARRY[:1], table(market, EVENT), factors=FOLLOWS)
    assert joint < 0.5 * alone


def test_events_that_come_together_multiply():
    plain = mc.Scenarios.from_arrays(["base", "x"], {"ETH": [0.0, -0.1]},
                                     factors={"a": [0.0, -0.5]})  # fmt: skip
    both = plain.with_events({"e": {"a": -0.2, "b": -0.1}}, at=[1])
    assert both.names == ("base", "x", "x, e")
    assert both.factors == ("a", "b")
    np.testing.assert_allclose(both.event_move, [[0.0, -0.5, -0.6], [0.0, 0.0, -0.1]])
    with pytest.raises(ArgumentError, match="two scenarios are named"):
        both.with_events({"e": {"a": -0.2}}, at=[1])


def test_haircuts_are_part_of_every_mode(market):
    """1 % of 36,000 more in MM and 2 % in IM; in cross accounts of what volatility leaves."""
    haircut = {"wstETH": mc.Haircut(0.01, 0.02)}
    with_ = mc.Margin.of(market, "house", haircuts=haircut)
    without = mc.Margin.of(market, "house")
    held = book(*CARRY)
    for mode, left in (("portfolio", 1.0), ("cross", 0.82), ("isolated", 0.82)):
        a, b = (mc.sweep(held.with_mode(mode), m) for m in (with_, without))
        assert a.amount("mm")[0] - b.amount("mm")[0] == pytest.approx(360.0 * left, abs=1e-3)
        assert a.amount("im")[0] - b.amount("im")[0] == pytest.approx(720.0 * left, abs=1e-3)
    found = mc.explain(held, with_, "carry")
    row = list(found.parts["part"]).index("collateral haircuts")
    assert (found.parts["mm"][row], found.parts["im"][row]) == pytest.approx((360.0, 720.0))


def test_leaving_a_large_holding_costs_more_than_its_share(market):
    exit_ = {"wstETH": mc.Haircut(0.0, 0.0, exit_depth_usd=1e6, exit_impact_frac=0.02)}
    margin = mc.Margin.of(market, "house", haircuts=exit_)
    one, four = (
        mc.sweep(book(("a", "wstETH", q)), margin).amount("haircut_mm")[0] for q in (10, 40)
    )
    assert one == pytest.approx(36_000 * 0.02 * 0.036**0.5, rel=0.02)
    assert four == pytest.approx(8.0 * one, rel=0.05)  # four times the amount at twice the rate


@pytest.mark.parametrize("mode", ["portfolio", "cross", "isolated"])
def test_what_is_sold_into_one_depth_costs_what_one_asset_would(market, mode):
    """Two names of the same thing, 36,000 each; a market of its own for each is cheaper."""
    exit_ = 0.0, 0.0, 1e6, 0.02
    units = {"wstETH": "ETH", "stETH": "ETH"}
    market = market.with_assets({"wstETH": 3_600.0, "stETH": 3_600.0}, units)

    def mm(shared, *held):
        haircuts = {name: mc.Haircut(*exit_, exit_market=shared) for name in units}
        positions = [("a", name, quantity) for name, quantity in held]
        margin = mc.Margin.of(market, "house", haircuts=haircuts)
        return mc.sweep(book(*positions).with_mode(mode), margin).amount("mm")[0]

    whole = mm("ETH", ("wstETH", 20.0))
    assert mm("ETH", ("wstETH", 10.0), ("stETH", 10.0)) == pytest.approx(whole, abs=3e-6)
    assert mm("", ("wstETH", 10.0), ("stETH", 10.0)) < whole - 40.0
    assert mm("ETH", ("wstETH", 20.0), ("stETH", -10.0)) >= whole / 2


def test_assets_of_one_exit_market_have_one_depth(market):
    market = market.with_assets({"stETH": 3_600.0}, {"stETH": "ETH"})
    haircuts = {
        name: mc.Haircut(0.0, 0.0, depth, 0.02, exit_market="ETH")
        for name, depth in (("wstETH", 1e6), ("stETH", 2e6))
    }
    with pytest.raises(mc.MarginCoreError, match="haircut of stETH: .* differ in its depth"):
        mc.Margin.of(market, "house", haircuts=haircuts)


@pytest.mark.parametrize(
    "name, haircut, words",
    [
        ("rETH", mc.Haircut(0.0, 0.0), "haircut of 'rETH'"),
        ("ETH_USDC-PERPETUAL", mc.Haircut(0.0, 0.0), "haircut of ETH_USDC-PERPETUAL: .* no spot"),
        ("wstETH", mc.Haircut(0.5, 0.1), "haircut of wstETH: haircut_im_frac"),
        (
            "wstETH",
            mc.Haircut(float("nan"), 0.1),
            "haircut of wstETH: haircut_mm_frac .* not finite",
        ),
        ("wstETH", mc.Haircut(0.0, 0.0, 1.0, 0.1), "exit_depth_usd of asset 0 is 1"),
        ("wstETH", mc.Haircut(0.0, 0.0, exit_market=1), "haircut of wstETH: exit_market: str"),
    ],
)
def test_a_haircut_that_cannot_be_is_named(market, name, haircut, words):
    with pytest.raises(mc.MarginCoreError, match=words):
        mc.Margin.of(market, "house", haircuts={name: haircut})
