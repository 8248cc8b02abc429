# SPDX-License-Identifier: Apache-2.0
"""Margin counted in a coin: the same book, in another money."""

import re

import numpy as np
import pytest

import margin_core as mc
from margin_core.risk import RiskArray
from margin_core.synthetic import synthetic_market


@pytest.fixture(scope="module")
def market():
    return synthetic_market(n_instruments=300)


def test_a_coin_as_numeraire_gets_risk_lots_of_its_own(market):
    risk = RiskArray.price(market, mc.load_model("house"), quantum=1e-8, numeraire="BTC")
    index = market.index_usd[market.instruments.units.index("BTC")]
    assert risk.numeraire == "BTC"
    assert risk.handle.quantum_usd == pytest.approx(1e-8 * index)
    assert (risk.cells == np.rint(risk.cells)).all()


def test_an_inverse_perpetual_gains_its_move_over_one_plus_it_in_coins(market):
    # The payoff of an inverse contract is size (1/F - 1/F') coins.
    risk = RiskArray.price(market, mc.load_model("house"), quantum=1e-8, numeraire="BTC")
    row = int(risk.instruments.index_of(["BTC-PERPETUAL"])[0])
    unit = risk.scenarios.units.index("BTC")
    move, weight = risk.scenarios.spot_move[unit], risk.scenarios.weight[unit]
    coins = risk.lot[row] / risk.market.forward_usd[row]
    expected = weight * coins * move / (1.0 + move) / 1e-8
    np.testing.assert_allclose(risk.cells[row], expected, rtol=0, atol=0.51)


def test_an_account_is_shown_in_coins(market):
    model = mc.load_model("house")
    text = {"numeraire": "BTC", "size": 1e-10}
    in_coin = model.model_copy(update={"quantum": model.quantum.model_copy(update=text)})
    margin = mc.Margin.of(market, in_coin)
    book = mc.Book.from_tables(
        {"account": ["a", "b"], "instrument": ["BTC", "USDC"], "quantity": [0.25, 1_000.0]}
    )
    standing = mc.sweep(book, margin, units=True)
    assert standing.quanta["core"][0] == 0 and standing.quanta["core"][1] > 0
    assert standing.amount("equity")[0] == pytest.approx(0.25)
    explained = mc.explain(book, margin, "a", standing=standing).text()
    assert "Equity is 0.25000 BTC" in " ".join(explained.split())
    said = " ".join(mc.explain(book, margin, "b", standing=standing).text().split())
    assert "0.00 BTC" not in said
    # Dollars are lost in coins when the coin rises: the words name its move.
    assert re.search(r"for stablecoins is USDC .* %, BTC \+\d+ %, in which all is counted", said)
