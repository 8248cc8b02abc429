# SPDX-License-Identifier: Apache-2.0
"""A breaker on what leaves the venue: lowered at once, raised late, never lifted in one batch."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from margin_core.checks import WHOLE_MAX, whole
from margin_core.errors import ArgumentError, DomainError, RowOrderError

__all__ = ["Outflow"]


@dataclass(frozen=True)
class Outflow:
    """How much of an asset may leave, in whole quanta: a leaking bucket.

    At most `limit` leaves at once, and `limit` more in each `window_ns`; so in any time t no more
    than ``limit (1 + t / window_ns)``, of the limits in force. Whole numbers: nothing is rounded.

    Attributes
    ----------
    limit : int
        Quanta.
    window_ns : int
    delay_ns : int
        From the announcement of a higher limit to the moment it holds.
    time_ns : int
        Of the last change of any kind.
    used : int
        What has left and not leaked yet, in quanta times `window_ns`.
    raised, raised_ns : int
        A higher limit and the moment from which it holds; 0 where none is announced.
    """

    limit: int
    window_ns: int
    delay_ns: int
    time_ns: int
    used: int = 0
    raised: int = 0
    raised_ns: int = 0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = whole(field.name, getattr(self, field.name), -WHOLE_MAX)
            object.__setattr__(self, field.name, value)
        if self.limit < 0 or self.window_ns <= 0 or self.delay_ns < 0 or self.used < 0:
            raise ArgumentError("limit, delay_ns and used are 0 or more, window_ns is positive")

    def at(self, now_ns: int) -> Outflow:
        """The same breaker at a later moment.

        Raises
        ------
        RowOrderError
            `now_ns` is before the last change.
        """
        now_ns = whole("now_ns", now_ns, -WHOLE_MAX)
        if now_ns < self.time_ns:
            raise RowOrderError(f"now_ns {now_ns} is before {self.time_ns}")
        if self.raised == 0 or now_ns < self.raised_ns:
            return self._leaked(now_ns)
        before = self._leaked(self.raised_ns)
        return replace(before, limit=self.raised, raised=0, raised_ns=0)._leaked(now_ns)

    def _leaked(self, now_ns: int) -> Outflow:
        left = max(0, self.used - self.limit * (now_ns - self.time_ns))
        return replace(self, time_ns=now_ns, used=left)

    def free(self, now_ns: int) -> int:
        """Quanta that may leave now."""
        then = self.at(now_ns)
        return max(0, then.limit * then.window_ns - then.used) // then.window_ns

    def withdraw(self, amount: int, now_ns: int) -> Outflow:
        """The breaker after so many quanta have left.

        Raises
        ------
        DomainError
            More than `free`, less than 0 or not whole; the breaker stays as it was.
        """
        amount = whole("amount", amount, -WHOLE_MAX)
        if not 0 <= amount <= self.free(now_ns):
            raise DomainError(f"{amount} quanta: {self.free(now_ns)} may leave now")
        then = self.at(now_ns)
        return replace(then, used=then.used + amount * then.window_ns)

    def with_limit(self, limit: int, now_ns: int) -> Outflow:
        """Another limit: at once where lower, after `delay_ns` where higher.

        A further announcement replaces one that does not hold yet, and waits anew.

        Raises
        ------
        DomainError, RowOrderError
            A limit that is negative or not whole; `now_ns` is before the last change.
        """
        limit = whole("limit", limit)
        then = self.at(now_ns)
        if limit <= then.limit:
            return replace(then, limit=limit, raised=0, raised_ns=0)
        return replace(then, raised=limit, raised_ns=then.time_ns + self.delay_ns)
