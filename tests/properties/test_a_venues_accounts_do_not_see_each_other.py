# SPDX-License-Identifier: Apache-2.0
"""Under every venue preset an account's numbers are its own, to the bit, whoever else is there."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import margin_core as mc
from properties.venue_books import MARKET, PRESETS, book_of, positions


@given(st.sampled_from(PRESETS), st.lists(positions(), min_size=2, max_size=5), st.data())
def test_adding_accounts_changes_no_other(preset, accounts, data):
    together = mc.venue_margin(book_of(preset, accounts), MARKET, preset)
    a = data.draw(st.integers(0, len(accounts) - 1))
    alone = mc.venue_margin(book_of(preset, [accounts[a]]), MARKET, preset)
    for name in ("equity_usd", "im_usd", "mm_usd"):
        ours, own = getattr(together, name)[a], getattr(alone, name)[0]
        assert ours == own or (np.isnan(ours) and np.isnan(own))
    assert together.worst[a].split("; ")[-1].endswith(alone.worst[0].split("; ")[-1])


@given(st.sampled_from(PRESETS), st.lists(positions(), min_size=1, max_size=4), st.randoms())
def test_the_order_of_rows_does_not_matter(preset, accounts, random):
    """One position an instrument: sums of several rows of one are rounded in their order."""
    shuffled = [random.sample(held, len(held)) for held in accounts]
    ours = mc.venue_margin(book_of(preset, accounts), MARKET, preset)
    theirs = mc.venue_margin(book_of(preset, shuffled), MARKET, preset)
    np.testing.assert_array_equal(ours.mm_usd, theirs.mm_usd)
    np.testing.assert_array_equal(ours.im_usd, theirs.im_usd)
