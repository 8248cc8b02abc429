# SPDX-License-Identifier: Apache-2.0
"""What to close of accounts below their maintenance margin, against the depth that there is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _liquidation
from margin_core.book import PackedBook, check_lots, packed_for
from margin_core.checks import column, is_a, mapping, real
from margin_core.checks import number as checked_number
from margin_core.errors import (
    ArgumentError,
    DomainError,
    MarginCoreError,
    NotFiniteError,
    RowOrderError,
    UnknownInstrumentError,
)
from margin_core.instruments import Kind
from margin_core.isa import as_threads
from margin_core.sweep import check_standing, exposure_of, in_numeraire, sweep
from margin_core.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    from margin_core.book import Book
    from margin_core.margin import Margin
    from margin_core.sweep import Standing

__all__ = ["OUTCOMES", "PLAN", "TRADE", "Depth", "Plans", "next_thresholds", "plan", "work_off"]

#: In the order of the core's numbers.
OUTCOMES = ("healthy", "restored", "waits", "backstop", "paused")

#: One instrument of one account; `liquidation.h` says what each field means.
TRADE = np.dtype(
    [("account", "i8"), ("instrument", "i4"), ("reserved", "i4"), ("lots", "f8"), ("cost", "i8"),
     ("fee", "i8")], align=True,
)  # fmt: skip
#: What becomes of one account.
PLAN = np.dtype(
    [("account", "i8"), ("outcome", "i4"), ("rounds", "i4"), ("first", np.uintp),
     ("count", np.uintp), ("equity", "i8"), ("mm", "i8"), ("equity_after", "i8"),
     ("mm_after", "i8"), ("digest", "u8")], align=True,
)  # fmt: skip

FACTOR_ONE = 1 << 10
RATE_ONE = 1 << 20
RANGE_S = 86_400.0  # what a unit's range covers, and so IM
SIDE_DEPTHS = 16  # that a side has under the square-root law

Level = tuple[float, float]


class Depth:
    """What it costs to trade each instrument: a ladder of levels on either side.

    Make one with `Depth.square_root`, `Depth.from_books` or from columns in the core's order. It
    remembers what plans have taken from it until it recovers.

    Parameters
    ----------
    margin : Margin
    offset : (2 n + 1,) int64
        Side ``2 i`` sells instrument i (a row of ``margin.risk``), side ``2 i + 1`` buys it.
    lots, cost : (n_levels,) float64, whole
        Risk lots offered, and quanta a lot given up against the mark, never falling within a side.
    taken : (2 n,) float64, optional
        Lots of each side that are gone already; plans count parts of one whole.

    Raises
    ------
    RowOrderError, DomainError, NotFiniteError, ExactnessError
        `error.row` is the level, or the side.
    """

    def __init__(
        self,
        margin: Margin,
        offset: ArrayLike,
        lots: ArrayLike,
        cost: ArrayLike,
        taken: ArrayLike | None = None,
    ) -> None:
        self.margin = margin
        self._offset = np.array(offset, dtype=np.int64)
        self._lots = np.array(lots, dtype=np.float64)
        self._cost = np.array(cost, dtype=np.float64)
        self._taken = np.zeros(2 * len(margin.risk.instruments))
        if taken is not None:
            self._taken[:] = taken
        self._handle = _liquidation.DepthHandle(self._offset, self._lots, self._cost, self._taken)

    @classmethod
    def square_root(
        cls,
        margin: Margin,
        depth_usd: float | Mapping[str, float],
        impact_frac: float | Mapping[str, float],
        *,
        half_spread_frac: float | Mapping[str, float] = 0.0,
        assets: bool = False,
        taken: ArrayLike | None = None,
    ) -> Depth:
        """The square-root law: a trade of D USD costs half_spread + impact sqrt(D / depth) of it.

        Parameters
        ----------
        margin : Margin
        depth_usd : float or by unit
            Notional a side that trades at `impact_frac`, for each instrument of the unit. Beyond 16
            times that there is nobody.
        impact_frac, half_spread_frac : float or by unit
            Of notional, in [0, 1].
        assets : bool
            Coins and stablecoins may be sold and bought too.
        taken : (2 n,) float64, optional
            As in `Depth`; no more than the side has.
        """
        instruments = margin.risk.instruments
        notional = margin.risk.column("notional")
        offset, lots, cost = [0], [], []
        for row in range(len(instruments)):
            if instruments.kind[row] != Kind.SPOT or assets:
                unit = instruments.units[instruments.unit[row]]
                each = np.empty(_liquidation.LEVELS), np.empty(_liquidation.LEVELS)
                usd = notional[row] * margin.risk.handle.quantum_usd
                try:
                    n = _liquidation.square_root(
                        notional[row], np.floor(_of(depth_usd, unit, "depth_usd") / usd),
                        _of(half_spread_frac, unit, "half_spread_frac"),
                        _of(impact_frac, unit, "impact_frac"), *each,
                    )  # fmt: skip
                except MarginCoreError as error:
                    raise type(error)(f"{instruments.name[row]}: {error}", row=row) from None
                for _ in range(2):
                    lots.append(each[0][:n])
                    cost.append(each[1][:n])
                    offset.append(offset[-1] + n)
            else:
                offset += [offset[-1]] * 2
        return cls(margin, offset, np.concatenate(lots or [np.empty(0)]),
                   np.concatenate(cost or [np.empty(0)]), taken)  # fmt: skip

    @classmethod
    def from_books(
        cls, margin: Margin, books: Mapping[str, tuple[Sequence[Level], Sequence[Level]]]
    ) -> Depth:
        """Order books as they stand; an instrument without one cannot be traded.

        Parameters
        ----------
        margin : Margin
        books : instrument name -> (bids, asks)
            Levels (price, quantity), the best first, in the venue's price: USD, or coin for an
            inverse option. What a level costs is its distance from the instrument's mark, which is
            what closing pays: wherever the book stands, a sale at 54,000 against a mark of 60,000
            gives up 6,000. A level on the better side of the mark costs nothing.

        Raises
        ------
        UnknownInstrumentError, DomainError, NotFiniteError, RowOrderError
            A book that is empty or crossed, a price or quantity that is not above 0, levels that do
            not get worse; the message names the instrument, the side and the level.
        """
        instruments = margin.risk.instruments
        rows = {str(name): row for row, name in enumerate(instruments.name)}
        unknown = [name for name in books if name not in rows]
        if unknown:
            raise UnknownInstrumentError(f"a book of {unknown[0]}, which the margin does not have")
        offset, lots, cost = [0], [], []
        for row, name in enumerate(instruments.name):
            for side in range(2):
                offered, price = np.empty(0), np.empty(0)
                if name in books:
                    offered, price = _ladder(margin, row, books[name], side)
                lots.append(offered)
                cost.append(price)
                offset.append(offset[-1] + len(offered))
        return cls(margin, offset, np.concatenate(lots), np.concatenate(cost))

    @property
    def taken(self) -> NDArray[np.float64]:
        """(2 n,) lots of each side that have been taken and have not come back; read-only."""
        view = self._taken.view()
        view.flags.writeable = False
        return view

    def copy(self) -> Depth:
        """The same depth again, to try something on; without a budget."""
        return Depth(self.margin, self._offset, self._lots, self._cost, self._taken)

    def recover(self, elapsed_s: float, half_life_s: float) -> None:
        """Time passes: what was taken halves in each half-life."""
        self._handle.recover(elapsed_s, half_life_s)

    def budget(
        self,
        share: float = 1.0,
        *,
        least: float = 0.0,
        move: Mapping[str, tuple[float, float]] | None = None,
    ) -> None:
        """How far plans may take each side from now on.

        Parameters
        ----------
        share : float
            Of the side's lots, in [0, 1].
        least : float
            Of them, whatever `move` says, so that liquidation goes on.
        move : unit -> (down, up), optional
            How far its price may be pushed, as fractions; see `next_thresholds`. Levels further
            from the mark are left alone.

        Raises
        ------
        UnknownInstrumentError
            A move of a unit that the margin does not have.
        DomainError
            0 <= least <= share <= 1 does not hold, or a move is below 0.
        """
        instruments, risk = self.margin.risk.instruments, self.margin.risk
        moves = None
        if move is not None:
            unknown = [unit for unit in mapping("move", move) if unit not in instruments.units]
            if unknown:
                raise UnknownInstrumentError(f"move of {unknown[0]!r}: the margin has no such unit")
            by_unit = np.array([move.get(u, (np.inf, np.inf)) for u in instruments.units], float)
            moves = by_unit[instruments.unit]
            puts = instruments.kind == Kind.PUT
            moves[puts] = moves[puts][:, ::-1]
            moves = np.ascontiguousarray(moves).reshape(-1)
        limit = np.empty(len(self._taken))
        unit = np.maximum(risk.column("notional"), 1.0)
        self._handle.limits(unit, moves, share, least, limit)
        self._handle.set_limit(limit)


@dataclass(frozen=True, eq=False)
class Plans:
    """What to close, and what becomes of each account.

    Attributes
    ----------
    plans : (n,) PLAN
        In the order in which the accounts were planned; amounts in quanta.
    trades : (m,) TRADE
        Those of plan k are ``first .. first + count - 1``.
    book : PackedBook
        As it was planned.
    margin : Margin
    """

    plans: NDArray[np.void]
    trades: NDArray[np.void]
    book: PackedBook
    margin: Margin

    def __len__(self) -> int:
        return len(self.plans)

    @property
    def outcome(self) -> NDArray[Any]:
        """(n,) object, one of `OUTCOMES`."""
        return np.array(OUTCOMES, dtype=object)[self.plans["outcome"]]

    def counts(self) -> dict[str, int]:
        """How many accounts have each outcome."""
        found = np.bincount(self.plans["outcome"], minlength=len(OUTCOMES))
        return dict(zip(OUTCOMES, found.tolist(), strict=True))

    def __repr__(self) -> str:
        counts = ", ".join(f"{n} {name}" for name, n in self.counts().items() if n)
        return f"<plans of {len(self)} accounts: {counts}; {len(self.trades)} trades>"

    def table(self) -> Table:
        """account, outcome, trades, equity and mm before and after, cost and fee; one row each."""
        risk, unit = self.margin.risk, self.margin.risk.numeraire.lower()
        owner = np.repeat(np.arange(len(self)), self.plans["count"].astype(np.int64))
        columns: dict[str, Any] = {
            "account": self.book.accounts[self.plans["account"]],
            "outcome": self.outcome,
            "trades": self.plans["count"].astype(np.int64),
        }
        for name in ("equity", "mm", "equity_after", "mm_after"):
            columns[f"{name}_{unit}"] = in_numeraire(self.plans[name], risk.quantum)
        for name in ("cost", "fee"):
            total = np.zeros(len(self), dtype=np.int64)
            np.add.at(total, owner, self.trades[name])
            columns[f"{name}_{unit}"] = in_numeraire(total, risk.quantum)
        return Table(columns)

    def trade_table(self) -> Table:
        """account, instrument, quantity (+ buys, - sells), cost and fee; one row a trade."""
        risk, unit = self.margin.risk, self.margin.risk.numeraire.lower()
        row = self.trades["instrument"]
        return Table(
            {
                "account": self.book.accounts[self.trades["account"]],
                "instrument": risk.instruments.name[row],
                "quantity": self.trades["lots"] * risk.lot[row],
                f"cost_{unit}": in_numeraire(self.trades["cost"], risk.quantum),
                f"fee_{unit}": in_numeraire(self.trades["fee"], risk.quantum),
            }
        )

    def cannot_wait(self, im: NDArray[np.int64], wait_s: float) -> NDArray[np.bool_]:
        """(n,) bool, who waits with less equity than the wait may cost: better handed over now.

        IM covers a day's move; one of `wait_s` is less by the root of the time. Whoever waits for
        depth, half of which is back in a half-life, with ``equity_after < im sqrt(wait / day)``,
        `im` in proportion to what is left of MM, is likely to leave a loss if he goes on waiting.

        Parameters
        ----------
        im : (n_accounts,) int64, quanta
            Of each account of the book, by the ranges in force now.
        wait_s : float
            At least 0, such as the depth's half-life.

        Raises
        ------
        ArgumentError
            `im` is not one number for each account of the book.
        DomainError
            `wait_s` or a requirement is negative or not finite; `error.row` is the account.
        """
        if not 0.0 <= real("wait_s", wait_s) < np.inf:
            raise DomainError(f"wait_s is {wait_s}; 0 or more is needed")
        held, n = column("im", im), len(self.book.cash)
        if held.shape != (n,):
            raise ArgumentError(f"im has shape {held.shape}; the book has {n} accounts")
        bad = ~((held >= 0.0) & (held < np.inf))
        if bad.any():
            row = int(np.argmax(bad))
            raise DomainError(f"im of account {row} is {held[row]:g}; 0 or more is needed", row=row)
        plans = self.plans
        left = plans["mm_after"] / np.maximum(plans["mm"], 1)
        needed = np.sqrt(wait_s / RANGE_S) * left * held[plans["account"]]
        waits = plans["outcome"] == OUTCOMES.index("waits")
        return np.asarray(waits & (plans["equity_after"] < needed))

    def check(self, book: PackedBook | None = None) -> None:
        """Is every account still what it was when it was planned? Ask before the first trade.

        A plan's own trades change its accounts, too: what is left of it is refused then. Prices,
        requirements and the depth are not looked at; where those have moved, plan anew.

        Parameters
        ----------
        book : PackedBook, optional
            Now; packed to the lots of the plan.

        Raises
        ------
        ArgumentError
            No packed book, or one of other risk lots.
        RowOrderError
            An account's positions, orders, cash or mode have changed; `error.row` is its row. Make
            a new plan.
        """
        if book is None:
            book = self.book
        is_a("book", book, PackedBook)
        check_lots("the book is packed", book.risk_lot, self.margin.risk)
        _liquidation.check(self.plans, book.handle)

    def after(self) -> PackedBook:
        """The book once every trade is done at its cost, orders of planned accounts cancelled."""
        book, risk = self.book, self.margin.risk
        mark = risk.column("mark").astype(np.int64)
        account, row = self.trades["account"], self.trades["instrument"].astype(np.int64)
        lots = self.trades["lots"].astype(np.int64)
        paid = -lots * mark[row]
        coin = np.full(len(row), -1, dtype=np.int64)
        portfolio = book.mode[account] == 0
        coin[portfolio] = _settles_in(self.margin)[row[portfolio]]
        settled = np.flatnonzero(coin >= 0)
        coins = paid[settled] // mark[coin[settled]]
        paid[settled] -= coins * mark[coin[settled]]
        cash = book.cash.copy()
        np.add.at(cash, account, paid - self.trades["cost"] - self.trades["fee"])

        n = len(risk.instruments)
        holder = np.repeat(np.arange(len(book.cash)), np.diff(book.offset))
        key = np.concatenate([holder * n + book.row, account * n + row,
                              account[settled] * n + coin[settled]])  # fmt: skip
        merged, at = np.unique(key, return_inverse=True)
        total = np.zeros(len(merged), dtype=np.int64)
        np.add.at(total, at, np.concatenate([book.lots.astype(np.int64), lots, coins]))
        # A position that is closed is no position, one that was 0 before may stay.
        kept = (total != 0) | np.isin(merged, key[: len(holder)][book.lots == 0])
        merged, total = merged[kept], total[kept]
        offset = np.searchsorted(merged // n, np.arange(len(book.cash) + 1))
        columns: dict[str, Any] = {
            "offset": offset.astype(np.int64), "row": (merged % n).astype(np.int32),
            "lots": total.astype(np.float64), "cash": cash,
        }  # fmt: skip
        columns |= self._orders_left()
        return book.with_columns(n, **columns)

    def _orders_left(self) -> dict[str, Any]:
        names = ("order_offset", "order_row", "order_lots", "order_limit")
        columns: dict[str, Any] = {name: getattr(self.book, name) for name in names}
        if columns["order_offset"] is None:
            return columns
        outcome = self.plans["outcome"]
        touched = (outcome != OUTCOMES.index("healthy")) & (outcome != OUTCOMES.index("paused"))
        count = np.diff(columns["order_offset"])
        kept = np.ones(len(count), dtype=bool)
        kept[self.plans["account"][touched]] = False
        each = np.repeat(kept, count)
        columns["order_offset"] = np.concatenate([[0], np.cumsum(count * kept)]).astype(np.int64)
        for name in names[1:]:
            columns[name] = np.ascontiguousarray(columns[name][each])
        return columns


def plan(
    book: Book | PackedBook,
    margin: Margin,
    depth: Depth,
    accounts: ArrayLike | None = None,
    *,
    standing: Standing | None = None,
    buffer_frac: float = 0.0,
    fee_frac: float = 0.0,
    proportional: bool = False,
    paused: Iterable[str] = (),
    market_exposure: bool = True,
    threads: int = 0,
) -> Plans:
    """Plan what to close of accounts below their maintenance margin.

    Parameters
    ----------
    book : Book or PackedBook
    margin : Margin
    depth : Depth
        What plans take from it is gone until it recovers.
    accounts : (n,) int, optional
        Rows of accounts, each once, in the order in which they get the depth; those below MM, the
        worst first, where not given.
    standing : Standing, optional
        From `sweep` of this book, to find those accounts; swept anew where not given.
    buffer_frac : float
        Restored means equity >= (1 + buffer_frac) MM; in whole 1/1024, rounded up, at most 1.
    fee_frac : float
        Liquidation fee on the notional closed, rounded up to whole 2^-20.
    proportional : bool
        Close every contract in the same proportion, and nothing else: nothing at all of an account
        one of whose contracts has no side in the depth.
    paused : units
        Their price allows no liquidation; accounts that hold one are left alone.
    market_exposure : bool
        As in `sweep`.

    Returns
    -------
    Plans

    Raises
    ------
    ArgumentError, UnknownInstrumentError, RowOrderError, DomainError, ExactnessError
        Nothing has been taken from the depth then.

    Notes
    -----
    A trade is made only where ``cost * MM <= equity * (fall of MM)``, the fall recomputed by the
    whole model; so equity / MM never falls. What no trade helps is left to the waterfall. One lot
    less of any trade would not restore the account. docs/method/liquidation.md has the rules.
    """
    packed = packed_for(book, margin.risk)
    is_a("depth", depth, Depth)
    is_a("proportional", proportional, (bool, np.bool_))
    check_lots("the depth is made", depth.margin.risk.lot, margin.risk)
    if standing is not None:
        check_standing(standing, len(packed.cash))
    if accounts is None:
        found = standing
        if found is None:
            found = sweep(packed, margin, market_exposure=market_exposure, threads=threads)
        order = found.order
        accounts = order[found.quanta["equity"][order] < found.quanta["mm"][order]]
    rows = np.ascontiguousarray(accounts)
    if rows.ndim != 1 or (rows.size and rows.dtype.kind not in "iu"):
        raise ArgumentError("accounts are one column of whole numbers")
    rows = rows.astype(np.int64)
    units = list(margin.units)
    stopped = np.zeros(len(units), dtype=np.uint8)
    for unit in paused:
        if unit not in units:
            raise UnknownInstrumentError(f"no unit {unit!r} to pause")
        stopped[units.index(unit)] = 1
    market, owners = exposure_of(packed, margin, market_exposure, as_threads(threads))
    room = np.diff(packed.offset)
    legal = (rows >= 0) & (rows < len(room))
    plans = np.zeros(len(rows), PLAN)
    trades = np.zeros(int(room[rows[legal]].sum()), TRADE)
    done = _liquidation.plan(
        margin.handle, packed.handle, market, owners, rows, depth._handle,
        _whole("buffer_frac", buffer_frac, FACTOR_ONE), _whole("fee_frac", fee_frac, RATE_ONE),
        proportional, stopped, _settles_in(margin), trades, plans,
    )  # fmt: skip
    return Plans(plans, trades[:done].copy(), packed, margin)


def next_thresholds(
    book: Book | PackedBook, margin: Margin, standing: Standing, *, threads: int = 0
) -> dict[str, tuple[float, float]]:
    """How far each unit's price can go before the next account falls below its MM: (down, up).

    By an account's delta, ``(equity - MM) / (|delta| + MM)``: for linear positions of one unit
    never too far. Infinite where nobody minds. Accounts below their MM already do not count.
    """
    book = packed_for(book, margin.risk)
    check_standing(standing, len(book.cash))
    move = np.empty(2 * len(margin.units))
    _liquidation.next_thresholds(
        margin.handle, margin.risk.handle, book.handle, standing.quanta["equity"],
        standing.quanta["mm"], as_threads(threads), move,
    )  # fmt: skip
    return {u: (float(move[2 * k]), float(move[2 * k + 1])) for k, u in enumerate(margin.units)}


def work_off(
    book: Book | PackedBook,
    margin: Margin,
    depth: Depth,
    *,
    interval_s: float,
    half_life_s: float,
    intervals: int = 60,
    share: float = 0.25,
    least: float | None = None,
    push: float = 0.5,
    **rules: Any,
) -> Iterator[Plans]:
    """Liquidate over intervals at standing prices, one `Plans` an interval, until nothing waits.

    Each interval the depth recovers, and plans may take `share` of it, but push no price further
    than `push` of the way to the next account's threshold. So the flow of a sweep does not make the
    next one's, but for `least` of the depth: that much may go whatever stands in the way, so that
    nobody waits for ever, and it may push past that threshold.

    Parameters
    ----------
    interval_s, half_life_s : float
        Between two rounds, and of what was taken.
    intervals : int
        The most there are.
    share, push : float
        See `Depth.budget`.
    least : float, optional
        Of each side; by default what comes back in an interval of one depth that is taken, a
        sixteenth of the side, as the square-root law has it: ``(1 - 2^(-interval_s / half_life_s))
        / 16``, at most `share`. 0: no price is pushed past `push`, and some may wait for ever.
    **rules
        As in `plan`.
    """
    packed = packed_for(book, margin.risk)
    if least is None:
        lives = checked_number("interval_s", interval_s, 0.0, math.inf)
        lives /= checked_number("half_life_s", half_life_s, math.ulp(0.0), math.inf)
        least = min(-math.expm1(-math.log(2.0) * lives) / SIDE_DEPTHS, share)
    for number in range(intervals):
        if number:
            depth.recover(interval_s, half_life_s)
        standing = sweep(packed, margin)
        near = next_thresholds(packed, margin, standing)
        move = {u: (_part(push, down), _part(push, up)) for u, (down, up) in near.items()}
        depth.budget(share, least=least, move=move)
        made = plan(packed, margin, depth, standing=standing, **rules)
        yield made
        if not made.counts()["waits"]:
            return
        packed = made.after()


def _part(push: float, way: float) -> float:
    """Of a way to a threshold; any part of an infinite one, 0 too, is no limit."""
    return push * way if way < math.inf else way


def _settles_in(margin: Margin) -> NDArray[np.int32]:
    """The row of the coin in which an inverse contract settles; -1: cash."""
    instruments = margin.risk.instruments
    rows = np.full(len(instruments), -1, dtype=np.int32)
    at = np.flatnonzero(instruments.inverse & (instruments.kind != Kind.SPOT))
    if len(at):
        coins = [instruments.currencies[c] for c in instruments.settlement[at]]
        rows[at] = instruments.index_of(coins)
    return rows


def _of(values: float | Mapping[str, float], unit: str, name: str) -> float:
    if isinstance(values, (int, float)):
        return float(values)
    if unit not in values:
        raise ArgumentError(f"{name} has no entry for {unit}")
    return float(values[unit])


def _whole(name: str, frac: float, one: int) -> int:
    if not 0.0 <= frac <= 1.0:
        raise DomainError(f"{name} is {frac}; 0 to 1 is allowed")
    return int(np.ceil(frac * one))


def _ladder(
    margin: Margin, row: int, book: tuple[Sequence[Level], Sequence[Level]], side: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Whole lots and quanta a lot of one side of a book."""
    instruments, risk = margin.risk.instruments, margin.risk
    name = instruments.name[row]
    sides = [_levels(name, book[0], "bid", -1), _levels(name, book[1], "ask", 1)]
    best = [float(levels[0, 0]) for levels in sides]
    if best[0] >= best[1]:
        raise DomainError(f"{name}: crossed, best bid {best[0]:g} and best ask {best[1]:g}")
    price, quantity = sides[side].T
    size = instruments.contract_size[row]
    if not instruments.inverse[row]:
        usd = price * size * risk.market.quote_usd[row]
    elif instruments.kind[row] in (Kind.CALL, Kind.PUT):
        usd = price * size * risk.market.index_usd[instruments.unit[row]]  # quoted in coin
    else:
        usd = -size * risk.market.index_usd[instruments.unit[row]] / price  # as the mark has it
    mark = risk.market.mark_usd[row]
    lot = risk.lot[row] / risk.handle.quantum_usd
    each = np.maximum(usd - mark if side else mark - usd, 0.0) * lot
    # A hair above a quantum is a quantum: what prices and their product may be off by.
    hair = np.maximum(1e-6, 8.0 * np.spacing(np.maximum(np.abs(usd), abs(mark)) * lot))
    # Parts of a lot wait for the next level.
    total = np.floor(np.cumsum(quantity) / risk.lot[row] * (1.0 + 1e-12))
    lots = np.diff(total, prepend=0.0)
    kept = lots > 0.0
    return lots[kept], np.maximum(np.ceil((each - hair)[kept]), 0.0)


def _levels(name: str, levels: Sequence[Level], label: str, sign: int) -> NDArray[np.float64]:
    given = np.array(levels, dtype=np.float64)
    if given.size == 0:
        raise DomainError(f"{name}: no {label}s, an empty book")
    if given.ndim != 2 or given.shape[1] != 2:
        raise ArgumentError(f"{name}: {label}s are pairs of price and quantity")
    for row, (price, quantity) in enumerate(given.tolist()):
        if not np.isfinite(price) or not np.isfinite(quantity):
            raise NotFiniteError(f"{name}: {label} {row} is not finite", row=row)
        if price <= 0.0 or quantity <= 0.0:
            raise DomainError(f"{name}: {label} {row} is {quantity:g} at {price:g}", row=row)
    if (sign * np.diff(given[:, 0]) <= 0.0).any():
        row = int(np.argmax(sign * np.diff(given[:, 0]) <= 0.0)) + 1
        raise RowOrderError(f"{name}: {label} {row} is no worse than the one before it", row=row)
    return given
