# SPDX-License-Identifier: Apache-2.0
"""Attacks through what a price is used for: credit, withdrawals, orders, accounts by the dozen."""

import numpy as np
import pytest

import margin_core as mc
from attacks.conftest import VARIANTS, drawn
from attacks.feeds import START, Feeds
from margin_core.model import MarginModel, load_model

PRICE, YEAR_S = 10.0, 31_536_000


def coin():
    """The house model's entry for coins nobody has named: initial margin 35 %."""
    return load_model("house").unit("XYZ")


def perpetuals(n):
    """A market of n coins, each with a linear perpetual."""
    names = [f"X{i}_USDC-PERPETUAL" for i in range(n)]
    quotes = {"instrument": names, "forward_usd": [PRICE] * n, "step": [1.0] * n}
    index = {f"X{i}": PRICE for i in range(n)} | {"USDC": 1.0}
    return mc.Market.from_table(quotes, now=START, index=index)


def swept(margin, quantity, which=None, owner=None):
    """Accounts of one position each, in perpetual `which`, through the whole engine."""
    n = len(quantity)
    accounts = np.arange(n).astype(str).astype(object)
    which = np.zeros(n, int) if which is None else which
    names = np.array([f"X{i}_USDC-PERPETUAL" for i in range(which.max() + 1)], dtype=object)
    positions = {"account": accounts, "instrument": names[which], "quantity": quantity,
                 "entry_price": [PRICE] * n}  # fmt: skip
    table = None if owner is None else {"account": accounts, "owner": [owner] * n}
    return mc.sweep(mc.Book.from_tables(positions, accounts=table), margin)


def test_a_pump_lends_its_maker_no_more_than_he_brought(chance):
    """Class 11: long and short with himself, all venues pumped by up to 24 times over a minute to
    four hours; the long's gain is borrowed at every tick that lets him."""
    feeds = Feeds(chance)
    feeds.settle()
    p0, im = feeds.truth.copy(), coin().range_frac
    goal = np.exp(chance.uniform(np.log(1.2), np.log(24), feeds.n))
    ticks = 60
    step_s = np.exp(chance.uniform(np.log(60), np.log(4 * 3600), feeds.n)) / ticks
    cash = im * p0 * chance.uniform(1.0, 2.0, feeds.n)
    most = np.zeros(feeds.n)
    for k in range(1, ticks + 1):
        feeds.truth = p0 * goal ** (k / ticks)
        readings = feeds.tick(step_s)
        credit = feeds.credit(readings)
        requirement = im * np.maximum(readings["price"], readings["high"])
        most = np.maximum(most, np.where(credit > 0, cash + credit - p0 - requirement, 0.0))
    assert (most <= 2 * cash).all(), "his own and his other account's"


def test_after_the_largest_withdrawal_a_close_out_at_its_own_size_is_paid(chance):
    """Class 12: up to fifty times the depth; all above initial margin leaves, the price moves by
    the whole range, the position is closed at square-root impact."""
    n, depth = VARIANTS, coin().depth_usd
    notional = depth * np.exp(chance.uniform(np.log(1e-3), np.log(50), n))
    quantity = np.rint(chance.choice([-1, 1], n) * notional / PRICE)
    left = swept(mc.Margin.of(perpetuals(1)), quantity).amount("im")
    notional = np.abs(quantity) * PRICE
    size = np.minimum(notional, 16 * depth)  # beyond, the house's law is flat
    cost = 2 / 3 * coin().impact_frac * np.sqrt(size / depth) + coin().close_frac
    assert (left - (coin().range_frac + cost) * notional >= 0).all()


def split_positions(chance, n):
    """n positions, each in a coin of its own, and the parts each is dealt to."""
    parts = chance.integers(2, 9, n)
    which = np.repeat(np.arange(n), parts)
    whole = np.exp(chance.uniform(np.log(1e5), np.log(1e8), n)) / PRICE
    shares = chance.exponential(1.0, len(which))
    split = np.ceil(whole[which] * shares / np.bincount(which, shares)[which])
    return split, which, np.bincount(which, split)


@pytest.mark.parametrize("known", [True, False])
def test_accounts_by_the_dozen_pay_for_the_size_of_the_whole(chance, known):
    """Class 14. One owner's accounts pay what one account pays. Where nobody knows whose they are
    the owner's part is lost; what is charged for the market's one-sidedness is not."""
    data = load_model("house").model_dump()
    for unit in data["units"] if not known else ():
        unit["depth_usd"] = unit["impact_frac"] = 0.0
    n = 1000
    market = perpetuals(n)
    whole_margin, split_margin = mc.Margin.of(market, MarginModel.parse(data)), mc.Margin.of(market)
    for _ in range(drawn(n) // n):
        split, which, whole = split_positions(chance, n)
        together = swept(whole_margin, whole, np.arange(n))
        apart = swept(split_margin, split, which, owner="x" if known else None)
        paid = np.bincount(which, apart.amount("im"))
        assert (together.amount("concentration") > 0).all()
        assert (paid >= together.amount("im") * (1 - 1e-9) - 1e-4).all()


def test_knowing_the_next_price_is_worth_less_than_the_fee(chance):
    """Class 15: orders fill at the edges of a price up to ten seconds old; the trader knows the
    price now. Volatility up to 150 % a year; a taker pays 0.02 %."""
    feeds = Feeds(chance)
    feeds.settle()
    age_s = 10.0
    old = feeds.quotes(feeds.truth)
    feeds.tell(old)
    feeds.wait(age_s)
    readings = feeds.tell(old)
    vol = chance.uniform(0.2, 1.5, feeds.n)
    move = np.exp(vol * np.sqrt(age_s / YEAR_S) * chance.standard_normal(feeds.n))
    known = feeds.truth * move
    _, buys_at = feeds.feed.prices(readings, -1.0, "risk_increasing")
    _, sells_at = feeds.feed.prices(readings, 1.0, "risk_increasing")
    fee = 2e-4 * feeds.truth
    gain = np.maximum(np.maximum(known - buys_at, sells_at - known), 0.0)
    worth = np.where(gain > 0, gain - fee, 0.0) / feeds.truth  # he trades only when it pays
    assert (gain / feeds.truth).mean() <= 2e-4
    assert worth.mean() <= 0.05 * 2e-4, "what is left is a twentieth of one fee a try"


def test_a_numeraire_off_its_peg_is_priced_not_assumed(chance):
    """Class 20 through the engine: a stablecoin's fall takes the same part of every balance, and
    what it lends falls with it. A thousand of them at once, each at a price of its own."""
    n = 1000
    names = [f"U{i}" for i in range(n)]
    accounts = np.arange(n).astype(str).astype(object)
    for _ in range(drawn(n) // n):
        price = chance.uniform(0.25, 1.0, n)
        quotes = {"instrument": ["BTC_USDC-PERPETUAL"], "forward_usd": [60_000.0]}
        index = {"BTC": 60_000.0, "USDC": 1.0, **dict(zip(names, price.tolist(), strict=True))}
        market = mc.Market.from_table(quotes, now=START, index=index)
        cash = np.round(chance.uniform(-1e6, 1e6, n), 6)
        balances = {"account": accounts, "currency": names, "quantity": cash}
        nothing = {"account": [], "instrument": [], "quantity": []}
        book = mc.Book.from_tables(nothing, balances=balances)
        standing = mc.sweep(book, mc.Margin.of(market))
        equity, im = standing.amount("equity"), standing.amount("im")
        assert np.allclose(equity, cash * price, atol=2e-2)
        assert (equity - im <= np.maximum(cash * price, 0.0) + 2e-2).all(), "no free credit"
