# SPDX-License-Identifier: Apache-2.0
"""Depth, plans and what is left of a book after them."""

import numpy as np
import pytest

import margin_core as mc
from margin_core.errors import (
    ArgumentError,
    DomainError,
    NotFiniteError,
    RowOrderError,
    UnknownInstrumentError,
)
from margin_core.liquidation import OUTCOMES, Depth
from margin_core.synthetic import synthetic_book, synthetic_market

NOW = 1_767_225_600 * 10**9


@pytest.fixture(scope="module")
def venue():
    market = synthetic_market(seed=3)
    margin = mc.Margin.of(market, "house")
    return margin, synthetic_book(market, 60_000, margin=margin, seed=3).pack(margin.risk)


@pytest.fixture(scope="module")
def eth():
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [3_000.0]}
    market = mc.Market.from_table(quotes, now=NOW, index={"ETH": 3_000.0, "USDC": 1.0})
    return mc.Margin.of(market)


def deep(margin, **options):
    return Depth.square_root(margin, 2e6, 0.002, half_spread_frac=0.0002, **options)


def one(margin, quantity, cash):
    """Worth `cash`: the profit of the position has been settled."""
    held = {"account": ["a", "a"], "instrument": ["ETH_USDC-PERPETUAL", "USDC"],
            "quantity": [quantity, cash]}  # fmt: skip
    return mc.Book.from_tables(held).pack(margin.risk)


def test_plans_leave_what_they_say(venue):
    margin, book = venue
    plans = mc.plan(book, margin, deep(margin), market_exposure=False, buffer_frac=0.1)
    assert plans.counts()["restored"] > 10
    after = mc.sweep(plans.after(), margin, market_exposure=False)
    rows = plans.plans["account"]
    own = book.owner_row[rows] < 0  # an owner's exposure is held while plans run
    for name in ("equity", "mm"):
        assert (after.quanta[name][rows] == plans.plans[f"{name}_after"])[own].all()
    restored = (plans.outcome == "restored") & own
    equity, mm = (plans.plans[f"{name}_after"][restored] for name in ("equity", "mm"))
    assert (equity * 1024 >= mm * (1024 + 103)).all()


def test_accounts_that_are_not_planned_do_not_change(venue):
    margin, book = venue
    plans = mc.plan(book, margin, deep(margin))
    after = plans.after()
    others = np.setdiff1d(np.arange(len(book.cash)), plans.plans["account"])
    assert (after.cash[others] == book.cash[others]).all()
    for a in others[:300]:
        was, now = slice(*book.offset[a : a + 2]), slice(*after.offset[a : a + 2])
        assert (book.row[was] == after.row[now]).all()
        assert (book.lots[was] == after.lots[now]).all()


def test_no_plan_makes_an_account_worse(venue):
    margin, book = venue
    for seed in range(3):
        depth = Depth.square_root(margin, 10.0 ** (5 + seed), 0.01)
        plans = mc.plan(book, margin, depth).plans
        traded = plans[(plans["count"] > 0) & (plans["mm_after"] > 0)]
        for p in traded:
            before = int(p["equity"]) * int(p["mm_after"])
            assert int(p["equity_after"]) * int(p["mm"]) >= before


def test_the_worst_comes_first_and_takes_the_depth(venue):
    margin, book = venue
    standing = mc.sweep(book, margin)
    depth = deep(margin)
    plans = mc.plan(book, margin, depth, standing=standing)
    assert (plans.plans["account"] == standing.order[: len(plans)]).all()
    lots = np.zeros(len(depth.taken))
    side = 2 * plans.trades["instrument"] + (plans.trades["lots"] > 0)
    np.add.at(lots, side, np.abs(plans.trades["lots"]))
    assert (depth.taken == lots).all() and lots.any()


def test_a_linear_account_sells_the_least(eth):
    book = one(eth, 10.0, 4_000.0)
    standing = mc.sweep(book, eth, market_exposure=False)
    equity, mm = (int(standing.quanta[name][0]) for name in ("equity", "mm"))
    assert equity == 4_000 * 10**6 < mm
    plans = mc.plan(book, eth, Depth.square_root(eth, 1e8, 0.0), market_exposure=False)
    assert plans.outcome.tolist() == ["restored"]
    table = plans.trade_table()
    assert table["instrument"].tolist() == ["ETH_USDC-PERPETUAL"]
    assert -10.0 < table["quantity"][0] < 0.0
    fewer = plans.trades.copy()
    fewer["lots"] += 1.0
    less = type(plans)(plans.plans, fewer, plans.book, eth)
    left = mc.sweep(less.after(), eth, market_exposure=False)
    assert left.quanta["equity"][0] < left.quanta["mm"][0]


