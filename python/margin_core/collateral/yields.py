# SPDX-License-Identifier: Apache-2.0
"""Yield and interest by integer index: rounded down for what is owned, up for what is owed.

An index or a rate is a whole number of 1 / `RAY`; amounts are whole quanta, times nanoseconds. What
is accepted comes back as a new value; what is refused leaves the caller with the last valid one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from margin_core.errors import DomainError, RowOrderError

__all__ = [
    "RAY", "YEAR_NS", "ExchangeRate", "Settlement", "YieldIndex", "coupon", "owed", "owned",
    "projected", "settle_yield", "shares",
]  # fmt: skip

RAY = 10**27
YEAR_NS = 365 * 86_400 * 10**9

#: No rate of more than 1000 % a year is believed.
RATE_MAX_RAY = 10 * RAY

#: What settled yield pays, in this order.
DUES = ("funding", "interest", "margin_call")


@dataclass(frozen=True)
class YieldIndex:
    """Value of one share of a lending pool, a rebasing token or a debt.

    Attributes
    ----------
    value_ray : int
    time_ns : int
        When it had this value.
    """

    value_ray: int
    time_ns: int

    def __post_init__(self) -> None:
        _range("value_ray", self.value_ray, 1, 10**12 * RAY)

    def accrued(self, rate_ray: int, now_ns: int, *, debt: bool = False) -> YieldIndex:
        """The index at `now_ns` at a yearly rate, linear since `time_ns`.

        Growth is rounded down, and up for a debt. Compounding is by the calls.

        Raises
        ------
        RowOrderError
            `now_ns` is before `time_ns`.
        DomainError
            A rate that is negative or above 1000 % a year.
        """
        _range("rate_ray", rate_ray, 0, RATE_MAX_RAY)
        grown = self.value_ray * rate_ray * _since(self.time_ns, now_ns)
        per = RAY * YEAR_NS
        return YieldIndex(self.value_ray + (-(-grown // per) if debt else grown // per), now_ns)


def shares(amount: int, index_ray: int) -> int:
    """Shares that a deposit of `amount` quanta buys, rounded down."""
    return _whole("amount", amount) * RAY // _positive(index_ray)


def owned(shares: int, index_ray: int) -> int:
    """Quanta that shares are worth, rounded down."""
    return _whole("shares", shares) * _positive(index_ray) // RAY


def owed(shares: int, index_ray: int) -> int:
    """Quanta that a debt in shares has grown to, rounded up."""
    return -(-_whole("shares", shares) * _positive(index_ray) // RAY)


@dataclass(frozen=True)
class ExchangeRate:
    """An exchange rate (wstETH, rETH, sDAI) behind a cap on its growth.

    The cap is ``snapshot (1 + growth t)``, t the years since the snapshot, and never below the last
    valid rate: a cap that lags lets the rate stand still, it does not take value away. A fall is
    believed when the protocol confirms a loss.

    Attributes
    ----------
    rate_ray, time_ns : int
        The last valid rate and its time.
    snapshot_ray, snapshot_ns : int
        A rate and the time it belongs to: one without the other means nothing.
    growth_ray : int
        Per year.
    """

    rate_ray: int
    time_ns: int
    snapshot_ray: int
    snapshot_ns: int
    growth_ray: int

    def __post_init__(self) -> None:
        _range("rate_ray", self.rate_ray, 1, 10**12 * RAY)
        _range("snapshot_ray", self.snapshot_ray, 1, 10**12 * RAY)
        _range("growth_ray", self.growth_ray, 0, RATE_MAX_RAY)
        _since(self.snapshot_ns, self.time_ns)

    def cap_ray(self, now_ns: int) -> int:
        """The largest rate that is believed at `now_ns`."""
        grown = self.snapshot_ray * self.growth_ray * _since(self.snapshot_ns, now_ns)
        return max(self.rate_ray, self.snapshot_ray + grown // (RAY * YEAR_NS))

    def reported(self, rate_ray: int, now_ns: int, *, loss_confirmed: bool = False) -> ExchangeRate:
        """The rate after a report: at most the cap, at least the last unless a loss is confirmed.

        Raises
        ------
        RowOrderError
            `now_ns` is before the last report.
        DomainError
            A rate that is not positive.
        """
        _range("rate_ray", rate_ray, 1, 10**12 * RAY)
        _since(self.time_ns, now_ns)
        if loss_confirmed and rate_ray < self.rate_ray:
            return ExchangeRate(rate_ray, now_ns, rate_ray, now_ns, self.growth_ray)
        rate_ray = max(self.rate_ray, min(rate_ray, self.cap_ray(now_ns)))
        return replace(self, rate_ray=rate_ray, time_ns=now_ns)

    def rebased(
        self, snapshot_ray: int, snapshot_ns: int, growth_ray: int, *, max_change_ray: int
    ) -> ExchangeRate:
        """New parameters of the cap, all three or none.

        A snapshot that moves by more than `max_change_ray` (a fraction) is refused and not clipped:
        a clipped ratio with an unclipped time is another cap, and was below the market on 10 March
        2026 (Aave's CAPO, wstETH, 2.85 %).

        Raises
        ------
        RowOrderError
            A snapshot older than the present one, or later than the last report.
        DomainError
            A change beyond the limit, a cap below the last valid rate, a rate out of range.
        """
        _range("max_change_ray", max_change_ray, 0, RAY)
        _since(self.snapshot_ns, snapshot_ns)
        new = replace(
            self, snapshot_ray=snapshot_ray, snapshot_ns=snapshot_ns, growth_ray=growth_ray
        )
        if abs(snapshot_ray - self.snapshot_ray) * RAY > max_change_ray * self.snapshot_ray:
            raise DomainError(
                f"snapshot_ray {snapshot_ray}: more than {max_change_ray / RAY:.4g} from "
                f"{self.snapshot_ray}; nothing is changed"
            )
        grown = snapshot_ray * growth_ray * (self.time_ns - snapshot_ns) // (RAY * YEAR_NS)
        if snapshot_ray + grown < self.rate_ray:
            raise DomainError(
                f"snapshot_ray {snapshot_ray} caps the rate below the last valid {self.rate_ray}; "
                "nothing is changed"
            )
        return new


def coupon(
    principal: int, rate_ray: int, start_ns: int, now_ns: int, period_ns: int
) -> tuple[int, int]:
    """Quanta of a fixed coupon since `start_ns`: settled at whole periods, accrued since.

    Raises
    ------
    RowOrderError, DomainError
        `now_ns` before `start_ns`; a rate, a period or a principal out of range.
    """
    _range("rate_ray", rate_ray, 0, RATE_MAX_RAY)
    _range("period_ns", period_ns, 1, 100 * YEAR_NS)
    elapsed = _since(start_ns, now_ns)
    per_period = _whole("principal", principal) * rate_ray * period_ns // (RAY * YEAR_NS)
    accrued = principal * rate_ray * (elapsed % period_ns) // (RAY * YEAR_NS)
    return per_period * (elapsed // period_ns), accrued


def projected(amount: int, rate_ray: int, horizon_ns: int, haircut_ray: int = RAY) -> int:
    """Quanta of yield that count ahead of their time: after a haircut, none of it by default."""
    _range("rate_ray", rate_ray, 0, RATE_MAX_RAY)
    _range("haircut_ray", haircut_ray, 0, RAY)
    _range("horizon_ns", horizon_ns, 0, 100 * YEAR_NS)
    left = RAY - haircut_ray
    return _whole("amount", amount) * rate_ray * horizon_ns * left // (RAY * RAY * YEAR_NS)


@dataclass(frozen=True)
class Settlement:
    """Who paid what; all in quanta. Each due is `from_yield + from_principal + unpaid`."""

    from_yield: dict[str, int]
    from_principal: dict[str, int]
    unpaid: dict[str, int]
    yield_left: int
    principal_left: int


def settle_yield(yield_quanta: int, principal_quanta: int, dues: Mapping[str, int]) -> Settlement:
    """Pay funding, interest and margin calls: from settled yield first, then from principal.

    Raises
    ------
    DomainError
        A due that is not funding, interest or margin_call; an amount that is negative or not whole.
    """
    _whole("yield_quanta", yield_quanta)
    _whole("principal_quanta", principal_quanta)
    for name, due in dues.items():
        if name not in DUES:
            raise DomainError(f"dues: {name!r} is not {', '.join(DUES)}")
        _whole(f"dues[{name!r}]", due)

    def draw(available: int, wanted: Mapping[str, int]) -> tuple[dict[str, int], int]:
        paid = {}
        for name in DUES:
            paid[name] = min(available, wanted.get(name, 0))
            available -= paid[name]
        return paid, available

    from_yield, yield_left = draw(yield_quanta, dues)
    open_dues = {name: dues.get(name, 0) - from_yield[name] for name in DUES}
    from_principal, principal_left = draw(principal_quanta, open_dues)
    unpaid = {name: open_dues[name] - from_principal[name] for name in DUES}
    return Settlement(from_yield, from_principal, unpaid, yield_left, principal_left)


def _since(then_ns: int, now_ns: int) -> int:
    if now_ns < then_ns:
        raise RowOrderError(f"time goes back, from {then_ns} to {now_ns} ns")
    return now_ns - then_ns


def _range(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise DomainError(f"{name} {value!r} is not a whole number from {low} to {high}")


def _whole(name: str, value: int) -> int:
    _range(name, value, 0, 1 << 256)
    return value


def _positive(index_ray: int) -> int:
    _range("index_ray", index_ray, 1, 10**12 * RAY)
    return index_ray
