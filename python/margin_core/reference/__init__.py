# SPDX-License-Identifier: Apache-2.0
"""The margin method in plain Python and NumPy: slow, readable, and the specification.

The modules follow the pages of docs/method and import nothing compiled. Their arguments are any
objects that have the columns of the C headers as attributes (`instruments.unit`,
`book.order_limit`, ...); a column that may be NULL in C may be None here.

`risk_array` agrees with the C core within one quantum a cell: two orders of the same
floating-point operations can fall on either side of a half. Everything after it (`margin`,
`sweep`) is whole numbers and agrees exactly. `liquidation_price` looks for a root over both: for
linear books it agrees to a tick, for options to what a quantum a cell can move it.

`weights` is the engine of the venue presets of that kind and agrees to the last bit, in floats too:
it adds in the same order. `dynamics` and `auction` stand beside and agree to a few units in the
last place, `auction`'s payments exactly.
"""

from margin_core.reference import (
    auction,
    dynamics,
    liquidation_price,
    margin,
    oracle,
    risk_array,
    sweep,
    weights,
)

__all__ = [
    "auction",
    "dynamics",
    "liquidation_price",
    "margin",
    "oracle",
    "risk_array",
    "sweep",
    "weights",
]
