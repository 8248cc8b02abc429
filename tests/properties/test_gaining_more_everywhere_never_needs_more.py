# SPDX-License-Identifier: Apache-2.0
"""The core is monotone: a book that gains at least as much in every scenario needs at most as much.

Source: Artzner, Delbaen, Eber and Heath, "Coherent measures of risk",
Mathematical Finance 9 (1999), axiom M.
"""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from properties.strategies import accounts, arrays, holdings, worlds
from properties.worlds import Account


@given(data=st.data())
def test_a_gift_never_makes_the_worst_case_worse(engine, data):
    cells = data.draw(arrays(base=False))
    gift = np.abs(data.draw(arrays(max_instruments=1, scenario_counts=st.just(cells.shape[1]))))
    with_gift = np.vstack([cells, gift])
    account = data.draw(holdings(with_gift))
    lots = account.positions.pop(len(cells), 0)  # drawn with the rest, so that the bound holds
    given_away = account + Account({len(cells): abs(lots)})
    worst, _ = engine.scan(with_gift, [account, given_away])
    assert worst[1] >= worst[0]


@given(data=st.data())
def test_an_instrument_that_only_gains_never_raises_the_core(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 5))))
    never_loses = np.flatnonzero(prepared.cells.min(axis=1) >= 0)
    assume(len(never_loses))
    gift = int(data.draw(st.sampled_from(list(never_loses))))
    account = data.draw(accounts(prepared, share=2))
    lots = data.draw(st.integers(0, (2**52 - 1) // max(1, prepared.gross()[gift])))
    result = engine.sweep(prepared, [account, account + Account({gift: lots})])
    assert result["core"][1] <= result["core"][0]
    assert (result["unit_scan"][1] <= result["unit_scan"][0]).all()


@given(data=st.data())
def test_an_order_never_lowers_the_core(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, share=2))
    orders = data.draw(accounts(prepared, share=2)).orders
    more = account + Account(orders=orders)
    result = engine.sweep(prepared, [account, more])
    assert result["core"][1] >= result["core"][0]
