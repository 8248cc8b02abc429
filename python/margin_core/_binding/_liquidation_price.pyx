# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Liquidation prices: shapes, one C call, raise."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding._margin cimport BookHandle, MarginHandle
from margin_core._binding._market cimport Snapshot, same_length
from margin_core._binding._risk cimport RiskHandle
from margin_core._binding.c_api cimport (
    MC_OK, MC_PRICE_ABOVE, MC_PRICE_BELOW, MC_PRICE_NOW, mc_error, mc_liquidation_prices,
    mc_margin_inputs, mc_price_search, mc_range, mc_status,
)

BELOW, ABOVE, NOW = MC_PRICE_BELOW, MC_PRICE_ABOVE, MC_PRICE_NOW


def liquidation_prices(RiskHandle risk not None, Snapshot snapshot not None,
                       MarginHandle margin not None, BookHandle book not None, Py_ssize_t first,
                       unsigned threads, int32_t unit, double ticks_per_usd, double least_move,
                       double most_move, Py_ssize_t n_steps, const int64_t[::1] sides,
                       const int64_t[::1] owners, const int64_t[::1] follows,
                       int64_t[::1] below not None, int64_t[::1] above not None,
                       uint8_t[::1] found not None):
    """Of as many accounts as the outputs have room for, from `first` on."""
    cdef mc_margin_inputs inputs
    cdef mc_price_search search
    cdef mc_range accounts
    cdef mc_error err
    cdef mc_status status
    cdef const int64_t *follows_view = NULL
    cdef Py_ssize_t n = below.shape[0]
    same_length("above", above.shape[0], n)
    same_length("found", found.shape[0], n)
    inputs.sides = NULL
    inputs.owners = NULL
    if sides is not None:
        same_length("sides", sides.shape[0], 2 * margin.n_units)
        inputs.sides = &sides[0]
    if owners is not None and book.n_owners > 0:
        same_length("owners", owners.shape[0], 2 * margin.n_units * book.n_owners)
        inputs.owners = &owners[0]
    if follows is not None:
        same_length("follows", follows.shape[0], book.n_accounts)
        follows_view = &follows[0]
    if n == 0:
        return
    inputs.instruments = &snapshot.instruments
    inputs.market = &snapshot.market
    inputs.scenarios = &risk.scenarios
    inputs.lot = risk.lot
    inputs.options = &risk.options
    inputs.model = &margin.model
    search.size = sizeof(mc_price_search)
    search.unit = unit
    search.ticks_per_usd = ticks_per_usd
    search.least_move = least_move
    search.most_move = most_move
    search.n_steps = n_steps
    accounts.first, accounts.count, accounts.n_threads = first, n, threads
    with nogil:
        status = mc_liquidation_prices(&inputs, book.handle, &accounts, &search, follows_view,
                                       &below[0], &above[0], &found[0], &err)
    if status != MC_OK:
        raise_error(&err)
