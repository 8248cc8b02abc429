# SPDX-License-Identifier: Apache-2.0
"""GARCH and HAR forecasts, as peers to hold the estimators against. Needs margin-core[research]."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from margin_core.dynamics.volatility import VolatilityResult
from margin_core.errors import ArgumentError, DomainError, MissingExtraError, NotFiniteError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["garch_forecast", "har_forecast"]

DAYS_A_YEAR = 365.0
#: Fits converge on numbers near 1: returns are taken in per cent.
PERCENT = 100.0
LEAST_DAYS = 100


def garch_forecast(
    log_return: ArrayLike,
    *,
    first: int = 500,
    refit_days: int = 30,
    dist: Literal["normal", "t"] = "t",
) -> VolatilityResult:
    """Each day's volatility as a GARCH(1, 1) of the days before it says, walking forward.

    Parameters
    ----------
    log_return : (n,) float64
        Of a day each.
    first : int
        The first day that is forecast, from at least 100 days before it.
    refit_days : int
        How often the parameters are fitted anew; in between they are held, and only the variance
        moves on.
    dist : {"t", "normal"}
        Of the standardised return.

    Returns
    -------
    VolatilityResult
        (n,) each; `vol[t]` is annualised and knows the returns before t alone.

    Raises
    ------
    MissingExtraError
        arch is not installed.

    Notes
    -----
    T. Bollerslev, J. Econometrics 31 (1986); K. Sheppard, arch.
    """
    arch = _arch()
    r = PERCENT * _checked("log_return", log_return, first, refit_days)

    def forecast(begin: int, end: int) -> NDArray[np.float64]:
        def model(stop: int) -> Any:
            return arch.univariate.arch_model(
                r[:stop], mean="Constant", vol="GARCH", p=1, q=1, dist=dist, rescale=False
            )

        fitted = model(begin).fit(disp="off", show_warning=False)
        held = model(end).fix(fitted.params)
        variance = held.forecast(horizon=1, start=begin - 1, reindex=False).variance
        return variance.to_numpy()[: end - begin, 0] / PERCENT**2

    return _walk(len(r), first, refit_days, forecast)


def har_forecast(
    variance: ArrayLike, *, first: int = 500, refit_days: int = 30
) -> VolatilityResult:
    """Each day's volatility as a HAR of realised variances says: of 1, 5 and 22 days before.

    Parameters
    ----------
    variance : (n,) float64
        Realised variance of a day each, such as sums of squared hourly returns.
    first, refit_days : int
        As in `garch_forecast`.

    Returns
    -------
    VolatilityResult
        (n,) each; `vol[t]` is annualised and knows the variances before t alone. A forecast below
        half of the least variance seen is raised to that.

    Notes
    -----
    F. Corsi, J. Financial Econometrics 7 (2009); K. Sheppard, arch.
    """
    arch = _arch()
    v = PERCENT**2 * _checked("variance", variance, first, refit_days)
    if (v < 0.0).any():
        row = int(np.argmax(v < 0.0))
        raise DomainError(f"variance {row} is negative", row=row)

    def forecast(begin: int, end: int) -> NDArray[np.float64]:
        def model(stop: int) -> Any:
            return arch.univariate.HARX(v[:stop], lags=[1, 5, 22], rescale=False)

        fitted = model(begin).fit(disp="off")
        held = model(end).fix(fitted.params)
        mean = held.forecast(horizon=1, start=begin - 1, reindex=False).mean
        least = 0.5 * float(v[:begin].min())
        return np.maximum(mean.to_numpy()[: end - begin, 0], least) / PERCENT**2

    return _walk(len(v), first, refit_days, forecast)


def _arch() -> Any:
    try:
        import arch
        import arch.univariate
    except ImportError as error:
        raise MissingExtraError(
            "GARCH and HAR need arch: pip install margin-core[research]"
        ) from error
    return arch


def _checked(name: str, values: ArrayLike, first: int, refit_days: int) -> NDArray[np.float64]:
    column = np.ascontiguousarray(values, dtype=np.float64)
    if column.ndim != 1 or not LEAST_DAYS <= first <= len(column) or refit_days < 1:
        raise ArgumentError(
            f"{name} is (n,), first is {LEAST_DAYS} to n, refit_days is 1 or more; got "
            f"{column.shape}, {first}, {refit_days}"
        )
    if not np.isfinite(column).all():
        row = int(np.argmax(~np.isfinite(column)))
        raise NotFiniteError(f"{name} {row} is not a finite number", row=row)
    return column


def _walk(n: int, first: int, refit_days: int, forecast: Any) -> VolatilityResult:
    """Daily variances of days `begin` to `end`, block by block, as annualised volatility."""
    vol = np.zeros(n)
    for begin in range(first, n, refit_days):
        end = min(begin + refit_days, n)
        vol[begin:end] = np.sqrt(DAYS_A_YEAR * forecast(begin, end))
    return VolatilityResult(vol, np.arange(n) >= first)
