/* kernels/reprice.h - what the repricing kernel is given: worlds, and instruments to put there. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_REPRICE_H
#define MC_KERNELS_REPRICE_H

#include <margin_core/instrument.h>
#include <margin_core/market.h>

/* Every scenario as each term sees it, [n_terms * n_scenarios] each, nothing left NULL but
 * years_ratio, skew_slope, event and numeraire. */
typedef struct mc_worlds {
    size_t n_scenarios;
    const double *spot;        /* S'/S                                                */
    const double *forward;     /* F'/F                                                */
    const double *vol_scale;
    const double *vol_shift;
    const double *vol_floor;
    const double *skew_slope;  /* NULL: no scenario has skew                          */
    const double *skew_cap;
    const double *root_years;  /* sqrt(T')                                            */
    const double *years_ratio; /* T'/T, for the discount; NULL: nothing ages          */
    const double *weight;
    const double *event;       /* [n_factors * n_scenarios] 1 + move; NULL: no events */
    const double *numeraire;   /* [n_scenarios] its value in USD; NULL: USD itself    */
} mc_worlds;

typedef struct mc_reprice {
    const mc_instruments *instruments;
    const mc_market *market;
    const mc_worlds *worlds;
    const double *base;  /* [n] value in the numeraire that P&L is counted from */
    const double *scale; /* [n] P&L of 1.0 coin into cells                      */
    int rounded;         /* cells to whole numbers                              */
    size_t stride;       /* of `cells`                                          */
    double *cells;       /* [n * stride]                                        */
} mc_reprice;

#endif
