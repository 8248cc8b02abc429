# SPDX-License-Identifier: Apache-2.0
"""Recorded falls of collateral: counted at 1.0, at the last price, and after haircuts."""

import json

import pytest

from margin_core import AssetPrices, haircuts, load_catalogue
from margin_core.collateral.falls import STAND_INS, fallen, replay_falls
from margin_core.errors import FileError
from margin_core.replay import Event, read_events

C = load_catalogue()


def event(asset="stETH", move=-0.2, *, classes=("lst_discount",), backing=None, **fields):
    shock = {"horizon_s": 600, "depeg": {asset: move}, **fields}
    if backing is not None:
        shock["backing_ratio"] = {asset: backing}
    return Event.model_validate({
        "id": "one", "name": "One", "date_utc": "2020-01-01", "classes": classes, "what": "X.",
        "shock": shock, "provenance": {}, "pass_criteria": ["P1", "P2", "P3", "P5"],
    })  # fmt: skip


def test_credit_is_that_of_the_haircuts():
    (fall,) = replay_falls(event())
    prices = AssetPrices(dict.fromkeys(C.units, 1.0), dict.fromkeys(C.assets, 1.0))
    h = haircuts(["stETH"], prices)
    granted = h.mark_usd[0] * (1 - h.haircut_im_frac[0])
    assert fall.ours.before_frac == pytest.approx(granted - 0.8)
    assert fall.at_peg.before_frac == fall.at_peg.during_frac == pytest.approx(0.2)
    assert fall.at_market.during_frac == pytest.approx(0.2 - 0.2 / 99)
    assert fall.verdicts == {"P1": True}


def test_without_backing_nothing_is_lent_from_the_first_tick():
    (fall,) = replay_falls(event(backing=0.8, classes=("bridge",)))
    assert fall.ours.during_frac == 0 < fall.ours.before_frac
    assert fall.at_market.during_frac > 0.19
    assert fall.verdicts == {"P2": True, "P5": True}
    (backed,) = replay_falls(event(backing=3.0, classes=("bridge",)))
    assert backed.ours.during_frac > 0.1 and backed.verdicts == {"P1": True}


def test_what_the_catalogue_lacks_is_taken_for_what_it_has():
    (fall,) = replay_falls(event("madUSDC", classes=("backing_zero", "bridge")))
    assert fall.taken_for == STAND_INS["bridge"] != fall.asset
    assert set(STAND_INS.values()) <= C.assets.keys()


def test_other_events_are_none():
    assert fallen(event(classes=("custody_loss",))) == fallen(event(move=0.01)) == []


def test_a_negative_backing_is_refused(tmp_path):
    data = event().model_dump() | {"shock": {"horizon_s": 1, "backing_ratio": {"A": -0.1}}}
    path = tmp_path / "e.json"
    path.write_text(json.dumps({"schema": "margin_core.black_swans/1", "scenarios": [data]}))
    with pytest.raises(FileError, match="backing_ratio.A"):
        read_events(path)


def test_recorded_falls(shared, capsys):
    """Criteria that are judged are met; no haircut counts more than an engine without one."""
    from margin_core.cli import main

    path = shared / "data" / "black_swans.json"
    falls = {e.id: replay_falls(e) for e in read_events(path) if fallen(e)}
    assert len(falls) == 9
    for found in falls.values():
        for fall in found:
            assert all(fall.verdicts.values())
            assert fall.ours.before_frac <= fall.at_market.before_frac
            assert fall.ours.during_frac <= fall.at_market.during_frac
    for name in ("kelp_rseth_2026_04_18", "resolv_usr_2026_03_22", "nomad_bridge_2022_08_01"):
        assert falls[name][0].ours.during_frac == 0 < falls[name][0].at_market.during_frac
    with pytest.raises(SystemExit) as ended:
        main(["replay", "kelp_rseth_2026_04_18", "--events", str(path)])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "without a source: backing_ratio.rsETH, depeg.rsETH" in " ".join(out.split())
    assert "P2 met" in out and "P3 not judged here" in out
