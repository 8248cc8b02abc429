# SPDX-License-Identifier: Apache-2.0
"""In cross and isolated accounts another position or order never lowers the requirement.

Source: docs/method/margin.md section 3: nothing nets, and rates never fall with size.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, worlds
from properties.worlds import CALL, CROSS, ISOLATED, SPOT


@given(data=st.data(), mode=st.sampled_from([CROSS, ISOLATED]))
def test_dropping_a_position_or_an_order_never_raises_it(engine, data, mode):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    account = data.draw(accounts(prepared, modes=(mode,)))
    kept = data.draw(st.sets(st.integers(0, len(prepared.cells) - 1)))
    fewer = replace(
        account,
        positions={i: q for i, q in account.positions.items() if i in kept},
        orders=tuple(o for o in account.orders if o.instrument in kept),
    )
    result = engine.sweep(prepared, [account, fewer])
    assert result["mm"][1] <= result["mm"][0]
    assert result["im"][1] <= result["im"][0]


@given(data=st.data())
def test_both_signs_of_futures_need_the_same(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    kind = prepared.world.instruments.kind
    account = data.draw(accounts(prepared, orders=False, modes=(CROSS, ISOLATED)))
    linear = {i: q for i, q in account.positions.items() if SPOT < kind[i] < CALL}
    long = replace(account, positions=linear)
    result = engine.sweep(prepared, [long, long.scaled(-1)])
    assert result["mm"][0] == result["mm"][1]
    assert result["im"][0] == result["im"][1]
