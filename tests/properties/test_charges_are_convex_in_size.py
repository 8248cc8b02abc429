# SPDX-License-Identifier: Apache-2.0
"""Charges are 0 at 0, grow with size, and net within what they look at.

The four that are sums of absolute values or short parts are sub-additive and homogeneous, hence
convex. The vega charge is homogeneous only: two accounts whose tenors set off owe it together.
Concentration grows faster than size, at the owner's marginal rate.
Source: docs/method/margin.md, Charges.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, worlds

CONVEX = ("short_option_mm", "short_option_im", "roll", "oracle", "closing")
LARGEST = 9


@given(data=st.data())
def test_charges_of_two_books_together_are_at_most_those_apart(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    one, other = (data.draw(accounts(prepared, share=2, orders=False)) for _ in range(2))
    result = engine.sweep(prepared, [one, other, one + other])
    for name in CONVEX:
        assert result[name][2] <= result[name][0] + result[name][1], name


@given(data=st.data(), factor=st.integers(0, LARGEST))
def test_charges_grow_in_step_with_size(engine, data, factor):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    account = data.draw(accounts(prepared, share=LARGEST, orders=False))
    result = engine.sweep(prepared, [account, account.scaled(factor)])
    for name in (*CONVEX, "vega"):
        assert result[name][1] == factor * result[name][0], name


@given(data=st.data(), factor=st.integers(1, LARGEST))
def test_concentration_grows_at_least_in_step_with_size(engine, data, factor):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    account = data.draw(accounts(prepared, share=LARGEST, orders=False))
    result = engine.sweep(prepared, [account, account.scaled(factor)])["concentration"]
    rounding = factor * 2 * prepared.world.instruments.n_units
    assert result[1] >= factor * result[0] - rounding
    assert result[1] >= result[0]


@given(data=st.data())
def test_both_directions_of_a_book_pay_the_same_two_sided_charges(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    account = data.draw(accounts(prepared, orders=False))
    result = engine.sweep(prepared, [account, account.scaled(-1)])
    names = ["roll", "vega", "oracle", "closing", "rounding"]
    if (prepared.rates["crowding"] == prepared.rates["notional"]).all():  # no exit of its own
        names.append("concentration")
    for name in names:
        assert result[name][0] == result[name][1], name


@given(data=st.data())
def test_orders_are_charged_only_when_they_fill(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 3))))
    account = data.draw(accounts(prepared))
    result = engine.sweep(prepared, [account, replace(account, orders=())])
    for name in (*CONVEX, "vega", "concentration"):
        assert result[name][0] == result[name][1], name
    assert result["rounding"][0] >= result["rounding"][1]  # their cells were rounded all the same
