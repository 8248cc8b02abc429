# SPDX-License-Identifier: Apache-2.0
"""Each charge nets exactly within what it looks at, and not beyond.

Source: docs/method/margin.md, Charges: short options by pair, roll by term, vega by unit.
"""

from hypothesis import assume, given
from hypothesis import strategies as st

from properties.strategies import worlds
from properties.worlds import CALL, Account

FEW = {"scenario_counts": st.integers(1, 3)}
some_lots = st.integers(1, 1000)


def runs(column, chosen):
    """Rows that share a value of `column`, where there are at least two."""
    groups = {}
    for i in chosen:
        groups.setdefault(int(column[i]), []).append(i)
    return [rows for rows in groups.values() if len(rows) > 1]


@given(data=st.data())
def test_longs_need_no_short_option_minimum(engine, data):
    prepared = engine.prepare(data.draw(worlds(**FEW)))
    account = Account({i: data.draw(some_lots) for i in range(len(prepared.cells))})
    result = engine.sweep(prepared, [account])
    assert result["short_option_mm"][0] == result["short_option_im"][0] == 0


@given(data=st.data(), long=some_lots, short=some_lots)
def test_the_legs_of_one_term_roll_together_and_those_of_two_do_not(engine, data, long, short):
    prepared = engine.prepare(data.draw(worlds(max_units=2, **FEW)))
    rolls = prepared.rates["roll"]
    rising = [i for i in range(len(rolls)) if rolls[i] > 0]
    assume(len(rising) > 1)
    one, other = data.draw(st.permutations(rising))[:2]
    legs = [Account({one: long}), Account({other: -short})]
    roll = engine.sweep(prepared, [*legs, legs[0] + legs[1]])["roll"]
    term = prepared.world.instruments.term
    together = abs(roll[0] - roll[1]) if term[one] == term[other] else roll[0] + roll[1]
    assert roll[2] == together


@given(data=st.data())
def test_volatility_on_one_side_owes_no_vega_charge(engine, data):
    prepared = engine.prepare(data.draw(worlds(**FEW)))
    gains = prepared.rates["vega"].sum(axis=1) >= 0
    account = Account({int(i): data.draw(some_lots) for i in gains.nonzero()[0]})
    assert engine.sweep(prepared, [account])["vega"][0] == 0


@given(data=st.data(), long=some_lots, short=some_lots)
def test_vega_is_owed_only_across_tenors_of_one_unit(engine, data, long, short):
    prepared = engine.prepare(data.draw(worlds(max_units=2, **FEW)))
    table, rates = prepared.world.instruments, prepared.rates["vega"]
    options = [i for i in range(len(rates)) if table.kind[i] >= CALL]
    assume(len(options) > 1)
    one, other = data.draw(st.permutations(options))[:2]
    vega = engine.sweep(prepared, [Account({one: long, other: -short})])["vega"][0]
    sides = sorted((long * int(rates[one].sum()), short * int(rates[other].sum())))
    same_bucket = ((rates[one] > 0) == (rates[other] > 0)).all()
    across = table.unit[one] == table.unit[other] and not same_bucket
    assert vega == (sides[0] if across else 0)


@given(data=st.data(), lots=some_lots)
def test_opposite_sides_never_set_off_concentration(engine, data, lots):
    prepared = engine.prepare(data.draw(worlds(**FEW)))
    pairs = runs(prepared.world.instruments.unit, range(len(prepared.cells)))
    assume(pairs)
    one, other = data.draw(st.sampled_from(pairs))[:2]
    side = prepared.rates["side"]
    legs = [Account({one: lots * int(side[one])}), Account({other: -lots * int(side[other])})]
    charge = engine.sweep(prepared, [*legs, legs[0] + legs[1]])["concentration"]
    assert charge[2] == charge[0] + charge[1]
