# SPDX-License-Identifier: Apache-2.0
"""Sums stay whole numbers of a double, or the account is refused by row; never rounded silently.

Source: docs/method/margin.md section 5.
"""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from margin_core.errors import ExactnessError
from properties.strategies import EXACT, arrays, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO, Account, Order

modes = st.sampled_from([PORTFOLIO, CROSS, ISOLATED])


@given(data=st.data(), mode=modes, sign=st.sampled_from([-1, 1]))
def test_the_largest_account_is_exact_and_one_lot_more_is_an_error(engine, data, mode, sign):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 40))))
    i = data.draw(st.integers(0, len(prepared.cells) - 1))
    gross = prepared.gross()[i]
    assume(gross > 1)  # lots themselves stay below 2^53
    lots = (EXACT - 1) // gross
    largest = Account({i: sign * lots}, mode=mode)
    result = engine.sweep(prepared, [largest])
    assert result["equity"][0] == sign * lots * int(prepared.rates["mark"][i])
    if mode == PORTFOLIO:
        assert result["unit_scan"].sum() == lots * max(0, -int((sign * prepared.cells[i]).min()))

    too_large = Account({i: sign * (lots + 1)}, mode=mode)
    with pytest.raises(ExactnessError) as refused:
        engine.sweep(prepared, [largest, Account(), too_large])
    assert refused.value.row == 2


@given(data=st.data(), away=st.integers(1, 2**52), mode=modes)
def test_an_order_counts_with_its_distance_from_the_mark(engine, data, away, mode):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 40))))
    i = data.draw(st.integers(0, len(prepared.cells) - 1))
    reach = away + prepared.gross()[i]
    lots = (EXACT - 1) // reach
    mark = int(prepared.rates["mark"][i])
    fits, too_large = (
        Account(orders=(Order(i, q, mark - away),), mode=mode) for q in (lots, lots + 1)
    )
    assume(lots + 1 < EXACT)
    engine.sweep(prepared, [fits])
    with pytest.raises(ExactnessError) as refused:
        engine.sweep(prepared, [fits, too_large])
    assert refused.value.row == 1


@given(data=st.data())
def test_the_scan_has_the_same_bound(engine, data):
    cells = data.draw(arrays())
    i = data.draw(st.integers(0, len(cells) - 1))
    largest = int(abs(cells[i]).max())
    assume(largest > 1)
    lots = (EXACT - 1) // largest
    worst, _ = engine.scan(cells, [Account({i: lots})])
    assert worst[0] == lots * int(cells[i].min())
    with pytest.raises(ExactnessError) as refused:
        engine.scan(cells, [Account({i: lots}), Account({i: lots + 1})])
    assert refused.value.row == 1
