# SPDX-License-Identifier: Apache-2.0
"""exp, log and power with the same bits on every machine; NumPy's differ in the last one.

Whatever becomes a column of a market goes through these: a discount that differs in its last bit
can move a cell of the risk array by a quantum.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from margin_core._binding import _elementary
from margin_core.errors import ArgumentError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

__all__ = ["exp", "expm1", "log", "power"]


def exp(x: ArrayLike) -> NDArray[np.float64]:
    """e^x of every element; what would overflow is the largest double. Within 1.1 ulp.

    Raises
    ------
    NotFiniteError
        A NaN or infinite input; `row` counts in the flattened array.

    Examples
    --------
    >>> exp([0.0, 1.0])
    array([1.        , 2.71828183])
    """
    return _each(partial(_elementary.apply, "exp"), x)


def expm1(x: ArrayLike) -> NDArray[np.float64]:
    """e^x - 1, with all its digits near 0. Within 2.5 ulp. Errors as `exp`."""
    return _each(partial(_elementary.apply, "expm1"), x)


def log(x: ArrayLike) -> NDArray[np.float64]:
    """The natural logarithm of every element. Within 2 ulp.

    Raises
    ------
    NotFiniteError, DomainError
        An input that is NaN, infinite or not positive; `row` counts in the flattened array.
    """
    return _each(partial(_elementary.apply, "log"), x)


def power(x: ArrayLike, p: ArrayLike) -> NDArray[np.float64]:
    """x^p, the two broadcast. Within 2 ulp. Errors as `log`; `p` may have any sign."""
    return _each(_elementary.power, x, p)


def _each(function: Callable[..., None], *arguments: ArrayLike) -> NDArray[np.float64]:
    arrays = [np.asarray(a) for a in arguments]
    if any(a.dtype.kind not in "biuf" for a in arrays):
        raise ArgumentError("the elements are not numbers")
    try:
        shape = np.broadcast_shapes(*(a.shape for a in arrays))
    except ValueError:
        shapes = " and ".join(str(a.shape) for a in arrays)
        raise ArgumentError(f"shapes do not broadcast: {shapes}") from None
    columns = [np.array(np.broadcast_to(a, shape), dtype=np.float64).reshape(-1) for a in arrays]
    function(*columns, columns[0])
    return columns[0].reshape(shape)
