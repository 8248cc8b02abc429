# SPDX-License-Identifier: Apache-2.0
"""A parent changes no requirement; it says which accounts are looked at together (decision 10)."""

from __future__ import annotations

import numpy as np
import pytest

from margin_core.book import Book
from margin_core.explain import explain
from margin_core.margin import Margin
from margin_core.market import Market
from margin_core.sweep import sweep

NOW_NS = 1_780_300_800_000_000_000  # 2026-06-01 08:00 UTC
QUOTES = {
    "instrument": ["BTC-PERPETUAL", "BTC-26JUN26-60000-C"],
    "forward_usd": [60_000.0, 60_300.0],
    "vol": [None, 0.4],
}
POSITIONS = {
    "account": ["desk", "rich", "poor"],
    "instrument": ["BTC-PERPETUAL", "BTC-PERPETUAL", "BTC-PERPETUAL"],
    "quantity": [60_000.0, 60_000.0, -60_000.0],
    "entry_price": [60_000.0] * 3,
}
BALANCES = {
    "account": ["desk", "rich", "poor", "other"],
    "currency": ["USDC"] * 4,
    "quantity": [50_000.0, 20_000.0, 1_000.0, 7.0],
}
ACCOUNTS = {
    "account": ["other", "rich", "desk", "poor"],
    "mode": ["portfolio", "isolated", "portfolio", "isolated"],
    "parent": [None, "desk", None, "desk"],
}


@pytest.fixture(scope="module")
def margin():
    market = Market.from_table(QUOTES, now=NOW_NS, index={"BTC": 60_000.0, "USDC": 1.0})
    return Margin.of(market)


@pytest.fixture(scope="module")
def book():
    return Book.from_tables(POSITIONS, balances=BALANCES, accounts=ACCOUNTS)


def test_a_parent_changes_no_requirement(book, margin):
    without = {name: column for name, column in ACCOUNTS.items() if name != "parent"}
    alone = sweep(Book.from_tables(POSITIONS, balances=BALANCES, accounts=without), margin)
    standing = sweep(book, margin)
    for name, column in standing.quanta.items():
        assert (column == alone.quanta[name]).all()
    assert "parent" not in alone.table()
    assert alone.by_parent().columns == standing.by_parent().columns and not alone.by_parent()


def test_a_family_is_added_up_and_nobody_pays_for_another(book, margin):
    """Isolated BTC: MM 16 % of 60,000 USD = 9,600 each, and 5 % of the coins that are cash."""
    standing = sweep(book, margin)
    family = standing.by_parent()
    assert family["account"].tolist() == ["desk"] and family["pockets"].tolist() == [2]
    of = dict(zip(standing.accounts, standing.amount("mm"), strict=True))
    rounded_up = 80_000 / 2**20  # rates are whole numbers of 1/2^20
    assert of["rich"] == pytest.approx(9_600.0 + 1_000.0, abs=rounded_up)
    assert of["poor"] == pytest.approx(9_600.0 + 50.0, abs=rounded_up)
    assert family["equity_usd"].tolist() == [71_000.0]
    assert family["mm_usd"].tolist() == [of["desk"] + of["rich"] + of["poor"]]
    assert family["lacking_usd"].tolist() == [
        of["poor"] - 1_000.0
    ]  # the rich pocket's surplus is its own
    assert family["status"].tolist() == ["liquidatable"]


def test_the_table_names_the_parent(book, margin):
    standing = sweep(book, margin)
    assert standing.table()["parent"].tolist() == [None, "desk", None, "desk"]
    assert standing.table([3])["parent"].tolist() == ["desk"]


def test_an_explanation_shows_pockets_and_parent(book, margin):
    desk = explain(book, margin, "desk")
    assert desk.pockets["account"].tolist() == ["poor", "rich"]  # the nearest first
    assert desk.pockets["equity"].tolist() == [1_000.0, 20_000.0]
    text = " ".join(desk.text().split())
    assert "with this account 71,000" in text and "poor 1,000 12,050 9,650 liquidatable" in text
    poor = explain(book, margin, "poor")
    assert poor.parent == "desk" and "It is a pocket of desk." in " ".join(poor.text().split())
    other = explain(book, margin, "other")
    assert (other.parent, len(other.pockets)) == (None, 0)
    assert "pocket" not in other.text()


def test_a_part_of_the_book_keeps_the_parents_that_it_holds(book, margin):
    part = book.select([2, 3])
    assert sweep(part, margin).by_parent()["pockets"].tolist() == [1]
    assert not sweep(book.select([1, 3]), margin).by_parent()
    assert np.array_equal(part.parent, [-1, 0])
