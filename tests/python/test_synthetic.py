# SPDX-License-Identifier: Apache-2.0
"""The made-up venue looks like one, and is the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from margin_core.errors import ArgumentError
from margin_core.instruments import Kind
from margin_core.margin import Margin
from margin_core.pricing import implied_vol
from margin_core.sweep import STATUS, sweep
from margin_core.synthetic import synthetic_book, synthetic_market

N = 20_000


@pytest.fixture(scope="module")
def margin():
    return Margin.of(synthetic_market(seed=3))


@pytest.fixture(scope="module")
def book(margin):
    return synthetic_book(margin.market, N, seed=3, margin=margin)


@pytest.fixture(scope="module")
def standing(book, margin):
    return sweep(book, margin)


@pytest.mark.parametrize(("asked", "least"), [(None, 1_999), (300, 299), (5_000, 4_999)])
def test_as_many_instruments_as_asked_for(asked, least):
    market = synthetic_market(n_instruments=asked)
    assert least <= len(market) <= least + 1
    assert set(market.instruments.units) == {"BTC", "ETH", "SOL", "USDC"}
    assert len(market.findings) == 0


def test_conventions_are_deribits():
    market = synthetic_market()
    instruments = market.instruments
    coin = np.array(instruments.units, dtype=object)[instruments.unit]
    traded = instruments.kind != Kind.SPOT
    assert (instruments.inverse[traded] == (coin[traded] != "SOL")).all()
    at = dict(zip(instruments.name, instruments.step, strict=True))
    assert (at["BTC-PERPETUAL"], at["ETH-PERPETUAL"], at["SOL_USDC-PERPETUAL"]) == (10.0, 1.0, 0.1)
    options = instruments.is_option()
    assert set(instruments.step[options & (coin == "BTC")]) == {0.1}
    hours = (instruments.expiry_ns[options] // 3_600_000_000_000) % 24
    assert (hours == 8).all()


def test_marks_and_volatilities_agree_and_no_butterfly_is_free():
    market = synthetic_market(seed=1)
    instruments = market.instruments
    rows = np.flatnonzero(instruments.is_option() & ~instruments.inverse)
    price = market.mark_usd[rows] / market.quote_usd[rows]
    out = np.where(instruments.kind[rows] == Kind.CALL, 1, -1) * np.log(
        instruments.strike[rows] / market.forward_usd[rows]
    )
    rows, price = rows[out > 0], price[out > 0]
    vol = implied_vol(
        price, market.forward_usd[rows], instruments.strike[rows], market.years[rows],
        instruments.kind[rows] == Kind.CALL,
    )  # fmt: skip
    assert vol == pytest.approx(market.vol[rows], abs=1e-6)

    calls = instruments.kind == Kind.CALL
    for unit in ("BTC", "ETH", "SOL"):
        mine = calls & (instruments.unit == instruments.units.index(unit))
        for expiry in np.unique(instruments.expiry_ns[mine]):
            at = np.flatnonzero(mine & (instruments.expiry_ns == expiry))
            at = at[np.argsort(instruments.strike[at])]
            slope = np.diff(market.mark_usd[at]) / np.diff(instruments.strike[at])
            assert (slope < 0).all() and (np.diff(slope) > -1e-9).all(), (unit, expiry)


def test_a_seed_is_a_venue(margin, book):
    again = synthetic_book(margin.market, N, seed=3, margin=margin)
    for part in ("positions", "balances", "orders"):
        mine, theirs = getattr(book, part), getattr(again, part)
        assert (mine.account == theirs.account).all() and (mine.code == theirs.code).all()
        assert (mine.quantity == theirs.quantity).all()
    other = synthetic_book(margin.market, N, seed=4, margin=margin)
    assert len(other.positions) != len(book.positions)
    assert (synthetic_market(5).mark_usd == synthetic_market(5).mark_usd).all()
    assert (synthetic_market(5).mark_usd != synthetic_market(6).mark_usd).any()


def test_the_book_is_a_mixture(book):
    assert 9.0 < len(book.positions) / len(book) < 11.5
    legs = np.bincount(book.positions.account, minlength=len(book))
    assert 0.03 < (legs == 0).mean() < 0.08 and legs.max() > 60
    portfolio, cross, isolated = np.bincount(book.mode, minlength=3) / len(book)
    assert portfolio > 0.85 and cross > 0.02 and isolated > 0.03
    pockets = book.parent >= 0
    assert (book.mode[pockets] == 2).all() and (book.mode[book.parent[pockets]] == 0).all()
    owned = book.owner[book.owner >= 0]
    assert (np.bincount(owned) == 4).all() and len(owned) > 0
    assert 0 < len(book.orders) < 0.1 * len(book)


def test_a_few_in_a_thousand_are_in_trouble(standing):
    share = {status: n / N for status, n in standing.counts().items()}
    assert set(share) == set(STATUS)
    assert 0.990 < share["ok"] < 0.999
    assert 0.0005 < share["liquidatable"] < 0.005
    assert share["bankrupt"] < 0.001


def test_portfolio_margin_frees_capital(book, margin, standing):
    rows = np.flatnonzero(book.mode == 0)[:2_000]
    isolated = sweep(book.select(rows).with_mode("isolated"), margin, market_exposure=False)
    assert standing.amount("im")[rows].sum() < 0.7 * isolated.amount("im").sum()


def test_more_positions_on_request(margin):
    busy = synthetic_book(margin.market, 5_000, positions_per_account=30, margin=margin)
    assert 25 < len(busy.positions) / len(busy) < 35


def test_one_account_is_a_book(margin):
    for seed in range(8):
        one = synthetic_book(margin.market, 1, seed=seed, margin=margin)
        assert len(sweep(one, margin)) == 1


@pytest.mark.parametrize(
    "call",
    [
        lambda: synthetic_market(n_instruments=10),
        lambda: synthetic_market(n_instruments=10**6),
        lambda: synthetic_book(synthetic_market(n_instruments=300), 0),
        lambda: synthetic_book(synthetic_market(n_instruments=300), 10, positions_per_account=1),
    ],
)
def test_nonsense_is_refused(call):
    with pytest.raises(ArgumentError):
        call()
