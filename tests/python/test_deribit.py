# SPDX-License-Identifier: Apache-2.0
"""Deribit's answers, saved in any form, become the same market; a wrong one says where."""

from __future__ import annotations

import copy
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from margin_core.adapters.files import read_json
from margin_core.errors import ArgumentError, FileError, MarginCoreError
from margin_core.instruments import Kind
from margin_core.market import Market, read_chain
from margin_core.pricing import black76

NOW_NS = 1_780_300_800_000_000_000


@pytest.fixture(scope="module")
def answers(fixtures_module):
    return {
        kind: read_json(fixtures_module / f"deribit_{kind}_btc.json")
        for kind in ("get_instruments", "book_summary")
    }


@pytest.fixture(scope="module")
def fixtures_module(request):
    return request.getfixturevalue("fixtures")


def same(a, b, columns=("forward_usd", "vol", "mark_usd")):
    assert a.names.tolist() == b.names.tolist()
    for column in columns:
        assert getattr(a, column).tolist() == getattr(b, column).tolist(), column


def messages(market, name):
    rows = market.findings[market.findings["instrument"] == name]
    return rows["message"].tolist()


# Every form of the same data


def test_api_answers_become_a_market(fixtures):
    market = read_chain(
        fixtures / "deribit_get_instruments_btc.json", fixtures / "deribit_book_summary_btc.json",
        fixtures / "deribit_ticker_btc_perpetual.json",
    )  # fmt: skip
    assert market.now_ns == NOW_NS
    assert np.bincount(market.instruments.kind).tolist() == [1, 1, 2, 10, 10]
    row = market.instruments.rows
    assert market.index_usd.tolist() == [60_000.0]
    assert market.forward_usd[row["BTC-5JUN26-60000-C"]] == 60_060.0
    assert market.forward_usd[row["BTC-25SEP26"]] == 61_250.0
    assert market.instruments.step[row["BTC-25SEP26"]] == 10.0  # not contract_size, 10 USD too
    assert market.instruments.step[row["BTC-5JUN26-60000-C"]] == 0.1
    assert market.instruments.contract_size.tolist() == [1.0] * 24
    assert set(market.findings["severity"]) == {"info"}


def test_captures_and_joined_files_say_the_same(fixtures):
    capture = read_chain(fixtures / "deribit_capture_btc.json")
    joined = read_chain(fixtures / "deribit_options_btc.csv")
    same(capture, joined)
    same(
        read_chain(fixtures / "deribit_options_btc.csv", fixtures / "deribit_futures_btc.csv"),
        read_chain(fixtures / "deribit_futures_btc.csv", fixtures / "deribit_options_btc.csv"),
    )
    answers = Market.from_deribit(
        instruments=fixtures / "deribit_get_instruments_btc.json",
        summaries=str(fixtures / "deribit_book_summary_btc.json"),
    )
    same(answers.select(answers.instruments.is_option()), capture)


def test_parsed_answers_lists_and_sequences_are_the_same_thing(answers):
    listing, summaries = answers["get_instruments"], answers["book_summary"]
    whole = Market.from_deribit(instruments=listing, summaries=summaries)
    same(whole, Market.from_deribit(instruments=listing["result"], summaries=summaries["result"]))
    halves = [{"result": summaries["result"][:7]}, {"result": summaries["result"][7:]}]
    same(whole, Market.from_deribit(instruments=[listing], summaries=halves))
    shuffled = summaries["result"][::-1]
    same(whole, Market.from_deribit(instruments=listing, summaries=shuffled))


