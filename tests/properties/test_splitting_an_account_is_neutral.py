# SPDX-License-Identifier: Apache-2.0
"""An owner who splits an account pays the same concentration, up to rounding.

Source: docs/method/margin.md, Concentration: the rate is the owner's, the charge is per lot.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, worlds


@given(data=st.data(), parts=st.integers(2, 5))
def test_parts_of_one_owner_pay_what_the_whole_pays(engine, data, parts):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    whole = replace(data.draw(accounts(prepared, orders=False)), owner=0)
    split = [replace(whole, positions=share) for share in dealt(data, whole.positions, parts)]
    market, owners = engine.exposure(prepared, [whole])
    market_split, owners_split = engine.exposure(prepared, split)
    assert (market == market_split).all()
    assert (owners == owners_split).all()

    together = engine.sweep(prepared, [whole], market, owners)["concentration"].sum()
    apart = engine.sweep(prepared, split, market, owners)["concentration"].sum()
    one_quantum_each = (parts - 1) * 2 * prepared.world.instruments.n_units
    assert together <= apart <= together + one_quantum_each


@given(data=st.data())
def test_an_owner_of_one_account_counts_as_that_account(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    account = data.draw(accounts(prepared))
    owned = replace(account, owner=0)
    market, owners = engine.exposure(prepared, [owned])
    alone = engine.sweep(prepared, [account], market, owners)
    known = engine.sweep(prepared, [owned], market, owners)
    assert all((alone[name] == known[name]).all() for name in alone)


@given(data=st.data())
def test_a_larger_owner_or_market_never_lowers_the_charge(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    account = replace(data.draw(accounts(prepared, orders=False)), owner=0)
    market, owners = engine.exposure(prepared, [account])
    more = data.draw(st.integers(0, 2**55))
    charges = [
        engine.sweep(prepared, [account], *sizes)["concentration"][0]
        for sizes in ((market, owners), (market, owners + more), (market + more, owners))
    ]
    assert max(charges[1], charges[0]) == charges[1]
    assert max(charges[2], charges[0]) == charges[2]


def dealt(data, positions, parts):
    """Every position cut into `parts` of its own sign."""
    shares = [{} for _ in range(parts)]
    for i, lots in positions.items():
        cuts = sorted(
            data.draw(st.lists(st.integers(0, abs(lots)), min_size=parts - 1, max_size=parts - 1))
        )
        edges = [0, *cuts, abs(lots)]
        for share, low, high in zip(shares, edges, edges[1:], strict=False):
            share[i] = (high - low) if lots > 0 else low - high
    return shares
