# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Venue presets: shapes, one C call, raise."""

from libc.stdint cimport int32_t, uint8_t
from libc.stdlib cimport calloc, free

from margin_core._binding._errors cimport raise_error
from margin_core._binding._margin cimport BookHandle
from margin_core._binding._market cimport same_length
from margin_core._binding.c_api cimport (
    MC_OK, mc_charge, mc_charge_form, mc_charge_rates, mc_charge_role, mc_charge_segment,
    mc_combination, mc_credit, mc_error, mc_preset, mc_preset_accounts, mc_preset_columns,
    mc_preset_create, mc_preset_destroy, mc_preset_standing, mc_preset_sweep, mc_range, mc_spread,
    mc_status,
)

from margin_core.errors import ArgumentError


cdef const double *doubles(dict columns, str name, Py_ssize_t n) except? NULL:
    """A column that the dict keeps alive; NULL where it has none."""
    cdef const double[::1] column = columns.get(name)
    if column is None:
        return NULL
    same_length(name, column.shape[0], n)
    return &column[0] if n > 0 else NULL


cdef const int32_t *whole(dict columns, str name, Py_ssize_t n) except? NULL:
    cdef const int32_t[::1] column = columns.get(name)
    if column is None:
        return NULL
    same_length(name, column.shape[0], n)
    return &column[0] if n > 0 else NULL


cdef const uint8_t *bytes_of(dict columns, str name, Py_ssize_t n) except? NULL:
    """Flags, or records as their bytes."""
    cdef const uint8_t[::1] column = columns.get(name)
    if column is None:
        return NULL
    same_length(name, column.shape[0], n)
    return &column[0] if n > 0 else NULL


cdef double *wanted(dict out, str name, Py_ssize_t n) except? NULL:
    cdef double[::1] column = out.get(name)
    if column is None:
        return NULL
    same_length(name, column.shape[0], n)
    return &column[0] if n > 0 else NULL


cdef int fill_charge(mc_charge *to, dict charge, Py_ssize_t n, Py_ssize_t n_units) except -1:
    to.form = <mc_charge_form><int>charge["form"]
    to.segment = <mc_charge_segment><int>charge["segment"]
    to.role = <mc_charge_role><int>charge["role"]
    to.weight = doubles(charge, "weight", n)
    to.level = whole(charge, "level", n)
    to.n_levels = charge["n_levels"]
    to.n_spreads = charge["n_spreads"]
    to.rates = <const mc_charge_rates *>bytes_of(charge, "rates", n_units * sizeof(mc_charge_rates))
    to.spreads = <const mc_spread *>bytes_of(charge, "spreads", to.n_spreads * sizeof(mc_spread))
    return 0


cdef class PresetHandle:
    """Owns an mc_preset."""

    cdef mc_preset *handle
    cdef readonly Py_ssize_t n_units
    cdef readonly Py_ssize_t n_columns
    cdef readonly Py_ssize_t n_charges

    def __cinit__(self, dict columns not None, list charges not None):
        """`columns` keyed as in mc_preset_columns, tables flattened; absent ones are NULL."""
        cdef mc_preset_columns c
        cdef mc_error err
        cdef mc_status status
        cdef Py_ssize_t k, n = columns["n"], u = columns["n_units"], t = columns["n_terms"]
        cdef Py_ssize_t z = columns["n_columns"], n_charges = len(charges)
        cdef mc_charge *list_of = <mc_charge *>calloc(n_charges + 1, sizeof(mc_charge))
        if list_of == NULL:
            raise MemoryError
        try:
            for k in range(n_charges):
                fill_charge(&list_of[k], charges[k], n, u)
            c.size = sizeof(mc_preset_columns)
            c.n, c.n_units, c.n_terms, c.n_columns = n, u, t, z
            c.n_competitors, c.n_credits = columns["n_competitors"], columns["n_credits"]
            c.unit = whole(columns, "unit", n)
            c.term = whole(columns, "term", n)
            c.pair = whole(columns, "pair", n)
            c.is_option = bytes_of(columns, "is_option", n)
            c.value = doubles(columns, "value", n * z)
            c.base = doubles(columns, "base", n)
            c.mark = doubles(columns, "mark", n)
            c.delta = doubles(columns, "delta", n)
            c.weight = doubles(columns, "weight", u * z)
            c.long_factor = doubles(columns, "long_factor", t)
            c.short_factor = doubles(columns, "short_factor", t)
            c.folds = bytes_of(columns, "folds", z)
            c.competitor = whole(columns, "competitor", z)
            c.compete_rate = doubles(columns, "compete_rate", c.n_competitors * t)
            c.dampener = doubles(columns, "dampener", u * z)
            c.gain_offset = doubles(columns, "gain_offset", u)
            c.gain_cap = doubles(columns, "gain_cap", u)
            c.core_quantum = columns["core_quantum"]
            c.charges = list_of
            c.n_charges = n_charges
            c.combination = <mc_combination><int>columns["combination"]
            c.lambda_frac = columns["lambda_frac"]
            c.correlation = doubles(columns, "correlation", u * u)
            c.credits = <const mc_credit *>bytes_of(columns, "credits",
                                                    c.n_credits * sizeof(mc_credit))
            c.spot_move = doubles(columns, "spot_move", u * z)
            c.mm_factor, c.im_factor = columns["mm_factor"], columns["im_factor"]
            with nogil:
                status = mc_preset_create(&c, &self.handle, &err)
        finally:
            free(list_of)
        if status != MC_OK:
            raise_error(&err)
        self.n_units, self.n_columns, self.n_charges = u, z, n_charges

    def __dealloc__(self):
        mc_preset_destroy(self.handle)

    def sweep(self, BookHandle book not None, Py_ssize_t first, Py_ssize_t count, unsigned threads,
              dict accounts not None, dict out not None):
        """Fills the arrays in `out`, keyed by the columns of mc_preset_standing."""
        cdef mc_range range_
        cdef mc_preset_accounts beside
        cdef mc_preset_standing to
        cdef mc_error err
        cdef mc_status status
        cdef Py_ssize_t n = book.n_accounts, by_charge = count * self.n_charges
        cdef Py_ssize_t by_unit = count * self.n_units
        if first < 0 or count < 0:
            raise ArgumentError(f"accounts {first} + {count}")
        beside.cash = doubles(accounts, "cash", n)
        beside.provision_mm = doubles(accounts, "provision_mm", n)
        beside.provision_im = doubles(accounts, "provision_im", n)
        to.equity = wanted(out, "equity", count)
        to.option_value = wanted(out, "option_value", count)
        to.mm = wanted(out, "mm", count)
        to.im = wanted(out, "im", count)
        to.scan = wanted(out, "scan", count)
        to.charge_mm = wanted(out, "charge_mm", by_charge)
        to.charge_im = wanted(out, "charge_im", by_charge)
        to.unit_core = wanted(out, "unit_core", by_unit)
        to.unit_credit = wanted(out, "unit_credit", by_unit)
        to.unit_worst = <int32_t *>whole(out, "unit_worst", by_unit)
        to.unit_row = wanted(out, "unit_row", by_unit * self.n_columns)
        range_.first, range_.count, range_.n_threads = first, count, threads
        with nogil:
            status = mc_preset_sweep(self.handle, book.handle, &range_, &beside, &to, &err)
        if status != MC_OK:
            raise_error(&err)
