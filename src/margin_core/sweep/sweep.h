/* sweep/sweep.h - what a sweep checks and needs, for whoever margins accounts of its own making. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_SWEEP_SWEEP_H
#define MC_SWEEP_SWEEP_H

#include "kernels/kernels.h"

/* Are both there, of the same instruments, and the book in whole lots? */
mc_status mc_sweep_fits(const mc_margin *m, const mc_book *book, mc_error *err);

/* Are the exposures in range? */
mc_status mc_sweep_exposures(const mc_margin *m, const mc_book *book, const int64_t *market,
                             const int64_t *owners, mc_error *err);

/* Are the sums of these accounts below 2^53? */
mc_status mc_sweep_is_exact(const mc_margin *m, const mc_book *book, size_t first, size_t count,
                            mc_error *err);

/* All threads' scratch and the market's impact rates, in one piece of memory for mc_free; NULL where
 * there is none. */
void *mc_sweep_allocate(const mc_margin *m, unsigned threads, const int64_t *market,
                        mc_sweep_scratch **scratch, int64_t **market_rate);

#endif
