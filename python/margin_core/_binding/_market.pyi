# SPDX-License-Identifier: Apache-2.0
import numpy as np
from numpy.typing import NDArray

class Snapshot:
    def __init__(
        self,
        *,
        unit: NDArray[np.int32],
        term: NDArray[np.int32],
        kind: NDArray[np.uint8],
        inverse: NDArray[np.uint8],
        factor: NDArray[np.int32],
        strike: NDArray[np.float64],
        contract_size: NDArray[np.float64],
        step: NDArray[np.float64],
        index_usd: NDArray[np.float64],
        confidence_frac: NDArray[np.float64],
        years: NDArray[np.float64],
        forward_usd: NDArray[np.float64],
        discount: NDArray[np.float64],
        vol: NDArray[np.float64],
        mark_usd: NDArray[np.float64],
        quote_usd: NDArray[np.float64],
    ) -> None: ...
