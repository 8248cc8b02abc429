/* base/check.h - what every stage asks of a number. */
/* SPDX-License-Identifier: Apache-2.0 */
#ifndef MC_BASE_CHECK_H
#define MC_BASE_CHECK_H

#include <stdbool.h>

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

#endif
