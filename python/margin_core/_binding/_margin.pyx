# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Books and margin tables: shapes, one C call, raise."""

from libc.stdint cimport int32_t, int64_t, uint8_t
from libc.stdlib cimport calloc, free

from margin_core._binding._errors cimport raise_error
from margin_core._binding._market cimport Snapshot
from margin_core._binding._risk cimport RiskHandle
from margin_core._binding.c_api cimport (
    MC_LAMBDA_MAX, MC_MAX_TIERS, MC_OK, MC_VEGA_BUCKETS, mc_asset, mc_assets_check,
    mc_book_accounts, mc_book_columns,
    mc_book_create, mc_book_destroy, mc_error, mc_margin_create, mc_margin_destroy, mc_margin_model,
    mc_margin_rates, mc_margin_rates_of, mc_status, mc_unit_margin,
)

from margin_core.errors import ArgumentError

LAMBDA_MAX = MC_LAMBDA_MAX
MAX_TIERS = MC_MAX_TIERS
VEGA_BUCKETS = MC_VEGA_BUCKETS


cdef class BookHandle:
    """Owns an mc_book and keeps its columns alive."""

    def __cinit__(self, *, Py_ssize_t n_instruments, const int64_t[::1] offset not None,
                 const int32_t[::1] instrument not None, const double[::1] lots not None,
                 const int64_t[::1] cash=None, const uint8_t[::1] mode=None,
                 const int32_t[::1] owner=None, Py_ssize_t n_owners=0,
                 const int64_t[::1] order_offset=None, const int32_t[::1] order_instrument=None,
                 const double[::1] order_lots=None, const double[::1] order_limit=None,
                 bint fractional=False):
        cdef mc_book_columns c
        cdef mc_error err
        cdef mc_status status
        cdef Py_ssize_t n = offset.shape[0] - 1
        if n < 1:
            raise ArgumentError("an empty book: no accounts")
        if instrument.shape[0] != lots.shape[0] or offset[n] != lots.shape[0]:
            raise ArgumentError(f"{instrument.shape[0]} instruments and {lots.shape[0]} lots for "
                                f"{offset[n]} positions")
        for name, column in (("cash", cash), ("mode", mode), ("owner", owner)):
            if column is not None and column.shape[0] != n:
                raise ArgumentError(f"{name} has {column.shape[0]} entries for {n} accounts")
        self.columns = (offset, instrument, lots, cash, mode, owner, order_offset,
                        order_instrument, order_lots, order_limit)
        c.n_accounts = n
        c.n_instruments = n_instruments
        c.offset = &offset[0]
        c.instrument = &instrument[0] if instrument.shape[0] > 0 else NULL
        c.lots = &lots[0] if lots.shape[0] > 0 else NULL
        c.fractional = fractional
        c.cash = &cash[0] if cash is not None else NULL
        c.mode = &mode[0] if mode is not None else NULL
        c.owner = &owner[0] if owner is not None else NULL
        c.n_owners = n_owners
        c.order_offset = NULL
        c.order_instrument = NULL
        c.order_lots = NULL
        c.order_limit = NULL
        if order_offset is not None:
            if order_instrument is None or order_lots is None or order_limit is None:
                raise ArgumentError("orders need instruments, lots and limits")
            if (order_offset.shape[0] != n + 1
                    or order_offset[n] != order_instrument.shape[0]
                    or order_offset[n] != order_lots.shape[0]
                    or order_offset[n] != order_limit.shape[0]):
                raise ArgumentError("the orders' columns do not fit their offsets")
            c.order_offset = &order_offset[0]
            if order_lots.shape[0] > 0:
                c.order_instrument = &order_instrument[0]
                c.order_lots = &order_lots[0]
                c.order_limit = &order_limit[0]
        with nogil:
            status = mc_book_create(&c, &self.handle, &err)
        if status != MC_OK:
            raise_error(&err)
        self.n_accounts = mc_book_accounts(self.handle)
        self.n_owners = n_owners

    def __dealloc__(self):
        mc_book_destroy(self.handle)


def check_assets(Snapshot snapshot not None, const uint8_t[::1] assets not None):
    """Records of mc_asset, in the order of the instruments."""
    cdef mc_error err
    cdef const mc_asset *first = <const mc_asset *>&assets[0] if assets.shape[0] > 0 else NULL
    if mc_assets_check(first, assets.shape[0] // sizeof(mc_asset), &snapshot.instruments,
                       &err) != MC_OK:
        raise_error(&err)


