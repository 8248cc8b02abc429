/* kernels/dynamics.h - what the estimators of volatility and the thresholds are given. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_DYNAMICS_H
#define MC_KERNELS_DYNAMICS_H

#include <margin_core/threshold.h>
#include <margin_core/volatility.h>

/* Series are taken so many at a time: what a bar needs of them stays in L1. */
enum { MC_VOL_CHUNK = 64, MC_VOL_MOST_TERMS = 7 };

/* Rows of a state's memory, [n_series] each; the window's ring of rows follows. */
enum {
    MC_VOL_LAST,     /* close; 0 before the first                         */
    MC_VOL_ELAPSED,  /* intervals since then                              */
    MC_VOL_RETURNS,  /* how many there were                               */
    MC_VOL_PREVIOUS, /* |r| / sqrt(k) of the last one                     */
    MC_VOL_SUMS,     /* of the block so far; EWMA: variance, weight, decay, count    */
};

typedef struct mc_vol_job {
    const mc_bars *bars;
    double *memory;
    size_t window;
    size_t slot;      /* of the first bar in its block */
    double decay;     /* EWMA: a weight's, per interval */
    double per_year;  /* intervals */
    double least;
    double *vol;      /* may be NULL */
    uint8_t *ready;   /* may be NULL */
    mc_vol_kind kind;
} mc_vol_job;

/* Sums that a window keeps. */
static inline size_t mc_vol_terms(mc_vol_kind kind)
{
    switch (kind) {
    case MC_VOL_EWMA:
    case MC_VOL_CLOSE:           return 4;
    case MC_VOL_REALISED:        return 3;
    case MC_VOL_PARKINSON:
    case MC_VOL_GARMAN_KLASS:
    case MC_VOL_ROGERS_SATCHELL:
    case MC_VOL_BIPOWER:         return 2;
    case MC_VOL_YANG_ZHANG:      return 7;
    case MC_VOL_KIND_END:        break;
    }
    return 0;
}

typedef struct mc_threshold_job {
    const mc_threshold_model *model;
    const mc_prices *prices;
    mc_threshold_state *state;
    double *range_frac; /* may be NULL */
} mc_threshold_job;

#endif
