# SPDX-License-Identifier: Apache-2.0
"""Who pays for a liquidation: a waterfall on a ledger of whole quanta that always adds up.

Source: docs/method/clearing.md.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from margin_core._binding import _clearing
from margin_core.errors import ArgumentError, DomainError, MarginCoreError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["ADL", "EVENT", "EVENT_KINDS", "RECEIPT", "Applied", "Ledger", "Waterfall", "adl_queue"]

#: In the order of the core's numbers.
EVENT_KINDS = ("deposit", "variation", "liquidation", "insurance", "adl", "socialised")
ADL = ("none", "pro_rata", "ranked")

#: One event, as the core has it; `clearing.h` says what each field means to each kind.
EVENT = np.dtype(
    [("id", "u8"), ("kind", "i4"), ("reserved", "i4"), ("account", "i8"), ("counterparty", "i8"),
     ("amount", "i8"), ("pnl", "i8"), ("fee", "i8"), ("first", np.uintp), ("count", np.uintp)]
)  # fmt: skip
#: What an event did, in quanta.
RECEIPT = np.dtype(
    [("id", "u8"), ("digest", "u8"), ("collateral", "i8"), ("fee", "i8"), ("covered", "i8"),
     ("deficit", "i8")]
)  # fmt: skip


@dataclass(frozen=True)
class Waterfall:
    """The layers that a venue has below an account's own collateral.

    Parameters
    ----------
    insurance_limit : int, quanta
        The most that the insurance fund pays in one event; 0: there is no such layer.
    adl : "pro_rata", "ranked" or "none"
        Cut winners' P&L in proportion, in the order of a queue (`adl_queue`), or not at all.
    socialises : bool
        Spread what is left over equity.
    fee_to_fund : bool
        Liquidation fees fill the insurance fund; otherwise they are the venue's.
    """

    insurance_limit: int = 2**61
    adl: Literal["pro_rata", "ranked", "none"] = "pro_rata"
    socialises: bool = True
    fee_to_fund: bool = True

    def __post_init__(self) -> None:
        if self.adl not in ADL:
            raise ArgumentError(f"adl is {self.adl!r}; one of {', '.join(ADL)} is needed")

    @property
    def layers(self) -> tuple[str, ...]:
        """The layers there are, in order."""
        there = (self.insurance_limit > 0, self.adl != "none", self.socialises)
        return tuple(name for name, is_there in zip(EVENT_KINDS[3:], there, strict=True)
                     if is_there)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Applied:
    """What a call did.

    Attributes
    ----------
    receipts : (n_events,) RECEIPT
    haircuts : (n_candidates,) int64, quanta
        Taken from each candidate; 0 for events that were applied before.
    """

    receipts: NDArray[np.void]
    haircuts: NDArray[np.int64]


class Ledger:
    """Accounts, the insurance fund, fees and the open deficit, in whole quanta.

    Parameters
    ----------
    cash : (n,) int, quanta
        Settled; at least 0.
    pnl : (n,) int, quanta
        At the mark and not settled; 0 where it is not given.
    insurance, fees, deficit : int, quanta
    waterfall : Waterfall
    journal : int
        How many receipts are kept to recognise an event that comes again.

    Raises
    ------
    ArgumentError, DomainError
        `error.row` is the account.

    Notes
    -----
    After every event sum cash + sum pnl + insurance + fees - deficit is `total`, to the quantum,
    and cash, insurance, fees and deficit are at least 0. Arrays are copied; `cash` and `pnl` are
    read-only views. A ledger has one writer at a time.

    Examples
    --------
    Account 0 has lost 1,000 to accounts 1 and 2, holds 100, and the fund holds 50:

    >>> ledger = Ledger([100, 0, 0], [-1000, 400, 600], insurance=50)
    >>> _ = ledger.liquidate([0])
    >>> ledger.deficit
    900
    >>> ledger.cover([1, 2]).haircuts[:2].tolist()
    [340, 510]
    >>> ledger.pnl.tolist(), ledger.insurance, ledger.deficit, ledger.residual
    ([0, 60, 90], 0, 0, 0)
    """

    def __init__(
        self,
        cash: ArrayLike,
        pnl: ArrayLike | None = None,
        *,
        insurance: int = 0,
        fees: int = 0,
        deficit: int = 0,
        waterfall: Waterfall | None = None,
        journal: int = 65_536,
    ) -> None:
        columns = {"cash": _whole("cash", cash)}
        columns["pnl"] = np.zeros_like(columns["cash"]) if pnl is None else _whole("pnl", pnl)
        amounts = {"insurance": insurance, "fees": fees, "deficit": deficit}
        amounts = {name: _amount(name, value) for name, value in amounts.items()}
        total = sum(sum(column.tolist()) for column in columns.values())
        total += amounts["insurance"] + amounts["fees"] - amounts["deficit"]
        if abs(total) > 2**61:
            raise DomainError(f"everything adds up to {total}; 2^61 is the most")
        self._open(columns, np.zeros(_journal(journal), RECEIPT),
                   {**amounts, "total": total, "last_id": 0, "layer": 0},
                   waterfall or Waterfall())  # fmt: skip

    def _open(
        self, columns: dict[str, NDArray[np.int64]], journal: NDArray[np.void],
        state: dict[str, int], waterfall: Waterfall,
    ) -> None:  # fmt: skip
        self._cash, self._pnl, self._journal = columns["cash"], columns["pnl"], journal
        self.waterfall = waterfall
        rules = {**asdict(waterfall), "adl": ADL.index(waterfall.adl)}
        _amount("insurance_limit", waterfall.insurance_limit)
        self._handle = _clearing.LedgerHandle(self._cash, self._pnl, journal, state, rules)
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._cash)

    @property
    def cash(self) -> NDArray[np.int64]:
        return _read_only(self._cash)

    @property
    def pnl(self) -> NDArray[np.int64]:
        return _read_only(self._pnl)

    @property
    def insurance(self) -> int:
        return self._handle.state()["insurance"]

    @property
    def fees(self) -> int:
        return self._handle.state()["fees"]

    @property
    def deficit(self) -> int:
        """Losses that nobody has paid yet."""
        return self._handle.state()["deficit"]

    @property
    def total(self) -> int:
        """What everything adds up to; only a deposit or a withdrawal changes it."""
        return self._handle.state()["total"]

    @property
    def last_id(self) -> int:
        """Of the last event applied; the next has the next number."""
        return self._handle.state()["last_id"]

    @property
    def residual(self) -> int:
        """What is missing from `total`, counted anew: 0."""
        return self._handle.residual()

    def copy(self) -> Ledger:
        """The same ledger again, to try something on."""
        with self._lock:
            other = object.__new__(Ledger)
            other._open({"cash": self._cash.copy(), "pnl": self._pnl.copy()},
                        self._journal.copy(), self._handle.state(), self.waterfall)  # fmt: skip
        return other

    def events(self, kind: str | ArrayLike, **columns: ArrayLike) -> NDArray[np.void]:
        """Events with the next ids, (n,) EVENT, not applied yet.

        Parameters
        ----------
        kind : one of EVENT_KINDS, or one an event
        account, counterparty, amount, pnl, fee, first, count : (n,) or scalar int, optional
            0 where not given; counterparty -1.
        """
        unknown = set(columns) - set(EVENT.names or ()) | {"id", "kind", "reserved"} & set(columns)
        if unknown:
            raise ArgumentError(f"an event has no {min(unknown)} to give")
        given = {name: _whole(name, value, scalar=True) for name, value in columns.items()}
        kinds = np.asarray(kind)
        try:
            shape = np.broadcast_shapes((1,), kinds.shape, *(v.shape for v in given.values()))
        except ValueError:
            raise ArgumentError("the columns of the events differ in length") from None
        codes = [_kind(name) for name in np.broadcast_to(kinds, shape).tolist()]
        out = np.zeros(shape, EVENT)
        out["id"] = self.last_id + 1 + np.arange(len(out), dtype=np.uint64)
        out["kind"], out["counterparty"] = codes, -1
        for name, value in given.items():
            if name in ("first", "count") and (value < 0).any():
                raise ArgumentError(f"{name} is below 0")
            out[name] = value
        return out

    def apply(self, events: NDArray[np.void], candidates: ArrayLike = ()) -> Applied:
        """Apply events in order.

        Parameters
        ----------
        events : (n,) EVENT
            From `events`, or from a log. One that was applied before is left out, and its receipt
            is the old one.
        candidates : (m,) int
            Accounts that events of ADL and socialised loss name by `first` and `count`.

        Raises
        ------
        ArgumentError, UnknownInstrumentError, RowOrderError, DomainError, ExactnessError
            `error.row` is the event that cannot be applied. Those before it stand; it and those
            after it have changed nothing, and may be given again.
        """
        events = np.ascontiguousarray(events)
        if events.dtype != EVENT or events.ndim != 1:
            raise ArgumentError("events are a one-dimensional array of EVENT")
        rows = _whole("candidates", candidates)
        done = Applied(np.zeros(len(events), RECEIPT), np.zeros(len(rows), np.int64))
        with self._lock:
            self._handle.apply(events, rows, done.haircuts, done.receipts)
        return done

    def liquidate(
        self, accounts: ArrayLike, *, counterparty: ArrayLike = -1, cost: ArrayLike = 0,
        fee: ArrayLike = 0,
    ) -> Applied:  # fmt: skip
        """Close whole accounts: realise all P&L, pay the counterparty its price, then the fee.

        Parameters
        ----------
        accounts : (n,) int
            Each once.
        counterparty : (n,) or scalar int
            Who takes the positions; not needed where `cost` is 0.
        cost, fee : (n,) or scalar int, quanta
            What closing gives up against the mark, and the most that the fee may be.

        Raises
        ------
        RowOrderError
            A gain while a deficit is open that ADL has not had its turn on: `cover` comes first.

        Notes
        -----
        Those with a gain go first, so that no loss of the same call stands in their way.
        """
        rows = _whole("accounts", accounts)
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(self)):
            raise ArgumentError(f"accounts are 0 to {len(self) - 1}")
        if not len(rows):
            return self.apply(np.zeros(0, EVENT))
        events = self.events("liquidation", account=rows, counterparty=counterparty, amount=cost,
                             pnl=self._pnl[rows], fee=fee)  # fmt: skip
        turn = np.argsort(self._pnl[rows] <= 0, kind="stable")
        ids = events["id"].copy()
        events = events[turn]
        events["id"] = ids
        try:
            done = self.apply(events)
        except MarginCoreError as error:
            error.row = None if error.row is None else int(turn[error.row])
            raise
        done.receipts[turn] = done.receipts.copy()
        return done

    def cover(self, winners: ArrayLike = (), bearers: ArrayLike | None = None) -> Applied:
        """Let every layer of the waterfall pay down the deficit, in order.

        Parameters
        ----------
        winners : (m,) int
            Candidates of ADL: rising, or in the queue's order where ADL is ranked.
        bearers : (k,) int
            Who shares a socialised loss, rising; every account where not given.

        Returns
        -------
        Applied
            A receipt a layer; `haircuts` of the winners, then of the bearers.
        """
        layers = self.waterfall.layers
        cut = _whole("winners", winners) if "adl" in layers else np.zeros(0, np.int64)
        bear = np.zeros(0, np.int64)
        if "socialised" in layers:
            bear = np.arange(len(self)) if bearers is None else _whole("bearers", bearers)
        if not layers:
            return self.apply(np.zeros(0, EVENT))
        span = {"adl": (0, len(cut)), "socialised": (len(cut), len(bear))}
        spans = [span.get(layer, (0, 0)) for layer in layers]
        first, count = zip(*spans, strict=True)
        return self.apply(self.events(list(layers), first=first, count=count),
                          np.concatenate([cut, bear]))  # fmt: skip


def adl_queue(
    pnl: ArrayLike, entry: ArrayLike, notional: ArrayLike, equity: ArrayLike,
    rule: Literal["return_leverage", "hyperliquid"] = "return_leverage",
) -> NDArray[np.int64]:  # fmt: skip
    """Winners in the order in which a ranked ADL takes them, (k,) int64 rows.

    Parameters
    ----------
    pnl, entry, notional, equity : (n,) float
        Of each position: its unsettled P&L, its size in money at the entry and at the mark, and
        the worth of its account. One unit for all.
    rule : "return_leverage" or "hyperliquid"
        P&L / entry x notional / equity (return times leverage, as BitMEX, Binance and Bybit
        describe theirs), or mark / entry x notional / equity (Hyperliquid).

    Rows without a profit are left out, for ADL cuts nothing else; on a tie the lower row is first.
    An account whose equity is not above 0 is at the head.

    Source: the venues' documentation; no known answers.

    Raises
    ------
    ArgumentError, DomainError
        `error.row` is the position.
    """
    columns = [np.asarray(x, np.float64) for x in (pnl, entry, notional, equity)]
    if any(column.shape != columns[0].shape or column.ndim != 1 for column in columns):
        raise ArgumentError("pnl, entry, notional and equity must have one length")
    gain, at_entry, at_mark, worth = columns
    legal = np.isfinite(columns).all(axis=0) & (at_entry > 0) & (at_mark >= 0)
    if not legal.all():
        row = int(np.argmin(legal))
        raise DomainError(f"row {row} has a number that is not finite, or a size below 0", row=row)
    if rule not in ("return_leverage", "hyperliquid"):
        raise ArgumentError(f"rule is {rule!r}; return_leverage or hyperliquid is needed")
    rows = np.flatnonzero(gain > 0)
    leverage = np.full(len(rows), np.inf)
    np.divide(at_mark[rows], worth[rows], out=leverage, where=worth[rows] > 0)
    made = (gain if rule == "return_leverage" else at_mark)[rows] / at_entry[rows]
    with np.errstate(invalid="ignore"):
        score = np.where(np.isinf(leverage), np.inf, made * leverage)
    return rows[np.argsort(-score, kind="stable")]


def _whole(name: str, values: ArrayLike, *, scalar: bool = False) -> NDArray[np.int64]:
    """A fresh int64 column; what is not a whole number is refused, not rounded."""
    given = np.asarray(values)
    if given.size == 0:
        given = given.astype(np.int64)
    if given.dtype.kind not in "iu" or (given.dtype.kind == "u" and (given > 2**62).any()):
        raise ArgumentError(f"{name} must be whole numbers of 64 bits")
    if given.ndim != 1 and not (scalar and given.ndim == 0):
        raise ArgumentError(f"{name} must be one column")
    return np.array(given, dtype=np.int64, order="C")


def _amount(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise ArgumentError(f"{name} must be a whole number, not {value!r}")
    if not 0 <= value <= 2**61:
        raise DomainError(f"{name} is {value}; 0 to 2^61 is allowed")
    return int(value)


def _journal(size: int) -> int:
    if _amount("journal", size) == 0:
        raise ArgumentError("the journal holds at least one receipt")
    return int(size)


def _kind(name: Any) -> int:
    if name not in EVENT_KINDS:
        raise ArgumentError(f"an event is no {name!r}; one of {', '.join(EVENT_KINDS)} is needed")
    return EVENT_KINDS.index(name)


def _read_only(column: NDArray[np.int64]) -> NDArray[np.int64]:
    view = column.view()
    view.flags.writeable = False
    return view
