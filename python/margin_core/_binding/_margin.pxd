# SPDX-License-Identifier: Apache-2.0
from margin_core._binding.c_api cimport mc_book, mc_margin, mc_margin_model, mc_unit_margin


cdef class BookHandle:
    cdef mc_book *handle
    cdef object columns
    cdef readonly Py_ssize_t n_accounts
    cdef readonly Py_ssize_t n_owners


cdef class MarginHandle:
    cdef mc_margin *handle
    cdef mc_margin_model model  # what it was made with
    cdef mc_unit_margin *rows
    cdef object columns
    cdef readonly Py_ssize_t n_instruments
    cdef readonly Py_ssize_t n_units
    cdef readonly Py_ssize_t n_groups
