# SPDX-License-Identifier: Apache-2.0
"""Liquidation auctions: prices that fall by a rule, a clock that stops with the oracle.

Amounts are floats of one unit of money. Source: docs/method/auction.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core._binding import _auction
from margin_core.checks import is_a, whole
from margin_core.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["DERIVE", "AuctionClock", "Bid", "Decay", "DutchAuction", "bankruptcy_price",
           "fillable_price"]  # fmt: skip

#: In the order of the core's numbers.
DECAYS = ("linear", "exponential", "stair")


@dataclass(frozen=True)
class AuctionClock:
    """How long an auction has run. While the oracle is invalid it stands still.

    Parameters
    ----------
    seen_ns : int
        The latest time it was told, at first that of the start.
    ran_ns : int
        How long it had run by then.
    running : bool

    Examples
    --------
    >>> S = 1_000_000_000
    >>> clock = AuctionClock(0).follow(60 * S, valid=False)
    >>> clock.elapsed_s(3600 * S)
    60.0
    >>> clock.follow(3600 * S, valid=True).elapsed_s(3610 * S)
    70.0
    """

    seen_ns: int
    ran_ns: int = 0
    running: bool = True

    def __post_init__(self) -> None:
        for name in ("seen_ns", "ran_ns"):
            whole(name, getattr(self, name), -(1 << 63), (1 << 63) - 1)
        is_a("running", self.running, (bool, np.bool_))

    def follow(self, now_ns: int, *, valid: bool) -> AuctionClock:
        """The clock after the oracle was found valid, or not, at `now_ns`.

        Raises
        ------
        ArgumentError, DomainError
            A time that is no whole number of int64, a `valid` that is no bool.
        RowOrderError
            `now_ns` is before a time that it was told.
        """
        is_a("valid", valid, (bool, np.bool_))
        now_ns = whole("now_ns", now_ns, -(1 << 63), (1 << 63) - 1)
        ran_ns = _auction.follow(self.seen_ns, self.ran_ns, self.running, now_ns, valid)
        return AuctionClock(now_ns, ran_ns, bool(valid))

    def elapsed_s(self, now_ns: int) -> float:
        """Seconds that count at `now_ns`, at or after the latest time it was told."""
        now_ns = whole("now_ns", now_ns, -(1 << 63), (1 << 63) - 1)
        return _auction.elapsed_s(self.seen_ns, self.ran_ns, self.running, now_ns)


@dataclass(frozen=True)
class Decay:
    """The share of the mark that an auction asks for, by the seconds it has run.

    Made by `linear`, `exponential` or `stair`; never rises. Shares are 0 to 1000.

    Raises
    ------
    ArgumentError, NotFiniteError, DomainError, RowOrderError
        Rules that make no such price; `error.row` is the knot.

    Examples
    --------
    >>> Decay.linear([(0, 1.0), (60, 0.7), (3660, 0.0)]).at([0, 30, 60, 1860, 9999]).tolist()
    [1.0, 0.85, 0.7, 0.35, 0.0]
    >>> Decay.exponential(1.0, 60, floor=0.2).at([0, 60, 120, 600]).tolist()
    [1.0, 0.5, 0.25, 0.2]
    >>> Decay.stair(1.0, 0.25, 10).at([0, 9, 10, 25, 100]).tolist()
    [1.0, 1.0, 0.75, 0.5, 0.0]
    """

    kind: str
    start: float
    rate: float
    every_s: float
    floor: float
    knots: tuple[tuple[float, float], ...] = ()

    def __post_init__(self) -> None:
        self._handle()

    @classmethod
    def linear(cls, knots: Sequence[tuple[float, float]]) -> Decay:
        """Straight lines through (seconds, share), the first at 0; level after the last."""
        given = np.array(knots, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != 2:
            raise ArgumentError("a linear decay needs (seconds, share) pairs")
        pairs = tuple((seconds, share) for seconds, share in given.tolist())
        return cls("linear", pairs[0][1], 0.0, 0.0, pairs[-1][1], pairs)

    @classmethod
    def exponential(cls, start: float, half_life_s: float, *, floor: float = 0.0) -> Decay:
        """Half of it every `half_life_s`."""
        return cls("exponential", float(start), 0.5, float(half_life_s), float(floor))

    @classmethod
    def stair(cls, start: float, step: float, every_s: float, *, floor: float = 0.0) -> Decay:
        """Less by `step`, a share of the mark, after every `every_s`."""
        return cls("stair", float(start), float(step), float(every_s), float(floor))

    def at(self, elapsed_s: ArrayLike) -> NDArray[np.float64]:
        """The share asked for, of the shape of `elapsed_s`."""
        shape, (seconds,) = _columns(elapsed_s)
        asked = np.empty(len(seconds))
        self._handle().at(seconds, asked)
        return asked.reshape(shape)

    def _handle(self) -> _auction.DecayHandle:
        if self.kind not in DECAYS:
            raise ArgumentError(f"there is no {self.kind!r} decay; one of {', '.join(DECAYS)}")
        knots = np.array(self.knots, dtype=np.float64).reshape(-1, 2)
        return _auction.DecayHandle(DECAYS.index(self.kind), self.start, self.rate, self.every_s,
                                    self.floor, *np.ascontiguousarray(knots.T))  # fmt: skip


class Bid(NamedTuple):
    """What a bidder gets and pays, and the account after it.

    Attributes
    ----------
    share : of what is left of the portfolio
    price : paid to the account; negative where the security module pays the bidder
    equity, mm : of the account after the bid, with the cash paid
    reserved : cash from bids, which is not for sale
    """

    share: Any
    price: Any
    equity: Any
    mm: Any
    reserved: Any


@dataclass(frozen=True)
class DutchAuction:
    """An auction of a share of a whole portfolio, its cash from earlier bids left out.

    Parameters
    ----------
    decay : Decay
        Of the price of a solvent portfolio, as a share of its equity.
    buffer_frac : float
        A bid may restore equity to MM + buffer_frac MM.
    fee_frac : float
        Of the equity that could be sold at the start at no discount.
    insolvent_s : float
        How long the price of an insolvent portfolio takes from its equity to equity - MM.
    whole_below : float
        Equity below which the whole portfolio may be bought.
    reserve_price_frac : float
        The reserve price, a share of worth, below which a solvent portfolio is not sold; 0: there
        is none.
    quanta : bool
        Amounts are whole quanta, and what is paid is rounded up to one: against the bidder, whether
        he pays or is paid, and against the account for its fee.

    Notes
    -----
    All methods take scalars or arrays. `equity` is the portfolio's mark-to-market value and `mm`
    its requirement, >= 0; an auction starts where equity < mm. `reserved` is cash from earlier
    bids, which is part of equity and not for sale.

    Raises
    ------
    ArgumentError, NotFiniteError, DomainError
        Of the rules; of methods also ExactnessError, where quanta may add up to 2^53. `error.row`
        is the first one in the flattened broadcast shape.

    Examples
    --------
    >>> auction = DERIVE.with_rules(reserve_price_frac=0.5, quanta=True)
    >>> bid = auction.bid(80_000_001, 100_000_000, elapsed_s=900)
    >>> round(float(bid.share), 4), float(bid.price)
    (0.3846, 21538462.0)
    >>> float(auction.bid(80_000_001, 100_000_000, elapsed_s=30_000).share)
    0.0
    """

    decay: Decay
    buffer_frac: float
    fee_frac: float
    insolvent_s: float
    whole_below: float = 0.0
    reserve_price_frac: float = 0.0
    quanta: bool = False

    def __post_init__(self) -> None:
        self._handle()

    def buffered(self, equity: ArrayLike, mm: ArrayLike) -> Any:
        """Equity above MM and its buffer; the auction ends where it is not negative."""
        return np.subtract(equity, np.multiply(1.0 + self.buffer_frac, mm))

    def largest_share(
        self, equity: ArrayLike, mm: ArrayLike, asked: ArrayLike, reserved: ArrayLike = 0.0
    ) -> Any:
        """The share whose sale at `asked` of its worth restores the buffer, 0 to 1.

        1 where no share would, as of an insolvent portfolio.
        """
        shape, (e, m, r, a) = _columns(equity, mm, reserved, asked)
        share = np.empty(len(e))
        self._handle().largest_share(e, m, r, a, share)
        return share.reshape(shape)[()]

    def fee(self, equity: ArrayLike, mm: ArrayLike) -> Any:
        """What the auction costs the account at its start; 0 where insolvent."""
        shape, (e, m, r) = _columns(equity, mm, 0.0)
        fee = np.empty(len(e))
        self._handle().fee(e, m, r, fee)
        return fee.reshape(shape)[()]

    def bid(
        self, equity: ArrayLike, mm: ArrayLike, elapsed_s: ArrayLike, want: ArrayLike = 1.0,
        reserved: ArrayLike = 0.0,
    ) -> Bid:  # fmt: skip
        """A bid on a solvent portfolio; `want` is a share of what is left of it.

        Raises
        ------
        DomainError
            A portfolio whose equity is not above `reserved`, or a share outside 0 to 1.
        """
        return self._bid(False, equity, mm, elapsed_s, want, reserved)

    def insolvent_bid(
        self, equity: ArrayLike, mm: ArrayLike, elapsed_s: ArrayLike, want: ArrayLike = 1.0,
        reserved: ArrayLike = 0.0,
    ) -> Bid:  # fmt: skip
        """A bid on an insolvent portfolio: the bidder is paid to take its share.

        What the bidder gets, -price, is the security module's or the next layer's; nothing of it
        reaches the account.
        """
        return self._bid(True, equity, mm, elapsed_s, want, reserved)

    def _bid(self, insolvent: bool, equity: ArrayLike, mm: ArrayLike, elapsed_s: ArrayLike,
             want: ArrayLike, reserved: ArrayLike) -> Bid:  # fmt: skip
        shape, (e, m, r, t, w) = _columns(equity, mm, reserved, elapsed_s, want)
        out = {name: np.empty(len(e)) for name in Bid._fields}
        phase = np.full(len(e), insolvent, dtype=np.uint8)
        self._handle().bid(e, m, r, phase, t, w, out)
        return Bid(*(column.reshape(shape)[()] for column in out.values()))

    def insolvent_price(self, start: ArrayLike, end: ArrayLike, elapsed_s: ArrayLike) -> Any:
        """From `start`, at most 0, down to `end` in a straight line over `insolvent_s`."""
        return self.insolvent_bid(start, np.subtract(start, end), elapsed_s).price

    def with_rules(self, **rules: Any) -> DutchAuction:
        """The same auction with some rules changed."""
        return replace(self, **rules)

    def _handle(self) -> _auction.RulesHandle:
        return _auction.RulesHandle(self.decay._handle(), self.buffer_frac, self.fee_frac,
                                    self.insolvent_s, self.whole_below, self.reserve_price_frac,
                                    self.quanta)  # fmt: skip


def _columns(*values: ArrayLike) -> tuple[tuple[int, ...], list[NDArray[np.float64]]]:
    """The common shape, and each input as a flat column of it."""
    try:
        arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    except (TypeError, ValueError) as error:
        raise ArgumentError(f"an auction takes numbers of shapes that broadcast: {error}") from None
    return arrays[0].shape, [np.ascontiguousarray(array).reshape(-1) for array in arrays]


def _derive() -> DutchAuction:
    knots, rules = _auction.derive()
    return DutchAuction(Decay.linear(knots), **rules)


#: Derive v2 on mainnet: 95 % to 70 % in 15 minutes, to 0 in 12 hours more, insolvent in one hour.
DERIVE = _derive()


def fillable_price(
    size: ArrayLike, notional: ArrayLike, position_mm: ArrayLike, equity: ArrayLike,
    mm: ArrayLike, *, adjustment: float = 1.0, spread_to_mm: float = 1.5,
) -> Any:  # fmt: skip
    """The price at which dYdX v4 offers a position of a liquidatable account.

    Parameters
    ----------
    size : signed; scalar or (n,)
    notional : signed, size times the oracle's price
    position_mm : of the position, >= 0
    equity, mm : of the account, mm > 0
    adjustment : bankruptcy adjustment, >= 1
    spread_to_mm : spread to maintenance margin ratio, >= 0

    Returns
    -------
    (notional - ABR spread_to_mm position_mm) / size, ABR = adjustment (1 - equity / mm) in 0 to 1.

    Raises
    ------
    NotFiniteError, DomainError
        A size or a requirement of 0, a number out of range; `error.row` is the first one in the
        flattened broadcast shape.
    """
    return _price(False, adjustment, spread_to_mm, size, notional, position_mm, equity, mm)


def bankruptcy_price(
    size: ArrayLike, notional: ArrayLike, position_mm: ArrayLike, equity: ArrayLike, mm: ArrayLike
) -> Any:
    """The price at which closing a position uses up its part of the account's equity, by its MM.

    Closing every position of an account at its bankruptcy price leaves nothing. Arguments and
    errors as for `fillable_price`. Source: dYdX v4.
    """
    return _price(True, 1.0, 0.0, size, notional, position_mm, equity, mm)


def _price(bankruptcy: bool, adjustment: float, spread_to_mm: float, *values: ArrayLike) -> Any:
    shape, (size, notional, position_mm, equity, mm) = _columns(*values)
    out = np.empty(len(size))
    _auction.price(bankruptcy, size, notional, position_mm, equity, mm, adjustment, spread_to_mm,
                   out)  # fmt: skip
    return out.reshape(shape)[()]
