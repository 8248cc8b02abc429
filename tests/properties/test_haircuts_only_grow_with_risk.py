# SPDX-License-Identifier: Apache-2.0
"""New credit is never above maintenance, a haircut is a fraction, and risk never lowers it."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from margin_core import AssetPrices, haircuts, load_catalogue

C = load_catalogue()
ASSETS = sorted(C.assets)
COINS = {"BTC": 60000.0, "ETH": 2000.0, "SOL": 150.0, "AVAX": 20.0, "BNB": 600.0, "EUR": 1.1}
UNITS = {"USD": 1.0, "EUR": 1.1}

some = st.sets(st.sampled_from(ASSETS))


@st.composite
def worlds(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    market = {s: COINS.get(a.unit, 1.0) * rng.uniform(0.5, 1.2) for s, a in C.assets.items()}
    prices = AssetPrices(
        UNITS,
        market,
        queue_days={s: rng.uniform(0.0, 100.0) for s in draw(some)},
        exit_open={s: bool(rng.integers(2)) for s in draw(some)},
    )
    options = {
        "mode": draw(st.sampled_from(["portfolio", "cross", "isolated"])),
        "has_rows": draw(some),
        "events": draw(st.sets(st.sampled_from([f"bridge.{b}" for b in C.bridges]))),
        "credit_frac": {s: rng.uniform() for s in draw(some)},
        "linked": draw(st.sets(st.sampled_from(["circle", "lido", "eigenlayer"]))),
        **{
            name: {s: 10 ** rng.uniform(0.0, 12.0) for s in draw(some)}
            for name in ("amount_usd", "owner_usd", "venue_usd")
        },
    }
    return prices, options


@given(worlds())
def test_new_credit_is_never_above_maintenance(world):
    prices, options = world
    h = haircuts(ASSETS, prices, **options)
    assert np.all(h.mark_usd >= 0.0)
    assert np.all((h.haircut_mm_frac >= 0.0) & (h.haircut_im_frac <= 1.0))
    assert np.all(h.haircut_mm_frac <= h.haircut_im_frac)
    market = np.array([prices.market_usd[s] for s in ASSETS])
    assert np.all(h.mark_usd * (1.0 - h.haircut_im_frac) <= market * (1.0 + 1e-12))
    for parts, total in ((h.parts_mm, h.haircut_mm_frac), (h.parts_im, h.haircut_im_frac)):
        assert all(np.all(part >= 0.0) for part in parts.values())
        np.testing.assert_allclose(sum(parts.values()), total, rtol=0.0, atol=1e-14)


@given(worlds(), st.sampled_from(["amount_usd", "owner_usd", "venue_usd"]), some)
def test_holding_more_never_lowers_a_haircut(world, name, more):
    prices, options = world
    grown = {**options, name: {**options[name], **dict.fromkeys(more, 1e13)}}
    before, after = (haircuts(ASSETS, prices, **x) for x in (options, grown))
    assert np.all(after.haircut_mm_frac >= before.haircut_mm_frac - 1e-15)
    assert np.all(after.haircut_im_frac >= before.haircut_im_frac - 1e-15)


@given(worlds(), st.data())
def test_an_asset_does_not_see_what_else_is_asked_for(world, data):
    prices, options = world
    at = data.draw(st.integers(0, len(ASSETS) - 1))
    alone = haircuts([ASSETS[at]], prices, **options)
    among = haircuts(ASSETS, prices, **options)
    assert alone.haircut_im_frac[0] == among.haircut_im_frac[at]
    assert alone.mark_usd[0] == among.mark_usd[at]