cdef class MarginHandle:
    """Owns an mc_margin."""

    def __cinit__(self, RiskHandle risk not None, Snapshot snapshot not None, list units not None,
                 const int32_t[::1] lambda_k not None, int32_t mm_factor_k, int32_t im_factor_k,
                 vega_edge_years, const uint8_t[::1] assets=None):
        """`assets` are records of mc_asset, in the order of the instruments."""
        cdef mc_error err
        cdef mc_status status
        cdef Py_ssize_t n_units = len(units), u, t
        self.rows = <mc_unit_margin *>calloc(n_units + 1, sizeof(mc_unit_margin))
        if self.rows == NULL:
            raise MemoryError
        for u in range(n_units):
            fill_unit(&self.rows[u], units[u])
        if lambda_k.shape[0] == 0 or len(vega_edge_years) != MC_VEGA_BUCKETS - 1:
            raise ArgumentError(f"groups and {MC_VEGA_BUCKETS - 1} vega edges are needed")
        self.columns = (lambda_k, assets)
        self.model.size = sizeof(mc_margin_model)
        self.model.n_units = n_units
        self.model.units = self.rows
        self.model.n_groups = lambda_k.shape[0]
        self.model.lambda_k = &lambda_k[0]
        self.model.mm_factor_k = mm_factor_k
        self.model.im_factor_k = im_factor_k
        for t in range(MC_VEGA_BUCKETS - 1):
            self.model.vega_edge_years[t] = vega_edge_years[t]
        self.model.n_assets = 0
        self.model.assets = NULL
        if assets is not None and assets.shape[0] > 0:
            self.model.n_assets = assets.shape[0] // sizeof(mc_asset)
            self.model.assets = <const mc_asset *>&assets[0]
        with nogil:
            status = mc_margin_create(risk.handle, &snapshot.instruments, &snapshot.market,
                                      &self.model, &self.handle, &err)
        if status != MC_OK:
            raise_error(&err)
        self.n_instruments = snapshot.instruments.n
        self.n_units = n_units
        self.n_groups = lambda_k.shape[0]

    def __dealloc__(self):
        mc_margin_destroy(self.handle)
        free(self.rows)

    def rates(self, size_t instrument):
        """The whole rates of one risk lot, as a dict of ints; `vega` is a list by bucket."""
        cdef mc_margin_rates rates
        cdef mc_error err
        if mc_margin_rates_of(self.handle, instrument, &rates, &err) != MC_OK:
            raise_error(&err)
        return {
            "mark": int(rates.mark), "vega": [int(v) for v in rates.vega[:MC_VEGA_BUCKETS]],
            "roll": int(rates.roll), "short_option_mm": int(rates.short_option_mm),
            "short_option_im": int(rates.short_option_im), "closing": int(rates.closing),
            "oracle": int(rates.oracle), "haircut_mm": int(rates.haircut_mm),
            "haircut_im": int(rates.haircut_im), "notional": int(rates.notional),
            "crowding": int(rates.crowding),
            "side": int(rates.side),
        }


cdef int fill_unit(mc_unit_margin *row, dict unit) except -1:
    cdef Py_ssize_t t
    tiers = unit["tiers"]
    if len(tiers) > MC_MAX_TIERS:
        raise ArgumentError(f"{len(tiers)} tiers; at most {MC_MAX_TIERS} are allowed")
    row.group = unit["group"]
    row.roll_move_frac = unit["roll_move_frac"]
    row.roll_min_frac = unit["roll_min_frac"]
    row.short_option_mm_frac = unit["short_option_mm_frac"]
    row.short_option_im_frac = unit["short_option_im_frac"]
    row.vega_twist = unit["vega_twist"]
    row.close_frac = unit["close_frac"]
    row.depth_usd = unit["depth_usd"]
    row.impact_frac = unit["impact_frac"]
    row.market_depth_usd = unit["market_depth_usd"]
    row.market_impact_frac = unit["market_impact_frac"]
    row.asset_haircut_frac = unit["asset_haircut_frac"]
    row.isolated_mm_frac = unit["isolated_mm_frac"]
    row.isolated_im_frac = unit["isolated_im_frac"]
    row.open_interest_usd = unit["open_interest_usd"]
    row.open_interest_lower_usd = unit["open_interest_lower_usd"]
    row.open_interest_upper_usd = unit["open_interest_upper_usd"]
    row.n_tiers = len(tiers)
    for t in range(len(tiers)):
        row.tiers[t].above_usd, row.tiers[t].mm_frac, row.tiers[t].im_frac = tiers[t]
    return 0
