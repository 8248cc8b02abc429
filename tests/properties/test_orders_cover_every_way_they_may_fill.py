# SPDX-License-Identifier: Apache-2.0
"""Margin for orders covers any subset of fills, at any scenario.

Source: docs/method/margin.md, Scan: min(0, .) order by order is the worst subset.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, worlds
from properties.worlds import Account


@given(data=st.data())
def test_no_subset_of_fills_needs_more_than_the_orders_did(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, share=2))
    filled = [data.draw(st.booleans()) for _ in account.orders]
    after = replace(
        account, orders=tuple(o for o, f in zip(account.orders, filled, strict=True) if not f)
    )
    gain = [0] * prepared.world.instruments.n_units
    for order, fill in zip(account.orders, filled, strict=True):
        if fill:
            after = after + Account({order.instrument: order.lots})
            unit = prepared.world.instruments.unit[order.instrument]
            mark = int(prepared.rates["mark"][order.instrument])
            gain[unit] += (mark - order.limit) * order.lots
    scan = engine.sweep(prepared, [account, after])["unit_scan"]
    for before, then, gained in zip(*scan.tolist(), gain, strict=True):
        assert then <= max(0, before + gained)


@given(data=st.data())
def test_orders_cost_at_most_what_each_costs_alone(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared))
    bare = replace(account, orders=())
    alone = [Account(orders=(order,)) for order in account.orders]
    scan = engine.sweep(prepared, [account, bare, *alone])["unit_scan"]
    assert (scan[0] <= scan[1:].sum(axis=0)).all()


@given(data=st.data())
def test_orders_do_not_set_each_other_off(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared))
    one_at_a_time = [replace(account, orders=(order,)) for order in account.orders]
    scan = engine.sweep(prepared, [account, *one_at_a_time])["unit_scan"]
    assert (scan[0] >= scan.max(axis=0)).all()
