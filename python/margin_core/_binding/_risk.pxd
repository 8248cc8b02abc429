# SPDX-License-Identifier: Apache-2.0
from margin_core._binding.c_api cimport mc_risk_array, mc_risk_options, mc_scenarios


cdef class RiskHandle:
    cdef mc_risk_array *handle
    # What it was priced with; of an adopted array nothing.
    cdef mc_scenarios scenarios
    cdef mc_risk_options options
    cdef const double *lot
    cdef object columns
    cdef readonly Py_ssize_t n_instruments
    cdef readonly Py_ssize_t n_scenarios
    cdef readonly double quantum
    cdef readonly double quantum_usd
    cdef _describe(self)
