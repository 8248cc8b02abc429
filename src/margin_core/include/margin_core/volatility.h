/* volatility.h - realised volatility of thousands of series, live or over their history.
 *
 * One function does both: a call takes any number of bars, one for a tick, thousands for a history,
 * and moves the caller's state forward. How the bars are cut into calls does not show in the bits,
 * and neither does the number of threads, the instruction set or the compiler.
 *
 * A window is the last `window` intervals of the clock. Its sums are added anew, never corrected:
 * intervals are grouped into blocks of `window`, counted from 1970, and a sum is that of the end of
 * the last block (added backwards) plus that of the beginning of this one (added forwards). So it
 * does not drift, and two streams that hold the same bars of a window agree to the bit wherever
 * they began. A step costs the same for every window, but for the one that ends a block.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_VOLATILITY_H
#define MARGIN_CORE_VOLATILITY_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

/* With O, H, L, C the bar's prices, C' the close before: r = ln C/C', o = ln O/C', u = ln H/O,
 * d = ln L/O, c = ln C/O; var is the sample variance with n - 1; all sums over the window.
 *
 *   EWMA             sum w r^2 / sum w, w = 2^(-age / half_life); expands from the first return on
 *   CLOSE            var(r)
 *   PARKINSON        mean (u - d)^2 / (4 ln 2)                         Parkinson 1980
 *   GARMAN_KLASS     mean (u - d)^2 / 2 - (2 ln 2 - 1) c^2             Garman, Klass 1980, eq. 20
 *   ROGERS_SATCHELL  mean u (u - c) + d (d - c)                        Rogers, Satchell 1991
 *   YANG_ZHANG       var(o) + k var(c) + (1 - k) RS, k = 0.34 / (1.34 + (n + 1) / (n - 1))
 *                                                                      Yang, Zhang 2000
 *   REALISED         mean r^2                                Andersen, Bollerslev et al. 2003
 *   BIPOWER          pi / 2 mean |r| |r'|, r' the return before    Barndorff-Nielsen, Shephard 2004
 *
 * Means are per interval. A return over k intervals, after bars that were absent, is counted with
 * its time: r^2 / k in EWMA, r / sqrt(k) in BIPOWER, and CLOSE, YANG_ZHANG and REALISED divide by
 * the time that their returns cover.
 */
typedef enum mc_vol_kind {
    MC_VOL_EWMA = 0,
    MC_VOL_CLOSE = 1,
    MC_VOL_PARKINSON = 2,
    MC_VOL_GARMAN_KLASS = 3,
    MC_VOL_ROGERS_SATCHELL = 4,
    MC_VOL_YANG_ZHANG = 5,
    MC_VOL_REALISED = 6,
    MC_VOL_BIPOWER = 7,
    MC_VOL_KIND_END /* one past the last kind */
} mc_vol_kind;

typedef struct mc_vol_options {
    size_t size;         /* sizeof(mc_vol_options): lets the struct grow                       */
    int32_t kind;        /* mc_vol_kind                                                        */
    int64_t interval_ns; /* length of a bar, > 0                                               */
    size_t window;       /* intervals, 2 .. 2^20; EWMA: not used                               */
    double half_life;    /* EWMA: intervals, > 0; the others: not used                         */
    size_t least;        /* terms that must be there before a value is given, >= 2, <= window  */
    unsigned n_threads;  /* 0: one per processor                                               */
} mc_vol_options;

/* Bars of equal length on one clock; a view, borrowed for the call. [n_bars * n_series], a row of
 * series for each bar. EWMA, CLOSE, REALISED and BIPOWER need closes only: the others may be NULL.
 */
typedef struct mc_bars {
    size_t n_bars;
    size_t n_series;
    const int64_t *end_ns;  /* [n_bars] > 0, multiples of interval_ns, each one interval after the
                               last: an outage is rows of absent bars                          */
    const double *open;
    const double *high;
    const double *low;
    const double *close;
    const uint8_t *present; /* 0: this series has no bar here, its prices are not read; NULL: all
                               are there                                                       */
} mc_bars;

/* What an estimator remembers. The caller owns it: copy struct and memory, and it is a snapshot. */
typedef struct mc_vol_state {
    int64_t end_ns;  /* of the last bar; 0 before the first                                    */
    size_t n_series;
    double *memory;  /* [mc_vol_memory(options) * n_series], all 0 before the first bar        */
} mc_vol_state;

/* Doubles of memory that one series needs; 0 where the options are not legal. */
MC_API size_t mc_vol_memory(const mc_vol_options *options);

/* Moves `state` over the bars.
 *
 *   vol    out, [n_bars * n_series] or NULL: annualised over 365 days, a fraction: 0.65 is 65 %;
 *          0 where not ready
 *   ready  out, [n_bars * n_series] or NULL: 1 where at least `least` terms are in the window
 *
 * Errors: MC_ERR_ARGUMENT    a null pointer, options out of range, a state of other series
 *         MC_ERR_ORDER       a bar that is not one interval after the last: time stands still or
 *                            goes backwards, a gap, an end that is no multiple of the interval
 *                            (err->row: the bar)
 *         MC_ERR_NOT_FINITE  a price that is NaN or infinite (err->row: the bar; the message has
 *                            the series)
 *         MC_ERR_DOMAIN      a price <= 0, a high below or a low above one of the others (err->row)
 * On error nothing was written. Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_vol_update(const mc_vol_options *options, const mc_bars *bars,
                                             mc_vol_state *state, double *vol, uint8_t *ready,
                                             mc_error *err);

MC_END_DECLS

#endif
