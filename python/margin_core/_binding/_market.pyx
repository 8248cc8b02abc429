# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Snapshots, the columns of instruments and market together: shapes, the checks, raise."""

from libc.stdint cimport int32_t, uint8_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding.c_api cimport MC_OK, mc_error, mc_instruments_check, mc_market_check

from margin_core.errors import ArgumentError


cdef int same_length(str name, Py_ssize_t actual, Py_ssize_t expected) except -1:
    if actual != expected:
        raise ArgumentError(f"{name} has {actual} entries; {expected} are needed")
    return 0


cdef class Snapshot:
    """Instruments and market as the core sees them; checked when made."""

    def __cinit__(self, *, const int32_t[::1] unit not None, const int32_t[::1] term not None,
                 const uint8_t[::1] kind not None, const uint8_t[::1] inverse not None,
                 const int32_t[::1] factor not None, const double[::1] strike not None,
                 const double[::1] contract_size not None, const double[::1] step not None,
                 const double[::1] index_usd not None, const double[::1] confidence_frac not None,
                 const double[::1] years not None, const double[::1] forward_usd not None,
                 const double[::1] discount not None, const double[::1] vol not None,
                 const double[::1] mark_usd not None, const double[::1] quote_usd not None):
        cdef Py_ssize_t n = unit.shape[0]
        cdef mc_error err
        if n == 0 or index_usd.shape[0] == 0 or years.shape[0] == 0:
            raise ArgumentError("no instruments, no units or no terms")
        for name, length in (
            ("term", term.shape[0]), ("kind", kind.shape[0]), ("inverse", inverse.shape[0]),
            ("factor", factor.shape[0]), ("strike", strike.shape[0]),
            ("contract_size", contract_size.shape[0]), ("step", step.shape[0]),
            ("forward_usd", forward_usd.shape[0]), ("discount", discount.shape[0]),
            ("vol", vol.shape[0]), ("mark_usd", mark_usd.shape[0]),
            ("quote_usd", quote_usd.shape[0]),
        ):
            same_length(name, length, n)
        same_length("confidence_frac", confidence_frac.shape[0], index_usd.shape[0])

        self.columns = (unit, term, kind, inverse, factor, strike, contract_size, step, index_usd,
                        confidence_frac, years, forward_usd, discount, vol, mark_usd, quote_usd)
        self.instruments.n = n
        self.instruments.n_units = index_usd.shape[0]
        self.instruments.n_terms = years.shape[0]
        self.instruments.unit = &unit[0]
        self.instruments.term = &term[0]
        self.instruments.kind = &kind[0]
        self.instruments.inverse = &inverse[0]
        self.instruments.factor = &factor[0]
        self.instruments.strike = &strike[0]
        self.instruments.contract_size = &contract_size[0]
        self.instruments.step = &step[0]
        self.market.index_usd = &index_usd[0]
        self.market.confidence_frac = &confidence_frac[0]
        self.market.years = &years[0]
        self.market.forward_usd = &forward_usd[0]
        self.market.discount = &discount[0]
        self.market.vol = &vol[0]
        self.market.mark_usd = &mark_usd[0]
        self.market.quote_usd = &quote_usd[0]
        if mc_instruments_check(&self.instruments, &err) != MC_OK:
            raise_error(&err)
        if mc_market_check(&self.instruments, &self.market, &err) != MC_OK:
            raise_error(&err)