def test_several_currencies_become_one_market(fixtures):
    paths = [fixtures / f"deribit_{kind}_{stem}.json" for kind in ("get_instruments",
             "book_summary") for stem in ("btc", "usdc")]  # fmt: skip
    market = read_chain(*paths, index={"USDC": 0.999})
    assert market.instruments.units == ("BTC", "SOL", "USDC")
    row = market.instruments.rows["SOL_USDC-26JUN26-142d5-C"]
    assert market.instruments.strike[row] == 142.5
    assert market.instruments.step[row] == 10.0
    assert market.index_usd == pytest.approx([60_000.0, 150.0 * 0.999, 0.999], rel=1e-15)
    assert market.summary()["settlement"].tolist() == ["BTC", "BTC", "USDC"]


def test_a_tickers_value_wins_over_a_summarys(fixtures, answers):
    ticker = read_json(fixtures / "deribit_ticker_btc_perpetual.json")
    ticker["result"]["mark_price"] = 60_020.0
    market = Market.from_deribit(
        instruments=answers["get_instruments"], summaries=answers["book_summary"], tickers=ticker
    )
    assert market.forward_usd[market.instruments.rows["BTC-PERPETUAL"]] == 60_020.0


def test_what_is_traded_but_never_held_is_passed_over(answers):
    changed = copy.deepcopy(answers)
    template = changed["book_summary"]["result"][0]
    for name in ("BTC_USDC", "BTC-CS-5JUN26-60000_65000", "BTC-FS-5JUN26_PERP",
                 "BTC-CBUT13-5JUN26-55000_60000_65000"):  # fmt: skip
        changed["book_summary"]["result"].append({**template, "instrument_name": name})
    same(
        Market.from_deribit(instruments=changed["get_instruments"],
                            summaries=changed["book_summary"]),
        Market.from_deribit(instruments=answers["get_instruments"],
                            summaries=answers["book_summary"]),
    )  # fmt: skip


def test_what_is_not_quoted_not_listed_or_not_active_is_said(answers):
    listing = copy.deepcopy(answers["get_instruments"]["result"])
    summaries = copy.deepcopy(answers["book_summary"]["result"])
    unquoted, unlisted, closed = "BTC-25SEP26-50000-C", "BTC-25SEP26-70000-P", "BTC-5JUN26-50000-C"
    summaries = [s for s in summaries if s["instrument_name"] != unquoted]
    listing = [i for i in listing if i["instrument_name"] != unlisted]
    next(i for i in listing if i["instrument_name"] == closed)["is_active"] = False
    market = Market.from_deribit(instruments=listing, summaries=summaries)
    assert messages(market, unquoted) == ["listed but not quoted: left out"]
    assert messages(market, unlisted)[0] == "quoted but not listed: step 0.1 assumed"
    assert messages(market, closed) == ["not active: left out"]
    assert not {unquoted, closed} & set(market.names)
    unknown = Market.from_deribit(summaries=answers["book_summary"])
    assert messages(unknown, "") == ["no instruments answer: default steps assumed"]


def test_an_expiring_contract_does_not_set_the_index(answers):
    """In its last half hour the estimated delivery price is an average, not the index."""
    late = copy.deepcopy(answers["book_summary"]["result"])
    stamp = 1_780_646_400_000 - 600_000  # ten minutes before 5JUN26
    for record in late:
        record["creation_timestamp"] = stamp
        if "5JUN26" in record["instrument_name"]:
            record["estimated_delivery_price"] = 59_000.0
    market = Market.from_deribit(instruments=answers["get_instruments"], summaries=late)
    assert market.index_usd.tolist() == [60_000.0]


def test_the_volatility_may_be_missing(answers):
    """Marks of 4 decimals hold the volatility to what that rounding leaves of it."""
    summaries = copy.deepcopy(answers["book_summary"])
    told = Market.from_deribit(instruments=answers["get_instruments"], summaries=summaries)
    for record in summaries["result"]:
        if "25SEP26" in record["instrument_name"]:
            record.pop("mark_iv", None)
    found = Market.from_deribit(instruments=answers["get_instruments"], summaries=summaries)
    i = found.instruments
    rows = np.flatnonzero(i.is_option() & (i.expiry_ns == i.expiry_ns.max()))
    vega = black76(found.forward_usd[rows], i.strike[rows], found.years[rows], told.vol[rows],
                   i.kind[rows] == Kind.CALL, greeks="vega").vega  # fmt: skip
    rounding = 0.5e-4 * found.forward_usd[rows] / vega
    assert (np.abs(found.vol[rows] - told.vol[rows]) <= 1.05 * rounding + 1e-4).all()


