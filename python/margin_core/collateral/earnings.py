# SPDX-License-Identifier: Apache-2.0
"""What accounts hold and owe of assets that earn: shares of an index, whole quanta."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction

from margin_core.checks import is_a, mapping, shown, whole
from margin_core.collateral.catalogue import Catalogue, load_catalogue
from margin_core.collateral.outflow import Outflow
from margin_core.collateral.yields import (
    RATE_MAX_RAY,
    RAY,
    YEAR_NS,
    ExchangeRate,
    Settlement,
    YieldIndex,
    owed,
    owned,
    projected,
    settle_yield,
    shares,
)
from margin_core.errors import ArgumentError, DomainError, RowOrderError
from margin_core.market import ASSET_STEP

__all__ = ["YieldLedger", "holdings"]

#: Nanoseconds that 64 bits hold, as everywhere: a later instant would lock an asset.
LATEST_NS = 2**63 - 1

#: Kinds of yield that grow an amount; the others grow a price, or nothing.
BY_INDEX = ("rebasing", "lending_index", "coupon")


@dataclass
class _Asset:
    """The indices of an asset at the last change of a rate; who has how many shares of each."""

    held: YieldIndex
    debt: YieldIndex
    time_ns: int
    rate_ray: int = 0
    debt_rate_ray: int = 0
    period_ns: int = 0
    start_ns: int = 0  # of the coupon's periods
    settled_ray: int = RAY  # the index at the last coupon before the last change of a rate
    reports: ExchangeRate | None = None
    shares: dict[str, int] = field(default_factory=dict)
    principal: dict[str, int] = field(default_factory=dict)
    debt_shares: dict[str, int] = field(default_factory=dict)
    borrowed: dict[str, int] = field(default_factory=dict)

    def held_ray(self, now_ns: int) -> int:
        return self.held.accrued(self.rate_ray, now_ns).value_ray

    def paid_ray(self, now_ns: int) -> int:
        """The index as far as its yield is paid out: of a coupon, up to its last whole period."""
        if not self.period_ns:
            return self.held_ray(now_ns)
        coupon_ns = now_ns - (now_ns - self.start_ns) % self.period_ns
        return self.held_ray(coupon_ns) if coupon_ns >= self.held.time_ns else self.settled_ray

    def debt_ray(self, now_ns: int) -> int:
        return self.debt.accrued(self.debt_rate_ray, now_ns, debt=True).value_ray


class YieldLedger:
    """What accounts hold and owe of assets that earn, in shares of the asset's indices.

    A rebasing token, a lending receipt or a coupon grows the index of what is held, interest that
    of what is owed: a step of the index, whatever the number of accounts. Between two changes of a
    rate an index is linear, so that who calls when makes no difference. An exchange-rate token's
    amount stands still; its yield is in `AssetPrices.rate`. Amounts are whole quanta, rounded
    against the account. A call that is refused changes nothing; time goes forward, asset by asset.

    Parameters
    ----------
    time_ns : int
        When every index is 1.
    catalogue : Catalogue or name
    outflow : {asset: Outflow}, optional
        Breakers on what leaves; `withdraw` asks them. Dues stay within the venue.
    growth_ray : {asset: yearly rate}, optional
        Caps on what `rebase` believes.
    """

    def __init__(
        self,
        time_ns: int,
        catalogue: Catalogue | str = "house",
        *,
        outflow: Mapping[str, Outflow] | None = None,
        growth_ray: Mapping[str, int] | None = None,
    ) -> None:
        self._catalogue = load_catalogue(catalogue)
        self._start = YieldIndex(RAY, time_ns)
        self._assets: dict[str, _Asset] = {}
        self.outflow: dict[str, Outflow] = dict(mapping("outflow", outflow))
        for asset, breaker in self.outflow.items():
            self._catalogue.asset(asset)
            is_a(f"outflow[{asset!r}]", breaker, Outflow)
        self._growth_ray: dict[str, int] = {}
        for asset, growth in mapping("growth_ray", growth_ray).items():
            self._catalogue.asset(asset)
            self._growth_ray[asset] = whole(f"growth_ray[{asset!r}]", growth, 0, RATE_MAX_RAY)

    def set_rates(
        self, asset: str, now_ns: int, *, rate_ray: int | None = None,
        debt_rate_ray: int | None = None, period_ns: int | None = None,
    ) -> None:  # fmt: skip
        """From now on, what is held grows at one yearly rate and what is owed at another.

        What is not given stays as it is. `period_ns` belongs to coupons: they accrue like the
        others, but what they earn can be used, by `settle`, only from whole period to whole period
        since the period was set.

        Raises
        ------
        UnknownInstrumentError, RowOrderError
            No such asset; time goes back.
        DomainError
            A rate that is negative or above 1000 % a year.
        ArgumentError
            A rate on what does not grow by an index; a period that is missing, or not a coupon's.
        """
        it = self._at(asset, now_ns)
        kind = self._catalogue.asset(asset).yields
        rate = it.rate_ray if rate_ray is None else whole("rate_ray", rate_ray, 0, RATE_MAX_RAY)
        period = it.period_ns
        if period_ns is not None:
            period = whole("period_ns", period_ns, 0, 100 * YEAR_NS)
        if rate and kind not in BY_INDEX:
            raise ArgumentError(
                f"{asset} does not grow by an index, its yield is {kind!r}: "
                "an exchange rate goes to AssetPrices.rate"
            )
        if period > 0 if kind != "coupon" else rate > 0 and period == 0:
            raise ArgumentError(f"period_ns: {asset} yields by {kind!r}; coupons have a period")
        owed_rate = it.debt_rate_ray
        if debt_rate_ray is not None:
            owed_rate = whole("debt_rate_ray", debt_rate_ray, 0, RATE_MAX_RAY)
        new = replace(
            it, held=YieldIndex(it.held_ray(now_ns), now_ns), time_ns=now_ns, rate_ray=rate,
            debt=YieldIndex(it.debt_ray(now_ns), now_ns), debt_rate_ray=owed_rate,
            settled_ray=it.paid_ray(now_ns), period_ns=period,
            start_ns=now_ns if period != it.period_ns else it.start_ns,
        )  # fmt: skip
        self._assets[asset] = new

    def rebase(
        self, asset: str, index_ray: int, now_ns: int, *, loss_confirmed: bool = False
    ) -> int:
        """Take the chain's own index of a rebasing token or a receipt; the index that is believed.

        It grows by the asset's cap at most and falls only where the protocol confirms a loss, as
        an `ExchangeRate` does: nobody lives off a report.

        Raises
        ------
        ArgumentError, RowOrderError, DomainError
            An asset without an index or a cap; time goes back; an index that is not positive.
        """
        it = self._at(asset, now_ns)
        if (kind := self._catalogue.asset(asset).yields) not in BY_INDEX:
            raise ArgumentError(f"{asset} has no index, its yield is {kind!r}")
        if asset not in self._growth_ray:
            raise ArgumentError(f"growth_ray: none of {asset!r}; a report's growth is capped")
        growth, start = self._growth_ray[asset], self._start
        last = it.reports or ExchangeRate(RAY, start.time_ns, RAY, start.time_ns, growth)
        reports = last.reported(index_ray, now_ns, loss_confirmed=loss_confirmed)
        held = YieldIndex(reports.rate_ray, now_ns)
        self._assets[asset] = replace(
            it, held=held, settled_ray=held.value_ray, time_ns=now_ns, reports=reports
        )
        return reports.rate_ray

    def deposit(self, account: str, asset: str, amount: int, now_ns: int) -> None:
        """Quanta in; they buy shares, rounded down."""
        it, account = self._at(asset, now_ns), _name(account)
        index = it.held_ray(now_ns)
        bought = shares(whole("amount", amount, 1), index)
        if bought == 0:
            raise DomainError(f"{amount} quanta of {asset} are less than a share")
        self._touch(asset, it, now_ns)
        _add(it.shares, account, bought)
        _add(it.principal, account, owned(bought, index))

    def withdraw(self, account: str, asset: str, amount: int, now_ns: int) -> None:
        """Quanta out, from what has been earned first.

        Raises
        ------
        DomainError
            More than is held, or than the asset's breaker lets out now.
        """
        amount = whole("amount", amount, 1)
        if amount > (there := self.held(account, asset, now_ns)):
            raise DomainError(f"{account} withdraws {amount} of {asset} and holds {there}")
        breaker = self.outflow.get(asset)
        if breaker is not None:
            self.outflow[asset] = breaker.withdraw(amount, now_ns)
        self._take(account, asset, amount, now_ns)

    def borrow(self, account: str, asset: str, amount: int, now_ns: int) -> None:
        """Quanta lent; the debt's shares are rounded up. What is lent leaves the ledger."""
        it, account = self._at(asset, now_ns), _name(account)
        amount = whole("amount", amount, 1)
        self._touch(asset, it, now_ns)
        _add(it.debt_shares, account, -(-amount * RAY // it.debt_ray(now_ns)))
        _add(it.borrowed, account, amount)

    def repay(self, account: str, asset: str, amount: int, now_ns: int) -> int:
        """Pay a debt back, interest first; the quanta that were needed.

        Raises
        ------
        DomainError
            An amount that is negative, not whole, or less than a share of the debt.
        """
        it, debt = self._at(asset, now_ns), self.owed(account, asset, now_ns)
        paid = min(whole("amount", amount), debt)
        if paid == 0:
            return 0
        interest = self.interest(account, asset, now_ns)
        sold = paid * RAY // it.debt_ray(now_ns)
        if paid < debt and sold == 0:
            raise DomainError(f"{paid} quanta of {asset} are less than a share of the debt")
        self._touch(asset, it, now_ns)
        if paid == debt:
            del it.debt_shares[account], it.borrowed[account]
        else:
            it.debt_shares[account] -= sold
            it.borrowed[account] -= max(0, paid - interest)
        return paid

    def held(self, account: str, asset: str, now_ns: int) -> int:
        """Quanta that an account holds, yield included."""
        it = self._at(asset, now_ns)
        return owned(it.shares.get(_name(account), 0), it.held_ray(now_ns))

    def earned(self, account: str, asset: str, now_ns: int) -> int:
        """Of these, what has been earned, paid out and not been used."""
        it = self._at(asset, now_ns)
        paid = owned(it.shares.get(_name(account), 0), it.paid_ray(now_ns))
        return max(0, paid - it.principal.get(account, 0))

    def owed(self, account: str, asset: str, now_ns: int) -> int:
        """Quanta that an account owes, interest included."""
        it = self._at(asset, now_ns)
        return owed(it.debt_shares.get(_name(account), 0), it.debt_ray(now_ns))

    def interest(self, account: str, asset: str, now_ns: int) -> int:
        """Of these, the interest that is not paid."""
        borrowed = self._at(asset, now_ns).borrowed.get(account, 0)
        return max(0, self.owed(account, asset, now_ns) - borrowed)

    def settle(self, account: str, asset: str, dues: Mapping[str, int], now_ns: int) -> Settlement:
        """Pay dues, in quanta of the asset, from what it has earned and only then from principal.

        The quanta leave the ledger: pay a debt with `repay`. What is left is the ledger's, rounded
        down to what shares are worth. A loss of the asset lowers the principal, so that what it
        earns afterwards is yield again.

        Raises
        ------
        DomainError
            A due that is not funding, interest or margin_call, negative or not whole.
        """
        there = self.held(account, asset, now_ns)
        earned = self.earned(account, asset, now_ns)
        settlement = settle_yield(earned, there - earned, dues)
        left = settlement.yield_left + settlement.principal_left
        self._take(account, asset, there - left, now_ns)
        earned = self.earned(account, asset, now_ns)
        principal = self.held(account, asset, now_ns) - earned
        return replace(settlement, yield_left=earned, principal_left=principal)

    def positions(
        self, now_ns: int, decimals: Mapping[str, int], *, horizon_ns: int = 0,
        rate_ray: Mapping[str, int] | None = None,
    ) -> dict[str, list[str] | list[float]]:  # fmt: skip
        """Columns account, instrument and quantity for a `Book`: what is held less what is owed.

        Parameters
        ----------
        now_ns : int
        decimals : {asset: decimals}
            A quantum of an asset is 10^-decimals of it.
        horizon_ns, rate_ray : int, {asset: yearly rate}
            Projected yield counts over the horizon as far as the catalogue's
            `projected_yield_haircut_frac` allows: by default not at all.

        Raises
        ------
        UnknownInstrumentError, ArgumentError, DomainError
            A rate of no asset; an asset without decimals; decimals that are not 0 to 36.
        """
        rates = mapping("rate_ray", rate_ray)
        for asset in rates:
            self._catalogue.asset(asset)
        quanta: dict[tuple[str, str], int] = {}
        for asset, it in self._assets.items():
            haircut = Fraction(self._catalogue.asset(asset).projected_yield_haircut_frac)
            ahead = -(-haircut.numerator * RAY // haircut.denominator)
            for account in sorted(it.shares.keys() | it.debt_shares.keys()):
                held = self.held(account, asset, now_ns)
                held += projected(held, rates.get(asset, 0), horizon_ns, ahead)
                quanta[account, asset] = held - self.owed(account, asset, now_ns)
        return holdings(quanta, decimals)

    def _at(self, asset: str, now_ns: int) -> _Asset:
        """An asset's state, once `now_ns` is not before its last event."""
        start = self._start
        self._catalogue.asset(asset)
        it = self._assets.get(asset, _Asset(start, start, start.time_ns))
        if (now_ns := whole("now_ns", now_ns, -LATEST_NS, LATEST_NS)) < it.time_ns:
            raise RowOrderError(f"{asset}: time goes back, from {it.time_ns} to {now_ns} ns")
        return it

    def _touch(self, asset: str, it: _Asset, now_ns: int) -> None:
        it.time_ns = now_ns
        self._assets[asset] = it

    def _take(self, account: str, asset: str, amount: int, now_ns: int) -> None:
        """Sell shares, rounded up; earnings go first, and a loss has lowered the principal."""
        if account not in (it := self._at(asset, now_ns)).shares:
            return
        index = it.held_ray(now_ns)
        left = owned(it.shares[account], index) - amount
        self._touch(asset, it, now_ns)
        it.shares[account] = max(0, it.shares[account] + (-amount * RAY // index))
        there = owned(it.shares[account], index)
        it.principal[account] = min(it.principal[account], left, there)


def holdings(
    quanta: Mapping[tuple[str, str], int], decimals: Mapping[str, int]
) -> dict[str, list[str] | list[float]]:
    """Quanta by (account, asset) as columns for a `Book`, rounded down to an asset's step."""
    steps = round(1 / ASSET_STEP)
    accounts, instruments, quantities = [], [], []
    for (account, asset), amount in quanta.items():
        if asset not in mapping("decimals", decimals):
            raise ArgumentError(f"decimals: none of {asset!r}")
        one = 10 ** whole(f"decimals[{asset!r}]", decimals[asset], 0, 36)
        accounts.append(account)
        instruments.append(asset)
        quantities.append(amount * steps // one / steps)
    return {"account": accounts, "instrument": instruments, "quantity": quantities}


def _name(account: str) -> str:
    if not isinstance(account, str) or not account:
        raise ArgumentError(f"account {shown(account)} is no name")
    return account


def _add(table: dict[str, int], account: str, amount: int) -> None:
    table[account] = table.get(account, 0) + amount