def test_a_plan_is_refused_once_its_account_has_changed(eth):
    plans = mc.plan(one(eth, 10.0, 4_000.0), eth, deep(eth))
    assert len(plans) == 1
    plans.check()
    with pytest.raises(RowOrderError, match="has changed") as caught:
        plans.check(one(eth, 10.0, 3_999.0))
    assert caught.value.row == 0


def test_a_check_says_whether_the_account_changed_its_own_trades_too_and_not_prices(eth):
    quotes = {"instrument": ["ETH_USDC-PERPETUAL"], "forward_usd": [3_000.0]}
    book = one(eth, 10.0, 4_000.0)
    plans = mc.plan(book, eth, deep(eth))
    assert len(plans.trades)
    with pytest.raises(RowOrderError, match="has changed"):
        plans.check(plans.after())
    held = {"account": ["a", "a"], "instrument": ["ETH_USDC-PERPETUAL", "USDC"],
            "quantity": [10.0, 4_000.0]}  # fmt: skip
    with pytest.raises(ArgumentError, match="PackedBook is needed, not Book"):
        plans.check(mc.Book.from_tables(held))
    with pytest.raises(ArgumentError, match="other risk lots"):
        plans.check(one(other_lots(eth), 10.0, 4_000.0))
    later = mc.Market.from_table(quotes, now=NOW + 1, index={"ETH": 2_999.0, "USDC": 1.0})
    assert np.array_equal(mc.Margin.of(later).risk.lot, eth.risk.lot)
    plans.check(book)


def test_what_goes_in_any_case_is_what_comes_back_of_one_depth(eth):
    """Half of a depth is back in a half-life: a 32nd of the side, of 1.6 million USD.

    No price may be pushed at all, for another account would mind.
    """
    held = {"account": ["a", "a", "b", "b"], "instrument": ["ETH_USDC-PERPETUAL", "USDC"] * 2,
            "quantity": [1_000.0, 430_000.0, 1.0, 2_000.0]}  # fmt: skip
    book = mc.Book.from_tables(held)

    def first(**options):
        depth = Depth.square_root(eth, 1e5, 0.001)
        made = mc.work_off(book, eth, depth, interval_s=20.0, half_life_s=20.0, push=0.0, **options)
        return -next(made).trade_table()["quantity"].sum() * 3_000

    lot = float(eth.risk.lot.max()) * 3_000
    assert first() == pytest.approx(1.6e6 / 32, abs=lot)
    assert first(least=0.02) == pytest.approx(0.02 * 1.6e6, abs=lot)
    assert first(share=0.01) == pytest.approx(0.01 * 1.6e6, abs=lot)
    assert first(least=0.0) == 0.0
    alone = one(eth, 1_000.0, 430_000.0)
    depth = Depth.square_root(eth, 1e5, 0.001)
    made = mc.work_off(alone, eth, depth, interval_s=20.0, half_life_s=20.0, push=0.0, share=0.1)
    sold = -next(made).trade_table()["quantity"].sum() * 3_000
    assert sold == pytest.approx(0.1 * 1.6e6, abs=lot)  # nobody minds


def test_doubtful_prices_pause(eth):
    book = one(eth, 10.0, 4_000.0)
    plans = mc.plan(book, eth, deep(eth), paused=["ETH"])
    assert plans.outcome.tolist() == ["paused"] and len(plans.trades) == 0
    with pytest.raises(UnknownInstrumentError, match="DOGE"):
        mc.plan(book, eth, deep(eth), paused=["DOGE"])


