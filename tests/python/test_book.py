# SPDX-License-Identifier: Apache-2.0
"""A wrong argument is named; what needs no positions needs none."""

import pytest

import margin_core as mc
from margin_core.errors import ArgumentError, FileError
from margin_core.synthetic import synthetic_market

CASH = {"account": ["a"], "currency": ["USDC"], "quantity": [5.0]}


@pytest.fixture(scope="module")
def margin():
    return mc.Margin.of(synthetic_market(n_instruments=200))


def test_a_book_of_balances_has_no_positions(margin):
    book = mc.Book.from_tables(None, balances=CASH)
    assert (len(book), len(book.positions), len(book.balances)) == (1, 0, 1)
    assert mc.sweep(book, margin).counts()["ok"] == 1


def test_a_book_of_nothing_is_refused():
    with pytest.raises(ArgumentError, match="an empty book: no tables"):
        mc.Book.from_tables(None)
    with pytest.raises(FileError, match="mine: an empty book: no accounts"):
        none = {"account": [], "instrument": [], "quantity": []}
        mc.Book.from_tables(none, name="mine")
    with pytest.raises(FileError, match="balances: an empty book: no accounts"):
        mc.Book.from_tables(None, balances={name: [] for name in CASH})


def test_what_is_given_in_another_place_is_named(margin):
    book = mc.Book.from_tables(None, balances=CASH)
    with pytest.raises(ArgumentError, match="a Book is needed, not Market"):
        mc.sweep(margin.market, margin)
    with pytest.raises(ArgumentError, match="a Margin is needed, not Market"):
        mc.sweep(book, margin.market)
    with pytest.raises(ArgumentError, match="a Market is needed, not str"):
        mc.Margin.of("market.csv")


@pytest.mark.parametrize("threads", [-1, 10**20, 1.5, None])
def test_a_number_of_threads_is_one(margin, threads):
    book = mc.Book.from_tables(None, balances=CASH)
    for call in (
        lambda: mc.sweep(book, margin, threads=threads),
        lambda: mc.scan(book, margin.risk, threads=threads),
        lambda: mc.Margin.of(margin.market, threads=threads),
    ):
        with pytest.raises(ArgumentError, match="threads is a whole number"):
            call()
