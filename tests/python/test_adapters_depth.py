# SPDX-License-Identifier: Apache-2.0
"""Recorded depth feeds: the venue's rule of joining, and real books as ladders."""

import gzip
import json

import numpy as np
import pytest

import margin_core as mc
from margin_core.adapters.depth import read_order_books
from margin_core.errors import FileError
from margin_core.liquidation import Depth

S = 10**9


def feed(tmp_path, *messages, name="feed.txt"):
    lines = [f"{k * S} {json.dumps(message)}" for k, message in enumerate(messages, 1)]
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    return path


SNAPSHOT = {"lastUpdateId": 10, "bids": [["99.0", "1"], ["98.0", "2"]], "asks": [["101.0", "3"]]}


def update(first, last, bids=(), asks=(), **more):
    return {"data": {"e": "depthUpdate", "U": first, "u": last, "b": bids, "a": asks, **more}}


def test_updates_before_the_snapshot_join_and_old_ones_are_dropped(tmp_path):
    path = feed(
        tmp_path,
        update(7, 9, [["99.0", "7"]]),
        update(10, 12, [["98.0", "0"]], [["100.5", "4"]]),
        {"e": "trade"},
        SNAPSHOT,
        update(13, 13, [["99.5", "5"]]),
    )
    books = list(read_order_books(path))
    assert [b.time_ns for b in books] == [4 * S, 5 * S]
    assert books[0].bids == ((99.0, 1.0),)
    assert books[0].asks == ((100.5, 4.0), (101.0, 3.0))
    assert books[1].bids == ((99.5, 5.0), (99.0, 1.0))
    assert books[1].middle == 100.0
    assert books[1].depth_usd(0.005) == (99.5 * 5.0, 100.5 * 4.0)


def test_futures_follow_by_the_update_before(tmp_path):
    whole = feed(tmp_path, SNAPSHOT, update(9, 11, pu=8), update(15, 20, pu=11))
    assert len(list(read_order_books(whole))) == 3
    with pytest.raises(FileError, match=r"feed.txt \(line 3\).*does not follow 11"):
        list(read_order_books(feed(tmp_path, SNAPSHOT, update(9, 11, pu=8), update(15, 20, pu=14))))


@pytest.mark.parametrize(
    ("messages", "words"),
    [
        ((SNAPSHOT, update(11, 11), update(13, 13)), r"line 3\): update 13 does not follow 11"),
        ((SNAPSHOT, update(12, 12)), r"line 2\): update 12 does not follow 10"),
        ((SNAPSHOT, update(11, 11, [["102.0", "1"]])), r"line 2\): crossed"),
        (
            (SNAPSHOT, update(11, 11, (), [["101.0", "0"]])),
            r"line 2\): a side of the book is empty",
        ),
        ((SNAPSHOT, update(11, 11, [["x", "1"]])), r"line 2\): no time and message"),
        ((["not", "a", "message"],), r"line 1\): no time and message"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path, messages, words):
    with pytest.raises(FileError, match=words):
        list(read_order_books(feed(tmp_path, *messages)))


def test_a_damaged_archive_is_no_traceback(tmp_path):
    path = tmp_path / "feed.gz"
    path.write_bytes(gzip.compress(b"1 {}\n" * 1000)[:30])
    with pytest.raises(FileError, match="damaged"):
        list(read_order_books(path))


@pytest.mark.parametrize(
    ("name", "unit"),
    [("binance_usdm_btcusdt_20240808.gz", "BTC"), ("binance_spot_ethusdt_20240808.gz", "ETH")],
)
def test_a_real_book_prices_a_liquidation_as_walking_it_does(shared, name, unit):
    books = list(read_order_books(shared / "data" / "depth" / name))
    assert len(books) >= 300
    contract = f"{unit}_USDT-PERPETUAL"
    book = books[len(books) // 2]
    quotes = {"instrument": [contract], "forward_usd": [book.middle], "step": [0.001]}
    index = {unit: book.middle, "USDT": 1.0}
    market = mc.Market.from_table(quotes, now=book.time_ns, index=index)
    margin = mc.Margin.of(market)
    depth = Depth.from_books(margin, {contract: (book.bids, book.asks)})
    held = {"account": ["a", "a"], "instrument": [contract, "USDT"],
            "quantity": [40.0, 40.0 * book.middle * 0.1]}  # fmt: skip
    plans = mc.plan(mc.Book.from_tables(held), margin, depth)
    assert plans.outcome.tolist() == ["restored"]
    sold = -plans.trade_table()["quantity"].sum()
    size = np.array([q for _, q in book.bids])
    price = np.array([p for p, _ in book.bids])
    taken = np.clip(sold - np.concatenate([[0.0], np.cumsum(size)[:-1]]), 0.0, size)
    walked = (taken * (book.middle - price)).sum()
    assert plans.table()["cost_usd"][0] == pytest.approx(walked, rel=0.01, abs=1.0)
