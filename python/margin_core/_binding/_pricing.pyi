# SPDX-License-Identifier: Apache-2.0
import numpy as np
from numpy.typing import NDArray

def price(
    normal: bool,
    n: int,
    forward: NDArray[np.float64],
    strike: NDArray[np.float64],
    years: NDArray[np.float64],
    vol: NDArray[np.float64],
    discount: NDArray[np.float64],
    is_call: NDArray[np.uint8],
    out: dict[str, NDArray[np.float64]],
    threads: int,
) -> None: ...
def implied_vol(
    n: int,
    price: NDArray[np.float64],
    forward: NDArray[np.float64],
    strike: NDArray[np.float64],
    years: NDArray[np.float64],
    discount: NDArray[np.float64],
    is_call: NDArray[np.uint8],
    out: NDArray[np.float64],
    threads: int,
) -> None: ...