def test_a_budget_spreads_a_large_account_over_intervals(eth):
    book = one(eth, 1_000.0, 430_000.0)
    depth = Depth.square_root(eth, 1e5, 0.001)
    made = list(mc.work_off(book, eth, depth, interval_s=10.0, half_life_s=20.0, share=0.1))
    assert 2 <= len(made) < 60
    assert [p.outcome[0] for p in made[:-1]] == ["waits"] * (len(made) - 1)
    assert made[-1].outcome[0] in ("restored", "backstop")
    sold = [-p.trade_table()["quantity"].sum() for p in made]
    assert max(sold) * 3_000 <= 0.1 * 16 * 1e5 * 1.001
    whole = mc.plan(book, eth, Depth.square_root(eth, 1e5, 0.001))
    cost = sum(p.table()["cost_usd"].sum() for p in made)
    if made[-1].outcome[0] == whole.outcome[0] == "restored":
        assert cost < whole.table()["cost_usd"].sum()


def test_who_cannot_wait_is_whose_equity_a_wait_may_cost(eth):
    """A move of T is sqrt(T / day) of a day's: with a tenth of IM, 0.01 day is too long."""
    book = one(eth, 100.0, 4_500.0)
    depth = deep(eth)
    depth.budget(0.0)
    plans = mc.plan(book, eth, depth, market_exposure=False)
    assert plans.outcome.tolist() == ["waits"] and plans.plans["equity_after"][0] == 4_500 * 10**6
    im = np.array([45_000 * 10**6])
    assert plans.cannot_wait(im, 864.0 * 1.01).tolist() == [True]
    assert plans.cannot_wait(im, 864.0 * 0.99).tolist() == [False]
    assert plans.cannot_wait(2 * im, 864.0 * 0.26).tolist() == [True]
    half = type(plans)(plans.plans.copy(), plans.trades, book, eth)
    half.plans["mm_after"] //= 2  # half is sold: half of IM is left, and as much equity
    assert half.cannot_wait(im, 4 * 864.0 * 1.01).tolist() == [True]
    assert half.cannot_wait(im, 4 * 864.0 * 0.99).tolist() == [False]
    for wrong in (-1.0, float("nan"), float("inf")):
        with pytest.raises(DomainError, match="wait_s"):
            plans.cannot_wait(im, wrong)


def test_who_does_not_wait_is_not_handed_over(venue):
    margin, book = venue
    standing = mc.sweep(book, margin, market_exposure=False)
    depth = deep(margin)
    depth.budget(0.001)
    plans = mc.plan(book, margin, depth, standing=standing, market_exposure=False)
    waits = plans.outcome == "waits"
    assert waits.sum() > 10 and (~waits).any()
    im = standing.quanta["im"]
    assert np.array_equal(plans.cannot_wait(im, 1e9), waits & (plans.plans["mm_after"] > 0))
    assert not plans.cannot_wait(im, 0.0).any()


def test_the_next_threshold_limits_the_push(venue):
    margin, book = venue
    standing = mc.sweep(book, margin)
    near = mc.next_thresholds(book, margin, standing)
    assert set(near) == set(margin.units)
    assert all(down > 0.0 and up > 0.0 for down, up in near.values())
    depth = deep(margin)
    depth.budget(1.0, move=dict.fromkeys(near, (0.0, 0.0)))
    plans = mc.plan(book, margin, depth, standing=standing)
    assert len(plans.trades) == 0 and plans.counts()["waits"] > 0


def test_a_book_of_levels_is_a_ladder(eth):
    name = "ETH_USDC-PERPETUAL"
    bids, asks = [(2_999.0, 1.0), (2_990.0, 5.0)], [(3_001.0, 2.0), (3_010.0, 7.0)]
    depth = Depth.from_books(eth, {name: (bids, asks)})
    row = list(eth.risk.instruments.name).index(name)
    lot = eth.risk.lot[row]
    first = depth._offset[2 * row]
    assert (depth._lots[first : first + 4] * lot).tolist() == [1.0, 5.0, 2.0, 7.0]
    per_coin = depth._cost[first : first + 4] / lot * 1e-6
    assert per_coin == pytest.approx([1.0, 10.0, 1.0, 10.0])


def costs_of(margin, name, bids, asks):
    """USD per 1.0 of quantity given up at each level: selling, buying."""
    depth = Depth.from_books(margin, {name: (bids, asks)})
    row = list(margin.risk.instruments.name).index(name)
    first, middle, last = depth._offset[2 * row : 2 * row + 3]
    cost = depth._cost / margin.risk.lot[row] * 1e-6
    return cost[first:middle].tolist(), cost[middle:last].tolist()


