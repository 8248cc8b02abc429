# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Auctions, their clock, and the prices of liquidations: shapes, one C call, raise."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding._market cimport same_length
from margin_core._binding.c_api cimport (
    MC_OK, mc_auction_bid, mc_auction_clock, mc_auction_derive, mc_auction_elapsed, mc_auction_fee,
    mc_auction_follow, mc_auction_largest_share, mc_auction_rows, mc_auction_rules,
    mc_bankruptcy_price, mc_bids, mc_decay, mc_decay_at, mc_error, mc_fillable_price,
    mc_liquidated, mc_status,
)


cdef const double *column(str name, const double[::1] values, Py_ssize_t n) except? NULL:
    same_length(name, values.shape[0], n)
    return &values[0] if n > 0 else NULL


cdef double *result(str name, double[::1] values, Py_ssize_t n) except? NULL:
    same_length(name, values.shape[0], n)
    return &values[0] if n > 0 else NULL


def follow(int64_t seen_ns, int64_t ran_ns, bint running, int64_t now_ns, bint valid):
    """How long a clock has run after it was told `valid` at `now_ns`."""
    cdef mc_auction_clock clock
    cdef mc_error err
    cdef uint8_t flag = valid
    clock.seen_ns, clock.ran_ns, clock.running, clock.reserved = seen_ns, ran_ns, running, 0
    if mc_auction_follow(&clock, 1, now_ns, &flag, &clock, &err) != MC_OK:
        raise_error(&err)
    return clock.ran_ns


def elapsed_s(int64_t seen_ns, int64_t ran_ns, bint running, int64_t now_ns):
    cdef mc_auction_clock clock
    cdef mc_error err
    cdef double seconds
    clock.seen_ns, clock.ran_ns, clock.running, clock.reserved = seen_ns, ran_ns, running, 0
    if mc_auction_elapsed(&clock, 1, now_ns, &seconds, &err) != MC_OK:
        raise_error(&err)
    return seconds


cdef class DecayHandle:
    """A checked mc_decay and the columns that it points to."""

    cdef mc_decay decay
    cdef object columns

    def __init__(self, int32_t kind, double start, double step, double every_s, double floor,
                 const double[::1] knot_s not None, const double[::1] knot_share not None):
        cdef mc_error err
        cdef Py_ssize_t n = knot_s.shape[0]
        self.columns = (knot_s, knot_share)
        self.decay.size = sizeof(mc_decay)
        self.decay.kind = kind
        self.decay.start, self.decay.step = start, step
        self.decay.every_s, self.decay.floor = every_s, floor
        self.decay.n_knots = n
        self.decay.knot_s = column("knot_s", knot_s, n)
        self.decay.knot_share = column("knot_share", knot_share, n)
        if mc_decay_at(&self.decay, NULL, 0, NULL, &err) != MC_OK:
            raise_error(&err)

    def at(self, const double[::1] elapsed_s not None, double[::1] asked not None):
        cdef mc_error err
        cdef mc_status status
        cdef Py_ssize_t n = elapsed_s.shape[0]
        cdef const double *seconds = column("elapsed_s", elapsed_s, n)
        cdef double *out = result("asked", asked, n)
        with nogil:
            status = mc_decay_at(&self.decay, seconds, n, out, &err)
        if status != MC_OK:
            raise_error(&err)


def derive():
    """The numbers of mc_auction_derive by their names; the decay is its knots."""
    cdef mc_auction_rules rules
    mc_auction_derive(&rules)
    knots = [(rules.decay.knot_s[i], rules.decay.knot_share[i])
             for i in range(rules.decay.n_knots)]
    return knots, {"buffer_frac": rules.buffer_frac, "fee_frac": rules.fee_frac,
                   "insolvent_s": rules.insolvent_s, "whole_below": rules.whole_below,
                   "reserve_price_frac": rules.reserve_price_frac, "quanta": bool(rules.quanta)}


