# SPDX-License-Identifier: Apache-2.0
import numpy as np
from numpy.typing import NDArray

KINDS: int
THRESHOLD_STATE_BYTES: int

def memory(kind: int, interval_ns: int, window: int, half_life: float, least: int) -> int: ...
def volatility(
    kind: int,
    interval_ns: int,
    window: int,
    half_life: float,
    least: int,
    threads: int,
    end_ns: NDArray[np.int64],
    open: NDArray[np.float64] | None,
    high: NDArray[np.float64] | None,
    low: NDArray[np.float64] | None,
    close: NDArray[np.float64],
    present: NDArray[np.uint8] | None,
    last_ns: int,
    memory: NDArray[np.float64],
    vol: NDArray[np.float64] | None,
    ready: NDArray[np.uint8] | None,
) -> int: ...
def thresholds(
    parameters: dict[str, float],
    time_ns: NDArray[np.int64],
    price_usd: NDArray[np.float64],
    present: NDArray[np.uint8] | None,
    state: NDArray[np.uint8],
    range_frac: NDArray[np.float64] | None,
    threads: int,
) -> None: ...
