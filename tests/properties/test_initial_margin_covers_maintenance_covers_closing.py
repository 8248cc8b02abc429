# SPDX-License-Identifier: Apache-2.0
"""IM >= MM >= the cost of closing, and every part of them is at least 0.

Source: docs/method/margin.md, Requirement.
"""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from properties.strategies import books, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO

SIGNED = {"equity", "unit_scenario", "joint_scenario"}


@given(data=st.data())
def test_requirements_are_ordered_and_no_part_is_negative(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    accounts = data.draw(books(prepared, modes=(PORTFOLIO, PORTFOLIO, CROSS, ISOLATED)))
    result = engine.sweep(prepared, accounts, *engine.exposure(prepared, accounts))
    assert (result["im"] >= result["mm"]).all()
    assert (result["mm"] >= result["closing"]).all()
    assert (result["short_option_im"] >= result["short_option_mm"]).all()
    assert all((result[name] >= 0).all() for name in set(result) - SIGNED)


@given(data=st.data())
def test_the_status_follows_from_equity_and_requirements(engine, data):
    prepared = engine.prepare(data.draw(worlds(scenario_counts=st.integers(1, 70))))
    account = data.draw(accounts_with_any_mode(prepared))
    result = engine.sweep(prepared, [account])
    equity, mm, im = (int(result[name][0]) for name in ("equity", "mm", "im"))
    for target in (-1, 0, mm - 1, mm, im - 1, im):  # the edges of every status
        moved = move_cash(account, target - equity)
        if abs(moved.cash) < 2**53:
            expected = 3 if target < 0 else 2 if target < mm else 1 if target < im else 0
            assert engine.sweep(prepared, [moved])["status"][0] == expected


def accounts_with_any_mode(prepared):
    return books(prepared, max_accounts=1, modes=(PORTFOLIO, CROSS, ISOLATED)).map(lambda b: b[0])


def move_cash(account, by):
    return replace(account, cash=account.cash + by)
