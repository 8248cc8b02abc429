# SPDX-License-Identifier: Apache-2.0
"""Text fits 80 columns, numbers stay whole, and an explanation adds up."""

from __future__ import annotations

import re

import numpy as np
import pytest

from margin_core.book import Book, cost_bases
from margin_core.explain import explain
from margin_core.liquidation_price import liquidation_prices
from margin_core.margin import Margin
from margin_core.render import Column, amounts, clean, link, number, paragraph, table_text
from margin_core.sweep import sweep
from margin_core.synthetic import synthetic_book, synthetic_market

ACCOUNTS = 400


@pytest.fixture(scope="module")
def venue():
    margin = Margin.of(synthetic_market(n_instruments=400))
    book = synthetic_book(margin.market, ACCOUNTS, seed=2, margin=margin)
    return book, margin, sweep(book, margin, units=True)


def explained(venue, row):
    book, margin, standing = venue
    return explain(book, margin, str(book.accounts[row]), standing=standing)


def test_liquidation_prices_are_told_where_they_are_asked_for(venue):
    book, margin, standing = venue
    name = str(book.accounts[np.argmax(np.diff(book.pack(margin.risk).offset))])
    without = explain(book, margin, name, standing=standing)
    asked = explain(book, margin, name, standing=standing, prices=True)
    assert without.prices is None and "liquidatable below" not in without.text()
    text = asked.text()
    assert asked.prices is not None and set(asked.prices["unit"]) <= set(margin.units)
    lines = [line for line in text.splitlines() if "liquidatable below" in line]
    assert len(lines) == 1 and max(map(len, text.splitlines())) <= 80
    alone = liquidation_prices(book, margin, str(asked.prices["unit"][0]), [name])
    assert np.array_equal(asked.prices["below_usd"][:1], alone.below_usd, equal_nan=True)


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


def test_a_table_that_is_too_wide_cuts_its_names():
    columns = [Column("account", ["a" * 60, "b"], right=False),
               *(Column(str(i), ["1,234,567,890"]) for i in range(4))]  # fmt: skip
    columns = [Column(h, cells if len(cells) == 2 else cells * 2, r) for h, cells, r in columns]
    lines = table_text(columns)
    assert {len(line) for line in lines} == {80} and "aaa..." in lines[1]
    assert lines[1].endswith("1,234,567,890")


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


def small(positions, *, cash=50_000.0, orders=None, mode=0):
    balances = ([0], [0], ["USDC"], [cash]) if cash else None
    names = [name for name, _ in positions]
    account, code = [0] * len(names), list(range(len(names)))
    return Book.from_columns(1, (account, code, names, [q for _, q in positions]),
                             balances=balances, orders=orders, mode=[mode])  # fmt: skip


@pytest.mark.parametrize("mode", [0, 1, 2])
@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("cash", [0.0, 50_000.0, -50_000.0])
@pytest.mark.parametrize(
    "legs",
    [
        [],
        [("BTC-PERPETUAL", -1_000.0)],
        [("BTC-PERPETUAL", -1_000.0), ("ETH-PERPETUAL", 100.0)],
    ],
)
def test_no_kind_of_account_leaves_a_hole(venue, mode, ordered, cash, legs):
    _, margin, _ = venue
    orders = ([0], [0], ["BTC-PERPETUAL"], [-1_000.0], [60_000.0]) if ordered else None
    e = explain(small(legs, cash=cash, orders=orders, mode=mode), margin, "0")
    text = e.text()
    assert all(len(line) <= 80 and line == line.rstrip() for line in text.splitlines()), text
    assert "\n\n\n" not in text and not re.search(r"\bnan\b|-0\.00\b| \.|  +%", text), text
    said = " ".join(text.split())
    saved = len(e.positions) > 1 and e.mm < 0.995 * e.positions["alone"].sum()
    assert ("Without netting" in said) == (e.mode == "portfolio" and saved)
    assert ("open order" in said) == ordered
    assert ("Open orders count as if" in said) == (ordered and mode > 0)
    if not legs and not cash and not ordered:
        assert said.endswith("It holds nothing and needs nothing.")
    if not (legs or ordered) and mode and cash > 0:
        assert "Requirement 2,500 USD to open (IM) and 2,500 USD to keep (MM)" in said


def test_an_order_is_named_where_it_decides(venue):
    """Short calls are offered; nothing is held but cash, so the order is all of the scan."""
    _, margin, _ = venue
    kind, names = margin.instruments.kind, margin.instruments.name
    call = str(names[np.flatnonzero((kind == 3) & (margin.instruments.inverse))[0]])
    e = explain(small([], orders=([0], [0], [call], [-10.0], [0.01])), margin, "0")
    said = " ".join(e.text().split())
    assert f"The order to sell 10 {call}, filled, loses" in said
    assert f"sell {call}" in said and "No positions" not in said


def test_orders_add_up_with_positions_to_the_scan(venue):
    book, margin, _ = venue
    row = int(np.flatnonzero((book.mode == 0) & (np.bincount(book.positions.account) > 8))[0])
    one = book.select([row])
    names = [one.positions.names[c] for c in one.positions.code[:3]]
    index = margin.market.index_usd[margin.instruments.unit[margin.instruments.index_of(names)]]
    with_orders = Book(one.accounts, one.mode, one.parent, one.owner, one.positions, one.balances,
                       small([], orders=([0] * 3, [0, 1, 2], names, one.positions.quantity[:3],
                                         np.where(index > 0, index, 1.0))).orders)  # fmt: skip
    e = explain(with_orders, margin, str(one.accounts[0]))
    assert sorted(e.orders["instrument"]) == sorted(names)
    for group, joint in zip(e.groups["group"], e.groups["joint_scan"], strict=True):
        pnl = sum(t["pnl_group_worst"][t["group"] == group].sum() for t in (e.positions, e.orders))
        assert -pnl == pytest.approx(joint, abs=1e-4)


def test_a_position_that_loses_is_not_among_the_winners(venue):
    _, margin, _ = venue
    e = explain(small([("BTC-PERPETUAL", 1_000.0), ("ETH-PERPETUAL", 100.0)]), margin, "0")
    said = " ".join(e.text().split())
    assert "against that" not in said and "The other" not in said


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


def test_a_long_link_goes_on_and_is_whole_without_breaks():
    short = "https://example.org/a-page"
    assert link(short) == f"  {short}"
    for url in (
        short * 9,
        "https://example.org/" + "x" * 300,
        "https://example.org/?" + "a=1&" * 60,
    ):
        lines = link(url).splitlines()
        assert len(lines) > 1 and max(map(len, lines)) <= 80
        assert "".join(line.strip() for line in lines) == url
    assert link(short * 9).splitlines()[0][-1] in "/-"