cdef class RulesHandle:
    """Checked mc_auction_rules and the decay that they point to."""

    cdef mc_auction_rules rules
    cdef DecayHandle decay

    def __init__(self, DecayHandle decay not None, double buffer_frac, double fee_frac,
                 double insolvent_s, double whole_below, double reserve_price_frac, bint quanta):
        cdef mc_error err
        cdef mc_auction_rows none
        self.decay = decay
        self.rules.size = sizeof(mc_auction_rules)
        self.rules.decay = &decay.decay
        self.rules.buffer_frac, self.rules.fee_frac = buffer_frac, fee_frac
        self.rules.insolvent_s, self.rules.whole_below = insolvent_s, whole_below
        self.rules.reserve_price_frac, self.rules.quanta = reserve_price_frac, quanta
        none.n, none.equity, none.mm, none.reserved = 0, NULL, NULL, NULL
        if mc_auction_fee(&self.rules, &none, NULL, &err) != MC_OK:
            raise_error(&err)

    def largest_share(self, const double[::1] equity not None, const double[::1] mm not None,
                      const double[::1] reserved not None, const double[::1] asked not None,
                      double[::1] share not None):
        cdef mc_auction_rows rows
        cdef mc_error err
        cdef mc_status status
        take_rows(&rows, equity, mm, reserved)
        cdef const double *at = column("asked", asked, equity.shape[0])
        cdef double *out = result("share", share, equity.shape[0])
        with nogil:
            status = mc_auction_largest_share(&self.rules, &rows, at, out, &err)
        if status != MC_OK:
            raise_error(&err)

    def fee(self, const double[::1] equity not None, const double[::1] mm not None,
            const double[::1] reserved not None, double[::1] fee not None):
        cdef mc_auction_rows rows
        cdef mc_error err
        cdef mc_status status
        take_rows(&rows, equity, mm, reserved)
        cdef double *out = result("fee", fee, equity.shape[0])
        with nogil:
            status = mc_auction_fee(&self.rules, &rows, out, &err)
        if status != MC_OK:
            raise_error(&err)

    def bid(self, const double[::1] equity not None, const double[::1] mm not None,
            const double[::1] reserved not None, const uint8_t[::1] insolvent not None,
            const double[::1] elapsed_s not None, const double[::1] want not None,
            dict out not None):
        """Fill the columns of `out`, by the names of mc_bids."""
        cdef mc_auction_rows rows
        cdef mc_bids bids
        cdef mc_error err
        cdef mc_status status
        cdef Py_ssize_t n = equity.shape[0]
        take_rows(&rows, equity, mm, reserved)
        same_length("insolvent", insolvent.shape[0], n)
        cdef const uint8_t *flags = &insolvent[0] if n > 0 else NULL
        cdef const double *seconds = column("elapsed_s", elapsed_s, n)
        cdef const double *wanted = column("want", want, n)
        bids.share = result("share", out["share"], n)
        bids.price = result("price", out["price"], n)
        bids.equity = result("equity", out["equity"], n)
        bids.mm = result("mm", out["mm"], n)
        bids.reserved = result("reserved", out["reserved"], n)
        with nogil:
            status = mc_auction_bid(&self.rules, &rows, flags, seconds, wanted, &bids, &err)
        if status != MC_OK:
            raise_error(&err)


cdef int take_rows(mc_auction_rows *rows, const double[::1] equity, const double[::1] mm,
                   const double[::1] reserved) except -1:
    cdef Py_ssize_t n = equity.shape[0]
    rows.n = n
    rows.equity = column("equity", equity, n)
    rows.mm = column("mm", mm, n)
    rows.reserved = column("reserved", reserved, n)
    return 0


def price(bint bankruptcy, const double[::1] size not None, const double[::1] notional not None,
          const double[::1] position_mm not None, const double[::1] equity not None,
          const double[::1] mm not None, double adjustment, double spread_to_mm,
          double[::1] out not None):
    """The bankruptcy price, or else the fillable one."""
    cdef mc_liquidated rows
    cdef mc_error err
    cdef mc_status status
    cdef Py_ssize_t n = size.shape[0]
    rows.n = n
    rows.size = column("size", size, n)
    rows.notional = column("notional", notional, n)
    rows.position_mm = column("position_mm", position_mm, n)
    rows.equity = column("equity", equity, n)
    rows.mm = column("mm", mm, n)
    cdef double *prices = result("out", out, n)
    with nogil:
        if bankruptcy:
            status = mc_bankruptcy_price(&rows, prices, &err)
        else:
            status = mc_fillable_price(&rows, adjustment, spread_to_mm, prices, &err)
    if status != MC_OK:
        raise_error(&err)
