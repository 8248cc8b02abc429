# SPDX-License-Identifier: Apache-2.0
"""Without lots there is no requirement, whatever the mode and the cash.

Source: docs/method/margin.md: every term is lots times something.
"""

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import accounts, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO, Account

modes = st.sampled_from([PORTFOLIO, CROSS, ISOLATED])


@given(data=st.data(), mode=modes, cash=st.integers(-(2**53) + 1, 2**53 - 1))
def test_an_empty_account_is_worth_its_cash_and_needs_nothing(engine, data, mode, cash):
    prepared = engine.prepare(data.draw(worlds()))
    result = engine.sweep(prepared, [Account(cash=cash, mode=mode)])
    assert result.pop("equity") == cash
    assert result.pop("status") == (3 if cash < 0 else 0)
    assert (result.pop("unit_scenario") == -1).all()
    assert (result.pop("joint_scenario") == -1).all()
    assert all((column == 0).all() for column in result.values())


@given(data=st.data(), mode=modes)
def test_lots_that_cancel_need_nothing(engine, data, mode):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, orders=False, share=2, cash=False))
    flat = account + account.scaled(-1)
    result = engine.sweep(prepared, [Account(flat.positions, mode=mode)])
    for name in set(result) - {"unit_scenario", "joint_scenario"}:
        assert (result[name] == 0).all(), name


@given(data=st.data(), mode=modes)
def test_a_position_of_no_lots_adds_nothing(engine, data, mode):
    prepared = engine.prepare(data.draw(worlds()))
    account = data.draw(accounts(prepared, modes=(mode,)))
    nothing = Account(dict.fromkeys(range(len(prepared.cells)), 0))
    result = engine.sweep(prepared, [account, account + nothing])
    for name in set(result) - {"unit_scenario", "joint_scenario"}:
        assert (result[name][0] == result[name][1]).all(), name
