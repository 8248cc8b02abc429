# SPDX-License-Identifier: Apache-2.0
"""Twice the book is twice the core, on the unrounded numerator.

The core is rounded up from 1/1024 quanta once, so the core of 1024 times a book is the numerator
of the book itself. Source: Artzner, Delbaen, Eber and Heath (1999), axiom PH.
"""

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, worlds

LARGEST = 9


@given(data=st.data(), factor=st.integers(0, LARGEST))
def test_the_numerator_scales_with_the_book(engine, data, factor):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, share=1024 * LARGEST)).scaled(1024)
    result = engine.sweep(prepared, [account, account.scaled(factor)])
    assert result["core"][1] == factor * result["core"][0]
    assert (result["unit_scan"][1] == factor * result["unit_scan"][0]).all()


@given(data=st.data())
def test_the_core_is_its_numerator_rounded_up(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, share=1024))
    small, numerator = engine.sweep(prepared, [account, account.scaled(1024)])["core"]
    assert small == -(-numerator // 1024)
