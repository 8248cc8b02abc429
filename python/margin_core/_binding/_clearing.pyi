# SPDX-License-Identifier: Apache-2.0
from typing import Any

import numpy as np
from numpy.typing import NDArray

class LedgerHandle:
    def __init__(
        self,
        cash: NDArray[np.int64],
        pnl: NDArray[np.int64],
        journal: NDArray[np.void],
        state: dict[str, int],
        waterfall: dict[str, Any],
    ) -> None: ...
    def state(self) -> dict[str, int]: ...
    def residual(self) -> int: ...
    def apply(
        self,
        events: NDArray[np.void],
        candidates: NDArray[np.int64],
        haircuts: NDArray[np.int64],
        receipts: NDArray[np.void],
    ) -> None: ...
