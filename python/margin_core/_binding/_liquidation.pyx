# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Depth, plans and thresholds: shapes, one C call, raise."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding._margin cimport BookHandle, MarginHandle
from margin_core._binding._market cimport same_length
from margin_core._binding._risk cimport RiskHandle
from margin_core._binding.c_api cimport (
    MC_DEPTH_LEVELS, MC_OK, mc_depth, mc_depth_check, mc_depth_limit, mc_depth_recover,
    mc_depth_square_root, mc_error, mc_next_thresholds, mc_plan, mc_plan_accounts, mc_plan_check,
    mc_plan_rules, mc_status, mc_trade,
)

from margin_core.errors import ArgumentError

LEVELS = MC_DEPTH_LEVELS


def square_root(double mark, double depth_lots, double half_spread_frac, double impact_frac,
                double[::1] lots not None, double[::1] cost not None):
    """Fills the first levels of `lots` and `cost`; returns how many."""
    cdef mc_error err
    cdef mc_status status
    cdef size_t n = 0
    same_length("lots", lots.shape[0], LEVELS)
    same_length("cost", cost.shape[0], LEVELS)
    with nogil:
        status = mc_depth_square_root(mark, depth_lots, half_spread_frac, impact_frac, &lots[0],
                                      &cost[0], &n, &err)
    if status != MC_OK:
        raise_error(&err)
    return n


cdef class DepthHandle:
    """An mc_depth over columns that stay the caller's; one thread at a time."""

    cdef mc_depth depth
    cdef object columns
    cdef object limit

    def __init__(self, const int64_t[::1] offset not None, const double[::1] lots not None,
                 const double[::1] cost not None, double[::1] taken not None):
        cdef mc_error err
        cdef mc_status status
        cdef Py_ssize_t sides = taken.shape[0]
        if sides < 2 or sides % 2:
            raise ArgumentError(f"{sides} sides; two an instrument are needed")
        same_length("offset", offset.shape[0], sides + 1)
        same_length("cost", cost.shape[0], lots.shape[0])
        same_length("lots", lots.shape[0], offset[sides])
        self.columns = (offset, lots, cost, taken)
        self.depth.n_instruments = sides // 2
        self.depth.offset = &offset[0]
        self.depth.lots = &lots[0] if lots.shape[0] > 0 else NULL
        self.depth.cost = &cost[0] if lots.shape[0] > 0 else NULL
        self.depth.taken = &taken[0]
        self.depth.limit = NULL
        with nogil:
            status = mc_depth_check(&self.depth, &err)
        if status != MC_OK:
            raise_error(&err)

    def set_limit(self, const double[::1] limit):
        """None: all there is."""
        self.depth.limit = NULL
        self.limit = limit
        if limit is not None:
            same_length("limit", limit.shape[0], 2 * self.depth.n_instruments)
            self.depth.limit = &limit[0]

    def recover(self, double elapsed_s, double half_life_s):
        cdef mc_error err
        cdef mc_status status
        with nogil:
            status = mc_depth_recover(&self.depth, elapsed_s, half_life_s, &err)
        if status != MC_OK:
            raise_error(&err)

    def limits(self, const double[::1] unit not None, const double[::1] move, double share,
               double least, double[::1] limit not None):
        cdef mc_error err
        cdef mc_status status
        cdef const double *moves = NULL
        same_length("unit", unit.shape[0], self.depth.n_instruments)
        same_length("limit", limit.shape[0], 2 * self.depth.n_instruments)
        if move is not None:
            same_length("move", move.shape[0], 2 * self.depth.n_instruments)
            moves = &move[0]
        with nogil:
            status = mc_depth_limit(&self.depth, &unit[0], moves, share, least, &limit[0], &err)
        if status != MC_OK:
            raise_error(&err)


def plan(MarginHandle margin not None, BookHandle book not None, const int64_t[::1] market,
         const int64_t[::1] owners, const int64_t[::1] accounts not None, DepthHandle depth not None,
         int32_t buffer_k, int32_t fee_k, bint proportional, const uint8_t[::1] paused,
         const int32_t[::1] settles_in, mc_trade[::1] trades not None, mc_plan[::1] plans not None):
    """Fills `plans` and the first of `trades`; returns how many trades."""
    cdef mc_error err
    cdef mc_status status
    cdef mc_plan_rules rules
    cdef size_t done = 0
    cdef const int64_t *market_view = NULL
    cdef const int64_t *owners_view = NULL
    same_length("plans", plans.shape[0], accounts.shape[0])
    if accounts.shape[0] == 0:
        return 0
    if market is not None:
        same_length("market", market.shape[0], 2 * margin.n_units)
        market_view = &market[0]
    if owners is not None and book.n_owners > 0:
        same_length("owners", owners.shape[0], 2 * margin.n_units * book.n_owners)
        owners_view = &owners[0]
    rules.size = sizeof(mc_plan_rules)
    rules.buffer_k = buffer_k
    rules.fee_k = fee_k
    rules.proportional = proportional
    rules.paused = NULL
    rules.settles_in = NULL
    if paused is not None:
        same_length("paused", paused.shape[0], margin.n_units)
        rules.paused = &paused[0]
    if settles_in is not None:
        same_length("settles_in", settles_in.shape[0], margin.n_instruments)
        rules.settles_in = &settles_in[0]
    cdef mc_trade *room = &trades[0] if trades.shape[0] > 0 else NULL
    with nogil:
        status = mc_plan_accounts(margin.handle, book.handle, market_view, owners_view, &accounts[0],
                                  accounts.shape[0], &rules, &depth.depth, room, trades.shape[0],
                                  &plans[0], &done, &err)
    if status != MC_OK:
        raise_error(&err)
    return done


def check(const mc_plan[::1] plans not None, BookHandle book not None):
    """Raises for the first plan whose account has changed."""
    cdef mc_error err
    cdef Py_ssize_t k
    for k in range(plans.shape[0]):
        if mc_plan_check(&plans[k], book.handle, &err) != MC_OK:
            raise_error(&err)


def next_thresholds(MarginHandle margin not None, RiskHandle risk not None,
                    BookHandle book not None, const int64_t[::1] equity not None,
                    const int64_t[::1] mm not None, unsigned threads, double[::1] move not None):
    cdef mc_error err
    cdef mc_status status
    same_length("equity", equity.shape[0], book.n_accounts)
    same_length("mm", mm.shape[0], book.n_accounts)
    same_length("move", move.shape[0], 2 * margin.n_units)
    with nogil:
        status = mc_next_thresholds(margin.handle, risk.handle, book.handle, &equity[0], &mm[0],
                                    threads, &move[0], &err)
    if status != MC_OK:
        raise_error(&err)
