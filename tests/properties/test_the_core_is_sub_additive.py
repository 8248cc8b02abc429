# SPDX-License-Identifier: Apache-2.0
"""Two books together never need more core than apart.

Source: Artzner, Delbaen, Eber and Heath (1999), axiom S. Rounding up keeps it: the sum of two
numbers rounded up is at least their sum rounded up.
"""

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, arrays, holdings, worlds


@given(data=st.data())
def test_two_accounts_never_need_less_apart_than_together(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    one, other = (data.draw(accounts(prepared, share=2)) for _ in range(2))
    apart, apart_too, together = engine.sweep(prepared, [one, other, one + other])["core"]
    assert together <= apart + apart_too


@given(data=st.data())
def test_the_worst_case_together_is_never_worse_than_both_worst_cases(engine, data):
    cells = data.draw(arrays(base=False))
    one, other = (data.draw(holdings(cells, share=2)) for _ in range(2))
    worst, _ = engine.scan(cells, [one, other, one + other])
    assert worst[2] >= worst[0] + worst[1]


@given(data=st.data())
def test_a_book_and_its_opposite_never_gain_by_being_apart(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, orders=False))
    core = engine.sweep(prepared, [account, account.scaled(-1)])["core"]
    assert (core >= 0).all()
