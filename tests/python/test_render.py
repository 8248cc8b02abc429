# SPDX-License-Identifier: Apache-2.0
"""Text fits 80 columns, numbers stay whole, and an explanation adds up."""

from __future__ import annotations

import re

import numpy as np
import pytest
from margin_core.book import Book, cost_bases
from margin_core.explain import explain
from margin_core.render import Column, amounts, clean, number, paragraph, table_text
from margin_core.synthetic import synthetic_book, synthetic_market

from margin_core.margin import Margin
from margin_core.sweep import sweep

ACCOUNTS = 400


@pytest.fixture(scope="module")
def venue():
    margin = Margin.of(synthetic_market(n_instruments=400))
    book = synthetic_book(margin.market, ACCOUNTS, seed=2, margin=margin)
    return book, margin, sweep(book, margin, units=True)


def explained(venue, row):
    book, margin, standing = venue
    return explain(book, margin, str(book.accounts[row]), standing=standing)


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (0.0, 0, "0"), (-0.0, 2, "0.00"), (-0.004, 2, "0.00"), (-0.006, 2, "-0.01"),
        (1234567.5, 1, "1,234,567.5"), (-999.6, 0, "-1,000"), (float("nan"), 2, "–"),
        (float("inf"), 0, "inf"), (-float("inf"), 0, "-inf"),
    ],
)  # fmt: skip
def test_numbers(value, digits, text):
    assert number(value, digits) == text


def test_a_column_of_amounts_has_one_number_of_decimals():
    assert amounts([0.5, 999.0]) == ["0.50", "999.00"]
    assert amounts([0.5, 1_000.0]) == ["0", "1,000"]
    assert amounts([float("nan"), 5.0]) == ["–", "5.00"]
    assert amounts([]) == []


def test_text_from_files_cannot_move_the_cursor():
    assert clean("a\x1b[2J\nb\u202e\x00é") == "a\\x1b[2J\\nb\\u202e\\x00é"
    assert clean("x" * 30, 10) == "xxxxxxx..."


def test_columns_are_aligned():
    lines = table_text([Column("name", ["a", "bcdef"], right=False), Column("USD", ["1", "1,000"])])
    assert lines == ["  name     USD", "  a          1", "  bcdef  1,000"]


def test_a_number_stays_with_its_unit():
    text = paragraph("word " * 15 + "1,234\N{NO-BREAK SPACE}USD", width=80)
    assert text.endswith("\n1,234 USD")


@pytest.mark.parametrize("row", range(0, ACCOUNTS, 5))
def test_an_explanation_fits_the_screen(venue, row):
    text = explained(venue, row).text()
    assert all(len(line) <= 80 for line in text.splitlines()), text
    assert not re.search(r"\bnan\b|-0\.00\b|\d,\n|\N{NO-BREAK SPACE}", text), text
    assert text.endswith("\n") and not text.endswith("\n\n")


def test_an_explanation_reads_like_an_answer(venue):
    book, _, standing = venue
    legs = np.bincount(book.positions.account, minlength=len(book))
    row = int(np.flatnonzero((book.mode == 0) & (legs > 8))[0])
    explanation = explained(venue, row)
    text = " ".join(explanation.text().split())
    assert f"Account {book.accounts[row]}, portfolio margin" in text
    assert f"Requirement {number(standing.amount('im')[row])} USD to open (IM)" in text
    assert "The worst of 33 scenarios for" in text
    assert "Without netting, each position in an account of its own, MM would be" in text
    assert "Isolated accounts would have needed" in text and " frees " in text


def test_modes_that_net_nothing_say_so(venue):
    book, _, _ = venue
    for code, word in ((1, "Cross"), (2, "Isolated")):
        text = explained(venue, int(np.flatnonzero(book.mode == code)[0])).text()
        assert f"{word} accounts net nothing" in text
        assert "scenarios for" not in text


def test_positions_add_up_to_the_equity_and_the_scan(venue):
    """Cost bases are moved between lines of the table; nothing is lost on the way."""
    book, margin, _ = venue
    for row in np.flatnonzero(book.mode == 0)[:60]:
        e = explained(venue, row)
        one = book.select([row])
        cash = one.pack(margin.risk).cash[0] - cost_bases(one, margin.risk).cash.sum()
        below_a_lot = cash * margin.quantum_usd
        assert e.positions["mark_value"].sum() + below_a_lot == pytest.approx(e.equity, abs=1e-4)
        if len(book.orders) and (book.orders.account == row).any():
            continue  # orders are in the scan, not among the positions
        for group, joint in zip(e.groups["group"], e.groups["joint_scan"], strict=True):
            pnl = e.positions["pnl_group_worst"][e.positions["group"] == group].sum()
            assert -pnl == pytest.approx(joint, abs=1e-4)


def test_an_inverse_perpetual_moves_as_one_line(venue):
    """Its cost basis is in coin and falls with it: short 1,000 USD gains what 1,000 USD lose."""
    _, margin, _ = venue
    one = Book.from_columns(
        1, ([0], [0], ["BTC-PERPETUAL"], [-1_000.0]), balances=([0], [0], ["USDC"], [5_000.0])
    )
    e = explain(one, margin, "0")
    line = e.positions[e.positions["instrument"] == "BTC-PERPETUAL"]
    assert line["mark_value"][0] == pytest.approx(0.0, abs=1.0)
    assert line["pnl_group_worst"][0] == pytest.approx(-160.0, abs=0.5)
    assert "BTC" not in e.positions["instrument"]
    assert len(margin.risk.scenarios) == e.n_scenarios
