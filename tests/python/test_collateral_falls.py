# SPDX-License-Identifier: Apache-2.0
"""Recorded falls of collateral: an account that borrows all it may, by three engines."""

import json
import math

import pytest

import margin_core as mc
from margin_core import AssetPrices, haircuts, load_catalogue
from margin_core.cli import replay as screen
from margin_core.collateral.falls import AMOUNT_USD, FUND, STAND_INS, fallen, replay_falls
from margin_core.errors import DomainError, FileError
from margin_core.replay import Event, find_event, read_events, replay

C = load_catalogue()


def event(asset="stETH", move=-0.2, *, classes=("lst_discount",), backing=None, **fields):
    shock = {"horizon_s": 600, "depeg": {asset: move}, **fields}
    if backing is not None:
        shock["backing_ratio"] = {asset: backing}
    return Event.model_validate({
        "id": "one", "name": "One", "date_utc": "2020-01-01", "classes": classes, "what": "X.",
        "shock": shock, "provenance": {}, "pass_criteria": ["P1", "P2", "P3", "P4", "P5"],
    })  # fmt: skip


def played(asset="stETH", move=-0.2, **changes):
    (fall,) = replay_falls(event(asset, move, **changes))
    return fall


@pytest.fixture(scope="module")
def recorded():
    return {e.id: replay_falls(e) for e in read_events(builtin="collateral")}


@pytest.mark.parametrize(("asset", "is_open"), [("stETH", True), ("stETH", False), ("DAI", True)])
def test_what_ours_lends_is_what_an_account_may_owe(asset, is_open):
    """The same account again, built one by one from the public calls."""
    lent = played(asset, exit_open={asset: is_open}).ours.lent_frac
    unit = C.asset(asset).unit
    prices = AssetPrices(dict.fromkeys(C.units, 1.0), dict.fromkeys(C.assets, 1.0),
                         exit_open={asset: is_open})  # fmt: skip
    coin = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [1.0]}
    market = mc.Market.from_table(coin, now=10**18, index={"ETH": 1.0, "USDC": 1.0})
    model = mc.load_model("house")
    plain = mc.Scenarios.from_model(model, [*market.instruments.units, "USD"])
    worlds, factors = mc.joint_worlds(plain, [asset])
    h = haircuts([asset], prices, events=worlds.factors)
    market = market.with_assets({asset: float(h.mark_usd[0])}, {asset: unit})
    margin = mc.Margin.of(market, model, worlds, factors=factors, haircuts=h.for_margin())
    held = {"account": ["a", "b"], "instrument": [asset] * 2, "quantity": [AMOUNT_USD] * 2}
    owed = {"account": ["a", "b"], "currency": [unit] * 2,
            "quantity": [-AMOUNT_USD * lent, -AMOUNT_USD * (lent + 0.001)]}  # fmt: skip
    s = mc.sweep(mc.Book.from_tables(held, balances=owed), margin)
    assert s.amount("equity")[0] >= s.amount("im")[0]
    assert s.amount("equity")[1] < s.amount("im")[1]
    assert 0.5 < lent < 0.9


def test_an_engine_that_counts_one_finds_out_at_the_bottom():
    fall = played("USDC", -0.4, classes=("depeg",))
    assert fall.at_peg.lent_frac == fall.at_peg.during_frac == 1.0
    assert math.isnan(fall.at_peg.at_frac)
    assert fall.at_peg.bad_debt_frac == fall.at_peg.short_frac > 0.4  # and the exit's impact
    assert fall.at_market.at_frac > 0.99 and fall.at_market.short_frac > 0.4


def test_a_breach_has_a_size_and_is_not_met():
    fall = played("USDC", -0.4, classes=("depeg",))
    assert fall.verdicts == {"P1": True, "P3": False, "P4": False}
    assert fall.missed == []
    assert fall.breaches["P4"] == fall.ours.short_frac
    assert fall.breaches["P4"] == pytest.approx(fall.ours.lent_frac - fall.ours.sold_frac)
    # The fund pays all it has, to the quantum, and the others the rest.
    assert fall.fund_frac == pytest.approx(FUND, abs=1e-12)
    assert fall.breaches["P3"] == pytest.approx(fall.ours.bad_debt_frac - FUND, abs=1e-12)


def test_a_fund_that_is_large_enough_pays_it_all():
    (fall,) = replay_falls(event("USDC", -0.4, classes=("depeg",)), fund_frac=0.5)
    assert fall.verdicts["P3"] is True and fall.shared_frac == 0.0
    assert fall.fund_frac == pytest.approx(fall.ours.bad_debt_frac, abs=1e-12)
    assert "P4" in fall.breaches
    (cut,) = replay_falls(event("USDC", -0.4, classes=("depeg",)), waterfall=mc.Waterfall())
    assert cut.breaches["P3"] == pytest.approx(cut.ours.bad_debt_frac - FUND, abs=1e-12)
    with pytest.raises(DomainError, match="fund_frac"):
        replay_falls(event(), fund_frac=1.5)


def test_impact_grows_as_depth_goes():
    sold = [played(liquidity={"stETH": left}).ours.sold_frac for left in (1.0, 0.1, 0.0)]
    assert sold[0] > sold[1] > sold[2] == 0.0
    assert played(liquidity={"stETH": 3.0}).ours.sold_frac == sold[0]


