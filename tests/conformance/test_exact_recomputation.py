# SPDX-License-Identifier: Apache-2.0
"""Every number of a standing is recomputed exactly by independent arithmetic in unbounded ints.

Source: docs/method/margin.md; the recomputation is conformance/exact.py.
"""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from conformance import exact
from properties.strategies import ANY_WIDTH, books, worlds
from properties.worlds import CROSS, ISOLATED, PORTFOLIO, book


def by_unit_and_side(table):
    return Counter({(u, s): int(v) for (u, s), v in np.ndenumerate(table)})


@given(data=st.data())
def test_every_account_is_margined_as_on_paper(engine, data):
    prepared = engine.prepare(data.draw(worlds(lot_scales=ANY_WIDTH)))
    world = prepared.world
    accounts = data.draw(books(prepared, modes=(PORTFOLIO, PORTFOLIO, CROSS, ISOLATED)))
    market, owners = engine.exposure(prepared, accounts)
    shared = data.draw(st.booleans())
    actual = engine.sweep(prepared, accounts, *((market, owners) if shared else ()))

    line = exact.lines(world.instruments, prepared.cells, prepared.rates)
    for a, held in enumerate(exact.accounts(book(accounts, len(line)))):
        owner = accounts[a].owner
        paper = exact.requirement(
            line, held, world.model, quantum=world.quantum,
            owner=by_unit_and_side(owners[owner]) if shared and owner >= 0 else None,
            market=by_unit_and_side(market) if shared else None,
        )  # fmt: skip
        assert {name: actual[name][a].tolist() for name in paper} == paper


@given(data=st.data())
def test_exposure_is_the_sum_of_every_accounts_notional(engine, data):
    prepared = engine.prepare(data.draw(worlds()))
    accounts = data.draw(books(prepared))
    market, owners = engine.exposure(prepared, accounts)
    line = exact.lines(prepared.world.instruments, prepared.cells, prepared.rates)
    total, by_owner = Counter(), [Counter() for _ in owners]
    for account, held in zip(accounts, exact.accounts(book(accounts, len(line))), strict=True):
        total += exact.one_sided(line, held)
        if account.owner >= 0:
            by_owner[account.owner] += exact.one_sided(line, held)
    assert +by_unit_and_side(market) == +total
    assert [+by_unit_and_side(table) for table in owners] == [+c for c in by_owner]


money = st.one_of(
    st.integers(-(2**62), 2**62), st.integers(-5, 5), st.sampled_from([-(2**62), 2**62])
)


@given(st.lists(st.tuples(money, money.map(abs)), max_size=40))
def test_ranking_is_cross_multiplication(engine, rows):
    equity = np.array([e for e, _ in rows], np.int64)
    mm = np.array([m for _, m in rows], np.int64)
    assert engine.rank(equity, mm).tolist() == exact.rank(equity.tolist(), mm.tolist())
