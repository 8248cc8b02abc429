# SPDX-License-Identifier: Apache-2.0
"""Helpers on columns in CSR form that both engines use."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Column", "Index", "group_sums", "segment_starts", "sums"]

Column = NDArray[np.float64]
Index = NDArray[np.int64]


def segment_starts(*keys: Index) -> Index:
    """First position of every run of equal keys."""
    if len(keys[0]) == 0:
        return np.zeros(0, dtype=np.int64)
    change = np.any([key[1:] != key[:-1] for key in keys], axis=0)
    return np.flatnonzero(np.concatenate([[True], change]))


def sums(values: Column, start: Index) -> Column:
    """Sums of runs of rows, in order."""
    if len(start) == 0:
        return np.zeros((0, *values.shape[1:]))
    return np.add.reduceat(values, start, axis=0)


def group_sums(values: NDArray[Any], group: Index, n: int) -> NDArray[Any]:
    """(n,) sums by group number, in the order of the rows; of any number type."""
    if values.dtype == np.float64:
        found: NDArray[Any] = np.bincount(group, values, n)
        return found.astype(np.float64, copy=False)  # whole numbers where there are no rows
    total = np.zeros(n, dtype=values.dtype)
    np.add.at(total, group, values)
    return total
