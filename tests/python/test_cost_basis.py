# SPDX-License-Identifier: Apache-2.0
"""What a future was entered at is part of its profit, and no dollar or coin to margin as one."""

from __future__ import annotations

import numpy as np
import pytest

from margin_core.book import Book
from margin_core.errors import ExactnessError
from margin_core.explain import explain
from margin_core.margin import Margin
from margin_core.sweep import sweep
from margin_core.synthetic import synthetic_market

SOL, BTC = "SOL_USDC-PERPETUAL", "BTC-PERPETUAL"


@pytest.fixture(scope="module")
def margin():
    return Margin.of(synthetic_market(n_instruments=300))


def one(name, quantity, entry=None, mode="portfolio", balances=None):
    names = [name] if isinstance(name, str) else name
    n = len(names)
    quantity = np.broadcast_to(np.asarray(quantity, dtype=float), n)
    rows = ([0] * n, list(range(n)), names, quantity)
    price = None if entry is None else np.broadcast_to(np.asarray(entry, dtype=float), n)
    return Book.from_columns(1, rows, entry_price=price, balances=balances).with_mode(mode)


def swept(margin, *args, **kwargs):
    standing = sweep(one(*args, **kwargs), margin, market_exposure=False)
    return {name: float(standing.amount(name)[0]) for name in standing.quanta}


def prices(margin, name):
    """Forward, index and price of the settlement currency."""
    market = margin.market
    row = int(market.instruments.index_of([name])[0])
    return (
        float(market.forward_usd[row]),
        float(market.index_usd[market.instruments.unit[row]]),
        float(market.currency_usd[market.instruments.settlement[row]]),
    )


@pytest.mark.parametrize("quantity", [500.0, -500.0])
def test_a_linear_perpetual_needs_its_own_range_and_no_dollars(margin, quantity):
    forward, _, usdc = prices(margin, SOL)
    needs = swept(margin, SOL, quantity)
    assert needs["core"] == pytest.approx(0.25 * 500.0 * forward * usdc, rel=2e-3)
    charges = needs["roll"] + needs["concentration"] + needs["oracle"]
    assert needs["im"] == pytest.approx(needs["core"] + charges, abs=1e-5)
    assert needs["equity"] == pytest.approx(0.0, abs=0.01)


def test_long_and_short_of_a_linear_perpetual_need_the_same(margin):
    long, short = (swept(margin, SOL, side * 500.0)["im"] for side in (1, -1))
    assert long == pytest.approx(short, rel=1e-3)


@pytest.mark.parametrize("side", [1.0, -1.0])
@pytest.mark.parametrize(
    ("name", "quantity", "notional", "cross", "isolated"),
    [(BTC, 100_000.0, None, 0.16, 0.20), (SOL, 500.0, 500.0, 0.25, 0.3125)],
)
def test_without_netting_a_contract_pays_its_rate_and_no_haircut(
    margin, side, name, quantity, notional, cross, isolated
):
    _, index, _ = prices(margin, name)
    usd = quantity if notional is None else notional * index
    for mode, rate in (("cross", cross), ("isolated", isolated)):
        needs = swept(margin, name, side * quantity, mode=mode)
        assert needs["im"] == pytest.approx(usd * rate, abs=0.5)


def test_an_inverse_perpetual_moves_with_its_coins(margin):
    needs = swept(margin, BTC, 100_000.0)
    assert needs["core"] == pytest.approx(16_000.0, rel=1e-3)
    hedged = swept(margin, BTC, -96_000.0, 96_000.0, balances=([0], [0], ["BTC"], [1.0]))
    assert hedged["core"] == 0.0


@pytest.mark.parametrize("mode", ["portfolio", "cross", "isolated"])
@pytest.mark.parametrize(
    ("name", "quantity", "moved"),
    [(SOL, 500.0, 0.97), (SOL, -120.3, 1.02), (BTC, 25_000.0, 0.9), (BTC, -70.0, 1.1)],
)
def test_equity_is_the_unrealised_profit(margin, mode, name, quantity, moved):
    forward, index, currency = prices(margin, name)
    entry = round(forward * moved, 2)
    if name == SOL:
        profit = quantity * (forward - entry) * currency
    else:
        profit = quantity * (1.0 / entry - 1.0 / forward) * index
    # The mark of a lot is rounded by up to half a quantum; a coin's step is 1e-8 coins.
    rows = margin.instruments.index_of([name, "BTC"])
    per_contract, per_coin = margin.risk.lot[rows]
    allowed = (0.5 * abs(quantity) / per_contract + 2.0) * margin.quantum_usd
    if name == BTC:
        allowed += 1e-8 * index + 0.5 * abs(quantity) / entry / per_coin * margin.quantum_usd
    equity = swept(margin, name, quantity, entry, mode)["equity"]
    assert equity == pytest.approx(profit, abs=allowed)


