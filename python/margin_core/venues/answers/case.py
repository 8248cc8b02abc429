# SPDX-License-Identifier: Apache-2.0
"""A known answer: how to compute ours, what the venue got, and how far apart they may be."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Case", "Difference", "Expected", "Unread", "differences"]


@dataclass(frozen=True)
class Expected:
    """A number of the venue, and how to read ours from an answer.

    The error is relative to the number itself, or to `scale` where that is larger; absolute where
    both are 0. `part`: an intermediate number, shown and not judged.
    """

    name: str
    value: Any
    ours: Callable[[Any], Any]
    tolerance: float
    scale: float | Callable[[Any], float] = 0.0
    part: bool = False


@dataclass(frozen=True)
class Case:
    """One known answer; `solve` computes ours."""

    name: str
    preset: str
    solve: Callable[[], Any]
    expected: list[Expected]


class Unread(NamedTuple):
    """A case of a file, still to be read: what is wrong with it is its own."""

    name: str
    read: Callable[[], Case]


class Difference(NamedTuple):
    """One number compared. `error` is to the scale, `plain` to the number itself."""

    expected: Expected
    ours: float
    error: float
    plain: float

    @property
    def passed(self) -> bool:
        return self.error <= self.expected.tolerance


def differences(case: Case) -> list[Difference]:
    """Every number of a case against ours."""
    answer = case.solve()
    return [_difference(expected, answer) for expected in case.expected]


def _difference(expected: Expected, answer: Any) -> Difference:
    ours = expected.ours(answer)
    scale = expected.scale(answer) if callable(expected.scale) else expected.scale
    size, gap = abs(float(expected.value)), abs(float(ours) - float(expected.value))
    if ours == expected.value:
        gap = 0.0
    if not math.isfinite(gap):
        gap = math.inf
    least = max(size, scale)
    return Difference(
        expected, float(ours), gap / least if least else gap, gap / size if size else gap
    )
