# SPDX-License-Identifier: Apache-2.0
import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]

def sizes() -> dict[str, int]: ...

class Feed:
    def __init__(
        self,
        *,
        base: int,
        quote: int,
        quorum: int,
        tolerated: int,
        sources: Bytes,
        rule: Bytes,
        ladder: Bytes,
    ) -> None: ...

def update(
    feed: Feed, state: Bytes, quotes: Bytes, now_ns: int, after: Bytes, reading: Bytes
) -> None: ...
def update_many(
    feed: Feed,
    quotes: Bytes,
    offset: NDArray[np.int64],
    now_ns: NDArray[np.int64],
    threads: int,
    states: Bytes,
    readings: Bytes,
    statuses: Bytes,
) -> None: ...
def compose(
    rules: Feed, legs: Bytes, invert: Bytes, base: int, quote: int, now_ns: int, reading: Bytes
) -> None: ...
def prices(
    ladder: Bytes,
    readings: Bytes,
    owned: NDArray[np.float64],
    action: int,
    allowed: Bytes,
    price: NDArray[np.float64],
) -> None: ...
def stable_price(rule: Bytes, state: Bytes, now_ns: int, price: float) -> None: ...
