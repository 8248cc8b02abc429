# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Elementary functions of columns: shapes, one C call, raise."""

from margin_core._binding._errors cimport raise_error
from margin_core._binding._market cimport same_length
from margin_core._binding.c_api cimport (
    MC_OK, mc_error, mc_exp_column, mc_expm1_column, mc_log_column, mc_pow_column, mc_status,
)


def apply(str name not None, const double[::1] x not None, double[::1] out not None):
    """The function `name` of x into out: "exp", "expm1" or "log"."""
    cdef mc_error err
    cdef mc_status status
    cdef Py_ssize_t n = x.shape[0]
    cdef int which = ("exp", "expm1", "log").index(name)
    same_length("out", out.shape[0], n)
    if n == 0:
        return
    with nogil:
        if which == 0:
            status = mc_exp_column(&x[0], n, &out[0], &err)
        elif which == 1:
            status = mc_expm1_column(&x[0], n, &out[0], &err)
        else:
            status = mc_log_column(&x[0], n, &out[0], &err)
    if status != MC_OK:
        raise_error(&err)


def power(const double[::1] x not None, const double[::1] p not None, double[::1] out not None):
    cdef mc_error err
    cdef mc_status status
    cdef Py_ssize_t n = x.shape[0]
    same_length("power", p.shape[0], n)
    same_length("out", out.shape[0], n)
    if n == 0:
        return
    with nogil:
        status = mc_pow_column(&x[0], &p[0], n, &out[0], &err)
    if status != MC_OK:
        raise_error(&err)
