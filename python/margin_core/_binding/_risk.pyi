# SPDX-License-Identifier: Apache-2.0
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core._binding._market import Snapshot

def vol_term_factor(
    years: NDArray[np.float64],
    days_floor: float,
    power_short: float,
    power_long: float,
    factor: NDArray[np.float64],
) -> None: ...
def risk_lots(
    snapshot: Snapshot, range_frac: NDArray[np.float64], quantum: float, lot: NDArray[np.float64]
) -> None: ...
def base_scenario(
    n_terms: int,
    cells: dict[str, Any],
    horizon_years: NDArray[np.float64] | None,
    event_move: NDArray[np.float64] | None,
) -> int: ...

class RiskHandle:
    n_instruments: int
    n_scenarios: int
    quantum: float
    quantum_usd: float
    @staticmethod
    def price(
        snapshot: Snapshot,
        cells: dict[str, Any],
        horizon_years: NDArray[np.float64] | None,
        event_move: NDArray[np.float64] | None,
        lot: NDArray[np.float64],
        quantum: float,
        numeraire: int,
        threads: int,
    ) -> RiskHandle: ...
    @staticmethod
    def adopt(cells: NDArray[np.float64], quantum: float) -> RiskHandle: ...
    def copy_cells(self, out: NDArray[np.float64]) -> None: ...
    def copy_column(self, name: str, out: NDArray[np.float64]) -> bool: ...
