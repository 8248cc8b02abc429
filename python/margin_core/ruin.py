# SPDX-License-Identifier: Apache-2.0
"""How likely each account is called or ruined within a horizon."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _sweep
from margin_core.book import packed_for
from margin_core.checks import column, mapping, real, whole
from margin_core.errors import ArgumentError, DomainError
from margin_core.isa import as_threads
from margin_core.risk import RiskArray
from margin_core.scenario import Scenarios
from margin_core.sweep import sweep
from margin_core.table import Table

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from margin_core.book import Book, PackedBook
    from margin_core.margin import Margin
    from margin_core.risk import Factors

__all__ = ["Ruin", "barrier_probability", "draws", "ruin", "scaled_history"]


@dataclass(frozen=True, eq=False)
class Ruin:
    """Probabilities at the horizon of the scenarios, account by account.

    Attributes
    ----------
    accounts : (n,) object
    called : (n,) float64
        That equity falls below today's maintenance margin.
    ruined : (n,) float64
        That equity falls below zero.
    called_error, ruined_error : (n,) float64
        Standard errors, sqrt(p (1 - p) / N), N the effective number of scenarios.
    effective : float
        (sum of weights)^2 / sum of their squares.
    """

    accounts: NDArray[Any]
    called: NDArray[np.float64]
    ruined: NDArray[np.float64]
    called_error: NDArray[np.float64]
    ruined_error: NDArray[np.float64]
    effective: float

    def table(self) -> Table:
        """The five columns."""
        return Table({name: getattr(self, name) for name in (
            "accounts", "called", "called_error", "ruined", "ruined_error")})  # fmt: skip


def ruin(
    book: Book | PackedBook,
    margin: Margin,
    scenarios: Scenarios,
    weights: ArrayLike | None = None,
    *,
    factors: Factors | None = None,
    threads: int = 0,
) -> Ruin:
    """Weighted shares of scenarios in which accounts fall below MM and below zero.

    Every position is revalued in every scenario; requirements, open orders and what a liquidator
    would do on the way are today's and none.

    Parameters
    ----------
    book : Book or PackedBook
    margin : Margin
        Gives equity and MM now, prices and risk lots.
    scenarios : Scenarios
        Worlds at the horizon: `draws`, `scaled_history`, or your own; a world at rest need not be
        among them. Their own weights scale P&L, and are 1 here.
    weights : (S,) float64, optional
        How likely each is, 0 or more; equal by default.
    factors : {spot name: factor or factors}, optional
        Which events an asset follows.
    threads : int

    Raises
    ------
    ArgumentError, DomainError
        Weights that do not fit, or that are all 0.
    """
    weight = np.ones(len(scenarios)) if weights is None else column("weights", weights)
    if weight.shape != (len(scenarios),):
        raise ArgumentError(f"weights has shape {weight.shape} for {len(scenarios)} scenarios")
    if not (np.isfinite(weight).all() and (weight >= 0.0).all() and weight.any()):
        raise DomainError("weights are finite, 0 or more, and not all 0")
    # By a power of two, which changes no bit: no sum of them, or of squares, overflows.
    weight = np.ldexp(weight, -int(np.frexp(weight.max())[1]))
    threads = as_threads(threads)
    packed = packed_for(book, margin.risk)
    standing = sweep(packed, margin, threads=threads)
    at_rest = Scenarios.from_arrays(
        ["at rest"], dict.fromkeys(scenarios.units, [0.0]), vol_term=scenarios.vol_term
    )
    risk = RiskArray.price(
        margin.market, margin.model, at_rest.concat(scenarios), quantum=margin.risk.quantum,
        numeraire=margin.risk.numeraire, lots=margin.risk.lot, factors=factors, threads=threads,
    )  # fmt: skip
    equity, mm = (standing.quanta[name].astype(np.float64) for name in ("equity", "mm"))
    lines = np.column_stack([mm - equity, -equity])
    shares = np.empty_like(lines)
    _sweep.shares_below(risk.handle, packed.handle, 0, np.concatenate([[0.0], weight]), lines,
                        shares, threads)  # fmt: skip
    probability = np.minimum(shares / weight.sum(), 1.0)
    effective = float(weight.sum() ** 2 / (weight**2).sum())
    error = np.sqrt(probability * (1.0 - probability) / effective)
    return Ruin(
        accounts=standing.accounts, called=probability[:, 0], ruined=probability[:, 1],
        called_error=error[:, 0], ruined_error=error[:, 1], effective=effective,
    )  # fmt: skip


def draws(
    vol: Mapping[str, float],
    horizon_days: float,
    n: int,
    *,
    correlation: ArrayLike | None = None,
    seed: int = 0,
) -> Scenarios:
    """Lognormal spot moves without drift in price, antithetic: each draw has its mirror.

    Parameters
    ----------
    vol : {unit: annualised fraction}
    horizon_days : float
        Time to expiry shrinks by it too.
    n : int
        Of worlds, even.
    correlation : (U, U), optional
        Of the units in the order of `vol`; 0 by default.
    """
    units = list(mapping("vol", vol))
    sigma = column("vol", list(vol.values()))
    if not units:
        raise ArgumentError("vol names no unit")
    if whole("n", n) < 2 or n % 2 or not (np.isfinite(sigma).all() and (sigma >= 0.0).all()):
        raise ArgumentError("n is even and positive, volatilities are finite and 0 or more")
    if not 0.0 < real("horizon_days", horizon_days) < math.inf:
        raise ArgumentError(f"horizon_days is {horizon_days}")
    rho = np.eye(len(units)) if correlation is None else np.array(correlation, dtype=np.float64)
    if (
        rho.shape != (len(units),) * 2
        or not np.allclose(rho, rho.T)
        or not (np.diag(rho) == 1).all()
    ):
        raise ArgumentError("correlation is symmetric, with 1 on its diagonal")
    value, vector = np.linalg.eigh(rho)
    if value.min() < -1e-12:
        raise ArgumentError("correlation is not positive semidefinite")
    root = vector * np.sqrt(np.maximum(value, 0.0))
    half = np.random.Generator(np.random.PCG64(seed)).standard_normal((len(units), n // 2))
    z = root @ np.concatenate([half, -half], axis=1)
    deviation = (sigma * math.sqrt(horizon_days / 365.0))[:, None]
    move = np.expm1(deviation * z - 0.5 * deviation**2)
    return Scenarios.from_arrays(
        [f"draw {i}" for i in range(n)], dict(zip(units, move, strict=True)),
        horizon_days=horizon_days,
    )  # fmt: skip


def scaled_history(
    close: Mapping[str, ArrayLike],
    step: int,
    *,
    vol: Mapping[str, ArrayLike] | None = None,
    horizon_days: float = 0.0,
) -> Scenarios:
    """Filtered historical moves: each day's return times volatility now over volatility then.

    Parameters
    ----------
    close : {unit: (n,) USD}
        Prices at equal times, the last one now; all units' at the same times.
    step : int
        Bars from a price to the one that its return goes to; returns overlap.
    vol : {unit: (n,) annualised fraction}, optional
        Known at each close, > 0; without it returns are as they were.
    horizon_days : float
        By how much time to expiry shrinks.

    Raises
    ------
    ArgumentError, DomainError
        Columns that do not fit, a unit without a volatility, a time below 0, a price or volatility
        that is not positive.

    Notes
    -----
    Overlapping returns are not independent: `Ruin`'s errors are too small by about sqrt(step).
    Source: Barone-Adesi, Giannopoulos, Vosper (1999), Journal of Futures Markets 19.
    """
    moves = {}
    series = {unit: column(f"close of {unit}", p) for unit, p in mapping("close", close).items()}
    shapes = {prices.shape for prices in series.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 1:
        raise ArgumentError("close has a column of prices for at least one unit, equally long")
    (n,) = next(iter(shapes))
    if not 1 <= whole("step", step) < n:
        raise ArgumentError(f"step is {step}; 1 to {n - 1} with {n} prices")
    if not 0.0 <= real("horizon_days", horizon_days) < math.inf:
        raise ArgumentError(f"horizon_days is {horizon_days}; 0 or more is needed")
    lacking = [unit for unit in series if unit not in mapping("vol", vol)]
    if vol is not None and lacking:
        raise ArgumentError(f"vol has none of {lacking[0]}")
    for unit, price in series.items():
        if not (np.isfinite(price).all() and (price > 0.0).all()):
            raise DomainError(f"close of {unit}: prices are finite and positive")
        change = np.log(price[step:] / price[:-step])
        if vol is not None:
            sigma = column(f"vol of {unit}", vol[unit])
            if (
                sigma.shape != price.shape
                or not (sigma > 0.0).all()
                or not np.isfinite(sigma).all()
            ):
                raise DomainError(f"vol of {unit}: one for each close, finite and positive")
            change = change * (sigma[-1] / sigma[:-step])
        moves[unit] = np.expm1(change)
    return Scenarios.from_arrays(
        [f"day {i}" for i in range(n - step)], moves, horizon_days=horizon_days
    )


def barrier_probability(vol: ArrayLike, years: ArrayLike, move: ArrayLike) -> NDArray[np.float64]:
    """That a price reaches 1 + `move` times itself at any moment within the time.

    Driftless lognormal: with b = ln(1 + move), s = vol sqrt(years),
    ``N(-|b| / s + k s / 2) + exp(k |b|) N(-|b| / s - k s / 2)``, k = 1 below and -1 above; the
    share of draws at the horizon alone is about half of it. For an account of one linear exposure,
    `move` is its liquidation price over the price, less 1.

    Raises
    ------
    DomainError
        vol or years not positive, move -1 or less.

    Examples
    --------
    >>> barrier_probability(0.8, 1 / 365, -0.05).round(4)
    array(0.2262)
    """
    sigma, t, m = np.broadcast_arrays(
        *(np.asarray(x, dtype=np.float64) for x in (vol, years, move))
    )
    if not ((sigma > 0.0) & (t > 0.0) & (m > -1.0) & np.isfinite(sigma * t * m)).all():
        raise DomainError("vol and years are positive, move is above -1, all finite")
    b, s = np.log1p(m), sigma * np.sqrt(t)
    k = np.where(b < 0.0, 1.0, -1.0)
    distance = np.abs(b) / s
    return np.asarray(
        _normal(-distance + 0.5 * k * s) + np.exp(k * np.abs(b)) * _normal(-distance - 0.5 * k * s)
    )


def _normal(x: Any) -> Any:
    return 0.5 * np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2.0))
