# SPDX-License-Identifier: Apache-2.0
"""A call and a put of one strike on opposite sides are a forward; two shorts add.

Source: docs/method/margin.md, Charges.
"""

import numpy as np
from hypothesis import assume, given
from hypothesis import strategies as st

from properties.strategies import worlds
from properties.worlds import CALL, PUT, Account


@given(data=st.data(), lots=st.integers(-1000, 1000))
def test_opposite_sides_of_a_pair_offset_and_equal_sides_add(engine, data, lots):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    table = prepared.world.instruments
    pairs = [
        i
        for i in range(len(table.kind) - 1)
        if (table.kind[i], table.kind[i + 1]) == (CALL, PUT)
        and table.term[i] == table.term[i + 1]
        and table.strike[i] == table.strike[i + 1]
    ]
    assume(pairs)
    call = data.draw(st.sampled_from(pairs))
    forward = Account({call: lots, call + 1: -lots})
    strangle = Account({call: -abs(lots), call + 1: -abs(lots)})
    legs = [Account({call: -abs(lots)}), Account({call + 1: -abs(lots)})]
    result = engine.sweep(prepared, [forward, strangle, *legs])
    for name in ("short_option_mm", "short_option_im"):
        rate = prepared.rates[name]
        assert rate[call] == rate[call + 1] or np.ptp(table.contract_size) > 0
        assert result[name][0] <= abs(lots) * abs(int(rate[call] - rate[call + 1]))
        assert result[name][1] == result[name][2] + result[name][3]