@pytest.mark.parametrize("mode", ["portfolio", "cross", "isolated"])
def test_cash_and_lots_hold_the_basis_where_the_mode_wants_it(margin, mode):
    packed = one([SOL, BTC], [10.0, 1_000.0], [200.0, 80_000.0], mode).pack(margin.risk)
    held = set(margin.instruments.name[packed.row])
    assert held == ({SOL, BTC, "BTC"} if mode == "portfolio" else {SOL, BTC})
    _, index, usdc = prices(margin, SOL)
    _, index, _ = prices(margin, BTC)
    linear = np.floor(-10.0 * 200.0 * usdc / margin.quantum_usd)
    inverse = np.floor(1_000.0 / 80_000.0 * index / margin.quantum_usd)
    if mode == "portfolio":  # what is left of the coins below a lot
        lot = margin.risk.lot[margin.instruments.index_of(["BTC"])[0]]
        assert 0 <= packed.cash[0] - linear < lot * index / margin.quantum_usd
    else:
        assert packed.cash[0] == linear + inverse


@pytest.mark.parametrize("mode", ["portfolio", "cross", "isolated"])
def test_an_explanation_values_contracts_at_their_profit(margin, mode):
    names, quantity = [SOL, BTC], [500.0, -50_000.0]
    entry = [round(prices(margin, name)[0] * 0.95, 2) for name in names]
    balances = ([0, 0], [0, 1], ["USDC", "BTC"], [20_000.0, 1.0])
    e = explain(one(names, quantity, entry, mode, balances), margin, "0")
    value = dict(zip(e.positions["instrument"], e.positions["mark_value"], strict=True))
    assert set(value) == {SOL, BTC, "USDC", "BTC"}
    (sol, _, usdc), (forward, index, _) = (prices(margin, name) for name in names)
    assert value[SOL] == pytest.approx(500.0 * (sol - entry[0]) * usdc, abs=0.01)
    assert value[BTC] == pytest.approx(-50_000.0 * (1 / entry[1] - 1 / forward) * index, abs=1.0)
    assert value["USDC"] == pytest.approx(20_000.0 * usdc, abs=1e-6)
    assert value["BTC"] == pytest.approx(index, abs=1.0)  # 1e-5 BTC is a lot
    assert sum(value.values()) == pytest.approx(e.equity, abs=1.0)
    assert (e.positions["alone"] >= 0).all()


def test_coins_that_the_basis_takes_up_whole_stay_in_sight(margin):
    """1 BTC less a basis of 1 BTC packs to no lots; the explanation shows both."""
    book = one(BTC, -96_000.0, 96_000.0, balances=([0], [0], ["BTC"], [1.0]))
    e = explain(book, margin, "0")
    value = dict(zip(e.positions["instrument"], e.positions["mark_value"], strict=True))
    assert value["BTC"] == pytest.approx(prices(margin, BTC)[1], abs=0.05)
    assert sum(value.values()) == pytest.approx(e.equity, abs=1e-5)


def test_a_closed_contract_leaves_its_profit(margin):
    """Bought at 170, sold at 180, both still in the file: no lots, 100 USDC."""
    book = one([SOL, SOL], [10.0, -10.0], [170.0, 180.0])
    e = explain(book, margin, "0")
    usdc = prices(margin, SOL)[2]
    assert e.equity == pytest.approx(100.0 * usdc, abs=1e-5)
    assert e.positions["mark_value"].tolist() == [pytest.approx(e.equity)]
    assert (e.positions["quantity"].tolist(), e.mm) == ([0.0], 0.0)


@pytest.mark.parametrize(
    ("name", "quantity", "entry"),
    [(SOL, 1e9, 1e9), (SOL, 1.0, 1e300), (BTC, 1e6, 1e-300), (BTC, 10.0, 1e-9)],
)
def test_a_basis_beyond_exact_numbers_is_refused(margin, name, quantity, entry):
    with pytest.raises(ExactnessError, match=r"positions, row 0.*2\^53"):
        one(name, quantity, entry).pack(margin.risk)


def test_bases_that_add_up_beyond_exact_numbers_are_refused(margin):
    n = 1_500  # their sum wraps around in 64 bits
    with pytest.raises(ExactnessError, match="account '0'"):
        one([SOL] * n, 10.0, 8.9e8).pack(margin.risk)
