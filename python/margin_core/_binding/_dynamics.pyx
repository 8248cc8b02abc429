# SPDX-License-Identifier: Apache-2.0
# cython: language_level=3, boundscheck=False, freethreading_compatible=True
"""Volatility and thresholds: shapes, one C call, raise."""

from libc.stdint cimport int32_t, int64_t, uint8_t

from margin_core._binding._errors cimport raise_error
from margin_core._binding._market cimport same_length
from margin_core._binding.c_api cimport (
    MC_OK, MC_VOL_KIND_END, mc_bars, mc_error, mc_prices, mc_status, mc_threshold_model,
    mc_threshold_state, mc_threshold_update, mc_vol_memory, mc_vol_options, mc_vol_state,
    mc_vol_update,
)

from margin_core.errors import ArgumentError

#: One past the last kind of estimator.
KINDS = MC_VOL_KIND_END
#: Bytes of one unit's threshold state.
THRESHOLD_STATE_BYTES = sizeof(mc_threshold_state)


cdef mc_vol_options vol_options(int32_t kind, int64_t interval_ns, size_t window, double half_life,
                                size_t least, unsigned threads):
    cdef mc_vol_options o
    o.size = sizeof(mc_vol_options)
    o.kind, o.interval_ns, o.window = kind, interval_ns, window
    o.half_life, o.least, o.n_threads = half_life, least, threads
    return o


def memory(int32_t kind, int64_t interval_ns, size_t window, double half_life, size_t least):
    """Doubles for one series; 0 where the options are not legal."""
    cdef mc_vol_options o = vol_options(kind, interval_ns, window, half_life, least, 1)
    return mc_vol_memory(&o)


cdef const double *cells(str name, const double[:, ::1] table, size_t rows,
                         size_t columns) except? NULL:
    if table is None:
        return NULL
    if <size_t>table.shape[0] != rows or <size_t>table.shape[1] != columns:
        raise ArgumentError(
            f"{name} is {table.shape[0]} x {table.shape[1]}, not {rows} x {columns}")
    return &table[0, 0] if rows > 0 and columns > 0 else NULL


cdef const uint8_t *flags(str name, const uint8_t[:, ::1] table, size_t rows,
                          size_t columns) except? NULL:
    if table is None:
        return NULL
    if <size_t>table.shape[0] != rows or <size_t>table.shape[1] != columns:
        raise ArgumentError(
            f"{name} is {table.shape[0]} x {table.shape[1]}, not {rows} x {columns}")
    return &table[0, 0] if rows > 0 and columns > 0 else NULL


def volatility(int32_t kind, int64_t interval_ns, size_t window, double half_life, size_t least,
               unsigned threads, const int64_t[::1] end_ns not None, const double[:, ::1] open,
               const double[:, ::1] high, const double[:, ::1] low,
               const double[:, ::1] close not None, const uint8_t[:, ::1] present,
               int64_t last_ns, double[::1] memory not None, double[:, ::1] vol,
               uint8_t[:, ::1] ready):
    """Move `memory` over the bars; the end of the last one."""
    cdef mc_vol_options o = vol_options(kind, interval_ns, window, half_life, least, threads)
    cdef mc_bars bars
    cdef mc_vol_state state
    cdef mc_error err
    cdef mc_status status
    cdef double *out
    cdef uint8_t *out_ready
    bars.n_bars, bars.n_series = close.shape[0], close.shape[1]
    same_length("end_ns", end_ns.shape[0], close.shape[0])
    bars.end_ns = &end_ns[0] if bars.n_bars > 0 else NULL
    bars.open = cells("open", open, bars.n_bars, bars.n_series)
    bars.high = cells("high", high, bars.n_bars, bars.n_series)
    bars.low = cells("low", low, bars.n_bars, bars.n_series)
    bars.close = cells("close", close, bars.n_bars, bars.n_series)
    bars.present = flags("present", present, bars.n_bars, bars.n_series)
    same_length("memory", memory.shape[0], mc_vol_memory(&o) * bars.n_series)
    state.end_ns, state.n_series = last_ns, bars.n_series
    state.memory = &memory[0] if memory.shape[0] > 0 else NULL
    out = <double *>cells("vol", vol, bars.n_bars, bars.n_series)
    out_ready = <uint8_t *>flags("ready", ready, bars.n_bars, bars.n_series)
    with nogil:
        status = mc_vol_update(&o, &bars, &state, out, out_ready, &err)
    if status != MC_OK:
        raise_error(&err)
    return state.end_ns


def thresholds(dict parameters not None, const int64_t[::1] time_ns not None,
               const double[:, ::1] price_usd not None, const uint8_t[:, ::1] present,
               uint8_t[::1] state not None, double[:, ::1] range_frac, unsigned threads):
    """Move the units' states over the prices."""
    cdef mc_threshold_model m
    cdef mc_prices prices
    cdef mc_error err
    cdef mc_status status
    cdef mc_threshold_state *units
    cdef double *out
    m.size = sizeof(mc_threshold_model)
    m.fast_half_life_days = parameters["fast_half_life_days"]
    m.slow_half_life_days = parameters["slow_half_life_days"]
    m.long_half_life_days = parameters["long_half_life_days"]
    m.fast_weight = parameters["fast_weight"]
    m.buffer_frac = parameters["buffer_frac"]
    m.floor_share = parameters["floor_share"]
    m.stress_weight = parameters["stress_weight"]
    m.stress_half_life_days = parameters["stress_half_life_days"]
    m.after_share = parameters["after_share"]
    m.after_half_life_days = parameters["after_half_life_days"]
    m.tail = parameters["tail"]
    m.horizon_days = parameters["horizon_days"]
    m.level = parameters["level"]
    m.learn_rate = parameters["learn_rate"]
    m.learn_most = parameters["learn_most"]
    m.rise_step_frac = parameters["rise_step_frac"]
    m.rise_day_frac = parameters["rise_day_frac"]
    m.fall_step_frac = parameters["fall_step_frac"]
    m.fall_day_frac = parameters["fall_day_frac"]
    m.least_frac = parameters["least_frac"]
    m.most_frac = parameters["most_frac"]
    m.warmup_days = parameters["warmup_days"]
    m.gap_days = parameters["gap_days"]
    prices.n_steps, prices.n_units = price_usd.shape[0], price_usd.shape[1]
    same_length("time_ns", time_ns.shape[0], price_usd.shape[0])
    same_length("state", state.shape[0], prices.n_units * sizeof(mc_threshold_state))
    prices.time_ns = &time_ns[0] if prices.n_steps > 0 else NULL
    prices.price_usd = cells("price_usd", price_usd, prices.n_steps, prices.n_units)
    prices.present = flags("present", present, prices.n_steps, prices.n_units)
    units = <mc_threshold_state *>&state[0] if state.shape[0] > 0 else NULL
    out = <double *>cells("range_frac", range_frac, prices.n_steps, prices.n_units)
    with nogil:
        status = mc_threshold_update(&m, &prices, units, out, threads, &err)
    if status != MC_OK:
        raise_error(&err)
