/* base/check.h - questions about numbers that every stage asks at its door. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_BASE_CHECK_H
#define MC_BASE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* From here on a double does not hold every whole number. */
#define MC_EXACT_LIMIT 9007199254740992.0 /* 2^53 */

static inline bool mc_is_finite(double x)
{
    return x - x == 0.0;
}

static inline bool mc_is_whole(double x)
{
    return __builtin_rint(x) == x;
}

/* Every x[i] finite and low <= x[i] <= high, or MC_ERR_NOT_FINITE or MC_ERR_DOMAIN with the
 * first row at fault and `name` in the message. `strict_low`: low itself is not legal. */
mc_status mc_check_column(const double *x, size_t n, double low, bool strict_low, double high,
                          const char *name, mc_error *err);

#endif
