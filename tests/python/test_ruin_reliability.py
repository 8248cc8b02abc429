# SPDX-License-Identifier: Apache-2.0
"""Forecasts of ruin against what came true, on recorded prices: see docs/method/ruin.md."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import margin_core as mc

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "ruin_reliability.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("ruin_reliability", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_filtered_history_says_what_happens_and_normal_tails_are_too_thin(script, shared):
    prices = shared / "data" / "prices"
    files = [
        f"BTC={prices}/binance_BTCUSDT_1h_{years}.parquet" for years in ("2017_2021", "2020_2025")
    ]
    rows = list(script.forecasts(mc.read_bars(files)["BTC"], 13))
    ruined = {
        name: [row for row in rows if row[1] == name and row[2] == "ruined"]
        for name in ("filtered history", "normal draws")
    }
    checked = 0
    for low, high, n, said, true, error in script.table(ruined["filtered history"]):
        if 0.0 < low < 0.2 and n >= 100:
            spread = max(error, np.sqrt(said * (1 - said) / n))
            assert abs(true - said) <= 3.5 * spread, (low, high)
            checked += 1
    assert checked >= 4
    thin = [row[4] for row in ruined["normal draws"] if row[3] < 0.001]
    said = [row[3] for row in ruined["normal draws"] if row[3] < 0.001]
    assert len(thin) > 1000 and np.mean(thin) >= np.mean(said)


def test_a_market_that_does_as_it_was_told_is_calibrated(script):
    """Made-up hourly prices with normal returns: normal draws must say what happens."""
    rng = np.random.default_rng(5)
    hours = 24 * 1200
    close = 100 * np.exp(np.cumsum(rng.normal(0, 0.01, hours)))
    end_ns = (1_600_000_000 // 86_400 * 86_400 + 3600 * np.arange(1, hours + 1)) * 10**9
    bars = type("Bars", (), {"close": close, "end_ns": end_ns})
    rows = [r for r in script.forecasts(bars, 3) if r[1] == "normal draws" and r[2] == "ruined"]
    said, true = (np.array([r[k] for r in rows]) for k in (3, 4))
    assert len(rows) > 5000
    assert abs(said.mean() - true.mean()) < 0.006
    middle = (said > 0.02) & (said < 0.4)
    assert middle.sum() > 500 and abs(said[middle].mean() - true[middle].mean()) < 0.04
