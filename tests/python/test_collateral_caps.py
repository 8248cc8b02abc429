# SPDX-License-Identifier: Apache-2.0
"""Caps over time: what is in force, and that nobody hurries it."""

import pytest

from margin_core import load_catalogue
from margin_core.collateral.caps import DAY_NS, in_force
from margin_core.errors import RowOrderError

C = load_catalogue()
DELAY, RAMP = C.risk.cap_delay_days, C.risk.cap_ramp_days


def changed(catalogue=C, *, risk=None, **caps):
    assets = dict(catalogue.assets)
    for symbol, (cap, owner) in caps.items():
        fields = {"cap_usd": cap, "owner_cap_usd": owner}
        assets[symbol] = assets[symbol].model_copy(update=fields)
    update = {"assets": assets, "risk": catalogue.risk.model_copy(update=risk or {})}
    return catalogue.model_copy(update=update)


def cap(old, new, days, symbol="DAI"):
    return in_force(old, new, 0, int(days * DAY_NS)).assets[symbol].cap_usd


def test_lower_at_once_higher_after_the_delay_and_on_a_straight_line():
    small, large = changed(DAI=(1e6, 1e5)), changed(DAI=(3e6, 2e5))
    assert cap(large, small, 0) == 1e6
    days = (0, DELAY, DELAY + RAMP / 2, DELAY + RAMP, DELAY + 9 * RAMP)
    assert [cap(small, large, d) for d in days] == [1e6, 1e6, 2e6, 3e6, 3e6]
    half = in_force(small, large, 0, int((DELAY + RAMP / 2) * DAY_NS)).assets["DAI"]
    assert half.owner_cap_usd == pytest.approx(1.5e5)
    assert in_force(C, C, 0, 0) == C


def test_shortening_the_delay_waits_for_the_delay():
    quick = changed(risk={"cap_delay_days": 0.0, "cap_ramp_days": 1e-3}, DAI=(1e12, 1e12))
    before = in_force(C, quick, 0, int(DELAY * DAY_NS) - 1)
    assert before.risk == C.risk
    assert in_force(before, quick, 0, DAY_NS).assets["DAI"] == C.assets["DAI"]
    assert in_force(C, quick, 0, int(DELAY * DAY_NS)).risk.cap_delay_days == 0.0
    slow = changed(risk={"cap_delay_days": 2 * DELAY})
    assert in_force(C, slow, 0, 0).risk == slow.risk


def test_a_change_from_the_future_is_refused():
    with pytest.raises(RowOrderError, match="announced_ns 1"):
        in_force(C, C, 1, 0)
