# SPDX-License-Identifier: Apache-2.0
"""stETH in June 2022: nobody healthy is liquidated and nothing is left unpaid.

The queue is assumed: 5 days while the exit is open, 60 while it is closed, either half as long
again. Withdrawals did not exist in 2022; they opened in May 2023.
"""

import numpy as np
import pytest

from margin_core import AssetPrices, haircuts, replay_discount
from margin_core.collateral.replay import read_steth_2022
from margin_core.errors import ArgumentError, DomainError, FileError

#: Curve's pool held 0.62 of 4.5 billion USD by mid June.
DEPTH_LEFT = 0.14


@pytest.fixture(scope="module")
def prices(shared):
    pytest.importorskip("pyarrow")
    return read_steth_2022(shared / "data" / "collateral")


@pytest.mark.parametrize("debt", ["unit", "USD"])
@pytest.mark.parametrize("is_open", [True, False])
@pytest.mark.parametrize("feed", ["steth_usd", "oracle_usd"])
def test_nobody_healthy_is_liquidated_and_no_debt_is_left(prices, feed, is_open, debt):
    done = replay_discount(
        "stETH", prices[feed], prices["weth_usd"], sale_usd=prices["steth_usd"],
        exit_open=is_open, debt=debt, depth_left_frac=DEPTH_LEFT,
    )  # fmt: skip
    assert done.accounts == len(prices["time_s"]) > 2000
    assert done.lowest_market < 0.94
    assert (done.wrongful, done.bad_debt_usd) == (0, 0.0)
    if debt == "unit":
        assert done.liquidated == 0
        assert done.least_cover > 1.0
    else:
        assert done.liquidated > 1000  # ETH fell by two thirds: these are no wrong


@pytest.mark.parametrize("millions", [10, 50, 100, 150, 200])
@pytest.mark.parametrize("is_open", [True, False])
def test_an_account_of_any_size_is_covered(prices, is_open, millions):
    """Up to half of the owner's cap the exit's haircut does it, beyond that the cap lends less."""
    done = replay_discount(
        "stETH", prices["steth_usd"], prices["weth_usd"], exit_open=is_open,
        depth_left_frac=DEPTH_LEFT, amount_usd=millions * 1e6,
    )  # fmt: skip
    assert (done.wrongful, done.bad_debt_usd) == (0, 0.0)
    assert done.least_cover > 0.9999


def test_marking_at_the_market_liquidates_the_same_accounts_wrongly(prices):
    done = replay_discount("stETH", prices["steth_usd"], prices["weth_usd"], exit_open=True)
    assert done.market_wrongful > 1000


def test_a_closed_exit_that_is_believed_to_open_soon_liquidates_wrongly(prices):
    done = replay_discount(
        "stETH", prices["steth_usd"], prices["weth_usd"], exit_open=False, queue_days=5.0
    )
    assert done.wrongful > 1000


def test_one_wrong_print_is_left_out(prices):
    ratio = prices["steth_usd"] / prices["weth_usd"]
    assert ratio.min() > 0.93 and ratio.max() < 1.05


def path(n=48, low=0.93):
    coin = np.full(n, 2000.0)
    return coin * np.concatenate([np.ones(n // 2), np.full(n - n // 2, low)]), coin


def test_a_fall_that_redemption_does_not_follow_liquidates_nobody():
    done = replay_discount("stETH", *path(), exit_open=True)
    assert (done.liquidated, done.wrongful, done.market_wrongful) == (0, 0, 24)


def test_a_real_fall_of_the_coin_liquidates_and_its_gap_is_bad_debt():
    """USD debts; ETH falls by 10 % and by 40 % within an hour: 18 % is the haircut."""
    for fall, unpaid in ((0.9, False), (0.6, True)):
        coin = np.concatenate([np.full(5, 2000.0), np.full(5, 2000.0 * fall)])
        done = replay_discount("stETH", coin, coin, exit_open=True, debt="USD")
        assert done.liquidated == 5
        assert (done.bad_debt_usd > 0.0) == unpaid


def test_a_sale_is_at_the_next_hours_market():
    coin = np.array([2000.0, 2000.0, 1800.0, 1200.0, 1200.0])
    done = replay_discount("stETH", coin, coin, exit_open=True, debt="USD")
    assert done.liquidated == 3  # two that fell by 10 % at first, one by 33 %
    paid = 1.0 - 0.02 * (1e6 / 50e6) ** 0.5
    owed = [x * (1.0 - lacking()) for x in (2000.0, 2000.0, 1800.0)]
    short = [o - 1200.0 * paid for o in owed]
    amount = [1e6 / x for x in (2000.0, 2000.0, 1800.0)]
    assert done.bad_debt_usd == pytest.approx(np.dot(amount, short), rel=1e-6)


def lacking():
    """What a dollar of stETH lacks of credit in a cross account: its wait, range and exit."""
    prices = AssetPrices({}, {"ETH": 1.0, "stETH": 1.0})
    h = haircuts(["stETH"], prices, mode="cross", amount_usd={"stETH": 1e6})
    return 1.0 - h.mark_usd[0] * (1.0 - h.haircut_im_frac[0])


def test_bad_input_is_named(tmp_path):
    market, coin = path()
    for options, error, message in (
        ({"market_usd": market[1:]}, ArgumentError, "unit_usd: shape"),
        ({"unit_usd": -coin}, DomainError, "unit_usd: a price is not positive"),
        ({"debt": "EUR"}, ArgumentError, "debt: 'EUR'"),
        ({"symbol": "wstETH"}, ArgumentError, "'wstETH' is not redeemed for"),
        ({"depth_left_frac": 0.0}, DomainError, "depth_left_frac = 0.0"),
    ):
        call = {"symbol": "stETH", "market_usd": market, "unit_usd": coin, "exit_open": True}
        with pytest.raises(error, match=message):
            replay_discount(**{**call, **options})
    pytest.importorskip("pyarrow")
    with pytest.raises(FileError, match=r"stETH\.parquet"):
        read_steth_2022(tmp_path)
