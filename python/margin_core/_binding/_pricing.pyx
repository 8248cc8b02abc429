# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Option prices, Greeks and implied volatilities: shapes, one C call, raise.

A column holds n values, or one that all rows share.
"""

from libc.stdint cimport uint8_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding.c_api cimport (
    MC_OK, mc_bachelier, mc_black76, mc_column, mc_error, mc_greeks, mc_implied_vol,
    mc_option_rows, mc_status,
)

from margin_core.errors import ArgumentError


cdef size_t stride(str name, Py_ssize_t length, Py_ssize_t n) except? 2:
    if length == n:
        return 1
    if length != 1:
        raise ArgumentError(f"{name} has {length} entries; {n} or one are needed")
    return 0


cdef int take(str name, const double[::1] values, Py_ssize_t n, mc_column *column) except -1:
    column.stride = stride(name, values.shape[0], n)
    column.data = &values[0]
    return 0


cdef double *result(str name, double[::1] values, Py_ssize_t n) except? NULL:
    if values is None:
        return NULL
    if values.shape[0] != n:
        raise ArgumentError(f"{name} has {values.shape[0]} entries; {n} are needed")
    return &values[0]


cdef int take_rows(mc_option_rows *rows, Py_ssize_t n, const double[::1] forward,
                   const double[::1] strike, const double[::1] years,
                   const double[::1] discount, const uint8_t[::1] is_call) except -1:
    take("forward", forward, n, &rows.forward)
    take("strike", strike, n, &rows.strike)
    take("years", years, n, &rows.years)
    take("discount", discount, n, &rows.discount)
    rows.is_call_stride = stride("is_call", is_call.shape[0], n)
    rows.is_call = &is_call[0]
    rows.n = n
    return 0


def price(bint normal, Py_ssize_t n, const double[::1] forward not None,
          const double[::1] strike not None, const double[::1] years not None,
          const double[::1] vol not None, const double[::1] discount not None,
          const uint8_t[::1] is_call not None, dict out not None, unsigned threads):
    """Fill the columns of `out`, by the names of mc_greeks; `normal` is Bachelier."""
    cdef mc_option_rows rows
    cdef mc_greeks greeks
    cdef mc_error err
    cdef mc_status status
    if n == 0:
        return
    take_rows(&rows, n, forward, strike, years, discount, is_call)
    take("vol", vol, n, &rows.vol)
    greeks.price = result("price", out.get("price"), n)
    greeks.delta = result("delta", out.get("delta"), n)
    greeks.gamma = result("gamma", out.get("gamma"), n)
    greeks.vega = result("vega", out.get("vega"), n)
    greeks.theta = result("theta", out.get("theta"), n)
    greeks.rho = result("rho", out.get("rho"), n)
    greeks.vanna = result("vanna", out.get("vanna"), n)
    greeks.volga = result("volga", out.get("volga"), n)
    with nogil:
        if normal:
            status = mc_bachelier(&rows, &greeks, threads, &err)
        else:
            status = mc_black76(&rows, &greeks, threads, &err)
    if status != MC_OK:
        raise_error(&err)


def implied_vol(Py_ssize_t n, const double[::1] price not None,
                const double[::1] forward not None, const double[::1] strike not None,
                const double[::1] years not None, const double[::1] discount not None,
                const uint8_t[::1] is_call not None, double[::1] out not None, unsigned threads):
    cdef mc_option_rows rows
    cdef mc_column column
    cdef mc_error err
    cdef mc_status status
    cdef double *vol
    if n == 0:
        return
    take_rows(&rows, n, forward, strike, years, discount, is_call)
    take("price", price, n, &column)
    rows.vol.data = NULL
    rows.vol.stride = 0
    vol = result("out", out, n)
    with nogil:
        status = mc_implied_vol(&rows, column, vol, threads, &err)
    if status != MC_OK:
        raise_error(&err)
