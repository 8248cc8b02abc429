# SPDX-License-Identifier: Apache-2.0
# The C core's public headers, in their order; the C compiler checks every line.
from libc.stdint cimport int32_t, int64_t, uint8_t

cdef extern from "margin_core/status.h" nogil:
    ctypedef enum mc_status:
        MC_OK
        MC_STATUS_END
    ctypedef struct mc_error:
        mc_status status
        int64_t row
        char message[240]
    const char *mc_status_name(mc_status status)
    const char *mc_version()

cdef extern from "margin_core/isa.h" nogil:
    const char *mc_isa()
    const char *mc_isa_at(size_t i)
    mc_status mc_isa_select(const char *name, mc_error *err)

cdef extern from "margin_core/pricing.h" nogil:
    ctypedef struct mc_column:
        const double *data
        size_t stride
    ctypedef struct mc_option_rows:
        mc_column forward
        mc_column strike
        mc_column years
        mc_column vol
        mc_column discount
        const uint8_t *is_call
        size_t is_call_stride
        size_t n
    ctypedef struct mc_greeks:
        double *price
        double *delta
        double *gamma
        double *vega
        double *theta
        double *rho
        double *vanna
        double *volga
    mc_status mc_black76(const mc_option_rows *rows, const mc_greeks *greeks,
                         unsigned n_threads, mc_error *err)
    mc_status mc_bachelier(const mc_option_rows *rows, const mc_greeks *greeks,
                           unsigned n_threads, mc_error *err)
    mc_status mc_implied_vol(const mc_option_rows *rows, mc_column price, double *vol,
                             unsigned n_threads, mc_error *err)
