# SPDX-License-Identifier: Apache-2.0
"""Marks and haircuts, component by component, with numbers from paper."""

import math

import numpy as np
import pytest

from margin_core import AssetPrices, haircuts, load_catalogue
from margin_core.collateral.bridge import bridge_haircut
from margin_core.collateral.finality import CREDIT_ONE, credit, final_after
from margin_core.collateral.haircut import COMPONENTS
from margin_core.collateral.redemption import mark_asset, queue_discount
from margin_core.errors import ArgumentError, DomainError, UnknownInstrumentError

C = load_catalogue()
ETH, BTC = 2000.0, 60000.0


def prices(**changes):
    market = {
        "ETH": ETH, "BTC": BTC, "stETH": 0.95 * ETH, "wstETH": 1.14 * ETH, "WBTC": 0.998 * BTC,
        "USDC": 0.88, "USDC.base": 0.88, "ETH.base": 0.999 * ETH, "DAI": 0.89, "tBTC": BTC,
    }  # fmt: skip
    base = {"unit_usd": {"USD": 1.0}, "market_usd": market, "rate": {"wstETH": 1.2}}
    return AssetPrices(**{**base, **changes})


def one(asset, snapshot=None, **options):
    return haircuts([asset], snapshot or prices(), **options)


def test_a_wait_costs_volatility_carry_and_the_risk_that_it_lasts_longer():
    parts = queue_discount(C, "stETH", 5.0)
    assert parts["volatility"] == pytest.approx(2.576 * 0.084 * math.sqrt(5 / 365))
    assert parts["carry"] == pytest.approx(1 - math.exp(-0.05 * 5 / 365))
    longer = queue_discount(C, "stETH", 7.5)
    assert sum(parts.values()) == pytest.approx(longer["volatility"] + longer["carry"])
    assert sum(queue_discount(C, "stETH", 0.0).values()) == 0.0


def test_an_open_exit_marks_at_its_redemption_and_credits_the_lower():
    worth = ETH * (1 - sum(queue_discount(C, "stETH", 5.0).values()))
    mark = mark_asset(C, "stETH", prices())
    assert mark.mm_usd == pytest.approx(worth)
    assert mark.im_usd == pytest.approx(0.95 * ETH)
    above = prices(market_usd={"ETH": ETH, "stETH": ETH})
    assert mark_asset(C, "stETH", above).im_usd == pytest.approx(worth)


def test_a_closed_exit_marks_at_its_market_and_credits_the_lower():
    closed = prices(exit_open={"stETH": False})
    mark = mark_asset(C, "stETH", closed)
    assert mark.mm_usd == 0.95 * ETH
    assert mark.im_usd == pytest.approx(ETH * (1 - sum(queue_discount(C, "stETH", 60.0).values())))


def test_claims_without_assets_get_no_credit_and_are_marked_at_what_is_backed():
    worth = mark_asset(C, "tBTC", prices()).mm_usd
    half = prices(backing={"tBTC": 0.5})
    assert mark_asset(C, "tBTC", half).mm_usd == pytest.approx(0.5 * worth)
    assert mark_asset(C, "tBTC", half).im_usd == 0.0
    cheap = prices(backing={"tBTC": 0.5}, market_usd={"BTC": BTC, "tBTC": 1000.0})
    assert mark_asset(C, "tBTC", cheap).mm_usd == 1000.0
    through = mark_asset(C, "wstETH", prices(backing={"stETH": 0.9}))
    assert through.im_usd == 0.0 < through.mm_usd
    assert mark_asset(C, "BTC", prices(backing={"BTC": 0.9})).im_usd == 0.0
    assert mark_asset(C, "tBTC", prices(backing={"tBTC": 1.5})) == mark_asset(C, "tBTC", prices())


def test_the_queue_as_it_is_now_replaces_the_assumed_one():
    slow = mark_asset(C, "stETH", prices(queue_days={"stETH": 20.0}))
    assert slow.mm_usd == pytest.approx(ETH * (1 - sum(queue_discount(C, "stETH", 20.0).values())))


def test_a_wrapped_token_is_worth_what_it_unwraps_to():
    steth, wsteth = (mark_asset(C, s, prices()) for s in ("stETH", "wstETH"))
    assert wsteth.mm_usd == pytest.approx(1.2 * steth.mm_usd)
    closed = prices(exit_open={"stETH": False})
    assert mark_asset(C, "wstETH", closed).mm_usd == pytest.approx(1.2 * 0.95 * ETH)


def test_no_settlement_currency_is_worth_one_by_itself():
    closed = prices(exit_open={"USDC": False})
    assert mark_asset(C, "USDC", closed).mm_usd == 0.88
    assert mark_asset(C, "DAI", closed).mm_usd == pytest.approx(0.88)
    assert mark_asset(C, "USDC", prices(unit_usd={"USD": 0.5})).mm_usd < 0.5
    with pytest.raises(ArgumentError, match="unit_usd: no price of 'USD'"):
        mark_asset(C, "USDC", prices(unit_usd={}))