def test_a_level_costs_its_distance_from_the_mark_and_not_from_the_books_middle(eth):
    """Marked at 3,000, on paper: a book at 2,700 sells 300 below it, and buys for nothing."""
    name = "ETH_USDC-PERPETUAL"
    below = costs_of(
        eth, name, [(2_699.5, 100.0), (2_690.0, 5.0)], [(2_700.5, 9.0), (3_010.0, 9.0)]
    )
    assert below == ([300.5, 310.0], [0.0, 10.0])
    above = costs_of(eth, name, [(3_299.5, 1.0), (2_990.0, 5.0)], [(3_300.5, 2.0)])
    assert above == ([0.0, 10.0], [300.5])


def test_a_book_far_below_the_mark_sells_at_its_prices(eth):
    """What closing leaves is what selling at the bid leaves."""
    name, book = "ETH_USDC-PERPETUAL", one(eth, 10.0, 4_000.0)
    depth = Depth.from_books(eth, {name: ([(2_950.0, 1e4)], [(2_951.0, 1e4)])})
    plans = mc.plan(book, eth, depth)
    sold = -plans.trade_table()["quantity"].sum()
    assert sold > 0.0
    assert plans.table()["cost_usd"].sum() == pytest.approx(sold * 50.0)
    far = Depth.from_books(eth, {name: ([(2_500.0, 1e4)], [(2_501.0, 1e4)])})
    assert mc.plan(book, eth, far).outcome.tolist() == ["backstop"]  # 500 of 400 equity a coin


def test_levels_are_in_the_venues_price_whatever_the_contract():
    """Linear in a stablecoin of 0.99, inverse in USD a coin, an option in coin, spot in USD."""
    call = "BTC-27MAR26-60000-C"
    names = ["BTC_USDC-PERPETUAL", "BTC-PERPETUAL", call]
    quotes = {"instrument": names, "forward_usd": [60_000.0] * 3, "vol": [None, None, 0.6]}
    market = mc.Market.from_table(quotes, now=NOW, index={"BTC": 60_000.0, "USDC": 0.99})
    margin = mc.Margin.of(market)
    near = [(59_400.0, 50.0)], [(60_600.0, 50.0)]
    assert costs_of(margin, "BTC_USDC-PERPETUAL", *near) == (
        pytest.approx([594.0], rel=1e-6), pytest.approx([594.0], rel=1e-6)
    )  # fmt: skip
    many = [(59_400.0, 1e6)], [(60_600.0, 1e6)]
    selling, buying = costs_of(margin, "BTC-PERPETUAL", *many)
    assert selling == pytest.approx([60_000 / 59_400 - 1], rel=1e-3)
    assert buying == pytest.approx([1 - 60_000 / 60_600], rel=1e-3)
    mark = market.mark_usd[list(market.instruments.name).index(call)] / 60_000.0
    off = [(mark - 0.001, 50.0)], [(mark + 0.002, 50.0)]
    assert costs_of(margin, call, *off) == (
        pytest.approx([60.0], rel=1e-6), pytest.approx([120.0], rel=1e-6)
    )  # fmt: skip
    assert costs_of(margin, "BTC", *near) == (
        pytest.approx([600.0], rel=1e-6), pytest.approx([600.0], rel=1e-6)
    )  # fmt: skip


@pytest.mark.parametrize(
    ("bids", "asks", "error", "words"),
    [
        ([], [(1.0, 1.0)], DomainError, "empty book"),
        ([(2.0, 1.0)], [(1.0, 1.0)], DomainError, "crossed"),
        ([(1.0, 1.0)], [(1.0, 1.0)], DomainError, "crossed"),
        ([(1.0, -1.0)], [(2.0, 1.0)], DomainError, "bid 0"),
        ([(1.0, 1.0)], [(2.0, 1.0), (1.5, 1.0)], RowOrderError, "ask 1"),
        ([(1.0, float("nan"))], [(2.0, 1.0)], NotFiniteError, "bid 0"),
        ([1.0], [(2.0, 1.0)], ArgumentError, "pairs"),
    ],
)
def test_a_broken_book_is_named(eth, bids, asks, error, words):
    with pytest.raises(error, match=words):
        Depth.from_books(eth, {"ETH_USDC-PERPETUAL": (bids, asks)})


