# SPDX-License-Identifier: Apache-2.0
from typing import Any

import numpy as np
from numpy.typing import NDArray

def follow(seen_ns: int, ran_ns: int, running: bool, now_ns: int, valid: bool) -> int: ...
def elapsed_s(seen_ns: int, ran_ns: int, running: bool, now_ns: int) -> float: ...

class DecayHandle:
    def __init__(
        self,
        kind: int,
        start: float,
        step: float,
        every_s: float,
        floor: float,
        knot_s: NDArray[np.float64],
        knot_share: NDArray[np.float64],
    ) -> None: ...
    def at(self, elapsed_s: NDArray[np.float64], asked: NDArray[np.float64]) -> None: ...

def derive() -> tuple[list[tuple[float, float]], dict[str, Any]]: ...

class RulesHandle:
    def __init__(
        self,
        decay: DecayHandle,
        buffer_frac: float,
        fee_frac: float,
        insolvent_s: float,
        whole_below: float,
        reserve_price_frac: float,
        quanta: bool,
    ) -> None: ...
    def largest_share(
        self,
        equity: NDArray[np.float64],
        mm: NDArray[np.float64],
        reserved: NDArray[np.float64],
        asked: NDArray[np.float64],
        share: NDArray[np.float64],
    ) -> None: ...
    def fee(
        self,
        equity: NDArray[np.float64],
        mm: NDArray[np.float64],
        reserved: NDArray[np.float64],
        fee: NDArray[np.float64],
    ) -> None: ...
    def bid(
        self,
        equity: NDArray[np.float64],
        mm: NDArray[np.float64],
        reserved: NDArray[np.float64],
        insolvent: NDArray[np.uint8],
        elapsed_s: NDArray[np.float64],
        want: NDArray[np.float64],
        out: dict[str, NDArray[np.float64]],
    ) -> None: ...

def price(
    bankruptcy: bool,
    size: NDArray[np.float64],
    notional: NDArray[np.float64],
    position_mm: NDArray[np.float64],
    equity: NDArray[np.float64],
    mm: NDArray[np.float64],
    adjustment: float,
    spread_to_mm: float,
    out: NDArray[np.float64],
) -> None: ...
