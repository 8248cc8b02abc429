# SPDX-License-Identifier: Apache-2.0
"""The scan of a venue preset as one would write it in NumPy: sums over runs, charges left out."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.venues.columns import segment_starts, sums

#: Positions at a time: their cells fit the cache.
CHUNK = 16_384


class NumpyScan:
    """The columns of preset.h, for a book in CSR form."""

    def __init__(self, columns: dict[str, Any]) -> None:
        n, u, j = columns["n"], columns["n_units"], columns["n_columns"]
        self.value = columns["value"].reshape(n, j)
        self.base, self.unit, self.term = (columns[name] for name in ("base", "unit", "term"))
        self.weight = columns["weight"].reshape(u, j)
        one = np.ones(columns["n_terms"])
        self.long = one if columns["long_factor"] is None else columns["long_factor"]
        self.short = one if columns["short_factor"] is None else columns["short_factor"]
        self.folds = columns["folds"].astype(bool)
        competitor = columns["competitor"]
        self.competitor = np.full(j, -1) if competitor is None else competitor
        self.rate = columns["compete_rate"].reshape(-1, columns["n_terms"])
        self.scanned = int((self.competitor < 0).sum())
        self.adjust = None
        if columns["dampener"] is not None:
            dampener = columns["dampener"].reshape(u, j)[:, : self.scanned]
            self.adjust = dampener, columns["gain_offset"], columns["gain_cap"]

    def losses(self, start: NDArray[np.int64], instrument: Any, quantity: Any) -> Any:
        """(A,) the worst losses of each account's units, added up."""
        account = np.repeat(np.arange(len(start) - 1), np.diff(start))
        total = np.zeros(len(start) - 1)
        first = 0
        while first < len(start) - 1:
            last = max(first + 1, int(np.searchsorted(start, start[first] + CHUNK, "right")) - 1)
            rows = slice(start[first], start[last])
            self._add(total, account[rows], instrument[rows], quantity[rows])
            first = last
        return total

    def _add(self, total: Any, account: Any, instrument: Any, quantity: Any) -> None:
        if not len(account):
            return
        segment = segment_starts(account, self.term[instrument])
        value = sums(quantity[:, None] * self.value[instrument], segment)
        now = sums(quantity * self.base[instrument], segment)[:, None]
        unit, term = self.unit[instrument[segment]], self.term[instrument[segment]]
        seen = value[:, : self.scanned]
        factor = np.where(seen >= 0.0, self.long[term, None], self.short[term, None])
        pnl = self.weight[unit, : self.scanned] * (factor * seen - now)
        pnl = np.where(self.folds[: self.scanned], -np.abs(pnl), pnl)
        rivals = [
            np.minimum(0.0, (value[:, self.competitor == c] - now).min(axis=1)) * rate[term]
            for c, rate in enumerate(self.rate)
        ]
        of_unit = segment_starts(account[segment], unit)
        row = sums(np.column_stack([pnl, *rivals]), of_unit)
        if self.adjust is not None:
            dampener, offset, cap = (column[unit[of_unit]] for column in self.adjust)
            scan = row[:, : self.scanned]
            gain = np.minimum(cap[:, None], offset[:, None] * scan)
            row[:, : self.scanned] = np.where(scan < 0.0, np.minimum(0.0, scan + dampener), gain)
        np.add.at(total, account[segment[of_unit]], np.maximum(0.0, -row.min(axis=1)))
