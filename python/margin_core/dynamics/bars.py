# SPDX-License-Identifier: Apache-2.0
"""Price bars of one coin on a regular clock."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.errors import FileError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Bars", "read_bars"]

DAY_NS = 86_400_000_000_000
#: Columns of a file of bars; `time` is when a bar begins, as exchanges publish it.
COLUMNS = {
    "time|timestamp|date|open_time": "time", "open": "float", "high": "float", "low": "float",
    "close": "float",
}  # fmt: skip
#: "BTCUSDT", "eth-usd": the coin before its dollars, in a file's name.
_PAIR = re.compile(
    r"(?:^|[^A-Za-z0-9])([A-Za-z0-9]{2,10}?)[-_]?(?:USDT|USDC|USD)(?![A-Za-z])", re.IGNORECASE
)


@dataclass(frozen=True, eq=False)
class Bars:
    """Bars of one coin, one row for each interval of the clock.

    Attributes
    ----------
    unit : str
    interval_ns : int
    end_ns : (n,) int64
        When each bar ends, one interval after the other.
    open, high, low, close : (n,) float64, USD
        Where there is no bar, the close before it.
    present : (n,) bool
        False during an outage.
    findings : tuple of str
        What was odd about the files, in sentences.
    """

    unit: str
    interval_ns: int
    end_ns: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    present: NDArray[np.bool_]
    findings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.end_ns)


def read_bars(paths: Sequence[str | os.PathLike[str]]) -> dict[str, Bars]:
    """Bars from .csv or .parquet files, by coin.

    Files of one coin are joined: where they overlap, the one that begins first counts.

    Parameters
    ----------
    paths
        Each with the columns time (or timestamp, date, open_time: when the bar begins, UTC), open,
        high, low, close. The coin is what stands before the dollars in the file's name
        (``binance_BTCUSDT_1h.csv``), or before an equals sign: ``"BTC=prices.csv"``.

    Returns
    -------
    dict of Bars
        In the order in which the coins were named.

    Raises
    ------
    FileError
        Names the file, the row and the column: time that does not rise, bars off their clock,
        prices that are not positive, a high below a low.
    """
    files: dict[str, list[_File]] = {}
    for given in paths:
        file = _read(os.fspath(given))
        files.setdefault(file.unit, []).append(file)
    return {unit: _join(unit, sorted(some, key=lambda f: int(f.begin_ns[0])))
            for unit, some in files.items()}  # fmt: skip


@dataclass(frozen=True, eq=False)
class _File:
    label: str
    unit: str
    interval_ns: int
    begin_ns: NDArray[np.int64]
    prices: NDArray[np.float64]  # (n, 4)


def _read(given: str) -> _File:
    from margin_core.adapters.files import fail
    from margin_core.adapters.tables import read_table

    unit, equals, path = given.rpartition("=")
    if not equals:
        found = _PAIR.search(os.path.basename(path))
        if found is None:
            raise FileError(f"{path}: whose prices are these? Write COIN={path}")
        unit = found[1].upper()
    columns: Any = read_table(path, required=COLUMNS)  # type: ignore[arg-type]
    begin = columns.pop("time")
    if len(begin) < 2:
        raise fail(path, "fewer than two bars")
    steps = np.diff(begin)
    if (steps <= 0).any():
        row = int(np.argmax(steps <= 0)) + 1
        raise fail(path, "time does not rise here", row=row, field="time")
    interval = int(steps.min())
    off = begin % interval != 0
    if off.any():
        row = int(np.argmax(off))
        why = f"no whole number of {interval / 1e9:g} s intervals since 1970"
        raise fail(path, why, row=row, field="time")
    prices = np.column_stack([columns[name] for name in ("open", "high", "low", "close")])
    _check_prices(path, prices)
    return _File(path, unit, interval, begin, prices)


def _check_prices(path: str, prices: NDArray[np.float64]) -> None:
    from margin_core.adapters.files import fail

    names = ("open", "high", "low", "close")
    for j, name in enumerate(names):
        bad = prices[:, j] <= 0.0
        if bad.any():
            row = int(np.argmax(bad))
            raise fail(path, f"{float(prices[row, j])!r} is not positive", row=row, field=name)
    opened, high, low, close = prices.T
    for field, bad in (
        ("high", high < np.maximum(np.maximum(opened, close), low)),
        ("low", low > np.minimum(opened, close)),
    ):
        if bad.any():
            row = int(np.argmax(bad))
            raise fail(path, "open and close are not between low and high", row=row, field=field)


def _join(unit: str, files: list[_File]) -> Bars:
    first = files[0]
    begin, prices, findings = first.begin_ns, first.prices, []
    for file in files[1:]:
        if file.interval_ns != first.interval_ns:
            raise FileError(
                f"{file.label}: bars of {file.interval_ns / 1e9:g} s, those of {first.label} are "
                f"of {first.interval_ns / 1e9:g} s"
            )
        _, mine, theirs = np.intersect1d(begin, file.begin_ns, return_indices=True)
        differ = int((prices[mine] != file.prices[theirs]).any(axis=1).sum())
        if differ:
            findings.append(f"{differ} of {len(mine)} bars differ between {first.label} and "
                            f"{file.label}; the former count")  # fmt: skip
        later = file.begin_ns > begin[-1]
        begin = np.concatenate([begin, file.begin_ns[later]])
        prices = np.concatenate([prices, file.prices[later]])
    return _on_clock(unit, first.interval_ns, begin, prices, tuple(findings))


def _on_clock(
    unit: str,
    interval_ns: int,
    begin: NDArray[np.int64],
    prices: NDArray[np.float64],
    findings: tuple[str, ...],
) -> Bars:
    """A row for each interval; an outage repeats the last close and is not present."""
    slot = (begin - begin[0]) // interval_ns
    n = int(slot[-1]) + 1
    present = np.zeros(n, dtype=np.bool_)
    present[slot] = True
    last = np.cumsum(present) - 1
    full = prices[last]
    full[~present] = full[~present, 3:]
    gaps = int((np.diff(slot) > 1).sum())
    if gaps:
        missing = n - len(slot)
        findings += (f"{gaps} outages, {missing} of {n} bars are missing",)
    end = begin[0] + interval_ns * np.arange(1, n + 1, dtype=np.int64)
    opened, high, low, close = (np.ascontiguousarray(full[:, j]) for j in range(4))
    return Bars(unit, interval_ns, end, opened, high, low, close, present, findings)
