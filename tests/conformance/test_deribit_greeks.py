# SPDX-License-Identifier: Apache-2.0
"""Our Greeks are those that Deribit publishes, on two whole chains of BTC options.

Deribit's conventions, measured on these 1,008 options: forward the expiry's own future, no rate,
years of 365 days to the millisecond; delta not premium-adjusted; vega per volatility point, rho
per 1 % with the spot held; theta per day, and never more than the mark price or less than what
the last day leaves: -min(|theta| min(1, days left), mark price in USD). They round volatility to
0.01 point, Greeks to five decimals and marks to four: the tolerances are these roundings.
"""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from margin_core.pricing import black76, implied_vol

MS_PER_DAY = 86_400_000
FIELDS = ("forward", "strike", "days", "vol", "mark", "is_call")
GREEKS = ("delta", "gamma", "vega", "theta", "rho")


def from_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield row, {name: row["greeks_" + name] for name in GREEKS}, row


def from_json(path):
    chain = json.loads(path.read_text(encoding="utf-8"))
    for instrument in chain["instruments"]:
        ticker = chain["tickers"][instrument["instrument_name"]]
        yield instrument, ticker["greeks"], ticker


def read(path):
    columns: dict[str, list[float]] = {field: [] for field in (*FIELDS, *GREEKS)}
    for instrument, greeks, ticker in (from_csv if path.suffix == ".csv" else from_json)(path):
        left = float(instrument["expiration_timestamp"]) - float(ticker["timestamp"])
        columns["forward"].append(float(ticker["underlying_price"]))
        columns["strike"].append(float(instrument["strike"]))
        columns["days"].append(left / MS_PER_DAY)
        columns["vol"].append(float(ticker["mark_iv"]) / 100)
        columns["mark"].append(float(ticker["mark_price"]))
        columns["is_call"].append(instrument["option_type"] == "call")
        for greek in GREEKS:
            columns[greek].append(float(greeks[greek]))
    return {field: np.array(values) for field, values in columns.items()}


@pytest.fixture(
    params=[("deribit_btc_options_20260122.csv", 678), ("deribit_btc_20260627.json", 330)],
    ids=["january", "june"],
)
def chain(request, shared):
    name, options = request.param
    columns = read(shared / "data" / "chains" / name)
    assert len(columns["strike"]) == options
    return columns


@pytest.fixture
def found(chain):
    return black76(
        chain["forward"], chain["strike"], chain["days"] / 365, chain["vol"], chain["is_call"]
    )


def test_marks_agree(chain, found):
    """Two ticks and a half: the mark's rounding, and the volatility's on long options."""
    in_coin = found.price / chain["forward"]
    floored = chain["mark"] <= 1e-4  # never below one tick
    assert np.abs(in_coin - chain["mark"])[~floored].max() <= 2.5e-4


@pytest.mark.parametrize(
    "greek, unit, tolerance",
    [("delta", 1.0, 1e-4), ("gamma", 1.0, 6e-6), ("vega", 100.0, 0.04), ("rho", 100.0, 0.025)],
)
def test_greeks_agree(chain, found, greek, unit, tolerance):
    assert np.abs(getattr(found, greek) / unit - chain[greek]).max() <= tolerance


def test_theta_agrees(chain, found):
    mark, half_tick = chain["mark"] * chain["forward"], 5e-5 * chain["forward"]
    uncapped = np.abs(found.theta) * np.minimum(1.0, chain["days"])
    wrong = np.abs(-np.minimum(uncapped, mark) - chain["theta"])
    free = uncapped < mark - half_tick  # the cap is the mark before it was rounded
    assert free.sum() > 250
    assert wrong[free].max() <= 0.06
    assert (wrong[~free] <= half_tick[~free] + 0.06).all()


def test_volatility_in_the_mark_is_the_published_one(chain, found):
    """Within what the mark's rounding to 0.0001 coin leaves of it."""
    price = np.minimum(chain["mark"], 0.9999) * chain["forward"]
    side = np.where(chain["is_call"], 1.0, -1.0)
    value = np.maximum(side * (chain["forward"] - chain["strike"]), 0.0)
    open_ = (price > value + 1e-4 * chain["forward"]) & (found.vega > 0.02 * chain["forward"])
    rows = [chain[f][open_] for f in ("forward", "strike")]
    vol = implied_vol(price[open_], *rows, chain["days"][open_] / 365, chain["is_call"][open_])
    rounding = 1.2e-4 * chain["forward"][open_] / found.vega[open_] + 1e-4
    assert open_.sum() > 100
    assert (np.abs(vol - chain["vol"][open_]) <= rounding).all()