def test_what_makes_no_sense_is_refused_and_takes_nothing(eth):
    book, depth = one(eth, 10.0, 4_000.0), deep(eth)
    with pytest.raises(DomainError, match="buffer_frac"):
        mc.plan(book, eth, depth, buffer_frac=1.5)
    with pytest.raises(DomainError, match="fee_frac"):
        mc.plan(book, eth, depth, fee_frac=-0.1)
    with pytest.raises(RowOrderError, match="twice"):
        mc.plan(book, eth, depth, [0, 0])
    with pytest.raises(UnknownInstrumentError, match="account 7"):
        mc.plan(book, eth, depth, [7])
    with pytest.raises(ArgumentError, match="whole"):
        mc.plan(book, eth, depth, [0.5])
    with pytest.raises(DomainError, match="ETH_USDC-PERPETUAL"):
        Depth.square_root(eth, -1.0, 0.01)
    with pytest.raises(ArgumentError, match="no entry for ETH"):
        Depth.square_root(eth, {"BTC": 1.0}, 0.01)
    with pytest.raises(UnknownInstrumentError, match="SOL"):
        Depth.from_books(eth, {"SOL": ([(1.0, 1.0)], [(2.0, 1.0)])})
    with pytest.raises(DomainError, match="share"):
        depth.budget(2.0)
    with pytest.raises(DomainError):
        depth.recover(-1.0, 5.0)
    assert not depth.taken.any()


def test_outcomes_are_the_core_s(venue):
    margin, book = venue
    plans = mc.plan(book, margin, deep(margin), np.arange(500))
    assert set(plans.outcome) <= set(OUTCOMES)
    assert sum(plans.counts().values()) == 500 == len(plans.table()["account"])
    assert "500 accounts" in repr(plans)


def test_threads_do_not_change_a_threshold(venue):
    margin, book = venue
    standing = mc.sweep(book, margin)
    assert mc.next_thresholds(book, margin, standing, threads=1) == mc.next_thresholds(
        book, margin, standing, threads=4
    )


def other_lots(margin):
    """The same market under a model whose ranges, and so risk lots, are others."""
    ranged = mc.with_ranges("house", {"ETH": 0.9}).model
    other = mc.Margin.of(margin.market, ranged)
    assert not np.array_equal(other.risk.lot, margin.risk.lot)
    return other


def packed_calls(book, margin, depth, standing):
    return {
        "sweep": lambda: mc.sweep(book, margin),
        "scan": lambda: mc.scan(book, margin.risk),
        "plan": lambda: mc.plan(book, margin, depth),
        "next_thresholds": lambda: mc.next_thresholds(book, margin, standing),
        "work_off": lambda: next(mc.work_off(book, margin, depth, interval_s=1, half_life_s=1)),
        "ruin": lambda: mc.ruin(book, margin, margin.risk.scenarios),
    }


@pytest.mark.parametrize("call", ["sweep", "scan", "plan", "next_thresholds", "work_off", "ruin"])
def test_a_book_of_other_lots_is_refused(eth, call):
    """10 ETH are 10 ETH: under other lots the same numbers would be another position."""
    other = other_lots(eth)
    book, fresh = one(eth, 10.0, 4_000.0), one(other, 10.0, 4_000.0)
    standing = mc.sweep(fresh, other)
    with pytest.raises(ArgumentError, match=r"other risk lots: .* of ETH.*anew"):
        packed_calls(book, other, deep(other), standing)[call]()
    packed_calls(fresh, other, deep(other), standing)[call]()


def test_a_book_of_other_instruments_is_refused(eth, venue):
    with pytest.raises(ArgumentError, match=r"packed for 3 instruments, not \d+"):
        mc.sweep(one(eth, 10.0, 4_000.0), venue[0])


def test_lots_are_remembered_by_what_is_made_of_a_book_and_not_asked_of_a_hand_made_one(eth):
    other, book = other_lots(eth), one(eth, 10.0, 4_000.0)
    assert book.risk_lot is eth.risk.lot
    plans = mc.plan(book, eth, deep(eth))
    with pytest.raises(ArgumentError, match="other risk lots"):
        mc.sweep(plans.after(), other)
    mc.sweep(book.with_columns(len(other.risk.instruments), risk_lot=None), other)


