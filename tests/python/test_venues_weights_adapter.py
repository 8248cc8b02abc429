# SPDX-License-Identifier: Apache-2.0
"""The facade's columns for the weights engine against a loop over holdings, to the last bit."""

from dataclasses import fields

import numpy as np
import pytest

import margin_core as mc
from margin_core.errors import DomainError, NotMarginableError
from margin_core.instruments import Kind
from margin_core.venues.adapter import held, settlement
from margin_core.venues.weights import columns as weights
from margin_core.venues.weights.arithmetic import Arithmetic
from margin_core.venues.weights_adapter import weights_columns

NOW = 1_767_225_600_000_000_000  # 2026-01-01
INDEX = {"SOL": 150.0, "BTC": 100e3, "ETH": 4e3, "USDC": 0.999, "USDT": 1.001}
PERPS = ["SOL_USDC-PERPETUAL", "BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL"]
OPTIONS = [f"{unit}_USDC-{expiry}-{strike}-{side}"
           for unit, strikes in (("ETH", (3500, 4000)), ("BTC", (90000, 100000)))
           for expiry in ("27MAR26", "16JAN26") for strike in strikes for side in "PC"]  # fmt: skip
SOURCES = {"derive_sm": "rule", "dydx_v4": "chain", "drift_v2": "program"}
INTEREST = {"BTC": 20e6, "SOL": 1.5}


@pytest.fixture(scope="module")
def market():
    forward = {"SOL": 151.0, "BTC": 100_050.0, "ETH": 4_010.0}
    names = OPTIONS[::2] + PERPS + OPTIONS[1::2]
    table = {
        "instrument": names,
        "forward_usd": [forward[name[:3]] for name in names],
        "vol": [0.5 if name in OPTIONS else np.nan for name in names],
    }
    return mc.Market.from_table(table, now=NOW, index=INDEX)


def preset_of(name):
    rates = {"long": 1000, "short": 1000} if name != "derive_sm" else {"long": 0.1, "short": 0.1}
    names = ["SOL-PERP", "BTC-PERP", "ETH-PERP", "SOL", "BTC", "ETH"]
    entry = {"names": names, "source": SOURCES[name],
             "weights": {"init": rates, "maint": rates}}  # fmt: skip
    return mc.load_preset(name, {"classes": [entry]})


def draw(preset, seed, n_accounts=30):
    rng = np.random.default_rng(seed)
    names = [*PERPS, *INDEX, *(OPTIONS if preset == "derive_sm" else ())]
    n = 8 * n_accounts
    name = rng.choice(names, n)
    table = {
        "account": [str(a) for a in rng.integers(0, n_accounts, n)],
        "instrument": name.tolist(),
        "quantity": np.round(rng.normal(0, 3, n), 4) + 1e-5,
        "entry_price": np.where(np.isin(name, PERPS) & (rng.random(n) < 0.5), 5e3, np.nan),
    }
    chosen = np.flatnonzero(np.isin(name, PERPS) & (rng.random(n) < 0.4))
    orders = {
        "account": [table["account"][i] for i in chosen],
        "instrument": [table["instrument"][i] for i in chosen],
        "quantity": np.round(rng.normal(0, 3, len(chosen)), 4) + 1e-5,
        "limit_price": np.full(len(chosen), 5e3),
    }
    return mc.Book.from_tables(table, orders=orders)


