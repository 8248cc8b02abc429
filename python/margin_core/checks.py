# SPDX-License-Identifier: Apache-2.0
"""What an argument must be before anything counts on it; every error names it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from margin_core.errors import ArgumentError, DomainError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["WHOLE_MAX", "column", "is_a", "mapping", "names", "number", "real", "shown", "whole"]

#: No amount, height or instant is larger.
WHOLE_MAX = 1 << 256


def whole(
    what: str, value: Any, low: int = 0, high: int = WHOLE_MAX, row: int | None = None
) -> int:
    """An int, NumPy's too, of `low` to `high`; True, 8.0, "8" and NaN are none."""
    if isinstance(value, Integral) and not isinstance(value, bool) and low <= int(value) <= high:
        return int(value)
    limits = f" of {low:.6g} to {high:.6g}" if high < WHOLE_MAX else " of 0 or more" * (low == 0)
    raise DomainError(f"{what} {shown(value)} is not a whole number{limits}", row=row)


def real(what: str, value: Any, row: int | None = None) -> float:
    """A float of any number, NaN and infinity too; True and "8" are none."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise DomainError(f"{what} = {shown(value)} is no number", row=row)
    try:
        return float(value)
    except OverflowError:
        return math.inf


def number(what: str, value: Any, low: float, high: float) -> float:
    """A float of `low` to `high`."""
    found = real(what, value)
    if not low <= found <= high:
        raise DomainError(f"{what} = {shown(value)} is not in {low:g} to {high:g}")
    return found


def is_a(what: str, value: Any, kind: type | tuple[type, ...], row: int | None = None) -> None:
    """Refuses what is not an instance of `kind`."""
    if not isinstance(value, kind):
        wanted = " or ".join(k.__name__ for k in (kind if isinstance(kind, tuple) else (kind,)))
        raise ArgumentError(f"{what}: {wanted} is needed, not {type(value).__name__}", row=row)


def mapping(what: str, value: Any) -> Mapping[Any, Any]:
    """A mapping; None is an empty one."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise ArgumentError(f"{what}: a mapping is needed, not {type(value).__name__}")
    return value


def names(what: str, value: Any) -> tuple[str, ...]:
    """Names; a string is a collection of letters, and no list of them."""
    if isinstance(value, str):
        raise ArgumentError(f"{what}: a list of names, not the string {shown(value)}")
    found = tuple(value) if isinstance(value, Iterable) else (value,)
    for name in found:
        if not isinstance(name, str):
            raise ArgumentError(f"{what}: {shown(name)} is no name")
    return found


def column(what: str, values: Any) -> NDArray[np.float64]:
    """Numbers as an array of any shape."""
    try:
        return np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError):
        raise ArgumentError(f"{what}: numbers are needed, not {shown(values)}") from None


def shown(value: Any) -> str:
    """A value as an error has it: short, whatever it is."""
    try:
        text = str(value) if isinstance(value, np.generic) else repr(value)
    except Exception:  # a number of too many digits, somebody's own class
        text = type(value).__name__
    return text if len(text) <= 60 else f"{text[:57]}..."
