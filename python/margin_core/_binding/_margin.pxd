# SPDX-License-Identifier: Apache-2.0
from margin_core._binding.c_api cimport mc_book, mc_margin


cdef class BookHandle:
    cdef mc_book *handle
    cdef object columns
    cdef readonly Py_ssize_t n_accounts
    cdef readonly Py_ssize_t n_owners


cdef class MarginHandle:
    cdef mc_margin *handle
    cdef readonly Py_ssize_t n_instruments
    cdef readonly Py_ssize_t n_units
    cdef readonly Py_ssize_t n_groups
