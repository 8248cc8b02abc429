# SPDX-License-Identifier: Apache-2.0
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core._binding._market import Snapshot
from margin_core._binding._risk import RiskHandle

class BookHandle:
    def __init__(
        self,
        *,
        n_instruments: int,
        offset: NDArray[np.int64],
        instrument: NDArray[np.int32],
        lots: NDArray[np.float64],
        cash: NDArray[np.int64] | None = None,
        mode: NDArray[np.uint8] | None = None,
        owner: NDArray[np.int32] | None = None,
        n_owners: int = 0,
        order_offset: NDArray[np.int64] | None = None,
        order_instrument: NDArray[np.int32] | None = None,
        order_lots: NDArray[np.float64] | None = None,
        order_limit: NDArray[np.float64] | None = None,
        fractional: bool = False,
    ) -> None: ...

def check_assets(snapshot: Snapshot, assets: NDArray[np.uint8]) -> None: ...

class MarginHandle:
    def __init__(
        self,
        risk: RiskHandle,
        snapshot: Snapshot,
        units: list[dict[str, Any]],
        lambda_k: NDArray[np.int32],
        mm_factor_k: int,
        im_factor_k: int,
        vega_edge_years: Sequence[float],
        assets: NDArray[np.uint8] | None = None,
    ) -> None: ...
    def rates(self, instrument: int) -> dict[str, Any]: ...
