# SPDX-License-Identifier: Apache-2.0
"""Accounts are ranked from the nearest to liquidation to the safest, without ties.

Source: docs/method/margin.md section 4.
"""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import books, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO

LIMIT = 2**62
some = st.one_of(st.integers(-4, 4), st.integers(-LIMIT, LIMIT))
rows = st.lists(st.tuples(some, some.map(abs)), max_size=30)


def columns(rows):
    return (
        tuple(np.array(column, np.int64) for column in zip(*rows, strict=True))
        or (np.zeros(0, np.int64),) * 2
    )


@given(rows)
def test_every_account_has_exactly_one_place(engine, rows):
    assert sorted(engine.rank(*columns(rows))) == list(range(len(rows)))


@given(rows)
def test_neighbours_stand_in_order(engine, rows):
    order = engine.rank(*columns(rows)).tolist()
    for a, b in zip(order, order[1:], strict=False):
        (equity, mm), (next_equity, next_mm) = rows[a], rows[b]
        if mm == 0 or next_mm == 0:
            place, next_place = group(equity, mm), group(next_equity, next_mm)
            assert (place, a) < (next_place, b)
        else:
            assert (equity * next_mm, a) < (next_equity * mm, b)


def group(equity, mm):
    return 1 if mm else 0 if equity < 0 else 2


@given(rows, st.integers(1, 1000))
def test_only_the_ratio_counts(engine, rows, factor):
    small = [(equity // 1024, mm // 1024) for equity, mm in rows]
    larger = [(factor * equity, factor * mm) for equity, mm in small]
    assert (engine.rank(*columns(small)) == engine.rank(*columns(larger))).all()


@given(rows.filter(len), st.data())
def test_taking_an_account_out_moves_no_other(engine, rows, data):
    gone = data.draw(st.integers(0, len(rows) - 1))
    order = engine.rank(*columns(rows))
    without = engine.rank(*columns(rows[:gone] + rows[gone + 1 :])) if len(rows) > 1 else order[:0]
    assert [a - (a > gone) for a in order if a != gone] == without.tolist()


@given(data=st.data())
def test_the_bankrupt_come_before_the_liquidatable_before_the_rest(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 40))))
    accounts = data.draw(books(prepared, max_accounts=9, modes=(PORTFOLIO, CROSS, ISOLATED)))
    result = engine.sweep(prepared, accounts)
    status = result["status"][engine.rank(result["equity"], result["mm"])]
    danger = np.maximum(status, 1)
    assert (np.diff(danger) <= 0).all()
