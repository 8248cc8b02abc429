# SPDX-License-Identifier: Apache-2.0
"""Prices of liquidations: Derive's auctions and dYdX's fillable price."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from margin_core.auction import DERIVE, Decay, fillable_price
from margin_core.venues.answers.case import Case, Expected, Unread
from margin_core.venues.answers.derive import WAD, pm1_state
from margin_core.venues.answers.record import Record

__all__ = ["derive_auction", "dydx_fillable"]

# Derive: what a bid does to a portfolio, margined as version 1 margins it

#: The suite's parameters, as its file states them. Solved from its answers: the price of an
#: insolvent portfolio runs from 0, in the time of the fast auction, to `LOWER_BOUND` of the buffer
#: margin at the start; and a bid on one asks for a share of the portfolio as it was at the start.
SUITE = DERIVE.with_rules(
    decay=Decay.linear([(0, 0.98), (100, 0.8), (14_500, 0.0)]),
    buffer_frac=0.2, fee_frac=0.02, insolvent_s=100,
)  # fmt: skip
LOWER_BOUND = 1.1
STATE_TOLERANCE = 1e-8
#: Given the state; of a number that cancels, relative to what it is the difference of.
BID_TOLERANCE = 1e-12

State = Callable[[], tuple[float, float]]


def derive_auction(data: Record, _: str) -> Iterator[Unread]:
    """The account before every bid is judged against our margin, the bid against its own state."""
    cases = data.record("cases")
    for name in cases:
        yield Unread(name, partial(_auction_case, cases, name))


def _auction_case(cases: Record, name: str) -> Case:
    case = cases.record(name)
    start_s = case["StartTime"]
    start = pm1_state(case.record("InitialPortfolio"), start_s)
    solvers: list[Callable[[], dict[str, float]]] = []
    expected: list[Expected] = []
    if not case.flag("IsForce"):
        solvers.append(lambda: {"fee": float(SUITE.fee(*start()))})
        expected.append(_expect("fee", case["LiquidationFee"], BID_TOLERANCE))
    reserved, left = 0.0, 1.0
    for i, action in enumerate(case.records("Actions")):
        results, at = action.record("Results"), f"{i}."
        state = pm1_state(action.record("PortfolioAndFeeds"), action["Time"])
        bid = _Auctioned(action, results, action["Time"] - start_s, reserved, left)
        solvers += [partial(_states, start, state, bid.solvent, at), partial(bid.numbers, at)]
        expected += list(_bid_expected(results, at))
        reserved, left = float(bid.bid.reserved), left * float(1.0 - bid.bid.share)

    def answer() -> dict[str, float]:
        return {key: value for solve in solvers for key, value in solve().items()}

    return Case(name, "derive_pm1", answer, expected)


def _states(start: State, state: State, solvent: bool, at: str) -> dict[str, float]:
    """By our own margin: the account before the bid, and what the auction started from."""
    equity, mm = state()
    bound = 0.0 if solvent else LOWER_BOUND * SUITE.buffered(*start())
    return {f"{at}PreMtM": equity, f"{at}PreMM": equity - mm, f"{at}Lowerbound": float(bound)}


class _Auctioned:
    """One bid on the account that the file states."""

    def __init__(
        self, action: Record, results: Record, elapsed_s: float, reserved: float, left: float
    ) -> None:
        self.equity = results["PreMtM"] / WAD
        self.mm = self.equity - results["PreMM"] / WAD
        self.reserved, self.asked = reserved, SUITE.decay.at(elapsed_s)
        self.solvent = self.equity > reserved
        want = action.record("Liquidator")["PercentWant"] / WAD
        account = self.equity, self.mm, elapsed_s
        if self.solvent:
            self.bid = SUITE.bid(*account, want, reserved)
            self.received, self.payout = self.bid.share, 0.0
        else:
            self.bid = SUITE.insolvent_bid(*account, want / left, reserved)._replace(price=0.0)
            bound = results["Lowerbound"] / WAD
            self.received = want
            self.payout = float(SUITE.insolvent_price(0.0, bound, elapsed_s) * want)

    def largest(self, equity: float, mm: float, reserved: float) -> float:
        if not self.solvent:
            return 0.0
        return float(SUITE.largest_share(equity, mm, self.asked, reserved))

    def numbers(self, at: str) -> dict[str, float]:
        bid = self.bid
        found = {
            "PreBM": SUITE.buffered(self.equity, self.mm),
            "PreFMax": self.largest(self.equity, self.mm, self.reserved),
            "ExpectedBidPrice": bid.price,
            "FinalPercentageReceived": self.received,
            "fLiquidatedOfOriginal": self.received if self.solvent else 0.0,
            "PostMtM": bid.equity,
            "PostMM": bid.equity - bid.mm,
            "PostBM": SUITE.buffered(bid.equity, bid.mm),
            "PostFMax": self.largest(bid.equity, bid.mm, bid.reserved),
            "SMPayout": self.payout,
        }
        return {f"{at}{key}": float(value) for key, value in found.items()}


def _bid_expected(results: Record, at: str) -> Iterator[Expected]:
    for key in ("PreMtM", "PreMM", "Lowerbound"):
        yield _expect(f"{at}{key}", results[key] / WAD, STATE_TOLERANCE)
    money = abs(results["PreBM"] / WAD)
    for key in ("PreBM", "ExpectedBidPrice", "PostMtM", "PostMM", "PostBM", "SMPayout"):
        yield _expect(f"{at}{key}", results[key] / WAD, BID_TOLERANCE, money)
    for key in ("PreFMax", "FinalPercentageReceived", "fLiquidatedOfOriginal", "PostFMax"):
        yield _expect(f"{at}{key}", results[key] / WAD, BID_TOLERANCE, 1.0)


def _expect(name: str, value: float, tolerance: float, scale: float = 0.0) -> Expected:
    return Expected(name, value, lambda answer: answer[name], tolerance, scale)


# dYdX: one account of USDC and one perpetual

#: The suite's market: BTC at 50,000 USD with 10 % maintenance margin.
BTC_USD, MM_FRAC = 50_000.0, 0.1


def dydx_fillable(data: Record) -> Iterator[Unread]:
    """The price of liquidating the whole position."""
    for i, read in enumerate(data.record("fillable_price").each("cases")):
        name = f"fillable_price.{i}"
        yield Unread(name, partial(_fillable_case, read, name))


def _fillable_case(read: Callable[[], Record], name: str) -> Case:
    case = read()
    usdc, size, adjustment, spread = (case[key] for key in ("usdc", "btc", "BA", "SMMR"))
    notional = size * BTC_USD
    mm = abs(notional) * MM_FRAC
    solve = partial(fillable_price, size, notional, mm, usdc + notional, mm,
                    adjustment=adjustment, spread_to_mm=spread)  # fmt: skip
    return Case(name, "dydx_v4", solve, [Expected("price", case["expect"], lambda p: p, 0.0)])