# Wrong answers


def change(answers, kind, name, **fields):
    out = copy.deepcopy(answers)
    for record in out[kind]["result"]:
        if record["instrument_name"] == name:
            for key, value in fields.items():
                record[key] = value
            return out
    raise KeyError(name)


@pytest.mark.parametrize(
    "kind, fields, why",
    [
        ("get_instruments", {"strike": 61_000.0}, "strike: 61000.0 contradicts the name"),
        ("get_instruments", {"option_type": "put"}, "option_type: put contradicts"),
        ("get_instruments", {"settlement_currency": "USDC"}, "settlement_currency: USDC contrad"),
        ("get_instruments", {"instrument_type": "linear"}, "instrument_type: linear contradicts"),
        ("get_instruments", {"expiration_timestamp": 1_780_646_400_001}, "expiration_timestamp: "),
        ("get_instruments", {"expiration_timestamp": 0.5}, "not a time in milliseconds"),
        ("get_instruments", {"min_trade_amount": 0}, "min_trade_amount: must be positive"),
        ("get_instruments", {"min_trade_amount": None}, "min_trade_amount: must be positive"),
        ("get_instruments", {"instrument_name": "BTC-5JUN26-55000-C"}, "is already in .*, row 5"),
        ("book_summary", {"instrument_name": "BTC-5JUN26-55000-C"}, "is already in .*, row 5"),
        ("book_summary", {"instrument_name": "BTC-31JUN26-60000-C"}, "31JUN26 is not a date"),
        ("book_summary", {"instrument_name": 7}, "instrument_name: 7 is not text"),
        ("book_summary", {"mark_price": "0.05"}, "mark_price: '0.05' is not a number"),
        ("book_summary", {"mark_price": True}, "mark_price: True is not a number"),
        ("book_summary", {"mark_price": -0.1}, "mark_price: .*must not be negative"),
        ("book_summary", {"bid_price": float("nan")}, "bid_price: nan is not finite"),
        ("book_summary", {"mark_iv": 10**400}, "mark_iv: 1000.* is not finite"),
        ("book_summary", {"underlying_price": 70_000.0}, "underlying_price: .*further apart"),
        ("book_summary", {"creation_timestamp": -1}, "not a time in milliseconds"),
    ],
)
def test_a_wrong_field_is_named(answers, kind, fields, why):
    wrong = change(answers, kind, "BTC-5JUN26-60000-C", **fields)
    with pytest.raises(FileError, match=f"row [0-9]+, .*{why}") as caught:
        Market.from_deribit(instruments=wrong["get_instruments"], summaries=wrong["book_summary"])
    assert caught.value.row is not None


@pytest.mark.parametrize(
    "document, why",
    [
        ({"error": {"code": 10028, "message": "too_many_requests"}}, "error: too_many_requests"),
        ({"result": 7}, "expected a list of records"),
        ({"result": [7]}, "row 0: a record is an object"),
        ({"result": [{}]}, "row 0, instrument_name: "),
        ({"result": [{"instrument_name": "BTC-PERPETUAL"}]}, "neither an instrument, a book"),
        ({"result": []}, "no quotes"),
        ([], "no quotes"),
        ({"instruments": [], "tickers": {}}, "no quotes"),
    ],
)
def test_a_document_that_is_no_answer_is_refused(document, why, tmp_path):
    path = tmp_path / "saved.json"
    path.write_text(json.dumps(document))
    with pytest.raises(FileError, match=why):
        read_chain(path)