def test_a_closed_exit_that_opens_again_is_a_wrongful_liquidation():
    """P1 can fail: USDC over its weekend, were the wait until Monday read as a closed exit."""
    usdc = find_event(read_events(builtin="collateral"), "usdc_2023_03")
    shock = usdc.shock.model_copy(update={"exit_open": {"USDC": False}, "queue_days": {}})
    before = usdc.shock.model_copy(update={"exit_open": {"USDC": False}})
    for closed in (shock, before):
        fall = replay_falls(usdc.model_copy(update={"shock": closed}))[0]
        assert fall.ours.at_frac > 0.877
        assert fall.missed == ["P1"]


def test_without_backing_nothing_is_lent_from_the_first_tick():
    fall = played(backing=0.8, classes=("bridge",))
    assert fall.ours.during_frac == 0 < fall.ours.lent_frac
    assert fall.at_market.during_frac > 0.9
    assert fall.verdicts["P2"] and fall.verdicts["P5"]
    backed = played(backing=3.0, classes=("bridge",))
    assert backed.ours.during_frac > 0.7 and not {"P2", "P5"} & backed.verdicts.keys()


def test_what_the_catalogue_lacks_is_taken_for_what_it_has():
    fall = played("madUSDC", classes=("backing_zero", "bridge"))
    assert fall.taken_for == STAND_INS["bridge"] != fall.asset and not fall.known
    assert set(STAND_INS.values()) <= C.assets.keys()
    # Its bridge is a haircut for a share of failures, not for this one.
    assert 0.8 < fall.ours.lent_frac < played("USDC", classes=("depeg",)).ours.lent_frac
    assert played("UST", -1.0, classes=("depeg",)).ours.bad_debt_frac > 0.8


def test_what_fell_is_what_the_catalogue_has_or_stands_for():
    assert fallen(event("XYZ", classes=("custody_loss",))) == fallen(event(move=0.01)) == []
    assert fallen(event(classes=("custody_loss",))) == ["stETH"]


def test_the_packages_own_falls(recorded):
    assert len(recorded) == 8 and sum(map(len, recorded.values())) == 10
    for found in recorded.values():
        for fall in found:
            assert fall.missed == []
            assert fall.ours.bad_debt_frac <= fall.at_peg.bad_debt_frac
            assert fall.ours.short_frac < fall.at_market.short_frac
    # Nothing that the catalogue has cost anything, and only what it lacks went beyond the fund.
    falls = [fall for found in recorded.values() for fall in found]
    assert all(fall.ours.bad_debt_frac == 0.0 for fall in falls if fall.known)
    over = {fall.asset for fall in falls if "P3" in fall.breaches}
    assert over == {"UST", "xUSD", "deUSD"}
    beyond = {fall.asset for fall in falls if "P4" in fall.breaches}
    assert beyond == over | {"USR", "madUSDC"}


def test_a_negative_backing_is_refused(tmp_path):
    data = event().model_dump() | {"shock": {"horizon_s": 1, "backing_ratio": {"A": -0.1}}}
    path = tmp_path / "e.json"
    path.write_text(json.dumps({"schema": "margin_core.black_swans/1", "scenarios": [data]}))
    with pytest.raises(FileError, match="backing_ratio.A"):
        read_events(path)


def test_the_command_lists_breaches_and_fails_for_none(capsys):
    from margin_core.cli import main

    def out_of(*arguments):
        with pytest.raises(SystemExit) as ended:
            main(["replay", *arguments])
        assert ended.value.code == 0
        out = capsys.readouterr().out
        assert max(map(len, out.splitlines())) <= 80
        return " ".join(out.split())

    table = out_of()
    assert "ust_2022_05, UST, taken for USDe: P3 0.79" in table
    assert "compound_dai_2020" in table and "steth_2022_06" in table
    out = out_of("ust_2022_05")
    assert "P4 breach, UST 0.80" in out and "P4 met" not in out
    assert "The catalogue does not have UST" in out
    assert "without a source: horizon_s, liquidity.UST" in out
    out = out_of("steth_2022_06")
    assert "Its exit is closed." in out and "P1 met" in out and "P3 met" in out and "P4 met" in out
    assert "Claims on it exceed what is behind them." in out_of("kelp_2026_04")


def test_every_screen_fits(recorded, capsys):
    for own in (read_events(), read_events(builtin="collateral")):
        for e in own:
            assert screen.show_one(e) == 0
            lines = capsys.readouterr().out.splitlines()
            assert max(map(len, lines)) <= 80
            text = "".join(line.strip() for line in lines)
            assert all(source in text for source in e.sources)  # without breaks it is whole


def test_recorded_falls(shared, capsys):
    """Of the whole file: nothing is missed, breaches have a size, every screen fits."""
    events = read_events(shared / "data" / "black_swans.json")
    falls = {e.id: replay_falls(e) for e in events if fallen(e)}
    assert len(falls) == 12
    for found in falls.values():
        for fall in found:
            assert fall.missed == []
            assert fall.ours.lent_frac <= fall.at_market.lent_frac
            assert fall.ours.during_frac <= fall.at_market.during_frac or fall.exit_open
            assert set(fall.breaches) == {c for c, met in fall.verdicts.items() if not met}
    for name in ("kelp_rseth_2026_04_18", "resolv_usr_2026_03_22", "nomad_bridge_2022_08_01"):
        assert falls[name][0].ours.during_frac == 0 < falls[name][0].at_market.during_frac
    for e in events:
        if fallen(e) or not replay(e):
            assert screen.show_one(e) == 0
    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= 80
    assert "without a source: backing_ratio.rsETH, depeg.rsETH" in " ".join(out.split())
