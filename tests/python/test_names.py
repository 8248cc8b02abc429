# SPDX-License-Identifier: Apache-2.0
"""A name is read completely or refused with a reason."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margin_core.errors import UnknownInstrumentError
from margin_core.instruments import MONTHS, Kind, expiry_text, parse_name


def ns(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp()) * 1_000_000_000


@pytest.mark.parametrize(
    "name, unit, kind, expiry_ns, strike, inverse, settlement",
    [
        ("BTC", "BTC", Kind.SPOT, 0, 0, False, "BTC"),
        ("USDC", "USDC", Kind.SPOT, 0, 0, False, "USDC"),
        ("BTC-PERPETUAL", "BTC", Kind.PERPETUAL, 0, 0, True, "BTC"),
        ("SOL_USDC-PERPETUAL", "SOL", Kind.PERPETUAL, 0, 0, False, "USDC"),
        ("BTC-27DEC24", "BTC", Kind.FUTURE, ns(2024, 12, 27, 8), 0, True, "BTC"),
        ("BTC-5JUN26", "BTC", Kind.FUTURE, ns(2026, 6, 5, 8), 0, True, "BTC"),
        ("BTC-29FEB28", "BTC", Kind.FUTURE, ns(2028, 2, 29, 8), 0, True, "BTC"),
        ("BTC-27DEC24-100000-C", "BTC", Kind.CALL, ns(2024, 12, 27, 8), 1e5, True, "BTC"),
        ("BTC_USDC-27DEC24-100000-P", "BTC", Kind.PUT, ns(2024, 12, 27, 8), 1e5, False, "USDC"),
        ("XRP_USDC-30JUN23-0d625-P", "XRP", Kind.PUT, ns(2023, 6, 30, 8), 0.625, False, "USDC"),
    ],
)
def test_deribits_names(name, unit, kind, expiry_ns, strike, inverse, settlement):
    assert parse_name(name) == (name, unit, kind, expiry_ns, strike, inverse, settlement)


@pytest.mark.parametrize(
    "alias, name",
    [
        ("BTC/USD:BTC-241227-100000-C", "BTC-27DEC24-100000-C"),
        ("BTC/USD:BTC-241227", "BTC-27DEC24"),
        ("BTC/USD:BTC-260605", "BTC-5JUN26"),
        ("BTC/USD:BTC", "BTC-PERPETUAL"),
        ("SOL/USDC:USDC", "SOL_USDC-PERPETUAL"),
        ("XRP/USDC:USDC-230630-0.625-C", "XRP_USDC-30JUN23-0d625-C"),
    ],
)
def test_unified_symbols_are_aliases_with_deribits_expiry_hour(alias, name):
    assert parse_name(alias) == parse_name(name)


@pytest.mark.parametrize(
    "name, why",
    [
        ("", "empty"),
        ("btc", "upper case"),
        ("BTC-27dec24", "upper case"),
        ("BTC-27DEX24", "DEX is not a month"),
        ("BTC-31FEB26", "not a date"),
        ("BTC-29FEB26", "not a date"),
        ("BTC-05JUN26", "neither PERPETUAL nor an expiry"),
        ("BTC-5JUN2026", "neither PERPETUAL nor an expiry"),
        ("BTC-27DEC24-0-C", "a strike is positive"),
        ("BTC-27DEC24-0d0-C", "not a strike"),
        ("BTC-27DEC24--5-C", "expected CURRENCY-EXPIRY-STRIKE"),
        ("BTC-27DEC24-1d50-C", "not a strike"),
        ("BTC-27DEC24-1e5-C", "not a strike"),
        ("BTC-27DEC24-0100-C", "not a strike"),
        ("BTC-27DEC24-1_0-C", "not a strike"),
        ("BTC-27DEC24-100000-c", "C or P"),
        ("BTC-27DEC24-100000-C\n", "C or P"),
        ("BTC-27DEC24-100000", "expected CURRENCY-EXPIRY-STRIKE"),
        ("BTC-27DEC24-100000-C-X", "expected CURRENCY-EXPIRY-STRIKE"),
        ("BTC-PERPETUAL-C", "neither PERPETUAL nor an expiry"),
        ("BTC_USDC", "by its currency alone"),
        ("ETH_BTC-PERPETUAL", "no dollar currency"),
        ("USDC_USDC-PERPETUAL", "not a pair"),
        ("A_B_C-PERPETUAL", "not a pair"),
        ("123", "not a currency"),
        (" BTC", "not a currency"),
        ("B" * 49, "longer than"),
        ("BTC-\u06627DEC24", "neither PERPETUAL nor an expiry"),
        ("BTC/USD:ETH", "settles in ETH"),
        ("BTC/USD:BTC-241327", "13 is not a month"),
        ("BTC/USD:BTC-241200", "neither PERPETUAL nor an expiry"),
        ("BTC/USD", "not a unified symbol"),
        (None, "must be text"),
        (7, "must be text"),
    ],
)
def test_anything_else_is_refused_with_the_reason(name, why):
    with pytest.raises(UnknownInstrumentError, match=why):
        parse_name(name)


@given(
    day=st.dates(min_value=datetime(2000, 1, 1).date(), max_value=datetime(2099, 12, 31).date()),
    strike=st.integers(1, 10**9),
    letter=st.sampled_from("CP"),
)
def test_a_written_option_reads_back(day, strike, letter):
    expiry = f"{day.day}{MONTHS[day.month - 1]}{day.year % 100:02d}"
    terms = parse_name(f"ETH-{expiry}-{strike}-{letter}")
    assert terms.strike == strike
    assert terms.expiry_ns == ns(day.year, day.month, day.day, 8)
    assert expiry_text(terms.expiry_ns) == expiry
    alias = f"ETH/USD:ETH-{day:%y%m%d}-{strike}-{letter}"
    assert parse_name(alias) == terms


@given(st.text(max_size=60) | st.text("BTC-_/:0123456789dDECP", max_size=60))
def test_no_text_is_read_as_something_it_does_not_say(text):
    try:
        terms = parse_name(text)
    except UnknownInstrumentError:
        return
    assert parse_name(terms.name) == terms
    assert "/" in text or terms.name == text
