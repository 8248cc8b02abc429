# SPDX-License-Identifier: Apache-2.0
"""The haircut of a bridged form: expected shortfall of what its bridge may lose."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from numpy.typing import ArrayLike, NDArray

from margin_core.checks import column, is_a, number
from margin_core.collateral.catalogue import Catalogue
from margin_core.errors import ArgumentError, DomainError

__all__ = ["LossSize", "bootstrap", "bridge_haircut", "fit_losses", "shortfall"]

_NORMAL = NormalDist()


@dataclass(frozen=True)
class LossSize:
    """Lognormal size of one loss in USD."""

    log_mean: float
    log_sd: float

    def __post_init__(self) -> None:
        number("log_mean", self.log_mean, -300.0, 300.0)
        number("log_sd", self.log_sd, 1e-9, 30.0)

    def capped_mean(self, cap_usd: float, top_frac: float = 1.0) -> float:
        """E[min(L, cap); L among the largest `top_frac`], in USD: not divided by `top_frac`."""
        mu, sd = self.log_mean, self.log_sd
        cap = (math.log(cap_usd) - mu) / sd if cap_usd > 0.0 else -math.inf
        least = -math.inf if top_frac >= 1.0 else _NORMAL.inv_cdf(1.0 - top_frac)
        if least >= cap:
            return cap_usd * top_frac
        below = _NORMAL.cdf(cap - sd) - (0.0 if least == -math.inf else _NORMAL.cdf(least - sd))
        return math.exp(mu + sd * sd / 2.0) * below + cap_usd * _NORMAL.cdf(-cap)


def fit_losses(losses_usd: ArrayLike) -> LossSize:
    """The lognormal with the mean and the sample deviation of the losses' logarithms."""
    x = column("losses_usd", losses_usd)
    if x.ndim != 1 or len(x) < 2:
        raise ArgumentError(f"losses_usd: two losses or more, not shape {x.shape}")
    if not np.all((x > 0.0) & np.isfinite(x)):
        row = int(np.flatnonzero(~((x > 0.0) & np.isfinite(x)))[0])
        raise DomainError(f"losses_usd: row {row} is not a positive amount", row=row)
    return LossSize(float(np.log(x).mean()), float(np.log(x).std(ddof=1)))


def bootstrap(losses_usd: ArrayLike, draws: int = 10_000, seed: int = 1) -> NDArray[np.float64]:
    """(draws, 2): log mean and log deviation refitted to losses drawn with replacement."""
    fit_losses(losses_usd)
    x = np.log(column("losses_usd", losses_usd))
    drawn = np.random.default_rng(seed).choice(x, size=(draws, len(x)))
    return np.column_stack([drawn.mean(axis=1), drawn.std(axis=1, ddof=1)])


def shortfall(
    size: LossSize,
    *,
    backing_usd: float,
    share_at_risk_frac: float,
    failures_per_year: float,
    days: float,
    tail_frac: float,
) -> float:
    """Mean share of the backing lost over `days` in the worst `tail_frac` of outcomes.

    A failure comes with probability ``p = 1 - exp(-failures_per_year days / 365)`` and takes
    ``min(L, share backing)``. Where p is below the tail the rest of the tail loses nothing; where
    it is above, the tail holds the largest losses. A claim on a backing of nothing has lost all.

    Raises
    ------
    DomainError
        A number that is not one, negative, or a fraction above 1.
    """
    is_a("size", size, LossSize)
    number("backing_usd", backing_usd, 0.0, 1e18)
    number("share_at_risk_frac", share_at_risk_frac, 0.0, 1.0)
    number("failures_per_year", failures_per_year, 0.0, 1e6)
    number("days", days, 0.0, 1e6)
    number("tail_frac", tail_frac, 1e-9, 1.0)
    if backing_usd <= 0.0:
        return 1.0
    if share_at_risk_frac <= 0.0:
        return 0.0
    p = -math.expm1(-failures_per_year * days / 365.0)
    if p == 0.0:
        return 0.0
    loss = size.capped_mean(share_at_risk_frac * backing_usd, min(1.0, tail_frac / p))
    return min(1.0, p * loss / (tail_frac * backing_usd))


def bridge_haircut(catalogue: Catalogue, bridge: str) -> float:
    """Fraction that a bridged form loses for its bridge's class, backing at risk and exit path.

    The horizon is what the exit takes plus the notice; see docs/method/collateral.md.
    """
    b, risk = catalogue.bridge(bridge), catalogue.risk
    return shortfall(
        LossSize(catalogue.severity.log_mean, catalogue.severity.log_sd),
        backing_usd=b.backing_usd,
        share_at_risk_frac=b.share_at_risk_frac,
        failures_per_year=catalogue.bridge_classes[b.security].failures_per_year,
        days=risk.notice_days + b.exit_days,
        tail_frac=risk.tail_frac,
    )
