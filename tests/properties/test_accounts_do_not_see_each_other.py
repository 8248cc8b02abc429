# SPDX-License-Identifier: Apache-2.0
"""An account's standing depends on nobody else's, except through the sizes that are passed in.

Source: sweep.h: market and owners are the only shared columns.
"""

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import books, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO


@given(data=st.data())
def test_alone_or_among_others_an_account_stands_the_same(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    accounts = data.draw(books(prepared, modes=(PORTFOLIO, CROSS, ISOLATED)))
    together = engine.sweep(prepared, accounts)
    for a, account in enumerate(accounts):
        alone = engine.sweep(prepared, [account])
        for name, column in alone.items():
            assert (column[0] == together[name][a]).all(), name
