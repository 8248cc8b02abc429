# SPDX-License-Identifier: Apache-2.0
"""A venue's market, and traders who lever up to what margin allows them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.book import PackedBook
from margin_core.errors import DomainError
from margin_core.liquidation import Depth
from margin_core.margin import Margin
from margin_core.market import Market
from margin_core.model import MarginModel, load_model

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from margin_core.crash.impact import Impact
    from margin_core.crash.path import Path
    from margin_core.dynamics.threshold import Ranges

__all__ = ["Position", "Traders", "Venue"]

QUANTUM = 1e-6
S = 1_000_000_000
#: Assumptions about traders; docs/method/crash.md lists them.
CAPITAL_USD = 250e6  # of all of them
SIZE_SPREAD = 1.6  # of the logarithm of an account's capital
LARGEST = 0.02  # of all capital, in one account
UNIT_SHARES = {"BTC": 0.45, "ETH": 0.3, "SOL": 0.1}
OTHER_SHARE = 0.15
LONG_SHARE = 0.6
HEDGED_SHARE = 0.1  # long one coin against another
USE = (2.0, 1.5)  # Beta distribution of IM over equity when a position is opened
MOST_USED = 0.95
ENTRY_DAYS = 30  # before the crash, spread evenly
ENTRY_TRIES = 6  # a trader who was liquidated in between comes back later
CHECK_HOURS = 2
ATTENTIVE_SHARE = 0.25  # answer a margin call, once
ANSWER_S = 3600.0  # mean time until then
LOT_USD = 10.0  # about
LEVELS = 2.0 ** np.arange(-8, 5)  # of a ladder, in depths


class Venue:
    """One linear perpetual a unit, margined by the house model.

    Parameters
    ----------
    path : Path
        Its units and first prices.
    """

    def __init__(self, path: Path) -> None:
        self.units = path.units
        self.base = load_model("house")
        self.names = tuple(f"{unit}_USDC-PERPETUAL" for unit in self.units)
        price = path.price_usd[0]
        self.step = 10.0 ** np.floor(np.log10(LOT_USD / price) + 0.5)
        columns = {"instrument": list(self.names), "forward_usd": price.tolist(),
                   "step": self.step.tolist()}  # fmt: skip
        index = {**dict(zip(self.units, price.tolist(), strict=True)), "USDC": 1.0}
        now = datetime.fromtimestamp(int(path.time_ns[0]) // S, UTC)
        self.market = Market.from_table(columns, now=now, index=index)
        held = self.market.instruments
        self._unit_row = [held.units.index(unit) for unit in self.units]
        self._spot_row = held.index_of(list(self.units))
        self._perpetual_row = held.index_of(list(self.names))
        entries = [self.base.unit(unit) for unit in self.units]
        self.impact_frac = np.array([entry.impact_frac for entry in entries])
        self.roll_frac = np.array([entry.roll_min_frac for entry in entries])
        self.group = np.array([list(self.base.groups).index(entry.group) for entry in entries])
        self.lambda_k = np.array([group.lambda_k for group in self.base.groups.values()])
        self.row = np.empty(0, dtype=np.int32)  # of each perpetual in the core's order

    def margin(self, price: NDArray[np.float64], model: MarginModel) -> Margin:
        """The table by which accounts are margined at these prices."""
        market = self.market
        columns = {name: getattr(market, name).copy()
                   for name in ("index_usd", "forward_usd", "mark_usd")}  # fmt: skip
        columns["index_usd"][self._unit_row] = price
        for row in (self._spot_row, self._perpetual_row):
            columns["forward_usd"][row] = columns["mark_usd"][row] = price
        made = Margin.of(replace(market, **columns), model, threads=1)
        if not len(self.row):
            self.row = made.instruments.index_of(list(self.names)).astype(np.int32)
        return made

    @property
    def unit_of(self) -> NDArray[np.int64]:
        """The unit of each of the core's instruments that is a perpetual; -1 elsewhere."""
        out = np.full(self.row.max() + 1, -1, dtype=np.int64)
        out[self.row] = np.arange(len(self.row))
        return out

    def depth(
        self, margin: Margin, impact: Impact, depth_frac: NDArray[np.float64],
        half_spread: NDArray[np.float64],
    ) -> Depth:  # fmt: skip
        """What is left of the book, as ladders: the same law as `impact`, from where it stands."""
        marks = margin.risk.column("mark")
        columns: dict[int, tuple[Any, Any]] = {}
        for u, row in enumerate(self.row.tolist()):
            usd = impact.depth_usd[u] * depth_frac[u] * LEVELS
            lots = np.maximum(np.floor(usd / (marks[row] * QUANTUM)), np.arange(1, len(LEVELS) + 1))
            for side, sign in ((2 * row, 1.0), (2 * row + 1, -1.0)):
                given_up = impact.area(u, sign * lots * (marks[row] * QUANTUM), depth_frac)
                total = given_up / QUANTUM + half_spread[u] * lots * marks[row]
                each = np.diff(total, prepend=0.0) / np.diff(lots, prepend=0.0)
                columns[side] = np.diff(lots, prepend=0.0), np.maximum.accumulate(np.ceil(each))
        offset, lots_of, cost_of = [0], [np.empty(0)], [np.empty(0)]
        for side in range(2 * len(margin.instruments)):
            size, cost = columns.get(side, (np.empty(0), np.empty(0)))
            lots_of.append(size)
            cost_of.append(cost)
            offset.append(offset[-1] + len(size))
        return Depth(margin, offset, np.concatenate(lots_of), np.concatenate(cost_of))

    def marks(self, price: NDArray[np.float64]) -> NDArray[np.int64]:
        """Of one step of each perpetual, (n_units,) quanta."""
        return np.rint(price * self.step / QUANTUM).astype(np.int64)

    def rates(self, weight: NDArray[np.float64], ranges: NDArray[np.float64]) -> Any:
        """(IM, MM) over gross notional, of books with these signed shares of it.

        The house model on paper, for linear positions and without concentration: enough to say how
        much a trader dares to open.
        """
        reach = weight * ranges
        core = np.zeros(len(weight))
        for g, k in enumerate(self.lambda_k.tolist()):
            part = reach[:, self.group == g]
            alone, joint = np.abs(part).sum(axis=1), np.abs(part.sum(axis=1))
            core += ((1024 - k) * alone + k * joint) / 1024
        roll = np.abs(weight) @ self.roll_frac
        return core + roll, self.base.factors.mm_k / 1024 * core + roll

    def pack(
        self, margin: Margin, lots: NDArray[np.int64], equity: NDArray[np.int64]
    ) -> PackedBook:
        """Accounts that hold `lots` of each perpetual and are worth `equity`."""
        order = np.argsort(self.row)
        held = lots[:, order]
        holder, column = np.nonzero(held)
        offset = np.zeros(len(lots) + 1, dtype=np.int64)
        np.cumsum(np.bincount(holder, minlength=len(lots)), out=offset[1:])
        marks = margin.risk.column("mark")[self.row].astype(np.int64)
        scale = np.rint(margin.risk.lot[self.row] / self.step)
        if (scale != 1.0).any():
            unit = self.units[int(np.argmax(scale != 1.0))]
            raise DomainError(f"{unit}: liquidations pushed its price to next to nothing; "
                              "give less impact")  # fmt: skip
        columns: dict[str, Any] = {
            "offset": offset, "row": self.row[order][column],
            "lots": held[holder, column].astype(np.float64), "cash": equity - lots @ marks,
            "mode": np.zeros(len(lots), np.uint8),
            "owner_row": np.full(len(lots), -1, np.int32), "n_owners": 0,
        }  # fmt: skip
        nothing: Any = dict.fromkeys(("order_offset", "order_row", "order_lots", "order_limit"))
        parent = np.full(len(lots), -1, np.int64)
        return PackedBook.of(
            len(margin.instruments), accounts=np.arange(len(lots)), parent=parent, **columns,
            **nothing,
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class Position:
    """What traders hold when the crash begins.

    Attributes
    ----------
    lots : (n, n_units) int64, steps of the perpetual
    cash, pnl : (n,) int64, quanta
    """

    lots: NDArray[np.int64]
    cash: NDArray[np.int64]
    pnl: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Traders:
    """Who they are: the same people with the same money under every margin rule.

    Attributes
    ----------
    capital_usd : (n,) float64
    weight : (n, n_units) float64
        Signed shares of what each holds; absolute values add up to 1.
    use : (n,) float64
        IM over equity when a position is opened.
    entry : (ENTRY_TRIES, n) float64
        When it is tried, as a share of the weeks before; each later than the one before.
    answers_s : (n,) float64
        How long after a margin call it is answered; infinite: never.
    """

    capital_usd: NDArray[np.float64]
    weight: NDArray[np.float64]
    use: NDArray[np.float64]
    entry: NDArray[np.float64]
    answers_s: NDArray[np.float64]

    @classmethod
    def draw(cls, units: tuple[str, ...], n: int, seed: int) -> Traders:
        rng = np.random.Generator(np.random.PCG64([seed, 2]))
        capital = np.exp(SIZE_SPREAD * rng.standard_normal(n))
        for _ in range(8):  # what the largest cannot have goes to the others
            capital = np.minimum(capital * (CAPITAL_USD / capital.sum()), LARGEST * CAPITAL_USD)
        named = sum(unit in UNIT_SHARES for unit in units)
        share = np.array([UNIT_SHARES.get(u, OTHER_SHARE / max(len(units) - named, 1))
                          for u in units])  # fmt: skip
        share /= share.sum()
        side = np.where(rng.random(n) < LONG_SHARE, 1.0, -1.0)
        unit = rng.choice(len(units), n, p=share)
        weight = np.zeros((n, len(units)))
        weight[np.arange(n), unit] = side
        if len(units) > 1:
            hedged = np.flatnonzero(rng.random(n) < HEDGED_SHARE)
            other = (unit[hedged] + rng.integers(1, len(units), len(hedged))) % len(units)
            weight[hedged] /= 2
            weight[hedged, other] = -weight[hedged, unit[hedged]]
        use = np.minimum(rng.beta(*USE, n), MOST_USED)
        entry = np.sort(rng.random((ENTRY_TRIES, n)), axis=0)
        answers = rng.exponential(ANSWER_S, n)
        answers[rng.random(n) >= ATTENTIVE_SHARE] = np.inf
        return cls(capital, weight, use, entry, answers)

    def __len__(self) -> int:
        return len(self.capital_usd)

    def enter(self, venue: Venue, hour_usd: NDArray[np.float64], ranges: Ranges) -> Position:
        """Open positions over the weeks before the crash, at the margin in force then.

        Parameters
        ----------
        hour_usd : (n_hours, n_units) float64
            Of those weeks; the last is where the crash begins.
        ranges : Ranges
            Of the same hours.
        """
        last = len(hour_usd) - 1
        hour = np.minimum((self.entry[0] * (last + 1)).astype(np.int64), last)
        notional = np.empty(len(self))
        left = np.arange(len(self))
        for tried in range(ENTRY_TRIES + 1):
            im, _ = venue.rates(self.weight[left], ranges.initial[hour[left]])
            notional[left] = self.capital_usd[left] * self.use[left] / im
            left = left[self._fell(venue, left, hour, notional, hour_usd, ranges.maintenance)]
            again = last if tried + 1 >= ENTRY_TRIES else 0
            if not again:
                again = np.minimum(
                    (self.entry[tried + 1, left] * (last + 1)).astype(np.int64), last
                )
            hour[left] = np.maximum(hour[left], again)
        price = hour_usd[hour]
        lots = np.trunc(notional[:, None] * self.weight / (price * venue.step)).astype(np.int64)
        marks = venue.marks(hour_usd[last])
        pnl = (lots * (marks - venue.marks(price))).sum(axis=1)
        cash = np.rint(self.capital_usd / QUANTUM).astype(np.int64)
        return Position(lots, cash, pnl)

    def _fell(
        self, venue: Venue, rows: NDArray[np.int64], hour: NDArray[np.int64],
        notional: NDArray[np.float64], hour_usd: NDArray[np.float64],
        maintenance: NDArray[np.float64],
    ) -> NDArray[np.bool_]:  # fmt: skip
        """Whose equity was below maintenance at some time since the entry."""
        fell = np.zeros(len(rows), dtype=np.bool_)
        entry_usd = hour_usd[hour[rows]]
        for h in range(len(hour_usd) - 1, -1, -CHECK_HOURS):
            live = np.flatnonzero((hour[rows] < h) & ~fell)
            if not len(live):
                break
            who = rows[live]
            size = self.weight[who] * notional[who, None]
            now = size * (hour_usd[h] / entry_usd[live])
            equity = self.capital_usd[who] + (now - size).sum(axis=1)
            _, mm = venue.rates(now, np.broadcast_to(maintenance[h], now.shape))
            fell[live] = equity < mm
        return fell


def ranged(base: MarginModel, ranges: Mapping[str, float]) -> MarginModel:
    """The house model with these ranges."""
    from margin_core.dynamics.threshold import with_ranges

    return with_ranges(base, ranges).model
