# SPDX-License-Identifier: Apache-2.0
import numpy as np
from numpy.typing import NDArray

from margin_core._binding._margin import BookHandle, MarginHandle
from margin_core._binding._risk import RiskHandle

LEVELS: int

def square_root(
    mark: float,
    depth_lots: float,
    half_spread_frac: float,
    impact_frac: float,
    lots: NDArray[np.float64],
    cost: NDArray[np.float64],
) -> int: ...

class DepthHandle:
    def __init__(
        self,
        offset: NDArray[np.int64],
        lots: NDArray[np.float64],
        cost: NDArray[np.float64],
        taken: NDArray[np.float64],
    ) -> None: ...
    def set_limit(self, limit: NDArray[np.float64] | None) -> None: ...
    def recover(self, elapsed_s: float, half_life_s: float) -> None: ...
    def limits(
        self,
        unit: NDArray[np.float64],
        move: NDArray[np.float64] | None,
        share: float,
        least: float,
        limit: NDArray[np.float64],
    ) -> None: ...

def plan(
    margin: MarginHandle,
    book: BookHandle,
    market: NDArray[np.int64] | None,
    owners: NDArray[np.int64] | None,
    accounts: NDArray[np.int64],
    depth: DepthHandle,
    buffer_k: int,
    fee_k: int,
    proportional: bool,
    paused: NDArray[np.uint8] | None,
    settles_in: NDArray[np.int32] | None,
    trades: NDArray[np.void],
    plans: NDArray[np.void],
) -> int: ...
def check(plans: NDArray[np.void], book: BookHandle) -> None: ...
def next_thresholds(
    margin: MarginHandle,
    risk: RiskHandle,
    book: BookHandle,
    equity: NDArray[np.int64],
    mm: NDArray[np.int64],
    threads: int,
    move: NDArray[np.float64],
) -> None: ...
