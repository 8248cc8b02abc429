/* threshold.h - the range of each unit, following volatility without amplifying it.
 *
 *   vol    fast and slow EWMA of squared returns, mixed
 *   calm   a buffer above it, used up in stress: max(vol, (1 + buffer) min(vol, long look-back))
 *   floor  never below a share of the long look-back
 *   stress a fixed weight on the stressed volatility, the highest slow one so far, slowly forgotten
 *   after  what has just happened can happen again: never below a share of the largest move within
 *          a horizon, forgotten in days
 *   learn  each unit's own tail: after every horizon, times e^(learn_rate (hit - (1 - level))), hit
 *          1 where the range was exceeded and else 0, so that in the long run 1 - level of the
 *          horizons are hits, whatever the distribution (I. Gibbs, E. Candes, "Adaptive conformal
 *          inference under distribution shift", NeurIPS 2021, in logarithms)
 *   range  tail * learned * that * sqrt(horizon), moved at most so far per step and per day: up
 *          fast, down slowly
 *
 * The tools are those of Commission Delegated Regulation (EU) 153/2013, article 28 (1): (a) a
 * buffer of 25 % that may be used up, (b) 25 % of weight on stressed observations, (c) a floor from
 * a long look-back. Same inputs, same bits: threads, instruction set and compiler do not show.
 */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MARGIN_CORE_THRESHOLD_H
#define MARGIN_CORE_THRESHOLD_H

#include <margin_core/status.h>

MC_BEGIN_DECLS

typedef struct mc_threshold_model {
    size_t size;                  /* sizeof(mc_threshold_model): lets the struct grow           */
    double fast_half_life_days;   /* > 0                                                        */
    double slow_half_life_days;   /* >= fast                                                    */
    double long_half_life_days;   /* >= slow: the long look-back                                */
    double fast_weight;           /* 0 .. 1: of the fast variance, the rest is slow             */
    double buffer_frac;           /* 0 .. 1                                                     */
    double floor_share;           /* 0 .. 1: of the long look-back's volatility                 */
    double stress_weight;         /* 0 .. 1                                                     */
    double stress_half_life_days; /* > 0: how slowly a peak is forgotten                        */
    double after_share;           /* 0 .. 10: of the largest move of late                       */
    double after_half_life_days;  /* > 0                                                        */
    double tail;                  /* > 0: range per standard deviation of the horizon           */
    double horizon_days;          /* > 0                                                        */
    double level;                 /* 0 .. 1: share of moves over the horizon to be covered      */
    double learn_rate;            /* 0 .. 1: 0 learns nothing                                   */
    double learn_most;            /* >= 1: what is learned stays within 1 / this and this       */
    double rise_step_frac;        /* >= 0: a step's range is at most (1 + this) times the last  */
    double rise_day_frac;         /* >= 0: ... and (1 + this) times that at the day's beginning */
    double fall_step_frac;        /* 0 .. 1: ... and at least (1 - this) times the last         */
    double fall_day_frac;         /* 0 .. 1: ... and (1 - this) times that at the day's start   */
    double least_frac;            /* >= 0: bounds of the range itself                           */
    double most_frac;             /* < 1                                                        */
    double warmup_days;           /* >= 0: prices must cover so much before a range is given    */
    double gap_days;              /* > 0: a unit without a price for longer is refused          */
} mc_threshold_model;

/* What is remembered of one unit; all 0 before its first price. The caller owns it. Volatilities
 * are per square root of a day.
 */
typedef struct mc_threshold_state {
    int64_t first_ns;  /* the first price                                   */
    int64_t last_ns;   /* the last                                          */
    double price_usd;  /* the last                                          */
    double variance[3]; /* fast, slow, long: weighted sums of squared returns */
    double weight[3];  /* their weights' sums, below 1                      */
    double stress_vol; /* the highest slow volatility, as far as remembered */
    double learned;    /* times tail                                        */
    double anchor_price_usd;  /* the first price of this horizon; horizons count from 1970 */
    double anchor_range_frac; /* in force then; 0: none                                    */
    double shock_frac; /* the largest |move| since an anchor, as far as remembered; at most 1 */
    double range_frac; /* in force; 0 while not ready                       */
    double day_range_frac; /* in force when the UTC day of last_ns began;
                              midnight is a day's last instant */
} mc_threshold_state;

/* Prices of many units; a view, borrowed for the call. */
typedef struct mc_prices {
    size_t n_steps;
    size_t n_units;
    const int64_t *time_ns;  /* [n_steps] > 0, rising                                          */
    const double *price_usd; /* [n_steps * n_units], a row of units for each step              */
    const uint8_t *present;  /* 0: no price here, the range in force stays; NULL: all are there */
} mc_prices;

/* Moves every unit's state over the prices. Steps need not be regular: squared returns are taken
 * per day, and weights by age. The limits per step count calls' steps, so steps should be of one
 * length.
 *
 *   state       [n_units]
 *   range_frac  out, [n_steps * n_units] or NULL: in force from that step on; 0 while not ready
 *   n_threads   0: one per processor
 *
 * Errors: MC_ERR_ARGUMENT    a null pointer or a wrong size
 *         MC_ERR_DOMAIN      a parameter or price out of range (err->row: the step, or -1)
 *         MC_ERR_NOT_FINITE  the same, NaN or infinite
 *         MC_ERR_ORDER       time that does not rise, or a gap longer than gap_days (err->row)
 * On error nothing was written. Allocates nothing.
 */
MC_API MC_MUST_CHECK mc_status mc_threshold_update(const mc_threshold_model *model,
                                                   const mc_prices *prices,
                                                   mc_threshold_state *state, double *range_frac,
                                                   unsigned n_threads, mc_error *err);

MC_END_DECLS

#endif
