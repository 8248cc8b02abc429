# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Guarded prices: the core's structs as bytes of NumPy records, one C call, raise."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding.c_api cimport (
    MC_OK, mc_action, mc_error, mc_feed, mc_feed_check, mc_ladder, mc_oracle_compose,
    mc_oracle_prices, mc_oracle_reading, mc_oracle_rule, mc_oracle_state, mc_oracle_update,
    mc_oracle_update_many, mc_quote, mc_source, mc_stable_price, mc_stable_price_update,
    mc_stable_rule, mc_status,
)

from margin_core.errors import ArgumentError


def sizes():
    """Bytes of every record that crosses here; the facade's dtypes must have the same."""
    return {"quote": sizeof(mc_quote), "source": sizeof(mc_source),
            "rule": sizeof(mc_oracle_rule), "ladder": sizeof(mc_ladder),
            "state": sizeof(mc_oracle_state), "reading": sizeof(mc_oracle_reading),
            "stable_rule": sizeof(mc_stable_rule), "stable_price": sizeof(mc_stable_price)}


cdef int needs(str name, Py_ssize_t actual, Py_ssize_t expected) except -1:
    if actual != expected:
        raise ArgumentError(f"{name} has {actual} bytes or entries; {expected} are needed")
    return 0


cdef const void *bytes_of(const uint8_t[::1] records) noexcept:
    return NULL if records.shape[0] == 0 else <const void *>&records[0]


cdef class Feed:
    """Sources, rule and ladder of one kind of feed; checked when made."""

    cdef mc_feed feed
    cdef object kept

    def __cinit__(self, *, int64_t base, int64_t quote, int32_t quorum, int32_t tolerated,
                  const uint8_t[::1] sources not None, const uint8_t[::1] rule not None,
                  const uint8_t[::1] ladder not None):
        cdef mc_error err
        cdef Py_ssize_t n = sources.shape[0] // <Py_ssize_t>sizeof(mc_source)
        needs("sources", sources.shape[0], n * sizeof(mc_source))
        needs("rule", rule.shape[0], sizeof(mc_oracle_rule))
        needs("ladder", ladder.shape[0], sizeof(mc_ladder))
        self.kept = (sources, rule, ladder)
        self.feed.base = base
        self.feed.quote = quote
        self.feed.quorum = quorum
        self.feed.tolerated = tolerated
        self.feed.n_sources = n
        self.feed.sources = <const mc_source *>bytes_of(sources)
        self.feed.rule = <const mc_oracle_rule *>bytes_of(rule)
        self.feed.ladder = <const mc_ladder *>bytes_of(ladder)
        if mc_feed_check(&self.feed, &err) != MC_OK:
            raise_error(&err)


def update(Feed feed not None, const uint8_t[::1] state not None,
           const uint8_t[::1] quotes not None, int64_t now_ns, uint8_t[::1] after not None,
           uint8_t[::1] reading not None):
    cdef mc_error err
    cdef mc_status status
    cdef Py_ssize_t n = quotes.shape[0] // <Py_ssize_t>sizeof(mc_quote)
    needs("quotes", quotes.shape[0], n * sizeof(mc_quote))
    needs("state", state.shape[0], sizeof(mc_oracle_state))
    needs("after", after.shape[0], sizeof(mc_oracle_state))
    needs("reading", reading.shape[0], sizeof(mc_oracle_reading))
    with nogil:
        status = mc_oracle_update(
            &feed.feed, <const mc_oracle_state *>&state[0],
            <const mc_quote *>(NULL if n == 0 else &quotes[0]), n, now_ns,
            <mc_oracle_state *>&after[0], <mc_oracle_reading *>&reading[0], &err)
    if status != MC_OK:
        raise_error(&err)


def update_many(Feed feed not None, const uint8_t[::1] quotes not None,
                const int64_t[::1] offset not None, const int64_t[::1] now_ns not None,
                unsigned threads, uint8_t[::1] states not None, uint8_t[::1] readings not None,
                uint8_t[::1] statuses not None):
    cdef mc_error err
    cdef mc_status status
    cdef Py_ssize_t n = now_ns.shape[0]
    if n == 0:
        return
    needs("offset", offset.shape[0], n + 1)
    needs("quotes", quotes.shape[0], offset[n] * <Py_ssize_t>sizeof(mc_quote))
    needs("states", states.shape[0], n * sizeof(mc_oracle_state))
    needs("readings", readings.shape[0], n * sizeof(mc_oracle_reading))
    needs("statuses", statuses.shape[0], n)
    with nogil:
        status = mc_oracle_update_many(
            &feed.feed, <const mc_quote *>(NULL if quotes.shape[0] == 0 else &quotes[0]),
            &offset[0], &now_ns[0], n, threads, <mc_oracle_state *>&states[0],
            <mc_oracle_reading *>&readings[0], &statuses[0], &err)
    if status != MC_OK:
        raise_error(&err)


def compose(Feed rules not None, const uint8_t[::1] legs not None,
            const uint8_t[::1] invert not None, int64_t base, int64_t quote, int64_t now_ns,
            uint8_t[::1] reading not None):
    cdef mc_error err
    needs("legs", legs.shape[0], invert.shape[0] * <Py_ssize_t>sizeof(mc_oracle_reading))
    needs("reading", reading.shape[0], sizeof(mc_oracle_reading))
    if mc_oracle_compose(<const mc_oracle_reading *>bytes_of(legs),
                         <const uint8_t *>bytes_of(invert), invert.shape[0], base, quote, now_ns,
                         rules.feed.rule, rules.feed.ladder, <mc_oracle_reading *>&reading[0],
                         &err) != MC_OK:
        raise_error(&err)


def prices(const uint8_t[::1] ladder not None, const uint8_t[::1] readings not None,
           const double[::1] owned not None, int action, uint8_t[::1] allowed not None,
           double[::1] price not None):
    cdef mc_error err
    cdef mc_status status
    cdef Py_ssize_t n = owned.shape[0]
    if n == 0:
        return
    needs("ladder", ladder.shape[0], sizeof(mc_ladder))
    needs("readings", readings.shape[0], n * sizeof(mc_oracle_reading))
    needs("allowed", allowed.shape[0], n)
    needs("price", price.shape[0], n)
    with nogil:
        status = mc_oracle_prices(
            <const mc_ladder *>&ladder[0], <const mc_oracle_reading *>&readings[0], &owned[0], n,
            <mc_action>action, &allowed[0], &price[0], &err)
    if status != MC_OK:
        raise_error(&err)


def stable_price(const uint8_t[::1] rule not None, uint8_t[::1] state not None, int64_t now_ns,
                 double price):
    """In place."""
    cdef mc_error err
    needs("rule", rule.shape[0], sizeof(mc_stable_rule))
    needs("state", state.shape[0], sizeof(mc_stable_price))
    if mc_stable_price_update(<const mc_stable_rule *>&rule[0],
                              <const mc_stable_price *>&state[0], now_ns, price,
                              <mc_stable_price *>&state[0], &err) != MC_OK:
        raise_error(&err)
