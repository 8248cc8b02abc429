/* sweep/exact.h - is every sum over an account a whole number below 2^53? */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_SWEEP_EXACT_H
#define MC_SWEEP_EXACT_H

#include <stddef.h>

#include "base/check.h"

/* A sum of products of whole numbers, none negative, says itself whether it is below 2^53: until
 * it gets there every step is exact, and no rounding takes it back below a power of two. */
static inline bool mc_sum_is_exact(double sum)
{
    return sum < MC_EXACT_LIMIT;
}

static inline mc_status mc_exactness_error(size_t account, double bound, mc_error *err)
{
    return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)account,
                   "account %zu may reach %.3g quanta, past the 2^53 up to which sums are exact: "
                   "use a coarser quantum", account, bound);
}

#endif
