/* kernels/reprice.h - what the repricing kernel is given: worlds, and instruments to put there. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_KERNELS_REPRICE_H
#define MC_KERNELS_REPRICE_H

#include <stdbool.h>

#include <margin_core/instrument.h>
#include <margin_core/market.h>

enum { MC_REPRICE_MOST = 128 };

/* Every scenario as each term sees it, but for the base, whose cells are 0 by definition. A term
 * has `stride` lanes, [n_terms * stride] a column; nothing is NULL but years_ratio, skew_slope,
 * event and numeraire. */
typedef struct mc_worlds {
    size_t n_moves;            /* scenarios but the base                                  */
    size_t stride;             /* n_moves rounded up to whole lanes; the rest moves nothing */
    size_t base;               /* the scenario left out: before it, move k is scenario k  */
    const double *forward;     /* F'/F                                                    */
    const double *log_forward; /* ln(F'/F)                                                */
    const double *coins;       /* S'/S over F'/F: 1 USD at the forward, in coins          */
    const double *vol_scale;
    const double *vol_shift;
    const double *vol_floor;
    const double *skew_slope;  /* NULL: no scenario has skew                              */
    const double *skew_cap;
    const double *root_years;  /* sqrt(T')                                                */
    const double *years_ratio; /* T'/T, for the discount; NULL: nothing ages              */
    const double *weight;
    const double *event;       /* [n_factors * stride] 1 + move; NULL: no events          */
    const double *numeraire;   /* [stride] its value in USD; NULL: USD itself             */
} mc_worlds;

typedef struct mc_reprice {
    const mc_instruments *instruments;
    const mc_market *market;
    const mc_worlds *worlds;
    const double *base;  /* [n] value in the numeraire that P&L is counted from        */
    const double *scale; /* [n] P&L of 1.0 coin into cells                             */
    bool rounded;        /* cells to whole numbers                                     */
    size_t stride;       /* of `cells`                                                 */
    double *cells;       /* [n * stride], the base in its place, padded with column 0  */
    int32_t *moves;      /* [n * worlds->stride] the same without the base, limited to 31 bits;
                          * padded with the first; NULL: not wanted                    */
    double *largest;     /* [n / MC_REPRICE_MOST, rounded up] |cell| over so many instruments;
                          * infinity where a cell is not a number                      */
} mc_reprice;

#endif