def test_depth_is_that_of_the_market_at_the_end_of_the_open_path():
    open_, closed = one("stETH"), one("stETH", prices(exit_open={"stETH": False}))
    assert open_.depth_usd[0] == C.assets["ETH"].depth_usd
    assert closed.depth_usd[0] == C.assets["stETH"].depth_usd


def test_exit_depth_is_the_square_root_law_at_its_nodes():
    depth, impact = C.assets["ETH"].depth_usd, C.assets["ETH"].impact_frac
    for share in (1 / 64, 1.0, 4.0):
        h = one("ETH", amount_usd={"ETH": share * depth})
        assert h.parts_mm["exit_depth"][0] == pytest.approx(impact * math.sqrt(share))
    assert one("ETH").parts_mm["exit_depth"][0] == 0.0


def test_splitting_a_holding_over_its_wraps_changes_nothing():
    """Caps and exits are those of what is sold in the end, whatever it is called meanwhile."""
    cap = C.assets["stETH"].cap_usd
    both = ["stETH", "wstETH"]
    whole = one("stETH", amount_usd={"stETH": 1.6e8}, venue_usd={"stETH": 0.8 * cap})
    split = haircuts(
        both, prices(), amount_usd=dict.fromkeys(both, 0.8e8),
        venue_usd=dict.fromkeys(both, 0.4 * cap),
    )  # fmt: skip
    assert split.haircut_mm_frac == pytest.approx([whole.haircut_mm_frac[0]] * 2)
    assert split.haircut_im_frac == pytest.approx([whole.haircut_im_frac[0]] * 2)
    assert split.exit_market == ("ETH", "ETH")
    other = one("stETH", amount_usd={"wstETH": 1.6e8}, venue_usd={"wstETH": 0.8 * cap})
    assert other.haircut_mm_frac[0] == pytest.approx(whole.haircut_mm_frac[0])
    closed = prices(exit_open={"stETH": False})
    assert haircuts(both, closed).exit_market == ("stETH", "stETH")
    assert haircuts(both, prices(exit_open={"wstETH": False})).exit_market == ("ETH", "wstETH")
    assert C.within_a_day("sDAI") == ("sDAI", "DAI", "USDC")
    assert C.within_a_day("USDC.base") == ("USDC.base", "USDC")
    assert C.within_a_day("stETH") == ("stETH",)


def test_the_table_gets_the_market_of_each_exit():
    given = haircuts(["ETH", "stETH", "wstETH", "USDC"], prices()).for_margin()
    assert [h.exit_market for h in given.values()] == ["ETH", "ETH", "ETH", ""]


def test_volatility_counts_only_where_no_scenario_moves_the_price():
    assert one("ETH").parts_mm["volatility"][0] == 0.0
    assert one("ETH", has_rows=()).parts_mm["volatility"][0] == 0.18
    for mode in ("cross", "isolated"):
        assert one("ETH", mode=mode).parts_mm["volatility"][0] == 0.18


def test_a_bridge_that_the_scan_fails_has_no_haircut_too():
    h = bridge_haircut(C, "tbtc")
    assert one("tBTC").parts_mm["bridge"][0] == h > 0.0
    assert one("tBTC", events=["bridge.tbtc"]).parts_mm["bridge"][0] == 0.0
    assert one("tBTC", events=["depeg.USDC"]).parts_mm["bridge"][0] == h
    cross = one("tBTC", events=["bridge.tbtc"], mode="cross")
    assert cross.parts_mm["bridge"][0] == pytest.approx(h * (1 - 0.16))


def test_concentration_is_the_mean_of_a_marginal_rate():
    cap = C.assets["ETH"].cap_usd
    for used, average in ((0.4, 0.0), (0.75, 1 / 12), (1.0, 0.25), (2.0, 0.625)):
        h = one("ETH", venue_usd={"ETH": used * cap})
        assert h.parts_mm["concentration"][0] == pytest.approx(average)
        assert h.parts_im["concentration"][0] == pytest.approx(average)
        owner = one("ETH", owner_usd={"ETH": used * C.assets["ETH"].owner_cap_usd})
        assert owner.haircut_mm_frac[0] == h.haircut_mm_frac[0]


def test_credit_never_falls_as_more_is_held():
    cap = C.assets["stETH"].owner_cap_usd
    held = np.linspace(0.05, 1.5, 30) * cap
    credit = [
        usd * (1 - one("stETH", amount_usd={"stETH": usd}).haircut_im_frac[0]) for usd in held
    ]
    more = np.diff(credit) / np.diff(held)
    assert more[0] > 0.9 and (np.diff(more[held[1:] < cap]) < 0.0).all()
    assert (more > -0.01).all()  # beyond the cap nothing is lent, and the exit costs a little more


def test_own_tokens_count_nothing_and_what_rests_on_them_half():
    assert one("USDC", linked=["circle"]).haircut_mm_frac[0] == 1.0
    assert one("DAI", linked=["circle"]).haircut_mm_frac[0] == 0.5
    assert one("USDC", linked=["tether"]).haircut_mm_frac[0] == 0.0


