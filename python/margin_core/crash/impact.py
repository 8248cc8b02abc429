# SPDX-License-Identifier: Apache-2.0
"""What the venue's own liquidations do to its price."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Impact"]


@dataclass
class Impact:
    """Square-root impact of flow that the book has not yet recovered from.

    displacement = -sign(flow) impact_frac sqrt(|flow| / depth), in logarithms of the price; the
    flow (USD sold, net) halves every `half_life_s`.

    Attributes
    ----------
    depth_usd, impact_frac : (n_units,) float64
        Selling `depth_usd` into a full book moves it by `impact_frac`.
    half_life_s : float
    flow_usd : (n_units,) float64
    """

    depth_usd: NDArray[np.float64]
    impact_frac: NDArray[np.float64]
    half_life_s: float
    flow_usd: NDArray[np.float64] = field(init=False)

    def __post_init__(self) -> None:
        self.flow_usd = np.zeros_like(self.depth_usd)

    def rest(self, seconds: float) -> None:
        """Let the book recover."""
        self.flow_usd *= 0.5 ** (seconds / self.half_life_s)

    def displacement(self, depth_frac: NDArray[np.float64]) -> NDArray[np.float64]:
        """Of the price's logarithm; negative after sales."""
        flow, depth = self.flow_usd, self.depth_usd * depth_frac
        return np.asarray(-np.sign(flow) * self.impact_frac * np.sqrt(np.abs(flow) / depth))

    def sell(
        self, sold_usd: NDArray[np.float64], depth_frac: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Take net sales; how far the average fill is below the displacement that stood."""
        given_up = np.array([self.area(u, sold_usd[[u]], depth_frac)[0]
                             for u in range(len(sold_usd))])  # fmt: skip
        self.flow_usd = self.flow_usd + sold_usd
        size = np.abs(sold_usd)
        return np.divide(given_up, size, out=np.zeros_like(size), where=size > 0.0)

    def area(
        self, u: int, sold_usd: NDArray[np.float64], depth_frac: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What selling (below 0: buying) gives up against the displaced price, USD, unit u."""
        scale = self.impact_frac[u] / np.sqrt(self.depth_usd[u] * depth_frac[u])
        before = self.flow_usd[u]
        after = before + sold_usd
        moved = (2 / 3) * scale * (np.abs(after) ** 1.5 - np.abs(before) ** 1.5)
        stood = scale * np.sign(before) * np.sqrt(np.abs(before))
        return np.asarray(np.maximum(moved - stood * sold_usd, 0.0))
