# SPDX-License-Identifier: Apache-2.0
"""Liquidation auctions: prices that fall by a rule, a clock that stops with the oracle.

Amounts are floats in one unit, the numeraire; what is paid is rounded once, to quanta, where it
enters the ledger. Source: docs/method/clearing.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from margin_core.errors import ArgumentError, DomainError, RowOrderError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["DERIVE", "AuctionClock", "Bid", "Decay", "DutchAuction", "bankruptcy_price",
           "fillable_price"]  # fmt: skip

NS_PER_S = 1_000_000_000


@dataclass(frozen=True)
class AuctionClock:
    """How long an auction has run. While the oracle is invalid it stands still.

    Parameters
    ----------
    seen_ns : int
        The time of the latest change, at first of the start.
    ran_ns : int
        How long it had run by then.
    running : bool

    Examples
    --------
    >>> clock = AuctionClock(0).follow(60 * NS_PER_S, valid=False)
    >>> clock.elapsed_s(3600 * NS_PER_S)
    60.0
    >>> clock.follow(3600 * NS_PER_S, valid=True).elapsed_s(3610 * NS_PER_S)
    70.0
    """

    seen_ns: int
    ran_ns: int = 0
    running: bool = True

    def follow(self, now_ns: int, *, valid: bool) -> AuctionClock:
        """The clock after the oracle was found valid, or not, at `now_ns`.

        Raises
        ------
        RowOrderError
            `now_ns` is before the latest change.
        """
        ran = self._ran_ns(now_ns)
        return self if valid == self.running else AuctionClock(now_ns, ran, valid)

    def elapsed_s(self, now_ns: int) -> float:
        """Seconds that count at `now_ns`, at or after the latest change."""
        return self._ran_ns(now_ns) / NS_PER_S

    def _ran_ns(self, now_ns: int) -> int:
        if now_ns < self.seen_ns:
            raise RowOrderError(f"time {now_ns} is before {self.seen_ns}, which the clock has seen")
        return self.ran_ns + (now_ns - self.seen_ns if self.running else 0)


@dataclass(frozen=True)
class Decay:
    """The share of the mark that an auction asks for, by the seconds it has run.

    Made by `linear`, `exponential` or `stair`; never rises.

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

    @classmethod
    def linear(cls, knots: Sequence[tuple[float, float]]) -> Decay:
        """Straight lines through (seconds, share), the first at 0; level after the last."""
        given = np.array(knots, dtype=np.float64)
        if given.ndim != 2 or given.shape[1] != 2 or not np.isfinite(given).all():
            raise ArgumentError("a linear decay needs (seconds, share) pairs of finite numbers")
        seconds, share = given.T
        if seconds[0] != 0.0 or (np.diff(seconds) <= 0.0).any():
            raise RowOrderError("the seconds of a linear decay start at 0 and rise")
        if (np.diff(share) > 0.0).any() or share[-1] < 0.0:
            raise DomainError("the shares of a linear decay fall, and not below 0")
        pairs = tuple(zip(seconds.tolist(), share.tolist(), strict=True))
        return cls("linear", pairs[0][1], 0.0, 0.0, pairs[-1][1], pairs)

    @classmethod
    def exponential(cls, start: float, half_life_s: float, *, floor: float = 0.0) -> Decay:
        """Half of it every `half_life_s`."""
        return cls._falling("exponential", start, 0.5, half_life_s, floor)

    @classmethod
    def stair(cls, start: float, step: float, every_s: float, *, floor: float = 0.0) -> Decay:
        """Less by `step`, a share of the mark, after every `every_s`."""
        return cls._falling("stair", start, step, every_s, floor)

    @classmethod
    def _falling(cls, kind: str, start: float, rate: float, every_s: float, floor: float) -> Decay:
        finite = np.isfinite([start, rate, every_s, floor]).all()
        if not finite or rate < 0 or every_s <= 0 or not 0 <= floor <= start:
            raise DomainError(
                f"no {kind} decay from {start} by {rate} every {every_s} s to {floor}"
            )
        return cls(kind, float(start), float(rate), float(every_s), float(floor))

    def at(self, elapsed_s: ArrayLike) -> NDArray[np.float64]:
        """The share asked for, of the shape of `elapsed_s`."""
        seconds = np.asarray(elapsed_s, dtype=np.float64)
        if not (seconds >= 0.0).all():
            raise DomainError("an auction has run for 0 seconds or more")
        if self.kind == "linear":
            x, y = zip(*self.knots, strict=True)
            return np.asarray(np.interp(seconds, x, y))
        periods = seconds / self.every_s
        if self.kind == "stair":
            return np.asarray(np.maximum(self.start - self.rate * np.floor(periods), self.floor))
        return np.asarray(np.maximum(self.start * self.rate**periods, self.floor))


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

    Notes
    -----
    All methods take scalars or arrays. `equity` is the portfolio's mark-to-market value and `mm`
    its requirement, >= 0; an auction starts where equity < mm.
    """

    decay: Decay
    buffer_frac: float
    fee_frac: float
    insolvent_s: float
    whole_below: float = 0.0

    def __post_init__(self) -> None:
        numbers = (self.buffer_frac, self.fee_frac, self.insolvent_s, self.whole_below)
        if not (np.isfinite(numbers).all() and min(numbers) >= 0.0 and self.insolvent_s > 0.0):
            raise DomainError("an auction's fractions are at least 0, its seconds above 0")

    def buffered(self, equity: ArrayLike, mm: ArrayLike) -> Any:
        """Equity above MM and its buffer; the auction ends where it is not negative."""
        return np.subtract(equity, np.multiply(1.0 + self.buffer_frac, mm))

    def largest_share(
        self, equity: ArrayLike, mm: ArrayLike, asked: ArrayLike, reserved: ArrayLike = 0.0
    ) -> Any:
        """The share whose sale at `asked` of its worth restores the buffer, 0 to 1."""
        short = np.asarray(self.buffered(equity, mm))
        sold = np.multiply(equity, asked) + np.multiply(reserved, np.subtract(1.0, asked))
        share = np.divide(short, short - sold, out=np.zeros(np.broadcast(short, sold).shape),
                          where=short < 0.0)  # fmt: skip
        return np.where((short < 0.0) & np.less(equity, self.whole_below), 1.0, share)[()]

    def fee(self, equity: ArrayLike, mm: ArrayLike) -> Any:
        """What the auction costs the account at its start; 0 where insolvent."""
        share = self.largest_share(equity, mm, 1.0)
        return self.fee_frac * share * np.maximum(equity, 0.0)

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
        if not np.greater(equity, reserved).all():
            raise DomainError("a solvent auction needs equity above the cash reserved")
        asked = self.decay.at(elapsed_s)
        share = np.minimum(_share(want), self.largest_share(equity, mm, asked, reserved))
        return _sell(equity, mm, reserved, share, np.subtract(equity, reserved) * asked * share)

    def insolvent_bid(
        self, equity: ArrayLike, mm: ArrayLike, elapsed_s: ArrayLike, want: ArrayLike = 1.0,
        reserved: ArrayLike = 0.0,
    ) -> Bid:  # fmt: skip
        """A bid on an insolvent portfolio: the bidder is paid to take its share.

        What the bidder gets, -price, is the security module's or the next layer's; nothing of it
        reaches the account.
        """
        own = np.subtract(equity, reserved)
        if not np.less_equal(own, 0.0).all():
            raise DomainError("an insolvent auction needs equity of at most the cash reserved")
        price = self.insolvent_price(own, own - mm, elapsed_s)
        share = _share(want)
        return _sell(equity, mm, reserved, share, 0.0)._replace(price=price * share)

    def insolvent_price(self, start: ArrayLike, end: ArrayLike, elapsed_s: ArrayLike) -> Any:
        """From `start` to `end` in a straight line over `insolvent_s`."""
        seconds = np.asarray(elapsed_s, dtype=np.float64)
        if not (seconds >= 0.0).all():
            raise DomainError("an auction has run for 0 seconds or more")
        return start + np.subtract(end, start) * np.minimum(seconds / self.insolvent_s, 1.0)

    def with_rules(self, **rules: Any) -> DutchAuction:
        """The same auction with some rules changed."""
        return replace(self, **rules)


def _share(want: ArrayLike) -> NDArray[np.float64]:
    share = np.asarray(want, dtype=np.float64)
    if not ((share >= 0.0) & (share <= 1.0)).all():
        raise DomainError("a share is 0 to 1")
    return share


def _sell(equity: Any, mm: Any, reserved: Any, share: Any, paid: Any) -> Bid:
    """Everything but the reserved cash shrinks by the share, and what is paid is reserved."""
    kept = 1.0 - share
    reserve = np.add(reserved, paid)
    after = np.subtract(equity, reserved) * kept + reserve
    return Bid(share, paid, after, np.multiply(mm, kept), reserve)


#: Derive v2 on mainnet: 95 % to 70 % in 15 minutes, to 0 in 12 hours more, insolvent in one hour.
DERIVE = DutchAuction(
    Decay.linear([(0, 0.95), (900, 0.70), (900 + 43_200, 0.0)]),
    buffer_frac=0.15, fee_frac=0.10, insolvent_s=3_600,
)  # fmt: skip


def fillable_price(
    size: Any, notional: Any, position_mm: Any, equity: Any, mm: Any, *, adjustment: Any = 1,
    spread_to_mm: Any = 1.5,
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
    Fractions give a fraction, exactly.

    Raises
    ------
    DomainError
        A size or a requirement of 0.
    """
    _check_position(size, mm)
    ratio = np.minimum(np.maximum(adjustment * (1 - equity / mm), 0), 1)
    return (notional - ratio * spread_to_mm * position_mm) / size


def bankruptcy_price(size: Any, notional: Any, position_mm: Any, equity: Any, mm: Any) -> Any:
    """The price at which closing a position uses up its part of the account's equity, by its MM.

    Closing every position of an account at its bankruptcy price leaves exactly nothing. Arguments,
    errors and exactness as for `fillable_price`. Source: dYdX v4.
    """
    _check_position(size, mm)
    return (notional - equity * position_mm / mm) / size


def _check_position(size: Any, mm: Any) -> None:
    if not (np.not_equal(size, 0).all() if np.ndim(size) else size != 0):
        raise DomainError("a position of size 0 has no price")
    if not (np.greater(mm, 0).all() if np.ndim(mm) else mm > 0):
        raise DomainError("an account without a requirement is not liquidated")
