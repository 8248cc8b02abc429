# SPDX-License-Identifier: Apache-2.0
"""What holds of a requirement under every venue preset, whatever its numbers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import margin_core as mc
from properties.venue_books import MARKET, PRESETS, SCANS, book_of, positions

ROUNDING = 1e-9


@given(st.sampled_from(PRESETS), positions())
def test_initial_covers_maintenance_covers_nothing(preset, held):
    found = mc.venue_margin(book_of(preset, [held]), MARKET, preset)
    scale = 1.0 + abs(found.mm_usd[0])
    assert found.im_usd[0] >= found.mm_usd[0] - ROUNDING * scale
    assert found.mm_usd[0] >= -ROUNDING * scale


@given(st.sampled_from(PRESETS), positions(), st.sampled_from([2.0, 0.5, 4.0]))
def test_twice_the_book_needs_twice_as_much_where_no_amount_is_in_dollars(preset, held, times):
    """OKX's tiers and Deribit's quantum, threshold and dampener are amounts; the others scale."""
    if preset in ("okx_pm", "deribit_pm", "dydx_v4"):
        return
    larger = [(name, times * quantity) for name, quantity in held]
    one = mc.venue_margin(book_of(preset, [held]), MARKET, preset)
    more = mc.venue_margin(book_of(preset, [larger]), MARKET, preset)
    assert more.mm_usd[0] == pytest.approx(times * one.mm_usd[0], rel=1e-12, abs=ROUNDING)


@given(st.sampled_from(["derive_sm", "dydx_v4", "okx_pm", "paradex_pm"]), st.integers(1, 10**5))
def test_a_linear_perpetual_is_as_risky_long_as_short(preset, thousandths):
    """Paradex's weighted tails are 16 % to four digits; dYdX rounds to a millionth of a dollar."""
    name, quantity = "BTC_USDC-PERPETUAL", thousandths / 1000
    sides = [mc.venue_margin(book_of(preset, [[(name, q)]]), MARKET, preset)
             for q in (quantity, -quantity)]  # fmt: skip
    assert sides[0].mm_usd[0] == pytest.approx(sides[1].mm_usd[0], rel=1e-3)
    if preset != "paradex_pm":
        assert sides[0].mm_usd[0] == pytest.approx(sides[1].mm_usd[0], rel=1e-12, abs=2e-6)


@given(st.sampled_from(SCANS), positions(), positions())
def test_a_scan_never_needs_more_together_than_apart(preset, one, other):
    """Of presets without a rule that turns on a sum's sign: the cores are sub-additive."""
    if preset not in ("okx_pm", "paradex_pm"):
        return
    books = [[one], [other], [one + other]]
    found = [mc.venue_margin(book_of(preset, b), MARKET, preset) for b in books]
    cores = [f.parts_usd["scan"][0] for f in found]
    assert cores[2] <= cores[0] + cores[1] + ROUNDING * (1.0 + cores[0] + cores[1])


@given(st.sampled_from(PRESETS), positions())
def test_everything_is_finite(preset, held):
    found = mc.venue_margin(book_of(preset, [held]), MARKET, preset)
    for values in (found.equity_usd, found.mm_usd, *found.parts_usd.values()):
        assert np.isfinite(values).all()
