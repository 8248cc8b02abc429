# SPDX-License-Identifier: Apache-2.0
"""Yield and interest by integer index: rounded down for what is owned, up for what is owed.

An index or a rate is a whole number of 1 / `RAY`; amounts are whole quanta, times nanoseconds. What
is accepted comes back as a new value; what is refused leaves the caller with the last valid one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from margin_core.checks import WHOLE_MAX, is_a, whole
from margin_core.errors import DomainError, RowOrderError

__all__ = [
    "RAY", "YEAR_NS", "ExchangeRate", "Settlement", "YieldIndex", "coupon", "owed", "owned",
    "projected", "settle_yield", "shares",
]  # fmt: skip

RAY = 10**27
YEAR_NS = 365 * 86_400 * 10**9

#: No rate of more than 1000 % a year is believed.
RATE_MAX_RAY = 10 * RAY

#: Growth that was not used is kept for so long: what a report may jump by at once, 0.4 % at 5 % a
#: year, yet longer than the age of the snapshots that a cap's parameters are set with.
UNUSED_NS = 30 * 86_400 * 10**9

#: Fields of the records here.
VALUE = (1, 10**12 * RAY)
TIME = (-WHOLE_MAX, WHOLE_MAX)

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
        _kept(self, value_ray=VALUE, time_ns=TIME)

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
        rate_ray = whole("rate_ray", rate_ray, 0, RATE_MAX_RAY)
        grown = self.value_ray * rate_ray * _since(self.time_ns, now_ns)
        per = RAY * YEAR_NS
        return YieldIndex(self.value_ray + (-(-grown // per) if debt else grown // per), now_ns)


def shares(amount: int, index_ray: int) -> int:
    """Shares that a deposit of `amount` quanta buys, rounded down."""
    return whole("amount", amount) * RAY // _index(index_ray)


def owned(shares: int, index_ray: int) -> int:
    """Quanta that shares are worth, rounded down."""
    return whole("shares", shares) * _index(index_ray) // RAY


def owed(shares: int, index_ray: int) -> int:
    """Quanta that a debt in shares has grown to, rounded up."""
    return -(-whole("shares", shares) * _index(index_ray) // RAY)


@dataclass(frozen=True)
class ExchangeRate:
    """An exchange rate (wstETH, rETH, sDAI) behind a cap on its growth.

    The cap is ``snapshot (1 + growth t)``, t the years since the snapshot, and never below the last
    valid rate: a cap that lags lets the rate stand still, it does not take value away. A fall is
    believed when the protocol confirms a loss. Growth that reports leave unused is kept for 30 days
    and then gone: after quiet years a rate still cannot jump.

    Attributes
    ----------
    rate_ray, time_ns : int
        The last valid rate and its time.
    snapshot_ray, snapshot_ns : int
        A rate and the time it belongs to: one without the other means nothing. The time moves on
        where growth that was not used lapses.
    growth_ray : int
        Per year.
    """

    rate_ray: int
    time_ns: int
    snapshot_ray: int
    snapshot_ns: int
    growth_ray: int

    def __post_init__(self) -> None:
        _kept(
            self, rate_ray=VALUE, time_ns=TIME, snapshot_ray=VALUE, snapshot_ns=TIME,
            growth_ray=(0, RATE_MAX_RAY),
        )  # fmt: skip
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
        rate_ray = whole("rate_ray", rate_ray, *VALUE)
        now_ns = self.time_ns + _since(self.time_ns, now_ns)
        is_a("loss_confirmed", loss_confirmed, bool)
        if loss_confirmed and rate_ray < self.rate_ray:
            return ExchangeRate(rate_ray, now_ns, rate_ray, now_ns, self.growth_ray)
        rate_ray = max(self.rate_ray, min(rate_ray, self.cap_ray(now_ns)))
        return replace(self, rate_ray=rate_ray, time_ns=now_ns)._without_unused()

    def _without_unused(self) -> ExchangeRate:
        """The snapshot's time moved on to where the cap is `UNUSED_NS` of growth above the rate."""
        a_year = self.snapshot_ray * self.growth_ray  # RAY times what a year adds
        if a_year == 0:
            return self
        used_ns = -(-max(0, self.rate_ray - self.snapshot_ray) * RAY * YEAR_NS // a_year)
        return replace(self, snapshot_ns=max(self.snapshot_ns, self.time_ns - used_ns - UNUSED_NS))

    def rebased(
        self, snapshot_ray: int, snapshot_ns: int, growth_ray: int, *, max_change_ray: int
    ) -> ExchangeRate:
        """New parameters of the cap, all three or none.

        A snapshot that moves, or a yearly growth that rises, by more than `max_change_ray` (a
        fraction) is refused and not clipped: a clipped ratio with an unclipped time is another cap,
        and was below the market on 10 March 2026 (Aave's CAPO, wstETH, 2.85 %).

        Raises
        ------
        RowOrderError
            A snapshot older than the present one, or later than the last report.
        DomainError
            A change beyond the limit, a cap below the last valid rate, a rate out of range.
        """
        max_change_ray = whole("max_change_ray", max_change_ray, 0, RAY)
        _since(self.snapshot_ns, snapshot_ns)
        new = replace(
            self, snapshot_ray=snapshot_ray, snapshot_ns=snapshot_ns, growth_ray=growth_ray
        )
        snapshot_ray, growth_ray = new.snapshot_ray, new.growth_ray
        if abs(snapshot_ray - self.snapshot_ray) * RAY > max_change_ray * self.snapshot_ray:
            raise DomainError(
                f"snapshot_ray {snapshot_ray}: more than {max_change_ray / RAY:.4g} from "
                f"{self.snapshot_ray}; nothing is changed"
            )
        if growth_ray - self.growth_ray > max_change_ray:
            raise DomainError(
                f"growth_ray {growth_ray}: more than {max_change_ray / RAY:.4g} a year above "
                f"{self.growth_ray}; nothing is changed"
            )
        grown = snapshot_ray * growth_ray * (self.time_ns - new.snapshot_ns) // (RAY * YEAR_NS)
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
    rate_ray = whole("rate_ray", rate_ray, 0, RATE_MAX_RAY)
    period_ns = whole("period_ns", period_ns, 1, 100 * YEAR_NS)
    elapsed = _since(whole("start_ns", start_ns, *TIME), now_ns)
    principal = whole("principal", principal)
    per_period = principal * rate_ray * period_ns // (RAY * YEAR_NS)
    accrued = principal * rate_ray * (elapsed % period_ns) // (RAY * YEAR_NS)
    return per_period * (elapsed // period_ns), accrued


def projected(amount: int, rate_ray: int, horizon_ns: int, haircut_ray: int = RAY) -> int:
    """Quanta of yield that count ahead of their time: after a haircut, none of it by default."""
    grown = whole("amount", amount) * whole("rate_ray", rate_ray, 0, RATE_MAX_RAY)
    left = RAY - whole("haircut_ray", haircut_ray, 0, RAY)
    horizon_ns = whole("horizon_ns", horizon_ns, 0, 100 * YEAR_NS)
    return grown * horizon_ns * left // (RAY * RAY * YEAR_NS)


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
    yield_quanta = whole("yield_quanta", yield_quanta)
    principal_quanta = whole("principal_quanta", principal_quanta)
    is_a("dues", dues, Mapping)
    for name in dues:
        if name not in DUES:
            raise DomainError(f"dues: {name!r} is not {', '.join(DUES)}")
    dues = {name: whole(f"dues[{name!r}]", due) for name, due in dues.items()}

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
    now_ns = whole("now_ns", now_ns, -WHOLE_MAX)
    if now_ns < then_ns:
        raise RowOrderError(f"time goes back, from {then_ns} to {now_ns} ns")
    return now_ns - then_ns


def _index(index_ray: int) -> int:
    return whole("index_ray", index_ray, 1, 10**12 * RAY)


def _kept(record: object, **limits: tuple[int, int]) -> None:
    """Every field of a frozen record as a whole number in its limits."""
    for name, (low, high) in limits.items():
        object.__setattr__(record, name, whole(name, getattr(record, name), low, high))
