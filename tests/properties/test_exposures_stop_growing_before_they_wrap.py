# SPDX-License-Identifier: Apache-2.0
"""Sizes of a whole book are added up to 2^62 quanta and stay there; they never turn negative.

Source: sweep.h, mc_exposure.
"""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from properties.strategies import EXACT, worlds
from properties.worlds import Account

MOST = 2**62


@settings(max_examples=10)
@given(data=st.data(), count=st.integers(500, 5000))
def test_a_book_of_the_largest_accounts_has_a_size(engine, data, count):
    prepared = engine.prepare(data.draw(worlds(max_units=1, scenario_counts=st.just(1))))
    i = data.draw(st.integers(0, len(prepared.cells) - 1))
    notional, gross = int(prepared.rates["crowding"][i]), prepared.gross()[i]
    assume(notional > 1)
    lots = (EXACT - 1) // gross
    account = Account({i: lots if prepared.rates["side"][i] > 0 else -lots}, owner=0)
    market, owners = engine.exposure(prepared, [account] * count)
    expected = min(MOST, count * lots * notional)
    assert market.tolist() == [[expected, 0]]
    assert owners.tolist() == [[[expected, 0]]]
