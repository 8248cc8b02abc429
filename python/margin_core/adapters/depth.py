# SPDX-License-Identifier: Apache-2.0
"""Recorded depth feeds into order books."""

from __future__ import annotations

import gzip
import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from margin_core.adapters.files import MAX_BYTES, fail, read_bytes
from margin_core.errors import FileError

__all__ = ["OrderBook", "read_order_books"]

Level = tuple[float, float]


@dataclass(frozen=True)
class OrderBook:
    """One book at one instant.

    Attributes
    ----------
    time_ns : int
        When the recorder had it.
    bids, asks : tuple of (price, quantity)
        The best first; what `Depth.from_books` takes.
    """

    time_ns: int
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]

    @property
    def middle(self) -> float:
        return (self.bids[0][0] + self.asks[0][0]) / 2.0

    def depth_usd(self, within_frac: float) -> tuple[float, float]:
        """Value of the bids and of the asks within a part of the middle, in the quote currency."""
        away = within_frac * self.middle
        return (
            sum(p * q for p, q in self.bids if self.middle - p <= away),
            sum(p * q for p, q in self.asks if p - self.middle <= away),
        )


def read_order_books(path: str | os.PathLike[str], *, every_s: float = 1.0) -> Iterator[OrderBook]:
    """Books of a recorded Binance feed, spot or futures, one every so many seconds.

    Lines are a local time in ns and a message: one REST snapshot (``lastUpdateId``, ``bids`` and
    ``asks``) and ``depthUpdate`` events, as they come or as ``{"stream": ..., "data": ...}``;
    others are passed over. ``.gz`` is unpacked. Updates are applied by the venue's documented rule:
    those that the snapshot already has are dropped, and each must follow the one before (``pu``, or
    ``U`` one after the last ``u``).

    Raises
    ------
    FileError
        A line that cannot be read, an update that is missing, a book that is crossed or empty; the
        message names file and line.
    """
    source = str(os.fspath(path))
    if not every_s > 0.0:
        raise fail(source, f"a book every {every_s:g} s is asked for")
    book = _Book(source)
    due = None
    for number, line in enumerate(_unpacked(read_bytes(path), source).splitlines(), 1):
        moment = book.take(number, line)
        if moment is None:
            continue
        if due is None or moment >= due:
            yield book.shown(number, moment)
            due = moment + int(every_s * 1e9)


def _unpacked(data: bytes, source: str) -> bytes:
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES + 1)
    except (OSError, EOFError) as error:
        raise fail(source, f"damaged: {error}") from error
    if len(data) > MAX_BYTES:
        raise fail(source, f"unpacks to more than {MAX_BYTES} bytes")
    return data


class _Book:
    """Levels by price, and how far the updates have come."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.sides: tuple[dict[float, float], dict[float, float]] = ({}, {})
        self.last = -1  # the newest update that the book has; -1: no snapshot yet
        self.joined = False
        self.waiting: list[tuple[int, dict[str, Any]]] = []

    def take(self, number: int, line: bytes) -> int | None:
        """Apply a line; its time if the book has changed."""
        try:
            stamp, text = line.split(None, 1)
            moment, message = int(stamp), json.loads(text)
            message = message.get("data", message)
            if "lastUpdateId" in message:
                return self._snapshot(message, moment)
            if message.get("e") != "depthUpdate":
                return None
            if self.last < 0:
                self.waiting.append((number, message))
                return None
            return moment if self._update(number, message) else None
        except FileError:
            raise
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise fail(self.source, f"no time and message: {error}", line=number) from error

    def _snapshot(self, message: dict[str, Any], moment: int) -> int:
        for side, name in zip(self.sides, ("bids", "asks"), strict=True):
            side.clear()
            side.update((float(price), float(size)) for price, size in message[name])
        self.last, self.joined = int(message["lastUpdateId"]), False
        for earlier, update in self.waiting:
            self._update(earlier, update)
        self.waiting.clear()
        return moment

    def _update(self, number: int, message: dict[str, Any]) -> bool:
        first, last = int(message["U"]), int(message["u"])
        if last <= self.last and not self.joined:
            return False  # the snapshot has it
        before = message.get("pu")
        follows = first == self.last + 1 if before is None else int(before) == self.last
        if not (follows if self.joined else first <= self.last + 1):
            raise fail(self.source, f"update {first} does not follow {self.last}", line=number)
        for side, name in zip(self.sides, ("b", "a"), strict=True):
            for price, size in message[name]:
                if float(size) > 0.0:
                    side[float(price)] = float(size)
                else:
                    side.pop(float(price), None)
        self.last, self.joined = last, True
        return True

    def shown(self, number: int, moment: int) -> OrderBook:
        bids, asks = (sorted(side.items(), reverse=k == 0) for k, side in enumerate(self.sides))
        if not bids or not asks:
            raise fail(self.source, "a side of the book is empty", line=number)
        if bids[0][0] >= asks[0][0]:
            why = f"crossed, best bid {bids[0][0]:g} and best ask {asks[0][0]:g}"
            raise fail(self.source, why, line=number)
        return OrderBook(moment, tuple(bids), tuple(asks))
