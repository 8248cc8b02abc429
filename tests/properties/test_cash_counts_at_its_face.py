# SPDX-License-Identifier: Apache-2.0
"""Certain money is worth its face: translation invariance, where no scenario is weighted.

A weighted tail scales a gain in its column too, so there the shift lies between the smallest
and the largest weight. Source: Artzner, Delbaen, Eber and Heath (1999), axiom T.
"""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, arrays, holdings, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO, Account


@given(data=st.data(), gain=st.integers(-(2**40), 2**40))
def test_a_gain_in_every_scenario_moves_the_worst_case_by_as_much(engine, data, gain):
    cells = data.draw(arrays(base=False))
    with_gain = np.vstack([cells, np.full((1, cells.shape[1]), gain)])
    account = data.draw(holdings(cells, share=2))
    worst, scenario = engine.scan(with_gain, [account, account + Account({len(cells): 1})])
    if account.positions:
        assert worst[1] == worst[0] + gain
        assert scenario[1] == scenario[0]
    else:
        assert worst[1] == gain


@given(data=st.data(), gain=st.integers(0, 2**30))
def test_a_weighted_gain_moves_it_by_no_less_than_the_least_weight(engine, data, gain):
    cells = data.draw(arrays(base=False))
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    weight = rng.integers(0, 1024, cells.shape[1], endpoint=True)
    with_gain = np.vstack([cells, gain * weight])
    account = data.draw(holdings(cells, share=2))
    worst, _ = engine.scan(with_gain, [account, account + Account({len(cells): 1})])
    assert gain * weight.min() <= worst[1] - worst[0] <= gain * weight.max()


@given(data=st.data(), deposit=st.integers(-(10**14), 10**14))
def test_a_deposit_raises_equity_by_itself_and_no_requirement(engine, data, deposit):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, modes=(PORTFOLIO, CROSS, ISOLATED)))
    moved = replace(account, cash=account.cash + deposit)
    result = engine.sweep(prepared, [account, moved])
    assert result.pop("equity")[1] == int(engine.sweep(prepared, [account])["equity"][0]) + deposit
    result.pop("status")
    for name, column in result.items():
        assert (column[0] == column[1]).all(), name


@given(data=st.data())
def test_without_weights_the_scan_is_the_fall_of_the_books_value(engine, data):
    """equity - scan is the book's value in its worst scenario, so certain value adds to it."""
    world = data.draw(worlds(max_units=1, plain_weights=True))
    prepared = engine.prepare(world)
    account = data.draw(accounts(prepared, orders=False))
    result = engine.sweep(prepared, [account])
    lots = np.zeros(len(prepared.cells), np.int64)
    lots[list(account.positions)] = list(account.positions.values())
    shocked_value = result["equity"][0] + lots @ prepared.cells
    assert result["equity"][0] - result["unit_scan"].sum() == min(
        shocked_value.min(), result["equity"][0]
    )
