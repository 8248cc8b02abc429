# SPDX-License-Identifier: Apache-2.0
"""Caps over time: lowered at once, raised late and slowly, whoever asks."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from margin_core.checks import WHOLE_MAX, column, is_a, whole
from margin_core.collateral.catalogue import Asset, Catalogue, Risk
from margin_core.errors import DomainError, RowOrderError

__all__ = ["cap_at", "in_force"]

DAY_NS = 86_400 * 10**9


def cap_at(
    old_usd: ArrayLike, new_usd: ArrayLike, days: ArrayLike, risk: Risk
) -> NDArray[np.float64]:
    """A cap `days` after a change was announced, USD; arrays broadcast.

    A lower one holds at once. A higher one leaves the old for `cap_delay_days` and then rises on a
    straight line over `cap_ramp_days`. An asset that is new had a cap of 0.
    """
    given = {"old_usd": old_usd, "new_usd": new_usd, "days": days}
    old, new, past = (column(name, values) for name, values in given.items())
    for name, values in zip(given, (old, new, past), strict=True):
        if np.isnan(values).any():
            raise DomainError(f"{name}: NaN is no number")
    part = np.clip((past - risk.cap_delay_days) / risk.cap_ramp_days, 0.0, 1.0)
    return np.where(new <= old, new, (1.0 - part) * old + part * new)


def in_force(old: Catalogue, new: Catalogue, announced_ns: int, now_ns: int) -> Catalogue:
    """The new catalogue with the caps that hold now.

    The delay and the ramp are the old catalogue's: to shorten them waits for the delay as well. A
    further change goes from what is in force when it is announced, and its raises wait anew.

    Raises
    ------
    RowOrderError
        `now_ns` is before `announced_ns`.
    DomainError
        One of them is not whole.
    """
    is_a("old", old, Catalogue)
    is_a("new", new, Catalogue)
    announced_ns = whole("announced_ns", announced_ns, -WHOLE_MAX)
    now_ns = whole("now_ns", now_ns, -WHOLE_MAX)
    if now_ns < announced_ns:
        raise RowOrderError(f"now_ns {now_ns} is before announced_ns {announced_ns}")
    days = (now_ns - announced_ns) / DAY_NS
    assets = {
        symbol: asset.model_copy(update=_caps(old.assets.get(symbol), asset, days, old.risk))
        for symbol, asset in new.assets.items()
    }
    waits = ("cap_delay_days", "cap_ramp_days") if days < old.risk.cap_delay_days else ()
    longer = {name: max(getattr(old.risk, name), getattr(new.risk, name)) for name in waits}
    return new.model_copy(update={"assets": assets, "risk": new.risk.model_copy(update=longer)})


def _caps(old: Asset | None, new: Asset, days: float, risk: Risk) -> dict[str, float]:
    return {
        name: float(cap_at(getattr(old, name, 0.0), getattr(new, name), days, risk))
        for name in ("cap_usd", "owner_cap_usd")
    }
