# SPDX-License-Identifier: Apache-2.0
"""Which compiled copy of the kernels runs; all return the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from margin_core._binding import _errors
from margin_core.errors import ArgumentError

__all__ = ["isa", "isas", "use_isa"]


def isa() -> str:
    """The instruction set whose kernels run: "generic", "avx2", "avx512"."""
    return str(_errors.isa())


def isas() -> list[str]:
    """Every instruction set that this processor can run, slowest first."""
    return list(_errors.isas())


@contextmanager
def use_isa(name: str) -> Iterator[None]:
    """Run the block with that copy of the kernels; for tests and benchmarks.

    Raises
    ------
    ArgumentError
        No such copy, or this processor cannot run it.
    """
    before = isa()
    _errors.select_isa(name)
    try:
        yield
    finally:
        _errors.select_isa(before)


def as_threads(threads: int) -> int:
    """A number of threads that the core understands; 0 is one per processor."""
    if not isinstance(threads, (int, np.integer)) or not 0 <= threads < 1 << 31:
        raise ArgumentError(f"threads is a whole number, 0 or more, got {threads!r:.40}")
    return int(threads)
