# SPDX-License-Identifier: Apache-2.0
from margin_core._binding.c_api cimport mc_instruments, mc_market

cdef int same_length(str name, Py_ssize_t actual, Py_ssize_t expected) except -1


# The columns of a snapshot, kept alive together with the C views onto them.
cdef class Snapshot:
    cdef mc_instruments instruments
    cdef mc_market market
    cdef object columns
