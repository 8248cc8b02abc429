# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3
from libc.stdint cimport uint8_t

from margin_core._binding.c_api cimport mc_black76, mc_column, mc_error, mc_greeks, mc_option_rows


def call_price(double forward, double strike, double years, double vol):
    """A call's Black-76 price, undiscounted; C to C, without Python in between."""
    cdef double one = 1.0, price = 0.0
    cdef uint8_t is_call = 1
    cdef mc_option_rows rows
    cdef mc_greeks greeks
    cdef mc_error err
    rows.forward = mc_column(&forward, 0)
    rows.strike = mc_column(&strike, 0)
    rows.years = mc_column(&years, 0)
    rows.vol = mc_column(&vol, 0)
    rows.discount = mc_column(&one, 0)
    rows.is_call = &is_call
    rows.is_call_stride = 0
    rows.n = 1
    greeks.price = &price
    greeks.delta = greeks.gamma = greeks.vega = greeks.theta = NULL
    greeks.rho = greeks.vanna = greeks.volga = NULL
    if mc_black76(&rows, &greeks, 1, &err) != 0:
        raise ValueError(err.message.decode())
    return price
