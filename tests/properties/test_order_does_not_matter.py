# SPDX-License-Identifier: Apache-2.0
"""Positions, scenarios, orders and accounts in any order: the same bits.

Source: docs/method/margin.md section 5: every sum is exact, so no order of addition shows.
"""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, arrays, books, holdings, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO, Account

SCENARIO_NUMBERS = ("joint_scenario", "unit_scenario")


@given(data=st.data())
def test_positions_in_any_order_have_the_same_worst_case(engine, data):
    cells = data.draw(arrays(base=False))
    order = data.draw(st.permutations(range(len(cells))))
    account = data.draw(holdings(cells))
    moved = Account({order.index(i): lots for i, lots in account.positions.items()})
    worst, scenario = engine.scan(cells, [account])
    worst_moved, scenario_moved = engine.scan(cells[list(order)], [moved])
    assert worst.tobytes() == worst_moved.tobytes()
    assert scenario == scenario_moved


@given(data=st.data())
def test_scenarios_in_any_order_need_the_same(engine, data):
    world = data.draw(worlds())
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    order = rng.permutation(world.scenarios.n_scenarios)
    prepared = engine.prepare(world)
    moved = engine.prepare(replace(world, scenarios=world.scenarios.columns(order)))
    assert (moved.cells == prepared.cells[:, order]).all()
    account = data.draw(accounts(prepared))
    before, after = (engine.sweep(p, [account]) for p in (prepared, moved))
    for name in before:
        if name not in SCENARIO_NUMBERS:
            assert (before[name] == after[name]).all(), name


@given(data=st.data())
def test_accounts_in_any_order_stand_the_same(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 70))))
    drawn = data.draw(books(prepared, modes=(PORTFOLIO, CROSS, ISOLATED)))
    order = data.draw(st.permutations(range(len(drawn))))
    moved = [drawn[a] for a in order]
    exposures = [engine.exposure(prepared, book) for book in (drawn, moved)]
    assert all((x == y).all() for x, y in zip(*exposures, strict=True))
    before = engine.sweep(prepared, drawn, *exposures[0])
    after = engine.sweep(prepared, moved, *exposures[1])
    for name in before:
        assert (before[name][list(order)] == after[name]).all(), name


@given(data=st.data())
def test_orders_in_one_instrument_may_stand_in_any_order(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 70))))
    account = data.draw(accounts(prepared, modes=(PORTFOLIO, CROSS, ISOLATED)))
    shuffled = replace(account, orders=tuple(data.draw(st.permutations(account.orders))))
    result = engine.sweep(prepared, [account, shuffled])
    for name, column in result.items():
        assert (column[0] == column[1]).all(), name
