# SPDX-License-Identifier: Apache-2.0
from margin_core._binding.c_api cimport mc_risk_array


cdef class RiskHandle:
    cdef mc_risk_array *handle
    cdef readonly Py_ssize_t n_instruments
    cdef readonly Py_ssize_t n_scenarios
    cdef readonly double quantum
    cdef readonly double quantum_usd
    cdef _describe(self)
