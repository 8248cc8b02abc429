# SPDX-License-Identifier: Apache-2.0
"""The value of options and its derivatives, and the volatility in a price."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core._binding import _pricing
from margin_core.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["Greeks", "bachelier", "black76", "implied_vol"]


@dataclass(frozen=True, slots=True, eq=False)
class Greeks:
    """The results that were asked for; None for the others.

    Floats where all inputs were scalars, else arrays of the inputs' broadcast shape.

    Attributes
    ----------
    price
        Discounted value.
    delta
        Per 1.00 of the forward.
    gamma
        Of delta, per 1.00 of the forward.
    vega
        Per 1.00 of volatility.
    theta
        Per calendar day of 1/365 year, forward and rate held.
    rho
        Per 1.00 of rate, rate = -ln(discount) / years, spot held: the forward moves with the rate.
    vanna
        Of delta, per 1.00 of volatility.
    volga
        Of vega, per 1.00 of volatility.
    """

    price: Any = None
    delta: Any = None
    gamma: Any = None
    vega: Any = None
    theta: Any = None
    rho: Any = None
    vanna: Any = None
    volga: Any = None

    def __repr__(self) -> str:
        held = {f.name: getattr(self, f.name) for f in fields(self)}
        inside = ", ".join(f"{name}={value!r}" for name, value in held.items() if value is not None)
        return f"Greeks({inside})"


_NAMES = tuple(f.name for f in fields(Greeks))


def black76(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
    *,
    greeks: Iterable[str] | None = None,
    threads: int | None = None,
) -> Greeks:
    """Black-76 prices and Greeks of European options on a forward.

    All inputs broadcast against each other; a scalar is never spread out in memory.

    Parameters
    ----------
    forward, strike
        Price units, zero or positive.
    years
        Time to expiry in years of 365 days, zero or positive.
    vol
        Per square root of a year, a fraction: 0.65 is 65 %.
    is_call
        True or 1 for a call, False or 0 for a put.
    discount
        Value now of 1 paid at expiry, positive.
    greeks
        Names among ``price delta gamma vega theta rho vanna volga``; only those are computed.
        All eight by default.
    threads
        At most so many; by default one a processor. The results do not depend on it.

    Returns
    -------
    Greeks
        With the units of its attributes. What would overflow is the largest double. At years = 0,
        vol = 0, forward = 0 or strike = 0 these are the limits: intrinsic value; delta 0, 1/2 (at
        the money) or 1 times the discount, a put's less the discount. The others are 0 at years =
        0; before, theta is -ln(discount) / years times price / 365, rho is strike times years
        times what delta is of a unit forward, and the rest is 0. But at vol = 0 and forward =
        strike > 0, vega is discount * forward * sqrt(years / 2 pi), vanna discount *
        sqrt(years / 8 pi), and gamma, which diverges, the largest double.

    Raises
    ------
    NotFiniteError
        A NaN or infinite input.
    DomainError
        A negative forward, strike, time or volatility, a discount that is not positive, an
        is_call other than 0 and 1. `row` is the first one in the flattened broadcast shape.
    ArgumentError
        Shapes that do not broadcast, or an unknown name in `greeks`.

    Notes
    -----
    The price is within 1e-13 of itself where it is at least 1e-12 max(F, K), and within
    8 epsilon max(F, K) everywhere; it is never negative and never outside its bounds.
    The bits are the same on every processor and for every number of threads.
    Source: F. Black, "The pricing of commodity contracts", J. Financial Economics 3 (1976).

    Examples
    --------
    >>> black76(0.0, 100.0, 1.0, 0.2, False, 0.5, greeks=["price", "delta"])
    Greeks(price=50.0, delta=-0.5)
    >>> black76(110.0, 100.0, 2.0, 0.0, True, 0.5, greeks=["rho", "vanna"])
    Greeks(rho=100.0, vanna=0.0)
    >>> black76(100.0, [90.0, 110.0], 0.5, 0.4, [False, True]).vega.round(6)
    array([24.719628, 27.675235])
    """
    return _price(False, forward, strike, years, vol, is_call, discount, greeks, threads)


def bachelier(
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
    *,
    greeks: Iterable[str] | None = None,
    threads: int | None = None,
) -> Greeks:
    """Bachelier (normal) prices and Greeks, for forwards and strikes that can be negative.

    Parameters and results are those of `black76`, but for two: `forward` and `strike` may have
    any sign, and `vol` is in price units per square root of a year. The limits are at years = 0
    and vol = 0; at the money vega is then discount * sqrt(years / 2 pi) and vanna 0.

    Raises
    ------
    NotFiniteError, DomainError, ArgumentError
        As `black76`.

    Notes
    -----
    Source: L. Bachelier, "Theorie de la speculation" (1900), on the forward.

    Examples
    --------
    >>> round(bachelier(-37.63, -35.0, 0.1, 60.0, True, greeks=["price"]).price, 6)
    6.326999
    """
    return _price(True, forward, strike, years, vol, is_call, discount, greeks, threads)


def implied_vol(
    price: ArrayLike,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike = 1.0,
    *,
    threads: int | None = None,
) -> float | NDArray[np.float64]:
    """The Black-76 volatility at which options have these prices.

    Parameters
    ----------
    price
        Discounted. The other inputs are those of `black76`; all broadcast.

    Returns
    -------
    float or array
        Per square root of a year. A price equal to the intrinsic value gives 0. In-the-money
        prices go through put-call parity.

    Raises
    ------
    NoSolutionError
        A price below the intrinsic value, at or above the limit (discount times forward for a
        call, times strike for a put), or with time value at years = 0. `row` is the first one
        in the flattened broadcast shape.
    NotFiniteError, DomainError, ArgumentError
        As `black76`.

    Notes
    -----
    The relative error is below 1e-12 + 4 epsilon price / (vol vega) for out-of-the-money values
    of at least 1e-12 max(F, K). Source of the first guess: D. Stefanica and R. Radoicic, "An
    explicit implied volatility formula", Int. J. Theor. Appl. Finance 20 (2017).

    Examples
    --------
    >>> round(implied_vol(7.965567455405797, 100.0, 100.0, 1.0, True), 12)
    0.2
    """
    shape, columns = _broadcast(
        {"price": price, "forward": forward, "strike": strike, "years": years,
         "discount": discount, "is_call": _sides(is_call)}
    )  # fmt: skip
    n = math.prod(shape)
    out = np.empty(n)
    _pricing.implied_vol(n, **columns, out=out, threads=_threads(threads))
    return out.reshape(shape) if shape else float(out[0])


def _price(
    normal: bool,
    forward: ArrayLike,
    strike: ArrayLike,
    years: ArrayLike,
    vol: ArrayLike,
    is_call: ArrayLike,
    discount: ArrayLike,
    greeks: Iterable[str] | None,
    threads: int | None,
) -> Greeks:
    names = _NAMES if greeks is None else _chosen(greeks)
    shape, columns = _broadcast(
        {"forward": forward, "strike": strike, "years": years, "vol": vol, "discount": discount,
         "is_call": _sides(is_call)}
    )  # fmt: skip
    n = math.prod(shape)
    # One allocation: separate ones are returned to the system and faulted in again on each call,
    # which costs as much as the pricing.
    out = dict(zip(names, np.empty((len(names), n)), strict=True))
    _pricing.price(normal, n, **columns, out=out, threads=_threads(threads))
    if not shape:
        return Greeks(**{name: float(column[0]) for name, column in out.items()})
    return Greeks(**{name: column.reshape(shape) for name, column in out.items()})


def _chosen(greeks: Iterable[str]) -> tuple[str, ...]:
    names = (greeks,) if isinstance(greeks, str) else tuple(dict.fromkeys(greeks))
    for name in names:
        if name not in _NAMES:
            raise ArgumentError(f"greeks are {', '.join(_NAMES)}, not {name!r}")
    return names


def _threads(threads: int | None) -> int:
    if threads is None:
        return 0
    if threads < 1:
        raise ArgumentError(f"threads must be positive, not {threads}")
    return threads


def _sides(is_call: ArrayLike) -> NDArray[np.uint8]:
    sides = np.asarray(is_call)
    if sides.dtype.kind not in "biuf":
        raise ArgumentError(f"is_call holds {sides.dtype}, not True and False")
    if sides.dtype == bool or sides.dtype == np.uint8:
        return sides.view(np.uint8)
    return np.where(sides == 1, 1, np.where(sides == 0, 0, 2)).astype(np.uint8)  # 2 is refused


def _broadcast(values: dict[str, Any]) -> tuple[tuple[int, ...], dict[str, NDArray[Any]]]:
    """The common shape, and each input as a flat column of that size, or of one."""
    arrays = {}
    for name, value in values.items():
        array = np.asarray(value)
        if array.dtype.kind not in "biuf":
            raise ArgumentError(f"{name} holds {array.dtype}, not numbers")
        arrays[name] = array.astype(np.uint8 if name == "is_call" else np.float64, copy=False)
    try:
        shape = np.broadcast_shapes(*(array.shape for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ArgumentError(f"shapes do not broadcast: {shapes}") from None
    return shape, {name: _flat(array, shape) for name, array in arrays.items()}


def _flat(array: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    if array.size == 1:
        return array.reshape(1)
    if array.shape != shape:
        array = np.broadcast_to(array, shape)
    return np.ascontiguousarray(array).reshape(-1)
