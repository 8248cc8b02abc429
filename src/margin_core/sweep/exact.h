/* sweep/exact.h - is every sum over an account a whole number below 2^53? */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_SWEEP_EXACT_H
#define MC_SWEEP_EXACT_H

#include <stddef.h>

#include "base/check.h"

/* Sums of up to 2^31 doubles, each rounded to nearest, fall short by less than this factor. */
#define MC_SUM_SLACK (1.0 + 0x1p-20)

static inline mc_status mc_exactness_error(size_t account, double bound, mc_error *err)
{
    return mc_fail(err, MC_ERR_EXACTNESS, (int64_t)account,
                   "account %zu may reach %.3g quanta, past the 2^53 up to which sums are exact: "
                   "use a coarser quantum", account, bound);
}

#endif
