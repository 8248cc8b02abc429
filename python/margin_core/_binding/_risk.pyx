# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Scenarios and risk arrays: shapes, one C call, raise."""

from libc.stdint cimport int32_t
from libc.string cimport memcpy

from margin_core._binding._errors cimport raise_error
from margin_core._binding._market cimport Snapshot, same_length
from margin_core._binding.c_api cimport (
    MC_OK, mc_error, mc_risk_array_adopt, mc_risk_array_create, mc_risk_array_destroy,
    mc_risk_array_view, mc_risk_lots, mc_risk_options, mc_risk_view, mc_scenarios,
    mc_scenarios_check, mc_status, mc_vol_term_factor,
)

from margin_core.errors import ArgumentError


def vol_term_factor(const double[::1] years not None, double days_floor, double power_short,
                    double power_long, double[::1] factor not None):
    cdef mc_error err
    cdef mc_status status
    same_length("factor", factor.shape[0], years.shape[0])
    if years.shape[0] == 0:
        return
    with nogil:
        status = mc_vol_term_factor(&years[0], years.shape[0], days_floor, power_short, power_long,
                                    &factor[0], &err)
    if status != MC_OK:
        raise_error(&err)


def risk_lots(Snapshot snapshot not None, const double[::1] range_frac not None, double quantum,
              double[::1] lot not None):
    cdef mc_error err
    same_length("range_frac", range_frac.shape[0], snapshot.instruments.n_units)
    same_length("lot", lot.shape[0], snapshot.instruments.n)
    if mc_risk_lots(&snapshot.instruments, &snapshot.market, &range_frac[0], quantum, &lot[0],
                    &err) != MC_OK:
        raise_error(&err)


cdef const double *table(str name, const double[:, ::1] cells, Py_ssize_t rows,
                         Py_ssize_t columns) except? NULL:
    if cells is None:
        return NULL
    if cells.shape[0] != rows or cells.shape[1] != columns:
        raise ArgumentError(f"{name} is {cells.shape[0]} x {cells.shape[1]}, not {rows} x {columns}")
    return &cells[0, 0] if rows > 0 and columns > 0 else NULL


cdef mc_scenarios view(Py_ssize_t n_terms, dict cells, const double[::1] horizon_years,
                       const double[:, ::1] event_move) except *:
    cdef mc_scenarios s
    cdef const double[:, ::1] spot = cells["spot_move"]
    s.n_terms = n_terms
    s.n_scenarios = spot.shape[1]
    s.spot_move = table("spot_move", spot, n_terms, s.n_scenarios)
    s.basis_move = table("basis_move", cells.get("basis_move"), n_terms, s.n_scenarios)
    s.vol_scale = table("vol_scale", cells.get("vol_scale"), n_terms, s.n_scenarios)
    s.vol_shift = table("vol_shift", cells.get("vol_shift"), n_terms, s.n_scenarios)
    s.vol_floor = table("vol_floor", cells.get("vol_floor"), n_terms, s.n_scenarios)
    s.skew_slope = table("skew_slope", cells.get("skew_slope"), n_terms, s.n_scenarios)
    s.skew_cap = table("skew_cap", cells.get("skew_cap"), n_terms, s.n_scenarios)
    s.weight = table("weight", cells.get("weight"), n_terms, s.n_scenarios)
    s.horizon_years = NULL
    if horizon_years is not None:
        same_length("horizon_years", horizon_years.shape[0], s.n_scenarios)
        s.horizon_years = &horizon_years[0]
    s.n_factors = 0
    s.event_move = NULL
    if event_move is not None and event_move.shape[0] > 0:
        s.n_factors = event_move.shape[0]
        s.event_move = table("event_move", event_move, event_move.shape[0], s.n_scenarios)
    return s


def base_scenario(Py_ssize_t n_terms, dict cells not None, const double[::1] horizon_years,
                  const double[:, ::1] event_move):
    """The first column that moves nothing."""
    cdef mc_error err
    cdef size_t base = 0
    cdef mc_scenarios scenarios = view(n_terms, cells, horizon_years, event_move)
    if mc_scenarios_check(&scenarios, &base, &err) != MC_OK:
        raise_error(&err)
    return base


cdef class RiskHandle:
    """Owns an mc_risk_array."""

    def __init__(self):
        raise TypeError("made by RiskHandle.price or RiskHandle.adopt")

    def __dealloc__(self):
        mc_risk_array_destroy(self.handle)

    cdef _describe(self):
        cdef mc_risk_view v
        mc_risk_array_view(self.handle, &v)
        self.n_instruments = v.n_instruments
        self.n_scenarios = v.n_scenarios
        self.quantum = v.quantum
        self.quantum_usd = v.quantum_usd

    @staticmethod
    def price(Snapshot snapshot not None, dict cells not None, const double[::1] horizon_years,
              const double[:, ::1] event_move, const double[::1] lot not None, double quantum,
              int32_t numeraire, unsigned threads):
        cdef RiskHandle risk = RiskHandle.__new__(RiskHandle)
        cdef mc_error err
        cdef mc_status status
        cdef mc_risk_options options
        cdef mc_scenarios scenarios = view(snapshot.instruments.n_terms, cells, horizon_years,
                                           event_move)
        same_length("lot", lot.shape[0], snapshot.instruments.n)
        options.size = sizeof(mc_risk_options)
        options.quantum = quantum
        options.numeraire = numeraire
        options.n_threads = threads
        with nogil:
            status = mc_risk_array_create(&snapshot.instruments, &snapshot.market, &scenarios,
                                          &lot[0], &options, &risk.handle, &err)
        if status != MC_OK:
            raise_error(&err)
        risk.scenarios = scenarios
        risk.options = options
        risk.lot = &lot[0]
        risk.columns = (cells, horizon_years, event_move, lot)
        risk._describe()
        return risk

    @staticmethod
    def adopt(const double[:, ::1] cells not None, double quantum):
        cdef RiskHandle risk = RiskHandle.__new__(RiskHandle)
        cdef mc_error err
        if cells.shape[0] == 0 or cells.shape[1] == 0:
            raise ArgumentError("no cells to adopt")
        if mc_risk_array_adopt(&cells[0, 0], cells.shape[0], cells.shape[1], quantum, &risk.handle,
                               &err) != MC_OK:
            raise_error(&err)
        risk._describe()
        return risk

    def copy_cells(self, double[:, ::1] out not None):
        cdef mc_risk_view v
        cdef Py_ssize_t i
        mc_risk_array_view(self.handle, &v)
        table("out", out, self.n_instruments, self.n_scenarios)
        for i in range(self.n_instruments):
            memcpy(&out[i, 0], v.cells + i * v.stride, v.n_scenarios * sizeof(double))

    def copy_column(self, str name not None, double[::1] out not None):
        """False where the array has no such column."""
        cdef mc_risk_view v
        cdef const double *column
        mc_risk_array_view(self.handle, &v)
        same_length("out", out.shape[0], self.n_instruments)
        if name == "mark":
            column = v.mark
        elif name == "value":
            column = v.value
        elif name == "notional":
            column = v.notional
        elif name == "delta":
            column = v.delta
        elif name == "basis_delta":
            column = v.basis_delta
        elif name == "vega":
            column = v.vega
        else:
            raise ArgumentError(f"a risk array has no column {name!r}")
        if column == NULL:
            return False
        memcpy(&out[0], column, v.n_instruments * sizeof(double))
        return True
