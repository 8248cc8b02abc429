# SPDX-License-Identifier: Apache-2.0
import numpy as np
from numpy.typing import NDArray

from margin_core._binding._margin import BookHandle, MarginHandle
from margin_core._binding._market import Snapshot
from margin_core._binding._risk import RiskHandle

BELOW: int
ABOVE: int
NOW: int

def liquidation_prices(
    risk: RiskHandle,
    snapshot: Snapshot,
    margin: MarginHandle,
    book: BookHandle,
    first: int,
    threads: int,
    unit: int,
    ticks_per_usd: float,
    least_move: float,
    most_move: float,
    n_steps: int,
    sides: NDArray[np.int64] | None,
    owners: NDArray[np.int64] | None,
    follows: NDArray[np.int64] | None,
    below: NDArray[np.int64],
    above: NDArray[np.int64],
    found: NDArray[np.uint8],
) -> None: ...
