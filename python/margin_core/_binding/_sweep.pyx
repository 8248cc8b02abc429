# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Scans, exposures, sweeps and rankings: shapes, one C call, raise."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding._margin cimport BookHandle, MarginHandle
from margin_core._binding._market cimport same_length
from margin_core._binding._risk cimport RiskHandle
from margin_core._binding.c_api cimport (
    MC_OK, mc_error, mc_exposure, mc_range, mc_rank, mc_scan,
    mc_shares_below, mc_standing, mc_status, mc_sweep,
)

from margin_core.errors import ArgumentError

COLUMNS = ("equity", "im", "mm", "core", "short_option_mm", "short_option_im", "roll", "vega",
           "concentration", "oracle", "closing", "haircut_mm", "haircut_im", "rounding")


cdef int64_t *whole(dict out, str name, Py_ssize_t n) except? NULL:
    cdef int64_t[::1] column = out.get(name)
    if column is None:
        return NULL
    same_length(name, column.shape[0], n)
    return &column[0] if n > 0 else NULL


cdef int32_t *scenario(dict out, str name, Py_ssize_t n) except? NULL:
    cdef int32_t[::1] column = out.get(name)
    if column is None:
        return NULL
    same_length(name, column.shape[0], n)
    return &column[0] if n > 0 else NULL


def scan(RiskHandle risk not None, BookHandle book not None, Py_ssize_t first,
         double[::1] worst_pnl not None, int32_t[::1] scenario_of, unsigned threads):
    cdef mc_range accounts
    cdef mc_error err
    cdef mc_status status
    cdef int32_t *worst = NULL
    cdef Py_ssize_t n = worst_pnl.shape[0]
    if n == 0:
        return
    if scenario_of is not None:
        same_length("scenario", scenario_of.shape[0], n)
        worst = &scenario_of[0]
    accounts.first = first
    accounts.count = n
    accounts.n_threads = threads
    with nogil:
        status = mc_scan(risk.handle, book.handle, &accounts, &worst_pnl[0], worst, &err)
    if status != MC_OK:
        raise_error(&err)


def shares_below(RiskHandle risk not None, BookHandle book not None, Py_ssize_t first,
                 const double[::1] weight not None, const double[:, ::1] line not None,
                 double[:, ::1] share not None, unsigned threads):
    cdef mc_range accounts
    cdef mc_error err
    cdef mc_status status
    cdef Py_ssize_t n = line.shape[0], k = line.shape[1]
    same_length("weight", weight.shape[0], risk.n_scenarios)
    same_length("share", share.shape[0], n)
    same_length("a row of share", share.shape[1], k)
    if n == 0 or k == 0:
        return
    accounts.first, accounts.count, accounts.n_threads = first, n, threads
    with nogil:
        status = mc_shares_below(risk.handle, book.handle, &accounts, &weight[0], &line[0, 0], k,
                                 &share[0, 0], &err)
    if status != MC_OK:
        raise_error(&err)


def exposure(MarginHandle margin not None, BookHandle book not None, unsigned threads,
             int64_t[::1] market not None, int64_t[::1] owners):
    cdef mc_error err
    cdef mc_status status
    cdef int64_t *by_owner = NULL
    same_length("market", market.shape[0], 2 * margin.n_units)
    if book.n_owners > 0:
        if owners is None:
            raise ArgumentError("the book has owners of several accounts: owners is needed")
        same_length("owners", owners.shape[0], 2 * margin.n_units * book.n_owners)
        by_owner = &owners[0]
    with nogil:
        status = mc_exposure(margin.handle, book.handle, threads, &market[0], by_owner, &err)
    if status != MC_OK:
        raise_error(&err)


def sweep(MarginHandle margin not None, BookHandle book not None, Py_ssize_t first,
          Py_ssize_t count, unsigned threads, const int64_t[::1] market,
          const int64_t[::1] owners, dict out not None):
    """Fills the arrays in `out`, keyed by the columns of mc_standing; absent ones are skipped."""
    cdef mc_range accounts
    cdef mc_standing to
    cdef mc_error err
    cdef mc_status status
    cdef const int64_t *market_view = NULL
    cdef const int64_t *owners_view = NULL
    cdef uint8_t[::1] status_column = out.get("status")
    if first < 0 or count < 0:
        raise ArgumentError(f"accounts {first} + {count}")
    if count == 0:
        return
    if market is not None:
        same_length("market", market.shape[0], 2 * margin.n_units)
        market_view = &market[0]
    if owners is not None and book.n_owners > 0:
        same_length("owners", owners.shape[0], 2 * margin.n_units * book.n_owners)
        owners_view = &owners[0]
    to.status = NULL
    if status_column is not None:
        same_length("status", status_column.shape[0], count)
        to.status = &status_column[0]
    to.equity = whole(out, "equity", count)
    to.im = whole(out, "im", count)
    to.mm = whole(out, "mm", count)
    to.core = whole(out, "core", count)
    to.short_option_mm = whole(out, "short_option_mm", count)
    to.short_option_im = whole(out, "short_option_im", count)
    to.roll = whole(out, "roll", count)
    to.vega = whole(out, "vega", count)
    to.concentration = whole(out, "concentration", count)
    to.oracle = whole(out, "oracle", count)
    to.closing = whole(out, "closing", count)
    to.haircut_mm = whole(out, "haircut_mm", count)
    to.haircut_im = whole(out, "haircut_im", count)
    to.rounding = whole(out, "rounding", count)
    to.joint_scan = whole(out, "joint_scan", count * margin.n_groups)
    to.joint_scenario = scenario(out, "joint_scenario", count * margin.n_groups)
    to.unit_scan = whole(out, "unit_scan", count * margin.n_units)
    to.unit_scenario = scenario(out, "unit_scenario", count * margin.n_units)
    accounts.first = first
    accounts.count = count
    accounts.n_threads = threads
    with nogil:
        status = mc_sweep(margin.handle, book.handle, &accounts, market_view, owners_view, &to,
                          &err)
    if status != MC_OK:
        raise_error(&err)


def rank(const int64_t[::1] equity not None, const int64_t[::1] mm not None,
         int64_t[::1] order not None):
    cdef mc_error err
    cdef mc_status status
    cdef Py_ssize_t n = equity.shape[0]
    same_length("mm", mm.shape[0], n)
    same_length("order", order.shape[0], n)
    if n == 0:
        return
    with nogil:
        status = mc_rank(&equity[0], &mm[0], n, &order[0], &err)
    if status != MC_OK:
        raise_error(&err)
