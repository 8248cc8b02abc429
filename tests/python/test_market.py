# SPDX-License-Identifier: Apache-2.0
"""Quotes become one consistent snapshot; what does not fit is refused or noted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from margin_core.errors import ArgumentError, DomainError, FileError, NotFiniteError
from margin_core.instruments import Instruments
from margin_core.market import Market, read_chain
from margin_core.pricing import black76

NOW = datetime(2026, 6, 1, 8, tzinfo=UTC)
NOW_NS = int(NOW.timestamp()) * 10**9
YEARS = 25 / 365  # to 26JUN26


def quotes(**changes):
    """Two options, a perpetual and a future; a change replaces or adds a column."""
    out = {
        "instrument": ["BTC-26JUN26-60000-C", "BTC-26JUN26-60000-P", "BTC-PERPETUAL",
                       "BTC-26JUN26"],
        "forward_usd": [60_300.0, 60_300.0, 60_010.0, 60_300.0],
        "vol": [0.4, 0.4, np.nan, np.nan],
    }  # fmt: skip
    return {**out, **changes}


def market(source=None, *, index=None, **options):
    index = {"BTC": 60_000.0} if index is None else index
    return Market.from_table(source or quotes(), now=NOW_NS, index=index, **options)


def found(snapshot, column):
    rows = snapshot.findings[snapshot.findings["field"] == column]
    return list(zip(rows["instrument"], rows["message"], rows["severity"], strict=True))


# Values


def test_marks_of_every_kind():
    source = {
        "instrument": ["BTC-PERPETUAL", "BTC-26JUN26", "BTC-26JUN26-60000-C", "SOL_USDC-PERPETUAL",
                       "SOL_USDC-26JUN26-150-P"],
        "forward_usd": [60_010.0, 60_300.0, 60_300.0, 151.0, 150.5],
        "mark_price": [np.nan, np.nan, 0.05, np.nan, 7.0],
        "vol": [np.nan, np.nan, 0.4, np.nan, 0.6],
        "contract_size": [1.0, 1.0, 1.0, 2.0, 10.0],
    }  # fmt: skip
    snapshot = market(source, index={"BTC": 60_000.0, "SOL": 150.0, "USDC": 0.99})
    mark = dict(zip(snapshot.names, snapshot.mark_usd, strict=True))
    assert mark["BTC-PERPETUAL"] == -60_000.0 / 60_010.0
    assert mark["BTC-26JUN26"] == -60_000.0 / 60_300.0
    assert mark["BTC-26JUN26-60000-C"] == 0.05 * 60_000.0
    assert mark["SOL_USDC-PERPETUAL"] == pytest.approx(151.0 * 2 * 0.99, rel=1e-15)
    assert mark["SOL_USDC-26JUN26-150-P"] == pytest.approx(7.0 * 10 * 0.99, rel=1e-15)
    assert (mark["BTC"], mark["SOL"], mark["USDC"]) == (60_000.0, 150.0, 0.99)


def test_an_inverse_future_gains_what_the_coin_balance_and_the_mark_say():
    """Long 1 USD from `entry`: the coin balance holds +1/entry, the mark -S/F."""
    snapshot = market()
    row = snapshot.instruments.index_of(["BTC-26JUN26"])[0]
    entry, forward, spot = 50_000.0, 60_300.0, 60_000.0
    assert snapshot.mark_usd[row] + spot / entry == pytest.approx(
        (1 / entry - 1 / forward) * spot, rel=1e-12
    )


def test_rows_keep_their_order_and_spot_rows_follow():
    snapshot = market(index={"BTC": 60_000.0, "USDC": 1.0, "ETH": 3_000.0})
    assert snapshot.names.tolist() == [*quotes()["instrument"], "BTC", "USDC", "ETH"]
    assert snapshot.instruments.step[-3:].tolist() == [1e-8, 1e-6, 1e-8]
    assert snapshot.forward_usd[-3:].tolist() == [60_000.0, 1.0, 3_000.0]
    assert snapshot.years.tolist() == [YEARS, YEARS, 0.0, YEARS, 0.0, 0.0, 0.0]
    assert snapshot.vol.tolist() == [0.4, 0.4, 0, 0, 0, 0, 0]
    assert snapshot.discount.tolist() == [1.0] * 7
    assert snapshot.confidence_frac.tolist() == [0.0] * 3


def test_a_dollar_currency_without_a_price_is_assumed_and_said():
    source = {"instrument": ["SOL_USDC-PERPETUAL"], "forward_usd": [150.0]}
    snapshot = market(source, index={"SOL": 150.0})
    currencies = snapshot.instruments.currencies
    assert dict(zip(currencies, snapshot.currency_usd, strict=True)) == {"USDC": 1.0, "SOL": 150.0}
    assert found(snapshot, "index_usd") == [("USDC", "price of USDC assumed to be 1.0 USD", "info")]
    assert not found(market(source, index={"SOL": 150.0, "USDC": 0.9}), "index_usd")


def test_a_linear_index_is_in_the_stablecoin():
    source = {"instrument": ["SOL_USDC-PERPETUAL"], "forward_usd": [150.0], "index_usd": [150.0]}
    snapshot = market(source, index={"USDC": 0.9})
    assert snapshot.index_usd.tolist() == [135.0, 0.9]
    assert snapshot.quote_usd.tolist() == [0.9, 1.0, 1.0]


def test_a_rate_discounts_options_only():
    snapshot = market(quotes(rate=[0.05] * 4))
    assert snapshot.discount[:2] == pytest.approx(np.exp(-0.05 * YEARS), rel=1e-15)
    assert snapshot.discount[2:].tolist() == [1.0] * 3


def test_the_instant_is_given_in_any_unmistakable_form():
    for now in (NOW_NS, NOW, np.datetime64("2026-06-01T08:00:00"), np.int64(NOW_NS),
                NOW.astimezone(timezone(timedelta(hours=3)))):  # fmt: skip
        assert Market.from_table(quotes(), now=now, index={"BTC": 6e4}).now_ns == NOW_NS
    for now in (NOW.replace(tzinfo=None), 1.5e18, "2026-06-01", True, None):
        with pytest.raises(ArgumentError, match="now"):
            Market.from_table(quotes(), now=now, index={"BTC": 6e4})
    with pytest.raises(DomainError, match="nanoseconds since 1970"):
        Market.from_table(quotes(), now=-5, index={"BTC": 6e4})


# Volatility


@settings(deadline=None)
@given(vol=st.floats(0.1, 3.0), deviations=st.floats(-3.0, 3.0), rate=st.floats(-0.05, 0.1))
def test_a_volatility_is_inverted_from_the_mark(vol, deviations, rate):
    strike = round(60_300 * np.exp(deviations * vol * np.sqrt(YEARS)))
    names = [f"BTC-26JUN26-{strike}-C", f"BTC_USDC-26JUN26-{strike}-P"]
    price = black76(60_300.0, strike, YEARS, vol, [True, False], np.exp(-rate * YEARS)).price
    source = {"instrument": names, "forward_usd": [60_300.0] * 2, "rate": [rate] * 2,
              "mark_price": [price[0] / 60_300.0, price[1]]}  # fmt: skip
    snapshot = market(source)
    vega = black76(60_300.0, strike, YEARS, vol, True, greeks="vega").vega
    assert np.abs(snapshot.vol[:2] - vol).max() < 1e-9 + 1e-9 / vega


def test_a_price_without_volatility_falls_back_to_the_neighbours():
    names = [f"BTC-26JUN26-{k}-C" for k in (50_000, 55_000, 60_000)]
    source = {"instrument": names, "forward_usd": [60_300.0] * 3, "vol": [0.5, np.nan, 0.4],
              "mark_price": [np.nan, 0.01, np.nan]}  # fmt: skip
    snapshot = market(source)  # 0.01 is less than the intrinsic value
    weight = np.log(55 / 50) / np.log(60 / 50)
    assert snapshot.vol[1] == pytest.approx(0.5 + weight * (0.4 - 0.5), rel=1e-12)
    ((name, message, severity),) = found(snapshot, "vol")
    assert (name, severity) == (names[1], "warning") and "interpolated" in message
    assert snapshot.mark_usd[1] == 0.01 * 60_000.0  # the venue's mark all the same


def test_an_expiry_without_any_volatility_is_an_error():
    with pytest.raises(FileError, match="row 0, vol: BTC-26JUN26-60000-C: neither a volatility"):
        market(quotes(vol=[np.nan] * 4))


def test_without_a_mark_the_model_values_an_option():
    snapshot = market()
    price = black76(60_300.0, 60_000.0, YEARS, 0.4, True).price
    assert snapshot.mark_usd[0] == pytest.approx(price / 60_300.0 * 60_000.0, rel=1e-14)
    assert found(snapshot, "mark_price")[0][1:] == ("no mark price; the model's value is taken",
                                                    "info")  # fmt: skip


# Forwards


def test_a_missing_forward_is_the_future_of_the_expiry():
    snapshot = market(quotes(forward_usd=[np.nan, np.nan, 60_010.0, 60_300.0]))
    assert snapshot.forward_usd[:2].tolist() == [60_300.0, 60_300.0]
    assert "mark of BTC-26JUN26 taken" in found(snapshot, "forward")[0][1]


@pytest.mark.parametrize("pair, rate", [("BTC", 0.0), ("BTC_USDC", 0.0), ("BTC_USDC", 0.08)])
def test_without_a_future_put_call_parity_gives_the_forward(pair, rate):
    discount = np.exp(-rate * YEARS)
    names, marks = [], []
    for strike in (50_000, 60_000, 70_000):
        for letter in "CP":
            names.append(f"{pair}-26JUN26-{strike}-{letter}")
            price = black76(60_300.0, strike, YEARS, 0.4, letter == "C", discount).price
            marks.append(price / (60_300.0 if pair == "BTC" else 1.0))
    source = {"instrument": names, "mark_price": marks, "rate": [rate] * 6}
    snapshot = market(source)
    assert snapshot.forward_usd[:6] == pytest.approx(60_300.0, rel=1e-12)
    assert snapshot.vol[:6] == pytest.approx(0.4, rel=1e-7)
    assert "parity at strike 60000" in found(snapshot, "forward")[0][1]


def test_no_way_to_a_forward_is_an_error():
    source = {"instrument": ["BTC-26JUN26-60000-C"], "vol": [0.4]}
    with pytest.raises(FileError, match="row 0, forward_usd: BTC-26JUN26-60000-C: no forward"):
        market(source)
    with pytest.raises(FileError, match="row 0, forward_usd: BTC-PERPETUAL: no mark price"):
        market({"instrument": ["BTC-PERPETUAL"]})


def test_options_of_one_expiry_share_one_forward():
    snapshot = market(quotes(forward_usd=[60_299.0, 60_301.0, 60_010.0, 60_300.0]))
    assert snapshot.forward_usd[:2].tolist() == [60_300.0, 60_300.0]
    assert "2 quotes lie 0.33 bp apart" in found(snapshot, "forward")[0][1]
    apart = quotes(forward_usd=[60_300.0, 61_300.0, 60_010.0, 60_300.0])
    with pytest.raises(FileError, match="forward_usd: .* further apart than 0.001"):
        market(apart)
    assert market(apart, tolerance_frac=0.05).forward_usd[0] == 60_800.0


def test_inverse_and_linear_options_have_their_own_forwards():
    source = {"instrument": ["BTC-26JUN26-60000-C", "BTC_USDC-26JUN26-60000-C"],
              "forward_usd": [60_300.0, 61_500.0], "vol": [0.4, 0.4]}  # fmt: skip
    assert market(source).forward_usd[:2].tolist() == [60_300.0, 61_500.0]


# Refused


@pytest.mark.parametrize(
    "changes, why",
    [
        ({"bid_price": [-0.1, 0, 0, 0]}, "row 0, bid_price: .*must not be negative, got -0.1"),
        ({"mark_price": [0.1, -1, 1, 1]}, "row 1, mark_price: .*must not be negative"),
        ({"mark_price": [0.1, 0.1, 0, 1]}, "row 2, mark_price: .*must be positive"),
        ({"vol": [-0.4, 0.4, 0, 0]}, "row 0, vol: .*must not be negative"),
        ({"vol": [np.inf, 0.4, 0, 0]}, "row 0, vol: inf is not finite"),
        ({"forward_usd": [0.0, 1, 1, 1]}, "row 0, forward_usd: .*must be positive"),
        ({"vol": [101.0, 0.4, 0, 0]}, "row 0, vol: .*above 100, got 101"),
        ({"rate": [0, -2234, 0, 0]}, "row 1, rate: .*beyond 10 a year, got -2234"),
        ({"forward_usd": [1e-300, 1, 1, 1]}, "row 0, forward_usd: .*below 1e-15"),
        ({"ask_price": [1e300, 1, 1, 1]}, "row 0, ask_price: .*above 1e[+]15"),
        ({"mark_usd": [1, 1, -1e300, 1]}, "row 2, mark_usd: .*beyond 1e[+]15"),
        ({"step": [0.1, 0.0, 1, 1]}, "row 1 .*step: must be positive"),
        ({"contract_size": [1, 1, -1, 1]}, "row 2 .*contract_size: must be positive"),
        ({"contract_size": [1, 1, np.nan, 1]}, "row 2, contract_size: has no value"),
        ({"instrument": ["BTC-PERPETUAL"] * 4}, "row 1: BTC-PERPETUAL is already in row 0"),
        ({"instrument": ["BTC", "x", "y", "z"]}, "row 1: 'x'"),
        ({"instrument": ["BTC-29MAY26", "BTC", "ETH", "SOL"]},
         "row 0, expiry: BTC-29MAY26: has expired at 2026-06-01T08:00:00Z"),
        ({"index_usd": [6e4, 6.1e4, 6e4, 6e4], "x": [1] * 4}, "index_usd: .*further apart"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_row_and_field(changes, why):
    index = {} if "index_usd" in changes else None
    with pytest.raises(FileError, match=f"^quotes[,:].*{why}"):
        market(quotes(**changes), name="quotes", index=index)


def test_an_expiry_at_the_very_instant_has_expired():
    source = {"instrument": ["BTC-26JUN26"], "forward_usd": [6e4]}
    at = int(datetime(2026, 6, 26, 8, tzinfo=UTC).timestamp()) * 10**9
    assert Market.from_table(source, now=at - 1, index={"BTC": 6e4}).years[0] > 0
    with pytest.raises(FileError, match="has expired"):
        Market.from_table(source, now=at, index={"BTC": 6e4})


def test_an_index_is_needed_and_must_be_a_price():
    with pytest.raises(
        FileError,
        match=r"index_usd: BTC-26JUN26-60000-C: no index price of BTC; give index=\{'BTC'",
    ):
        market(index={})
    for price in (0.0, -1.0, np.nan, np.inf, "60000"):
        with pytest.raises(ArgumentError, match="index of BTC: must be a positive number"):
            market(index={"BTC": price})
    with pytest.raises(ArgumentError, match="BTC-PERPETUAL is not one"):
        market(index={"BTC": 6e4, "BTC-PERPETUAL": 6e4})


# Noted


def test_books_that_look_odd_are_noted():
    source = quotes(
        mark_price=[0.03, 0.02, 60_010.0, 60_300.0],
        bid_price=[0.04, 0.025, 60_009.0, np.nan],
        ask_price=[0.035, 0.03, 60_011.0, 60_301.0],
    )
    snapshot = market(source)
    assert found(snapshot, "bid_price") == [
        ("BTC-26JUN26-60000-C", "the bid is above the ask", "warning")
    ]
    assert ("BTC-26JUN26-60000-P", "the mark lies outside bid and ask", "warning") in found(
        snapshot, "mark_price"
    )
    assert found(snapshot, "ask_price") == [("BTC-26JUN26", "no two-sided quote", "info")]
    assert snapshot.findings["row"].tolist() == [
        snapshot.instruments.rows[name] for name in snapshot.findings["instrument"]
    ]


def chain(shift=0.0, forward=60_300.0):
    names, marks = [], []
    for strike in range(50_000, 72_000, 2_000):
        for letter in "CP":
            names.append(f"BTC-26JUN26-{strike}-{letter}")
            price = black76(forward + shift, strike, YEARS, 0.4, letter == "C").price
            marks.append(round(price / (forward + shift), 4))
    return {"instrument": names, "forward_usd": [forward] * len(names), "mark_price": marks,
            "vol": [0.4] * len(names)}  # fmt: skip


def test_rounded_marks_and_volatilities_agree():
    assert not found(market(chain()), "vol")


def test_one_volatility_that_contradicts_its_mark_is_noted():
    source = chain()
    source["vol"][10] = 0.43
    ((name, message, severity),) = found(market(source), "vol")
    assert (name, severity) == (source["instrument"][10], "warning") and "disagree" in message


def test_an_unpublished_forward_is_noted_once_for_the_expiry():
    snapshot = market(chain(shift=60.0))
    assert not found(snapshot, "vol")
    ((_, message, severity),) = found(snapshot, "forward")
    assert severity == "warning"
    assert float(message.split("forward ")[1].split()[0]) == pytest.approx(60.0, abs=8.0)


def test_a_percentage_for_a_volatility_is_noted():
    assert "it is a fraction" in found(market(quotes(vol=[40.0, 0.4, 0, 0])), "vol")[0][1]


# Copies


def test_select_keeps_an_index_arrays_order_and_every_spot_row():
    snapshot = market()
    taken = snapshot.select(np.array([4, 2, 0]))
    assert taken.names.tolist() == ["BTC", "BTC-PERPETUAL", "BTC-26JUN26-60000-C"]
    assert taken.mark_usd.tolist() == snapshot.mark_usd[[4, 2, 0]].tolist()
    assert taken.forward_usd.tolist() == snapshot.forward_usd[[4, 2, 0]].tolist()
    assert snapshot.select([2]).names.tolist() == ["BTC-PERPETUAL", "BTC"]
    assert snapshot.select([-1, 2]).names.tolist() == ["BTC", "BTC-PERPETUAL"]
    mask = snapshot.instruments.is_option()
    assert snapshot.select(mask).names.tolist() == [*quotes()["instrument"][:2], "BTC"]
    with pytest.raises(ArgumentError, match="a mask of 2 for 5"):
        snapshot.select([True, False])


@given(st.permutations(range(5)))
def test_findings_follow_their_instruments(order):
    snapshot = market(quotes(bid_price=[0.5, np.nan, 6e4, np.nan], ask_price=[0.1, 0.2, 7e4, 8e4]))
    taken = snapshot.select(np.array(order))
    for row, name in zip(taken.findings["row"], taken.findings["instrument"], strict=True):
        assert taken.names[row] == name
    assert len(taken.findings) == len(snapshot.findings)


def test_marks_vols_and_confidence_are_replaced_in_a_copy():
    snapshot = market()
    marked = snapshot.with_marks({"BTC/USD:BTC": -1.5})
    assert (marked.mark_usd[2], snapshot.mark_usd[2]) == (-1.5, -60_000.0 / 60_010.0)
    assert snapshot.with_vols({"BTC-26JUN26-60000-C": 0.9}).vol[0] == 0.9
    assert snapshot.with_marks(np.zeros(5)).mark_usd.tolist() == [0.0] * 5
    assert snapshot.with_confidence({"BTC": 0.002}).confidence_frac.tolist() == [0.002]
    with pytest.raises(LookupError, match="no unit ETH"):
        snapshot.with_confidence({"ETH": 0.1})
    with pytest.raises(DomainError, match="only options have one"):
        snapshot.with_vols({"BTC-PERPETUAL": 0.5})
    with pytest.raises(NotFiniteError, match=r"row 2 \(BTC-PERPETUAL\), mark_usd: not finite"):
        snapshot.with_marks({"BTC-PERPETUAL": np.nan})
    with pytest.raises(ValueError, match="read-only"):
        snapshot.mark_usd[0] = 1.0


def test_concat_keeps_spot_rows_once():
    source = {"instrument": ["ETH-PERPETUAL"], "forward_usd": [3_000.0]}
    index = {"ETH": 3_000.0, "BTC": 60_001.0}
    eth = Market.from_table(source, now=NOW_NS + 10**9, index=index)
    both = Market.concat([market(), eth])
    assert both.now_ns == NOW_NS + 10**9
    assert sorted(both.names) == sorted([*quotes()["instrument"], "BTC", "ETH", "ETH-PERPETUAL"])
    assert both.index_usd.tolist() == [60_000.0, 3_000.0]
    for row, name in zip(both.findings["row"], both.findings["instrument"], strict=True):
        assert both.names[row] == name
    with pytest.raises(DomainError, match="index of BTC"):
        Market.concat([market(), market(index={"BTC": 61_000.0})])
    with pytest.raises(ValueError, match="already in row"):
        Market.concat([market(), market()])
    with pytest.raises(ArgumentError, match="no market"):
        Market.concat([])


def test_a_market_without_a_spot_row_is_refused():
    instruments = Instruments.from_names(["BTC-PERPETUAL"])
    with pytest.raises(ArgumentError, match="no spot row for BTC"):
        Market(NOW_NS, instruments, [6e4], [6e4], [-1.0], [0.0])


def test_the_summary_has_one_row_an_expiry():
    table = market().summary()
    assert table["expiry"].tolist() == ["26JUN26"]
    assert (table["n_options"][0], table["n_futures"][0]) == (2, 1)
    assert table["days"][0] == 25.0 and table["atm_vol"][0] == pytest.approx(0.4)
    assert table["basis_frac"][0] == pytest.approx(0.005)
    only = market({"instrument": ["BTC-PERPETUAL"], "forward_usd": [6e4]}).summary()
    assert len(only) == 0 and "atm_vol" in only


def test_the_whole_market_is_a_table_and_a_line():
    assert market().to_table().columns[-3:] == ("discount", "vol", "mark_usd")
    assert repr(market()).startswith("Market(2026-06-01T08:00:00Z; 5: 1 spot, 1 perpetual")


def test_a_chain_needs_a_file():
    with pytest.raises(ArgumentError, match="no file"):
        read_chain()
