# SPDX-License-Identifier: Apache-2.0
"""Which compiled copy of the kernels runs; all return the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from margin_core._binding import _errors

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