def one_by_one(market, rows, orders, preset, n_accounts):
    """(rows of the market, accounts) as the engine's dicts, and equity; a holding at a time."""
    m, instruments = Arithmetic.of(preset), market.instruments
    _, stable = settlement(market, rows)
    token = preset.currency

    def whole(value, one):
        return round(value * one) if m.integer else value

    def describe(row):
        unit, kind = instruments.unit[row], Kind(int(instruments.kind[row]))
        own = instruments.units[unit]
        out = {"name": instruments.name[row], "unit": own,
               "index": whole(market.index_usd[unit], m.quote_one),
               "confidence": 1 if m.integer else 1.0 - market.confidence_frac[unit]}  # fmt: skip
        if kind is Kind.SPOT:
            return out | {"price": out["index"]}
        if kind is Kind.PERPETUAL:
            interest = whole(INTEREST.get(own, 0.0), m.quote_one)
            return out | {"cls": f"{own}-PERP", "kind": weights.Kind.POSITION, "settle": token,
                          "price": whole(market.forward_usd[row], m.quote_one),
                          "open_interest": interest}  # fmt: skip
        return out | {"cls": f"{own}-{kind.name}", "kind": weights.Kind[kind.name],
                      "expiry": int(instruments.expiry_ns[row]), "strike": instruments.strike[row],
                      "forward": market.forward_usd[row], "mark": market.mark_usd[row]}  # fmt: skip

    dollar = [name in ("USDC", "USDT") for name in instruments.name]
    table = [describe(row) for row in np.unique(rows.row) if not dollar[row]]
    table.append({"name": token, "price": whole(1.0, m.quote_one)})
    amounts = [{} for _ in range(n_accounts)]
    dollars, equity = np.zeros(n_accounts), np.zeros(n_accounts)
    for account, row, quantity, profit in zip(*rows[:4], strict=True):
        if dollar[row]:
            dollars[account] += quantity * market.index_usd[instruments.unit[row]] / stable
            continue
        of = amounts[account].setdefault(instruments.name[row], [0.0] * 4)
        of[0] += quantity * instruments.contract_size[row]
        if instruments.kind[row] == Kind.PERPETUAL:
            of[1] += profit - quantity * instruments.contract_size[row] * market.forward_usd[row]
            equity[account] += profit
        else:
            equity[account] += quantity * market.mark_usd[row]
    for account, code, size in zip(orders.account, orders.code, orders.quantity, strict=True):
        of = amounts[account][orders.names[code]]
        of[2 if size > 0 else 3] += abs(size)
    ones = (m.size_one, m.quote_one, m.size_one, m.size_one)
    accounts = [
        {"holdings": {name: tuple(map(whole, four, ones)) for name, four in own.items()}
         | {token: whole(cash, m.size_one)}}
        for own, cash in zip(amounts, dollars, strict=True)
    ]  # fmt: skip
    return table, accounts, stable, equity + dollars


def assert_same(ours, plain, kind):
    for field in fields(kind):
        a, b = getattr(ours, field.name), getattr(plain, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert a == b, field.name


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", SOURCES)
def test_columns_are_those_of_a_loop_over_holdings(market, name, seed):
    preset, book = preset_of(name), draw(name, seed)
    rows, n = held(market, book), len(book)
    ours = weights_columns(market, rows, book, preset, INTEREST)
    table, accounts, stable, equity = one_by_one(market, rows, book.orders, preset, n)
    m = Arithmetic.of(preset)
    plain = weights.Market.of(m, table, stable)
    assert_same(ours.market, plain, weights.Market)
    assert_same(ours.book, weights.Book.of(m, plain, accounts), weights.Book)
    np.testing.assert_array_equal(ours.equity_usd, equity)


def ordering(*orders, cash=0.0):
    """A book of one account that has cash and orders (instrument, quantity), and no position."""
    names, quantities = zip(*orders, strict=True)
    n = len(names)
    return mc.Book.from_tables(
        None,
        balances={"account": ["a"], "currency": ["USDC"], "quantity": [cash]},
        orders={"account": ["a"] * n, "instrument": names, "quantity": quantities,
                "limit_price": [1.0] * n},
    )  # fmt: skip


@pytest.mark.parametrize("name", SOURCES)
def test_an_order_without_a_position_counts_as_if_it_filled(market, name):
    preset = preset_of(name)
    for orders, worst in (([2.0, -1.5, 0.5], 2.5), ([1.0, -1.5, -0.25], -1.75)):
        found = mc.venue_margin(ordering(*((PERPS[1], q) for q in orders)), market, preset)
        filled = {"account": ["a"], "instrument": [PERPS[1]], "quantity": [worst]}
        plain = mc.venue_margin(mc.Book.from_tables(filled), market, preset)
        assert found.im_usd[0] == pytest.approx(plain.im_usd[0], rel=1e-12)
        assert found.equity_usd[0] == 0.0


@pytest.mark.parametrize(
    "instrument, words",
    [(OPTIONS[0], "no rule for open orders but of perpetuals"),
     ("SOL_USDC-PERPETUAL", "no class names it or SOL-PERP")],
)  # fmt: skip
def test_an_order_that_cannot_be_margined_is_refused_with_its_row(market, instrument, words):
    with pytest.raises(NotMarginableError, match=words) as caught:
        mc.venue_margin(ordering((PERPS[1], 1.0), (instrument, 1.0)), market, "derive_sm")
    assert "orders, row 1" in str(caught.value)
    assert caught.value.row == 2  # after the one balance


@pytest.mark.parametrize(
    "name, quantity", [("derive_sm", 1e304), ("dydx_v4", 1e300), ("drift_v2", 1e298)]
)
def test_an_amount_beyond_a_double_is_refused_with_its_account(market, name, quantity):
    rows = {"account": ["a", "b"], "instrument": ["USDC", PERPS[1]], "quantity": [1.0, quantity]}
    with pytest.raises(DomainError, match="account 'b': its amounts overflow") as caught:
        mc.venue_margin(mc.Book.from_tables(rows), market, preset_of(name))
    assert caught.value.row == 1