def test_a_depth_of_other_lots_and_a_standing_of_another_book_are_refused(eth):
    other, book = other_lots(eth), one(eth, 10.0, 4_000.0)
    depth = deep(other)
    with pytest.raises(ArgumentError, match="the depth is made under other risk lots"):
        mc.plan(book, eth, depth)
    assert not depth.taken.any()
    with pytest.raises(ArgumentError, match="Book is needed, not PackedBook"):
        mc.explain(book, eth, "a")
    with pytest.raises(ArgumentError, match="Depth is needed"):
        mc.plan(book, eth, None)
    two = {"account": ["a", "b"], "instrument": ["ETH", "ETH"], "quantity": [1.0, 1.0]}
    standing = mc.sweep(mc.Book.from_tables(two), eth)
    held = mc.Book.from_columns(1, ([0], [0], ["ETH"], [1.0]))
    for call in (
        lambda: mc.plan(book, eth, deep(eth), standing=standing),
        lambda: mc.next_thresholds(book, eth, standing),
        lambda: mc.explain(held, eth, "0", standing=standing),
    ):
        with pytest.raises(ArgumentError, match="standing is of 2 accounts, the book has 1"):
            call()


@pytest.mark.parametrize(
    ("im", "error", "words"),
    [
        ([float("nan")], DomainError, "im of account 0"),
        ([-1], DomainError, "im of account 0 is -1"),
        ([float("inf")], DomainError, "im of account 0"),
        ([], ArgumentError, "the book has 1 accounts"),
        ([1, 2], ArgumentError, "the book has 1 accounts"),
        (1, ArgumentError, "the book has 1 accounts"),
        (["x"], ArgumentError, "im: numbers are needed"),
    ],
)
def test_a_requirement_that_is_none_is_refused(eth, im, error, words):
    plans = mc.plan(one(eth, 10.0, 4_000.0), eth, deep(eth))
    with pytest.raises(error, match=words):
        plans.cannot_wait(im, 1.0)


def test_a_budget_of_a_unit_that_is_not_there_is_refused(eth):
    depth = deep(eth)
    with pytest.raises(UnknownInstrumentError, match="move of 'FOO'"):
        depth.budget(move={"ETH": (0.1, 0.1), "FOO": (0.1, 0.1)})
    with pytest.raises(ArgumentError, match="proportional: bool"):
        mc.plan(one(eth, 10.0, 4_000.0), eth, depth, proportional="no")
    for wait in ("long", True, None):
        with pytest.raises(DomainError, match="wait_s"):
            mc.plan(one(eth, 10.0, 4_000.0), eth, deep(eth)).cannot_wait([1], wait)


def test_a_proportional_plan_needs_a_side_for_every_contract():
    """Nobody buys the ether: selling the bitcoin alone would be no proportion."""
    names = ["BTC_USDC-PERPETUAL", "ETH_USDC-PERPETUAL"]
    quotes = {"instrument": names, "forward_usd": [60_000.0, 3_000.0]}
    market = mc.Market.from_table(quotes, now=NOW, index={"BTC": 6e4, "ETH": 3e3, "USDC": 1.0})
    margin = mc.Margin.of(market)
    book = mc.Book.from_columns(1, ([0] * 3, [0, 1, 2], [*names, "USDC"], [1.0, 20.0, 12_000.0]))
    sides = {name: ([(p - 1.0, 1e3)], [(p + 1.0, 1e3)])
             for name, p in zip(names, (60_000.0, 3_000.0), strict=True)}  # fmt: skip
    both = mc.plan(book, margin, Depth.from_books(margin, sides), proportional=True)
    sold = -both.trade_table()["quantity"]
    assert both.outcome.tolist() == ["restored"]
    assert sold[0] / 1.0 == pytest.approx(sold[1] / 20.0, rel=0.01)
    half = Depth.from_books(margin, {names[0]: sides[names[0]]})
    plans = mc.plan(book, margin, half, proportional=True)
    assert plans.outcome.tolist() == ["backstop"]
    assert len(plans.trades) == 0 and not half.taken.any()
