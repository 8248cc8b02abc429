# SPDX-License-Identifier: Apache-2.0
"""Every offset that the core grants is one: it never costs more than to margin the parts.

Source: docs/method/margin.md, Scan; at most 80 % of the difference is offset across units,
Commission Delegated Regulation (EU) 153/2013, article 27.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, worlds
from properties.worlds import Account


@given(data=st.data())
def test_the_core_is_at_most_the_sum_of_every_position_alone(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared))
    parts = [Account({i: lots}) for i, lots in account.positions.items()]
    parts += [Account(orders=(order,)) for order in account.orders]
    core = engine.sweep(prepared, [account, *parts])["core"]
    assert core[0] <= core[1:].sum()


@given(data=st.data())
def test_the_core_lies_between_a_fifth_of_and_all_of_the_units_scans(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    result = engine.sweep(prepared, [data.draw(accounts(prepared))])
    alone, core = int(result["unit_scan"].sum()), int(result["core"][0])
    assert (1024 - 819) * alone <= 1024 * core
    assert core <= alone


@given(data=st.data(), more=st.integers(0, 819))
def test_more_offset_within_a_group_never_raises_the_core(engine, data, more):
    world = data.draw(worlds())
    prepared = engine.prepare(world)
    account = data.draw(accounts(prepared))
    offset = tuple(max(k, more) for k in world.model.lambda_k)
    generous = replace(world, model=replace(world.model, lambda_k=offset))
    before = engine.sweep(prepared, [account])["core"][0]
    assert engine.sweep(engine.prepare(generous), [account])["core"][0] <= before


@given(data=st.data())
def test_opposite_lots_of_one_instrument_net_before_they_are_scanned(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, share=2))
    opposite = Account({i: -lots // 2 for i, lots in account.positions.items()})
    core = engine.sweep(prepared, [account, opposite, account + opposite])["core"]
    assert core[2] <= core[0] + core[1]