def test_components_compose_on_what_is_left_and_add_up():
    h = haircuts(
        ["tBTC", "stETH"], prices(), mode="cross", amount_usd={"tBTC": 2e6, "stETH": 1e6},
        venue_usd={"tBTC": 4e7}, credit_frac={"tBTC": 0.5}, linked=["threshold"],
    )  # fmt: skip
    assert tuple(h.parts_mm) == tuple(h.parts_im) == COMPONENTS
    for parts, total in ((h.parts_mm, h.haircut_mm_frac), (h.parts_im, h.haircut_im_frac)):
        assert np.sum(list(parts.values()), axis=0) == pytest.approx(total, abs=1e-15)
    left = (1 - 0.16) * (1 - h.parts_mm["exit_depth"][0] / 0.84)
    assert h.parts_mm["concentration"][0] == pytest.approx(left * 0.3**2 / 0.8)
    assert h.parts_im["redemption"][1] > 0.0 == h.parts_mm["redemption"][1]
    assert h.haircut_mm_frac[0] == 1.0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"market_usd": {"FTT": 1.0}}, UnknownInstrumentError, "market_usd: 'FTT'"),
        ({"unit_usd": {"ZAR": 1.0}}, UnknownInstrumentError, "unit_usd: 'ZAR'"),
        ({"rate": {"wstETH": -1.0}}, DomainError, r"rate\['wstETH'\] = -1.0"),
        ({"rate": {"wstETH": 1e9}}, DomainError, r"rate\['wstETH'\]"),
        ({"rate": {"wstETH": math.nan}}, DomainError, r"rate\['wstETH'\] = nan"),
        ({"market_usd": {"ETH": math.inf}}, DomainError, r"market_usd\['ETH'\] = inf"),
        ({"queue_days": {"stETH": -1.0}}, DomainError, r"queue_days\['stETH'\]"),
        ({"market_usd": {"ETH": 1.0}}, ArgumentError, "market_usd: no price of 'stETH'"),
    ],
)
def test_a_bad_price_is_named(change, error, message):
    with pytest.raises(error, match=message):
        one("stETH", prices(**change))


@pytest.mark.parametrize(
    ("option", "error", "message"),
    [
        ({"mode": "spot"}, ArgumentError, "mode: 'spot'"),
        ({"linked": "circle"}, ArgumentError, "linked: a list of names, not the string 'circle'"),
        ({"amount_usd": {"FTT": 1.0}}, UnknownInstrumentError, "amount_usd: 'FTT'"),
        ({"venue_usd": {"ETH": -1.0}}, DomainError, r"venue_usd\['ETH'\] = -1.0"),
        ({"credit_frac": {"ETH": 1.5}}, DomainError, r"credit_frac\['ETH'\] = 1.5"),
    ],
)
def test_a_bad_option_is_named(option, error, message):
    with pytest.raises(error, match=message):
        one("ETH", **option)


def test_an_unknown_asset_is_named():
    with pytest.raises(UnknownInstrumentError, match="no asset 'FTT'"):
        one("FTT")
    with pytest.raises(UnknownInstrumentError, match="no bridge 'x'"):
        bridge_haircut(C, "x")


def test_an_asset_worth_nothing_has_a_mark_of_nothing():
    h = one("ETH", prices(market_usd={"ETH": 0.0}))
    assert (h.mark_usd[0], h.haircut_mm_frac[0], h.haircut_im_frac[0]) == (0.0, 0.0, 0.0)


@pytest.mark.parametrize("chain", C.chains)
def test_credit_is_nothing_at_first_everything_at_finality_and_rises(chain):
    last = final_after(C, chain)
    held = next(s for s, a in C.assets.items() if a.chain == chain)
    curve = [credit(C, chain, held, n) for n in range(last + 2)]
    assert curve[0] == 0 and curve[last] == curve[last + 1] == CREDIT_ONE
    assert all(a <= b for a, b in zip(curve, curve[1:], strict=False))
    if last > 1:
        assert 0 < curve[last // 2 + 1] < CREDIT_ONE


def test_the_credit_curve_by_hand():
    """Ethereum, 15 confirmations of 13 s: one reorganisation depth seen of 1140 s."""
    w = (1 - 0.1) / (1 - 0.1 ** (1140 / 195))
    less = 2.576 * 0.79 * math.sqrt((1140 - 195) / (365 * 86400))
    assert credit(C, "ethereum", "ETH", 15) == math.floor(w * (1 - less) * 2**20)


def test_a_rollup_waits_for_its_parents_reorganisations():
    """Arbitrum's own five blocks are 1.25 s; the 195 s of Ethereum count."""
    w = (1 - 0.1 ** (195 / 195)) / (1 - 0.1 ** (1140 / 195))
    vol = math.hypot(0.79, C.assets["ETH.arbitrum"].basis_vol)
    less = 2.576 * vol * math.sqrt((1140 - 195) / (365 * 86400))
    assert credit(C, "arbitrum", "ETH.arbitrum", 780) == math.floor(w * (1 - less) * 2**20)


@pytest.mark.parametrize("confirmations", [-1, 1.5, math.nan, True])
def test_confirmations_are_counted(confirmations):
    with pytest.raises(DomainError, match="confirmations"):
        credit(C, "ethereum", "ETH", confirmations)
