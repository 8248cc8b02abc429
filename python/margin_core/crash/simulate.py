# SPDX-License-Identifier: Apache-2.0
"""One crash, four venues: thresholds that stand or follow, liquidation at once or planned."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.clearing import Ledger, Waterfall
from margin_core.crash.impact import Impact
from margin_core.crash.path import Path, crash_path
from margin_core.crash.venue import (
    ENTRY_DAYS,
    LEVELS,
    QUANTUM,
    Position,
    Traders,
    Venue,
    ranged,
)
from margin_core.dynamics.threshold import Ranges, Thresholds
from margin_core.errors import ArgumentError
from margin_core.liquidation import OUTCOMES, next_thresholds, plan
from margin_core.sweep import rank, sweep
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from margin_core.book import PackedBook
    from margin_core.dynamics.bars import Bars
    from margin_core.margin import Margin
    from margin_core.model import MarginModel
    from margin_core.replay import Event
    from margin_core.sweep import Standing

__all__ = ["LIQUIDATION", "THRESHOLDS", "Crash", "Run", "crash"]

THRESHOLDS = ("static", "dynamic")
LIQUIDATION = ("at once", "planned")
LEVEL = 0.995
HOUR_NS = 3_600 * 10**9
#: Assumptions about the venue; docs/method/crash.md lists them.
INTEREST_OVER_DEPTH = 20.0  # open interest over the depth in normal times
HALF_LIFE_S = 900.0  # in which the book recovers from half of what it took
FUND = 0.01  # of all traders' capital
FEE = 0.005  # of what is closed
HALF_SPREAD = 0.0005
BUFFER = 0.25  # of MM, above it, that a plan restores: about IM
SHARE, PUSH = 0.25, 0.5  # of the ladder in a minute, of the way to the next threshold: `work_off`
SMALLER = 0.8  # what a position is cut to that concentration would have liquidated at once
STREET_USD = 1e10  # market makers, who are never liquidated
CALLED_TO = 1.05  # of IM: what an answered margin call brings


@dataclass(frozen=True, eq=False)
class Run:
    """What one venue went through.

    Attributes
    ----------
    thresholds, liquidation : str
    seed : int
    totals : dict of float
        Counts and USD; `crash` names them.
    mark_usd : (n_steps, n_units) float64
    ranges : (n_steps, n_units) float64
        In force after each step, for new risk.
    liquidated : (n_steps,) int64
        Accounts so far.
    bad_debt_usd : (n_steps,) float64
        So far.
    """

    thresholds: str
    liquidation: str
    seed: int
    totals: dict[str, float]
    mark_usd: NDArray[np.float64]
    ranges: NDArray[np.float64]
    liquidated: NDArray[np.int64]
    bad_debt_usd: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Crash:
    """All runs of an event.

    Attributes
    ----------
    event : Event
    paths : dict of Path
        By seed.
    runs : tuple of Run
        By seed, thresholds, liquidation.
    """

    event: Event
    paths: dict[int, Path]
    runs: tuple[Run, ...] = field(repr=False)

    def of(self, thresholds: str, liquidation: str) -> list[Run]:
        """The runs of one venue, a seed each."""
        return [r for r in self.runs if (r.thresholds, r.liquidation) == (thresholds, liquidation)]

    def table(self) -> Table:
        """A row a run: seed, thresholds, liquidation, and every total."""
        columns: dict[str, Any] = {
            "seed": [run.seed for run in self.runs],
            "thresholds": [run.thresholds for run in self.runs],
            "liquidation": [run.liquidation for run in self.runs],
        }
        for name in self.runs[0].totals:
            columns[name] = [run.totals[name] for run in self.runs]
        return Table(columns)


def crash(
    event: Event,
    bars: Mapping[str, Bars] | None = None,
    *,
    n_accounts: int = 10_000,
    seeds: Sequence[int] = (0,),
    impact: float = 1.0,
    window_days: float = 365.0,
    level: float = LEVEL,
    progress: Callable[[int, int], None] | None = None,
) -> Crash:
    """Play an event against a synthetic venue under every pair of rules.

    Parameters
    ----------
    event : Event
    bars : {unit: Bars}, optional
        Prices before the crash and, where they reach, of it.
    n_accounts : int
    seeds : sequence of int
        Of traders and of what the prices lack; each is a venue of its own.
    impact : float
        Scales what liquidations move, up to 4: a sixteenth of the depth; 0: nothing.
    window_days : float
        Before the crash: static ranges are the mean of the dynamic ones over it.
    level : float
        Of the thresholds.
    """
    if not 10 <= n_accounts <= 1_000_000:
        raise ArgumentError(f"n_accounts is 10 to 1,000,000, not {n_accounts}")
    if not 0.0 <= impact <= 4.0:
        raise ArgumentError(f"impact is 0 to 4, not {impact}")
    if not 1.0 <= window_days <= 36500.0:
        raise ArgumentError(f"window_days is 1 to 36,500, not {window_days}")
    if not seeds or len(set(seeds)) != len(seeds) or min(seeds) < 0:
        raise ArgumentError("seeds are whole numbers of at least 0, none twice")
    paths, runs = {}, []
    for i, seed in enumerate(seeds):
        path = paths[seed] = crash_path(event, bars, seed=seed)
        world = _World(path, Traders.draw(path.units, n_accounts, seed), impact, window_days, level)
        for j, (threshold, liquidation) in enumerate(product(THRESHOLDS, LIQUIDATION)):
            if progress is not None:
                progress(4 * i + j, 4 * len(seeds))
            runs.append(_Simulation(world, threshold, liquidation).run(seed))
    if progress is not None:
        progress(4 * len(seeds), 4 * len(seeds))
    return Crash(event, paths, tuple(runs))


class _World:
    """What all venues of a seed share: the path, the traders, the ranges before the crash."""

    def __init__(
        self, path: Path, traders: Traders, impact: float, window_days: float, level: float
    ) -> None:
        self.path, self.traders, self.impact = path, traders, impact
        self.venue = Venue(path)
        self.thresholds = Thresholds(path.units, level=level, threads=1)
        followed = self.thresholds.follow(path.hour_ns, path.hour_usd, present=path.present)
        window = slice(-round(24 * window_days), None)
        known = followed.initial[window] > 0.0
        if not known.any(axis=0).all():
            unit = path.units[int(np.argmin(known.any(axis=0)))]
            raise ArgumentError(f"{unit}: fewer than 60 days of prices before the crash")
        self.static = Ranges(*(r[window].sum(axis=0) / known.sum(axis=0) for r in followed))
        weeks = slice(-24 * ENTRY_DAYS, None)
        self.hour_usd = path.hour_usd[weeks]
        shape = self.hour_usd.shape
        before = {
            "static": Ranges(*(np.broadcast_to(mean, shape) for mean in self.static)),
            "dynamic": Ranges(*(np.where(r[weeks] > 0, r[weeks], mean)
                                for r, mean in zip(followed, self.static, strict=True))),
        }  # fmt: skip
        self.positions = {
            name: traders.enter(self.venue, self.hour_usd, ranges)
            for name, ranges in before.items()
        }
        gross = self.open_interest(self.positions["static"])
        self.depth_usd = gross / INTEREST_OVER_DEPTH

    def open_interest(self, held: Position) -> NDArray[np.float64]:
        """One side, USD."""
        long = np.maximum(held.lots, 0).sum(axis=0)
        short = np.maximum(-held.lots, 0).sum(axis=0)
        marks = self.venue.marks(self.path.price_usd[0])
        return np.asarray(np.maximum(long, short) * marks * QUANTUM)


class _Simulation:
    """One venue in motion; the last account of the ledger is the street's."""

    def __init__(self, world: _World, thresholds: str, liquidation: str) -> None:
        self.world, self.kind, self.liquidation = world, thresholds, liquidation
        self.venue, path = world.venue, world.path
        held = world.positions[thresholds]
        n = len(world.traders)
        self.n, self.street = n, n
        cash = np.append(held.cash, round(STREET_USD / QUANTUM))
        pnl = np.append(held.pnl, -held.pnl.sum())
        fund = round(FUND * float(held.cash.sum()))
        self.ledger = Ledger(cash, pnl, insurance=fund, waterfall=Waterfall(), journal=1)
        self.fund = fund
        self.marks = self.venue.marks(path.price_usd[0])
        frac = self.venue.impact_frac * world.impact
        self.impact = Impact(world.depth_usd, np.maximum(frac, 1e-12), HALF_LIFE_S)
        self.thresholds = world.thresholds.copy()
        self.ranges = world.static
        if thresholds == "dynamic":
            self.ranges = self._in_force()
        self.models = self._models()
        lots = self._sound(held)
        self.lots = np.vstack([lots, -lots.sum(axis=0)])
        self.touched = np.zeros(n, dtype=np.bool_)
        self.closed = np.zeros(n, dtype=np.bool_)
        self.due_s = np.full(n, np.inf)
        self.called = np.zeros(n, dtype=np.bool_)
        self.sums = dict.fromkeys(
            ("sold_usd", "deleveraged_usd", "bad_debt_usd", "insurance_usd", "adl_usd",
             "socialised_usd", "topped_up_usd", "adl_rounds", "adl_excess_quanta",
             "residual_quanta"), 0.0,
        )  # fmt: skip

    def _in_force(self) -> Ranges:
        held = self.thresholds
        return Ranges(*(np.array([ranges[u] for u in self.venue.units])
                        for ranges in (held.ranges, held.maintenance)))  # fmt: skip

    def _models(self) -> list[MarginModel]:
        """By which IM is taken, and MM."""
        units = self.venue.units
        return [
            ranged(self.venue.base, dict(zip(units, np.clip(r, 1e-4, 0.99).tolist(), strict=True)))
            for r in self.ranges
        ]

    def _swept(
        self, price: NDArray[np.float64], model: MarginModel, equity: NDArray[np.int64]
    ) -> tuple[Margin, PackedBook, Standing]:
        margin = self.venue.margin(price, model)
        book = self.venue.pack(margin, self.lots[:-1], equity)
        return margin, book, sweep(book, margin, market_exposure=False, threads=1)

    def _sound(self, held: Position) -> NDArray[np.int64]:
        """Lots with which nobody is below MM before anything has happened.

        Traders size by the house model on paper, which leaves concentration out: the largest may be
        below MM once it is charged, and are made smaller.
        """
        lots, equity = held.lots.copy(), held.cash + held.pnl
        margin = self.venue.margin(self.world.path.price_usd[0], self.models[1])
        while True:
            book = self.venue.pack(margin, lots, equity)
            standing = sweep(book, margin, market_exposure=False, threads=1)
            below = (equity < standing.quanta["mm"]) & (lots != 0).any(axis=1)
            if not below.any():
                return lots
            lots[below] = np.trunc(SMALLER * lots[below]).astype(np.int64)

    def run(self, seed: int) -> Run:
        path = self.world.path
        n_steps = len(path.time_ns)
        marks = np.empty((n_steps, len(path.units)))
        ranges = np.empty_like(marks)
        liquidated = np.zeros(n_steps, dtype=np.int64)
        debt = np.zeros(n_steps)
        interest = float((np.abs(self.lots[:-1]) * self.marks).sum()) * QUANTUM
        im0 = None
        second = (path.time_ns - path.time_ns[0]) / 1e9
        for k in range(n_steps):
            lasted_s = float(second[k] - second[max(k - 1, 0)])
            self.impact.rest(lasted_s)
            away = self.impact.displacement(path.depth_frac[k])
            price = path.price_usd[k] * np.exp(away)
            self._move(price)
            if self.kind == "dynamic" and path.time_ns[k] % HOUR_NS == 0 and k:
                self.thresholds.update(path.time_ns[k : k + 1], price[None])
                self.ranges = self._in_force()
                self.models = self._models()
            equity = (self.ledger.cash + self.ledger.pnl)[:-1]
            im = self._swept(price, self.models[0], equity)[2].quanta["im"]
            margin, book, standing = self._swept(price, self.models[1], equity)
            if im0 is None:
                im0 = float(im.sum()) * QUANTUM
            if self._answer_calls(equity, im, float(second[k])):
                equity = (self.ledger.cash + self.ledger.pnl)[:-1]
                book = self.venue.pack(margin, self.lots[:-1], equity)
            self._liquidate(equity, im, book, margin, standing, path.depth_frac[k], lasted_s)
            self.sums["residual_quanta"] = max(self.sums["residual_quanta"],
                                               float(abs(self.ledger.residual)))  # fmt: skip
            marks[k], ranges[k] = price, self.ranges.initial
            liquidated[k], debt[k] = int(self.touched.sum()), self.sums["bad_debt_usd"]
        away = marks / path.price_usd - 1.0
        worst = np.abs(away).max(axis=0)
        totals = {
            "accounts": float(self.n), "open_interest_usd": interest, "im_usd": im0 or 0.0,
            "liquidated": float(self.touched.sum()), "closed": float(self.closed.sum()),
            **self.sums,
            "fund_usd": self.fund * QUANTUM,
            "margin_calls_met": float(self.called.sum()),
        }  # fmt: skip
        for u, unit in enumerate(path.units):
            totals[f"displaced_{unit}"] = float(worst[u])
            totals[f"range_before_{unit}"] = float(ranges[0, u])
        return Run(self.kind, self.liquidation, seed, totals, marks, ranges, liquidated, debt)

    def _move(self, price: NDArray[np.float64]) -> None:
        """Variation: everybody's P&L since the last mark, against the street."""
        new = self.venue.marks(price)
        gain = (self.lots[:-1] * (new - self.marks)).sum(axis=1)
        self.marks = new
        who = np.flatnonzero(gain)
        if len(who):
            won = gain[who] > 0
            self.ledger.apply(
                self.ledger.events("variation", account=np.where(won, self.street, who),
                                   counterparty=np.where(won, who, self.street),
                                   amount=np.abs(gain[who]))
            )  # fmt: skip

    def _answer_calls(
        self, equity: NDArray[np.int64], im: NDArray[np.int64], now_s: float
    ) -> bool:  # fmt: skip
        """Attentive accounts below IM bring money, once, after a while; whether any did."""
        below = (equity < im) & ~self.called & (equity > 0)
        first = below & np.isinf(self.due_s)
        self.due_s[first] = now_s + self.world.traders.answers_s[first]
        who = np.flatnonzero(below & (self.due_s <= now_s))
        if not len(who):
            return False
        amount = np.ceil(CALLED_TO * im[who]).astype(np.int64) - equity[who]
        self.ledger.apply(self.ledger.events("deposit", account=who, amount=amount))
        self.called[who] = True
        self.sums["topped_up_usd"] += float(amount.sum()) * QUANTUM
        return True

    # Liquidation

    def _liquidate(
        self, equity: NDArray[np.int64], im: NDArray[np.int64], book: PackedBook, margin: Margin,
        standing: Standing, depth_frac: NDArray[np.float64], lasted_s: float,
    ) -> None:  # fmt: skip
        mm = standing.quanta["mm"]
        held = (self.lots[:-1] != 0).any(axis=1)
        order = rank(equity, mm)
        who = order[((equity < mm) & held)[order]]
        if not len(who):
            return
        if self.liquidation == "at once":
            self._sell(who, self.lots[who], depth_frac)
        else:
            self._planned(who, im, book, margin, standing, depth_frac, lasted_s)
        self._cover()

    def _spread(self, depth_frac: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(HALF_SPREAD / np.sqrt(depth_frac))

    def _sell(
        self, who: NDArray[np.int64], lots: NDArray[np.int64], depth_frac: NDArray[np.float64]
    ) -> None:
        """Close `lots` of these accounts in the market: the net flow moves the price."""
        value = lots * (self.marks * QUANTUM)
        net = value.sum(axis=0)
        slip = self.impact.sell(net, depth_frac)
        # who trades with the net flow pays its slippage; who trades against it, the spread alone
        share = np.where(np.sign(value) == np.sign(net), slip, 0.0) + self._spread(depth_frac)
        cost = np.ceil((np.abs(value) * share).sum(axis=1) / QUANTUM).astype(np.int64)
        fee = np.ceil(FEE * np.abs(value).sum(axis=1) / QUANTUM).astype(np.int64)
        self.lots[who] -= lots
        self.lots[self.street] += lots.sum(axis=0)
        self.sums["sold_usd"] += float(np.abs(value).sum())
        self._book(who, cost, fee)

    def _book(
        self, who: NDArray[np.int64], cost: NDArray[np.int64], fee: NDArray[np.int64]
    ) -> None:
        """Closings on the ledger: no gain is realised while a loss is open.

        One that its own closing uses up leaves a loss itself, so it stands alone, at the end.
        """
        pnl = self.ledger.pnl[who]
        alone = (pnl > 0) & (self.ledger.cash[who] + pnl < cost)
        together = np.flatnonzero(~alone)
        for rows in (together, *np.flatnonzero(alone)[:, None]):
            self._cover()
            self.ledger.liquidate(who[rows], counterparty=self.street, cost=cost[rows],
                                  fee=fee[rows])  # fmt: skip
            self.sums["bad_debt_usd"] += self.ledger.deficit * QUANTUM
        self.touched[who] = True
        self.closed[who[(self.lots[who] == 0).all(axis=1)]] = True

    def _planned(
        self, who: NDArray[np.int64], im: NDArray[np.int64], book: PackedBook, margin: Margin,
        standing: Standing, depth_frac: NDArray[np.float64], lasted_s: float,
    ) -> None:  # fmt: skip
        """The least that restores the buffer, worst first, within the depth of this interval.

        Whom no sale helps, and who cannot wait for depth, the backstop takes.
        """
        depth = self.venue.depth(margin, self.impact, depth_frac, self._spread(depth_frac))
        near = next_thresholds(book, margin, standing, threads=1)
        move = {unit: (PUSH * down, PUSH * up) for unit, (down, up) in near.items()}
        # whatever the next threshold: what comes back of one depth that is taken
        least = np.log(2.0) * lasted_s / HALF_LIFE_S / LEVELS[-1]
        depth.budget(min(SHARE * lasted_s / 60.0, 1.0), least=min(least, 1.0), move=move)
        made = plan(book, margin, depth, accounts=who, buffer_frac=BUFFER, fee_frac=FEE,
                    market_exposure=False, threads=1)  # fmt: skip
        trades = made.trades
        account, unit = trades["account"], self.venue.unit_of[trades["instrument"]]
        moved = np.zeros_like(self.lots[:-1])
        cost, fee = np.zeros(self.n, np.int64), np.zeros(self.n, np.int64)
        np.add.at(moved, (account, unit), trades["lots"].astype(np.int64))
        np.add.at(cost, account, trades["cost"])
        np.add.at(fee, account, trades["fee"])
        sold = np.unique(account)
        value = -moved * (self.marks * QUANTUM)
        self.impact.sell(value.sum(axis=0), depth_frac)
        self.lots[:-1] += moved
        self.lots[self.street] -= moved.sum(axis=0)
        self.sums["sold_usd"] += float(np.abs(value).sum())
        self._book(sold, cost[sold], fee[sold])
        hopeless = made.plans["outcome"] == OUTCOMES.index("backstop")
        self._deleverage(who[hopeless | made.cannot_wait(im, HALF_LIFE_S)])

    def _deleverage(self, who: NDArray[np.int64]) -> None:
        """The backstop: positions go to the winners on the other side at the mark, unsold."""
        if not len(who):
            return
        lots = self.lots[who]
        self.sums["deleveraged_usd"] += float(np.abs(lots * (self.marks * QUANTUM)).sum())
        self.lots[who] = 0
        pnl = self.ledger.pnl
        for u, total in enumerate(lots.sum(axis=0).tolist()):
            if total == 0:
                continue
            side = np.where(pnl > 0, -np.sign(total) * self.lots[:, u], 0)
            side[self.street] = max(-np.sign(total) * self.lots[self.street, u], 0)
            claim = np.cumsum(np.maximum(side, 0))
            taken = min(abs(total), int(claim[-1]))
            share = np.zeros(len(claim), dtype=np.int64)
            if claim[-1] > 0:
                upto = [taken * c // int(claim[-1]) for c in claim.tolist()]
                share = np.diff(np.array([0, *upto], dtype=np.int64)).astype(np.int64)
            share[self.street] += abs(total) - taken
            self.lots[:, u] += np.sign(total) * share
        zero = np.zeros(len(who), dtype=np.int64)
        self._book(who, zero, zero)

    def _cover(self) -> None:
        """Insurance, then winners' P&L, then everybody's equity."""
        deficit = self.ledger.deficit
        if not deficit:
            return
        done = self.ledger.cover(np.flatnonzero(self.ledger.pnl > 0))
        paid = done.receipts["covered"].tolist()
        winners = len(done.haircuts) - len(self.ledger)
        cut = int(done.haircuts[:winners].sum())
        owed = deficit - paid[0]
        self.sums["insurance_usd"] += paid[0] * QUANTUM
        self.sums["adl_usd"] += cut * QUANTUM
        self.sums["adl_rounds"] += cut > 0
        self.sums["adl_excess_quanta"] = max(self.sums["adl_excess_quanta"], float(cut - owed))
        self.sums["socialised_usd"] += paid[-1] * QUANTUM
