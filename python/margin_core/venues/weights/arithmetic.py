# SPDX-License-Identifier: Apache-2.0
"""How a preset counts: float64, or whole numbers whose quotients round toward zero.

Whole numbers are int64 wherever 64 bits suffice and Python integers in object arrays where they do
not. Each quotient and each sum checks its own size, so that the answer is exact at any size.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from margin_core.errors import DomainError
from margin_core.venues.columns import group_sums
from margin_core.venues.weights.preset import WeightsPreset

__all__ = ["Arithmetic", "Column"]

Column = NDArray[Any]  # float64; int64, or object holding Python ints

#: An int64 column holds no larger: sixty of them still add up in 64 bits.
LARGEST = 2**57
#: What a product may reach, and a divisor whose square it may be.
PRODUCT, DIVISOR = 2**62, 2**31


@dataclass(frozen=True)
class Arithmetic:
    """float64, or whole numbers of the units that `Counting` gives."""

    integer: bool = False
    weight_one: int = 1
    imf_one: int = 1
    size_one: int = 1
    quote_one: int = 1
    root_multiplier: int = 1
    root_offset: int = 0
    root_one: int = 1

    @classmethod
    def of(cls, preset: WeightsPreset) -> Arithmetic:
        counting = preset.arithmetic
        if counting is None:
            return cls()
        return cls(**{f.name: getattr(counting, f.name) for f in fields(cls)})

    def array(self, values: Any) -> Column:
        """A column of this arithmetic; integers only where the preset counts in integers."""
        if not self.integer:
            return np.asarray(values, dtype=np.float64)
        if isinstance(values, np.ndarray) and values.dtype == np.float64:
            if not (np.isfinite(values) & (np.rint(values) == values)).all():
                raise DomainError("an integer preset was given a fraction")
            if not (np.abs(values) < LARGEST).all():
                return _python(values)
            return values.astype(np.int64)
        column = np.empty(np.shape(values), dtype=object)
        column[...] = values
        if any(int(x) != x for x in column.flat):
            raise DomainError("an integer preset was given a fraction")
        return narrowed(_python(column))

    def counted(self, values: Any, one: int) -> Column:
        """Amounts of 1.0 in whole numbers of 1/one, to the nearest; as they are in float64."""
        given = np.asarray(values, dtype=np.float64)
        return self.array(np.rint(given * one) if self.integer else given)

    def usd(self, values: Column) -> NDArray[np.float64]:
        """Values in dollars as float64, infinite beyond its range."""
        if values.dtype == object:
            values = np.array([float(x) if abs(x) < 2**1023 else np.inf for x in values])
        return values.astype(np.float64) / self.quote_one

    def zeros(self, *shape: int) -> Column:
        return np.zeros(shape, dtype=np.int64 if self.integer else np.float64)

    def muldiv(self, a: Any, b: Any, c: Any) -> Column:
        """a b / c, toward zero in integers. c > 0."""
        if not self.integer:
            quotient: Column = a * b / c
            return quotient
        a, b, c = np.asarray(a), np.asarray(b), np.asarray(c)
        if a.dtype == b.dtype == c.dtype == np.int64:
            product = np.abs(np.multiply(a, b, dtype=np.float64))
            if product.max(initial=0.0) < PRODUCT:
                return _toward_zero(a * b, c)
            if (product / c).max(initial=0.0) < LARGEST and c.max(initial=0) <= DIVISOR:
                return np.sign(a) * np.sign(b) * _split(np.abs(a), np.abs(b), c)
        return narrowed(_toward_zero(a.astype(object) * b.astype(object), c.astype(object)))

    def weighted(self, value: Any, weight: Any) -> Column:
        return self.muldiv(value, weight, self.weight_one)

    def value(self, quantity: Any, price: Any) -> Column:
        return self.muldiv(quantity, price, self.size_one)

    def root(self, size: Any) -> Column:
        """Square root of a size >= 0, in 1/root_one."""
        if not self.integer:
            return np.sqrt(size)
        size = np.asarray(size)
        largest = self.root_multiplier * int(size.max(initial=0)) + self.root_offset
        if size.dtype == np.int64 and largest < PRODUCT:
            return _isqrt(self.root_multiplier * size + self.root_offset)
        isqrt: Any = np.frompyfunc(math.isqrt, 1, 1)
        return narrowed(isqrt(self.root_multiplier * size.astype(object) + self.root_offset))

    def sums(self, values: Column, group: NDArray[np.int64], n: int) -> Column:
        """(n,) Sums by group, in the order of the rows."""
        if len(values) == 0:
            return self.zeros(n)
        if values.dtype != np.int64:
            return group_sums(values, group, n)
        size = np.bincount(group, np.abs(values), n)
        if size.max(initial=0.0) < LARGEST:
            return group_sums(values, group, n)
        return narrowed(group_sums(values.astype(object), group, n))

    def added(self, amount: Column, at: NDArray[np.int64], values: Column) -> Column:
        """amount with values added at these rows, in their order."""
        if self.integer:
            return narrowed(amount + self.sums(values, at, len(amount)))
        total = amount.copy()
        np.add.at(total, at, values)
        return total


def narrowed(column: Column) -> Column:
    """In 64 bits where they suffice, and as Python integers where not."""
    column = np.asarray(column)
    if column.dtype == object:
        fits = all(-LARGEST < x < LARGEST for x in column.flat)
        return column.astype(np.int64) if fits else column
    return column if np.abs(column).max(initial=0) < LARGEST else column.astype(object)


def _python(column: Column) -> Column:
    out: Column = np.vectorize(int, otypes=[object])(column) if column.size else column
    return out.astype(object)


def _toward_zero(product: Column, c: Any) -> Column:
    return np.sign(product) * (np.abs(product) // c)


def _split(a: Column, b: Column, c: Any) -> Column:
    """a b // c of whole numbers >= 0 whose product is too large: by the places that c makes.

    a = a1 c + a0 and b = b1 c + b0 give a b = (a1 b + a0 b1) c + a0 b0; no term is above the
    quotient, and a0 b0 is below c squared.
    """
    a1, b1 = a // c, b // c
    a0, b0 = a - a1 * c, b - b1 * c
    return a1 * b + a0 * b1 + a0 * b0 // c


def _isqrt(x: Column) -> Column:
    """The largest r with r r <= x < 2**62: the rounded root, put right by one."""
    r = np.sqrt(x.astype(np.float64)).astype(np.int64)
    r -= r * r > x
    r += (r + 1) * (r + 1) <= x
    return r