def test_only_known_files_are_read(tmp_path, fixtures):
    with pytest.raises(FileError, match="ends in .json or .csv"):
        read_chain(tmp_path / "chain.txt")
    with pytest.raises(FileError, match="No such file"):
        read_chain(tmp_path / "chain.json")
    with pytest.raises(ArgumentError, match="tickers: expected an answer or a path"):
        Market.from_deribit(tickers=7)
    (tmp_path / "c.csv").write_text("instrument_name,mark_price\nBTC-PERPETUAL,abc\n")
    with pytest.raises(FileError, match=r"row 0 \(line 2\), mark_price: 'abc' is not a number"):
        read_chain(tmp_path / "c.csv")
    with pytest.raises(FileError, match="has expired"):
        read_chain(fixtures / "deribit_capture_btc.json", now=NOW_NS + 10**18)


values = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just([])


@settings(suppress_health_check=list(HealthCheck), deadline=None, max_examples=400)
@given(st.data())
def test_any_damage_to_an_answer_ends_in_our_error_or_a_market(answers, data):
    damaged = copy.deepcopy(answers)
    for _ in range(data.draw(st.integers(1, 3))):
        kind = data.draw(st.sampled_from(sorted(damaged)))
        record = data.draw(st.sampled_from(damaged[kind]["result"]))
        field = data.draw(st.sampled_from(sorted(record)))
        if data.draw(st.booleans()):
            record[field] = data.draw(values)
        else:
            del record[field]
            if not record:
                break
    try:
        market = Market.from_deribit(
            instruments=damaged["get_instruments"], summaries=damaged["book_summary"]
        )
    except MarginCoreError:
        return
    assert np.isfinite(market.mark_usd).all() and (market.forward_usd > 0).all()


# Recorded data


def recorded(shared, *names):
    return read_chain(*(shared / "data" / "chains" / name for name in names))


CSV = ("deribit_btc_options_20260122.csv", "deribit_btc_futures_20260122.csv")
SAMPLES = tuple(
    f"deribit_api_samples/deribit_{name}.json"
    for name in (
        "book_summary_btc_future",
        "book_summary_btc_option",
        "get_instruments_btc_future",
        "get_instruments_btc_option",
        "ticker_btc_perpetual",
    )  # fmt: skip
)


@pytest.mark.parametrize(
    "names, kinds",
    [
        (("deribit_btc_20260627.json",), [1, 0, 0, 165, 165]),
        (CSV, [1, 1, 7, 339, 339]),
        (SAMPLES, [1, 1, 12, 3, 2]),
    ],
)
def test_every_recorded_chain_is_read(shared, names, kinds):
    market = recorded(shared, *names)
    assert np.bincount(market.instruments.kind, minlength=5).tolist() == kinds
    assert set(market.findings["field"][market.findings["severity"] == "warning"]) <= {
        "mark_price", "forward"}  # fmt: skip
    i = market.instruments
    options = i.is_option()
    assert (market.vol[options] > 0.1).all() and (market.vol[options] < 3).all()
    assert (np.abs(market.forward_usd / market.index_usd[i.unit] - 1) < 0.1).all()


def test_recorded_marks_are_the_models_within_their_rounding(shared):
    """USD marks against Black-76 at the common forward: rounding, and the capture's minutes."""
    market = recorded(shared, *CSV)
    i = market.instruments
    rows = np.flatnonzero(i.is_option())
    forward = market.forward_usd[rows]
    model = black76(forward, i.strike[rows], market.years[rows], market.vol[rows],
                    i.kind[rows] == Kind.CALL, greeks=("price", "vega", "delta"))  # fmt: skip
    value_usd = model.price / forward * market.index_usd[i.unit[rows]]
    drift = 1e-4 * forward * (np.abs(model.delta) + model.price / forward)
    allowed = 0.5e-4 * forward + 0.5e-4 * model.vega + drift
    assert (np.abs(market.mark_usd[rows] - value_usd) <= allowed).all()
