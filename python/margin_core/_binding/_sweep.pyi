# SPDX-License-Identifier: Apache-2.0
import numpy as np
from numpy.typing import NDArray

from margin_core._binding._margin import BookHandle, MarginHandle
from margin_core._binding._risk import RiskHandle

COLUMNS: tuple[str, ...]

def scan(
    risk: RiskHandle,
    book: BookHandle,
    first: int,
    worst_pnl: NDArray[np.float64],
    scenario_of: NDArray[np.int32] | None,
    threads: int,
) -> None: ...
def shares_below(
    risk: RiskHandle,
    book: BookHandle,
    first: int,
    weight: NDArray[np.float64],
    line: NDArray[np.float64],
    share: NDArray[np.float64],
    threads: int,
) -> None: ...
def exposure(
    margin: MarginHandle,
    book: BookHandle,
    threads: int,
    market: NDArray[np.int64],
    owners: NDArray[np.int64] | None,
) -> None: ...
def sweep(
    margin: MarginHandle,
    book: BookHandle,
    first: int,
    count: int,
    threads: int,
    market: NDArray[np.int64] | None,
    owners: NDArray[np.int64] | None,
    out: dict[str, NDArray[np.int64] | NDArray[np.int32] | NDArray[np.uint8]],
) -> None: ...
def rank(equity: NDArray[np.int64], mm: NDArray[np.int64], order: NDArray[np.int64]) -> None: ...
