# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""The clearing ledger: shapes, one C call, raise."""

from libc.stdint cimport int64_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding.c_api cimport (
    MC_OK, mc_error, mc_event, mc_ledger, mc_ledger_apply, mc_ledger_check, mc_ledger_residual,
    mc_receipt, mc_status,
)

from margin_core.errors import ArgumentError


cdef class LedgerHandle:
    """An mc_ledger over columns that stay the caller's; one thread at a time."""

    cdef mc_ledger ledger
    cdef object columns

    def __init__(self, int64_t[::1] cash not None, int64_t[::1] pnl not None,
                 mc_receipt[::1] journal not None, dict state not None, dict waterfall not None):
        cdef mc_error err
        cdef mc_status status
        if pnl.shape[0] != cash.shape[0]:
            raise ArgumentError(f"pnl has {pnl.shape[0]} entries for {cash.shape[0]} accounts")
        self.columns = (cash, pnl, journal)
        self.ledger.n_accounts = cash.shape[0]
        self.ledger.cash = &cash[0] if cash.shape[0] > 0 else NULL
        self.ledger.pnl = &pnl[0] if cash.shape[0] > 0 else NULL
        self.ledger.journal = &journal[0] if journal.shape[0] > 0 else NULL
        self.ledger.n_journal = journal.shape[0]
        self.ledger.insurance = state["insurance"]
        self.ledger.fees = state["fees"]
        self.ledger.deficit = state["deficit"]
        self.ledger.total = state["total"]
        self.ledger.last_id = state["last_id"]
        self.ledger.layer = state["layer"]
        self.ledger.waterfall.insurance_limit = waterfall["insurance_limit"]
        self.ledger.waterfall.adl = waterfall["adl"]
        self.ledger.waterfall.socialises = waterfall["socialises"]
        self.ledger.waterfall.fee_to_fund = waterfall["fee_to_fund"]
        with nogil:
            status = mc_ledger_check(&self.ledger, &err)
        if status != MC_OK:
            raise_error(&err)

    def state(self):
        return {"insurance": self.ledger.insurance, "fees": self.ledger.fees,
                "deficit": self.ledger.deficit, "total": self.ledger.total,
                "last_id": self.ledger.last_id, "layer": self.ledger.layer}

    def residual(self):
        return mc_ledger_residual(&self.ledger)

    def apply(self, const mc_event[::1] events not None, const int64_t[::1] candidates not None,
              int64_t[::1] haircuts not None, mc_receipt[::1] receipts not None):
        cdef mc_error err
        cdef mc_status status
        cdef size_t done = 0
        cdef size_t n = events.shape[0], n_candidates = candidates.shape[0]
        if receipts.shape[0] != events.shape[0] or haircuts.shape[0] != candidates.shape[0]:
            raise ArgumentError("a receipt an event and a haircut a candidate are needed")
        if n == 0:
            return
        cdef const int64_t *first = NULL
        cdef int64_t *cuts = NULL
        if n_candidates > 0:
            first = &candidates[0]
            cuts = &haircuts[0]
        with nogil:
            status = mc_ledger_apply(&self.ledger, &events[0], n, first, n_candidates, cuts,
                                     &receipts[0], &done, &err)
        if status != MC_OK:
            raise_error(&err)
