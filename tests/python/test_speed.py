# SPDX-License-Identifier: Apache-2.0
"""Small timings of the hot paths; run once as plain tests, timed by `pytest --benchmark-enable`.

Compare runs of one machine: `pytest tests/python/test_speed.py --benchmark-enable
--benchmark-autosave`, then `--benchmark-compare` after a change.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from margin_core import Margin, RiskArray, black76, implied_vol, rank, scan, sweep
from margin_core.book import Book
from margin_core.synthetic import synthetic_book, synthetic_market

N_OPTIONS, N_ACCOUNTS, N_INSTRUMENTS = 20_000, 2_000, 500


@pytest.fixture(scope="module")
def options() -> dict[str, Any]:
    rng = np.random.Generator(np.random.PCG64(1))
    forward = rng.uniform(50.0, 150.0, N_OPTIONS)
    strike = forward * np.exp(rng.uniform(-0.6, 0.6, N_OPTIONS))
    return {
        "forward": forward,
        "strike": strike,
        "years": rng.uniform(0.1, 2.0, N_OPTIONS),
        "is_call": forward <= strike,
    }


@pytest.fixture(scope="module")
def vol() -> Any:
    return np.random.Generator(np.random.PCG64(2)).uniform(0.2, 1.2, N_OPTIONS)


@pytest.fixture(scope="module")
def margin() -> Margin:
    return Margin.of(synthetic_market(n_instruments=N_INSTRUMENTS))


@pytest.fixture(scope="module")
def book(margin: Margin) -> Book:
    return synthetic_book(margin.market, N_ACCOUNTS, margin=margin)


def test_black76(benchmark: Any, options: dict[str, Any], vol: Any) -> None:
    names = ("price", "delta", "gamma", "vega", "theta")
    values = benchmark(black76, **options, vol=vol, greeks=names, threads=1)
    assert (values.price >= 0.0).all()


def test_implied_vol(benchmark: Any, options: dict[str, Any], vol: Any) -> None:
    price = black76(**options, vol=vol, greeks=["price"]).price
    found = benchmark(implied_vol, price, **options, threads=1)
    np.testing.assert_allclose(found, vol, rtol=1e-9)


def test_risk_array(benchmark: Any, margin: Margin) -> None:
    risk = benchmark(RiskArray.price, margin.market, margin.model, threads=1)
    assert np.array_equal(risk.cells, margin.risk.cells)


def test_scan(benchmark: Any, margin: Margin, book: Book) -> None:
    packed = book.pack(margin.risk)
    worst, _ = benchmark(scan, packed, margin.risk, threads=1)
    assert (worst <= 0.0).all()


def test_sweep(benchmark: Any, margin: Margin, book: Book) -> None:
    packed = book.pack(margin.risk)
    standing = benchmark(sweep, packed, margin, threads=1)
    assert (standing.quanta["im"] >= standing.quanta["mm"]).all()


def test_rank(benchmark: Any, margin: Margin, book: Book) -> None:
    standing = sweep(book, margin)
    order = benchmark(rank, standing.quanta["equity"], standing.quanta["mm"])
    assert np.array_equal(np.sort(order), np.arange(N_ACCOUNTS))
