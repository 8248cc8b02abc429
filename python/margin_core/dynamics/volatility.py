# SPDX-License-Identifier: Apache-2.0
"""Realised volatility of many series, live or over a history."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from margin_core._binding import _dynamics
from margin_core.checks import column, shown
from margin_core.errors import ArgumentError, DomainError
from margin_core.isa import as_threads

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["KINDS", "VolatilityEstimator", "VolatilityResult"]

Kind = Literal["ewma", "close", "parkinson", "garman_klass", "rogers_satchell", "yang_zhang",
               "realised", "bipower"]  # fmt: skip
#: In the order of `mc_vol_kind`.
KINDS: tuple[Kind, ...] = ("ewma", "close", "parkinson", "garman_klass", "rogers_satchell",
                           "yang_zhang", "realised", "bipower")  # fmt: skip
HOUR_NS = 3_600_000_000_000


class VolatilityResult(NamedTuple):
    """Annualised volatility, a fraction, and whether there was enough to say so.

    Attributes
    ----------
    vol : (n_bars, n_series) float64
        Per root year of 365 days: 0.65 is 65 %. 0 where not ready, never NaN.
    ready : (n_bars, n_series) bool
    """

    vol: NDArray[np.float64]
    ready: NDArray[np.bool_]


class VolatilityEstimator:
    """A volatility estimator over many series, moved forward by their bars.

    The same object does both: one bar a call on a live feed, or a whole history at once. How the
    bars are cut into calls does not show in the bits, nor does the number of threads.

    Parameters
    ----------
    kind : str
        "ewma", "close" (to close), "parkinson", "garman_klass", "rogers_satchell", "yang_zhang",
        "realised" (squared returns) or "bipower" (robust to jumps); `include/margin_core/
        volatility.h` has the formulas and their sources.
    n_series : int
    interval_ns : int
        Length of a bar; an hour by default.
    window : int
        Intervals of the clock that are looked back on; not for "ewma".
    half_life : float
        Intervals after which a return weighs half; for "ewma" alone.
    least : int
        Terms needed before a value is given; by default the whole window, or 2 for "ewma".
    threads : int
        0: one a processor.

    Raises
    ------
    ArgumentError
        An unknown kind, a window or half-life out of range.

    Examples
    --------
    >>> estimator = VolatilityEstimator("realised", 1, window=2)
    >>> end_ns = HOUR_NS * np.arange(1, 5)
    >>> vol, ready = estimator.update(end_ns, [[100.0], [101.0], [100.0], [102.0]])
    >>> ready[:, 0].tolist(), round(float(vol[-1, 0]), 4)
    ([False, False, True, True], 1.4667)
    """

    def __init__(
        self,
        kind: Kind,
        n_series: int,
        *,
        interval_ns: int = HOUR_NS,
        window: int | None = None,
        half_life: float | None = None,
        least: int | None = None,
        threads: int = 0,
    ) -> None:
        if kind not in KINDS:
            raise ArgumentError(f"kind is one of {', '.join(KINDS)}, got {kind!r:.40}")
        if kind == "ewma" and (half_life is None or window is not None):
            raise ArgumentError("an ewma has a half_life and no window")
        if kind != "ewma" and (window is None or half_life is not None):
            raise ArgumentError(f"{kind} has a window and no half_life")
        if least is None:
            whole = 2 if window is None else window
            least = max(whole, 2)
        self._options = (
            KINDS.index(kind), _whole("interval_ns", interval_ns), _whole("window", window or 0),
            float(half_life or 0.0), _whole("least", least),
        )  # fmt: skip
        self.kind = kind
        self.n_series = _whole("n_series", n_series)
        self.threads = as_threads(threads)
        doubles = _dynamics.memory(*self._options)
        if doubles == 0 or self.n_series == 0:
            raise ArgumentError(
                "there is at least one series, interval_ns is positive, window is 2 to 2^20, "
                "half_life is positive, least is 2 to window"
            )
        self._memory = np.zeros(doubles * self.n_series)
        #: When the last bar ended, in nanoseconds since 1970 UTC; 0 before the first.
        self.end_ns = 0

    def update(
        self,
        end_ns: ArrayLike,
        close: ArrayLike,
        *,
        open: ArrayLike | None = None,
        high: ArrayLike | None = None,
        low: ArrayLike | None = None,
        present: ArrayLike | None = None,
    ) -> VolatilityResult:
        """Take the next bars.

        Parameters
        ----------
        end_ns : (n_bars,) int64
            When they end: whole multiples of `interval_ns`, one after the other.
        close : (n_bars, n_series) float64, USD
            A row of all series for each bar.
        open, high, low : (n_bars, n_series) float64, USD
            For the estimators that look inside a bar.
        present : (n_bars, n_series) bool, optional
            False where a series has no bar; its prices there are not read.

        Raises
        ------
        RowOrderError
            Time that goes backwards, repeats or leaves a gap; `row` is the bar. An outage is rows
            that are not present.
        NotFiniteError, DomainError
            A price that is not a positive number, a high below a low; `row` is the bar, the message
            names the series. Nothing is remembered of such a call.
        """
        ends = times_ns("end_ns", end_ns)
        closes = prices_usd("close", close)
        if ends.ndim != 1 or closes.ndim != 2 or closes.shape[1] != self.n_series:
            raise ArgumentError(
                f"end_ns is (n_bars,) and close (n_bars, {self.n_series}), got {ends.shape} and "
                f"{closes.shape}"
            )
        flags = None if present is None else _flags(present)
        opens, highs, lows = (
            None if table is None else prices_usd(name, table)
            for name, table in (("open", open), ("high", high), ("low", low))
        )
        vol = np.empty(closes.shape)
        ready = np.empty(closes.shape, dtype=np.bool_)
        self.end_ns = _dynamics.volatility(
            *self._options, self.threads, ends, opens, highs, lows, closes,
            flags, self.end_ns, self._memory, vol, ready.view(np.uint8),
        )  # fmt: skip
        return VolatilityResult(vol, ready)

    def copy(self) -> VolatilityEstimator:
        """The same estimator, to go on from here without moving this one."""
        other = copy.copy(self)
        other._memory = self._memory.copy()
        return other


def prices_usd(name: str, table: ArrayLike) -> NDArray[np.float64]:
    """A table of prices; text is refused even where it reads like a number."""
    given = np.asarray(table)
    if given.dtype.kind in "USO":
        found = given.ravel().tolist()
        text = next((price for price in found if isinstance(price, (str, bytes))), None)
        if text is not None:
            raise ArgumentError(f"{name}: prices are needed, not {shown(text)}")
    return np.ascontiguousarray(column(name, given))


def times_ns(name: str, times: ArrayLike) -> NDArray[np.int64]:
    """Nanoseconds since 1970, datetime64 too; what is NaN or no whole number is refused."""
    given = np.asarray(times)
    if given.dtype.kind == "M":
        given = given.astype("datetime64[ns]").astype(np.int64)
    if given.dtype.kind not in "iuf" and given.size:
        raise ArgumentError(f"{name}: whole nanoseconds are needed, not {given.dtype}")
    bad = ~((np.abs(given.astype(np.float64)) < 2.0**63) & (given == np.rint(given)))
    if bad.any():
        row = int(np.argmax(bad))
        raise DomainError(f"{name} is {given.ravel()[row]}; whole nanoseconds are needed", row=row)
    return np.ascontiguousarray(given, dtype=np.int64)


def _flags(present: ArrayLike) -> NDArray[np.uint8]:
    flags = np.ascontiguousarray(present)
    if flags.dtype != np.bool_:
        raise ArgumentError(f"present is {flags.dtype}; it holds bools")
    return flags.view(np.uint8)


def _whole(name: str, value: int) -> int:
    if not isinstance(value, (int, np.integer)) or not 0 <= value < 1 << 62:
        raise ArgumentError(f"{name} is a whole number, 0 or more, got {value!r:.40}")
    return int(value)
